/* Checkpoints and their witnesses: who is asked for what, what is believed, who waits, and what stops the
 * server. */
#include <criterion/criterion.h>

#include "rig.h"

static struct rig *r;
static struct fake_witnesses *f;
static conn_id conn;
static uint64_t next_id, next_number;

static const struct path_witnesses waiting = {.wait = 2 * MICROS_PER_SECOND,
					      .timeout = 5 * MICROS_PER_SECOND};
static const struct path_witnesses required = {
    .wait = 2 * MICROS_PER_SECOND, .timeout = 5 * MICROS_PER_SECOND, .required = true};
static const struct path_witnesses not_waiting = {.timeout = 5 * MICROS_PER_SECOND};

static void begin(const struct path_witnesses *settings, unsigned quorum)
{
	r = rig_new(world_new());
	f = fake_witnesses_new(&r->log_key, quorum);
	rig_witness(r, f, *settings);
	next_id = 2;
	next_number = 1;
}

static void connect_device(void)
{
	rig_settle(r);
	conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);
}

static void begin_writing(const struct path_witnesses *settings, unsigned quorum)
{
	begin(settings, quorum);
	rig_start(r);
	connect_device();
	cr_assert_eq(path_status(r->path).state, PATH_WRITING, "%s", r->last_notice);
}

static void end(void)
{
	rig_free(r);
	fake_witnesses_free(f);
}

static const struct signed_event *issued;

static uint64_t submit_again(void)
{
	rig_submit(r, conn, next_id, issued);
	return next_id++;
}

static uint64_t submit(void)
{
	struct event e = world_issued(r->w, NUMBER(next_number++));

	issued = SIGN(r->w, &e, GENERATOR);
	return submit_again();
}

/* Everything but the witnesses' lane goes on. */
static void drain_others(void)
{
	for (bool any = true; any;) {
		any = false;
		for (enum rig_lane lane = LANE_VERIFY; lane < LANE_WITNESS; lane++) {
			any = rig_run(r, lane) || any;
			any = rig_end(r, lane, 0) || any;
		}
	}
}

static struct span receipt_checkpoint(uint64_t id)
{
	const struct frame *answer = rig_answer(r, conn, id);
	struct proof p;

	cr_assert(rig_accepted(r, conn, id), "%s", rig_words(r, conn, id));
	cr_assert(proof_parse(answer->receipt.proof, &p));
	return p.checkpoint;
}

static void moods(enum mood mood)
{
	for (unsigned i = 0; i < WITNESSES; i++)
		f->w[i].mood = mood;
}

/* ---- waiting ---- */

Test(cosign, a_receipt_waits_for_the_quorum_and_carries_it, .fini = end)
{
	begin_writing(&waiting, 2);
	cr_assert_eq(fake_witnesses_in(f, path_checkpoint(r->path)), 3);
	uint64_t id = submit();
	drain_others();
	cr_assert_null(rig_answer(r, conn, id));
	cr_assert_eq(fake_witnesses_in(f, path_checkpoint(r->path)), 3); /* of the size before */
	/* the first cosigns: not enough; the second: enough */
	cr_assert(rig_run(r, LANE_WITNESS) && rig_end(r, LANE_WITNESS, 0));
	drain_others();
	cr_assert_null(rig_answer(r, conn, id));
	cr_assert(rig_run(r, LANE_WITNESS) && rig_end(r, LANE_WITNESS, 0));
	drain_others();
	cr_assert_eq(fake_witnesses_in(f, receipt_checkpoint(id)), 2);
	/* the third comes later, and is in what is served from then on */
	rig_drain(r);
	cr_assert_eq(fake_witnesses_in(f, path_checkpoint(r->path)), 3);
	cr_assert_eq(path_counters(r->path)->quorums, 2);
	cr_assert_eq(path_counters(r->path)->witness_failures, 0);
}

