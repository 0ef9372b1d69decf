#include "core/civil.h"

/* Rounds down, also below zero; b > 0. */
static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

micros micros_add(micros at, int64_t delta)
{
	micros sum;

	if (__builtin_add_overflow(at, delta, &sum))
		return delta > 0 ? INT64_MAX : INT64_MIN;
	return sum;
}

civil_day civil_day_of(micros at)
{
	/* The offset is added to the time of day: at + offset could overflow. */
	int64_t of_day = at % MICROS_PER_DAY + (at % MICROS_PER_DAY < 0 ? MICROS_PER_DAY : 0);

	return (civil_day)(floor_div(at, MICROS_PER_DAY) + (of_day + SHANGHAI_OFFSET >= MICROS_PER_DAY));
}

micros civil_day_start(civil_day day)
{
	micros utc;

	if (__builtin_mul_overflow((int64_t)day, MICROS_PER_DAY, &utc))
		return day > 0 ? INT64_MAX : INT64_MIN;
	return micros_add(utc, -SHANGHAI_OFFSET);
}

static bool is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

bool civil_date_is_valid(struct civil_date date)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	if (date.year < 1 || date.year > 9999 || date.month < 1 || date.month > 12 || date.day < 1)
		return false;
	return date.day <= days[date.month - 1] + (date.month == 2 && is_leap(date.year));
}

/*
 * Both ways count years from 1 March, so that the leap day is the last of its year; 146,097 days are 400
 * years, and 719,468 lie between 0000-03-01 and 1970-01-01.
 */
civil_day civil_day_from_date(struct civil_date date)
{
	int64_t year = date.year - (date.month <= 2);
	int64_t era = floor_div(year, 400);
	int64_t of_era = year - era * 400;
	int64_t of_year = (153 * ((date.month + 9) % 12) + 2) / 5 + date.day - 1;

	return (civil_day)(era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468);
}

struct civil_date civil_date_of(civil_day day)
{
	int64_t shifted = (int64_t)day + 719468;
	int64_t era = floor_div(shifted, 146097);
	int64_t of_era = shifted - era * 146097;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * of_year + 2) / 153; /* 0 is March */

	return (struct civil_date){
	    .year = (int)(year + era * 400 + (month >= 10)),
	    .month = (int)(month < 10 ? month + 3 : month - 9),
	    .day = (int)(of_year - (153 * month + 2) / 5 + 1),
	};
}

enum weekday civil_weekday(civil_day day)
{
	int64_t since_monday = (int64_t)day + THURSDAY; /* 1970-01-01 was a Thursday */

	return (enum weekday)(since_monday - floor_div(since_monday, 7) * 7);
}

int civil_year(micros at)
{
	return civil_date_of(civil_day_of(at)).year;
}
