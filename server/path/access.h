/* Authorisation: who may ask what, and what it then sees. Private to path/. */
#ifndef PATH_ACCESS_H
#define PATH_ACCESS_H

#include "path/path.h"
#include "path/session.h"

/* What a role may ask: false when this query is not for it. */
bool access_allowed(enum role role, enum query_kind kind) MUST_CHECK;
/* May have the log whole, bundle by bundle. */
bool access_bundles(enum role role) MUST_CHECK;
/* Answers with a token for HTTP that speaks for the session's key. */
void access_token(struct path *p, const struct session *s, uint64_t id, uint32_t seconds);
/* Where its party is now: a session may be older. */
struct span access_division(const struct key_record *key);
struct scope access_scope(enum role role, const struct key_record *key);
/* The key may connect and ask now. NULL never may. */
bool access_key_good(const struct key_record *key, micros now) MUST_CHECK;

#endif
