/* Owns the HTTP server: what it listens on, and which handler answers. */
#include "web/web.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>

struct web {
	struct web_ports ports;
	struct evhttp *http;
};

static void answer(struct evhttp_request *req, void *self)
{
	const struct web *web = self;
	const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(req));
	struct span text = span_str("alive\n");

	if (path != NULL && strcmp(path, "/checkpoint") == 0) {
		text = path_checkpoint(web->ports.path);
	} else if (path == NULL || strcmp(path, "/healthz") != 0) {
		evhttp_send_error(req, HTTP_NOTFOUND, NULL);
		return;
	}
	(void)evhttp_add_header(evhttp_request_get_output_headers(req), "Content-Type",
				"text/plain; charset=utf-8");
	(void)evbuffer_add(evhttp_request_get_output_buffer(req), text.p, text.n);
	evhttp_send_reply(req, HTTP_OK, NULL, NULL);
}

struct web *web_new(struct event_base *base, const struct web_ports *ports, const char *address,
		    uint16_t port, uint16_t *ret_port, char ret_error[WEB_ERROR_SIZE])
{
	struct web *web = calloc(1, sizeof(*web));

	if (web == NULL)
		return NULL;
	web->ports = *ports;
	web->http = evhttp_new(base);
	if (web->http == NULL || evhttp_bind_socket(web->http, address, port) != 0) {
		(void)snprintf(ret_error, WEB_ERROR_SIZE, "cannot listen on %s port %u", address, port);
		web_free(web);
		return NULL;
	}
	evhttp_set_gencb(web->http, answer, web);
	*ret_port = port;
	return web;
}

void web_free(struct web *web)
{
	if (web == NULL)
		return;
	if (web->http != NULL)
		evhttp_free(web->http);
	free(web);
}
