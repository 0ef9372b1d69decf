/*
 * Records of other systems as `imported` events: what of a file is carried, what is not, and what is wrong
 * with it. Text is carried as it is written, also quantities and dates; personal names, telephone numbers and
 * mail addresses are not, because the log never forgets. Pure.
 */
#ifndef MANIFEST_IMPORT_H
#define MANIFEST_IMPORT_H

#include "wire/codec.h"

enum {
	IMPORT_FILE_MAX = 64 * 1024 * 1024,
	IMPORT_PARTIES_MAX = 20,
	IMPORT_LINES_MAX = 200,
	IMPORT_CODES_MAX = 40
};

enum import_what {
	IMPORT_BAD,      /* the row, or the record, is not entered */
	IMPORT_NOTE,     /* it is entered, and this should be known */
	IMPORT_LEFT_OUT, /* a field that has no place in the event */
	IMPORT_PERSONAL, /* a field that may not go into the log */
};

struct import_finding {
	enum import_what what;
	unsigned record;    /* from 1 */
	unsigned row;       /* of the file, from 1; 0: the file has no rows */
	const char *column; /* column heading, or path in the JSON */
	const char *found;
	const char *allowed; /* may be "" */
	const char *en;
	const char *zh;
};

struct import_record {
	struct imported value; /* but for source_sha256 */
	unsigned row;
};

struct import_result {
	struct import_record *records; /* those to be entered, in the order of the file */
	size_t records_n;
	unsigned seen; /* records, or rows, in the file */
	unsigned bad;  /* that are not entered */
	struct import_finding *findings;
	size_t findings_n;
	size_t findings_more; /* not kept */
	size_t findings_cap;
	struct arena *arena;
};

/* Values live in the arena. False: the file as a whole cannot be read; the only finding says why. */
bool import_us_json(struct span file, struct arena *arena, struct import_result *ret_result) MUST_CHECK;
bool import_cn_csv(struct span file, struct arena *arena, struct import_result *ret_result) MUST_CHECK;

/* For the two above. Texts are copied. */
void import_find(struct import_result *r, const struct import_finding *finding);
/* Adds the limits of proto/manifest.proto that a record breaks; true: none. */
bool import_check(struct import_result *r, const struct imported *value, unsigned row) MUST_CHECK;
/* A short copy of any bytes for a report: control characters and bad UTF-8 are replaced. */
const char *import_quote(struct import_result *r, struct span s);

#endif
