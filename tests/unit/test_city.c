/* clients/city: the people, wastes and stories of the demo are such that the law's own code takes them. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/map.h"
#include "city/report.h"
#include "city/stories.h"
#include "core/civil.h"
#include "core/credit_code.h"
#include "fixture.h"

#define TUESDAY INT64_C(1781596800000000) /* 2026-06-16 16:00 in Shenyang */
#define SUNDAY  INT64_C(1782028800000000) /* 2026-06-21 16:00 */

/* Whole days at which a city may be told: the year's turn, festivals, beyond the calendar, a leap day. */
static const char *const days[] = {"2026-01-01", "2026-02-20", "2026-06-16", "2026-10-05",
				   "2027-01-02", "2028-02-29", "2031-12-31"};

struct told {
	struct world *world;
	struct registry *registry;
	struct city *city;
};

static micros morning(const char *day)
{
	struct civil_date date = {0};

	cr_assert_eq(sscanf(day, "%d-%d-%d", &date.year, &date.month, &date.day), 3);
	return civil_day_start(civil_day_from_date(date)) + 8 * HOUR;
}

/* A log that has begun: genesis and the reference data. */
static void begin_log(struct told *t, micros at)
{
	struct event e = {.kind = EVENT_GENESIS, .occurred_at = at};

	e.genesis = (struct genesis){
	    .origin = span_str("city.example"),
	    .city = span_str("210100"),
	    .server_key = t->world->devices[SERVER].public,
	    .log_key = t->world->devices[NEW_DEVICE].public,
	    .authority = world_party(REGISTRAR),
	    .authority_name = span_str("局"),
	    .registrar_key = t->world->devices[REGISTRAR].public,
	    .recovery_key = t->world->devices[RECOVERY].public,
	    .rules_version = 1,
	};
	cr_assert(registry_apply(t->registry, &e, 0, at));
	for (size_t i = 0; i < CITY_FILES; i++) {
		e = world_reference(t->world, i);
		e.occurred_at = at;
		cr_assert(registry_apply(t->registry, &e, 1 + i, at));
	}
}

static struct told tell(uint64_t seed, micros now, unsigned manifests)
{
	struct told t = {.world = world_empty()};
	char error[256];

	t.registry = world_fresh_registry(t.world);
	cr_assert(city_new(seed, now, "schema", &t.world->devices[REGISTRAR].secret, &t.city, error), "%s",
		  error);
	begin_log(&t, now - 1000 * MINUTE);
	city_register(t.city);
	city_live(t.city, manifests);
	return t;
}

static void forget(struct told *t)
{
	city_free(t->city);
	registry_free(t->registry);
	world_free(t->world);
}

/* What signing would fill in. */
static void number_signers(struct step *s, uint64_t number)
{
	s->event.signers_n = s->signers_n;
	for (size_t i = 0; i < s->signers_n; i++)
		s->event.signers[i] = (struct signer){.keyid = s->signers[i]->keyid, .number = number};
	s->event.id = digest_of(span_of(&number, sizeof(number)));
}

static void register_all(struct told *t)
{
	for (size_t i = 0; i < t->city->registry.n; i++) {
		struct step *s = t->city->registry.items[i];
		struct problems problems = {.arena = t->world->arena};
		number_signers(s, i + 1);
		rules_check(t->registry, &s->event, &problems);
		signers_check(t->registry, &s->event, &problems);
		registry_judge(t->registry, &s->event, &problems);
		cr_assert(!problems_any(&problems), "%zu: %s", i, world_problems(t->world, &problems));
		cr_assert(registry_apply(t->registry, &s->event, 5 + i, t->city->now));
	}
}

