/* core/calendar: working days and deadlines, with the holiday notices in schema/data/calendar. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/calendar.h"
#include "core/time_text.h"

enum { ROWS = 400 };

static struct arena *arena;
static struct calendar_day rows[ROWS];
static size_t rows_n;

/* Reads the file with other means than the code under test. */
static const struct calendar *load(void)
{
	FILE *f = fopen("schema/data/calendar/2026.csv", "r");
	char line[128], kind[16];
	int y, m, d;
	const char *error = NULL;

	cr_assert_not_null(f);
	arena = arena_new(1 << 16);
	rows_n = 0;
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%d-%d-%d,%15[a-z],", &y, &m, &d, kind) != 4)
			continue;
		rows[rows_n++] = (struct calendar_day){
		    .day = civil_day_from_date((struct civil_date){y, m, d}),
		    .working = strcmp(kind, "workday") == 0,
		};
	}
	(void)fclose(f);
	cr_assert_eq(rows_n, 218);
	const struct calendar *cal = calendar_new(arena, rows, rows_n, &error);
	cr_assert_not_null(cal);
	return cal;
}

static civil_day date(const char *text)
{
	civil_day day = 0;

	cr_assert(date_parse(span_str(text), &day), "%s", text);
	return day;
}

static micros instant(const char *text)
{
	micros at = 0;

	cr_assert(time_parse(span_str(text), &at), "%s", text);
	return at;
}

Test(calendar, known_days)
{
	static const struct {
		const char *date;
		bool working;
	} days[] = {
	    {"2026-09-20", true},  /* Sunday, made up for National Day */
	    {"2026-09-25", false}, /* Mid-Autumn, a Friday */
	    {"2026-09-30", true},  {"2026-10-01", false}, {"2026-10-07", false}, {"2026-10-08", true},
	    {"2026-10-10", true},                        /* Saturday, made up */
	    {"2026-10-11", false}, {"2026-02-14", true}, /* Saturday before the Spring Festival */
	    {"2026-02-16", false}, {"2026-02-23", false}, {"2026-02-24", true},  {"2026-02-28", true},
	    {"2026-01-02", false}, {"2026-01-04", true},  {"2021-02-20", true},  {"2022-12-31", false},
	    {"2024-01-01", false}, {"2026-12-31", true},  {"2027-01-01", true}, /* not known yet: Monday to
										   Friday */
	    {"2020-10-01", true},                                               /* before the calendar */
	};
	const struct calendar *cal = load();

	for (size_t i = 0; i < ARRAY_LEN(days); i++)
		cr_expect_eq(calendar_is_working_day(cal, date(days[i].date)), days[i].working, "%s",
			     days[i].date);
	cr_expect_eq(calendar_last_day(cal), date("2026-12-31"));
	cr_expect(calendar_covers(cal, date("2021-01-01")));
	cr_expect_not(calendar_covers(cal, date("2020-12-31")));
	cr_expect_not(calendar_covers(cal, date("2027-01-01")));
	arena_free(arena);
}

Test(calendar, known_deadlines)
{
	static const struct {
		const char *from;
		unsigned n;
		const char *due;
		bool provisional;
	} cases[] = {
	    /* National Day: 8, 9, 10 (a Saturday that is worked), 12, 13 October. */
	    {"2026-09-30T09:00:00+08:00", 5, "2026-10-14T00:00:00+08:00", false},
	    /* The clock starts during the holiday: the same. */
	    {"2026-10-04T23:59:59+08:00", 5, "2026-10-14T00:00:00+08:00", false},
	    /* Day 1 is the day after, from the first to the last microsecond of the day. */
	    {"2026-06-01T00:00:00+08:00", 1, "2026-06-03T00:00:00+08:00", false},
	    {"2026-06-01T23:59:59.999999+08:00", 1, "2026-06-03T00:00:00+08:00", false},
	    /* The day is that of Shanghai: 16:30 UTC is half past midnight. */
	    {"2026-06-01T16:30:00Z", 1, "2026-06-04T00:00:00+08:00", false},
	    {"2026-06-05T12:00:00+08:00", 1, "2026-06-09T00:00:00+08:00", false},
	    {"2026-06-05T12:00:00+08:00", 0, "2026-06-06T00:00:00+08:00", false},
	    /* Across New Year 2026: 30, 31 December, then 4 (a Sunday that is worked), 5, 6 January. */
	    {"2025-12-29T10:00:00+08:00", 5, "2026-01-07T00:00:00+08:00", false},
	    /* The last day that counts is the calendar's last. */
	    {"2026-12-24T10:00:00+08:00", 5, "2027-01-01T00:00:00+08:00", false},
	    /* One beyond: 1 January counts as a Friday until a calendar says otherwise. */
	    {"2026-12-25T10:00:00+08:00", 5, "2027-01-02T00:00:00+08:00", true},
	    {"2026-12-28T10:00:00+08:00", 5, "2027-01-05T00:00:00+08:00", true},
	    {"2027-05-28T10:00:00+08:00", 2, "2027-06-02T00:00:00+08:00", true},
	};
	const struct calendar *cal = load();

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct due_time due = deadline_working_days(cal, instant(cases[i].from), cases[i].n);
		char text[TIME_TEXT_SIZE];
		time_format(due.due, text);
		cr_expect_str_eq(text, cases[i].due, "from %s", cases[i].from);
		cr_expect_eq(due.provisional, cases[i].provisional, "from %s", cases[i].from);
	}
	arena_free(arena);
}

