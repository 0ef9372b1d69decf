/*
 * note, checkpoint: notes written by others (golang.org/x/mod, PyNaCl) and every way of spoiling one.
 */
#include <criterion/criterion.h>

#include <stdio.h>

#include "base/text.h"
#include "core/checkpoint.h"

#define DASH "\xe2\x80\x94 "

/* From the examples of golang.org/x/mod/sumdb/note. */
#define NEUMANN "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
#define NEUMANN_TEXT                                                                                         \
	"If you think cryptography is the answer to your problem,\n"                                         \
	"then you don't know what your problem is.\n"
#define NEUMANN_LINE                                                                                         \
	DASH                                                                                                 \
	    "PeterNeumann "                                                                                  \
	    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
#define ROOT_LINE                                                                                            \
	DASH                                                                                                 \
	    "EnochRoot "                                                                                     \
	    "rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"

/* By PyNaCl, from the seed 00 01 .. 1f. */
#define LOG     "shenyang.example/log+0fcd7b31+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
#define WITNESS "witness.example/沈阳+eb271258+BAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
#define TEXT    "shenyang.example/log\n7\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=\n"
#define LOG_LINE                                                                                             \
	DASH                                                                                                 \
	    "shenyang.example/log "                                                                          \
	    "D817Mf/9ePwKOdxG7FfExe092hrMQT3EgnXw6Cw3Wteu8H24CPCIKurrpxkyVSuu3G/gqG04mtHMB9C5xFbe1xSDyw8=\n"
#define WITNESS_LINE                                                                                         \
	DASH "witness.example/沈阳 "                                                                       \
	     "6ycSWAAAAABpJIEA9o+4i2087ApWa6bH3kCBld4eTqq8yYyBizG/s0+m/B/"                                   \
	     "MKAtt9bxuhBlCuyPoVnO2V4QXYNUyRvUKDh+"                                                          \
	     "hkJ5kBw==\n"
#define WITNESS_TIME 1764000000U

static struct note_key known[3];
enum { KNOWN_NEUMANN, KNOWN_LOG, KNOWN_WITNESS };

static void start(void)
{
	static const char *const vkeys[] = {NEUMANN, LOG, WITNESS};

	cr_assert(crypto_start());
	for (size_t i = 0; i < ARRAY_LEN(vkeys); i++)
		cr_assert(note_key_parse(span_str(vkeys[i]), &known[i]), "%s", vkeys[i]);
}

TestSuite(note, .init = start);
TestSuite(checkpoint, .init = start);

static struct secret_key test_secret(void)
{
	uint8_t seed[SEED_SIZE];
	struct secret_key secret;
	struct public_key public;

	for (size_t i = 0; i < sizeof(seed); i++)
		seed[i] = (uint8_t)i;
	key_from_seed(seed, &secret, &public);
	return secret;
}

static enum log_failure open_note(const char *note)
{
	struct span text;

	return note_open(span_str(note), known, ARRAY_LEN(known), &text, NULL);
}

/* ---- keys ---- */

Test(note, keys_are_written_as_they_were_read)
{
	static const char *const vkeys[] = {
	    NEUMANN, LOG, WITNESS,
	    "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"};

	for (size_t i = 0; i < ARRAY_LEN(vkeys); i++) {
		struct note_key key;
		struct buffer b = BUFFER_EMPTY;
		cr_assert(note_key_parse(span_str(vkeys[i]), &key));
		note_key_put(&b, &key);
		cr_expect(span_eq_str(buffer_span(&b), vkeys[i]));
		buffer_free(&b);
	}
}

