/*
 * Signing events, alone or by two sides. For a step of two sides the taker first shows a card (key, running
 * number, seen); the giver builds the event with both signers in it and signs; the taker looks at it and
 * signs the same bytes; the envelope is complete. Pure.
 */
#ifndef LIBMANIFEST_SIGN_H
#define LIBMANIFEST_SIGN_H

#include "libmanifest/failure.h"
#include "wire/envelope.h"

/*
 * Encodes the event (with all its signers filled in, in order) and signs it with the first n signers' keys,
 * which must be theirs. Appends the envelope, which is complete when n == e->signers_n.
 */
bool mft_sign(const struct event *e, const struct secret_key *const *keys, size_t n, struct buffer *to,
	      struct mft_failure *ret_failure) MUST_CHECK;

/* An envelope on its way between signers. */
struct mft_signed {
	struct envelope envelope;
	struct event event; /* its id is set */
	bool complete;      /* every signer has signed; who is next: event.signers[envelope.signatures_n] */
};

/*
 * Reads an envelope that may still lack its last signatures. Whether signatures hold is not looked at. Values
 * live in the arena. False: the problems say what is wrong.
 */
bool mft_signed_read(struct span bytes, struct arena *arena, struct problems *problems,
		     struct mft_signed *ret_signed) MUST_CHECK;

/* Does the i-th signature hold, by this key, and is the key the one the event names? */
bool mft_signed_holds(const struct mft_signed *s, size_t i, const struct public_key *key) MUST_CHECK;

/* Adds the next signature, which must be this key's, and appends the envelope. */
bool mft_countersign(const struct mft_signed *s, const struct secret_key *key, struct buffer *to,
		     struct mft_failure *ret_failure) MUST_CHECK;

#endif
