/* What the projection's files share: the tables, rows and keys in bytes. Private to the store. */
#ifndef STORE_PROJECTION_TABLE_H
#define STORE_PROJECTION_TABLE_H

#include "store/copy.h"
#include "store/projection.h"

enum table_id {
	TABLE_REGISTRY_ENTRY,
	TABLE_PARTY,
	TABLE_DEVICE_KEY,
	TABLE_PERMIT,
	TABLE_VEHICLE,
	TABLE_PERSON,
	TABLE_BLOCK,
	TABLE_VOIDED,
	TABLE_SETTING,
	TABLE_MANIFEST,
	TABLE_TERM,
	TABLE_FLAG,
	TABLE_FLAG_PARTY,
	TABLE_EVIDENCE,
	TABLE_RUNNING_NUMBER,
	TABLE_TILE,
	TABLES,
};
_Static_assert((int)TABLES <= (int)PROJECTION_TABLES_MAX, "whoever compares them has room for each");

enum { NO_COLUMN = -1 };

struct table_row {
	const char *name;
	const char *columns[COPY_COLUMNS_MAX]; /* the key's first */
	const char *types; /* i integer, b bytea, t text, o boolean, a bigint[], s text[] */
	size_t key_n;
	int entry;          /* the column that names an entry of the log */
	int number;         /* the column with a manifest's number */
	const char *select; /* in place of the columns; NULL: they are selected as they are */
	bool blocks;        /* its rows are kept in blocks, and those are in the order of the key */
};
extern const struct table_row tables[TABLES];

/* Columns of the tables that are looked at by themselves. */
enum {
	MANIFEST_DUE = 2,
	MANIFEST_CHANGED = 4,
	MANIFEST_GENERATOR = 8,
	MANIFEST_TRANSPORTER,
	MANIFEST_FACILITY,
	MANIFEST_STATE,
	MANIFEST_TRAIL = 14,
	MANIFEST_BODY
};
enum {
	FLAG_NUMBER = 1,
	FLAG_CLOSED_AT = 4,
	FLAG_CLOSED_BY,
	FLAG_KIND,
	FLAG_CLAIMED = 8,
	FLAG_GENERATOR,
	FLAG_FACILITY,
	FLAG_RESOLUTION = 14
};
enum { NUMBER_NUMBER = 1, NUMBER_INDEX = 3, NUMBER_EVENT = 4, NUMBER_CELLS = 5 };
/* Rows of this table may be the same: one is kept, with how many there are as its last cell. */
enum { TERM_COUNT = 6, TERM_CELLS = 7 };

struct projection {
	struct store_conn *conn;
	struct scratch *scratch;
	struct open_block **open; /* of running numbers, by key */
	struct buffer key;
	struct buffer row;
};

/* An integer as a cell. */
struct cell {
	uint8_t b[8];
};
struct span int_cell(struct cell *cell, int64_t v);

/* The first of n cells that differs; n: none does. */
size_t difference(const struct span *a, const struct span *b, size_t n);

size_t table_columns(const struct table_row *t);
/* The key under which a row is kept: in the order of the table's key in SQL. */
void row_put_key(struct buffer *to, enum table_id id, const struct span *cells, size_t n);
void row_put(struct buffer *to, const struct span *cells, size_t n);
/* Views into a row, whose cells have the form that COPY gives them too. False: not such a row. */
bool row_split(struct span row, size_t n, struct span *ret_cells);

/* ---- projection_block.c: rows that are kept together, each after its length ---- */

void block_add(struct buffer *block, struct span row);
/* Takes the first row off. False: there is none. */
bool block_next(struct span *block, struct span *ret_row) MUST_CHECK;

bool numbers_new(struct projection *p) MUST_CHECK;
void numbers_free(struct projection *p);
/* A row of running numbers. */
bool numbers_add(struct projection *p, const struct span *cells) MUST_CHECK;
/* Rows among which are all uses of the number, borrowed until the next call. False: no memory, or the disk is
 * full. */
bool numbers_near(struct projection *p, int64_t key, int64_t number, struct span *ret_block) MUST_CHECK;
/* All into the scratch. */
bool numbers_settle(struct projection *p) MUST_CHECK;

#endif