Test(cosign, a_cosignature_that_comes_while_receipts_are_made_is_not_lost, .fini = end)
{
	begin_writing(&waiting, 2);
	uint64_t id = submit();
	drain_others();
	for (unsigned i = 0; i < WITNESSES; i++)
		cr_assert(rig_run(r, LANE_WITNESS) && rig_end(r, LANE_WITNESS, 0));
	drain_others();
	cr_assert_eq(fake_witnesses_in(f, receipt_checkpoint(id)), 2);
	cr_assert_eq(fake_witnesses_in(f, path_checkpoint(r->path)), 3);
}

/* They were asked for the size before a moment ago: they are as quick as they were. */
Test(cosign, a_receipt_waits_for_witnesses_that_are_still_at_the_size_before, .fini = end)
{
	begin(&waiting, 2);
	rig_witness(r, NULL, (struct path_witnesses){0});
	rig_start(r);
	connect_device();
	rig_witness(r, f, waiting);
	path_tick(r->path);
	cr_assert_eq(r->lanes[LANE_WITNESS].n, 3);
	uint64_t id = submit();
	r->now += MICROS_PER_SECOND / 2;
	drain_others();
	cr_assert_null(rig_answer(r, conn, id));
	rig_drain(r);
	cr_assert_geq(fake_witnesses_in(f, receipt_checkpoint(id)), 2u);
}

Test(cosign, many_batches_each_with_its_quorum, .fini = end)
{
	begin_writing(&waiting, 3);
	for (int i = 0; i < 20; i++) {
		uint64_t first = submit();
		(void)submit();
		rig_settle(r);
		cr_assert_eq(fake_witnesses_in(f, receipt_checkpoint(first)), 3);
	}
	/* one request each for a batch, and the start's; nobody answered 409 */
	for (unsigned i = 0; i < WITNESSES; i++)
		cr_assert_leq(f->w[i].asked, path_counters(r->path)->batches + 1);
	cr_assert_eq(path_counters(r->path)->witness_wait, 0);
}

Test(cosign, the_answer_goes_out_when_the_wait_is_over, .fini = end)
{
	begin_writing(&waiting, 2);
	uint64_t id = submit();
	drain_others();
	r->now += 1999999;
	path_tick(r->path);
	drain_others();
	cr_assert_null(rig_answer(r, conn, id));
	r->now += 1;
	path_tick(r->path);
	drain_others();
	cr_assert_eq(fake_witnesses_in(f, receipt_checkpoint(id)), 0);
	cr_assert_eq(path_counters(r->path)->quorums_missed, 1);
	cr_assert_eq(path_counters(r->path)->witness_wait, 2 * MICROS_PER_SECOND);
	/* none of them has answered: the next batch does not wait for them at all */
	id = submit();
	drain_others();
	cr_assert_eq(fake_witnesses_in(f, receipt_checkpoint(id)), 0);
	/* and when they do, things are as they were */
	rig_seconds(r, 3);
	cr_assert_eq(fake_witnesses_in(f, path_checkpoint(r->path)), 3);
	id = submit();
	rig_settle(r);
	cr_assert_geq(fake_witnesses_in(f, receipt_checkpoint(id)), 2u);
}

Test(cosign, who_is_down_is_not_waited_for, .fini = end)
{
	begin_writing(&waiting, 2);
	f->w[0].mood = f->w[1].mood = MOOD_DOWN;
	uint64_t id = submit();
	rig_drain(r); /* no second passes */
	cr_assert(rig_accepted(r, conn, id), "%s", rig_words(r, conn, id));
	cr_assert_eq(r->notices[NOTICE_WARNING], 3, "%s", r->last_notice); /* two witnesses, and the quorum */
	cr_assert_eq(path_status(r->path).witnesses.reachable, 1);
	cr_assert_not(path_status(r->path).witnesses.quorum);
	cr_assert_not_null(strstr(path_status(r->path).witnesses.detail, "north: connection refused; west"));
	for (int i = 0; i < 100; i++) {
		id = submit();
		rig_settle(r);
		cr_assert(rig_accepted(r, conn, id));
	}
	cr_assert_leq(f->w[0].asked, 4u);
	moods(MOOD_GOOD);
	rig_seconds(r, 20);
	cr_assert_eq(fake_witnesses_in(f, path_checkpoint(r->path)), 3);
	cr_assert_not_null(strstr(r->last_notice, "again"), "%s", r->last_notice);
	cr_assert_eq(r->notices[NOTICE_WARNING], 3, "%s", r->last_notice);
}

