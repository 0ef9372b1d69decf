/*
 * What a program knows of one log: the key it trusts, the newest checkpoint it verified, and the earlier
 * sizes it knows to be beginnings of it. A view never goes back to a smaller size and never takes a
 * checkpoint without proof that it continues the newest. One view may serve many sessions of one thread.
 * Pure.
 */
#ifndef LIBMANIFEST_VIEW_H
#define LIBMANIFEST_VIEW_H

#include "core/event.h"
#include "core/proof.h"
#include "libmanifest/failure.h"

struct mft_view;

/* `vkey` is the log's written key, ORIGIN+ID+BASE64 (a line feed may follow). NULL: not one, or no memory. */
struct mft_view *mft_view_new(struct span vkey, struct mft_failure *ret_failure) MUST_CHECK;
void mft_view_free(struct mft_view *v);

struct span mft_view_origin(const struct mft_view *v);
const struct note_key *mft_view_key(const struct mft_view *v);
/* The newest verified checkpoint: its size (0: none yet), and the signed note whole. Borrowed, until it
 * advances. */
uint64_t mft_view_size(const struct mft_view *v);
struct span mft_view_checkpoint(const struct mft_view *v);
/* What a signer states as `seen`; size 0 when there is none. Borrowed likewise. */
struct checkpoint_ref mft_view_seen(const struct mft_view *v);

/* A place in the log: a size and its root, stated by a signed checkpoint. */
struct mft_place {
	uint64_t size;
	struct digest root;
};

/* LOG_HOLDS: known to be a beginning of the newest. NOT_CONSISTENT: another root is known for the size.
 * KEY_MISSING: not known yet. */
enum log_failure mft_view_knows(const struct mft_view *v, const struct mft_place *place) MUST_CHECK;
/* The place was shown to be a beginning of a known one. */
void mft_view_learn(struct mft_view *v, const struct mft_place *place);

/*
 * Reads a checkpoint and the proof that it continues `from` (a place of this log; size 0: none). Nothing is
 * learnt yet.
 */
enum log_failure mft_view_link(const struct mft_view *v, const struct mft_place *from, struct span checkpoint,
			       const struct digest *proof, size_t proof_n,
			       struct mft_place *ret_place) MUST_CHECK;
/*
 * Takes a checkpoint that mft_view_link() showed to continue a known place as the newest; one that is smaller
 * than the newest is only learnt. False: no memory.
 */
bool mft_view_advance(struct mft_view *v, struct span checkpoint, const struct mft_place *place) MUST_CHECK;
/* As receipt_verify(), by the view's key; the checkpoint looked at last is not verified again. */
enum log_failure mft_view_receipt(struct mft_view *v, struct span proof, struct span entry,
				  uint64_t *ret_index, struct mft_place *ret_place) MUST_CHECK;
/* At the start: the checkpoint kept from before. Its signature is checked again. */
enum log_failure mft_view_restore(struct mft_view *v, struct span checkpoint) MUST_CHECK;

#endif
