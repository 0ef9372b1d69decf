/*
 * Owns the listening sockets, the table of connections and the ends of turns: what is queued in one turn of
 * the loop is flushed at its end, and what has ended in it is told and freed there.
 */
#include "net/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/conn.h"

enum {
	BACKLOG = 1024,
	ACCEPTS_PER_TURN = 32, /* a handshake costs some 0.3 ms, and others wait */
	ADDRESS_BUCKETS = 4096,
	KEEPALIVE_SECONDS = 60,
};

static const micros SWEEP_EVERY = 50000;
static const micros ACCEPT_AGAIN_AFTER = 100000;
static const micros LINGER_FOR = 2000000;

const struct net_settings net_settings_default = {
    .connections_max = 16384,
    .handshakes_max = 64,
    .per_address_max = 0,
    .frames_per_turn = 64,
    .hello_frame_max = 4096,
    .output_max = 1024 * 1024,
    .output_high = 256 * 1024,
    .output_low = 64 * 1024,
    .output_total_max = 256 * 1024 * 1024,
    .hello_within = 10000000,
    .frame_within = 20000000,
    .idle_after = 900000000,
    .write_within = 30000000,
};

const char *net_end_name(enum net_end end)
{
	static const char *const names[NET_ENDS] = {
	    [NET_END_PEER] = "peer",
	    [NET_END_PATH] = "path",
	    [NET_END_BROKEN] = "broken",
	    [NET_END_TLS] = "tls",
	    [NET_END_FRAME] = "frame",
	    [NET_END_HELLO_LATE] = "hello_late",
	    [NET_END_FRAME_LATE] = "frame_late",
	    [NET_END_IDLE] = "idle",
	    [NET_END_SLOW_READER] = "slow_reader",
	    [NET_END_FULL] = "full",
	    [NET_END_ADDRESS] = "address",
	    [NET_END_MEMORY] = "memory",
	    [NET_END_RELOAD] = "reload",
	    [NET_END_SHUTDOWN] = "shutdown",
	};
	return end < NET_ENDS ? names[end] : "unknown";
}

/* ---------------------------------------------------------------- the accept gate */

static void set_accept_gate(struct net *net)
{
	bool open = !net->stopped && !net->no_descriptors && net->count.handshakes < net->set.handshakes_max;

	if (open == net->accepting)
		return;
	net->accepting = open;
	if (!open && !net->stopped)
		net->count.accept_paused++;
	for (unsigned i = 0; i < net->listeners_n; i++) {
		if (!open)
			loop_watch_off(net->listeners[i].watch);
		else if (!loop_watch_on(net->listeners[i].watch))
			log_line(net->log, LOG_ERROR, "net.accept_failed", LOG_TEXT("why", strerror(errno)));
	}
}

void net_handshake_over(struct net *net)
{
	net->count.handshakes--;
	set_accept_gate(net);
}

static void on_accept_again(void *arg)
{
	struct net *net = arg;

	net->no_descriptors = false;
	set_accept_gate(net);
}

/* No descriptors or kernel memory: clients wait in the queue until something was closed. */
static void pause_accepting(struct net *net, int error)
{
	net->count.no_descriptors++;
	net->no_descriptors = true;
	set_accept_gate(net);
	loop_timer_once(net->accept_again, ACCEPT_AGAIN_AFTER);
	log_line(net->log, LOG_WARNING, "net.accept_paused", LOG_TEXT("why", strerror(error)),
		 LOG_UINT("open", net->count.open));
}

/* ---------------------------------------------------------------- the table */

static struct conn_list *bucket_of(struct net *net, const uint8_t address[16])
{
	uint64_t a, b;

	memcpy(&a, address, 8);
	memcpy(&b, address + 8, 8);
	a = (a ^ net->address_seed) * UINT64_C(0x9e3779b97f4a7c15);
	a = (a ^ (a >> 29) ^ b) * UINT64_C(0xbf58476d1ce4e5b9);
	return &net->by_address[(a ^ (a >> 32)) % ADDRESS_BUCKETS];
}

/* Looks no further than the limit. */
static bool address_is_full(struct net *net, const uint8_t address[16])
{
	unsigned n = 0;
	const struct conn *c;

	if (net->by_address == NULL)
		return false;
	LIST_FOREACH(c, bucket_of(net, address), address_link)
	{
		if (memcmp(c->address, address, sizeof(c->address)) == 0 && ++n >= net->set.per_address_max)
			return true;
	}
	return false;
}

static struct conn *find(struct net *net, conn_id id)
{
	struct conn *c = net->slots[id % net->set.connections_max];

	return c != NULL && c->id == id ? c : NULL;
}

