/* bundle: what is written is read, every byte counts, and what brackets and gaps say. */
#include <criterion/criterion.h>

#include <stdio.h>

#include "core/bundle.h"
#include "core/proof_plan.h"

#define ORIGIN "shenyang.example/log"
#define NUMBER UINT64_C(20262101000042)

enum { LEAVES = 40 };

static struct note_key log_key;
static struct secret_key log_secret;
static struct note_key witness;
static struct secret_key witness_secret;
static char words[LEAVES][16];
static struct digest leaves[LEAVES];
static const size_t chosen[] = {0, 3, 4, 17, 39};
static const struct policy no_quorum = {.quorum_none = true};

static void start(void)
{
	uint8_t seed[SEED_SIZE] = {1};
	struct public_key public;

	cr_assert(crypto_start());
	key_from_seed(seed, &log_secret, &public);
	cr_assert(note_key_make(span_str(ORIGIN), NOTE_ED25519, &public, &log_key));
	seed[0] = 2;
	key_from_seed(seed, &witness_secret, &public);
	cr_assert(note_key_make(span_str("w"), NOTE_COSIGNATURE, &public, &witness));
	for (size_t i = 0; i < LEAVES; i++) {
		(void)snprintf(words[i], sizeof(words[i]), "entry %zu", i);
		leaves[i] = merkle_leaf(span_str(words[i]));
	}
}

TestSuite(bundle, .init = start);

struct made {
	struct digest proofs[ARRAY_LEN(chosen)][MERKLE_PROOF_MAX];
	struct bundle_entry entries[ARRAY_LEN(chosen)];
	struct buffer checkpoint;
	struct bundle bundle;
};

/* Five entries of a log of forty, cosigned at 1000 s. */
static void make(struct made *m)
{
	struct checkpoint c = {
	    .origin = span_str(ORIGIN), .size = LEAVES, .root = merkle_root(leaves, LEAVES)};
	struct digest nodes[TILE_NODES];
	const struct digest *tiles[PROOF_TILES_MAX] = {nodes};
	struct proof_plan plan;
	struct span text;
	struct span lines;
	struct buffer note = BUFFER_EMPTY;

	memcpy(nodes, leaves, sizeof(leaves));
	tile_hash_nodes(nodes, LEAVES);
	*m = (struct made){.checkpoint = BUFFER_EMPTY};
	checkpoint_sign(&note, &c, &log_key, &log_secret);
	cr_assert(note_split(buffer_span(&note), &text, &lines));
	buffer_put_span(&m->checkpoint, buffer_span(&note));
	note_put_signature(&m->checkpoint, &witness, &witness_secret, 1000, text);
	buffer_free(&note);
	for (size_t i = 0; i < ARRAY_LEN(chosen); i++) {
		cr_assert(plan_inclusion(chosen[i], LEAVES, &plan));
		cr_assert_eq(plan.tiles_n, 1u);
		plan_build(&plan, tiles, m->proofs[i]);
		m->entries[i] = (struct bundle_entry){.index = chosen[i],
						      .entry = span_str(words[chosen[i]]),
						      .hashes = m->proofs[i],
						      .hashes_n = plan.steps_n};
	}
	m->bundle = (struct bundle){.number = NUMBER,
				    .entries = m->entries,
				    .n = ARRAY_LEN(chosen),
				    .checkpoint = buffer_span(&m->checkpoint)};
}

static enum log_failure verify(const struct bundle *b)
{
	struct policy_facts facts;
	size_t entry = 0;

	return bundle_verify(b, &no_quorum, &log_key, &facts, &entry);
}

Test(bundle, what_is_written_is_read)
{
	struct made m;
	struct buffer text = BUFFER_EMPTY;
	struct buffer again = BUFFER_EMPTY;
	struct arena *arena = arena_new(1 << 20);
	struct bundle b;

	make(&m);
	cr_assert(bundle_put(&m.bundle, &text));
	cr_assert(bundle_parse(buffer_span(&text), arena, &b));
	cr_expect(b.number == NUMBER && b.n == ARRAY_LEN(chosen));
	for (size_t i = 0; i < b.n; i++)
		cr_expect(b.entries[i].index == chosen[i] &&
			  span_eq_str(b.entries[i].entry, words[chosen[i]]));
	cr_expect(bundle_put(&b, &again) && span_eq(buffer_span(&text), buffer_span(&again)));
	cr_expect_eq(verify(&b), LOG_HOLDS);
	arena_free(arena);
	buffer_free(&text);
	buffer_free(&again);
	buffer_free(&m.checkpoint);
}

