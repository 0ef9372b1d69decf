/*
 * What recovery has read, and what is held against it before anything is signed again. Private to recovery.c
 * and recovery_check.c.
 */
#ifndef PATH_RECOVERY_CHECK_H
#define PATH_RECOVERY_CHECK_H

#include "path/internal.h"
#include "path/registry_proof.h"

struct recovery {
	struct work work;
	struct path *path;
	struct arena *arena;   /* of the whole recovery */
	struct arena *scratch; /* of one entry */
	struct registry *registry;
	struct registry_leaves leaves;
	struct tree *tree;
	struct log_head known; /* of what is in memory, when another server writes; size 0: of nothing */
	struct log_head head;
	struct span checkpoint;
	struct span cosigned;
	struct claim claims[POLICY_WITNESSES_MAX];
	size_t claims_n;
	struct digest *hashes[TILE_LEVELS];
	size_t hashes_n[TILE_LEVELS];
	enum store_result result;
	bool nothing_new; /* another server writes, and the log is what it was */
	bool unreadable;  /* an entry could not be read */
	bool unwatched;   /* there was no high-water mark */
	char reason[ERROR_SIZE];
};

/* On the writer lane. What does not hold is in r->result, and r->reason says it to the operator. */
void recovery_check(struct recovery *r, void *thread);

#endif
