/* Owns the walk over the rows of wire/schema.h that makes JSON, and the text made from that. */
#include "manifest/event_text.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/text.h"
#include "core/details.h"
#include "core/number.h"
#include "core/quantity.h"
#include "core/time_text.h"
#include "core/words.h"
#include "manifest/jsontext.h"
#include "manifest/print.h"
#include "wire/schema.h"

#define DETAIL_NAME    "detail"
#define DETAIL_ZH_NAME "detail_zh"

static json_t *message_json(const struct message *m, const uint8_t *value);

static json_t *enum_json(const ProtobufCFieldDescriptor *d, int number)
{
	const ProtobufCEnumDescriptor *e = d->descriptor;
	const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(e, number);
	const ProtobufCEnumValue *none = protobuf_c_enum_descriptor_get_value(e, 0);
	char word[64];
	size_t n = 0;

	if (v == NULL || none == NULL || strlen(none->name) <= strlen("UNSPECIFIED"))
		return json_integer(number);
	/* The word of core/words.h: without what all names of the enum begin with, in lower case. */
	for (const char *p = v->name + strlen(none->name) - strlen("UNSPECIFIED"); *p != '\0'; p++)
		if (n < sizeof(word) - 1)
			word[n++] = (char)tolower((unsigned char)*p);
	word[n] = '\0';
	return json_string(word);
}

static json_t *number_json(const uint8_t *value)
{
	char text[NUMBER_DIGITS + 1] = "";
	uint64_t number;

	memcpy(&number, value, sizeof(number));
	if (number != 0)
		manifest_number_format(number, text);
	return json_string(text);
}

static json_t *hex_json(struct span s)
{
	struct buffer text = BUFFER_EMPTY;

	buffer_put_hex(&text, s);
	json_t *value = json_of_span(buffer_span(&text));
	buffer_free(&text);
	return value;
}

