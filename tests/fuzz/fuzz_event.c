/* Events: what is accepted encodes to the same bytes, and what is refused says why. */
#include <stdlib.h>

#include "wire/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(REQUEST_MEMORY);
	struct buffer again = BUFFER_EMPTY;
	struct problems problems = {.arena = arena};
	struct event e;

	if (arena == NULL)
		abort();
	if (event_decode(span_of(data, size), arena, &problems, &e)) {
		if (problems_any(&problems) || !event_encode(&e, &again))
			abort();
		if (!span_eq(buffer_span(&again), span_of(data, size)))
			abort();
	} else if (!problems_any(&problems)) {
		abort();
	}
	buffer_free(&again);
	arena_free(arena);
	return 0;
}
