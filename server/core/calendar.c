#include "core/calendar.h"

enum { YEARS_MAX = 200 };

struct calendar {
	civil_day first;   /* 1 January of the first year */
	civil_day last;    /* 31 December of the last year */
	uint8_t working[]; /* one bit a day */
};

static bool is_monday_to_friday(civil_day day)
{
	return civil_weekday(day) <= FRIDAY;
}

static civil_day new_year(int year)
{
	return civil_day_from_date((struct civil_date){.year = year, .month = 1, .day = 1});
}

static void set_bit(uint8_t *bits, civil_day at, bool on)
{
	uint8_t mask = (uint8_t)(1U << at % 8);

	bits[at / 8] = (uint8_t)(on ? bits[at / 8] | mask : bits[at / 8] & ~mask);
}

/* Why the rows are no calendar, or NULL. The years are those of the first and the last row. */
static const char *find_years(const struct calendar_day *days, size_t n, int *ret_first, int *ret_last)
{
	if (n == 0)
		return "there are no days in it";
	int first = civil_date_of(days[0].day).year, last = first;
	for (size_t i = 0; i < n; i++) {
		int year = civil_date_of(days[i].day).year;
		first = year < first ? year : first;
		last = year > last ? year : last;
	}
	if (last - first >= YEARS_MAX)
		return "its days lie more than 200 years apart";
	bool seen[YEARS_MAX] = {false};
	for (size_t i = 0; i < n; i++)
		seen[civil_date_of(days[i].day).year - first] = true;
	for (int i = 0; i <= last - first; i++)
		if (!seen[i])
			return "a year between its first and its last has no days";
	*ret_first = first;
	*ret_last = last;
	return NULL;
}

const struct calendar *calendar_new(struct arena *arena, const struct calendar_day *days, size_t n,
				    const char **ret_error)
{
	int first_year = 0, last_year = 0;
	const char *fault = find_years(days, n, &first_year, &last_year);

	if (fault != NULL) {
		*ret_error = fault;
		return NULL;
	}
	civil_day first = new_year(first_year), last = new_year(last_year + 1) - 1;
	struct calendar *cal = arena_alloc(arena, sizeof(*cal) + (size_t)(last - first) / 8 + 1);
	if (cal == NULL) {
		*ret_error = "out of memory";
		return NULL;
	}
	cal->first = first;
	cal->last = last;
	for (civil_day day = first; day <= last; day++)
		set_bit(cal->working, day - first, is_monday_to_friday(day));
	for (size_t i = 0; i < n; i++)
		set_bit(cal->working, days[i].day - first, days[i].working);
	return cal;
}

civil_day calendar_last_day(const struct calendar *cal)
{
	return cal == NULL ? INT32_MIN : cal->last;
}

bool calendar_covers(const struct calendar *cal, civil_day day)
{
	return cal != NULL && day >= cal->first && day <= cal->last;
}

bool calendar_is_working_day(const struct calendar *cal, civil_day day)
{
	if (!calendar_covers(cal, day))
		return is_monday_to_friday(day);
	civil_day at = day - cal->first;
	return (cal->working[at / 8] >> at % 8 & 1) != 0;
}

struct due_time deadline_working_days(const struct calendar *cal, micros from, unsigned n)
{
	civil_day day = civil_day_of(from);
	bool provisional = false;

	for (unsigned counted = 0; counted < n; counted += calendar_is_working_day(cal, day)) {
		day++;
		provisional |= !calendar_covers(cal, day);
	}
	return (struct due_time){.due = civil_day_start(day + 1), .provisional = provisional};
}

micros deadline_days(micros from, unsigned n)
{
	return micros_add(civil_day_start(civil_day_of(from) + 1), n * MICROS_PER_DAY);
}

micros deadline_years(micros from, unsigned n)
{
	struct civil_date date = civil_date_of(civil_day_of(from));

	if (date.month == 2 && date.day == 29)
		date.day = 28; /* the law's year ends with the month where the date is missing */
	date.year += (int)n;
	return civil_day_start(civil_day_from_date(date) + 1);
}
