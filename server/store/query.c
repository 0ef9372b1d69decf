/* Owns who asks and which kind answers. */
#include "store/query.h"

#include "base/text.h"

enum store_result query_no_memory(const struct asking *a)
{
	conn_error(a->conn, "no memory for the answer");
	return STORE_UNAVAILABLE;
}

enum store_result find_parties(struct store_conn *c, const struct party_ref *ref,
			       uint64_t ret_nos[PARTY_NOS_MAX], size_t *ret_n)
{
	struct params p = {0};
	PGresult *res;

	param_str(&p, ref->credit_code);
	param_int(&p, ref->site);
	param_int(&p, PARTY_NOS_MAX);
	enum store_result r = conn_run(c, ST_PARTY_NOS, &p, &res);
	if (r != STORE_OK)
		return r;
	*ret_n = (size_t)PQntuples(res);
	for (size_t i = 0; i < *ret_n; i++)
		ret_nos[i] = (uint64_t)cell_int(res, (int)i, 0);
	PQclear(res);
	return STORE_OK;
}

struct party_ref take_party(struct span text)
{
	struct party_ref ref = {0};
	const uint8_t *slash = text.n == 0 ? NULL : memchr(text.p, '/', text.n);
	uint64_t site;

	if (slash == NULL || (size_t)(slash - text.p) > CREDIT_CODE_SIZE ||
	    !decimal_parse(span_of(slash + 1, text.n - (size_t)(slash + 1 - text.p)), &site))
		return ref;
	memcpy(ref.credit_code, text.p, (size_t)(slash - text.p));
	ref.site = (uint32_t)site;
	return ref;
}

bool take_parties(struct span text, struct arena *arena, const struct party_ref **ret_refs, size_t *ret_n)
{
	size_t n = text.n > 0;

	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == ',';
	struct party_ref *refs = arena_array(arena, n, sizeof(*refs));
	if (refs == NULL && n > 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		const uint8_t *comma = memchr(text.p, ',', text.n);
		size_t k = comma == NULL ? text.n : (size_t)(comma - text.p);
		refs[i] = take_party(span_of(text.p, k));
		if (comma != NULL)
			text = span_of(comma + 1, text.n - k - 1);
	}
	*ret_refs = refs;
	*ret_n = n;
	return true;
}

static const query_fn kinds[] = {
    [QUERY_FLAGS] = query_flags,     [QUERY_TRAIL] = query_trail, [QUERY_SEARCH] = query_search,
    [QUERY_SUMMARY] = query_summary, [QUERY_ENTRY] = query_entry, [QUERY_BLOCKS] = query_blocks,
};

enum store_result store_query(void *conn, const struct query *query, const struct scope *scope,
			      struct arena *arena, struct answers *ret_answers)
{
	struct store_conn *c = conn;
	struct asking a = {.conn = c, .query = query, .scope = scope, .arena = arena};
	struct answers answers;

	if ((size_t)query->kind >= ARRAY_LEN(kinds) || kinds[query->kind] == NULL) {
		conn_error(c, "the store does not answer queries of kind %d", query->kind);
		return STORE_DATA;
	}
	a.limit = query->limit == 0                ? QUERY_LIMIT_DEFAULT
		  : query->limit > QUERY_LIMIT_MAX ? QUERY_LIMIT_MAX
						   : query->limit;
	struct attempt t = {0};
	while (conn_attempt(c, &t)) {
		answers = (struct answers){0};
		t.result = kinds[query->kind](&a, &answers);
	}
	if (t.result == STORE_OK)
		*ret_answers = answers;
	return t.result;
}
