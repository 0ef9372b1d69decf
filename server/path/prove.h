/* Proofs and roots of what is stored, through the store, on any of its lanes. Private to path/. */
#ifndef PATH_PROVE_H
#define PATH_PROVE_H

#include "core/proof_plan.h"
#include "ports.h"

/* The tiles that an answer's proofs need are to a large part the same: each is fetched once, into the arena.
 * Those beyond are fetched each time. Begins as zeros. */
enum { TILES_KEPT = 64 };
struct tiles {
	struct tile_id ids[TILES_KEPT];
	const struct digest *hashes[TILES_KEPT];
	size_t n;
};
/*
 * Fetches the plan's tiles; ret_hashes has room for plan->steps_n. fetched: NULL for one proof alone.
 * STORE_UNAVAILABLE also without memory.
 */
enum store_result plan_prove(const struct store_port *store, void *thread, const struct proof_plan *plan,
			     struct arena *arena, struct tiles *fetched,
			     struct digest *ret_hashes) MUST_CHECK;
/* The root that the log had at `size`; fails likewise. */
enum store_result tree_root_at(const struct store_port *store, void *thread, uint64_t size,
			       struct arena *arena, struct digest *ret_root) MUST_CHECK;

#endif
