/*
 * Inside net: what the listener and the connections share. The listener makes connections and finds them by
 * id; a connection moves its bytes and ends itself, and is freed at the end of the turn, when nothing on the
 * stack knows it any more.
 */
#ifndef NET_CONN_H
#define NET_CONN_H

#include "net/listener.h"
#include "net/timeout.h"

enum { RECORD_MAX = 16384, LISTENERS_MAX = 4, PEER_SIZE = 56 };

enum conn_state {
	CONN_HANDSHAKE,
	CONN_HELLO, /* opened() was called, greeted() was not */
	CONN_OPEN,
	CONN_FLUSH,  /* has ended: what is queued is being sent */
	CONN_LINGER, /* has ended: everything is sent; waits for the client's end, so that it gets it all */
	CONN_DEAD,   /* is freed at the end of the turn */
};

struct conn {
	struct net *net;
	conn_id id;
	int fd;
	enum conn_state state;
	struct ssl_st *ssl;
	bool opened, closed; /* which of the two the sink was told */
	bool is_dirty, is_ended;
	bool write_gated;    /* not read because it does not read */
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

TAILQ_HEAD(conn_queue, conn);
LIST_HEAD(conn_list, conn);

struct listener {
	struct net *net;
	int fd;
	struct loop_watch *watch;
};

struct net {
	struct loop *loop;
	struct tls *tls;
	const struct log *log;
	struct net_sink sink;
	struct net_settings set;
	struct net_port port;
	struct net_counters count;

	struct conn **slots; /* connections_max; an id modulo that is its slot */
	unsigned *free_slots;
	unsigned free_n;
	uint64_t serial;
	struct conn_list *by_address; /* by hash; NULL when there is no limit */
	uint64_t address_seed;

	struct timeouts timeouts;
	struct conn_queue dirty;     /* to be flushed at the end of the turn */
	struct conn_queue ended;     /* to be told or freed at the end of the turn */
	struct conn_queue wait_turn; /* has more to read, after the others */
	struct conn_queue wait_gate; /* had something to read when the gate was shut */
	struct loop_task *turn_end;
	struct loop_timer *next_turn, *sweep, *accept_again, *drain_end;
	bool gate_shut;

	struct listener listeners[LISTENERS_MAX];
	unsigned listeners_n;
	bool accepting, no_descriptors, stopped;
	void (*drained)(void *arg);
	void *drained_arg;

	uint8_t scratch[RECORD_MAX];
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

/* The listener's part: runs at the end of this turn; a handshake is over. */
void net_turn_end(struct net *net);
void net_handshake_over(struct net *net);

#endif
