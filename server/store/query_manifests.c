/* Owns the queries for manifests: search, newest number first, and the trail of one. */
#include "store/query.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/civil.h"

static const char columns[] =
    "SELECT x.number, x.state, " PARTY_TEXT("x.generator") ", " PARTY_TEXT("x.transporter") ", " PARTY_TEXT(
	"x.facility") ", x.plate, x.issued_at, x.changed_at, x.due_at, x.cancelled, "
		      "x.open_flags, x.head, x.body";

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

static enum store_result take_manifest(const struct asking *a, const PGresult *res, int row,
				       struct manifest *m, struct manifest_view *view)
{
	view->number = (uint64_t)cell_int(res, row, 0);
	view->state = (int)cell_int(res, row, 1);
	view->generator = take_party(cell_span(res, row, 2));
	view->transporter = take_party(cell_span(res, row, 3));
	view->facility = take_party(cell_span(res, row, 4));
	view->issued_at = cell_int(res, row, 6);
	view->changed_at = cell_int(res, row, 7);
	view->due_at = cell_int(res, row, 8);
	view->cancelled = cell_int(res, row, 9) != 0;
	view->open_flags = (uint32_t)cell_int(res, row, 10);
	if (!cell_digest(res, row, 11, &view->head) || !manifest_decode(cell_span(res, row, 12), m)) {
		conn_error(a->conn, "the stored state of manifest %llu cannot be read",
			   (unsigned long long)view->number);
		return STORE_CORRUPT;
	}
	if (!cell_copy(res, row, 5, a->arena, &view->plate) || !take_lines(m, a->arena, view))
		return query_no_memory(a);
	return STORE_OK;
}

static enum store_result take_page(const struct asking *a, const PGresult *res, struct answers *ret_answers)
{
	size_t n = page_rows(a, res);
	enum store_result r = STORE_OK;

	if (n == 0)
		return STORE_OK;
	struct manifest_view *views = arena_array(a->arena, n, sizeof(*views));
	struct manifest *scratch = malloc(sizeof(*scratch));
	if (scratch == NULL || views == NULL) {
		free(scratch);
		return query_no_memory(a);
	}
	for (size_t i = 0; r == STORE_OK && i < n; i++)
		r = take_manifest(a, res, (int)i, scratch, &views[i]);
	free(scratch);
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
	char text[24]; /* the driver's party number */
	struct driver driver;
};

static struct driver party_driver(struct search *s, uint64_t no)
{
	int n = snprintf(s->text, sizeof(s->text), "%llu", (unsigned long long)no);

	return (struct driver){.kind = 'p', .term = span_of(s->text, (size_t)n)};
}

/*
 * The term that finds the fewest: numbers are few by themselves, one vehicle has few, one party more, one
 * code many. A single party that asks is such a term too. The others remain conditions.
 */
static struct driver choose_driver(const struct asking *a, struct search *s)
{
	const struct query *query = a->query;

	if (query->numbers_n > 0)
		return (struct driver){0};
	if (query->plate.n > 0)
		return (struct driver){.kind = 'v', .term = query->plate};
	if (s->parties_n == 1)
		return party_driver(s, s->parties[0]);
	if (s->parties_n == 0 && a->asker.party != 0)
		return party_driver(s, (uint64_t)a->asker.party);
	if (query->waste_code.n > 0)
		return (struct driver){.kind = 'w', .term = query->waste_code};
	return (struct driver){0};
}

/* The least number of the year that an instant falls in, `years` later. */
static int64_t least_number(micros at, int years)
{
	int64_t year = civil_year(at) + years;

	year = year < 0 ? 0 : year > 10000 ? 10000 : year;
	return year * INT64_C(10000000000);
}

/* Manifests are ordered by number, which begins with the year of issue: a window in time is one of numbers.
 */
static void add_window(struct sql *q, micros from, micros until)
{
	if (from != 0) {
		sql_int(q, " AND x.issued_at >= ?", from);
		sql_add(q, " AND ");
		sql_add(q, q->key);
		sql_int(q, " >= ?", least_number(from, 0));
	}
	if (until != 0) {
		sql_int(q, " AND x.issued_at < ?", until);
		sql_add(q, " AND ");
		sql_add(q, q->key);
		sql_int(q, " < ?", least_number(until, 1));
	}
}

