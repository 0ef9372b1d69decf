/* tree, proof_plan: edges, drafts and proofs of growing trees, against roots of all the leaves. */
#include <criterion/criterion.h>

#include <stdlib.h>

#include "core/proof_plan.h"
#include "core/tree.h"

/* Everything a log keeps: the leaves, the full tiles as a store would hold them, the right edge. */
struct world {
	struct digest *leaves;
	size_t cap;
	struct tree_tile *tiles;
	size_t tiles_n;
	struct tree *tree;
	struct arena *arena;
};

enum { ARENA_LIMIT = 64 * 1024 * 1024 };

static struct world world_new(size_t cap)
{
	struct world w = {.leaves = calloc(cap, sizeof(*w.leaves)), .cap = cap};

	w.tiles = calloc(cap / TILE_WIDTH + cap / 65536 + 2, sizeof(*w.tiles));
	w.tree = tree_new();
	w.arena = arena_new(ARENA_LIMIT);
	cr_assert(w.leaves != NULL && w.tiles != NULL && w.tree != NULL && w.arena != NULL);
	for (size_t i = 0; i < cap; i++)
		w.leaves[i] = merkle_leaf(span_of(&i, sizeof(i)));
	return w;
}

static void world_free(struct world *w)
{
	free(w->leaves);
	free(w->tiles);
	tree_free(w->tree);
	arena_free(w->arena);
}

/* A repeatable choice below n. */
static uint64_t choose(uint64_t *seed, uint64_t n)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (*seed >> 33) % n;
}

static const struct digest *stored(const struct world *w, const struct tile_id *id)
{
	for (size_t i = 0; i < w->tiles_n; i++)
		if (w->tiles[i].level == id->level && w->tiles[i].n == id->n)
			return w->tiles[i].hashes;
	return NULL;
}

/* Builds a plan as a server does: from the edge what it has, the rest from the store. */
static size_t build(const struct world *w, const struct proof_plan *plan, struct digest *ret_proof)
{
	static struct digest nodes[PROOF_TILES_MAX][TILE_NODES];
	const struct digest *tiles[PROOF_TILES_MAX];

	for (size_t i = 0; i < plan->tiles_n; i++) {
		cr_assert(plan->tiles[i].width >= 1 && plan->tiles[i].width <= TILE_WIDTH);
		const struct digest *hashes = stored(w, &plan->tiles[i]);
		tiles[i] = nodes[i];
		if (hashes == NULL) {
			cr_assert(tree_edge(w->tree, plan->tiles[i].level, nodes[i]) >= plan->tiles[i].width);
		} else {
			memcpy(nodes[i], hashes, TILE_WIDTH * sizeof(*hashes));
			tile_hash_nodes(nodes[i], TILE_WIDTH);
		}
	}
	plan_build(plan, tiles, ret_proof);
	return plan->steps_n;
}

static struct tree_append *grow(struct world *w, size_t n)
{
	uint64_t old = tree_size(w->tree);

	cr_assert_leq(old + n, w->cap);
	arena_reset(w->arena);
	struct tree_append *a = tree_append(w->arena, w->tree, w->leaves + old, n);
	cr_assert_not_null(a);
	cr_assert_eq(a->old_size, old);
	cr_assert_eq(a->size, old + n);
	for (size_t i = 0; i < a->tiles_n; i++)
		w->tiles[w->tiles_n++] = a->tiles[i];
	return a;
}

static void expect_inclusion(const struct world *w, uint64_t index, uint64_t size, const struct digest *root)
{
	struct proof_plan plan;
	struct digest proof[MERKLE_PROOF_MAX];

	cr_assert(plan_inclusion(index, size, &plan));
	size_t n = build(w, &plan, proof);
	cr_assert(merkle_inclusion_holds(index, size, &w->leaves[index], proof, n, root), "%lu in %lu",
		  (unsigned long)index, (unsigned long)size);
}

