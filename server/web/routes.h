/*
 * What can be asked for over HTTP: one table of addresses, from which requests are answered and the
 * documentation is printed.
 */
#ifndef WEB_ROUTES_H
#define WEB_ROUTES_H

#include "web/parameters.h"
#include "web/view.h"

struct exchange; /* a request that is being answered: web.c */

enum route_access { ROUTE_OPEN, ROUTE_TOKEN };

struct route {
	const char *pattern; /* one variable at most, as in "/v1/manifests/{number}" */
	enum route_access access;
	enum parameter variable;
	uint32_t parameters; /* bits of PARAMETER_BIT */
	const char *answers; /* what is answered, for documentation */

	void (*answer)(struct exchange *x); /* ROUTE_OPEN: who answers it ... */
	unsigned max_age;                   /* ... and for how many seconds the answer may be kept */

	enum query_kind query; /* ROUTE_TOKEN: what the path is asked ... */
	view_fn view;          /* ... and how it looks */
	bool one;              /* nothing found is 404 */
};

extern const struct route routes[];
extern const size_t routes_n;

/* NULL: there is no such address. ret_captured is the variable's text, as sent. */
const struct route *route_find(struct span path, struct span *ret_captured);
/* The table as Markdown. */
void routes_document(struct buffer *to);

#endif
