/* Owns PostgreSQL's COPY in its binary form. */
#include "store/copy.h"

#include <stdio.h>

#include "store/conn.h"
#include "store/projection_table.h"

enum { HEADER = 19 };
static const char signature[] = "PGCOPY\n\377\r\n";

static enum store_result run(struct store_conn *c, const char *sql, ExecStatusType wanted, PGresult **ret_res)
{
	PGresult *res = PQexec(c->pg, sql);

	if (PQresultStatus(res) != wanted) {
		enum store_result r = conn_failed(c, res);
		PQclear(res);
		return r;
	}
	if (ret_res != NULL)
		*ret_res = res;
	else
		PQclear(res);
	return STORE_OK;
}

enum store_result store_snapshot(struct store_conn *c, char snapshot[SNAPSHOT_SIZE])
{
	char sql[SNAPSHOT_SIZE + 64];
	PGresult *res = NULL;
	enum store_result r = conn_open(c);

	if (r == STORE_OK)
		r = run(c, "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", PGRES_COMMAND_OK, NULL);
	if (r == STORE_OK && snapshot[0] != '\0') {
		(void)snprintf(sql, sizeof(sql), "SET TRANSACTION SNAPSHOT '%s'", snapshot);
		r = run(c, sql, PGRES_COMMAND_OK, NULL);
	}
	if (r == STORE_OK)
		r = run(c,
			"SELECT set_config('statement_timeout', '0', true), "
			"set_config('idle_in_transaction_session_timeout', '0', true), "
			"set_config('synchronize_seqscans', 'off', true), "
			"set_config('max_parallel_workers_per_gather', '0', true), "
			"set_config('jit', 'off', true)",
			PGRES_TUPLES_OK, NULL);
	if (r != STORE_OK || snapshot[0] != '\0')
		return r;
	r = run(c, "SELECT pg_export_snapshot()", PGRES_TUPLES_OK, &res);
	if (r != STORE_OK)
		return r;
	(void)snprintf(snapshot, SNAPSHOT_SIZE, "%s", PQgetvalue(res, 0, 0));
	PQclear(res);
	return STORE_OK;
}

enum store_result store_copy(struct store_conn *c, const char *sql)
{
	struct buffer whole = BUFFER_EMPTY;

	buffer_printf(&whole, "COPY (%s) TO STDOUT (FORMAT binary)", sql);
	buffer_put_u8(&whole, 0);
	if (!buffer_ok(&whole)) {
		buffer_free(&whole);
		conn_error(c, "no memory");
		return STORE_UNAVAILABLE;
	}
	enum store_result r = run(c, (const char *)whole.p, PGRES_COPY_OUT, NULL);
	buffer_free(&whole);
	c->copied = NULL;
	return r;
}

static uint32_t be(const uint8_t *p, size_t n)
{
	uint32_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

static enum store_result end(struct store_conn *c)
{
	enum store_result r = STORE_OK;

	for (PGresult *res = PQgetResult(c->pg); res != NULL; res = PQgetResult(c->pg)) {
		if (PQresultStatus(res) != PGRES_COMMAND_OK)
			r = conn_failed(c, res);
		PQclear(res);
	}
	return r;
}

static enum store_result other_form(struct store_conn *c)
{
	conn_error(c, "a row came in another form than was asked for");
	return STORE_CORRUPT;
}

enum store_result store_copy_bytes(struct store_conn *c, size_t n, struct span *ret_row, bool *ret_end)
{
	bool first = c->copied == NULL;

	for (;;) {
		PQfreemem(c->copied);
		c->copied = NULL;
		int got = PQgetCopyData(c->pg, &c->copied, 0);
		if (got < 0) {
			*ret_end = true;
			return end(c);
		}
		struct span row = span_of(c->copied, (size_t)got);
		if (first && row.n >= HEADER && memcmp(row.p, signature, sizeof(signature)) == 0)
			row = span_of(row.p + HEADER, row.n - HEADER);
		first = false;
		if (row.n == 0 || (row.n == 2 && be(row.p, 2) == UINT16_MAX))
			continue; /* the header alone, or the trailer */
		if (row.n < 2 || be(row.p, 2) != n)
			return other_form(c);
		*ret_row = span_of(row.p + 2, row.n - 2);
		*ret_end = false;
		return STORE_OK;
	}
}

enum store_result store_copy_row(struct store_conn *c, size_t n, struct span *ret_cells, bool *ret_end)
{
	struct span row;
	enum store_result r = store_copy_bytes(c, n, &row, ret_end);

	return r != STORE_OK || *ret_end || row_split(row, n, ret_cells) ? r : other_form(c);
}

int64_t copy_int(struct span cell)
{
	uint64_t v = cell.n > 1 && (cell.p[0] & 0x80) != 0 ? UINT64_MAX : 0;

	for (size_t i = 0; i < cell.n && i < 8; i++)
		v = v << 8 | cell.p[i];
	return (int64_t)v;
}
