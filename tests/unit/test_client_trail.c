/*
 * Signing by two sides, the files that pass between them, and trails checked offline: a whole life holds, and
 * with any bit of it changed, any entry left out, put in twice or taken from elsewhere, it does not.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "fake_server.h"
#include "manifest/files.h"
#include "manifest/trail.h"

#define NUMBER UINT64_C(20262101000001)

enum who { SERVER, REGISTRAR, RECOVERY, GENERATOR, HAULER, FACILITY, OPERATOR, PEOPLE };

struct person {
	struct secret_key secret;
	struct public_key public;
	struct digest keyid;
	struct party_ref party;
	uint64_t number;
};

static struct fake_server *server;
static struct person people[PEOPLE];
static struct arena *arena;
static struct digest head;
static struct line_quantity quantity = {.line = 1, .grams = 800000, .containers = 4};
static struct waste_line waste = {.line = 1, .grams = 800000, .containers = 4, .packaging = 1, .form = 3};

static struct party_ref party_of(enum who who)
{
	struct party_ref ref = {.site = (uint32_t)who + 1};

	memcpy(ref.credit_code, "91210106MA0P90017U", CREDIT_CODE_SIZE);
	return ref;
}

static struct signer next_signer(enum who who)
{
	struct signer s = {.keyid = people[who].keyid, .number = ++people[who].number};

	s.seen =
	    (struct checkpoint_ref){.origin = span_str("log.test/1"), .size = 1, .root = server->leaves[0]};
	if (server->size == 0)
		s.seen = (struct checkpoint_ref){0};
	return s;
}

/* Signed by all and put into the log. */
static void enter(struct event *e, size_t n, const enum who *by)
{
	const struct secret_key *keys[MAX_SIGNERS];
	struct buffer envelope = BUFFER_EMPTY;
	struct problems problems = {.arena = arena};
	struct mft_signed s;

	e->signers_n = n;
	e->occurred_at = 1000;
	for (size_t i = 0; i < n; i++) {
		e->signers[i] = next_signer(by[i]);
		keys[i] = &people[by[i]].secret;
	}
	if (e->kind > EVENT_ISSUED && event_is_custody(e->kind))
		e->previous = head;
	cr_assert(mft_sign(e, keys, n, &envelope, NULL));
	cr_assert(mft_signed_read(buffer_span(&envelope), arena, &problems, &s), "%s: %s",
		  problems.first->path, problems.first->found);
	cr_assert(s.complete);
	if (event_is_custody(e->kind))
		head = s.event.id;
	fake_server_append(server, buffer_span(&envelope));
	buffer_free(&envelope);
}

#define ENTER(e, ...)                                                                                        \
	enter(e, sizeof((enum who[]){__VA_ARGS__}) / sizeof(enum who), (const enum who[]){__VA_ARGS__})

static void enrol(enum who who, enum role role)
{
	struct event e = {.kind = EVENT_KEY_ENROLLED,
			  .key_enrolled = {.key = people[who].public,
					   .party = people[who].party,
					   .role = role,
					   .device = span_str("d"),
					   .valid_from = 1}};

	ENTER(&e, REGISTRAR, who);
}

static void live(void)
{
	struct event issued = {.kind = EVENT_ISSUED,
			       .number = NUMBER,
			       .issued = {.generator = party_of(GENERATOR),
					  .transporter = party_of(HAULER),
					  .facility = party_of(FACILITY),
					  .plate = span_str("A1"),
					  .edition = span_str("2021"),
					  .lines = &waste,
					  .lines_n = 1,
					  .collect_by = 1,
					  .arrive_by = 2,
					  .permit = span_str("P"),
					  .destination = span_str("x"),
					  .emergency = span_str("y")}};
	struct event loaded = {
	    .kind = EVENT_LOADED,
	    .number = NUMBER,
	    .transfer = {.to = party_of(HAULER), .plate = span_str("A1"), .lines = &quantity, .lines_n = 1}};
	struct event delivered = {
	    .kind = EVENT_DELIVERED,
	    .number = NUMBER,
	    .transfer = {
		.from = party_of(HAULER), .to = party_of(FACILITY), .lines = &quantity, .lines_n = 1}};
	const struct line_decision decision = {
	    .line = 1, .decision = DECISION_ACCEPTED, .accepted = quantity, .method = span_str("R9")};
	struct event received = {
	    .kind = EVENT_RECEIVED,
	    .number = NUMBER,
	    .received = {.facility = party_of(FACILITY), .lines = &decision, .lines_n = 1}};

	waste.code = span_str("900-249-08");
	waste.name = span_str("w");
	waste.method = span_str("R9");
	ENTER(&issued, GENERATOR);
	ENTER(&loaded, GENERATOR, HAULER);
	ENTER(&delivered, HAULER, FACILITY);
	ENTER(&received, FACILITY);
}

