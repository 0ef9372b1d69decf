#include "base/setting.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"

struct unit {
	const char *name;
	int64_t factor;
};

/* Ascending, from the one that values are held in. */
static const struct unit durations[] = {
    {"us", 1},           {"ms", 1000}, {"s", DURATION_SECOND}, {"min", DURATION_MINUTE}, {"h", DURATION_HOUR},
    {"d", DURATION_DAY},
};
static const struct unit sizes[] = {
    {"B", 1},
    {"KiB", 1024},
    {"MiB", INT64_C(1024) * 1024},
    {"GiB", INT64_C(1024) * 1024 * 1024},
};

struct type {
	const char *name;
	const struct unit *units; /* NULL: none */
	size_t units_n;
	size_t zero; /* the unit that zero is written in */
};

static const struct type types[] = {
    [SETTING_INT] = {"integer", NULL, 0, 0},
    [SETTING_DURATION] = {"duration", durations, ARRAY_LEN(durations), 2},
    [SETTING_SIZE] = {"size", sizes, ARRAY_LEN(sizes), 0},
    [SETTING_BOOL] = {"yes or no", NULL, 0, 0},
    [SETTING_TEXT] = {"text", NULL, 0, 0},
    [SETTING_CHOICE] = {"choice", NULL, 0, 0},
};

const char *setting_type_name(enum setting_type type)
{
	return types[type].name;
}

const struct setting_row *setting_find(const struct setting_row *rows, size_t n, struct span key)
{
	for (size_t i = 0; i < n; i++)
		if (span_eq_str(key, rows[i].key))
			return &rows[i];
	return NULL;
}

/* "24 h" by the type's units; without units the number alone. */
static bool parse_number(const struct type *type, struct span text, int64_t *ret_value)
{
	size_t digits = 0;
	uint64_t count;

	while (digits < text.n && text.p[digits] >= '0' && text.p[digits] <= '9')
		digits++;
	if (!decimal_parse(span_of(text.p, digits), &count) || count > INT64_MAX)
		return false;
	struct span unit = span_of(text.p + digits, text.n - digits);
	if (type->units == NULL) {
		*ret_value = (int64_t)count;
		return unit.n == 0;
	}
	if (unit.n > 0 && unit.p[0] == ' ')
		unit = span_of(unit.p + 1, unit.n - 1);
	for (size_t i = 0; i < type->units_n; i++)
		if (span_eq_str(unit, type->units[i].name))
			return !__builtin_mul_overflow((int64_t)count, type->units[i].factor, ret_value);
	return false;
}

/* In the largest unit that divides it; zero in what people expect: seconds, bytes. */
static void format_number(const struct type *type, int64_t value, struct buffer *to)
{
	if (type->units == NULL) {
		buffer_printf(to, "%" PRId64, value);
		return;
	}
	size_t u = value == 0 ? type->zero : type->units_n - 1;
	while (value % type->units[u].factor != 0)
		u--; /* ends at the first unit at the latest: its factor is 1 */
	buffer_printf(to, "%" PRId64 " %s", value / type->units[u].factor, type->units[u].name);
}

static int choice_of(const struct setting_row *row, struct span text)
{
	for (int i = 0; row->choices[i] != NULL; i++)
		if (span_eq_str(text, row->choices[i]))
			return i;
	return -1;
}

/* The value's place; each type's form is stated in setting.h. */
static void *place(const struct setting_row *row, void *settings)
{
	return (char *)settings + row->offset;
}

static bool store(const struct setting_row *row, void *settings, struct span text)
{
	void *to = place(row, settings);
	int64_t value;

	switch (row->type) {
	case SETTING_INT:
	case SETTING_DURATION:
	case SETTING_SIZE:
		if (!parse_number(&types[row->type], text, &value) || value < row->min || value > row->max)
			return false;
		memcpy(to, &value, sizeof(value));
		return true;
	case SETTING_BOOL:
		if (!span_eq_str(text, "yes") && !span_eq_str(text, "no"))
			return false;
		*(bool *)to = span_eq_str(text, "yes");
		return true;
	case SETTING_TEXT:
		if (text.n >= SETTING_TEXT_SIZE || (int64_t)text.n < row->min || (int64_t)text.n > row->max ||
		    !text_is_clean(text))
			return false;
		memset(to, 0, SETTING_TEXT_SIZE);
		if (text.n > 0)
			memcpy(to, text.p, text.n);
		return true;
	case SETTING_CHOICE:
		value = choice_of(row, text);
		if (value < 0)
			return false;
		*(int *)to = (int)value;
		return true;
	}
	return false;
}

/* At most 80 bytes of the text, cut between characters. */
static struct span shown(struct span text)
{
	size_t n = text.n < 80 ? text.n : 80;

	while (n < text.n && n > 0 && (text.p[n] & 0xc0) == 0x80)
		n--;
	return text_is_clean(span_of(text.p, n)) ? span_of(text.p, n) : span_str("?");
}

bool setting_parse(const struct setting_row *row, void *settings, struct span text,
		   char ret_error[SETTING_ERROR_SIZE])
{
	struct buffer range = BUFFER_EMPTY;

	if (store(row, settings, text))
		return true;
	setting_format_range(row, &range);
	(void)snprintf(ret_error, SETTING_ERROR_SIZE, "%s: found \"%.*s\", allowed is %.*s", row->key,
		       SPAN_ARG(shown(text)), SPAN_ARG(buffer_span(&range)));
	buffer_free(&range);
	return false;
}

void setting_format(const struct setting_row *row, const void *settings, struct buffer *to)
{
	const void *from = (const char *)settings + row->offset;
	int64_t value;

	switch (row->type) {
	case SETTING_INT:
	case SETTING_DURATION:
	case SETTING_SIZE:
		memcpy(&value, from, sizeof(value));
		format_number(&types[row->type], value, to);
		break;
	case SETTING_BOOL: buffer_put_str(to, *(const bool *)from ? "yes" : "no"); break;
	case SETTING_TEXT: buffer_put_str(to, from); break;
	case SETTING_CHOICE: buffer_put_str(to, row->choices[*(const int *)from]); break;
	}
}

void setting_format_range(const struct setting_row *row, struct buffer *to)
{
	switch (row->type) {
	case SETTING_INT:
	case SETTING_DURATION:
	case SETTING_SIZE:
		format_number(&types[row->type], row->min, to);
		buffer_put_str(to, " to ");
		format_number(&types[row->type], row->max, to);
		if (row->unit != NULL)
			buffer_printf(to, " %s", row->unit);
		break;
	case SETTING_BOOL: buffer_put_str(to, "yes or no"); break;
	case SETTING_TEXT:
		buffer_printf(to, "text of %" PRId64 " to %" PRId64 " bytes", row->min, row->max);
		break;
	case SETTING_CHOICE:
		for (size_t i = 0; row->choices[i] != NULL; i++)
			buffer_printf(to, "%s%s", i == 0 ? "" : " or ", row->choices[i]);
		break;
	}
}

bool settings_default(const struct setting_row *rows, size_t n, void *settings)
{
	for (size_t i = 0; i < n; i++)
		if (!store(&rows[i], settings, span_str(rows[i].initial)))
			return false;
	return true;
}
