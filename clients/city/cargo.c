/* Owns what a load is made of: its number, its wastes, its vehicle. */
#include <stdlib.h>

#include "city/stories.h"

void load_begin(struct city *c, struct load *l, micros at)
{
	l->at = l->issued_at = at;
	l->number = city_number(c, l->generator, at);
}

/* The last day on which a clock of so many working days that began then has run out, and up to `more` days
 * before.
 */
micros load_long_ago(struct city *c, unsigned working_days, unsigned more)
{
	const struct calendar *calendar = reference_calendar(c->reference);
	civil_day day = civil_day_of(c->now);

	while (deadline_working_days(calendar, civil_day_start(day), working_days).due > c->now - HOUR)
		day--;
	return civil_day_start(day - (civil_day)dice_below(&c->dice, more + 1)) + 9 * HOUR;
}

void load_carry(struct city *c, struct load *l, size_t i, const struct stream *stream)
{
	int64_t kg = dice_between(&c->dice, stream->least_kg, stream->most_kg);

	l->streams[i] = stream;
	l->methods[i] = plant_method(l->facility->plant, stream->code);
	l->lines[i] = (struct line_quantity){
	    .line = (uint32_t)i + 1,
	    .grams = kg * 1000 + dice_between(&c->dice, 0, 9) * 100,
	    .containers = (uint32_t)((kg + stream->each_kg - 1) / stream->each_kg),
	};
}

void load_draw_vehicle(struct city *c, struct load *l)
{
	int64_t grams = 0;

	for (size_t i = 0; i < l->lines_n; i++)
		grams += l->lines[i].grams;
	do
		l->vehicle =
		    &c->vehicles[RESERVED + dice_below(&c->dice, (uint32_t)(c->vehicles_n - RESERVED))];
	while (l->vehicle->capacity_grams < grams && l->vehicle->capacity_grams < 32000000);
}

/* One line of a waste in the first industry that has it, to the plant. */
void load_only(struct city *c, struct load *l, const char *code, size_t plant)
{
	for (size_t i = 0; i < INDUSTRIES; i++)
		for (size_t k = 0; k < industry_streams(&industries[i]); k++) {
			if (strcmp(industries[i].streams[k].code, code) != 0)
				continue;
			do
				l->generator = &c->generators[dice_below(&c->dice, GENERATORS)];
			while (l->generator->industry != &industries[i]);
			l->facility = &c->plants[plant];
			l->permit = l->facility->plant->permit;
			l->lines_n = 1;
			load_carry(c, l, 0, &industries[i].streams[k]);
			load_draw_vehicle(c, l);
			return;
		}
	abort();
}
