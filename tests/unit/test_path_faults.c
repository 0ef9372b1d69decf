/* What goes wrong between the path and its store: nothing acknowledged is lost, and the server goes on. */
#include <criterion/criterion.h>

#include <limits.h>

#include "rig.h"

static const struct signed_event *issue(struct rig *r, uint64_t number)
{
	struct event e = world_issued(r->w, number);

	return SIGN(r->w, &e, GENERATOR);
}

static void fail_next(struct rig *r, enum fake_call call, enum fake_fault fault, unsigned times)
{
	r->store->script[call].fault = fault;
	r->store->script[call].times = times;
}

static void seconds_pass(struct rig *r, int n)
{
	for (int i = 0; i < n; i++) {
		r->now += MICROS_PER_SECOND;
		rig_settle(r);
	}
}

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
		fail_next(r, cases[i].call, cases[i].fault, cases[i].times);
		rig_submit(r, conn, 2, issue(r, NUMBER(1)));
		rig_submit(r, conn, 3, issue(r, NUMBER(2)));
		rig_drain(r);
		seconds_pass(r, 8);
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

	fail_next(r, CALL_HIGH_WATER, FAULT_AWAY, UINT_MAX);
	rig_submit(r, conn, 2, issue(r, NUMBER(1)));
	rig_settle(r);
	cr_assert_null(rig_answer(r, conn, 2));
	cr_assert_neq(path_status(r->path).state, PATH_WRITING);
	fail_next(r, CALL_HIGH_WATER, FAULT_NONE, 0);
	seconds_pass(r, 6);
	cr_assert(rig_accepted(r, conn, 2), "%s", rig_words(r, conn, 2));
	rig_free(r);
}

Test(faults, failing_again_and_again_is_not_a_loop)
{
	struct rig *r = rig_writing();
	conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);
	unsigned before = r->store->calls[CALL_RECOVER];

	/* What a full disk does: reading works, writing does not. */
	fail_next(r, CALL_COMMIT, FAULT_AWAY, UINT_MAX);
	rig_submit(r, conn, 2, issue(r, NUMBER(1)));
	for (int i = 0; i < 1000; i++) {
		r->now += MICROS_PER_SECOND / 100;
		path_tick(r->path);
		rig_drain(r);
	}
	cr_assert_leq(r->store->calls[CALL_RECOVER] - before, 12);
	cr_assert_eq(r->notices[NOTICE_WARNING], 1, "%s", r->last_notice);
	seconds_pass(r, 2);
	cr_assert(rig_refused(r, conn, 2, REFUSAL_UNAVAILABLE, "server.database"), "%s",
		  rig_words(r, conn, 2));
	cr_assert_eq(path_status(r->path).under_way, 0);
	fail_next(r, CALL_COMMIT, FAULT_NONE, 0);
	rig_submit(r, conn, 3, issue(r, NUMBER(2)));
	seconds_pass(r, 6);
	cr_assert(rig_accepted(r, conn, 3), "%s", rig_words(r, conn, 3));
	rig_free(r);
}

