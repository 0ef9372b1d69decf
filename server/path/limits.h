/* How much one key, one party and one connection may ask, and have under way. Private to path/. */
#ifndef PATH_LIMITS_H
#define PATH_LIMITS_H

#include "path/path.h"
#include "path/session.h"

struct limits;

struct limits *limits_new(void) MUST_CHECK;
void limits_free(struct limits *limits);
/* Takes from the token buckets of the key and its party. 0: go on; else how long to wait, and nothing is
 * taken. */
micros limits_take(struct path *p, const struct session *s, size_t bytes) MUST_CHECK;
/* Counts a read of the key as under way. False: it has as many as it may. Key 0 (nobody's) has no end. */
bool limits_read_begin(struct path *p, key_no key) MUST_CHECK;
void limits_read_end(struct path *p, key_no key);
/* Counts an event of the connection as under way; one with too many is not read until half are done. */
void limits_event_begin(struct path *p, struct session *s);
void limits_event_end(struct path *p, conn_id conn);

#endif