Test(city, tables)
{
	char error[256];
	struct world *w = world_empty();
	struct city *c = NULL;
	unsigned generators = 0, share = 0;

	cr_assert(city_new(1, TUESDAY, "schema", &w->devices[REGISTRAR].secret, &c, error), "%s", error);
	const struct waste_list *list = reference_waste_list(c->reference, span_str("2021"));
	cr_assert_not_null(list);
	for (size_t i = 0; i < INDUSTRIES; i++) {
		generators += industries[i].generators;
		for (size_t k = 0; k < industry_streams(&industries[i]); k++) {
			const struct stream *s = &industries[i].streams[k];
			size_t takers = 0;
			cr_expect_not_null(waste_list_find(list, span_str(s->code)), "%s", s->code);
			cr_expect(s->least_kg > 0 && s->least_kg <= s->most_kg && s->each_kg > 0, "%s",
				  s->code);
			for (size_t p = 0; p < PLANTS; p++)
				takers += plant_method(&plants[p], s->code) != NULL;
			cr_expect_gt(takers, 0, "nobody takes %s", s->code);
		}
	}
	for (size_t i = 0; i < PLANTS; i++) {
		cr_expect_not_null(reference_division(c->reference, span_str(plants[i].division)));
		for (size_t k = 0; k < PLANT_WASTES_MAX && plants[i].wastes[k].waste != NULL; k++) {
			const struct plant_waste *pw = &plants[i].wastes[k];
			cr_expect(reference_permit_code_known(c->reference, span_str(pw->waste)), "%s",
				  pw->waste);
			cr_expect_not_null(reference_method(c->reference, span_str(pw->method)), "%s",
					   pw->method);
		}
	}
	for (size_t i = 0; i < DISTRICTS; i++) {
		const struct division *d = reference_division(c->reference, span_str(districts[i].code));
		cr_assert_not_null(d);
		cr_expect(span_eq_str(d->name, districts[i].zh), "%s", districts[i].zh);
		share += districts[i].share;
	}
	cr_expect_eq(generators, GENERATORS);
	cr_expect_eq(share, 100);
	city_free(c);
	world_free(w);
}

static void expect_own(struct map *refs, struct map *names, struct map *keys, struct actor *actors, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct actor *a = &actors[i];
		struct span ref = span_str(a->ref.credit_code);
		cr_expect_eq(credit_code_check(ref), CREDIT_CODE_GOOD, "%s", a->ref.credit_code);
		cr_expect_null(map_get(refs, ref), "%s twice", a->ref.credit_code);
		cr_expect_null(map_get(names, span_str(a->name)), "%s twice", a->name);
		cr_assert(map_put(refs, ref, a) && map_put(names, span_str(a->name), a));
		for (size_t k = 0; k < a->devices_n; k++) {
			cr_expect_null(map_get(keys, digest_span(&a->devices[k].keyid)));
			cr_assert(map_put(keys, digest_span(&a->devices[k].keyid), a));
		}
	}
}

Test(city, everybody_is_somebody)
{
	struct map refs = {0}, names = {0}, keys = {0}, plates = {0};
	struct told t = tell(7, TUESDAY, 1);

	expect_own(&refs, &names, &keys, t.city->generators, GENERATORS);
	expect_own(&refs, &names, &keys, t.city->transporters, TRANSPORTERS);
	expect_own(&refs, &names, &keys, t.city->plants, PLANTS);
	expect_own(&refs, &names, &keys, t.city->offices, OFFICES);
	for (size_t i = 0; i < t.city->vehicles_n; i++) {
		struct span plate = span_str(t.city->vehicles[i].plate);
		cr_expect_null(map_get(&plates, plate), "%s twice", t.city->vehicles[i].plate);
		cr_assert(map_put(&plates, plate, &t.city->vehicles[i]));
	}
	map_free(&refs);
	map_free(&names);
	map_free(&keys);
	map_free(&plates);
	forget(&t);
}

