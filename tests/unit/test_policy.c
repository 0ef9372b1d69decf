/* policy: files good and bad, line by line, and checkpoints against quorums of every shape. */
#include <criterion/criterion.h>

#include <stdio.h>

#include "core/policy.h"

#define ORIGIN "shenyang.example/log"

enum { WITNESSES = 6, LOG_SEED = 100 };

static struct note_key log_key;
static struct secret_key log_secret;
static struct note_key witnesses[WITNESSES];
static struct secret_key secrets[WITNESSES];
static char names[WITNESSES][32];
static char vkeys[WITNESSES + 1][160];

static void make_key(const char *name, enum note_key_type type, uint8_t seed_byte, struct note_key *ret_key,
		     struct secret_key *ret_secret, char ret_vkey[160])
{
	uint8_t seed[SEED_SIZE] = {seed_byte};
	struct public_key public;
	struct buffer b = BUFFER_EMPTY;

	key_from_seed(seed, ret_secret, &public);
	cr_assert(note_key_make(span_str(name), type, &public, ret_key));
	note_key_put(&b, ret_key);
	cr_assert_lt(b.n, 160u);
	(void)snprintf(ret_vkey, 160, "%.*s", SPAN_ARG(buffer_span(&b)));
	buffer_free(&b);
}

static void start(void)
{
	cr_assert(crypto_start());
	make_key(ORIGIN, NOTE_ED25519, LOG_SEED, &log_key, &log_secret, vkeys[WITNESSES]);
	for (size_t i = 0; i < WITNESSES; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "witness.example/%c", (int)('a' + i));
		make_key(names[i], NOTE_COSIGNATURE, (uint8_t)(i + 1), &witnesses[i], &secrets[i], vkeys[i]);
	}
}

TestSuite(policy, .init = start);

/* "@L" is the log's key, "@a" to "@f" those of the witnesses. */
static void put_expanded(struct buffer *b, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text != '@') {
			buffer_put_u8(b, (uint8_t)*text);
			continue;
		}
		text++;
		buffer_put_str(b, vkeys[*text == 'L' ? WITNESSES : *text - 'a']);
	}
}

static void parse_good(const char *text, struct buffer *to, struct policy *ret_policy)
{
	struct policy_fault fault = {.line = 0};

	put_expanded(to, text);
	cr_assert(policy_parse(buffer_span(to), ret_policy, &fault), "%s: line %zu: %s", text, fault.line,
		  fault.en);
}

/* A checkpoint signed by the log and by the witnesses of `by` ("ac"), who say 1000, 1001, ... by their
 * letter. */
static void put_note(struct buffer *b, const char *origin, bool by_log, const char *by)
{
	struct checkpoint c = {.origin = span_str(origin), .size = 7, .root = digest_of(span_str("root"))};
	struct buffer text = BUFFER_EMPTY;

	checkpoint_put_text(&text, &c);
	buffer_put_span(b, buffer_span(&text));
	buffer_put_u8(b, '\n');
	if (by_log)
		note_put_signature(b, &log_key, &log_secret, 0, buffer_span(&text));
	for (; *by != '\0'; by++) {
		size_t i = (size_t)(*by - 'a');
		note_put_signature(b, &witnesses[i], &secrets[i], 1000 + i, buffer_span(&text));
	}
	buffer_free(&text);
}

#define SIX "log @L\nwitness a @a\nwitness b @b\nwitness c @c\nwitness d @d\nwitness e @e\nwitness f @f\n"

/* ---- reading ---- */

