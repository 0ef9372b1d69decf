#include "mutate.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct walk {
	const ProtobufCMessage *root;
	mutation_fn each;
	void *self;
	const struct field *field;
	char path[256];
};

static void tell(struct walk *w, const char *what, bool good)
{
	struct mutation m = {.field = w->field, .path = w->path, .what = what, .good = good};
	size_t n = protobuf_c_message_get_packed_size(w->root);
	uint8_t *bytes = malloc(n + 1);

	assert(bytes != NULL);
	(void)protobuf_c_message_pack(w->root, bytes);
	w->each(w->self, &m, span_of(bytes, n));
	free(bytes);
}

/* Puts another value into the member, tells, and puts the old one back. */
static void with(struct walk *w, void *member, const void *value, size_t size, const char *what, bool good)
{
	uint8_t old[32];

	assert(size <= sizeof(old));
	memcpy(old, member, size);
	memcpy(member, value, size);
	tell(w, what, good);
	memcpy(member, old, size);
}

static void with_text(struct walk *w, void *member, const char *text, const char *what, bool good)
{
	with(w, member, &text, sizeof(text), what, good);
}

static bool takes_digits(enum pattern p)
{
	return p == PATTERN_TEXT || p == PATTERN_LINES || p == PATTERN_UNSPACED || p == PATTERN_ORIGIN ||
	       p == PATTERN_EDITION || p == PATTERN_PERSON;
}

static void mutate_text(struct walk *w, void *member)
{
	static const char *const never[] = {"\x01",     "a\x7f",        "\xff\xfe",
					    "\xc0\x80", "\xed\xa0\x80", "a\xc2\x85"};
	const struct field *f = w->field;
	char *text = calloc(1, (size_t)f->max + 2);

	assert(text != NULL);
	for (size_t i = 0; i < ARRAY_LEN(never); i++)
		with_text(w, member, never[i], "unclean text", false);
	if (f->pattern != PATTERN_TEXT && f->pattern != PATTERN_LINES)
		with_text(w, member, "! + !", "text against its pattern", false);
	if (f->pattern != PATTERN_LINES)
		with_text(w, member, "1\n", "line feed", false);
	if (f->min > 0)
		with_text(w, member, "", "empty text", false);
	memset(text, '1', (size_t)f->max + 1);
	with_text(w, member, text, "text too long", false);
	text[f->max] = '\0';
	if (takes_digits(f->pattern))
		with_text(w, member, text, "longest text", true);
	text[f->min] = '\0';
	if (takes_digits(f->pattern))
		with_text(w, member, text, "shortest text", true);
	free(text);
}

static void mutate_bytes(struct walk *w, void *member)
{
	const struct field *f = w->field;
	uint8_t *bytes = calloc(1, (size_t)f->max + 1);
	ProtobufCBinaryData data = {.len = (size_t)f->max + 1, .data = bytes};

	assert(bytes != NULL);
	with(w, member, &data, sizeof(data), "bytes too long", false);
	data.len = 0;
	if (f->min > 0)
		with(w, member, &data, sizeof(data), "no bytes", false);
	data.len = (size_t)f->max;
	if (f->shape == SHAPE_FIXED)
		with(w, member, &data, sizeof(data), "all zeros", false);
	else
		with(w, member, &data, sizeof(data), "longest bytes", true);
	bytes[0] = 1;
	data.len = (size_t)f->max - 1;
	if (f->shape == SHAPE_FIXED)
		with(w, member, &data, sizeof(data), "bytes too short", false);
	free(bytes);
}

static void mutate_enum(struct walk *w, void *member)
{
	const struct field *f = w->field;

	for (int number = -1; number < 100; number++) {
		bool unknown = number < 0 || number == 99;
		bool barred = number > 0 && number < 63 && f->max != 0 && (f->max >> number & 1) == 0;
		if (unknown || barred || (number == 0 && f->min > 0))
			with(w, member, &number, sizeof(number), "enum not allowed", false);
	}
}

static void mutate_number(struct walk *w, void *member)
{
	const struct field *f = w->field;
	bool wide = f->shape == SHAPE_U64 || f->shape == SHAPE_I64;
	size_t size = wide ? 8 : 4;
	int64_t lowest = f->shape == SHAPE_I64 ? INT64_MIN : f->shape == SHAPE_S32 ? INT32_MIN : 0;
	uint64_t highest = f->shape == SHAPE_I64   ? INT64_MAX
			   : f->shape == SHAPE_S32 ? INT32_MAX
			   : f->shape == SHAPE_U32 ? UINT32_MAX
						   : UINT64_MAX;
	uint64_t below = (uint64_t)f->min - 1;
	uint64_t above = (uint64_t)f->max + 1;

	/* The low bytes of the wide integer are the narrow one: little-endian, as everything this runs on. */
	if (f->min != lowest)
		with(w, member, &below, size, "number below its range", false);
	if ((uint64_t)f->max != highest)
		with(w, member, &above, size, "number above its range", false);
	with(w, member, &f->min, size, "lowest number", true);
	with(w, member, &f->max, size, "highest number", true);
}

static void mutate_fields(struct walk *w, const struct message *m, ProtobufCMessage *message);

