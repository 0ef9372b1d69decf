/* The client's session against an honest server and against one that lies in every way there is. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "fake_server.h"
#include "libmanifest/session.h"

static struct fake_server *server;
static struct mft_view *view;

static void begin(void)
{
	server = fake_server_new();
	view = mft_view_new(span_str(server->vkey), NULL);
	cr_assert_not_null(view);
}

static void end(void)
{
	mft_view_free(view);
	fake_server_free(server);
}

static struct mft_session *session(bool later)
{
	struct mft_session_config config = {
	    .view = view, .role = ROLE_GENERATOR, .agent = "test", .settle_later = later};
	const uint8_t seed[SEED_SIZE] = {1};
	struct public_key public;

	key_from_seed(seed, &config.secret, &public);
	struct mft_session *s = mft_session_new(&config, &server->binding);
	cr_assert_not_null(s);
	return s;
}

/* Until there is news, or both have nothing to say. */
static struct mft_news news(struct mft_session *s)
{
	struct mft_news n;

	do
		mft_session_next(s, &n);
	while (n.kind == MFT_NOTHING && fake_server_serve(server, s));
	return n;
}

static struct mft_session *welcomed(bool later)
{
	struct mft_session *s = session(later);

	fake_server_greet(server, s);
	struct mft_news n = news(s);
	cr_assert_eq(n.kind, MFT_WELCOME);
	return s;
}

static struct span envelope(size_t i)
{
	return span_str(arena_printf(server->arena, "an envelope, whatever it says: %zu", i));
}

#define SESSION(name) Test(client_session, name, .init = begin, .fini = end)

SESSION(an_event_is_accepted_and_the_view_follows)
{
	struct mft_session *s = welcomed(false);

	cr_assert_eq(mft_view_size(view), 5);
	uint64_t id = mft_session_submit(s, envelope(1));
	cr_assert_neq(id, 0);
	cr_assert_eq(mft_session_under_way(s), 1);
	struct mft_news n = news(s);
	cr_assert_eq(n.kind, MFT_ACCEPTED);
	cr_assert_eq(n.id, id);
	cr_assert(n.last && n.settled);
	cr_assert_eq(n.receipt.index, 5);
	cr_assert_eq(n.accepted_at, 1005);
	cr_assert_eq(mft_view_size(view), 6);
	cr_assert_eq(mft_session_under_way(s), 0);
	cr_assert_eq(server->checkpoint_queries, 1,
		     "the receipt's checkpoint was the latest: one question will do");
	cr_assert_eq(news(s).kind, MFT_NOTHING);
	mft_session_free(s);
}

SESSION(nothing_may_be_sent_before_the_welcome)
{
	struct mft_session *s = session(false);
	const struct query q = {.kind = QUERY_BLOCKS};

	cr_assert_eq(mft_session_submit(s, envelope(1)), 0);
	cr_assert_eq(mft_session_query(s, &q), 0);
	cr_assert_not(mft_session_settle(s));
	cr_assert_eq(mft_session_output(s)->n, 0);
	mft_session_free(s);
}

/* Many under way, committed in batches: every one is told once, and few questions are asked. */
SESSION(many_events_in_batches)
{
	enum { EVENTS = 1000 };
	struct mft_session *s = welcomed(false);
	bool told[EVENTS + 2] = {false};
	size_t n = 0;

	server->batch = 7;
	for (size_t i = 0; i < EVENTS; i++) {
		cr_assert_neq(mft_session_submit(s, envelope(i)), 0);
		if (i % 50 == 49)
			(void)fake_server_serve(server, s);
	}
	(void)fake_server_serve(server, s);
	fake_server_commit(server, s);
	for (struct mft_news m = news(s); m.kind != MFT_NOTHING; m = news(s)) {
		cr_assert_eq(m.kind, MFT_ACCEPTED, "%s", m.kind == MFT_BROKEN ? m.failure.en : "");
		cr_assert(m.id >= 2 && m.id < EVENTS + 2 && !told[m.id]);
		told[m.id] = true;
		n++;
	}
	cr_assert_eq(n, EVENTS);
	cr_assert_eq(mft_view_size(view), 5 + EVENTS);
	cr_assert_leq(server->checkpoint_queries, EVENTS / 7 + 4);
	mft_session_free(s);
}

