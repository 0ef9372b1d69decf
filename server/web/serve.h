/*
 * The HTTP port: listens, keeps connections within limits, and moves one request's head in and one answer
 * out. A connection carries one request and is then closed: there is no second request whose beginning could
 * be disputed, and every deadline is absolute, whatever drips in or out.
 *
 * A connection is known by an id that is never used again, so that an answer for one that is gone goes
 * nowhere. libevent shows only here.
 */
#ifndef WEB_SERVE_H
#define WEB_SERVE_H

#include "base/buffer.h"

struct serve;
struct event_base;

typedef int64_t micros; /* as in core/event.h, whose `struct event` is not libevent's */

struct serve_settings {
	unsigned
	    connections_max; /* more wait in the kernel's queue; who is silent for long gives way to them */
	size_t output_total_max; /* bytes queued to all; beyond: serve_is_full() */
	micros request_within;   /* from accept() to the end of the head */
	micros answer_within;    /* from there until all is sent */
	micros close_within;     /* from there until the client closes too */
};
extern const struct serve_settings serve_settings_default;

struct serve_sink {
	void *self;
	/* A whole head, or as many bytes as a head may have without its end; valid during the call. */
	void (*request)(void *self, uint64_t id, struct span head);
	/* The connection of a request that was not answered is gone. */
	void (*gone)(void *self, uint64_t id);
};

struct serve_counters {
	uint64_t accepted, late, no_descriptors;
	uint64_t open;          /* now */
	uint64_t output_queued; /* now, bytes */
};

enum { SERVE_ERROR_SIZE = 256 };

/*
 * A numeric address and port (0: any free one), or an address that begins with a slash: the path of a UNIX
 * socket, made with mode 0660 in the place of a socket that nobody listens on. NULL: ret_error says why.
 */
struct serve *serve_new(struct event_base *base, const struct serve_settings *settings,
			const struct serve_sink *sink, const char *address, uint16_t port, uint16_t *ret_port,
			char ret_error[SERVE_ERROR_SIZE]) MUST_CHECK;
/* Cuts off what is open, and calls no sink. NULL is allowed. */
void serve_free(struct serve *serve);

/* Answers a request, in one piece, and closes; an id that is gone is ignored. May be called in the sink. */
void serve_answer(struct serve *serve, uint64_t id, struct span bytes);

/* Slow readers hold so much memory that only what is small should be answered. */
bool serve_is_full(const struct serve *serve);
const struct serve_counters *serve_counters(const struct serve *serve);

#endif
