/*
 * Owns the PGconn: how it is made and checked, how long an answer is waited for, what an error means. libpq
 * is used without blocking inside, so that a server that is stopped but not gone cannot hold a thread for
 * ever.
 */
#include "store/conn.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "base/text.h"

enum { OLDEST_SERVER = 140000, WRITER_TIMEOUT_MS = 60000, READER_TIMEOUT_MS = 15000, MILLISECOND = 1000000 };

void conn_error(struct store_conn *c, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(c->error, sizeof(c->error), fmt, args);
	va_end(args);
	for (size_t n = strlen(c->error); n > 0 && c->error[n - 1] == '\n'; n--)
		c->error[n - 1] = '\0';
}

const char *store_error(const struct store_conn *c)
{
	return c->error;
}

/* By the beginning of the SQLSTATE, the longest first. */
static const struct {
	const char *state;
	enum store_result result;
} meanings[] = {
    {"MF001", STORE_DEPOSED}, {"XX001", STORE_CORRUPT}, {"XX002", STORE_CORRUPT},
    {"22", STORE_DATA},       {"23", STORE_DATA},
};

enum store_result conn_failed(struct store_conn *c, const PGresult *res)
{
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);

	if (state == NULL) {
		conn_error(c, "the connection to PostgreSQL is lost: %s", PQerrorMessage(c->pg));
		return STORE_UNAVAILABLE;
	}
	const char *detail = PQresultErrorField(res, PG_DIAG_MESSAGE_DETAIL);
	conn_error(c, "PostgreSQL refused: %s (SQLSTATE %s)%s%s",
		   PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY), state, detail == NULL ? "" : ": ",
		   detail == NULL ? "" : detail);
	/* No partition for an index has a constraint's state and names no constraint: it is nobody's value.
	 */
	if (strcmp(state, "23514") == 0 && PQresultErrorField(res, PG_DIAG_CONSTRAINT_NAME) == NULL)
		return STORE_UNAVAILABLE;
	for (size_t i = 0; i < ARRAY_LEN(meanings); i++)
		if (strncmp(state, meanings[i].state, strlen(meanings[i].state)) == 0)
			return meanings[i].result;
	return STORE_UNAVAILABLE;
}

bool result_is_refusal(const PGresult *res)
{
	const char *severity = PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED);

	return severity != NULL && strcmp(severity, "ERROR") == 0;
}

/* ---- waiting ---- */

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / MILLISECOND;
}

/* Sends what is queued and reads until a result is there. False: lost, or out of time. */
static bool wait_result(struct store_conn *c)
{
	int64_t deadline = now_ms() + c->timeout_ms;

	for (;;) {
		int unsent = PQflush(c->pg);
		if (unsent < 0)
			return false;
		if (unsent == 0 && PQisBusy(c->pg) == 0)
			return true;
		int64_t left = deadline - now_ms();
		struct pollfd fd = {.fd = PQsocket(c->pg), .events = POLLIN};
		if (unsent != 0)
			fd.events |= POLLOUT;
		int ready = left > 0 ? poll(&fd, 1, (int)left) : 0;
		if (ready == 0 || (ready < 0 && errno != EINTR))
			return false;
		if (ready > 0 && (fd.revents & ~POLLOUT) != 0 && PQconsumeInput(c->pg) == 0)
			return false;
	}
}

PGresult *conn_next(struct store_conn *c, bool *ret_lost)
{
	if (!wait_result(c)) {
		*ret_lost = true;
		return NULL;
	}
	*ret_lost = false;
	return PQgetResult(c->pg);
}

/* ---- single statements ---- */

/* Reads the one result of what was sent; NULL: lost. The connection is idle afterwards. */
static PGresult *only_result(struct store_conn *c)
{
	bool lost;
	PGresult *first = conn_next(c, &lost);

	while (!lost) {
		PGresult *more = conn_next(c, &lost);
		if (more == NULL)
			break;
		PQclear(more);
	}
	if (!lost)
		return first;
	PQclear(first);
	return NULL;
}

static enum store_result finish_run(struct store_conn *c, int sent, PGresult **ret_res)
{
	PGresult *res = sent ? only_result(c) : NULL;
	ExecStatusType status = PQresultStatus(res);

	if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
		*ret_res = res;
		return STORE_OK;
	}
	enum store_result r = conn_failed(c, res);
	if (!result_is_refusal(res))
		conn_drop(c);
	PQclear(res);
	return r;
}

static enum store_result usable(struct store_conn *c, const struct params *p)
{
	if (c->pg == NULL) {
		conn_error(c, "not connected to PostgreSQL");
		return STORE_UNAVAILABLE;
	}
	if (p != NULL && p->broken) {
		conn_error(c, "a value is too long, or there is no memory for it");
		return STORE_UNAVAILABLE;
	}
	return STORE_OK;
}

static int send_prepared(struct store_conn *c, enum statement st, const struct params *p)
{
	return PQsendQueryPrepared(c->pg, statement_rows[st].name, p == NULL ? 0 : p->n,
				   p == NULL ? NULL : p->values, p == NULL ? NULL : p->lengths,
				   p == NULL ? NULL : p->formats, 1);
}

enum store_result conn_run(struct store_conn *c, enum statement st, const struct params *p,
			   PGresult **ret_res)
{
	enum store_result r = usable(c, p);

	return r != STORE_OK ? r : finish_run(c, send_prepared(c, st, p), ret_res);
}

enum store_result conn_run_sql(struct store_conn *c, const char *sql, const struct params *p,
			       PGresult **ret_res)
{
	enum store_result r = usable(c, p);

	if (r != STORE_OK)
		return r;
	return finish_run(c, PQsendQueryParams(c->pg, sql, p->n, NULL, p->values, p->lengths, p->formats, 1),
			  ret_res);
}

