/*
 * A keyring is an immutable snapshot of public keys by their ids. The verifying threads share one without
 * locks: a change of the registry publishes a new snapshot, and the old one lives until the last user lets go
 * of it.
 */
#ifndef CRYPTO_KEYRING_H
#define CRYPTO_KEYRING_H

#include "crypto/sign.h"

struct keyring;

/* A snapshot of n keys (copied), held once. NULL: no memory. */
struct keyring *keyring_new(const struct public_key *keys, size_t n) MUST_CHECK;
/* Thread-safe: holds once more, and lets go; the last one frees it. */
struct keyring *keyring_hold(struct keyring *ring) MUST_CHECK;
void keyring_release(struct keyring *ring);
/* Borrowed from the snapshot; NULL: unknown. */
const struct public_key *keyring_find(const struct keyring *ring, const struct digest *keyid);

#endif
