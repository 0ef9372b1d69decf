/*
 * What the files of path/ share. Nobody outside path/ includes this.
 */
#ifndef PATH_INTERNAL_H
#define PATH_INTERNAL_H

#include "core/checkpoint.h"
#include "core/proof.h"
#include "core/proof_plan.h"
#include "core/tree.h"
#include "crypto/keyring.h"
#include "crypto/token.h"
#include "path/cosign.h"
#include "path/path.h"
#include "path/session.h"
#include "wire/envelope.h"
#include "wire/messages.h"

enum {
	BATCH_MEMORY = 256 * 1024 * 1024,
	BATCH_FIRST = 8 * 1024 * 1024, /* what a full batch takes, mostly manifests */
	VERIFY_GROUP = 16,
	SEEN_CACHE = 4096,
	ERROR_SIZE = 480,
	PROTOCOL_VERSION = 1,
	READS_PER_KEY = 64, /* under way at once */
	EVENTS_SHARE = 8,   /* of requests_max one connection may have an eighth under way */
};

/* ---- one request: an event on its way (queries and hellos are struct read and struct greeting) ---- */

enum request_stage {
	REQUEST_VERIFYING,   /* on the verify lane */
	REQUEST_UNKNOWN_KEY, /* a signer is not in the snapshot it was verified with: decided at the queue's
				head */
	REQUEST_READY,
	REQUEST_DEAD, /* answered; freed when the queue comes to it */
};

struct request {
	struct request *next;
	conn_id conn; /* 0: local */
	uint64_t id;
	local_answer answer; /* local requests */
	void *answer_self;
	micros received_at;
	enum request_stage stage; /* the main thread's alone, also while a lane has the rest */
	bool unknown_key;         /* a signer's */
	bool counted;             /* among its connection's events */
	uint64_t keyring_version; /* it was verified with */
	struct arena *arena;
	struct span bytes;        /* the envelope as received */
	size_t frame_at, frame_n; /* its receipt in the batch's `out` */
	struct verdict verdict;
	struct problems problems;
	enum refusal_kind refused;
	bool decoded;
	/* Set when decoded; from here on not zeroed for reuse. */
	struct envelope envelope;
	struct event event;
};

struct request_queue {
	struct request *first;
	struct request *last;
	size_t n;
};

/* ---- one batch: at most one is in flight ---- */

struct batch {
	struct work work;
	struct path *path;
	struct request **members;
	size_t members_n;
	struct needs needs;
	struct loaded loaded;
	struct span *files;  /* of members that are reference_loaded; NULL: none is */
	bool sweep;          /* look for passed deadlines too */
	const uint64_t *due; /* manifests to sweep */
	size_t due_n;
	bool recompute;       /* compute deadlines again */
	const uint64_t *open; /* manifests to compute again */
	size_t open_n;
	struct checkpoint_ref *seen; /* to be checked against the tree while loading; root becomes ours */
	size_t seen_n;
	micros launched_at;
	micros now;
	enum store_result result;
	bool fault;             /* no memory, or the server could not sign */
	char error[ERROR_SIZE]; /* in the store's words, when result is not STORE_OK */
	struct judgement *judgement;
	struct rows rows;
	struct span *entries;
	struct digest *leaves;
	struct tree_append *append;
	struct commit commit;
	bool hold;           /* its receipts wait for the witnesses */
	bool unacknowledged; /* committed, but the high-water file or a receipt could not be made */
	/* Kept from batch to batch: fresh pages cost more than what is done with them. */
	struct arena *arena;
	struct buffer checkpoint;
	struct buffer out; /* the answers' frames */
};

/* The newest checkpoint with a quorum of cosignatures. */
struct cosigned {
	uint64_t size; /* 0: none yet */
	struct buffer note;
	uint64_t stored; /* the size in the database */
	micros stored_at;
	bool storing; /* the writer lane has it */
};

struct seen_slot {
	uint64_t size;
	struct digest root;
};

struct path {
	struct path_config config;
	struct path_ports ports;
	struct public_key log_public;
	struct digest server_keyid;
	struct sessions *sessions;
	struct limits *limits;
	struct path_counters counters;

	enum path_state state;
	char reason[ERROR_SIZE];
	bool draining;
	bool recovering;
	micros retry_at;   /* of the next recovery */
	unsigned failures; /* in a row, of recoveries and batches */

	/* What is committed. */
	struct registry *registry;
	struct tree *tree;
	struct log_head head;
	struct buffer checkpoint;   /* the latest signed one; empty before the first */
	uint64_t checkpoint_stored; /* size of the newest one that is in the database */
	struct keyring *keyring;
	uint64_t keyring_version;
	struct seen_slot seen[SEEN_CACHE];
	char origin[129];

	struct request_queue queue;
	struct request *spare; /* for reuse */
	size_t spare_n;
	struct verify_group *filling; /* the group that waits for the verify lane */
	size_t verify_groups;         /* on the lane */
	size_t under_way;
	bool gate_shut;

	struct cosign *cosign; /* NULL: no witnesses */
	uint64_t asked_epoch;  /* of the lease since which the witnesses were asked */
	struct cosigned cosigned;
	struct batch *batch; /* in flight; NULL: idle */
	struct batch *spare_batch;
	size_t batch_limit; /* shrinks when the database refuses a batch's data */
	micros next_sweep;
	micros chores_at; /* neither sweep nor recompute before this: the last try was refused */
	bool recompute;   /* deadlines are being computed again */
	uint64_t recompute_after;
};

static inline micros path_now(const struct path *p)
{
	return p->ports.now(p->ports.self);
}

