/*
 * Log lines in logfmt: time=... level=info event=conn.closed peer="..." bytes=17, one line an event. This
 * only formats: what writes a line and what tells the time are functions that the program gives. Values are
 * typed fields, so that a line can be read by a machine whatever bytes are in it:
 *
 *	log_line(log, LOG_INFO, "conn.closed", LOG_TEXT("peer", peer), LOG_UINT("bytes", n));
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/buffer.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

enum { LOG_LINE_MAX = 4096 };

/* Owned by the program; the same for all that log. `least` may be changed at any time. */
struct log {
	enum log_level least; /* lines below it are dropped */
	void *self;
	/* One line with its LF, valid during the call. May be called from several threads. */
	void (*write)(void *self, enum log_level level, struct span line);
	int64_t (*now)(void *self); /* microseconds since 1970, UTC */
};

struct log_field {
	const char *key; /* lowercase words joined by underscores */
	enum log_type { LOG_IS_TEXT, LOG_IS_INT, LOG_IS_UINT, LOG_IS_HEX, LOG_IS_BOOL } type;
	union {
		struct span bytes; /* text and hex */
		int64_t i;
		uint64_t u; /* and bool */
	};
};

#define LOG_TEXT(k, s) ((struct log_field){.key = (k), .type = LOG_IS_TEXT, .bytes = span_str(s)})
#define LOG_SPAN(k, s) ((struct log_field){.key = (k), .type = LOG_IS_TEXT, .bytes = (s)})
#define LOG_HEX(k, s)  ((struct log_field){.key = (k), .type = LOG_IS_HEX, .bytes = (s)})
#define LOG_INT(k, v)  ((struct log_field){.key = (k), .type = LOG_IS_INT, .i = (v)})
#define LOG_UINT(k, v) ((struct log_field){.key = (k), .type = LOG_IS_UINT, .u = (v)})
#define LOG_BOOL(k, v) ((struct log_field){.key = (k), .type = LOG_IS_BOOL, .u = (v) ? 1 : 0})

/* Writes one line with at least one field; `log` may be NULL (nothing is logged). `event` is static text. */
#define log_line(log, level, event, ...)                                                                     \
	log_fields((log), (level), (event), (const struct log_field[]){__VA_ARGS__},                         \
		   sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))

void log_fields(const struct log *log, enum log_level level, const char *event,
		const struct log_field *fields, size_t n);

/*
 * Appends one line with its LF. A text value is quoted when it is empty or holds anything but printable
 * ASCII without space, quote, = and backslash; in quotes, control characters, quotes, backslashes and bytes
 * that are not UTF-8 are escaped (\n, \t, \", \\, \x1b). A line is cut at LOG_LINE_MAX bytes, at a field.
 */
void log_format(struct buffer *to, int64_t now, enum log_level level, const char *event,
		const struct log_field *fields, size_t n);

/* "debug", "info", "warning", "error". */
const char *log_level_name(enum log_level level);

#endif
