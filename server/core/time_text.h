/*
 * Instants as people and JSON see them: RFC 3339 in Asia/Shanghai, "2026-10-01T08:30:00+08:00", with six
 * decimals when the microseconds are not zero.
 */
#ifndef CORE_TIME_TEXT_H
#define CORE_TIME_TEXT_H

#include "core/civil.h"

enum { TIME_TEXT_SIZE = 48, DATE_TEXT_SIZE = 16 };

/* Any instant; years beyond 9999 are written with all their digits (and are not read back). */
void time_format(micros at, char ret_text[TIME_TEXT_SIZE]);
/* "2026-10-01" */
void date_format(civil_day day, char ret_text[DATE_TEXT_SIZE]);

/*
 * Strict RFC 3339: any offset or Z, capital T, one to six decimals or none, no leap second. False for
 * anything else, also for dates that do not exist.
 */
bool time_parse(struct span text, micros *ret_at) MUST_CHECK;
/* Exactly "YYYY-MM-DD". */
bool date_parse(struct span text, civil_day *ret_day) MUST_CHECK;

#endif
