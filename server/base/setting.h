/*
 * One setting as a row of a static table: its key, type, range, default and help, and where its value lies in
 * the struct that holds the settings. The same rows serve the server's own configuration and the settings
 * that judging reads, and the documentation is printed from them.
 *
 * Text forms: an integer is decimal; a duration is a whole number and a unit (us, ms, s, min, h, d), a size a
 * whole number and B, KiB, MiB or GiB, one space or none between; a bool is "yes" or "no".
 */
#ifndef BASE_SETTING_H
#define BASE_SETTING_H

#include "base/buffer.h"

/* How the value is held at the row's offset. */
enum setting_type {
	SETTING_INT,      /* int64_t */
	SETTING_DURATION, /* int64_t, microseconds */
	SETTING_SIZE,     /* int64_t, bytes */
	SETTING_BOOL,     /* bool */
	SETTING_TEXT,     /* char[SETTING_TEXT_SIZE], NUL at the end */
	SETTING_CHOICE,   /* int, position in `choices` */
};

enum { SETTING_TEXT_SIZE = 256, SETTING_ERROR_SIZE = 256 };

struct setting_row {
	const char *key; /* "collect.grace" */
	enum setting_type type;
	bool judging;               /* read by judging: changed by an event in the log only */
	size_t offset;              /* of the value in the settings struct */
	int64_t min, max;           /* of the value; of the length in bytes for text; unused else */
	const char *initial;        /* the default, in text form */
	const char *unit;           /* what an integer counts: "working days"; else NULL */
	const char *const *choices; /* ends with NULL; NULL unless a choice */
	const char *help_en;
	const char *help_zh;
};

#define DURATION_SECOND INT64_C(1000000)
#define DURATION_MINUTE (60 * DURATION_SECOND)
#define DURATION_HOUR   (60 * DURATION_MINUTE)
#define DURATION_DAY    (24 * DURATION_HOUR)

/* The name of a type for documentation: "duration". */
const char *setting_type_name(enum setting_type type);

/* The row with that key, or NULL. */
const struct setting_row *setting_find(const struct setting_row *rows, size_t n, struct span key);

/*
 * Parses the text and stores it at the row's offset in `settings`. False: nothing was stored and ret_error
 * says in English what was found and what is allowed.
 */
bool setting_parse(const struct setting_row *row, void *settings, struct span text,
		   char ret_error[SETTING_ERROR_SIZE]) MUST_CHECK;

/* Appends the value in the form that setting_parse() reads, durations and sizes in their largest whole unit.
 */
void setting_format(const struct setting_row *row, const void *settings, struct buffer *to);

/* Appends what is allowed: "1 to 60 working days", "0 s to 30 d", "yes or no". */
void setting_format_range(const struct setting_row *row, struct buffer *to);

/* Stores every row's default. False: a row's own default is not within its range (a fault of the table). */
bool settings_default(const struct setting_row *rows, size_t n, void *settings) MUST_CHECK;

#endif
