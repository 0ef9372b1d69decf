/* Hellos: an envelope; what is accepted encodes to the payload it came from, and is signed by the key it
 * names. */
#include <stdlib.h>

#include "wire/envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(REQUEST_MEMORY);
	struct buffer again = BUFFER_EMPTY;
	struct problems problems = {.arena = arena};
	struct envelope envelope;
	struct hello hello;

	if (arena == NULL)
		abort();
	if (envelope_decode(span_of(data, size), HELLO_PAYLOAD_TYPE, arena, &problems, &envelope) &&
	    envelope_hello(&envelope, arena, &problems, &hello)) {
		if (!hello_encode(&hello, &again) || !span_eq(buffer_span(&again), envelope.payload))
			abort();
		if (envelope.signatures_n != 1 || !digest_eq(&hello.keyid, &envelope.signatures[0].keyid))
			abort();
	} else if (!problems_any(&problems)) {
		abort();
	}
	buffer_free(&again);
	arena_free(arena);
	return 0;
}
