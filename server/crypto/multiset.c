#include "crypto/multiset.h"

#include <sodium.h>
#include <string.h>

_Static_assert(sizeof(((struct multiset_key *)0)->b) == crypto_shorthash_KEYBYTES, "SipHash's key");

void multiset_new_key(struct multiset_key *ret_key)
{
	crypto_shorthash_keygen(ret_key->b);
}

void multiset_add(struct multiset *m, const struct multiset_key *key, struct span string, uint64_t times)
{
	uint8_t hash[crypto_shorthash_siphashx24_BYTES];
	uint64_t halves[2];

	(void)crypto_shorthash_siphashx24(hash, string.p, string.n, key->b);
	memcpy(halves, hash, sizeof(halves));
	m->sum[0] += times * halves[0];
	m->sum[1] += times * halves[1];
	m->n += times;
}

bool multiset_eq(const struct multiset *a, const struct multiset *b)
{
	return a->n == b->n && a->sum[0] == b->sum[0] && a->sum[1] == b->sum[1];
}
