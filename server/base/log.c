#include "base/log.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"

static const char *const level_names[] = {
    [LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARNING] = "warning", [LOG_ERROR] = "error"};

const char *log_level_name(enum log_level level)
{
	return (size_t)level < ARRAY_LEN(level_names) ? level_names[level] : "error";
}

/* Days since 1970 to a date of the proleptic Gregorian calendar; the year counted from March, so that the
 * leap day comes last (Hinnant, "chrono-compatible low-level date algorithms"). */
static void put_date(struct buffer *to, int64_t days)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;
	int64_t month = mp < 10 ? mp + 3 : mp - 9;

	buffer_printf(to, "%04" PRId64 "-%02" PRId64 "-%02" PRId64, yoe + era * 400 + (month <= 2), month,
		      doy - (153 * mp + 2) / 5 + 1);
}

static void put_time(struct buffer *to, int64_t t)
{
	int64_t days = t / 86400000000;

	if (t % 86400000000 < 0)
		days--;
	int64_t us = t - days * 86400000000;
	int64_t s = us / 1000000;
	put_date(to, days);
	buffer_printf(to, "T%02" PRId64 ":%02" PRId64 ":%02" PRId64 ".%06" PRId64 "Z", s / 3600, s / 60 % 60,
		      s % 60, us % 1000000);
}

static bool is_bare(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f || s.p[i] == '"' || s.p[i] == '=' || s.p[i] == '\\')
			return false;
	return s.n > 0;
}

/* How many bytes at p are one character that may stand in quotes as it is; 0: it must be escaped. */
static size_t clean_length(const uint8_t *p, size_t n)
{
	if (*p == '"' || *p == '\\')
		return 0;
	size_t length = *p < 0x80 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
	return length <= n && text_is_clean(span_of(p, length)) ? length : 0;
}

static void put_escaped(struct buffer *to, uint8_t c)
{
	switch (c) {
	case '\n': buffer_put_str(to, "\\n"); break;
	case '\r': buffer_put_str(to, "\\r"); break;
	case '\t': buffer_put_str(to, "\\t"); break;
	case '"': buffer_put_str(to, "\\\""); break;
	case '\\': buffer_put_str(to, "\\\\"); break;
	default: buffer_printf(to, "\\x%02x", c); break;
	}
}

static void put_text(struct buffer *to, struct span s)
{
	if (is_bare(s)) {
		buffer_put_span(to, s);
		return;
	}
	buffer_put_u8(to, '"');
	for (size_t i = 0; i < s.n;) {
		size_t length = clean_length(s.p + i, s.n - i);

		if (length > 0)
			buffer_put(to, s.p + i, length);
		else
			put_escaped(to, s.p[i]);
		i += length > 0 ? length : 1;
	}
	buffer_put_u8(to, '"');
}

static void put_value(struct buffer *to, const struct log_field *f)
{
	switch (f->type) {
	case LOG_IS_TEXT: put_text(to, f->bytes); break;
	case LOG_IS_INT: buffer_printf(to, "%" PRId64, f->i); break;
	case LOG_IS_UINT: buffer_printf(to, "%" PRIu64, f->u); break;
	case LOG_IS_HEX: buffer_put_hex(to, f->bytes); break;
	case LOG_IS_BOOL: buffer_put_str(to, f->u != 0 ? "yes" : "no"); break;
	}
}

/* A field's bytes are cut before they are formatted, so that nobody makes a line cost more than its size. */
static struct log_field bounded(struct log_field f)
{
	if ((f.type == LOG_IS_TEXT || f.type == LOG_IS_HEX) && f.bytes.n > LOG_LINE_MAX)
		f.bytes.n = LOG_LINE_MAX;
	return f;
}

void log_format(struct buffer *to, int64_t now, enum log_level level, const char *event,
		const struct log_field *fields, size_t n)
{
	static const char cut[] = " cut=yes\n";
	size_t begin = to->n;

	buffer_put_str(to, "time=");
	put_time(to, now);
	buffer_printf(to, " level=%s event=%s", log_level_name(level), event);
	for (size_t i = 0; i < n; i++) {
		size_t before = to->n;
		struct log_field field = bounded(fields[i]);

		buffer_printf(to, " %s=", field.key);
		put_value(to, &field);
		if (to->n - begin > LOG_LINE_MAX - sizeof(cut)) {
			to->n = before;
			buffer_put_str(to, cut);
			return;
		}
	}
	buffer_put_u8(to, '\n');
}

void log_fields(const struct log *log, enum log_level level, const char *event,
		const struct log_field *fields, size_t n)
{
	struct buffer line = BUFFER_EMPTY;

	if (log == NULL || level < log->least)
		return;
	log_format(&line, log->now(log->self), level, event, fields, n);
	if (buffer_ok(&line))
		log->write(log->self, level, buffer_span(&line));
	buffer_free(&line);
}
