/* What goes wrong between the path and its store: nothing acknowledged is lost, and the server goes on. */
#include <criterion/criterion.h>

#include <limits.h>

#include "rig.h"

/* ---- one batch that fails ---- */

Test(faults, whatever_fails_on_the_way_the_event_is_stored_once_and_answered_once)
{
	static const struct {
		enum fake_call call;
		enum fake_fault fault;
		unsigned times;
		bool repeated; /* it was stored by the try that failed */
	} cases[] = {
	    {CALL_LOAD, FAULT_AWAY, 1, false},      {CALL_LOAD, FAULT_AWAY, 5, false},
	    {CALL_COMMIT, FAULT_AWAY, 1, false},    {CALL_COMMIT, FAULT_AWAY, 4, false},
	    {CALL_COMMIT, FAULT_LOST, 1, false},    {CALL_COMMIT, FAULT_LOST_STORED, 1, true},
	    {CALL_HIGH_WATER, FAULT_AWAY, 1, true}, {CALL_HIGH_WATER, FAULT_AWAY, 3, true},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct rig *r = rig_writing();
		conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);
		uint64_t size = r->store->head.size, recoveries = path_counters(r->path)->recoveries;
		rig_fail_next(r, cases[i].call, cases[i].fault, cases[i].times);
		rig_submit(r, conn, 2, rig_issue(r, NUMBER(1)));
		rig_submit(r, conn, 3, rig_issue(r, NUMBER(2)));
		rig_drain(r);
		rig_seconds(r, 8);
		for (uint64_t id = 2; id <= 3; id++) {
			cr_assert(rig_accepted(r, conn, id), "case %zu: %s", i, rig_words(r, conn, id));
			if (id == 2)
				cr_assert_eq(rig_answer(r, conn, id)->receipt.repeated, cases[i].repeated,
					     "case %zu", i);
			cr_assert_eq(rig_answer(r, conn, id)->receipt.index, size + id - 2);
		}
		cr_assert_eq(r->store->head.size, size + 2);
		cr_assert_gt(path_counters(r->path)->recoveries, recoveries);
		cr_assert_eq(path_status(r->path).state, PATH_WRITING);
		cr_assert_eq(path_status(r->path).under_way, 0);
		rig_free(r);
	}
}

Test(faults, nothing_is_acknowledged_that_the_high_water_file_does_not_hold)
{
	struct rig *r = rig_writing();
	conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);

	rig_fail_next(r, CALL_HIGH_WATER, FAULT_AWAY, UINT_MAX);
	rig_submit(r, conn, 2, rig_issue(r, NUMBER(1)));
	rig_settle(r);
	cr_assert_null(rig_answer(r, conn, 2));
	cr_assert_neq(path_status(r->path).state, PATH_WRITING);
	rig_fail_next(r, CALL_HIGH_WATER, FAULT_NONE, 0);
	rig_seconds(r, 6);
	cr_assert(rig_accepted(r, conn, 2), "%s", rig_words(r, conn, 2));
	rig_free(r);
}

Test(faults, failing_again_and_again_is_not_a_loop)
{
	struct rig *r = rig_writing();
	conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);
	unsigned before = r->store->calls[CALL_RECOVER];

	/* What a full disk does: reading works, writing does not. */
	rig_fail_next(r, CALL_COMMIT, FAULT_AWAY, UINT_MAX);
	rig_submit(r, conn, 2, rig_issue(r, NUMBER(1)));
	for (int i = 0; i < 1000; i++) {
		r->now += MICROS_PER_SECOND / 100;
		path_tick(r->path);
		rig_drain(r);
	}
	cr_assert_leq(r->store->calls[CALL_RECOVER] - before, 12);
	cr_assert_eq(r->notices[NOTICE_WARNING], 1, "%s", r->last_notice);
	rig_seconds(r, 2);
	cr_assert(rig_refused(r, conn, 2, REFUSAL_UNAVAILABLE, "server.database"), "%s",
		  rig_words(r, conn, 2));
	cr_assert_eq(path_status(r->path).under_way, 0);
	rig_fail_next(r, CALL_COMMIT, FAULT_NONE, 0);
	rig_submit(r, conn, 3, rig_issue(r, NUMBER(2)));
	rig_seconds(r, 6);
	cr_assert(rig_accepted(r, conn, 3), "%s", rig_words(r, conn, 3));
	rig_free(r);
}