/* Both sizes are named: that the log grows between the questions of a round changes nothing. */
SESSION(a_round_while_the_log_grows)
{
	struct mft_session *s = welcomed(false);
	struct mft_news n;

	cr_assert_neq(mft_session_submit(s, envelope(1)), 0);
	(void)fake_server_serve(server, s);
	fake_server_append(server, envelope(90));
	mft_session_next(s, &n);
	cr_assert_eq(n.kind, MFT_NOTHING, "the receipt is under size 6, and that is not known yet");
	(void)fake_server_serve(server, s);
	fake_server_append(server, envelope(91));
	mft_session_next(s, &n);
	cr_assert_eq(n.kind, MFT_ACCEPTED);
	cr_assert_eq(mft_view_size(view), 6);
	cr_assert_eq(server->checkpoint_queries, 1);
	mft_session_free(s);
}

/* The server shows an entry under an older checkpoint, since that one has more cosignatures. */
SESSION(an_entry_under_an_older_checkpoint)
{
	struct mft_session *s = welcomed(false);
	const struct query q = {.kind = QUERY_ENTRY, .index = 3};

	cr_assert_neq(mft_session_submit(s, envelope(1)), 0);
	cr_assert_eq(news(s).kind, MFT_ACCEPTED);
	cr_assert_eq(mft_view_size(view), 6);
	server->entry_size = 4;
	cr_assert_neq(mft_session_query(s, &q), 0);
	struct mft_news n = news(s);
	cr_assert_eq(n.kind, MFT_ANSWER, "%s", n.kind == MFT_BROKEN ? n.failure.en : "");
	cr_assert_eq(n.answer.entry.index, 3);
	cr_assert_eq(mft_view_size(view), 6);
	cr_assert_eq(server->checkpoint_queries, 2);
	/* but not one of another history */
	server->leaves[2] = merkle_leaf(span_str("another history"));
	server->entry_size = 5;
	cr_assert_neq(mft_session_query(s, &q), 0);
	n = news(s);
	cr_assert_eq(n.kind, MFT_BROKEN);
	cr_assert_str_eq(n.failure.id, "checkpoint.not_consistent");
	mft_session_free(s);
}

SESSION(two_sessions_share_a_view)
{
	struct mft_session *a = welcomed(false);
	struct mft_session *b = welcomed(false);

	for (size_t i = 0; i < 20; i++) {
		cr_assert_neq(mft_session_submit(i % 2 ? a : b, envelope(i)), 0);
		cr_assert_eq(news(i % 2 ? a : b).kind, MFT_ACCEPTED);
	}
	cr_assert_eq(mft_view_size(view), 25);
	mft_session_free(a);
	mft_session_free(b);
}

SESSION(settled_later)
{
	struct mft_session *s = welcomed(true);

	for (size_t i = 0; i < 10; i++)
		cr_assert_neq(mft_session_submit(s, envelope(i)), 0);
	for (size_t i = 0; i < 10; i++) {
		struct mft_news n = news(s);
		cr_assert_eq(n.kind, MFT_ACCEPTED);
		cr_assert_not(n.settled);
	}
	cr_assert_eq(server->checkpoint_queries, 0);
	cr_assert_eq(mft_view_size(view), 5);
	cr_assert(mft_session_settle(s));
	cr_assert_eq(news(s).kind, MFT_SETTLED);
	cr_assert_eq(mft_view_size(view), 15);
	mft_session_free(s);
}

