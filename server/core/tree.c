/*
 * The right edge and its drafts. All nodes are named by (height, index) in the whole tree; both the edge and
 * a draft keep, for each height, the last few of them in a row.
 */
#include "core/tree.h"

#include <assert.h>
#include <stdlib.h>

#include "core/proof_plan.h"

struct tree {
	uint64_t size;
	struct digest root;
	struct digest nodes[TILE_LEVELS * TILE_NODES]; /* see place() */
};

/* The first node of a height that lies in the partial tile. */
static uint64_t edge_first(uint64_t size, unsigned height)
{
	unsigned level = height / TILE_HEIGHT;
	unsigned within = height % TILE_HEIGHT;

	return shift_right(size, TILE_HEIGHT * (level + 1)) << (TILE_HEIGHT - within);
}

/* Where node (height, index) is kept; nodes of different tiles of a level share their places. */
static size_t place(unsigned height, uint64_t index)
{
	unsigned level = height / TILE_HEIGHT;
	unsigned within = height % TILE_HEIGHT;

	return (size_t)level * TILE_NODES + tile_node(within, index % (TILE_WIDTH >> within));
}

struct tree *tree_new(void)
{
	struct tree *t = calloc(1, sizeof(*t));

	if (t != NULL)
		t->root = merkle_root(NULL, 0);
	return t;
}

void tree_free(struct tree *t)
{
	free(t);
}

uint64_t tree_size(const struct tree *t)
{
	return t->size;
}

struct digest tree_root(const struct tree *t)
{
	return t->root;
}

bool tree_tile(const struct tree *t, const struct tile_id *id, struct digest *ret_hashes)
{
	unsigned width = tile_width(id->level, id->n, t->size);

	if (width == TILE_WIDTH || id->width > width || id->level >= TILE_LEVELS)
		return false;
	memcpy(ret_hashes, &t->nodes[place(id->level * TILE_HEIGHT, 0)], id->width * sizeof(*ret_hashes));
	return true;
}

unsigned tree_edge(const struct tree *t, unsigned level, struct digest ret_nodes[TILE_NODES])
{
	unsigned width = (unsigned)(shift_right(t->size, TILE_HEIGHT * level) % TILE_WIDTH);
	const struct digest *nodes = &t->nodes[(size_t)level * TILE_NODES];

	for (unsigned within = 0; width >> within != 0; within++)
		memcpy(&ret_nodes[tile_node(within, 0)], &nodes[tile_node(within, 0)],
		       (width >> within) * sizeof(*nodes));
	return width;
}

void tree_needs(uint64_t size, struct tree_need ret_needs[TILE_LEVELS])
{
	for (unsigned level = 0; level < TILE_LEVELS; level++) {
		uint64_t first = edge_first(size, level * TILE_HEIGHT);
		uint64_t hashes = size >> (level * TILE_HEIGHT);
		ret_needs[level] = (struct tree_need){.first = first, .count = (unsigned)(hashes - first)};
	}
}

struct tree *tree_restore(uint64_t size, const struct digest *const hashes[TILE_LEVELS])
{
	struct tree_need needs[TILE_LEVELS];
	struct digest peaks[MERKLE_HEIGHTS];
	struct digest rests[MERKLE_HEIGHTS + 1];
	struct tree *t = tree_new();

	if (t == NULL || size == 0)
		return t;
	tree_needs(size, needs);
	for (unsigned h = 0; h < MERKLE_HEIGHTS; h++) {
		unsigned level = h / TILE_HEIGHT;
		uint64_t first = edge_first(size, h);
		for (uint64_t i = first; i < size >> h; i++)
			t->nodes[place(h, i)] = h % TILE_HEIGHT == 0
						    ? hashes[level][i - first]
						    : merkle_node(&t->nodes[place(h - 1, 2 * i)],
								  &t->nodes[place(h - 1, 2 * i + 1)]);
		if ((size >> h & 1) != 0)
			peaks[h] = t->nodes[place(h, (size >> h) - 1)];
	}
	merkle_rests(size, peaks, rests);
	t->size = size;
	t->root = rests[MERKLE_HEIGHTS];
	return t;
}

static struct digest *draft_node(const struct tree_append *a, unsigned height, uint64_t index)
{
	return &a->nodes[height][index - a->first[height]];
}

/*
 * A draft's row begins with the last old node where that is a left child still without its sibling; so every
 * node that a new one, a peak or a new leaf's proof is made of is in the draft.
 */
