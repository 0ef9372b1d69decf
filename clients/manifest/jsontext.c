#include "manifest/jsontext.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

json_t *json_object_parse(struct span text)
{
	json_t *value = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, NULL);

	if (value != NULL && !json_is_object(value)) {
		json_decref(value);
		value = NULL;
	}
	return value;
}

bool json_take_text(const json_t *object, const char *name, struct span *ret_text)
{
	const json_t *value = json_object_get(object, name);

	if (!json_is_string(value))
		return false;
	*ret_text = span_of(json_string_value(value), json_string_length(value));
	return true;
}

bool json_take_u64(const json_t *object, const char *name, uint64_t *ret_value)
{
	struct span text;

	return json_take_text(object, name, &text) && decimal_parse(text, ret_value);
}

bool json_take_hex(const json_t *object, const char *name, struct digest *ret_digest)
{
	struct span text;

	return json_take_text(object, name, &text) && hex_decode(text, ret_digest->b, DIGEST_SIZE);
}

bool json_take_base64(const json_t *object, const char *name, struct arena *arena, struct span *ret_bytes)
{
	struct span text;
	size_t n = 0;

	if (!json_take_text(object, name, &text))
		return false;
	uint8_t *bytes = arena_alloc(arena, text.n / 4 * 3 + 1);
	if (bytes == NULL || !base64_decode(text, bytes, text.n / 4 * 3, &n))
		return false;
	*ret_bytes = span_of(bytes, n);
	return true;
}

json_t *json_of_span(struct span s)
{
	json_t *value = s.n == 0 ? NULL : json_stringn((const char *)s.p, s.n);

	return value != NULL ? value : json_string("");
}

json_t *json_of_u64(uint64_t v)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRIu64, v);
	return json_string(text);
}

json_t *json_of_i64(int64_t v)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRId64, v);
	return json_string(text);
}

json_t *json_of_digest(const struct digest *d)
{
	char text[DIGEST_HEX + 1];

	digest_hex(d, text);
	return json_string(text);
}

json_t *json_of_base64(struct span s)
{
	struct buffer text = BUFFER_EMPTY;

	buffer_put_base64(&text, s);
	json_t *value = buffer_ok(&text) ? json_stringn((const char *)text.p, text.n) : NULL;
	buffer_free(&text);
	return value != NULL ? value : json_string("");
}

bool json_put(const json_t *value, struct buffer *to)
{
	char *text = json_dumps(value, JSON_INDENT(2) | JSON_PRESERVE_ORDER);

	if (text == NULL)
		return false;
	buffer_put_str(to, text);
	buffer_put_u8(to, '\n');
	free(text);
	return buffer_ok(to);
}

/* A number as RFC 8259 writes it, at the beginning of the span; 0: none. */
static size_t number_length(struct span s)
{
	size_t i = 0;

	i += i < s.n && s.p[i] == '-';
	size_t digits = i;
	while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
		i++;
	if (i == digits || (s.p[digits] == '0' && i > digits + 1))
		return 0;
	if (i < s.n && s.p[i] == '.') {
		size_t point = ++i;
		while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
			i++;
		if (i == point)
			return 0;
	}
	if (i < s.n && (s.p[i] == 'e' || s.p[i] == 'E')) {
		i++;
		i += i < s.n && (s.p[i] == '+' || s.p[i] == '-');
		size_t exponent = i;
		while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
			i++;
		if (i == exponent)
			return 0;
	}
	return i;
}

void json_quote_numbers(struct span file, struct buffer *to)
{
	bool in_string = false;

	for (size_t i = 0; i < file.n;) {
		uint8_t c = file.p[i];
		size_t n = in_string ? 0 : number_length(span_of(file.p + i, file.n - i));
		if (n > 0) {
			buffer_put_str(to, "\"\\u0001");
			buffer_put(to, file.p + i, n);
			buffer_put_u8(to, '"');
			i += n;
			continue;
		}
		if (c == '"')
			in_string = !in_string;
		buffer_put_u8(to, c);
		i++;
		if (in_string && c == '\\' && i < file.n)
			buffer_put_u8(to, file.p[i++]);
	}
}
