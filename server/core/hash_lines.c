/* Hashes one a line, up to an empty line. */
#include "core/hash_lines.h"

#include "base/text.h"

void hash_lines_put(struct buffer *to, const struct digest *hashes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		buffer_put_base64(to, digest_span(&hashes[i]));
		buffer_put_u8(to, '\n');
	}
	buffer_put_u8(to, '\n');
}

bool hash_lines_take(struct span *rest, struct digest *ret_hashes, size_t cap, size_t *ret_n)
{
	struct span after = *rest;
	struct span line;
	size_t n = 0;

	for (; span_cut(&after, '\n', &line); n++) {
		size_t bytes = 0;
		if (line.n == 0) {
			*rest = after;
			*ret_n = n;
			return true;
		}
		if (n == cap || !base64_decode(line, ret_hashes[n].b, DIGEST_SIZE, &bytes) ||
		    bytes != DIGEST_SIZE)
			return false;
	}
	return false;
}
