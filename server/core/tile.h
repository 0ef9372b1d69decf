/*
 * Tiles (C2SP tlog-tiles): the tree cut into pieces of 8 heights. Hash i of tile n at level l is the root of
 * the 256^l leaves from (n * 256 + i) * 256^l. A full tile has 256 hashes and never changes; the last one of
 * a level is partial, and is served in every width that a published size gave it. Entry bundles are cut the
 * same way. Pure.
 */
#ifndef CORE_TILE_H
#define CORE_TILE_H

#include "base/buffer.h"
#include "base/span.h"

/* Levels that hold anything: a hash of level 8 would stand for 2^64 leaves. Paths may name levels up to 63.
 */
enum { TILE_HEIGHT = 8, TILE_WIDTH = 256, TILE_LEVELS = 8, TILE_LEVEL_MAX = 63 };

/*
 * A tile in memory is its hashes followed by the complete nodes above them, one row for each height within
 * the tile (0: the hashes, 8: its root). Where node `i` of a row is:
 */
enum { TILE_NODES = 2 * TILE_WIDTH };
static inline size_t tile_node(unsigned within, uint64_t i)
{
	return TILE_NODES - (TILE_NODES >> within) + (size_t)i;
}

struct tile_id {
	unsigned level;
	uint64_t n;
	unsigned width; /* 1 to 256; 256: the full tile */
};

/* x >> by for any `by`: 0 where C leaves it undefined. */
static inline uint64_t shift_right(uint64_t x, unsigned by)
{
	return by < 64 ? x >> by : 0;
}

/* How many hashes tile `n` of `level` has in a tree of `size` leaves: 0 to 256. Bundles: as level 0. */
unsigned tile_width(unsigned level, uint64_t n, uint64_t size);

/* Must be served by a log of `size` leaves: full, or as wide as some size up to this one made it. */
static inline bool tile_exists(const struct tile_id *id, uint64_t size)
{
	return id->width <= tile_width(id->level, id->n, size);
}

/* "/tile/L/N[.p/W]", or "/tile/entries/N[.p/W]", whose level is 0. */
void tile_put_path(struct buffer *to, const struct tile_id *id, bool entries);
/* Accepts exactly what tile_put_path() writes for some tile; nothing before or after it. */
bool tile_parse_path(struct span path, struct tile_id *ret_id, bool *ret_entries) MUST_CHECK;

#endif
