/*
 * One connection: made, set up, checked, waited for with a deadline, and dropped when it is not to be trusted
 * any more. Private to the store.
 */
#ifndef STORE_CONN_H
#define STORE_CONN_H

#include "store/high_water.h"
#include "store/params.h"
#include "store/recent.h"
#include "store/statement.h"
#include "store/store.h"

/* What `manifestd migrate` must have brought the database to. */
enum { SCHEMA_VERSION = 4 };
#define SCHEMA_VERSION_SQL "SELECT coalesce(max(number), 0)::bigint FROM schema_migration"

enum { KEPT_MAX = 16 };

struct store_conn {
	enum store_kind kind;
	char *conninfo;
	char *high_water_path;
	unsigned timeout_ms;
	PGconn *pg;      /* NULL: not connected */
	int pid;         /* of this session's server process */
	int backend;     /* of the last session that held the lock and was lost; 0: none */
	char name[40];   /* application_name: this process's own, so that a session can be known again */
	bool locked;     /* this session holds the advisory lock */
	bool late;       /* the last wait ran out of time */
	bool lost;       /* the last statement found the session gone */
	bool rebuilding; /* an empty database is to be filled again */
	bool recovered;  /* and recover() has raised the epoch and read the head in it */
	uint64_t partitions_until;
	struct high_water *high_water;
	struct recent *recent; /* a writer's; empty unless `recovered` */
	struct array columns[PARAMS_MAX];
	int columns_n;
	char *kept[KEPT_MAX]; /* texts of the statements prepared by conn_run_kept() */
	char *copied;         /* copy.c: the row that was read last */
	char error[STORE_MESSAGE_SIZE];
};

void conn_error(struct store_conn *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Keeps the text of a failed result and says what it means; res may be NULL (the connection is lost). */
enum store_result conn_failed(struct store_conn *c, const PGresult *res);
/* The server reported an ordinary error of one statement: the transaction is rolled back, for sure. */
bool result_is_refusal(const PGresult *res);

/* Connects and sets up unless it is connected. */
enum store_result conn_open(struct store_conn *c) MUST_CHECK;
void conn_drop(struct store_conn *c);
/*
 * A whole read: `struct attempt t = {0}; while (conn_attempt(c, &t)) t.result = ...`, on a connection that is
 * open. It is done again, once, on a new one for a reader whose session turned out to be gone: the database
 * may be back for long already. A writer's session holds the lease, and is made again by recover() alone.
 */
struct attempt {
	unsigned n;
	enum store_result result; /* in the end, the read's; also when there was no connection */
};
bool conn_attempt(struct store_conn *c, struct attempt *t) MUST_CHECK;

/* The next result, waited for until the deadline; NULL: the end of a statement's results, or lost (then
 * *ret_lost). PQclear() it. */
PGresult *conn_next(struct store_conn *c, bool *ret_lost) MUST_CHECK;

/* Queues a prepared statement; 0: it could not be. */
int conn_send_run(struct store_conn *c, enum statement st, const struct params *p) MUST_CHECK;

/* Runs one prepared statement and gives its rows; on failure the connection is dropped when it was lost. */
enum store_result conn_run(struct store_conn *c, enum statement st, const struct params *p,
			   PGresult **ret_res) MUST_CHECK;
/* The same for a statement that is made up. */
enum store_result conn_run_sql(struct store_conn *c, const char *sql, const struct params *p,
			       PGresult **ret_res) MUST_CHECK;
/* Likewise, for one query, whose values decide how it is best planned. */
enum store_result conn_run_planned(struct store_conn *c, const char *sql, const struct params *p,
				   PGresult **ret_res) MUST_CHECK;
/* Likewise, for one that comes again and again with other values and is well planned without knowing them:
 * it is planned once. */
enum store_result conn_run_kept(struct store_conn *c, const char *sql, const struct params *p,
				PGresult **ret_res) MUST_CHECK;
/* Runs a statement for its effect. */
enum store_result conn_do(struct store_conn *c, enum statement st, const struct params *p) MUST_CHECK;
/* Row by row, without holding them all. A false from `row` ends it as STORE_UNAVAILABLE. */
enum store_result conn_stream(struct store_conn *c, enum statement st, const struct params *p,
			      bool (*row)(void *self, const PGresult *res), void *self) MUST_CHECK;

/* ---- several statements in one round trip (libpq's pipeline mode) ---- */

/* Who takes statements instead of a database. False: broken. */
typedef bool (*pipeline_take)(void *self, enum statement st, const struct params *params);

struct pipeline {
	struct store_conn *conn;
	int sent;
	bool broken;        /* something could not be sent */
	pipeline_take take; /* NULL: they are sent */
	void *take_self;
};

void pipeline_begin(struct pipeline *p, struct store_conn *c);
void pipeline_send(struct pipeline *p, enum statement st, const struct params *params);
/* Begins one array for each letter of `types`: i bigint, b bytea, t text, o boolean. */
void pipeline_columns(struct pipeline *p, const char *types);
/* Sends a statement with the columns as its parameters, unless they are empty. */
void pipeline_send_columns(struct pipeline *p, enum statement st);
/* Marks the end. False: lost. */
bool pipeline_sync(struct pipeline *p) MUST_CHECK;
/* The result of the next statement sent; NULL: lost. */
PGresult *pipeline_next(struct pipeline *p) MUST_CHECK;
/* Takes the end of the pipeline. False: lost. */
bool pipeline_end(struct pipeline *p) MUST_CHECK;

#endif
