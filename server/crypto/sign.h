/*
 * Ed25519 keys and signatures, and the DSSE pre-authentication encoding they cover. Pure: key bytes come in
 * as arguments; reading key files is the caller's.
 */
#ifndef CRYPTO_SIGN_H
#define CRYPTO_SIGN_H

#include "base/buffer.h"
#include "crypto/digest.h"

enum { PUBLIC_KEY_SIZE = 32, SECRET_KEY_SIZE = 64, SEED_SIZE = 32, SIGNATURE_SIZE = 64 };

struct public_key {
	uint8_t b[PUBLIC_KEY_SIZE];
};

/* libsodium's form: seed, then public key. Wipe with secret_key_wipe(). */
struct secret_key {
	uint8_t b[SECRET_KEY_SIZE];
};

struct signature {
	uint8_t b[SIGNATURE_SIZE];
};

/* Call once before anything else; false: no source of randomness. */
bool crypto_start(void) MUST_CHECK;

void key_generate(struct secret_key *ret_secret, struct public_key *ret_public);
void key_from_seed(const uint8_t seed[SEED_SIZE], struct secret_key *ret_secret,
		   struct public_key *ret_public);
struct public_key key_public(const struct secret_key *secret);
void secret_key_wipe(struct secret_key *secret);
/* SHA-256 of the 32 raw bytes: what names a key everywhere. */
struct digest key_id(const struct public_key *key);

struct signature sign(const struct secret_key *secret, struct span message);
/* Strict verification (libsodium refuses non-canonical S, small-order and non-canonical points). */
bool signature_holds(const struct public_key *key, struct span message,
		     const struct signature *sig) MUST_CHECK;

/* DSSE v1 PAE: "DSSEv1" SP LEN(type) SP type SP LEN(body) SP body. */
void dsse_pae(struct buffer *to, struct span payload_type, struct span payload);
/* What of it is before a body of this length. */
void dsse_pae_head(struct buffer *to, struct span payload_type, size_t payload_n);

#define EVENT_PAYLOAD_TYPE "application/vnd.manifest.event.v1+protobuf"
#define HELLO_PAYLOAD_TYPE "application/vnd.manifest.hello.v1+protobuf"

#endif
