/* Owns the hello: who we are, signed over the server's challenge and its certificate, so that it is good here
 * alone. */
#include "libmanifest/session_internal.h"

enum { PROTOCOL_VERSION = 1 };

static bool hello_sign(const struct mft_session *s, const struct challenge *challenge, struct buffer *to)
{
	const struct hello hello = {
	    .nonce = challenge->nonce,
	    .binding = s->binding,
	    .role = s->config.role,
	    .keyid = s->keyid,
	    .agent = span_str(s->config.agent),
	    .size = mft_view_size(s->config.view),
	};
	struct buffer payload = BUFFER_EMPTY;
	struct buffer pae = BUFFER_EMPTY;
	bool good = hello_encode(&hello, &payload);

	if (good) {
		struct envelope e = {.payload = buffer_span(&payload),
				     .payload_type = span_str(HELLO_PAYLOAD_TYPE),
				     .signatures = {{.keyid = s->keyid}},
				     .signatures_n = 1};
		envelope_pae(&e, &pae);
		e.signatures[0].sig = sign(&s->config.secret, buffer_span(&pae));
		good = buffer_ok(&pae) && envelope_encode(&e, to);
	}
	buffer_free(&payload);
	buffer_free(&pae);
	return good;
}

void session_greet(struct mft_session *s, const struct challenge *challenge)
{
	const struct checkpoint_ref seen = mft_view_seen(s->config.view);
	struct buffer envelope = BUFFER_EMPTY;
	struct request *r = NULL;

	if (challenge->version != PROTOCOL_VERSION) {
		session_break_protocol(s, "it speaks another version of it");
		return;
	}
	if (!span_eq(challenge->origin, mft_view_origin(s->config.view))) {
		session_break_log(s, LOG_ORIGIN_DIFFERS, challenge->origin);
		return;
	}
	if (hello_sign(s, challenge, &envelope)) {
		struct frame f = {.kind = FRAME_HELLO, .hello = buffer_span(&envelope)};
		r = session_ask(s, FOR_HELLO, &f);
	}
	buffer_free(&envelope);
	if (r == NULL) {
		session_break_protocol(s, "out of memory");
		return;
	}
	r->from = (struct mft_place){.size = seen.size, .root = seen.root};
	s->stage = WAITS_FOR_WELCOME;
}
