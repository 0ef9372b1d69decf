/*
 * One reference file put to use, as reference.c shares it between references: the parsed rows, sorted for
 * look-up, in an arena of their own. Private to reference.c and reference_load.c.
 */
#ifndef CORE_REFERENCE_PART_H
#define CORE_REFERENCE_PART_H

#include <stdatomic.h>

#include "core/reference.h"

enum { CATEGORIES = 100 };

struct waste_list {
	const struct waste_code *rows; /* by ascending code */
	size_t n;
	bool categories[CATEGORIES]; /* those that have a code, by number */
};

struct division_table {
	const struct division *rows; /* by ascending code */
	size_t n;
};

struct method_table {
	const struct treatment_method *rows; /* by ascending code */
	size_t n;
};

struct part {
	atomic_uint uses; /* references that share it */
	struct arena *arena;
	enum reference_kind kind;
	char edition[REFERENCE_EDITION_MAX + 1];
	struct digest sha256;
	union {
		struct waste_list waste;
		struct division_table divisions;
		struct method_table methods;
		const struct calendar *calendar;
	};
};

/* Parses a file. NULL: ret_error. Free with part_free() when uses has come to 0; it starts with 1. */
struct part *part_load(enum reference_kind kind, struct span edition, struct span file,
		       struct reference_error *ret_error) MUST_CHECK;
void part_free(struct part *part);

/* "HW08" gives 8; -1 for anything else. */
int category_number(struct span text);
/* The row with the code, in rows sorted by code whose first member is the code's characters. */
const struct division *division_table_find(const struct division_table *table, struct span code);

#endif
