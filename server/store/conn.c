/*
 * Owns what is said over a connection: how long an answer is waited for, what an error means. libpq
 * is used without blocking inside, so that a server that is stopped but not gone cannot hold a thread for
 * ever.
 */
#include "store/conn.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MILLISECOND = 1000000 };

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
	if (strcmp(state, "57014") == 0 && c->kind == STORE_READER)
		return STORE_SLOW;
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

	c->late = false;
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
		c->late = ready == 0;
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

/* What the one result says; NULL: lost. */
static enum store_result judge_result(struct store_conn *c, PGresult *res, PGresult **ret_res)
{
	ExecStatusType status = PQresultStatus(res);

	if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
		*ret_res = res;
		return STORE_OK;
	}
	enum store_result r = conn_failed(c, res);
	c->lost = !result_is_refusal(res) && !c->late;
	if (!result_is_refusal(res))
		conn_drop(c);
	PQclear(res);
	return r;
}

static enum store_result finish_run(struct store_conn *c, int sent, PGresult **ret_res)
{
	return judge_result(c, sent ? only_result(c) : NULL, ret_res);
}

bool conn_attempt(struct store_conn *c, struct attempt *t)
{
	while (t->n == 0 ||
	       (t->n == 1 && c->kind == STORE_READER && t->result == STORE_UNAVAILABLE && c->lost)) {
		t->n++;
		t->result = conn_open(c);
		if (t->result == STORE_OK)
			return true;
	}
	return false;
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

static int send_prepared(struct store_conn *c, const char *name, const struct params *p)
{
	static const struct params none;

	p = p == NULL ? &none : p;
	return PQsendQueryPrepared(c->pg, name, p->n, p->values, p->lengths, p->formats, 1);
}

int conn_send_run(struct store_conn *c, enum statement st, const struct params *p)
{
	return send_prepared(c, statement_rows[st].name, p);
}

enum store_result conn_run(struct store_conn *c, enum statement st, const struct params *p,
			   PGresult **ret_res)
{
	enum store_result r = usable(c, p);

	return r != STORE_OK ? r : finish_run(c, conn_send_run(c, st, p), ret_res);
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

/* In one round trip, which is one transaction: whatever becomes of the statement, the setting ends with it.
 */
enum store_result conn_run_planned(struct store_conn *c, const char *sql, const struct params *p,
				   PGresult **ret_res)
{
	enum store_result r = usable(c, p);
	struct pipeline both;
	PGresult *res = NULL;

	if (r != STORE_OK)
		return r;
	pipeline_begin(&both, c);
	pipeline_send(&both, ST_PLAN_EACH, NULL);
	both.broken =
	    both.broken || !PQsendQueryParams(c->pg, sql, p->n, NULL, p->values, p->lengths, p->formats, 1);
	if (pipeline_sync(&both)) {
		PGresult *set = pipeline_next(&both);
		bool good = PQresultStatus(set) == PGRES_TUPLES_OK;
		PGresult *rows = set == NULL ? NULL : pipeline_next(&both);
		res = good ? rows : set;
		PQclear(good ? set : rows);
		if (!pipeline_end(&both)) {
			PQclear(res);
			res = NULL;
		}
	}
	return judge_result(c, res, ret_res);
}

/* Prepares a text that is not yet. */
static enum store_result keep(struct store_conn *c, size_t i, const char *name, const char *sql)
{
	PGresult *res = NULL;
	char *text = strdup(sql);

	if (text == NULL) {
		conn_error(c, "no memory for a statement");
		return STORE_UNAVAILABLE;
	}
	enum store_result r = finish_run(c, PQsendPrepare(c->pg, name, sql, 0, NULL), &res);
	if (r != STORE_OK) {
		free(text);
		return r;
	}
	PQclear(res);
	c->kept[i] = text;
	return STORE_OK;
}

enum store_result conn_run_kept(struct store_conn *c, const char *sql, const struct params *p,
				PGresult **ret_res)
{
	enum store_result r = usable(c, p);
	char name[24];
	size_t i = 0;

	if (r != STORE_OK)
		return r;
	while (i < KEPT_MAX && c->kept[i] != NULL && strcmp(c->kept[i], sql) != 0)
		i++;
	if (i == KEPT_MAX)
		return conn_run_sql(c, sql, p, ret_res);
	(void)snprintf(name, sizeof(name), "kept_%zu", i);
	if (c->kept[i] == NULL)
		r = keep(c, i, name, sql);
	return r != STORE_OK ? r : finish_run(c, send_prepared(c, name, p), ret_res);
}

enum store_result conn_do(struct store_conn *c, enum statement st, const struct params *p)
{
	PGresult *res = NULL;
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
	if (!conn_send_run(c, st, p) || !PQsetSingleRowMode(c->pg))
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
