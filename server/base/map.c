#include "base/map.h"

#include <stdlib.h>

/* Bits go up by multiplying and come down by folding: once more than there are words, since the last bytes of
 * keys that are counted upwards would else be seen in high bits alone. */
static uint64_t mix(uint64_t h)
{
	h *= UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 32;
}

/* Eight bytes at a time: keys are registered by an authority, not chosen by an attacker. */
uint64_t map_hash(struct span key)
{
	uint64_t h = key.n;

	for (size_t i = 0; i < key.n; i += 8) {
		uint64_t word = 0;
		memcpy(&word, key.p + i, key.n - i < 8 ? key.n - i : 8);
		h = mix(h ^ word);
	}
	return mix(h);
}

/* The slot that holds the key, or the free one where it belongs. */
static struct map_slot *probe(struct map_slot *slots, size_t cap, uint64_t hash, struct span key)
{
	size_t i = hash & (cap - 1);

	while (slots[i].value != NULL && (slots[i].hash != hash || !span_eq(slots[i].key, key)))
		i = (i + 1) & (cap - 1);
	return &slots[i];
}

void *map_get(const struct map *m, struct span key)
{
	if (m->cap == 0)
		return NULL;
	return probe(m->slots, m->cap, map_hash(key), key)->value;
}

static bool grow(struct map *m)
{
	size_t cap = m->cap == 0 ? 16 : 2 * m->cap;
	struct map_slot *slots = calloc(cap, sizeof(*slots));

	if (slots == NULL)
		return false;
	for (size_t i = 0; i < m->cap; i++) {
		const struct map_slot *from = &m->slots[i];
		if (from->value != NULL)
			*probe(slots, cap, from->hash, from->key) = *from;
	}
	free(m->slots);
	m->slots = slots;
	m->cap = cap;
	return true;
}

bool map_put(struct map *m, struct span key, void *value)
{
	/* At most three quarters full, so that a free slot ends every probe. */
	if (m->n >= m->cap / 4 * 3 && !grow(m))
		return false;
	uint64_t hash = map_hash(key);
	struct map_slot *slot = probe(m->slots, m->cap, hash, key);
	if (slot->value == NULL)
		m->n++;
	*slot = (struct map_slot){.hash = hash, .key = key, .value = value};
	return true;
}

void map_free(struct map *m)
{
	free(m->slots);
	*m = (struct map){0};
}
