/*
 * What went wrong, as a value: which kind of failure (it decides what a program does next), a stable name for
 * machines, and the words for people in English and Chinese. Nothing here is a global; a function that can
 * fail takes a `struct mft_failure *`, which may be NULL, and fills it in only when it fails.
 */
#ifndef LIBMANIFEST_FAILURE_H
#define LIBMANIFEST_FAILURE_H

#include "base/span.h"
#include "core/log_failure.h"

enum mft_fault {
	MFT_FAULT_NONE = 0,
	MFT_FAULT_REFUSED,   /* the server did not accept it, and said why */
	MFT_FAULT_DISPROVED, /* a signature, a proof or the history does not hold: believe nothing, keep it */
	MFT_FAULT_PROTOCOL,  /* the other side does not keep the protocol */
	MFT_FAULT_UNAVAILABLE, /* not reached, or gone: try again */
	MFT_FAULT_LOCAL,       /* a file, a key or an argument here */
};

struct mft_failure {
	enum mft_fault fault;
	const char *id; /* static: "proof.not_included", "state.locked" */
	char en[512];
	char zh[512];
};

/* `detail` (a path, a system error) follows the words in both languages; NULL or "": nothing follows. */
void mft_fail(struct mft_failure *f, enum mft_fault fault, const char *id, const char *en, const char *zh,
	      const char *detail);
/* The same for what does not hold of a log. */
void mft_fail_log(struct mft_failure *f, enum log_failure failure, const char *detail);

#endif