static void add_conditions(const struct asking *a, const struct search *s, struct sql *q)
{
	const struct query *query = a->query;

	if (query->numbers_n > 0)
		sql_list(q, " AND x.number = ANY(?)", query->numbers, query->numbers_n);
	if (s->parties_n > 0 && (s->driver.kind != 'p'))
		sql_list(q,
			 " AND x.number IN (SELECT w.number FROM manifest_term w WHERE w.kind = 'p' "
			 "AND w.term = ANY(?::text[]))",
			 s->parties, s->parties_n);
	if (query->plate.n > 0 && s->driver.kind != 'v')
		sql_span(q,
			 " AND EXISTS (SELECT FROM manifest_term w WHERE w.kind = 'v' AND w.term = ? "
			 "AND w.number = x.number)",
			 query->plate);
	if (query->waste_code.n > 0 && s->driver.kind != 'w')
		sql_span(q,
			 " AND EXISTS (SELECT FROM manifest_term w WHERE w.kind = 'w' AND w.term = ? "
			 "AND w.number = x.number)",
			 query->waste_code);
	if (query->division.n > 0)
		sql_division(q, " AND (x.division_generator LIKE ? OR x.division_facility LIKE ?)",
			     query->division);
	if (query->state != 0)
		sql_int(q, " AND x.state = ?", query->state);
	if (query->open_only)
		sql_int(q, " AND x.state <> ?", STATE_CLOSED);
	add_window(q, query->from, query->until);
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
	s.driver = choose_driver(a, &s);
	sql_add(&q, columns);
	sql_from_scoped(&q, SUBJECT_MANIFEST, &a->asker, &s.driver);
	add_conditions(a, &s, &q);
	sql_page(&q, a->query->after, a->limit);
	r = sql_run(&q, a->conn, &res);
	if (r != STORE_OK)
		return r;
	r = take_page(a, res, ret_answers);
	PQclear(res);
	return r;
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

static void trail_alone(struct sql *q, const struct query *query)
{
	sql_int(q,
		"SELECT l.index, e.entry, l.position FROM trail l JOIN entry e ON e.index = l.index "
		"WHERE l.number = ?",
		(int64_t)query->numbers[0]);
	sql_int(q, " AND l.position >= ? ORDER BY l.position",
		query->after > INT64_MAX ? INT64_MAX : (int64_t)query->after);
}

/*
 * What is needed to check the signatures without asking again: the entries that enrolled (or revoked) the
 * keys in the trail, the keys of those entries, and so on to the log's first. A key is found by its id as the
 * envelope writes it: tag 0x12, length 64, hex digits. The enrolment of a revoked key is the first thing it
 * signed.
 */
static void trail_with_keys(struct sql *q, uint64_t number)
{
	sql_int(
	    q,
	    "WITH RECURSIVE need(index, entry) AS (SELECT e.index, e.entry FROM trail l "
	    "JOIN entry e ON e.index = l.index WHERE l.number = ? UNION "
	    "SELECT e.index, e.entry FROM need n "
	    "CROSS JOIN LATERAL regexp_matches(encode(n.entry, 'escape'), '\\u0012@([0-9a-f]{64})', 'g') m "
	    "JOIN device_key k ON k.keyid = decode(m[1], 'hex') "
	    "CROSS JOIN LATERAL (SELECT k.index UNION (SELECT r.index FROM running_number r "
	    "JOIN registry_entry g ON g.index = r.index WHERE r.key_no = k.no AND k.revoked_from IS NOT NULL "
	    "ORDER BY r.number LIMIT 1)) f JOIN entry e ON e.index = f.index) "
	    "SELECT index, entry, 0::bigint FROM need ORDER BY index",
	    (int64_t)number);
}

/*
 * The manifest as it stands (in ret_answers->manifests, one), and its entries in order. A number that the
 * asker may not see has neither.
 */
enum store_result query_trail(const struct asking *a, struct answers *ret_answers)
{
	const struct query *query = a->query;
	struct answers manifest = {0};
	struct sql q = {0};
	PGresult *res;

	struct asking whole = *a;

	if (query->numbers_n != 1)
		return STORE_OK;
	if (query->limit == 0)
		whole.limit = QUERY_LIMIT_MAX;
	sql_add(&q, columns);
	sql_from_scoped(&q, SUBJECT_MANIFEST, &a->asker, NULL);
	sql_list(&q, " AND x.number = ANY(?)", query->numbers, 1);
	enum store_result r = sql_run(&q, a->conn, &res);
	if (r != STORE_OK)
		return r;
	r = take_page(a, res, &manifest);
	PQclear(res);
	if (r != STORE_OK || manifest.n == 0)
		return r;

	struct sql entries = {0};
	if (query->keys)
		trail_with_keys(&entries, query->numbers[0]);
	else
		trail_alone(&entries, query);
	sql_int(&entries, " LIMIT ?", (int64_t)whole.limit + 1);
	r = sql_run(&entries, a->conn, &res);
	if (r != STORE_OK)
		return r;
	r = take_entries(&whole, res, ret_answers);
	PQclear(res);
	ret_answers->manifests = manifest.manifests;
	return r;
}

/*
 * One entry: of the registry and of the log itself, for whoever is known here, since proofs of keys need
 * them; what concerns a manifest or a flag, for whoever may see that.
 */
enum store_result query_entry(const struct asking *a, struct answers *ret_answers)
{
	struct sql q = {0};
	PGresult *res;

	if (a->query->index > INT64_MAX || !asker_is_known(&a->asker))
		return STORE_OK;
	sql_int(&q,
		"SELECT e.index, e.entry FROM (SELECT * FROM entry WHERE index = ?) e WHERE "
		"EXISTS (SELECT FROM registry_entry g WHERE g.index = e.index) OR EXISTS (SELECT",
		(int64_t)a->query->index);
	sql_from_scoped(&q, SUBJECT_MANIFEST, &a->asker, NULL);
	sql_add(&q, " AND x.number = e.number) OR EXISTS (SELECT");
	sql_from_scoped(&q, SUBJECT_FLAG, &a->asker, NULL);
	sql_add(&q, " AND (x.flag = e.index OR x.closed_by = e.index))");
	if (a->asker.scope->all)
		sql_add(&q, " OR true");
	enum store_result r = sql_run(&q, a->conn, &res);
	if (r != STORE_OK)
		return r;
	r = take_entries(a, res, ret_answers);
	PQclear(res);
	return r;
}
