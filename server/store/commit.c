/*
 * Owns the batch's transaction: one pipeline from BEGIN to COMMIT, whose first statement compares and swaps
 * the head, and the meaning of every way it can end. Nothing is stored, or all of it, or it is not known:
 * then recovery reads the head.
 */
#include <stdlib.h>

#include "core/tile.h"
#include "store/port.h"

static void send_advance(struct pipeline *p, const struct commit *commit)
{
	struct params a = {0};

	param_int(&a, (int64_t)commit->from.size);
	param_int(&a, (int64_t)commit->from.epoch);
	param_int(&a, (int64_t)commit->to.size);
	param_digest(&a, &commit->to.root);
	param_int(&a, commit->to.accepted_at);
	pipeline_send(p, ST_ADVANCE, &a);
}

static void send_entries(struct pipeline *p, const struct commit *commit)
{
	const struct rows *rows = commit->rows;
	struct array *a = p->conn->columns;

	pipeline_columns(p, "iiiibb");
	for (size_t i = 0; i < rows->entries_n; i++) {
		const struct entry_row *e = &rows->entries[i];
		array_int(&a[0], (int64_t)(rows->first_index + i));
		array_int(&a[1], e->accepted_at);
		array_int(&a[2], (int64_t)e->number);
		array_int(&a[3], e->kind);
		array_span(&a[4], digest_span(&commit->leaves[i]));
		array_span(&a[5], commit->entries[i]);
	}
	pipeline_send_columns(p, ST_ENTRY);
}

/* The first 8 bytes of an event's id. */
static int64_t tag_of(const struct digest *event)
{
	uint64_t tag = 0;

	for (unsigned i = 0; i < 8; i++)
		tag = tag << 8 | event->b[i];
	return (int64_t)tag;
}

static int by_key(const void *a, const void *b)
{
	const struct number_row *x = *(const struct number_row *const *)a;
	const struct number_row *y = *(const struct number_row *const *)b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

/* In the order of their index, so that its pages are touched one after the other. */
static void send_numbers(struct pipeline *p, const struct commit *commit)
{
	const struct rows *rows = commit->rows;
	struct array *a = p->conn->columns;
	const struct number_row **sorted = malloc((rows->numbers_n + 1) * sizeof(const struct number_row *));

	if (sorted == NULL) {
		p->broken = true;
		return;
	}
	for (size_t i = 0; i < rows->numbers_n; i++)
		sorted[i] = &rows->numbers[i];
	qsort(sorted, rows->numbers_n, sizeof(const struct number_row *), by_key);
	pipeline_columns(p, "iibii");
	for (size_t i = 0; i < rows->numbers_n; i++) {
		array_int(&a[0], sorted[i]->key);
		array_int(&a[1], (int64_t)sorted[i]->number);
		array_span(&a[2], digest_span(&sorted[i]->event));
		array_int(&a[3], (int64_t)sorted[i]->index);
		array_int(&a[4], tag_of(&sorted[i]->event));
	}
	free(sorted);
	pipeline_send_columns(p, ST_RUNNING_NUMBER);
}

static void send_tree(struct pipeline *p, const struct commit *commit)
{
	struct array *a = p->conn->columns;

	pipeline_columns(p, "iibb");
	for (size_t i = 0; i < commit->tiles_n; i++) {
		const struct tile_row *tile = &commit->tiles[i];
		array_int(&a[0], tile->level);
		array_int(&a[1], (int64_t)tile->n);
		array_span(&a[2], span_of(tile->hashes, (size_t)TILE_WIDTH * DIGEST_SIZE));
		array_span(&a[3], digest_span(&tile->root));
	}
	pipeline_send_columns(p, ST_TILE);

	if (commit->checkpoint.n > 0) {
		struct params note = {0};
		param_int(&note, (int64_t)commit->checkpoint_size);
		param_span(&note, commit->checkpoint);
		pipeline_send(p, ST_CHECKPOINT, &note);
	}
}

void send_derived(struct pipeline *p, const struct commit *commit)
{
	send_numbers(p, commit);
	send_tree(p, commit);
	send_registry(p, commit);
	send_manifests(p, commit);
	send_flags(p, commit);
}

static void send_all(struct pipeline *p, const struct commit *commit)
{
	pipeline_send(p, ST_BEGIN, NULL);
	send_advance(p, commit);
	send_entries(p, commit);
	send_derived(p, commit);
}

/*
 * Takes the answers to all before COMMIT; *ret_taken counts those there were. An error from the server, a
 * fatal one too, says that COMMIT was not carried out. An answer that never came says nothing: what was sent
 * may have been carried out to the end.
 */
static enum store_result take_answers(struct pipeline *p, int *ret_taken)
{
	enum store_result r = STORE_OK;

	for (*ret_taken = 0; r == STORE_OK && *ret_taken < p->sent - 1; (*ret_taken)++) {
		PGresult *res = pipeline_next(p);
		ExecStatusType status = PQresultStatus(res);
		if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
			bool said = PQresultErrorField(res, PG_DIAG_SQLSTATE) != NULL;
			r = conn_failed(p->conn, res);
			if (!said)
				r = STORE_UNKNOWN;
		}
		PQclear(res);
	}
	return r;
}