/* No byte can be changed, dropped or doubled unnoticed, but in the lines of signatures that are not looked
 * at. */
Test(bundle, every_byte_counts)
{
	struct made m;
	struct buffer text = BUFFER_EMPTY;
	struct arena *arena = arena_new(1 << 20);
	struct bundle b;

	make(&m);
	cr_assert(bundle_put(&m.bundle, &text));
	size_t matters = text.n - m.checkpoint.n;
	for (size_t i = 0; i < matters; i++) {
		struct buffer bad = BUFFER_EMPTY;
		for (unsigned how = 0; how < 3; how++) {
			buffer_clear(&bad);
			arena_reset(arena);
			buffer_put(&bad, text.p, how == 2 ? i + 1 : i);
			if (how == 0)
				buffer_put_u8(&bad, (uint8_t)(text.p[i] ^ 1));
			buffer_put(&bad, text.p + i + (how == 2 ? 0 : 1), text.n - i - (how == 2 ? 0 : 1));
			if (!bundle_parse(buffer_span(&bad), arena, &b))
				continue;
			/* another manifest's number is for the reader of the entries to find */
			cr_expect(b.number != NUMBER || verify(&b) != LOG_HOLDS, "byte %zu, %u", i, how);
		}
		buffer_free(&bad);
	}
	arena_free(arena);
	buffer_free(&text);
	buffer_free(&m.checkpoint);
}

#define HEAD "manifest-bundle@v1\nmanifest 20262101000042\nentries "

Test(bundle, texts)
{
	static const struct {
		const char *text;
		bool good;
	} rows[] = {
	    {HEAD "1\n\nindex 0\nentry AAAA\n\nx", true},
	    {HEAD "1\n\nindex 0\nentry AAAA\n\n", true}, /* and then there is no checkpoint */
	    {HEAD "2\n\nindex 0\nentry AAAA\n\nindex 1\nentry AAAA\n\nx", true},
	    {HEAD "2\n\nindex 1\nentry AAAA\n\nindex 1\nentry AAAA\n\nx", false},
	    {HEAD "2\n\nindex 1\nentry AAAA\n\nindex 0\nentry AAAA\n\nx", false},
	    {HEAD "2\n\nindex 0\nentry AAAA\n\nx", false},
	    {HEAD "0\n\nx", false},
	    {HEAD "4097\n\nindex 0\nentry AAAA\n\nx", false},
	    {HEAD "18446744073709551615\n\nindex 0\nentry AAAA\n\nx", false},
	    {HEAD "01\n\nindex 0\nentry AAAA\n\nx", false},
	    {HEAD "1\nindex 0\nentry AAAA\n\nx", false},
	    {HEAD "1\n\nindex 00\nentry AAAA\n\nx", false},
	    {HEAD "1\n\nindex 0\nentry AAA\n\nx", false},
	    {HEAD "1\n\nindex 0\nentry \n\nx", false},
	    {HEAD "1\n\nindex 0\nentry\n\nx", false},
	    {HEAD "1\n\nindex 0\nentry AAAA\nAAAA\n\nx", false},
	    {HEAD "1\n\nindex 0\nentry AAAA", false},
	    {HEAD "1\n\nindex 0\r\nentry AAAA\n\nx", false},
	    {"manifest-bundle@v2\nmanifest 20262101000042\nentries 1\n\nindex 0\nentry AAAA\n\nx", false},
	    {"manifest-bundle@v1\nmanifest 2026210100004\nentries 1\n\nindex 0\nentry AAAA\n\nx", false},
	    {"manifest-bundle@v1\nmanifest 20262101000000\nentries 1\n\nindex 0\nentry AAAA\n\nx", false},
	    {"", false},
	};
	struct arena *arena = arena_new(1 << 20);
	struct bundle b;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		arena_reset(arena);
		cr_expect_eq(bundle_parse(span_str(rows[i].text), arena, &b), rows[i].good, "row %zu", i);
	}
	arena_free(arena);
}

