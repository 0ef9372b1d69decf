/*
 * envelope: DSSE's published vectors; envelopes, hellos and log entries there and back; what is refused.
 */
#include <criterion/criterion.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "samples.h"
#include "wire/schema.h"

/* ---- the published vectors ---- */

/* Base64 in either alphabet, as DSSE demands of JSON envelopes. */
static size_t from_base64(const char *text, uint8_t *ret_bytes, size_t cap)
{
	char standard[1024];
	size_t n = 0;
	size_t length = strlen(text);

	cr_assert_lt(length, sizeof(standard));
	for (size_t i = 0; i < length; i++) {
		standard[i] = text[i];
		if (text[i] == '-')
			standard[i] = '+';
		if (text[i] == '_')
			standard[i] = '/';
	}
	cr_assert(base64_decode(span_of(standard, length), ret_bytes, cap, &n));
	return n;
}

static struct public_key vector_key(const json_t *vectors, const char *name)
{
	struct public_key key;
	const char *hex = json_string_value(
	    json_object_get(json_object_get(json_object_get(vectors, "keys"), name), "public"));

	cr_assert(hex != NULL && hex_decode(span_str(hex), key.b, sizeof(key.b)));
	return key;
}

/* How many of the trusted keys made a signature that holds; a key counts once, whatever the keyid says. */
static size_t count_signers(const json_t *vectors, const json_t *vector, struct span pae)
{
	size_t k;
	size_t s;
	json_t *name;
	json_t *entry;
	size_t count = 0;

	json_array_foreach(json_object_get(vector, "trustedKeys"), k, name)
	{
		struct public_key key = vector_key(vectors, json_string_value(name));
		bool holds = false;
		json_array_foreach(json_object_get(json_object_get(vector, "envelope"), "signatures"), s,
				   entry)
		{
			struct signature sig;
			const char *text = json_string_value(json_object_get(entry, "sig"));
			if (from_base64(text, sig.b, sizeof(sig.b)) == sizeof(sig.b) &&
			    signature_holds(&key, pae, &sig))
				holds = true;
		}
		count += holds ? 1 : 0;
	}
	return count;
}

static bool type_supported(const json_t *vector, const char *type)
{
	size_t i;
	json_t *supported;

	json_array_foreach(json_object_get(vector, "supportedPayloadTypes"), i, supported)
	{
		if (strcmp(json_string_value(supported), type) == 0)
			return true;
	}
	return false;
}

static bool vector_accepted(const json_t *vectors, const json_t *vector)
{
	const json_t *json = json_object_get(vector, "envelope");
	const char *type = json_string_value(json_object_get(json, "payloadType"));
	uint8_t payload[1024];
	size_t n = from_base64(json_string_value(json_object_get(json, "payload")), payload, sizeof(payload));
	struct envelope e = {.payload = span_of(payload, n), .payload_type = span_str(type)};
	struct buffer pae = BUFFER_EMPTY;
	struct buffer hex = BUFFER_EMPTY;
	const char *id = json_string_value(json_object_get(vector, "id"));
	bool swapped = strcmp(id, "payload-type-swapped") == 0;

	envelope_pae(&e, &pae);
	buffer_put_hex(&hex, buffer_span(&pae));
	/* That vector's "pae" is the one that was signed, not the one of the type it claims. */
	cr_expect_neq(span_eq_str(buffer_span(&hex), json_string_value(json_object_get(vector, "pae"))),
		      swapped, "%s", id);
	size_t threshold = (size_t)json_integer_value(json_object_get(vector, "threshold"));
	bool accepted =
	    type_supported(vector, type) && count_signers(vectors, vector, buffer_span(&pae)) >= threshold;
	buffer_free(&hex);
	buffer_free(&pae);
	return accepted;
}

Test(envelope, published_vectors)
{
	json_t *vectors = json_load_file("tests/data/dsse/vectors.json", 0, NULL);
	size_t i;
	size_t seen = 0;
	json_t *vector;

	cr_assert_not_null(vectors);
	json_array_foreach(json_object_get(vectors, "vectors"), i, vector)
	{
		bool expected = strcmp(json_string_value(json_object_get(vector, "expect")), "accept") == 0;
		cr_expect_eq(vector_accepted(vectors, vector), expected, "%s",
			     json_string_value(json_object_get(vector, "id")));
		seen++;
	}
	cr_expect_eq(seen, 9);
	json_decref(vectors);
}

