/*
 * Bundles (`.manifest` files): everything about one manifest that a court or another city needs, in one file
 * that is checked without a network. The entries of its steps and those that enrolled the keys in them, each
 * with the proof that it is in the log, under one checkpoint with its cosignatures. Pure.
 *
 * A text of lines, in nothing but decimal numbers and base64, so that any tool can read it:
 *	manifest-bundle@v1
 *	manifest NUMBER
 *	entries N
 *	(an empty line), then N times, in the order of their indexes:
 *	index I
 *	entry BASE64			the serialized LogEntry
 *	(the hashes of the inclusion proof, in base64, one a line)
 *	(an empty line), and after the last one:
 *	(the checkpoint, a signed note, to the end of the file)
 * From `index` on, without the line `entry`, this is how a C2SP .tlog-proof continues after its first line.
 */
#ifndef CORE_BUNDLE_H
#define CORE_BUNDLE_H

#include "base/arena.h"
#include "core/event.h"
#include "core/policy.h"
#include "core/proof.h"

enum { BUNDLE_SIZE_MAX = 64 * 1024 * 1024, BUNDLE_ENTRIES_MAX = 4096, BUNDLE_ENTRY_MAX = 65535 };

struct bundle_entry {
	uint64_t index;
	struct span entry;
	const struct digest *hashes;
	size_t hashes_n;
};

struct bundle {
	uint64_t number;                    /* of the manifest */
	const struct bundle_entry *entries; /* ascending */
	size_t n;
	struct span checkpoint;
};

/* False, and something may have been written: the entries are not ascending, or there are none or too many,
 * or one is too long; or the buffer is broken. */
bool bundle_put(const struct bundle *bundle, struct buffer *to) MUST_CHECK;
/* Accepts exactly what bundle_put() writes. Entries live in the arena, the checkpoint is borrowed from the
 * text and not looked at. */
bool bundle_parse(struct span text, struct arena *arena, struct bundle *ret_bundle) MUST_CHECK;
/* The receipt of one entry, which stands alone. */
void bundle_put_receipt(const struct bundle *bundle, size_t i, struct buffer *to);

/*
 * Checks the checkpoint as policy_check() does, and that every entry is in the log. Fails as that, or with
 * INDEX_OUTSIDE, NOT_INCLUDED, when ret_entry is the place of the entry. ret_facts is written by
 * QUORUM_MISSING and whatever is found after it; QUORUM_MISSING is told only when all entries are included.
 */
enum log_failure bundle_verify(const struct bundle *bundle, const struct policy *policy,
			       const struct note_key *log_key, struct policy_facts *ret_facts,
			       size_t *ret_entry) MUST_CHECK;

/* ---- what the proofs say about time, and what is not in the file ---- */

/* An event that is in the log. */
struct placed_event {
	const struct event *event;
	uint64_t index;
	micros accepted_at;
};

/*
 * When an event was made. Its signers state the last checkpoint that they had seen: it was made after that
 * one. The first cosignature of a checkpoint that holds it was made after the event, and so was every later
 * event whose signer had seen a log with it in it. Between them nobody's word has to be taken; `accepted_at`
 * is the server's word.
 */
struct bracket {
	uint64_t after_size; /* the largest size a signer had seen; 0: none says */
	micros after;        /* acceptance of the last given entry below that size; 0: none is given */
	micros accepted_at;
	uint64_t
	    known_by; /* the first given entry, not of the server's own, whose signer had seen it; 0: none */
	micros known_at; /* acceptance of that entry */
	micros before;   /* the cosignature that made them enough; 0: nobody cosigned */
};

/* `events` are in the order of their indexes; `cosigned` is policy_earliest(). */
struct bracket bundle_bracket(const struct placed_event *events, size_t n, size_t i, struct span origin,
			      uint64_t cosigned);

/* Running numbers of a key that are not among the events, though a smaller and a larger one are. */
struct number_gap {
	uint64_t first;
	uint64_t last;
};
/*
 * The gaps of one key, ascending; at most `cap` are written. Returns how many there are. A device signs for
 * many manifests: a gap is no fault, but what to ask for when it matters.
 */
size_t bundle_number_gaps(const struct placed_event *events, size_t n, const struct digest *keyid,
			  struct number_gap *ret_gaps, size_t cap);

#endif
