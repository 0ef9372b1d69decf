/* The store against a real PostgreSQL: recovery, load, commit and every way in which a commit can fail. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "store/conn.h"
#include "store_support.h"

TestSuite(store_log, .timeout = 120);

static const char *conninfo;
static struct world *world;
static struct writer writer;

static void begin(void)
{
	conninfo = fresh_database();
	world = world_new();
	writer_begin(&writer, conninfo, world);
}

static void end(void)
{
	writer_end(&writer);
	world_free(world);
}

#define CHECK_RESULT(expression, expected)                                                                   \
	do {                                                                                                 \
		enum store_result got_ = (expression);                                                       \
		cr_assert_eq(got_, expected, "%d: %s", got_, store_error(writer.conn));                      \
	} while (0)

/* A whole life of one manifest: five custody events. */
static void live(uint64_t number)
{
	static const struct {
		enum event_kind kind;
		enum device by[2];
		size_t n;
	} steps[] = {
	    {EVENT_LOADED, {GENERATOR, HAULER}, 2},
	    {EVENT_DELIVERED, {HAULER, FACILITY}, 2},
	    {EVENT_RECEIVED, {FACILITY}, 1},
	    {EVENT_TREATED, {FACILITY}, 1},
	};
	struct event e = world_issued(world, number);
	struct digest head = world_accept(world, SIGN(world, &e, GENERATOR));

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		world->now += 60 * MICROS_PER_SECOND;
		e = world_step(world, steps[i].kind, number, &head);
		head = world_accept(world, world_sign(world, &e, steps[i].n, steps[i].by));
	}
}

Test(store_log, an_empty_log_recovers, .init = begin, .fini = end)
{
	cr_assert_eq(writer.head.size, 0);
	cr_assert_eq(writer.head.epoch, 1);
	struct digest nothing = digest_of(span_of(NULL, 0));
	cr_assert(digest_eq(&writer.head.root, &nothing));
}

Test(store_log, what_was_committed_comes_back, .init = begin, .fini = end)
{
	struct recovered r = {.arena = writer.arena};
	size_t registry = world->registry_rows_n;

	CHECK_RESULT(writer_commit(&writer), STORE_OK);
	for (unsigned i = 1; i <= 60; i++) {
		live(NUMBER(i));
		CHECK_RESULT(writer_commit(&writer), STORE_OK);
	}
	cr_assert_gt(writer.head.size, TILE_WIDTH);
	CHECK_RESULT(recover(writer.conn, &r), STORE_OK);
	cr_assert_eq(r.head.size, world->entries_n);
	cr_assert_eq(r.head.accepted_at, world->entries[world->entries_n - 1].row.accepted_at);
	cr_assert_eq(r.head.epoch, 1, "the lease is the same: so is the epoch");
	cr_assert_eq(r.entries, registry);
	cr_assert_geq(r.references, 4);

	/* The tree made again from what was reported has the same root. */
	const struct digest *hashes[TILE_LEVELS];
	for (size_t i = 0; i < TILE_LEVELS; i++)
		hashes[i] = r.hashes[i];
	struct tree *tree = tree_restore(r.head.size, hashes);
	struct digest root = tree_root(tree);
	cr_assert(digest_eq(&root, &r.head.root));
	tree_free(tree);

	/* No device left a gap: one range for each key that signed, from 1. */
	cr_assert_gt(r.ranges, 3);
	for (size_t i = 0; i < r.ranges; i++) {
		cr_assert_eq(r.range[i].first, 1);
		cr_assert_eq(r.range[i].since, 0);
		cr_assert(i == 0 || r.range[i].key > r.range[i - 1].key);
	}
}