/* ---- what is believed ---- */

Test(cosign, a_bad_answer_is_an_alarm_and_no_cosignature)
{
	static const struct {
		enum mood mood;
		const char *says;
	} bad[] = {
	    {MOOD_DOWN, "connection refused"},
	    {MOOD_BUSY, "503"},
	    {MOOD_BAD_LINE, "signature"},
	    {MOOD_OTHER_TEXT, "signature"},
	    {MOOD_STRANGER, "good cosignature"},
	    {MOOD_NOTHING, "good cosignature"},
	    {MOOD_OLD_TIME, "clock"},
	    {MOOD_FORGETFUL, "409"},
	    {MOOD_UNKNOWN_LOG, "404"},
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		begin_writing(&waiting, 1);
		f->w[1].mood = bad[i].mood;
		uint64_t id = submit();
		rig_settle(r);
		cr_assert_eq(fake_witnesses_in(f, path_checkpoint(r->path)), 2, "case %zu", i);
		cr_assert(rig_accepted(r, conn, id));
		const struct witnesses_status w = path_status(r->path).witnesses;
		cr_assert_eq(w.reachable, 2, "case %zu", i);
		cr_assert_not_null(strstr(w.detail, bad[i].says), "case %zu: %s", i, w.detail);
		cr_assert_eq(path_counters(r->path)->witness_failures, 1, "case %zu", i);
		cr_assert_leq(f->w[1].asked, 8u);
		f->w[1].mood = MOOD_GOOD;
		rig_seconds(r, 3);
		cr_assert_eq(fake_witnesses_in(f, path_checkpoint(r->path)), 3, "case %zu", i);
		cr_assert_eq(path_status(r->path).state, PATH_WRITING);
		end();
	}
}

Test(cosign, a_witness_that_was_ahead_or_behind_is_followed, .fini = end)
{
	begin_writing(&waiting, 3);
	uint64_t first = submit();
	rig_settle(r);
	struct buffer old = BUFFER_EMPTY;
	buffer_put_span(&old, path_checkpoint(r->path));
	for (int i = 0; i < 300; i++)
		(void)submit();
	rig_settle(r);
	/* its disk was restored from a copy: it answers 409, once, and is sent the proof from there */
	fake_witness_cosign(f, 0, buffer_span(&old));
	unsigned asked = f->w[0].asked;
	uint64_t id = submit();
	rig_settle(r);
	cr_assert_eq(fake_witnesses_in(f, receipt_checkpoint(id)), 3);
	cr_assert_eq(f->w[0].asked, asked + 2);
	/* it knows nothing at all any more */
	f->w[0].last = (struct checkpoint){.size = 0};
	id = submit();
	rig_settle(r);
	cr_assert_eq(fake_witnesses_in(f, receipt_checkpoint(id)), 3);
	cr_assert(rig_accepted(r, conn, first));
	buffer_free(&old);
}

/* ---- required ---- */