Test(bundle, what_cannot_be_written)
{
	struct bundle_entry entries[2] = {{.index = 1, .entry = span_str("x")},
					  {.index = 1, .entry = span_str("y")}};
	struct bundle b = {.number = NUMBER, .entries = entries, .n = 2};
	static uint8_t long_entry[BUNDLE_ENTRY_MAX + 1];
	struct buffer to = BUFFER_EMPTY;

	cr_expect_not(bundle_put(&b, &to));
	entries[1].index = 2;
	cr_expect(bundle_put(&b, &to));
	entries[1].entry = span_of(long_entry, BUNDLE_ENTRY_MAX);
	cr_expect(bundle_put(&b, &to));
	entries[1].entry = span_of(long_entry, BUNDLE_ENTRY_MAX + 1);
	cr_expect_not(bundle_put(&b, &to));
	entries[1].entry = span_str("");
	cr_expect_not(bundle_put(&b, &to));
	b.n = 0;
	cr_expect_not(bundle_put(&b, &to));
	b = (struct bundle){.number = 0, .entries = entries, .n = 1};
	cr_expect_not(bundle_put(&b, &to));
	buffer_free(&to);
}

Test(bundle, memory_is_bounded)
{
	struct made m;
	struct buffer text = BUFFER_EMPTY;
	struct bundle b;

	make(&m);
	cr_assert(bundle_put(&m.bundle, &text));
	for (size_t limit = 64; limit < 4096; limit += 64) {
		struct arena *arena = arena_new(limit);
		if (bundle_parse(buffer_span(&text), arena, &b))
			cr_expect_eq(verify(&b), LOG_HOLDS);
		arena_free(arena);
	}
	buffer_free(&text);
	buffer_free(&m.checkpoint);
}

Test(bundle, receipts_stand_alone)
{
	struct made m;

	make(&m);
	for (size_t i = 0; i < m.bundle.n; i++) {
		struct buffer proof = BUFFER_EMPTY;
		struct receipt_facts facts;
		bundle_put_receipt(&m.bundle, i, &proof);
		cr_expect_eq(receipt_verify(buffer_span(&proof), m.entries[i].entry, span_str(ORIGIN),
					    &log_key, &facts),
			     LOG_HOLDS);
		cr_expect_eq(facts.index, chosen[i]);
		buffer_free(&proof);
	}
	buffer_free(&m.checkpoint);
}

Test(bundle, verdicts)
{
	struct made m;
	struct policy policy = {.witnesses = {{.key = witness}},
				.witnesses_n = 1,
				.members = {{.name = span_str("w"), .parent = POLICY_MEMBERS_MAX}},
				.members_n = 1};
	struct policy_facts facts;
	size_t entry = 99;

	make(&m);
	cr_expect_eq(bundle_verify(&m.bundle, &policy, &log_key, &facts, &entry), LOG_HOLDS);
	cr_expect(facts.quorum && policy_earliest(&policy, &facts) == 1000);

	/* an entry of another log, at its place in the file */
	m.entries[3].entry = span_str("forged");
	cr_expect_eq(bundle_verify(&m.bundle, &policy, &log_key, &facts, &entry), LOG_NOT_INCLUDED);
	cr_expect_eq(entry, 3u);
	m.entries[3].entry = span_str(words[chosen[3]]);
	m.entries[4].index = LEAVES;
	cr_expect_eq(bundle_verify(&m.bundle, &policy, &log_key, &facts, &entry), LOG_INDEX_OUTSIDE);
	m.entries[4].index = chosen[4];

	/* a witness that did not sign; an entry at fault is told first */
	policy.witnesses[0].key.id++;
	cr_expect_eq(bundle_verify(&m.bundle, &policy, &log_key, &facts, &entry), LOG_QUORUM_MISSING);
	m.entries[0].index = 1;
	cr_expect_eq(bundle_verify(&m.bundle, &policy, &log_key, &facts, &entry), LOG_NOT_INCLUDED);
	cr_expect_eq(entry, 0u);
	m.bundle.checkpoint = span_str("");
	cr_expect_eq(bundle_verify(&m.bundle, &policy, &log_key, &facts, &entry), LOG_NOTE_MALFORMED);
	buffer_free(&m.checkpoint);
}

