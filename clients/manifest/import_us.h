/*
 * The fields of the US e-Manifest service's JSON that have a place in an `imported` event: a table of their
 * paths, with the type that the published schema gives each and where its value goes.
 */
#ifndef MANIFEST_IMPORT_US_H
#define MANIFEST_IMPORT_US_H

#include "core/event.h"

enum leaf_type { ANY_LEAF, TEXT_LEAF, NUMBER_LEAF, BOOL_LEAF, OBJECT_NODE, ARRAY_NODE };

enum use {
	USE_NOTHING, /* its type alone is checked; the leaves below are rows, or left out */
	USE_NUMBER,
	USE_STATUS,
	USE_ISSUED,
	USE_SHIPPED,
	USE_SHIPPED_ELSE,
	USE_RECEIVED,
	USE_RECEIVED_ELSE,
	USE_REMARK, /* "name: value", for a bool when it is true */
	USE_PARTY_ID,
	USE_PARTY_NAME,
	USE_LINE_NUMBER,
	USE_LINE_NAME,
	USE_LINE_CODE,
	USE_QUANTITY,
	USE_UNIT,
	USE_UNIT_WORDS,
	USE_CONTAINERS,
	USE_CONTAINER_TYPE,
	USE_METHOD,
	USE_LINE_REMARK,
	USE_PERSONAL,
};

/* In a path, [] stands for any index; a row that begins with * is the end of a path. */
struct us_row {
	const char *path;
	enum leaf_type type;
	enum use use;
	enum role role; /* of a party */
};

/* The row of a path whose indexes are written []; NULL: there is none. */
const struct us_row *us_row_of(const char *pattern);

#endif
