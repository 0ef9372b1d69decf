/*
 * The listening sockets: who is taken on, who is refused, and when accepting pauses. A client that is not
 * taken on yet waits in the kernel's queue; one that would only wait in vain is closed at once.
 */
#include "net/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	BACKLOG = 1024,
	ACCEPTS_PER_TURN = 32, /* a handshake costs some 0.3 ms, and others wait */
	KEEPALIVE_SECONDS = 60,
};

static const micros ACCEPT_AGAIN_AFTER = 100000;

/* ---------------------------------------------------------------- the accept gate */

void net_set_accept_gate(struct net *net)
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
	net_set_accept_gate(net);
}

void net_accept_again(void *arg)
{
	struct net *net = arg;

	net->no_descriptors = false;
	net_set_accept_gate(net);
}

/* No descriptors or kernel memory: clients wait in the queue until something was closed. */
static void pause_accepting(struct net *net, int error)
{
	net->count.no_descriptors++;
	net->no_descriptors = true;
	net_set_accept_gate(net);
	loop_timer_once(net->accept_again, ACCEPT_AGAIN_AFTER);
	log_line(net->log, LOG_WARNING, "net.accept_paused", LOG_TEXT("why", strerror(error)),
		 LOG_UINT("open", net->count.open));
}

/* ---------------------------------------------------------------- addresses */

struct conn_list *net_bucket_of(struct net *net, const uint8_t address[16])
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
	LIST_FOREACH(c, net_bucket_of(net, address), address_link)
	{
		if (memcmp(c->address, address, sizeof(c->address)) == 0 && ++n >= net->set.per_address_max)
			return true;
	}
	return false;
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
	net_enter(net, c);
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
			net_set_accept_gate(net);
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

void net_close_listeners(struct net *net)
{
	for (unsigned i = 0; i < net->listeners_n; i++) {
		loop_watch_free(net->listeners[i].watch);
		close(net->listeners[i].fd);
	}
	net->listeners_n = 0;
}