static void begin(void)
{
	server = fake_server_new();
	/* From nothing: the first entries of the fake server are no events. */
	for (uint64_t i = 0; i < server->size; i++)
		buffer_free(&server->entries[i]);
	server->size = 0;
	arena = arena_new((size_t)256 * 1024 * 1024);
	for (int i = 0; i < PEOPLE; i++) {
		const uint8_t seed[SEED_SIZE] = {(uint8_t)(i + 1)};
		key_from_seed(seed, &people[i].secret, &people[i].public);
		people[i].keyid = key_id(&people[i].public);
		people[i].party = party_of((enum who)i);
		people[i].number = 0;
	}
	struct event genesis = {.kind = EVENT_GENESIS,
				.genesis = {.origin = span_str("log.test/1"),
					    .city = span_str("210100"),
					    .log_key = server->log_key.key,
					    .server_key = people[SERVER].public,
					    .authority = party_of(REGISTRAR),
					    .authority_name = span_str("a"),
					    .registrar_key = people[REGISTRAR].public,
					    .recovery_key = people[RECOVERY].public,
					    .rules_version = 1}};
	ENTER(&genesis, SERVER);
	enrol(GENERATOR, ROLE_GENERATOR);
	enrol(HAULER, ROLE_TRANSPORTER);
	enrol(FACILITY, ROLE_FACILITY);
	live();
}

static void end(void)
{
	arena_free(arena);
	fake_server_free(server);
}

static struct trail whole(void)
{
	struct trail t = {.number = NUMBER};

	t.entries = arena_array(arena, server->size + 4, sizeof(t.entries[0]));
	for (uint64_t i = 0; i < server->size; i++)
		t.entries[t.n++] = (struct trail_entry){.index = i,
							.entry = buffer_span(&server->entries[i]),
							.proof = fake_server_proof(server, i)};
	return t;
}

static struct verified verified(const struct trail *t)
{
	struct verified v;

	cr_assert(trail_verify(t, &server->log_key, arena, &v));
	return v;
}

static bool found(const struct verified *v, const char *id)
{
	for (size_t i = 0; i < v->findings_n; i++)
		if (v->findings[i].bad && strcmp(v->findings[i].id, id) == 0)
			return true;
	return false;
}

#define TRAIL(name) Test(client_trail, name, .init = begin, .fini = end)

TRAIL(a_whole_life_holds)
{
	const struct trail t = whole();
	const struct verified v = verified(&t);

	for (size_t i = 0; i < v.findings_n; i++)
		cr_log_error("%s %s", v.findings[i].id, v.findings[i].detail);
	cr_assert_eq(v.bad, 0);
	cr_assert_eq(v.proofs, 8);
	cr_assert_eq(v.signatures, 1 + 3 * 2 + 1 + 2 + 2 + 1);
}

TRAIL(it_holds_in_any_order_and_through_a_file)
{
	struct trail t = whole();
	struct buffer text = BUFFER_EMPTY;
	struct trail again;
	struct trail_entry first = t.entries[0];

	t.entries[0] = t.entries[6];
	t.entries[6] = first;
	cr_assert(trail_put(&t, &text));
	cr_assert(trail_parse(buffer_span(&text), arena, &again, NULL));
	cr_assert_eq(again.n, t.n);
	cr_assert_eq(again.number, NUMBER);
	cr_assert_eq(verified(&again).bad, 0);
	buffer_free(&text);
}

