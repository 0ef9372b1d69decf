/*
 * The add-checkpoint request of C2SP tlog-witness, from both sides. A log sends its new checkpoint with the
 * proof that it continues the size that the witness cosigned last; the witness judges, stores, and only then
 * answers with its cosignature; the log puts the cosignatures that hold into its checkpoint. Pure: what was
 * cosigned last comes in as an argument, and storing what follows is the caller's, before it answers.
 */
#ifndef CORE_ADD_CHECKPOINT_H
#define CORE_ADD_CHECKPOINT_H

#include "core/checkpoint.h"

enum {
	ADD_CHECKPOINT_SIZE_MAX = 256 * 1024,
	ADD_CHECKPOINT_PROOF_MAX = 63 /* the longest proof between sizes of 64 bits */
};

struct add_checkpoint {
	uint64_t old; /* the size that the witness is thought to have cosigned last; 0: none */
	struct digest proof[MERKLE_PROOF_MAX];
	size_t proof_n;
	struct span origin; /* first line of the checkpoint */
	struct span note;   /* the checkpoint, whole */
};

/* The body: "old N", the proof's hashes, an empty line, the checkpoint. */
void add_checkpoint_put(struct buffer *to, uint64_t old, const struct digest *proof, size_t proof_n,
			struct span note);
/* Spans are borrowed from the body. Of the note only the first line is looked at. */
bool add_checkpoint_parse(struct span body, struct add_checkpoint *ret_request) MUST_CHECK;

/* ---- the witness ---- */

enum add_outcome {
	ADD_COSIGN,
	ADD_MALFORMED,      /* the body, the note, or the checkpoint in it */
	ADD_OLD_ABOVE_SIZE, /* the log goes backwards */
	ADD_NOT_SIGNED,     /* no good signature by a key of the log */
	ADD_UNKNOWN_ORIGIN,
	ADD_NOT_LAST,       /* `old` is not what was cosigned last: the answer says what is */
	ADD_OTHER_ROOT,     /* a second root for the size that was cosigned: the log shows two histories */
	ADD_OTHER_HISTORY,  /* by the proof itself it continues another tree than was cosigned: two histories
			     */
	ADD_NOT_CONSISTENT, /* the proof does not hold, or there is one where there must be none */
	ADD_OUTCOMES
};

struct add_outcome_row {
	int status;       /* HTTP */
	const char *type; /* Content-Type */
	const char *body; /* with its LF; NULL: the outcome's own (cosignature, size) */
};
extern const struct add_outcome_row add_outcomes[ADD_OUTCOMES];

/* A log that a witness knows. */
struct witnessed_log {
	struct span origin;
	struct note_key keys[4]; /* any of them may sign */
	size_t keys_n;
};

/*
 * What a witness must do. `log` is the one of the request's origin, NULL when none is known; `last` is what
 * was cosigned last for it, size 0: nothing yet (its origin is not read). With ADD_COSIGN ret_checkpoint is
 * to be stored in the place of `last`, and ret_text to be cosigned; both borrow from the request. A
 * checkpoint may have lines after its root: they are cosigned with it, and nothing is said about them.
 */
enum add_outcome add_checkpoint_judge(const struct add_checkpoint *request, const struct witnessed_log *log,
				      const struct checkpoint *last, struct checkpoint *ret_checkpoint,
				      struct span *ret_text) MUST_CHECK;

/* ADD_NOT_LAST's body. */
void add_checkpoint_put_size(struct buffer *to, uint64_t last);

/* ---- the log ---- */

/* The size in a body of ADD_NOT_LAST. */
bool add_checkpoint_parse_size(struct span body, uint64_t *ret_size) MUST_CHECK;

/*
 * Puts the lines of an answer into a checkpoint's note and appends the result: the lines of others as they
 * are, then one for each witness that has cosigned, the latest, in the order of `witnesses`. The log's own
 * line is one of the others, and is not verified here. Lines of unknown keys in the answer are dropped.
 * ret_fresh is how many witnesses have a later line than before. Fails with NOTE_MALFORMED, and with
 * SIGNATURE_BAD when a line of a known witness does not hold: then nothing is appended.
 */
enum log_failure cosignatures_merge(struct span note, struct span answer, const struct note_key *witnesses,
				    size_t witnesses_n, struct buffer *to, size_t *ret_fresh) MUST_CHECK;

#endif
