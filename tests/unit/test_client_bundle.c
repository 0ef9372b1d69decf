/* bundle_file, policy_file: trails as bundles and back, and trails held against policies. */
#include <criterion/criterion.h>

#include <stdio.h>

#include "core/proof_plan.h"
#include "manifest/bundle_file.h"
#include "manifest/policy_file.h"

#define ORIGIN "shenyang.example/log"

enum { LEAVES = 9 };

static struct note_key log_key;
static struct secret_key log_secret;
static struct note_key witnesses[2];
static struct secret_key witness_secrets[2];
static struct arena *arena;
static char words[LEAVES][16];
static struct digest leaves[LEAVES];

static void make_key(const char *name, enum note_key_type type, uint8_t byte, struct note_key *ret_key,
		     struct secret_key *ret_secret)
{
	uint8_t seed[SEED_SIZE] = {byte};
	struct public_key public;

	key_from_seed(seed, ret_secret, &public);
	cr_assert(note_key_make(span_str(name), type, &public, ret_key));
}

static void start(void)
{
	cr_assert(crypto_start());
	arena = arena_new(1 << 22);
	make_key(ORIGIN, NOTE_ED25519, 1, &log_key, &log_secret);
	make_key("w/a", NOTE_COSIGNATURE, 2, &witnesses[0], &witness_secrets[0]);
	make_key("w/b", NOTE_COSIGNATURE, 3, &witnesses[1], &witness_secrets[1]);
	for (size_t i = 0; i < LEAVES; i++) {
		(void)snprintf(words[i], sizeof(words[i]), "entry %zu", i);
		leaves[i] = merkle_leaf(span_str(words[i]));
	}
}

static void stop(void)
{
	arena_free(arena);
}

TestSuite(client_bundle, .init = start, .fini = stop);

/* The proof of a leaf under a checkpoint of `size`, cosigned by the witnesses whose bits are set. */
static struct trail_entry entry_of(size_t index, size_t size, unsigned by)
{
	struct checkpoint c = {.origin = span_str(ORIGIN), .size = size, .root = merkle_root(leaves, size)};
	struct digest nodes[TILE_NODES];
	const struct digest *tiles[PROOF_TILES_MAX] = {nodes};
	struct digest hashes[MERKLE_PROOF_MAX];
	struct proof_plan plan;
	struct span text;
	struct span lines;
	struct buffer note = BUFFER_EMPTY;
	struct buffer proof = BUFFER_EMPTY;

	cr_assert(plan_inclusion(index, size, &plan));
	memcpy(nodes, leaves, size * sizeof(leaves[0]));
	tile_hash_nodes(nodes, (unsigned)size);
	plan_build(&plan, tiles, hashes);
	checkpoint_sign(&note, &c, &log_key, &log_secret);
	struct span signed_note = arena_copy(arena, buffer_span(&note));
	cr_assert(note_split(signed_note, &text, &lines));
	for (size_t i = 0; i < ARRAY_LEN(witnesses); i++)
		if ((by >> i & 1) != 0)
			note_put_signature(&note, &witnesses[i], &witness_secrets[i], size * 1000 + i, text);
	proof_put(&proof, index, hashes, plan.steps_n, buffer_span(&note));
	struct trail_entry e = {
	    .index = index, .entry = span_str(words[index]), .proof = arena_copy(arena, buffer_span(&proof))};
	buffer_free(&note);
	buffer_free(&proof);
	return e;
}

static bool save_and_read(struct trail_entry *entries, size_t n, struct trail *ret_trail)
{
	struct trail trail = {.number = UINT64_C(20262101000042), .entries = entries, .n = n};
	struct mft_failure failure;
	struct bundle bundle;
	struct buffer text = BUFFER_EMPTY;

	bool good = bundle_of_trail(&trail, arena, &bundle) && bundle_put(&bundle, &text) &&
		    trail_or_bundle_parse(arena_copy(arena, buffer_span(&text)), arena, ret_trail, &failure);
	buffer_free(&text);
	return good;
}

Test(client_bundle, there_and_back)
{
	/* as they are answered: the steps, then the keys */
	struct trail_entry entries[] = {entry_of(4, 9, 1), entry_of(7, 9, 1), entry_of(0, 9, 1)};
	static const size_t order[] = {2, 0, 1};
	struct trail back;

	cr_assert(save_and_read(entries, 3, &back));
	cr_assert(back.n == 3 && back.number == UINT64_C(20262101000042));
	for (size_t i = 0; i < 3; i++) {
		cr_expect_eq(back.entries[i].index, entries[order[i]].index);
		cr_expect(span_eq(back.entries[i].entry, entries[order[i]].entry));
		cr_expect(span_eq(back.entries[i].proof, entries[order[i]].proof));
	}
}

