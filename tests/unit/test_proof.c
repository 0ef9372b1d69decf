/* proof, and all the log code together: receipts, and a log written by others (Tessera), checked as a whole.
 */
#include <criterion/criterion.h>

#include <stdio.h>

#include "base/text.h"
#include "core/proof.h"
#include "core/proof_plan.h"
#include "core/tree.h"

#define LOG_FOLDER "tests/data/tlog/tessera/log"
#define LOG_KEY    "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
#define ORIGIN     "example.com/log/testdata"

enum { LEAVES = 15 };

static const char *const words[LEAVES] = {"one",    "two",   "three",    "four",    "five",
					  "six",    "seven", "eit",      "nain",    "ten",
					  "ileven", "twelf", "threeten", "fourten", "fivten"};

static struct note_key log_key;
static struct digest leaves[LEAVES];

static void start(void)
{
	cr_assert(crypto_start());
	cr_assert(note_key_parse(span_str(LOG_KEY), &log_key));
	for (size_t i = 0; i < LEAVES; i++)
		leaves[i] = merkle_leaf(span_str(words[i]));
}

TestSuite(tessera, .init = start);
TestSuite(receipt, .init = start);

static struct span read_log(const char *path, uint8_t *to, size_t cap)
{
	char name[256];

	snprintf(name, sizeof(name), LOG_FOLDER "%s", path);
	FILE *f = fopen(name, "r");
	cr_assert_not_null(f, "%s", name);
	size_t n = fread(to, 1, cap, f);
	cr_assert_lt(n, cap);
	(void)fclose(f);
	return span_of(to, n);
}

/* The note is read into `to`, from which the checkpoint borrows. */
static struct span checkpoint_of(size_t size, uint8_t *to, size_t cap, struct checkpoint *ret_checkpoint)
{
	char path[32];

	snprintf(path, sizeof(path), "/checkpoint.%zu", size);
	struct span note = read_log(path, to, cap);
	cr_assert_eq(checkpoint_open(note, span_str(ORIGIN), &log_key, ret_checkpoint), LOG_HOLDS, "%s",
		     path);
	return note;
}

static bool has_checkpoint(size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), LOG_FOLDER "/checkpoint.%zu", size);
	FILE *f = fopen(path, "r");
	if (f != NULL)
		(void)fclose(f);
	return f != NULL;
}

Test(tessera, every_checkpoint)
{
	uint8_t bytes[1024];
	uint8_t latest[1024];
	struct checkpoint c;
	size_t found = 0;

	for (size_t n = 0; n <= LEAVES; n++) {
		if (!has_checkpoint(n))
			continue;
		struct span note = checkpoint_of(n, bytes, sizeof(bytes), &c);
		struct digest root = merkle_root(leaves, n);
		cr_expect(c.size == n && digest_eq(&c.root, &root), "size %zu", n);
		found++;
		if (n == LEAVES)
			cr_expect(span_eq(note, read_log("/checkpoint", latest, sizeof(latest))));
	}
	cr_expect_eq(found, 16u);
}

Test(tessera, every_tile_and_bundle)
{
	for (unsigned n = 1; n <= LEAVES; n++) {
		uint8_t bytes[1024];
		struct buffer path = BUFFER_EMPTY;
		struct tile_id id = {.level = 0, .n = 0, .width = n};

		tile_put_path(&path, &id, false);
		buffer_put_u8(&path, 0);
		struct span tile = read_log((const char *)path.p, bytes, sizeof(bytes));
		cr_expect(span_eq(tile, span_of(leaves, n * sizeof(leaves[0]))), "tile of %u", n);

		struct buffer bundle = BUFFER_EMPTY;
		for (unsigned i = 0; i < n; i++) {
			buffer_put_be16(&bundle, (uint16_t)strlen(words[i]));
			buffer_put_str(&bundle, words[i]);
		}
		buffer_clear(&path);
		tile_put_path(&path, &id, true);
		buffer_put_u8(&path, 0);
		cr_expect(
		    span_eq(buffer_span(&bundle), read_log((const char *)path.p, bytes, sizeof(bytes))));
		buffer_free(&bundle);
		buffer_free(&path);
	}
}

