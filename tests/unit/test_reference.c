/* core/reference: the files in schema/data, their faults, look-ups, and sharing between references. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "core/reference.h"
#include "core/time_text.h"

static struct buffer read_file(const char *path)
{
	struct buffer b = BUFFER_EMPTY;
	FILE *f = fopen(path, "r");
	char chunk[4096];
	size_t n;

	cr_assert_not_null(f, "%s", path);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buffer_put(&b, chunk, n);
	(void)fclose(f);
	cr_assert(buffer_ok(&b));
	return b;
}

static const struct {
	enum reference_kind kind;
	const char *edition, *path;
} files[] = {
    {REFERENCE_WASTE_CODES, "2021", "schema/data/waste_codes/2021.csv"},
    {REFERENCE_DIVISIONS, "2023", "schema/data/divisions/2023.csv"},
    {REFERENCE_TREATMENT_METHODS, "2021", "schema/data/treatment_methods/2021.csv"},
    {REFERENCE_CALENDAR, "2026", "schema/data/calendar/2026.csv"},
};

/* `r` is given back, and the new one taken. */
static struct reference *with(struct reference *r, enum reference_kind kind, const char *edition,
			      struct span bytes)
{
	struct reference_error error = {0};
	struct reference *next = reference_with(r, kind, span_str(edition), bytes, &error);

	cr_assert_not_null(next, "line %u: %s", error.line, error.text);
	reference_unref(r);
	return next;
}

static struct reference *load_all(void)
{
	struct reference *r = reference_new();

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		struct buffer b = read_file(files[i].path);
		cr_expect_not(reference_is_complete(r));
		r = with(r, files[i].kind, files[i].edition, buffer_span(&b));
		struct digest want = digest_of(buffer_span(&b));
		const struct digest *got = reference_file(r, files[i].kind, span_str(files[i].edition));
		cr_assert_not_null(got);
		cr_expect(digest_eq(got, &want));
		cr_expect_null(reference_file(r, files[i].kind, span_str("1999")));
		memset(b.p, 'x', b.n); /* the bytes were copied */
		buffer_free(&b);
	}
	cr_expect(reference_is_complete(r));
	return r;
}

/* Every line of the file, read with other means, is found, and its neighbours are not. */
Test(reference, all_waste_codes)
{
	struct reference *r = load_all();
	const struct waste_list *list = reference_waste_list(r, span_str("2021"));
	FILE *f = fopen(files[0].path, "r");
	char line[2048];
	size_t lines = 0, n = 0, listed = 0, categories = 0;

	cr_assert(list != NULL && f != NULL);
	cr_expect_null(reference_waste_list(r, span_str("2025")));
	cr_expect_null(reference_waste_list(r, span_str("")));
	cr_assert_not_null(fgets(line, sizeof(line), f));
	while (fgets(line, sizeof(line), f) != NULL) {
		const struct waste_code *code = waste_list_find(list, span_of(line, WASTE_CODE_LENGTH));
		cr_assert_not_null(code, "%s", line);
		cr_expect_eq(memcmp(code->code, line, WASTE_CODE_LENGTH), 0);
		cr_expect_eq(memcmp(code->category, line + 11, CATEGORY_LENGTH), 0);
		cr_expect(code->name.n > 0 && code->hazards.n > 0 && !code->by_testing);
		cr_expect(waste_code_covered(span_str(code->code), span_str(code->code)));
		cr_expect(waste_code_covered(span_str(code->category), span_str(code->code)));
		cr_expect(reference_permit_code_known(r, span_str(code->code)));
		lines++;
	}
	(void)fclose(f);
	cr_expect_eq(lines, 467);

	const struct waste_code *codes = waste_list_codes(list, &n);
	for (size_t i = 0; i < n; i++) {
		listed += !codes[i].by_testing;
		categories += codes[i].by_testing;
		cr_expect(i == 0 || strcmp(codes[i - 1].code, codes[i].code) < 0);
	}
	cr_expect_eq(listed, 467);
	cr_expect_eq(categories, 46);
	reference_unref(r);
}

