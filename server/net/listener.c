/*
 * Owns the table of connections, the port and the ends of turns (accept.c: the listening sockets): what is
 * queued in one turn of the loop is flushed at its end, and what has ended in it is told and freed there.
 */
#include "net/listener.h"

#include <stdlib.h>
#include <sys/random.h>

#include "net/net.h"

static const micros SWEEP_EVERY = 50000;
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
    .handshake_within = 10000000,
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
	    [NET_END_HANDSHAKE_LATE] = "handshake_late",
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

/* ---------------------------------------------------------------- the table */

static struct conn *find(struct net *net, conn_id id)
{
	struct conn *c = net->slots[id % net->set.connections_max];

	return c != NULL && c->id == id ? c : NULL;
}

void net_enter(struct net *net, struct conn *c)
{
	unsigned slot = net->free_slots[--net->free_n];

	c->id = ++net->serial * net->set.connections_max + slot;
	net->slots[slot] = c;
	net->count.open++;
	net->count.handshakes++;
	if (net->by_address != NULL)
		LIST_INSERT_HEAD(net_bucket_of(net, c->address), c, address_link);
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

static void port_hold(void *self, conn_id id, bool held)
{
	struct conn *c = find(self, id);

	if (c != NULL)
		conn_gate(c, GATED_PATH, held);
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
	    [TIMEOUT_HANDSHAKE] = net->set.handshake_within,
	    [TIMEOUT_HELLO] = net->set.hello_within,
	    [TIMEOUT_FRAME] = net->set.frame_within,
	    [TIMEOUT_IDLE] = net->set.idle_after,
	    [TIMEOUT_WRITE] = net->set.write_within,
	    [TIMEOUT_CLOSE] = net->set.write_within,
	    [TIMEOUT_LINGER] = LINGER_FOR,
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
	net->accept_again = loop_timer_new(net->loop, net_accept_again, net);
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
				      .hold = port_hold,
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
	net_close_listeners(net);
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

void net_renew(struct net *net, struct tls *fresh)
{
	tls_renew(net->tls, fresh);
	net->port.binding = tls_binding(net->tls);
	for (unsigned i = 0; i < net->set.connections_max; i++)
		if (net->slots[i] != NULL && net->slots[i]->state <= CONN_HELLO)
			conn_end(net->slots[i], NET_END_RELOAD, NULL);
}

void net_stop_accepting(struct net *net)
{
	net->stopped = true;
	net_set_accept_gate(net);
	net_close_listeners(net);
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
