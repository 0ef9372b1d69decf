/*
 * What passes between devices as files, in JSON: a card (who will sign, with which number, having seen what)
 * and an event on its way (a DSSE envelope, whose last signatures may be missing, with the public keys of
 * those who signed and what they had seen of the log, so that the next one can check them without a network).
 * Reading is pure.
 */
#ifndef MANIFEST_FILES_H
#define MANIFEST_FILES_H

#include "libmanifest/sign.h"

struct card {
	struct public_key key;
	struct signer signer; /* its keyid is the key's; spans live in the arena */
	struct span
	    checkpoint; /* the signed note that `seen` is of, not looked at; n 0: it did not come with it */
};

bool card_put(const struct card *card, struct buffer *to) MUST_CHECK;
bool card_parse(struct span text, struct arena *arena, struct card *ret_card,
		struct mft_failure *ret_failure) MUST_CHECK;

/* `keys`: of the signers so far, in order; `checkpoints` likewise, as in a card. */
bool event_file_put(struct span envelope, const struct public_key *keys, const struct span *checkpoints,
		    size_t keys_n, struct buffer *to) MUST_CHECK;

struct event_file {
	struct span envelope; /* the protobuf bytes */
	struct public_key keys[MAX_SIGNERS];
	struct span checkpoints[MAX_SIGNERS]; /* n 0: did not come with it */
	size_t keys_n;
};
/* Accepts the JSON, or the envelope's bytes themselves (without keys). */
bool event_file_parse(struct span bytes, struct arena *arena, struct event_file *ret_file,
		      struct mft_failure *ret_failure) MUST_CHECK;

#endif
