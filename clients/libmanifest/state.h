/*
 * What one key must not forget, in a folder of files: the newest checkpoint it verified, its next running
 * number, and everything it signed that the server has not yet taken. A number is on disk together with what
 *it is used for before anybody sees a signature with it, so that it is never used twice and never lost.
 *
 *	DIR/KEYID.state          next number, role, checkpoint
 *	DIR/KEYID.out/N.WHAT     what number N was used for and waits: "event" (an envelope), "card",
 *"refused" DIR/evidence/...         checkpoints and proofs that did not hold
 */
#ifndef LIBMANIFEST_STATE_H
#define LIBMANIFEST_STATE_H

#include "libmanifest/view.h"

struct mft_state;

/* Opens and locks the state of a key; made when it is not there. NULL: somebody else has it, or a file is
 * bad. */
struct mft_state *mft_state_open(const char *dir, const struct digest *keyid,
				 struct mft_failure *ret_failure) MUST_CHECK;
void mft_state_close(struct mft_state *s);

uint64_t mft_state_next(const struct mft_state *s);
/* The signed checkpoint kept last; empty: none. Borrowed. */
struct span mft_state_checkpoint(const struct mft_state *s);
/* The role that the server last knew the key by; ROLE_NONE: not known. */
enum role mft_state_role(const struct mft_state *s);

/* Keeps a newer checkpoint, and the role. */
bool mft_state_keep(struct mft_state *s, struct span checkpoint, enum role role,
		    struct mft_failure *ret_failure) MUST_CHECK;
/* The server has seen numbers up to `next` - 1: a state that was lost begins after them. */
bool mft_state_catch_up(struct mft_state *s, uint64_t next, struct mft_failure *ret_failure) MUST_CHECK;

enum mft_waiting { MFT_WAITING_EVENT, MFT_WAITING_CARD, MFT_WAITING_REFUSED, MFT_WAITING_KINDS };

/*
 * Stores what a number is used for. `number` is mft_state_next(), which it then passes, or an earlier number
 * that waits, whose file is replaced: a card by the event that used it, an event by the refused one.
 */
bool mft_state_put(struct mft_state *s, uint64_t number, enum mft_waiting what, struct span bytes,
		   struct mft_failure *ret_failure) MUST_CHECK;
/* The server has it, or the number was voided. */
bool mft_state_done(struct mft_state *s, uint64_t number, struct mft_failure *ret_failure) MUST_CHECK;

struct mft_waiting_number {
	uint64_t number;
	enum mft_waiting what;
};
/* What waits, by ascending number; freed by the caller with free(). */
bool mft_state_waiting(const struct mft_state *s, struct mft_waiting_number **ret_list, size_t *ret_n,
		       struct mft_failure *ret_failure) MUST_CHECK;
/* Reads what waits under a number. */
bool mft_state_read(const struct mft_state *s, const struct mft_waiting_number *waiting, struct buffer *to,
		    struct mft_failure *ret_failure) MUST_CHECK;

/* Keeps what did not hold. Returns the path in ret_path; "": it could not be written. */
void mft_state_evidence(const char *dir, const char *what, struct span bytes, char ret_path[4096]);

#endif
