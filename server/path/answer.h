/* Answers that are no receipts. Without memory for one the connection is closed. Private to path/. */
#ifndef PATH_ANSWER_H
#define PATH_ANSWER_H

#include "path/request.h"

/* An encoded frame, to whoever asked; a connection that is gone is ignored. */
void answer_frame(struct path *p, const struct request *r, struct span frame);
/* Every problem of the verdict (NULL: there was none), or else of the request. */
void answer_refusal(struct path *p, struct request *r, enum refusal_kind kind, const struct verdict *verdict);
/* A refusal that has no request: one problem in words. */
void refuse(struct path *p, conn_id conn, uint64_t id, enum refusal_kind kind, const struct rule *rule,
	    const char *path, const char *found, const char *allowed, micros retry_after);
void send_frame(struct path *p, conn_id conn, const struct frame *frame);

#endif
