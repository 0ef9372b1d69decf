/* Owns the query for flags: newest first, by kind, party, area and time. */
#include "store/walk.h"

/* In the order of the columns. */
static const char columns[] =
    "SELECT x.flag, x.kind, x.number, x.keyid, "
    "(SELECT string_agg(p.credit_code || '/' || p.site, ',' ORDER BY u.place) "
    "FROM unnest(x.parties) WITH ORDINALITY AS u (no, place) JOIN party p ON p.no = u.no), "
    "CASE WHEN x.division_generator <> '' THEN x.division_generator ELSE x.division_facility END, "
    "x.raised_at, x.due_at, x.detail, x.provisional, x.closed_at IS NULL, x.closed_at, x.closed_by, "
    "x.claimed_in_time, x.resolution";

static bool take_flag(const PGresult *res, int row, struct arena *arena, struct flag_view *view)
{
	view->flag = (uint64_t)cell_int(res, row, 0);
	view->kind = (enum flag_kind)cell_int(res, row, 1);
	view->number = (uint64_t)cell_int(res, row, 2);
	if (!cell_digest(res, row, 3, &view->keyid))
		view->keyid = (struct digest){0};
	view->raised_at = cell_int(res, row, 6);
	view->due_at = cell_int(res, row, 7);
	view->provisional = cell_int(res, row, 9) != 0;
	view->open = cell_int(res, row, 10) != 0;
	view->closed_at = cell_int(res, row, 11);
	view->closed_by = (uint64_t)cell_int(res, row, 12);
	view->claimed_in_time = cell_int(res, row, 13) != 0;
	return take_parties(cell_span(res, row, 4), arena, &view->parties, &view->parties_n) &&
	       cell_copy(res, row, 5, arena, &view->division) &&
	       cell_copy(res, row, 8, arena, &view->detail) &&
	       cell_copy(res, row, 14, arena, &view->resolution);
}

/* As a search's: by the manifest, the party that asks or is named alone, or what is open. */
static struct walk choose_walk(const struct asking *a, const uint64_t *parties, size_t parties_n)
{
	const struct query *query = a->query;
	struct walk w = {.kind = query->open_only ? WALK_OPEN_FLAGS : WALK_FLAGS,
			 .after = query->after,
			 .raised_since = query->from};

	if (a->scope->party != 0 || (query->numbers_n == 0 && parties_n == 1)) {
		w.kind = WALK_FLAGS_OF_PARTY;
		w.no = a->scope->party != 0 ? a->scope->party : (int64_t)parties[0];
	} else if (query->numbers_n > 0) {
		w.kind = WALK_FLAGS_OF_NUMBER;
		w.no = (int64_t)query->numbers[0];
	}
	return w;
}

static void add_conditions(const struct query *query, struct sql *q)
{
	if (query->flag_kinds != 0)
		sql_int(q, " AND (? & (1::bigint << x.kind)) <> 0", query->flag_kinds);
	if (query->open_only)
		sql_add(q, " AND x.closed_at IS NULL");
	if (query->division.n > 0)
		sql_division(q, " AND (x.division_generator LIKE ? OR x.division_facility LIKE ?)",
			     query->division);
	if (query->from != 0)
		sql_int(q, " AND x.raised_at >= ?", query->from);
	if (query->until != 0)
		sql_int(q, " AND x.raised_at < ?", query->until);
	if (query->numbers_n > 0)
		sql_int(q, " AND x.number = ?", (int64_t)query->numbers[0]);
}

static enum store_result take_page(const struct asking *a, const PGresult *res, struct answers *ret_answers)
{
	size_t n = page_rows(a, res);
	struct flag_view *views = arena_array(a->arena, n, sizeof(*views));
	bool good = views != NULL || n == 0;

	for (size_t i = 0; good && i < n; i++)
		good = take_flag(res, (int)i, a->arena, &views[i]);
	if (!good)
		return query_no_memory(a);
	ret_answers->flags = views;
	ret_answers->n = n;
	ret_answers->next = (size_t)PQntuples(res) > n && n > 0 ? views[n - 1].flag : 0;
	return STORE_OK;
}

enum store_result query_flags(const struct asking *a, struct answers *ret_answers)
{
	const struct query *query = a->query;
	uint64_t parties[PARTY_NOS_MAX];
	size_t parties_n = 0;
	struct sql q = {0};
	PGresult *res;
	enum store_result r = STORE_OK;

	if (query->party.credit_code[0] != '\0') {
		r = find_parties(a->conn, &query->party, parties, &parties_n);
		if (r != STORE_OK || parties_n == 0)
			return r;
	}
	struct walk walk = choose_walk(a, parties, parties_n);
	sql_add(&q, columns);
	walk_from(&q, &walk, a->scope);
	add_conditions(query, &q);
	if (parties_n > 0)
		sql_list(&q,
			 " AND EXISTS (SELECT FROM flag_party v WHERE v.party = ANY(?) AND v.flag = "
			 "x.flag " ONE_BY_ONE ")",
			 parties, parties_n);
	sql_page(&q, 0, a->limit);
	r = sql_run(&q, a->conn, &res);
	if (r != STORE_OK)
		return r;
	r = take_page(a, res, ret_answers);
	PQclear(res);
	if (r != STORE_OK || ret_answers->next != 0)
		return r;
	size_t n = ret_answers->n;
	return walk_next(a, &walk, n == 0 ? 0 : ret_answers->flags[n - 1].flag, &ret_answers->next);
}