static void expect_consistency(const struct world *w, uint64_t m, const struct digest *root_m, uint64_t size,
			       const struct digest *root)
{
	struct proof_plan plan;
	struct digest proof[MERKLE_PROOF_MAX];

	cr_assert(plan_consistency(m, size, &plan));
	size_t n = build(w, &plan, proof);
	cr_assert(merkle_consistency_holds(m, size, proof, n, root_m, root), "%lu to %lu", (unsigned long)m,
		  (unsigned long)size);
}

/* The root of an earlier size, from today's tiles. */
static void expect_root(const struct world *w, uint64_t size, const struct digest *root)
{
	struct proof_plan plan;
	struct digest hash;

	cr_assert(plan_root(size, &plan));
	cr_assert_eq(build(w, &plan, &hash), 1u);
	cr_assert(digest_eq(&hash, root), "%lu", (unsigned long)size);
}

static void expect_new_proofs(const struct world *w, const struct tree_append *a)
{
	struct digest proof[MERKLE_PROOF_MAX];

	for (uint64_t i = a->old_size; i < a->size; i++) {
		size_t n = tree_prove(a, i, proof);
		cr_assert(merkle_inclusion_holds(i, a->size, &w->leaves[i], proof, n, &a->root), "%lu",
			  (unsigned long)i);
	}
}

/* Restores an edge from leaves and full tiles alone, and compares it with the one that grew. */
static void expect_restored(const struct world *w)
{
	static struct digest rows[TILE_LEVELS][TILE_WIDTH];
	static struct digest a[TILE_WIDTH];
	static struct digest b[TILE_WIDTH];
	const struct digest *hashes[TILE_LEVELS];
	struct tree_need needs[TILE_LEVELS];
	uint64_t size = tree_size(w->tree);

	tree_needs(size, needs);
	for (unsigned level = 0; level < TILE_LEVELS; level++) {
		hashes[level] = rows[level];
		cr_assert_lt(needs[level].count, (unsigned)TILE_WIDTH);
		for (unsigned i = 0; i < needs[level].count; i++) {
			struct tile_id id = {.level = level - 1, .n = needs[level].first + i};
			rows[level][i] =
			    level == 0 ? w->leaves[id.n] : merkle_root(stored(w, &id), TILE_WIDTH);
		}
	}
	struct tree *t = tree_restore(size, hashes);
	cr_assert_not_null(t);
	struct digest one = tree_root(w->tree);
	struct digest other = tree_root(t);
	cr_assert(digest_eq(&one, &other));
	cr_assert_eq(tree_size(t), size);
	for (unsigned level = 0; level < TILE_LEVELS; level++) {
		struct tile_id id = {.level = level, .n = needs[level].first / TILE_WIDTH};
		id.width = needs[level].count;
		cr_assert(tree_tile(t, &id, a) && tree_tile(w->tree, &id, b));
		cr_assert_arr_eq(a, b, id.width * sizeof(a[0]));
	}

	/* And it goes on as the other does. */
	struct arena *arena = arena_new(ARENA_LIMIT);
	struct tree_append *x = tree_append(arena, t, w->leaves, 300);
	struct tree_append *y = tree_append(arena, w->tree, w->leaves, 300);
	cr_assert(x != NULL && y != NULL);
	cr_assert(digest_eq(&x->root, &y->root));
	cr_assert_eq(x->tiles_n, y->tiles_n);
	cr_assert(x->tiles_n == 0 || memcmp(x->tiles, y->tiles, x->tiles_n * sizeof(x->tiles[0])) == 0);
	arena_free(arena);
	tree_free(t);
}

/* The law of one step: root, tiles, every new proof, then some old ones of this size and between sizes. */
static void step(struct world *w, size_t n, uint64_t *seed)
{
	struct tree_append *dropped = grow(w, n);
	w->tiles_n -= dropped->tiles_n; /* a commit that failed */
	struct digest first = dropped->root;

	struct tree_append *a = grow(w, n);
	struct digest root = merkle_root(w->leaves, a->size);
	cr_assert(digest_eq(&a->root, &root), "size %lu", (unsigned long)a->size);
	cr_assert(digest_eq(&first, &root));
	expect_new_proofs(w, a);
	tree_commit(w->tree, a);
	expect_new_proofs(w, a); /* a draft outlives its commit */
	struct digest now = tree_root(w->tree);
	cr_assert(digest_eq(&now, &root));

	for (int i = 0; a->size > 0 && i < 5; i++) {
		expect_inclusion(w, choose(seed, a->size), a->size, &root);
		uint64_t m = 1 + choose(seed, a->size);
		struct digest root_m = merkle_root(w->leaves, m);
		expect_consistency(w, m, &root_m, a->size, &root);
		expect_root(w, m, &root_m);
	}
}