TRAIL(no_entry_may_be_missing)
{
	static const char *const ids[] = {"key.unknown", "key.unknown",    "key.unknown",    "key.unknown",
					  "chain.begin", "chain.previous", "chain.previous", NULL};

	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		struct trail t = whole();
		memmove(&t.entries[i], &t.entries[i + 1], (t.n - i - 1) * sizeof(t.entries[0]));
		t.n--;
		const struct verified v = verified(&t);
		if (ids[i] != NULL)
			cr_expect(found(&v, ids[i]), "without %zu", i);
		else
			cr_expect_eq(v.bad, 0, "the last may be yet to come");
	}
}

TRAIL(no_bit_may_be_changed)
{
	struct trail t = whole();
	size_t changed = 0;

	for (size_t i = 0; i < t.n; i++) {
		const struct trail_entry good = t.entries[i];
		for (size_t bit = 0; bit < 8 * good.entry.n; bit += 37) {
			struct span copy = arena_copy(arena, good.entry);
			uint8_t *bytes = arena_alloc(arena, copy.n);
			memcpy(bytes, copy.p, copy.n);
			bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
			t.entries[i].entry = span_of(bytes, copy.n);
			cr_expect_gt(verified(&t).bad, 0, "entry %zu, bit %zu", i, bit);
			changed++;
		}
		t.entries[i] = good;
	}
	cr_assert_gt(changed, 300);
}

TRAIL(twice_or_elsewhere)
{
	struct trail t = whole();
	struct verified v;

	t.entries[t.n] = t.entries[5];
	t.n++;
	v = verified(&t);
	cr_expect(found(&v, "event.twice"));
	cr_expect(found(&v, "index.twice"));
	t = whole();
	t.entries[5].index = 4;
	v = verified(&t);
	cr_expect(found(&v, "proof.index"));
	t = whole();
	t.entries[5].proof = t.entries[6].proof;
	v = verified(&t);
	cr_expect_gt(v.bad, 0);
}

/* Properly in the log, and still wrong. */
TRAIL(what_a_server_should_not_have_taken)
{
	struct event e = {.kind = EVENT_TREATED, .number = NUMBER};
	const struct line_treatment lines = {
	    .line = 1, .grams = 800000, .containers = 4, .method = span_str("R9")};
	struct trail t;
	struct verified v;

	e.treated = (struct treated){.facility = party_of(FACILITY), .lines = &lines, .lines_n = 1};
	ENTER(&e, HAULER);
	t = whole();
	v = verified(&t);
	cr_expect(found(&v, "signers.party"), "signed by the transporter for the facility");

	people[FACILITY].number = 1;
	ENTER(&e, FACILITY);
	t = whole();
	v = verified(&t);
	cr_expect(found(&v, "number.reused"));

	head = digest_of(span_str("elsewhere"));
	ENTER(&e, FACILITY);
	t = whole();
	v = verified(&t);
	cr_expect(found(&v, "chain.previous"));
}

/* The operator has the log's and the server's key, and no registrar's: keys of its own making bind nobody. */
static struct event enrolment(enum role role)
{
	return (struct event){.kind = EVENT_KEY_ENROLLED,
			      .key_enrolled = {.key = people[OPERATOR].public,
					       .party = people[FACILITY].party,
					       .role = role,
					       .device = span_str("d"),
					       .valid_from = 1}};
}

static bool whole_has(const char *id)
{
	const struct trail t = whole();
	const struct verified v = verified(&t);

	return found(&v, id);
}

TRAIL(a_key_that_no_registrar_enrolled)
{
	struct event e = enrolment(ROLE_FACILITY);

	ENTER(&e, REGISTRAR, OPERATOR);
	cr_expect_not(whole_has("signers.role"), "the control");
	end();
	begin();
	ENTER(&e, SERVER, OPERATOR);
	cr_expect(whole_has("signers.role"), "enrolled by the server");
	end();
	begin();
	ENTER(&e, GENERATOR, OPERATOR);
	cr_expect(whole_has("signers.role"), "by a company");
	end();
	begin();
	ENTER(&e, OPERATOR, OPERATOR);
	cr_expect(whole_has("signers.role") && whole_has("key.later"), "by itself");
}

