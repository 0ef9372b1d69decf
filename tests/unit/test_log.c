/*
 * Log lines: what a value looks like whatever bytes are in it, dates, and the cut.
 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/log.h"

static void expect(struct log_field field, const char *value)
{
	struct buffer line = BUFFER_EMPTY, want = BUFFER_EMPTY;

	log_format(&line, 0, LOG_INFO, "e", &field, 1);
	buffer_printf(&want, "time=1970-01-01T00:00:00.000000Z level=info event=e k=%s\n", value);
	cr_assert(span_eq(buffer_span(&line), buffer_span(&want)), "%.*s", SPAN_ARG(buffer_span(&line)));
	buffer_free(&line);
	buffer_free(&want);
}

Test(log, values)
{
	expect(LOG_TEXT("k", "plain-1.2:/x"), "plain-1.2:/x");
	expect(LOG_TEXT("k", ""), "\"\"");
	expect(LOG_TEXT("k", NULL), "\"\"");
	expect(LOG_TEXT("k", "two words"), "\"two words\"");
	expect(LOG_TEXT("k", "a=b"), "\"a=b\"");
	expect(LOG_TEXT("k", "say \"x\" \\"), "\"say \\\"x\\\" \\\\\"");
	expect(LOG_TEXT("k", "l\n\r\tm"), "\"l\\n\\r\\tm\"");
	expect(LOG_TEXT("k", "\x1b[31m\x7f"), "\"\\x1b[31m\\x7f\"");
	expect(LOG_TEXT("k", "沈阳 辽A12345"), "\"沈阳 辽A12345\"");
	expect(LOG_SPAN("k", span_of("a\0b", 3)), "\"a\\x00b\"");
	expect(LOG_SPAN("k", span_of("\xff\xe6\xb2", 3)), "\"\\xff\\xe6\\xb2\"");
	expect(LOG_SPAN("k", span_of("\xc2\x85", 2)), "\"\\xc2\\x85\""); /* a C1 control character */
	expect(LOG_HEX("k", span_of("\x01\xab", 2)), "01ab");
	expect(LOG_INT("k", INT64_MIN), "-9223372036854775808");
	expect(LOG_UINT("k", UINT64_MAX), "18446744073709551615");
	expect(LOG_BOOL("k", 2), "yes");
	expect(LOG_BOOL("k", 0), "no");
}

Test(log, dates)
{
	static const struct {
		int64_t t;
		const char *text;
	} cases[] = {
	    {0, "1970-01-01T00:00:00.000000Z"},
	    {-1, "1969-12-31T23:59:59.999999Z"},
	    {951782400000000, "2000-02-29T00:00:00.000000Z"},
	    {951868799999999, "2000-02-29T23:59:59.999999Z"},
	    {1709251200000000, "2024-03-01T00:00:00.000000Z"},
	    {1782907200123456, "2026-07-01T12:00:00.123456Z"},
	    {4102444800000000, "2100-01-01T00:00:00.000000Z"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buffer line = BUFFER_EMPTY;
		struct log_field f = LOG_INT("k", 1);

		log_format(&line, cases[i].t, LOG_ERROR, "e", &f, 1);
		cr_assert(line.n > 32 && memcmp(line.p + 5, cases[i].text, 27) == 0, "%.*s",
			  SPAN_ARG(buffer_span(&line)));
		buffer_free(&line);
	}
}

static struct {
	unsigned lines;
	enum log_level level;
	char text[LOG_LINE_MAX + 1];
} got;

static void keep(void *self, enum log_level level, struct span line)
{
	(void)self;
	got.lines++;
	got.level = level;
	cr_assert_leq(line.n, LOG_LINE_MAX);
	memcpy(got.text, line.p, line.n);
	got.text[line.n] = '\0';
}

static int64_t now(void *self)
{
	(void)self;
	return 1;
}

Test(log, levels_and_the_cut)
{
	static char big[LOG_LINE_MAX];
	struct log log = {.least = LOG_INFO, .write = keep, .now = now};

	log_line(&log, LOG_DEBUG, "too.low", LOG_INT("k", 1));
	log_line(NULL, LOG_ERROR, "no.log", LOG_INT("k", 1));
	cr_assert_eq(got.lines, 0);
	log_line(&log, LOG_WARNING, "conn.end", LOG_TEXT("peer", "[::1]:7"), LOG_UINT("n", 3));
	cr_assert_eq(got.level, LOG_WARNING);
	cr_assert_str_eq(got.text, "time=1970-01-01T00:00:00.000001Z level=warning event=conn.end "
				   "peer=[::1]:7 n=3\n");
	memset(big, 'x', sizeof(big) - 1);
	log_line(&log, LOG_ERROR, "big", LOG_INT("a", 1), LOG_TEXT("b", big), LOG_INT("c", 2));
	cr_assert_str_eq(got.text, "time=1970-01-01T00:00:00.000001Z level=error event=big a=1 cut=yes\n");
	memset(big, '\n', sizeof(big) - 1);
	log_line(&log, LOG_ERROR, "big", LOG_SPAN("b", span_of(big, sizeof(big))));
	cr_assert_eq(got.lines, 3);
}
