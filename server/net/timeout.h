/*
 * The absolute deadlines of connections. All of one kind wait equally long, so each kind is a queue in the
 * order of their beginning: starting, stopping and finding the late ones cost the same however many there
 * are.
 *
 * What a client has to send is timed on a clock that stands still while the read gate is shut: a client is
 * not late because the server did not read.
 */
#ifndef NET_TIMEOUT_H
#define NET_TIMEOUT_H

#include <sys/queue.h>

#include "net/loop.h"

enum timeout_kind {
	TIMEOUT_NONE,
	TIMEOUT_HELLO,
	TIMEOUT_FRAME,
	TIMEOUT_IDLE,
	TIMEOUT_READ_KINDS, /* those above stand still while the gate is shut */
	TIMEOUT_HANDSHAKE = TIMEOUT_READ_KINDS,
	TIMEOUT_WRITE,
	TIMEOUT_CLOSE,
	TIMEOUT_LINGER,
	TIMEOUT_KINDS,
};

struct timeout {
	TAILQ_ENTRY(timeout) link;
	micros since;
	enum timeout_kind kind; /* NONE: in no queue */
};

struct timeouts {
	TAILQ_HEAD(, timeout) queues[TIMEOUT_KINDS];
	micros within[TIMEOUT_KINDS];
	bool shut;
	micros shut_at;   /* monotonic */
	micros shut_time; /* how long the gate was shut in all */
};

void timeouts_init(struct timeouts *all, const micros within[TIMEOUT_KINDS]);
/* The read gate. */
void timeouts_gate(struct timeouts *all, bool open);
/* Starts it, or starts it again, from now. */
void timeout_start(struct timeouts *all, struct timeout *d, enum timeout_kind kind);
void timeout_stop(struct timeouts *all, struct timeout *d);
/* One that is late, or NULL; it stays in its queue until it is stopped or started again. */
struct timeout *timeout_late(struct timeouts *all);

#endif
