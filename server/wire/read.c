/*
 * From protobuf-c's structs to values: one walk over the rows of the schema checks every field at every depth
 * and fills in the value. The walk goes on after a problem, so that all are found. Depth is bounded by the
 * schema, which has no message inside itself.
 */
#include "wire/schema.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "core/event.h"

/* Where the walk is: a chain from the field up to the root, written out only when there is a problem. */
struct place {
	const struct place *up;
	const char *name;
	size_t index;
	bool indexed;
};

struct reader {
	struct arena *arena;
	struct problems *problems;
	bool starved; /* the arena's limit was met */
};

static void place_write(const struct place *at, char *text, size_t cap)
{
	size_t n = 0;

	if (at->up != NULL) {
		place_write(at->up, text, cap);
		n = strlen(text);
	} else {
		text[0] = '\0';
	}
	if (at->name != NULL) {
		(void)snprintf(text + n, cap - n, "%s%s", n > 0 ? "." : "", at->name);
		n += strlen(text + n);
	}
	if (at->indexed)
		(void)snprintf(text + n, cap - n, "[%zu]", at->index);
}

static void report(struct reader *r, const struct place *at, const struct rule *rule, const char *found,
		   const char *allowed)
{
	char path[160];

	place_write(at, path, sizeof(path));
	problem_add(r->problems, rule, path, found, allowed);
}

static void report_range(struct reader *r, const struct place *at, const struct rule *rule, const char *found,
			 int64_t min, int64_t max, bool is_unsigned)
{
	char allowed[64];

	if (is_unsigned)
		(void)snprintf(allowed, sizeof(allowed), "%" PRIu64 " to %" PRIu64, (uint64_t)min,
			       (uint64_t)max);
	else
		(void)snprintf(allowed, sizeof(allowed), "%" PRId64 " to %" PRId64, min, max);
	report(r, at, rule, found, allowed);
}

/* ---- one value of each shape ---- */

/* Not there: `allowed` says what should be. */
static void report_missing(struct reader *r, const struct field *f, const struct place *at)
{
	char allowed[96];

	if (f->shape == SHAPE_MESSAGE)
		(void)snprintf(allowed, sizeof(allowed), "one %s", f->message->descriptor->short_name);
	else if (f->shape == SHAPE_FIXED || f->min == f->max)
		(void)snprintf(allowed, sizeof(allowed), "%" PRId64 " bytes", f->max);
	else
		(void)snprintf(allowed, sizeof(allowed), "%" PRId64 " to %" PRId64 " bytes", f->min, f->max);
	report(r, at, CODEC(MISSING), "nothing", allowed);
}

static bool length_holds(struct reader *r, const struct field *f, size_t n, const struct place *at)
{
	char found[32];

	if (n >= (size_t)f->min && n <= (size_t)f->max)
		return true;
	if (n == 0) {
		report_missing(r, f, at);
		return false;
	}
	(void)snprintf(found, sizeof(found), "%zu bytes", n);
	report_range(r, at, CODEC(LENGTH), found, f->min, f->max, true);
	return false;
}

/* The text of a string field, empty when it is absent. False: a problem was added. */
static bool text_holds(struct reader *r, const struct field *f, const void *member, const struct place *at,
		       struct span *ret_text)
{
	const struct rule *rule = NULL;
	const char *allowed = "";
	char *string;

	memcpy(&string, member, sizeof(string));
	struct span text = span_str(string);
	if (text.n > 0 && !pattern_holds(f->pattern, text, &rule, &allowed)) {
		char found[128] = "";
		if (rule != CODEC(TEXT) && text.n < sizeof(found))
			(void)snprintf(found, sizeof(found), "%.*s", SPAN_ARG(text));
		report(r, at, rule, found, allowed);
		return false;
	}
	if (!length_holds(r, f, text.n, at))
		return false;
	*ret_text = text;
	return true;
}

static void read_text(struct reader *r, const struct field *f, const ProtobufCFieldDescriptor *d,
		      const void *member, void *value, const struct place *at)
{
	struct span text;

	(void)d;
	if (text_holds(r, f, member, at, &text))
		memcpy(value, &text, sizeof(text));
}

