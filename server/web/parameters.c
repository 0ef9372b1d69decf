/* Owns the table of parameters and how they are read. A plus sign is a plus sign: nothing here has a space.
 */
#include "web/parameters.h"

#include <stdio.h>

#include "base/text.h"
#include "core/credit_code.h"
#include "core/number.h"
#include "core/reference.h"
#include "core/time_text.h"
#include "core/words.h"

enum { FOUND_MAX = 100, PLATE_BYTES_MAX = 32, ALLOWED_MAX = 400 };

/* ---- values ---- */

static bool take_kinds(struct span value, struct arena *arena, struct query *query)
{
	bool more = true;

	(void)arena;
	while (more) {
		struct span one = value;
		more = span_cut(&value, ',', &one);
		const struct word *kind = word_named(flag_words, one);
		if (kind == NULL)
			return false;
		query->flag_kinds |= 1U << kind->value;
	}
	return true;
}

static bool take_numbers(struct span value, struct arena *arena, struct query *query)
{
	size_t n = 1;

	for (size_t i = 0; i < value.n; i++)
		n += value.p[i] == ',';
	uint64_t *numbers = n > QUERY_NUMBERS_MAX ? NULL : arena_array(arena, n, sizeof(*numbers));
	if (numbers == NULL)
		return false;
	for (size_t i = 0; i < n; i++) {
		struct span one;
		if (!span_cut(&value, ',', &one))
			one = value;
		if (!manifest_number_parse(one, &numbers[i]))
			return false;
	}
	query->numbers = numbers;
	query->numbers_n = n;
	return true;
}

static bool take_number(struct span value, struct arena *arena, struct query *query)
{
	return value.n == NUMBER_DIGITS && take_numbers(value, arena, query);
}

static bool take_site(struct span value, struct arena *arena, struct query *query)
{
	(void)arena;
	return party_ref_parse(value, &query->party);
}

/* All sites of a company, or one. */
static bool take_party(struct span value, struct arena *arena, struct query *query)
{
	if (value.n != CREDIT_CODE_SIZE)
		return take_site(value, arena, query);
	if (credit_code_check(value) != CREDIT_CODE_GOOD)
		return false;
	memcpy(query->party.credit_code, value.p, CREDIT_CODE_SIZE);
	return true;
}

static bool take_division(struct span value, struct arena *arena, struct query *query)
{
	(void)arena;
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] < '0' || value.p[i] > '9')
			return false;
	query->division = value;
	return value.n == DIVISION_LENGTH;
}

static bool take_plate(struct span value, struct arena *arena, struct query *query)
{
	(void)arena;
	query->plate = value;
	return value.n >= 1 && value.n <= PLATE_BYTES_MAX && text_is_clean(value) &&
	       memchr(value.p, ' ', value.n) == NULL;
}

static bool take_waste_code(struct span value, struct arena *arena, struct query *query)
{
	(void)arena;
	query->waste_code = value;
	return waste_code_is_wellformed(value);
}

static bool take_state(struct span value, struct arena *arena, struct query *query)
{
	(void)arena;
	const struct word *state = word_named(state_words, value);

	if (state != NULL)
		query->state = state->value;
	return state != NULL;
}

/* Zero would mean that there is no bound. */
static bool parse_instant(struct span value, micros *ret_at)
{
	civil_day day = 0;
	uint64_t number = 0;

	if (date_parse(value, &day)) {
		*ret_at = civil_day_start(day);
	} else if (decimal_parse(value, &number)) {
		if (number > INT64_MAX)
			return false;
		*ret_at = (micros)number;
	} else if (!time_parse(value, ret_at)) {
		return false;
	}
	return *ret_at > 0;
}

static bool take_from(struct span value, struct arena *arena, struct query *query)
{
	(void)arena;
	return parse_instant(value, &query->from);
}

static bool take_until(struct span value, struct arena *arena, struct query *query)
{
	(void)arena;
	return parse_instant(value, &query->until);
}

static bool take_open(struct span value, struct arena *arena, struct query *query)
{
	(void)arena;
	query->open_only = span_eq_str(value, "true");
	return query->open_only || span_eq_str(value, "false");
}

static bool take_after(struct span value, struct arena *arena, struct query *query)
{
	(void)arena;
	return decimal_parse(value, &query->after) && query->after > 0 && query->after <= INT64_MAX;
}

static bool take_limit(struct span value, struct arena *arena, struct query *query)
{
	uint64_t limit = 0;

	(void)arena;
	if (!decimal_parse(value, &limit) || limit < 1 || limit > QUERY_LIMIT_MAX)
		return false;
	query->limit = (uint32_t)limit;
	return true;
}

/* ---- the table ---- */

#define TIMES "RFC 3339 with an offset, a date (its beginning in Asia/Shanghai), or microseconds UTC"