/* Lives the load by the law: what is to be accepted is, and it ends as the law says. */
static void live_by_law(struct told *t, const struct load *l, uint64_t *ids, struct map *numbers)
{
	struct manifest *m = world_take(t->world, sizeof(*m));

	for (size_t i = 0; i < l->steps_n; i++) {
		struct step *s = l->steps[i];
		struct problems problems = {.arena = t->world->arena};
		number_signers(s, ++*ids);
		rules_check(t->registry, &s->event, &problems);
		bool broken = problems_any(&problems);
		if (s->expected != REFUSAL_NONE) {
			cr_expect_eq(broken, s->rule != NULL && strcmp(s->rule, "waste.code.unknown") == 0,
				     "%s: %s", l->story->id, world_problems(t->world, &problems));
			continue;
		}
		signers_check(t->registry, &s->event, &problems);
		cr_expect(!problems_any(&problems), "%s: %s", l->story->id,
			  world_problems(t->world, &problems));
		cr_expect_leq(s->signed_at, t->city->now);
		cr_expect_leq(s->bring_at, t->city->now);
		if (s->event.kind == EVENT_ISSUED) {
			cr_expect_null(map_get(numbers, span_of(&s->event.number, 8)), "%s", l->story->id);
			cr_assert(map_put(numbers, span_of(&s->event.number, 8), s));
		}
		if (!event_is_custody(s->event.kind))
			continue;
		micros at = s->event.occurred_at > m->effective_at ? s->event.occurred_at : m->effective_at;
		cr_expect(manifest_apply(m, &s->event, t->registry, at, t->city->now, &problems),
			  "%s, %s: %s", l->story->id, event_kind_name(s->event.kind),
			  world_problems(t->world, &problems));
	}
}

Test(city, lives_by_the_law)
{
	for (size_t d = 0; d < ARRAY_LEN(days); d++) {
		struct told t = tell(2101 + d, morning(days[d]), 400);
		struct map numbers = {0};
		uint64_t ids = 100000;
		uint32_t flags = 0;

		register_all(&t);
		cr_assert_not_null(t.city->hero);
		cr_expect_geq(t.city->loads_n, 400, "%s", days[d]);
		for (size_t i = 0; i < t.city->loads_n; i++) {
			live_by_law(&t, t.city->loads[i], &ids, &numbers);
			flags |= t.city->loads[i]->story->flags;
		}
		/* All kinds of flags but a gap, which takes days to show. */
		cr_expect_eq(flags, ((UINT32_C(1) << FLAG_KINDS) - 2) & ~(UINT32_C(1) << FLAG_NUMBER_GAP));
		map_free(&numbers);
		forget(&t);
	}
}

Test(city, a_day_can_be_repeated)
{
	struct told a = tell(42, TUESDAY, 100), b = tell(42, TUESDAY, 100), other = tell(43, TUESDAY, 100);
	bool same = true;

	cr_assert_eq(a.city->steps.n, b.city->steps.n);
	for (size_t i = 0; i < a.city->steps.n; i++) {
		const struct step *x = a.city->steps.items[i];
		const struct step *y = b.city->steps.items[i];
		cr_expect_eq(x->event.kind, y->event.kind);
		cr_expect_eq(x->event.number, y->event.number);
		cr_expect_eq(x->event.occurred_at, y->event.occurred_at);
		cr_expect_eq(x->bring_at, y->bring_at);
		cr_expect(digest_eq(&x->signers[0]->keyid, &y->signers[0]->keyid));
		same &= i < other.city->steps.n &&
			x->event.occurred_at == other.city->steps.items[i]->event.occurred_at;
	}
	cr_expect(!same);
	forget(&a);
	forget(&b);
	forget(&other);
}

static unsigned day_workers(const struct city *c)
{
	unsigned n = 0;

	for (size_t i = 0; i < c->loads_n; i++)
		n += c->loads[i]->story == &stories[0] && !c->loads[i]->generator->industry->every_day;
	return n;
}

Test(city, rests_on_sundays)
{
	struct told working = tell(5, TUESDAY, 600), resting = tell(5, SUNDAY, 600);

	cr_expect_lt(2 * day_workers(resting.city), day_workers(working.city));
	forget(&working);
	forget(&resting);
}

Test(city, chains_are_signed_before_they_are_continued)
{
	struct told t = tell(11, TUESDAY, 300);

	for (size_t i = 0; i < t.city->steps.n; i++) {
		const struct step *s = t.city->steps.items[i];
		if (s->previous != NULL) {
			cr_expect(s->previous->signed_at < s->signed_at ||
				  (s->previous->signed_at == s->signed_at && s->previous->made < s->made));
			cr_expect_leq(s->signed_at, s->bring_at);
		}
		cr_expect(!s->courier->revoked || s->courier == s->signers[0]);
	}
	forget(&t);
}

