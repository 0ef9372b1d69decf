/* What recovery finds and makes of it, and the chores that go along with batches. */
#include <criterion/criterion.h>

#include "rig.h"

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
	case HIGH_WATER_UNREADABLE: rig_fail_next(r, CALL_HIGH_WATER_READ, FAULT_CORRUPT, 1); break;
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
		rig_seconds(r, 10);
		cr_assert_eq(r->store->calls[CALL_RECOVER], recoveries);
		rig_free(r);
	}
}

Test(recovery, a_stored_state_that_contradicts_itself_stops_the_server)
{
	struct rig *r = rig_writing();
	conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);

	rig_fail_next(r, CALL_LOAD, FAULT_CORRUPT, 1);
	rig_submit(r, conn, 2, rig_issue(r, NUMBER(1)));
	rig_settle(r);
	cr_assert_eq(path_status(r->path).state, PATH_STOPPED);
	cr_assert_not_null(strstr(path_status(r->path).reason, "the fake database is away"));
	cr_assert(rig_refused(r, conn, 2, REFUSAL_UNAVAILABLE, "server.stopped"));
	rig_submit(r, conn, 3, rig_issue(r, NUMBER(1)));
	cr_assert(rig_refused(r, conn, 3, REFUSAL_UNAVAILABLE, "server.stopped"));
	cr_assert(path_drained(r->path));
	rig_free(r);
}

Test(recovery, tries_again_until_the_database_is_there)
{
	struct rig *r = rig_new(world_new());

	rig_fail_next(r, CALL_RECOVER, FAULT_AWAY, 4);
	rig_start(r);
	rig_settle(r);
	cr_assert_eq(path_status(r->path).state, PATH_RECOVERING);
	rig_seconds(r, 5);
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
	rig_seconds(r, 2);
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
		rig_submit(r, conn, 1 + i, rig_issue(r, NUMBER(i)));
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
		rig_submit(r, conn, 1 + i, rig_issue(r, NUMBER(i)));
	rig_settle(r);
	r->now += INT64_C(3) * 86400 * MICROS_PER_SECOND;
	path_tick(r->path);
	rig_drain(r);
	cr_assert_eq(path_counters(r->path)->flags_raised[FLAG_NOT_COLLECTED], 10);
	cr_assert_eq(path_counters(r->path)->server_events, 10);
	uint64_t sweeps = path_counters(r->path)->sweeps;
	rig_settle(r);
	cr_assert_eq(path_counters(r->path)->sweeps, sweeps);
	rig_seconds(r, 61);
	cr_assert_eq(path_counters(r->path)->sweeps, sweeps + 1);
	rig_free(r);
}

Test(chores, each_checkpoint_is_stored_with_the_batch_after_it)
{
	struct rig *r = rig_writing();
	conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);
	const struct signed_event *first = rig_issue(r, NUMBER(1));

	rig_submit(r, conn, 2, first);
	rig_settle(r);
	uint64_t size = r->store->head.size;
	/* A batch that stores nothing stores no checkpoint either. */
	rig_submit(r, conn, 3, first);
	rig_settle(r);
	cr_assert_lt(r->store->checkpoint_size, size);
	rig_submit(r, conn, 4, rig_issue(r, NUMBER(2)));
	rig_settle(r);
	cr_assert_eq(r->store->checkpoint_size, size);
	rig_free(r);
}