void path_notice(struct path *p, enum notice_level level, const char *what, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

/* ---- request.c ---- */
struct request *request_take(struct path *p, conn_id conn, uint64_t id) MUST_CHECK;
void request_give_back(struct path *p, struct request *r);
void queue_push(struct request_queue *q, struct request *r);
/* Puts a row of requests back in front, in their order. */
void queue_unpop(struct request_queue *q, struct request **members, size_t n);
struct request *queue_pop(struct request_queue *q);
/* Opens or shuts the read gate by how much is under way. */
void gate_check(struct path *p);

/* ---- the stages, in the order of the table in path.c ---- */
void stage_frame(struct path *p, conn_id conn, struct span bytes);
void stage_verify_flush(struct path *p);
void stage_verify(struct path *p, struct request *r);
void stage_rule(struct path *p, struct request *r);
void stage_batch(struct path *p); /* launches one if it is time */
bool batch_load(struct batch *b); /* writer lane */
bool batch_judge(struct batch *b);
bool batch_log(struct batch *b);
void batch_database(struct batch *b); /* writer lane */
bool batch_sign(struct batch *b);     /* writer lane, after the COMMIT: its checkpoint */
void batch_receipts(struct batch *b); /* writer lane, under that checkpoint */
void batch_finish(struct batch *b);
/* It is committed, and is not to be answered before what is stored was read again. */
void batch_abandon(struct batch *b, const char *why);
/* Forgets what was in it and keeps its memory for the next one. */
void batch_clear(struct batch *b);
void batch_free(struct batch *b);

/* ---- answers ---- */
void answer_frame(struct path *p, const struct request *r, struct span frame);
void answer_refusal(struct path *p, struct request *r, enum refusal_kind kind, const struct verdict *verdict);
/* A refusal that has no request: one problem in words. */
void refuse(struct path *p, conn_id conn, uint64_t id, enum refusal_kind kind, const struct rule *rule,
	    const char *path, const char *found, const char *allowed, micros retry_after);
void send_frame(struct path *p, conn_id conn, const struct frame *frame);

/* ---- reads ---- */
void read_query(struct path *p, struct session *s, uint64_t id, const struct query *query);
/* The receipt of an event that was accepted before. Gives the request back. */
void read_repeated(struct path *p, struct request *r);
void read_welcome(struct path *p, struct session *s, uint64_t id, uint64_t from_size);

/* ---- prove.c: from what is stored, on any of its lanes. STORE_UNAVAILABLE also without memory ---- */

/* The tiles that an answer's proofs need are to a large part the same: each is fetched once, into the arena.
 * Those beyond are fetched each time. Begins as zeros. */
enum { TILES_KEPT = 64 };
struct tiles {
	struct tile_id ids[TILES_KEPT];
	const struct digest *hashes[TILES_KEPT];
	size_t n;
};
/* Fetches the plan's tiles; ret_hashes has room for plan->steps_n. fetched: NULL for one proof alone. */
enum store_result plan_prove(const struct store_port *store, void *thread, const struct proof_plan *plan,
			     struct arena *arena, struct tiles *fetched,
			     struct digest *ret_hashes) MUST_CHECK;
/* The root that the log had at `size`. */
enum store_result tree_root_at(const struct store_port *store, void *thread, uint64_t size,
			       struct arena *arena, struct digest *ret_root) MUST_CHECK;

/* ---- recovery ---- */
void recovery_begin(struct path *p);
/* The same at once if it is the first failure in a row, else after a wait that grows. */
void recovery_begin_later(struct path *p, const char *why);
void path_stop(struct path *p, const char *fmt, ...) PRINTF_LIKE(2, 3);
bool keyring_publish(struct path *p) MUST_CHECK;
/* The signed checkpoint of a head, appended. */
bool checkpoint_make(const struct path *p, const struct log_head *head, struct buffer *to) MUST_CHECK;
/* The log's name as its genesis gives it. */
void origin_set(struct path *p);
void seen_remember(struct path *p, uint64_t size, const struct digest *root);

/* ---- witnesses.c ---- */
/* The newest cosigned checkpoint is stored now and then, while no batch is in flight. */
bool cosigned_due(const struct path *p) MUST_CHECK;
void cosigned_store(struct path *p);

/* ---- greeting and access ---- */
void greet(struct path *p, struct session *s, uint64_t id, struct span envelope);
/* What a role may ask: false when this query is not for it. */
bool access_allowed(enum role role, enum query_kind kind) MUST_CHECK;
/* May have the log whole, bundle by bundle. */
bool access_bundles(enum role role) MUST_CHECK;
/* Answers with a token for HTTP that speaks for the session's key. */
void access_token(struct path *p, const struct session *s, uint64_t id, uint32_t seconds);
/* Where its party is now: a session may be older. */
struct span access_division(const struct key_record *key);
struct scope access_scope(enum role role, const struct party_ref *party, struct span division);
/* The key may connect and ask now. NULL never may. */
bool access_key_good(const struct key_record *key, micros now) MUST_CHECK;

/* ---- limits ---- */
/* Takes from the token buckets of the key and its party. 0: go on; else how long to wait, and nothing is
 * taken. */
struct limits *limits_new(void) MUST_CHECK;
void limits_free(struct limits *limits);
micros limits_take(struct path *p, const struct session *s, size_t bytes) MUST_CHECK;
/* Counts a read of the key as under way. False: it has as many as it may. Key 0 (nobody's) has no end. */
bool limits_read_begin(struct path *p, key_no key) MUST_CHECK;
void limits_read_end(struct path *p, key_no key);
/* Counts an event of the connection as under way; one with too many is not read until half are done. */
void limits_event_begin(struct path *p, struct session *s);
void limits_event_end(struct path *p, conn_id conn);

#endif
