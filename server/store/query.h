/* One query as it is answered: what the kinds share. Private to the store. */
#ifndef STORE_QUERY_H
#define STORE_QUERY_H

#include "store/port.h"
#include "store/sql.h"

struct asking {
	struct store_conn *conn;
	const struct query *query;
	const struct scope *scope;
	uint32_t limit;
	struct arena *arena;
};

/* One kind's answer; ret_answers is zeroed. */
typedef enum store_result (*query_fn)(const struct asking *a, struct answers *ret_answers);

enum store_result query_flags(const struct asking *a, struct answers *ret_answers) MUST_CHECK;
enum store_result query_trail(const struct asking *a, struct answers *ret_answers) MUST_CHECK;
enum store_result query_search(const struct asking *a, struct answers *ret_answers) MUST_CHECK;
enum store_result query_summary(const struct asking *a, struct answers *ret_answers) MUST_CHECK;
enum store_result query_entry(const struct asking *a, struct answers *ret_answers) MUST_CHECK;
enum store_result query_blocks(const struct asking *a, struct answers *ret_answers) MUST_CHECK;

/* The numbers of the parties that a reference means (site 0: all sites), at most PARTY_NOS_MAX. */
enum { PARTY_NOS_MAX = 256 };
enum store_result find_parties(struct store_conn *c, const struct party_ref *ref,
			       uint64_t ret_nos[PARTY_NOS_MAX], size_t *ret_n) MUST_CHECK;

/* "code/site,code/site" as a query gives references; false: no memory. */
bool take_parties(struct span text, struct arena *arena, const struct party_ref **ret_refs,
		  size_t *ret_n) MUST_CHECK;
struct party_ref take_party(struct span text);
/* SQL for the reference of one party number. */
#define PARTY_TEXT(no) "(SELECT p.credit_code || '/' || p.site FROM party p WHERE p.no = " no ")"

enum store_result query_no_memory(const struct asking *a);

/* Of the rows that were read: how many belong to this page; there is another when one more came. */
static inline size_t page_rows(const struct asking *a, const PGresult *res)
{
	size_t n = (size_t)PQntuples(res);

	return n > a->limit ? a->limit : n;
}

#endif
