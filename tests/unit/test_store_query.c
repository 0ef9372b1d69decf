/* Queries: what each finds, page by page, and what each asker may see. */
#include <criterion/criterion.h>

#include "store/store.h"
#include "store_city.h"

TestSuite(store_query, .timeout = 120);

Test(store_query, a_search_finds_by_each_condition, .init = city_begin, .fini = city_end)
{
	uint64_t list[] = {NUMBER(2), NUMBER(9), NUMBER(500)};
	struct party_ref generator = world_party(GENERATOR), other = world_party(OTHER_GENERATOR);
	struct party_ref any_site = {.site = 0}, nobody = {.site = 1};
	const struct manifest *first = world_manifest(world, NUMBER(1)),
			      *last = world_manifest(world, NUMBER(11));

	memcpy(any_site.credit_code, generator.credit_code, sizeof(any_site.credit_code));
	memcpy(nobody.credit_code, "91210106MA0P9999XX", sizeof(nobody.credit_code));
	const struct {
		struct query query;
		size_t n;
	} cases[] = {
	    {SEARCH(.limit = 0), 12},
	    {SEARCH(.numbers = list, .numbers_n = 3), 2},
	    {SEARCH(.party = generator), 11},
	    {SEARCH(.party = any_site), 11},
	    {SEARCH(.party = other), 1},
	    {SEARCH(.party = nobody), 0},
	    {SEARCH(.party = world_party(FACILITY)), 12},
	    {SEARCH(.plate = span_str(PLATE)), 12},
	    {SEARCH(.plate = span_str(OTHER_PLATE)), 1},
	    {SEARCH(.plate = span_str("辽")), 0},
	    {SEARCH(.plate = span_str("' OR true --")), 0},
	    {SEARCH(.waste_code = span_str(first->lines[0].code)), 12},
	    {SEARCH(.waste_code = span_str("900-999-99")), 0},
	    {SEARCH(.state = STATE_CLOSED), 3},
	    {SEARCH(.state = STATE_ISSUED), 9},
	    {SEARCH(.state = STATE_REFUSED), 0},
	    {SEARCH(.open_only = true), 9},
	    {SEARCH(.from = first->issued_at), 12},
	    {SEARCH(.from = first->issued_at + 1), 11},
	    {SEARCH(.until = first->issued_at), 0},
	    {SEARCH(.until = last->issued_at + 1),
	     12 - (world_manifest(world, NUMBER(OTHER_BLOCK))->issued_at > last->issued_at)},
	    {SEARCH(.from = INT64_MIN, .until = INT64_MAX), 12},
	    {SEARCH(.division = span_str("210106")), 11},
	    {SEARCH(.division = span_str("210112")), 1},
	    {SEARCH(.division = span_str("210100")), 12},
	    {SEARCH(.division = span_str("210000")), 12},
	    {SEARCH(.division = span_str("220000")), 0},
	    {SEARCH(.division = span_str("21%")), 0},
	    {SEARCH(.party = generator, .plate = span_str(OTHER_PLATE), .state = STATE_CLOSED), 1},
	    {SEARCH(.party = other, .plate = span_str(OTHER_PLATE)), 0},
	    {SEARCH(.party = generator, .waste_code = span_str(first->lines[0].code), .open_only = true), 8},
	    {SEARCH(.party = any_site, .numbers = list, .numbers_n = 2), 2},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cr_assert_eq(city_count(cases[i].query, everything), cases[i].n, "case %zu: %zu", i,
			     city_count(cases[i].query, everything));
}

Test(store_query, a_manifest_is_shown_as_it_stands, .init = city_begin, .fini = city_end)
{
	uint64_t number = NUMBER(10);
	struct query query = SEARCH(.numbers = &number, .numbers_n = 1);
	const struct manifest *m = world_manifest(world, number);
	struct answers a = city_run(&query, &everything);
	const struct party_ref parties[] = {world_party(GENERATOR), world_party(OTHER_HAULER),
					    world_party(FACILITY)};

	cr_assert_eq(a.n, 1);
	const struct manifest_view *v = a.manifests;
	cr_assert_eq(v->number, number);
	cr_assert_eq(v->state, STATE_CLOSED);
	cr_assert(party_ref_eq(&v->generator, &parties[0]));
	cr_assert(party_ref_eq(&v->transporter, &parties[1]));
	cr_assert(party_ref_eq(&v->facility, &parties[2]));
	cr_assert(span_eq_str(v->plate, OTHER_PLATE));
	cr_assert_eq(v->issued_at, m->issued_at);
	cr_assert_gt(v->changed_at, 0);
	cr_assert_eq(v->due_at, 0);
	cr_assert_not(v->cancelled);
	cr_assert_eq(v->open_flags, 0);
	cr_assert(digest_eq(&v->head, manifest_head(m)));
	cr_assert_eq(v->lines_n, 2);
	cr_assert_eq(v->lines[0].line, 1);
	cr_assert(span_eq_str(v->lines[0].code, m->lines[0].code));
	cr_assert_eq(v->lines[0].planned_grams, m->lines[0].planned.grams);
	cr_assert_eq(v->lines[0].treated_grams, m->lines[0].treated.grams);
	cr_assert_gt(v->lines[0].treated_grams, 0);

	number = NUMBER(1);
	a = city_run(&query, &everything);
	cr_assert_eq(a.manifests->open_flags, 1);
}

Test(store_query, who_asks_decides_what_is_found, .init = city_begin, .fini = city_end)
{
	struct scope stranger = {.party = 9999}, no_one = {0}, nonsense = area("2101zz");
	const struct {
		struct scope scope;
		size_t manifests;
		size_t flags;
	} cases[] = {
	    {everything, 12, 9},
	    {own(GENERATOR), 11, 8},
	    {own(OTHER_GENERATOR), 1, 1},
	    {own(HAULER), 12, 9},
	    {own(OTHER_HAULER), 1, 0},
	    /* the earlier one still sees what it had a part in */ {area("210106"), 11, 8},
	    {area("210112"), 1, 1},
	    {area("210114"), 12, 9},
	    {area("210181"), 0, 0},
	    {area("210100"), 12, 9},
	    {nonsense, 0, 0},
	    {stranger, 0, 0},
	    {no_one, 0, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t all[20];
		size_t visible = city_count(SEARCH(.limit = 0), cases[i].scope), seen = 0;
		cr_assert_eq(visible, cases[i].manifests, "case %zu: %zu manifests", i, visible);
		cr_assert_eq(city_count(FLAGS(.limit = 0), cases[i].scope), cases[i].flags,
			     "case %zu: %zu flags", i, city_count(FLAGS(.limit = 0), cases[i].scope));
		/* No condition shows more than the scope, and a trail no more than a search. */
		for (unsigned k = 0; k < 12; k++) {
			all[k] = NUMBER(k < 11 ? k + 1 : OTHER_BLOCK);
			struct query trail = {.kind = QUERY_TRAIL, .numbers = &all[k], .numbers_n = 1};
			seen += city_count(trail, cases[i].scope) > 0;
		}
		cr_assert_eq(seen, visible);
		cr_assert_leq(city_count(SEARCH(.numbers = all, .numbers_n = 12), cases[i].scope), visible);
		cr_assert_leq(city_count(SEARCH(.plate = span_str(PLATE)), cases[i].scope), visible);
		cr_assert_leq(city_count(SEARCH(.party = world_party(FACILITY)), cases[i].scope), visible);
		cr_assert_leq(city_count(SEARCH(.division = span_str("210100")), cases[i].scope), visible);
	}
}

/* Walks all pages; each row once, in descending order, however wide the page. */
static void walk(struct query query, struct scope scope, size_t total)
{
	for (uint32_t limit = 1; limit <= total + 1; limit++) {
		uint64_t last = UINT64_MAX;
		size_t n = 0, pages = 0;
		query.after = 0;
		query.limit = limit;
		do {
			struct answers a = city_run(&query, &scope);
			for (size_t i = 0; i < a.n; i++) {
				uint64_t key =
				    query.kind == QUERY_FLAGS ? a.flags[i].flag : a.manifests[i].number;
				cr_assert_lt(key, last);
				last = key;
			}
			n += a.n;
			query.after = a.next;
			cr_assert_lt(++pages, 100);
		} while (query.after != 0);
		cr_assert_eq(n, total, "limit %u", limit);
		cr_assert_eq(pages, (total + limit - 1) / limit);
	}
}

Test(store_query, pages_end_and_repeat_nothing, .init = city_begin, .fini = city_end)
{
	walk(SEARCH(.limit = 0), everything, 12);
	walk(SEARCH(.plate = span_str(PLATE)), own(GENERATOR), 11);
	walk(SEARCH(.limit = 0), own(HAULER), 12);
	walk(FLAGS(.limit = 0), everything, 9);
	walk(FLAGS(.limit = 0), own(GENERATOR), 8);
	struct query past = SEARCH(.after = 1);
	cr_assert_eq(city_count(past, everything), 0,
		     "past the end there is nothing, and not the first page again");
	past.after = UINT64_MAX;
	cr_assert_eq(city_count(past, everything), 12);
	cr_assert_eq(city_count(SEARCH(.limit = 100000), everything), 12);
}

Test(store_query, flags_by_kind_party_area_and_time, .init = city_begin, .fini = city_end)
{
	const struct stored_flag *stored = &world->flags[0];
	struct query query = FLAGS(.limit = 0);
	struct answers a = city_run(&query, &everything);
	const struct flag_view *v = &a.flags[a.n - 1];

	cr_assert_eq(v->flag, stored->row.flag);
	cr_assert_eq(v->kind, FLAG_NOT_COLLECTED);
	cr_assert_eq(v->number, stored->row.number);
	cr_assert_eq(v->raised_at, stored->row.at);
	cr_assert_eq(v->due_at, stored->row.raised->due_at);
	cr_assert_gt(v->due_at, 0);
	cr_assert(v->open);
	cr_assert(span_eq(v->detail, stored->row.raised->detail));
	cr_assert_eq(v->parties_n, stored->row.parties_n);
	cr_assert_gt(v->parties_n, 0);
	for (size_t i = 0; i < v->parties_n; i++)
		cr_assert(party_ref_eq(
		    &v->parties[i], &registry_party_no(world->registry, stored->row.parties[i])->party.ref));
	cr_assert(digest_is_zero(&v->keyid));

	uint64_t one = NUMBER(3);
	micros at = stored->row.at;
	const struct {
		struct query query;
		size_t n;
	} cases[] = {
	    {FLAGS(.flag_kinds = 1U << FLAG_NOT_COLLECTED), 9},
	    {FLAGS(.flag_kinds = 1U << FLAG_OVERDUE), 0},
	    {FLAGS(.flag_kinds = 1U << FLAG_OVERDUE | 1U << FLAG_NOT_COLLECTED), 9},
	    {FLAGS(.party = world_party(OTHER_GENERATOR)), 1},
	    {FLAGS(.party = world_party(OTHER_HAULER)), 0},
	    {FLAGS(.division = span_str("210112")), 1},
	    {FLAGS(.division = span_str("210100")), 9},
	    {FLAGS(.from = at + 1), 8},
	    {FLAGS(.until = at), 0},
	    {FLAGS(.until = at + 1), 1},
	    {FLAGS(.open_only = true), 9},
	    {FLAGS(.numbers = &one, .numbers_n = 1), 1},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cr_assert_eq(city_count(cases[i].query, everything), cases[i].n, "case %zu: %zu", i,
			     city_count(cases[i].query, everything));
}

Test(store_query, a_flag_is_marked_and_then_closed, .init = city_begin, .fini = city_end)
{
	uint64_t flag = world->flags[0].row.flag;
	struct flag_row marks[] = {
	    {.flag = flag, .at = 111, .claimed_in_time = true},
	    {.flag = flag, .at = 222, .closed_by = 77, .resolution = span_str("已核实")},
	};
	struct rows rows = {.first_index = writer.head.size, .flags = marks, .flags_n = 1};
	struct commit commit = {.from = writer.head, .to = writer.head, .rows = &rows};
	struct query query = FLAGS(.limit = 0);

	cr_assert_eq(store_port().commit(writer.conn, &commit), STORE_OK, "%s", store_error(writer.conn));
	struct answers a = city_run(&query, &everything);
	cr_assert(a.flags[a.n - 1].open && a.flags[a.n - 1].claimed_in_time);
	rows.flags = &marks[1];
	cr_assert_eq(store_port().commit(writer.conn, &commit), STORE_OK, "%s", store_error(writer.conn));
	a = city_run(&query, &everything);
	const struct flag_view *v = &a.flags[a.n - 1];
	cr_assert(!v->open && v->claimed_in_time);
	cr_assert_eq(v->closed_at, 222);
	cr_assert_eq(v->closed_by, 77);
	cr_assert(span_eq_str(v->resolution, "已核实"));
	cr_assert_eq(city_count(FLAGS(.open_only = true), everything), 8);
}

Test(store_query, a_trail_is_whole_and_in_order, .init = city_begin, .fini = city_end)
{
	uint64_t number = NUMBER(9);
	struct query query = {.kind = QUERY_TRAIL, .numbers = &number, .numbers_n = 1};
	struct answers a = city_run(&query, &everything);
	size_t n = 0;

	for (size_t i = 0; i < world->entries_n; i++) {
		if (world->entries[i].row.number != number)
			continue;
		cr_assert_lt(n, a.n);
		cr_assert_eq(a.entries[n].index, i);
		cr_assert(span_eq(a.entries[n].entry, world->entries[i].bytes));
		n++;
	}
	cr_assert_eq(n, a.n);
	cr_assert_eq(n, 5);
	cr_assert_eq(a.next, 0);
	size_t walked = 0;
	query.limit = 2;
	do {
		a = city_run(&query, &everything);
		walked += a.n;
		query.after = a.next;
	} while (a.next != 0 && walked < 100);
	cr_assert_eq(walked, 5);
}

Test(store_query, an_entry_is_shown_to_those_concerned, .init = city_begin, .fini = city_end)
{
	uint64_t custody = 0, raised = world->flags[0].row.flag, registry = world->registry_rows[1].index;

	for (size_t i = 0; i < world->entries_n; i++)
		if (world->entries[i].row.number == NUMBER(1) && world->entries[i].row.kind == EVENT_ISSUED)
			custody = i;
	const struct {
		uint64_t index;
		struct scope scope;
		bool shown;
	} cases[] = {
	    {custody, everything, true},
	    {custody, own(GENERATOR), true},
	    {custody, own(OTHER_GENERATOR), false},
	    {custody, area("210106"), true},
	    {custody, area("210181"), false},
	    {raised, own(GENERATOR), true},
	    {raised, own(OTHER_GENERATOR), false},
	    {registry, own(OTHER_GENERATOR), true},
	    {registry, area("210181"), true},
	    {registry, {.all = false}, false},
	    {world->entries_n, everything, false},
	    {UINT64_MAX, everything, false},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct query query = {.kind = QUERY_ENTRY, .index = cases[i].index};
		struct answers a = city_run(&query, &cases[i].scope);
		cr_assert_eq(a.n, cases[i].shown, "case %zu", i);
		if (a.n == 1)
			cr_assert(span_eq(a.entries[0].entry, world->entries[cases[i].index].bytes));
	}
}

Test(store_query, a_party_is_summed_up, .init = city_begin, .fini = city_end)
{
	struct query query = {.kind = QUERY_SUMMARY, .party = world_party(FACILITY)};
	const struct manifest *m = world_manifest(world, NUMBER(9));
	int64_t grams = m->lines[0].treated.grams + m->lines[1].treated.grams;
	struct answers a = city_run(&query, &everything);

	cr_assert_eq(a.n, 1);
	cr_assert_gt(grams, 0);
	cr_assert(party_ref_eq(&a.summary->party.ref, &query.party));
	cr_assert_eq(a.summary->party.roles_n, 1);
	cr_assert_eq(a.summary->party.roles[0], ROLE_FACILITY);
	cr_assert(span_eq_str(a.summary->party.division, "210114"));
	cr_assert_eq(a.summary->manifests[STATE_ISSUED], 9);
	cr_assert_eq(a.summary->manifests[STATE_CLOSED], 3);
	cr_assert_eq(a.summary->received_grams, 3 * grams);
	cr_assert_eq(a.summary->treated_grams, 3 * grams);
	cr_assert_eq(a.summary->stock_grams, 0);
	cr_assert_eq(a.summary->shipped_grams, 0);
	query.party = world_party(GENERATOR);
	a = city_run(&query, &everything);
	cr_assert_eq(a.summary->shipped_grams, 3 * grams);
	cr_assert_eq(a.summary->open_flags, 8);
	cr_assert_eq(city_count(query, own(GENERATOR)), 1);
	cr_assert_eq(city_count(query, own(FACILITY)), 0);
	cr_assert_eq(city_count(query, area("210106")), 1);
	cr_assert_eq(city_count(query, area("210181")), 0);
}

Test(store_query, blocks_and_what_was_used_of_them, .init = city_begin, .fini = city_end)
{
	struct query query = {.kind = QUERY_BLOCKS};
	struct answers a;
	struct scope generator = own(GENERATOR), other = own(OTHER_GENERATOR);

	a = city_run(&query, &generator);
	cr_assert_eq(a.n, 1);
	cr_assert_eq(a.blocks[0].first, NUMBER(1));
	cr_assert_eq(a.blocks[0].last, NUMBER(1000));
	cr_assert_eq(a.blocks[0].used, 11);
	cr_assert_eq(a.blocks[0].next, NUMBER(12));
	a = city_run(&query, &other);
	cr_assert_eq(a.n, 1);
	cr_assert_eq(a.blocks[0].used, 1);
	cr_assert_eq(city_count(query, everything), 2);
	query.party = world_party(GENERATOR);
	cr_assert_eq(city_count(query, everything), 1);
	cr_assert_eq(city_count(query, other), 1, "one's own, whatever is asked");
	cr_assert_eq(city_count((struct query){.kind = QUERY_BLOCKS}, own(FACILITY)), 0);
	cr_assert_eq(city_count((struct query){.kind = QUERY_BLOCKS}, area("210100")), 0);
}

Test(store_query, kinds_that_are_not_the_stores_are_refused, .init = city_begin, .fini = city_end)
{
	static const enum query_kind kinds[] = {0, QUERY_CHECKPOINT, QUERY_TOKEN, QUERY_WATCH, 99};
	struct answers a;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct query query = {.kind = kinds[i]};
		cr_assert_eq(store_port().query(reader, &query, &everything, arena, &a), STORE_DATA);
	}
}

Test(store_query, an_answer_that_does_not_fit_is_refused, .init = city_begin, .fini = city_end)
{
	struct arena *small = arena_new(1000);
	struct query query = SEARCH(.limit = 0);
	struct answers a;

	cr_assert_eq(store_port().query(reader, &query, &everything, small, &a), STORE_UNAVAILABLE);
	cr_assert_eq(city_count(query, everything), 12);
	arena_free(small);
}