static bool draft_rows(struct arena *arena, struct tree_append *a)
{
	uint64_t total = 0;

	for (unsigned h = 0; h < MERKLE_HEIGHTS; h++) {
		a->first[h] = a->old_size >> h & ~UINT64_C(1);
		total += (a->size >> h) - a->first[h];
	}
	struct digest *row = arena_array(arena, total, sizeof(*row));
	if (row == NULL)
		return false;
	for (unsigned h = 0; h < MERKLE_HEIGHTS; h++) {
		a->nodes[h] = row;
		row += (a->size >> h) - a->first[h];
	}
	return true;
}

static void draft_hash(struct tree_append *a, const struct tree *t, const struct digest *leaves)
{
	struct digest peaks[MERKLE_HEIGHTS];

	for (unsigned h = 0; h < MERKLE_HEIGHTS; h++) {
		uint64_t old = a->old_size >> h;
		if ((old & 1) != 0)
			*draft_node(a, h, old - 1) = t->nodes[place(h, old - 1)];
		for (uint64_t i = old; i < a->size >> h; i++)
			*draft_node(a, h, i) = h == 0 ? leaves[i - old]
						      : merkle_node(draft_node(a, h - 1, 2 * i),
								    draft_node(a, h - 1, 2 * i + 1));
		if ((a->size >> h & 1) != 0)
			peaks[h] = *draft_node(a, h, (a->size >> h) - 1);
	}
	merkle_rests(a->size, peaks, a->rests);
	a->root = a->size == 0 ? merkle_root(NULL, 0) : a->rests[MERKLE_HEIGHTS];
}

/* Full tiles at a level. */
static uint64_t full_tiles(uint64_t size, unsigned level)
{
	return shift_right(size, TILE_HEIGHT * (level + 1));
}

static bool draft_tiles(struct arena *arena, struct tree_append *a, const struct tree *t)
{
	size_t n = 0;

	for (unsigned level = 0; level < TILE_LEVELS; level++)
		n += (size_t)(full_tiles(a->size, level) - full_tiles(a->old_size, level));
	if (n == 0)
		return true;
	struct tree_tile *tile = arena_array(arena, n, sizeof(*tile));
	if (tile == NULL)
		return false;
	a->tiles = tile;
	a->tiles_n = n;
	for (unsigned level = 0; level < TILE_LEVELS; level++) {
		unsigned h = level * TILE_HEIGHT;
		for (uint64_t k = full_tiles(a->old_size, level); k < full_tiles(a->size, level); k++) {
			tile->level = level;
			tile->n = k;
			for (uint64_t i = 0; i < TILE_WIDTH; i++) {
				uint64_t index = k * TILE_WIDTH + i;
				tile->hashes[i] = index < a->first[h] ? t->nodes[place(h, index)]
								      : *draft_node(a, h, index);
			}
			tile++;
		}
	}
	return true;
}

struct tree_append *tree_append(struct arena *arena, const struct tree *t, const struct digest *leaves,
				size_t n)
{
	if (n > UINT64_MAX - t->size)
		return NULL;
	struct tree_append *a = arena_alloc(arena, sizeof(*a));
	if (a == NULL)
		return NULL;
	a->old_size = t->size;
	a->size = t->size + n;
	if (!draft_rows(arena, a))
		return NULL;
	draft_hash(a, t, leaves);
	if (!draft_tiles(arena, a, t))
		return NULL;
	return a;
}

size_t tree_prove(const struct tree_append *a, uint64_t index, struct digest ret_proof[MERKLE_PROOF_MAX])
{
	struct proof_step steps[MERKLE_PROOF_MAX];
	size_t n = proof_path(0, index, a->size, steps);

	for (size_t i = 0; i < n; i++)
		ret_proof[i] = steps[i].rest ? a->rests[steps[i].height]
					     : *draft_node(a, steps[i].height, steps[i].index);
	return n;
}

/* Nodes of tiles that filled up are overwritten by those of the next. */
void tree_commit(struct tree *t, const struct tree_append *a)
{
	assert(t->size == a->old_size);
	for (unsigned h = 0; h < MERKLE_HEIGHTS; h++)
		for (uint64_t i = a->old_size >> h; i < a->size >> h; i++)
			t->nodes[place(h, i)] = *draft_node(a, h, i);
	t->size = a->size;
	t->root = a->root;
}
