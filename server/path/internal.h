/*
 * The path's state, which the main thread alone reads and writes, and what its files share. Nobody outside
 * path/ includes this.
 */
#ifndef PATH_INTERNAL_H
#define PATH_INTERNAL_H

#include "core/checkpoint.h"
#include "core/proof.h"
#include "crypto/keyring.h"
#include "crypto/token.h"
#include "path/access.h"
#include "path/answer.h"
#include "path/batch.h"
#include "path/cosign.h"
#include "path/limits.h"
#include "path/path.h"
#include "path/prove.h"
#include "path/recovery.h"
#include "path/request.h"
#include "path/session.h"
#include "path/witnesses.h"

enum { SEEN_CACHE = 4096 };

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
	uint64_t keyring_version; /* 0: nothing is known yet */
	size_t hellos_waiting;    /* requests that are hellos: their keys are not known */
	struct seen_slot seen[SEEN_CACHE];
	char origin[129];

	struct request_queue queue;
	struct request *spare; /* for reuse */
	size_t spare_n;
	struct verify_group *filling; /* the group that waits for the verify lane */
	size_t verify_groups;         /* on the lane */
	size_t under_way;
	struct tiles_kept kept;
	bool gate_shut;
	micros damage_told_at; /* that a read found what is stored to be damaged; 0: never */

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
/* That a read found STORE_CORRUPT, at most once a minute: whoever asks may ask for it again and again. */
void path_tell_damage(struct path *p);

/* ---- the stages, in the order of the table in path.c; those of a batch are in batch.h ---- */
void stage_frame(struct path *p, conn_id conn, struct span bytes);
/* Hello: answered by Welcome, or by a refusal and the end of the connection. */
void greet(struct path *p, struct session *s, uint64_t id, struct span envelope);
/* One whose key was not known, by the keys of now. Gives the request back. */
void greet_again(struct path *p, struct request *r);
void stage_verify(struct path *p, struct request *r);
/* What waits for a full group goes to the lane now. */
void stage_verify_flush(struct path *p);
void stage_batch(struct path *p); /* launches one if it is time */

/* ---- reads ---- */
void read_query(struct path *p, struct session *s, uint64_t id, const struct query *query);
/* The receipt of an event that was accepted before. Gives the request back. */
void read_repeated(struct path *p, struct request *r);
void read_welcome(struct path *p, struct session *s, uint64_t id, uint64_t from_size);

/* ---- what is committed ---- */
bool keyring_publish(struct path *p) MUST_CHECK;
/* The signed checkpoint of a head, appended. */
bool checkpoint_make(const struct path *p, const struct log_head *head, struct buffer *to) MUST_CHECK;
/* The log's name as its genesis gives it. */
void origin_set(struct path *p);
void seen_remember(struct path *p, uint64_t size, const struct digest *root);

#endif
