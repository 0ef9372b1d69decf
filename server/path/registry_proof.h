/*
 * The registry is made from its entries alone, so each of them must be the entry that was accepted: a key
 * that somebody wrote into the database would otherwise sign for a company. Their leaves are kept while they
 * are read, and then proven under the log's root, by the stored tiles. The tables are for queries and do not
 * count.
 */
#ifndef PATH_REGISTRY_PROOF_H
#define PATH_REGISTRY_PROOF_H

#include "ports.h"

struct registry_leaf {
	uint64_t index;
	struct digest leaf;
};

struct registry_leaves { /* starts zeroed */
	struct registry_leaf *v;
	size_t n, cap;
};

/* By ascending index. False: no memory. */
bool registry_leaves_add(struct registry_leaves *leaves, uint64_t index, struct span entry) MUST_CHECK;
void registry_leaves_free(struct registry_leaves *leaves);

/*
 * Are all of them in the tree that the head names? STORE_CORRUPT: ret_reason says which is not, or is empty
 * when the store says it. Runs where the thread's connection is.
 */
enum store_result registry_leaves_check(const struct registry_leaves *leaves, const struct store_port *store,
					void *thread, const struct log_head *head, char *ret_reason,
					size_t reason_size) MUST_CHECK;

#endif
