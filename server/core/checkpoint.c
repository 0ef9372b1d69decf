/* Checkpoints: their text, signing, reading, and whether one continues another. */
#include "core/checkpoint.h"

#include <inttypes.h>

#include "base/text.h"

void checkpoint_put_text(struct buffer *to, const struct checkpoint *c)
{
	buffer_put_span(to, c->origin);
	buffer_printf(to, "\n%" PRIu64 "\n", c->size);
	buffer_put_base64(to, digest_span(&c->root));
	buffer_put_u8(to, '\n');
}

bool checkpoint_parse_text(struct span text, struct checkpoint *ret_checkpoint)
{
	struct span lines[3];
	size_t from = 0;
	size_t n = 0;
	struct checkpoint c;

	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] != '\n')
			continue;
		if (n == ARRAY_LEN(lines))
			return false;
		lines[n++] = span_of(text.p + from, i - from);
		from = i + 1;
	}
	if (n != ARRAY_LEN(lines) || from != text.n || lines[0].n == 0 || !text_is_clean(lines[0]))
		return false;
	c.origin = lines[0];
	if (!decimal_parse(lines[1], &c.size))
		return false;
	if (!base64_decode(lines[2], c.root.b, DIGEST_SIZE, &n) || n != DIGEST_SIZE)
		return false;
	*ret_checkpoint = c;
	return true;
}

void checkpoint_sign(struct buffer *to, const struct checkpoint *c, const struct note_key *key,
		     const struct secret_key *secret)
{
	struct buffer text = BUFFER_EMPTY;

	checkpoint_put_text(&text, c);
	buffer_put_span(to, buffer_span(&text));
	buffer_put_u8(to, '\n');
	note_put_signature(to, key, secret, 0, buffer_span(&text));
	to->broken = to->broken || !buffer_ok(&text);
	buffer_free(&text);
}

enum log_failure checkpoint_open(struct span note, struct span origin, const struct note_key *log_key,
				 struct checkpoint *ret_checkpoint)
{
	struct span text;
	struct checkpoint c;
	enum log_failure failure = note_open(note, log_key, 1, &text, NULL);

	if (failure != LOG_HOLDS)
		return failure;
	if (!checkpoint_parse_text(text, &c))
		return LOG_CHECKPOINT_MALFORMED;
	if (!span_eq(c.origin, origin))
		return LOG_ORIGIN_DIFFERS;
	*ret_checkpoint = c;
	return LOG_HOLDS;
}

enum log_failure checkpoint_follows(const struct checkpoint *from, const struct checkpoint *to,
				    const struct digest *proof, size_t proof_n)
{
	if (!span_eq(from->origin, to->origin))
		return LOG_ORIGIN_DIFFERS;
	if (to->size < from->size)
		return LOG_WENT_BACK;
	/* Nothing is the beginning of everything; no proof says so. */
	bool holds = from->size == 0 ? proof_n == 0
				     : merkle_consistency_holds(from->size, to->size, proof, proof_n,
								&from->root, &to->root);
	return holds ? LOG_HOLDS : LOG_NOT_CONSISTENT;
}
