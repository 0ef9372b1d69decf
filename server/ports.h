/*
 * What the path needs of the outside world, as tables of functions, so that the whole path runs in a test
 * with a fake store, a fake clock and seeded faults. net/, store/ and witness/ implement them; run.c joins
 * them.
 *
 * Threads. The path, net and web live on the main thread (the event loop). What waits or costs runs on
 * *lanes*: the verify lane (one thread for each core, pure functions), the writer lane (one thread that owns
 * the writing database connection), the reader lane (a few threads with a read-only connection each) and the
 * witness lane. A piece of work is owned by exactly one side at a time: by its lane from submit() until
 * done() is called on the main thread.
 */
#ifndef PORTS_H
#define PORTS_H

#include "base/arena.h"
#include "base/buffer.h"
#include "core/judge.h"
#include "core/query.h"
#include "core/tile.h"

/* ---------------------------------------------------------------- lanes */

struct work {
	void (*run)(struct work *w,
		    void *thread);    /* on a thread of the lane; `thread` is what that thread owns */
	void (*done)(struct work *w); /* on the main thread, in the order of completion */
	struct work *next;            /* the lane's */
};

struct lane_port {
	void *self;
	void (*submit)(void *self, struct work *w);
};

/* ---------------------------------------------------------------- witnesses */

enum { WITNESS_ERROR_SIZE = 256, WITNESS_ANSWER_MAX = 64 * 1024 };

/* One exchange over HTTP with who cosigns checkpoints: blocks, on a thread of the witness lane. */
struct witness_port {
	/* POST of the body, or GET when it is empty, all of it within a time. Returns the answer's status,
	 * with its body appended; 0: none came, or one too long, and ret_error says why. Never follows to
	 * elsewhere. */
	int (*ask)(void *thread, const char *url, struct span body, micros within, struct buffer *ret_answer,
		   char ret_error[WITNESS_ERROR_SIZE]);
};

/* ---------------------------------------------------------------- network */

typedef uint64_t conn_id; /* never used again; 0: none */

/* What net calls, on the main thread. `frame` is one whole frame without its length, valid during the call.
 */
struct net_sink {
	void *self;
	void (*opened)(void *self, conn_id conn, const char *peer);
	void (*frame)(void *self, conn_id conn, struct span frame);
	void (*closed)(void *self, conn_id conn);
};

struct net_port {
	void *self;
	/* Queues bytes (length-prefixed frames) to a connection; one that is gone is ignored. */
	void (*send)(void *self, conn_id conn, struct span bytes);
	/* Closes after what was queued is sent; the reason is logged and counted. */
	void (*close)(void *self, conn_id conn, const char *reason);
	/* The connection said hello: from the handshake's deadline to the idle one. */
	void (*greeted)(void *self, conn_id conn);
	/* The read gate: false stops reading on all connections, true goes on. */
	void (*gate)(void *self, bool open);
	/* The same for one connection: true stops reading on it, false goes on. */
	void (*hold)(void *self, conn_id conn, bool held);
	/* RFC 5929 tls-server-end-point of the server's certificate, 32 bytes. */
	struct digest binding;
};

/* ---------------------------------------------------------------- store */

enum store_result {
	STORE_OK,
	STORE_UNAVAILABLE, /* nothing was stored; the connection may be gone: recover() before anything else
			    */
	STORE_UNKNOWN,     /* the COMMIT's answer was lost: recover() tells */
	STORE_SLOW,        /* a reader's question ran out of its time; nothing is wrong with the connection */
	STORE_DATA,        /* PostgreSQL refused a value (SQLSTATE 22 or 23): nothing was stored */
	STORE_DEPOSED,     /* another writer raised the epoch: nothing was stored; stop writing */
	STORE_CORRUPT,     /* what is stored contradicts itself: stop, and say so */
};

struct log_head {
	uint64_t size;
	struct digest root;
	micros accepted_at; /* of the last entry; 0: empty */
	uint64_t epoch;
};

static inline bool log_head_eq(const struct log_head *a, const struct log_head *b)
{
	return a->size == b->size && a->epoch == b->epoch && digest_eq(&a->root, &b->root);
}

struct tile_row { /* a full tile, written once */
	uint8_t level;
	uint64_t n;
	const struct digest *hashes; /* 256 */
	struct digest root;          /* of the tile: the hash it has one level up */
};

/* One transaction. Everything in it, or nothing. */
struct commit {
	struct log_head from; /* compare-and-swap: size and epoch must be these */
	struct log_head to;
	const struct rows *rows;
	const struct span *entries;  /* rows->entries_n serialized LogEntries */
	const struct digest *leaves; /* their leaf hashes */
	const struct tile_row *tiles;
	size_t tiles_n;
	const struct registry *registry; /* for the parties' and vehicles' facts that rows repeat */
	struct span checkpoint;          /* the signed checkpoint of an earlier size, to be kept; n 0: none */
	uint64_t checkpoint_size;
};

