/* Rows that came before their turn, kept until it comes: a heap of copies, the lowest index first. */
#ifndef MANIFEST_EARLY_H
#define MANIFEST_EARLY_H

#include "base/span.h"

struct early_row {
	uint64_t index;
	uint8_t *bytes; /* owned */
	size_t n;
};

/* {0} is an empty one. */
struct early {
	struct early_row *rows;
	size_t n, cap;
	size_t bytes; /* of all rows */
};

/* Keeps a copy. False: no memory, and nothing was kept. */
bool early_put(struct early *e, uint64_t index, struct span row) MUST_CHECK;
/* The lowest index kept; UINT64_MAX when there is none. */
uint64_t early_lowest(const struct early *e);
/* Takes out the row of the lowest index, of which there is one; free() its bytes. */
struct early_row early_take(struct early *e) MUST_CHECK;
void early_free(struct early *e);

#endif