Test(cosign, without_the_quorum_nothing_is_acknowledged, .fini = end)
{
	begin_writing(&required, 2);
	f->w[0].mood = f->w[1].mood = MOOD_DOWN;
	uint64_t size = r->store->head.size;
	uint64_t id = submit();
	rig_settle(r);
	cr_assert_null(rig_answer(r, conn, id));
	rig_seconds(r, 2);
	cr_assert(rig_refused(r, conn, id, REFUSAL_UNAVAILABLE, "server.witnesses"), "%s",
		  rig_words(r, conn, id));
	cr_assert_eq(path_status(r->path).state, PATH_WITNESSES);
	cr_assert_eq(path_status(r->path).head.size, size);
	cr_assert_eq(r->store->head.size, size + 1);
	cr_assert_not_null(strstr(r->last_notice, "1 of 2, missing north west"), "%s", r->last_notice);
	uint64_t later = submit_again();
	rig_settle(r);
	cr_assert(rig_refused(r, conn, later, REFUSAL_UNAVAILABLE, "server.witnesses"));
	rig_seconds(r, 20);
	/* one comes back: what was stored is found again */
	f->w[1].mood = MOOD_GOOD;
	rig_seconds(r, 16);
	cr_assert_eq(path_status(r->path).state, PATH_WRITING, "%s", r->last_notice);
	cr_assert_eq(path_status(r->path).head.size, size + 1);
	id = submit_again();
	rig_settle(r);
	cr_assert_eq(fake_witnesses_in(f, receipt_checkpoint(id)), 2);
	cr_assert(rig_answer(r, conn, id)->receipt.repeated);
	cr_assert_eq(path_status(r->path).under_way, 0);
}

Test(cosign, a_start_without_the_quorum_serves_reads_alone, .fini = end)
{
	begin(&required, 2);
	moods(MOOD_DOWN);
	rig_start(r);
	connect_device();
	cr_assert_eq(path_status(r->path).state, PATH_WITNESSES);
	uint64_t id = submit();
	rig_settle(r);
	cr_assert(rig_refused(r, conn, id, REFUSAL_UNAVAILABLE, "server.witnesses"));
	const struct query q = {.kind = QUERY_CHECKPOINT};
	rig_query(r, conn, 900, &q);
	rig_settle(r);
	cr_assert_not_null(rig_answer(r, conn, 900));
	moods(MOOD_GOOD);
	rig_seconds(r, 16);
	cr_assert_eq(path_status(r->path).state, PATH_WRITING, "%s", r->last_notice);
	id = submit();
	rig_settle(r);
	cr_assert(rig_accepted(r, conn, id), "%s", rig_words(r, conn, id));
}

/* It has written nothing yet, so no batch waits either. */
Test(cosign, a_quorum_that_is_no_longer_required_holds_nothing_up, .fini = end)
{
	begin(&required, 2);
	moods(MOOD_DOWN);
	rig_start(r);
	connect_device();
	cr_assert_eq(path_status(r->path).state, PATH_WITNESSES);
	rig_witness(r, f, waiting);
	rig_settle(r);
	cr_assert_eq(path_status(r->path).state, PATH_WRITING, "%s", r->last_notice);
	uint64_t id = submit();
	rig_settle(r);
	cr_assert(rig_accepted(r, conn, id), "%s", rig_words(r, conn, id));
}

Test(cosign, settings_change_while_a_batch_waits, .fini = end)
{
	begin_writing(&required, 2);
	moods(MOOD_DOWN);
	uint64_t id = submit();
	rig_settle(r);
	cr_assert_null(rig_answer(r, conn, id));
	rig_witness(r, f, waiting); /* no longer required */
	rig_settle(r);
	cr_assert(rig_accepted(r, conn, id), "%s", rig_words(r, conn, id));
	rig_witness(r, f, required);
	id = submit();
	rig_seconds(r, 3);
	cr_assert_eq(path_status(r->path).state, PATH_WITNESSES);
	/* another policy takes over what waits */
	struct fake_witnesses *others = fake_witnesses_new(&r->log_key, 1);
	struct fake_witnesses *before = f;
	rig_drain(r);
	f = others;
	rig_witness(r, f, required);
	rig_seconds(r, 2);
	fake_witnesses_free(before);
	cr_assert_eq(path_status(r->path).state, PATH_WRITING, "%s", r->last_notice);
	/* none at all */
	moods(MOOD_DOWN);
	id = submit();
	rig_settle(r);
	cr_assert_null(rig_answer(r, conn, id));
	rig_drain(r);
	rig_witness(r, NULL, (struct path_witnesses){0});
	rig_settle(r);
	cr_assert(rig_accepted(r, conn, id), "%s", rig_words(r, conn, id));
	cr_assert_eq(path_status(r->path).witnesses.configured, 0);
}

/* ---- not waiting ---- */

