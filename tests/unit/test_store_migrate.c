/* The migration command, what the roles may do, and what a connection refuses. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/conn.h"
#include "store_support.h"

TestSuite(store_migrate, .timeout = 120);

static char message[STORE_MESSAGE_SIZE];
static unsigned lines;

static void count_line(void *self, const char *line)
{
	(void)self;
	(void)line;
	lines++;
}

static enum store_result migrate(const char *conninfo, const char *dir)
{
	lines = 0;
	message[0] = '\0';
	return store_migrate(conninfo, dir, count_line, NULL, message);
}

/* A copy of schema/ that a test may change. */
static const char *copy_schema(void)
{
	static char dir[100];
	char command[300];

	snprintf(dir, sizeof(dir), "%s.schema-%d", getenv("STORE_TEST_CLUSTER"), (int)getpid());
	snprintf(command, sizeof(command), "rm -rf %s && cp -r schema %s", dir, dir);
	cr_assert_eq(system(command), 0);
	return dir;
}

static void change(const char *dir, const char *command)
{
	char line[500];

	snprintf(line, sizeof(line), "cd %s && %s", dir, command);
	cr_assert_eq(system(line), 0, "%s", line);
}

static void drop(const char *dir)
{
	change(dir, "rm -rf \"$PWD\"");
}

Test(store_migrate, twice_is_once)
{
	const char *conninfo = empty_database();

	cr_assert_eq(migrate(conninfo, "schema"), STORE_OK, "%s", message);
	cr_assert_geq(lines, SCHEMA_VERSION + 4);
	cr_assert_eq(migrate(conninfo, "schema"), STORE_OK, "%s", message);
	cr_assert_eq(lines, 0, "nothing was left to do");
	PGconn *pg = look(conninfo);
	cr_assert_str_eq(ask(pg, "SELECT count(*) FROM schema_migration"), "4");
	cr_assert_str_eq(ask(pg, "SELECT count(DISTINCT kind) FROM reference_file"), "4");
	cr_assert_str_eq(ask(pg,
			     "SELECT count(*) FROM pg_tables WHERE schemaname = 'manifest' AND tableowner <> "
			     "'manifest_owner'"),
			 "0");
	PQfinish(pg);
}

Test(store_migrate, a_changed_migration_is_refused)
{
	const char *conninfo = fresh_database(), *dir = copy_schema();

	change(dir, "echo '-- changed' >> migrations/001_log.sql");
	cr_assert_eq(migrate(conninfo, dir), STORE_UNAVAILABLE);
	cr_assert_not_null(strstr(message, "001_log.sql was changed after it was applied"), "%s", message);
	drop(dir);
}

Test(store_migrate, a_newer_database_is_refused)
{
	const char *conninfo = fresh_database();
	struct recovered r = {0};
	PGconn *pg = look(conninfo);

	ask(pg, "INSERT INTO schema_migration VALUES (5, '005_future.sql', '')");
	cr_assert_eq(migrate(conninfo, "schema"), STORE_UNAVAILABLE);
	cr_assert_not_null(strstr(message, "install the program that migrated it"), "%s", message);
	struct store_conn *c = open_store(STORE_WRITER, conninfo);
	cr_assert_eq(recover(c, &r), STORE_UNAVAILABLE);
	cr_assert_not_null(strstr(store_error(c), "version 5"), "%s", store_error(c));
	store_conn_free(c);
	PQfinish(pg);
}

Test(store_migrate, a_failing_migration_leaves_nothing_of_itself)
{
	const char *conninfo = empty_database(), *dir = copy_schema();

	change(dir, "echo 'SELECT 1 / 0;' >> migrations/002_derived.sql");
	cr_assert_eq(migrate(conninfo, dir), STORE_UNAVAILABLE);
	cr_assert_not_null(strstr(message, "002_derived.sql: ERROR:  division by zero"), "%s", message);
	PGconn *pg = look(conninfo);
	cr_assert_str_eq(ask(pg, "SELECT max(number) FROM schema_migration"), "1");
	cr_assert_str_eq(ask(pg, "SELECT to_regclass('manifest.manifest') IS NULL"), "t");
	cr_assert_eq(migrate(conninfo, "schema"), STORE_OK, "%s", message); /* and goes on from there */
	PQfinish(pg);
	drop(dir);
}

