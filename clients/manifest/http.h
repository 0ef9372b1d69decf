/*
 * HTTP/1 requests with a body, RFC 9112, from bytes to values and back. Strict: no folding, no bare LF, no
 * space before a colon, no chunks, one Content-Length. A connection carries one request, so that no two
 * readers can disagree about where the next one begins. Pure.
 */
#ifndef MANIFEST_HTTP_H
#define MANIFEST_HTTP_H

#include "base/buffer.h"

enum { HTTP_HEAD_MAX = 8192 };

struct http_request {
	struct span method;
	struct span target; /* as sent; begins with a slash */
	struct span body;   /* set by who reads it */
	size_t body_n;      /* as announced */
	bool has_length;    /* a length was announced at all */
	bool expects;       /* the client waits for "100 Continue" before it sends the body */
};

/* Bytes up to and with the empty line; 0: it has not arrived yet. */
size_t http_head_end(struct span arrived);
/*
 * Bytes that end in an empty line. 0: ret_request views them. Else the status to answer with, when of
 * ret_request nothing is set.
 */
int http_head_parse(struct span head, size_t body_max, struct http_request *ret_request) MUST_CHECK;

struct http_reply {
	int status;
	const char *type; /* Content-Type */
	struct span body;
	const char *allow; /* of a 405; else NULL */
	bool head_only;    /* HEAD: the body is announced, not sent */
};

void http_reply_put(struct buffer *to, const struct http_reply *reply);

#endif
