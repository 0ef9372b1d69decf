/* Owns the queries about one party: its summary, and its number blocks. */
#include "store/query.h"

/* ---- summary ---- */

static bool take_roles(uint32_t bits, struct arena *arena, struct party *party)
{
	enum role *roles = arena_array(arena, 32, sizeof(*roles));

	if (roles == NULL)
		return false;
	for (unsigned role = 1; role < 32; role++)
		if ((bits >> role & 1) != 0)
			roles[party->roles_n++] = (enum role)role;
	party->roles = roles;
	return true;
}

static bool take_party_row(const PGresult *res, struct arena *arena, struct party *party)
{
	party->ref = take_party(cell_span(res, 0, 1));
	party->generator_class = (int)cell_int(res, 0, 6);
	party->valid_from = cell_int(res, 0, 7);
	party->valid_until = cell_int(res, 0, 8);
	return cell_copy(res, 0, 2, arena, &party->name) &&
	       take_roles((uint32_t)cell_int(res, 0, 3), arena, party) &&
	       cell_copy(res, 0, 4, arena, &party->division) && cell_copy(res, 0, 5, arena, &party->address);
}

/* A party's own, a party's of the inspector's area, or any. */
static void add_party_scope(struct sql *q, const struct scope *scope)
{
	if (scope->all)
		return;
	if (scope->division.n > 0)
		sql_division(q, " AND x.division LIKE ?", scope->division);
	else
		sql_int(q, " AND x.no = ?", scope->party);
}

static enum store_result read_party(const struct asking *a, struct party *party, int64_t *ret_no)
{
	const struct party_ref *ref = &a->query->party;
	struct sql q = {0};
	PGresult *res;

	sql_span(&q,
		 "SELECT x.no, x.credit_code || '/' || x.site, x.name, x.roles, x.division, x.address, "
		 "x.generator_class, x.valid_from, x.valid_until FROM party x WHERE x.credit_code = ?",
		 span_str(ref->credit_code));
	if (ref->site != 0)
		sql_int(&q, " AND x.site = ?", ref->site);
	add_party_scope(&q, a->scope);
	sql_add(&q, " ORDER BY x.site LIMIT 1");
	enum store_result r = sql_run(&q, a->conn, &res);
	if (r != STORE_OK)
		return r;
	*ret_no = PQntuples(res) > 0 ? cell_int(res, 0, 0) : 0;
	if (*ret_no != 0 && !take_party_row(res, a->arena, party))
		r = query_no_memory(a);
	PQclear(res);
	return r;
}

static enum store_result read_totals(const struct asking *a, int64_t no, struct summary_view *view)
{
	struct sql q = {0};
	PGresult *res;

	sql_int(&q,
		"SELECT x.state, count(*), "
		"coalesce(sum(x.shipped_grams) FILTER (WHERE x.generator = ?), 0)::bigint, "
		"coalesce(sum(x.accepted_grams) FILTER (WHERE x.facility = ?), 0)::bigint, "
		"coalesce(sum(x.treated_grams) FILTER (WHERE x.facility = ?), 0)::bigint "
		"FROM manifest x JOIN (",
		no);
	sql_party_numbers(&q, no);
	sql_add(&q, ") t ON t.number = x.number GROUP BY x.state");
	enum store_result r = sql_run(&q, a->conn, &res);
	if (r != STORE_OK)
		return r;
	for (int i = 0; i < PQntuples(res); i++) {
		size_t state = (size_t)cell_int(res, i, 0);
		if (state < ARRAY_LEN(view->manifests))
			view->manifests[state] = (uint64_t)cell_int(res, i, 1);
		view->shipped_grams += cell_int(res, i, 2);
		view->received_grams += cell_int(res, i, 3);
		view->treated_grams += cell_int(res, i, 4);
	}
	PQclear(res);
	view->stock_grams = view->received_grams - view->treated_grams;
	return STORE_OK;
}

static enum store_result read_open_flags(const struct asking *a, int64_t no, struct summary_view *view)
{
	struct sql q = {0};
	PGresult *res;

