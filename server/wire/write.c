/*
 * From values to bytes, in the canonical form, straight into the buffer: fields in the order of their
 * numbers, nothing that is zero, the shortest varints. No memory but the buffer's is taken.
 */
#include "wire/schema.h"

#include <stdio.h>

#include "base/text.h"
#include "core/event.h"
#include "wire/varint.h"

enum wire_type { WIRE_VARINT = 0, WIRE_BYTES = 2 };

static void put_tag(struct buffer *to, uint32_t id, enum wire_type type)
{
	varint_put(to, (uint64_t)id << 3 | type);
}

/* ---- what stands after the tag; nothing is written for the default ---- */

static uint64_t scalar(const struct field *f, const void *value)
{
	uint32_t narrow = 0;
	uint64_t wide = 0;

	if (f->shape == SHAPE_BOOL)
		return *(const bool *)value ? 1 : 0;
	if (f->shape == SHAPE_U64 || f->shape == SHAPE_I64) {
		memcpy(&wide, value, sizeof(wide));
		return wide;
	}
	memcpy(&narrow, value, sizeof(narrow));
	if (f->shape == SHAPE_S32)
		return narrow << 1 ^ (0 - (narrow >> 31));
	if (f->shape == SHAPE_ENUM)
		return (uint64_t)(int64_t)(int32_t)narrow;
	return narrow;
}

