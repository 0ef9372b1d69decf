/*
 * A trail as a bundle (core/bundle.h), the standard file of all proofs under one checkpoint, and back. Pure.
 */
#ifndef MANIFEST_BUNDLE_FILE_H
#define MANIFEST_BUNDLE_FILE_H

#include "core/bundle.h"
#include "manifest/trail.h"

/* False: the proofs are not all under one checkpoint (ask again), are malformed, or there is no memory. */
bool bundle_of_trail(const struct trail *trail, struct arena *arena, struct bundle *ret_bundle) MUST_CHECK;
/* False: no memory. */
bool trail_of_bundle(const struct bundle *bundle, struct arena *arena, struct trail *ret_trail) MUST_CHECK;

/* Reads either file, whichever the text is. Values live in the arena. */
bool trail_or_bundle_parse(struct span text, struct arena *arena, struct trail *ret_trail,
			   struct mft_failure *ret_failure) MUST_CHECK;

#endif
