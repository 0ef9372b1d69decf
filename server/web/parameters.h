/*
 * The parameters of routes: what each is called, what it may be, and which field of a query it fills in. All
 * that is wrong is told at once; what is not known is refused by name. Pure.
 */
#ifndef WEB_PARAMETERS_H
#define WEB_PARAMETERS_H

#include "core/query.h"
#include "web/rules.h"

enum parameter {
	PARAMETER_NONE,
	PARAMETER_KIND,
	PARAMETER_NUMBERS,
	PARAMETER_PARTY,
	PARAMETER_DIVISION,
	PARAMETER_PLATE,
	PARAMETER_WASTE_CODE,
	PARAMETER_STATE,
	PARAMETER_FROM,
	PARAMETER_UNTIL,
	PARAMETER_OPEN,
	PARAMETER_AFTER,
	PARAMETER_LIMIT,
	PARAMETER_NUMBER, /* in the path ... */
	PARAMETER_SITE,
	PARAMETERS,
};
#define PARAMETER_BIT(p) (1U << (p))

/* Of a row: what it is called and what it may be, for documentation. */
const char *parameter_name(enum parameter parameter);
void parameter_put_allowed(enum parameter parameter, struct buffer *to);

/*
 * `captured` is the path's variable, as sent, and `query` what follows the question mark, of which
 * `known`, bits of PARAMETER_BIT, may be there. Spans and arrays of the query are the arena's. False: at
 * least one problem was added.
 */
bool parameters_read(enum parameter variable, struct span captured, uint32_t known, struct span query,
		     struct arena *arena, struct problems *problems, struct query *ret_query) MUST_CHECK;

#endif
