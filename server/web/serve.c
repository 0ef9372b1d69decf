/* Owns the connections of the HTTP port, from accept() to close(). */
#include "web/serve.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/loop.h"
#include "web/head.h"
#include "web/listen.h"

const struct serve_settings serve_settings_default = {
    .connections_max = 256,
    .output_total_max = 64 * 1024 * 1024,
    .request_within = INT64_C(10000000),
    .answer_within = INT64_C(30000000),
    .close_within = INT64_C(2000000),
};

enum { GRACE_PART = 10 }; /* of the time for a request, when all places are taken */

/* Each waits for one thing, and each for its own time. */
enum phase { PHASE_REQUEST, PHASE_ANSWER, PHASE_CLOSE, PHASES };

struct client {
	STAILQ_ENTRY(client) link; /* in its phase's queue, the longest waiting first */
	struct serve *serve;
	struct bufferevent *bev;
	uint64_t id;
	enum phase phase;
	micros since;
	bool answered;
	bool ended;    /* by the client, which may still wait for its answer */
	size_t queued; /* of the answer */
};

struct serve {
	struct serve_settings settings;
	struct serve_sink sink;
	struct event_base *base;
	struct evconnlistener *listener;
	struct event *tick;
	micros within[PHASES];
	STAILQ_HEAD(, client) queues[PHASES];
	uint64_t last_id;
	bool paused; /* accepting */
	struct serve_counters counters;
	char *unlink_at_end;
};

static const struct timeval tick_period = {.tv_usec = 100 * 1000};

static void resume(struct serve *s)
{
	if (!s->paused || s->counters.open >= s->settings.connections_max)
		return;
	s->paused = evconnlistener_enable(s->listener) != 0;
}

static void enter(struct client *c, enum phase phase)
{
	struct serve *s = c->serve;

	STAILQ_REMOVE(&s->queues[c->phase], c, client, link);
	c->phase = phase;
	c->since = loop_monotonic();
	STAILQ_INSERT_TAIL(&s->queues[phase], c, link);
}

static void forget_output(struct client *c)
{
	c->serve->counters.output_queued -= c->queued;
	c->queued = 0;
}

static void client_free(struct client *c)
{
	STAILQ_REMOVE(&c->serve->queues[c->phase], c, client, link);
	forget_output(c);
	c->serve->counters.open--;
	bufferevent_free(c->bev);
	free(c);
}

/* The connection is gone: whoever works on its answer may stop. */
static void lose(struct client *c)
{
	struct serve *s = c->serve;
	uint64_t id = c->phase == PHASE_ANSWER && !c->answered ? c->id : 0;

	client_free(c);
	if (id != 0)
		s->sink.gone(s->sink.self, id);
}

static void pause_accepting(struct serve *s)
{
	(void)evconnlistener_disable(s->listener);
	s->paused = true;
}

/* When all places are taken, who has long said nothing whole gives way: silence cannot keep others out. */
static void make_room(struct serve *s)
{
	struct client *c = STAILQ_FIRST(&s->queues[PHASE_REQUEST]);
	micros grace = s->settings.request_within / GRACE_PART;

	if (s->counters.open < s->settings.connections_max || c == NULL ||
	    loop_monotonic() - c->since < grace)
		return;
	s->counters.late++;
	lose(c);
}

/* ---- what libevent calls ---- */

static void on_read(struct bufferevent *bev, void *self)
{
	struct client *c = self;
	struct evbuffer *input = bufferevent_get_input(bev);

	/* What comes after the head is of no interest, but must be read: else the close would be a reset. */
	if (c->phase != PHASE_REQUEST) {
		(void)evbuffer_drain(input, evbuffer_get_length(input));
		return;
	}
	size_t n = evbuffer_get_length(input);
	n = n > HEAD_MAX ? HEAD_MAX : n;
	const struct span arrived = span_of(evbuffer_pullup(input, (ev_ssize_t)n), n);
	size_t end = arrived.p == NULL ? 0 : head_end(arrived);
	if (end == 0 && n < HEAD_MAX)
		return;
	uint8_t head[HEAD_MAX];
	n = end == 0 ? n : end;
	(void)evbuffer_copyout(input, head, n);
	(void)evbuffer_drain(input, evbuffer_get_length(input));
	enter(c, PHASE_ANSWER);
	c->serve->sink.request(c->serve->sink.self, c->id, span_of(head, n));
}

/* The output is empty. */
static void on_written(struct bufferevent *bev, void *self)
{
	struct client *c = self;

	if (!c->answered || c->phase != PHASE_ANSWER || evbuffer_get_length(bufferevent_get_output(bev)) > 0)
		return;
	if (c->ended) {
		lose(c);
		return;
	}
	forget_output(c);
	enter(c, PHASE_CLOSE);
	(void)shutdown(bufferevent_getfd(bev), SHUT_WR);
}

