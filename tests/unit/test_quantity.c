/* core/quantity: exact quantities as text. */
#include <criterion/criterion.h>
#include <inttypes.h>

#include "core/quantity.h"

Test(quantity, format)
{
	static const struct {
		int64_t grams;
		const char *text;
	} rows[] = {
	    {0, "0 g"},
	    {1, "1 g"},
	    {500, "500 g"},
	    {999, "999 g"},
	    {1000, "1 kg"},
	    {1001, "1.001 kg"},
	    {1500, "1.5 kg"},
	    {800000, "800 kg"},
	    {999999, "999.999 kg"},
	    {1000000, "1 t"},
	    {1000001, "1.000001 t"},
	    {1250000, "1.25 t"},
	    {-2500, "-2.5 kg"},
	    {INT64_C(10000000000000), "10000000 t"},
	    {INT64_MAX, "9223372036854.775807 t"},
	    {INT64_MIN, "-9223372036854.775808 t"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[QUANTITY_TEXT_SIZE];
		int64_t grams = -1;
		grams_format(rows[i].grams, text);
		cr_expect_str_eq(text, rows[i].text);
		if (rows[i].grams < 0)
			continue;
		cr_expect(grams_parse(span_str(text), &grams), "%s", text);
		cr_expect_eq(grams, rows[i].grams, "%s", text);
	}
}

Test(quantity, parse)
{
	static const struct {
		const char *text;
		int64_t grams; /* -1: refused */
	} rows[] = {
	    {"1.250 t", 1250000},
	    {"1.25t", 1250000},
	    {"0.0000010 t", 1},
	    {"0.000001 t", 1},
	    {"12.345吨", 12345000},
	    {"3 千克", 3000},
	    {"3.5 公斤", 3500},
	    {"7 克", 7},
	    {"500.0 g", 500},
	    {"0 kg", 0},
	    {"9223372036854775807 g", INT64_MAX},
	    {"9223372036854775808 g", -1},
	    {"9223372036854.775808 t", -1},
	    {"18446744073709551615 t", -1},
	    {"0.0000001 t", -1},
	    {"0.0005 kg", -1},
	    {"0.5 g", -1},
	    {"1. t", -1},
	    {".5 t", -1},
	    {"1.2.3 t", -1},
	    {"01 t", -1},
	    {"-1 t", -1},
	    {"+1 t", -1},
	    {"1,000 kg", -1},
	    {"1e3 g", -1},
	    {"1  t", -1},
	    {"1 t ", -1},
	    {" 1 t", -1},
	    {"1 T", -1},
	    {"1", -1},
	    {"t", -1},
	    {"", -1},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t grams = -1;
		bool good = grams_parse(span_str(rows[i].text), &grams);
		cr_expect_eq(good, rows[i].grams >= 0, "%s", rows[i].text);
		cr_expect_eq(grams, rows[i].grams, "%s gave %" PRId64, rows[i].text, grams);
	}
	int64_t grams = 0;
	cr_expect(grams_parse_in(span_str("0.48"), MASS_TONNE, &grams));
	cr_expect_eq(grams, 480000);
	cr_expect_not(grams_parse_in(span_str(""), MASS_TONNE, &grams));
	cr_expect_not(grams_parse_in((struct span){0}, MASS_TONNE, &grams));
}

Test(quantity, every_text_reads_back)
{
	uint64_t state = 1;

	for (int i = 0; i < 100000; i++) {
		char text[QUANTITY_TEXT_SIZE];
		int64_t grams = -1;
		state = state * UINT64_C(6364136223846793005) + 1442695040888963407U;
		int64_t any = (int64_t)(state >> (1 + state % 50));
		grams_format(any, text);
		cr_assert(grams_parse(span_str(text), &grams), "%s", text);
		cr_assert_eq(grams, any, "%s", text);
	}
}
