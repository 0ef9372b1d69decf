/*
 * Signed things: the DSSE envelope, the events and hellos in it, and the log entry around it. Nothing here
 * verifies a signature: it gives the bytes that signatures cover.
 */
#ifndef WIRE_ENVELOPE_H
#define WIRE_ENVELOPE_H

#include "wire/codec.h"

enum { PAYLOAD_MAX = 57344, ENVELOPE_MAX = 61440, LOG_ENTRY_MAX = 65535 };

struct envelope_signature {
	struct signature sig;
	struct digest keyid;
};

struct envelope {
	struct span payload;
	struct span payload_type;
	struct envelope_signature signatures[MAX_SIGNERS];
	size_t signatures_n;
};

/*
 * Canonical, within its limits, and of the payload type wanted (EVENT_PAYLOAD_TYPE or HELLO_PAYLOAD_TYPE).
 * Spans live in the arena. False: at least one problem was added.
 */
bool envelope_decode(struct span bytes, const char *payload_type, struct arena *arena,
		     struct problems *problems, struct envelope *ret_envelope) MUST_CHECK;
bool envelope_encode(const struct envelope *envelope, struct buffer *to) MUST_CHECK;

/* Appends what the signatures cover. */
void envelope_pae(const struct envelope *envelope, struct buffer *to);
/* SHA-256 of the PAE of an event's payload: the event's id. */
struct digest event_id(struct span payload);

/*
 * Decodes the event in the envelope, sets its id, and demands that the signatures' keyids are the signers',
 * in their order. False: at least one problem was added.
 */
bool envelope_event(const struct envelope *envelope, struct arena *arena, struct problems *problems,
		    struct event *ret_event) MUST_CHECK;

/* What a client signs before anything else: proto Hello. */
struct hello {
	struct digest nonce;
	struct digest binding;
	enum role role;
	struct digest keyid;
	struct span agent;
	uint64_t size; /* of the last checkpoint the client verified; 0: none */
};

/* The envelope of a hello: one signature, by the key it names. False: at least one problem was added. */
bool envelope_hello(const struct envelope *envelope, struct arena *arena, struct problems *problems,
		    struct hello *ret_hello) MUST_CHECK;
bool hello_encode(const struct hello *hello, struct buffer *to) MUST_CHECK;

/* A leaf of the log. The envelope is in it byte for byte as it was received. */
struct log_entry {
	struct span envelope;
	micros accepted_at; /* at least 1 */
};

/* Appends the entry. False: it would be longer than LOG_ENTRY_MAX, or the buffer is broken. */
bool log_entry_encode(const struct log_entry *entry, struct buffer *to) MUST_CHECK;
/* Views into the bytes; the envelope in it is not looked at. False: not the canonical form. */
bool log_entry_decode(struct span bytes, struct log_entry *ret_entry) MUST_CHECK;

#endif
