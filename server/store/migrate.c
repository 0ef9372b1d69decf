/*
 * Owns the way a database comes to be what this program needs. Every step looks first and does nothing twice;
 * one migration at a time for the whole database, each in its own transaction with its checksum.
 */
#include "store/migrate.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define MIGRATE_KEY "7308332183592759156" /* any number: one migration at a time in a database */

void migration_fail(struct migration *m, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(m->message, STORE_MESSAGE_SIZE, fmt, args);
	va_end(args);
}

void migration_say(struct migration *m, const char *fmt, ...)
{
	char line[STORE_MESSAGE_SIZE];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	if (m->report != NULL)
		m->report(m->report_self, line);
}

/* ---- statements ---- */

static bool good(const PGresult *res)
{
	return PQresultStatus(res) == PGRES_COMMAND_OK || PQresultStatus(res) == PGRES_TUPLES_OK;
}

PGresult *migration_query(struct migration *m, const char *what, const char *sql, const struct params *p)
{
	PGresult *res = PQexecParams(m->pg, sql, p->n, NULL, p->values, p->lengths, p->formats, 1);

	if (good(res))
		return res;
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
	migration_fail(m, "%s: %s%s%s", what, PQresultErrorMessage(res),
		       state != NULL && strcmp(state, "42501") == 0
			   ? "connect as the database's owner or a superuser for the migration"
			   : "",
		       state == NULL ? "check the connection and run it again: what was done stays done"
				     : "");
	PQclear(res);
	return NULL;
}

bool migration_run(struct migration *m, const char *what, const char *sql)
{
	struct params none = {0};
	PGresult *res = migration_query(m, what, sql, &none);

	PQclear(res);
	return res != NULL;
}

static bool ask_int(struct migration *m, const char *what, const char *sql, int64_t *ret_value)
{
	struct params none = {0};
	PGresult *res = migration_query(m, what, sql, &none);

	if (res == NULL)
		return false;
	*ret_value = PQntuples(res) > 0 ? cell_int(res, 0, 0) : 0;
	PQclear(res);
	return true;
}

/* ---- steps ---- */

static bool connect_owner(struct migration *m)
{
	const char *const keywords[] = {"connect_timeout", "application_name", "target_session_attrs",
					"client_encoding", "dbname",           NULL};
	const char *const values[] = {"10", "manifestd migrate", "read-write", "UTF8", m->conninfo, NULL};

	m->pg = PQconnectdbParams(keywords, values, 1);
	if (m->pg == NULL || PQstatus(m->pg) != CONNECTION_OK) {
		migration_fail(m, "cannot connect to PostgreSQL: %s",
			       m->pg == NULL ? "no memory" : PQerrorMessage(m->pg));
		return false;
	}
	return migration_run(m, "session", "SET client_min_messages = warning") &&
	       migration_run(m, "lock", "SELECT pg_advisory_lock(" MIGRATE_KEY ")");
}

static bool make_role(struct migration *m, const char *role)
{
	char sql[160];
	int64_t found;

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM pg_roles WHERE rolname = '%s'", role);
	if (!ask_int(m, "roles", sql, &found))
		return false;
	if (found != 0)
		return true;
	snprintf(sql, sizeof(sql), "CREATE ROLE %s NOLOGIN", role);
	if (!migration_run(m, "roles", sql)) {
		migration_fail(m,
			       "the role %s is missing and this user may not make it: as a superuser run "
			       "CREATE ROLE %s NOLOGIN; GRANT %s TO the user of this connection",
			       role, role, role);
		return false;
	}
	migration_say(m, "made role %s", role);
	return true;
}

/* Roles belong to the whole PostgreSQL server; the tables belong to manifest_owner, whoever migrates. */
static bool make_roles(struct migration *m)
{
	static const char *const roles[] = {"manifest_owner", "manifest_writer", "manifest_reader"};
	int64_t member;

	for (size_t i = 0; i < ARRAY_LEN(roles); i++)
		if (!make_role(m, roles[i]))
			return false;
	if (!ask_int(m, "roles", "SELECT pg_has_role(current_user, 'manifest_owner', 'MEMBER')", &member))
		return false;
	return member != 0 || migration_run(m, "roles", "GRANT manifest_owner TO CURRENT_USER");
}

static bool make_schema(struct migration *m)
{
	return migration_run(m, "schema",
			     "CREATE SCHEMA IF NOT EXISTS manifest AUTHORIZATION manifest_owner") &&
	       migration_run(m, "schema", "SET ROLE manifest_owner") &&
	       migration_run(m, "schema", "SET search_path = manifest, pg_temp") &&
	       migration_run(m, "schema",
			     "CREATE TABLE IF NOT EXISTS schema_migration (number integer PRIMARY KEY, "
			     "name text NOT NULL, sha256 bytea NOT NULL, "
			     "applied_at timestamptz NOT NULL DEFAULT now())");
}