Test(store_log, gaps_of_running_numbers_are_dated_by_what_came_after, .init = begin, .fini = end)
{
	struct recovered r = {.arena = writer.arena};
	const struct key_record *key = registry_key(world->registry, &world->devices[GENERATOR].keyid);
	static const uint64_t offsets[] = {0, 1, 5, 9, 7}; /* 7 comes last, and fills nothing */
	uint64_t base = world->devices[GENERATOR].number + 1;
	micros at[ARRAY_LEN(offsets)];

	for (size_t i = 0; i < ARRAY_LEN(offsets); i++) {
		world->devices[GENERATOR].number = base + offsets[i] - 1;
		struct event e = world_issued(world, NUMBER(1 + i));
		world_accept(world, SIGN(world, &e, GENERATOR));
		at[i] = world->entries[world->entries_n - 1].row.accepted_at;
		world->now += MICROS_PER_SECOND;
	}
	CHECK_RESULT(writer_commit(&writer), STORE_OK);
	CHECK_RESULT(recover(writer.conn, &r), STORE_OK);
	size_t n = 0;
	for (size_t i = 0; i < r.ranges; i++) {
		static const uint64_t firsts[] = {0, 5, 7, 9};
		static const size_t seen_with[] = {0, 2, 3, 3};
		if (r.range[i].key != key->no)
			continue;
		cr_assert_eq(r.range[i].first, n == 0 ? 1 : base + firsts[n]);
		cr_assert_eq(r.range[i].since, n == 0 ? 0 : at[seen_with[n]], "range %zu", n);
		n++;
	}
	cr_assert_eq(n, 4);
}

Test(store_log, what_a_batch_needs_is_loaded, .init = begin, .fini = end)
{
	struct loaded loaded;

	live(NUMBER(1));
	live(NUMBER(2));
	struct event e = world_issued(world, NUMBER(3));
	e.occurred_at = world->now;
	world_accept(world, SIGN(world, &e, GENERATOR));
	world->now += INT64_C(90) * 86400 * MICROS_PER_SECOND;
	world_sweep(world);
	cr_assert_gt(world->flags_n, 0);
	CHECK_RESULT(writer_commit(&writer), STORE_OK);

	uint64_t numbers[] = {NUMBER(2), NUMBER(77), NUMBER(1), NUMBER(1)};
	struct loaded_number used[] = {{.key = world->numbers[3].key, .number = world->numbers[3].number},
				       {.key = world->numbers[3].key, .number = 100000}};
	uint64_t flags[] = {world->flags[0].row.flag};
	struct needs needs = {.manifests = numbers,
			      .manifests_n = ARRAY_LEN(numbers),
			      .numbers = used,
			      .numbers_n = ARRAY_LEN(used),
			      .flags = flags,
			      .flags_n = ARRAY_LEN(flags)};
	CHECK_RESULT(store_port().load(writer.conn, &needs, writer.arena, &loaded), STORE_OK);
	cr_assert_eq(loaded.manifests_n, 2);
	cr_assert_eq(loaded.manifests[0].number, NUMBER(1));
	cr_assert_eq(loaded.manifests[1].number, NUMBER(2));
	cr_assert_eq(loaded.manifests[1].state, world_manifest(world, NUMBER(2))->state);
	cr_assert(
	    digest_eq(manifest_head(&loaded.manifests[1]), manifest_head(world_manifest(world, NUMBER(2)))));
	cr_assert_eq(loaded.numbers_n, 1);
	cr_assert_eq(loaded.numbers[0].index, world->numbers[3].index);
	cr_assert(digest_eq(&loaded.numbers[0].event, &world->numbers[3].event));
	cr_assert_eq(loaded.flags_n, 1);
	cr_assert(loaded.flags[0].open);
	cr_assert_eq(loaded.flags[0].kind, world->flags[0].row.raised->kind);

	struct needs none = {0};
	CHECK_RESULT(store_port().load(writer.conn, &none, writer.arena, &loaded), STORE_OK);
	cr_assert_eq(loaded.manifests_n + loaded.numbers_n + loaded.flags_n, 0);
}

