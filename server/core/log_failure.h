/*
 * Why a note, a checkpoint, a proof or a receipt does not hold: one list of reasons with their words, for
 * server and clients alike. Pure.
 */
#ifndef CORE_LOG_FAILURE_H
#define CORE_LOG_FAILURE_H

enum log_failure {
	LOG_HOLDS = 0,
	LOG_NOTE_MALFORMED,
	LOG_KEY_MISSING,
	LOG_SIGNATURE_BAD,
	LOG_CHECKPOINT_MALFORMED,
	LOG_ORIGIN_DIFFERS,
	LOG_PROOF_MALFORMED,
	LOG_INDEX_OUTSIDE,
	LOG_NOT_INCLUDED,
	LOG_WENT_BACK,
	LOG_NOT_CONSISTENT,
	LOG_QUORUM_MISSING,
	LOG_FAILURES
};

struct log_failure_text {
	const char *id; /* stable, machine-readable */
	const char *zh; /* what is wrong, and what it means */
	const char *en;
};

/* Never NULL; a number outside the list has the words of a malformed proof. */
const struct log_failure_text *log_failure_text(enum log_failure failure);

#endif