static void read_number(struct reader *r, const struct field *f, const ProtobufCFieldDescriptor *d,
			const void *member, void *value, const struct place *at)
{
	struct span text;
	uint64_t number = 0;

	(void)d;
	if (!text_holds(r, f, member, at, &text))
		return;
	for (size_t i = 0; i < text.n; i++)
		number = number * 10 + (uint64_t)(text.p[i] - '0');
	memcpy(value, &number, sizeof(number));
}

static void read_credit(struct reader *r, const struct field *f, const ProtobufCFieldDescriptor *d,
			const void *member, void *value, const struct place *at)
{
	struct span text;

	(void)d;
	if (text_holds(r, f, member, at, &text) && text.n > 0)
		memcpy(value, text.p, text.n);
}

static void read_hex(struct reader *r, const struct field *f, const ProtobufCFieldDescriptor *d,
		     const void *member, void *value, const struct place *at)
{
	struct span text;

	(void)d;
	if (text_holds(r, f, member, at, &text) && !hex_decode(text, value, DIGEST_SIZE))
		report(r, at, CODEC(LENGTH), "", "64 hex digits");
}

static void read_bytes(struct reader *r, const struct field *f, const ProtobufCFieldDescriptor *d,
		       const void *member, void *value, const struct place *at)
{
	ProtobufCBinaryData data;

	(void)d;
	memcpy(&data, member, sizeof(data));
	struct span bytes = span_of(data.data, data.len);
	if (length_holds(r, f, bytes.n, at))
		memcpy(value, &bytes, sizeof(bytes));
}

static void read_fixed(struct reader *r, const struct field *f, const ProtobufCFieldDescriptor *d,
		       const void *member, void *value, const struct place *at)
{
	ProtobufCBinaryData data;
	char found[32];
	uint8_t any = 0;

	(void)d;
	memcpy(&data, member, sizeof(data));
	if (data.len == 0 && f->min == 0)
		return;
	if (data.len == 0) {
		report_missing(r, f, at);
		return;
	}
	if (data.len != (size_t)f->max) {
		(void)snprintf(found, sizeof(found), "%zu bytes", data.len);
		report_range(r, at, CODEC(LENGTH), found, f->max, f->max, true);
		return;
	}
	for (size_t i = 0; i < data.len; i++)
		any |= data.data[i];
	if (any == 0)
		report(r, at, CODEC(ZERO), "only zeros", "bytes that are not all zero");
	memcpy(value, data.data, data.len);
}

static void read_unsigned(struct reader *r, const struct field *f, const ProtobufCFieldDescriptor *d,
			  const void *member, void *value, const struct place *at)
{
	char found[32];
	uint32_t narrow;
	uint64_t wide;
	bool is_narrow = d->type == PROTOBUF_C_TYPE_UINT32;

	memcpy(is_narrow ? (void *)&narrow : (void *)&wide, member,
	       is_narrow ? sizeof(narrow) : sizeof(wide));
	if (is_narrow)
		wide = narrow;
	if (wide < (uint64_t)f->min || wide > (uint64_t)f->max) {
		(void)snprintf(found, sizeof(found), "%" PRIu64, wide);
		report_range(r, at, CODEC(RANGE), found, f->min, f->max, true);
	}
	memcpy(value, member, is_narrow ? sizeof(narrow) : sizeof(wide));
}

static void read_signed(struct reader *r, const struct field *f, const ProtobufCFieldDescriptor *d,
			const void *member, void *value, const struct place *at)
{
	char found[32];
	int32_t narrow;
	int64_t wide;
	bool is_narrow = d->type == PROTOBUF_C_TYPE_SINT32;

	memcpy(is_narrow ? (void *)&narrow : (void *)&wide, member,
	       is_narrow ? sizeof(narrow) : sizeof(wide));
	if (is_narrow)
		wide = narrow;
	if (wide < f->min || wide > f->max) {
		(void)snprintf(found, sizeof(found), "%" PRId64, wide);
		report_range(r, at, CODEC(RANGE), found, f->min, f->max, false);
	}
	memcpy(value, member, is_narrow ? sizeof(narrow) : sizeof(wide));
}

