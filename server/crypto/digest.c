#include "crypto/digest.h"

#include <sodium.h>

#include "base/text.h"

struct digest digest_of(struct span s)
{
	struct digest d;

	(void)crypto_hash_sha256(d.b, s.p, s.n);
	return d;
}

struct digest digest_prefixed(uint8_t prefix, struct span a, struct span b)
{
	struct digest d;
	crypto_hash_sha256_state state;

	(void)crypto_hash_sha256_init(&state);
	(void)crypto_hash_sha256_update(&state, &prefix, 1);
	(void)crypto_hash_sha256_update(&state, a.p, a.n);
	(void)crypto_hash_sha256_update(&state, b.p, b.n);
	(void)crypto_hash_sha256_final(&state, d.b);
	return d;
}

void digest_hex(const struct digest *d, char ret_text[DIGEST_HEX + 1])
{
	hex_encode(digest_span(d), ret_text);
}