Test(note, bad_keys_are_refused)
{
	static const char *const bad[] = {
	    "",
	    "+",
	    "++",
	    "PeterNeumann",
	    "PeterNeumann+c74f20a3",
	    "PeterNeumann+c74f20a3+",
	    "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
	    "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", /* another id */
	    "PeterNeumanm+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", /* another name */
	    "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
	    "PeterNeumann+c74f20a3+BBpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", /* another type */
	    "PeterNeumann+c74f20a3+Ahpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", /* unknown type */
	    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T=",
	    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy",
	    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWAAAA",
	    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\n",
	    " PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
	    "PeterNeumann+c74f20a+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
	    "PeterNeumann+00c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
	};
	struct note_key key;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		cr_expect_not(note_key_parse(span_str(bad[i]), &key), "%s", bad[i]);
}

Test(note, names)
{
	static const struct {
		const char *name;
		bool valid;
	} rows[] = {
	    {"a", true},
	    {"shenyang.example/log", true},
	    {"沈阳", true},
	    {"", false},
	    {"a b", false},
	    {" a", false},
	    {"a+b", false},
	    {"a\nb", false},
	    {"a\tb", false},
	    {"a\xc2\xa0", false},
	    {"a\xc2\x85", false},
	    {"a\xe3\x80\x80z", false},
	    {"\xe2\x80\x89", false},
	    {"\xff", false},
	    {"a\x7f", false},
	    {"\xe2\x80\x94", true},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		cr_expect_eq(note_name_is_valid(span_str(rows[i].name)), rows[i].valid, "row %zu", i);
}

/* ---- good notes ---- */

Test(note, notes_of_others)
{
	static const struct {
		const char *note;
		const char *text;
		size_t key;
	} rows[] = {
	    {NEUMANN_TEXT "\n" NEUMANN_LINE, NEUMANN_TEXT, KNOWN_NEUMANN},
	    {NEUMANN_TEXT "\n" NEUMANN_LINE ROOT_LINE, NEUMANN_TEXT, KNOWN_NEUMANN},
	    {NEUMANN_TEXT "\n" ROOT_LINE NEUMANN_LINE, NEUMANN_TEXT, KNOWN_NEUMANN},
	    {NEUMANN_TEXT "\n" NEUMANN_LINE NEUMANN_LINE, NEUMANN_TEXT, KNOWN_NEUMANN},
	    {TEXT "\n" LOG_LINE, TEXT, KNOWN_LOG},
	    {TEXT "\n" WITNESS_LINE, TEXT, KNOWN_WITNESS},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct span text;
		struct note_signatures by;
		cr_assert_eq(note_open(span_str(rows[i].note), known, ARRAY_LEN(known), &text, &by),
			     LOG_HOLDS, "row %zu", i);
		cr_expect(span_eq_str(text, rows[i].text));
		cr_expect_eq(by.n, 1u);
		cr_expect_eq(by.good[0].key, rows[i].key);
		cr_expect_eq(by.good[0].time, rows[i].key == KNOWN_WITNESS ? WITNESS_TIME : 0);
	}
}

Test(note, all_good_keys_are_counted)
{
	struct span text;
	struct note_signatures by;

	cr_assert_eq(note_open(span_str(TEXT "\n" LOG_LINE WITNESS_LINE WITNESS_LINE), known,
			       ARRAY_LEN(known), &text, &by),
		     LOG_HOLDS);
	cr_expect_eq(by.n, 2u);
	cr_expect_eq(by.good[0].key, (size_t)KNOWN_LOG);
	cr_expect_eq(by.good[1].key, (size_t)KNOWN_WITNESS);
	cr_expect_eq(by.good[1].time, WITNESS_TIME);
}

Test(note, signing_gives_the_bytes_of_others)
{
	struct secret_key secret = test_secret();
	struct buffer b = BUFFER_EMPTY;

	note_put_signature(&b, &known[KNOWN_LOG], &secret, 0, span_str(TEXT));
	cr_expect(span_eq_str(buffer_span(&b), LOG_LINE));
	buffer_clear(&b);
	note_put_signature(&b, &known[KNOWN_WITNESS], &secret, WITNESS_TIME, span_str(TEXT));
	cr_expect(span_eq_str(buffer_span(&b), WITNESS_LINE));
	buffer_free(&b);
}

Test(note, the_text_ends_at_the_last_empty_line)
{
	static const char *const texts[] = {"\n", "a\n\nb\n", "a\n\n" DASH "shenyang.example/log AAAAAAAA\n",
					    "\n\n\n"};
	struct secret_key secret = test_secret();

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct buffer b = BUFFER_EMPTY;
		struct span text;
		buffer_put_str(&b, texts[i]);
		buffer_put_u8(&b, '\n');
		note_put_signature(&b, &known[KNOWN_LOG], &secret, 0, span_str(texts[i]));
		cr_assert_eq(note_open(buffer_span(&b), known, ARRAY_LEN(known), &text, NULL), LOG_HOLDS,
			     "text %zu", i);
		cr_expect(span_eq_str(text, texts[i]));
		buffer_free(&b);
	}
}

