/*
 * Two checkpoints, both signed by one log, of which not both can be true: the file that proves it to anyone
 * who knows the log's key. When their sizes differ it holds the root that the larger one's tree had at the
 * smaller size, and the proof of that: it is not the root that the log had signed. Pure but for the reading
 * of tiles.
 */
#ifndef MANIFEST_EVIDENCE_H
#define MANIFEST_EVIDENCE_H

#include "base/arena.h"
#include "core/checkpoint.h"
#include "manifest/log_source.h"

enum { EVIDENCE_FILE_MAX = 4 * 1024 * 1024 };

/* What the tree that a source holds says of two sizes. from <= to; sizes of 0 have the empty root. */
struct stretch {
	uint64_t from, to;
	struct digest from_root, to_root;
	struct digest proof[MERKLE_PROOF_MAX]; /* that one is the beginning of the other */
	size_t proof_n;
};
bool stretch_read(struct log_source *source, uint64_t from, uint64_t to, struct arena *arena,
		  struct stretch *ret_stretch, struct mft_failure *ret_failure) MUST_CHECK;

struct evidence {
	struct span smaller, larger; /* signed notes, whole; of one size: in any order */
	struct digest root;          /* of the larger one's tree at the smaller size; one size: not used */
	struct digest proof[MERKLE_PROOF_MAX];
	size_t proof_n;
};

/* Appends the file's text. False: no memory. */
bool evidence_put(const struct evidence *e, struct buffer *to) MUST_CHECK;
/* Values live in the arena. False: not such a file. */
bool evidence_parse(struct span text, struct arena *arena, struct evidence *ret_evidence) MUST_CHECK;
/* True: the log with this key told two histories. Then both checkpoints are filled in. */
bool evidence_proves(const struct evidence *e, const struct note_key *log_key, struct checkpoint *ret_smaller,
		     struct checkpoint *ret_larger) MUST_CHECK;

#endif
