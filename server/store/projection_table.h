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
	const char *select; /* in place of the columns and the table; NULL: they are selected as they are */
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

struct projection {
	struct store_conn *conn;
	struct scratch *scratch;
	struct buffer key;
	struct buffer row;
};

size_t table_columns(const struct table_row *t);
/* The key under which a row is kept: in the order of the table's key in SQL. */
void row_put_key(struct buffer *to, enum table_id id, const struct span *cells, size_t n);
void row_put(struct buffer *to, const struct span *cells, size_t n);
/* Views into a row, whose cells have the form that COPY gives them too. False: not such a row. */
bool row_split(struct span row, size_t n, struct span *ret_cells);

#endif
