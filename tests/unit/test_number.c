/* core/number, core/civil, core/time_text: manifest numbers, dates and instants in Asia/Shanghai. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <time.h>

#include "core/number.h"
#include "core/time_text.h"

Test(number, text)
{
	static const struct {
		const char *text;
		bool good;
	} rows[] = {
	    {"20262101000001", true},  {"20262101999999", true},  {"99999999999999", true},
	    {"20261101000001", true},  {"20262101000000", false}, {"20262100000001", false},
	    {"20260001000001", false}, {"20261001000001", false}, {"19992101000001", false},
	    {"02026210100001", false}, {"2026210100001", false},  {"202621010000001", false},
	    {"2026210100000a", false}, {" 2026210100001", false}, {"2026210100001 ", false},
	    {"+2026210100001", false}, {"2026-2101-0001", false}, {"", false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t number = 7;
		char text[NUMBER_DIGITS + 1];
		bool good = manifest_number_parse(span_str(rows[i].text), &number);
		cr_expect_eq(good, rows[i].good, "%s", rows[i].text);
		if (!good) {
			cr_expect_eq(number, 7, "an output was touched: %s", rows[i].text);
			continue;
		}
		manifest_number_format(number, text);
		cr_expect_str_eq(text, rows[i].text);
	}
}

Test(number, parts_and_sequences)
{
	uint64_t number = 0, other = 0;
	unsigned city = 0;

	cr_assert(manifest_number_make((struct manifest_number_parts){2026, 2101, 42}, &number));
	cr_expect_eq(number, UINT64_C(20262101000042));
	struct manifest_number_parts parts = manifest_number_parts(number);
	cr_expect_eq(parts.year, 2026);
	cr_expect_eq(parts.city, 2101);
	cr_expect_eq(parts.serial, 42);

	static const struct manifest_number_parts bad[] = {
	    {1999, 2101, 1}, {10000, 2101, 1}, {2026, 2100, 1}, {2026, 1100, 1},
	    {2026, 1001, 1}, {2026, 10001, 1}, {2026, 2101, 0}, {2026, 2101, 1000000},
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		cr_expect_not(manifest_number_make(bad[i], &number), "row %zu", i);
	cr_expect_not(manifest_number_is_valid(UINT64_MAX));
	cr_expect_not(manifest_number_is_valid(0));

	cr_assert(manifest_number_make((struct manifest_number_parts){2026, 2101, 999999}, &other));
	cr_expect(manifest_number_same_sequence(number, other));
	cr_assert(manifest_number_make((struct manifest_number_parts){2027, 2101, 42}, &other));
	cr_expect_not(manifest_number_same_sequence(number, other));
	cr_assert(manifest_number_make((struct manifest_number_parts){2026, 2102, 42}, &other));
	cr_expect_not(manifest_number_same_sequence(number, other));

	cr_assert(manifest_number_city(span_str("210106"), &city));
	cr_expect_eq(city, 2101);
	cr_expect_not(manifest_number_city(span_str("2101"), &city));
	cr_expect_not(manifest_number_city(span_str("21010x"), &city));
}

Test(civil, agrees_with_libc)
{
	/* A prime step visits every month, leap days and both sides of 1970, from year 1 to 9999. */
	for (int64_t day = -719162; day <= 2932896; day += 13) {
		time_t noon = (time_t)(day * 86400 + 43200);
		struct tm tm;
		cr_assert_not_null(gmtime_r(&noon, &tm));
		struct civil_date date = civil_date_of((civil_day)day);
		cr_assert(date.year == tm.tm_year + 1900 && date.month == tm.tm_mon + 1 &&
			      date.day == tm.tm_mday,
			  "day %" PRId64, day);
		cr_assert(civil_date_is_valid(date));
		cr_assert_eq(civil_day_from_date(date), day);
		cr_assert_eq((int)civil_weekday((civil_day)day), (tm.tm_wday + 6) % 7);
		micros start = civil_day_start((civil_day)day);
		cr_assert_eq(civil_day_of(start), day);
		cr_assert_eq(civil_day_of(start - 1), day - 1);
		cr_assert_eq(civil_day_of(start + MICROS_PER_DAY - 1), day);
	}
	static const struct civil_date bad[] = {{2026, 2, 29}, {2100, 2, 29}, {2024, 2, 30},
						{2026, 13, 1}, {2026, 0, 1},  {2026, 4, 31},
						{2026, 1, 0},  {0, 1, 1},     {10000, 1, 1}};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		cr_expect_not(civil_date_is_valid(bad[i]), "row %zu", i);
}

