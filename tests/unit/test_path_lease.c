/* Who has lost the lease, or cannot know whether it still has it, refuses nothing for good. */
#include <criterion/criterion.h>

#include <limits.h>

#include "rig.h"

static const struct signed_event *issue(struct rig *r, uint64_t number)
{
	struct event e = world_issued(r->w, number);

	return SIGN(r->w, &e, GENERATOR);
}

static const struct path_witnesses required = {
    .wait = 2 * MICROS_PER_SECOND, .timeout = 5 * MICROS_PER_SECOND, .required = true};

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

/* What is refused by what the log holds: a predecessor, a key, a list of waste codes that it does not have.
 */
static void submit_what_is_refused(struct rig *r, conn_id conn, uint64_t id)
{
	const struct digest elsewhere = {{7}};
	const struct event step = world_step(r->w, EVENT_LOADED, NUMBER(1), &elsewhere);
	const struct event unknown = world_issued(r->w, NUMBER(2));
	struct event broken = world_issued(r->w, NUMBER(3));

	broken.issued.edition = span_str("2031");
	rig_submit(r, conn, id, SIGN(r->w, &step, GENERATOR, HAULER));
	rig_submit(r, conn, id + 1, SIGN(r->w, &unknown, NEW_DEVICE));
	rig_submit(r, conn, id + 2, SIGN(r->w, &broken, GENERATOR));
	rig_settle(r);
}

/* The other one may have what this one lacks: it does not say no to anybody from what it knew. */
Test(lease, a_deposed_writer_refuses_nothing)
{
	struct rig *r = rig_writing();
	conn_id conn = rig_connect(r, HAULER, ROLE_TRANSPORTER);

	submit_what_is_refused(r, conn, 2);
	cr_assert(rig_refused(r, conn, 2, REFUSAL_PREDECESSOR, NULL), "%s", rig_words(r, conn, 2));
	cr_assert(rig_refused(r, conn, 3, REFUSAL_SIGNATURE, "key.not_enrolled"), "%s",
		  rig_words(r, conn, 3));
	cr_assert(rig_refused(r, conn, 4, REFUSAL_RULE, NULL), "%s", rig_words(r, conn, 4));
	r->store->leased_away = true;
	r->store->head.epoch++;
	submit_what_is_refused(r, conn, 5);
	for (uint64_t id = 5; id <= 7; id++)
		cr_assert(rig_refused(r, conn, id, REFUSAL_NOT_WRITER, "server.standby"), "%llu: %s",
			  (unsigned long long)id, rig_words(r, conn, id));
	cr_assert_eq(path_status(r->path).under_way, 0);
	rig_free(r);
}

/* Each alone, so that no other refusal has found out before it that the lease is lost. */
Test(lease, each_refusal_of_a_deposed_writer_is_held_back)
{
	for (int which = 0; which < 2; which++) {
		struct rig *r = rig_writing();
		conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);
		struct event e = world_issued(r->w, NUMBER(1));
		if (which == 1)
			e.issued.edition = span_str("2031");
		r->store->leased_away = true;
		r->store->head.epoch++;
		rig_submit(r, conn, 2, SIGN(r->w, &e, which == 0 ? NEW_DEVICE : GENERATOR));
		rig_drain(r);
		cr_assert(rig_answer(r, conn, 2) == NULL ||
			      rig_refused(r, conn, 2, REFUSAL_NOT_WRITER, "server.standby"),
			  "%d: %s", which, rig_words(r, conn, 2));
		rig_settle(r);
		cr_assert(rig_refused(r, conn, 2, REFUSAL_NOT_WRITER, "server.standby"), "%d: %s", which,
			  rig_words(r, conn, 2));
		rig_free(r);
	}
}

static conn_id greet_as_stranger(struct rig *r)
{
	conn_id conn = rig_open(r);
	struct hello hello = rig_hello(r, conn, NEW_DEVICE, ROLE_GENERATOR);

	rig_say_hello(r, conn, NEW_DEVICE, &hello);
	return conn;
}

