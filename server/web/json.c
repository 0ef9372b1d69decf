/* Owns how values look in JSON. */
#include "web/json.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/credit_code.h"
#include "core/number.h"
#include "core/time_text.h"

static json_t *made(struct making *m, json_t *value)
{
	m->failed |= value == NULL;
	return value;
}

json_t *json_begin(struct making *m)
{
	return made(m, json_object());
}

json_t *json_begin_list(struct making *m)
{
	return made(m, json_array());
}

void json_append(struct making *m, json_t *list, json_t *value)
{
	m->failed |= json_array_append_new(list, value) != 0;
}

void json_set(struct making *m, json_t *object, const char *key, json_t *value)
{
	m->failed |= json_object_set_new(object, key, value) != 0;
}

void json_set_text(struct making *m, json_t *object, const char *key, struct span text)
{
	json_set(m, object, key, json_stringn(text.n == 0 ? "" : (const char *)text.p, text.n));
}

void json_set_u64(struct making *m, json_t *object, const char *key, uint64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRIu64, value);
	json_set(m, object, key, json_string(text));
}

void json_set_i64(struct making *m, json_t *object, const char *key, int64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRId64, value);
	json_set(m, object, key, json_string(text));
}

void json_set_digest(struct making *m, json_t *object, const char *key, const struct digest *digest)
{
	char text[2 * DIGEST_SIZE + 1];

	if (digest_is_zero(digest)) {
		json_set(m, object, key, json_null());
		return;
	}
	digest_hex(digest, text);
	json_set(m, object, key, json_string(text));
}

void json_set_time(struct making *m, json_t *object, const char *key, micros at)
{
	char name[32];
	char text[TIME_TEXT_SIZE];

	(void)snprintf(name, sizeof(name), "%s_text", key);
	if (at == 0) {
		json_set(m, object, key, json_null());
		json_set(m, object, name, json_null());
		return;
	}
	time_format(at, text);
	json_set_i64(m, object, key, at);
	json_set(m, object, name, json_string(text));
}

json_t *json_party(const struct party_ref *party)
{
	char text[PARTY_REF_TEXT_SIZE];

	if (party_ref_is_absent(party))
		return json_null();
	party_ref_format(party, text);
	return json_string(text);
}

void json_set_party(struct making *m, json_t *object, const char *key, const struct party_ref *party)
{
	json_set(m, object, key, json_party(party));
}

void json_set_number(struct making *m, json_t *object, const char *key, uint64_t number)
{
	char text[NUMBER_DIGITS + 1];

	if (!manifest_number_is_valid(number)) {
		json_set(m, object, key, json_null());
		return;
	}
	manifest_number_format(number, text);
	json_set(m, object, key, json_string(text));
}

static int put(const char *text, size_t n, void *to)
{
	buffer_put(to, text, n);
	return 0;
}

bool json_finish(const struct making *m, json_t *object, struct buffer *to)
{
	bool good = !m->failed && json_dump_callback(object, put, to, JSON_COMPACT) == 0;

	json_decref(object);
	buffer_put_str(to, "\n");
	return good && buffer_ok(to);
}
