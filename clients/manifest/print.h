/*
 * Terminal output: tables whose columns line up also with wide characters, colours where a person looks,
 * times in +08:00, quantities in t and kg.
 */
#ifndef MANIFEST_PRINT_H
#define MANIFEST_PRINT_H

#include "manifest/app.h"

enum paint { PAINT_END, PAINT_STRONG, PAINT_FAINT, PAINT_GOOD, PAINT_BAD, PAINT_WARN };

/* The escape sequence, or "" where colours are not wanted. */
const char *paint(const struct app *app, enum paint what);

enum { TABLE_COLUMNS_MAX = 12 };

/* Rows are kept until the table is printed: columns are as wide as their widest cell. */
struct table {
	struct app *app;
	size_t columns;
	bool right[TABLE_COLUMNS_MAX]; /* aligned to the right */
	const char **cells;
	size_t cells_n;
	size_t cells_cap;
};

/* `headings` ends with NULL; one that begins with '>' is aligned to the right. */
struct table table_begin(struct app *app, const char *const *headings);
/* Copies the text. Cells fill the table row by row. */
void table_put(struct table *t, const char *text);
void table_printf(struct table *t, const char *format, ...) PRINTF_LIKE(2, 3);
/* Prints (unless --json, or there is no row) and frees. */
void table_end(struct table *t);

/* Columns that the text takes on a terminal. */
size_t text_width(const char *text);

/* In the app's arena. 0: "". */
const char *text_time(struct app *app, micros at); /* "2026-10-01 08:30" */
const char *text_grams(struct app *app, int64_t grams);
const char *text_party(struct app *app, const struct party_ref *ref);
const char *text_number(struct app *app, uint64_t number);
const char *text_digest(struct app *app, const struct digest *d); /* 64 digits */
const char *text_short(struct app *app, const struct digest *d);  /* the first 12 */
const char *text_span(struct app *app, struct span s);
const char *text_detail(struct app *app, struct span detail); /* a flag's, in the language of whoever reads */

#endif
