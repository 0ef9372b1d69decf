/*
 * A growable byte buffer. A failed allocation marks the buffer broken and every later write is dropped, so
 * that a writer checks once, at the end, with buffer_ok().
 */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <endian.h>
#include <string.h>

#include "base/span.h"

struct buffer {
	uint8_t *p;
	size_t n;
	size_t cap;
	bool broken;
};

#define BUFFER_EMPTY                                                                                         \
	{                                                                                                    \
		0                                                                                            \
	}

/* buffer_reserve() where there is no room yet. */
uint8_t *buffer_grow(struct buffer *b, size_t more);

/* Makes room for `more` further bytes. Returns where they go, or NULL (and the buffer is broken). */
static inline uint8_t *buffer_reserve(struct buffer *b, size_t more)
{
	return !b->broken && b->cap - b->n >= more ? b->p + b->n : buffer_grow(b, more);
}

static inline void buffer_put(struct buffer *b, const void *p, size_t n)
{
	uint8_t *to = p == NULL || n == 0 ? NULL : buffer_reserve(b, n);

	if (to == NULL)
		return;
	memcpy(to, p, n);
	b->n += n;
}

static inline void buffer_put_span(struct buffer *b, struct span s)
{
	buffer_put(b, s.p, s.n);
}

static inline void buffer_put_u8(struct buffer *b, uint8_t v)
{
	buffer_put(b, &v, 1);
}

/* Big-endian. */
static inline void buffer_put_be16(struct buffer *b, uint16_t v)
{
	const uint16_t be = htobe16(v);

	buffer_put(b, &be, sizeof(be));
}

/* What buffer_put_be32() wrote. */
static inline uint32_t read_be32(const uint8_t *p)
{
	uint32_t be;

	memcpy(&be, p, sizeof(be));
	return be32toh(be);
}

static inline void buffer_put_be32(struct buffer *b, uint32_t v)
{
	const uint32_t be = htobe32(v);

	buffer_put(b, &be, sizeof(be));
}

static inline void buffer_put_be64(struct buffer *b, uint64_t v)
{
	const uint64_t be = htobe64(v);

	buffer_put(b, &be, sizeof(be));
}

void buffer_put_str(struct buffer *b, const char *s);
void buffer_put_decimal(struct buffer *b, uint64_t v);
void buffer_printf(struct buffer *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Lowercase hex of the bytes. */
void buffer_put_hex(struct buffer *b, struct span s);
/* Standard base64 with padding. */
void buffer_put_base64(struct buffer *b, struct span s);
/* Drops the first n bytes (n <= b->n). */
void buffer_consume(struct buffer *b, size_t n);
void buffer_clear(struct buffer *b);
void buffer_free(struct buffer *b);

static inline bool buffer_ok(const struct buffer *b)
{
	return !b->broken;
}

static inline struct span buffer_span(const struct buffer *b)
{
	return span_of(b->p, b->n);
}

#endif