	sql_int(&q,
		"SELECT count(*) FROM flag_party p JOIN flag f ON f.flag = p.flag "
		"WHERE p.party = ? AND f.closed_at IS NULL",
		no);
	enum store_result r = sql_run(&q, a->conn, &res);
	if (r != STORE_OK)
		return r;
	view->open_flags = (uint64_t)cell_int(res, 0, 0);
	PQclear(res);
	return STORE_OK;
}

enum store_result query_summary(const struct asking *a, struct answers *ret_answers)
{
	struct summary_view *view = arena_alloc(a->arena, sizeof(*view));
	int64_t no = 0;

	if (view == NULL)
		return query_no_memory(a);
	enum store_result r = read_party(a, &view->party, &no);
	if (r != STORE_OK || no == 0)
		return r;
	r = read_totals(a, no, view);
	if (r == STORE_OK)
		r = read_open_flags(a, no, view);
	if (r != STORE_OK)
		return r;
	ret_answers->summary = view;
	ret_answers->n = 1;
	return STORE_OK;
}

/* ---- number blocks ---- */

/*
 * The lowest number of the block that was neither used nor voided: its first, or the least that follows a
 * used one without being used.
 */
static const char columns[] =
    "SELECT x.first, x.last, used.n, CASE WHEN used.least IS DISTINCT FROM x.first THEN x.first ELSE "
    "(SELECT min(u.number) + 1 FROM taken u WHERE u.number BETWEEN x.first AND x.last - 1 "
    "AND NOT EXISTS (SELECT FROM taken w WHERE w.number = u.number + 1)) END "
    "FROM number_block x, LATERAL (SELECT count(*) AS n, min(u.number) AS least FROM taken u "
    "WHERE u.number BETWEEN x.first AND x.last) used WHERE true";

/* A party's own, those of the party asked for, or all; the area of an inspector has no say here. */
static void add_block_scope(struct sql *q, const struct asking *a, uint64_t asked)
{
	if (a->scope->party != 0)
		sql_int(q, " AND x.generator = ?", a->scope->party);
	else if (!a->scope->all)
		sql_add(q, " AND false");
	else if (asked != 0)
		sql_int(q, " AND x.generator = ?", (int64_t)asked);
}

enum store_result query_blocks(const struct asking *a, struct answers *ret_answers)
{
	uint64_t nos[PARTY_NOS_MAX] = {0};
	size_t found = 0;
	struct sql q = {.key = "x.first"};
	PGresult *res;
	enum store_result r = STORE_OK;

	if (a->query->party.credit_code[0] != '\0') {
		r = find_parties(a->conn, &a->query->party, nos, &found);
		if (r != STORE_OK || found == 0)
			return r;
	}
	sql_add(&q, "WITH taken AS NOT MATERIALIZED (SELECT number FROM manifest UNION ALL "
		    "SELECT number FROM voided_number) ");
	sql_add(&q, columns);
	add_block_scope(&q, a, nos[0]);
	sql_page(&q, a->query->after, a->limit);
	r = sql_run(&q, a->conn, &res);
	if (r != STORE_OK)
		return r;
	size_t n = page_rows(a, res);
	struct block_view *views = arena_array(a->arena, n, sizeof(*views));
	for (size_t i = 0; views != NULL && i < n; i++)
		views[i] = (struct block_view){
		    .first = (uint64_t)cell_int(res, (int)i, 0),
		    .last = (uint64_t)cell_int(res, (int)i, 1),
		    .used = (uint32_t)cell_int(res, (int)i, 2),
		    .next = (uint64_t)cell_int(res, (int)i, 3),
		};
	bool more = (size_t)PQntuples(res) > n;
	PQclear(res);
	if (views == NULL && n > 0)
		return query_no_memory(a);
	ret_answers->blocks = views;
	ret_answers->n = n;
	ret_answers->next = more && n > 0 ? views[n - 1].first : 0;
	return STORE_OK;
}
