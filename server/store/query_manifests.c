/* Owns the queries for manifests: search, newest number first, and the trail of one. */
#include "store/walk.h"

#include <stdlib.h>

#include "core/civil.h"

static const char columns[] = "SELECT x.number, x.issued_at, x.changed_at, x.due_at, x.body";

static bool take_lines(const struct manifest *m, struct arena *arena, struct manifest_view *view)
{
	struct line_view *lines = arena_array(arena, m->lines_n, sizeof(*lines));

	if (lines == NULL && m->lines_n > 0)
		return false;
	for (size_t i = 0; i < m->lines_n; i++) {
		const struct manifest_line *line = &m->lines[i];
		lines[i] = (struct line_view){
		    .line = (uint32_t)i + 1,
		    .code = arena_copy(arena, span_str(line->code)),
		    .planned_grams = line->planned.grams,
		    .shipped_grams = line->shipped.grams,
		    .delivered_grams = line->delivered.grams,
		    .accepted_grams = line->accepted.grams,
		    .refused_grams = line->refused.grams,
		    .treated_grams = line->treated.grams,
		    .returned_grams = line->returned.grams,
		};
		if (lines[i].code.p == NULL)
			return false;
	}
	view->lines = lines;
	view->lines_n = m->lines_n;
	return true;
}

/* Who has a part in it now: numbers of parties, until they are looked up. */
enum { GENERATOR, TRANSPORTER, FACILITY, SIDES };

static enum store_result take_manifest(const struct asking *a, const PGresult *res, int row,
				       struct manifest *m, struct manifest_view *view, uint64_t sides[SIDES])
{
	view->number = (uint64_t)cell_int(res, row, 0);
	if (!manifest_decode(cell_span(res, row, 4), m) || m->number != view->number || m->chain_n == 0) {
		conn_error(a->conn, "the stored state of manifest %llu cannot be read",
			   (unsigned long long)view->number);
		return STORE_CORRUPT;
	}
	view->issued_at = cell_int(res, row, 1);
	view->changed_at = cell_int(res, row, 2);
	view->due_at = cell_int(res, row, 3);
	view->state = m->state;
	view->cancelled = m->cancelled_at != 0;
	view->open_flags = (uint32_t)__builtin_popcount(manifest_open_flags(m));
	view->head = *manifest_head(m);
	view->plate = arena_copy(a->arena, span_str(m->plate));
	sides[GENERATOR] = m->generator;
	sides[TRANSPORTER] = m->transporter;
	sides[FACILITY] = m->facility;
	return view->plate.p != NULL && take_lines(m, a->arena, view) ? STORE_OK : query_no_memory(a);
}

/* The reference of a party among rows of (no, reference) by ascending no. */
static struct party_ref named(const PGresult *res, uint64_t no)
{
	int low = 0, high = PQntuples(res);

	while (low < high) {
		int middle = low + (high - low) / 2;
		if ((uint64_t)cell_int(res, middle, 0) < no)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == PQntuples(res) || (uint64_t)cell_int(res, low, 0) != no)
		return (struct party_ref){0};
	return take_party(cell_span(res, low, 1));
}

static enum store_result name_sides(const struct asking *a, struct manifest_view *views,
				    const uint64_t (*sides)[SIDES], size_t n)
{
	struct sql q = {0};
	PGresult *res;

	sql_list(&q, "SELECT no, credit_code || '/' || site FROM party WHERE no = ANY(?) ORDER BY no",
		 sides[0], n * SIDES);
	enum store_result r = sql_run_kept(&q, a->conn, &res);
	if (r != STORE_OK)
		return r;
	for (size_t i = 0; i < n; i++) {
		views[i].generator = named(res, sides[i][GENERATOR]);
		views[i].transporter = named(res, sides[i][TRANSPORTER]);
		views[i].facility = named(res, sides[i][FACILITY]);
	}
	PQclear(res);
	return STORE_OK;
}

static enum store_result take_page(const struct asking *a, const PGresult *res, struct answers *ret_answers)
{
	size_t n = page_rows(a, res);
	enum store_result r = STORE_OK;

