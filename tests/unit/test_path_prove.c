/* What the proofs of an answer are made of: full tiles, and the right edge that is in memory. */
#include <criterion/criterion.h>

#include "core/checkpoint.h"
#include "core/tile.h"
#include "path/prove.h"
#include "rig.h"

enum { TILES = 3, AT_ONCE = 100 };

static conn_id conn;
static uint64_t asked;

/* A log of more than TILES full tiles. */
static struct rig *begin(void)
{
	struct rig *r = rig_writing();

	conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);
	asked = 10000;
	for (uint64_t i = 1; r->store->head.size < TILES * TILE_WIDTH + 100; i++) {
		rig_submit(r, conn, 1 + i, rig_issue(r, NUMBER(i)));
		if (i % AT_ONCE == 0)
			rig_drain(r);
	}
	rig_drain(r);
	return r;
}

/* How often the store was asked for hashes on the way to the answer. */
static unsigned ask(struct rig *r, const struct query *q)
{
	unsigned before = r->store->calls[CALL_HASHES];

	rig_query(r, conn, ++asked, q);
	rig_drain(r);
	return r->store->calls[CALL_HASHES] - before;
}

static const struct receipt *proven(struct rig *r)
{
	for (size_t i = 0; i < r->frames_n; i++) {
		const struct frame *f = &r->frames[i].frame;
		if (f->id == asked && f->kind == FRAME_ANSWER && f->answer.kind == ANSWER_ENTRY)
			return &f->answer.entry;
	}
	return NULL;
}

static unsigned ask_trail(struct rig *r, uint64_t number)
{
	return ask(r, &(struct query){.kind = QUERY_TRAIL, .numbers = &number, .numbers_n = 1});
}

Test(path_prove, what_is_full_is_fetched_at_once_and_the_edge_is_there)
{
	struct rig *r = begin();
	bool kept[TILES + 1] = {false};
	uint64_t last = 1000;

	for (uint64_t i = 1; i < 700; i += 37) {
		unsigned fetched = ask_trail(r, NUMBER(i));
		const struct receipt *receipt = proven(r);
		cr_assert_not_null(receipt, "%s", rig_words(r, conn, asked));
		cr_assert(rig_receipt_holds(r, receipt));
		cr_assert_lt(receipt->index, r->store->head.size);
		const uint64_t n = receipt->index / TILE_WIDTH;
		cr_assert_eq(fetched, n < r->store->head.size / TILE_WIDTH && !kept[n], "entry %lu",
			     receipt->index);
		kept[n] = true;
	}
	while (r->store->entries[r->store->head.size - 1].number != NUMBER(last))
		last--;
	cr_assert_eq(ask_trail(r, NUMBER(last)), 0);
	cr_assert(rig_receipt_holds(r, proven(r)));
	rig_free(r);
}

Test(path_prove, from_every_size_to_every_size)
{
	static const uint64_t at[] = {1, 2, 100, 255, 256, 257, 400, 511, 512, 513, 700, 768, 769, 800, 0};
	struct rig *r = begin();

	for (size_t i = 0; i < ARRAY_LEN(at); i++)
		for (size_t k = i; k < ARRAY_LEN(at); k++) {
			const struct query q = {.kind = QUERY_CHECKPOINT, .size = at[i], .to_size = at[k]};
			struct checkpoint from = {span_str(RIG_ORIGIN), at[i], {{0}}}, to;
			unsigned fetched = ask(r, &q);
			const struct frame *f = rig_answer(r, conn, asked);
			cr_assert_eq(f->answer.kind, ANSWER_CHECKPOINT, "%s", rig_words(r, conn, asked));
			const struct checkpoint_view *c = &f->answer.checkpoint;
			cr_assert_eq(checkpoint_open(c->checkpoint, span_str(RIG_ORIGIN), &r->log_key, &to),
				     LOG_HOLDS);
			cr_assert_eq(to.size, at[k] == 0 ? r->store->head.size : at[k]);
			from.root = fake_store_root(r->store, at[i]);
			cr_assert_eq(checkpoint_follows(&from, &to, c->consistency, c->consistency_n),
				     LOG_HOLDS, "%lu to %lu", at[i], at[k]);
			/* Once for the root that it goes back to, once for what is proved of it. */
			cr_assert_leq(fetched, 2);
		}
	rig_free(r);
}