/* ---- events in envelopes ---- */

static struct arena *arena;

static void start(void)
{
	cr_assert(crypto_start());
	arena = arena_new(REQUEST_MEMORY);
	cr_assert_not_null(arena);
}

static void stop(void)
{
	arena_free(arena);
}

TestSuite(envelope, .init = start, .fini = stop);

static bool has_rule(const struct problems *problems, const struct rule *rule, const char *path)
{
	for (const struct problem *p = problems->first; p != NULL; p = p->next)
		if (p->rule == rule && strcmp(p->path, path) == 0)
			return true;
	return false;
}

static void sign_event(const struct event *e, size_t signatures, struct buffer *to)
{
	struct buffer payload = BUFFER_EMPTY;

	cr_assert(event_encode(e, &payload));
	buffer_clear(to);
	sample_envelope(buffer_span(&payload), EVENT_PAYLOAD_TYPE, signatures, to);
	cr_assert(buffer_ok(to));
	buffer_free(&payload);
}

Test(envelope, every_event_with_its_id_and_signatures)
{
	struct buffer bytes = BUFFER_EMPTY;
	struct buffer again = BUFFER_EMPTY;
	struct buffer pae = BUFFER_EMPTY;

	for (size_t i = 0; i < sample_events_n; i++) {
		struct event e = sample_event(i);
		struct event back;
		struct envelope envelope;
		struct problems problems = {.arena = arena};
		sign_event(&e, 2, &bytes);
		cr_assert(
		    envelope_decode(buffer_span(&bytes), EVENT_PAYLOAD_TYPE, arena, &problems, &envelope));
		cr_assert(envelope_event(&envelope, arena, &problems, &back));
		buffer_clear(&pae);
		envelope_pae(&envelope, &pae);
		struct digest id = digest_of(buffer_span(&pae));
		cr_expect(digest_eq(&back.id, &id));
		for (size_t s = 0; s < 2; s++) {
			struct secret_key secret = sample_key(s);
			struct public_key public = key_public(&secret);
			cr_expect(signature_holds(&public, buffer_span(&pae), &envelope.signatures[s].sig));
		}
		buffer_clear(&again);
		cr_assert(envelope_encode(&envelope, &again));
		cr_expect(span_eq(buffer_span(&bytes), buffer_span(&again)));
		arena_reset(arena);
	}
	buffer_free(&bytes);
	buffer_free(&again);
	buffer_free(&pae);
}

/* The id is over the payload alone: other signatures, the same id. */
Test(envelope, id_does_not_depend_on_signatures)
{
	struct digest a = event_id(span_str("payload"));
	struct buffer pae = BUFFER_EMPTY;

	dsse_pae(&pae, span_str(EVENT_PAYLOAD_TYPE), span_str("payload"));
	struct digest b = digest_of(buffer_span(&pae));
	cr_expect(digest_eq(&a, &b));
	buffer_free(&pae);
}

Test(envelope, keyids_are_the_signers_in_order)
{
	struct event e = sample_event(0);
	struct buffer bytes = BUFFER_EMPTY;
	struct envelope envelope;
	struct problems problems = {.arena = arena};

	struct signer first = e.signers[0];
	e.signers[0] = e.signers[1];
	e.signers[1] = first;
	sign_event(&e, 2, &bytes);
	cr_assert(envelope_decode(buffer_span(&bytes), EVENT_PAYLOAD_TYPE, arena, &problems, &envelope));
	cr_expect_not(envelope_event(&envelope, arena, &problems, &e));
	cr_expect(has_rule(&problems, CODEC(KEYID), "signatures[0].keyid"));
	cr_expect(has_rule(&problems, CODEC(KEYID), "signatures[1].keyid"));

	problems = (struct problems){.arena = arena};
	sign_event(&e, 1, &bytes);
	cr_assert(envelope_decode(buffer_span(&bytes), EVENT_PAYLOAD_TYPE, arena, &problems, &envelope));
	cr_expect_not(envelope_event(&envelope, arena, &problems, &e));
	cr_expect(has_rule(&problems, CODEC(KEYID), "signatures"));
	buffer_free(&bytes);
}

