/*
 * A server on a port of its own and clients of it, all in one thread: WAIT() turns them until something
 * holds. The sink is what the path would be, and does as the fixture says. One fixture a test program's
 * process.
 */
#ifndef TESTS_NET_SERVER_H
#define TESTS_NET_SERVER_H

#include <criterion/criterion.h>
#include <poll.h>

#include "net/listener.h"
#include "net_support.h"

enum { CLIENTS_MAX = 16, MS = 1000 };

extern struct fixture {
	struct loop *loop;
	struct tls *tls;
	struct net *net;
	const struct net_port *port;
	const struct net_counters *count;
	uint16_t at;
	const char *dir;
	char cert[128], key[128];
	struct digest binding;
	struct client *clients[CLIENTS_MAX];
	size_t clients_n;
	bool deaf; /* clients do not read */

	/* What the path would be. */
	bool echo, keep_silent;
	unsigned gate_after, close_after; /* in the n-th frame */
	size_t reply;                     /* bytes sent for each frame */
	unsigned opened, frames, closed, drained;
	size_t frame_bytes;
	conn_id last;
	struct buffer seen; /* all frames' bodies, each after its length */
} f;

#define WAIT_FOR(ms, what)                                                                                   \
	do {                                                                                                 \
		micros until_ = loop_monotonic() + (ms)*MS;                                                  \
		while (!(what) && loop_monotonic() < until_) {                                               \
			turn();                                                                              \
			if (!(what))                                                                         \
				poll(NULL, 0, 1);                                                            \
		}                                                                                            \
		cr_assert(what, "within %d ms: %s", (int)(ms), #what);                                       \
	} while (0)
#define WAIT(what) WAIT_FOR(20000, what)

void server_begin(void);
void server_begin_with(struct net_settings set);
void server_end(void);
/* One turn of everything. */
void turn(void);
/* Time for what must not happen. */
void settle(void);
struct client *add_client(int version);
/* One whose handshake is over. */
struct client *connected(void);
/* Frames of zeros, all of them, turning meanwhile. */
void send_frames(struct client *c, unsigned n, size_t size);
/* for net_drain() */
void on_drained(void *arg);

#endif
