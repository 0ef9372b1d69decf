/* A reader whose session is gone, whose database is away, or whose question takes too long. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "store/conn.h"
#include "store_city.h"

TestSuite(store_reader, .timeout = 60);

static PGconn *pg;
static char conninfo[300], postgres[300];

static void begin(void)
{
	city_begin();
	const PGconn *w = writer.conn->pg;
	snprintf(conninfo, sizeof(conninfo), "host=%s user=%s dbname=%s", PQhost(w), PQuser(w), PQdb(w));
	snprintf(postgres, sizeof(postgres), "host=%s user=%s dbname=postgres", PQhost(w), PQuser(w));
	pg = look(conninfo);
}

static void end(void)
{
	PQfinish(pg);
	city_end();
}

static enum store_result flags(struct store_conn *c)
{
	const struct query q = {.kind = QUERY_FLAGS};
	struct answers a;

	return store_port().query(c, &q, &everything, arena, &a);
}

/* What PostgreSQL's death does to every session. */
static void kill_sessions(void)
{
	const char *killed =
	    ask(pg, "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE datname = "
		    "current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'");

	cr_assert(killed[0] > '0' && killed[0] <= '9', "%s", killed);
}

Test(store_reader, a_lost_session_is_made_again_within_the_question, .init = begin, .fini = end)
{
	const struct store_port port = store_port();
	const uint64_t index = 0;
	struct entry_view entry;
	struct digest hash;

	cr_assert_eq(flags(reader), STORE_OK);
	kill_sessions();
	cr_assert_eq(flags(reader), STORE_OK, "%s", store_error(reader));
	kill_sessions();
	cr_assert_eq(port.hashes(reader, 0, 0, 1, &hash), STORE_OK, "%s", store_error(reader));
	kill_sessions();
	cr_assert_eq(port.entries(reader, &index, 1, arena, &entry), STORE_OK, "%s", store_error(reader));
	cr_assert(span_eq(entry.entry, world->entries[0].bytes));
}

/* The lease was its session's: whoever writes must hear of the loss, and recover. */
Test(store_reader, a_writers_session_is_not, .init = begin, .fini = end)
{
	struct digest hash;

	kill_sessions();
	cr_assert_eq(store_port().hashes(writer.conn, 0, 0, 1, &hash), STORE_UNAVAILABLE);
}

Test(store_reader, a_database_that_is_away_is_said_to_be, .init = begin, .fini = end)
{
	char sql[200];
	PGconn *other = look(postgres);

	cr_assert_eq(flags(reader), STORE_OK);
	snprintf(sql, sizeof(sql), "ALTER DATABASE %s ALLOW_CONNECTIONS false", PQdb(pg));
	cr_assert_str_eq(ask(other, sql), "");
	kill_sessions();
	cr_assert_eq(flags(reader), STORE_UNAVAILABLE);
	cr_assert_eq(flags(reader), STORE_UNAVAILABLE);
	snprintf(sql, sizeof(sql), "ALTER DATABASE %s ALLOW_CONNECTIONS true", PQdb(pg));
	cr_assert_str_eq(ask(other, sql), "");
	cr_assert_eq(flags(reader), STORE_OK, "%s", store_error(reader));
	PQfinish(other);
}

Test(store_reader, a_question_that_takes_too_long_is_cut_short_and_the_next_is_answered, .init = begin,
     .fini = end)
{
	const struct store_options hasty = {.conninfo = conninfo, .timeout_ms = 1000};
	struct store_conn *c = store_conn_new(STORE_READER, &hasty);
	const uint64_t number = NUMBER(1);
	const struct query trail = {.kind = QUERY_TRAIL, .numbers = &number, .numbers_n = 1};
	struct answers a;

	cr_assert_not_null(c);
	cr_assert_eq(flags(c), STORE_OK, "%s", store_error(c));
	int pid = c->pid;
	cr_assert_str_eq(
	    ask(pg, "CREATE OR REPLACE FUNCTION manifest_trail(of bigint) RETURNS TABLE (index bigint, "
		    "\"position\" integer) LANGUAGE sql STABLE AS "
		    "'SELECT 0::bigint, 0 FROM pg_sleep(30)'"),
	    "");
	cr_assert_eq(store_port().query(c, &trail, &everything, arena, &a), STORE_SLOW, "%s", store_error(c));
	cr_assert_eq(flags(c), STORE_OK, "%s", store_error(c));
	cr_assert_eq(c->pid, pid);
	store_conn_free(c);
}

static const char *mode(struct store_conn *c,
			enum store_result (*run)(struct store_conn *c, const char *sql,
						 const struct params *p, PGresult **ret_res))
{
	static char text[40];
	const struct params none = {0};
	PGresult *res;

	cr_assert_eq(run(c, "SELECT current_setting('plan_cache_mode')", &none, &res), STORE_OK);
	snprintf(text, sizeof(text), "%.*s", SPAN_ARG(cell_span(res, 0, 0)));
	PQclear(res);
	return text;
}

Test(store_reader, a_made_up_question_is_planned_for_its_values_and_nothing_else_is, .init = begin,
     .fini = end)
{
	const struct params none = {0};
	PGresult *res;

	cr_assert_eq(flags(reader), STORE_OK);
	int pid = reader->pid;
	cr_assert_str_eq(mode(reader, conn_run_planned), "force_custom_plan");
	cr_assert_str_eq(mode(reader, conn_run_kept), "force_generic_plan");
	cr_assert_eq(conn_run_planned(reader, "SELECT 1 / 0", &none, &res), STORE_DATA);
	cr_assert_str_eq(mode(reader, conn_run_sql), "force_generic_plan");
	cr_assert_eq(reader->pid, pid);
	kill_sessions();
	cr_assert_eq(conn_run_planned(reader, "SELECT 1", &none, &res), STORE_UNAVAILABLE);
	cr_assert(reader->lost);
	cr_assert_null(reader->pg);
}

Test(store_reader, a_kept_statement_is_prepared_again_in_the_next_session, .init = begin, .fini = end)
{
	const uint64_t number = NUMBER(1);
	const struct query trail = {.kind = QUERY_TRAIL, .numbers = &number, .numbers_n = 1};

	for (int i = 0; i < 3; i++) {
		cr_assert_gt(city_run(&trail, &everything).n, 0);
		cr_assert_gt(city_run(&trail, &everything).n, 0);
		kill_sessions();
	}
}
