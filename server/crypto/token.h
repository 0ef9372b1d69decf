/*
 * Bearer tokens for HTTP: a key's id and an expiry, authenticated by a secret of the server. Pure.
 */
#ifndef CRYPTO_TOKEN_H
#define CRYPTO_TOKEN_H

#include "crypto/digest.h"

enum { TOKEN_KEY_SIZE = 32, TOKEN_TEXT_SIZE = 128 };

/* The secret that tokens are made with, derived from the server's secret key, so that tokens outlive a
 * restart. */
void token_key_derive(struct span secret, uint8_t ret_key[TOKEN_KEY_SIZE]);
/* expires_at: microseconds UTC. Writes the text and a NUL. */
void token_make(const uint8_t key[TOKEN_KEY_SIZE], const struct digest *keyid, int64_t expires_at,
		char ret_text[TOKEN_TEXT_SIZE]);
/* False: not a token made with this key. Whether it expired is the caller's to see. */
bool token_open(const uint8_t key[TOKEN_KEY_SIZE], struct span text, struct digest *ret_keyid,
		int64_t *ret_expires_at) MUST_CHECK;

#endif
