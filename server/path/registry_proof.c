/* Owns the proof that the registry's entries are those of the log. */
#include "path/registry_proof.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/proof_plan.h"

/* The tiles of the proof before: those of the next one are mostly the same. */
struct shelf {
	const struct store_port *store;
	void *thread;
	struct tile_id ids[PROOF_TILES_MAX]; /* width 0: empty */
	struct digest nodes[PROOF_TILES_MAX][TILE_NODES];
};

bool registry_leaves_add(struct registry_leaves *leaves, uint64_t index, struct span entry)
{
	if (leaves->n == leaves->cap) {
		size_t cap = leaves->cap == 0 ? 256 : 2 * leaves->cap;
		struct registry_leaf *grown = realloc(leaves->v, cap * sizeof(*grown));
		if (grown == NULL)
			return false;
		leaves->v = grown;
		leaves->cap = cap;
	}
	leaves->v[leaves->n++] = (struct registry_leaf){index, merkle_leaf(entry)};
	return true;
}

void registry_leaves_free(struct registry_leaves *leaves)
{
	free(leaves->v);
	*leaves = (struct registry_leaves){0};
}

static enum store_result put_on_shelf(struct shelf *s, const struct proof_plan *plan,
				      const struct digest *ret_tiles[PROOF_TILES_MAX])
{
	for (size_t i = 0; i < plan->tiles_n; i++) {
		const struct tile_id *id = &plan->tiles[i];
		bool there =
		    s->ids[i].width == id->width && s->ids[i].level == id->level && s->ids[i].n == id->n;
		if (!there) {
			s->ids[i].width = 0;
			enum store_result r = s->store->hashes(s->thread, (uint8_t)id->level,
							       id->n * TILE_WIDTH, id->width, s->nodes[i]);
			if (r != STORE_OK)
				return r;
			tile_hash_nodes(s->nodes[i], id->width);
			s->ids[i] = *id;
		}
		ret_tiles[i] = s->nodes[i];
	}
	return STORE_OK;
}

static enum store_result check_one(struct shelf *s, const struct registry_leaf *l,
				   const struct log_head *head, bool *ret_holds)
{
	const struct digest *tiles[PROOF_TILES_MAX];
	struct digest proof[MERKLE_PROOF_MAX];
	struct proof_plan plan;

	*ret_holds = false;
	if (!plan_inclusion(l->index, head->size, &plan))
		return STORE_OK;
	enum store_result r = put_on_shelf(s, &plan, tiles);
	if (r != STORE_OK)
		return r;
	plan_build(&plan, tiles, proof);
	*ret_holds = merkle_inclusion_holds(l->index, head->size, &l->leaf, proof, plan.steps_n, &head->root);
	return STORE_OK;
}

enum store_result registry_leaves_check(const struct registry_leaves *leaves, const struct store_port *store,
					void *thread, const struct log_head *head, char *ret_reason,
					size_t reason_size)
{
	struct shelf *s = calloc(1, sizeof(*s));
	enum store_result r = s == NULL ? STORE_UNAVAILABLE : STORE_OK;
	bool holds = true;
	size_t i = 0;

	ret_reason[0] = '\0';
	if (s != NULL) {
		s->store = store;
		s->thread = thread;
	}
	while (r == STORE_OK && holds && i < leaves->n)
		r = check_one(s, &leaves->v[i++], head, &holds);
	free(s);
	if (r != STORE_OK || holds)
		return r;
	(void)snprintf(
	    ret_reason, reason_size,
	    "entry %llu of the registry is not the one that was accepted, or the tree's hashes beside "
	    "it were changed: restore the database from before the change",
	    (unsigned long long)leaves->v[i - 1].index);
	return STORE_CORRUPT;
}
