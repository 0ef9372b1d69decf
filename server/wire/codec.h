/*
 * Events between bytes and values. Decoding checks everything that can be said about one message alone:
 * canonical form, clean text, known enum numbers, and every limit of proto/manifest.proto, from the tables in
 * schema_events.c; all that is wrong is reported at once. Encoding writes the canonical form. An event that
 * was decoded encodes to the bytes it came from.
 */
#ifndef WIRE_CODEC_H
#define WIRE_CODEC_H

#include "base/problem.h"
#include "core/event.h"
#include "wire/rules.h"

/*
 * Bytes that one request may make the server take, whatever it says: the limit of a request's arena. Decoding
 * leaves the last 24 KiB of an arena free, for the problems and the refusal.
 */
enum { REQUEST_MEMORY = 256 * 1024 };

/*
 * The payload of an envelope. Spans and arrays of the value live in the arena, and the payload is not needed
 * any more. The event's id is not set: envelope_event() does. False: at least one problem was added.
 */
bool event_decode(struct span payload, struct arena *arena, struct problems *problems,
		  struct event *ret_event) MUST_CHECK;

/* Appends the canonical bytes. False: the kind is unknown, or the buffer is broken. Limits are not checked.
 */
bool event_encode(const struct event *event, struct buffer *to) MUST_CHECK;

#endif
