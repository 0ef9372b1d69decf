/*
 * A hash of many strings whatever their order: two bags have the same one if they hold the same strings as
 * often each, and otherwise only by a chance of one in 2^128 - for whoever does not know the key, which is
 * random and stays in this process. (Clarke et al., Incremental Multiset Hash Functions, 2003:
 * MSet-Add-Hash.)
 */
#ifndef CRYPTO_MULTISET_H
#define CRYPTO_MULTISET_H

#include "base/span.h"

struct multiset_key {
	uint8_t b[16];
};

struct multiset {
	uint64_t sum[2];
	uint64_t n; /* strings */
};

void multiset_new_key(struct multiset_key *ret_key);
/* Only bags under one key can be compared. */
void multiset_add(struct multiset *m, const struct multiset_key *key, struct span string, uint64_t times);
bool multiset_eq(const struct multiset *a, const struct multiset *b) MUST_CHECK;

#endif
