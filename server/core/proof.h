/*
 * Receipts (C2SP tlog-proof): the proof that an entry is in the log at an index, under a signed checkpoint,
 * as a text that stands alone. Pure.
 */
#ifndef CORE_PROOF_H
#define CORE_PROOF_H

#include "core/checkpoint.h"

/* Longer texts are refused before anything else is looked at. */
enum { PROOF_SIZE_MAX = NOTE_SIZE_MAX + 64 * 1024 };

struct proof {
	uint64_t index;
	struct digest hashes[MERKLE_PROOF_MAX];
	size_t hashes_n;
	struct span extra;      /* base64 as written, or empty; authenticated by nothing: never trust it */
	struct span checkpoint; /* the signed note, whole */
};

/* Writes a proof without `extra`. */
void proof_put(struct buffer *to, uint64_t index, const struct digest *hashes, size_t hashes_n,
	       struct span checkpoint);
/* Spans are borrowed from the text. The checkpoint is not looked at. */
bool proof_parse(struct span text, struct proof *ret_proof) MUST_CHECK;

/* What a receipt shows: the entry is at `index` of the log of which this is a checkpoint. */
struct receipt_facts {
	uint64_t index;
	struct checkpoint checkpoint; /* its origin is borrowed from the text */
};

/*
 * Checks a receipt in the order that C2SP gives: the leaf from the entry's own bytes, the origin and the
 * log's key, inclusion. Fails with PROOF_MALFORMED, as checkpoint_open(), or with INDEX_OUTSIDE,
 * NOT_INCLUDED.
 */
enum log_failure receipt_verify(struct span proof, struct span entry, struct span origin,
				const struct note_key *log_key, struct receipt_facts *ret_receipt) MUST_CHECK;

#endif