static void enter(struct net *net, struct conn *c)
{
	unsigned slot = net->free_slots[--net->free_n];

	c->id = ++net->serial * net->set.connections_max + slot;
	net->slots[slot] = c;
	net->count.open++;
	net->count.handshakes++;
	if (net->by_address != NULL)
		LIST_INSERT_HEAD(bucket_of(net, c->address), c, address_link);
}

static void forget(struct net *net, struct conn *c)
{
	unsigned slot = (unsigned)(c->id % net->set.connections_max);

	if (net->by_address != NULL)
		LIST_REMOVE(c, address_link);
	net->slots[slot] = NULL;
	net->free_slots[net->free_n++] = slot;
	net->count.open--;
	if (c->is_dirty)
		TAILQ_REMOVE(&net->dirty, c, dirty_link);
	conn_free(c);
}

/* ---------------------------------------------------------------- accepting */

/* The address that is counted, and its text. An IPv4 address is the same whichever socket it came by. */
static void read_peer(struct conn *c, const struct sockaddr_storage *from)
{
	char text[INET6_ADDRSTRLEN] = "?";

	if (from->ss_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, from, sizeof(in));
		c->address[10] = c->address[11] = 0xff;
		memcpy(c->address + 12, &in.sin_addr, 4);
		inet_ntop(AF_INET, &in.sin_addr, text, sizeof(text));
		snprintf(c->peer, sizeof(c->peer), "%s:%u", text, ntohs(in.sin_port));
	} else {
		struct sockaddr_in6 in;

		memcpy(&in, from, sizeof(in));
		memcpy(c->address, &in.sin6_addr, IN6_IS_ADDR_V4MAPPED(&in.sin6_addr) ? 16 : 8);
		inet_ntop(AF_INET6, &in.sin6_addr, text, sizeof(text));
		snprintf(c->peer, sizeof(c->peer), "[%s]:%u", text, ntohs(in.sin6_port));
	}
}

static void set_option(int fd, int level, int option, int value)
{
	(void)setsockopt(fd, level, option, &value, sizeof(value)); /* wishes, not conditions */
}

static void tune(const struct net *net, int fd)
{
	set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_SECONDS);
	set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)(net->set.write_within / 1000));
}

static void take(struct net *net, int fd, const struct sockaddr_storage *from)
{
	enum net_end refusal = NET_END_MEMORY;
	struct conn *c = calloc(1, sizeof(*c));

	net->count.accepted++;
	if (c == NULL)
		goto refused;
	c->net = net;
	c->fd = fd;
	read_peer(c, from);
	refusal = NET_END_FULL;
	if (net->free_n == 0)
		goto refused;
	refusal = NET_END_ADDRESS;
	if (address_is_full(net, c->address))
		goto refused;
	refusal = NET_END_MEMORY;
	tune(net, fd);
	if (!conn_start(c))
		goto refused;
	enter(net, c);
	return;
refused:
	net->count.ended[refusal]++;
	log_line(net->log, LOG_DEBUG, "conn.refused", LOG_TEXT("peer", c == NULL ? "?" : c->peer),
		 LOG_TEXT("reason", net_end_name(refusal)));
	free(c);
	close(fd);
}

static void on_acceptable(void *arg)
{
	struct listener *listener = arg;
	struct net *net = listener->net;

	for (int i = 0; i < ACCEPTS_PER_TURN && net->accepting; i++) {
		struct sockaddr_storage from = {0};
		socklen_t n = sizeof(from);
		int fd = accept4(listener->fd, (struct sockaddr *)&from, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			take(net, fd, &from);
			set_accept_gate(net);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			pause_accepting(net, errno);
		if (errno != EINTR && errno != ECONNABORTED)
			return;
	}
}

static int open_socket(const struct addrinfo *a)
{
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_storage at = {0};
	socklen_t n = sizeof(at);
	struct sockaddr_in in; /* the port lies at the same place in both families */

	if (getsockname(fd, (struct sockaddr *)&at, &n) < 0)
		return 0;
	memcpy(&in, &at, sizeof(in));
	return ntohs(in.sin_port);
}

bool net_listen(struct net *net, const char *address, const char *port, uint16_t *ret_port,
		char ret_error[TLS_ERROR_SIZE])
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
				 .ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	int fd = -1, error = getaddrinfo(address, port, &hints, &found);

	if (error == 0)
		fd = net->listeners_n < LISTENERS_MAX ? open_socket(found) : (errno = ENOSPC, -1);
	if (fd < 0) {
		snprintf(ret_error, TLS_ERROR_SIZE, "cannot listen on %.100s port %.20s: %s", address, port,
			 error != 0 ? gai_strerror(error) : strerror(errno));
		goto failed;
	}
	struct listener *l = &net->listeners[net->listeners_n];
	*l = (struct listener){.net = net, .fd = fd};
	l->watch = loop_watch_new(net->loop, fd, LOOP_READABLE, on_acceptable, l);
	if (l->watch == NULL || (net->accepting && !loop_watch_on(l->watch))) {
		snprintf(ret_error, TLS_ERROR_SIZE, "no memory");
		loop_watch_free(l->watch);
		close(fd);
		goto failed;
	}
	freeaddrinfo(found);
	net->listeners_n++;
	*ret_port = port_of(fd);
	return true;
failed:
	if (found != NULL)
		freeaddrinfo(found);
	return false;
}