Test(store_migrate, folders_that_do_not_fit_are_refused)
{
	static const struct {
		const char *change;
		const char *says;
	} cases[] = {
	    {"rm migrations/002_derived.sql", "migration 002 is missing"},
	    {"cp migrations/001_log.sql migrations/005_more.sql",
	     "is not one of this program's 4 migrations"},
	    {"cp migrations/001_log.sql migrations/001_again.sql", "is there twice"},
	    {"cp migrations/001_log.sql migrations/log.sql", "is not one of this program's"},
	    {"rm -r migrations", "name the schema folder"},
	    {"rm -r data/calendar", "name the schema folder"},
	    {"echo 2031-01-01,holiday,x >> data/calendar/2026.csv", "data/calendar/2026.csv differs"},
	    {"cp data/calendar/2026.csv data/calendar/x23456789012345678901234567890123.csv",
	     "has 1 to 32 bytes"},
	};
	const char *conninfo = fresh_database();

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *dir = copy_schema();
		change(dir, cases[i].change);
		cr_assert_eq(migrate(conninfo, dir), STORE_UNAVAILABLE, "%s", cases[i].change);
		cr_assert_not_null(strstr(message, cases[i].says), "%s: %s", cases[i].change, message);
		drop(dir);
	}
	const char *dir = copy_schema();
	change(dir, "sed s/holiday/holiday/ data/calendar/2026.csv > data/calendar/2027.csv");
	cr_assert_eq(migrate(conninfo, dir), STORE_OK, "%s", message);
	cr_assert_eq(lines, 1);
	drop(dir);
}

Test(store_migrate, no_server_says_so)
{
	cr_assert_eq(migrate("host=/nonexistent dbname=x", "schema"), STORE_UNAVAILABLE);
	cr_assert_not_null(strstr(message, "cannot connect to PostgreSQL"), "%s", message);
}

/* ---- rights ---- */

Test(store_migrate, what_each_role_may_do)
{
	static const struct {
		const char *role;
		const char *sql;
		bool allowed;
	} cases[] = {
	    {"manifest_writer", "INSERT INTO entry VALUES (0, 1, 0, 10, sha256('\\x00aa'), '\\xaa')", true},
	    {"manifest_writer", "UPDATE entry SET kind = 11", false},
	    {"manifest_writer", "UPDATE entry_00000 SET kind = 11", false},
	    {"manifest_writer", "DELETE FROM entry", false},
	    {"manifest_writer", "DELETE FROM entry_00000", false},
	    {"manifest_writer", "TRUNCATE entry", false},
	    {"manifest_writer", "INSERT INTO entry_00000 VALUES (1, 1, 0, 10, sha256('\\x00aa'), '\\xaa')",
	     false},
	    {"manifest_writer", "UPDATE running_number SET index = 1", false},
	    {"manifest_writer", "DELETE FROM running_number", false},
	    {"manifest_writer", "DELETE FROM manifest_term", false},
	    {"manifest_writer", "UPDATE tile SET root = hashes", false},
	    {"manifest_writer", "UPDATE checkpoint SET note = ''", false},
	    {"manifest_writer", "DELETE FROM evidence", false},
	    {"manifest_writer", "DELETE FROM log_head", false},
	    {"manifest_writer", "DELETE FROM manifest", false},
	    {"manifest_writer", "UPDATE manifest SET state = 1", true},
	    {"manifest_writer", "UPDATE schema_migration SET name = ''", false},
	    {"manifest_writer", "INSERT INTO reference_file VALUES (1, 'x', sha256(''), '')", false},
	    {"manifest_writer", "CREATE TABLE x ()", false},
	    {"manifest_writer", "SELECT entry_partitions(5000000)", true},
	    {"manifest_writer", "DELETE FROM person_secret", false},
	    {"manifest_writer", "SELECT count(*) FROM person_secret", false},
	    {"manifest_owner", "DELETE FROM person_secret", true},
	    {"manifest_reader", "SELECT count(*) FROM entry", true},
	    {"manifest_reader", "SELECT count(*) FROM flag", true},
	    {"manifest_reader", "SELECT count(*) FROM person_secret", false},
	    {"manifest_reader", "INSERT INTO registry_entry VALUES (1)", false},
	    {"manifest_reader", "UPDATE log_head SET epoch = 9", false},
	    {"manifest_reader", "SELECT entry_partitions(5000000)", false},
	};
	PGconn *pg = look(fresh_database());

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char set[60];
		snprintf(set, sizeof(set), "SET ROLE %s", cases[i].role);
		cr_assert_str_eq(ask(pg, set), "");
		const char *got = ask(pg, cases[i].sql);
		if (cases[i].allowed)
			cr_assert_neq(got[0], '!', "%s %s: %s", cases[i].role, cases[i].sql, got);
		else
			cr_assert_str_eq(got, "!42501", "%s %s: %s", cases[i].role, cases[i].sql, got);
	}
	PQfinish(pg);
}