Test(store_log, what_is_due_and_what_is_open, .init = begin, .fini = end)
{
	uint64_t *numbers;
	size_t n;

	for (unsigned i = 1; i <= 5; i++) {
		struct event e = world_issued(world, NUMBER(i));
		e.issued.collect_by -= i * 60 * MICROS_PER_SECOND; /* the later ones are due earlier */
		world_accept(world, SIGN(world, &e, GENERATOR));
	}
	live(NUMBER(6));
	CHECK_RESULT(writer_commit(&writer), STORE_OK);
	CHECK_RESULT(store_port().due(writer.conn, world->now, 10, writer.arena, &numbers, &n), STORE_OK);
	cr_assert_eq(n, 0);
	micros late = world->now + INT64_C(60) * 86400 * MICROS_PER_SECOND;
	CHECK_RESULT(store_port().due(writer.conn, late, 3, writer.arena, &numbers, &n), STORE_OK);
	cr_assert_eq(n, 3);
	for (size_t i = 0; i < n; i++)
		cr_assert_eq(numbers[i], NUMBER(5 - i));
	/* The sixth was closed before any of its deadlines: it was looked at once, and is not again. */
	PGconn *pg = look(conninfo);
	cr_assert_str_eq(ask(pg, "SELECT count(*) FROM manifest WHERE look_at IS NULL"), "1");
	cr_assert_str_eq(ask(pg, "SELECT count(*) FROM manifest WHERE look_at > due_at"), "0");
	/* However many were looked at too early, what is due behind them is found. */
	ask(pg, "INSERT INTO manifest SELECT number + 1000 + n, 1, NULL, issued_at, changed_at, 0, 0, 0, 1, "
		"1, 1, 9, "
		"'', '', '', '' FROM manifest, generate_series(1, 2500) n WHERE due_at IS NULL");
	cr_assert_str_eq(ask(pg, "SELECT count(*) FROM manifest WHERE look_at = 1"), "2500");
	CHECK_RESULT(store_port().due(writer.conn, late, 100, writer.arena, &numbers, &n), STORE_OK);
	cr_assert_eq(n, 5);
	cr_assert_eq(numbers[0], NUMBER(5));
	cr_assert_str_eq(ask(pg, "SELECT count(*) FROM manifest WHERE look_at = 1"), "0");
	PQfinish(pg);
	CHECK_RESULT(store_port().open_manifests(writer.conn, NUMBER(2), 10, writer.arena, &numbers, &n),
		     STORE_OK);
	cr_assert_eq(n, 3, "the sixth is closed");
	cr_assert_eq(numbers[0], NUMBER(3));
}

/* ---- how a commit can fail ---- */

Test(store_log, another_size_or_epoch_is_deposed, .init = begin, .fini = end)
{
	struct log_head good = writer.head;

	writer.head.epoch++;
	CHECK_RESULT(writer_commit(&writer), STORE_DEPOSED);
	writer.head = good;
	PGconn *pg = look(conninfo);
	ask(pg, "UPDATE log_head SET epoch = epoch + 1");
	CHECK_RESULT(writer_commit(&writer), STORE_DEPOSED);
	cr_assert_str_eq(ask(pg, "SELECT count(*) FROM entry"), "0");
	cr_assert_str_eq(ask(pg, "SELECT count(*) FROM party"), "0");
	writer.head.epoch++;
	CHECK_RESULT(writer_commit(&writer), STORE_OK); /* the connection stayed good */
	writer.head.size--;
	writer.head.accepted_at--;
	struct rows rows = {.first_index = writer.head.size};
	struct commit commit = {.from = writer.head, .to = writer.head, .rows = &rows};
	CHECK_RESULT(store_port().commit(writer.conn, &commit), STORE_DEPOSED);
	PQfinish(pg);
}

Test(store_log, a_bad_value_is_told_and_leaves_nothing, .init = begin, .fini = end)
{
	PGconn *pg = look(conninfo);
	struct span good = world->entries[2].bytes;
	uint8_t *oversize = arena_alloc(writer.arena, 70000);

	cr_assert_not_null(oversize);
	world->entries[2].bytes = span_of(oversize, 70000);
	CHECK_RESULT(writer_commit(&writer), STORE_DATA);
	cr_assert_not_null(strstr(store_error(writer.conn), "entry_size"), "%s", store_error(writer.conn));
	cr_assert_str_eq(ask(pg, "SELECT size FROM log_head"), "0");
	cr_assert_str_eq(ask(pg, "SELECT count(*) FROM running_number"), "0");
	world->entries[2].bytes = good;
	CHECK_RESULT(writer_commit(&writer), STORE_OK);

	/* A text that is not UTF-8, in a statement of its own: class 22. */
	struct flag_raised raised = {.kind = FLAG_CLOCK, .detail = span_str("\xff\xfe")};
	struct flag_row flag = {.raise = true, .flag = 1, .raised = &raised, .at = 1};
	struct rows rows = {.first_index = writer.head.size, .flags = &flag, .flags_n = 1};
	struct commit commit = {.from = writer.head, .to = writer.head, .rows = &rows};
	CHECK_RESULT(store_port().commit(writer.conn, &commit), STORE_DATA);
	raised.detail = span_str("时钟偏差");
	CHECK_RESULT(store_port().commit(writer.conn, &commit), STORE_OK);
	PQfinish(pg);
}