Test(faults, a_batch_that_never_comes_back_lets_the_others_time_out)
{
	struct rig *r = rig_writing();
	conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);

	rig_submit(r, conn, 2, issue(r, NUMBER(1)));
	while (rig_run(r, LANE_VERIFY) && rig_end(r, LANE_VERIFY, 0))
		;
	rig_submit(r, conn, 3, issue(r, NUMBER(2)));
	while (rig_run(r, LANE_VERIFY) && rig_end(r, LANE_VERIFY, 0))
		;
	r->now += r->config.request_timeout + 1;
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
	fail_next(r, CALL_COMMIT, FAULT_AWAY, 1);
	for (uint64_t id = 2; id < 20; id++)
		rig_submit(r, conn, id, issue(r, NUMBER(id)));
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
			events[i] = issue(r, NUMBER(1 + i));
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

	rig_submit(r, conn, 2, issue(r, NUMBER(1)));
	rig_settle(r);
	fail_next(r, CALL_DUE, FAULT_DATA, UINT_MAX);
	seconds_pass(r, 60);
	rig_submit(r, conn, 3, issue(r, NUMBER(2)));
	rig_settle(r);
	cr_assert(rig_accepted(r, conn, 3), "%s", rig_words(r, conn, 3));
	r->now += r->config.sweep_interval;
	rig_submit(r, conn, 4, issue(r, NUMBER(3)));
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
	fail_next(r, CALL_HASHES, FAULT_AWAY, 1);
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
	rig_submit(r, conn, 2, issue(r, NUMBER(1)));
	rig_query(r, conn, 3, &(struct query){.kind = QUERY_FLAGS});
	rig_drain(r);
	cr_assert(rig_refused(r, conn, 2, REFUSAL_NOT_WRITER, "server.standby"), "%s", rig_words(r, conn, 2));
	cr_assert(span_eq_str(rig_answer(r, conn, 2)->refusal.writer, "writer.example:8443"));
	cr_assert_eq(rig_answer(r, conn, 3)->kind, FRAME_ANSWER);
	/* It takes over when the lease is free. */
	r->store->leased_away = false;
	seconds_pass(r, 3);
	cr_assert_eq(path_status(r->path).state, PATH_WRITING);
	rig_submit(r, conn, 4, issue(r, NUMBER(2)));
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
	seconds_pass(r, 10);
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
	seconds_pass(r, 10);
	cr_assert_eq(r->store->read_whole, 2);
	r->store->leased_away = false;
	seconds_pass(r, 3);
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
	seconds_pass(r, 3);
	cr_assert_eq(path_status(r->path).state, PATH_STANDBY);
	cr_assert(digest_eq(&r->store->high_water.root, &r->store->head.root));
	rig_free(r);
}

Test(faults, a_deposed_writer_stops_writing_in_the_middle_of_a_batch)
{
	struct rig *r = rig_writing();
	conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);
	uint64_t size = r->store->head.size;

	rig_submit(r, conn, 2, issue(r, NUMBER(1)));
	r->store->leased_away = true;
	r->store->head.epoch++;
	rig_settle(r);
	cr_assert(rig_refused(r, conn, 2, REFUSAL_NOT_WRITER, "server.standby"), "%s", rig_words(r, conn, 2));
	cr_assert_eq(r->store->head.size, size);
	cr_assert_eq(path_status(r->path).state, PATH_STANDBY);
	rig_free(r);
}

/* ---- what recovery finds ---- */

enum damage {
	GOOD,
	WRONG_ROOT,
	BAD_CHECKPOINT,
	CHECKPOINT_OF_ANOTHER_HISTORY,
	HIGH_WATER_AHEAD,
	HIGH_WATER_ROOT,
	HIGH_WATER_UNREADABLE,
	CLOCK_BEHIND,
	WRONG_LOG_KEY,
	WRONG_SERVER_KEY,
	WRONG_ORIGIN,
	UNREADABLE_ENTRY,
	CHANGED_ENTRY,
};

static void damage(struct rig *r, enum damage what)
{
	static uint8_t nonsense[] = "nonsense";
	struct fake_store *s = r->store;
	uint8_t seed[SEED_SIZE] = {0xee};
	struct public_key public;
	struct checkpoint c = {span_str(RIG_ORIGIN), 5, fake_store_root(s, 5)};
	struct buffer note = BUFFER_EMPTY;

	switch (what) {
	case GOOD: break;
	case WRONG_ROOT: s->head.root.b[0] ^= 1; break;
	case BAD_CHECKPOINT: s->checkpoint = span_str("not a note"); break;
	case CHECKPOINT_OF_ANOTHER_HISTORY:
		c.root.b[0] ^= 1;
		checkpoint_sign(&note, &c, &r->log_key, &r->config.log_key);
		s->checkpoint = arena_copy(s->arena, buffer_span(&note));
		break;
	case HIGH_WATER_AHEAD: s->high_water = (struct log_head){.size = s->head.size + 1}; break;
	case HIGH_WATER_ROOT: s->high_water = (struct log_head){.size = 7}; break;
	case HIGH_WATER_UNREADABLE: fail_next(r, CALL_HIGH_WATER_READ, FAULT_CORRUPT, 1); break;
	case CLOCK_BEHIND: r->now = s->head.accepted_at - INT64_C(86400) * MICROS_PER_SECOND; break;
	case WRONG_LOG_KEY: key_from_seed(seed, &r->config.log_key, &public); break;
	case WRONG_SERVER_KEY: key_from_seed(seed, &r->config.server_key, &public); break;
	case WRONG_ORIGIN: r->config.origin = "another.example/log"; break;
	case UNREADABLE_ENTRY: s->entries[3].bytes = span_of(nonsense, sizeof(nonsense)); break;
	case CHANGED_ENTRY: { /* in a signature: it can be read */
		struct span entry = arena_copy(s->arena, s->entries[3].bytes);
		((uint8_t *)(uintptr_t)entry.p)[entry.n - 90] ^= 1;
		s->entries[3].bytes = entry;
		break;
	}
	}
	buffer_free(&note);
}

