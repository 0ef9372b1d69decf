/*
 * Owns what a server reads before it writes: the head, locked so that a transaction whose outcome is unknown
 * has ended; then what memory is made from again. All of it in one transaction, which also raises the epoch.
 * Who does not hold the lease reads the same from a snapshot, and changes and locks nothing.
 */
#include "store/lease.h"

#include "core/tree.h"
#include "store/port.h"

enum {
	PARTITION_MARGIN = 1000000, /* room for entries is made when less than this is left */
	PATIENCE_MS = 1800000,      /* a large log takes its time to be read */
};

struct recovery {
	struct store_conn *conn;
	const struct recovery_sink *sink;
	bool standby; /* another server writes */
};

static bool on_reference(void *self, const PGresult *res)
{
	struct recovery *v = self;

	return v->sink->reference(v->sink->self, (enum reference_kind)cell_int(res, 0, 0),
				  cell_span(res, 0, 1), cell_span(res, 0, 2));
}

static bool on_entry(void *self, const PGresult *res)
{
	struct recovery *v = self;

	return v->sink->entry(v->sink->self, (uint64_t)cell_int(res, 0, 0), cell_span(res, 0, 1));
}

static bool on_range(void *self, const PGresult *res)
{
	struct recovery *v = self;

	return v->sink->numbers(v->sink->self, (key_no)cell_int(res, 0, 0), (uint64_t)cell_int(res, 0, 1),
				(uint64_t)cell_int(res, 0, 2), cell_int(res, 0, 3));
}

static bool on_cosigned(void *self, const PGresult *res)
{
	struct recovery *v = self;

	return v->sink->cosigned(v->sink->self, cell_span(res, 0, 0));
}

static enum store_result read_head(struct store_conn *c, enum statement st, struct log_head *ret_head)
{
	struct log_head head = {0};
	PGresult *res;
	enum store_result r = conn_run(c, st, NULL, &res);

	if (r != STORE_OK)
		return r;
	bool good = PQntuples(res) == 1 && cell_digest(res, 0, 1, &head.root);
	if (good) {
		head.size = (uint64_t)cell_int(res, 0, 0);
		head.accepted_at = cell_int(res, 0, 2);
		head.epoch = (uint64_t)cell_int(res, 0, 3);
	}
	PQclear(res);
	if (!good) {
		conn_error(c, "the head row is missing or malformed: restore the database");
		return STORE_CORRUPT;
	}
	*ret_head = head;
	return STORE_OK;
}

enum store_result store_head(struct store_conn *c, struct log_head *ret_head)
{
	enum store_result r = conn_open(c);

	return r != STORE_OK ? r : read_head(c, ST_HEAD, ret_head);
}

static enum store_result read_end(struct store_conn *c, uint64_t *ret_size, int64_t *ret_accepted_at)
{
	PGresult *res;
	enum store_result r = conn_run(c, ST_LOG_END, NULL, &res);

	if (r != STORE_OK)
		return r;
	*ret_size = PQntuples(res) == 0 ? 0 : (uint64_t)cell_int(res, 0, 0) + 1;
	*ret_accepted_at = PQntuples(res) == 0 ? 0 : cell_int(res, 0, 1);
	PQclear(res);
	return STORE_OK;
}

enum store_result store_log_end(struct store_conn *c, uint64_t *ret_size)
{
	enum store_result r = conn_open(c);
	int64_t accepted_at;

	return r != STORE_OK ? r : read_end(c, ret_size, &accepted_at);
}

static enum store_result read_unfinished(struct store_conn *c, bool *ret_unfinished)
{
	PGresult *res;
	enum store_result r = conn_run(c, ST_UNFINISHED, NULL, &res);

	if (r != STORE_OK)
		return r;
	*ret_unfinished = PQntuples(res) > 0;
	PQclear(res);
	return STORE_OK;
}

enum store_result store_unfinished(struct store_conn *c, bool *ret_unfinished)
{
	enum store_result r = conn_open(c);

	return r != STORE_OK ? r : read_unfinished(c, ret_unfinished);
}

/* What a rebuild has not finished looks like a log, and is only the beginning of one. */
static enum store_result check_finished(struct store_conn *c)
{
	bool unfinished;
	enum store_result r = read_unfinished(c, &unfinished);

	if (r != STORE_OK || !unfinished)
		return r;
	conn_error(
	    c, "a `manifest log rebuild` has filled this database only in part, or is still at it: let it "
	       "end, or run it again, which empties the database and begins anew");
	return STORE_CORRUPT;
}

enum store_result store_rebuilt(struct store_conn *c)
{
	if (c->recovered)
		return conn_do(c, ST_REBUILD_END, NULL);
	conn_error(c, "the connection was lost since the rebuild began");
	return STORE_UNAVAILABLE;
}

/* The last entry must be the one that the head counts. */
static enum store_result check_end(struct store_conn *c, const struct log_head *head)
{
	uint64_t size;
	int64_t accepted_at;
	enum store_result r = read_end(c, &size, &accepted_at);