/* After a refusal: reads past what was skipped and rolls back. False: the connection is not usable any more.
 */
static bool roll_back(struct pipeline *p, int skipped)
{
	for (int i = 0; i < skipped; i++) {
		PGresult *res = pipeline_next(p);
		bool aborted = PQresultStatus(res) == PGRES_PIPELINE_ABORTED;
		PQclear(res);
		if (!aborted)
			return false;
	}
	return pipeline_end(p) && conn_do(p->conn, ST_ROLLBACK, NULL) == STORE_OK;
}

static enum store_result take_commit(struct pipeline *p)
{
	PGresult *res = pipeline_next(p);
	enum store_result r = STORE_UNKNOWN;

	if (PQresultStatus(res) == PGRES_COMMAND_OK && strcmp(PQcmdStatus(res), "COMMIT") == 0)
		r = STORE_OK;
	else if (result_is_refusal(res))
		r = conn_failed(p->conn, res);
	else
		conn_error(p->conn, "the answer to COMMIT was lost: %s", PQerrorMessage(p->conn->pg));
	PQclear(res);
	return r;
}

/* The pipeline is on its way, COMMIT last. */
static enum store_result settle(struct pipeline *p)
{
	struct store_conn *c = p->conn;
	char why[STORE_MESSAGE_SIZE];
	int taken;
	enum store_result r = take_answers(p, &taken);

	if (r == STORE_OK) {
		r = take_commit(p);
		if (r != STORE_OK || !pipeline_end(p))
			conn_drop(c);
		return r;
	}
	memcpy(why, c->error, sizeof(why));
	if (r == STORE_UNKNOWN || !roll_back(p, p->sent - taken))
		conn_drop(c);
	memcpy(c->error, why, sizeof(why));
	return r;
}

enum store_result store_commit(void *conn, const struct commit *commit)
{
	struct store_conn *c = conn;
	struct pipeline p;

	if (!c->recovered) {
		conn_error(c, "the connection was lost since the head was read: recover first");
		return STORE_UNAVAILABLE;
	}
	enum store_result r = partitions_ahead(c, commit->to.size);
	if (r != STORE_OK) {
		conn_drop(c);
		return r;
	}
	pipeline_begin(&p, c);
	send_all(&p, commit);
	if (p.broken) { /* COMMIT was not sent: the server rolls back when the session ends */
		conn_error(c, "the batch could not be sent: no memory, or the connection is lost");
		conn_drop(c);
		return STORE_UNAVAILABLE;
	}
	pipeline_send(&p, ST_COMMIT, NULL);
	if (!pipeline_sync(&p)) {
		conn_error(c, "the connection was lost while COMMIT was sent");
		conn_drop(c);
		return STORE_UNKNOWN;
	}
	r = settle(&p);
	if (r != STORE_OK)
		recent_clear(c->recent); /* it has what was not stored */
	return r;
}

enum store_result store_cosigned(void *conn, uint64_t size, struct span note)
{
	struct store_conn *c = conn;
	struct params p = {0};
	enum store_result r;

	param_int(&p, (int64_t)size);
	param_span(&p, note);
	r = conn_open(c);
	return r != STORE_OK ? r : conn_do(c, ST_COSIGNED, &p);
}
