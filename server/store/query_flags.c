/* Owns the query for flags: newest first, by kind, party, area and time. */
#include "store/query.h"

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

static void add_kinds(struct sql *q, uint32_t kinds)
{
	if (kinds != 0)
		sql_int(q, " AND (? & (1::bigint << x.kind)) <> 0", kinds);
}

/* False: the party is not registered, so there is nothing. */
static enum store_result add_party(const struct asking *a, struct sql *q, bool *ret_known)
{
	uint64_t nos[PARTY_NOS_MAX];
	size_t n = 0;

	*ret_known = true;
	if (a->query->party.credit_code[0] == '\0')
		return STORE_OK;
	enum store_result r = find_parties(a->conn, &a->query->party, nos, &n);
	if (r != STORE_OK)
		return r;
	*ret_known = n > 0;
	sql_list(q, " AND x.flag IN (SELECT w.flag FROM flag_party w WHERE w.party = ANY(?))", nos, n);
	return STORE_OK;
}

enum store_result query_flags(const struct asking *a, struct answers *ret_answers)
{
	const struct query *query = a->query;
	struct sql q = {0};
	PGresult *res;
	bool known;

	sql_add(&q, columns);
	sql_from_scoped(&q, SUBJECT_FLAG, &a->asker, NULL);
	add_kinds(&q, query->flag_kinds);
	if (query->open_only)
		sql_add(&q, " AND x.closed_at IS NULL");
	if (query->division.n > 0)
		sql_division(&q, " AND (x.division_generator LIKE ? OR x.division_facility LIKE ?)",
			     query->division);
	if (query->from != 0)
		sql_int(&q, " AND x.raised_at >= ?", query->from);
	if (query->until != 0)
		sql_int(&q, " AND x.raised_at < ?", query->until);
	if (query->numbers_n > 0)
		sql_int(&q, " AND x.number = ?", (int64_t)query->numbers[0]);
	enum store_result r = add_party(a, &q, &known);
	if (r != STORE_OK || !known) {
		sql_free(&q);
		return r;
	}
	sql_page(&q, query->after, a->limit);
	r = sql_run(&q, a->conn, &res);
	if (r != STORE_OK)
		return r;
	size_t n = page_rows(a, res);
	struct flag_view *views = arena_array(a->arena, n, sizeof(*views));
	bool good = views != NULL || n == 0;
	for (size_t i = 0; good && i < n; i++)
		good = take_flag(res, (int)i, a->arena, &views[i]);
	bool more = (size_t)PQntuples(res) > n;
	PQclear(res);
	if (!good)
		return query_no_memory(a);
	ret_answers->flags = views;
	ret_answers->n = n;
	ret_answers->next = more && n > 0 ? views[n - 1].flag : 0;
	return STORE_OK;
}
