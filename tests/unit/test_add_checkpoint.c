/* add_checkpoint: bodies, every outcome of a witness's judgement, and cosignatures put into a checkpoint. */
#include <criterion/criterion.h>

#include "core/add_checkpoint.h"
#include "core/policy.h"
#include "core/proof_plan.h"
#include "core/tree.h"

#define ORIGIN "shenyang.example/log"

enum { LEAVES = 70 };

static struct note_key log_key;
static struct secret_key log_secret;
static struct note_key other_key;
static struct secret_key other_secret;
static struct note_key witnesses[3];
static struct secret_key witness_secrets[3];
static struct witnessed_log known;
static struct digest leaves[LEAVES]; /* of the log */
static struct digest forked[LEAVES]; /* of another, from leaf 5 on */

static void make_key(const char *name, enum note_key_type type, uint8_t seed_byte, struct note_key *ret_key,
		     struct secret_key *ret_secret)
{
	uint8_t seed[SEED_SIZE] = {seed_byte};
	struct public_key public;

	key_from_seed(seed, ret_secret, &public);
	cr_assert(note_key_make(span_str(name), type, &public, ret_key));
}

static void start(void)
{
	static const char *const names[] = {"w/a", "w/b", "w/c"};

	cr_assert(crypto_start());
	make_key(ORIGIN, NOTE_ED25519, 1, &log_key, &log_secret);
	make_key(ORIGIN, NOTE_ED25519, 2, &other_key, &other_secret);
	for (size_t i = 0; i < ARRAY_LEN(witnesses); i++)
		make_key(names[i], NOTE_COSIGNATURE, (uint8_t)(10 + i), &witnesses[i], &witness_secrets[i]);
	known = (struct witnessed_log){.origin = span_str(ORIGIN), .keys = {log_key}, .keys_n = 1};
	for (uint64_t i = 0; i < LEAVES; i++) {
		uint64_t fork = i < 5 ? i : i + 1000;
		leaves[i] = merkle_leaf(span_of(&i, sizeof(i)));
		forked[i] = merkle_leaf(span_of(&fork, sizeof(fork)));
	}
}

TestSuite(add_checkpoint, .init = start);

static struct checkpoint at(const struct digest *of, uint64_t size)
{
	return (struct checkpoint){.origin = span_str(ORIGIN), .size = size, .root = merkle_root(of, size)};
}

/* The consistency proof, from the leaves themselves: all of them are one tile. */
static size_t prove(const struct digest *of, uint64_t m, uint64_t n, struct digest *ret_proof)
{
	struct proof_plan plan;
	struct digest nodes[TILE_NODES];
	const struct digest *tiles[PROOF_TILES_MAX];

	if (m == 0 || m > n)
		return 0;
	cr_assert(plan_consistency(m, n, &plan));
	memcpy(nodes, of, n * sizeof(*of));
	tile_hash_nodes(nodes, (unsigned)n);
	for (size_t i = 0; i < plan.tiles_n; i++)
		tiles[i] = nodes;
	cr_assert_leq(plan.tiles_n, 1u);
	plan_build(&plan, tiles, ret_proof);
	return plan.steps_n;
}

struct request {
	struct buffer body;
	struct add_checkpoint parsed;
};

static void request_make(struct request *r, uint64_t old, const struct digest *of, uint64_t size)
{
	struct checkpoint c = at(of, size);
	struct digest proof[MERKLE_PROOF_MAX];
	struct buffer note = BUFFER_EMPTY;
	size_t n = prove(of, old, size, proof);

	*r = (struct request){.body = BUFFER_EMPTY};
	checkpoint_sign(&note, &c, &log_key, &log_secret);
	add_checkpoint_put(&r->body, old, proof, n, buffer_span(&note));
	cr_assert(add_checkpoint_parse(buffer_span(&r->body), &r->parsed));
	cr_assert(r->parsed.old == old && r->parsed.proof_n == n && span_eq_str(r->parsed.origin, ORIGIN) &&
		  span_eq(r->parsed.note, buffer_span(&note)));
	buffer_free(&note);
}