/* What recover() reports, in this order; each returns false to stop (no memory). */
struct recovery_sink {
	void *self;
	/* Content of a loaded reference file, before any entry. */
	bool (*reference)(void *self, enum reference_kind kind, struct span edition, struct span file);
	/* Every registry and log entry, ascending. */
	bool (*entry)(void *self, uint64_t index, struct span entry);
	/*
	 * Every used running number, as ranges without gaps, ascending by (key, first). `since` is when the
	 * gap before the range was first seen: the earliest accepted_at of `first` or any higher number of
	 * the key; 0 when first is 1.
	 */
	bool (*numbers)(void *self, key_no key, uint64_t first, uint64_t last, micros since);
	/* The largest checkpoint that enough witnesses cosigned, unless there is none. */
	bool (*cosigned)(void *self, struct span note);
	/* Hashes [first, first + n) of a tile level, for the right edge: see core/tile.h. */
	bool (*hashes)(void *self, uint8_t level, uint64_t first, const struct digest *hashes, size_t n);
	/* The head of what was read before, NULL: of nothing. While it is the stored one, a server without
	 * the lease is told nothing but the head. */
	const struct log_head *known;
};

/* A query's answers: arrays of views in the arena; which one depends on the kind. */
struct answers {
	const struct flag_view *flags;
	const struct manifest_view *manifests;
	const struct entry_view *entries; /* trail, entry */
	const struct summary_view *summary;
	const struct block_view *blocks;
	size_t n;
	uint64_t next; /* cursor; 0: nothing more */
};

/*
 * All functions block and run on a lane's thread; `conn` is the thread's own connection (a struct
 * store_conn). Memory of results is the arena's.
 */
struct store_port {
	/* Writer lane. Reconnects if needed, holds the lease (raises the epoch when it is new), reads the
	 * head FOR UPDATE. STORE_DEPOSED: another server holds the lease; all is reported all the same, as
	 * of one moment, for reads to be served from. */
	enum store_result (*recover)(void *conn, const struct recovery_sink *sink, struct log_head *ret_head,
				     struct span *ret_checkpoint, struct arena *arena);
	enum store_result (*load)(void *conn, const struct needs *needs, struct arena *arena,
				  struct loaded *ret_loaded);
	enum store_result (*commit)(void *conn, const struct commit *commit);
	/* What went wrong last, for the operator; never NULL. On the connection's own lane. */
	const char *(*error)(const void *conn);
	/* One reference file, which the migration command loaded; n 0: there is none. */
	enum store_result (*reference)(void *conn, enum reference_kind kind, struct span edition,
				       struct arena *arena, struct span *ret_file);
	/* What the high-water file holds; size 0: there is none yet. STORE_CORRUPT: not such a file. */
	enum store_result (*high_water_read)(void *conn, struct log_head *ret_head);
	/* Keeps (size, root) in the fsynced high-water file. False: refused (smaller, or another root) or not
	 * written. */
	bool (*high_water)(void *conn, const struct log_head *head);
	/* Keeps a cosigned checkpoint in a transaction of its own; one of this size that is there stays. */
	enum store_result (*cosigned)(void *conn, uint64_t size, struct span note);
	/* Manifests whose due_at has passed, the most overdue first, at most `limit`. */
	enum store_result (*due)(void *conn, micros now, size_t limit, struct arena *arena,
				 uint64_t **ret_numbers, size_t *ret_n);
	/* Open manifests after `number` in ascending order, to compute deadlines again; at most `limit`. */
	enum store_result (*open_manifests)(void *conn, uint64_t after, size_t limit, struct arena *arena,
					    uint64_t **ret_numbers, size_t *ret_n);

	/* Reader lane; `hashes` also on the writer's. */
	enum store_result (*query)(void *conn, const struct query *query, const struct scope *scope,
				   struct arena *arena, struct answers *ret_answers);
	/* Full tiles, TILE_WIDTH hashes each. One that is not stored: STORE_CORRUPT. On any lane. */
	enum store_result (*tiles)(void *conn, const struct tile_id *ids, size_t n,
				   struct digest *const *ret_hashes);
	/* Hashes [first, first + n) of a tile level. Fewer than n stored: STORE_CORRUPT. */
	enum store_result (*hashes)(void *conn, uint8_t level, uint64_t first, size_t n,
				    struct digest *ret_hashes);
	/* Entries by index, for receipts of repeated events and for bundles. */
	enum store_result (*entries)(void *conn, const uint64_t *indexes, size_t n, struct arena *arena,
				     struct entry_view *ret_entries);
};

#endif