Test(tree, every_size_one_by_one)
{
	enum { SIZES = 600 };
	struct world w = world_new(SIZES);
	uint64_t seed = 1;

	step(&w, 0, &seed);
	for (size_t i = 0; i < SIZES; i++)
		step(&w, 1, &seed);
	cr_expect_eq(w.tiles_n, 2u);
	world_free(&w);
}

Test(tree, small_trees_every_proof)
{
	enum { SIZES = 70 };
	struct world w = world_new(SIZES);
	struct digest roots[SIZES + 1];

	for (size_t n = 1; n <= SIZES; n++) {
		tree_commit(w.tree, grow(&w, 1));
		roots[n] = tree_root(w.tree);
		for (size_t i = 0; i < n; i++)
			expect_inclusion(&w, i, n, &roots[n]);
		for (size_t m = 1; m <= n; m++)
			expect_consistency(&w, m, &roots[m], n, &roots[n]);
	}
	/* Earlier sizes are proven from the same tiles. */
	for (size_t n = 1; n <= SIZES; n++)
		for (size_t i = 0; i < n; i++)
			expect_inclusion(&w, i, n, &roots[n]);
	world_free(&w);
}

Test(tree, tile_boundaries_and_random_batches)
{
	static const size_t stops[] = {255,   256,   257,   511,   512,   513,   65279, 65280,
				       65281, 65534, 65535, 65536, 65537, 65792, 65793, 70000};
	struct world w = world_new(71000);
	uint64_t seed = 2;

	for (size_t s = 0; s < ARRAY_LEN(stops); s++) {
		/* Batches of any length lead up to the stop; only there is everything checked. */
		while (tree_size(w.tree) + 1000 < stops[s])
			tree_commit(w.tree, grow(&w, 1 + choose(&seed, 700)));
		step(&w, stops[s] - tree_size(w.tree), &seed);
		expect_restored(&w);
	}
	cr_expect_eq(w.tiles_n, 70000u / 256 + 1);
	world_free(&w);
}

Test(tree, one_batch_over_two_levels)
{
	struct world w = world_new(66000);
	uint64_t seed = 3;

	step(&w, 100, &seed);
	step(&w, 65600, &seed);
	cr_expect_eq(w.tiles_n, 257u);
	cr_expect_eq(w.tiles[256].level, 1u);
	expect_restored(&w);
	world_free(&w);
}

Test(tree, edge_serves_no_more_than_it_has)
{
	struct world w = world_new(300);
	struct digest hashes[TILE_WIDTH];

	tree_commit(w.tree, grow(&w, 300));
	cr_expect(tree_tile(w.tree, &(struct tile_id){0, 1, 44}, hashes));
	cr_expect_arr_eq(hashes, w.leaves + 256, 44 * sizeof(hashes[0]));
	cr_expect(tree_tile(w.tree, &(struct tile_id){1, 0, 1}, hashes));
	cr_expect_not(tree_tile(w.tree, &(struct tile_id){0, 1, 45}, hashes));
	cr_expect_not(tree_tile(w.tree, &(struct tile_id){0, 0, 256}, hashes));
	cr_expect_not(tree_tile(w.tree, &(struct tile_id){0, 0, 7}, hashes));
	cr_expect_not(tree_tile(w.tree, &(struct tile_id){0, 2, 1}, hashes));
	cr_expect_not(tree_tile(w.tree, &(struct tile_id){2, 0, 1}, hashes));
	cr_expect_not(tree_tile(w.tree, &(struct tile_id){63, 0, 1}, hashes));
	world_free(&w);
}