/* That the log goes on from a checkpoint is most often asked: the second time no thread and no store is. */
Test(path_prove, what_was_fetched_is_answered_from_at_once)
{
	struct rig *r = begin();
	const struct query q = {.kind = QUERY_CHECKPOINT, .size = 100};
	struct checkpoint from = {span_str(RIG_ORIGIN), q.size, fake_store_root(r->store, q.size)}, to;

	cr_assert_eq(ask(r, &q), 1);
	for (unsigned i = 0; i < 3; i++) {
		const unsigned before = r->store->calls[CALL_HASHES];
		rig_query(r, conn, ++asked, &q);
		const struct frame *f = rig_answer(r, conn, asked);
		cr_assert_not_null(f, "at once");
		const struct checkpoint_view *c = &f->answer.checkpoint;
		cr_assert_eq(r->store->calls[CALL_HASHES], before);
		cr_assert_eq(checkpoint_open(c->checkpoint, span_str(RIG_ORIGIN), &r->log_key, &to),
			     LOG_HOLDS);
		cr_assert_eq(to.size, r->store->head.size);
		cr_assert_eq(checkpoint_follows(&from, &to, c->consistency, c->consistency_n), LOG_HOLDS);
		rig_submit(r, conn, ++asked, rig_issue(r, NUMBER(2000 + i)));
		rig_drain(r);
	}
	cr_assert_eq(path_status(r->path).under_way, 0);
	rig_free(r);
}

Test(path_prove, a_database_that_is_away_is_no_fault_of_the_server)
{
	struct rig *r = begin();

	rig_fail_next(r, CALL_HASHES, FAULT_AWAY, 1);
	(void)ask_trail(r, NUMBER(1));
	cr_assert(rig_refused(r, conn, asked, REFUSAL_UNAVAILABLE, "server.database"), "%s",
		  rig_words(r, conn, asked));
	(void)ask_trail(r, NUMBER(1));
	cr_assert(rig_receipt_holds(r, proven(r)));
	rig_free(r);
}

/* What is in memory judges what is stored: whoever got a proof from this would take the log for forged. */
Test(path_prove, a_damaged_tile_is_not_proved_from)
{
	struct rig *r = begin();

	cr_assert_eq(r->notices[NOTICE_ERROR], 0);
	r->store->entries[TILE_WIDTH - 1].leaf.b[7] ^= 1;
	for (unsigned i = 0; i < 3; i++) {
		(void)ask_trail(r, NUMBER(1));
		cr_assert(rig_refused(r, conn, asked, REFUSAL_FAULT, "server.damaged"), "%s",
			  rig_words(r, conn, asked));
		cr_assert_eq(r->notices[NOTICE_ERROR], 1);
	}
	rig_seconds(r, 61);
	(void)ask_trail(r, NUMBER(1));
	cr_assert_eq(r->notices[NOTICE_ERROR], 2, "%s", r->last_notice);
	r->store->entries[TILE_WIDTH - 1].leaf.b[7] ^= 1;
	(void)ask_trail(r, NUMBER(1));
	cr_assert(rig_receipt_holds(r, proven(r)));
	/* What was found to be right is kept: it is not read any more. */
	r->store->entries[TILE_WIDTH - 1].leaf.b[7] ^= 1;
	cr_assert_eq(ask_trail(r, NUMBER(1)), 0);
	r->store->entries[TILE_WIDTH - 1].leaf.b[7] ^= 1;
	cr_assert(rig_receipt_holds(r, proven(r)));
	rig_free(r);
}

/* ---- a log of more than a tile of tiles ---- */

enum { LEAVES = 66000, LEVELS = 3 };

static struct digest stored[LEVELS][LEAVES];
static const uint64_t sizes[] = {1, 2, 255, 256, 257, 511, 512, 65535, 65536, 65537, 65791, 65792, LEAVES};
static struct digest roots[ARRAY_LEN(sizes)];

static void fill(void)
{
	for (uint64_t i = 0; i < LEAVES; i++)
		stored[0][i] = merkle_leaf(span_of(&i, sizeof(i)));
	for (unsigned level = 1; level < LEVELS; level++)
		for (size_t i = 0; i < (size_t)LEAVES >> (TILE_HEIGHT * level); i++)
			stored[level][i] = merkle_root(&stored[level - 1][i * TILE_WIDTH], TILE_WIDTH);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		roots[i] = merkle_root(stored[0], sizes[i]);
}

/* conn: the tree's size, up to which tiles are stored. */
static enum store_result full_tiles(void *size, const struct tile_id *ids, size_t n,
				    struct digest *const *ret_hashes)
{
	for (size_t i = 0; i < n; i++) {
		cr_assert_eq(tile_width(ids[i].level, ids[i].n, *(uint64_t *)size), TILE_WIDTH);
		memcpy(ret_hashes[i], &stored[ids[i].level][ids[i].n * TILE_WIDTH],
		       TILE_WIDTH * sizeof(struct digest));
	}
	return STORE_OK;
}