/* The proof from the log's own tile. */
static size_t prove(const struct proof_plan *plan, struct digest *ret_proof)
{
	uint8_t bytes[1024];
	struct digest nodes[TILE_NODES];
	const struct digest *tiles[PROOF_TILES_MAX];
	struct buffer path = BUFFER_EMPTY;

	cr_assert_leq(plan->tiles_n, 1u);
	if (plan->tiles_n == 1) {
		tile_put_path(&path, &plan->tiles[0], false);
		buffer_put_u8(&path, 0);
		struct span tile = read_log((const char *)path.p, bytes, sizeof(bytes));
		memcpy(nodes, tile.p, tile.n);
		tile_hash_nodes(nodes, plan->tiles[0].width);
		tiles[0] = nodes;
	}
	plan_build(plan, tiles, ret_proof);
	buffer_free(&path);
	return plan->steps_n;
}

Test(tessera, every_leaf_in_every_size_has_a_receipt)
{
	for (size_t size = 1; size <= LEAVES; size++) {
		uint8_t bytes[1024];
		struct checkpoint c;
		struct span note = checkpoint_of(size, bytes, sizeof(bytes), &c);
		for (size_t i = 0; i < size; i++) {
			struct digest proof[MERKLE_PROOF_MAX];
			struct proof_plan plan;
			struct buffer text = BUFFER_EMPTY;
			struct receipt_facts r;
			cr_assert(plan_inclusion(i, size, &plan));
			proof_put(&text, i, proof, prove(&plan, proof), note);
			cr_assert_eq(receipt_verify(buffer_span(&text), span_str(words[i]), span_str(ORIGIN),
						    &log_key, &r),
				     LOG_HOLDS);
			cr_expect(r.index == i && r.checkpoint.size == size);
			cr_expect(digest_eq(&r.checkpoint.root, &c.root));
			cr_expect_eq(receipt_verify(buffer_span(&text), span_str("another"), span_str(ORIGIN),
						    &log_key, &r),
				     LOG_NOT_INCLUDED);
			buffer_free(&text);
		}
	}
}

Test(tessera, every_size_continues_every_earlier_one)
{
	for (size_t n = 1; n <= LEAVES; n++) {
		uint8_t bytes_m[1024];
		uint8_t bytes_n[1024];
		struct checkpoint from;
		struct checkpoint to;
		checkpoint_of(n, bytes_n, sizeof(bytes_n), &to);
		for (size_t m = 1; m <= n; m++) {
			struct digest proof[MERKLE_PROOF_MAX];
			struct proof_plan plan;
			checkpoint_of(m, bytes_m, sizeof(bytes_m), &from);
			cr_assert(plan_consistency(m, n, &plan));
			size_t length = prove(&plan, proof);
			cr_expect_eq(checkpoint_follows(&from, &to, proof, length), LOG_HOLDS, "%zu to %zu",
				     m, n);
			if (length > 0)
				cr_expect_eq(checkpoint_follows(&from, &to, proof, length - 1),
					     LOG_NOT_CONSISTENT);
		}
	}
}

Test(tessera, our_tree_has_the_same_roots)
{
	struct tree *t = tree_new();
	struct arena *arena = arena_new(1 << 20);

	cr_assert(t != NULL && arena != NULL);
	for (size_t n = 1; n <= LEAVES; n++) {
		uint8_t bytes[1024];
		struct checkpoint c;
		struct tree_append *a = tree_append(arena, t, &leaves[n - 1], 1);
		cr_assert_not_null(a);
		tree_commit(t, a);
		checkpoint_of(n, bytes, sizeof(bytes), &c);
		struct digest root = tree_root(t);
		cr_expect(digest_eq(&root, &c.root));
	}
	arena_free(arena);
	tree_free(t);
}

/* ---- the text of a proof ---- */

#define H1   "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=\n"
#define HEAD "c2sp.org/tlog-proof@v1\n"

