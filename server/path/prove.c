/* Proofs and roots of what is stored: the plans' tiles are fetched through the store, on any of its lanes. */
#include <stdlib.h>

#include "path/internal.h"

enum { PROVE_MEMORY = 512 * 1024 };

bool tiles_take_edge(struct tiles *t, const struct tree *tree, struct arena *arena)
{
	for (unsigned level = 0; shift_right(tree_size(tree), TILE_HEIGHT * level) > 0; level++) {
		struct digest *nodes = arena_room(arena, TILE_NODES, sizeof(*nodes));
		if (nodes == NULL)
			return false;
		(void)tree_edge(tree, level, nodes);
		t->edge[level] = nodes;
	}
	t->edge_size = tree_size(tree);
	return true;
}

/* What is to be had in its place: as wide as the tile is by now. */
static struct tile_id as_it_is(const struct tiles *t, const struct tile_id *id)
{
	const unsigned now = tile_width(id->level, id->n, t->edge_size);

	return (struct tile_id){id->level, id->n, now > id->width ? now : id->width};
}

static const struct digest *find_held(const struct tiles *t, const struct tile_id *id)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->held[i].id.n == id->n && t->held[i].id.level == id->level &&
		    t->held[i].id.width >= id->width)
			return t->held[i].nodes;
	return NULL;
}

static bool on_edge(const struct tiles *t, const struct tile_id *id)
{
	return id->width < TILE_WIDTH && id->width <= tile_width(id->level, id->n, t->edge_size);
}

/* NULL: it is not there. */
static const struct digest *nodes_of(const struct tiles *t, const struct tile_id *wanted)
{
	struct tile_id id = as_it_is(t, wanted);

	return on_edge(t, &id) ? t->edge[id.level] : find_held(t, &id);
}

static struct tile_kept *find_kept(struct tile_kept *const *kept, size_t n, const struct tile_id *id)
{
	for (size_t i = 0; i < n; i++)
		if (kept[i]->id.n == id->n && kept[i]->id.level == id->level &&
		    kept[i]->id.width == id->width)
			return kept[i];
	return NULL;
}

/* What is kept is there, the rest is to be fetched. */
static bool hold(struct tiles *t, const struct tile_id *id, struct arena *arena)
{
	if (t->n == t->cap) {
		size_t cap = t->cap == 0 ? 16 : 2 * t->cap;
		struct tile_held *grown = arena_array(arena, cap, sizeof(*grown));
		if (grown == NULL)
			return false;
		if (t->n > 0)
			memcpy(grown, t->held, t->n * sizeof(*grown));
		t->held = grown;
		t->cap = cap;
	}
	const struct tile_kept *kept = find_kept(t->kept, t->kept_n, id);
	struct digest *room = kept == NULL ? arena_room(arena, TILE_NODES, sizeof(*room)) : NULL;
	if (kept == NULL && room == NULL)
		return false;
	t->held[t->n++] = (struct tile_held){*id, kept == NULL ? room : kept->nodes, room};
	return true;
}

static bool hold_plan(struct tiles *t, const struct proof_plan *plan, struct arena *arena)
{
	for (size_t i = 0; i < plan->tiles_n; i++) {
		struct tile_id id = as_it_is(t, &plan->tiles[i]);
		if (nodes_of(t, &id) == NULL && !hold(t, &id, arena))
			return false;
	}
	return true;
}

/*
 * A full tile's root is a hash of the tile above, and so on up to the edge: what was damaged where it is
 * stored would make proofs that accuse the log.
 */
static const struct digest *root_above(const struct tiles *t, const struct tile_id *id)
{
	const unsigned i = (unsigned)(id->n % TILE_WIDTH);
	const struct tile_id above = {id->level + 1, id->n / TILE_WIDTH, i + 1};
	const struct digest *nodes = t->edge_size > 0 && id->width == TILE_WIDTH ? nodes_of(t, &above) : NULL;

	return nodes == NULL ? NULL : &nodes[i];
}

static bool is_proven(const struct tiles *t, const struct tile_held *h)
{
	const struct digest *root = root_above(t, &h->id);

	return root != NULL && digest_eq(root, &h->nodes[tile_node(TILE_HEIGHT, 0)]);
}

static bool is_sound(const struct tiles *t, const struct tile_held *h)
{
	return root_above(t, &h->id) == NULL || is_proven(t, h);
}