Test(city, dice)
{
	struct dice d = dice_of(1), same = dice_of(1);
	unsigned seen[6] = {0};

	for (int i = 0; i < 6000; i++) {
		int64_t v = dice_between(&d, -2, 3);
		cr_assert(v >= -2 && v <= 3);
		seen[v + 2]++;
		cr_expect_eq(v, dice_between(&same, -2, 3));
	}
	for (size_t i = 0; i < ARRAY_LEN(seen); i++)
		cr_expect(seen[i] > 850 && seen[i] < 1150, "%u", seen[i]);
}

Test(city, tally)
{
	struct tally t = {0};

	cr_expect_eq(tally_percentile(&t, 500), 0);
	for (int64_t i = 1000; i > 0; i--)
		tally_latency(&t, i);
	cr_expect_eq(tally_percentile(&t, 500), 500);
	cr_expect_eq(tally_percentile(&t, 990), 990);
	cr_expect_eq(tally_percentile(&t, 1000), 1000);
	tally_free(&t);
}

Test(city, words)
{
	char text[32];

	cr_expect_eq(text_columns("沈阳 a"), 6);
	cr_expect_eq(text_columns("— █"), 3);
	cr_expect_eq(text_columns(""), 0);
	cr_expect_str_eq(clock_text(TUESDAY, text), "2026-06-16 16:00");
	cr_expect_str_eq(span_text(50 * HOUR, text), "2 d");
	cr_expect_str_eq(span_text(47 * HOUR, text), "47 h");
	cr_expect_str_eq(span_text(59 * MINUTE, text), "59 min");
}

/* What is printed while `print` runs; to be freed. */
static char *printed(struct report *r, void (*print)(struct report *r))
{
	FILE *file = tmpfile();
	char *text = NULL;
	size_t size = 0;
	(void)fflush(stdout);
	int was = dup(STDOUT_FILENO);

	cr_assert(file != NULL && was >= 0 && dup2(fileno(file), STDOUT_FILENO) >= 0);
	print(r);
	(void)fflush(stdout);
	cr_assert(dup2(was, STDOUT_FILENO) >= 0);
	(void)close(was);
	rewind(file);
	cr_assert(getdelim(&text, &size, '\0', file) > 0);
	(void)fclose(file);
	return text;
}

static void print_json(struct report *r)
{
	cr_expect(report_json(r));
}

Test(city, a_report_tells_flags_in_chinese_too)
{
	struct told t = tell(1, TUESDAY, 50);
	const uint64_t number = t.city->hero->number;
	struct tally tally = {.ended = MICROS_PER_SECOND};
	struct line_view line = {.code = span_str("900-214-08")};
	struct seen_flag flag = {.kind = FLAG_OVERDUE,
				 .number = number,
				 .detail = "not delivered by 2026-06-16 08:00",
				 .open = true};
	struct seen_manifest manifest = {.number = number, .plate = "", .lines = &line, .lines_n = 1};
	struct trail_entry entry = {
	    .event = {.kind = EVENT_FLAG_RAISED,
		      .flag_raised = {.kind = FLAG_OVERDUE, .detail = span_str(flag.detail)}}};
	struct report r = {.city = t.city,
			   .registry = &tally,
			   .day = &tally,
			   .flags = {.items = &flag, .n = 1},
			   .manifests = {.items = &manifest, .n = 1},
			   .trail = {.items = &entry, .n = 1}};

	char *text = printed(&r, report_print);
	cr_expect_not_null(strstr(text, "逾期未运抵，期限 2026-06-16 08:00"), "%s", text);
	cr_expect_null(strstr(text, flag.detail));
	free(text);
	text = printed(&r, print_json);
	cr_expect_not_null(strstr(text, "\"detail\": \"not delivered by 2026-06-16 08:00\""), "%s", text);
	cr_expect_not_null(strstr(text, "\"detail_zh\": \"逾期未运抵，期限 2026-06-16 08:00\""));
	free(text);
	forget(&t);
}
