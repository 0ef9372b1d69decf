/*
 * Whatever is asked, in whatever form, nobody sees more than is theirs: random questions by every asker, each
 * row of whose answers is held against who had a part in it.
 */
#include <criterion/criterion.h>

#include "fake_store.h"
#include "store/store.h"
#include "store_city.h"

TestSuite(store_scope, .timeout = 120);

enum { ROUNDS = 1500, OUTSIDERS = 3 };

static uint64_t seed = 19490101;

static size_t any(size_t below)
{
	return seed_next(&seed, below);
}

static const enum device sides[] = {GENERATOR, OTHER_GENERATOR, HAULER, OTHER_HAULER, FACILITY};
static const char *const areas[] = {"210106", "210112", "210114", "210181", "210100", "220000"};

static const uint64_t numbers[] = {NUMBER(1),  NUMBER(2),  NUMBER(8),           NUMBER(9),
				   NUMBER(10), NUMBER(11), NUMBER(OTHER_BLOCK), NUMBER(500)};

struct who {
	struct scope scope;
	const enum device *device; /* NULL: no party */
	const char *area;
};

static struct who anyone(void)
{
	size_t i = any(ARRAY_LEN(sides) + ARRAY_LEN(areas) + OUTSIDERS);

	if (i < ARRAY_LEN(sides))
		return (struct who){own(sides[i]), &sides[i], NULL};
	i -= ARRAY_LEN(sides);
	if (i < ARRAY_LEN(areas))
		return (struct who){area(areas[i]), NULL, areas[i]};
	i -= ARRAY_LEN(areas);
	if (i == 0)
		return (struct who){everything, NULL, NULL};
	struct scope stranger = {.party = 9999}, nobody = {0};
	return (struct who){i == 1 ? stranger : nobody, NULL, ""};
}

static bool within(const char *division, const char *area)
{
	size_t n = 6;

	while (n > 2 && area[n - 1] == '0' && area[n - 2] == '0')
		n -= 2;
	return strncmp(division, area, n) == 0;
}

/* From the city's story alone. */
static bool may_see(const struct who *w, uint64_t number)
{
	bool other = number == NUMBER(OTHER_BLOCK);

	if (w->scope.all)
		return true;
	if (w->device == NULL)
		return w->area != NULL && w->area[0] != '\0' &&
		       (within(other ? "210112" : "210106", w->area) || within("210114", w->area));
	switch (*w->device) {
	case GENERATOR: return !other;
	case OTHER_GENERATOR: return other;
	case OTHER_HAULER: return number == NUMBER(10);
	default: return true;
	}
}

static void any_conditions(struct query *q, uint64_t list[8])
{
	if (any(3) == 0)
		q->party = world_party(sides[any(ARRAY_LEN(sides))]);
	if (any(5) == 0)
		q->party.site = 0;
	if (any(3) == 0)
		q->plate = span_str(any(2) == 0 ? PLATE : OTHER_PLATE);
	if (any(4) == 0)
		q->waste_code = span_str(world_manifest(world, NUMBER(1))->lines[0].code);
	if (any(4) == 0)
		q->division = span_str(areas[any(ARRAY_LEN(areas))]);
	if (any(4) == 0)
		q->state = any(2) == 0 ? STATE_CLOSED : STATE_ISSUED;
	if (any(4) == 0)
		q->open_only = true;
	if (any(5) == 0)
		q->from = any(2) == 0 ? INT64_MIN : world->now - (micros)any(90) * 86400 * MICROS_PER_SECOND;
	if (any(5) == 0)
		q->until = any(2) == 0 ? INT64_MAX : world->now - (micros)any(90) * 86400 * MICROS_PER_SECOND;
	if (any(4) == 0)
		q->after = any(2) == 0 ? UINT64_MAX - any(3) : numbers[any(ARRAY_LEN(numbers))];
	if (any(3) == 0)
		q->limit = (uint32_t)any(5);
	if (any(3) != 0)
		return;
	q->numbers_n = 1 + any(q->kind == QUERY_FLAGS ? 1 : 8);
	for (size_t i = 0; i < q->numbers_n; i++)
		list[i] = any(6) == 0 ? UINT64_MAX - any(3) : numbers[any(ARRAY_LEN(numbers))];
	q->numbers = list;
}