/* Those from `from` on: full ones together, others one by one. */
static enum store_result fetch_held(struct tiles *t, size_t from, const struct store_port *store,
				    void *thread, struct arena *arena)
{
	struct tile_id *ids = arena_array(arena, t->n - from, sizeof(*ids));
	struct digest **nodes = arena_array(arena, t->n - from, sizeof(struct digest *));
	size_t full = 0;
	enum store_result r = ids == NULL || nodes == NULL ? STORE_UNAVAILABLE : STORE_OK;

	for (size_t i = from; i < t->n && r == STORE_OK; i++) {
		const struct tile_held *h = &t->held[i];
		if (h->room == NULL)
			continue;
		if (h->id.width == TILE_WIDTH) {
			ids[full] = h->id;
			nodes[full++] = h->room;
		} else {
			r = store->hashes(thread, (uint8_t)h->id.level, h->id.n * TILE_WIDTH, h->id.width,
					  h->room);
		}
	}
	if (r == STORE_OK && full > 0)
		r = store->tiles(thread, ids, full, nodes);
	for (size_t i = from; i < t->n && r == STORE_OK; i++)
		if (t->held[i].room != NULL)
			tile_hash_nodes(t->held[i].room, t->held[i].id.width);
	for (size_t i = from; i < t->n && r == STORE_OK; i++)
		r = is_sound(t, &t->held[i]) ? STORE_OK : STORE_CORRUPT;
	return r;
}

enum store_result tiles_fetch(struct tiles *t, const struct store_port *store, void *thread,
			      const struct proof_plan *plans, size_t plans_n, struct arena *arena)
{
	const size_t before = t->n;

	for (size_t i = 0; i < plans_n; i++)
		if (!hold_plan(t, &plans[i], arena))
			return STORE_UNAVAILABLE;
	return t->n == before ? STORE_OK : fetch_held(t, before, store, thread, arena);
}

/* ---- what is kept ---- */

static void let_go(struct tile_kept *k)
{
	if (--k->refs == 0)
		free(k);
}

void tiles_borrow(struct tiles *t, const struct tiles_kept *kept)
{
	for (; t->kept_n < kept->n; t->kept_n++) {
		t->kept[t->kept_n] = kept->tiles[t->kept_n];
		t->kept[t->kept_n]->refs++;
	}
}

bool tiles_at_hand(const struct tiles *t, const struct proof_plan *plan)
{
	for (size_t i = 0; i < plan->tiles_n; i++) {
		struct tile_id id = as_it_is(t, &plan->tiles[i]);
		if (nodes_of(t, &id) == NULL && find_kept(t->kept, t->kept_n, &id) == NULL)
			return false;
	}
	return true;
}

/* Of another, which then has to go, or empty. */
static struct tile_kept **place_for_one(struct tiles_kept *kept)
{
	struct tile_kept **least = &kept->tiles[0];

	if (kept->n < TILES_KEPT) {
		kept->tiles[kept->n] = NULL;
		return &kept->tiles[kept->n++];
	}
	for (size_t i = 1; i < TILES_KEPT; i++)
		if (kept->tiles[i]->used < (*least)->used)
			least = &kept->tiles[i];
	return least;
}

static void keep(struct tiles_kept *kept, const struct tile_held *h)
{
	struct tile_kept *k = find_kept(kept->tiles, kept->n, &h->id);

	if (k == NULL && h->room != NULL) {
		k = malloc(sizeof(*k));
		if (k == NULL)
			return;
		k->refs = 1;
		k->id = h->id;
		memcpy(k->nodes, h->room, sizeof(k->nodes));
		struct tile_kept **place = place_for_one(kept);
		if (*place != NULL)
			let_go(*place);
		*place = k;
	}
	if (k != NULL)
		k->used = ++kept->uses;
}

void tiles_give_back(struct tiles *t, struct tiles_kept *kept)
{
	for (size_t i = 0; i < t->n; i++)
		if (is_proven(t, &t->held[i]))
			keep(kept, &t->held[i]);
	while (t->kept_n > 0)
		let_go(t->kept[--t->kept_n]);
}

const struct digest *tiles_look_up(const struct tiles_kept *kept, const struct tile_id *id)
{
	const struct tile_id full = {id->level, id->n, TILE_WIDTH};
	const struct tile_kept *k = find_kept(kept->tiles, kept->n, &full);

	return k == NULL ? NULL : k->nodes;
}

void tiles_forget(struct tiles_kept *kept)
{
	while (kept->n > 0)
		let_go(kept->tiles[--kept->n]);
}

void tiles_build(const struct tiles *t, const struct proof_plan *plan, struct digest *ret_hashes)
{
	const struct digest *tiles[PROOF_TILES_MAX];

	for (size_t i = 0; i < plan->tiles_n; i++)
		tiles[i] = nodes_of(t, &plan->tiles[i]);
	plan_build(plan, tiles, ret_hashes);
}

enum store_result plan_prove(const struct store_port *store, void *thread, const struct proof_plan *plan,
			     struct digest *ret_hashes)
{
	struct tiles tiles = {0};
	struct arena *arena = arena_new(PROVE_MEMORY);
	enum store_result r =
	    arena == NULL ? STORE_UNAVAILABLE : tiles_fetch(&tiles, store, thread, plan, 1, arena);

	if (r == STORE_OK)
		tiles_build(&tiles, plan, ret_hashes);
	arena_free(arena);
	return r;
}

enum store_result tree_root_at(const struct store_port *store, void *thread, uint64_t size,
			       struct digest *ret_root)
{
	struct proof_plan plan;

	if (plan_root(size, &plan))
		return plan_prove(store, thread, &plan, ret_root);
	*ret_root = merkle_root(NULL, 0);
	return STORE_OK;
}
