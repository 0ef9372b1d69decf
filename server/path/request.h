/*
 * One request: an event on its way, and the queue of them. Queries are struct read, hellos struct
 * greeting, until one waits here for its key. Private to path/.
 */
#ifndef PATH_REQUEST_H
#define PATH_REQUEST_H

#include "path/path.h"
#include "wire/envelope.h"
#include "wire/messages.h"

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
	bool hello;               /* no event, its fields are zero: a hello whose key is not known */
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

/* NULL: no memory. Its arena is empty, and it counts as under way until it is given back. */
struct request *request_take(struct path *p, conn_id conn, uint64_t id) MUST_CHECK;
void request_give_back(struct path *p, struct request *r);
void queue_push(struct request_queue *q, struct request *r);
/* Puts a row of requests back in front, in their order. */
void queue_unpop(struct request_queue *q, struct request **members, size_t n);
struct request *queue_pop(struct request_queue *q);
/* Opens or shuts the read gate by how much is under way. */
void gate_check(struct path *p);

#endif
