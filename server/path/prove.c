/* Proofs and roots of what is stored: a plan's tiles are fetched through the store, on any of its lanes. */
#include "path/internal.h"

static enum store_result fetch_tile(struct tiles *fetched, const struct tile_id *id,
				    const struct store_port *store, void *thread, struct arena *arena,
				    const struct digest **ret_hashes)
{
	for (size_t i = 0; fetched != NULL && i < fetched->n; i++) {
		const struct tile_id *have = &fetched->ids[i];
		if (have->level == id->level && have->n == id->n && have->width == id->width) {
			*ret_hashes = fetched->hashes[i];
			return STORE_OK;
		}
	}
	struct digest *row = arena_array(arena, id->width, sizeof(*row));
	if (row == NULL)
		return STORE_UNAVAILABLE;
	enum store_result r = store->hashes(thread, (uint8_t)id->level, id->n * TILE_WIDTH, id->width, row);
	if (r != STORE_OK)
		return r;
	if (fetched != NULL && fetched->n < TILES_KEPT) {
		fetched->ids[fetched->n] = *id;
		fetched->hashes[fetched->n++] = row;
	}
	*ret_hashes = row;
	return STORE_OK;
}

enum store_result plan_prove(const struct store_port *store, void *thread, const struct proof_plan *plan,
			     struct arena *arena, struct tiles *fetched, struct digest *ret_hashes)
{
	const struct digest *tiles[PROOF_TILES_MAX];

	for (size_t i = 0; i < plan->tiles_n; i++) {
		enum store_result r = fetch_tile(fetched, &plan->tiles[i], store, thread, arena, &tiles[i]);
		if (r != STORE_OK)
			return r;
	}
	plan_build(plan, tiles, ret_hashes);
	return STORE_OK;
}

enum store_result tree_root_at(const struct store_port *store, void *thread, uint64_t size,
			       struct arena *arena, struct digest *ret_root)
{
	struct proof_plan plan;

	if (plan_root(size, &plan))
		return plan_prove(store, thread, &plan, arena, NULL, ret_root);
	*ret_root = merkle_root(NULL, 0);
	return STORE_OK;
}