Test(faults, a_batch_that_never_comes_back_lets_the_others_time_out)
{
	struct rig *r = rig_writing();
	conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);

	rig_submit(r, conn, 2, rig_issue(r, NUMBER(1)));
	while (rig_run(r, LANE_VERIFY) && rig_end(r, LANE_VERIFY, 0))
		;
	rig_submit(r, conn, 3, rig_issue(r, NUMBER(2)));
	while (rig_run(r, LANE_VERIFY) && rig_end(r, LANE_VERIFY, 0))
		;
	r->now += r->config.tuning.request_timeout + 1;
	path_tick(r->path);
	cr_assert_null(rig_answer(r, conn, 2));
	cr_assert(rig_refused(r, conn, 3, REFUSAL_UNAVAILABLE, "server.database"));
	rig_drain(r);
	cr_assert(rig_accepted(r, conn, 2));
	rig_free(r);
}

Test(faults, many_that_wait_for_a_short_recovery_are_not_turned_away)
{
	struct rig *r = rig_new(world_new());

	r->config.requests_max = 20;
	rig_start(r);
	rig_settle(r);
	conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);
	rig_fail_next(r, CALL_COMMIT, FAULT_AWAY, 1);
	for (uint64_t id = 2; id < 20; id++)
		rig_submit(r, conn, id, rig_issue(r, NUMBER(id)));
	while (path_status(r->path).state == PATH_WRITING) {
		for (enum rig_lane lane = LANE_VERIFY; lane < LANES; lane++) {
			(void)rig_run(r, lane);
			(void)rig_end(r, lane, 0);
		}
	}
	path_tick(r->path);
	rig_drain(r);
	for (uint64_t id = 2; id < 20; id++)
		cr_assert(rig_accepted(r, conn, id), "%s", rig_words(r, conn, id));
	rig_free(r);
}

/* ---- data that the database refuses ---- */

Test(faults, only_the_member_that_the_database_refuses_is_refused)
{
	for (size_t bad = 0; bad < 8; bad++) {
		struct rig *r = rig_writing();
		conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);
		const struct signed_event *events[8];
		uint64_t size = r->store->head.size;
		for (size_t i = 0; i < ARRAY_LEN(events); i++)
			events[i] = rig_issue(r, NUMBER(1 + i));
		r->store->poison = &events[bad]->event.id;
		for (size_t i = 0; i < ARRAY_LEN(events); i++)
			rig_submit(r, conn, 2 + i, events[i]);
		rig_settle(r);
		for (size_t i = 0; i < ARRAY_LEN(events); i++)
			cr_assert(i == bad ? rig_refused(r, conn, 2 + i, REFUSAL_FAULT, "server.fault")
					   : rig_accepted(r, conn, 2 + i),
				  "bad %zu, %zu: %s", bad, i, rig_words(r, conn, 2 + i));
		cr_assert_eq(r->store->head.size, size + ARRAY_LEN(events) - 1);
		cr_assert_eq(path_status(r->path).state, PATH_WRITING);
		cr_assert_eq(path_counters(r->path)->refused[REFUSAL_FAULT], 1);
		/* The gap in the running numbers is the server's doing, and the next event is fine. */
		r->store->poison = NULL;
		rig_submit(r, conn, 20, events[bad]);
		rig_settle(r);
		cr_assert(rig_accepted(r, conn, 20));
		rig_free(r);
	}
}

