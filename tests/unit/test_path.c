/* Events on their way: order, repetition, limits, and the end. */
#include <criterion/criterion.h>

#include "rig.h"

static const struct signed_event *load(struct rig *r, uint64_t number, const struct digest *previous)
{
	struct event e = world_step(r->w, EVENT_LOADED, number, previous);

	return SIGN(r->w, &e, GENERATOR, HAULER);
}

static const struct signed_event *issue_by_new_device(struct rig *r, uint64_t number)
{
	struct event e = world_issued(r->w, number);

	return SIGN(r->w, &e, NEW_DEVICE);
}

static void nothing_left(const struct rig *r)
{
	struct path_status status = path_status(r->path);

	cr_assert_eq(status.under_way, 0);
	cr_assert_eq(status.queued, 0);
}

/* ---- receipts ---- */

Test(path, an_event_gets_a_receipt_that_holds)
{
	struct rig *r = rig_writing();
	conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);
	const struct signed_event *e = rig_issue(r, NUMBER(1));
	uint64_t size = r->store->head.size;

	rig_submit(r, conn, 7, e);
	rig_drain(r);
	cr_assert(rig_accepted(r, conn, 7), "%s", rig_words(r, conn, 7));
	const struct receipt *receipt = &rig_answer(r, conn, 7)->receipt;
	struct log_entry entry;
	cr_assert(log_entry_decode(receipt->entry, &entry));
	cr_assert(span_eq(entry.envelope, e->envelope));
	cr_assert_eq(receipt->index, size);
	cr_assert_not(receipt->repeated);
	cr_assert_eq(path_counters(r->path)->accepted, 1);
	nothing_left(r);
	rig_free(r);
}

Test(path, an_event_sent_again_gets_its_old_entry)
{
	struct rig *r = rig_writing();
	conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);
	const struct signed_event *e = rig_issue(r, NUMBER(1));

	/* Twice in one batch, and once later. */
	rig_submit(r, conn, 2, e);
	rig_submit(r, conn, 3, e);
	rig_drain(r);
	rig_submit(r, conn, 4, e);
	rig_drain(r);
	for (uint64_t id = 2; id <= 4; id++) {
		cr_assert(rig_accepted(r, conn, id), "%s", rig_words(r, conn, id));
		cr_assert_eq(rig_answer(r, conn, id)->receipt.repeated, id > 2);
		cr_assert_eq(rig_answer(r, conn, id)->receipt.index, rig_answer(r, conn, 2)->receipt.index);
	}
	cr_assert_eq(path_counters(r->path)->accepted, 1);
	cr_assert_eq(path_counters(r->path)->repeated, 2);
	nothing_left(r);
	rig_free(r);
}

Test(path, two_in_one_batch_with_the_same_event_are_one_entry)
{
	struct rig *r = rig_writing();
	conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);
	conn_id other = rig_connect(r, HAULER, ROLE_TRANSPORTER);
	const struct signed_event *hold = rig_issue(r, NUMBER(1)), *e = rig_issue(r, NUMBER(2));
	uint64_t batches = path_counters(r->path)->batches;

	rig_submit(r, conn, 2, hold);
	while (rig_run(r, LANE_VERIFY) && rig_end(r, LANE_VERIFY, 0))
		;
	/* A batch is in flight: these two wait, and go together. */
	rig_submit(r, conn, 3, e);
	rig_submit(r, other, 3, e);
	rig_drain(r);
	cr_assert_eq(path_counters(r->path)->batches, batches + 2);
	cr_assert(rig_accepted(r, conn, 3) && rig_accepted(r, other, 3));
	cr_assert_not(rig_answer(r, conn, 3)->receipt.repeated);
	cr_assert(rig_answer(r, other, 3)->receipt.repeated);
	cr_assert_eq(rig_answer(r, conn, 3)->receipt.index, rig_answer(r, other, 3)->receipt.index);
	rig_free(r);
}

/* ---- order ---- */

