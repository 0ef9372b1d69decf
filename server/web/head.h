/*
 * The head of an HTTP/1 request, RFC 9112, from bytes to values. Strict: no obsolete folding, no bare LF, no
 * space before a colon, no doubled header that matters, no body. A connection carries one request, so that no
 * two readers can disagree about where the next one begins. Pure.
 */
#ifndef WEB_HEAD_H
#define WEB_HEAD_H

#include "base/span.h"

enum { HEAD_MAX = 8192 };

struct head {
	struct span method;
	struct span path;  /* as sent, not decoded; begins with a slash */
	struct span query; /* what follows the first question mark; or empty */
	struct span token; /* of "Authorization: Bearer"; or empty */
	bool bearer;       /* there is such a header, and it is well-formed */
	bool body;         /* a body is announced */
};

enum head_fault {
	HEAD_GOOD,
	HEAD_SYNTAX,
	HEAD_VERSION,  /* not HTTP/1.0 or HTTP/1.1 */
	HEAD_TARGET,   /* HEAD_MAX bytes, and not even the first line has ended */
	HEAD_TOO_LONG, /* HEAD_MAX bytes, and no end */
};

/* Bytes up to and with the empty line; 0: it has not arrived yet. */
size_t head_end(struct span arrived);
/*
 * Bytes that end in an empty line, or HEAD_MAX bytes without one. ret_head views them. What can be told of a
 * faulty request is what went before the fault.
 */
enum head_fault head_parse(struct span bytes, struct head *ret_head) MUST_CHECK;

#endif
