/*
 * Inside net: one connection. It moves its bytes and ends itself, and is freed at the end of the turn, when
 * nothing on the stack knows it any more.
 */
#ifndef NET_CONN_H
#define NET_CONN_H

#include "net/listener.h"
#include "net/timeout.h"

enum { RECORD_MAX = 16384, PEER_SIZE = 56 };

enum conn_state {
	CONN_HANDSHAKE,
	CONN_HELLO, /* opened() was called, greeted() was not */
	CONN_OPEN,
	CONN_FLUSH,  /* has ended: what is queued is being sent */
	CONN_LINGER, /* has ended: everything is sent; waits for the client's end, so that it gets it all */
	CONN_DEAD,   /* is freed at the end of the turn */
};

enum conn_gate {
	GATED_OUTPUT = 1, /* it does not read */
	GATED_PATH = 2,   /* it has enough under way */
};

struct net;

struct conn {
	struct net *net;
	conn_id id;
	int fd;
	enum conn_state state;
	struct ssl_st *ssl;
	bool opened, closed; /* which of the two the sink was told */
	bool is_dirty, is_ended;
	unsigned gated;      /* why it is not read: enum conn_gate */
	bool read_wants_out; /* TLS must write before it can read on */
	enum { WAITS_NOT, WAITS_TURN, WAITS_GATE } waits;

	struct buffer in; /* a frame's beginning, or frames that could not be handed on yet */
	size_t in_need;   /* bytes in `in` at which its first frame is whole, as far as is known */
	struct buffer out;
	size_t out_at;       /* what of `out` is sent */
	uint64_t sent, mark; /* the write deadline is for the bytes up to `mark` */
	struct timeout read_by, write_by;
	struct loop_watch *readable;
	struct loop_watch *writable; /* made when first needed: most clients read */

	TAILQ_ENTRY(conn) dirty_link, ended_link, wait_link;
	LIST_ENTRY(conn) address_link;
	uint8_t address[16]; /* IPv6, or IPv4 mapped; of IPv6 the /64 */
	char peer[PEER_SIZE];
};

/* Begins the handshake on c->fd; net, id, address and peer are set, the rest is zero. False: no memory; the
 * caller closes the socket. */
bool conn_start(struct conn *c) MUST_CHECK;
void conn_send(struct conn *c, struct span bytes);
/* Ends it: politely if there is still something to say, at once otherwise. `why` is for the log, or NULL. */
void conn_end(struct conn *c, enum net_end reason, const char *why);
/* Ends it at once; nothing more is sent. */
void conn_cut(struct conn *c, enum net_end reason, const char *why);
void conn_greeted(struct conn *c);
/* Goes on reading after it waited for a turn or the gate. */
void conn_resume(struct conn *c);
/* Sends what is queued, as far as the socket takes it. */
void conn_flush(struct conn *c);
/* A deadline has passed. */
void conn_late(struct conn *c, enum timeout_kind kind);
/* Frees what a dead connection holds, and itself; it must be in no queue. */
void conn_free(struct conn *c);

/* Between conn.c (input, ends) and output.c. */
void conn_readable(void *arg);
bool conn_watch_writable(struct conn *c); /* false: no memory, and it has ended */
void conn_put_dirty(struct conn *c);
void conn_stop_waiting(struct conn *c);
void conn_wait_for_turn(struct conn *c);
/* Shuts or opens one gate; it is read while all are open, and its deadlines stand still while one is shut. */
void conn_gate(struct conn *c, enum conn_gate gate, bool shut);
/* A frame that has begun must end in time; a new time begins only with a new frame. */
void conn_time_input(struct conn *c, bool delivered);
void conn_linger(struct conn *c);
void conn_die(struct conn *c);
void conn_fail(struct conn *c, int error); /* the last SSL call; `error` is of SSL_get_error() */

/* Whether frames are handed on and output is taken. */
static inline bool conn_is_alive(const struct conn *c)
{
	return c->state == CONN_HELLO || c->state == CONN_OPEN;
}

#endif