Test(path, the_order_of_a_connection_is_kept_whatever_the_verifiers_do)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct rig *r = rig_writing();
		conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);
		uint64_t random = seed, id = 2, first = r->store->head.size;
		r->config.requests_max = 1000;
		for (unsigned i = 1; i <= 25; i++) {
			const struct signed_event *e = rig_issue(r, NUMBER(i));
			rig_submit(r, conn, id++, e);
			rig_submit(r, conn, id++, load(r, NUMBER(i), &e->event.id));
		}
		/* Each step ends whichever group the seed says; batches go on in between. */
		for (int i = 0; i < 10000 && path_status(r->path).under_way > 0; i++) {
			switch (seed_next(&random, 5)) {
			case 0: (void)rig_run(r, LANE_VERIFY); break;
			case 1:
				if (r->lanes[LANE_VERIFY].ran > 0)
					(void)rig_end(r, LANE_VERIFY,
						      seed_next(&random, r->lanes[LANE_VERIFY].ran));
				break;
			case 2: (void)rig_run(r, LANE_WRITER); break;
			case 3: (void)rig_end(r, LANE_WRITER, 0); break;
			default: path_tick(r->path); break;
			}
		}
		for (uint64_t i = 2; i < id; i++) {
			cr_assert(rig_accepted(r, conn, i), "seed %llu: %s", (unsigned long long)seed,
				  rig_words(r, conn, i));
			cr_assert_eq(rig_answer(r, conn, i)->receipt.index, first + i - 2);
		}
		nothing_left(r);
		rig_free(r);
	}
}

Test(path, what_a_verifier_has_done_counts_when_the_main_thread_hears_of_it)
{
	struct rig *r = rig_writing();
	conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);
	struct device_key *d = &r->w->devices[GENERATOR];
	struct secret_key good = d->secret;

	/* A bad signature: only hearing of it answers it. */
	d->secret = r->w->devices[NEW_DEVICE].secret;
	rig_submit(r, conn, 2, rig_issue(r, NUMBER(1)));
	d->secret = good;
	cr_assert(rig_run(r, LANE_VERIFY));
	path_tick(r->path);
	cr_assert_eq(r->lanes[LANE_WRITER].n, 0, "taken into a batch from under the verifier's hands");
	rig_drain(r);
	cr_assert(rig_refused(r, conn, 2, REFUSAL_SIGNATURE, "signature"), "%s", rig_words(r, conn, 2));
	nothing_left(r);
	rig_free(r);
}

/* ---- keys ---- */

Test(path, a_key_enrolled_just_before_is_known)
{
	struct rig *r = rig_writing();
	conn_id conn = rig_connect(r, REGISTRAR, ROLE_REGISTRAR);

	rig_submit(r, conn, 2, rig_enrolment(r));
	rig_submit(r, conn, 3, issue_by_new_device(r, NUMBER(1)));
	rig_submit(r, conn, 4, rig_issue(r, NUMBER(2)));
	rig_submit(r, conn, 5, issue_by_new_device(r, NUMBER(3)));
	rig_drain(r);
	for (uint64_t id = 2; id <= 5; id++)
		cr_assert(rig_accepted(r, conn, id), "%llu: %s", (unsigned long long)id,
			  rig_words(r, conn, id));
	nothing_left(r);
	rig_free(r);
}

Test(path, a_key_never_enrolled_is_refused_and_holds_nobody_up)
{
	struct rig *r = rig_writing();
	conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);

	rig_submit(r, conn, 2, issue_by_new_device(r, NUMBER(1)));
	rig_submit(r, conn, 3, rig_issue(r, NUMBER(2)));
	rig_drain(r);
	cr_assert(rig_refused(r, conn, 2, REFUSAL_SIGNATURE, "key.not_enrolled"), "%s",
		  rig_words(r, conn, 2));
	cr_assert(rig_accepted(r, conn, 3), "%s", rig_words(r, conn, 3));
	nothing_left(r);
	rig_free(r);
}

Test(path, a_forged_signature_is_refused_before_it_is_judged)
{
	struct rig *r = rig_writing();
	conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);
	struct device_key *d = &r->w->devices[GENERATOR];
	struct secret_key good = d->secret;

	uint64_t batches = path_counters(r->path)->batches;
	d->secret = r->w->devices[NEW_DEVICE].secret;
	const struct signed_event *e = rig_issue(r, NUMBER(1));
	d->secret = good;
	rig_submit(r, conn, 2, e);
	rig_drain(r);
	cr_assert(rig_refused(r, conn, 2, REFUSAL_SIGNATURE, "signature"), "%s", rig_words(r, conn, 2));
	cr_assert_eq(path_counters(r->path)->batches, batches);
	nothing_left(r);
	rig_free(r);
}

/* ---- limits ---- */