Test(recovery, stops_at_what_is_not_to_be_trusted_and_says_what_to_do)
{
	static const struct {
		enum damage what;
		const char *says, *remedy;
	} cases[] = {
	    {GOOD, "", ""},
	    {WRONG_ROOT, "root of the stored tree", "restore the database"},
	    {BAD_CHECKPOINT, "the stored checkpoint", "Restore the database"},
	    {CHECKPOINT_OF_ANOTHER_HISTORY, "history was changed", "restore the database"},
	    {HIGH_WATER_AHEAD, "it went backwards", "(manifest log rebuild); only if neither reaches so far"},
	    {HIGH_WATER_ROOT, "history was changed", "restore the database"},
	    {HIGH_WATER_UNREADABLE, "the fake database is away", ""},
	    {CLOCK_BEHIND, "ahead of this machine's clock", "set the clock, then start again"},
	    {WRONG_LOG_KEY, "key files", "put its key files in place"},
	    {WRONG_SERVER_KEY, "key files", "put its key files in place"},
	    {WRONG_ORIGIN, "the log is " RIG_ORIGIN, "correct the configuration"},
	    {UNREADABLE_ENTRY, "entry 3 cannot be read", "restore the database"},
	    {CHANGED_ENTRY, "entry 3 of the registry is not the one that was accepted",
	     "restore the database"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct rig *r = rig_new(world_new());
		damage(r, cases[i].what);
		rig_start(r);
		rig_settle(r);
		struct path_status status = path_status(r->path);
		cr_assert_eq(status.state, cases[i].what == GOOD ? PATH_WRITING : PATH_STOPPED, "case %zu",
			     i);
		cr_assert_not_null(strstr(status.reason, cases[i].says), "case %zu: %s", i, status.reason);
		cr_assert_not_null(strstr(status.reason, cases[i].remedy), "case %zu: %s", i, status.reason);
		cr_assert_eq(r->notices[NOTICE_ERROR], cases[i].what != GOOD);
		/* Whoever comes is told, and nothing is tried again. */
		unsigned recoveries = r->store->calls[CALL_RECOVER];
		seconds_pass(r, 10);
		cr_assert_eq(r->store->calls[CALL_RECOVER], recoveries);
		rig_free(r);
	}
}

Test(recovery, a_stored_state_that_contradicts_itself_stops_the_server)
{
	struct rig *r = rig_writing();
	conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);

	fail_next(r, CALL_LOAD, FAULT_CORRUPT, 1);
	rig_submit(r, conn, 2, issue(r, NUMBER(1)));
	rig_settle(r);
	cr_assert_eq(path_status(r->path).state, PATH_STOPPED);
	cr_assert_not_null(strstr(path_status(r->path).reason, "the fake database is away"));
	cr_assert(rig_refused(r, conn, 2, REFUSAL_UNAVAILABLE, "server.stopped"));
	rig_submit(r, conn, 3, issue(r, NUMBER(1)));
	cr_assert(rig_refused(r, conn, 3, REFUSAL_UNAVAILABLE, "server.stopped"));
	cr_assert(path_drained(r->path));
	rig_free(r);
}

