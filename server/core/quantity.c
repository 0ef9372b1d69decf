#include "core/quantity.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"

static const struct {
	uint64_t grams;
	const char *symbol;
} units[] = {
    [MASS_GRAM] = {1, "g"},
    [MASS_KILOGRAM] = {1000, "kg"},
    [MASS_TONNE] = {1000000, "t"},
};

static const struct {
	const char *text;
	enum mass_unit unit;
} names[] = {
    {"t", MASS_TONNE},       {"kg", MASS_KILOGRAM},   {"g", MASS_GRAM},  {"吨", MASS_TONNE},
    {"千克", MASS_KILOGRAM}, {"公斤", MASS_KILOGRAM}, {"克", MASS_GRAM},
};

void grams_format(int64_t grams, char ret_text[QUANTITY_TEXT_SIZE])
{
	uint64_t size = grams < 0 ? 0 - (uint64_t)grams : (uint64_t)grams;
	size_t u = MASS_TONNE;

	while (u > MASS_GRAM && size < units[u].grams)
		u--;
	uint64_t rest = size % units[u].grams, place = units[u].grams;
	int n =
	    snprintf(ret_text, QUANTITY_TEXT_SIZE, "%s%" PRIu64, grams < 0 ? "-" : "", size / units[u].grams);
	if (rest > 0)
		ret_text[n++] = '.';
	while (rest > 0) {
		place /= 10;
		ret_text[n++] = (char)('0' + rest / place);
		rest %= place;
	}
	(void)snprintf(ret_text + n, QUANTITY_TEXT_SIZE - (size_t)n, " %s", units[u].symbol);
}

bool grams_parse_in(struct span text, enum mass_unit unit, int64_t *ret_grams)
{
	const uint8_t *point = text.n == 0 ? NULL : memchr(text.p, '.', text.n);
	size_t whole_n = point == NULL ? text.n : (size_t)(point - text.p);
	uint64_t whole, grams, scale = units[unit].grams, part = 0;

	if (!decimal_parse(span_of(text.p, whole_n), &whole))
		return false;
	if (point != NULL && whole_n + 1 == text.n)
		return false;
	for (size_t i = whole_n + 1; i < text.n; i++) {
		unsigned digit = (unsigned)(text.p[i] - '0');
		if (digit > 9 || (scale == 1 && digit != 0))
			return false; /* not a digit, or less than a gram */
		if (scale > 1)
			scale /= 10;
		part += digit * scale;
	}
	if (__builtin_mul_overflow(whole, units[unit].grams, &grams) ||
	    __builtin_add_overflow(grams, part, &grams) || grams > INT64_MAX)
		return false;
	*ret_grams = (int64_t)grams;
	return true;
}

bool grams_parse(struct span text, int64_t *ret_grams)
{
	size_t n = 0;

	while (n < text.n && ((text.p[n] >= '0' && text.p[n] <= '9') || text.p[n] == '.'))
		n++;
	size_t unit_at = n + (n < text.n && text.p[n] == ' ');
	struct span unit = span_of(text.p + unit_at, text.n - unit_at);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (span_eq_str(unit, names[i].text))
			return grams_parse_in(span_of(text.p, n), names[i].unit, ret_grams);
	return false;
}
