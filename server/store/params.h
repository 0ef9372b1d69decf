/*
 * Parameters of a statement and cells of its result, both in binary form. Integers of any width travel as
 * bigint; the statement's assignment narrows them, and PostgreSQL refuses what does not fit.
 */
#ifndef STORE_PARAMS_H
#define STORE_PARAMS_H

#include <libpq-fe.h>

#include "base/arena.h"
#include "crypto/digest.h"
#include "store/array.h"

enum { PARAMS_MAX = 24 };

struct params {
	int n;
	bool broken; /* a value could not be built */
	const char *values[PARAMS_MAX];
	int lengths[PARAMS_MAX];
	int formats[PARAMS_MAX];
	uint8_t ints[PARAMS_MAX][8];
};

/* Each adds one; spans and arrays are borrowed until the statement is sent. */
void param_int(struct params *p, int64_t v);
void param_int_or_null(struct params *p, int64_t v); /* 0 becomes NULL */
void param_bool(struct params *p, bool v);
void param_span(struct params *p, struct span v); /* bytea or text */
void param_str(struct params *p, const char *v);
void param_digest(struct params *p, const struct digest *v);
void param_array(struct params *p, struct array *a);
void param_null(struct params *p);

/* Cells. An integer (or bool) of any width; NULL is 0. */
int64_t cell_int(const PGresult *res, int row, int column);
/* The bytes, borrowed from the result; NULL is empty. */
struct span cell_span(const PGresult *res, int row, int column);
/* A copy in the arena; false: no memory. */
bool cell_copy(const PGresult *res, int row, int column, struct arena *arena,
	       struct span *ret_copy) MUST_CHECK;
/* False: not 32 bytes. */
bool cell_digest(const PGresult *res, int row, int column, struct digest *ret_digest) MUST_CHECK;

#endif
