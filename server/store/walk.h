/*
 * A bounded walk: a question looks at no more than WALK_MAX rows, newest first, in the order of an index, and
 * takes from them what its conditions and the asker's scope let through. Whatever is asked for, it ends soon;
 * the cursor goes on where it ended, also when nothing was found. Private to the store.
 */
#ifndef STORE_WALK_H
#define STORE_WALK_H

#include "store/query.h"

enum { WALK_MAX = 10000 };

/* Which rows, and so by which index. */
enum walk_kind {
	WALK_MANIFESTS,
	WALK_NUMBERS,
	WALK_PARTY,
	WALK_PLATE,
	WALK_CODE,
	WALK_FLAGS,
	WALK_OPEN_FLAGS,
	WALK_FLAGS_OF_NUMBER,
	WALK_FLAGS_OF_PARTY,
};

struct walk {
	enum walk_kind kind;
	int64_t no; /* party.no, the waste code's digits, or the manifest of flags */
	struct span plate;
	const uint64_t *numbers;
	size_t numbers_n;
	uint64_t after;      /* the cursor: only rows with a smaller key; 0: all */
	int64_t low, below;  /* keys [low, below); below 0: no end */
	micros raised_since; /* flags: none older than this is wanted; they are in the order of time */
};

/* " FROM (the rows) AS x WHERE what the scope allows". */
void walk_from(struct sql *q, const struct walk *w, const struct scope *scope);
/*
 * Of a page that was not full: where the next one begins; 0: the walk is at its end. `last` is the key of the
 * page's last row, 0 for none: rows that came in between must not bring it back.
 */
enum store_result walk_next(const struct asking *a, const struct walk *w, uint64_t last,
			    uint64_t *ret_next) MUST_CHECK;

#endif