	if (n == 0)
		return STORE_OK;
	struct manifest_view *views = arena_array(a->arena, n, sizeof(*views));
	uint64_t(*sides)[SIDES] = arena_array(a->arena, n, sizeof(*sides));
	struct manifest *scratch = malloc(sizeof(*scratch));
	if (scratch == NULL || views == NULL || sides == NULL) {
		free(scratch);
		return query_no_memory(a);
	}
	for (size_t i = 0; r == STORE_OK && i < n; i++)
		r = take_manifest(a, res, (int)i, scratch, &views[i], sides[i]);
	free(scratch);
	if (r == STORE_OK)
		r = name_sides(a, views, sides, n);
	if (r != STORE_OK)
		return r;
	ret_answers->manifests = views;
	ret_answers->n = n;
	ret_answers->next = (size_t)PQntuples(res) > n ? views[n - 1].number : 0;
	return STORE_OK;
}

/* ---- search ---- */

struct search {
	uint64_t parties[PARTY_NOS_MAX]; /* that the query names */
	size_t parties_n;
	struct walk walk;
};

int64_t term_of_code(struct span code)
{
	int64_t digits = 0;

	if (!waste_code_is_wellformed(code))
		return 0;
	for (size_t i = 0; i < code.n; i++)
		if (code.p[i] != '-')
			digits = 10 * digits + (code.p[i] - '0');
	return digits;
}

/* The least number of the year that an instant falls in, `years` later. */
static int64_t least_number(micros at, int years)
{
	int64_t year = civil_year(at) + years;

	year = year < 0 ? 0 : year > 10000 ? 10000 : year;
	return year * INT64_C(10000000000);
}

/*
 * By the term that finds the fewest: numbers are few by themselves, one vehicle has few, one party more, one
 * code many. A party that asks walks its own alone, so that not even a cursor tells of others'. The other
 * terms remain conditions. Numbers begin with the year of issue: a window in time is one of numbers.
 */
static struct walk choose_walk(const struct asking *a, const struct search *s)
{
	const struct query *query = a->query;
	struct walk w = {.kind = WALK_MANIFESTS, .after = query->after};

	if (query->from != 0)
		w.low = least_number(query->from, 0);
	if (query->until != 0)
		w.below = least_number(query->until, 1);
	if (query->numbers_n > 0) {
		w.kind = WALK_NUMBERS;
		w.numbers = query->numbers;
		w.numbers_n = query->numbers_n;
	} else if (a->scope->party != 0) {
		w.kind = WALK_PARTY;
		w.no = a->scope->party;
	} else if (query->plate.n > 0) {
		w.kind = WALK_PLATE;
		w.plate = query->plate;
	} else if (s->parties_n == 1) {
		w.kind = WALK_PARTY;
		w.no = (int64_t)s->parties[0];
	} else if (query->waste_code.n > 0) {
		w.kind = WALK_CODE;
		w.no = term_of_code(query->waste_code);
	}
	return w;
}

static void add_conditions(const struct asking *a, const struct search *s, struct sql *q)
{
	const struct query *query = a->query;

	if (s->parties_n > 0)
		sql_list(
		    q,
		    " AND (x.generator = ANY(?) OR x.transporter = ANY(?) OR x.facility = ANY(?) OR EXISTS "
		    "(SELECT FROM manifest_term v WHERE v.transporter = ANY(?) AND v.number = "
		    "x.number " ONE_BY_ONE "))",
		    s->parties, s->parties_n);
	if (query->plate.n > 0 && s->walk.kind != WALK_PLATE)
		sql_span(q,
			 " AND EXISTS (SELECT FROM manifest_term v WHERE v.plate = ? "
			 "AND v.number = x.number " ONE_BY_ONE ")",
			 query->plate);
	if (query->waste_code.n > 0 && s->walk.kind != WALK_CODE)
		sql_int(q,
			" AND EXISTS (SELECT FROM manifest_term v WHERE v.code = ? "
			"AND v.number = x.number " ONE_BY_ONE ")",
			term_of_code(query->waste_code));
	if (query->division.n > 0)
		sql_division(q, " AND (x.division_generator LIKE ? OR x.division_facility LIKE ?)",
			     query->division);
	if (query->state != 0)
		sql_int(q, " AND x.state = ?", query->state);
	if (query->open_only)
		sql_int(q, " AND x.state <> ?", STATE_CLOSED);
	if (query->from != 0)
		sql_int(q, " AND x.issued_at >= ?", query->from);
	if (query->until != 0)
		sql_int(q, " AND x.issued_at < ?", query->until);
}