Test(recovery, tries_again_until_the_database_is_there)
{
	struct rig *r = rig_new(world_new());

	fail_next(r, CALL_RECOVER, FAULT_AWAY, 4);
	rig_start(r);
	rig_settle(r);
	cr_assert_eq(path_status(r->path).state, PATH_RECOVERING);
	seconds_pass(r, 5);
	cr_assert_eq(path_status(r->path).state, PATH_WRITING);
	cr_assert_eq(r->notices[NOTICE_WARNING], 1);
	rig_free(r);
}

Test(recovery, a_high_water_file_that_is_new_is_told)
{
	struct rig *r = rig_new(world_new());

	r->store->high_water = (struct log_head){0};
	rig_start(r);
	rig_settle(r);
	cr_assert_eq(path_status(r->path).state, PATH_WRITING);
	cr_assert_eq(r->notices[NOTICE_WARNING], 1);
	seconds_pass(r, 2);
	cr_assert_eq(r->notices[NOTICE_WARNING], 1, "once");
	rig_free(r);
}

/* ---- chores ---- */

Test(chores, a_setting_that_changes_clocks_has_all_deadlines_computed_again)
{
	struct rig *r = rig_new(world_new());

	r->config.batch_max = 3;
	rig_start(r);
	rig_settle(r);
	conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);
	conn_id registrar = rig_connect(r, REGISTRAR, ROLE_REGISTRAR);
	for (uint64_t i = 1; i <= 7; i++)
		rig_submit(r, conn, 1 + i, issue(r, NUMBER(i)));
	rig_settle(r);
	micros before = r->store->manifests[6].due_at;
	struct event e = world_event(r->w, EVENT_SETTING_CHANGED);
	e.setting_changed =
	    (struct setting_changed){span_str("collect.grace"), span_str("2 h"), span_str("a test")};
	rig_submit(r, registrar, 2, SIGN(r->w, &e, REGISTRAR));
	rig_settle(r);
	cr_assert(rig_accepted(r, registrar, 2), "%s", rig_words(r, registrar, 2));
	for (size_t i = 0; i < r->store->manifests_n; i++)
		cr_assert_neq(r->store->manifests[i].due_at, before, "manifest %zu", i);
	unsigned calls = r->store->calls[CALL_OPEN_MANIFESTS];
	rig_settle(r);
	cr_assert_eq(r->store->calls[CALL_OPEN_MANIFESTS], calls, "it ends");
	rig_free(r);
}

Test(chores, a_sweep_goes_on_while_it_is_full_and_then_rests)
{
	struct rig *r = rig_new(world_new());

	r->config.batch_max = 3;
	rig_start(r);
	rig_settle(r);
	conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);
	for (uint64_t i = 1; i <= 10; i++)
		rig_submit(r, conn, 1 + i, issue(r, NUMBER(i)));
	rig_settle(r);
	r->now += INT64_C(3) * 86400 * MICROS_PER_SECOND;
	path_tick(r->path);
	rig_drain(r);
	cr_assert_eq(path_counters(r->path)->flags_raised[FLAG_NOT_COLLECTED], 10);
	cr_assert_eq(path_counters(r->path)->server_events, 10);
	uint64_t sweeps = path_counters(r->path)->sweeps;
	rig_settle(r);
	cr_assert_eq(path_counters(r->path)->sweeps, sweeps);
	seconds_pass(r, 61);
	cr_assert_eq(path_counters(r->path)->sweeps, sweeps + 1);
	rig_free(r);
}

Test(chores, each_checkpoint_is_stored_with_the_batch_after_it)
{
	struct rig *r = rig_writing();
	conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);
	const struct signed_event *first = issue(r, NUMBER(1));

	rig_submit(r, conn, 2, first);
	rig_settle(r);
	uint64_t size = r->store->head.size;
	/* A batch that stores nothing stores no checkpoint either. */
	rig_submit(r, conn, 3, first);
	rig_settle(r);
	cr_assert_lt(r->store->checkpoint_size, size);
	rig_submit(r, conn, 4, issue(r, NUMBER(2)));
	rig_settle(r);
	cr_assert_eq(r->store->checkpoint_size, size);
	rig_free(r);
}