Test(store_log, the_leaf_is_checked_by_the_database, .init = begin, .fini = end)
{
	PGconn *pg = look(conninfo);

	cr_assert_str_eq(ask(pg, "INSERT INTO entry VALUES (0, 1, 0, 10, sha256('\\x00aa'), '\\xaa')"), "");
	cr_assert_str_eq(ask(pg, "INSERT INTO entry VALUES (1, 1, 0, 10, sha256('\\xaa'), '\\xaa')"),
			 "!23514");
	cr_assert_str_eq(ask(pg, "INSERT INTO entry VALUES (1, 1, 0, 10, sha256('\\x00ab'), '\\xaa')"),
			 "!23514");
	PQfinish(pg);
}

static void terminate(const char *which)
{
	PGconn *pg = look(conninfo);
	char sql[300];

	snprintf(sql, sizeof(sql),
		 "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE datname = "
		 "current_database() AND application_name LIKE 'manifestd %%' AND %s",
		 which);
	cr_assert_str_eq(ask(pg, sql), "1", "%s", sql);
	PQfinish(pg);
}

Test(store_log, killed_before_a_commit_nothing_is_stored, .init = begin, .fini = end)
{
	struct recovered r = {.arena = writer.arena};

	terminate("true");
	enum store_result result = writer_commit(&writer);
	cr_assert(result == STORE_UNAVAILABLE || result == STORE_UNKNOWN, "%d", result);
	CHECK_RESULT(writer_commit(&writer), STORE_UNAVAILABLE); /* not before recovery */
	CHECK_RESULT(recover(writer.conn, &r), STORE_OK);
	cr_assert_eq(r.head.size, 0);
	cr_assert_eq(r.head.epoch, 2, "a new session has a new lease");
	writer.head = r.head;
	CHECK_RESULT(writer_commit(&writer), STORE_OK);
}

/* A child ends the writer's session as soon as it waits like this, however slow the machine. */
static void end_session_when(const char *waits)
{
	char statement[512];

	snprintf(statement, sizeof(statement),
		 "DO $$BEGIN FOR i IN 1..3000 LOOP PERFORM pg_terminate_backend(pid) FROM pg_stat_activity "
		 "WHERE datname = current_database() AND application_name LIKE 'manifestd %%' AND %s; "
		 "EXIT WHEN FOUND; PERFORM pg_sleep(0.01), pg_stat_clear_snapshot(); END LOOP; END$$",
		 waits);
	if (fork() == 0) {
		execlp("psql", "psql", "-q", conninfo, "-c", statement, (char *)NULL);
		_exit(1);
	}
}

/* Another session holds the head: the batch waits for it, and its session is ended while it waits. */
Test(store_log, killed_within_the_batch_nothing_is_stored, .init = begin, .fini = end)
{
	PGconn *holder = look(conninfo);
	struct recovered r = {.arena = writer.arena};

	ask(holder, "BEGIN");
	ask(holder, "SELECT 1 FROM log_head FOR UPDATE");
	end_session_when("wait_event_type = 'Lock'");
	CHECK_RESULT(writer_commit(&writer), STORE_UNAVAILABLE);
	ask(holder, "ROLLBACK");
	CHECK_RESULT(recover(writer.conn, &r), STORE_OK);
	cr_assert_eq(r.head.size, 0);
	PQfinish(holder);
}

/* The socket dies while the server is at work: it may finish, and only recovery knows. */
static void lose_answer(bool finishes)
{
	PGconn *holder = look(conninfo);
	struct recovered r = {.arena = writer.arena};
	int fd = PQsocket(writer.conn->pg);
	int pid = PQbackendPID(writer.conn->pg);

	ask(holder, "BEGIN");
	ask(holder, "SELECT 1 FROM log_head FOR UPDATE");
	pid_t child = fork();
	if (child == 0) {
		usleep(300000);
		shutdown(fd, SHUT_RD); /* what was sent has been sent; no answer comes back */
		_exit(0);
	}
	CHECK_RESULT(writer_commit(&writer), STORE_UNKNOWN);
	if (!finishes) {
		char sql[100];
		snprintf(sql, sizeof(sql), "SELECT pg_terminate_backend(%d, 5000)", pid);
		ask(holder, sql);
	} else {
		writer.conn->backend = 0; /* or recovery itself would end the session that still works */
	}
	ask(holder, "ROLLBACK");
	enum store_result result = STORE_DEPOSED;
	for (int i = 0; i < 100 && result == STORE_DEPOSED; i++) {
		result = recover(writer.conn, &r);
		usleep(50000);
	}
	cr_assert_eq(result, STORE_OK, "%s", store_error(writer.conn));
	cr_assert_eq(r.head.size, finishes ? world->entries_n : 0);
	PQfinish(holder);
}