/* ---- brackets and gaps ---- */

static void add_signer(struct event *e, uint8_t key, uint64_t number, const char *origin, uint64_t seen)
{
	struct signer *s = &e->signers[e->signers_n++];

	*s = (struct signer){.number = number};
	s->keyid.b[0] = key;
	s->seen = (struct checkpoint_ref){.origin = span_str(origin), .size = seen};
}

Test(bundle, brackets)
{
	struct event events[4] = {{.signers_n = 0}};
	const struct placed_event placed[] = {
	    {&events[0], 0, 100}, {&events[1], 5, 200}, {&events[2], 9, 300}, {&events[3], 12, 400}};
	struct bracket b;

	add_signer(&events[1], 1, 1, ORIGIN, 1);
	add_signer(&events[2], 1, 2, ORIGIN, 6);
	add_signer(&events[2], 2, 1, ORIGIN, 8);
	add_signer(&events[3], 1, 3, "dalian.example/log", 12);
	for (size_t i = 0; i < 4; i++)
		events[i].kind = EVENT_ISSUED;

	b = bundle_bracket(placed, 4, 0, span_str(ORIGIN), 0);
	cr_expect(b.after_size == 0 && b.after == 0 && b.accepted_at == 100 && b.before == 0);
	b = bundle_bracket(placed, 4, 1, span_str(ORIGIN), 7);
	cr_expect(b.after_size == 1 && b.after == 100 && b.accepted_at == 200 && b.before == 7000000);
	b = bundle_bracket(placed, 4, 2, span_str(ORIGIN), 7);
	cr_expect(b.after_size == 8 && b.after == 200);
	cr_expect(b.known_by == 0 && b.known_at == 0); /* the later one saw another log */
	b = bundle_bracket(placed, 4, 1, span_str(ORIGIN), 0);
	cr_expect(b.known_by == 9 && b.known_at == 300); /* at size 8 */
	events[2].kind = EVENT_FLAG_RAISED;
	b = bundle_bracket(placed, 4, 1, span_str(ORIGIN), 0);
	cr_expect_eq(b.known_by, 0u); /* the server says it of itself */
	events[2].kind = EVENT_ISSUED;
	b = bundle_bracket(placed, 4, 3, span_str(ORIGIN), UINT64_MAX);
	cr_expect(b.after_size == 0 && b.after == 0 && b.before == INT64_MAX);
	b = bundle_bracket(placed, 4, 3, span_str("dalian.example/log"), 7);
	cr_expect(b.after_size == 12 && b.after == 300);
}

Test(bundle, gaps_of_running_numbers)
{
	struct event events[3] = {{.signers_n = 0}};
	const struct placed_event placed[] = {
	    {&events[0], 0, 100}, {&events[1], 5, 200}, {&events[2], 9, 300}};
	struct digest keyid = {.b = {1}};
	struct number_gap gaps[1];

	cr_expect_eq(bundle_number_gaps(placed, 3, &keyid, gaps, 1), 0u);
	add_signer(&events[0], 1, 9, ORIGIN, 0);
	add_signer(&events[0], 2, 4, ORIGIN, 0);
	add_signer(&events[1], 1, 3, ORIGIN, 0);
	cr_expect_eq(bundle_number_gaps(placed, 3, &keyid, gaps, 1), 1u);
	cr_expect(gaps[0].first == 4 && gaps[0].last == 8);
	add_signer(&events[2], 1, 4, ORIGIN, 0);
	add_signer(&events[2], 1, 6, ORIGIN, 0);
	cr_expect_eq(bundle_number_gaps(placed, 3, &keyid, gaps, 1), 2u);
	cr_expect(gaps[0].first == 5 && gaps[0].last == 5);
	add_signer(&events[1], 1, UINT64_MAX, ORIGIN, 0);
	cr_expect_eq(bundle_number_gaps(placed, 3, &keyid, gaps, 1), 3u);
}