Test(policy, what_is_read)
{
	struct buffer b = BUFFER_EMPTY;
	struct policy p;

	parse_good("# two of three sides\n\n"
		   "\tlog  @L\thttps://log.example/ \n"
		   "witness 甲 @a https://w.example/\n  # indented\n"
		   "witness b @b\n"
		   "group sides all b 甲\n"
		   " \t\n"
		   "quorum sides\n",
		   &b, &p);
	cr_expect_eq(p.logs_n, 1u);
	cr_expect(span_eq_str(p.logs[0].url, "https://log.example/"));
	cr_expect(span_eq(p.logs[0].key.name, log_key.name));
	cr_expect_eq(p.witnesses_n, 2u);
	cr_expect(span_eq_str(p.witnesses[0].url, "https://w.example/") && p.witnesses[1].url.n == 0);
	cr_expect_eq(p.members_n, 3u);
	cr_expect(span_eq_str(p.members[0].name, "甲") && p.members[0].parent == 2);
	cr_expect(p.members[2].group && p.members[2].need == 2 && p.members[2].members_n == 2);
	cr_expect(!p.quorum_none && p.quorum == 2);
	buffer_free(&b);
}

Test(policy, bad_files)
{
	static const struct {
		const char *text;
		size_t line;
		const char *id;
	} rows[] = {
	    {"", 0, "policy.quorum_absent"},
	    {"log @L\n", 0, "policy.quorum_absent"},
	    {"log @L\nquorum none", 2, "policy.end"},
	    {"log @L\r\nquorum none\n", 1, "policy.bytes"},
	    {"quorum\vnone\n", 1, "policy.bytes"},
	    {"# \x7f\nquorum none\n", 1, "policy.bytes"},
	    {"# a comment is shown to nobody \xe2\x80\xae\nwitness \xe2\x80\xaeW @a\nquorum none\n", 2,
	     "policy.bytes"},
	    {"quorum \xc2\x9b\n", 1, "policy.bytes"},
	    {"Log @L\nquorum none\n", 1, "policy.keyword"},
	    {"quorum none # said so\n", 1, "policy.words"},
	    {"quorum\n", 1, "policy.words"},
	    {"log\nquorum none\n", 1, "policy.words"},
	    {"log @L url more\nquorum none\n", 1, "policy.words"},
	    {"witness a\nquorum none\n", 1, "policy.words"},
	    {"witness a @a url more\nquorum none\n", 1, "policy.words"},
	    {"witness a @a\ngroup g any\nquorum g\n", 2, "policy.words"},
	    {"log x+00000000+AAAA\nquorum none\n", 1, "policy.key"},
	    {"log @a\nquorum none\n", 1, "policy.key_type"},
	    {"witness a @L\nquorum none\n", 1, "policy.key_type"},
	    {"log @L\nlog @L\nquorum none\n", 2, "policy.key_twice"},
	    {"witness a @a\nwitness b @a\nquorum none\n", 2, "policy.key_twice"},
	    {"witness a @a\nwitness a @b\nquorum none\n", 2, "policy.name_taken"},
	    {"witness a @a\ngroup a any a\nquorum a\n", 2, "policy.name_taken"},
	    {"witness none @a\nquorum none\n", 1, "policy.name_none"},
	    {"witness a @a\ngroup none any a\nquorum none\n", 2, "policy.name_none"},
	    {"witness a @a\ngroup g any a none\nquorum g\n", 2, "policy.name_none"},
	    {"group g any b\nwitness b @b\nquorum g\n", 1, "policy.unknown"},
	    {"group g any g\nquorum g\n", 1, "policy.unknown"},
	    {"quorum a\nwitness a @a\n", 1, "policy.unknown"},
	    {"witness a @a\ngroup g any a a\nquorum g\n", 2, "policy.member_twice"},
	    {"witness a @a\ngroup g any a\ngroup h any a\nquorum h\n", 3, "policy.member_twice"},
	    {"witness a @a\ngroup g 0 a\nquorum g\n", 2, "policy.threshold"},
	    {"witness a @a\ngroup g 2 a\nquorum g\n", 2, "policy.threshold"},
	    {"witness a @a\ngroup g 01 a\nquorum g\n", 2, "policy.threshold"},
	    {"witness a @a\ngroup g -1 a\nquorum g\n", 2, "policy.threshold"},
	    {"witness a @a\ngroup g some a\nquorum g\n", 2, "policy.threshold"},
	    {"witness a @a\ngroup g 18446744073709551617 a\nquorum g\n", 2, "policy.threshold"},
	    {"quorum none\nquorum none\n", 2, "policy.quorum_twice"},
	    {"witness a @a\nquorum a\nquorum none\n", 3, "policy.quorum_twice"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buffer b = BUFFER_EMPTY;
		struct policy p;
		struct policy_fault fault = {.id = ""};
		put_expanded(&b, rows[i].text);
		cr_expect_not(policy_parse(buffer_span(&b), &p, &fault), "row %zu", i);
		cr_expect_str_eq(fault.id, rows[i].id, "row %zu: %s", i, fault.id);
		cr_expect_eq(fault.line, rows[i].line, "row %zu: line %zu", i, fault.line);
		cr_expect(fault.zh != NULL && fault.en != NULL);
		buffer_free(&b);
	}
}

/* `keys` lines of different keys, `groups` groups of one member each, one in another. */
static bool parse_many(size_t logs, size_t keys, size_t groups)
{
	struct buffer b = BUFFER_EMPTY;
	struct policy p;
	struct policy_fault fault;
	struct note_key key;
	struct secret_key secret;
	char vkey[160];

	for (size_t i = 0; i < logs; i++) {
		make_key("log", NOTE_ED25519, (uint8_t)i, &key, &secret, vkey);
		buffer_printf(&b, "log %s\n", vkey);
	}
	for (size_t i = 0; i < keys; i++) {
		make_key("w", NOTE_COSIGNATURE, (uint8_t)i, &key, &secret, vkey);
		buffer_printf(&b, "witness w%zu %s\n", i, vkey);
	}
	for (size_t i = 0; i < groups; i++)
		buffer_printf(&b, i == 0 ? "group g%zu any w0\n" : "group g%zu any g%zu\n", i, i - 1);
	buffer_put_str(&b, "quorum none\n");
	bool good = policy_parse(buffer_span(&b), &p, &fault);
	if (!good)
		cr_expect_str_eq(fault.id, "policy.too_many");
	buffer_free(&b);
	return good;
}

Test(policy, limits)
{
	cr_expect(parse_many(POLICY_LOGS_MAX, POLICY_WITNESSES_MAX, POLICY_GROUPS_MAX));
	cr_expect_not(parse_many(POLICY_LOGS_MAX + 1, 1, 1));
	cr_expect_not(parse_many(1, POLICY_WITNESSES_MAX + 1, 1));
	cr_expect_not(parse_many(1, 1, POLICY_GROUPS_MAX + 1));
}

Test(policy, a_file_that_is_too_long)
{
	struct buffer b = BUFFER_EMPTY;
	struct policy p;
	struct policy_fault fault = {.id = ""};

	buffer_put_str(&b, "quorum none\n#");
	while (b.n < POLICY_SIZE_MAX - 1)
		buffer_put_u8(&b, '-');
	buffer_put_u8(&b, '\n');
	cr_expect(policy_parse(buffer_span(&b), &p, &fault));
	buffer_put_u8(&b, '\n');
	cr_expect_not(policy_parse(buffer_span(&b), &p, &fault));
	cr_expect_str_eq(fault.id, "policy.size");
	buffer_free(&b);
}

/* ---- judging ---- */

Test(policy, quorums)
{
	static const struct {
		const char *groups;
		const char *by;
		bool holds;
		const char *missing;
	} rows[] = {
	    {"quorum none\n", "", true, ""},
	    {"quorum none\n", "abc", true, ""},
	    {"quorum b\n", "ac", false, "b: 0 of 1, missing b\n"},
	    {"quorum b\n", "b", true, ""},
	    {"group g any a b c\nquorum g\n", "", false, "g: 0 of 1, missing a b c\n"},
	    {"group g any a b c\nquorum g\n", "d", false, "g: 0 of 1, missing a b c\n"},
	    {"group g any a b c\nquorum g\n", "c", true, ""},
	    {"group g all a b c\nquorum g\n", "ac", false, "g: 2 of 3, missing b\n"},
	    {"group g all a b c\nquorum g\n", "cab", true, ""},
	    {"group g 2 a b c\nquorum g\n", "b", false, "g: 1 of 2, missing a c\n"},
	    {"group g 2 a b c\nquorum g\n", "bb", false, "g: 1 of 2, missing a c\n"}, /* counts once */
	    {"group g 2 a b c\nquorum g\n", "bc", true, ""},
	    /* two of three sides, each of which is one witness or more */
	    {"group x any a b\ngroup y all c d\ngroup s 2 x y e\nquorum s\n", "abc", false,
	     "s: 1 of 2, missing e y\ny: 1 of 2, missing d\n"},
	    {"group x any a b\ngroup y all c d\ngroup s 2 x y e\nquorum s\n", "bcd", true, ""},
	    {"group x any a b\ngroup y all c d\ngroup s 2 x y e\nquorum s\n", "ae", true, ""},
	    {"group x any a b\ngroup y all c d\ngroup s 2 x y e\nquorum s\n", "cd", false,
	     "s: 1 of 2, missing e x\nx: 0 of 1, missing a b\n"},
	    /* a quorum in the middle, and groups that nobody asks for */
	    {"group x any a\ngroup y any x\ngroup z all y b\nquorum y\n", "a", true, ""},
	    {"group x any a\ngroup y any x\ngroup z all y b\nquorum y\n", "b", false,
	     "y: 0 of 1, missing x\nx: 0 of 1, missing a\n"},
	    {"group x all a\ngroup idle all b c\nquorum x\n", "bc", false, "x: 0 of 1, missing a\n"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buffer text = BUFFER_EMPTY;
		struct buffer note = BUFFER_EMPTY;
		struct buffer missing = BUFFER_EMPTY;
		char file[1024];
		struct policy p;
		struct policy_facts facts;

		(void)snprintf(file, sizeof(file), SIX "%s", rows[i].groups);
		parse_good(file, &text, &p);
		put_note(&note, ORIGIN, true, rows[i].by);
		cr_expect_eq(policy_check(&p, NULL, buffer_span(&note), &facts),
			     rows[i].holds ? LOG_HOLDS : LOG_QUORUM_MISSING, "row %zu", i);
		cr_expect_eq(facts.quorum, rows[i].holds);
		cr_expect(facts.checkpoint.size == 7 && span_eq(facts.log.name, log_key.name));
		policy_put_missing(&p, &facts, &missing);
		cr_expect(span_eq_str(buffer_span(&missing), rows[i].missing), "row %zu: %.*s", i,
			  SPAN_ARG(buffer_span(&missing)));
		buffer_free(&text);
		buffer_free(&note);
		buffer_free(&missing);
	}
}

/* Against a definition by recursion, for every set of six witnesses. */
static bool counts(const struct policy *p, size_t m, unsigned set)
{
	size_t held = 0;

	if (!p->members[m].group)
		return (set >> p->members[m].witness & 1) != 0;
	for (size_t i = 0; i < m; i++)
		held += p->members[i].parent == m && counts(p, i, set) ? 1 : 0;
	return held >= p->members[m].need;
}

Test(policy, every_set_of_witnesses)
{
	struct buffer text = BUFFER_EMPTY;
	struct policy p;

	parse_good(SIX "group x 2 a b c\ngroup y any d e\ngroup z all x y\ngroup q any z f\nquorum q\n",
		   &text, &p);
	for (unsigned set = 0; set < 64; set++) {
		struct buffer note = BUFFER_EMPTY;
		struct policy_facts facts;
		char by[WITNESSES + 1];
		size_t n = 0;

		for (unsigned i = 0; i < WITNESSES; i++)
			if ((set >> i & 1) != 0)
				by[n++] = (char)('a' + i);
		by[n] = '\0';
		put_note(&note, ORIGIN, true, by);
		cr_expect_eq(policy_check(&p, NULL, buffer_span(&note), &facts) == LOG_HOLDS,
			     counts(&p, p.quorum, set), "%s", by);
		cr_expect_eq(facts.cosigned_n, n);
		/* They cosign one after the other: the first of them alone, who might date back, is not
		 * enough. */
		unsigned until = n == 0 ? 0 : (unsigned)(by[0] - 'a');
		while (facts.quorum && !counts(&p, p.quorum, set & ((2U << until) - 1)))
			until++;
		cr_expect_eq(policy_earliest(&p, &facts), n == 0 ? 0 : 1000 + until, "%s", by);
		for (unsigned i = 0; i < WITNESSES; i++) {
			cr_expect_eq(facts.cosigned[i], (set >> i & 1) != 0);
			if (facts.cosigned[i])
				cr_expect_eq(facts.time[i], 1000u + i);
		}
		buffer_free(&note);
	}
	buffer_free(&text);
}

Test(policy, the_log_itself_must_have_signed)
{
	static const struct {
		const char *policy;
		const char *origin;
		bool by_log;
		bool given; /* the log's key is known from elsewhere */
		enum log_failure want;
	} rows[] = {
	    {"log @L\nwitness a @a\nquorum a\n", ORIGIN, true, false, LOG_HOLDS},
	    {"log @L\nwitness a @a\nquorum a\n", ORIGIN, false, false, LOG_KEY_MISSING},
	    {"log @L\nwitness a @a\nquorum a\n", "dalian.example/log", true, false, LOG_ORIGIN_DIFFERS},
	    {"witness a @a\nquorum a\n", ORIGIN, true, false, LOG_KEY_MISSING},
	    {"witness a @a\nquorum a\n", ORIGIN, true, true, LOG_HOLDS},
	    {"witness a @a\nquorum a\n", ORIGIN, false, true, LOG_KEY_MISSING},
	    {"quorum none\n", ORIGIN, true, false, LOG_KEY_MISSING},
	    {"quorum none\n", ORIGIN, true, true, LOG_HOLDS},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buffer text = BUFFER_EMPTY;
		struct buffer note = BUFFER_EMPTY;
		struct policy p;
		struct policy_facts facts;

		parse_good(rows[i].policy, &text, &p);
		put_note(&note, rows[i].origin, rows[i].by_log, "a");
		cr_expect_eq(policy_check(&p, rows[i].given ? &log_key : NULL, buffer_span(&note), &facts),
			     rows[i].want, "row %zu", i);
		buffer_free(&text);
		buffer_free(&note);
	}
}

Test(policy, a_bad_cosignature_of_a_known_witness)
{
	struct buffer text = BUFFER_EMPTY;
	struct buffer note = BUFFER_EMPTY;
	struct policy p;
	struct policy_facts facts;

	parse_good("log @L\nwitness a @a\nwitness b @b\ngroup g any a b\nquorum g\n", &text, &p);
	put_note(&note, ORIGIN, true, "a");
	/* b's line, over another text */
	note_put_signature(&note, &witnesses[1], &secrets[1], 5, span_str("x\n"));
	cr_expect_eq(policy_check(&p, NULL, buffer_span(&note), &facts), LOG_SIGNATURE_BAD);
	buffer_clear(&note);

	/* c is not of the policy: its line is ignored, bad as it is */
	put_note(&note, ORIGIN, true, "a");
	note_put_signature(&note, &witnesses[2], &secrets[2], 5, span_str("x\n"));
	cr_expect_eq(policy_check(&p, NULL, buffer_span(&note), &facts), LOG_HOLDS);
	buffer_clear(&note);

	/* a time that no clock shows */
	put_note(&note, ORIGIN, true, "");
	struct span so_far = buffer_span(&note);
	struct span signed_text;
	struct span lines;
	struct buffer more = BUFFER_EMPTY;
	cr_assert(note_split(so_far, &signed_text, &lines));
	buffer_put_span(&more, so_far);
	note_put_signature(&more, &witnesses[0], &secrets[0], (uint64_t)INT64_MAX + 1, signed_text);
	cr_expect_eq(policy_check(&p, NULL, buffer_span(&more), &facts), LOG_SIGNATURE_BAD);
	buffer_free(&more);
	buffer_free(&note);
	buffer_free(&text);
}