Test(store_log, an_answer_lost_after_the_work_was_done, .init = begin, .fini = end)
{
	lose_answer(true);
}

Test(store_log, an_answer_lost_before_the_work_was_done, .init = begin, .fini = end)
{
	lose_answer(false);
}

/* A check at COMMIT itself, which takes a second or raises an error. */
static void delay_commit(PGconn *pg, const char *body)
{
	char sql[500];

	snprintf(sql, sizeof(sql),
		 "CREATE FUNCTION at_commit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS "
		 "'BEGIN %s; RETURN NULL; END'; "
		 "CREATE CONSTRAINT TRIGGER at_commit AFTER UPDATE ON log_head DEFERRABLE INITIALLY DEFERRED "
		 "FOR EACH ROW EXECUTE FUNCTION at_commit()",
		 body);
	cr_assert_str_eq(ask(pg, sql), "");
}

Test(store_log, the_answer_to_commit_is_lost, .init = begin, .fini = end)
{
	struct recovered r = {.arena = writer.arena};
	PGconn *pg = look(conninfo);
	int fd = PQsocket(writer.conn->pg);

	delay_commit(pg, "PERFORM pg_sleep(1)");
	pid_t child = fork();
	if (child == 0) {
		usleep(300000);
		shutdown(fd, SHUT_RD);
		_exit(0);
	}
	CHECK_RESULT(writer_commit(&writer), STORE_UNKNOWN);
	writer.conn->backend = 0; /* the session works on, and recovery must wait for it */
	enum store_result result = STORE_DEPOSED;
	for (int i = 0; i < 100 && result == STORE_DEPOSED; i++) {
		result = recover(writer.conn, &r);
		usleep(50000);
	}
	cr_assert_eq(result, STORE_OK, "%s", store_error(writer.conn));
	cr_assert_eq(r.head.size, world->entries_n, "it was stored");
	PQfinish(pg);
}

Test(store_log, killed_within_commit_nobody_knows, .init = begin, .fini = end)
{
	struct recovered r = {.arena = writer.arena};
	PGconn *pg = look(conninfo);

	delay_commit(pg, "PERFORM pg_sleep(5)");
	end_session_when("wait_event = 'PgSleep'");
	CHECK_RESULT(writer_commit(&writer), STORE_UNKNOWN);
	ask(pg, "DROP TRIGGER at_commit ON log_head");
	CHECK_RESULT(recover(writer.conn, &r), STORE_OK);
	cr_assert_eq(r.head.size, 0);
	PQfinish(pg);
}

Test(store_log, refused_within_commit_nothing_is_stored, .init = begin, .fini = end)
{
	struct recovered r = {.arena = writer.arena};
	PGconn *pg = look(conninfo);

	delay_commit(pg, "RAISE EXCEPTION ''no'' USING ERRCODE = ''23514'', CONSTRAINT = ''x''");
	CHECK_RESULT(writer_commit(&writer), STORE_DATA);
	ask(pg, "DROP TRIGGER at_commit ON log_head");
	CHECK_RESULT(recover(writer.conn, &r), STORE_OK);
	cr_assert_eq(r.head.size, 0);
	PQfinish(pg);
}

Test(store_log, a_new_session_writes_only_after_recovery, .init = begin, .fini = end)
{
	bool held;

	conn_drop(writer.conn);
	CHECK_RESULT(store_lease_try(writer.conn, &held), STORE_OK);
	cr_assert(held);
	CHECK_RESULT(writer_commit(&writer), STORE_UNAVAILABLE);
	cr_assert_not_null(strstr(store_error(writer.conn), "recover first"));
}

