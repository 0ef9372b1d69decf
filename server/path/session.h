/*
 * Sessions: what is known of each connection since it was opened: the challenge it must sign, then whose key
 * signed it. Found by the connection's id, which is never used again.
 */
#ifndef PATH_SESSION_H
#define PATH_SESSION_H

#include "core/registry.h"
#include "path/bucket.h"
#include "ports.h"

enum session_stage { SESSION_CHALLENGED, SESSION_GREETING, SESSION_READY };

struct session {
	struct session *next; /* in its bucket */
	conn_id conn;
	enum session_stage stage;
	struct digest nonce;
	struct digest keyid;
	key_no key;
	enum role role;
	struct party_ref party; /* empty for registrars */
	bool watching;
	bool held;     /* not read, for its events under way */
	size_t events; /* under way */
};

struct sessions;

struct sessions *sessions_new(void) MUST_CHECK;
void sessions_free(struct sessions *all);
/* NULL: no memory. */
struct session *session_add(struct sessions *all, conn_id conn) MUST_CHECK;
struct session *session_find(const struct sessions *all, conn_id conn);
void session_remove(struct sessions *all, conn_id conn);
size_t sessions_count(const struct sessions *all);
/* Calls back for each session that watches flags. */
void sessions_each_watching(const struct sessions *all, void (*visit)(void *self, const struct session *s),
			    void *self);

#endif
