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
	struct span rest = text;
	struct span size;
	struct span root;
	size_t n = 0;
	struct checkpoint c;

	if (!span_cut(&rest, '\n', &c.origin) || !span_cut(&rest, '\n', &size) ||
	    !span_cut(&rest, '\n', &root) || rest.n != 0)
		return false;
	if (c.origin.n == 0 || !text_is_clean(c.origin) || !decimal_parse(size, &c.size))
		return false;
	if (!base64_decode(root, c.root.b, DIGEST_SIZE, &n) || n != DIGEST_SIZE)
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
