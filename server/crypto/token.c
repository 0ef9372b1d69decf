#include "crypto/token.h"

#include <sodium.h>

#include "base/text.h"

/* keyid, expiry (big-endian), HMAC-SHA-512-256 of both; then base64 behind a prefix that says what it is. */
enum { BODY_SIZE = DIGEST_SIZE + 8, RAW_SIZE = BODY_SIZE + crypto_auth_BYTES };
static const char prefix[] = "manifest.";
enum { PREFIX_SIZE = sizeof(prefix) - 1 };

void token_key_derive(struct span secret, uint8_t ret_key[TOKEN_KEY_SIZE])
{
	static const char purpose[] = "manifest http token v1";

	(void)crypto_generichash(ret_key, TOKEN_KEY_SIZE, secret.p, secret.n, (const uint8_t *)purpose,
				 sizeof(purpose) - 1);
}

void token_make(const uint8_t key[TOKEN_KEY_SIZE], const struct digest *keyid, int64_t expires_at,
		char ret_text[TOKEN_TEXT_SIZE])
{
	uint8_t raw[RAW_SIZE];

	memcpy(raw, keyid->b, DIGEST_SIZE);
	for (int i = 0; i < 8; i++)
		raw[DIGEST_SIZE + i] = (uint8_t)((uint64_t)expires_at >> (56 - 8 * i));
	(void)crypto_auth(raw + BODY_SIZE, raw, BODY_SIZE, key);
	memcpy(ret_text, prefix, PREFIX_SIZE);
	base64_encode(span_of(raw, sizeof(raw)), ret_text + PREFIX_SIZE);
}

bool token_open(const uint8_t key[TOKEN_KEY_SIZE], struct span text, struct digest *ret_keyid,
		int64_t *ret_expires_at)
{
	uint8_t raw[RAW_SIZE];
	size_t n = 0;
	uint64_t expires_at = 0;

	if (text.n < PREFIX_SIZE || memcmp(text.p, prefix, PREFIX_SIZE) != 0)
		return false;
	if (!base64_decode(span_of(text.p + PREFIX_SIZE, text.n - PREFIX_SIZE), raw, sizeof(raw), &n) ||
	    n != sizeof(raw))
		return false;
	if (crypto_auth_verify(raw + BODY_SIZE, raw, BODY_SIZE, key) != 0)
		return false;
	for (int i = 0; i < 8; i++)
		expires_at = expires_at << 8 | raw[DIGEST_SIZE + i];
	memcpy(ret_keyid->b, raw, DIGEST_SIZE);
	*ret_expires_at = (int64_t)expires_at;
	return true;
}
