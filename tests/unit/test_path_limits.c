/* That nobody's share is another's loss: reads of a key, events of a connection, frames that cannot be read.
 */
#include <criterion/criterion.h>

#include "rig.h"

enum { READS = 64 }; /* of one key */

static const struct query flags = {.kind = QUERY_FLAGS};

static void no_answer(void *self, const struct read_result *result)
{
	*(enum refusal_kind *)self = result->refused;
}

Test(path_limits, a_key_has_so_many_reads_under_way_over_all_its_connections)
{
	struct rig *r = rig_new(world_new());
	struct reader_identity who;
	enum refusal_kind refused = REFUSAL_NONE, answered = REFUSAL_FAULT;

	r->config.requests_max = 1000;
	rig_start(r);
	rig_settle(r);
	conn_id conns[] = {rig_connect(r, GENERATOR, ROLE_GENERATOR),
			   rig_connect(r, GENERATOR, ROLE_GENERATOR)};
	conn_id other = rig_connect(r, INSPECTOR, ROLE_INSPECTOR);
	rig_query(r, conns[0], 2, &(struct query){.kind = QUERY_TOKEN, .seconds = 60});
	cr_assert(path_token(r->path, rig_answer(r, conns[0], 2)->answer.token.token, &who));

	for (uint64_t i = 0; i < READS; i++)
		rig_query(r, conns[i % 2], 100 + i, &flags);
	/* Also what costs no token, and the same key's over HTTP. */
	rig_query(r, conns[0], 3, &(struct query){.kind = QUERY_CHECKPOINT});
	cr_assert(rig_refused(r, conns[0], 3, REFUSAL_LATER, "limit.busy"), "%s", rig_words(r, conns[0], 3));
	cr_assert_gt(rig_answer(r, conns[0], 3)->refusal.retry_after, 0);
	cr_assert_not(path_read(r->path, &who, &flags, no_answer, &answered, &refused));
	cr_assert_eq(refused, REFUSAL_LATER);
	cr_assert_eq(path_status(r->path).under_way, READS);
	rig_query(r, other, 2, &flags);
	rig_drain(r);
	cr_assert_eq(rig_answer(r, other, 2)->kind, FRAME_ANSWER);
	for (uint64_t i = 0; i < READS; i++)
		cr_assert_eq(rig_answer(r, conns[i % 2], 100 + i)->kind, FRAME_ANSWER);

	for (uint64_t i = 0; i < READS - 1; i++)
		rig_query(r, conns[1], 200 + i, &flags);
	cr_assert(path_read(r->path, &who, &flags, no_answer, &answered, &refused));
	rig_query(r, conns[1], 4, &flags);
	cr_assert(rig_refused(r, conns[1], 4, REFUSAL_LATER, "limit.busy"));
	/* What its connection does not wait for any more counts until it ends. */
	rig_close(r, conns[1]);
	rig_query(r, conns[0], 5, &flags);
	cr_assert(rig_refused(r, conns[0], 5, REFUSAL_LATER, "limit.busy"));
	rig_drain(r);
	cr_assert_eq(answered, REFUSAL_NONE);
	rig_query(r, conns[0], 6, &flags);
	rig_drain(r);
	cr_assert_eq(rig_answer(r, conns[0], 6)->kind, FRAME_ANSWER);
	cr_assert_eq(path_status(r->path).under_way, 0);
	cr_assert(r->gate_open && r->gate_moves == 0);
	rig_free(r);
}

Test(path_limits, a_connection_with_its_share_of_events_under_way_is_not_read_alone)
{
	struct rig *r = rig_new(world_new());

	r->config.requests_max = 64;
	rig_start(r);
	rig_settle(r);
	conn_id busy = rig_connect(r, GENERATOR, ROLE_GENERATOR);
	conn_id calm = rig_connect(r, GENERATOR, ROLE_GENERATOR);
	for (uint64_t i = 1; i <= 7; i++)
		rig_submit(r, busy, 1 + i, rig_issue(r, NUMBER(i)));
	cr_assert_not(r->conns[busy].held);
	/* The eighth of 64 shuts it. What was on its way all the same is taken. */
	for (uint64_t i = 8; i <= 9; i++)
		rig_submit(r, busy, 1 + i, rig_issue(r, NUMBER(i)));
	cr_assert(r->conns[busy].held && r->gate_open && !r->conns[calm].held);
	cr_assert_eq(path_counters(r->path)->connections_held, 1);
	rig_submit(r, calm, 2, rig_issue(r, NUMBER(10)));
	rig_settle(r);
	cr_assert_not(r->conns[busy].held);
	for (uint64_t i = 1; i <= 9; i++)
		cr_assert(rig_accepted(r, busy, 1 + i), "%s", rig_words(r, busy, 1 + i));
	cr_assert(rig_accepted(r, calm, 2));
	/* Repeated ones count until their receipts are read again, and refused ones not at all. */
	for (uint64_t i = 0; i < 8; i++)
		rig_submit(r, busy, 30 + i, rig_issue(r, NUMBER(20 + i)));
	cr_assert(r->conns[busy].held);
	rig_close(r, busy);
	rig_settle(r);
	cr_assert_eq(path_status(r->path).under_way, 0);
	rig_free(r);
}

