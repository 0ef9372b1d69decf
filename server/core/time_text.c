#include "core/time_text.h"

#include <inttypes.h>
#include <stdio.h>

void date_format(civil_day day, char ret_text[DATE_TEXT_SIZE])
{
	struct civil_date d = civil_date_of(day);

	(void)snprintf(ret_text, DATE_TEXT_SIZE, "%04d-%02d-%02d", d.year, d.month, d.day);
}

void time_format(micros at, char ret_text[TIME_TEXT_SIZE])
{
	char date[DATE_TEXT_SIZE];
	int64_t of_utc_day = at % MICROS_PER_DAY + (at % MICROS_PER_DAY < 0 ? MICROS_PER_DAY : 0);
	int64_t of_day = (of_utc_day + SHANGHAI_OFFSET) % MICROS_PER_DAY;
	int seconds = (int)(of_day / MICROS_PER_SECOND);
	int fraction = (int)(of_day % MICROS_PER_SECOND);
	char decimals[16] = "";

	date_format(civil_day_of(at), date);
	if (fraction != 0)
		(void)snprintf(decimals, sizeof(decimals), ".%06d", fraction);
	(void)snprintf(ret_text, TIME_TEXT_SIZE, "%sT%02d:%02d:%02d%s+08:00", date, seconds / 3600,
		       seconds / 60 % 60, seconds % 60, decimals);
}

/* Takes exactly `digits` digits off the front. */
static bool take_number(struct span *text, size_t digits, int *ret_value)
{
	int value = 0;

	if (text->n < digits)
		return false;
	for (size_t i = 0; i < digits; i++) {
		if (text->p[i] < '0' || text->p[i] > '9')
			return false;
		value = value * 10 + (text->p[i] - '0');
	}
	*text = span_of(text->p + digits, text->n - digits);
	*ret_value = value;
	return true;
}

static bool take_char(struct span *text, char c)
{
	if (text->n == 0 || text->p[0] != (uint8_t)c)
		return false;
	*text = span_of(text->p + 1, text->n - 1);
	return true;
}

static bool take_date(struct span *text, civil_day *ret_day)
{
	struct civil_date d;

	if (!take_number(text, 4, &d.year) || !take_char(text, '-') || !take_number(text, 2, &d.month) ||
	    !take_char(text, '-') || !take_number(text, 2, &d.day) || !civil_date_is_valid(d))
		return false;
	*ret_day = civil_day_from_date(d);
	return true;
}

/* "Z" or "+08:00": what must be taken away to get UTC, in seconds. */
static bool take_offset(struct span *text, int *ret_seconds)
{
	int sign, hours, minutes;

	if (take_char(text, 'Z')) {
		*ret_seconds = 0;
		return true;
	}
	if (take_char(text, '+'))
		sign = 1;
	else if (take_char(text, '-'))
		sign = -1;
	else
		return false;
	if (!take_number(text, 2, &hours) || !take_char(text, ':') || !take_number(text, 2, &minutes) ||
	    hours > 23 || minutes > 59)
		return false;
	*ret_seconds = sign * (hours * 3600 + minutes * 60);
	return true;
}

/* One to six decimals of a second, if there is a point. */
static bool take_fraction(struct span *text, int *ret_micros)
{
	int value = 0, scale = 1000000, digit;

	if (take_char(text, '.')) {
		if (!take_number(text, 1, &digit))
			return false;
		do {
			scale /= 10;
			value += digit * scale;
		} while (scale > 1 && take_number(text, 1, &digit));
	}
	*ret_micros = value;
	return true;
}

bool time_parse(struct span text, micros *ret_at)
{
	civil_day day;
	int hour, minute, second, fraction, offset;

	if (!take_date(&text, &day) || !take_char(&text, 'T') || !take_number(&text, 2, &hour) ||
	    !take_char(&text, ':') || !take_number(&text, 2, &minute) || !take_char(&text, ':') ||
	    !take_number(&text, 2, &second) || !take_fraction(&text, &fraction) ||
	    !take_offset(&text, &offset) || text.n > 0)
		return false;
	if (hour > 23 || minute > 59 || second > 59)
		return false;
	*ret_at = day * MICROS_PER_DAY + (hour * 3600 + minute * 60 + second - offset) * MICROS_PER_SECOND +
		  fraction;
	return true;
}

bool date_parse(struct span text, civil_day *ret_day)
{
	civil_day day;

	if (!take_date(&text, &day) || text.n > 0)
		return false;
	*ret_day = day;
	return true;
}
