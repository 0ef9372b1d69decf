/*
 * Manifest numbers (decree 23 (2021)): 14 digits, the year (4), the consignor's province (2) and city
 * (2), and a serial (6) from 000001, counted per city and year. There is no check digit. Held as an integer
 * of 14 decimal digits. The year is that of occurred_at in Asia/Shanghai: civil_year().
 */
#ifndef CORE_NUMBER_H
#define CORE_NUMBER_H

#include "base/span.h"

enum { NUMBER_DIGITS = 14, NUMBER_SERIAL_MAX = 999999, NUMBER_YEAR_MIN = 2000, NUMBER_YEAR_MAX = 9999 };

struct manifest_number_parts {
	unsigned year;
	unsigned city; /* the first four digits of the city's division code: 2101 */
	unsigned serial;
};

/* Exactly 14 digits that are a number in the sense of manifest_number_is_valid(). */
bool manifest_number_parse(struct span text, uint64_t *ret_number) MUST_CHECK;
/* A year from 2000, a province from 11, a city from 01, a serial from 1. */
bool manifest_number_is_valid(uint64_t number) MUST_CHECK;
/* Writes 14 digits and a NUL; the number must be below 10^14. */
void manifest_number_format(uint64_t number, char ret_text[NUMBER_DIGITS + 1]);

struct manifest_number_parts manifest_number_parts(uint64_t number);
/* False: a part is out of its range. */
bool manifest_number_make(struct manifest_number_parts parts, uint64_t *ret_number) MUST_CHECK;

/* Year and city are the same: the two belong to one sequence of serials. */
bool manifest_number_same_sequence(uint64_t a, uint64_t b) MUST_CHECK;
/* The four digits of a six-digit division code that stand in a number: "210106" gives 2101. */
bool manifest_number_city(struct span division, unsigned *ret_city) MUST_CHECK;

#endif