Test(reference, waste_code_look_ups)
{
	static const struct {
		const char *code, *category, *hazards; /* category NULL: unknown */
	} rows[] = {
	    {"841-001-01", "HW01", "In"},
	    {"900-249-08", "HW08", "T,I"},
	    {"900-402-06", "HW06", "T,I,R"},
	    {"900-000-08", "HW08", ""},
	    {"900-000-50", "HW50", ""},
	    {"900-000-41", NULL, NULL}, /* the list has no category 41 */
	    {"900-000-00", NULL, NULL},
	    {"900-000-51", NULL, NULL},
	    {"999-999-08", NULL, NULL},
	    {"900-249-09", NULL, NULL},
	    {"900-249-8", NULL, NULL},
	    {"900-249-081", NULL, NULL},
	    {"90024908", NULL, NULL},
	    {"HW08", NULL, NULL},
	    {"", NULL, NULL},
	};
	struct reference *r = load_all();
	const struct waste_list *list = reference_waste_list(r, span_str("2021"));

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct waste_code *code = waste_list_find(list, span_str(rows[i].code));
		cr_expect_eq(code != NULL, rows[i].category != NULL, "%s", rows[i].code);
		if (code == NULL || rows[i].category == NULL)
			continue;
		cr_expect_str_eq(code->category, rows[i].category);
		cr_expect(span_eq_str(code->hazards, rows[i].hazards), "%s", rows[i].code);
	}
	/* A name with quoted commas in the file. */
	const struct waste_code *quoted = waste_list_find(list, span_str("263-004-04"));
	cr_assert_not_null(quoted);
	cr_expect_eq(memcmp(quoted->name.p, "2,4,5-", 6), 0);

	cr_expect(reference_permit_code_known(r, span_str("HW08")));
	cr_expect_not(reference_permit_code_known(r, span_str("HW41")));
	cr_expect_not(reference_permit_code_known(r, span_str("HW8")));
	cr_expect_not(reference_permit_code_known(r, span_str("hw08")));
	reference_unref(r);
}

