/*
 * The reference data that judging reads: waste code lists by edition, administrative divisions, treatment
 * methods, the holiday calendar. A reference is immutable; loading a file makes a new one that shares all
 * other parts, so readers are never disturbed. Parts and references are counted; the counts are atomic.
 *
 * Files are CSV with a header line: waste codes (code,category,name_zh,hazards), divisions
 * (code,level,name_zh,parent), methods (code,group,name_zh,name_en), calendar (date,kind,name_zh). Editions
 * of waste codes stand side by side; of the other kinds the file loaded last replaces the one before.
 */
#ifndef CORE_REFERENCE_H
#define CORE_REFERENCE_H

#include "core/calendar.h"

struct reference;
struct waste_list; /* the waste codes of one edition */

enum {
	REFERENCE_FILE_MAX = 8 * 1024 * 1024,
	REFERENCE_EDITION_MAX = 32,
	WASTE_CODE_LENGTH = 10, /* "900-249-08" */
	CATEGORY_LENGTH = 4,    /* "HW08" */
	DIVISION_LENGTH = 6,
};

struct waste_code {
	char code[WASTE_CODE_LENGTH + 1];
	char category[CATEGORY_LENGTH + 1];
	bool by_testing;     /* 900-000-NN: waste identified by testing, of any category; not in the file */
	struct span name;    /* Chinese */
	struct span hazards; /* "T,I": T toxic, C corrosive, I ignitable, R reactive, In infectious */
};

struct treatment_method {
	struct span code; /* "D10" */
	struct span group;
	struct span name_zh;
	struct span name_en;
};

enum division_level { DIVISION_PROVINCE, DIVISION_CITY, DIVISION_COUNTY };

struct division {
	char code[DIVISION_LENGTH + 1];
	enum division_level level;
	char city[DIVISION_LENGTH + 1]; /* the city it belongs to, a city's own code; "" for a province */
	struct span name;
};

struct reference_error {
	unsigned line; /* of the file, from 1; 0: the file as a whole */
	char text[200];
};

/* A reference with nothing loaded. NULL: no memory. Give back with reference_unref(). */
struct reference *reference_new(void) MUST_CHECK;
struct reference *reference_ref(struct reference *r) MUST_CHECK;
void reference_unref(struct reference *r); /* NULL is allowed */

/*
 * A new reference: `base` with the file put to use. The bytes are copied. An edition of waste codes that is
 * there already is replaced. NULL: *ret_error says what is wrong with the file, and where.
 */
struct reference *reference_with(const struct reference *base, enum reference_kind kind, struct span edition,
				 struct span file, struct reference_error *ret_error) MUST_CHECK;
/* Every kind has been loaded: a manifest can be judged. */
bool reference_is_complete(const struct reference *r) MUST_CHECK;
/* The digest of the file in use for (kind, edition); NULL when there is none. */
const struct digest *reference_file(const struct reference *r, enum reference_kind kind, struct span edition);

/* What is returned below is borrowed and lives as long as the reference; NULL: not known. */
const struct waste_list *reference_waste_list(const struct reference *r, struct span edition);
const struct waste_code *waste_list_find(const struct waste_list *list, struct span code);
/* All codes in ascending order; those by testing are among them. */
const struct waste_code *waste_list_codes(const struct waste_list *list, size_t *ret_n);
/* "HW08" is a category of some edition, "900-249-08" a code of some edition: what a permit may list. */
bool reference_permit_code_known(const struct reference *r, struct span code) MUST_CHECK;
const struct treatment_method *reference_method(const struct reference *r, struct span code);
const struct division *reference_division(const struct reference *r, struct span code);
const struct calendar *reference_calendar(const struct reference *r);

/* Form only: "NNN-NNN-NN". */
bool waste_code_is_wellformed(struct span code) MUST_CHECK;
/* `permitted`, a code or a whole category "HWnn", covers the waste code. */
bool waste_code_covered(struct span permitted, struct span code) MUST_CHECK;
/* The area (a province nn0000, a city nnnn00 or a district) holds the division or is it. */
bool division_covers(struct span area, struct span division) MUST_CHECK;

#endif
