/*
 * A log judged again in a test: the entries of a fake store, or others, into a second fake store that is
 * empty.
 */
#ifndef TESTS_AGAIN_H
#define TESTS_AGAIN_H

#include "fake_store.h"
#include "replay/replay.h"

struct again {
	struct fake_store *store; /* what it came to */
	struct finding first;     /* finding */
	size_t findings;
	enum store_result result;
};

/* `group` members in one judgement. Ends at the first finding. Free with again_free(). */
struct again *again_run(const struct fake_store *like, const struct span *entries, size_t n, size_t group);
void again_free(struct again *a);

/* The store's log is made again, alone and in groups, and comes to the very same rows; else the program ends.
 */
void again_same(const struct fake_store *s);

#endif