enum store_result conn_do(struct store_conn *c, enum statement st, const struct params *p)
{
	PGresult *res;
	enum store_result r = conn_run(c, st, p, &res);

	if (r == STORE_OK)
		PQclear(res);
	return r;
}

enum store_result conn_stream(struct store_conn *c, enum statement st, const struct params *p,
			      bool (*row)(void *self, const PGresult *res), void *self)
{
	enum store_result r = usable(c, p);
	bool lost = false, done = false;

	if (r != STORE_OK)
		return r;
	if (!send_prepared(c, st, p) || !PQsetSingleRowMode(c->pg))
		lost = true;
	while (r == STORE_OK && !lost && !done) {
		PGresult *res = conn_next(c, &lost);
		ExecStatusType status = PQresultStatus(res);
		done = res == NULL;
		if (status == PGRES_SINGLE_TUPLE && !row(self, res)) {
			conn_error(c, "reading what is stored was stopped: no memory, or a bad value");
			r = STORE_UNAVAILABLE;
		} else if (res != NULL && status != PGRES_SINGLE_TUPLE && status != PGRES_TUPLES_OK) {
			r = conn_failed(c, res);
		}
		PQclear(res);
	}
	if (lost)
		r = conn_failed(c, NULL);
	if (r != STORE_OK) /* in the middle of its rows it is good for nothing else */
		conn_drop(c);
	return r;
}

/* ---- pipeline ---- */

void pipeline_begin(struct pipeline *p, struct store_conn *c)
{
	*p = (struct pipeline){.conn = c};
	p->broken = c->pg == NULL || !PQenterPipelineMode(c->pg);
}

void pipeline_send(struct pipeline *p, enum statement st, const struct params *params)
{
	if (p->broken || (params != NULL && params->broken) || !send_prepared(p->conn, st, params))
		p->broken = true;
	else
		p->sent++;
}

void pipeline_columns(struct pipeline *p, const char *types)
{
	int n = 0;

	for (; types[n] != '\0'; n++) {
		enum array_type type = types[n] == 'i'   ? ARRAY_INT8
				       : types[n] == 'b' ? ARRAY_BYTEA
				       : types[n] == 't' ? ARRAY_TEXT
							 : ARRAY_BOOL;
		array_begin(&p->conn->columns[n], type);
	}
	p->conn->columns_n = n;
}

void pipeline_send_columns(struct pipeline *p, enum statement st)
{
	struct params params = {0};

	if (p->conn->columns[0].n == 0)
		return;
	for (int i = 0; i < p->conn->columns_n; i++)
		param_array(&params, &p->conn->columns[i]);
	pipeline_send(p, st, &params);
}

bool pipeline_sync(struct pipeline *p)
{
	return !p->broken && PQpipelineSync(p->conn->pg) == 1;
}

PGresult *pipeline_next(struct pipeline *p)
{
	bool lost;
	PGresult *res = conn_next(p->conn, &lost);

	if (res == NULL)
		return NULL;
	/* Each statement's results end with a NULL, which is there already. */
	PGresult *end = conn_next(p->conn, &lost);
	if (end == NULL)
		return res;
	PQclear(end);
	PQclear(res);
	return NULL;
}

bool pipeline_end(struct pipeline *p)
{
	bool lost;
	PGresult *res = conn_next(p->conn, &lost);
	bool synced = PQresultStatus(res) == PGRES_PIPELINE_SYNC;

	PQclear(res);
	return synced && PQexitPipelineMode(p->conn->pg) == 1;
}

/* ---- making a connection ---- */

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
				      c->name,     "UTF8", c->kind == STORE_WRITER ? "read-write" : "any",
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
 * The server's own limits end a little before ours, so that an error comes instead of a lost connection. A
 * writer's plans are made once, when the tables may still be empty: they must be those of full ones.
 */
static bool set_up_session(struct store_conn *c)
{
	struct params p = {0};
	char limit[24];
	PGresult *res;

	snprintf(limit, sizeof(limit), "%u", c->timeout_ms - c->timeout_ms / 10);
	param_str(&p, limit);
	param_bool(&p, c->kind == STORE_WRITER);
	if (conn_run_sql(
		c,
		"SELECT set_config('search_path', 'manifest, pg_temp', false), "
		"set_config('statement_timeout', $1::text, false), "
		"set_config('lock_timeout', $1::text, false), "
		"set_config('idle_in_transaction_session_timeout', $1::text, false), "
		"set_config('client_connection_check_interval', '5s', false), "
		"set_config('jit', 'off', false), "
		"set_config('default_transaction_read_only', (NOT $2::boolean)::text, false), "
		"CASE WHEN $2::boolean THEN set_config('plan_cache_mode', 'force_generic_plan', false) || "
		"set_config('enable_seqscan', 'off', false) || "
		"set_config('enable_bitmapscan', 'off', false) || "
		"set_config('enable_hashjoin', 'off', false) || "
		"set_config('enable_mergejoin', 'off', false) END",
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
	const char *role = c->kind == STORE_WRITER ? "manifest_writer" : "manifest_reader";
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
	c->conninfo = copy_text(options->conninfo);
	c->high_water_path = copy_text(options->high_water);
	if (c->conninfo == NULL || c->high_water_path == NULL)
		goto fail;
	c->timeout_ms = options->timeout_ms != 0 ? options->timeout_ms
			: kind == STORE_WRITER   ? WRITER_TIMEOUT_MS
						 : READER_TIMEOUT_MS;
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
	for (size_t i = 0; i < PARAMS_MAX; i++)
		array_free(&c->columns[i]);
	free(c->high_water_path);
	free(c->conninfo);
	free(c);
}
