/*
 * Checkpoints (C2SP tlog-checkpoint): origin, size and root as the text of a signed note, with no further
 * line and no time, so that the same three always give the same bytes. Pure.
 */
#ifndef CORE_CHECKPOINT_H
#define CORE_CHECKPOINT_H

#include "core/merkle.h"
#include "core/note.h"

struct checkpoint {
	struct span origin; /* borrowed; one line, not empty */
	uint64_t size;
	struct digest root;
};

void checkpoint_put_text(struct buffer *to, const struct checkpoint *c);
/* Accepts exactly what checkpoint_put_text() writes. The origin is borrowed from the text. */
bool checkpoint_parse_text(struct span text, struct checkpoint *ret_checkpoint) MUST_CHECK;

/* The whole note, signed by the log's key. */
void checkpoint_sign(struct buffer *to, const struct checkpoint *c, const struct note_key *key,
		     const struct secret_key *secret);
/*
 * Reads a note signed by the log's key, of this origin. The origin is borrowed from the note. Fails as
 * note_open(), or with CHECKPOINT_MALFORMED, ORIGIN_DIFFERS.
 */
enum log_failure checkpoint_open(struct span note, struct span origin, const struct note_key *log_key,
				 struct checkpoint *ret_checkpoint) MUST_CHECK;

/*
 * Does `to` continue `from`, a checkpoint of the same log verified before (size 0: none)? The proof is the
 * consistency proof between them, empty when the sizes are equal or `from` is empty. Fails with
 * ORIGIN_DIFFERS, WENT_BACK, NOT_CONSISTENT.
 */
enum log_failure checkpoint_follows(const struct checkpoint *from, const struct checkpoint *to,
				    const struct digest *proof, size_t proof_n) MUST_CHECK;

#endif
