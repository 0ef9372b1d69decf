#include "wire/envelope.h"

#include <stdio.h>

#include "wire/schema.h"

static bool too_long(struct span bytes, size_t max, struct problems *problems)
{
	char allowed[32];

	if (bytes.n <= max)
		return false;
	(void)snprintf(allowed, sizeof(allowed), "%zu bytes", max);
	problem_addf(problems, CODEC(TOO_LONG), "", allowed, "%zu bytes", bytes.n);
	return true;
}

bool envelope_decode(struct span bytes, const char *payload_type, struct arena *arena,
		     struct problems *problems, struct envelope *ret_envelope)
{
	struct envelope e;

	if (too_long(bytes, ENVELOPE_MAX, problems))
		return false;
	if (!message_decode(&envelope_message, bytes, arena, problems, &e))
		return false;
	if (!span_eq_str(e.payload_type, payload_type)) {
		problem_addf(problems, CODEC(PAYLOAD_TYPE), "payloadType", payload_type, "%.*s",
			     SPAN_ARG(e.payload_type));
		return false;
	}
	*ret_envelope = e;
	return true;
}

bool envelope_encode(const struct envelope *envelope, struct buffer *to)
{
	return message_encode(&envelope_message, envelope, to);
}

void envelope_pae(const struct envelope *envelope, struct buffer *to)
{
	dsse_pae(to, envelope->payload_type, envelope->payload);
}

/* The PAE is hashed in two parts, its head and the payload, so that it need not be joined in memory. */
struct digest event_id(struct span payload)
{
	static const char type[] = EVENT_PAYLOAD_TYPE;
	uint8_t room[sizeof(type) + 64];
	struct buffer head = {.p = room, .cap = sizeof(room)}; /* what is put has room in it */

	dsse_pae_head(&head, span_of(type, sizeof(type) - 1), payload.n);
	return digest_prefixed(room[0], span_of(room + 1, head.n - 1), payload);
}

static bool keyid_holds(const struct envelope *envelope, size_t i, const struct digest *signer,
			struct problems *problems)
{
	char path[48];
	char found[DIGEST_HEX + 1];
	char allowed[DIGEST_HEX + 1];

	if (digest_eq(&envelope->signatures[i].keyid, signer))
		return true;
	(void)snprintf(path, sizeof(path), "signatures[%zu].keyid", i);
	digest_hex(&envelope->signatures[i].keyid, found);
	digest_hex(signer, allowed);
	problem_add(problems, CODEC(KEYID), path, found, allowed);
	return false;
}

static bool count_holds(const struct envelope *envelope, size_t signers, struct problems *problems)
{
	char allowed[32];

	if (envelope->signatures_n == signers)
		return true;
	(void)snprintf(allowed, sizeof(allowed), "%zu", signers);
	problem_addf(problems, CODEC(KEYID), "signatures", allowed, "%zu", envelope->signatures_n);
	return false;
}

bool envelope_event(const struct envelope *envelope, struct arena *arena, struct problems *problems,
		    struct event *ret_event)
{
	struct event e;

	if (!event_decode(envelope->payload, arena, problems, &e))
		return false;
	if (!count_holds(envelope, e.signers_n, problems))
		return false;
	bool good = true;
	for (size_t i = 0; i < e.signers_n; i++)
		if (!keyid_holds(envelope, i, &e.signers[i].keyid, problems))
			good = false;
	if (!good)
		return false;
	e.id = event_id(envelope->payload);
	*ret_event = e;
	return true;
}

bool envelope_hello(const struct envelope *envelope, struct arena *arena, struct problems *problems,
		    struct hello *ret_hello)
{
	struct hello h;

	if (!message_decode(&hello_message, envelope->payload, arena, problems, &h))
		return false;
	if (!count_holds(envelope, 1, problems) || !keyid_holds(envelope, 0, &h.keyid, problems))
		return false;
	*ret_hello = h;
	return true;
}

bool hello_encode(const struct hello *hello, struct buffer *to)
{
	return message_encode(&hello_message, hello, to);
}