static bool is_zero(const uint8_t *p, size_t n)
{
	return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

static json_t *one_json(const struct field *f, const ProtobufCFieldDescriptor *d, const uint8_t *value)
{
	struct span s;
	int64_t wide = 0;
	int32_t narrow = 0;

	switch (f->shape) {
	case SHAPE_MESSAGE: return message_json(f->message, value);
	case SHAPE_TEXT: memcpy(&s, value, sizeof(s)); return json_of_span(s);
	case SHAPE_BYTES: memcpy(&s, value, sizeof(s)); return json_of_base64(s);
	case SHAPE_CREDIT:
		return json_of_span(span_of(value, strnlen((const char *)value, CREDIT_CODE_SIZE)));
	case SHAPE_NUMBER: return number_json(value);
	case SHAPE_HEX: return hex_json(span_of(value, DIGEST_SIZE));
	case SHAPE_FIXED:
		return hex_json(span_of(value, is_zero(value, (size_t)f->max) ? 0 : (size_t)f->max));
	case SHAPE_BOOL: return json_boolean(*(const bool *)value);
	case SHAPE_U64: memcpy(&wide, value, sizeof(wide)); return json_of_u64((uint64_t)wide);
	case SHAPE_I64: memcpy(&wide, value, sizeof(wide)); return json_of_i64(wide);
	case SHAPE_U32: memcpy(&narrow, value, sizeof(narrow)); return json_integer((uint32_t)narrow);
	case SHAPE_S32: memcpy(&narrow, value, sizeof(narrow)); return json_integer(narrow);
	case SHAPE_ENUM: memcpy(&narrow, value, sizeof(narrow)); return enum_json(d, narrow);
	case SHAPE_MASK:
	case SHAPE_COUNTS:
	case SHAPES: break;
	}
	return NULL;
}

static json_t *counts_json(const struct field *f, const uint8_t *value)
{
	json_t *object = json_object();

	for (size_t state = 1; state <= f->most; state++) {
		uint64_t count;
		memcpy(&count, value + f->at + state * sizeof(count), sizeof(count));
		if (count != 0)
			(void)json_object_set_new(object, word_of(state_words, (int)state)->name,
						  json_of_u64(count));
	}
	return object;
}

static json_t *list_json(const struct field *f, const ProtobufCFieldDescriptor *d, const uint8_t *value)
{
	const uint8_t *array = value + f->at;
	json_t *list = json_array();
	size_t n;

	memcpy(&n, value + f->count_at, sizeof(n));
	if (!f->in_place)
		memcpy(&array, value + f->at, sizeof(array));
	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(list, one_json(f, d, array + i * field_size(f)));
	return list;
}

/* Zero is never meaningful: fields that are zero are left out, as they are in the bytes. */
static bool is_there(const struct field *f, const uint8_t *value)
{
	size_t n = f->shape == SHAPE_TEXT || f->shape == SHAPE_BYTES ? sizeof(struct span) : field_size(f);
	struct span s;

	if (f->present_at != 0)
		return *(const bool *)(value + f->present_at);
	if (f->shape == SHAPE_TEXT || f->shape == SHAPE_BYTES) {
		memcpy(&s, value + f->at, sizeof(s));
		return s.n > 0;
	}
	if (f->shape == SHAPE_MESSAGE)
		return f->chosen != 0 || f->min != 0 || !is_zero(value + f->at, n);
	return f->shape == SHAPE_BOOL || !is_zero(value + f->at, n);
}

static json_t *in_chinese_json(const json_t *detail)
{
	struct buffer text = BUFFER_EMPTY;

	detail_in_chinese(span_of(json_string_value(detail), json_string_length(detail)), &text);
	json_t *value = json_of_span(buffer_span(&text));
	buffer_free(&text);
	return value;
}

/* A flag's detail, and what it is in Chinese: bytes say it in English only. */
static void put_one(json_t *object, const char *name, json_t *value)
{
	(void)json_object_set_new(object, name, value);
	if (strcmp(name, DETAIL_NAME) == 0)
		(void)json_object_set_new(object, DETAIL_ZH_NAME, in_chinese_json(value));
}

static json_t *message_json(const struct message *m, const uint8_t *value)
{
	json_t *object = json_object();

	for (size_t i = 0; i < m->fields_n; i++) {
		const struct field *f = &m->fields[i];
		const ProtobufCFieldDescriptor *d = &m->descriptor->fields[i];
		int chosen;
		if (f->chosen != 0) {
			memcpy(&chosen, value + f->choice_at, sizeof(chosen));
			if (chosen != f->chosen)
				continue;
		}
		if (f->shape == SHAPE_MASK)
			continue;
		if (f->shape == SHAPE_COUNTS)
			(void)json_object_set_new(object, f->name, counts_json(f, value));
		else if (field_is_list(f))
			(void)json_object_set_new(object, f->name, list_json(f, d, value));
		else if (is_there(f, value))
			put_one(object, f->name, one_json(f, d, value + f->at));
	}
	return object;
}

json_t *event_json(const struct event *e)
{
	json_t *object = message_json(&event_message, (const uint8_t *)e);

	(void)json_object_set_new(object, "id", json_of_digest(&e->id));
	return object;
}

static const struct field *field_named(const struct message *m, const char *name)
{
	for (size_t i = 0; i < m->fields_n; i++)
		if (strcmp(m->fields[i].name, name) == 0)
			return &m->fields[i];
	return NULL;
}

json_t *answer_json(const struct answer *a)
{
	const struct field *f = field_named(&frame_message, "answer");

	return f == NULL ? json_object() : message_json(f->message, (const uint8_t *)a);
}

json_t *flag_json(const struct flag_view *flag)
{
	const struct answer a = {.kind = ANSWER_FLAG, .flag = *flag};
	json_t *whole = answer_json(&a);
	json_t *value = json_incref(json_object_get(whole, "flag"));

	json_decref(whole);
	return value;
}

/* ---- for people ---- */

static bool names_time(const char *name)
{
	static const char *const names[] = {"occurred_at", "valid_from", "valid_until", "revoked_from",
					    "collect_by",  "arrive_by",  "due_at",      "at"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static const char *value_text(struct app *app, const char *name, const json_t *value)
{
	uint64_t number;
	const char *text = json_string_value(value);

	if (json_is_integer(value))
		return arena_printf(app->arena, "%lld", (long long)json_integer_value(value));
	if (json_is_boolean(value))
		return json_is_true(value) ? T(app, "yes", "是") : T(app, "no", "否");
	if (text != NULL && strcmp(name, DETAIL_NAME) == 0)
		return text_detail(app, span_str(text));
	if (text == NULL || !decimal_parse(span_str(text), &number) || number > INT64_MAX)
		return text;
	if (names_time(name))
		return text_time(app, (micros)number);
	if (strcmp(name, "grams") == 0 || strcmp(name, "capacity_grams") == 0 ||
	    strcmp(name, "grams_per_year") == 0)
		return text_grams(app, (int64_t)number);
	return text;
}

static void say(struct app *app, const char *path, const char *name, json_t *value);

static void say_object(struct app *app, const char *path, json_t *object)
{
	const char *credit = json_string_value(json_object_get(object, "credit_code"));
	const json_t *site = json_object_get(object, "site");
	const char *name;
	json_t *member;

	/* A party is read as one. */
	if (credit != NULL && json_is_integer(site) && json_object_size(object) == 2) {
		app_say(app, "  %-34s %s-%lld", path, credit, (long long)json_integer_value(site));
		return;
	}
	json_object_foreach(object, name, member)
	{
		if (strcmp(name, DETAIL_ZH_NAME) == 0)
			continue;
		const char *below = path[0] == '\0' ? name : arena_printf(app->arena, "%s.%s", path, name);
		say(app, below == NULL ? name : below, name, member);
	}
}

/* A field's name as people read it: with its unit in the value, and the zone of its times. */
static const char *label(struct app *app, const char *path, const char *name)
{
	static const char *const words[][2] = {
	    {"grams", "quantity"}, {"capacity_grams", "capacity"}, {"grams_per_year", "per_year"}};
	size_t n = strlen(path), tail = strlen(name);
	const char *text = NULL;

	for (size_t i = 0; i < ARRAY_LEN(words) && n >= tail; i++)
		if (strcmp(name, words[i][0]) == 0)
			text = arena_printf(app->arena, "%.*s%s", (int)(n - tail), path, words[i][1]);
	if (names_time(name))
		text = arena_printf(app->arena, "%s (+08:00)", path);
	return text == NULL ? path : text;
}

static void say(struct app *app, const char *path, const char *name, json_t *value)
{
	size_t i;
	json_t *item;

	if (json_is_object(value)) {
		say_object(app, path, value);
	} else if (json_is_array(value)) {
		json_array_foreach(value, i, item)
		{
			const char *below = arena_printf(app->arena, "%s[%zu]", path, i);
			say(app, below == NULL ? path : below, name, item);
		}
	} else {
		const char *text = value_text(app, name, value);
		app_say(app, "  %-34s %s", label(app, path, name), text == NULL ? "" : text);
	}
}

void event_say(struct app *app, const struct event *e)
{
	const struct word *kind = word_of(event_words, (int)e->kind);
	json_t *object = event_json(e);

	app_say(app, "%s%s%s  %s", paint(app, PAINT_STRONG), T(app, kind->en, kind->zh),
		paint(app, PAINT_END), text_digest(app, &e->id));
	(void)json_object_del(object, "id");
	say_object(app, "", object);
	json_decref(object);
}
