/*
 * The forms of texts: what every text must keep (clean UTF-8), and templates and alphabets of those that are
 * codes.
 */
#include "wire/schema.h"

#include "base/text.h"

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_capital(uint8_t c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_letter_or_digit(uint8_t c)
{
	return is_digit(c) || is_capital(c) || (c >= 'a' && c <= 'z');
}

static bool in_unspaced(uint8_t c)
{
	return c != ' ';
}

static bool in_origin(uint8_t c)
{
	return c != ' ' && c != '+';
}

static bool in_edition(uint8_t c)
{
	return is_letter_or_digit(c) || c == '.' || c == '-';
}

static bool in_person(uint8_t c)
{
	return is_letter_or_digit(c) || c == '-';
}

static bool in_hex(uint8_t c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f');
}

/* Templates: 9 is a digit, A a capital letter, X either; anything else is itself. */
static bool template_fits(const char *template, struct span text)
{
	if (strlen(template) != text.n)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];
		bool fits = template[i] == '9'   ? is_digit(c)
			    : template[i] == 'A' ? is_capital(c)
			    : template[i] == 'X' ? is_digit(c) || is_capital(c)
						 : c == (uint8_t) template[i];
		if (!fits)
			return false;
	}
	return true;
}

struct form {
	enum codec_rule rule;
	const char *allowed;
	bool (*each)(uint8_t);    /* the alphabet; NULL: see templates */
	const char *templates[2]; /* one of them; none: any text */
	const char *not_ending;   /* or NULL */
};

/* clang-format off */
static const struct form forms[PATTERNS] = {
	[PATTERN_TEXT]       = {CODEC_TEXT, "UTF-8, no control characters", NULL, {0}, NULL},
	[PATTERN_LINES]      = {CODEC_TEXT, "UTF-8, no control characters but LF", NULL, {0}, NULL},
	[PATTERN_UNSPACED]   = {CODEC_FORMAT, "no spaces", in_unspaced, {0}, NULL},
	[PATTERN_ORIGIN]     = {CODEC_FORMAT, "no space, no +", in_origin, {0}, NULL},
	[PATTERN_NUMBER]     = {CODEC_NUMBER, "14 digits, serial from 000001", NULL, {"99999999999999"}, "000000"},
	[PATTERN_CREDIT]     = {CODEC_CREDIT_CODE, "18 of 0-9, A-Z", NULL, {"XXXXXXXXXXXXXXXXXX"}, NULL},
	[PATTERN_DIVISION]   = {CODEC_DIVISION, "6 digits", NULL, {"999999"}, NULL},
	[PATTERN_CITY]       = {CODEC_DIVISION, "NNNN00", NULL, {"999900"}, NULL},
	[PATTERN_WASTE_CODE] = {CODEC_WASTE_CODE, "NNN-NNN-NN", NULL, {"999-999-99"}, NULL},
	[PATTERN_WASTE_CODE_OR_CATEGORY] =
			       {CODEC_WASTE_CODE, "NNN-NNN-NN or HWnn", NULL, {"999-999-99", "HW99"}, NULL},
	[PATTERN_METHOD]     = {CODEC_METHOD, "a letter and 1 or 2 digits", NULL, {"A9", "A99"}, NULL},
	[PATTERN_EDITION]    = {CODEC_FORMAT, "[0-9A-Za-z.-]", in_edition, {0}, NULL},
	[PATTERN_PERSON]     = {CODEC_FORMAT, "[0-9A-Za-z-]", in_person, {0}, NULL},
	[PATTERN_HEX]        = {CODEC_FORMAT, "[0-9a-f]", in_hex, {0}, NULL},
};
/* clang-format on */

static bool form_fits(const struct form *form, struct span text)
{
	if (form->each != NULL)
		for (size_t i = 0; i < text.n; i++)
			if (!form->each(text.p[i]))
				return false;
	size_t tail = form->not_ending == NULL ? 0 : strlen(form->not_ending);
	if (tail > 0 && text.n >= tail && memcmp(text.p + text.n - tail, form->not_ending, tail) == 0)
		return false;
	if (form->templates[0] == NULL)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(form->templates) && form->templates[i] != NULL; i++)
		if (template_fits(form->templates[i], text))
			return true;
	return false;
}

bool pattern_holds(enum pattern pattern, struct span text, const struct rule **ret_rule,
		   const char **ret_allowed)
{
	const struct form *form = &forms[pattern];
	bool clean = pattern == PATTERN_LINES ? text_is_clean_lines(text) : text_is_clean(text);

	if (!clean) {
		*ret_rule = CODEC(TEXT);
		*ret_allowed = forms[pattern == PATTERN_LINES ? PATTERN_LINES : PATTERN_TEXT].allowed;
		return false;
	}
	if (!form_fits(form, text)) {
		*ret_rule = &codec_rules[form->rule];
		*ret_allowed = form->allowed;
		return false;
	}
	return true;
}
