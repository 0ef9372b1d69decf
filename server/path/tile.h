/*
 * Tiles and bundles of entries (C2SP tlog-tiles) as the bytes that are served, read from rows that are
 * written once. Nothing here looks at what the writer updates. Pure but for the store behind its port.
 */
#ifndef PATH_TILE_H
#define PATH_TILE_H

#include "core/tile.h"
#include "ports.h"

/*
 * Appends the tile's hashes, or with `entries` each entry with its length before it (2 bytes, big-endian).
 * The tile must exist in the stored log. For a reader's thread; what is read passes through the arena. A
 * store that has less answers STORE_CORRUPT; no memory is STORE_UNAVAILABLE.
 */
enum store_result tile_fetch(const struct store_port *store, void *thread, const struct tile_id *id,
			     bool entries, struct arena *arena, struct buffer *to) MUST_CHECK;

#endif
