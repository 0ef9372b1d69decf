/*
 * The columns of the national platform's export: which headings each may have, what its cells may hold, and
 * whether it is carried in a field of the event or in the remark. Pure.
 */
#ifndef MANIFEST_IMPORT_COLUMNS_H
#define MANIFEST_IMPORT_COLUMNS_H

#include "core/quantity.h"

enum cell {
	CELL_TEXT,
	CELL_NUMBER,
	CELL_WASTE_CODE,
	CELL_QUANTITY,
	CELL_DATE,
	CELL_CREDIT,
	CELL_YES_NO,
	CELL_ENTRY, /* 正常 or 补录 */
};

enum column {
	COLUMN_NUMBER,
	COLUMN_GENERATOR,
	COLUMN_GENERATOR_ID,
	COLUMN_TRANSPORTER,
	COLUMN_TRANSPORTER_ID,
	COLUMN_FACILITY,
	COLUMN_FACILITY_ID,
	COLUMN_CODE,
	COLUMN_NAME,
	COLUMN_PLANNED,
	COLUMN_SHIPPED,
	COLUMN_CONFIRMED,
	COLUMN_CONTAINERS,
	COLUMN_METHOD,
	COLUMN_ISSUED,
	COLUMN_SHIPPED_AT,
	COLUMN_RECEIVED_AT,
	COLUMN_STATUS,
	COLUMN_OPINION,
	COLUMN_DIFFERENT,
	COLUMN_DIFFERENCE,
	COLUMN_VOID,
	COLUMN_ENTRY,
	COLUMN_PLATE,
	COLUMNS
};

struct column_row {
	const char *headings[5];
	enum cell cell;
	bool must;      /* the column, and a value in every row */
	bool in_remark; /* carried as "heading: value" */
};
extern const struct column_row column_rows[COLUMNS];

/* Without spaces and tabs at the ends. */
struct span column_trim(struct span s);
/* Takes "（吨）" and the like off the end of a heading; tonnes when it says nothing. */
enum mass_unit column_unit(struct span *heading);
/* -1: not known. */
int column_named(struct span heading);
/* Whether a value (not empty) is of its column's form; always says what is allowed. */
bool column_cell_holds(int column, enum mass_unit unit, struct span value, const char **ret_allowed);

#endif