/* What is recorded for this number: nothing yet, the same file, or another one (refused). */
static bool look_up(struct migration *m, const struct migration_file *f, bool *ret_applied)
{
	struct params p = {0};

	param_int(&p, f->number);
	PGresult *res =
	    migration_query(m, f->name, "SELECT sha256 FROM schema_migration WHERE number = $1::bigint", &p);
	if (res == NULL)
		return false;
	bool applied = PQntuples(res) > 0;
	bool same = applied && span_eq(cell_span(res, 0, 0), digest_span(&f->sha256));
	PQclear(res);
	if (applied && !same) {
		migration_fail(
		    m,
		    "%s was changed after it was applied: put the file back as it was released, and "
		    "make further changes in a new migration",
		    f->name);
		return false;
	}
	*ret_applied = applied;
	return true;
}

static bool record(struct migration *m, const struct migration_file *f)
{
	struct params p = {0};

	param_int(&p, f->number);
	param_str(&p, f->name);
	param_digest(&p, &f->sha256);
	PGresult *res = migration_query(m, f->name,
					"INSERT INTO schema_migration (number, name, sha256) "
					"VALUES ($1::bigint, $2::text, $3::bytea)",
					&p);
	PQclear(res);
	return res != NULL;
}

static bool apply(struct migration *m, const struct migration_file *f)
{
	bool applied;

	if (!look_up(m, f, &applied))
		return false;
	if (applied)
		return true;
	if (!migration_run(m, f->name, "BEGIN"))
		return false;
	/* The file holds several statements: the simple protocol. Its error names the line. */
	PGresult *res = PQexec(m->pg, f->text);
	bool done = good(res);
	if (!done)
		migration_fail(m, "%s: %s", f->name, PQresultErrorMessage(res));
	PQclear(res);
	if (!done || !record(m, f) || !migration_run(m, f->name, "COMMIT")) {
		PQclear(PQexec(m->pg, "ROLLBACK"));
		return false;
	}
	migration_say(m, "applied %s", f->name);
	return true;
}

static bool apply_all(struct migration *m)
{
	int64_t newest;

	if (!ask_int(m, "schema", SCHEMA_VERSION_SQL, &newest))
		return false;
	if (newest > SCHEMA_VERSION) {
		migration_fail(
		    m,
		    "the database is at migration %lld and this program knows %d: install the program "
		    "that migrated it",
		    (long long)newest, SCHEMA_VERSION);
		return false;
	}
	for (size_t i = 0; i < m->files_n; i++)
		if (!apply(m, &m->files[i]))
			return false;
	return true;
}

static bool make_partitions(struct migration *m)
{
	int64_t before, until;

	if (!ask_int(m, "partitions", "SELECT count(*) FROM pg_inherits WHERE inhparent = 'entry'::regclass",
		     &before) ||
	    !ask_int(m, "partitions", "SELECT entry_partitions((SELECT size FROM log_head) + 8000000)",
		     &until))
		return false;
	int64_t after;
	if (!ask_int(m, "partitions", "SELECT count(*) FROM pg_inherits WHERE inhparent = 'entry'::regclass",
		     &after))
		return false;
	if (after != before)
		migration_say(m, "made %lld partitions, up to entry %lld", (long long)(after - before),
			      (long long)until);
	return true;
}

enum store_result store_migrate(const char *conninfo, const char *schema_dir, store_report_fn report,
				void *report_self, char ret_message[STORE_MESSAGE_SIZE])
{
	static bool (*const steps[])(struct migration * m) = {
	    migration_read_files,      connect_owner, make_roles, make_schema, apply_all, make_partitions,
	    migration_load_references,
	};
	struct migration m = {
	    .conninfo = conninfo, .schema_dir = schema_dir, .report = report, .report_self = report_self};
	bool done = true;

	for (size_t i = 0; i < ARRAY_LEN(steps) && done; i++)
		done = steps[i](&m);
	PQfinish(m.pg);
	migration_free_files(&m);
	if (done)
		return STORE_OK;
	memcpy(ret_message, m.message, STORE_MESSAGE_SIZE);
	for (size_t n = strlen(ret_message); n > 0 && ret_message[n - 1] == '\n'; n--)
		ret_message[n - 1] = '\0';
	return STORE_UNAVAILABLE;
}