Test(path, token_buckets_say_how_long_to_wait)
{
	static const struct bucket_rate one = {.per_second = 1, .burst = 2};
	static const struct bucket_rate few_bytes = {.per_second = 100, .burst = 1000};

	for (int which = 0; which < 4; which++) {
		struct rig *r = rig_new(world_new());
		*(which == 0   ? &r->config.tuning.key_events
		  : which == 1 ? &r->config.tuning.party_events
		  : which == 2 ? &r->config.tuning.key_bytes
			       : &r->config.tuning.party_bytes) = which < 2 ? one : few_bytes;
		rig_start(r);
		rig_settle(r);
		conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);
		for (uint64_t id = 2; id <= 4; id++)
			rig_submit(r, conn, id, rig_issue(r, NUMBER(id)));
		rig_drain(r);
		cr_assert(rig_accepted(r, conn, 2), "%s", rig_words(r, conn, 2));
		cr_assert(rig_refused(r, conn, 4, REFUSAL_LATER, "limit.rate"), "%d: %s", which,
			  rig_words(r, conn, 4));
		micros wait = rig_answer(r, conn, 4)->refusal.retry_after;
		cr_assert_gt(wait, 0);
		r->now += wait;
		rig_submit(r, conn, 5, rig_issue(r, NUMBER(5)));
		rig_drain(r);
		cr_assert(rig_accepted(r, conn, 5), "%d: %s", which, rig_words(r, conn, 5));
		nothing_left(r);
		rig_free(r);
	}
}

Test(path, who_must_wait_pays_nothing)
{
	struct rig *r = rig_new(world_new());

	r->config.tuning.key_events = (struct bucket_rate){.per_second = 1, .burst = 3};
	r->config.tuning.party_events = (struct bucket_rate){.per_second = 100, .burst = 1};
	rig_start(r);
	rig_settle(r);
	conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);
	/* The party's bucket is empty after one; asking again and again must not empty the key's. */
	for (uint64_t id = 2; id <= 9; id++)
		rig_submit(r, conn, id, rig_issue(r, NUMBER(id)));
	cr_assert_leq(rig_answer(r, conn, 9)->refusal.retry_after, MICROS_PER_SECOND / 10 + 1);
	r->now += rig_answer(r, conn, 9)->refusal.retry_after;
	rig_submit(r, conn, 10, rig_issue(r, NUMBER(10)));
	rig_drain(r);
	cr_assert(rig_accepted(r, conn, 10), "%s", rig_words(r, conn, 10));
	rig_free(r);
}

Test(path, questions_cost_tokens_as_events_do)
{
	struct rig *r = rig_new(world_new());

	r->config.tuning.key_events = (struct bucket_rate){.per_second = 1, .burst = 2};
	rig_start(r);
	rig_settle(r);
	conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);
	for (uint64_t id = 2; id <= 4; id++)
		rig_query(r, conn, id, &(struct query){.kind = QUERY_FLAGS});
	rig_drain(r);
	cr_assert_eq(rig_answer(r, conn, 2)->kind, FRAME_ANSWER);
	cr_assert_eq(rig_answer(r, conn, 3)->kind, FRAME_ANSWER);
	cr_assert(rig_refused(r, conn, 4, REFUSAL_LATER, "limit.rate"), "%s", rig_words(r, conn, 4));
	cr_assert_eq(r->store->calls[CALL_QUERY], 2);
	r->now += rig_answer(r, conn, 4)->refusal.retry_after;
	rig_query(r, conn, 5, &(struct query){.kind = QUERY_FLAGS});
	rig_drain(r);
	cr_assert_eq(rig_answer(r, conn, 5)->kind, FRAME_ANSWER);
	nothing_left(r);
	rig_free(r);
}

Test(path, the_read_gate_shuts_and_opens_again)
{
	struct rig *r = rig_new(world_new());

	r->config.requests_max = 6;
	rig_start(r);
	rig_settle(r);
	conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);
	for (uint64_t id = 2; id <= 6; id++)
		rig_submit(r, conn, id, rig_issue(r, NUMBER(id)));
	cr_assert(r->gate_open);
	rig_submit(r, conn, 7, rig_issue(r, NUMBER(7)));
	cr_assert_not(r->gate_open);
	cr_assert_eq(path_counters(r->path)->gate_closed, 1);
	/* What was on its way all the same is taken. */
	rig_submit(r, conn, 8, rig_issue(r, NUMBER(8)));
	rig_drain(r);
	cr_assert(r->gate_open);
	cr_assert(rig_accepted(r, conn, 8));
	/* Queries and hellos count as well, and end by themselves. */
	for (uint64_t id = 10; id <= 15; id++)
		rig_query(r, conn, id, &(struct query){.kind = QUERY_FLAGS});
	cr_assert_not(r->gate_open);
	rig_drain(r);
	cr_assert(r->gate_open);
	for (int i = 0; i < 6; i++) {
		conn_id late = rig_open(r);
		struct hello hello = rig_hello(r, late, NEW_DEVICE, ROLE_GENERATOR);
		rig_say_hello(r, late, NEW_DEVICE, &hello);
	}
	cr_assert_not(r->gate_open);
	rig_drain(r);
	cr_assert(r->gate_open);
	nothing_left(r);
	rig_free(r);
}