Test(envelope, refused)
{
	struct buffer bytes = BUFFER_EMPTY;
	struct buffer payload = BUFFER_EMPTY;
	struct envelope envelope;
	struct problems problems = {.arena = arena};

	sample_envelope(span_str("p"), HELLO_PAYLOAD_TYPE, 1, &bytes);
	cr_expect_not(envelope_decode(buffer_span(&bytes), EVENT_PAYLOAD_TYPE, arena, &problems, &envelope));
	cr_expect(has_rule(&problems, CODEC(PAYLOAD_TYPE), "payloadType"));

	problems = (struct problems){.arena = arena};
	buffer_clear(&bytes);
	sample_envelope(span_str("p"), EVENT_PAYLOAD_TYPE, 0, &bytes);
	cr_expect_not(envelope_decode(buffer_span(&bytes), EVENT_PAYLOAD_TYPE, arena, &problems, &envelope));
	cr_expect(has_rule(&problems, CODEC(COUNT), "signatures"));

	problems = (struct problems){.arena = arena};
	cr_assert_not_null(buffer_reserve(&payload, ENVELOPE_MAX));
	memset(payload.p, 'x', ENVELOPE_MAX);
	payload.n = PAYLOAD_MAX + 1;
	buffer_clear(&bytes);
	sample_envelope(buffer_span(&payload), EVENT_PAYLOAD_TYPE, 1, &bytes);
	cr_expect_not(envelope_decode(buffer_span(&bytes), EVENT_PAYLOAD_TYPE, arena, &problems, &envelope));
	cr_expect(has_rule(&problems, CODEC(LENGTH), "payload"));

	problems = (struct problems){.arena = arena};
	payload.n = ENVELOPE_MAX;
	buffer_clear(&bytes);
	sample_envelope(buffer_span(&payload), EVENT_PAYLOAD_TYPE, 1, &bytes);
	cr_expect_not(envelope_decode(buffer_span(&bytes), EVENT_PAYLOAD_TYPE, arena, &problems, &envelope));
	cr_expect(has_rule(&problems, CODEC(TOO_LONG), ""));

	/* Upper-case hex in a keyid; a byte after the end. */
	problems = (struct problems){.arena = arena};
	buffer_clear(&bytes);
	sample_envelope(span_str("p"), EVENT_PAYLOAD_TYPE, 1, &bytes);
	bytes.p[bytes.n - 1] = 'F';
	cr_expect_not(envelope_decode(buffer_span(&bytes), EVENT_PAYLOAD_TYPE, arena, &problems, &envelope));
	cr_expect(has_rule(&problems, CODEC(FORMAT), "signatures[0].keyid"));
	buffer_free(&bytes);
	buffer_free(&payload);
}

/* ---- hellos ---- */

Test(envelope, hello_there_and_back)
{
	struct hello hello = sample_hello();
	struct hello back;
	struct buffer payload = BUFFER_EMPTY;
	struct buffer bytes = BUFFER_EMPTY;
	struct envelope envelope;
	struct problems problems = {.arena = arena};

	cr_assert(hello_encode(&hello, &payload));
	sample_envelope(buffer_span(&payload), HELLO_PAYLOAD_TYPE, 1, &bytes);
	cr_assert(envelope_decode(buffer_span(&bytes), HELLO_PAYLOAD_TYPE, arena, &problems, &envelope));
	cr_assert(envelope_hello(&envelope, arena, &problems, &back));
	cr_expect(digest_eq(&back.nonce, &hello.nonce) && digest_eq(&back.binding, &hello.binding));
	cr_expect_eq(back.role, hello.role);
	cr_expect_eq(back.size, hello.size);

	buffer_clear(&bytes);
	sample_envelope(buffer_span(&payload), HELLO_PAYLOAD_TYPE, 2, &bytes);
	cr_assert(envelope_decode(buffer_span(&bytes), HELLO_PAYLOAD_TYPE, arena, &problems, &envelope));
	cr_expect_not(envelope_hello(&envelope, arena, &problems, &back));
	cr_expect(has_rule(&problems, CODEC(KEYID), "signatures"));
	buffer_free(&payload);
	buffer_free(&bytes);
}