/* All that can be asked of a smaller tree, at once. */
static void prove_all(const struct store_port *store, const struct tree *tree, size_t at, struct arena *arena)
{
	const uint64_t indexes[] = {0, 254, 255, 256, 65535, 65536, sizes[at] / 2, sizes[at] - 1};
	struct proof_plan plans[1 + ARRAY_LEN(indexes) + ARRAY_LEN(sizes)];
	struct digest proof[MERKLE_PROOF_MAX];
	struct tiles tiles = {0};
	uint64_t edge = tree_size(tree), what[ARRAY_LEN(plans)];
	size_t n = 1, inclusions;

	cr_assert(plan_root(sizes[at], &plans[0]));
	for (size_t i = 0; i < ARRAY_LEN(indexes); i++)
		if (plan_inclusion(what[n] = indexes[i], sizes[at], &plans[n]))
			n++;
	inclusions = n;
	for (size_t i = 0; i < at; i++)
		if (plan_consistency(sizes[what[n] = i], sizes[at], &plans[n]))
			n++;
	cr_assert(tiles_take_edge(&tiles, tree, arena));
	cr_assert_eq(tiles_fetch(&tiles, store, &edge, plans, n, arena), STORE_OK);
	for (size_t i = 0; i < n; i++) {
		tiles_build(&tiles, &plans[i], proof);
		cr_assert(i == 0 ? digest_eq(&proof[0], &roots[at])
			  : i < inclusions
			      ? merkle_inclusion_holds(what[i], sizes[at], &stored[0][what[i]], proof,
						       plans[i].steps_n, &roots[at])
			      : merkle_consistency_holds(sizes[what[i]], sizes[at], proof, plans[i].steps_n,
							 &roots[what[i]], &roots[at]),
			  "plan %zu of size %lu, edge %lu", i, sizes[at], edge);
	}
}

Test(path_prove, of_every_size_under_every_edge_only_full_tiles_are_fetched)
{
	const struct store_port store = {.tiles = full_tiles};
	struct arena *arena = arena_new(64 * 1024 * 1024);
	struct tree *tree = tree_new();

	fill();
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		uint64_t from = tree_size(tree);
		tree_commit(tree, tree_append(arena, tree, &stored[0][from], sizes[i] - from));
		for (size_t k = 0; k <= i; k++) {
			arena_reset(arena);
			prove_all(&store, tree, k, arena);
		}
	}
	tree_free(tree);
	arena_free(arena);
}

/* The proof from a smaller tree. True: nothing was fetched for it. */
static bool prove_from(struct tiles_kept *kept, const struct tree *tree, uint64_t from, struct arena *arena)
{
	const struct store_port store = {.tiles = full_tiles};
	const struct digest old = merkle_root(stored[0], from), root = tree_root(tree);
	uint64_t edge = tree_size(tree);
	struct digest proof[MERKLE_PROOF_MAX];
	struct tiles tiles = {0};
	struct proof_plan plan;

	arena_reset(arena);
	cr_assert(plan_consistency(from, edge, &plan));
	cr_assert(tiles_take_edge(&tiles, tree, arena));
	tiles_borrow(&tiles, kept);
	bool nothing = tiles_at_hand(&tiles, &plan);
	cr_assert_eq(tiles_fetch(&tiles, nothing ? NULL : &store, &edge, &plan, 1, arena), STORE_OK);
	tiles_build(&tiles, &plan, proof);
	cr_assert(merkle_consistency_holds(from, edge, proof, plan.steps_n, &old, &root));
	tiles_give_back(&tiles, kept);
	return nothing;
}

Test(path_prove, those_used_last_are_kept)
{
	struct tiles_kept kept = {.n = 0};
	struct arena *arena = arena_new(64 * 1024 * 1024);
	struct tree *tree = tree_new();

	fill();
	tree_commit(tree, tree_append(arena, tree, stored[0], LEAVES));
	for (uint64_t n = 0; n < TILES_KEPT + 10; n++) {
		cr_assert_not(prove_from(&kept, tree, n * TILE_WIDTH + 77, arena));
		cr_assert(prove_from(&kept, tree, n * TILE_WIDTH + 78, arena));
		cr_assert(prove_from(&kept, tree, 1, arena), "it is asked for all the time");
	}
	cr_assert_eq(kept.n, TILES_KEPT);
	cr_assert_not(prove_from(&kept, tree, TILE_WIDTH + 77, arena), "it gave way");
	cr_assert(prove_from(&kept, tree, LEAVES - 1, arena), "nothing but the edge is needed");
	tiles_forget(&kept);
	tree_free(tree);
	arena_free(arena);
}

/* While a thread looks at a tile, it may give way to another, or all may be forgotten. */
Test(path_prove, what_is_borrowed_stays_until_it_is_given_back)
{
	struct tiles_kept kept = {.n = 0};
	struct arena *arena = arena_new(64 * 1024 * 1024);
	struct tree *tree = tree_new();
	struct tiles tiles = {0};
	struct digest nodes[TILE_NODES];

	fill();
	tree_commit(tree, tree_append(arena, tree, stored[0], LEAVES));
	cr_assert_not(prove_from(&kept, tree, 77, arena));
	tiles_borrow(&tiles, &kept);
	memcpy(nodes, tiles.kept[0]->nodes, sizeof(nodes));
	for (uint64_t n = 1; n < TILES_KEPT + 10; n++)
		cr_assert_not(prove_from(&kept, tree, n * TILE_WIDTH + 77, arena));
	tiles_forget(&kept);
	cr_assert_arr_eq(tiles.kept[0]->nodes, nodes, sizeof(nodes));
	tiles_give_back(&tiles, &kept);
	cr_assert_eq(kept.n, 0);
	tree_free(tree);
	arena_free(arena);
}