Test(path_limits, a_server_that_ends_holds_nobody)
{
	struct rig *r = rig_writing();
	conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);

	for (uint64_t i = 1; i <= 8; i++)
		rig_submit(r, conn, 1 + i, rig_issue(r, NUMBER(i)));
	cr_assert(r->conns[conn].held);
	rig_free(r);
}

/* A query for flags with a party's code of one letter and a division of one digit: {id 8, query {...}}. */
static const char bad_query[] = "\x08\x08\xa2\x01\x0b\x0a\x09\x12\x04\x0a\x02\x4f\x4f\x1a\x01\x32";

Test(path_limits, a_frame_that_cannot_be_read_is_refused_alone)
{
	struct rig *r = rig_new(world_new());
	uint64_t id = 8;

	r->config.tuning.key_events = (struct bucket_rate){.per_second = 1, .burst = 3};
	rig_start(r);
	rig_settle(r);
	conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);
	struct span bad = span_of(bad_query, sizeof(bad_query) - 1);
	r->sink.frame(r->sink.self, conn, bad);
	cr_assert(rig_refused(r, conn, id, REFUSAL_MALFORMED, NULL), "%s", rig_words(r, conn, id));
	cr_assert_geq(rig_answer(r, conn, id)->refusal.problems_n, 2, "%s", rig_words(r, conn, id));
	cr_assert_null(r->conns[conn].closed_by_path);
	rig_query(r, conn, 9, &flags);
	rig_drain(r);
	cr_assert_eq(rig_answer(r, conn, 9)->kind, FRAME_ANSWER);
	/* It costs what it would have cost: the third token is the last. */
	uint8_t more[sizeof(bad_query)];
	memcpy(more, bad_query, sizeof(more));
	for (more[1] = 10; more[1] < 12; more[1]++)
		r->sink.frame(r->sink.self, conn, span_of(more, sizeof(bad_query) - 1));
	cr_assert(rig_refused(r, conn, 11, REFUSAL_MALFORMED, NULL));
	cr_assert_str_eq(r->conns[conn].closed_by_path, "malformed frame");
	rig_free(r);
}

Test(path_limits, a_frame_whose_refusal_finds_no_request_ends_the_connection)
{
	struct rig *r = rig_writing();
	conn_id stranger = rig_open(r);
	conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);

	r->sink.frame(r->sink.self, conn, span_str("\xff\xff"));
	cr_assert_str_eq(r->conns[conn].closed_by_path, "malformed frame");
	r->sink.frame(r->sink.self, stranger, span_of(bad_query, sizeof(bad_query) - 1));
	cr_assert_str_eq(r->conns[stranger].closed_by_path, "malformed frame");
	cr_assert_eq(path_status(r->path).under_way, 0);
	rig_free(r);
}

Test(path_limits, a_question_that_takes_too_long_is_told_to_ask_for_less)
{
	struct rig *r = rig_writing();
	conn_id conn = rig_connect(r, INSPECTOR, ROLE_INSPECTOR);

	r->store->script[CALL_QUERY].fault = FAULT_SLOW;
	r->store->script[CALL_QUERY].times = 1;
	rig_query(r, conn, 2, &flags);
	rig_query(r, conn, 3, &flags);
	rig_drain(r);
	cr_assert(rig_refused(r, conn, 2, REFUSAL_LATER, "query.slow"), "%s", rig_words(r, conn, 2));
	cr_assert_eq(rig_answer(r, conn, 3)->kind, FRAME_ANSWER);
	rig_free(r);
}