/* Post-quantum signatures of other signers: lines of 5 kB, and many of them. */
static void put_strangers(struct buffer *b, size_t lines, size_t bytes)
{
	static uint8_t zeros[8192];

	for (size_t i = 0; i < lines; i++) {
		buffer_printf(b, DASH "stranger%zu.example ", i);
		buffer_put_base64(b, span_of(zeros, bytes));
		buffer_put_u8(b, '\n');
	}
}

Test(note, room_for_strangers)
{
	static const struct {
		size_t lines, bytes;
		enum log_failure failure;
	} rows[] = {
	    {16, 5000, LOG_HOLDS},
	    {NOTE_LINES_MAX - 1, 5000, LOG_HOLDS},
	    {NOTE_LINES_MAX, 5000, LOG_NOTE_MALFORMED},
	    {1, 5, LOG_HOLDS},
	    {1, 4, LOG_NOTE_MALFORMED},
	    {1, 0, LOG_NOTE_MALFORMED},
	    {1, 6200, LOG_NOTE_MALFORMED},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buffer b = BUFFER_EMPTY;
		struct span text;
		buffer_put_str(&b, NEUMANN_TEXT "\n");
		put_strangers(&b, rows[i].lines, rows[i].bytes);
		buffer_put_str(&b, NEUMANN_LINE);
		cr_assert(buffer_ok(&b));
		cr_expect_eq(note_open(buffer_span(&b), known, ARRAY_LEN(known), &text, NULL),
			     rows[i].failure, "row %zu", i);
		buffer_free(&b);
	}
}

/* ---- bad notes ---- */

#define SPOILT "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAI="

