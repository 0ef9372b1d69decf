/*
 * A request from bytes to what is to be done: which route, and for a route of the path's, which query. Pure,
 * so that all that a stranger's bytes can reach runs in a test.
 */
#ifndef WEB_REQUEST_H
#define WEB_REQUEST_H

#include "web/head.h"
#include "web/routes.h"

/* Memory that a request may take, its problems included. */
enum { REQUEST_ARENA = 64 * 1024 };

struct web_request {
	const struct route *route; /* NULL: none was found */
	bool head_only;            /* HEAD: the answer has no body */
	struct span token;         /* n 0: none */
	struct query query;        /* of request_query() */

	struct captured captured;
	struct span parameters; /* as sent, for request_query() */
};

/*
 * Which route, and what may be told before it is known who asks. False: at least one problem was added, and
 * head_only says whether the refusal has a body. Spans view the bytes.
 */
bool request_route(struct span head, struct problems *problems, struct web_request *ret_request) MUST_CHECK;
/* Then what is asked. Spans and arrays of the query are the arena's of `problems`. */
bool request_query(struct web_request *request, struct problems *problems) MUST_CHECK;

#endif
