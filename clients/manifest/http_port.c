/* Owns sockets, deadlines and the event loop of the HTTP port. */
#include "manifest/http_port.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <event2/util.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

struct connection {
	TAILQ_ENTRY(connection) link;
	struct http_port *port;
	struct bufferevent *bev;
	struct event *deadline;
	struct http_request request; /* its spans are not kept: the head may move */
	size_t head_n;               /* 0: the head has not ended */
	bool answered;
	bool ended; /* by the client, which still waits for its answer */
};

enum { NAME_SIZE = 128 };

struct http_port {
	struct http_port_settings settings;
	http_port_fn answer;
	void *self;
	struct event_base *base;
	struct evconnlistener *listener;
	struct event *stops[2];
	struct event *retry;                      /* accepting, after there were no descriptors */
	TAILQ_HEAD(connections, connection) open; /* the longest waiting first */
	unsigned open_n;
	char name[NAME_SIZE];
};

static void connection_free(struct connection *c)
{
	struct http_port *port = c->port;

	TAILQ_REMOVE(&port->open, c, link);
	if (c->deadline != NULL)
		event_free(c->deadline);
	bufferevent_free(c->bev);
	free(c);
	port->open_n--;
}

static void send_answer(struct connection *c, const struct buffer *answer)
{
	c->answered = true;
	/* A client that cannot be answered is closed by its deadline. */
	if (buffer_ok(answer))
		(void)bufferevent_write(c->bev, answer->p, answer->n);
}

static void refuse(struct connection *c, int status)
{
	struct buffer answer = BUFFER_EMPTY;
	const struct http_reply reply = {
	    .status = status, .type = "text/plain; charset=utf-8", .body = span_str("not a request\n")};

	http_reply_put(&answer, &reply);
	send_answer(c, &answer);
	buffer_free(&answer);
}

/* All has arrived: the head is parsed once more, where it lies now. */
static void handle(struct connection *c, struct evbuffer *input)
{
	size_t n = c->head_n + c->request.body_n;
	const uint8_t *bytes = evbuffer_pullup(input, (ev_ssize_t)n);
	struct buffer answer = BUFFER_EMPTY;
	struct http_request request;

	if (bytes == NULL ||
	    http_head_parse(span_of(bytes, c->head_n), c->port->settings.body_max, &request) != 0) {
		refuse(c, 500);
		return;
	}
	request.body = span_of(bytes + c->head_n, request.body_n);
	c->port->answer(c->port->self, &request, &answer);
	send_answer(c, &answer);
	buffer_free(&answer);
}

/* False: the head has not ended, or was refused. */
static bool read_head(struct connection *c, struct evbuffer *input)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	size_t n = evbuffer_get_length(input);

	n = n > HTTP_HEAD_MAX ? HTTP_HEAD_MAX : n;
	const uint8_t *bytes = evbuffer_pullup(input, (ev_ssize_t)n);
	size_t end = bytes == NULL ? 0 : http_head_end(span_of(bytes, n));
	if (end == 0) {
		if (n == HTTP_HEAD_MAX)
			refuse(c, 431);
		return false;
	}
	int status = http_head_parse(span_of(bytes, end), c->port->settings.body_max, &c->request);
	if (status != 0) {
		refuse(c, status);
		return false;
	}
	c->head_n = end;
	if (c->request.expects && c->request.body_n > 0)
		(void)bufferevent_write(c->bev, go_on, sizeof(go_on) - 1);
	return true;
}

static void on_read(struct bufferevent *bev, void *self)
{
	struct connection *c = self;
	struct evbuffer *input = bufferevent_get_input(bev);

	if (!c->answered && (c->head_n > 0 || read_head(c, input)) &&
	    evbuffer_get_length(input) >= c->head_n + c->request.body_n)
		handle(c, input);
	/* What comes after is of no interest, but must be read: else the close would be a reset. */
	if (c->answered)
		(void)evbuffer_drain(input, evbuffer_get_length(input));
}

static void on_written(struct bufferevent *bev, void *self)
{
	struct connection *c = self;

	if (!c->answered || evbuffer_get_length(bufferevent_get_output(bev)) > 0)
		return;
	if (c->ended)
		connection_free(c);
	else
		(void)shutdown(bufferevent_getfd(bev), SHUT_WR);
}

static void on_event(struct bufferevent *bev, short what, void *self)
{
	struct connection *c = self;

	/* A client that has said all may shut its side and still wait for the answer. */
	c->ended = (what & BEV_EVENT_EOF) != 0 && c->answered &&
		   evbuffer_get_length(bufferevent_get_output(bev)) > 0;
	if (c->ended)
		(void)bufferevent_disable(bev, EV_READ);
	else
		connection_free(c);
}