TRAIL(the_recovery_key_adds_a_registrar_and_does_nothing_else)
{
	struct event e = {.kind = EVENT_REGISTRAR_ADDED,
			  .registrar_added = {.key = people[OPERATOR].public, .name = span_str("n")}};
	struct event enrolled = enrolment(ROLE_FACILITY);

	ENTER(&e, RECOVERY, OPERATOR);
	cr_expect_not(whole_has("signers.role"));
	end();
	begin();
	ENTER(&enrolled, RECOVERY, OPERATOR);
	cr_expect(whole_has("signers.role"));
}

TRAIL(a_key_enrolled_by_a_registrar_who_was_removed)
{
	struct event removed = {
	    .kind = EVENT_REGISTRAR_REMOVED,
	    .registrar_removed = {.keyid = people[REGISTRAR].keyid, .reason = span_str("r")}};
	struct event e = enrolment(ROLE_FACILITY);

	ENTER(&removed, REGISTRAR);
	cr_expect_not(whole_has("key.revoked"), "the control");
	ENTER(&e, REGISTRAR, OPERATOR);
	cr_expect(whole_has("key.revoked"));
}

TRAIL(a_registrar_whom_no_registrar_added)
{
	struct event e = {.kind = EVENT_REGISTRAR_ADDED,
			  .registrar_added = {.key = people[OPERATOR].public, .name = span_str("n")}};

	ENTER(&e, REGISTRAR, OPERATOR);
	cr_expect_not(whole_has("signers.role"), "the control");
	end();
	begin();
	ENTER(&e, SERVER, OPERATOR);
	cr_expect(whole_has("signers.role"));
}

TRAIL(a_second_genesis)
{
	struct event e = {.kind = EVENT_GENESIS,
			  .genesis = {.origin = span_str("log.test/1"),
				      .city = span_str("210100"),
				      .log_key = server->log_key.key,
				      .server_key = people[OPERATOR].public,
				      .authority = party_of(REGISTRAR),
				      .authority_name = span_str("a"),
				      .registrar_key = people[OPERATOR].public,
				      .recovery_key = people[OPERATOR].public,
				      .rules_version = 1}};

	ENTER(&e, OPERATOR);
	cr_expect(whole_has("genesis.again"));
	cr_expect(whole_has("key.unknown"), "its keys are not believed");
}

TRAIL(a_key_of_the_party_in_another_role)
{
	struct event e = enrolment(ROLE_INSPECTOR);
	struct event treated = {.kind = EVENT_TREATED, .number = NUMBER};
	const struct line_treatment lines = {
	    .line = 1, .grams = 800000, .containers = 4, .method = span_str("R9")};

	treated.treated = (struct treated){.facility = party_of(FACILITY), .lines = &lines, .lines_n = 1};
	ENTER(&e, REGISTRAR, OPERATOR);
	ENTER(&treated, OPERATOR);
	cr_expect(whole_has("signers.role"));
}

/* Another hauler's key, which has no part in this manifest. */
TRAIL(a_step_attested_or_a_manifest_cancelled_by_a_stranger)
{
	struct event e = enrolment(ROLE_TRANSPORTER);
	struct event attested = {.kind = EVENT_ATTESTED,
				 .number = NUMBER,
				 .attested = {.step = EVENT_DELIVERED,
					      .reason = 1,
					      .note = span_str("n"),
					      .transfer = {.from = party_of(HAULER),
							   .to = party_of(FACILITY),
							   .lines = &quantity,
							   .lines_n = 1}}};
	struct event cancelled = {.kind = EVENT_CANCELLED, .number = NUMBER};

	ENTER(&attested, HAULER);
	cr_expect_not(whole_has("signers.party"), "the control");
	end();
	begin();
	e.key_enrolled.party = party_of(OPERATOR);
	ENTER(&e, REGISTRAR, OPERATOR);
	ENTER(&attested, OPERATOR);
	cr_expect(whole_has("signers.party"));
	end();
	begin();
	e = enrolment(ROLE_GENERATOR);
	e.key_enrolled.party = party_of(OPERATOR);
	cancelled.cancelled.reason = span_str("r");
	ENTER(&e, REGISTRAR, OPERATOR);
	ENTER(&cancelled, OPERATOR);
	cr_expect(whole_has("signers.party"));
}

