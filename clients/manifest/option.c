/* Owns the text forms of options. */
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "core/credit_code.h"
#include "core/number.h"
#include "core/quantity.h"
#include "core/time_text.h"
#include "manifest/command.h"
#include "manifest/log_source.h"

struct setting {
	struct app *app;
	const struct option_row *row;
	struct span text;
	uint8_t *at;
	size_t *count;
};

/* A slot at the end of a list, which has room for LIST_MAX from the start. */
static void *list_slot(const struct setting *s, size_t size)
{
	void **list = (void **)(void *)s->at;

	if (*list == NULL)
		*list = arena_array(s->app->arena, LIST_MAX, size);
	return *list == NULL || *s->count == LIST_MAX ? NULL : (uint8_t *)*list + (*s->count)++ * size;
}

static bool set_switch(const struct setting *s)
{
	*(bool *)s->at = true;
	return true;
}

static bool set_file(const struct setting *s)
{
	*(const char **)(void *)s->at = (const char *)s->text.p;
	return true;
}

static bool set_url(const struct setting *s)
{
	return set_file(s) && log_source_url((const char *)s->text.p);
}

static bool set_text(const struct setting *s)
{
	*(struct span *)(void *)s->at = s->text;
	return text_is_clean(s->text);
}

static bool set_span(const struct setting *s)
{
	struct span *slot = list_slot(s, sizeof(*slot));

	if (slot != NULL)
		*slot = s->text;
	return slot != NULL && text_is_clean(s->text);
}

static bool set_party(const struct setting *s)
{
	return party_ref_parse(s->text, (struct party_ref *)(void *)s->at);
}

static bool set_number(const struct setting *s)
{
	return manifest_number_parse(s->text, (uint64_t *)(void *)s->at);
}

static bool set_numbers(const struct setting *s)
{
	uint64_t *slot = list_slot(s, sizeof(*slot));

	return slot != NULL && manifest_number_parse(s->text, slot);
}

/* RFC 3339, a date (its first instant), "now", or from now: "+2h", "-3d". */
static bool set_time(const struct setting *s)
{
	micros *at = (micros *)(void *)s->at;
	civil_day day;
	uint64_t n;

	if (span_eq_str(s->text, "now")) {
		*at = app_now();
		return true;
	}
	if (date_parse(s->text, &day)) {
		*at = civil_day_start(day);
		return true;
	}
	if (s->text.n > 2 && (s->text.p[0] == '+' || s->text.p[0] == '-') &&
	    decimal_parse(span_of(s->text.p + 1, s->text.n - 2), &n) && n < 1000000) {
		static const struct {
			char unit;
			int64_t seconds;
		} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'y', 31536000}};
		for (size_t i = 0; i < ARRAY_LEN(units); i++) {
			int64_t delta = (int64_t)n * units[i].seconds * MICROS_PER_SECOND;
			if (s->text.p[s->text.n - 1] != (uint8_t)units[i].unit)
				continue;
			*at = micros_add(app_now(), s->text.p[0] == '-' ? -delta : delta);
			return true;
		}
		return false;
	}
	return time_parse(s->text, at);
}

static bool set_grams(const struct setting *s)
{
	return grams_parse(s->text, (int64_t *)(void *)s->at);
}

static bool set_u32(const struct setting *s)
{
	uint64_t value;

	if (!decimal_parse(s->text, &value) || value > UINT32_MAX)
		return false;
	*(uint32_t *)(void *)s->at = (uint32_t)value;
	return true;
}

static bool set_u64(const struct setting *s)
{
	return decimal_parse(s->text, (uint64_t *)(void *)s->at);
}

static bool set_word(const struct setting *s)
{
	const struct word *w = word_named(s->row->words, s->text);

	if (w != NULL)
		*(int *)(void *)s->at = w->value;
	return w != NULL;
}

