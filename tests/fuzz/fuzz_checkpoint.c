/*
 * Checkpoints from strangers, with the key at hand that signs them: what opens is what that key would sign
 * for the same origin, size and root, and no proof but the true one leads from one size to another.
 *
 * An input that begins with two bytes below 16 is two sizes and a proof; any other is a note.
 */
#include <stdlib.h>

#include "core/checkpoint.h"
#include "core/proof_plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ORIGIN "shenyang.example/log"

enum { LEAVES = 16 };

static void expect(bool holds)
{
	if (!holds)
		abort();
}

static struct note_key log_key(struct secret_key *ret_secret)
{
	uint8_t seed[SEED_SIZE];
	struct public_key public;
	struct note_key key;

	for (size_t i = 0; i < SEED_SIZE; i++)
		seed[i] = (uint8_t)i;
	key_from_seed(seed, ret_secret, &public);
	expect(note_key_make(span_str(ORIGIN), NOTE_ED25519, &public, &key));
	return key;
}

static void check_note(struct span note)
{
	struct secret_key secret;
	struct note_key key = log_key(&secret);
	struct checkpoint c;
	struct buffer again = BUFFER_EMPTY;
	struct span text, lines;

	if (checkpoint_open(note, key.name, &key, &c) != LOG_HOLDS)
		return;
	expect(span_eq_str(c.origin, ORIGIN));
	expect(note_split(note, &text, &lines));
	checkpoint_sign(&again, &c, &key, &secret);
	/* The text is the same, and the line of the log is among the others. */
	size_t head = text.n + 1;
	if (buffer_ok(&again)) {
		expect(again.n > head && memcmp(again.p, note.p, head) == 0);
		expect(memmem(lines.p, lines.n, again.p + head, again.n - head) != NULL);
	}
	buffer_free(&again);
}

static void check_growth(uint64_t m, uint64_t n, struct span hashes)
{
	struct digest leaves[TILE_NODES], proof[MERKLE_PROOF_MAX], truth[MERKLE_PROOF_MAX];
	const struct digest *tiles[PROOF_TILES_MAX];
	struct proof_plan plan = {.steps_n = 0};
	size_t given = hashes.n / DIGEST_SIZE < MERKLE_PROOF_MAX ? hashes.n / DIGEST_SIZE : MERKLE_PROOF_MAX;

	for (size_t i = 0; i < LEAVES; i++)
		leaves[i] = merkle_leaf(span_of((const uint8_t *)"0123456789abcdef" + i, 1));
	const struct checkpoint from = {span_str(ORIGIN), m, merkle_root(leaves, m)};
	const struct checkpoint to = {span_str(ORIGIN), n, merkle_root(leaves, n)};
	if (given > 0)
		memcpy(proof, hashes.p, given * DIGEST_SIZE);
	bool follows = checkpoint_follows(&from, &to, proof, given) == LOG_HOLDS;
	expect(!follows || m <= n);
	if (m > 0 && m <= n) {
		expect(plan_consistency(m, n, &plan));
		tile_hash_nodes(leaves, (unsigned)n);
		for (size_t i = 0; i < plan.tiles_n; i++)
			tiles[i] = leaves; /* the log is less than one tile */
		plan_build(&plan, tiles, truth);
		expect(checkpoint_follows(&from, &to, truth, plan.steps_n) == LOG_HOLDS);
	}
	if (m <= n) {
		bool same =
		    given == plan.steps_n && (given == 0 || memcmp(proof, truth, given * DIGEST_SIZE) == 0);
		expect(follows == same);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	expect(crypto_start());
	if (size >= 2 && data[0] < LEAVES && data[1] < LEAVES)
		check_growth(data[0], data[1], span_of(data + 2, size - 2));
	else
		check_note(span_of(data, size));
	return 0;
}