Test(civil, ends_of_the_range)
{
	cr_expect_eq(micros_add(INT64_MAX, 1), INT64_MAX);
	cr_expect_eq(micros_add(INT64_MIN, -1), INT64_MIN);
	cr_expect_eq(micros_add(5, -7), -2);
	cr_expect_eq(civil_day_start(INT32_MAX), INT64_MAX);
	cr_expect_eq(civil_day_start(INT32_MIN), INT64_MIN);
	cr_expect_leq(civil_day_start(civil_day_of(INT64_MAX)), INT64_MAX);
	cr_expect_gt(civil_year(INT64_MAX), 290000);
}

/* The year of a number changes at 16:00 UTC on 31 December. */
Test(civil, year_in_shanghai)
{
	micros at = 0;

	cr_assert(time_parse(span_str("2026-12-31T15:59:59.999999Z"), &at));
	cr_expect_eq(civil_year(at), 2026);
	cr_expect_eq(civil_year(at + 1), 2027);
}

Test(time_text, both_ways)
{
	static const struct {
		const char *text;
		int64_t at;
		const char *again;
	} rows[] = {
	    {"1970-01-01T08:00:00+08:00", 0, NULL},
	    {"1970-01-01T00:00:00Z", 0, "1970-01-01T08:00:00+08:00"},
	    {"1970-01-01T07:59:59.999999+08:00", -1, NULL},
	    {"2026-10-01T08:30:00.25+08:00", INT64_C(1790814600250000), "2026-10-01T08:30:00.250000+08:00"},
	    {"2026-09-30T19:30:00-05:00", INT64_C(1790814600000000), "2026-10-01T08:30:00+08:00"},
	    {"2024-02-29T00:00:00.000001+08:00", INT64_C(1709136000000001), NULL},
	    {"9999-12-31T23:59:59+08:00", INT64_C(253402271999000000), NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		micros at = 1;
		char text[TIME_TEXT_SIZE];
		cr_expect(time_parse(span_str(rows[i].text), &at), "%s", rows[i].text);
		cr_expect_eq(at, rows[i].at, "%s gave %" PRId64, rows[i].text, at);
		time_format(at, text);
		cr_expect_str_eq(text, rows[i].again == NULL ? rows[i].text : rows[i].again);
	}
}

Test(time_text, refuses)
{
	static const char *const rows[] = {
	    "",
	    "2026-10-01",
	    "2026-10-01T08:30:00",
	    "2026-10-01 08:30:00Z",
	    "2026-10-01t08:30:00Z",
	    "2026-10-01T08:30:00z",
	    "2026-10-01T08:30Z",
	    "2026-10-01T24:00:00Z",
	    "2026-10-01T08:60:00Z",
	    "2026-10-01T08:30:60Z",
	    "2026-10-01T08:30:00.Z",
	    "2026-10-01T08:30:00.1234567Z",
	    "2026-10-01T08:30:00,5Z",
	    "2026-02-29T00:00:00Z",
	    "2026-13-01T00:00:00Z",
	    "2026-10-01T08:30:00+0800",
	    "2026-10-01T08:30:00+24:00",
	    "2026-10-01T08:30:00+08:60",
	    "2026-10-01T08:30:00+08:00 ",
	    "0000-01-01T00:00:00Z",
	    "10000-01-01T00:00:00Z",
	    "2026-1-01T00:00:00Z",
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		micros at = 77;
		cr_expect_not(time_parse(span_str(rows[i]), &at), "%s", rows[i]);
		cr_expect_eq(at, 77);
	}
}

Test(time_text, any_instant_fits)
{
	static const micros rows[] = {INT64_MIN, -1, 0, 1, INT64_MAX};
	char text[TIME_TEXT_SIZE];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		time_format(rows[i], text);
		cr_expect_str_eq(text + strlen(text) - 6, "+08:00", "%s", text);
	}
}
