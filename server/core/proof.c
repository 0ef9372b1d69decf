/* The text of a receipt, and what a reader checks before believing it. */
#include "core/proof.h"

#include <inttypes.h>

#include "base/text.h"
#include "core/hash_lines.h"

#define PROOF_HEADER "c2sp.org/tlog-proof@v1"

void proof_put(struct buffer *to, uint64_t index, const struct digest *hashes, size_t hashes_n,
	       struct span checkpoint)
{
	buffer_printf(to, PROOF_HEADER "\nindex %" PRIu64 "\n", index);
	hash_lines_put(to, hashes, hashes_n);
	buffer_put_span(to, checkpoint);
}

/* What follows `word` and a space in a line. */
static bool after_word(struct span line, const char *word, struct span *ret_value)
{
	size_t n = strlen(word);

	if (line.n <= n || memcmp(line.p, word, n) != 0 || line.p[n] != ' ')
		return false;
	*ret_value = span_of(line.p + n + 1, line.n - n - 1);
	return true;
}

/* Canonical base64 of any length: decoded in pieces, of which only the last may be padded. */
static bool is_base64(struct span text)
{
	enum { PIECE = 64 };
	uint8_t bytes[PIECE / 4 * 3];
	size_t n = 0;

	for (size_t i = 0; i < text.n; i += PIECE) {
		size_t piece = text.n - i < PIECE ? text.n - i : PIECE;
		if (!base64_decode(span_of(text.p + i, piece), bytes, sizeof(bytes), &n))
			return false;
		if (i + piece < text.n && n != sizeof(bytes))
			return false;
	}
	return text.n > 0;
}

bool proof_parse(struct span text, struct proof *ret_proof)
{
	struct proof p = {.hashes_n = 0};
	struct span rest = text;
	struct span line;
	struct span value;

	if (text.n > PROOF_SIZE_MAX || !span_cut(&rest, '\n', &line) || !span_eq_str(line, PROOF_HEADER))
		return false;
	if (!span_cut(&rest, '\n', &line))
		return false;
	if (after_word(line, "extra", &value)) {
		if (!is_base64(value) || !span_cut(&rest, '\n', &line))
			return false;
		p.extra = value;
	}
	if (!after_word(line, "index", &value) || !decimal_parse(value, &p.index))
		return false;
	if (!hash_lines_take(&rest, p.hashes, MERKLE_PROOF_MAX, &p.hashes_n))
		return false;
	p.checkpoint = rest;
	*ret_proof = p;
	return true;
}

enum log_failure receipt_verify(struct span proof, struct span entry, struct span origin,
				const struct note_key *log_key, struct receipt_facts *ret_receipt)
{
	struct proof p;
	struct checkpoint c;

	if (!proof_parse(proof, &p))
		return LOG_PROOF_MALFORMED;
	struct digest leaf = merkle_leaf(entry);
	enum log_failure failure = checkpoint_open(p.checkpoint, origin, log_key, &c);
	if (failure != LOG_HOLDS)
		return failure;
	if (p.index >= c.size)
		return LOG_INDEX_OUTSIDE;
	if (!merkle_inclusion_holds(p.index, c.size, &leaf, p.hashes, p.hashes_n, &c.root))
		return LOG_NOT_INCLUDED;
	*ret_receipt = (struct receipt_facts){.index = p.index, .checkpoint = c};
	return LOG_HOLDS;
}
