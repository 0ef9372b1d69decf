/* Proofs and roots of what is stored, through the store, on any of its lanes. Private to path/. */
#ifndef PATH_PROVE_H
#define PATH_PROVE_H

#include "core/proof_plan.h"
#include "core/tree.h"
#include "ports.h"

/* A full tile that was fetched for a proof: it never changes, so threads look at it without a lock. */
struct tile_kept {
	unsigned refs; /* the main thread's alone */
	uint64_t used; /* when last: the least gives way */
	struct tile_id id;
	struct digest nodes[TILE_NODES];
};
/* Many ask from the same few sizes, or for the same few manifests. Begins as zeros; on the main thread alone.
 */
enum { TILES_KEPT = 64 };
struct tiles_kept {
	struct tile_kept *tiles[TILES_KEPT];
	size_t n;
	uint64_t uses;
};

/*
 * The tiles that an answer's proofs are made of, in the arena. They are to a large part the same: each is
 * fetched and hashed once. Begins as zeros.
 */
struct tiles {
	uint64_t edge_size; /* of the tree whose right edge is at hand; 0: none is */
	const struct digest *edge[TILE_LEVELS];
	struct tile_kept *kept[TILES_KEPT]; /* borrowed: tiles_give_back() */
	size_t kept_n;
	struct tile_held {
		struct tile_id id;
		const struct digest *nodes;
		struct digest *room; /* to fetch it to; NULL: it was kept */
	} * held;
	size_t n, cap;
};

/*
 * The partial tiles from the tree in memory, so that only full ones are fetched, which never change. For
 * proofs in trees up to this size. False: no memory.
 */
bool tiles_take_edge(struct tiles *t, const struct tree *tree, struct arena *arena) MUST_CHECK;
/*
 * All that the plans need and is not there yet: full tiles by one question. STORE_UNAVAILABLE also without
 * memory; STORE_CORRUPT also when a full one is not what the tree above it says. After a failure nothing can
 * be built.
 */
enum store_result tiles_fetch(struct tiles *t, const struct store_port *store, void *thread,
			      const struct proof_plan *plans, size_t plans_n, struct arena *arena) MUST_CHECK;
/* A proof of a plan whose tiles were fetched; ret_hashes has room for plan->steps_n. */
void tiles_build(const struct tiles *t, const struct proof_plan *plan, struct digest *ret_hashes);

/* What is kept by now is at hand until it is given back. */
void tiles_borrow(struct tiles *t, const struct tiles_kept *kept);
/* All that the plan needs is at hand, from the edge or borrowed: nothing will be fetched for it. */
bool tiles_at_hand(const struct tiles *t, const struct proof_plan *plan) MUST_CHECK;
/* Ends the borrowing. What was used is kept, before all else, and so is what was fetched, as far as the tree
 * above says that it is right. */
void tiles_give_back(struct tiles *t, struct tiles_kept *kept);
/* The hashes of a tile, or of the full one that it has become; NULL: it is not kept. Until the next is given
 * back. */
const struct digest *tiles_look_up(const struct tiles_kept *kept, const struct tile_id *id);
void tiles_forget(struct tiles_kept *kept);

/* Both in one, for one proof alone, in memory of its own: a batch may need a great many roots. */
enum store_result plan_prove(const struct store_port *store, void *thread, const struct proof_plan *plan,
			     struct digest *ret_hashes) MUST_CHECK;
/* The root that the log had at `size`; fails likewise. */
enum store_result tree_root_at(const struct store_port *store, void *thread, uint64_t size,
			       struct digest *ret_root) MUST_CHECK;

#endif
