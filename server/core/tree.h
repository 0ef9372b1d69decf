/*
 * The log's tree as its writer keeps it: stored are full tiles, written once when they fill up, and in memory
 * is the right edge, the partial tile of each level with the nodes inside it. Appending makes a draft: the
 * nodes it completes, the tiles it fills, the new root, and every proof of the new entries, without reading
 * anything. After COMMIT the draft is put into the tree; after a failure it is forgotten. Pure.
 */
#ifndef CORE_TREE_H
#define CORE_TREE_H

#include "base/arena.h"
#include "core/merkle.h"
#include "core/tile.h"

struct tree;

/* The empty tree, about 128 KiB. NULL: no memory. Free with tree_free(). */
struct tree *tree_new(void) MUST_CHECK;
void tree_free(struct tree *t);
uint64_t tree_size(const struct tree *t);
struct digest tree_root(const struct tree *t);

/*
 * Hashes of the right edge: the partial tile of a level as far as it goes. False: the tile is full (read it
 * where it is stored) or is not that wide yet. Writes id->width hashes.
 */
bool tree_tile(const struct tree *t, const struct tile_id *id, struct digest *ret_hashes) MUST_CHECK;

/* The whole partial tile of a level (below TILE_LEVELS), with the nodes above its hashes. Returns its width,
 * which may be 0. */
unsigned tree_edge(const struct tree *t, unsigned level, struct digest ret_nodes[TILE_NODES]);

/*
 * What must be read to continue a log of `size` leaves: for each level the hashes `first` up to
 * `first + count`. At level 0 they are leaf hashes; at level l they are the roots (merkle_root()) of the full
 * tiles `first` up to `first + count` of level l - 1. count is at most 255.
 */
struct tree_need {
	uint64_t first;
	unsigned count;
};
void tree_needs(uint64_t size, struct tree_need ret_needs[TILE_LEVELS]);
/* The tree of `size` leaves; hashes[l] are those that tree_needs() asked for. NULL: no memory. The caller
 * compares the root with the signed one. */
struct tree *tree_restore(uint64_t size, const struct digest *const hashes[TILE_LEVELS]) MUST_CHECK;

struct tree_tile {
	unsigned level;
	uint64_t n;
	struct digest hashes[TILE_WIDTH];
};

/* A draft; all its memory is the arena's. It does not refer to the tree, and outlives its commit. */
struct tree_append {
	uint64_t old_size;
	uint64_t size;
	struct digest root;
	const struct tree_tile *tiles; /* those that fill up, by ascending level and n: to be stored */
	size_t tiles_n;
	/* Private: nodes[h][i] is node (h, first[h] + i); rests as in merkle_rests(). */
	struct digest *nodes[MERKLE_HEIGHTS];
	uint64_t first[MERKLE_HEIGHTS];
	struct digest rests[MERKLE_HEIGHTS + 1];
};

/* Appends n leaf hashes. NULL: the arena is full, or the size would pass 2^64 - 1. */
struct tree_append *tree_append(struct arena *arena, const struct tree *t, const struct digest *leaves,
				size_t n) MUST_CHECK;
/* The proof that the new leaf at `index` (old_size to size - 1) is in the tree of `size`: copies, no hashing.
 * Returns its length. */
size_t tree_prove(const struct tree_append *a, uint64_t index, struct digest ret_proof[MERKLE_PROOF_MAX]);
/* The draft becomes the tree. It must have been made of this tree at this size. */
void tree_commit(struct tree *t, const struct tree_append *a);

#endif
