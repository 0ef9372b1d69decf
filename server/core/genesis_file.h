/*
 * How a log began, as a file that is handed to everybody: the log's key, entry 0, and its receipt. Who holds
 * the checkpoint of an earlier log that the genesis continues can follow from there to this one. Pure.
 *
 * A text of lines:
 *	manifest-genesis@v1
 *	log VKEY
 *	entry BASE64		the serialized LogEntry
 *	(an empty line, then the C2SP tlog-proof of index 0, to the end of the file)
 */
#ifndef CORE_GENESIS_FILE_H
#define CORE_GENESIS_FILE_H

#include "base/arena.h"
#include "core/judge.h"
#include "core/proof.h"

enum { GENESIS_FILE_MAX = PROOF_SIZE_MAX + 128 * 1024 };

struct genesis_file {
	struct span vkey;
	struct span entry;
	struct span proof;
};

void genesis_file_put(struct buffer *to, const struct note_key *log_key, struct span entry,
		      struct span proof);
/* The entry lives in the arena, the rest is borrowed from the text; nothing is checked. */
bool genesis_file_parse(struct span text, struct arena *arena, struct genesis_file *ret_file) MUST_CHECK;

/*
 * The checkpoint of the earlier log that a genesis names, as it stands there: the signature is for whoever
 * has that log's key. False: it names none, or something that is no checkpoint.
 */
bool genesis_continues(const struct genesis *genesis, struct checkpoint *ret_old) MUST_CHECK;

/*
 * What a signer saw of another log than this one: of the log that genesis continues, up to the checkpoint it
 * names, which is all that is left of it. At that size the root tells; below it nothing can be said
 * (UNKNOWN); beyond it, or of any other log, it is another history (OTHER).
 */
enum seen_answer genesis_seen(const struct genesis *genesis, const struct checkpoint_ref *seen) MUST_CHECK;

#endif
