/* Owns how far a question looks, and where the next page begins. */
#include "store/walk.h"

static const struct {
	const char *key;
	bool whole;       /* the rows themselves, not terms that lead to them */
	const char *rows; /* "?" is added by add_rows() */
} kinds[] = {
    [WALK_MANIFESTS] = {"number", true, "manifest w WHERE true"},
    [WALK_NUMBERS] = {"number", true, "manifest w WHERE w.number = ANY(?)"},
    [WALK_PARTY] = {"number", false, NULL}, /* sql_party_numbers() */
    [WALK_PLATE] = {"number", false, "manifest_term w WHERE w.plate = ?"},
    [WALK_CODE] = {"number", false, "manifest_term w WHERE w.code = ?"},
    [WALK_FLAGS] = {"flag", true, "flag w WHERE true"},
    [WALK_OPEN_FLAGS] = {"flag", true, "flag w WHERE w.closed_at IS NULL"},
    [WALK_FLAGS_OF_NUMBER] = {"flag", true, "flag w WHERE w.number = ? AND w.number <> 0"},
    [WALK_FLAGS_OF_PARTY] = {"flag", false, "flag_party w WHERE w.party = ?"},
};

static bool of_flags(const struct walk *w)
{
	return w->kind >= WALK_FLAGS;
}

static void add_source(struct sql *q, const struct walk *w)
{
	const char *rows = kinds[w->kind].rows;

	switch (w->kind) {
	case WALK_MANIFESTS:
	case WALK_FLAGS:
	case WALK_OPEN_FLAGS: sql_add(q, rows); break;
	case WALK_NUMBERS: sql_list(q, rows, w->numbers, w->numbers_n); break;
	case WALK_PLATE: sql_span(q, rows, w->plate); break;
	case WALK_CODE:
	case WALK_FLAGS_OF_NUMBER:
	case WALK_FLAGS_OF_PARTY: sql_int(q, rows, w->no); break;
	case WALK_PARTY:
		sql_add(q, "(");
		sql_party_numbers(q, w->no);
		sql_add(q, ") w WHERE true");
		break;
	}
}

/* " AND w.key <sign> ?" */
static void add_bound(struct sql *q, const struct walk *w, const char *sign, int64_t key)
{
	sql_add(q, " AND w.");
	sql_add(q, kinds[w->kind].key);
	sql_int(q, sign, key);
}

/* "SELECT what FROM the rows, newest first" */
static void add_rows(struct sql *q, const struct walk *w, bool whole)
{
	sql_add(q, "SELECT w.");
	sql_add(q, whole ? "*" : kinds[w->kind].key);
	sql_add(q, " FROM ");
	add_source(q, w);
	if (w->after > 0)
		add_bound(q, w, " < ?", w->after > INT64_MAX ? INT64_MAX : (int64_t)w->after);
	if (w->low > 0)
		add_bound(q, w, " >= ?", w->low);
	if (w->below > 0)
		add_bound(q, w, " < ?", w->below);
	sql_add(q, " ORDER BY w.");
	sql_add(q, kinds[w->kind].key);
	sql_add(q, " DESC");
}

void walk_from(struct sql *q, const struct walk *w, const struct scope *scope)
{
	bool whole = kinds[w->kind].whole;

	sql_add(q, " FROM (");
	add_rows(q, w, whole);
	sql_int(q, " LIMIT ?) ", WALK_MAX);
	sql_add(q, whole         ? "x"
		   : of_flags(w) ? "t JOIN flag x ON x.flag = t.flag"
				 : "t JOIN manifest x ON x.number = t.number");
	q->key = of_flags(w) ? "x.flag" : "x.number";
	sql_scope(q, of_flags(w) ? SUBJECT_FLAG : SUBJECT_MANIFEST, scope);
}

enum store_result walk_next(const struct asking *a, const struct walk *w, uint64_t last, uint64_t *ret_next)
{
	struct sql q = {0};
	PGresult *res;

	sql_add(&q, "SELECT b.* FROM (");
	add_rows(&q, w, false);
	sql_int(&q, " OFFSET ? LIMIT 1) b", WALK_MAX - 1);
	if (of_flags(w) && w->raised_since != 0)
		sql_int(&q, " JOIN flag f ON f.flag = b.flag AND f.raised_at >= ?", w->raised_since);
	enum store_result r = sql_run(&q, a->conn, &res);
	if (r != STORE_OK)
		return r;
	uint64_t end = PQntuples(res) > 0 ? (uint64_t)cell_int(res, 0, 0) : 0;
	PQclear(res);
	*ret_next = end != 0 && last != 0 && last < end ? last : end;
	return STORE_OK;
}
