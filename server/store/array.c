/*
 * Owns the binary form of arrays: dimensions, a flag for NULLs, the element type, then for each dimension its
 * size and lower bound, then the elements, each after its length (-1: NULL). All numbers are big-endian.
 */
#include "store/array.h"

enum { HEADER = 20, DIMENSIONS_AT = 0, NULLS_AT = 4, SIZE_AT = 12 };

static void put_at(struct array *a, size_t at, uint32_t v)
{
	const uint32_t be = htobe32(v);

	memcpy(a->bytes.p + at, &be, sizeof(be));
}

void array_begin(struct array *a, enum array_type type)
{
	const uint32_t header[HEADER / sizeof(uint32_t)] = {htobe32(1), 0, htobe32((uint32_t)type), 0,
							    htobe32(1)};

	buffer_clear(&a->bytes);
	a->type = type;
	a->n = 0;
	buffer_put(&a->bytes, header, sizeof(header));
}

void array_int(struct array *a, int64_t v)
{
	const struct {
		uint32_t length;
		uint64_t v;
	} __attribute__((packed)) cell = {htobe32(8), htobe64((uint64_t)v)};

	buffer_put(&a->bytes, &cell, sizeof(cell));
	a->n++;
}

void array_bool(struct array *a, bool v)
{
	buffer_put_be32(&a->bytes, 1);
	buffer_put_u8(&a->bytes, v);
	a->n++;
}

void array_span(struct array *a, struct span v)
{
	buffer_put_be32(&a->bytes, (uint32_t)v.n);
	buffer_put_span(&a->bytes, v);
	a->n++;
}

void array_null(struct array *a)
{
	buffer_put_be32(&a->bytes, UINT32_MAX);
	a->n++;
	if (buffer_ok(&a->bytes))
		put_at(a, NULLS_AT, 1);
}

struct span array_value(struct array *a)
{
	if (!buffer_ok(&a->bytes) || a->bytes.n < HEADER)
		return span_of(NULL, 0);
	if (a->n == 0) { /* an empty array has no dimension */
		put_at(a, DIMENSIONS_AT, 0);
		return span_of(a->bytes.p, SIZE_AT);
	}
	put_at(a, SIZE_AT, a->n);
	return buffer_span(&a->bytes);
}

void array_free(struct array *a)
{
	buffer_free(&a->bytes);
}
