/*
 * The states of the manifests that changed last, as they were committed: a manifest's steps often follow one
 * another soon, and what this connection wrote need not be read again. It holds for as long as the connection
 * holds the lease: nobody else writes then, and whatever may have changed hands begins with recovery, which
 * empties it.
 */
#ifndef STORE_RECENT_H
#define STORE_RECENT_H

#include "core/manifest.h"

struct recent;

/* NULL: no memory, which every function below takes for an empty one. */
struct recent *recent_new(void) MUST_CHECK;
void recent_free(struct recent *r);
void recent_clear(struct recent *r);
/* The state's compact bytes are copied; another manifest may lose its place. */
void recent_put(struct recent *r, uint64_t number, struct span state);
/* n 0: it is not here. Valid until the next put or clear. */
struct span recent_get(const struct recent *r, uint64_t number);

#endif