/* ---------------------------------------------------------------- turns */

void net_turn_end(struct net *net)
{
	loop_task_ask(net->turn_end);
}

/* Tells the sink of an end, once, and frees what is dead. */
static void bury(struct net *net, struct conn *c)
{
	TAILQ_REMOVE(&net->ended, c, ended_link);
	c->is_ended = false;
	if (c->opened && !c->closed) {
		c->closed = true;
		net->sink.closed(net->sink.self, c->id);
	}
	if (c->state == CONN_DEAD && !c->is_ended)
		forget(net, c);
}

static void on_turn_end(void *arg)
{
	struct net *net = arg;
	struct conn *c;

	while ((c = TAILQ_FIRST(&net->dirty)) != NULL) {
		TAILQ_REMOVE(&net->dirty, c, dirty_link);
		c->is_dirty = false;
		conn_flush(c);
	}
	while ((c = TAILQ_FIRST(&net->ended)) != NULL)
		bury(net, c);
	if (net->drained != NULL && net->count.open == 0) {
		void (*drained)(void *arg) = net->drained;

		net->drained = NULL;
		loop_timer_stop(net->drain_end);
		drained(net->drained_arg);
	}
}

/* Those that wait now; who waits again meanwhile has its turn the next time. */
static void resume_all(struct conn_queue *queue)
{
	struct conn_queue now = TAILQ_HEAD_INITIALIZER(now);
	struct conn *c;

	TAILQ_CONCAT(&now, queue, wait_link);
	while ((c = TAILQ_FIRST(&now)) != NULL) {
		TAILQ_REMOVE(&now, c, wait_link);
		c->waits = WAITS_NOT;
		conn_resume(c);
	}
}

static void on_next_turn(void *arg)
{
	struct net *net = arg;

	resume_all(&net->wait_turn);
}

static void on_sweep(void *arg)
{
	struct net *net = arg;
	struct timeout *d;

	while ((d = timeout_late(&net->timeouts)) != NULL) {
		enum timeout_kind kind = d->kind;
		size_t at =
		    kind == TIMEOUT_WRITE ? offsetof(struct conn, write_by) : offsetof(struct conn, read_by);

		conn_late((struct conn *)(void *)((char *)d - at), kind);
	}
}

/* ---------------------------------------------------------------- the port */

static void port_send(void *self, conn_id id, struct span bytes)
{
	struct conn *c = find(self, id);

	if (c != NULL)
		conn_send(c, bytes);
}

static void port_close(void *self, conn_id id, const char *reason)
{
	struct conn *c = find(self, id);

	if (c != NULL)
		conn_end(c, NET_END_PATH, reason);
}

static void port_greeted(void *self, conn_id id)
{
	struct conn *c = find(self, id);

	if (c != NULL)
		conn_greeted(c);
}

/* Opening it only puts those that wait into the next turn: the path may open it in the middle of a frame. */
static void port_gate(void *self, bool open)
{
	struct net *net = self;
	struct conn *c;

	if (net->gate_shut == !open || net->drained != NULL)
		return;
	net->gate_shut = !open;
	timeouts_gate(&net->timeouts, open);
	if (!open) {
		net->count.read_gate_shut++;
		return;
	}
	TAILQ_FOREACH(c, &net->wait_gate, wait_link)
	c->waits = WAITS_TURN;
	TAILQ_CONCAT(&net->wait_turn, &net->wait_gate, wait_link);
	loop_timer_once(net->next_turn, 0);
}

const struct net_port *net_port(struct net *net)
{
	return &net->port;
}

const struct net_counters *net_counters(const struct net *net)
{
	return &net->count;
}

/* ---------------------------------------------------------------- beginning and end */

static void init_queues(struct net *net)
{
	const micros within[TIMEOUT_KINDS] = {
	    [TIMEOUT_HELLO] = net->set.hello_within, [TIMEOUT_FRAME] = net->set.frame_within,
	    [TIMEOUT_IDLE] = net->set.idle_after,    [TIMEOUT_WRITE] = net->set.write_within,
	    [TIMEOUT_CLOSE] = net->set.write_within, [TIMEOUT_LINGER] = LINGER_FOR,
	};

	timeouts_init(&net->timeouts, within);
	TAILQ_INIT(&net->dirty);
	TAILQ_INIT(&net->ended);
	TAILQ_INIT(&net->wait_turn);
	TAILQ_INIT(&net->wait_gate);
}