static enum add_outcome judge(const struct request *r, const struct checkpoint *last)
{
	struct checkpoint next = {.size = 12345};
	struct span text = span_str("untouched");
	enum add_outcome outcome = add_checkpoint_judge(&r->parsed, &known, last, &next, &text);

	if (outcome == ADD_COSIGN)
		cr_expect(next.size >= last->size && text.n > 0 && text.p[text.n - 1] == '\n');
	else
		cr_expect(next.size == 12345 && span_eq_str(text, "untouched"));
	return outcome;
}

/* ---- judging ---- */

Test(add_checkpoint, outcomes)
{
	static const struct {
		uint64_t last; /* cosigned before; 0: none */
		uint64_t old;
		uint64_t size;
		bool fork; /* the checkpoint is of the other history */
		enum add_outcome want;
	} rows[] = {
	    {0, 0, 0, false, ADD_COSIGN},
	    {0, 0, 1, false, ADD_COSIGN},
	    {0, 0, 70, false, ADD_COSIGN},
	    {0, 0, 70, true, ADD_COSIGN}, /* a first checkpoint is believed: nothing speaks against it */
	    {0, 3, 7, false, ADD_NOT_LAST},
	    {7, 0, 7, false, ADD_NOT_LAST},
	    {7, 0, 9, false, ADD_NOT_LAST},
	    {7, 3, 9, false, ADD_NOT_LAST},
	    {7, 8, 9, false, ADD_NOT_LAST},
	    {7, 7, 7, false, ADD_COSIGN},
	    {7, 7, 7, true, ADD_OTHER_ROOT},
	    {7, 7, 8, false, ADD_COSIGN},
	    {7, 7, 70, false, ADD_COSIGN},
	    {8, 8, 64, false, ADD_COSIGN},
	    {7, 7, 9, true, ADD_OTHER_HISTORY},
	    {4, 4, 9, true, ADD_COSIGN}, /* both histories begin with the same five */
	    {7, 7, 6, false, ADD_OLD_ABOVE_SIZE},
	    {7, 7, 0, false, ADD_OLD_ABOVE_SIZE},
	    {7, 9, 8, false, ADD_OLD_ABOVE_SIZE}, /* told before the conflict */
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct checkpoint last = at(leaves, rows[i].last);
		struct request r;
		request_make(&r, rows[i].old, rows[i].fork ? forked : leaves, rows[i].size);
		cr_expect_eq(judge(&r, &last), rows[i].want, "row %zu", i);
		buffer_free(&r.body);
	}
}

Test(add_checkpoint, all_pairs_of_sizes)
{
	for (uint64_t m = 0; m <= 20; m++)
		for (uint64_t n = m; n <= 20; n++) {
			struct checkpoint last = at(leaves, m);
			struct request r;
			request_make(&r, m, leaves, n);
			cr_expect_eq(judge(&r, &last), ADD_COSIGN, "%d %d", (int)m, (int)n);
			/* any hash spoiled, dropped or added */
			for (size_t k = 0; k < r.parsed.proof_n; k++) {
				struct request bad = r;
				bad.parsed.proof[k].b[7] ^= 1;
				cr_expect_eq(judge(&bad, &last), ADD_NOT_CONSISTENT);
			}
			struct request more = r;
			more.parsed.proof[more.parsed.proof_n++] = leaves[0];
			cr_expect_eq(judge(&more, &last), ADD_NOT_CONSISTENT);
			if (r.parsed.proof_n > 0) {
				struct request less = r;
				less.parsed.proof_n--;
				cr_expect_eq(judge(&less, &last), ADD_NOT_CONSISTENT);
			}
			buffer_free(&r.body);
		}
}

static enum add_outcome judge_note(const char *origin_of_log, struct span note)
{
	struct witnessed_log log = known;
	struct checkpoint none = {.size = 0};
	struct request r = {.body = BUFFER_EMPTY};
	enum add_outcome outcome = ADD_MALFORMED;

	log.origin = span_str(origin_of_log);
	add_checkpoint_put(&r.body, 0, NULL, 0, note);
	struct checkpoint next;
	struct span text;
	if (add_checkpoint_parse(buffer_span(&r.body), &r.parsed))
		outcome = add_checkpoint_judge(&r.parsed, &log, &none, &next, &text);
	buffer_free(&r.body);
	return outcome;
}