static const struct {
	const char *note;
	enum log_failure failure;
} bad_notes[] = {
    {"", LOG_NOTE_MALFORMED},
    {"\n", LOG_NOTE_MALFORMED},
    {"\n\n", LOG_NOTE_MALFORMED},
    {"\n\n\n", LOG_NOTE_MALFORMED},
    {NEUMANN_TEXT, LOG_NOTE_MALFORMED},
    {NEUMANN_TEXT "\n", LOG_NOTE_MALFORMED},
    {NEUMANN_TEXT NEUMANN_LINE, LOG_NOTE_MALFORMED},           /* no empty line */
    {"\n" NEUMANN_LINE, LOG_NOTE_MALFORMED},                   /* no text */
    {NEUMANN_TEXT "\n" NEUMANN_LINE "\n", LOG_NOTE_MALFORMED}, /* something after it */
    {NEUMANN_TEXT "\n" NEUMANN_LINE "x", LOG_NOTE_MALFORMED},
    {NEUMANN_TEXT "\n" NEUMANN_LINE "x\n", LOG_NOTE_MALFORMED},
    {NEUMANN_TEXT "\n\n" NEUMANN_LINE, LOG_SIGNATURE_BAD}, /* the text has one more line */
    {NEUMANN_TEXT "\n" ROOT_LINE, LOG_KEY_MISSING},
    {"x" NEUMANN_TEXT "\n" NEUMANN_LINE, LOG_SIGNATURE_BAD},
    {NEUMANN_TEXT "\n" LOG_LINE, LOG_SIGNATURE_BAD},
    {NEUMANN_TEXT "\n" NEUMANN_LINE LOG_LINE, LOG_SIGNATURE_BAD}, /* one good line does not save it */
    {NEUMANN_TEXT "\n" LOG_LINE NEUMANN_LINE, LOG_SIGNATURE_BAD},
    {NEUMANN_TEXT "\n" DASH "PeterNeumann " SPOILT "\n", LOG_SIGNATURE_BAD},
    {NEUMANN_TEXT "\n" NEUMANN_LINE DASH "PeterNeumann " SPOILT "\n", LOG_SIGNATURE_BAD},
    {NEUMANN_TEXT "\n" DASH "PeterNeumann x08gowA=\n", LOG_SIGNATURE_BAD},  /* too short for Ed25519 */
    {NEUMANN_TEXT "\n" DASH "PeterNeumann x08gow==\n", LOG_NOTE_MALFORMED}, /* an id and nothing */
    {NEUMANN_TEXT "\n" DASH "PeterNeumann \n", LOG_NOTE_MALFORMED},
    {NEUMANN_TEXT "\n" DASH "PeterNeumann\n", LOG_NOTE_MALFORMED},
    {NEUMANN_TEXT "\n" DASH "\n", LOG_NOTE_MALFORMED},
    {NEUMANN_TEXT "\n" DASH " x08gowA=\n", LOG_NOTE_MALFORMED},
    {NEUMANN_TEXT "\n" DASH "Peter+Neumann x08gowA=\n", LOG_NOTE_MALFORMED},
    {NEUMANN_TEXT "\n" DASH "a b x08gowA=\n" NEUMANN_LINE, LOG_NOTE_MALFORMED},
    {NEUMANN_TEXT "\n" DASH "a x08gowB=\n" NEUMANN_LINE, LOG_NOTE_MALFORMED}, /* not canonical */
    {NEUMANN_TEXT "\n" DASH "a x08gowA\n" NEUMANN_LINE, LOG_NOTE_MALFORMED},  /* no padding */
    {NEUMANN_TEXT "\n" DASH "a x08g-wA=\n" NEUMANN_LINE, LOG_NOTE_MALFORMED}, /* another alphabet */
    {NEUMANN_TEXT "\n" DASH "a  x08gowA=\n" NEUMANN_LINE, LOG_NOTE_MALFORMED},
    {NEUMANN_TEXT "\n" DASH "a x08gowA= \n" NEUMANN_LINE, LOG_NOTE_MALFORMED},
    {NEUMANN_TEXT "\n- a x08gowA=\n" NEUMANN_LINE, LOG_NOTE_MALFORMED},
    {NEUMANN_TEXT "\n\xe2\x80\x93 a x08gowA=\n" NEUMANN_LINE, LOG_NOTE_MALFORMED},
    {NEUMANN_TEXT "\n" DASH "a x08gowA=\r\n" NEUMANN_LINE, LOG_NOTE_MALFORMED},
    {"a\r\n\n" NEUMANN_LINE, LOG_NOTE_MALFORMED},
    {"a\tb\n\n" NEUMANN_LINE, LOG_NOTE_MALFORMED},
    {"a\x7f\n\n" NEUMANN_LINE, LOG_NOTE_MALFORMED},
    {"a\xff\n\n" NEUMANN_LINE, LOG_NOTE_MALFORMED},
    {"a\xc0\xaf\n\n" NEUMANN_LINE, LOG_NOTE_MALFORMED},
    {"x" TEXT "\n" WITNESS_LINE, LOG_SIGNATURE_BAD},
};

