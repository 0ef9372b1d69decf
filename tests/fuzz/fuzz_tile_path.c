/* Tile paths from strangers: what is accepted is written again as the same path. */
#include <stdlib.h>

#include "core/tile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tile_id id;
	bool entries = false;
	struct buffer b = BUFFER_EMPTY;

	if (!tile_parse_path(span_of(data, size), &id, &entries))
		return 0;
	expect(id.level <= TILE_LEVEL_MAX && id.width >= 1 && id.width <= TILE_WIDTH);
	expect(!entries || id.level == 0);
	tile_put_path(&b, &id, entries);
	expect(!buffer_ok(&b) || span_eq(buffer_span(&b), span_of(data, size)));
	buffer_free(&b);
	return 0;
}