static void read_bool(struct reader *r, const struct field *f, const ProtobufCFieldDescriptor *d,
		      const void *member, void *value, const struct place *at)
{
	protobuf_c_boolean b;

	(void)r, (void)f, (void)d, (void)at;
	memcpy(&b, member, sizeof(b));
	*(bool *)value = b != 0;
}

static bool enum_allows(const struct field *f, int number)
{
	return f->max == 0 || (number < 63 && (f->max >> number & 1) != 0);
}

/* The values allowed, by name without the enum's prefix: "GENERATOR, FACILITY". */
static void enum_names(const struct field *f, const ProtobufCEnumDescriptor *d, char *text, size_t cap)
{
	size_t n = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < d->n_values && n < cap; i++) {
		if (d->values[i].value == 0 || !enum_allows(f, d->values[i].value))
			continue;
		(void)snprintf(text + n, cap - n, "%s%s", n > 0 ? ", " : "", d->values[i].name);
		n += strlen(text + n);
	}
}

static void read_enum(struct reader *r, const struct field *f, const ProtobufCFieldDescriptor *d,
		      const void *member, void *value, const struct place *at)
{
	const ProtobufCEnumDescriptor *values = d->descriptor;
	char found[32];
	char allowed[1024];
	int number;

	memcpy(&number, member, sizeof(number));
	const ProtobufCEnumValue *known = protobuf_c_enum_descriptor_get_value(values, number);
	if (number == 0 ? f->min > 0 : known == NULL || !enum_allows(f, number)) {
		(void)snprintf(found, sizeof(found), "%d", number);
		enum_names(f, values, allowed, sizeof(allowed));
		report(r, at, CODEC(ENUM), known == NULL ? found : known->name, allowed);
	}
	memcpy(value, &number, sizeof(number));
}

static void read_fields(struct reader *r, const struct message *m, const ProtobufCMessage *pb, void *value,
			const struct place *at);

static void read_message(struct reader *r, const struct field *f, const ProtobufCFieldDescriptor *d,
			 const void *member, void *value, const struct place *at)
{
	ProtobufCMessage *pb;

	(void)d;
	memcpy(&pb, member, sizeof(pb));
	if (pb != NULL)
		read_fields(r, f->message, pb, value, at);
	else if (f->min > 0)
		report_missing(r, f, at);
}

/* Adds the enum's number to the bits. */
static void read_mask(struct reader *r, const struct field *f, const ProtobufCFieldDescriptor *d,
		      const void *member, void *value, const struct place *at)
{
	int number = 0;
	uint32_t mask;

	read_enum(r, f, d, member, &number, at);
	memcpy(&mask, value, sizeof(mask));
	if (number >= 0 && number < 32)
		mask |= UINT32_C(1) << number;
	memcpy(value, &mask, sizeof(mask));
}

/* Adds one StateCount. */
static void read_count(struct reader *r, const struct field *f, const ProtobufCFieldDescriptor *d,
		       const void *member, void *value, const struct place *at)
{
	Manifest__V1__StateCount *count;

	(void)d;
	memcpy(&count, member, sizeof(count));
	if (count->base.n_unknown_fields > 0)
		report(r, at, CODEC(UNKNOWN_FIELD), "", "");
	if ((int)count->state <= 0 || (int)count->state >= f->max) {
		report(r, at, CODEC(ENUM), "", "");
		return;
	}
	((uint64_t *)value)[count->state] = count->count;
}

typedef void (*read_fn)(struct reader *r, const struct field *f, const ProtobufCFieldDescriptor *d,
			const void *member, void *value, const struct place *at);

static const read_fn readers[SHAPES] = {
    [SHAPE_TEXT] = read_text,       [SHAPE_NUMBER] = read_number, [SHAPE_CREDIT] = read_credit,
    [SHAPE_HEX] = read_hex,         [SHAPE_BYTES] = read_bytes,   [SHAPE_FIXED] = read_fixed,
    [SHAPE_U32] = read_unsigned,    [SHAPE_U64] = read_unsigned,  [SHAPE_S32] = read_signed,
    [SHAPE_I64] = read_signed,      [SHAPE_BOOL] = read_bool,     [SHAPE_ENUM] = read_enum,
    [SHAPE_MESSAGE] = read_message, [SHAPE_MASK] = read_mask,     [SHAPE_COUNTS] = read_count,
};

