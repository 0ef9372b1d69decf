/*
 * Rows held in memory until there are too many, the newest of each key. What is replaced soon then goes to
 * the file once. Private to scratch/.
 */
#ifndef SCRATCH_HELD_H
#define SCRATCH_HELD_H

#include "base/span.h"

struct held;

/* Holds `limit` bytes at most, counted with the values that were replaced. NULL: no memory. */
struct held *held_new(size_t limit) MUST_CHECK;
void held_free(struct held *h);
/* Borrowed until it is emptied. p == NULL: it is not here. */
struct span held_get(const struct held *h, struct span key) MUST_CHECK;
/* Copied. False: there is no room left. */
bool held_put(struct held *h, struct span key, struct span value) MUST_CHECK;
/* Gives all of them in the order of their keys, and holds none any more. False: `each` returned false. */
bool held_empty(struct held *h, bool (*each)(void *self, struct span key, struct span value),
		void *self) MUST_CHECK;

#endif
