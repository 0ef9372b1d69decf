/* Owns the binary form of single values. */
#include "store/params.h"

#include <limits.h>

static void add(struct params *p, const void *value, size_t n)
{
	if (p->n == PARAMS_MAX || n > INT_MAX) {
		p->broken = true;
		return;
	}
	p->values[p->n] = value;
	p->lengths[p->n] = (int)n;
	p->formats[p->n] = 1;
	p->n++;
}

static void add_number(struct params *p, uint64_t v, size_t n)
{
	if (p->n == PARAMS_MAX) {
		p->broken = true;
		return;
	}
	uint8_t *to = p->ints[p->n];
	for (size_t i = 0; i < n; i++)
		to[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
	add(p, to, n);
}

void param_int(struct params *p, int64_t v)
{
	add_number(p, (uint64_t)v, 8);
}

void param_int_or_null(struct params *p, int64_t v)
{
	if (v == 0)
		param_null(p);
	else
		param_int(p, v);
}

void param_bool(struct params *p, bool v)
{
	add_number(p, v, 1);
}

void param_span(struct params *p, struct span v)
{
	add(p, v.p == NULL ? (const uint8_t *)"" : v.p, v.n); /* to libpq a null pointer is NULL */
}

void param_str(struct params *p, const char *v)
{
	param_span(p, span_str(v));
}

void param_digest(struct params *p, const struct digest *v)
{
	add(p, v->b, DIGEST_SIZE);
}

void param_array(struct params *p, struct array *a)
{
	struct span v = array_value(a);

	if (v.n == 0)
		p->broken = true;
	add(p, v.p, v.n);
}

void param_null(struct params *p)
{
	add(p, NULL, 0);
}

int64_t cell_int(const PGresult *res, int row, int column)
{
	const uint8_t *p = (const uint8_t *)PQgetvalue(res, row, column);
	int n = PQgetlength(res, row, column);

	if (PQgetisnull(res, row, column) || n < 1 || n > 8)
		return 0;
	uint64_t v = (n > 1 && (p[0] & 0x80) != 0) ? UINT64_MAX : 0;
	for (int i = 0; i < n; i++)
		v = v << 8 | p[i];
	return (int64_t)v;
}

struct span cell_span(const PGresult *res, int row, int column)
{
	return span_of(PQgetvalue(res, row, column), (size_t)PQgetlength(res, row, column));
}

bool cell_copy(const PGresult *res, int row, int column, struct arena *arena, struct span *ret_copy)
{
	struct span copy = arena_copy(arena, cell_span(res, row, column));

	if (copy.p == NULL)
		return false;
	*ret_copy = copy;
	return true;
}

bool cell_digest(const PGresult *res, int row, int column, struct digest *ret_digest)
{
	struct span s = cell_span(res, row, column);

	if (s.n != DIGEST_SIZE)
		return false;
	memcpy(ret_digest->b, s.p, DIGEST_SIZE);
	return true;
}