static bool set_role(const struct setting *s)
{
	const struct word *w = word_named(role_words, s->text);
	enum role *slot = w == NULL ? NULL : list_slot(s, sizeof(*slot));

	if (slot != NULL)
		*slot = (enum role)w->value;
	return slot != NULL;
}

static bool set_mask(const struct setting *s)
{
	const struct word *w = word_named(s->row->words, s->text);

	if (w != NULL)
		*(uint32_t *)(void *)s->at |= UINT32_C(1) << w->value;
	return w != NULL;
}

static bool set_digest(const struct setting *s)
{
	return hex_decode(s->text, ((struct digest *)(void *)s->at)->b, DIGEST_SIZE);
}

static bool set_public(const struct setting *s)
{
	int status;

	return app_read_public(s->app, (const char *)s->text.p, (struct public_key *)(void *)s->at, &status);
}

/* Degrees with decimals, exactly, as 10^-7 degrees. */
static bool take_degrees(struct span text, int32_t *ret_degrees)
{
	bool minus = text.n > 0 && text.p[0] == '-';
	int64_t value = 0;
	int decimals = -1;

	for (size_t i = minus; i < text.n; i++) {
		if (text.p[i] == '.' && decimals < 0 && i > minus) {
			decimals = 0;
			continue;
		}
		if (text.p[i] < '0' || text.p[i] > '9' || value > 2000000000 || decimals == 7)
			return false;
		value = value * 10 + (text.p[i] - '0');
		decimals += decimals >= 0;
	}
	for (int i = decimals < 0 ? 0 : decimals; i < 7; i++)
		value *= 10;
	if (text.n == minus || value > 1800000000)
		return false;
	*ret_degrees = (int32_t)(minus ? -value : value);
	return true;
}

/* "41.8057,123.4315" or with metres of accuracy: "41.8057,123.4315,10" */
static bool set_position(const struct setting *s)
{
	struct position *p = (struct position *)(void *)s->at;
	const uint8_t *comma = memchr(s->text.p, ',', s->text.n);
	struct position q = {.known = true, .accuracy = 10};
	uint64_t accuracy = 10;

	if (comma == NULL)
		return false;
	struct span longitude = span_of(comma + 1, s->text.n - (size_t)(comma + 1 - s->text.p));
	const uint8_t *second = memchr(longitude.p, ',', longitude.n);
	if (second != NULL) {
		struct span rest = span_of(second + 1, longitude.n - (size_t)(second + 1 - longitude.p));
		if (!decimal_parse(rest, &accuracy) || accuracy > 100000)
			return false;
		longitude.n = (size_t)(second - longitude.p);
	}
	q.accuracy = (uint32_t)accuracy;
	if (!take_degrees(span_of(s->text.p, (size_t)(comma - s->text.p)), &q.latitude) ||
	    !take_degrees(longitude, &q.longitude))
		return false;
	*p = q;
	return true;
}

static bool set_files(const struct setting *s)
{
	size_t room = s->row->at == offsetof(struct order, cards) ? ORDER_CARDS_MAX : ORDER_FILES_MAX;

	if (*s->count == room)
		return false;
	((const char **)(void *)s->at)[(*s->count)++] = (const char *)s->text.p;
	return true;
}