Test(cosign, without_waiting_answers_come_at_once_and_are_cosigned_later, .fini = end)
{
	begin_writing(&not_waiting, 2);
	uint64_t id = submit();
	drain_others();
	cr_assert_eq(fake_witnesses_in(f, receipt_checkpoint(id)), 0);
	rig_seconds(r, 2);
	cr_assert_eq(fake_witnesses_in(f, path_checkpoint(r->path)), 3);
	/* the log grows; who asks for the entry again gets it under the one that is cosigned */
	(void)submit();
	drain_others();
	cr_assert_eq(fake_witnesses_in(f, path_checkpoint(r->path)), 0);
	uint64_t number = NUMBER(1);
	const struct query q = {.kind = QUERY_TRAIL, .numbers = &number, .numbers_n = 1};
	rig_query(r, conn, 900, &q);
	drain_others();
	const struct frame *answer = NULL;
	for (size_t i = 0; i < r->frames_n; i++)
		if (r->frames[i].conn == conn && r->frames[i].frame.id == 900 &&
		    r->frames[i].frame.answer.kind == ANSWER_ENTRY)
			answer = &r->frames[i].frame;
	struct proof p;
	cr_assert_not_null(answer);
	cr_assert(proof_parse(answer->answer.entry.proof, &p));
	cr_assert_eq(fake_witnesses_in(f, p.checkpoint), 3);
	cr_assert(rig_receipt_holds(r, &answer->answer.entry));
}

Test(cosign, a_witness_has_one_request_under_way, .fini = end)
{
	begin_writing(&not_waiting, 2);
	unsigned asked = f->w[0].asked;
	for (int i = 0; i < 30; i++) {
		(void)submit();
		r->now += MICROS_PER_SECOND;
		path_tick(r->path);
		drain_others();
	}
	cr_assert_eq(r->lanes[LANE_WITNESS].n, WITNESSES);
	rig_seconds(r, 2);
	cr_assert_leq(f->w[0].asked, asked + 3);
	cr_assert_eq(fake_witnesses_in(f, path_checkpoint(r->path)), 3);
}

/* ---- what is kept ---- */

Test(cosign, the_newest_cosigned_is_stored_now_and_then, .fini = end)
{
	begin_writing(&waiting, 2);
	for (int i = 0; i < 30; i++) {
		(void)submit();
		rig_seconds(r, 1);
	}
	cr_assert_geq(r->store->calls[CALL_COSIGNED], 2u);
	cr_assert_leq(r->store->calls[CALL_COSIGNED], 4u);
	cr_assert_geq(fake_witnesses_in(f, r->store->cosigned), 2);
	cr_assert_geq(r->store->cosigned_size + 11, r->store->head.size);
	/* with nobody to ask, it is what the next start knows */
	uint64_t size = r->store->cosigned_size;
	rig_crash(r);
	r->witnesses = NULL;
	rig_start(r);
	rig_settle(r);
	cr_assert_eq(path_status(r->path).witnesses.cosigned, size);
}

Test(cosign, a_store_that_fails_is_recovered_from, .fini = end)
{
	begin_writing(&waiting, 2);
	r->store->script[CALL_COSIGNED].fault = FAULT_AWAY;
	r->store->script[CALL_COSIGNED].times = 2;
	for (int i = 0; i < 40; i++) {
		uint64_t id = submit();
		rig_seconds(r, 1);
		cr_assert(rig_accepted(r, conn, id), "%s", rig_words(r, conn, id));
	}
	cr_assert_gt(r->store->cosigned_size, 0u);
}

/* ---- going backwards ---- */

/* The log grows with its witnesses, and then is as it was before: the database is an old copy, and the
 * high-water file was lost with the machine. */
static void go_back(const struct path_witnesses *settings, bool silent)
{
	begin_writing(settings, 2);
	for (unsigned i = 0; i < WITNESSES; i++)
		f->w[i].silent = silent;
	for (int i = 0; i < 5; i++) {
		(void)submit();
		rig_seconds(r, 1);
	}
	struct fake_witnesses *kept = f;
	rig_free(r);
	r = rig_new(world_new());
	f = kept;
	rig_witness(r, f, *settings);
}

