/*
 * A hash table from bytes to pointers, for tables that only grow: open addressing, linear probing, nothing is
 * ever taken out. Keys and values are borrowed: they must stay where they are.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/span.h"

struct map_slot {
	uint64_t hash;
	struct span key;
	void *value; /* NULL: the slot is free */
};

struct map {
	struct map_slot *slots;
	size_t n;
	size_t cap; /* a power of two, or 0 */
};

/* NULL: there is none. */
void *map_get(const struct map *m, struct span key);
/* `value` is not NULL; a key that is there gets the new value. False: no memory, and the map is as it was. */
bool map_put(struct map *m, struct span key, void *value) MUST_CHECK;
void map_free(struct map *m);

/* What it finds a key by; for other tables of keys. */
uint64_t map_hash(struct span key) MUST_CHECK;

#endif