static bool all_zero(const uint8_t *p, size_t n)
{
	return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

/* The bytes of a text or bytes field; `room` holds those that must be made. */
static struct span content(const struct field *f, const void *value, char room[DIGEST_HEX + 1])
{
	struct span s = {0};
	uint64_t number;

	if (f->shape == SHAPE_TEXT || f->shape == SHAPE_BYTES) {
		memcpy(&s, value, sizeof(s));
	} else if (f->shape == SHAPE_CREDIT) {
		s = span_of(value, strnlen(value, CREDIT_CODE_SIZE));
	} else if (f->shape == SHAPE_FIXED) {
		s = span_of(value, all_zero(value, (size_t)f->max) ? 0 : (size_t)f->max);
	} else if (f->shape == SHAPE_HEX) {
		hex_encode(span_of(value, DIGEST_SIZE), room);
		s = span_of(room, DIGEST_HEX);
	} else if (f->shape == SHAPE_NUMBER) {
		memcpy(&number, value, sizeof(number));
		int n =
		    number == 0 ? 0 : snprintf(room, DIGEST_HEX + 1, "%014llu", (unsigned long long)number);
		s = span_of(room, (size_t)n);
	}
	return s;
}

static bool write_fields(const struct message *m, const uint8_t *value, struct buffer *to);

/* The length goes in front when the content is there: it is seldom longer than one byte is for. */
static bool put_message(struct buffer *to, uint32_t id, const struct message *m, const uint8_t *value,
			bool always)
{
	uint8_t length[VARINT_MAX];
	size_t begin = to->n;

	put_tag(to, id, WIRE_BYTES);
	buffer_put_u8(to, 0);
	size_t from = to->n;
	if (!write_fields(m, value, to) || !buffer_ok(to))
		return false;
	size_t n = to->n - from;
	if (n == 0 && !always) {
		to->n = begin;
		return true;
	}
	size_t more = varint_bytes(n, length) - 1;
	if (more > 0) {
		if (buffer_reserve(to, more) == NULL)
			return false;
		memmove(to->p + from + more, to->p + from, n);
		to->n += more;
	}
	memcpy(to->p + from - 1, length, more + 1);
	return true;
}

/* One field or one element of a list. `always`: also when it is the default. */
static bool put_one(struct buffer *to, const struct field *f, uint32_t id, const uint8_t *value, bool always)
{
	char room[DIGEST_HEX + 1];

	switch (f->shape) {
	case SHAPE_MESSAGE: return put_message(to, id, f->message, value, always);
	case SHAPE_TEXT:
	case SHAPE_NUMBER:
	case SHAPE_CREDIT:
	case SHAPE_HEX:
	case SHAPE_BYTES:
	case SHAPE_FIXED: {
		struct span s = content(f, value, room);
		if (s.n == 0 && !always)
			return true;
		put_tag(to, id, WIRE_BYTES);
		varint_put(to, s.n);
		buffer_put_span(to, s);
		return true;
	}
	case SHAPE_U32:
	case SHAPE_U64:
	case SHAPE_S32:
	case SHAPE_I64:
	case SHAPE_BOOL:
	case SHAPE_ENUM: {
		uint64_t v = scalar(f, value);
		if (v == 0 && !always)
			return true;
		put_tag(to, id, WIRE_VARINT);
		varint_put(to, v);
		return true;
	}
	case SHAPE_MASK:
	case SHAPE_COUNTS:
	case SHAPES: break;
	}
	return false;
}

/* ---- lists ---- */

/* Enums of a list are packed: one field, one length. */
static void put_enums(struct buffer *to, uint32_t id, const uint8_t *array, size_t n)
{
	uint8_t bytes[VARINT_MAX];
	size_t length = 0;
	int number;

	for (size_t i = 0; i < n; i++) {
		memcpy(&number, array + i * sizeof(number), sizeof(number));
		length += varint_bytes((uint64_t)number, bytes);
	}
	if (n == 0)
		return;
	put_tag(to, id, WIRE_BYTES);
	varint_put(to, length);
	for (size_t i = 0; i < n; i++) {
		memcpy(&number, array + i * sizeof(number), sizeof(number));
		varint_put(to, (uint64_t)number);
	}
}

static void put_mask(struct buffer *to, uint32_t id, const uint8_t *value)
{
	int numbers[32];
	size_t n = 0;
	uint32_t mask;

	memcpy(&mask, value, sizeof(mask));
	for (int i = 0; i < 32; i++)
		if ((mask >> i & 1) != 0)
			numbers[n++] = i;
	put_enums(to, id, (const uint8_t *)numbers, n);
}

static void put_counts(struct buffer *to, uint32_t id, const uint8_t *value, size_t states)
{
	uint8_t bytes[2][VARINT_MAX];

	for (size_t state = 1; state < states; state++) {
		uint64_t count;
		memcpy(&count, value + state * sizeof(count), sizeof(count));
		if (count == 0)
			continue;
		size_t n = varint_bytes(state, bytes[0]);
		size_t m = varint_bytes(count, bytes[1]);
		put_tag(to, id, WIRE_BYTES);
		varint_put(to, 1 + n + 1 + m);
		put_tag(to, 1, WIRE_VARINT);
		varint_put(to, state);
		put_tag(to, 2, WIRE_VARINT);
		varint_put(to, count);
	}
}

static bool put_list(struct buffer *to, const struct field *f, const ProtobufCFieldDescriptor *d,
		     const uint8_t *value)
{
	const uint8_t *array = value + f->at;
	size_t n;

	if (f->shape == SHAPE_MASK) {
		put_mask(to, d->id, array);
		return true;
	}
	if (f->shape == SHAPE_COUNTS) {
		put_counts(to, d->id, array, f->most + 1);
		return true;
	}
	memcpy(&n, value + f->count_at, sizeof(n));
	if (!f->in_place)
		memcpy(&array, value + f->at, sizeof(array));
	if (f->shape == SHAPE_ENUM) {
		put_enums(to, d->id, array, n);
		return true;
	}
	if (d->label != PROTOBUF_C_LABEL_REPEATED && n > 1)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!put_one(to, f, d->id, array + i * field_size(f), true))
			return false;
	return true;
}

/* ---- messages ---- */

static bool write_fields(const struct message *m, const uint8_t *value, struct buffer *to)
{
	bool choice = false; /* the value tells which member of a oneof is meant */
	bool made = false;

	for (size_t i = 0; i < m->fields_n; i++) {
		const struct field *f = &m->fields[i];
		const ProtobufCFieldDescriptor *d = &m->descriptor->fields[i];
		if (f->chosen != 0) {
			int chosen;
			memcpy(&chosen, value + f->choice_at, sizeof(chosen));
			choice = true;
			if (chosen != f->chosen)
				continue;
			made = true;
		}
		if (f->present_at != 0 && !*(const bool *)(value + f->present_at))
			continue;
		bool put = field_is_list(f) ? put_list(to, f, d, value)
					    : put_one(to, f, d->id, value + f->at, f->chosen != 0);
		if (!put)
			return false;
	}
	return made || !choice;
}

bool message_encode(const struct message *m, const void *value, struct buffer *to)
{
	return write_fields(m, value, to) && buffer_ok(to);
}
