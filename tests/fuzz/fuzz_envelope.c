/*
 * Envelopes over events, and log entries: what is accepted encodes to the same bytes; an event taken out of
 * an envelope has as many signers as signatures; an entry around any bytes gives the same bytes back.
 */
#include <stdlib.h>

#include "wire/envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_envelope(struct span bytes, struct arena *arena)
{
	struct problems problems = {.arena = arena};
	struct buffer again = BUFFER_EMPTY;
	struct envelope envelope;
	struct event e;

	if (envelope_decode(bytes, EVENT_PAYLOAD_TYPE, arena, &problems, &envelope)) {
		if (!envelope_encode(&envelope, &again) || !span_eq(buffer_span(&again), bytes))
			abort();
		if (envelope_event(&envelope, arena, &problems, &e)) {
			if (e.signers_n != envelope.signatures_n || digest_is_zero(&e.id))
				abort();
		} else if (!problems_any(&problems)) {
			abort();
		}
	} else if (!problems_any(&problems)) {
		abort();
	}
	buffer_free(&again);
}

static void fuzz_entry(struct span bytes)
{
	struct buffer to = BUFFER_EMPTY;
	struct log_entry entry;
	struct log_entry around = {.envelope = bytes, .accepted_at = 1};

	if (log_entry_decode(bytes, &entry)) {
		if (!log_entry_encode(&entry, &to) || !span_eq(buffer_span(&to), bytes))
			abort();
	}
	buffer_clear(&to);
	if (bytes.n > 0 && log_entry_encode(&around, &to)) {
		if (!log_entry_decode(buffer_span(&to), &entry) || !span_eq(entry.envelope, bytes))
			abort();
	}
	buffer_free(&to);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(REQUEST_MEMORY);

	if (arena == NULL)
		abort();
	fuzz_envelope(span_of(data, size), arena);
	fuzz_entry(span_of(data, size));
	arena_free(arena);
	return 0;
}
