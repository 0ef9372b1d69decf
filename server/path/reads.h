/* What HTTP asks of the path: who a token speaks for, queries, and the log's tiles. Included by path.h. */
#ifndef PATH_READS_H
#define PATH_READS_H

#include "core/tile.h"
#include "ports.h"

struct path;

/*
 * What a read came to; all that it points to lives until the callback returns. proofs: for QUERY_TRAIL and
 * QUERY_ENTRY, the proof text of each entry, in order.
 */
struct read_result {
	enum refusal_kind refused; /* REFUSAL_NONE: here it is */
	const struct query *query;
	struct answers answers;
	const struct span *proofs;
	struct span checkpoint;
	const struct digest *consistency;
	size_t consistency_n;
};
typedef void (*read_answer)(void *self, const struct read_result *result);

/* Who a bearer token speaks for. False: not a token of this server, expired, or its key was revoked since. */
struct reader_identity {
	key_no key;
	enum role role;
	struct party_ref party;
	struct scope scope;
};
bool path_token(const struct path *p, struct span token, struct reader_identity *ret_identity) MUST_CHECK;
/* False: *ret_refused says why: not for this role, or not now (beyond the log, too many under way for the
 * key, no memory). The query is copied. */
bool path_read(struct path *p, const struct reader_identity *who, const struct query *query,
	       read_answer answer, void *self, enum refusal_kind *ret_refused) MUST_CHECK;

/*
 * A tile of the committed log, or with `entries` a bundle of its entries: what it is never changes. `who` may
 * be NULL: tiles are for everybody, bundles for auditors. False: *ret_refused says why, NOT_FOUND when the
 * log is not that large. `bytes` live until the callback returns.
 */
typedef void (*tile_answer)(void *self, enum refusal_kind refused, struct span bytes);
bool path_read_tile(struct path *p, const struct reader_identity *who, const struct tile_id *id, bool entries,
		    tile_answer answer, void *self, enum refusal_kind *ret_refused) MUST_CHECK;
/* A tile that is in memory, at once: of the right edge, which those ask for who follow the log, or one that
 * is kept for proofs. False: path_read_tile() has it, or says why not. */
bool path_tile_at_hand(struct path *p, const struct tile_id *id, struct buffer *to) MUST_CHECK;

#endif
