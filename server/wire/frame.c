#include "wire/frame.h"

enum frame_state frame_next(struct span arrived, struct span *ret_frame, size_t *ret_need)
{
	if (arrived.n < FRAME_HEAD) {
		*ret_need = FRAME_HEAD;
		return FRAME_MORE;
	}
	size_t n = read_be32(arrived.p);
	if (n == 0 || n > FRAME_MAX)
		return FRAME_BAD;
	if (arrived.n - FRAME_HEAD < n) {
		*ret_need = FRAME_HEAD + n;
		return FRAME_MORE;
	}
	*ret_frame = span_of(arrived.p + FRAME_HEAD, n);
	return FRAME_HERE;
}

size_t frame_open(struct buffer *to)
{
	size_t begin = to->n;

	buffer_put_be32(to, 0);
	return begin;
}

bool frame_close(struct buffer *to, size_t begin)
{
	if (!buffer_ok(to) || to->n - begin < FRAME_HEAD)
		return false;
	size_t n = to->n - begin - FRAME_HEAD;
	if (n == 0 || n > FRAME_MAX) {
		to->n = begin;
		return false;
	}
	for (size_t i = 0; i < FRAME_HEAD; i++)
		to->p[begin + i] = (uint8_t)(n >> (8 * (FRAME_HEAD - 1 - i)));
	return true;
}