/* The manifest of an entry; 0: none. */
static uint64_t concerns(uint64_t index)
{
	cr_assert_lt(index, world->entries_n);
	return world->entries[index].row.number;
}

static void check(const struct who *w, const struct query *q, unsigned round)
{
	struct answers a = city_run(q, &w->scope);

	for (size_t i = 0; i < a.n; i++) {
		uint64_t number = 0;
		switch (q->kind) {
		case QUERY_SEARCH: number = a.manifests[i].number; break;
		case QUERY_FLAGS: number = a.flags[i].number; break;
		case QUERY_TRAIL: number = q->numbers[0]; break;
		case QUERY_ENTRY: number = concerns(a.entries[i].index); break;
		default: break;
		}
		cr_assert(number == 0 || may_see(w, number), "round %u, kind %d: %llu is shown", round,
			  q->kind, (unsigned long long)number);
	}
	/* The cursor of a party's page is one of its own rows. */
	if (w->device != NULL && q->kind == QUERY_SEARCH && a.next != 0)
		cr_assert(may_see(w, a.next));
	if (q->kind == QUERY_SUMMARY && a.n > 0 && w->device != NULL) {
		struct party_ref mine = world_party(*w->device);
		cr_assert(party_ref_eq(&a.summary->party.ref, &mine));
	}
	if (q->kind == QUERY_BLOCKS && w->device != NULL)
		for (size_t i = 0; i < a.n; i++)
			cr_assert(*w->device == GENERATOR || *w->device == OTHER_GENERATOR);
}

Test(store_scope, no_question_shows_what_is_not_the_askers, .init = city_begin, .fini = city_end)
{
	static const enum query_kind kinds[] = {QUERY_SEARCH,  QUERY_SEARCH, QUERY_FLAGS, QUERY_TRAIL,
						QUERY_SUMMARY, QUERY_ENTRY,  QUERY_BLOCKS};

	for (unsigned round = 0; round < ROUNDS; round++) {
		uint64_t list[8];
		struct query q = {.kind = kinds[any(ARRAY_LEN(kinds))]};
		struct who w = anyone();
		if (q.kind == QUERY_SEARCH || q.kind == QUERY_FLAGS) {
			any_conditions(&q, list);
		} else if (q.kind == QUERY_TRAIL) {
			list[0] = numbers[any(ARRAY_LEN(numbers))];
			q.numbers = list;
			q.numbers_n = 1;
			q.after = any(4) == 0 ? UINT64_MAX : any(3);
		} else if (q.kind == QUERY_SUMMARY) {
			q.party = world_party(sides[any(ARRAY_LEN(sides))]);
		} else if (q.kind == QUERY_ENTRY) {
			q.index = any(10) == 0 ? UINT64_MAX - any(2) : any(world->entries_n + 2);
		}
		check(&w, &q, round);
		arena_reset(arena);
	}
}

/* What the log says of a manifest's trail with the keys is nothing of other manifests. */
Test(store_scope, a_trail_with_its_keys_shows_no_other_manifest, .init = city_begin, .fini = city_end)
{
	for (size_t k = 0; k < ARRAY_LEN(numbers); k++) {
		struct query q = {.kind = QUERY_TRAIL, .numbers = &numbers[k], .numbers_n = 1, .keys = true};
		struct answers a = city_run(&q, &everything);
		for (size_t i = 0; i < a.n; i++) {
			uint64_t of = concerns(a.entries[i].index);
			cr_assert(of == 0 || of == numbers[k]);
		}
	}
}