/* The note of `text` signed by the log's key, or by another of the same name. */
static enum add_outcome judge_text(const char *text, bool good)
{
	struct buffer note = BUFFER_EMPTY;

	buffer_put_str(&note, text);
	buffer_put_u8(&note, '\n');
	note_put_signature(&note, good ? &log_key : &other_key, good ? &log_secret : &other_secret, 0,
			   span_str(text));
	enum add_outcome outcome = judge_note(ORIGIN, buffer_span(&note));
	buffer_free(&note);
	return outcome;
}

#define ROOT "rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=\n"

Test(add_checkpoint, notes)
{
	static const struct {
		const char *text;
		bool good;
		enum add_outcome want;
	} rows[] = {
	    {ORIGIN "\n7\n" ROOT, true, ADD_COSIGN},
	    {ORIGIN "\n7\n" ROOT "an extension\nanother\n", true, ADD_COSIGN},
	    {ORIGIN "\n7\n" ROOT "a\n\nb\n", true, ADD_MALFORMED},
	    {ORIGIN "\n7\n" ROOT, false, ADD_NOT_SIGNED},
	    {ORIGIN "\n07\n" ROOT, true, ADD_MALFORMED},
	    {ORIGIN "\n7\n", true, ADD_MALFORMED},
	    {ORIGIN "\n0\n" ROOT, true, ADD_OTHER_ROOT}, /* the root of nothing is fixed */
	    {ORIGIN " \n7\n" ROOT, true, ADD_UNKNOWN_ORIGIN},
	    {"dalian.example/log\n7\n" ROOT, true, ADD_UNKNOWN_ORIGIN},
	    {"\n7\n" ROOT, true, ADD_MALFORMED},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		cr_expect_eq(judge_text(rows[i].text, rows[i].good), rows[i].want, "row %zu", i);
	cr_expect_eq(judge_note(ORIGIN, span_str(ORIGIN "\n7\n" ROOT)), ADD_MALFORMED);
	cr_expect_eq(judge_note(ORIGIN, span_str("")), ADD_MALFORMED);
	cr_expect_eq(judge_note(ORIGIN, span_str(ORIGIN "\n7\n" ROOT "\n\xe2\x80\x94 x !\n")), ADD_MALFORMED);
}

Test(add_checkpoint, an_unknown_log_and_the_second_of_two_keys)
{
	struct checkpoint none = {.size = 0};
	struct checkpoint next;
	struct span text;
	struct request r;

	request_make(&r, 0, leaves, 7);
	cr_expect_eq(add_checkpoint_judge(&r.parsed, NULL, &none, &next, &text), ADD_UNKNOWN_ORIGIN);
	struct witnessed_log two = {.origin = known.origin, .keys = {other_key, log_key}, .keys_n = 2};
	cr_expect_eq(add_checkpoint_judge(&r.parsed, &two, &none, &next, &text), ADD_COSIGN);
	struct witnessed_log elsewhere = {.origin = known.origin, .keys = {other_key}, .keys_n = 1};
	cr_expect_eq(add_checkpoint_judge(&r.parsed, &elsewhere, &none, &next, &text), ADD_NOT_SIGNED);
	buffer_free(&r.body);
}

Test(add_checkpoint, what_is_answered)
{
	static const int status[ADD_OUTCOMES] = {200, 400, 400, 403, 404, 409, 422, 422, 422};
	struct buffer b = BUFFER_EMPTY;
	uint64_t size = 0;

	for (size_t i = 0; i < ADD_OUTCOMES; i++) {
		cr_expect_eq(add_outcomes[i].status, status[i]);
		cr_expect_eq(add_outcomes[i].body == NULL, i == ADD_COSIGN || i == ADD_NOT_LAST);
	}
	cr_expect_str_eq(add_outcomes[ADD_NOT_LAST].type, "text/x.tlog.size");
	add_checkpoint_put_size(&b, 20852014);
	cr_expect(span_eq_str(buffer_span(&b), "20852014\n"));
	cr_expect(add_checkpoint_parse_size(buffer_span(&b), &size) && size == 20852014);
	static const char *const bad[] = {"",      "\n",   "7",    "07\n",
					  "7\n\n", "7 \n", "-1\n", "18446744073709551616\n"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		cr_expect_not(add_checkpoint_parse_size(span_str(bad[i]), &size), "%s", bad[i]);
	buffer_free(&b);
}

/* ---- bodies ---- */

Test(add_checkpoint, bodies)
{
	static const struct {
		const char *body;
		bool good;
	} rows[] = {
	    {"old 0\n\no\n7\n", true},
	    {"old 18446744073709551615\n\no\n", true},
	    {"old 5\n" ROOT ROOT "\no\n", true},
	    {"", false},
	    {"old 0", false},
	    {"old 0\n", false},
	    {"old 0\n\n", false},
	    {"old 0\n\n\n", false},
	    {"old 0\n\no", false},
	    {"old 0\n\n\to\n", false},
	    {"old\n\no\n", false},
	    {"old \n\no\n", false},
	    {"old  0\n\no\n", false},
	    {"old 00\n\no\n", false},
	    {"old -1\n\no\n", false},
	    {"old 18446744073709551616\n\no\n", false},
	    {"old 0 \n\no\n", false},
	    {"Old 0\n\no\n", false},
	    {"size 0\n\no\n", false},
	    {"old 0\r\n\r\no\r\n", false},
	    {"old 5\n" ROOT "o\n", false},
	    {"old 5\nAAAA\n\no\n", false},
	    {"old 5\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383ct=\n\no\n", false},
	    {"old 5\n " ROOT "\no\n", false},
	};
	struct add_checkpoint r;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		cr_expect_eq(add_checkpoint_parse(span_str(rows[i].body), &r), rows[i].good, "row %zu", i);
}

Test(add_checkpoint, limits_of_a_body)
{
	struct digest proof[ADD_CHECKPOINT_PROOF_MAX + 1] = {0};
	struct add_checkpoint r;
	struct buffer b = BUFFER_EMPTY;

	add_checkpoint_put(&b, 1, proof, ADD_CHECKPOINT_PROOF_MAX, span_str("o\n"));
	cr_expect(add_checkpoint_parse(buffer_span(&b), &r) && r.proof_n == 63);
	buffer_clear(&b);
	add_checkpoint_put(&b, 1, proof, ADD_CHECKPOINT_PROOF_MAX + 1, span_str("o\n"));
	cr_expect_not(add_checkpoint_parse(buffer_span(&b), &r));
	buffer_clear(&b);
	add_checkpoint_put(&b, 1, proof, 0, span_str("o\n"));
	while (b.n < ADD_CHECKPOINT_SIZE_MAX)
		buffer_put_u8(&b, '\n');
	cr_expect(add_checkpoint_parse(buffer_span(&b), &r));
	buffer_put_u8(&b, '\n');
	cr_expect_not(add_checkpoint_parse(buffer_span(&b), &r));
	buffer_free(&b);
}

/* ---- cosignatures ---- */

static void put_line(struct buffer *to, size_t witness, uint64_t time, struct span text)
{
	note_put_signature(to, &witnesses[witness], &witness_secrets[witness], time, text);
}

static struct note_signatures cosigned_by(struct span note)
{
	struct note_key keys[] = {log_key, witnesses[0], witnesses[1], witnesses[2]};
	struct note_signatures by;
	struct span text;

	cr_assert_eq(note_open(note, keys, ARRAY_LEN(keys), &text, &by), LOG_HOLDS);
	return by;
}

Test(add_checkpoint, cosignatures_are_merged)
{
	struct checkpoint c = at(leaves, 7);
	struct buffer note = BUFFER_EMPTY;
	struct buffer answer = BUFFER_EMPTY;
	struct buffer one = BUFFER_EMPTY;
	struct buffer two = BUFFER_EMPTY;
	struct span text;
	struct span lines;
	size_t fresh = 99;

	checkpoint_sign(&note, &c, &log_key, &log_secret);
	cr_assert(note_split(buffer_span(&note), &text, &lines));

	/* b answers, and so does someone who is not known */
	put_line(&answer, 1, 50, text);
	note_put_signature(&answer, &other_key, &other_secret, 0, text);
	cr_assert_eq(cosignatures_merge(buffer_span(&note), buffer_span(&answer), witnesses, 3, &one, &fresh),
		     LOG_HOLDS);
	cr_expect_eq(fresh, 1u);
	struct note_signatures by = cosigned_by(buffer_span(&one));
	cr_expect(by.n == 2 && by.good[0].key == 0 && by.good[1].key == 2 && by.good[1].time == 50);

	/* then a, and b again, earlier and later: the latest stays, in the order of the keys */
	buffer_clear(&answer);
	put_line(&answer, 1, 40, text);
	put_line(&answer, 0, 60, text);
	put_line(&answer, 1, 70, text);
	cr_assert_eq(cosignatures_merge(buffer_span(&one), buffer_span(&answer), witnesses, 3, &two, &fresh),
		     LOG_HOLDS);
	cr_expect_eq(fresh, 2u);
	by = cosigned_by(buffer_span(&two));
	cr_expect(by.n == 3 && by.good[1].key == 1 && by.good[1].time == 60 && by.good[2].key == 2 &&
		  by.good[2].time == 70);

	/* an old answer changes nothing, nor does an empty one */
	buffer_clear(&answer);
	put_line(&answer, 1, 70, text);
	buffer_clear(&one);
	cr_assert_eq(cosignatures_merge(buffer_span(&two), buffer_span(&answer), witnesses, 3, &one, &fresh),
		     LOG_HOLDS);
	cr_expect(fresh == 0 && span_eq(buffer_span(&one), buffer_span(&two)));
	buffer_clear(&one);
	cr_assert_eq(cosignatures_merge(buffer_span(&two), span_str(""), witnesses, 3, &one, &fresh),
		     LOG_HOLDS);
	cr_expect(fresh == 0 && span_eq(buffer_span(&one), buffer_span(&two)));
	buffer_free(&note);
	buffer_free(&answer);
	buffer_free(&one);
	buffer_free(&two);
}

Test(add_checkpoint, bad_answers)
{
	struct checkpoint c = at(leaves, 7);
	struct buffer note = BUFFER_EMPTY;
	struct buffer answer = BUFFER_EMPTY;
	struct buffer merged = BUFFER_EMPTY;
	struct span text;
	struct span lines;
	size_t fresh = 99;

	checkpoint_sign(&note, &c, &log_key, &log_secret);
	cr_assert(note_split(buffer_span(&note), &text, &lines));
	/* a cosignature of another checkpoint */
	put_line(&answer, 0, 50, span_str(ORIGIN "\n8\n" ROOT));
	cr_expect_eq(
	    cosignatures_merge(buffer_span(&note), buffer_span(&answer), witnesses, 3, &merged, &fresh),
	    LOG_SIGNATURE_BAD);
	static const char *const bad[] = {
	    "x", "x\n", "\n", "\xe2\x80\x94 w/a AAAA", "\xe2\x80\x94 w/a AAAA=\n", "<html>\n"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		cr_expect_eq(
		    cosignatures_merge(buffer_span(&note), span_str(bad[i]), witnesses, 3, &merged, &fresh),
		    LOG_NOTE_MALFORMED, "row %zu", i);
	buffer_clear(&answer);
	for (size_t i = 0; i <= NOTE_LINES_MAX; i++)
		put_line(&answer, 0, i, text);
	cr_expect_eq(
	    cosignatures_merge(buffer_span(&note), buffer_span(&answer), witnesses, 3, &merged, &fresh),
	    LOG_NOTE_MALFORMED);
	cr_expect_eq(cosignatures_merge(span_str("x\n"), span_str(""), witnesses, 3, &merged, &fresh),
		     LOG_NOTE_MALFORMED);
	cr_expect(merged.n == 0 && fresh == 99);
	buffer_free(&note);
	buffer_free(&answer);
	buffer_free(&merged);
}