/* A lie at each place, and what it is called. `known`: the client has seen the log at size 5 before. */
static const struct {
	enum lie lie;
	enum mft_fault fault;
	const char *id;
	bool known;
} lies[] = {
    {LIE_VERSION, MFT_FAULT_PROTOCOL, "protocol", false},
    {LIE_CHALLENGE, MFT_FAULT_DISPROVED, "checkpoint.origin", false},
    {LIE_SILENT_HELLO, MFT_FAULT_PROTOCOL, "protocol", false},
    {LIE_LENGTH, MFT_FAULT_PROTOCOL, "protocol", false},
    {LIE_GARBAGE, MFT_FAULT_PROTOCOL, "protocol", false},
    {LIE_WELCOME_KEY, MFT_FAULT_DISPROVED, "note.key_missing", false},
    {LIE_WELCOME_ROOT, MFT_FAULT_DISPROVED, "checkpoint.not_consistent", true},
    {LIE_WELCOME_SMALLER, MFT_FAULT_DISPROVED, "checkpoint.went_back", true},
    {LIE_WELCOME_PROOF, MFT_FAULT_DISPROVED, "checkpoint.not_consistent", true},
    {LIE_PROOF, MFT_FAULT_DISPROVED, "proof.not_included", false},
    {LIE_ENTRY, MFT_FAULT_DISPROVED, "receipt.other_entry", false},
    {LIE_ENVELOPE, MFT_FAULT_DISPROVED, "receipt.other_entry", false},
    {LIE_INDEX, MFT_FAULT_DISPROVED, "proof.index", false},
    {LIE_KEY, MFT_FAULT_DISPROVED, "note.key_missing", false},
    {LIE_SMALLER, MFT_FAULT_DISPROVED, "checkpoint.went_back", false},
    {LIE_HISTORY, MFT_FAULT_DISPROVED, "checkpoint.not_consistent", false},
    {LIE_CONSISTENCY, MFT_FAULT_DISPROVED, "checkpoint.not_consistent", false},
    {LIE_LATEST, MFT_FAULT_DISPROVED, "checkpoint.went_back", false},
    {LIE_REFUSE_PROOF, MFT_FAULT_PROTOCOL, "protocol", false},
    {LIE_ID, MFT_FAULT_PROTOCOL, "protocol", false},
    {LIE_KIND, MFT_FAULT_PROTOCOL, "protocol", false},
};

static void lie_once(size_t i)
{
	const struct query q = {.kind = QUERY_BLOCKS};
	struct mft_news n;

	begin();
	if (lies[i].known) {
		mft_session_free(welcomed(false));
		for (size_t k = 0; k < 3; k++)
			fake_server_append(server, envelope(k));
	}
	uint64_t before = mft_view_size(view);
	server->lie = lies[i].lie;
	struct mft_session *s = session(false);
	fake_server_greet(server, s);
	n = news(s);
	if (n.kind == MFT_WELCOME) {
		struct span e =
		    server->lie == LIE_SMALLER ? span_str("the log's first entries") : envelope(7);
		before = mft_view_size(view);
		cr_assert_neq(server->lie == LIE_KIND ? mft_session_query(s, &q) : mft_session_submit(s, e),
			      0);
		n = news(s);
	}
	cr_assert_eq(n.kind, MFT_BROKEN, "lie %d was believed: news %d", (int)lies[i].lie, (int)n.kind);
	cr_expect_eq(n.failure.fault, lies[i].fault, "lie %d: %s", (int)lies[i].lie, n.failure.en);
	cr_expect_str_eq(n.failure.id, lies[i].id, "lie %d: %s", (int)lies[i].lie, n.failure.id);
	cr_expect_eq(mft_view_size(view), before, "lie %d moved the view", (int)lies[i].lie);
	if (n.failure.fault == MFT_FAULT_DISPROVED)
		cr_expect_gt(n.evidence.n, 0, "lie %d left no evidence", (int)lies[i].lie);
	/* It is over for good. */
	cr_expect_eq(mft_session_submit(s, envelope(8)), 0);
	mft_session_next(s, &n);
	cr_expect_eq(n.kind, MFT_BROKEN);
	mft_session_free(s);
	end();
}

