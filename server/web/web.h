/*
 * The read-only HTTP interface: the queries as JSON with a bearer token, and without one /healthz, /readyz,
 * /metrics and /checkpoint: routes.h has them all. Runs on the main thread; everything that waits goes
 * through the path's reader lane.
 */
#ifndef WEB_WEB_H
#define WEB_WEB_H

#include "base/log.h"
#include "path/path.h"

struct web;
struct event_base;
struct net;
struct tls;

/* Borrowed until web_free(). */
struct web_ports {
	struct path *path;
	const struct net *net; /* its counters are exported; NULL: none */
	const struct tls *tls; /* its certificate's end is told; NULL: none */
	const struct log *log; /* NULL: none */
};

enum { WEB_ERROR_SIZE = 512 };

/*
 * Listens on a numeric address and port (0: any free one), or on a UNIX socket when the address begins with a
 * slash. NULL: ret_error says why.
 */
struct web *web_new(struct event_base *base, const struct web_ports *ports, const char *address,
		    uint16_t port, uint16_t *ret_port, char ret_error[WEB_ERROR_SIZE]) MUST_CHECK;
/* What the path still answers goes nowhere. NULL is allowed. */
void web_free(struct web *web);

#endif