static void mutate_one(struct walk *w, const struct field *f, void *member)
{
	ProtobufCMessage *pb;
	ProtobufCMessage *none = NULL;

	w->field = f;
	switch (f->shape) {
	case SHAPE_TEXT:
	case SHAPE_NUMBER:
	case SHAPE_CREDIT:
	case SHAPE_HEX: mutate_text(w, member); break;
	case SHAPE_BYTES:
	case SHAPE_FIXED: mutate_bytes(w, member); break;
	case SHAPE_U32:
	case SHAPE_U64:
	case SHAPE_S32:
	case SHAPE_I64: mutate_number(w, member); break;
	case SHAPE_ENUM:
	case SHAPE_MASK: mutate_enum(w, member); break;
	case SHAPE_MESSAGE:
		memcpy(&pb, member, sizeof(pb));
		if (pb == NULL)
			break;
		if (f->min > 0 && !field_is_list(f) && f->chosen == 0)
			with(w, member, &none, sizeof(none), "part missing", false);
		mutate_fields(w, f->message, pb);
		break;
	case SHAPE_BOOL:
	case SHAPE_COUNTS:
	case SHAPES: break;
	}
}

/* A list of n times the first element. */
static void with_count(struct walk *w, const struct field *f, const ProtobufCFieldDescriptor *d, uint8_t *pb,
		       size_t n, const char *what, bool good)
{
	size_t size = shapes[f->shape].member_size;
	uint8_t *first;
	uint8_t *array = malloc(n * size + 1);

	assert(array != NULL);
	memcpy(&first, pb + d->offset, sizeof(first));
	for (size_t i = 0; i < n; i++)
		memcpy(array + i * size, first, size);
	uint8_t *old_array = first;
	size_t old_n;
	memcpy(&old_n, pb + d->quantifier_offset, sizeof(old_n));
	memcpy(pb + d->offset, &array, sizeof(array));
	w->field = f;
	with(w, pb + d->quantifier_offset, &n, sizeof(n), what, good);
	memcpy(pb + d->offset, &old_array, sizeof(old_array));
	free(array);
}

static void mutate_list(struct walk *w, const struct field *f, const ProtobufCFieldDescriptor *d, uint8_t *pb)
{
	size_t n;
	uint8_t *array;
	size_t end = strlen(w->path);

	memcpy(&n, pb + d->quantifier_offset, sizeof(n));
	memcpy(&array, pb + d->offset, sizeof(array));
	if (n == 0)
		return;
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(w->path + end, sizeof(w->path) - end, "[%zu]", i);
		mutate_one(w, f, array + i * shapes[f->shape].member_size);
		w->path[end] = '\0';
	}
	if (f->least > 0)
		with_count(w, f, d, pb, f->least - 1, "too few", false);
	with_count(w, f, d, pb, (size_t)f->most + 1, "too many", false);
	with_count(w, f, d, pb, f->most, "as many as may be", true);
}

static void mutate_fields(struct walk *w, const struct message *m, ProtobufCMessage *message)
{
	uint8_t *pb = (uint8_t *)message;

	for (size_t i = 0; i < m->fields_n; i++) {
		const ProtobufCFieldDescriptor *d = &m->descriptor->fields[i];
		size_t end = strlen(w->path);
		uint32_t chosen;
		if ((d->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
			memcpy(&chosen, pb + d->quantifier_offset, sizeof(chosen));
			if (chosen != d->id)
				continue;
		}
		(void)snprintf(w->path + end, sizeof(w->path) - end, "%s%s", end > 0 ? "." : "", d->name);
		if (d->label == PROTOBUF_C_LABEL_REPEATED)
			mutate_list(w, &m->fields[i], d, pb);
		else
			mutate_one(w, &m->fields[i], pb + d->offset);
		w->path[end] = '\0';
	}
}

void mutate(const struct message *m, struct span good, mutation_fn each, void *self)
{
	ProtobufCMessage *pb = protobuf_c_message_unpack(m->descriptor, NULL, good.n, good.p);
	struct walk w = {.root = pb, .each = each, .self = self};

	assert(pb != NULL);
	mutate_fields(&w, m, pb);
	protobuf_c_message_free_unpacked(pb, NULL);
}

bool field_has_limit(const struct field *f, const ProtobufCFieldDescriptor *d)
{
	if (d->label == PROTOBUF_C_LABEL_REPEATED)
		return true;
	switch (f->shape) {
	case SHAPE_BOOL: return false;
	case SHAPE_U32: return f->min > 0 || f->max != UINT32_MAX;
	case SHAPE_U64: return f->min > 0 || f->max != (int64_t)UINT64_MAX;
	case SHAPE_I64: return f->min != INT64_MIN || f->max != INT64_MAX;
	case SHAPE_MESSAGE: return f->min > 0 && f->chosen == 0;
	case SHAPE_TEXT:
	case SHAPE_NUMBER:
	case SHAPE_CREDIT:
	case SHAPE_HEX:
	case SHAPE_BYTES:
	case SHAPE_FIXED:
	case SHAPE_S32:
	case SHAPE_ENUM:
	case SHAPE_MASK:
	case SHAPE_COUNTS:
	case SHAPES: break;
	}
	return true;
}