static const struct {
	bool (*set)(const struct setting *s);
	bool at_commas;
	const char *en;
	const char *zh;
} types[] = {
    [OPTION_SWITCH] = {set_switch, false, "", ""},
    [OPTION_FILE] = {set_file, false, "", ""},
    [OPTION_URL] = {set_url, false, "http://HOST:PORT, https://HOST or unix:/PATH",
		    "http://主机:端口、https://主机 或 unix:/路径"},
    [OPTION_TEXT] = {set_text, false, "text without control characters", "不含控制字符的文本"},
    [OPTION_TEXTS] = {set_span, true, "texts with commas between", "以逗号分隔的文本"},
    [OPTION_LINES] = {set_span, false, "text without control characters", "不含控制字符的文本"},
    [OPTION_PARTY] =
	{set_party, false,
	 "credit code (the 18th character checks the others), hyphen, site: 91210106MA0P90017U-1",
	 "统一社会信用代码（第 18 位为校验码）-场所编号：91210106MA0P90017U-1"},
    [OPTION_NUMBER] = {set_number, false, "a manifest number of 14 digits", "十四位联单编号"},
    [OPTION_NUMBERS] = {set_numbers, true, "manifest numbers of 14 digits, commas between",
			"十四位联单编号，以逗号分隔"},
    [OPTION_TIME] = {set_time, false, "2026-10-01T08:30:00+08:00, 2026-10-01, now, +2h, -3d",
		     "2026-10-01T08:30:00+08:00、2026-10-01、now、+2h、-3d"},
    [OPTION_GRAMS] = {set_grams, false, "a quantity with its unit: 1.25t, 800kg",
		      "带单位的数量：1.25t、800kg"},
    [OPTION_U32] = {set_u32, false, "a whole number", "整数"},
    [OPTION_U64] = {set_u64, false, "a whole number", "整数"},
    [OPTION_WORD] = {set_word, false, NULL, NULL},
    [OPTION_ROLES] = {set_role, true, "generator,transporter,facility,inspector,auditor",
		      "generator,transporter,facility,inspector,auditor"},
    [OPTION_MASK] = {set_mask, true, NULL, NULL},
    [OPTION_DIGEST] = {set_digest, false, "64 lowercase hexadecimal digits", "64 位小写十六进制数字"},
    [OPTION_PUBLIC] = {set_public, false, "the file of a public key", "公钥文件"},
    [OPTION_POSITION] = {set_position, false, "latitude,longitude[,metres]: 41.8057,123.4315,10",
			 "纬度,经度[,米]：41.8057,123.4315,10"},
    [OPTION_FILES] = {set_files, false, "not so many files", "文件过多"},
};

static void say_allowed(const struct option_row *row, const char *text, struct mft_failure *ret_failure)
{
	char en[480] = "";
	char zh[480] = "";
	char detail[160];
	size_t n = 0;

	(void)snprintf(detail, sizeof(detail), "--%s %.100s", row->name, text);
	if (types[row->type].en != NULL) {
		(void)snprintf(en, sizeof(en), "allowed is %s", types[row->type].en);
		(void)snprintf(zh, sizeof(zh), "应为%s", types[row->type].zh);
	} else {
		n = (size_t)snprintf(en, sizeof(en), "allowed is");
		for (const struct word *w = row->words; w->name != NULL && n < sizeof(en); w++)
			n += (size_t)snprintf(en + n, sizeof(en) - n, " %s", w->name);
		(void)snprintf(zh, sizeof(zh), "应为%.400s", en + strlen("allowed is"));
	}
	mft_fail(ret_failure, MFT_FAULT_LOCAL, "usage", en, zh, detail);
}

bool option_set(struct app *app, const struct option_row *row, const char *text, struct order *order,
		struct mft_failure *ret_failure)
{
	struct setting s = {.app = app, .row = row, .at = (uint8_t *)order + row->at};
	struct span rest = arena_copy(app->arena, span_str(text == NULL ? "" : text));
	bool good = rest.p != NULL;

	s.count = (size_t *)(void *)((uint8_t *)order + row->count_at);
	while (good) {
		const uint8_t *comma =
		    types[row->type].at_commas && rest.n > 0 ? memchr(rest.p, ',', rest.n) : NULL;
		s.text = comma == NULL ? rest : span_of(rest.p, (size_t)(comma - rest.p));
		good = types[row->type].set(&s);
		if (comma == NULL)
			break;
		rest = span_of(comma + 1, rest.n - s.text.n - 1);
	}
	if (!good)
		say_allowed(row, text == NULL ? "" : text, ret_failure);
	return good;
}
