/* Owns the report's words and widths. */
#include <stdio.h>

#include "city/report.h"

size_t text_columns(const char *text)
{
	size_t n = 0;

	for (const uint8_t *p = (const uint8_t *)text; *p != '\0'; p++)
		if ((*p & 0xc0) != 0x80)
			/* From U+1100 on, but for the dashes, arrows and boxes of U+2000 to U+2E7F. */
			n += *p < 0xe1 || (*p == 0xe2 && p[1] < 0xba) ? 1 : 2;
	return n;
}

const char *clock_text(micros at, char ret_text[32])
{
	civil_day day = civil_day_of(at);
	struct civil_date date = civil_date_of(day);
	int64_t minutes = (at - civil_day_start(day)) / MINUTE;

	(void)snprintf(ret_text, 32, "%04d-%02d-%02d %02d:%02d", date.year, date.month, date.day,
		       (int)(minutes / 60), (int)(minutes % 60));
	return ret_text;
}

const char *span_text(int64_t micros_long, char ret_text[32])
{
	int64_t hours = micros_long / HOUR;

	if (hours >= 48)
		(void)snprintf(ret_text, 32, "%d d", (int)(hours / 24));
	else if (hours > 0)
		(void)snprintf(ret_text, 32, "%d h", (int)hours);
	else
		(void)snprintf(ret_text, 32, "%d min", (int)(micros_long / MINUTE));
	return ret_text;
}
