#include "crypto/keyring.h"

#include <stdatomic.h>
#include <stdlib.h>

struct slot {
	struct digest keyid;
	struct public_key key;
	bool used;
};

struct keyring {
	atomic_uint holders;
	size_t mask; /* slots - 1; a power of two at least twice the keys, so that every probe ends */
	struct slot slots[];
};

/* A key id is a hash already: its first bytes spread evenly. */
static size_t first_slot(const struct keyring *ring, const struct digest *keyid)
{
	uint64_t h;

	memcpy(&h, keyid->b, sizeof(h));
	return (size_t)h & ring->mask;
}

struct keyring *keyring_new(const struct public_key *keys, size_t n)
{
	size_t slots = 8;

	while (slots < 2 * n)
		slots *= 2;
	struct keyring *ring = calloc(1, sizeof(*ring) + slots * sizeof(ring->slots[0]));
	if (ring == NULL)
		return NULL;
	ring->mask = slots - 1;
	atomic_init(&ring->holders, 1);
	for (size_t i = 0; i < n; i++) {
		struct slot s = {.keyid = key_id(&keys[i]), .key = keys[i], .used = true};
		size_t at = first_slot(ring, &s.keyid);
		while (ring->slots[at].used)
			at = (at + 1) & ring->mask;
		ring->slots[at] = s;
	}
	return ring;
}

struct keyring *keyring_hold(struct keyring *ring)
{
	atomic_fetch_add_explicit(&ring->holders, 1, memory_order_relaxed);
	return ring;
}

void keyring_release(struct keyring *ring)
{
	if (ring != NULL && atomic_fetch_sub_explicit(&ring->holders, 1, memory_order_acq_rel) == 1)
		free(ring);
}

const struct public_key *keyring_find(const struct keyring *ring, const struct digest *keyid)
{
	for (size_t at = first_slot(ring, keyid); ring->slots[at].used; at = (at + 1) & ring->mask)
		if (digest_eq(&ring->slots[at].keyid, keyid))
			return &ring->slots[at].key;
	return NULL;
}