Test(cosign, a_log_that_went_backwards_does_not_start)
{
	const struct path_witnesses *const settings[] = {&waiting, &required, &not_waiting};

	for (size_t i = 0; i < 2 * ARRAY_LEN(settings); i++) {
		go_back(settings[i / 2], i % 2 == 1);
		f->w[0].mood = f->w[2].mood = MOOD_DOWN; /* one that remembers is enough */
		rig_start(r);
		rig_settle(r);
		const struct path_status status = path_status(r->path);
		cr_assert_eq(status.state, PATH_STOPPED, "case %zu: %s", i, r->last_notice);
		cr_assert_not_null(strstr(status.reason, "witness west"), "%s", status.reason);
		cr_assert_not_null(strstr(status.reason, "went backwards"), "%s", status.reason);
		cr_assert_eq(r->store->calls[CALL_COMMIT], 0);
		end();
	}
}

/* It has grown past what they remember, with other entries. */
Test(cosign, a_log_that_grew_again_differently_does_not_start, .fini = end)
{
	go_back(&waiting, false);
	for (unsigned i = 0; i < WITNESSES; i++)
		f->w[i].mood = MOOD_DOWN;
	rig_start(r);
	connect_device();
	cr_assert_eq(path_status(r->path).state, PATH_WRITING);
	r->store->checkpoint = (struct span){0};
	next_id = 2;
	next_number = 100;
	for (int i = 0; i < 9; i++) {
		uint64_t id = submit();
		rig_seconds(r, 1);
		cr_assert(rig_accepted(r, conn, id));
	}
	f->w[2].mood = MOOD_GOOD;
	rig_seconds(r, 20);
	const struct path_status status = path_status(r->path);
	cr_assert_eq(status.state, PATH_STOPPED, "%s", r->last_notice);
	cr_assert_not_null(strstr(status.reason, "witness south"), "%s", status.reason);
	cr_assert_not_null(strstr(status.reason, "history was changed"), "%s", status.reason);
}

Test(cosign, what_was_cosigned_is_held_against_the_database, .fini = end)
{
	go_back(&waiting, false);
	/* The witnesses are gone too; but their cosignatures were kept in a copy of the table. */
	r->store->cosigned = arena_copy(r->store->arena, buffer_span(&f->w[0].note));
	r->store->cosigned_size = f->w[0].last.size;
	moods(MOOD_DOWN);
	rig_start(r);
	rig_settle(r);
	cr_assert_eq(path_status(r->path).state, PATH_STOPPED);
	cr_assert_not_null(strstr(path_status(r->path).reason, "last cosigned checkpoint"), "%s",
			   path_status(r->path).reason);
}

/* Another server writes while this one has no lease; then the database comes back as old as what this one
 * knows. What its witnesses told it before its new lease says nothing of that. */
Test(cosign, every_new_lease_asks_anew, .fini = end)
{
	begin_writing(&waiting, 2);
	(void)submit();
	rig_settle(r);
	struct buffer note = BUFFER_EMPTY;
	const struct checkpoint more = {.origin = span_str(RIG_ORIGIN), .size = r->store->head.size + 10};
	checkpoint_sign(&note, &more, &r->log_key, &r->config.log_key);
	cr_assert(buffer_ok(&note));
	fake_witness_cosign(f, 1, buffer_span(&note));
	buffer_free(&note);
	uint64_t size = r->store->head.size;
	/* the connection is lost, and with it the lease */
	r->store->script[CALL_COMMIT].fault = FAULT_AWAY;
	r->store->script[CALL_COMMIT].times = 1;
	(void)submit();
	rig_seconds(r, 3);
	cr_assert_eq(path_status(r->path).state, PATH_STOPPED, "%s", r->last_notice);
	cr_assert_not_null(strstr(path_status(r->path).reason, "witness west"), "%s",
			   path_status(r->path).reason);
	cr_assert_eq(r->store->head.size, size);
}

