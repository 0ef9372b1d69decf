/* Owns who ships what when: the lives of all loads of a day, and of those that are stuck. */
#include "city/stories.h"

/* How busy an hour of the day is, of 100. */
static bool is_busy(struct city *c, const struct industry *industry, micros at)
{
	static const uint8_t working[24] = {2,  2,  2,  2,  2,  3,  8,  25, 70, 100, 100, 60,
					    30, 80, 95, 80, 55, 25, 10, 6,  4,  3,   2,   2};
	static const uint8_t around_the_clock[24] = {10, 10, 10, 10, 15, 40, 80, 90, 70, 60, 50, 40,
						     30, 40, 40, 40, 35, 25, 20, 15, 12, 10, 10, 10};
	civil_day day = civil_day_of(at);
	size_t hour = (size_t)((at - civil_day_start(day)) / HOUR);

	if (industry->every_day)
		return dice_chance(&c->dice, around_the_clock[hour]);
	bool works = calendar_is_working_day(reference_calendar(c->reference), day);
	return dice_chance(&c->dice, working[hour]) && (works || dice_chance(&c->dice, 15));
}

static void draw_time(struct city *c, struct load *l)
{
	l->generator = &c->generators[dice_below(&c->dice, GENERATORS)];
	if (l->story->when == TODAY) {
		micros at = c->now - dice_between(&c->dice, 30 * MINUTE, DAY - MINUTE);
		while (!is_busy(c, l->generator->industry, at)) {
			l->generator = &c->generators[dice_below(&c->dice, GENERATORS)];
			at = c->now - dice_between(&c->dice, 30 * MINUTE, DAY - MINUTE);
		}
		l->issued_at = at;
	} else {
		l->issued_at = c->now - dice_between(&c->dice, 19 * HOUR, 23 * HOUR);
	}
}

static void draw_cargo(struct city *c, struct load *l)
{
	const struct industry *industry = l->generator->industry;
	uint32_t n = (uint32_t)industry_streams(industry);
	uint32_t first = dice_below(&c->dice, n);
	int64_t kg = 0;

	do
		l->facility = &c->plants[dice_below(&c->dice, PLANTS)];
	while (plant_method(l->facility->plant, industry->streams[first].code) == NULL);
	l->permit = l->facility->plant->permit;
	for (uint32_t i = 0; i < n && l->lines_n < LOAD_LINES_MAX; i++) {
		const struct stream *stream = &industry->streams[(first + i) % n];
		if (plant_method(l->facility->plant, stream->code) == NULL || kg + stream->most_kg > 30000 ||
		    (i > 0 && !dice_chance(&c->dice, 30)))
			continue;
		load_carry(c, l, l->lines_n++, stream);
		kg += stream->most_kg;
	}
}

static void live(struct city *c, const struct story *story)
{
	struct load *l = city_take(c, sizeof(*l));

	l->story = story;
	draw_time(c, l);
	draw_cargo(c, l);
	load_draw_vehicle(c, l);
	l->signal = story->signal;
	if (story->count == 0 && dice_chance(&c->dice, 42))
		l->signal = dice_chance(&c->dice, 60) ? BY_VEHICLE : BY_FACILITY;
	if (story->when != LONG_AGO)
		load_begin(c, l, l->issued_at);
	story->live(c, l);
	load_bring(c, l);
	c->loads[c->loads_n++] = l;
}

void city_live(struct city *c, unsigned manifests)
{
	unsigned left = manifests;

	c->loads = city_take(c, (manifests + 10 * stories_n) * sizeof(struct load *));
	for (size_t i = 0; i < stories_n; i++) {
		unsigned n = (stories[i].count * manifests + 1250) / 2500;
		if (stories[i].count > 0 && n == 0)
			n = 1;
		/* A key is revoked once. */
		if (strcmp(stories[i].id, "keylost") == 0 && n > RESERVED)
			n = RESERVED;
		left -= n < left ? n : left;
		while (n-- > 0)
			live(c, &stories[i]);
	}
	while (left-- > 0)
		live(c, &stories[0]);
}