enum store_result query_search(const struct asking *a, struct answers *ret_answers)
{
	struct search s = {0};
	struct sql q = {0};
	PGresult *res;
	enum store_result r = STORE_OK;

	if (a->query->party.credit_code[0] != '\0') {
		r = find_parties(a->conn, &a->query->party, s.parties, &s.parties_n);
		if (r != STORE_OK || s.parties_n == 0)
			return r;
	}
	s.walk = choose_walk(a, &s);
	sql_add(&q, columns);
	walk_from(&q, &s.walk, a->scope);
	add_conditions(a, &s, &q);
	sql_page(&q, 0, a->limit);
	r = sql_run(&q, a->conn, &res);
	if (r != STORE_OK)
		return r;
	r = take_page(a, res, ret_answers);
	PQclear(res);
	if (r != STORE_OK || ret_answers->next != 0)
		return r;
	size_t n = ret_answers->n;
	return walk_next(a, &s.walk, n == 0 ? 0 : ret_answers->manifests[n - 1].number, &ret_answers->next);
}

/* ---- trail ---- */

static enum store_result take_entries(const struct asking *a, const PGresult *res,
				      struct answers *ret_answers)
{
	size_t n = page_rows(a, res);
	struct entry_view *views = arena_array(a->arena, n, sizeof(*views));

	if (views == NULL && n > 0)
		return query_no_memory(a);
	for (size_t i = 0; i < n; i++) {
		views[i].index = (uint64_t)cell_int(res, (int)i, 0);
		if (!cell_copy(res, (int)i, 1, a->arena, &views[i].entry))
			return query_no_memory(a);
	}
	ret_answers->entries = views;
	ret_answers->n = n;
	/* The cursor is a position, from which the oldest-first trail goes on. */
	ret_answers->next = (size_t)PQntuples(res) > n ? (uint64_t)cell_int(res, (int)n, 2) : 0;
	return STORE_OK;
}

/* Of a manifest that the asker may see. */
static void add_visible(const struct asking *a, struct sql *q)
{
	sql_add(q, "EXISTS (SELECT");
	sql_from_scoped(q, SUBJECT_MANIFEST, a->scope);
	sql_int(q, " AND x.number = ?)", (int64_t)a->query->numbers[0]);
}

static void ask_trail(const struct asking *a, struct sql *q)
{
	const uint64_t after = a->query->after;

	sql_int(
	    q,
	    "SELECT l.index, e.entry, l.position FROM manifest_trail(?) l JOIN entry e ON e.index = l.index",
	    (int64_t)a->query->numbers[0]);
	sql_int(q, " WHERE l.position >= ? AND ", after > INT64_MAX ? INT64_MAX : (int64_t)after);
	add_visible(a, q);
	sql_int(q, " ORDER BY l.position LIMIT ?", (int64_t)a->limit + 1);
}

/*
 * What is needed to check the signatures without asking again: the entries that enrolled (or revoked) the
 * keys in the trail, the keys of those entries, and so on to the log's first. A key is found by its id as the
 * envelope writes it: tag 0x12, length 64, hex digits. The enrolment of a revoked key is the first thing it
 * signed. The names of the keys' parties come with them, for whoever reads the file.
 */
