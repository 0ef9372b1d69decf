#include "crypto/key_text.h"

#include <sodium.h>
#include <stdio.h>

#include "base/text.h"

static const char secret_word[] = "MANIFEST-SECRET-KEY-1:";
static const char public_word[] = "MANIFEST-PUBLIC-KEY-1:";

static void put(const char *word, struct span bytes, char ret_text[KEY_TEXT_SIZE])
{
	size_t n = strlen(word);

	memcpy(ret_text, word, n);
	base64_encode(bytes, ret_text + n);
	n += base64_length(bytes.n);
	ret_text[n] = '\n';
	ret_text[n + 1] = '\0';
}

static bool parse(const char *word, struct span text, uint8_t ret_bytes[32])
{
	size_t n = strlen(word);
	size_t got = 0;

	if (text.n > 0 && text.p[text.n - 1] == '\n')
		text.n--;
	return text.n > n && memcmp(text.p, word, n) == 0 &&
	       base64_decode(span_of(text.p + n, text.n - n), ret_bytes, 32, &got) && got == 32;
}

void secret_key_text(const struct secret_key *key, char ret_text[KEY_TEXT_SIZE])
{
	uint8_t seed[SEED_SIZE];

	(void)crypto_sign_ed25519_sk_to_seed(seed, key->b);
	put(secret_word, span_of(seed, sizeof(seed)), ret_text);
	sodium_memzero(seed, sizeof(seed));
}

void public_key_text(const struct public_key *key, char ret_text[KEY_TEXT_SIZE])
{
	put(public_word, span_of(key->b, sizeof(key->b)), ret_text);
}

bool secret_key_parse(struct span text, struct secret_key *ret_key)
{
	uint8_t seed[SEED_SIZE];
	struct public_key ignored;
	bool good = parse(secret_word, text, seed);

	if (good)
		key_from_seed(seed, ret_key, &ignored);
	sodium_memzero(seed, sizeof(seed));
	return good;
}

bool public_key_parse(struct span text, struct public_key *ret_key)
{
	struct public_key key;

	if (!parse(public_word, text, key.b))
		return false;
	*ret_key = key;
	return true;
}