Test(store_log, a_server_that_stops_answering_is_given_up, .init = begin, .fini = end)
{
	int pid = PQbackendPID(writer.conn->pg);

	writer.conn->timeout_ms = 500;
	cr_assert_eq(kill(pid, SIGSTOP), 0);
	enum store_result result = writer_commit(&writer);
	cr_assert_eq(kill(pid, SIGCONT), 0);
	cr_assert_eq(result, STORE_UNKNOWN, "%d: %s", result, store_error(writer.conn));
}

/* ---- reading what never changes ---- */

Test(store_log, hashes_come_from_tiles_and_rows_alike, .init = begin, .fini = end)
{
	struct digest *all = arena_array(writer.arena, 700, sizeof(*all));
	static const struct {
		uint64_t first;
		size_t n;
	} cuts[] = {{0, 1}, {0, 256}, {255, 2}, {250, 300}, {0, 600}, {512, 20}, {599, 1}};

	for (unsigned i = 1; writer.head.size < 600; i++) {
		live(NUMBER(i));
		CHECK_RESULT(writer_commit(&writer), STORE_OK);
	}
	struct store_conn *reader = open_store(STORE_READER, conninfo);
	for (size_t i = 0; i < ARRAY_LEN(cuts); i++) {
		cr_assert_eq(store_port().hashes(reader, 0, cuts[i].first, cuts[i].n, all), STORE_OK, "%s",
			     store_error(reader));
		for (size_t k = 0; k < cuts[i].n; k++) {
			struct digest leaf =
			    digest_prefixed(0, world->entries[cuts[i].first + k].bytes, span_of(NULL, 0));
			cr_assert(digest_eq(&leaf, &all[k]), "%zu of %zu", k, i);
		}
	}
	cr_assert_eq(store_port().hashes(reader, 1, 0, 2, all), STORE_OK);
	struct digest leaves[TILE_WIDTH];
	cr_assert_eq(store_port().hashes(reader, 0, 0, TILE_WIDTH, leaves), STORE_OK);
	struct digest root = merkle_root(leaves, TILE_WIDTH);
	cr_assert(digest_eq(&root, &all[0]));
	cr_assert_eq(store_port().hashes(reader, 1, 0, 3, all), STORE_CORRUPT);
	cr_assert_eq(store_port().hashes(reader, 9, 0, 1, all), STORE_CORRUPT);
	cr_assert_eq(store_port().hashes(reader, 0, UINT64_MAX, 1, all), STORE_CORRUPT);

	uint64_t indexes[] = {7, 3, 7};
	struct entry_view views[3];
	cr_assert_eq(store_port().entries(reader, indexes, 3, writer.arena, views), STORE_OK);
	for (size_t i = 0; i < 3; i++) {
		cr_assert_eq(views[i].index, indexes[i]);
		cr_assert(span_eq(views[i].entry, world->entries[indexes[i]].bytes));
	}
	store_conn_free(reader);
}

Test(store_log, checkpoints_are_kept, .init = begin, .fini = end)
{
	struct rows rows = {.first_index = 0};
	struct commit commit = {.from = writer.head, .to = writer.head, .rows = &rows};
	struct recovered r = {.arena = writer.arena};

	commit.checkpoint = span_str("origin\n0\n...\n");
	CHECK_RESULT(store_port().commit(writer.conn, &commit), STORE_OK);
	CHECK_RESULT(store_port().commit(writer.conn, &commit), STORE_OK);
	CHECK_RESULT(recover(writer.conn, &r), STORE_OK);
	cr_assert(span_eq(r.checkpoint, commit.checkpoint));
}

Test(store_log, the_last_cosigned_checkpoint_is_kept, .init = begin, .fini = end)
{
	struct recovered r = {.arena = writer.arena};

	CHECK_RESULT(recover(writer.conn, &r), STORE_OK);
	cr_assert_eq(r.cosigned.n, 0);
	CHECK_RESULT(store_port().cosigned(writer.conn, 7, span_str("seven")), STORE_OK);
	CHECK_RESULT(store_port().cosigned(writer.conn, 12, span_str("twelve")), STORE_OK);
	CHECK_RESULT(store_port().cosigned(writer.conn, 12, span_str("again")), STORE_OK);
	CHECK_RESULT(store_port().cosigned(writer.conn, 9, span_str("nine")), STORE_OK);
	CHECK_RESULT(recover(writer.conn, &r), STORE_OK);
	cr_assert(span_eq_str(r.cosigned, "twelve"));
}

