/*
 * A stream of frames, as either side reads it. What is accepted can be written; written, read and written
 * again it stays the same (a query's list of flag kinds is a set: its order is not kept).
 */
#include <stdlib.h>

#include "wire/messages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_frame(struct span frame, struct arena *arena)
{
	struct problems problems = {.arena = arena};
	struct buffer once = BUFFER_EMPTY;
	struct buffer twice = BUFFER_EMPTY;
	struct frame f;

	if (frame_decode(frame, arena, &problems, &f)) {
		if (!frame_encode(&f, &once))
			abort();
		struct span inner = span_of(once.p + FRAME_HEAD, once.n - FRAME_HEAD);
		if (inner.n > frame.n || !frame_decode(inner, arena, &problems, &f) ||
		    !frame_encode(&f, &twice))
			abort();
		if (!span_eq(buffer_span(&once), buffer_span(&twice)))
			abort();
	} else if (!problems_any(&problems)) {
		abort();
	}
	buffer_free(&once);
	buffer_free(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(2 * REQUEST_MEMORY);
	struct span rest = span_of(data, size);
	struct span frame;
	size_t need = 0;

	if (arena == NULL)
		abort();
	while (frame_next(rest, &frame, &need) == FRAME_HERE) {
		arena_reset(arena);
		fuzz_frame(frame, arena);
		rest = span_of(rest.p + FRAME_HEAD + frame.n, rest.n - FRAME_HEAD - frame.n);
	}
	arena_free(arena);
	return 0;
}
