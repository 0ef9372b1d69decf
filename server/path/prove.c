/* Proofs and roots of what is stored: a plan's tiles are fetched through the store, on any of its lanes. */
#include "path/internal.h"

enum store_result plan_prove(const struct store_port *store, void *thread, const struct proof_plan *plan,
			     struct arena *arena, struct digest *ret_hashes)
{
	const struct digest *tiles[PROOF_TILES_MAX];

	for (size_t i = 0; i < plan->tiles_n; i++) {
		const struct tile_id *id = &plan->tiles[i];
		struct digest *row = arena_array(arena, id->width, sizeof(*row));
		if (row == NULL)
			return STORE_UNAVAILABLE;
		enum store_result r =
		    store->hashes(thread, (uint8_t)id->level, id->n * TILE_WIDTH, id->width, row);
		if (r != STORE_OK)
			return r;
		tiles[i] = row;
	}
	plan_build(plan, tiles, ret_hashes);
	return STORE_OK;
}

enum store_result tree_root_at(const struct store_port *store, void *thread, uint64_t size,
			       struct arena *arena, struct digest *ret_root)
{
	struct proof_plan plan;

	if (plan_root(size, &plan))
		return plan_prove(store, thread, &plan, arena, ret_root);
	*ret_root = merkle_root(NULL, 0);
	return STORE_OK;
}