Test(tree, the_largest_sizes)
{
	static struct digest rows[TILE_LEVELS][TILE_WIDTH];
	static const uint64_t sizes[] = {UINT64_MAX, UINT64_MAX - 1, UINT64_C(1) << 63,
					 (UINT64_C(1) << 56) * 255, UINT64_MAX - 300};
	const struct digest *hashes[TILE_LEVELS];
	struct tree_need needs[TILE_LEVELS];
	struct digest proof[MERKLE_PROOF_MAX];
	struct arena *arena = arena_new(ARENA_LIMIT);

	for (unsigned level = 0; level < TILE_LEVELS; level++) {
		hashes[level] = rows[level];
		for (uint64_t i = 0; i < TILE_WIDTH; i++)
			rows[level][i] = merkle_leaf(span_of(&i, sizeof(i)));
	}
	for (size_t s = 0; s < ARRAY_LEN(sizes); s++) {
		tree_needs(sizes[s], needs);
		struct tree *t = tree_restore(sizes[s], hashes);
		cr_assert_not_null(t);
		uint64_t room = UINT64_MAX - sizes[s];
		if (room < SIZE_MAX)
			cr_expect_null(tree_append(arena, t, rows[0], (size_t)room + 1));
		if (room > 0 && room <= TILE_WIDTH + 44) {
			struct digest leaves[TILE_WIDTH + 44];
			for (size_t i = 0; i < room; i++)
				leaves[i] = rows[0][i % TILE_WIDTH];
			struct tree_append *a = tree_append(arena, t, leaves, room);
			cr_assert_not_null(a);
			for (uint64_t i = sizes[s]; i < a->size; i++) {
				size_t n = tree_prove(a, i, proof);
				cr_assert(merkle_inclusion_holds(i, a->size, &leaves[i - sizes[s]], proof, n,
								 &a->root));
			}
			tree_commit(t, a);
			cr_expect_eq(tree_size(t), UINT64_MAX);
		}
		tree_free(t);
	}
	arena_free(arena);
}

Test(tree, plans_refuse_what_is_not_there)
{
	struct proof_plan plan;

	cr_expect_not(plan_inclusion(0, 0, &plan));
	cr_expect_not(plan_inclusion(5, 5, &plan));
	cr_expect_not(plan_inclusion(UINT64_MAX, UINT64_MAX, &plan));
	cr_expect_not(plan_root(0, &plan));
	cr_expect_not(plan_consistency(0, 5, &plan));
	cr_expect_not(plan_consistency(6, 5, &plan));
	cr_expect(plan_consistency(5, 5, &plan));
	cr_expect_eq(plan.steps_n, 0u);
	cr_expect_eq(plan.tiles_n, 0u);
}

/* Every plan stays within its arrays, and asks only for tiles that exist. */
Test(tree, plans_of_any_size)
{
	uint64_t seed = 4;
	struct proof_plan plan;

	for (int i = 0; i < 20000; i++) {
		uint64_t size =
		    (choose(&seed, UINT32_MAX) << 33 | choose(&seed, UINT32_MAX)) >> choose(&seed, 64);
		if (i % 5 == 0)
			size = UINT64_MAX << choose(&seed, 64);
		uint64_t index =
		    size == 0 ? 0 : (choose(&seed, UINT32_MAX) << 33 | choose(&seed, UINT32_MAX)) % size;
		bool made = i % 3 == 0   ? plan_root(size, &plan)
			    : i % 3 == 1 ? plan_consistency(index, size, &plan)
					 : plan_inclusion(index, size, &plan);
		cr_assert_eq(made, size > 0 && (i % 3 != 1 || index > 0));
		for (size_t k = 0; made && k < plan.tiles_n; k++)
			cr_assert(plan.tiles[k].width > 0 && tile_exists(&plan.tiles[k], size));
		cr_assert(!made || (plan.tiles_n <= PROOF_TILES_MAX && plan.steps_n <= MERKLE_PROOF_MAX));
	}
}