	if (r != STORE_OK)
		return r;
	if (size == head->size && accepted_at == head->accepted_at)
		return STORE_OK;
	conn_error(
	    c,
	    "the head counts %llu entries, the last of %lld; stored are %llu, the last of %lld: restore "
	    "the database",
	    (unsigned long long)head->size, (long long)head->accepted_at, (unsigned long long)size,
	    (long long)accepted_at);
	return STORE_CORRUPT;
}

static enum store_result raise_epoch(struct store_conn *c, struct log_head *head)
{
	PGresult *res;

	if (c->recovered)
		return STORE_OK;
	enum store_result r = conn_run(c, ST_EPOCH_RAISE, NULL, &res);
	if (r != STORE_OK)
		return r;
	head->epoch = (uint64_t)cell_int(res, 0, 0);
	PQclear(res);
	return STORE_OK;
}

static enum store_result read_edge(struct recovery *v, uint64_t size)
{
	struct tree_need needs[TILE_LEVELS];
	struct digest hashes[TILE_WIDTH];

	tree_needs(size, needs);
	for (unsigned level = 0; level < TILE_LEVELS; level++) {
		if (needs[level].count == 0)
			continue;
		enum store_result r =
		    read_hashes(v->conn, (uint8_t)level, needs[level].first, needs[level].count, hashes);
		if (r != STORE_OK)
			return r;
		if (!v->sink->hashes(v->sink->self, (uint8_t)level, needs[level].first, hashes,
				     needs[level].count)) {
			conn_error(v->conn, "recovery was stopped: no memory");
			return STORE_UNAVAILABLE;
		}
	}
	return STORE_OK;
}

/* Within the transaction that holds the head, or of one snapshot. */
static enum store_result read_all(struct recovery *v, struct log_head *head, struct arena *arena,
				  struct span *ret_checkpoint)
{
	struct store_conn *c = v->conn;
	const struct log_head *known = v->sink->known;
	enum store_result r = conn_do(c, ST_PATIENCE, NULL);

	if (r == STORE_OK)
		r = c->rebuilding && !v->standby ? conn_do(c, ST_REBUILD_BEGIN, NULL) : check_finished(c);
	if (r == STORE_OK)
		r = read_head(c, v->standby ? ST_HEAD : ST_HEAD_LOCKED, head);
	if (r == STORE_OK && v->standby && known != NULL && log_head_eq(known, head))
		return STORE_OK;
	if (r == STORE_OK)
		r = check_end(c, head);
	if (r == STORE_OK && !v->standby && !(c->rebuilding && head->size > 0))
		r = raise_epoch(c, head);
	if (c->rebuilding) /* there is nothing, or nothing that is wanted */
		return r;
	if (r == STORE_OK)
		r = read_checkpoint(c, head->size, arena, ret_checkpoint);
	if (r == STORE_OK)
		r = conn_stream(c, ST_REFERENCES, NULL, on_reference, v);
	if (r == STORE_OK)
		r = conn_stream(c, ST_REGISTRY_ENTRIES, NULL, on_entry, v);
	if (r == STORE_OK)
		r = conn_stream(c, ST_RANGES, NULL, on_range, v);
	if (r == STORE_OK)
		r = conn_stream(c, ST_COSIGNED_LAST, NULL, on_cosigned, v);
	if (r == STORE_OK)
		r = read_edge(v, head->size);
	return r;
}

enum store_result partitions_ahead(struct store_conn *c, uint64_t size)
{
	struct params p = {0};
	PGresult *res;

	if (size + PARTITION_MARGIN < c->partitions_until)
		return STORE_OK;
	param_int(&p, (int64_t)(size + 2 * PARTITION_MARGIN));
	enum store_result r = conn_run(c, ST_PARTITIONS, &p, &res);
	if (r != STORE_OK)
		return r;
	c->partitions_until = (uint64_t)cell_int(res, 0, 0);
	PQclear(res);
	return STORE_OK;
}

enum store_result store_recover(void *conn, const struct recovery_sink *sink, struct log_head *ret_head,
				struct span *ret_checkpoint, struct arena *arena)
{
	struct store_conn *c = conn;
	struct recovery v = {.conn = c, .sink = sink};
	struct log_head head;
	struct span checkpoint = {0};

	recent_clear(c->recent);
	enum store_result lease = lease_take(c);

	if (lease != STORE_OK && lease != STORE_DEPOSED)
		return lease;
	v.standby = lease == STORE_DEPOSED;
	enum store_result r = conn_do(c, v.standby ? ST_BEGIN_SNAPSHOT : ST_BEGIN, NULL);
	if (r != STORE_OK)
		return r;
	unsigned usual = c->timeout_ms;
	c->timeout_ms = PATIENCE_MS;
	r = read_all(&v, &head, arena, &checkpoint);
	c->timeout_ms = usual;
	if (r == STORE_OK)
		r = conn_do(c, ST_COMMIT, NULL);
	if (r == STORE_OK && !v.standby)
		r = partitions_ahead(c, head.size);
	if (r != STORE_OK) {
		conn_drop(c);
		return r;
	}
	c->recovered = !v.standby;
	*ret_head = head;
	*ret_checkpoint = checkpoint;
	return lease;
}
