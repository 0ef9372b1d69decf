/* Protobuf's varints: seven bits a byte, low bits first, the shortest form only. Internal to wire/. */
#ifndef WIRE_VARINT_H
#define WIRE_VARINT_H

#include "base/buffer.h"

enum { VARINT_MAX = 10 };

/* Writes at most VARINT_MAX bytes and returns how many. */
static inline size_t varint_bytes(uint64_t v, uint8_t ret_bytes[VARINT_MAX])
{
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		ret_bytes[n++] = (uint8_t)(v | 0x80);
	ret_bytes[n++] = (uint8_t)v;
	return n;
}

static inline void varint_put(struct buffer *to, uint64_t v)
{
	uint8_t bytes[VARINT_MAX];

	buffer_put(to, bytes, varint_bytes(v, bytes));
}

/* Takes one off the front. False: it does not end, is not the shortest, or is above 64 bits. */
static inline bool varint_take(struct span *from, uint64_t *ret_value)
{
	uint64_t v = 0;

	for (size_t i = 0; i < from->n && i < VARINT_MAX; i++) {
		uint8_t byte = from->p[i];
		if (i == VARINT_MAX - 1 && byte > 1)
			return false;
		v |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (byte >= 0x80)
			continue;
		if (byte == 0 && i > 0)
			return false;
		*from = span_of(from->p + i + 1, from->n - i - 1);
		*ret_value = v;
		return true;
	}
	return false;
}

#endif