Test(faults, a_sweep_that_the_database_refuses_costs_no_event)
{
	struct rig *r = rig_writing();
	conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);
	unsigned before = r->store->calls[CALL_RECOVER];

	rig_submit(r, conn, 2, rig_issue(r, NUMBER(1)));
	rig_settle(r);
	rig_fail_next(r, CALL_DUE, FAULT_DATA, UINT_MAX);
	rig_seconds(r, 60);
	rig_submit(r, conn, 3, rig_issue(r, NUMBER(2)));
	rig_settle(r);
	cr_assert(rig_accepted(r, conn, 3), "%s", rig_words(r, conn, 3));
	r->now += r->config.tuning.sweep_interval;
	rig_submit(r, conn, 4, rig_issue(r, NUMBER(3)));
	rig_settle(r);
	cr_assert(rig_accepted(r, conn, 4), "%s", rig_words(r, conn, 4));
	cr_assert_leq(r->store->calls[CALL_RECOVER] - before, 4);
	rig_free(r);
}

Test(faults, a_seen_that_cannot_be_looked_up_now_is_no_fault_of_the_event)
{
	struct rig *r = rig_writing();
	conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);
	struct event e = world_issued(r->w, NUMBER(1));
	const enum device by = GENERATOR;

	e.signers_n = 1;
	e.signers[0] = (struct signer){.keyid = r->w->devices[GENERATOR].keyid,
				       .number = ++r->w->devices[GENERATOR].number,
				       .seen = {span_str(RIG_ORIGIN), 5, fake_store_root(r->store, 5)}};
	rig_fail_next(r, CALL_HASHES, FAULT_AWAY, 1);
	rig_submit(r, conn, 2, world_sign_as_is(r->w, &e, 1, &by));
	rig_settle(r);
	cr_assert(rig_accepted(r, conn, 2), "%s", rig_words(r, conn, 2));
	cr_assert_eq(r->store->flags_n, 0);
	rig_free(r);
}

Test(faults, two_seen_that_share_a_slot_of_the_cache_are_both_checked)
{
	struct rig *r = rig_writing();
	conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);
	const enum device by = GENERATOR;

	/* Another root of a size of ours is another history, whatever else is in the batch. */
	for (uint64_t i = 0; i < 4; i++) {
		struct event e = world_issued(r->w, NUMBER(1 + i));
		e.signers_n = 1;
		e.signers[0] = (struct signer){
		    .keyid = r->w->devices[GENERATOR].keyid,
		    .number = ++r->w->devices[GENERATOR].number,
		    .seen = {span_str(RIG_ORIGIN), 5 + i % 2, fake_store_root(r->store, 5 + i % 2)}};
		e.signers[0].seen.root.b[0] ^= i == 3;
		rig_submit(r, conn, 2 + i, world_sign_as_is(r->w, &e, 1, &by));
	}
	rig_settle(r);
	for (uint64_t id = 2; id < 6; id++)
		cr_assert(rig_accepted(r, conn, id), "%s", rig_words(r, conn, id));
	cr_assert_eq(r->store->flags_n, 1);
	cr_assert_eq(r->store->flags[0].kind, FLAG_TWO_HISTORIES);
	rig_free(r);
}

/* Nobody was ever shown more than was committed: the log went backwards. */
Test(faults, a_seen_beyond_the_log_is_another_history)
{
	struct rig *r = rig_writing();
	conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);
	const enum device by = GENERATOR;
	struct event e = world_issued(r->w, NUMBER(1));

	e.signers_n = 1;
	e.signers[0] = (struct signer){.keyid = r->w->devices[GENERATOR].keyid,
				       .number = ++r->w->devices[GENERATOR].number,
				       .seen = {span_str(RIG_ORIGIN), 1000000, {{1}}}};
	rig_submit(r, conn, 2, world_sign_as_is(r->w, &e, 1, &by));
	rig_settle(r);
	cr_assert(rig_accepted(r, conn, 2), "%s", rig_words(r, conn, 2));
	cr_assert_eq(r->store->flags_n, 1);
	cr_assert_eq(r->store->flags[0].kind, FLAG_TWO_HISTORIES);
	rig_free(r);
}

/* ---- other writers ---- */

