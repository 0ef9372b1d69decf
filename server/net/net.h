/*
 * Inside net: what the listener, the listening sockets and the connections share. All of it is on the loop's
 * thread.
 */
#ifndef NET_NET_H
#define NET_NET_H

#include "net/conn.h"

enum { LISTENERS_MAX = 4, ADDRESS_BUCKETS = 4096 };

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

/* The listener's part: runs at the end of this turn; a handshake is over. */
void net_turn_end(struct net *net);
void net_handshake_over(struct net *net);
/* The table takes the connection in and gives it its id; there must be room. */
void net_enter(struct net *net, struct conn *c);

/* accept.c */
struct conn_list *net_bucket_of(struct net *net, const uint8_t address[16]);
void net_set_accept_gate(struct net *net);
void net_accept_again(void *arg);
void net_close_listeners(struct net *net);

#endif
