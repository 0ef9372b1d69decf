/*
 * One good value of everything that travels, every field of it filled in: what tests of the wire, of the
 * path and fuzz corpora start from. Constant data; arrays are static.
 */
#ifndef TESTS_SAMPLES_H
#define TESTS_SAMPLES_H

#include "wire/envelope.h"
#include "wire/messages.h"

/* Events: all kinds, `attested` of each step, `voided` of both sorts. i < sample_events_n. */
extern const size_t sample_events_n;
struct event sample_event(size_t i);

/* Frames: all kinds, queries and answers. i < sample_frames_n. */
extern const size_t sample_frames_n;
struct frame sample_frame(size_t i);

struct hello sample_hello(void);

/* The two key pairs that sign samples. */
struct secret_key sample_key(size_t i);

/* Appends a signed envelope over the payload, by the first n sample keys. */
void sample_envelope(struct span payload, const char *payload_type, size_t n, struct buffer *to);

#endif
