/*
 * The log entry is written and read by hand, because the envelope in it must stay byte for byte what was
 * received: field 1, the envelope; field 2, accepted_at.
 */
#include "wire/envelope.h"
#include "wire/varint.h"

enum { TAG_ENVELOPE = 1 << 3 | 2, TAG_ACCEPTED_AT = 2 << 3 | 0 };

static bool take_tag(struct span *from, uint8_t tag)
{
	if (from->n == 0 || from->p[0] != tag)
		return false;
	*from = span_of(from->p + 1, from->n - 1);
	return true;
}

bool log_entry_encode(const struct log_entry *entry, struct buffer *to)
{
	size_t begin = to->n;

	buffer_put_u8(to, TAG_ENVELOPE);
	varint_put(to, entry->envelope.n);
	buffer_put_span(to, entry->envelope);
	buffer_put_u8(to, TAG_ACCEPTED_AT);
	varint_put(to, (uint64_t)entry->accepted_at);
	if (buffer_ok(to) && to->n - begin > LOG_ENTRY_MAX) {
		to->n = begin;
		return false;
	}
	return buffer_ok(to);
}

bool log_entry_decode(struct span bytes, struct log_entry *ret_entry)
{
	uint64_t n;
	uint64_t accepted_at;

	if (bytes.n > LOG_ENTRY_MAX || !take_tag(&bytes, TAG_ENVELOPE) || !varint_take(&bytes, &n) ||
	    n == 0 || n > bytes.n)
		return false;
	struct span envelope = span_of(bytes.p, (size_t)n);
	bytes = span_of(bytes.p + n, bytes.n - (size_t)n);
	if (!take_tag(&bytes, TAG_ACCEPTED_AT) || !varint_take(&bytes, &accepted_at) || bytes.n > 0)
		return false;
	if (accepted_at == 0 || accepted_at > INT64_MAX)
		return false;
	*ret_entry = (struct log_entry){.envelope = envelope, .accepted_at = (micros)accepted_at};
	return true;
}
