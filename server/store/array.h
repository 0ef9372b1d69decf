/*
 * One-dimensional arrays in PostgreSQL's binary form, built element by element: a batch's rows travel as one
 * array for each column, and `unnest` turns them into rows again.
 */
#ifndef STORE_ARRAY_H
#define STORE_ARRAY_H

#include "base/buffer.h"

/* Element types, by their object identifiers, which PostgreSQL never changes. */
enum array_type { ARRAY_BOOL = 16, ARRAY_BYTEA = 17, ARRAY_INT8 = 20, ARRAY_TEXT = 25 };

struct array {
	struct buffer bytes;
	enum array_type type;
	uint32_t n;
};

/* Empties it; memory is kept. */
void array_begin(struct array *a, enum array_type type);
void array_int(struct array *a, int64_t v);
void array_bool(struct array *a, bool v);
void array_span(struct array *a, struct span v); /* bytea and text */
void array_null(struct array *a);
/* The finished value; valid until the next change. n 0: no memory. */
struct span array_value(struct array *a);
void array_free(struct array *a);

#endif
