/*
 * What a witness remembers, in a folder: for each log the last checkpoint that it cosigned, whole, with the
 * log's signature and its own. It is replaced, flushed to disk and only then answered with. Nothing in the
 * folder is believed that does not carry both signatures; a folder that is not there is never made in
 * passing, because a witness that has forgotten cosigns a second history.
 */
#ifndef MANIFEST_WITNESS_STORE_H
#define MANIFEST_WITNESS_STORE_H

#include "core/add_checkpoint.h"
#include "libmanifest/failure.h"

struct witness_store;

/*
 * Opens and locks the folder of this witness. With `fresh` it is made, and must not be there; without, it
 * must be there and be this key's. Borrows the key, its name too.
 */
struct witness_store *witness_store_open(const char *folder, const struct note_key *witness, bool fresh,
					 struct mft_failure *ret_failure) MUST_CHECK;
void witness_store_close(struct witness_store *store);

/*
 * Appends the note that was cosigned last for a log, and says what is in it; nothing, and size 0: none. What
 * ret_last borrows is the log's origin. False: a file that cannot be read, or is not what was cosigned.
 */
bool witness_store_load(const struct witness_store *store, const struct witnessed_log *log, struct buffer *to,
			struct checkpoint *ret_last, struct mft_failure *ret_failure) MUST_CHECK;
/* When this returns true the note is on disk; when false, it may be or not. */
bool witness_store_save(const struct witness_store *store, struct span origin, struct span note,
			struct mft_failure *ret_failure) MUST_CHECK;

/*
 * Keeps a request that shows a second history, a few for each log, and a checkpoint once; apart from those
 * that might (`proved` false), of which anybody can make any number. `note` is the one in the request. False:
 * it is there already, or there are enough, or it failed.
 */
bool witness_store_keep_evidence(const struct witness_store *store, struct span origin, struct span request,
				 struct span note, bool proved) MUST_CHECK;

#endif
