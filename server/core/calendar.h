/*
 * Working days in Asia/Shanghai (the State Council's yearly notices: holidays, and weekends that are worked
 * to make up for them) and the deadlines counted in them. A deadline is an exclusive bound: the instant the
 * last day ends, 00:00 +08:00 of the day after; what happened before it was in time. Day 1 is the first
 * (working) day after the one on which the clock starts.
 */
#ifndef CORE_CALENDAR_H
#define CORE_CALENDAR_H

#include "base/arena.h"
#include "core/civil.h"

/* Immutable. NULL is a calendar that knows no year. */
struct calendar;

/* One row of the notices. */
struct calendar_day {
	civil_day day;
	bool working; /* a weekend that is worked; else a day off */
};

/*
 * A calendar in the arena from rows in any order. It covers the whole years from the first row's to the last
 * row's; of two rows for a day the later counts. NULL: no memory, no rows, a year without rows between, or
 * more than 200 years; *ret_error says which (static English text).
 */
const struct calendar *calendar_new(struct arena *arena, const struct calendar_day *days, size_t n,
				    const char **ret_error) MUST_CHECK;

/* The last day the calendar knows: 31 December of its last year. INT32_MIN when it knows none. */
civil_day calendar_last_day(const struct calendar *cal);
/* The day is within the calendar's years. */
bool calendar_covers(const struct calendar *cal, civil_day day);
/* Outside the calendar's years: Monday to Friday. */
bool calendar_is_working_day(const struct calendar *cal, civil_day day);

struct due_time {
	micros due;       /* exclusive */
	bool provisional; /* a day outside the calendar's years was counted: may move when one is loaded */
};

/* The end of the nth working day after `from`; n at most 1000. n == 0: the end of the day of `from`. */
struct due_time deadline_working_days(const struct calendar *cal, micros from, unsigned n);
/* The end of the nth day after `from`, all days counted. */
micros deadline_days(micros from, unsigned n);
/* The end of the same date n years later (n at most 1000); 29 February becomes 28 February. */
micros deadline_years(micros from, unsigned n);

#endif