static const struct row {
	const char *name;
	const char *allowed;      /* before the words, if there are any */
	const struct word *words; /* NULL: none */
	bool (*take)(struct span value, struct arena *arena, struct query *query);
} rows[PARAMETERS] = {
    [PARAMETER_NONE] = {"", "", NULL, NULL},
    [PARAMETER_KIND] = {"kind", "some of these, separated by commas: ", flag_words, take_kinds},
    [PARAMETER_NUMBERS] = {"numbers", "1 to 200 manifest numbers of 14 digits, separated by commas", NULL,
			   take_numbers},
    [PARAMETER_PARTY] = {"party", "a credit code, or credit code, hyphen and site", NULL, take_party},
    [PARAMETER_DIVISION] = {"division", "6 digits of GB/T 2260; a city's code covers its districts", NULL,
			    take_division},
    [PARAMETER_PLATE] = {"plate", "a number plate, 1 to 32 bytes of UTF-8 without spaces", NULL, take_plate},
    [PARAMETER_WASTE_CODE] = {"waste_code", "a waste code NNN-NNN-NN", NULL, take_waste_code},
    [PARAMETER_STATE] = {"state", "one of: ", state_words, take_state},
    [PARAMETER_FROM] = {"from", TIMES, NULL, take_from},
    [PARAMETER_UNTIL] = {"until", TIMES ", exclusive", NULL, take_until},
    [PARAMETER_OPEN] = {"open", "true or false", NULL, take_open},
    [PARAMETER_AFTER] = {"after", "the \"next\" of the page before", NULL, take_after},
    [PARAMETER_LIMIT] = {"limit", "1 to 500", NULL, take_limit},
    [PARAMETER_NUMBER] = {"number", "a manifest number of 14 digits", NULL, take_number},
    [PARAMETER_SITE] = {"party", "credit code, hyphen and site", NULL, take_site},
};

const char *parameter_name(enum parameter parameter)
{
	return rows[parameter].name;
}

void parameter_put_allowed(enum parameter parameter, struct buffer *to)
{
	buffer_put_str(to, rows[parameter].allowed);
	for (const struct word *w = rows[parameter].words; w != NULL && w->name != NULL; w++)
		buffer_printf(to, "%s%s", w == rows[parameter].words ? "" : ", ", w->name);
}

/* ---- reading ---- */

struct reading {
	struct arena *arena;
	struct problems *problems;
	struct query *query;
};

/* Names and values as sent are visible ASCII: the head's syntax sees to it. */
static const char *cut(struct reading *r, struct span text)
{
	if (text.n > FOUND_MAX)
		text.n = FOUND_MAX;
	struct span copy = arena_copy(r->arena, text);
	return copy.p == NULL ? "" : (const char *)copy.p;
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool decode(struct arena *arena, struct span text, struct span *ret_text)
{
	uint8_t *to = arena_alloc(arena, text.n + 1);
	size_t n = 0;

	if (to == NULL)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] != '%') {
			to[n++] = text.p[i];
			continue;
		}
		int high = i + 2 < text.n ? hex_digit(text.p[i + 1]) : -1;
		int low = i + 2 < text.n ? hex_digit(text.p[i + 2]) : -1;
		if (high < 0 || low < 0)
			return false;
		to[n++] = (uint8_t)(high << 4 | low);
		i += 2;
	}
	*ret_text = span_of(to, n);
	return true;
}

static void read_value(struct reading *r, enum parameter parameter, struct span sent)
{
	const struct row *row = &rows[parameter];
	struct buffer allowed = BUFFER_EMPTY;
	struct span value;

	if (decode(r->arena, sent, &value) && value.n > 0 && row->take(value, r->arena, r->query))
		return;
	parameter_put_allowed(parameter, &allowed);
	buffer_put_u8(&allowed, 0);
	problem_add(r->problems, WEB_PROBLEM(PARAMETER_VALUE), row->name, cut(r, sent),
		    buffer_ok(&allowed) ? (const char *)allowed.p : "");
	buffer_free(&allowed);
}

static enum parameter find(uint32_t known, struct span name)
{
	for (int i = 0; i < PARAMETERS; i++)
		if ((known & PARAMETER_BIT(i)) != 0 && span_eq_str(name, rows[i].name))
			return (enum parameter)i;
	return PARAMETER_NONE;
}

static void unknown(struct reading *r, uint32_t known, struct span name, struct span value)
{
	char allowed[ALLOWED_MAX] = "no parameters";
	size_t n = 0;

	for (int i = 0; i < PARAMETERS; i++)
		if ((known & PARAMETER_BIT(i)) != 0 && n < sizeof(allowed))
			n += (size_t)snprintf(allowed + n, sizeof(allowed) - n, "%s%s", n == 0 ? "" : ", ",
					      rows[i].name);
	problem_add(r->problems, WEB_PROBLEM(PARAMETER_UNKNOWN), cut(r, name), cut(r, value), allowed);
}

static void read_pair(struct reading *r, uint32_t known, struct span pair, uint32_t *seen)
{
	struct span name;
	struct span value = pair;

	if (!span_cut(&value, '=', &name)) {
		name = pair;
		value = span_of(NULL, 0);
	}
	enum parameter parameter = find(known, name);
	if (parameter == PARAMETER_NONE)
		unknown(r, known, name, value);
	else if ((*seen & PARAMETER_BIT(parameter)) != 0)
		problem_add(r->problems, WEB_PROBLEM(PARAMETER_TWICE), rows[parameter].name, cut(r, value),
			    "");
	else
		read_value(r, parameter, value);
	*seen |= PARAMETER_BIT(parameter);
}

bool parameters_read(enum parameter variable, struct span captured, uint32_t known, struct span query,
		     struct arena *arena, struct problems *problems, struct query *ret_query)
{
	struct query values = {0};
	struct reading r = {.arena = arena, .problems = problems, .query = &values};
	struct span pair;
	uint32_t seen = 0;

	if (variable != PARAMETER_NONE)
		read_value(&r, variable, captured);
	while (span_cut(&query, '&', &pair))
		read_pair(&r, known, pair, &seen);
	if (query.n > 0)
		read_pair(&r, known, query, &seen);
	if (values.from != 0 && values.until != 0 && values.from >= values.until)
		problem_add(problems, WEB_PROBLEM(PARAMETER_WINDOW), "from", "", "");
	if (problems_any(problems))
		return false;
	*ret_query = values;
	return true;
}
