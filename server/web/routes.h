/*
 * What can be asked for over HTTP: one table of addresses, from which requests are answered and the
 * documentation is printed.
 */
#ifndef WEB_ROUTES_H
#define WEB_ROUTES_H

#include "core/tile.h"
#include "web/parameters.h"
#include "web/view.h"

struct exchange; /* a request that is being answered: web.c */

enum route_access { ROUTE_OPEN, ROUTE_TOKEN };
/* Addresses that C2SP tlog-tiles gives. */
enum route_tiles { ROUTE_NO_TILES, ROUTE_TILES, ROUTE_BUNDLES };

struct route {
	const char *pattern; /* one variable at most, as in "/v1/manifests/{number}" */
	enum route_access access;
	enum parameter variable;
	uint32_t parameters; /* bits of PARAMETER_BIT */
	const char *answers; /* what is answered, for documentation */
	const char *cache;   /* who may keep the answer for how long; NULL: nobody */

	void (*answer)(struct exchange *x); /* answered at once; NULL: the path is asked ... */
	enum route_tiles tiles;             /* ... for a tile, or ... */
	enum query_kind query;              /* ... with a query, and ... */
	view_fn view;                       /* ... this is how the result looks */
	bool one;                           /* nothing found is 404 */
};

extern const struct route routes[];
extern const size_t routes_n;

/* What an address holds besides its pattern. */
struct captured {
	struct span text;    /* the variable, as sent */
	struct tile_id tile; /* of ROUTE_TILES and ROUTE_BUNDLES */
};
/* NULL: there is no such address. */
const struct route *route_find(struct span path, struct captured *ret_captured);
/* The table as Markdown. */
void routes_document(struct buffer *to);

#endif