TRAIL(a_key_before_and_after_its_time)
{
	struct event revoked = {.kind = EVENT_KEY_REVOKED,
				.key_revoked = {.keyid = people[FACILITY].keyid,
						.revoked_from = 999,
						.reason = span_str("lost")}};
	struct event treated = {.kind = EVENT_TREATED, .number = NUMBER};
	const struct line_treatment lines = {
	    .line = 1, .grams = 800000, .containers = 4, .method = span_str("R9")};
	struct event e = enrolment(ROLE_FACILITY);

	treated.treated = (struct treated){.facility = party_of(FACILITY), .lines = &lines, .lines_n = 1};
	ENTER(&revoked, REGISTRAR);
	cr_expect_not(whole_has("key.revoked"), "what it signed before was good when it was taken");
	ENTER(&treated, FACILITY);
	cr_expect(whole_has("key.revoked"), "the log had the revocation already");
	end();
	begin();
	e.key_enrolled.valid_from = 1001;
	ENTER(&e, REGISTRAR, OPERATOR);
	ENTER(&treated, OPERATOR);
	cr_expect(whole_has("key.early"), "not yet valid");
	end();
	begin();
	ENTER(&treated, OPERATOR);
	e = enrolment(ROLE_FACILITY);
	ENTER(&e, REGISTRAR, OPERATOR);
	cr_expect(whole_has("key.later"), "enrolled after it had signed");
}

TRAIL(another_log_s_key)
{
	struct note_key key = server->log_key;
	const struct trail t = whole();
	struct verified v;

	cr_assert(note_key_make(key.name, NOTE_ED25519, &people[0].public, &key));
	cr_assert(trail_verify(&t, &key, arena, &v));
	cr_expect_eq(v.proofs, 0);
	cr_expect(found(&v, "note.key_missing"));
	cr_expect(found(&v, "key.unknown"), "no key is believed whose enrolment is not proved");
}

/* ---- two sides ---- */

static struct event two_sided(void)
{
	struct event e = {
	    .kind = EVENT_LOADED, .number = NUMBER, .occurred_at = 5, .previous = head, .signers_n = 2};

	e.transfer = (struct transfer){
	    .to = party_of(HAULER), .plate = span_str("A1"), .lines = &quantity, .lines_n = 1};
	return e;
}

TRAIL(a_card_an_event_and_a_counter_signature)
{
	struct buffer text = BUFFER_EMPTY;
	struct buffer half = BUFFER_EMPTY;
	struct buffer done = BUFFER_EMPTY;
	struct problems problems = {.arena = arena};
	const struct card shown = {.key = people[HAULER].public,
				   .signer = next_signer(HAULER),
				   .checkpoint = span_str("log.test/1\n1\nAA==\n\n— log.test/1 AA==\n")};
	const struct span none = {.n = 0};
	const struct secret_key *giver = &people[GENERATOR].secret;
	struct event e = two_sided();
	struct event_file file;
	struct mft_signed s;
	struct card card;

	cr_assert(card_put(&shown, &text));
	cr_assert(card_parse(buffer_span(&text), arena, &card, NULL));
	cr_assert(digest_eq(&card.signer.keyid, &people[HAULER].keyid));
	cr_assert_eq(card.signer.number, shown.signer.number);
	cr_assert_eq(card.signer.seen.size, 1);
	cr_assert(span_eq(card.checkpoint, shown.checkpoint));

	e.signers[0] = next_signer(GENERATOR);
	e.signers[1] = card.signer;
	cr_assert(mft_sign(&e, &giver, 1, &half, NULL));
	buffer_clear(&text);
	cr_assert(event_file_put(buffer_span(&half), &people[GENERATOR].public, &none, 1, &text));
	cr_assert(event_file_parse(buffer_span(&text), arena, &file, NULL));
	cr_assert_eq(file.checkpoints[0].n, 0);
	buffer_clear(&text);
	cr_assert(event_file_put(buffer_span(&half), &people[GENERATOR].public, &shown.checkpoint, 1, &text));
	cr_assert(event_file_parse(buffer_span(&text), arena, &file, NULL));
	cr_assert(span_eq(file.checkpoints[0], shown.checkpoint));
	cr_assert(span_eq(file.envelope, buffer_span(&half)));
	cr_assert(mft_signed_read(file.envelope, arena, &problems, &s));
	cr_assert_not(s.complete);
	cr_assert(mft_signed_holds(&s, 0, &file.keys[0]));
	cr_assert_not(mft_signed_holds(&s, 0, &people[HAULER].public));
	cr_assert_not(mft_signed_holds(&s, 1, &people[HAULER].public));

	struct mft_failure failure = {0};
	cr_assert_not(mft_countersign(&s, giver, &done, &failure));
	cr_assert_str_eq(failure.id, "event.not_my_turn");
	cr_assert(mft_countersign(&s, &people[HAULER].secret, &done, NULL));
	cr_assert(mft_signed_read(buffer_span(&done), arena, &problems, &s));
	cr_assert(s.complete);
	cr_assert(mft_signed_holds(&s, 1, &people[HAULER].public));
	cr_assert_not(mft_countersign(&s, &people[HAULER].secret, &done, &failure));
	cr_assert_str_eq(failure.id, "event.complete");
	buffer_free(&text);
	buffer_free(&half);
	buffer_free(&done);
}