/* Whose key is not known here may have been enrolled elsewhere. */
Test(lease, a_deposed_writer_turns_no_key_away)
{
	struct rig *r = rig_writing();

	conn_id conn = greet_as_stranger(r);
	rig_drain(r);
	cr_assert(rig_refused(r, conn, 1, REFUSAL_SIGNATURE, "key.not_enrolled"));
	r->store->leased_away = true;
	r->store->head.epoch++;
	for (int i = 0; i < 2; i++) { /* it does not know it yet; it stands by */
		conn = greet_as_stranger(r);
		rig_settle(r);
		cr_assert(rig_refused(r, conn, 1, REFUSAL_UNAVAILABLE, "key.not_known_here"), "%d: %s", i,
			  rig_words(r, conn, 1));
		cr_assert_str_eq(r->conns[conn].closed_by_path, "hello refused");
		cr_assert_eq(path_status(r->path).state, PATH_STANDBY);
	}
	cr_assert_eq(path_counters(r->path)->hellos_refused, 3);
	cr_assert_eq(path_status(r->path).under_way, 0);
	rig_free(r);
}

Test(lease, a_hello_finds_the_key_that_was_enrolled_while_it_waited)
{
	struct rig *r = rig_writing();
	conn_id registrar = rig_connect(r, REGISTRAR, ROLE_REGISTRAR);

	rig_submit(r, registrar, 2, rig_enrolment(r));
	conn_id conn = greet_as_stranger(r);
	conn_id gone = greet_as_stranger(r);
	rig_close(r, gone);
	rig_drain(r);
	cr_assert(rig_accepted(r, registrar, 2), "%s", rig_words(r, registrar, 2));
	cr_assert_eq(rig_count(r, conn, FRAME_WELCOME), 1);
	cr_assert_eq(path_status(r->path).under_way, 0);
	rig_free(r);
}

/* The database is away, and strangers hold a share of what may be under way: the rest is the devices'. */
Test(lease, strangers_who_wait_leave_room_for_the_devices)
{
	enum { STRANGERS = 64, SHARE = 8 }; /* of requests_max */
	struct rig *r = rig_writing();
	size_t share = r->config.requests_max / SHARE, turned_away = 0;
	conn_id device = rig_connect(r, GENERATOR, ROLE_GENERATOR), conns[STRANGERS];

	rig_fail_next(r, CALL_COMMIT, FAULT_AWAY, UINT_MAX);
	rig_fail_next(r, CALL_RECOVER, FAULT_AWAY, UINT_MAX);
	for (size_t i = 0; i < STRANGERS; i++) {
		conns[i] = greet_as_stranger(r);
		rig_settle(r);
		turned_away += rig_answer(r, conns[i], 1) != NULL;
	}
	cr_assert_eq(turned_away, STRANGERS - share);
	cr_assert(rig_refused(r, conns[STRANGERS - 1], 1, REFUSAL_UNAVAILABLE, "key.not_known_here"));
	cr_assert(r->gate_open, "events are read");
	rig_submit(r, device, 2, rig_issue(r, NUMBER(1)));
	rig_fail_next(r, CALL_COMMIT, FAULT_NONE, 0);
	rig_fail_next(r, CALL_RECOVER, FAULT_NONE, 0);
	rig_seconds(r, 6);
	rig_drain(r);
	cr_assert(rig_accepted(r, device, 2), "%s", rig_words(r, device, 2));
	cr_assert_eq(path_status(r->path).under_way, 0);
	rig_free(r);
}

/* The database is away: what it holds is not known, and nobody is refused for good. */
Test(lease, an_unknown_key_waits_for_the_database)
{
	struct rig *r = rig_writing();
	conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);
	const struct event e = world_issued(r->w, NUMBER(1));

	fail_next(r, CALL_COMMIT, FAULT_AWAY, UINT_MAX);
	rig_submit(r, conn, 2, SIGN(r->w, &e, NEW_DEVICE));
	rig_settle(r);
	cr_assert_null(rig_answer(r, conn, 2));
	fail_next(r, CALL_COMMIT, FAULT_NONE, 0);
	seconds_pass(r, 6);
	cr_assert(rig_refused(r, conn, 2, REFUSAL_SIGNATURE, "key.not_enrolled"), "%s",
		  rig_words(r, conn, 2));
	cr_assert_eq(path_status(r->path).under_way, 0);
	rig_free(r);
}

