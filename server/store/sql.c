/* Owns the making of query text, and with it the scope. */
#include "store/sql.h"

#include <stdio.h>

void sql_free(struct sql *q)
{
	for (size_t i = 0; i < SQL_LISTS; i++)
		array_free(&q->lists[i]);
}

static void add(struct sql *q, const char *text, size_t n)
{
	if (q->broken || q->n + n >= SQL_MAX) {
		q->broken = true;
		return;
	}
	memcpy(q->text + q->n, text, n);
	q->n += n;
	q->text[q->n] = '\0';
}

void sql_add(struct sql *q, const char *text)
{
	add(q, text, strlen(text));
}

/* The text with every "?" as the parameter that was added last. */
static void add_with(struct sql *q, const char *text, const char *type)
{
	char name[32];
	int n = snprintf(name, sizeof(name), "$%d::%s", q->params.n, type);

	for (; *text != '\0'; text++)
		if (*text == '?')
			add(q, name, (size_t)n);
		else
			add(q, text, 1);
}

void sql_int(struct sql *q, const char *text, int64_t v)
{
	param_int(&q->params, v);
	add_with(q, text, "bigint");
}

void sql_span(struct sql *q, const char *text, struct span v)
{
	param_span(&q->params, v);
	add_with(q, text, "text");
}

void sql_list(struct sql *q, const char *text, const uint64_t *v, size_t n)
{
	if (q->lists_n == SQL_LISTS) {
		q->broken = true;
		return;
	}
	struct array *list = &q->lists[q->lists_n++];
	array_begin(list, ARRAY_INT8);
	for (size_t i = 0; i < n; i++)
		array_int(list, (int64_t)v[i]);
	param_array(&q->params, list);
	add_with(q, text, "bigint[]");
}

void sql_division(struct sql *q, const char *text, struct span division)
{
	size_t n = division.n;

	for (size_t i = 0; i < division.n; i++)
		if (division.p[i] < '0' || division.p[i] > '9')
			n = 0;
	if (n != 6 || q->params.n == PARAMS_MAX) {
		sql_add(q, " AND false");
		return;
	}
	char *pattern = q->patterns[q->params.n];
	while (n > 2 && division.p[n - 1] == '0' && division.p[n - 2] == '0')
		n -= 2;
	memcpy(pattern, division.p, n);
	pattern[n] = '%';
	param_span(&q->params, span_of(pattern, n + 1));
	add_with(q, text, "text");
}

/*
 * The only place where the scope becomes a condition. Whoever is none of the three sees nothing.
 */
void sql_scope(struct sql *q, enum subject subject, const struct scope *scope)
{
	if (scope->all) {
		sql_add(q, " WHERE true");
	} else if (scope->division.n > 0) {
		sql_add(q, " WHERE true");
		sql_division(q, " AND (x.division_generator LIKE ? OR x.division_facility LIKE ?)",
			     scope->division);
	} else if (scope->party != 0 && subject == SUBJECT_MANIFEST) {
		sql_int(q,
			" WHERE (x.generator = ? OR x.transporter = ? OR x.facility = ? OR EXISTS (SELECT "
			"FROM manifest_term s WHERE s.transporter = ? AND s.number = x.number " ONE_BY_ONE
			"))",
			scope->party);
	} else if (scope->party != 0) {
		sql_int(q,
			" WHERE EXISTS (SELECT FROM flag_party s WHERE s.party = ? AND s.flag = "
			"x.flag " ONE_BY_ONE ")",
			scope->party);
	} else {
		sql_add(q, " WHERE false");
	}
}

/* A later transporter's row has no generator, and is only there when the party was none of the three. */
void sql_party_numbers(struct sql *q, int64_t party)
{
	sql_int(q,
		"SELECT number FROM manifest_term WHERE generator = ? UNION ALL "
		"SELECT number FROM manifest_term WHERE transporter = ? AND generator IS DISTINCT FROM ? "
		"UNION ALL SELECT number FROM manifest_term WHERE facility = ? "
		"AND generator <> ? AND transporter <> ?",
		party);
}

void sql_from_scoped(struct sql *q, enum subject subject, const struct scope *scope)
{
	sql_add(q, subject == SUBJECT_FLAG ? " FROM flag x" : " FROM manifest x");
	q->key = subject == SUBJECT_FLAG ? "x.flag" : "x.number";
	sql_scope(q, subject, scope);
}

void sql_page(struct sql *q, uint64_t after, uint32_t limit)
{
	if (after > 0) {
		sql_add(q, " AND ");
		sql_add(q, q->key);
		sql_int(q, " < ?", after > INT64_MAX ? INT64_MAX : (int64_t)after);
	}
	sql_add(q, " ORDER BY ");
	sql_add(q, q->key);
	sql_int(q, " DESC LIMIT ?", (int64_t)limit + 1);
}

static enum store_result run(struct sql *q, struct store_conn *c, bool kept, PGresult **ret_res)
{
	enum store_result r = STORE_UNAVAILABLE;

	if (q->broken)
		conn_error(c, "a query is too long");
	else if (kept)
		r = conn_run_kept(c, q->text, &q->params, ret_res);
	else
		r = conn_run_planned(c, q->text, &q->params, ret_res);
	sql_free(q);
	return r;
}

enum store_result sql_run(struct sql *q, struct store_conn *c, PGresult **ret_res)
{
	return run(q, c, false, ret_res);
}

enum store_result sql_run_kept(struct sql *q, struct store_conn *c, PGresult **ret_res)
{
	return run(q, c, true, ret_res);
}