/* ---- connections ---- */

Test(path, a_request_outlives_its_connection)
{
	struct rig *r = rig_writing();
	conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);
	const struct signed_event *e = rig_issue(r, NUMBER(1));

	rig_submit(r, conn, 2, e);
	rig_query(r, conn, 3, &(struct query){.kind = QUERY_FLAGS});
	rig_close(r, conn);
	rig_drain(r);
	cr_assert_eq(path_counters(r->path)->accepted, 1);
	cr_assert_eq(path_status(r->path).sessions, 0);
	conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);
	rig_submit(r, conn, 2, e);
	rig_drain(r);
	cr_assert(rig_accepted(r, conn, 2) && rig_answer(r, conn, 2)->receipt.repeated);
	nothing_left(r);
	rig_free(r);
}

Test(path, frames_that_a_client_does_not_send_are_refused)
{
	struct rig *r = rig_writing();
	conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);
	const struct frame receipt = {.id = 4, .last = true, .kind = FRAME_PING};

	rig_send(r, conn, &receipt); /* a pong: no answer */
	cr_assert_null(rig_answer(r, conn, 4));
	rig_send(r, conn, &(struct frame){.id = 5, .kind = FRAME_PING});
	cr_assert_eq(rig_answer(r, conn, 5)->kind, FRAME_PING);
	const struct frame challenge = {
	    .id = 6,
	    .last = true,
	    .kind = FRAME_CHALLENGE,
	    .challenge = {.nonce = {{1}}, .origin = span_str("a"), .version = 1, .server_time = 1}};
	rig_send(r, conn, &challenge);
	cr_assert(rig_refused(r, conn, 6, REFUSAL_MALFORMED, "connection.frame"));
	r->sink.frame(r->sink.self, 63, span_str("x")); /* nobody's */
	nothing_left(r);
	rig_free(r);
}

/* ---- the end ---- */

Test(path, draining_finishes_what_was_taken_and_takes_no_more)
{
	struct rig *r = rig_writing();
	conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);

	rig_submit(r, conn, 2, rig_issue(r, NUMBER(1)));
	cr_assert_not(path_drained(r->path));
	cr_assert_eq(path_status(r->path).state, PATH_DRAINING);
	rig_submit(r, conn, 3, rig_issue(r, NUMBER(2)));
	cr_assert(rig_refused(r, conn, 3, REFUSAL_UNAVAILABLE, "server.draining"));
	rig_drain(r);
	cr_assert(rig_accepted(r, conn, 2));
	cr_assert(path_drained(r->path));
	rig_free(r);
}

Test(path, draining_waits_for_no_chores)
{
	struct rig *r = rig_writing();

	cr_assert(path_drained(r->path));
	r->now += 3600 * MICROS_PER_SECOND; /* a sweep would be due */
	path_tick(r->path);
	cr_assert(path_drained(r->path));
	rig_free(r);
}

static void take_local(void *self, struct span frame)
{
	*(size_t *)self += frame.n;
}

Test(path, the_first_event_of_a_log_comes_from_inside)
{
	struct world *w = world_empty();
	struct world *other = world_new();
	struct rig *r = rig_new(w);
	size_t answered = 0;

	rig_start(r);
	cr_assert_not(path_submit(r->path, span_str("too early"), take_local, &answered));
	rig_settle(r);
	struct log_entry genesis;
	cr_assert(log_entry_decode(other->entries[0].bytes, &genesis));
	cr_assert(path_submit(r->path, genesis.envelope, take_local, &answered));
	rig_settle(r);
	cr_assert_gt(answered, 0);
	cr_assert_eq(r->store->head.size, 1);
	conn_id conn = rig_connect(r, REGISTRAR, ROLE_REGISTRAR);
	cr_assert(span_eq_str(rig_answer(r, conn, 0)->challenge.origin, RIG_ORIGIN));
	world_free(other);
	rig_free(r);
}