TRAIL(an_event_is_signed_by_its_signers_alone)
{
	const struct secret_key *wrong = &people[FACILITY].secret;
	struct buffer envelope = BUFFER_EMPTY;
	struct mft_failure failure = {0};
	struct event e = two_sided();

	e.signers[0] = next_signer(GENERATOR);
	e.signers[1] = next_signer(HAULER);
	cr_assert_not(mft_sign(&e, &wrong, 1, &envelope, &failure));
	cr_assert_str_eq(failure.id, "event.not_signed");
	cr_assert_not(mft_sign(&e, &wrong, 0, &envelope, NULL));
	buffer_free(&envelope);
}

TRAIL(files_are_read_strictly)
{
	static const char *const bad[] = {
	    "",
	    "{",
	    "[]",
	    "{}",
	    "{\"manifest-card\":1}",
	    "{\"manifest-card\":1,\"key\":\"MANIFEST-PUBLIC-KEY-1:AAAA\",\"number\":\"1\"}",
	    "{\"manifest-card\":1,\"key\":\"MANIFEST-PUBLIC-KEY-1:ukSfsG8DAcoLP7FS9ZqLEKVOQDQ1+"
	    "XaOJPlbqavPFE0=\",\"number\":\"0\"}",
	    "{\"manifest-card\":1,\"key\":\"MANIFEST-PUBLIC-KEY-1:ukSfsG8DAcoLP7FS9ZqLEKVOQDQ1+"
	    "XaOJPlbqavPFE0=\",\"number\":1}",
	    "{\"manifest-trail\":1,\"number\":\"1\",\"entries\":[]}",
	    "{\"manifest-trail\":1,\"number\":\"20262101000001\",\"entries\":[1]}"};
	struct mft_failure failure = {0};
	struct event_file file;
	struct trail trail;
	struct card card;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		cr_expect_not(card_parse(span_str(bad[i]), arena, &card, &failure), "%s", bad[i]);
		cr_expect_not(trail_parse(span_str(bad[i]), arena, &trail, &failure), "%s", bad[i]);
		if (bad[i][0] == '{' && i != 1)
			cr_expect_not(event_file_parse(span_str(bad[i]), arena, &file, &failure), "%s",
				      bad[i]);
	}
	cr_expect(card_parse(span_str("{\"manifest-card\":1,\"key\":\"MANIFEST-PUBLIC-KEY-1:"
				      "ukSfsG8DAcoLP7FS9ZqLEKVOQDQ1+XaOJPlbqavPFE0=\",\"number\":\"1\"}"),
			     arena, &card, NULL));
}