Test(faults, a_server_without_the_lease_names_the_writer_and_reads)
{
	struct rig *r = rig_new(world_new());

	r->store->leased_away = true;
	rig_start(r);
	rig_settle(r);
	cr_assert_eq(path_status(r->path).state, PATH_STANDBY);
	conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);
	rig_submit(r, conn, 2, rig_issue(r, NUMBER(1)));
	rig_query(r, conn, 3, &(struct query){.kind = QUERY_FLAGS});
	rig_drain(r);
	cr_assert(rig_refused(r, conn, 2, REFUSAL_NOT_WRITER, "server.standby"), "%s", rig_words(r, conn, 2));
	cr_assert(span_eq_str(rig_answer(r, conn, 2)->refusal.writer, "writer.example:8443"));
	cr_assert_eq(rig_answer(r, conn, 3)->kind, FRAME_ANSWER);
	/* It takes over when the lease is free. */
	r->store->leased_away = false;
	rig_seconds(r, 3);
	cr_assert_eq(path_status(r->path).state, PATH_WRITING);
	rig_submit(r, conn, 4, rig_issue(r, NUMBER(2)));
	rig_settle(r);
	cr_assert(rig_accepted(r, conn, 4));
	rig_free(r);
}

Test(faults, a_server_without_the_lease_reads_what_is_new)
{
	struct rig *r = rig_new(world_new());
	struct digest root;

	r->store->leased_away = true;
	rig_start(r);
	rig_settle(r);
	cr_assert_eq(r->store->read_whole, 1);
	unsigned looked = r->store->calls[CALL_RECOVER];
	rig_seconds(r, 10);
	cr_assert_geq(r->store->calls[CALL_RECOVER], looked + 4);
	cr_assert_eq(r->store->read_whole, 1);
	/* The same is served as before. */
	cr_assert_eq(path_status(r->path).state, PATH_STANDBY);
	cr_assert_eq(path_status(r->path).head.size, r->store->head.size);
	root = path_status(r->path).head.root;
	cr_assert(digest_eq(&root, &r->store->head.root));
	rig_connect(r, GENERATOR, ROLE_GENERATOR);
	/* Another writer: all is read, once. Its own turn to write: once more. */
	r->store->head.epoch++;
	rig_seconds(r, 10);
	cr_assert_eq(r->store->read_whole, 2);
	r->store->leased_away = false;
	rig_seconds(r, 3);
	cr_assert_eq(path_status(r->path).state, PATH_WRITING);
	cr_assert_eq(r->store->read_whole, 3);
	rig_free(r);
}

/* It signs checkpoints too, so it may not become the writer of a log that lost what it signed. */
Test(faults, a_server_without_the_lease_keeps_what_it_signed)
{
	struct rig *r = rig_new(world_new());

	r->store->leased_away = true;
	r->store->high_water = (struct log_head){0};
	r->store->script[CALL_HIGH_WATER].fault = FAULT_AWAY;
	r->store->script[CALL_HIGH_WATER].times = 1;
	rig_start(r);
	cr_assert_eq(path_status(r->path).state, PATH_RECOVERING);
	rig_seconds(r, 3);
	cr_assert_eq(path_status(r->path).state, PATH_STANDBY);
	cr_assert(digest_eq(&r->store->high_water.root, &r->store->head.root));
	rig_free(r);
}

Test(faults, a_deposed_writer_stops_writing_in_the_middle_of_a_batch)
{
	struct rig *r = rig_writing();
	conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);
	uint64_t size = r->store->head.size;

	rig_submit(r, conn, 2, rig_issue(r, NUMBER(1)));
	r->store->leased_away = true;
	r->store->head.epoch++;
	rig_settle(r);
	cr_assert(rig_refused(r, conn, 2, REFUSAL_NOT_WRITER, "server.standby"), "%s", rig_words(r, conn, 2));
	cr_assert_eq(r->store->head.size, size);
	cr_assert_eq(path_status(r->path).state, PATH_STANDBY);
	rig_free(r);
}