/* ---- fields, lists, messages ---- */

static void read_list(struct reader *r, const struct field *f, const ProtobufCFieldDescriptor *d,
		      const uint8_t *pb, uint8_t *value, const struct place *at)
{
	size_t n = 1;
	const uint8_t *members = pb + d->offset;
	size_t size = field_size(f);
	uint8_t *array = value + f->at;

	if (d->label == PROTOBUF_C_LABEL_REPEATED) {
		memcpy(&n, pb + d->quantifier_offset, sizeof(n));
		memcpy(&members, pb + d->offset, sizeof(members));
	}
	if (n < f->least || n > f->most) {
		char found[32];
		(void)snprintf(found, sizeof(found), "%zu", n);
		report_range(r, at, CODEC(COUNT), found, f->least, f->most, true);
		return;
	}
	if (n == 0)
		return;
	if (size > 0 && !f->in_place) {
		array = decode_alloc(r->arena, n * size);
		if (array == NULL) {
			r->starved = true;
			return;
		}
		memcpy(value + f->at, &array, sizeof(array));
	}
	for (size_t i = 0; i < n; i++) {
		struct place here = {.up = at, .index = i, .indexed = d->label == PROTOBUF_C_LABEL_REPEATED};
		readers[f->shape](r, f, d, members + i * shapes[f->shape].member_size, array + i * size,
				  &here);
	}
	if (size > 0)
		memcpy(value + f->count_at, &n, sizeof(n));
}

static void read_field(struct reader *r, const struct field *f, const ProtobufCFieldDescriptor *d,
		       const ProtobufCMessage *message, uint8_t *value, const struct place *up)
{
	const uint8_t *pb = (const uint8_t *)message;
	struct place at = {.up = up, .name = d->name};

	if (field_is_list(f))
		read_list(r, f, d, pb, value, &at);
	else
		readers[f->shape](r, f, d, pb + d->offset, value + f->at, &at);
	if (f->chosen != 0)
		memcpy(value + f->choice_at, &f->chosen, sizeof(f->chosen));
	if (f->present_at != 0) {
		const void *part;
		memcpy(&part, pb + d->offset, sizeof(part));
		*(bool *)(value + f->present_at) = part != NULL;
	}
}

static void read_fields(struct reader *r, const struct message *m, const ProtobufCMessage *pb, void *value,
			const struct place *at)
{
	bool choice = false; /* the message has a oneof */
	bool made = false;

	if (pb->n_unknown_fields > 0) {
		char found[32];
		(void)snprintf(found, sizeof(found), "field %" PRIu32, pb->unknown_fields[0].tag);
		report(r, at, CODEC(UNKNOWN_FIELD), found, "");
	}
	for (size_t i = 0; i < m->fields_n; i++) {
		const ProtobufCFieldDescriptor *d = &m->descriptor->fields[i];
		if ((d->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
			uint32_t chosen;
			memcpy(&chosen, (const uint8_t *)pb + d->quantifier_offset, sizeof(chosen));
			choice = true;
			if (chosen != d->id)
				continue;
			made = true;
		}
		read_field(r, &m->fields[i], d, pb, value, at);
	}
	if (choice && !made)
		report(r, at, CODEC(CHOICE), "", "");
}

bool message_decode(const struct message *m, struct span bytes, struct arena *arena,
		    struct problems *problems, void *ret_value)
{
	struct reader r = {.arena = arena, .problems = problems};
	struct place root = {0};
	unsigned before = problems->count + problems->more;

	ProtobufCMessage *pb = message_unpack(m, bytes, arena, problems);
	if (pb == NULL)
		return false;
	void *value = decode_alloc(arena, m->size);
	r.starved = value == NULL;
	if (value != NULL)
		read_fields(&r, m, pb, value, &root);
	if (r.starved)
		problem_add(problems, CODEC(MEMORY), "", "", "");
	if (value == NULL || problems->count + problems->more != before)
		return false;
	memcpy(ret_value, value, m->size);
	return true;
}
