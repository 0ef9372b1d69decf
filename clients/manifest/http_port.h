/*
 * A small HTTP port: one request a connection, answered at once, in the callback. Each connection has one
 * absolute deadline from accept() to close, whatever drips in or out; connections and bytes are capped.
 * libevent shows only in the .c file.
 */
#ifndef MANIFEST_HTTP_PORT_H
#define MANIFEST_HTTP_PORT_H

#include "manifest/http.h"

struct http_port;

struct http_port_settings {
	size_t body_max;
	unsigned connections_max; /* one more, and who has waited longest gives way */
	unsigned seconds;         /* a connection's life */
};

/* Answers a request: appends the whole answer. */
typedef void (*http_port_fn)(void *self, const struct http_request *request, struct buffer *to);

enum { HTTP_PORT_ERROR_SIZE = 256 };

/* Listens on a numeric ADDRESS:PORT, [ADDRESS]:PORT; port 0: any free one. NULL: ret_error says why. */
struct http_port *http_port_new(const struct http_port_settings *settings, const char *listen_on,
				http_port_fn answer, void *self,
				char ret_error[HTTP_PORT_ERROR_SIZE]) MUST_CHECK;
/* What it listens on, as ADDRESS:PORT with the port it was given. */
const char *http_port_name(const struct http_port *port);
/* Until SIGTERM or SIGINT. False: the loop broke. */
bool http_port_run(struct http_port *port) MUST_CHECK;
void http_port_free(struct http_port *port);

#endif