Test(client_session, no_lie_is_believed)
{
	bool told[LIES] = {[HONEST] = true};

	for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
		lie_once(i);
		told[lies[i].lie] = true;
	}
	for (size_t lie = 0; lie < LIES; lie++)
		cr_expect(told[lie], "lie %zu was not told", lie);
}

/* Bytes one at a time mean the same. */
SESSION(bytes_may_come_in_any_pieces)
{
	struct mft_session *s = session(false);
	const struct frame challenge = {.last = true,
					.kind = FRAME_CHALLENGE,
					.challenge = {.nonce = digest_of(span_str("nonce")),
						      .origin = mft_view_origin(view),
						      .version = 1,
						      .server_time = 1}};
	struct buffer bytes = BUFFER_EMPTY;
	struct mft_news n;

	cr_assert(frame_encode(&challenge, &bytes));
	for (size_t i = 0; i < bytes.n; i++) {
		cr_assert_eq(mft_session_output(s)->n, 0);
		cr_assert(mft_session_input(s, span_of(bytes.p + i, 1)));
		mft_session_next(s, &n);
		cr_assert_eq(n.kind, MFT_NOTHING);
	}
	cr_assert_gt(mft_session_output(s)->n, 0);
	cr_assert_eq(news(s).kind, MFT_WELCOME);
	buffer_free(&bytes);
	mft_session_free(s);
}

/* ---- the view ---- */

SESSION(a_kept_checkpoint_is_checked_again)
{
	struct span checkpoint = fake_server_checkpoint(server, 5);
	struct buffer altered = BUFFER_EMPTY;

	cr_assert_eq(mft_view_restore(view, checkpoint), LOG_HOLDS);
	cr_assert_eq(mft_view_size(view), 5);
	for (size_t i = 0; i < checkpoint.n; i++) {
		buffer_clear(&altered);
		buffer_put_span(&altered, checkpoint);
		altered.p[i] ^= 1;
		struct mft_view *fresh = mft_view_new(span_str(server->vkey), NULL);
		cr_expect_neq(mft_view_restore(fresh, buffer_span(&altered)), LOG_HOLDS, "byte %zu", i);
		cr_expect_eq(mft_view_size(fresh), 0);
		mft_view_free(fresh);
	}
	buffer_free(&altered);
}

SESSION(a_view_never_goes_back)
{
	const struct mft_place nothing = {0};
	struct mft_place five;
	struct mft_place three;

	cr_assert_eq(mft_view_link(view, &nothing, fake_server_checkpoint(server, 5), NULL, 0, &five),
		     LOG_HOLDS);
	cr_assert_eq(mft_view_link(view, &nothing, fake_server_checkpoint(server, 3), NULL, 0, &three),
		     LOG_HOLDS);
	cr_assert(mft_view_advance(view, fake_server_checkpoint(server, 5), &five));
	cr_assert(mft_view_advance(view, fake_server_checkpoint(server, 3), &three));
	cr_assert_eq(mft_view_size(view), 5);
	cr_assert_eq(mft_view_knows(view, &three), LOG_HOLDS);
	three.root.b[0] ^= 1;
	cr_assert_eq(mft_view_knows(view, &three), LOG_NOT_CONSISTENT);
	three.size = 4;
	cr_assert_eq(mft_view_knows(view, &three), LOG_KEY_MISSING);
	cr_assert_eq(mft_view_link(view, &five, fake_server_checkpoint(server, 3), NULL, 0, &three),
		     LOG_WENT_BACK);
}

Test(client_session, a_log_key_is_one_line)
{
	struct mft_failure failure = {0};

	cr_assert_null(mft_view_new(span_str("log.test/1"), &failure));
	cr_assert_str_eq(failure.id, "log.vkey");
	cr_assert_null(mft_view_new(span_str(""), NULL));
}