Test(note, bad_notes_are_refused_for_the_right_reason)
{
	for (size_t i = 0; i < ARRAY_LEN(bad_notes); i++)
		cr_expect_eq(open_note(bad_notes[i].note), bad_notes[i].failure, "row %zu", i);
	cr_expect_eq(note_open(span_of("a\0\n\n" NEUMANN_LINE, 4 + strlen(NEUMANN_LINE)), known, 3,
			       &(struct span){0}, NULL),
		     LOG_NOTE_MALFORMED);
	cr_expect_eq(note_open(span_str(TEXT "\n" LOG_LINE), known, 0, &(struct span){0}, NULL),
		     LOG_KEY_MISSING);
}

/* No single flipped bit leaves a note good, but where it turns a line into a stranger's. */
Test(note, every_flipped_bit_is_noticed)
{
	const char *good = TEXT "\n" LOG_LINE WITNESS_LINE;
	size_t n = strlen(good);
	char note[1024];

	cr_assert_lt(n, sizeof(note));
	for (size_t bit = 0; bit < 8 * n; bit++) {
		struct span text;
		struct note_signatures by;
		memcpy(note, good, n);
		note[bit / 8] = (char)(note[bit / 8] ^ 1 << (bit % 8));
		enum log_failure f = note_open(span_of(note, n), known, ARRAY_LEN(known), &text, &by);
		cr_assert(f != LOG_HOLDS || (bit / 8 > strlen(TEXT) && by.n == 1 && span_eq_str(text, TEXT)),
			  "bit %zu", bit);
	}
	for (size_t k = 0; k < n; k++) {
		struct span text;
		enum log_failure f = note_open(span_of(good, k), known, ARRAY_LEN(known), &text, NULL);
		bool first_line = k == strlen(TEXT "\n" LOG_LINE);
		cr_assert_eq(f == LOG_HOLDS, first_line, "cut at %zu", k);
	}
}

/* ---- checkpoints ---- */

Test(checkpoint, text_both_ways)
{
	static const uint64_t sizes[] = {0, 1, 7, 10, 4294967296, UINT64_MAX};

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct buffer b = BUFFER_EMPTY;
		struct checkpoint c = {.origin = span_str("shenyang.example/log"), .size = sizes[i]};
		struct checkpoint d;
		c.root = digest_of(span_of(&i, sizeof(i)));
		checkpoint_put_text(&b, &c);
		cr_assert(checkpoint_parse_text(buffer_span(&b), &d));
		cr_expect(span_eq(c.origin, d.origin) && c.size == d.size && digest_eq(&c.root, &d.root));
		buffer_free(&b);
	}
}

#define ROOT64 "rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs="

Test(checkpoint, bad_texts_are_refused)
{
	static const char *const bad[] = {
	    "",
	    "\n",
	    "\n\n\n",
	    "\n7\n" ROOT64 "\n",
	    "o\n7\n",
	    "o\n7\n" ROOT64,
	    "o\n7\n" ROOT64 "\n\n",
	    "o\n7\n" ROOT64 "\nextension\n",
	    "o\n7\n" ROOT64 "\nx",
	    "o\n\n" ROOT64 "\n",
	    "o\n07\n" ROOT64 "\n",
	    "o\n+7\n" ROOT64 "\n",
	    "o\n-7\n" ROOT64 "\n",
	    "o\n7 \n" ROOT64 "\n",
	    "o\n0x7\n" ROOT64 "\n",
	    "o\n18446744073709551616\n" ROOT64 "\n",
	    "o\n7\n\n",
	    "o\n7\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383ct=\n",
	    "o\n7\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs\n",
	    "o\n7\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383Q==\n",
	    "o\n7\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383csA\n",
	    "o\r\n7\n" ROOT64 "\n",
	    "o\n7\r\n" ROOT64 "\n",
	    "o\n7\n" ROOT64 "\r\n",
	    "o\x01\n7\n" ROOT64 "\n",
	};
	struct checkpoint c;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		cr_expect_not(checkpoint_parse_text(span_str(bad[i]), &c), "row %zu", i);
}

