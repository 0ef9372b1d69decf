#include "scratch/held.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/map.h"

struct row {
	struct span key, value;
};

struct held {
	struct arena *arena; /* keys, values and rows */
	struct map map;      /* struct row by key */
	struct row **rows;   /* each once */
	size_t n, cap;
};

struct held *held_new(size_t limit)
{
	struct held *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	h->arena = arena_new_sized(limit, limit);
	if (h->arena == NULL) {
		free(h);
		return NULL;
	}
	return h;
}

void held_free(struct held *h)
{
	if (h == NULL)
		return;
	map_free(&h->map);
	arena_free(h->arena);
	free(h->rows);
	free(h);
}

struct span held_get(const struct held *h, struct span key)
{
	const struct row *row = map_get(&h->map, key);

	return row == NULL ? span_of(NULL, 0) : row->value;
}

static bool add(struct held *h, struct span key, struct span value)
{
	struct row *row = arena_room(h->arena, 1, sizeof(*row));

	if (h->n == h->cap) {
		size_t cap = h->cap == 0 ? 1024 : 2 * h->cap;
		struct row **grown = realloc(h->rows, cap * sizeof(struct row *));
		if (grown == NULL)
			return false;
		h->rows = grown;
		h->cap = cap;
	}
	if (row == NULL)
		return false;
	*row = (struct row){arena_copy(h->arena, key), value};
	if (row->key.p == NULL || !map_put(&h->map, row->key, row))
		return false;
	h->rows[h->n++] = row;
	return true;
}

bool held_put(struct held *h, struct span key, struct span value)
{
	struct row *row = map_get(&h->map, key);
	struct span copy = arena_copy(h->arena, value);

	if (copy.p == NULL)
		return false;
	if (row == NULL)
		return add(h, key, copy);
	row->value = copy;
	return true;
}

static int by_key(const void *a, const void *b)
{
	const struct row *const *x = a, *const *y = b;
	struct span k = (*x)->key, l = (*y)->key;
	int d = memcmp(k.p, l.p, k.n < l.n ? k.n : l.n);

	return d != 0 ? d : k.n < l.n ? -1 : k.n > l.n;
}

bool held_empty(struct held *h, bool (*each)(void *self, struct span key, struct span value), void *self)
{
	bool good = true;

	if (h->n > 0)
		qsort(h->rows, h->n, sizeof(struct row *), by_key);
	for (size_t i = 0; i < h->n && good; i++)
		good = each(self, h->rows[i]->key, h->rows[i]->value);
	h->n = 0;
	map_free(&h->map);
	arena_reset(h->arena);
	return good;
}