static void ask_trail_with_keys(const struct asking *a, struct sql *q)
{
	sql_int(q,
		"WITH RECURSIVE need(index, entry) AS (SELECT e.index, e.entry FROM manifest_trail(?) l "
		"JOIN entry e ON e.index = l.index WHERE ",
		(int64_t)a->query->numbers[0]);
	add_visible(a, q);
	sql_add(
	    q,
	    " UNION "
	    "SELECT e.index, e.entry FROM need n "
	    "CROSS JOIN LATERAL regexp_matches(encode(n.entry, 'escape'), '\\u0012@([0-9a-f]{64})', 'g') m "
	    "JOIN device_key k ON k.keyid = decode(m[1], 'hex') "
	    "CROSS JOIN LATERAL (SELECT k.index UNION SELECT p.index FROM party p WHERE p.no = k.party UNION "
	    "(SELECT r.index FROM running_number r "
	    "JOIN registry_entry g ON g.index = r.index WHERE r.key_no = k.no AND k.revoked_from IS NOT NULL "
	    "ORDER BY r.number LIMIT 1)) f JOIN entry e ON e.index = f.index) "
	    "SELECT index, entry, 0::bigint FROM need ORDER BY index");
	sql_int(q, " LIMIT ?", (int64_t)a->limit + 1);
}

/* The entries of a manifest in order. A number that the asker may not see has none. */
enum store_result query_trail(const struct asking *a, struct answers *ret_answers)
{
	struct asking whole = *a;
	struct sql q = {0};
	PGresult *res;

	if (a->query->numbers_n != 1)
		return STORE_OK;
	if (a->query->limit == 0)
		whole.limit = QUERY_LIMIT_MAX;
	(a->query->keys ? ask_trail_with_keys : ask_trail)(&whole, &q);
	enum store_result r = a->query->keys ? sql_run(&q, a->conn, &res) : sql_run_kept(&q, a->conn, &res);
	if (r != STORE_OK)
		return r;
	r = take_entries(&whole, res, ret_answers);
	PQclear(res);
	return r;
}

/*
 * One entry: of the registry and of the log itself (but no flag), for whoever is known here, since proofs of
 * keys need them; what concerns a manifest or a flag, for whoever may see that; and, for a party, what one of
 * its keys signed (imported records, numbers given up): the event then holds the key's id, which no other
 * bytes do.
 */
enum store_result query_entry(const struct asking *a, struct answers *ret_answers)
{
	struct sql q = {0};
	PGresult *res;

	if (a->query->index > INT64_MAX || !scope_is_known(a->scope))
		return STORE_OK;
	sql_int(&q,
		"SELECT e.index, e.entry FROM (SELECT * FROM entry WHERE index = ?) e WHERE "
		"EXISTS (SELECT FROM registry_entry g WHERE g.index = e.index",
		(int64_t)a->query->index);
	sql_int(&q, " AND e.kind < ? " ONE_BY_ONE ") OR EXISTS (SELECT", EVENT_FLAG_RAISED);
	sql_from_scoped(&q, SUBJECT_MANIFEST, a->scope);
	sql_add(&q, " AND x.number = e.number " ONE_BY_ONE ") OR EXISTS (SELECT");
	sql_from_scoped(&q, SUBJECT_FLAG, a->scope);
	/* No index finds a flag by what closed it: that is looked for only where the entry may have. */
	sql_int(&q, " AND x.flag = e.index " ONE_BY_ONE ") OR (e.kind > ?", EVENT_FLAG_RAISED);
	sql_int(&q, " AND e.kind <= ? AND EXISTS (SELECT", EVENT_FLAG_RESOLVED);
	sql_from_scoped(&q, SUBJECT_FLAG, a->scope);
	sql_add(&q, " AND x.closed_by = e.index " ONE_BY_ONE "))");
	if (a->scope->party != 0)
		sql_int(&q,
			" OR EXISTS (SELECT FROM device_key k WHERE k.party = ? AND position(k.keyid IN "
			"e.entry) > 0)",
			a->scope->party);
	if (a->scope->all)
		sql_add(&q, " OR true");
	enum store_result r = sql_run_kept(&q, a->conn, &res);
	if (r != STORE_OK)
		return r;
	r = take_entries(a, res, ret_answers);
	PQclear(res);
	return r;
}