static void on_deadline(evutil_socket_t fd, short what, void *self)
{
	(void)fd;
	(void)what;
	connection_free(self);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *peer, int peer_n,
		      void *self)
{
	struct http_port *port = self;
	struct timeval life = {.tv_sec = port->settings.seconds};
	struct connection *c = calloc(1, sizeof(*c));

	(void)listener;
	(void)peer;
	(void)peer_n;
	if (c != NULL)
		c->bev = bufferevent_socket_new(port->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (c == NULL || c->bev == NULL) {
		free(c);
		(void)close(fd);
		return;
	}
	c->port = port;
	/* Who has long said nothing whole gives way: silence cannot keep others out. */
	if (port->open_n == port->settings.connections_max)
		connection_free(TAILQ_FIRST(&port->open));
	TAILQ_INSERT_TAIL(&port->open, c, link);
	port->open_n++;
	c->deadline = evtimer_new(port->base, on_deadline, c);
	bufferevent_setcb(c->bev, on_read, on_written, on_event, c);
	bufferevent_setwatermark(c->bev, EV_READ, 0, HTTP_HEAD_MAX + port->settings.body_max);
	if (c->deadline == NULL || evtimer_add(c->deadline, &life) != 0 ||
	    bufferevent_enable(c->bev, EV_READ) != 0)
		connection_free(c);
}

/* Out of descriptors: a level-triggered listener would spin. */
static void on_accept_error(struct evconnlistener *listener, void *self)
{
	const struct timeval soon = {.tv_usec = 200 * 1000};
	struct http_port *port = self;

	(void)evconnlistener_disable(listener);
	(void)evtimer_add(port->retry, &soon);
}

static void on_retry(evutil_socket_t fd, short what, void *self)
{
	struct http_port *port = self;

	(void)fd;
	(void)what;
	(void)evconnlistener_enable(port->listener);
}

static void on_signal(evutil_socket_t fd, short what, void *self)
{
	struct http_port *port = self;

	(void)fd;
	(void)what;
	(void)event_base_loopbreak(port->base);
}

/* ---- listening ---- */

static bool split_address(const char *text, char ret_host[NAME_SIZE], const char **ret_service)
{
	const char *colon = strrchr(text, ':');
	size_t n = colon == NULL ? 0 : (size_t)(colon - text);

	if (n == 0 || n >= NAME_SIZE)
		return false;
	bool bracketed = text[0] == '[' && text[n - 1] == ']';
	(void)snprintf(ret_host, NAME_SIZE, "%.*s", (int)(bracketed ? n - 2 : n),
		       bracketed ? text + 1 : text);
	*ret_service = colon + 1;
	return true;
}

static bool name_socket(struct http_port *port, int fd)
{
	struct sockaddr_storage at = {.ss_family = AF_UNSPEC};
	socklen_t n = sizeof(at);
	char host[64];
	char service[16];

	if (getsockname(fd, (struct sockaddr *)&at, &n) != 0 ||
	    getnameinfo((struct sockaddr *)&at, n, host, sizeof(host), service, sizeof(service),
			NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return false;
	(void)snprintf(port->name, sizeof(port->name), at.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host,
		       service);
	return true;
}

static bool start_listening(struct http_port *port, const char *text, char ret_error[HTTP_PORT_ERROR_SIZE])
{
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
				       .ai_socktype = SOCK_STREAM};
	const unsigned flags = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE;
	struct addrinfo *at = NULL;
	char host[NAME_SIZE];
	const char *service = NULL;

	if (!split_address(text, host, &service) || getaddrinfo(host, service, &hints, &at) != 0) {
		(void)snprintf(ret_error, HTTP_PORT_ERROR_SIZE, "'%.100s' is not ADDRESS:PORT in numbers",
			       text);
		return false;
	}
	port->listener =
	    evconnlistener_new_bind(port->base, on_accept, port, flags, -1, at->ai_addr, (int)at->ai_addrlen);
	int error = errno;
	freeaddrinfo(at);
	if (port->listener == NULL || !name_socket(port, evconnlistener_get_fd(port->listener))) {
		(void)snprintf(ret_error, HTTP_PORT_ERROR_SIZE, "cannot listen on %.100s: %s", text,
			       strerror(error));
		return false;
	}
	evconnlistener_set_error_cb(port->listener, on_accept_error);
	return true;
}

struct http_port *http_port_new(const struct http_port_settings *settings, const char *listen_on,
				http_port_fn answer, void *self, char ret_error[HTTP_PORT_ERROR_SIZE])
{
	static const int signals[] = {SIGTERM, SIGINT};
	struct http_port *port = calloc(1, sizeof(*port));

	(void)snprintf(ret_error, HTTP_PORT_ERROR_SIZE, "no memory");
	if (port == NULL)
		return NULL;
	port->settings = *settings;
	port->answer = answer;
	port->self = self;
	TAILQ_INIT(&port->open);
	port->base = event_base_new();
	if (port->base == NULL)
		goto failed;
	port->retry = evtimer_new(port->base, on_retry, port);
	if (port->retry == NULL)
		goto failed;
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		port->stops[i] = evsignal_new(port->base, signals[i], on_signal, port);
		if (port->stops[i] == NULL || evsignal_add(port->stops[i], NULL) != 0)
			goto failed;
	}
	if (!start_listening(port, listen_on, ret_error))
		goto failed;
	return port;
failed:
	http_port_free(port);
	return NULL;
}

const char *http_port_name(const struct http_port *port)
{
	return port->name;
}

bool http_port_run(struct http_port *port)
{
	/* A client that is gone is an error of the write, not a signal. */
	return signal(SIGPIPE, SIG_IGN) != SIG_ERR && event_base_dispatch(port->base) == 0;
}

void http_port_free(struct http_port *port)
{
	if (port == NULL)
		return;
	struct connection *next = NULL;
	for (struct connection *c = TAILQ_FIRST(&port->open); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		connection_free(c);
	}
	if (port->listener != NULL)
		evconnlistener_free(port->listener);
	for (size_t i = 0; i < ARRAY_LEN(port->stops); i++)
		if (port->stops[i] != NULL)
			event_free(port->stops[i]);
	if (port->retry != NULL)
		event_free(port->retry);
	if (port->base != NULL)
		event_base_free(port->base);
	free(port);
}
