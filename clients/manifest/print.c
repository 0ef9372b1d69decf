#include "manifest/print.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>

#include "core/credit_code.h"
#include "core/details.h"
#include "core/number.h"
#include "core/quantity.h"
#include "core/time_text.h"

const char *paint(const struct app *app, enum paint what)
{
	static const char *const codes[] = {
	    [PAINT_END] = "\033[0m",   [PAINT_STRONG] = "\033[1m", [PAINT_FAINT] = "\033[2m",
	    [PAINT_GOOD] = "\033[32m", [PAINT_BAD] = "\033[31m",   [PAINT_WARN] = "\033[33m",
	};

	return app->colour && !app->json ? codes[what] : "";
}

/* The bytes of the text's beginning that take at most so many columns; at least one character. */
static size_t fitting(const char *text, size_t columns, size_t *ret_width)
{
	mbstate_t state = {0};
	size_t width = 0;
	size_t at = 0;

	while (text[at] != '\0') {
		wchar_t c;
		size_t n = mbrtowc(&c, text + at, strlen(text + at), &state);
		bool bad = n == 0 || n > strlen(text + at);
		int w = bad ? 1 : wcwidth(c);
		w = w < 0 ? 0 : w;
		if (at > 0 && width + (size_t)w > columns)
			break;
		width += (size_t)w;
		at += bad ? 1 : n;
	}
	*ret_width = width;
	return at;
}

size_t text_width(const char *text)
{
	size_t width = 0;

	(void)fitting(text, SIZE_MAX, &width);
	return width;
}

struct table table_begin(struct app *app, const char *const *headings)
{
	struct table t = {.app = app};

	for (; headings[t.columns] != NULL && t.columns < TABLE_COLUMNS_MAX; t.columns++)
		t.right[t.columns] = headings[t.columns][0] == '>';
	for (size_t i = 0; i < t.columns; i++)
		table_put(&t, headings[i] + (t.right[i] ? 1 : 0));
	return t;
}

void table_put(struct table *t, const char *text)
{
	if (t->cells_n == t->cells_cap) {
		size_t cap = 2 * t->cells_cap + 64;
		const char **grown = realloc(t->cells, cap * sizeof(*grown));
		if (grown == NULL)
			return;
		t->cells = grown;
		t->cells_cap = cap;
	}
	const char *copy = text_span(t->app, span_str(text));
	t->cells[t->cells_n++] = copy;
}

void table_printf(struct table *t, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	table_put(t, text);
}

static void print_cell(const struct table *t, size_t i, size_t width, bool last)
{
	size_t blank = width - text_width(t->cells[i]);

	if (t->right[i % t->columns])
		(void)printf("%*s", (int)blank, "");
	(void)fputs(t->cells[i], stdout);
	if (!t->right[i % t->columns] && !last)
		(void)printf("%*s", (int)blank, "");
	(void)fputs(last ? "\n" : "  ", stdout);
}

static void print_rows(const struct table *t, const size_t *widths)
{
	for (size_t i = 0; i < t->cells_n; i++) {
		if (i == 0)
			(void)fputs(paint(t->app, PAINT_STRONG), stdout);
		print_cell(t, i, widths[i % t->columns], i % t->columns == t->columns - 1);
		if (i == t->columns - 1)
			(void)fputs(paint(t->app, PAINT_END), stdout);
	}
}

/* The text in lines of so many columns, broken at spaces where there are some; all but the first indented. */
static void print_wrapped(const char *text, size_t indent, size_t columns)
{
	size_t width;

	for (;;) {
		size_t n = fitting(text, columns, &width);
		size_t end = n;
		while (text[n] != '\0' && end > n / 2 && text[end] != ' ')
			end--;
		if (text[n] == '\0' || text[end] != ' ')
			end = n;
		(void)printf("%.*s\n", (int)end, text);
		text += end;
		text += *text == ' ';
		if (*text == '\0')
			return;
		(void)printf("%*s", (int)indent, "");
	}
}

/* Each row as lines of heading and value, for a terminal that is not as wide as the table. */
static void print_records(const struct table *t)
{
	size_t heading = 0;

	for (size_t i = 0; i < t->columns; i++)
		if (text_width(t->cells[i]) > heading)
			heading = text_width(t->cells[i]);
	size_t room = t->app->columns > heading + 22 ? t->app->columns - heading - 2 : 20;
	for (size_t i = t->columns; i < t->cells_n; i++) {
		const char *name = t->cells[i % t->columns];
		if (i > t->columns && i % t->columns == 0)
			(void)putchar('\n');
		if (t->cells[i][0] == '\0')
			continue;
		(void)printf("%s%s%s%*s  ", paint(t->app, PAINT_STRONG), name, paint(t->app, PAINT_END),
			     (int)(heading - text_width(name)), "");
		print_wrapped(t->cells[i], heading + 2, room);
	}
}

void table_end(struct table *t)
{
	size_t widths[TABLE_COLUMNS_MAX] = {0};
	size_t whole = 0;

	for (size_t i = 0; i < t->cells_n; i++) {
		size_t width = text_width(t->cells[i]);
		if (width > widths[i % t->columns])
			widths[i % t->columns] = width;
	}
	for (size_t i = 0; i < t->columns; i++)
		whole += widths[i] + (i == 0 ? 0 : 2);
	if (t->cells_n <= t->columns || t->app->json)
		goto end;
	if (t->app->columns != 0 && whole > t->app->columns)
		print_records(t);
	else
		print_rows(t, widths);
end:
	free(t->cells);
	*t = (struct table){0};
}

/* ---- values as text ---- */

const char *text_span(struct app *app, struct span s)
{
	struct span copy = arena_copy(app->arena, s);

	return copy.p == NULL ? "" : (const char *)copy.p;
}

const char *text_detail(struct app *app, struct span detail)
{
	struct buffer chinese = BUFFER_EMPTY;

	if (!app->zh)
		return text_span(app, detail);
	detail_in_chinese(detail, &chinese);
	const char *text = text_span(app, buffer_span(&chinese));
	buffer_free(&chinese);
	return text;
}

const char *text_time(struct app *app, micros at)
{
	char text[TIME_TEXT_SIZE];

	if (at == 0)
		return "";
	time_format(at, text);
	text[10] = ' ';
	return text_span(app, span_of(text, 16));
}

const char *text_grams(struct app *app, int64_t grams)
{
	char text[QUANTITY_TEXT_SIZE];

	grams_format(grams, text);
	return text_span(app, span_str(text));
}

const char *text_party(struct app *app, const struct party_ref *ref)
{
	char text[PARTY_REF_TEXT_SIZE];

	if (party_ref_is_absent(ref))
		return "";
	party_ref_format(ref, text);
	return text_span(app, span_str(text));
}

const char *text_number(struct app *app, uint64_t number)
{
	char text[NUMBER_DIGITS + 1];

	if (number == 0 || number >= UINT64_C(100000000000000))
		return "";
	manifest_number_format(number, text);
	return text_span(app, span_str(text));
}

const char *text_digest(struct app *app, const struct digest *d)
{
	char text[DIGEST_HEX + 1];

	digest_hex(d, text);
	return text_span(app, span_str(text));
}

const char *text_short(struct app *app, const struct digest *d)
{
	return text_span(app, span_of(text_digest(app, d), 12));
}
