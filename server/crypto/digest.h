/*
 * SHA-256 values. Pure.
 */
#ifndef CRYPTO_DIGEST_H
#define CRYPTO_DIGEST_H

#include "base/span.h"

enum { DIGEST_SIZE = 32, DIGEST_HEX = 64 };

struct digest {
	uint8_t b[DIGEST_SIZE];
};

struct digest digest_of(struct span s);
/* The digest of prefix || a || b, without joining them; what the Merkle tree needs. b may be empty. */
struct digest digest_prefixed(uint8_t prefix, struct span a, struct span b);
/* Writes 64 lowercase digits and a NUL. */
void digest_hex(const struct digest *d, char ret_text[DIGEST_HEX + 1]);

static inline bool digest_eq(const struct digest *a, const struct digest *b)
{
	return memcmp(a->b, b->b, DIGEST_SIZE) == 0;
}

static inline bool digest_is_zero(const struct digest *d)
{
	static const struct digest zero;

	return digest_eq(d, &zero);
}

static inline struct span digest_span(const struct digest *d)
{
	return span_of(d->b, DIGEST_SIZE);
}

#endif
