/* An HTTP answer as bytes. Pure but for the calendar of dates. */
#ifndef WEB_REPLY_H
#define WEB_REPLY_H

#include "base/buffer.h"
#include "core/event.h"

struct reply {
	int status;
	const char *type;  /* of the body */
	const char *cache; /* who may keep it for how long; NULL: nobody */
	struct span body;
	bool head; /* the body is measured and left out */
};

#define TYPE_JSON  "application/json; charset=utf-8"
#define TYPE_TEXT  "text/plain; charset=utf-8"
#define TYPE_BYTES "application/octet-stream"

/* What each answer says besides: what the status demands (Allow, Retry-After, WWW-Authenticate), that the
 * connection closes, and the date. */
void reply_put(struct buffer *to, const struct reply *reply, micros now);

#endif
