/*
 * Proofs from tiles, in two steps, because tiles are fetched between them: a plan says which tiles a proof
 * needs, and building it from them cannot fail. Pure.
 *
 * For sizes up to that of a tree in memory, tiles that are still partial there come from its right edge
 * (tree_edge()), which is also good for every smaller width; the others are full and stored.
 */
#ifndef CORE_PROOF_PLAN_H
#define CORE_PROOF_PLAN_H

#include "core/merkle.h"
#include "core/tile.h"

/* One hash of a proof: the complete node `index` of `height`, or the rest of the tree after the last one; at
 * height 64 that is all of the tree. */
struct proof_step {
	unsigned height;
	bool rest;
	uint64_t index;
};

/* On the way to the root a proof touches one tile a level, and one more where it joins the right edge. */
enum { PROOF_TILES_MAX = 2 * TILE_LEVELS };

struct proof_plan {
	uint64_t size;
	struct proof_step steps[MERKLE_PROOF_MAX];
	size_t steps_n; /* the length of the proof */
	struct tile_id tiles[PROOF_TILES_MAX];
	size_t tiles_n;
};

/* The proof that the leaf at `index` is in the tree of `size`. False: index >= size. */
bool plan_inclusion(uint64_t index, uint64_t size, struct proof_plan *ret_plan) MUST_CHECK;
/* The proof that the tree of `m` leaves begins that of `n`; empty when m == n. False: m == 0 or m > n. */
bool plan_consistency(uint64_t m, uint64_t n, struct proof_plan *ret_plan) MUST_CHECK;
/* Not a proof, but one hash: the root that the log had, or has, at `size`. False: size == 0. */
bool plan_root(uint64_t size, struct proof_plan *ret_plan) MUST_CHECK;

/* Hashes the nodes above a tile's first `width` hashes, which are there: see tile_node(). */
void tile_hash_nodes(struct digest nodes[TILE_NODES], unsigned width);
/*
 * tiles[i] holds the nodes of plan->tiles[i], of at least its width (the full tile does for a partial one).
 * Copies; only what ends at the right edge is hashed. Writes plan->steps_n hashes.
 */
void plan_build(const struct proof_plan *plan, const struct digest *const *tiles, struct digest *ret_proof);

/*
 * The hashes from the siblings of node (height, index) up to the root of `size` leaves, for those who have
 * the nodes at hand. The node must be in the tree. Returns their number.
 */
size_t proof_path(unsigned height, uint64_t index, uint64_t size,
		  struct proof_step ret_steps[MERKLE_PROOF_MAX]);

#endif
