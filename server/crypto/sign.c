#include "crypto/sign.h"

#include <sodium.h>

bool crypto_start(void)
{
	return sodium_init() >= 0;
}

void key_generate(struct secret_key *ret_secret, struct public_key *ret_public)
{
	(void)crypto_sign_keypair(ret_public->b, ret_secret->b);
}

void key_from_seed(const uint8_t seed[SEED_SIZE], struct secret_key *ret_secret,
		   struct public_key *ret_public)
{
	(void)crypto_sign_seed_keypair(ret_public->b, ret_secret->b, seed);
}

struct public_key key_public(const struct secret_key *secret)
{
	struct public_key key;

	(void)crypto_sign_ed25519_sk_to_pk(key.b, secret->b);
	return key;
}

void secret_key_wipe(struct secret_key *secret)
{
	sodium_memzero(secret, sizeof(*secret));
}

struct digest key_id(const struct public_key *key)
{
	return digest_of(span_of(key->b, sizeof(key->b)));
}

struct signature sign(const struct secret_key *secret, struct span message)
{
	struct signature sig;

	(void)crypto_sign_detached(sig.b, NULL, message.p, message.n, secret->b);
	return sig;
}

bool signature_holds(const struct public_key *key, struct span message, const struct signature *sig)
{
	return crypto_sign_verify_detached(sig->b, message.p, message.n, key->b) == 0;
}

void dsse_pae_head(struct buffer *to, struct span payload_type, size_t payload_n)
{
	buffer_put_str(to, "DSSEv1 ");
	buffer_put_decimal(to, payload_type.n);
	buffer_put_u8(to, ' ');
	buffer_put_span(to, payload_type);
	buffer_put_u8(to, ' ');
	buffer_put_decimal(to, payload_n);
	buffer_put_u8(to, ' ');
}

void dsse_pae(struct buffer *to, struct span payload_type, struct span payload)
{
	dsse_pae_head(to, payload_type, payload.n);
	buffer_put_span(to, payload);
}