Test(lease, many_unknown_keys_are_refused_by_one_commit)
{
	struct rig *r = rig_writing();
	conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);

	rig_submit(r, conn, 2, issue(r, NUMBER(1)));
	for (uint64_t id = 3; id < 8; id++) {
		const struct event e = world_issued(r->w, NUMBER(id));
		rig_submit(r, conn, id, SIGN(r->w, &e, NEW_DEVICE));
	}
	rig_submit(r, conn, 8, issue(r, NUMBER(9)));
	uint64_t batches = path_counters(r->path)->batches;
	rig_drain(r);
	cr_assert(rig_accepted(r, conn, 2) && rig_accepted(r, conn, 8));
	for (uint64_t id = 3; id < 8; id++)
		cr_assert(rig_refused(r, conn, id, REFUSAL_SIGNATURE, "key.not_enrolled"), "%s",
			  rig_words(r, conn, id));
	cr_assert_leq(path_counters(r->path)->batches, batches + 2);
	cr_assert_eq(path_status(r->path).under_way, 0);
	rig_free(r);
}

/* ---- the end without witnesses ---- */

static void moods(struct fake_witnesses *f, enum mood mood)
{
	for (unsigned i = 0; i < WITNESSES; i++)
		f->w[i].mood = mood;
}

static struct rig *rig_witnessed(struct fake_witnesses **ret_witnesses)
{
	struct rig *r = rig_new(world_new());

	*ret_witnesses = fake_witnesses_new(&r->log_key, 2);
	rig_witness(r, *ret_witnesses, required);
	return r;
}

/* What is stored and waits for cosignatures that cannot come is answered so, and holds nobody up. */
Test(drain, does_not_wait_for_witnesses_that_are_away)
{
	struct fake_witnesses *f;
	struct rig *r = rig_witnessed(&f);

	rig_start(r);
	rig_settle(r);
	conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);
	moods(f, MOOD_DOWN);
	uint64_t size = r->store->head.size;
	rig_submit(r, conn, 2, issue(r, NUMBER(1)));
	rig_drain(r);
	rig_submit(r, conn, 3, issue(r, NUMBER(2))); /* behind a batch that is held */
	rig_settle(r);
	cr_assert(rig_answer(r, conn, 2) == NULL && rig_answer(r, conn, 3) == NULL);
	cr_assert_not(path_drained(r->path));
	rig_settle(r); /* no second passes */
	for (uint64_t id = 2; id <= 3; id++)
		cr_assert(rig_refused(r, conn, id, REFUSAL_UNAVAILABLE, "server.witnesses"), "%s",
			  rig_words(r, conn, id));
	cr_assert(path_drained(r->path));
	cr_assert_eq(r->store->head.size, size + 1);
	rig_free(r);
	fake_witnesses_free(f);
}

/* They are slow, and may come yet: for as long as an answer may wait. */
Test(drain, waits_for_witnesses_as_long_as_an_answer_does)
{
	for (int come = 0; come < 2; come++) {
		struct fake_witnesses *f;
		struct rig *r = rig_witnessed(&f);
		rig_start(r);
		rig_settle(r);
		conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);
		rig_submit(r, conn, 2, issue(r, NUMBER(1)));
		for (int i = 0; i < 8; i++)
			for (enum rig_lane lane = LANE_VERIFY; lane < LANE_WITNESS; lane++) {
				(void)rig_run(r, lane);
				(void)rig_end(r, lane, 0);
			}
		cr_assert_eq(r->lanes[LANE_WITNESS].n, WITNESSES);
		cr_assert_not(path_drained(r->path));
		path_tick(r->path);
		cr_assert_null(rig_answer(r, conn, 2));
		if (come == 1) {
			rig_drain(r);
			cr_assert(rig_accepted(r, conn, 2), "%s", rig_words(r, conn, 2));
		} else {
			r->now += required.wait;
			path_tick(r->path);
			cr_assert(rig_refused(r, conn, 2, REFUSAL_UNAVAILABLE, "server.witnesses"));
		}
		cr_assert(path_drained(r->path));
		rig_free(r);
		fake_witnesses_free(f);
	}
}

/* Nobody waits for what a start reads and asks. */
Test(drain, does_not_wait_for_a_recovery_that_nobody_waits_for)
{
	struct fake_witnesses *f;
	struct rig *r = rig_witnessed(&f);

	rig_start(r);
	cr_assert(rig_run(r, LANE_WRITER) && rig_end(r, LANE_WRITER, 0));
	cr_assert_eq(r->lanes[LANE_WITNESS].n, WITNESSES);
	cr_assert(path_drained(r->path));
	rig_free(r);
	fake_witnesses_free(f);
}