Test(client_bundle, what_cannot_be_one)
{
	struct trail back;
	struct mft_failure failure;
	struct trail_entry two_checkpoints[] = {entry_of(4, 8, 1), entry_of(5, 9, 1)};
	struct trail_entry two_signings[] = {entry_of(4, 9, 1), entry_of(5, 9, 3)};
	struct trail_entry twice[] = {entry_of(4, 9, 1), entry_of(4, 9, 1)};
	struct trail_entry other_index[] = {entry_of(4, 9, 1)};

	other_index[0].index = 5;
	cr_expect_not(save_and_read(two_checkpoints, 2, &back));
	cr_expect_not(save_and_read(two_signings, 2, &back));
	cr_expect_not(save_and_read(twice, 2, &back));
	cr_expect_not(save_and_read(other_index, 1, &back));
	cr_expect_not(save_and_read(twice, 0, &back));
	cr_expect_not(trail_or_bundle_parse(span_str("manifest-bundle@v1\n"), arena, &back, &failure));
	cr_expect_str_eq(failure.id, "bundle.malformed");
	cr_expect_not(trail_or_bundle_parse(span_str("{}"), arena, &back, &failure));
	cr_expect_str_eq(failure.id, "trail.malformed");
}

/* Both witnesses are demanded. */
static struct policy both(void)
{
	return (struct policy){
	    .logs = {{.key = log_key}},
	    .logs_n = 1,
	    .witnesses = {{.key = witnesses[0]}, {.key = witnesses[1]}},
	    .witnesses_n = 2,
	    .members = {{.name = span_str("a"), .parent = 2},
			{.name = span_str("b"), .witness = 1, .parent = 2},
			{.name = span_str("g"),
			 .group = true,
			 .need = 2,
			 .members_n = 2,
			 .parent = POLICY_MEMBERS_MAX}},
	    .members_n = 3,
	    .quorum = 2,
	};
}

Test(client_bundle, every_checkpoint_of_a_trail_is_held_against_the_policy)
{
	static const struct {
		unsigned by[2]; /* under sizes 8 and 9 */
		enum log_failure want;
		uint64_t before; /* when both had cosigned; with one alone, when it did */
	} rows[] = {
	    {{3, 3}, LOG_HOLDS, 9001},
	    {{3, 1}, LOG_QUORUM_MISSING, 9000},
	    {{1, 3}, LOG_QUORUM_MISSING, 9001},
	    {{0, 0}, LOG_QUORUM_MISSING, 0},
	};
	const struct policy policy = both();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct trail_entry entries[] = {entry_of(2, 8, rows[i].by[0]), entry_of(5, 9, rows[i].by[1]),
						entry_of(3, 8, rows[i].by[0])};
		struct trail trail = {.entries = entries, .n = 3};
		struct witnessed w;
		witnessed_check(&trail, &policy, NULL, &w);
		cr_expect_eq(w.failure, rows[i].want, "row %zu", i);
		cr_expect_eq(w.facts.checkpoint.size, 9u);
		cr_expect_eq(policy_earliest(&policy, &w.facts), rows[i].before);
		cr_expect_eq(w.facts.quorum, rows[i].by[1] == 3);
	}
}

Test(client_bundle, a_trail_of_another_log_or_of_nothing)
{
	struct policy policy = both();
	struct trail_entry entries[] = {entry_of(2, 8, 3)};
	struct trail trail = {.entries = entries, .n = 1};
	struct witnessed w;
	struct note_key other;
	struct secret_key secret;

	make_key(ORIGIN, NOTE_ED25519, 9, &other, &secret);
	witnessed_check(&trail, &policy, &other, &w);
	cr_expect(w.failure == LOG_KEY_MISSING && w.newest.n == 0);
	policy.logs[0].key = other;
	witnessed_check(&trail, &policy, NULL, &w);
	cr_expect(w.failure == LOG_KEY_MISSING && w.newest.n == 0);
	entries[0].proof = span_str("x");
	witnessed_check(&trail, &policy, &log_key, &w);
	cr_expect(w.failure == LOG_PROOF_MALFORMED && w.newest.n == 0);
	trail.n = 0;
	witnessed_check(&trail, &policy, &log_key, &w);
	cr_expect_eq(w.failure, LOG_PROOF_MALFORMED);
}
