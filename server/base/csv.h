/*
 * Reads CSV (RFC 4180): commas, double quotes around a field that holds a comma, a quote or a line break, a
 * quote inside written twice; lines end in LF or CRLF; a UTF-8 byte order mark is skipped. Bytes come in as
 * a span; fields are views of it, or of the arena where quotes had to be taken away.
 */
#ifndef BASE_CSV_H
#define BASE_CSV_H

#include "base/arena.h"

struct csv {
	struct span rest;    /* what has not been read */
	unsigned line;       /* the line on which the last record begins, from 1 */
	unsigned next_line;  /* the line on which the next one begins */
	struct arena *arena; /* for unquoted fields; not owned */
	const char *error;   /* after CSV_BAD: what is wrong, static English text */
};

enum csv_result { CSV_RECORD, CSV_END, CSV_BAD };

struct csv csv_open(struct span bytes, struct arena *arena);

/*
 * The next record's fields, at most cap of them, and their number. CSV_BAD: csv->error says what is wrong
 * with the record on csv->line; the reader stands at the line after, so that the caller may go on. An empty
 * line is a record of one empty field.
 */
enum csv_result csv_next(struct csv *csv, struct span *ret_fields, size_t cap, size_t *ret_n) MUST_CHECK;

#endif