Test(store_log, a_head_that_counts_other_entries_is_corrupt, .init = begin, .fini = end)
{
	struct recovered r = {.arena = writer.arena};

	CHECK_RESULT(writer_commit(&writer), STORE_OK);
	PGconn *pg = look(conninfo);
	ask(pg, "UPDATE log_head SET size = size + 1");
	CHECK_RESULT(recover(writer.conn, &r), STORE_CORRUPT);
	ask(pg, "UPDATE log_head SET size = size - 1");
	CHECK_RESULT(recover(writer.conn, &r), STORE_OK);
	PQfinish(pg);
}

Test(store_log, recovery_can_be_stopped_and_begun_again, .init = begin, .fini = end)
{
	struct recovered r = {.arena = writer.arena, .stop_after = 2};

	CHECK_RESULT(writer_commit(&writer), STORE_OK);
	CHECK_RESULT(recover(writer.conn, &r), STORE_UNAVAILABLE);
	r.stop_after = 0;
	CHECK_RESULT(recover(writer.conn, &r), STORE_OK);
	cr_assert_eq(r.entries, world->registry_rows_n);
}

/* The tables must be those of the log: no entry is left out of a manifest's trail, and none stands in it
 * twice. */
Test(store_log, a_trail_that_lacks_an_entry_is_corrupt, .init = begin, .fini = end)
{
	PGconn *pg = look(conninfo);

	live(NUMBER(1));
	CHECK_RESULT(writer_commit(&writer), STORE_OK);
	cr_assert_str_eq(
	    ask(pg, "SELECT count(*) FROM manifest_trail(20262101000001) t JOIN entry e USING (index) "
		    "WHERE e.number = 20262101000001"),
	    "5");
	cr_assert_str_eq(ask(pg, "UPDATE manifest SET trail = substring(trail FROM 9)"), "");
	CHECK_RESULT(writer_commit(&writer), STORE_CORRUPT);
	PQfinish(pg);
}

Test(store_log, replaced_registrars_are_stored_as_revoked, .init = begin, .fini = end)
{
	struct event second = world_event(world, EVENT_REGISTRAR_ADDED), fresh = second;
	PGconn *pg = look(conninfo);

	second.registrar_added =
	    (struct registrar_added){world->devices[NEW_REGISTRAR].public, span_str("二号窗口")};
	fresh.registrar_added =
	    (struct registrar_added){world->devices[NEW_DEVICE].public, span_str("三号窗口")};
	world_accept(world, SIGN(world, &second, REGISTRAR, NEW_REGISTRAR));
	CHECK_RESULT(writer_commit(&writer), STORE_OK);
	cr_assert_str_eq(ask(pg, "SELECT count(*) FROM device_key WHERE revoked_from IS NOT NULL"), "0");
	world_accept(world, SIGN(world, &fresh, RECOVERY, NEW_DEVICE));
	CHECK_RESULT(writer_commit(&writer), STORE_OK);
	cr_assert_str_eq(
	    ask(pg, "SELECT count(*) FROM device_key WHERE role = 4 AND revoked_from IS NOT NULL"), "2");
	cr_assert_str_eq(ask(pg, "SELECT count(*) FROM device_key WHERE role = 4 AND revoked_from IS NULL"),
			 "1");
	cr_assert_str_eq(
	    ask(pg, "SELECT count(*) FROM device_key WHERE role <> 4 AND revoked_from IS NOT NULL"), "0");
	PQfinish(pg);
}

Test(store_log, an_event_is_not_stored_twice, .init = begin, .fini = end)
{
	CHECK_RESULT(writer_commit(&writer), STORE_OK);
	struct number_row again = {.key = world->numbers[0].key,
				   .number = world->numbers[0].number,
				   .event = world->numbers[0].event,
				   .index = 1};
	struct rows rows = {.first_index = writer.head.size, .numbers = &again, .numbers_n = 1};
	struct commit commit = {.from = writer.head, .to = writer.head, .rows = &rows};

	CHECK_RESULT(store_port().commit(writer.conn, &commit), STORE_DATA);
	again.event.b[0] ^= 1; /* another event under the same number: a restored device */
	CHECK_RESULT(store_port().commit(writer.conn, &commit), STORE_OK);
}