Test(store_migrate, partitions_are_made_ahead_and_within_bounds)
{
	PGconn *pg = look(fresh_database());

	cr_assert_str_eq(ask(pg, "SELECT entry_partitions(1)"), "8388608", "the migration made two");
	cr_assert_str_eq(ask(pg, "SELECT entry_partitions(8388609)"), "12582912");
	cr_assert_str_eq(ask(pg, "SELECT entry_partitions(1000000000000)"), "33554432",
			 "eight ahead at most");
	cr_assert_str_eq(ask(pg, "INSERT INTO entry VALUES (33554431, 1, 0, 10, sha256('\\x00aa'), '\\xaa')"),
			 "");
	cr_assert_str_eq(ask(pg, "INSERT INTO entry VALUES (33554432, 1, 0, 10, sha256('\\x00aa'), '\\xaa')"),
			 "!23514");
	/* Each partition has the checks and the key of the whole. */
	cr_assert_str_eq(ask(pg, "INSERT INTO entry VALUES (33554431, 1, 0, 10, sha256('\\x00aa'), '\\xaa')"),
			 "!23505");
	PQfinish(pg);
}

/* ---- what a connection refuses ---- */

static void refuses(const char *conninfo, const char *says)
{
	struct recovered r = {0};
	struct store_conn *c = open_store(STORE_WRITER, conninfo);

	cr_assert_eq(recover(c, &r), STORE_UNAVAILABLE);
	cr_assert_not_null(strstr(store_error(c), says), "%s", store_error(c));
	store_conn_free(c);
}

Test(store_migrate, a_database_that_may_lose_what_it_confirmed)
{
	char with[300];

	snprintf(with, sizeof(with), "%s options='-c synchronous_commit=off'", fresh_database());
	refuses(with, "synchronous_commit = off");
}

Test(store_migrate, a_database_without_tables)
{
	refuses(empty_database(), "run manifestd migrate");
}

Test(store_migrate, a_database_that_is_behind)
{
	const char *conninfo = fresh_database();
	PGconn *pg = look(conninfo);

	ask(pg, "DELETE FROM schema_migration WHERE number = 4");
	refuses(conninfo, "run manifestd migrate");
	PQfinish(pg);
}

Test(store_migrate, a_user_that_is_not_the_writer)
{
	char with[300];
	const char *conninfo = fresh_database();
	PGconn *pg = look(conninfo);

	ask(pg, "CREATE ROLE store_test_stranger LOGIN");
	snprintf(with, sizeof(with), "%s user=store_test_stranger", conninfo);
	refuses(with, "GRANT manifest_writer TO");
	PQfinish(pg);
}
