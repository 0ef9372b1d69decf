/* Owns how a connection is made, set up and checked before anything is believed that comes over it. */
#include "store/conn.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/text.h"

enum { OLDEST_SERVER = 140000, WRITER_TIMEOUT_MS = 60000, READER_TIMEOUT_MS = 15000 };

static void no_notice(void *self, const PGresult *res)
{
	(void)self;
	(void)res;
}

static bool connect_to(struct store_conn *c)
{
	/* What the operator's own string says comes last, and wins. */
	const char *const keywords[] = {"connect_timeout",
					"keepalives",
					"keepalives_idle",
					"keepalives_interval",
					"keepalives_count",
					"tcp_user_timeout",
					"application_name",
					"client_encoding",
					"target_session_attrs",
					"dbname",
					NULL};
	const char *const values[] = {"10",        "1",    "10",
				      "5",         "3",    "15000",
				      c->name,     "UTF8", c->kind == STORE_READER ? "any" : "read-write",
				      c->conninfo, NULL};

	c->pg = PQconnectdbParams(keywords, values, 1);
	if (c->pg == NULL || PQstatus(c->pg) != CONNECTION_OK) {
		conn_error(c, "cannot connect to PostgreSQL: %s",
			   c->pg == NULL ? "no memory" : PQerrorMessage(c->pg));
		return false;
	}
	c->pid = PQbackendPID(c->pg);
	PQsetNoticeReceiver(c->pg, no_notice, NULL);
	if (PQserverVersion(c->pg) < OLDEST_SERVER) {
		conn_error(c, "PostgreSQL %d is too old: 14 or later is needed",
			   PQserverVersion(c->pg) / 10000);
		return false;
	}
	if (PQsetnonblocking(c->pg, 1) == 0)
		return true;
	conn_error(c, "%s", PQerrorMessage(c->pg));
	return false;
}

/* A query without parameters of ours, whose first cell is an integer. */
static bool ask(struct store_conn *c, const char *sql, int64_t *ret_value)
{
	struct params none = {0};
	PGresult *res;

	if (conn_run_sql(c, sql, &none, &res) != STORE_OK)
		return false;
	*ret_value = PQntuples(res) > 0 ? cell_int(res, 0, 0) : 0;
	PQclear(res);
	return true;
}

/*
 * Before any function is called by its name, which the database's own search path might lead elsewhere. Rows
 * that a policy hides are an error: what is left would pass for the whole.
 */
static bool set_up_names(struct store_conn *c)
{
	static const char *const sql[] = {"SET search_path = manifest, pg_temp", "SET row_security = off"};
	struct params none = {0};
	PGresult *res;

	for (size_t i = 0; i < ARRAY_LEN(sql); i++) {
		if (conn_run_sql(c, sql[i], &none, &res) != STORE_OK)
			return false;
		PQclear(res);
	}
	return true;
}

/*
 * The server's own limits end a little before ours, so that an error comes instead of a lost connection.
 * Every question has its index, and is bounded by what it reads through that: no plan may read more. Plans of
 * prepared statements are made once, when the tables may still be empty: they must be those of full ones.
 */
static bool set_up_session(struct store_conn *c)
{
	struct params p = {0};
	char limit[24];
	PGresult *res;

	if (!set_up_names(c))
		return false;
	snprintf(limit, sizeof(limit), "%u", c->timeout_ms - c->timeout_ms / 10);
	param_str(&p, limit);
	param_bool(&p, c->kind == STORE_READER);
	if (conn_run_sql(c,
			 "SELECT set_config('statement_timeout', $1::text, false), "
			 "set_config('lock_timeout', $1::text, false), "
			 "set_config('idle_in_transaction_session_timeout', $1::text, false), "
			 "set_config('client_connection_check_interval', '5s', false), "
			 "set_config('jit', 'off', false), "
			 "set_config('default_transaction_read_only', $2::boolean::text, false), "
			 "set_config('plan_cache_mode', 'force_generic_plan', false), "
			 "set_config('enable_seqscan', 'off', false), "
			 "set_config('enable_bitmapscan', 'off', false), "
			 "set_config('enable_hashjoin', 'off', false), "
			 "set_config('enable_mergejoin', 'off', false)",
			 &p, &res) != STORE_OK)
		return false;
	PQclear(res);
	return true;
}

static bool check_durability(struct store_conn *c)
{
	struct params none = {0};
	PGresult *res;

	if (conn_run_sql(c,
			 "SELECT name FROM pg_settings WHERE setting = 'off' "
			 "AND name IN ('fsync', 'full_page_writes', 'synchronous_commit')",
			 &none, &res) != STORE_OK)
		return false;
	bool durable = PQntuples(res) == 0;
	if (!durable)
		conn_error(c,
			   "PostgreSQL runs with %s = off and may lose what it confirmed: set it to on in "
			   "postgresql.conf (and for the role and the database) and reload",
			   PQgetvalue(res, 0, 0));
	PQclear(res);
	return durable;
}

static bool check_migrated(struct store_conn *c)
{
	int64_t tables;

	if (!ask(c,
		 "SELECT count(*) FROM pg_tables WHERE schemaname = 'manifest' AND tablename = "
		 "'schema_migration'",
		 &tables))
		return false;
	if (tables == 0)
		conn_error(c, "the database has no tables yet: run manifestd migrate");
	return tables != 0;
}

