/*
 * Owns hashing. OpenSSL's SHA-256 and not libsodium's, since it uses the processor's own instructions: five
 * times faster, and a leaf and two nodes are hashed for each event. Its functions of version 1.1 and not EVP,
 * whose contexts are allocated and can fail.
 */
#include "crypto/digest.h"

#define OPENSSL_API_COMPAT 10101
#include <openssl/sha.h>

#include "base/text.h"

struct digest digest_of(struct span s)
{
	struct digest d;
	SHA256_CTX state;

	(void)SHA256_Init(&state);
	(void)SHA256_Update(&state, s.p, s.n);
	(void)SHA256_Final(d.b, &state);
	return d;
}

struct digest digest_prefixed(uint8_t prefix, struct span a, struct span b)
{
	struct digest d;
	SHA256_CTX state;

	(void)SHA256_Init(&state);
	(void)SHA256_Update(&state, &prefix, 1);
	(void)SHA256_Update(&state, a.p, a.n);
	(void)SHA256_Update(&state, b.p, b.n);
	(void)SHA256_Final(d.b, &state);
	return d;
}

void digest_hex(const struct digest *d, char ret_text[DIGEST_HEX + 1])
{
	hex_encode(digest_span(d), ret_text);
}