/* From the rows themselves: the day is listed, or it is a weekday. */
static bool expected_working(civil_day day)
{
	for (size_t i = 0; i < rows_n; i++)
		if (rows[i].day == day)
			return rows[i].working;
	return civil_weekday(day) <= FRIDAY;
}

Test(calendar, every_day_and_every_deadline)
{
	const struct calendar *cal = load();
	civil_day first = date("2020-11-01"), last = date("2027-03-01");

	for (civil_day day = first; day <= last; day++)
		cr_assert_eq(calendar_is_working_day(cal, day), expected_working(day), "day %d", day);
	for (civil_day day = first; day <= last; day++) {
		unsigned n = (unsigned)(day - first) % 25 + 1, counted = 0;
		struct due_time due = deadline_working_days(cal, civil_day_start(day) + day, n);
		civil_day end = civil_day_of(due.due);
		cr_assert_eq(civil_day_start(end), due.due);
		for (civil_day d = day + 1; d < end; d++)
			counted += expected_working(d);
		cr_assert_eq(counted, n, "day %d", day);
		cr_assert(expected_working(end - 1), "the last day is a working day");
		cr_assert_eq(due.provisional,
			     !calendar_covers(cal, day + 1) || !calendar_covers(cal, end - 1));
	}
	arena_free(arena);
}

Test(calendar, none_is_known)
{
	struct due_time due = deadline_working_days(NULL, instant("2026-09-30T09:00:00+08:00"), 5);

	cr_expect_eq(due.due, instant("2026-10-08T00:00:00+08:00"));
	cr_expect(due.provisional);
	cr_expect_eq(calendar_last_day(NULL), INT32_MIN);
}

Test(calendar, days_and_years)
{
	static const struct {
		const char *from;
		unsigned years;
		const char *due;
	} cases[] = {
	    {"2026-03-01T10:00:00+08:00", 1, "2027-03-02T00:00:00+08:00"},
	    {"2024-02-29T10:00:00+08:00", 1, "2025-03-01T00:00:00+08:00"},
	    {"2026-12-31T23:00:00+08:00", 1, "2028-01-01T00:00:00+08:00"},
	    {"2023-03-01T00:00:00+08:00", 1, "2024-03-02T00:00:00+08:00"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cr_expect_eq(deadline_years(instant(cases[i].from), cases[i].years), instant(cases[i].due),
			     "%s", cases[i].from);
	cr_expect_eq(deadline_days(instant("2026-12-31T10:00:00+08:00"), 2),
		     instant("2027-01-03T00:00:00+08:00"));
	cr_expect_eq(deadline_days(INT64_MAX, 365), INT64_MAX);
	cr_expect_geq(deadline_working_days(NULL, INT64_MAX, 5).due, INT64_MAX - MICROS_PER_DAY);
}

Test(calendar, refuses)
{
	const struct calendar_day gap[] = {{date("2024-05-01"), false}, {date("2026-05-01"), false}};
	const struct calendar_day wide[] = {{date("1800-05-01"), false}, {date("2026-05-01"), false}};
	const struct calendar_day twice[] = {{date("2026-05-01"), false}, {date("2026-05-01"), true}};
	const char *error = NULL;

	arena = arena_new(1 << 12);
	cr_expect_null(calendar_new(arena, NULL, 0, &error));
	cr_expect_null(calendar_new(arena, gap, 2, &error));
	cr_expect_str_eq(error, "a year between its first and its last has no days");
	cr_expect_null(calendar_new(arena, wide, 2, &error));
	const struct calendar *cal = calendar_new(arena, twice, 2, &error);
	cr_assert_not_null(cal);
	cr_expect(calendar_is_working_day(cal, date("2026-05-01")));
	arena_free(arena);
}