static bool check_version(struct store_conn *c)
{
	int64_t version;

	if (!ask(c, SCHEMA_VERSION_SQL, &version))
		return false;
	if (version != SCHEMA_VERSION)
		conn_error(c, "the database's schema is version %lld, this program's is %d: %s",
			   (long long)version, SCHEMA_VERSION,
			   version < SCHEMA_VERSION ? "run manifestd migrate"
						    : "install the program that migrated it");
	return version == SCHEMA_VERSION;
}

/* Rights are the role's, whoever connects: also a superuser's server cannot change the log by accident. */
static bool take_role(struct store_conn *c)
{
	struct params none = {0};
	static const char *const roles[] = {[STORE_WRITER] = "manifest_writer",
					    [STORE_READER] = "manifest_reader",
					    [STORE_OWNER] = "manifest_owner"};
	const char *role = roles[c->kind];
	char sql[64];
	PGresult *res;

	snprintf(sql, sizeof(sql), "SET ROLE %s", role);
	if (conn_run_sql(c, sql, &none, &res) == STORE_OK) {
		PQclear(res);
		return true;
	}
	char why[200];
	snprintf(why, sizeof(why), "%.190s", c->error);
	conn_error(c, "%s: as the database's administrator run GRANT %s TO the user that connects", why,
		   role);
	return false;
}

static bool prepare_all(struct store_conn *c)
{
	struct pipeline p;
	int wanted = 0;

	pipeline_begin(&p, c);
	for (int i = 0; i < STATEMENTS && !p.broken; i++) {
		if (statement_rows[i].writer_only && c->kind != STORE_WRITER)
			continue;
		p.broken = !PQsendPrepare(c->pg, statement_rows[i].name, statement_rows[i].sql, 0, NULL);
		wanted++;
	}
	if (!pipeline_sync(&p)) {
		conn_failed(c, NULL);
		return false;
	}
	bool good = true;
	for (int i = 0; i < wanted && good; i++) {
		PGresult *res = pipeline_next(&p);
		good = PQresultStatus(res) == PGRES_COMMAND_OK;
		if (!good)
			conn_failed(c, res);
		PQclear(res);
	}
	return good && pipeline_end(&p);
}

/* The lock may still be held by our own session that we lost: it is told to go. */
static bool end_lost_session(struct store_conn *c)
{
	struct params p = {0};
	PGresult *res;

	if (c->backend == 0)
		return true;
	param_int(&p, c->backend);
	param_str(&p, c->name);
	if (conn_run_sql(c,
			 "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
			 "WHERE pid = $1::bigint AND application_name = $2::text",
			 &p, &res) != STORE_OK)
		return false;
	PQclear(res);
	return true;
}

enum store_result conn_open(struct store_conn *c)
{
	static bool (*const steps[])(struct store_conn *
				     c) = {connect_to,     set_up_session, check_durability, end_lost_session,
					   check_migrated, take_role,      check_version,    prepare_all};

	c->lost = false;
	if (c->pg != NULL && PQstatus(c->pg) == CONNECTION_OK)
		return STORE_OK;
	conn_drop(c);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		if (!steps[i](c)) {
			conn_drop(c);
			return STORE_UNAVAILABLE;
		}
	return STORE_OK;
}

void conn_drop(struct store_conn *c)
{
	if (c->locked)
		c->backend = c->pid;
	PQfinish(c->pg);
	c->pg = NULL;
	c->locked = false;
	c->recovered = false;
	recent_clear(c->recent);
	for (size_t i = 0; i < KEPT_MAX; i++) {
		free(c->kept[i]);
		c->kept[i] = NULL;
	}
}

static char *copy_text(const char *s)
{
	return strdup(s == NULL ? "" : s);
}

struct store_conn *store_conn_new(enum store_kind kind, const struct store_options *options)
{
	struct store_conn *c = calloc(1, sizeof(*c));
	uint8_t nonce[8] = {0};
	char text[2 * sizeof(nonce) + 1];

	if (c == NULL)
		return NULL;
	c->kind = kind;
	c->rebuilding = options->rebuilding;
	c->conninfo = copy_text(options->conninfo);
	c->high_water_path = copy_text(options->high_water);
	if (c->conninfo == NULL || c->high_water_path == NULL)
		goto fail;
	c->timeout_ms = options->timeout_ms != 0 ? options->timeout_ms
			: kind == STORE_WRITER   ? WRITER_TIMEOUT_MS
						 : READER_TIMEOUT_MS;
	c->recent = kind == STORE_WRITER ? recent_new() : NULL;
	if (getrandom(nonce, sizeof(nonce), 0) != (ssize_t)sizeof(nonce))
		goto fail;
	hex_encode(span_of(nonce, sizeof(nonce)), text);
	snprintf(c->name, sizeof(c->name), "manifestd %s", text);
	return c;
fail:
	store_conn_free(c);
	return NULL;
}

void store_conn_free(struct store_conn *c)
{
	if (c == NULL)
		return;
	conn_drop(c);
	high_water_close(c->high_water);
	recent_free(c->recent);
	for (size_t i = 0; i < PARAMS_MAX; i++)
		array_free(&c->columns[i]);
	free(c->high_water_path);
	free(c->conninfo);
	free(c);
}