Test(reference, what_a_permit_covers)
{
	static const struct {
		const char *permitted, *code;
		bool covered;
	} rows[] = {
	    {"HW08", "900-249-08", true},
	    {"HW08", "900-000-08", true},
	    {"HW09", "900-249-08", false},
	    {"900-249-08", "900-249-08", true},
	    {"900-249-08", "900-000-08", false},
	    {"900-000-08", "900-249-08", false},
	    {"HW08", "HW08", false},
	    {"HW08", "", false},
	    {"", "900-249-08", false},
	    {"", "", false},
	    {"HW0", "900-249-08", false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		cr_expect_eq(waste_code_covered(span_str(rows[i].permitted), span_str(rows[i].code)),
			     rows[i].covered, "%s %s", rows[i].permitted, rows[i].code);
}

Test(reference, divisions)
{
	static const struct {
		const char *code, *city, *name; /* city NULL: unknown */
		enum division_level level;
	} rows[] = {
	    {"210000", "", "辽宁省", DIVISION_PROVINCE},     {"210100", "210100", "沈阳市", DIVISION_CITY},
	    {"210106", "210100", "铁西区", DIVISION_COUNTY}, {"210181", "210100", "新民市", DIVISION_COUNTY},
	    {"441900", "441900", "东莞市", DIVISION_CITY}, /* a city without districts */
	    {"659012", "659000", "白杨市", DIVISION_COUNTY}, {"210107", NULL, NULL, DIVISION_COUNTY},
	    {"2101", NULL, NULL, DIVISION_COUNTY},           {"", NULL, NULL, DIVISION_COUNTY},
	};
	struct reference *r = load_all();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct division *d = reference_division(r, span_str(rows[i].code));
		cr_expect_eq(d != NULL, rows[i].city != NULL, "%s", rows[i].code);
		if (d == NULL || rows[i].city == NULL)
			continue;
		cr_expect_str_eq(d->city, rows[i].city);
		cr_expect(span_eq_str(d->name, rows[i].name));
		cr_expect_eq(d->level, rows[i].level);
		if (d->level != DIVISION_PROVINCE)
			cr_expect(division_covers(span_str(d->city), span_str(d->code)));
	}
	reference_unref(r);

	static const struct {
		const char *area, *division;
		bool covers;
	} pairs[] = {
	    {"210100", "210106", true},
	    {"210100", "210100", true},
	    {"210106", "210106", true},
	    {"210000", "210106", true},
	    {"210106", "210100", false},
	    {"210106", "210105", false},
	    {"210200", "210106", false},
	    {"220000", "210106", false},
	    {"2101", "210106", false},
	    {"210100", "2101", false},
	    {"", "", false},
	    {"21010a", "21010a", false},
	};
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		cr_expect_eq(division_covers(span_str(pairs[i].area), span_str(pairs[i].division)),
			     pairs[i].covers, "%s %s", pairs[i].area, pairs[i].division);
}

Test(reference, methods_and_calendar)
{
	struct reference *r = load_all();
	const struct treatment_method *method = reference_method(r, span_str("D9"));
	civil_day day = 0;

	cr_assert_not_null(method);
	cr_expect(span_eq_str(method->group, "disposal"));
	cr_expect(span_eq_str(
	    method->name_en,
	    "Physico-chemical treatment, other than pre-treatment before landfill or incineration"));
	cr_expect_not_null(reference_method(r, span_str("G29")));
	cr_expect_null(reference_method(r, span_str("D2")));
	cr_expect_null(reference_method(r, span_str("d9")));
	cr_expect_null(reference_method(r, span_str("")));

	cr_assert(date_parse(span_str("2026-10-01"), &day));
	cr_assert_not_null(reference_calendar(r));
	cr_expect_not(calendar_is_working_day(reference_calendar(r), day));
	cr_expect_eq(civil_date_of(calendar_last_day(reference_calendar(r))).year, 2026);
	reference_unref(r);
}

Test(reference, nothing_loaded)
{
	struct reference *r = reference_new();

	cr_expect_not(reference_is_complete(r));
	cr_expect_null(reference_waste_list(r, span_str("2021")));
	cr_expect_null(reference_method(r, span_str("D10")));
	cr_expect_null(reference_division(r, span_str("210100")));
	cr_expect_null(reference_calendar(r));
	cr_expect_not(reference_permit_code_known(r, span_str("HW08")));
	reference_unref(r);
	reference_unref(NULL);
}

/* A reader keeps what it had while newer references come and go. */
Test(reference, editions_side_by_side_and_sharing)
{
	static const char small[] = "code,category,name_zh,hazards\n900-249-08,HW08,新名称,T\n";
	static const char later[] = "code,category,name_zh,hazards\n900-250-08,HW08,更新,\"T/In\"\n";
	static const char methods[] = "code,group,name_zh,name_en\nD10,disposal,焚烧,\n";
	struct reference *r = load_all();
	struct reference *reader = reference_ref(r);
	const struct waste_list *old = reference_waste_list(reader, span_str("2021"));
	const struct calendar *calendar = reference_calendar(reader);

	r = with(r, REFERENCE_WASTE_CODES, "2025", span_str(small));
	cr_expect_eq(reference_waste_list(r, span_str("2021")), old, "shared");
	cr_expect_eq(reference_calendar(r), calendar, "shared");
	cr_expect_null(reference_waste_list(reader, span_str("2025")));
	const struct waste_list *first = reference_waste_list(r, span_str("2025"));
	cr_expect_not_null(waste_list_find(first, span_str("900-249-08")));
	cr_expect_not_null(waste_list_find(first, span_str("900-000-08")));
	cr_expect_null(waste_list_find(first, span_str("900-000-09")));

	r = with(r, REFERENCE_WASTE_CODES, "2025", span_str(later));
	const struct waste_list *second = reference_waste_list(r, span_str("2025"));
	cr_expect_null(waste_list_find(second, span_str("900-249-08")));
	cr_expect_not_null(waste_list_find(second, span_str("900-250-08")));

	r = with(r, REFERENCE_TREATMENT_METHODS, "2030", span_str(methods));
	cr_expect_null(reference_method(r, span_str("R1")), "replaced");
	cr_expect_not_null(reference_method(reader, span_str("R1")));
	reference_unref(r);
	cr_expect_not_null(waste_list_find(old, span_str("841-001-01")));
	reference_unref(reader);
}

#define WASTE   "code,category,name_zh,hazards\n"
#define PLACES  "code,level,name_zh,parent\n210000,province,辽宁省,\n210100,city,沈阳市,210000\n"
#define DAYS    "date,kind,name_zh\n"
#define METHODS "code,group,name_zh,name_en\n"

Test(reference, faults_are_told_with_their_line)
{
	static const struct {
		enum reference_kind kind;
		const char *file;
		unsigned line;
		const char *text; /* part of the message */
	} rows[] = {
	    {REFERENCE_WASTE_CODES, "", 0, "empty"},
	    {REFERENCE_WASTE_CODES, WASTE, 0, "no rows"},
	    {REFERENCE_WASTE_CODES, "code,name\n", 1, "2 fields where 4 are due"},
	    {REFERENCE_WASTE_CODES, "code,category,name,hazards\n", 1, "column 3 must be headed"},
	    {REFERENCE_WASTE_CODES, DAYS, 1, "3 fields where 4 are due"},
	    {REFERENCE_WASTE_CODES, WASTE "900-249-08,HW08,a,T\n900-24-08,HW08,b,T\n", 3, "NNN-NNN-NN"},
	    {REFERENCE_WASTE_CODES, WASTE "900-249-08,HW09,a,T\n", 2, "category"},
	    {REFERENCE_WASTE_CODES, WASTE "900-249-00,HW00,a,T\n", 2, "category"},
	    {REFERENCE_WASTE_CODES, WASTE "900-249-08,HW08,,T\n", 2, "name is empty"},
	    {REFERENCE_WASTE_CODES, WASTE "900-249-08,HW08,a,X\n", 2, "hazards"},
	    {REFERENCE_WASTE_CODES, WASTE "900-249-08,HW08,a,\n", 2, "hazards"},
	    {REFERENCE_WASTE_CODES, WASTE "900-249-08,HW08,a,\"T,\"\n", 2, "hazards"},
	    {REFERENCE_WASTE_CODES, WASTE "900-249-08,HW08,a\n", 2, "3 fields"},
	    {REFERENCE_WASTE_CODES, WASTE "900-249-08,HW08,a,T,I\n", 2, "too many fields"},
	    {REFERENCE_WASTE_CODES, WASTE "900-249-08,HW08,\"a\nb\",T\n", 2, "field 3 is not clean"},
	    {REFERENCE_WASTE_CODES, WASTE "900-249-08,HW08,\xff,T\n", 2, "field 3 is not clean"},
	    {REFERENCE_WASTE_CODES, WASTE "900-249-08,HW08,\"a,T\n", 2, "does not end"},
	    {REFERENCE_WASTE_CODES, WASTE "\n", 2, "1 fields"},
	    {REFERENCE_WASTE_CODES, WASTE "900-249-08,HW08,a,T\n841-001-01,HW01,b,In\n900-249-08,HW08,c,T\n",
	     4, "900-249-08 stands in line 2 already"},
	    {REFERENCE_DIVISIONS, PLACES "210106,county,铁西区,210200\n", 4, "parent does not hold"},
	    {REFERENCE_DIVISIONS, PLACES "210206,county,某区,210200\n", 4,
	     "parent 210200 is not in the file"},
	    {REFERENCE_DIVISIONS, PLACES "210106,county,铁西区,210000\n", 4, "level above"},
	    {REFERENCE_DIVISIONS, PLACES "210106,county,铁西区,\n", 4, "parent does not hold"},
	    {REFERENCE_DIVISIONS, PLACES "210106,district,铁西区,210100\n", 4, "level must be"},
	    {REFERENCE_DIVISIONS, PLACES "210106,city,铁西区,210100\n", 4, "six digits for a city"},
	    {REFERENCE_DIVISIONS, PLACES "21010,county,铁西区,210100\n", 4, "six digits"},
	    {REFERENCE_DIVISIONS, PLACES "210106,county,,210100\n", 4, "name is empty"},
	    {REFERENCE_DIVISIONS, PLACES "220000,province,吉林省,210000\n", 4, "parent does not hold"},
	    {REFERENCE_TREATMENT_METHODS, METHODS "D10,disposal,焚烧,x\nd1,disposal,填埋,x\n", 3,
	     "capital letter"},
	    {REFERENCE_TREATMENT_METHODS, METHODS "D1,,填埋,x\n", 2, "must not be empty"},
	    {REFERENCE_TREATMENT_METHODS, METHODS "D1,d,填埋,x\nD1,d,填埋,x\n", 3, "already"},
	    {REFERENCE_CALENDAR, DAYS "2026-02-30,holiday,x\n", 2, "not a date"},
	    {REFERENCE_CALENDAR, DAYS "2026-02-03,feast,x\n", 2, "holiday or workday"},
	    {REFERENCE_CALENDAR, DAYS "2026-02-03,holiday,x\n2026-02-03,workday,x\n", 3, "already"},
	    {REFERENCE_CALENDAR, DAYS "2024-02-03,holiday,x\n2026-02-03,holiday,x\n", 0, "a year between"},
	    {(enum reference_kind)5, DAYS, 0, "no such kind"},
	    {(enum reference_kind)0, DAYS, 0, "no such kind"},
	};
	struct reference *r = reference_new();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct reference_error error = {.line = 999};
		struct reference *next =
		    reference_with(r, rows[i].kind, span_str("2021"), span_str(rows[i].file), &error);
		cr_expect_null(next, "row %zu", i);
		cr_expect_eq(error.line, rows[i].line, "row %zu: line %u: %s", i, error.line, error.text);
		cr_expect_not_null(strstr(error.text, rows[i].text), "row %zu: %s", i, error.text);
		reference_unref(next);
	}
	struct reference_error error;
	cr_expect_null(reference_with(r, REFERENCE_CALENDAR, span_str(""), span_str(DAYS), &error));
	cr_expect_null(reference_with(r, REFERENCE_CALENDAR, span_str("012345678901234567890123456789012"),
				      span_str(DAYS), &error));
	reference_unref(r);
}

/* Whatever is cut off or changed in a good file, it is read or refused, and nothing is lost or overrun. */
Test(reference, damaged_files)
{
	uint32_t state = 3;

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		struct buffer b = read_file(files[i].path);
		struct reference *r = reference_new();
		size_t n = b.n < 3000 ? b.n : 3000;
		for (int round = 0; round < 300; round++) {
			struct reference_error error = {0};
			state = state * 1664525 + 1013904223;
			size_t at = (state >> 8) % n;
			uint8_t was = b.p[at];
			b.p[at] = (uint8_t)(state >> 3);
			struct reference *next = reference_with(r, files[i].kind, span_str("2021"),
								span_of(b.p, n - round % 7), &error);
			cr_expect((next != NULL) == (error.text[0] == '\0'));
			reference_unref(next);
			b.p[at] = was;
		}
		reference_unref(r);
		buffer_free(&b);
	}
}