Test(checkpoint, signing_is_deterministic_and_reads_back)
{
	struct secret_key secret = test_secret();
	struct span origin = span_str("shenyang.example/log");
	struct checkpoint c;
	struct checkpoint d;
	struct buffer b = BUFFER_EMPTY;

	cr_assert(checkpoint_parse_text(span_str(TEXT), &c));
	checkpoint_sign(&b, &c, &known[KNOWN_LOG], &secret);
	cr_expect(span_eq_str(buffer_span(&b), TEXT "\n" LOG_LINE));
	cr_assert_eq(checkpoint_open(buffer_span(&b), origin, &known[KNOWN_LOG], &d), LOG_HOLDS);
	cr_expect(d.size == 7 && digest_eq(&c.root, &d.root) && span_eq(d.origin, origin));
	cr_expect_eq(checkpoint_open(buffer_span(&b), span_str("dalian.example/log"), &known[KNOWN_LOG], &d),
		     LOG_ORIGIN_DIFFERS);
	cr_expect_eq(checkpoint_open(buffer_span(&b), origin, &known[KNOWN_NEUMANN], &d), LOG_KEY_MISSING);
	cr_expect_eq(
	    checkpoint_open(span_str(NEUMANN_TEXT "\n" NEUMANN_LINE), origin, &known[KNOWN_NEUMANN], &d),
	    LOG_CHECKPOINT_MALFORMED);
	buffer_free(&b);
}

Test(checkpoint, what_follows_what)
{
	struct digest leaves[5];
	struct checkpoint at[6];

	for (uint64_t i = 0; i < ARRAY_LEN(leaves); i++)
		leaves[i] = merkle_leaf(span_of(&i, sizeof(i)));
	for (size_t n = 0; n <= ARRAY_LEN(leaves); n++)
		at[n] = (struct checkpoint){span_str("o"), n, merkle_root(leaves, n)};
	struct checkpoint other = {span_str("p"), 5, at[5].root};
	struct checkpoint rewritten = {span_str("o"), 4, at[3].root};

	/* From 4 to 5 the proof is the fifth leaf. */
	cr_expect_eq(checkpoint_follows(&at[4], &at[5], &leaves[4], 1), LOG_HOLDS);
	cr_expect_eq(checkpoint_follows(&at[5], &at[5], NULL, 0), LOG_HOLDS);
	cr_expect_eq(checkpoint_follows(&at[0], &at[5], NULL, 0), LOG_HOLDS);
	cr_expect_eq(checkpoint_follows(&at[0], &at[0], NULL, 0), LOG_HOLDS);
	cr_expect_eq(checkpoint_follows(&at[0], &at[5], leaves, 1), LOG_NOT_CONSISTENT);
	cr_expect_eq(checkpoint_follows(&at[4], &at[5], NULL, 0), LOG_NOT_CONSISTENT);
	cr_expect_eq(checkpoint_follows(&rewritten, &at[5], &leaves[4], 1), LOG_NOT_CONSISTENT);
	cr_expect_eq(checkpoint_follows(&rewritten, &at[4], NULL, 0), LOG_NOT_CONSISTENT);
	cr_expect_eq(checkpoint_follows(&at[5], &at[4], &leaves[4], 1), LOG_WENT_BACK);
	cr_expect_eq(checkpoint_follows(&at[4], &other, &leaves[4], 1), LOG_ORIGIN_DIFFERS);
}

Test(checkpoint, every_failure_has_words)
{
	for (unsigned f = 0; f < LOG_FAILURES; f++) {
		const struct log_failure_text *t = log_failure_text((enum log_failure)f);
		cr_assert(t->id != NULL && t->zh != NULL && t->en != NULL, "%u", f);
		for (unsigned g = 0; g < f; g++)
			cr_expect_str_neq(t->id, log_failure_text((enum log_failure)g)->id);
	}
	cr_expect_not_null(log_failure_text((enum log_failure)99));
}