/* Whoever has not our signature may say what he likes. */
Test(cosign, a_boast_stops_nothing_once_the_log_is_written, .fini = end)
{
	begin_writing(&waiting, 2);
	f->w[0].mood = MOOD_BOASTS;
	for (int i = 0; i < 20; i++) {
		uint64_t id = submit();
		rig_seconds(r, 1);
		cr_assert_geq(fake_witnesses_in(f, receipt_checkpoint(id)), 2u);
	}
	cr_assert_eq(path_status(r->path).state, PATH_WRITING);
	cr_assert_not_null(strstr(path_status(r->path).witnesses.detail, "this log has"), "%s",
			   path_status(r->path).witnesses.detail);
	cr_assert_eq(path_counters(r->path)->recoveries, 1);
}

/* Another server took the lease while this one slept, and its witnesses know more. */
Test(cosign, a_deposed_server_is_not_taken_for_one_that_went_backwards, .fini = end)
{
	begin_writing(&waiting, 2);
	(void)submit();
	rig_settle(r);
	/* what the other writes */
	struct rig *mine = r;
	struct fake_store *store = r->store;
	struct rig *other = rig_new(mine->w);
	fake_store_free(other->store);
	other->store = store;
	other->now = mine->now;
	rig_witness(other, f, waiting);
	rig_start(other);
	rig_settle(other);
	cr_assert_eq(path_status(other->path).state, PATH_WRITING);
	r = other;
	conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);
	(void)submit();
	rig_settle(r);
	rig_crash(other);
	/* it wakes */
	r = mine;
	store->writer.recovered = true;
	store->leased_away = true;
	conn = 1;
	uint64_t id = submit();
	rig_seconds(r, 3);
	cr_assert_neq(path_status(r->path).state, PATH_STOPPED, "%s", path_status(r->path).reason);
	cr_assert(rig_refused(r, conn, id, REFUSAL_NOT_WRITER, NULL), "%s", rig_words(r, conn, id));
	other->store = fake_store_new(mine->w);
	for (size_t i = 0; i < LANES; i++)
		cr_assert_eq(other->lanes[i].n, 0);
	arena_free(other->arena);
	fake_store_free(other->store);
	free(other);
}

/* ---- settings ---- */

Test(cosign, settings_are_checked)
{
	static const struct {
		const char *tail, *says;
		micros wait;
		bool required;
	} bad[] = {
	    {"quorum none", "line 1", 0, false},
	    {"witness w KEY\nquorum w\n", "address", 0, false},
	    {"witness w KEY ftp://x/\nquorum w\n", "address", 0, false},
	    {"witness w KEY http://\nquorum w\n", "address", 0, false},
	    {"witness w KEY http://x/\nquorum w\n", "witness.wait", 0, true},
	};
	char error[PATH_ERROR_SIZE];
	struct rig *rig = rig_new(world_new());
	struct fake_witnesses *w = fake_witnesses_new(&rig->log_key, 2);
	struct buffer key = BUFFER_EMPTY;

	note_key_put(&key, &w->w[0].key);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct buffer text = BUFFER_EMPTY;
		const char *at = strstr(bad[i].tail, "KEY");
		if (at == NULL) {
			buffer_put_str(&text, bad[i].tail);
		} else {
			buffer_put(&text, bad[i].tail, (size_t)(at - bad[i].tail));
			buffer_put_span(&text, buffer_span(&key));
			buffer_put_str(&text, at + 3);
		}
		const struct path_witnesses settings = {
		    .policy = buffer_span(&text), .wait = bad[i].wait, .required = bad[i].required};
		cr_expect_not(path_witnesses_check(&settings, error), "case %zu", i);
		cr_expect_not_null(strstr(error, bad[i].says), "case %zu: %s", i, error);
		buffer_free(&text);
	}
	const struct path_witnesses none = {.required = true};
	cr_expect(path_witnesses_check(&none, error));
	buffer_free(&key);
	fake_witnesses_free(w);
	rig_free(rig);
}
