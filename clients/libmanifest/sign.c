/* Owns the order of signatures: the i-th is by the i-th signer of the event, and none is left out. */
#include "libmanifest/sign.h"

static bool keyid_is(const struct secret_key *key, const struct digest *keyid)
{
	const struct public_key public = key_public(key);
	const struct digest id = key_id(&public);

	return digest_eq(&id, keyid);
}

static struct envelope_signature signature_of(const struct envelope *e, const struct secret_key *key)
{
	const struct public_key public = key_public(key);
	struct envelope_signature s = {.keyid = key_id(&public)};
	struct buffer pae = BUFFER_EMPTY;

	envelope_pae(e, &pae);
	s.sig = sign(key, buffer_span(&pae));
	buffer_free(&pae);
	return s;
}

bool mft_sign(const struct event *e, const struct secret_key *const *keys, size_t n, struct buffer *to,
	      struct mft_failure *ret_failure)
{
	struct buffer payload = BUFFER_EMPTY;
	struct envelope envelope = {.payload_type = span_str(EVENT_PAYLOAD_TYPE), .signatures_n = n};
	bool good = n >= 1 && n <= e->signers_n && event_encode(e, &payload);

	envelope.payload = buffer_span(&payload);
	for (size_t i = 0; i < n && good; i++) {
		good = keyid_is(keys[i], &e->signers[i].keyid);
		envelope.signatures[i] = signature_of(&envelope, keys[i]);
	}
	good = good && payload.n <= PAYLOAD_MAX && envelope_encode(&envelope, to);
	buffer_free(&payload);
	if (!good)
		mft_fail(ret_failure, MFT_FAULT_LOCAL, "event.not_signed",
			 "the event could not be signed: it is too long, or a key is not its signer's",
			 "无法签署该事件：内容过长，或密钥不是其签署人的", NULL);
	return good;
}

bool mft_signed_read(struct span bytes, struct arena *arena, struct problems *problems,
		     struct mft_signed *ret_signed)
{
	struct mft_signed s;

	if (!envelope_decode(bytes, EVENT_PAYLOAD_TYPE, arena, problems, &s.envelope) ||
	    !event_decode(s.envelope.payload, arena, problems, &s.event))
		return false;
	s.event.id = event_id(s.envelope.payload);
	s.complete = s.envelope.signatures_n == s.event.signers_n;
	bool good = s.envelope.signatures_n <= s.event.signers_n;
	for (size_t i = 0; i < s.envelope.signatures_n && good; i++)
		good = digest_eq(&s.envelope.signatures[i].keyid, &s.event.signers[i].keyid);
	if (!good) {
		problem_add(problems, CODEC(KEYID), "signatures", "", "");
		return false;
	}
	*ret_signed = s;
	return true;
}

bool mft_signed_holds(const struct mft_signed *s, size_t i, const struct public_key *key)
{
	const struct digest id = key_id(key);
	struct buffer pae = BUFFER_EMPTY;

	if (i >= s->envelope.signatures_n || !digest_eq(&id, &s->event.signers[i].keyid))
		return false;
	envelope_pae(&s->envelope, &pae);
	bool holds =
	    buffer_ok(&pae) && signature_holds(key, buffer_span(&pae), &s->envelope.signatures[i].sig);
	buffer_free(&pae);
	return holds;
}

bool mft_countersign(const struct mft_signed *s, const struct secret_key *key, struct buffer *to,
		     struct mft_failure *ret_failure)
{
	struct envelope e = s->envelope;

	if (s->complete) {
		mft_fail(ret_failure, MFT_FAULT_LOCAL, "event.complete", "every signer has signed this event",
			 "该事件的签署人均已签署", NULL);
		return false;
	}
	if (!keyid_is(key, &s->event.signers[e.signatures_n].keyid)) {
		mft_fail(ret_failure, MFT_FAULT_LOCAL, "event.not_my_turn",
			 "this event does not wait for this key's signature", "该事件等待的不是此密钥的签名",
			 NULL);
		return false;
	}
	e.signatures[e.signatures_n] = signature_of(&e, key);
	e.signatures_n++;
	if (envelope_encode(&e, to))
		return true;
	mft_fail(ret_failure, MFT_FAULT_LOCAL, "memory", "out of memory", "内存不足", NULL);
	return false;
}