Test(receipt, proofs_that_can_be_read)
{
	static const struct {
		const char *text;
		uint64_t index;
		size_t hashes;
		const char *extra;
		const char *checkpoint;
	} rows[] = {
	    {HEAD "index 0\n\n", 0, 0, "", ""},
	    {HEAD "index 7\n" H1 "\nnote", 7, 1, "", "note"},
	    {HEAD "index 18446744073709551615\n" H1 H1 "\n\nnote\n\n", UINT64_MAX, 2, "", "\nnote\n\n"},
	    {HEAD "extra SGVsbG8=\nindex 7\n" H1 "\nnote", 7, 1, "SGVsbG8=", "note"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct proof p;
		cr_assert(proof_parse(span_str(rows[i].text), &p), "row %zu", i);
		cr_expect_eq(p.index, rows[i].index);
		cr_expect_eq(p.hashes_n, rows[i].hashes);
		cr_expect(span_eq_str(p.extra, rows[i].extra));
		cr_expect(span_eq_str(p.checkpoint, rows[i].checkpoint));
		if (p.extra.n > 0)
			continue;
		struct buffer b = BUFFER_EMPTY;
		proof_put(&b, p.index, p.hashes, p.hashes_n, p.checkpoint);
		cr_expect(span_eq_str(buffer_span(&b), rows[i].text), "row %zu is written as it was read", i);
		buffer_free(&b);
	}
}

Test(receipt, proofs_that_cannot)
{
	static const char *const bad[] = {
	    "",
	    "c2sp.org/tlog-proof@v1",
	    HEAD,
	    "c2sp.org/tlog-proof@v2\nindex 0\n\n",
	    " " HEAD "index 0\n\n",
	    "c2sp.org/tlog-proof@v1\r\nindex 0\n\n",
	    HEAD "index 0\n",
	    HEAD "index 0",
	    HEAD "\nindex 0\n\n",
	    HEAD "index\n\n",
	    HEAD "index \n\n",
	    HEAD "index 00\n\n",
	    HEAD "index 07\n\n",
	    HEAD "index -1\n\n",
	    HEAD "index  7\n\n",
	    HEAD "index 7 \n\n",
	    HEAD "index 7\r\n\n",
	    HEAD "index\t7\n\n",
	    HEAD "Index 7\n\n",
	    HEAD "index 18446744073709551616\n\n",
	    HEAD "index 7\nindex 7\n\n",
	    HEAD "index 7\n" H1,
	    HEAD "index 7\n" H1 "x\n\n",
	    HEAD "index 7\ngSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ\n\n",
	    HEAD "index 7\ngSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlR=\n\n",
	    HEAD "index 7\ngSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlRA\n\n",
	    HEAD "index 7\ngSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPl==\n\n",
	    HEAD "index 7\n" H1 " \nnote",
	    HEAD "extra\nindex 7\n\n",
	    HEAD "extra \nindex 7\n\n",
	    HEAD "extra SGVsbG8\nindex 7\n\n",
	    HEAD "extra SGVsbG9=\nindex 7\n\n",
	    HEAD "extra SGVs bG8=\nindex 7\n\n",
	    HEAD "extra SGVsbG8=\nextra SGVsbG8=\nindex 7\n\n",
	    HEAD "extra SGVsbG8=\n\n",
	    HEAD "extra SGVsbG8=",
	    HEAD "index 7\nextra SGVsbG8=\n\n",
	};
	struct proof p;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		cr_expect_not(proof_parse(span_str(bad[i]), &p), "row %zu", i);
}

Test(receipt, extra_of_any_length)
{
	static const uint8_t zeros[300];

	for (size_t n = 0; n <= sizeof(zeros); n++) {
		struct buffer b = BUFFER_EMPTY;
		struct proof p;
		buffer_put_str(&b, HEAD "extra ");
		buffer_put_base64(&b, span_of(zeros, n));
		buffer_put_str(&b, "\nindex 1\n\nnote");
		cr_expect_eq(proof_parse(buffer_span(&b), &p), n > 0, "%zu", n);
		if (n > 70) {
			b.p[strlen(HEAD "extra ") + 63] = '=';
			cr_expect_not(proof_parse(buffer_span(&b), &p), "padding within, %zu", n);
		}
		buffer_free(&b);
	}
}

Test(receipt, no_more_hashes_than_a_proof_can_have)
{
	for (size_t n = MERKLE_PROOF_MAX - 1; n <= MERKLE_PROOF_MAX + 1; n++) {
		struct buffer b = BUFFER_EMPTY;
		struct proof p;
		buffer_put_str(&b, HEAD "index 1\n");
		for (size_t i = 0; i < n; i++)
			buffer_put_str(&b, H1);
		buffer_put_str(&b, "\nnote");
		cr_expect_eq(proof_parse(buffer_span(&b), &p), n <= MERKLE_PROOF_MAX);
		buffer_free(&b);
	}
}

/* ---- receipts ---- */

/* The receipt of leaf 4 at size 15, with this index and `hashes` of its four hashes. */
static void put_receipt(struct buffer *b, uint64_t index, size_t hashes)
{
	uint8_t bytes[1024];
	struct digest proof[MERKLE_PROOF_MAX];
	struct proof_plan plan;
	struct checkpoint c;
	struct span note = checkpoint_of(LEAVES, bytes, sizeof(bytes), &c);

	cr_assert(plan_inclusion(4, LEAVES, &plan));
	cr_assert_eq(prove(&plan, proof), 4u);
	proof_put(b, index, proof, hashes, note);
}

Test(receipt, what_is_wrong_is_named)
{
	static const struct {
		uint64_t index;
		size_t hashes;
		const char *entry;
		const char *origin;
		enum log_failure failure;
	} rows[] = {
	    {4, 4, "five", ORIGIN, LOG_HOLDS},
	    {4, 4, "fivE", ORIGIN, LOG_NOT_INCLUDED},
	    {4, 4, "", ORIGIN, LOG_NOT_INCLUDED},
	    {5, 4, "five", ORIGIN, LOG_NOT_INCLUDED},
	    {4, 3, "five", ORIGIN, LOG_NOT_INCLUDED},
	    {4, 0, "five", ORIGIN, LOG_NOT_INCLUDED},
	    {15, 4, "five", ORIGIN, LOG_INDEX_OUTSIDE},
	    {UINT64_MAX, 4, "five", ORIGIN, LOG_INDEX_OUTSIDE},
	    {4, 4, "five", "another.example/log", LOG_ORIGIN_DIFFERS},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buffer b = BUFFER_EMPTY;
		struct receipt_facts r;
		put_receipt(&b, rows[i].index, rows[i].hashes);
		cr_expect_eq(receipt_verify(buffer_span(&b), span_str(rows[i].entry),
					    span_str(rows[i].origin), &log_key, &r),
			     rows[i].failure, "row %zu", i);
		buffer_free(&b);
	}
}

Test(receipt, no_flipped_bit_and_no_cut_is_believed)
{
	struct buffer b = BUFFER_EMPTY;
	struct receipt_facts r;

	put_receipt(&b, 4, 4);
	cr_assert_eq(receipt_verify(buffer_span(&b), span_str("five"), span_str(ORIGIN), &log_key, &r),
		     LOG_HOLDS);
	for (size_t bit = 0; bit < 8 * b.n; bit++) {
		b.p[bit / 8] ^= (uint8_t)(1U << (bit % 8));
		cr_assert_neq(
		    receipt_verify(buffer_span(&b), span_str("five"), span_str(ORIGIN), &log_key, &r),
		    LOG_HOLDS, "bit %zu", bit);
		b.p[bit / 8] ^= (uint8_t)(1U << (bit % 8));
	}
	for (size_t n = 0; n < b.n; n++)
		cr_assert_neq(
		    receipt_verify(span_of(b.p, n), span_str("five"), span_str(ORIGIN), &log_key, &r),
		    LOG_HOLDS, "cut at %zu", n);
	buffer_free(&b);
}

Test(receipt, another_key_is_not_the_logs)
{
	struct buffer b = BUFFER_EMPTY;
	struct receipt_facts r;
	struct note_key stranger;
	struct note_key namesake = log_key;
	struct public_key key = log_key.key;

	key.b[0] ^= 1;
	put_receipt(&b, 4, 4);
	cr_assert(note_key_make(span_str(ORIGIN), NOTE_ED25519, &key, &stranger));
	cr_expect_eq(receipt_verify(buffer_span(&b), span_str("five"), span_str(ORIGIN), &stranger, &r),
		     LOG_KEY_MISSING);
	/* A key with the same name and id, as one could be found on purpose. */
	namesake.key = key;
	cr_expect_eq(receipt_verify(buffer_span(&b), span_str("five"), span_str(ORIGIN), &namesake, &r),
		     LOG_SIGNATURE_BAD);
	buffer_free(&b);
}
