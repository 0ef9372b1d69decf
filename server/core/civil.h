/*
 * Days and dates in Asia/Shanghai, which is UTC+8 without daylight saving for every instant this log can hold
 * (since 1991-09-15). Pure arithmetic; the time zone of the machine does not matter.
 */
#ifndef CORE_CIVIL_H
#define CORE_CIVIL_H

#include "core/event.h"

/* Days since 1970-01-01, as counted in Asia/Shanghai. */
typedef int32_t civil_day;

struct civil_date {
	int year;
	int month; /* 1 to 12 */
	int day;   /* 1 to 31 */
};

enum weekday { MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY };

#define MICROS_PER_DAY  (INT64_C(86400) * MICROS_PER_SECOND)
#define SHANGHAI_OFFSET (INT64_C(8) * 3600 * MICROS_PER_SECOND)

/* The day an instant falls on, and the instant a day begins (00:00 +08:00). */
civil_day civil_day_of(micros at);
micros civil_day_start(civil_day day);

/* The date exists in the Gregorian calendar; years 1 to 9999. */
bool civil_date_is_valid(struct civil_date date) MUST_CHECK;
/* The date must be valid. */
civil_day civil_day_from_date(struct civil_date date);
struct civil_date civil_date_of(civil_day day);
enum weekday civil_weekday(civil_day day);

/* The year an instant falls in: that of a manifest number. */
int civil_year(micros at);

/* at + delta, held at the ends of the range instead of overflowing: planned times are what a device says. */
micros micros_add(micros at, int64_t delta);

#endif