/* ---- log entries ---- */

/* What is written by hand is what protobuf-c packs, and reads back as the same envelope bytes. */
Test(envelope, log_entry_is_protobufs)
{
	static const micros times[] = {1, 127, 128, INT64_C(1767225600000000), INT64_MAX};
	struct buffer bytes = BUFFER_EMPTY;
	struct buffer packed = BUFFER_EMPTY;
	struct buffer envelope = BUFFER_EMPTY;

	for (size_t i = 0; i < sample_events_n; i++) {
		struct event e = sample_event(i);
		struct log_entry entry = {.accepted_at = times[i % ARRAY_LEN(times)]};
		struct log_entry back;
		sign_event(&e, 2, &envelope);
		entry.envelope = buffer_span(&envelope);
		buffer_clear(&bytes);
		cr_assert(log_entry_encode(&entry, &bytes));
		Manifest__V1__LogEntry *pb = manifest__v1__log_entry__unpack(NULL, bytes.n, bytes.p);
		cr_assert_not_null(pb);
		cr_expect_eq(pb->accepted_at, entry.accepted_at);
		buffer_clear(&packed);
		cr_assert_not_null(buffer_reserve(&packed, manifest__v1__log_entry__get_packed_size(pb)));
		packed.n = manifest__v1__log_entry__pack(pb, packed.p);
		cr_expect(span_eq(buffer_span(&packed), buffer_span(&bytes)));
		manifest__v1__log_entry__free_unpacked(pb, NULL);
		cr_assert(log_entry_decode(buffer_span(&bytes), &back));
		cr_expect(span_eq(back.envelope, entry.envelope));
		cr_expect_eq(back.accepted_at, entry.accepted_at);
		for (size_t n = 0; n < bytes.n; n++)
			cr_expect_not(log_entry_decode(span_of(bytes.p, n), &back));
	}
	buffer_free(&bytes);
	buffer_free(&packed);
	buffer_free(&envelope);
}

#define BYTES(text)                                                                                          \
	{                                                                                                    \
		(const uint8_t *)(text), sizeof(text) - 1                                                    \
	}

Test(envelope, log_entry_refused)
{
	static const struct span bad[] = {
	    BYTES(""),
	    BYTES("\x0a\x01x"),                 /* no time */
	    BYTES("\x10\x01"),                  /* no envelope */
	    BYTES("\x0a\x00\x10\x01"),          /* empty envelope */
	    BYTES("\x0a\x01x\x10\x00"),         /* time 0 */
	    BYTES("\x0a\x01x\x10\x81\x00"),     /* overlong */
	    BYTES("\x0a\x81\x00x\x10\x01"),     /* overlong length */
	    BYTES("\x0a\x01x\x10\x01\x18\x01"), /* a field more */
	    BYTES("\x10\x01\x0a\x01x"),         /* order */
	    BYTES("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01x\x10\x01"),
	    BYTES("\x0a\x01x\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), /* a negative time */
	    BYTES("\x0a\x01x\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), /* above 64 bits */
	};
	struct log_entry entry;
	struct buffer long_one = BUFFER_EMPTY;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		cr_expect_not(log_entry_decode(bad[i], &entry), "%zu", i);
	cr_assert_not_null(buffer_reserve(&long_one, LOG_ENTRY_MAX));
	memset(long_one.p, 'x', LOG_ENTRY_MAX);
	entry = (struct log_entry){.envelope = span_of(long_one.p, LOG_ENTRY_MAX - 3), .accepted_at = 1};
	struct buffer to = BUFFER_EMPTY;
	cr_expect_not(log_entry_encode(&entry, &to));
	cr_expect_eq(to.n, 0);
	entry.envelope.n = LOG_ENTRY_MAX - 6;
	cr_expect(log_entry_encode(&entry, &to));
	cr_expect_eq(to.n, LOG_ENTRY_MAX);
	buffer_free(&to);
	buffer_free(&long_one);
}
