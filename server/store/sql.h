/*
 * A query made up of fixed pieces of text and numbered parameters. Values never become text, and there is one
 * way to begin reading manifests or flags: with the asker's scope. Private to the store.
 */
#ifndef STORE_SQL_H
#define STORE_SQL_H

#include "store/conn.h"

enum { SQL_MAX = 4096, SQL_PATTERN = 8, SQL_LISTS = 2 };

struct sql {
	char text[SQL_MAX];
	size_t n;
	bool broken;
	struct params params;
	char patterns[PARAMS_MAX][SQL_PATTERN]; /* of divisions, by parameter */
	struct array lists[SQL_LISTS];
	size_t lists_n;
	const char *key; /* what rows are ordered by: "x.number", "x.flag" */
};

/* Ends an EXISTS that is to be looked up for each row through its index, and never made into a join. */
#define ONE_BY_ONE "OFFSET 0"

/* What is read, under the alias x. */
enum subject { SUBJECT_MANIFEST, SUBJECT_FLAG };

void sql_free(struct sql *q);
/* Fixed text only. */
void sql_add(struct sql *q, const char *text);
/* Fixed text with one "?", which becomes the parameter. */
void sql_int(struct sql *q, const char *text, int64_t v);
void sql_span(struct sql *q, const char *text, struct span v);
void sql_list(struct sql *q, const char *text, const uint64_t *v, size_t n);
/* "?" is compared by LIKE with the division and all in it: 210100 covers 2101__, 210000 covers 21____. A
 * division that is not six digits matches nothing. Every "?" of the text becomes the same parameter. */
void sql_division(struct sql *q, const char *text, struct span division);

/* Somebody, who may see something. */
static inline bool scope_is_known(const struct scope *scope)
{
	return scope->all || scope->division.n > 0 || scope->party != 0;
}

/* " FROM the subject AS x WHERE what the scope allows". */
void sql_from_scoped(struct sql *q, enum subject subject, const struct scope *scope);
/* " WHERE what the scope allows", for x. */
void sql_scope(struct sql *q, enum subject subject, const struct scope *scope);
/* The numbers of all manifests that a party had a part in, each once: a SELECT of `number`, one row for each.
 */
void sql_party_numbers(struct sql *q, int64_t party);
/* " AND key < after ORDER BY key DESC LIMIT limit + 1", newest first. */
void sql_page(struct sql *q, uint64_t after, uint32_t limit);

/* Runs it, planned for its values; the query is used up. */
enum store_result sql_run(struct sql *q, struct store_conn *c, PGresult **ret_res) MUST_CHECK;
/* Likewise; its text is planned once for each connection (conn_run_kept()). */
enum store_result sql_run_kept(struct sql *q, struct store_conn *c, PGresult **ret_res) MUST_CHECK;

#endif
