/*
 * A whole copy of a log in a folder, in the layout that tlog-tiles serves, made from a source that is not
 * believed: from the root of a signed checkpoint downward, each tile must have the hash that the one above it
 * says, and each entry the hash that its tile says, before it is kept. Files appear whole or not at all, and
 * the folder's checkpoint is replaced last, when all that it names is there and on disk.
 */
#ifndef MANIFEST_MIRROR_H
#define MANIFEST_MIRROR_H

#include "core/checkpoint.h"
#include "manifest/log_source.h"

struct mirror_report {
	uint64_t size;          /* of the log */
	uint64_t entries;       /* gone through so far, those that were there before included */
	uint64_t fetched, kept; /* files: newly fetched; found whole in the folder */
	uint64_t repaired;      /* of those fetched: that stood in the folder with other content */
	uint64_t bytes;         /* fetched */
};

struct mirror {
	struct log_source *source;
	const char *folder;
	bool hashes_only;
	bool check; /* read again also what an earlier run has finished */
	/* Told after each file; may be NULL. */
	void (*progress)(void *self, const struct mirror_report *report);
	void *self;
	struct mirror_report report;
};

/* Makes and locks the folder until the descriptor is closed. -1: *ret_failure. */
int mirror_lock(const char *folder, struct mft_failure *ret_failure) MUST_CHECK;
/*
 * Copies the log of a checkpoint that was verified, which continues the one of size `have` that is in the
 * folder (0: none). `note` is the checkpoint, whole. Ends at the first thing that does not hold.
 */
bool mirror_run(struct mirror *m, const struct checkpoint *checkpoint, struct span note, uint64_t have,
		struct mft_failure *ret_failure) MUST_CHECK;

#endif