static void on_drain_end(void *arg);

static bool make_events(struct net *net)
{
	net->turn_end = loop_task_new(net->loop, on_turn_end, net);
	net->next_turn = loop_timer_new(net->loop, on_next_turn, net);
	net->sweep = loop_timer_new(net->loop, on_sweep, net);
	net->accept_again = loop_timer_new(net->loop, on_accept_again, net);
	net->drain_end = loop_timer_new(net->loop, on_drain_end, net);
	return net->turn_end != NULL && net->next_turn != NULL && net->sweep != NULL &&
	       net->accept_again != NULL && net->drain_end != NULL;
}

static bool make_tables(struct net *net)
{
	unsigned n = net->set.connections_max;

	net->slots = calloc(n, sizeof(struct conn *));
	net->free_slots = calloc(n, sizeof(net->free_slots[0]));
	if (net->set.per_address_max > 0)
		net->by_address = calloc(ADDRESS_BUCKETS, sizeof(net->by_address[0]));
	if (net->slots == NULL || net->free_slots == NULL ||
	    (net->set.per_address_max > 0 && net->by_address == NULL))
		return false;
	while (net->free_n < n) {
		net->free_slots[net->free_n] = n - 1 - net->free_n;
		net->free_n++;
	}
	return getrandom(&net->address_seed, sizeof(net->address_seed), 0) == sizeof(net->address_seed);
}

struct net *net_new(struct loop *loop, struct tls *tls, const struct net_settings *settings,
		    const struct net_sink *sink, const struct log *log)
{
	struct net *net = calloc(1, sizeof(*net));

	if (net == NULL)
		return NULL;
	net->loop = loop;
	net->tls = tls;
	net->log = log;
	net->sink = *sink;
	net->set = *settings;
	net->port = (struct net_port){.self = net,
				      .send = port_send,
				      .close = port_close,
				      .greeted = port_greeted,
				      .gate = port_gate,
				      .binding = tls_binding(tls)};
	init_queues(net);
	if (!make_tables(net) || !make_events(net)) {
		net_free(net);
		return NULL;
	}
	net->accepting = true;
	loop_timer_every(net->sweep, SWEEP_EVERY);
	return net;
}

static void close_listeners(struct net *net)
{
	for (unsigned i = 0; i < net->listeners_n; i++) {
		loop_watch_free(net->listeners[i].watch);
		close(net->listeners[i].fd);
	}
	net->listeners_n = 0;
}

static void cut_all(struct net *net, enum net_end reason)
{
	for (unsigned i = 0; i < net->set.connections_max; i++)
		if (net->slots[i] != NULL)
			conn_cut(net->slots[i], reason, NULL);
}

void net_free(struct net *net)
{
	if (net == NULL)
		return;
	close_listeners(net);
	net->stopped = true;
	if (net->slots != NULL && net->turn_end != NULL) {
		cut_all(net, NET_END_SHUTDOWN);
		for (unsigned i = 0; i < net->set.connections_max; i++)
			if (net->slots[i] != NULL)
				conn_free(net->slots[i]);
	}
	loop_task_free(net->turn_end);
	loop_timer_free(net->next_turn);
	loop_timer_free(net->sweep);
	loop_timer_free(net->accept_again);
	loop_timer_free(net->drain_end);
	free(net->by_address);
	free(net->free_slots);
	free(net->slots);
	free(net);
}

bool net_reload(struct net *net, const char *certificate, const char *key, char ret_error[TLS_ERROR_SIZE])
{
	if (!tls_reload(net->tls, certificate, key, ret_error))
		return false;
	net->port.binding = tls_binding(net->tls);
	for (unsigned i = 0; i < net->set.connections_max; i++)
		if (net->slots[i] != NULL && net->slots[i]->state <= CONN_HELLO)
			conn_end(net->slots[i], NET_END_RELOAD, NULL);
	return true;
}

void net_stop_accepting(struct net *net)
{
	net->stopped = true;
	set_accept_gate(net);
	close_listeners(net);
}

static void on_drain_end(void *arg)
{
	cut_all(arg, NET_END_SHUTDOWN);
}

void net_drain(struct net *net, micros within, void (*done)(void *arg), void *arg)
{
	net_stop_accepting(net);
	net->drained = done;
	net->drained_arg = arg;
	for (unsigned i = 0; i < net->set.connections_max; i++)
		if (net->slots[i] != NULL)
			conn_end(net->slots[i], NET_END_SHUTDOWN, NULL);
	loop_timer_once(net->drain_end, within);
	net_turn_end(net);
}