static void on_event(struct bufferevent *bev, short what, void *self)
{
	struct client *c = self;

	/* A client that has said all may shut its side and still wait for the answer. */
	c->ended = true;
	if ((what & BEV_EVENT_EOF) == 0 || c->phase != PHASE_ANSWER)
		lose(c);
	else
		(void)bufferevent_disable(bev, EV_READ);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *peer, int peer_n,
		      void *self)
{
	struct serve *s = self;
	struct client *c = calloc(1, sizeof(*c));

	(void)listener;
	(void)peer;
	(void)peer_n;
	if (c != NULL)
		c->bev = bufferevent_socket_new(s->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (c == NULL || c->bev == NULL) {
		free(c);
		(void)close(fd);
		return;
	}
	c->serve = s;
	c->id = ++s->last_id;
	c->since = loop_monotonic();
	STAILQ_INSERT_TAIL(&s->queues[PHASE_REQUEST], c, link);
	s->counters.accepted++;
	s->counters.open++;
	bufferevent_setcb(c->bev, on_read, on_written, on_event, c);
	/* Never more than a head in memory: what is beyond stays in the kernel. */
	bufferevent_setwatermark(c->bev, EV_READ, 0, HEAD_MAX);
	if (bufferevent_enable(c->bev, EV_READ) != 0)
		client_free(c);
	make_room(s);
	if (s->counters.open >= s->settings.connections_max)
		pause_accepting(s);
}

/* Out of descriptors or memory: a level-triggered listener would spin. */
static void on_accept_error(struct evconnlistener *listener, void *self)
{
	struct serve *s = self;

	(void)listener;
	s->counters.no_descriptors++;
	pause_accepting(s);
}

static void on_tick(evutil_socket_t fd, short what, void *self)
{
	struct serve *s = self;
	micros now = loop_monotonic();

	(void)fd;
	(void)what;
	for (int phase = 0; phase < PHASES; phase++) {
		struct client *c;
		while ((c = STAILQ_FIRST(&s->queues[phase])) != NULL && now - c->since >= s->within[phase]) {
			s->counters.late += phase != PHASE_CLOSE;
			lose(c);
		}
	}
	if (s->paused)
		make_room(s);
	resume(s);
}

/* ---- what the web calls ---- */

struct serve *serve_new(struct event_base *base, const struct serve_settings *settings,
			const struct serve_sink *sink, const char *address, uint16_t port, uint16_t *ret_port,
			char ret_error[SERVE_ERROR_SIZE])
{
	uint16_t listening = 0;
	int fd = listen_on(address, port, &listening, ret_error);

	if (fd < 0)
		return NULL;
	struct serve *s = calloc(1, sizeof(*s));
	if (s == NULL)
		goto no_memory;
	s->settings = *settings;
	s->sink = *sink;
	s->base = base;
	s->within[PHASE_REQUEST] = settings->request_within;
	s->within[PHASE_ANSWER] = settings->answer_within;
	s->within[PHASE_CLOSE] = settings->close_within;
	for (int i = 0; i < PHASES; i++)
		STAILQ_INIT(&s->queues[i]);
	s->unlink_at_end = strdup(address[0] == '/' ? address : "");
	s->tick = event_new(base, -1, EV_PERSIST, on_tick, s);
	s->listener =
	    evconnlistener_new(base, on_accept, s, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (s->listener == NULL)
		goto no_memory;
	fd = -1;
	if (s->unlink_at_end == NULL || s->tick == NULL || event_add(s->tick, &tick_period) != 0)
		goto no_memory;
	evconnlistener_set_error_cb(s->listener, on_accept_error);
	*ret_port = listening;
	return s;
no_memory:
	if (fd >= 0)
		(void)close(fd);
	serve_free(s);
	(void)snprintf(ret_error, SERVE_ERROR_SIZE, "no memory");
	return NULL;
}

void serve_free(struct serve *s)
{
	if (s == NULL)
		return;
	if (s->listener != NULL)
		evconnlistener_free(s->listener);
	for (int i = 0; i < PHASES; i++) {
		struct client *next = NULL;
		for (struct client *c = STAILQ_FIRST(&s->queues[i]); c != NULL; c = next) {
			next = STAILQ_NEXT(c, link);
			client_free(c);
		}
	}
	if (s->tick != NULL)
		event_free(s->tick);
	if (s->unlink_at_end != NULL && s->unlink_at_end[0] != '\0')
		(void)unlink(s->unlink_at_end);
	free(s->unlink_at_end);
	free(s);
}

void serve_answer(struct serve *s, uint64_t id, struct span bytes)
{
	struct client *c = NULL;

	STAILQ_FOREACH(c, &s->queues[PHASE_ANSWER], link)
	if (c->id == id)
		break;
	if (c == NULL || c->answered)
		return;
	c->answered = true;
	c->queued = bytes.n;
	s->counters.output_queued += bytes.n;
	if (bufferevent_write(c->bev, bytes.p, bytes.n) == 0)
		return;
	/* No memory. The caller may be in this client's own callback: it is the next to be late. */
	c->since = 0;
	STAILQ_REMOVE(&s->queues[PHASE_ANSWER], c, client, link);
	STAILQ_INSERT_HEAD(&s->queues[PHASE_ANSWER], c, link);
}

bool serve_is_full(const struct serve *s)
{
	return s->counters.output_queued > s->settings.output_total_max;
}

const struct serve_counters *serve_counters(const struct serve *s)
{
	return &s->counters;
}
