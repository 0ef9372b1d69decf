/*
 * The fuzz corpora hold every sample, byte for byte: so these files are also the wire format's golden ones,
 * and a change of bytes is seen. With WRITE_CORPUS=1 in the environment they are written instead.
 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>

#include "samples.h"

static void keep(const char *path, struct span bytes)
{
	FILE *to = fopen(path, "wb");

	cr_assert_not_null(to, "%s", path);
	size_t n = fwrite(bytes.p, 1, bytes.n, to);
	cr_assert(fclose(to) == 0 && n == bytes.n);
}

static void hold(const char *target, const char *name, size_t i, struct span bytes)
{
	static uint8_t stored[FRAME_MAX];
	char path[128];

	(void)snprintf(path, sizeof(path), "tests/fuzz/corpus/%s/%02zu-%s", target, i, name);
	if (getenv("WRITE_CORPUS") != NULL) {
		keep(path, bytes);
		return;
	}
	FILE *from = fopen(path, "rb");
	cr_assert_not_null(from, "%s", path);
	size_t n = fread(stored, 1, sizeof(stored), from);
	(void)fclose(from);
	cr_expect(span_eq(span_of(stored, n), bytes), "%s", path);
}

Test(corpus, events_and_envelopes)
{
	struct buffer payload = BUFFER_EMPTY;
	struct buffer envelope = BUFFER_EMPTY;

	cr_assert(crypto_start());
	for (size_t i = 0; i < sample_events_n; i++) {
		struct event e = sample_event(i);
		buffer_clear(&payload);
		cr_assert(event_encode(&e, &payload));
		hold("event", event_kind_name(e.kind), i, buffer_span(&payload));
		buffer_clear(&envelope);
		sample_envelope(buffer_span(&payload), EVENT_PAYLOAD_TYPE, e.signers_n, &envelope);
		hold("envelope", event_kind_name(e.kind), i, buffer_span(&envelope));
	}
	struct log_entry entry = {.envelope = buffer_span(&envelope), .accepted_at = 1};
	buffer_clear(&payload);
	cr_assert(log_entry_encode(&entry, &payload));
	hold("envelope", "log_entry", sample_events_n, buffer_span(&payload));
	buffer_free(&payload);
	buffer_free(&envelope);
}

Test(corpus, hello)
{
	struct hello hello = sample_hello();
	struct buffer payload = BUFFER_EMPTY;
	struct buffer envelope = BUFFER_EMPTY;

	cr_assert(crypto_start() && hello_encode(&hello, &payload));
	sample_envelope(buffer_span(&payload), HELLO_PAYLOAD_TYPE, 1, &envelope);
	hold("hello", "hello", 0, buffer_span(&envelope));
	buffer_free(&payload);
	buffer_free(&envelope);
}

Test(corpus, frames)
{
	struct buffer b = BUFFER_EMPTY;

	for (size_t i = 0; i < sample_frames_n; i++) {
		struct frame f = sample_frame(i);
		buffer_clear(&b);
		cr_assert(frame_encode(&f, &b));
		hold("frame", "frame", i, buffer_span(&b));
	}
	buffer_free(&b);
}
