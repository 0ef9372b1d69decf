/* Whether the server can do its work, as JSON. Pure. */
#ifndef WEB_HEALTH_H
#define WEB_HEALTH_H

#include "path/path.h"

/*
 * Ready: writing, or standing by, which both need the database, and a checkpoint is there to be read. A
 * calendar or certificate that ends within 60 days is a warning and no reason not to be ready.
 */
struct health {
	struct path_status status;
	bool checkpoint; /* there is one */
	micros now;
	micros certificate_until; /* 0: not known */
};

/* What the server does, as one word: "writing". */
const char *path_state_word(enum path_state state);
bool health_is_ready(const struct health *h);
/* Appends the answer. False: no memory. */
bool health_put(const struct health *h, struct buffer *to) MUST_CHECK;

#endif
