/* What the proofs of an answer are made of: full tiles, and the right edge that is in memory. */
#include <criterion/criterion.h>

#include "core/checkpoint.h"
#include "core/tile.h"
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
	uint64_t last = 1000;

	for (uint64_t i = 1; i < 700; i += 37) {
		unsigned fetched = ask_trail(r, NUMBER(i));
		const struct receipt *receipt = proven(r);
		cr_assert_not_null(receipt, "%s", rig_words(r, conn, asked));
		cr_assert(rig_receipt_holds(r, receipt));
		cr_assert_eq(fetched, receipt->index < r->store->head.size / TILE_WIDTH * TILE_WIDTH,
			     "entry %lu", receipt->index);
	}
	while (r->store->entries[r->store->head.size - 1].number != NUMBER(last))
		last--;
	cr_assert_eq(ask_trail(r, NUMBER(last)), 0);
	cr_assert(rig_receipt_holds(r, proven(r)));
	rig_free(r);
}

Test(path_prove, from_every_size_to_every_size)
{
	static const uint64_t sizes[] = {1, 2, 100, 255, 256, 257, 400, 511, 512, 513, 700, 768, 769, 800, 0};
	struct rig *r = begin();

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		for (size_t k = i; k < ARRAY_LEN(sizes); k++) {
			const struct query q = {
			    .kind = QUERY_CHECKPOINT, .size = sizes[i], .to_size = sizes[k]};
			struct checkpoint from = {span_str(RIG_ORIGIN), sizes[i], {{0}}}, to;
			unsigned fetched = ask(r, &q);
			const struct frame *f = rig_answer(r, conn, asked);
			cr_assert_eq(f->answer.kind, ANSWER_CHECKPOINT, "%s", rig_words(r, conn, asked));
			const struct checkpoint_view *c = &f->answer.checkpoint;
			cr_assert_eq(checkpoint_open(c->checkpoint, span_str(RIG_ORIGIN), &r->log_key, &to),
				     LOG_HOLDS);
			cr_assert_eq(to.size, sizes[k] == 0 ? r->store->head.size : sizes[k]);
			from.root = fake_store_root(r->store, sizes[i]);
			cr_assert_eq(checkpoint_follows(&from, &to, c->consistency, c->consistency_n),
				     LOG_HOLDS, "%lu to %lu", sizes[i], sizes[k]);
			/* Once for the root that it goes back to, once for what is proved of it. */
			cr_assert_leq(fetched, 2);
		}
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
