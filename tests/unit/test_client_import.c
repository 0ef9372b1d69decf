/* Records of other systems: every example file, every problem of a bad one, and rows of the national export.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "libmanifest/file.h"
#include "manifest/import.h"

static struct arena *arena;
static struct import_result result;

static void begin(void)
{
	arena = arena_new((size_t)64 * 1024 * 1024);
	cr_assert_not_null(arena);
}

static void end(void)
{
	arena_free(arena);
}

static struct span file_bytes(const char *path)
{
	struct buffer bytes = BUFFER_EMPTY;

	cr_assert(mft_file_read(path, IMPORT_FILE_MAX, &bytes, NULL), "%s", path);
	struct span copy = arena_copy(arena, buffer_span(&bytes));
	buffer_free(&bytes);
	return copy;
}

static const struct import_finding *finding(const char *column, enum import_what what)
{
	for (size_t i = 0; i < result.findings_n; i++)
		if (strcmp(result.findings[i].column, column) == 0 && result.findings[i].what == what)
			return &result.findings[i];
	return NULL;
}

static size_t findings(enum import_what what)
{
	size_t n = 0;

	for (size_t i = 0; i < result.findings_n; i++)
		n += result.findings[i].what == what;
	return n;
}

#define expect_text(s, text) cr_expect(span_eq_str(s, text), "'%.*s' is not '%s'", SPAN_ARG(s), text)
#define IMPORT(name)         Test(client_import, name, .init = begin, .fini = end)
#define EXAMPLE(name)        "tests/data/emanifest/emanifest-save-" name "-example.json"

/* ---- JSON ---- */

IMPORT(every_valid_example_is_carried)
{
	static const struct {
		const char *path;
		const char *number;
		size_t parties, lines;
	} files[] = {
	    {EXAMPLE("valid-Data-and-Image-Full-reject-tranonsite"), "CHANGE ME", 4, 1},
	    {EXAMPLE("valid-Data-and-Image-Manual-Entry"), "CHANGE ME", 0, 0},
	    {EXAMPLE("valid-Data-and-Image-Partial-reject"), "CHANGE ME", 3, 1},
	    {EXAMPLE("valid-Data-and-Image"), "CHANGE ME", 5, 5},
	    {EXAMPLE("valid-Full-Electronic"), "(none)", 0, 0},
	    {EXAMPLE("valid-Hybrid"), "(none)", 0, 0},
	    {EXAMPLE("valid-Image-Only-Alternate-Facility"), NULL, 0, 0},
	    {EXAMPLE("valid-Image-Only-Designated-Facility-acting-Generator"), NULL, 0, 0},
	    {EXAMPLE("valid-Image-Only-Designated-Facility"), NULL, 0, 0},
	    {EXAMPLE("valid-Image-Only-Designated-Facility-with_Generator"), NULL, 0, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		cr_assert(import_us_json(file_bytes(files[i].path), arena, &result), "%s", files[i].path);
		cr_expect_eq(result.seen, 1);
		cr_expect_eq(result.bad, 0, "%s", files[i].path);
		cr_assert_eq(result.records_n, 1, "%s", files[i].path);
		const struct imported *v = &result.records[0].value;
		expect_text(v->scheme, "us-emanifest-json");
		cr_expect_eq(v->record, 1);
		if (files[i].number != NULL)
			expect_text(v->foreign_number, files[i].number);
		cr_expect_gt(v->parties_n, 0, "%s", files[i].path);
		if (files[i].parties != 0)
			cr_expect_eq(v->parties_n, files[i].parties, "%s: %zu", files[i].path, v->parties_n);
		if (files[i].lines != 0)
			cr_expect_eq(v->lines_n, files[i].lines, "%s: %zu", files[i].path, v->lines_n);
		cr_expect_eq(findings(IMPORT_BAD), 0);
	}
}

IMPORT(what_is_carried_is_as_written)
{
	cr_assert(import_us_json(file_bytes(EXAMPLE("valid-Data-and-Image")), arena, &result));
	const struct imported *v = &result.records[0].value;

	expect_text(v->status, "ReadyForSignature");
	expect_text(v->shipped, "2019-03-13T04:00:00.000+0000");
	expect_text(v->received, "2019-03-17T04:00:00.000+0000");
	cr_assert_eq(v->parties_n, 5);
	cr_expect_eq(v->parties[0].role, ROLE_GENERATOR);
	expect_text(v->parties[0].id, "VATEST000004");
	expect_text(v->parties[0].name, "TEST GENERATOR OF VA");
	cr_expect_eq(v->parties[2].role, ROLE_TRANSPORTER);
	expect_text(v->parties[2].id, "VATEST000001");
	cr_expect_eq(v->parties[4].role, ROLE_FACILITY);
	cr_expect_eq(v->lines[0].line, 1);
	cr_expect_eq(v->lines[2].line, 4);
	expect_text(v->lines[0].planned, "456 K (Kilograms)");
	expect_text(v->lines[0].containers, "123 CF");
	expect_text(v->lines[0].codes[0], "D001");
	expect_text(v->lines[0].method, "H010");
	expect_text(v->lines[0].name, "UN3432, Waste Polychlorinated biphenyls, solid, 9, II");
	expect_text(v->lines[1].name, "PCB contaminated caulk");
	cr_expect_eq(v->lines[1].codes_n, 0);
	cr_expect_not_null(strstr((const char *)v->remark.p, "line 1 discrepancyComments: 6500 KG"));
	/* Everything else is accounted for, and no person is. */
	cr_expect_not_null(finding("generator.contact.email", IMPORT_PERSONAL));
	cr_expect_not_null(finding("generator.paperSignatureInfo.printedName", IMPORT_PERSONAL));
	cr_expect_str_empty(finding("generator.contact.email", IMPORT_PERSONAL)->found);
	cr_expect_str_eq(finding("wastes[4].brInfo.density", IMPORT_LEFT_OUT)->found, "123");
	cr_expect_null(strstr((const char *)v->remark.p, "703-308"));
}

IMPORT(the_invalid_example_is_refused_with_its_reasons)
{
	cr_assert(import_us_json(file_bytes(EXAMPLE("invalid")), arena, &result));
	cr_expect_eq(result.records_n, 0);
	cr_expect_eq(result.bad, 1);
	const struct import_finding *f = finding("wastes[0].br", IMPORT_BAD);
	cr_assert_not_null(f);
	cr_expect_str_eq(f->found, "an object");
	cr_expect_str_eq(f->allowed, "true or false");
	f = finding("wastes[0].brInfo", IMPORT_BAD);
	cr_assert_not_null(f);
	cr_expect_str_eq(f->found, "true");
}

/* Numbers keep their digits; a list of manifests is a file of several records, of which a bad one stops no
 * other. */
IMPORT(a_list_with_a_bad_record)
{
	static const char text[] =
	    "[{\"manifestTrackingNumber\":\"A\",\"wastes\":[{\"quantity\":{\"quantity\":1.6700,"
	    "\"unitOfMeasurement\":{\"code\":"
	    "\"L\"}}}]},\n 17,\n {\"manifestTrackingNumber\":[]},\n"
	    " {\"manifestTrackingNumber\":\"say \\\"1.5\\\"\",\"status\":null,\"wastes\":[]},"
	    "{\"manifestTrackingNumber\":\"E\",\"wastes\":[{\"quantity\":{\"quantity\":12345678901234567890."
	    "5e-7}}]}]";

	cr_assert(import_us_json(span_str(text), arena, &result));
	cr_expect_eq(result.seen, 5);
	cr_expect_eq(result.bad, 2);
	cr_assert_eq(result.records_n, 3);
	expect_text(result.records[0].value.lines[0].planned, "1.6700 L");
	cr_expect_eq(result.records[0].value.lines[0].line, 1);
	cr_expect_eq(result.records[1].value.record, 4);
	expect_text(result.records[1].value.foreign_number, "say \"1.5\"");
	expect_text(result.records[2].value.lines[0].planned, "12345678901234567890.5e-7");
}

IMPORT(limits_of_the_event_are_reported_by_field)
{
	char text[4096];
	char name[700];

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	(void)snprintf(
	    text, sizeof(text),
	    "{\"manifestTrackingNumber\":\"A\",\"generator\":{\"name\":\"%s\"},\"status\":\"a\\u0007\"}",
	    name);
	cr_assert(import_us_json(span_str(text), arena, &result));
	cr_expect_eq(result.bad, 1);
	cr_expect_not_null(finding("status", IMPORT_BAD));
	(void)snprintf(text, sizeof(text),
		       "{\"manifestTrackingNumber\":\"A\",\"generator\":{\"name\":\"%s\"}}", name);
	cr_assert(import_us_json(span_str(text), arena, &result));
	cr_expect_eq(result.bad, 1);
	cr_expect_not_null(finding("imported.parties[0].name", IMPORT_BAD));
}

IMPORT(what_is_no_json_is_said_with_its_line)
{
	static const char *const bad[] = {
	    "", "{", "{\"a\":01}", "{\"a\":1.}", "{\"a\":1,\"a\":2}", "\"x\" y", "{\"a\":-}", "\xff"};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		cr_expect_not(import_us_json(span_str(bad[i]), arena, &result), "%s", bad[i]);
		cr_expect_eq(result.findings_n, 1);
		cr_expect_eq(result.records_n, 0);
	}
	cr_expect_not(import_us_json(span_str("{\n\n\"a\" 1}"), arena, &result));
	cr_expect_eq(result.findings[0].row, 3);
}

/* ---- CSV ---- */

IMPORT(the_national_export)
{
	cr_assert(import_cn_csv(file_bytes("tests/data/national/export.csv"), arena, &result));
	cr_expect_eq(result.seen, 8);
	cr_expect_eq(result.bad, 4);
	cr_assert_eq(result.records_n, 3);
	const struct imported *v = &result.records[0].value;
	expect_text(v->scheme, "cn-national-csv");
	expect_text(v->foreign_number, "20252101000001");
	cr_expect_eq(v->record, 1);
	cr_expect_eq(result.records[0].row, 2);
	cr_assert_eq(v->lines_n, 2);
	expect_text(v->lines[0].planned, "1.25 t");
	expect_text(v->lines[0].confirmed, "1.2500 t");
	expect_text(v->lines[1].name, "废包装,含油");
	expect_text(v->lines[1].codes[0], "900-041-49");
	cr_assert_eq(v->parties_n, 3);
	expect_text(v->parties[0].id, "91210106MA0P90017U");
	expect_text(v->parties[2].name, "处置中心");
	expect_text(v->shipped, "2025-03-01 08:30");
	cr_expect_not_null(strstr((const char *)v->remark.p, "2 差异情况: 少一件 已说明"));
	cr_expect_not_null(finding("联系人", IMPORT_LEFT_OUT));
	cr_expect_not_null(finding("差异情况", IMPORT_NOTE));
	cr_expect_eq(result.records[1].value.record, 5);
	cr_expect_eq(result.records[2].value.record, 8);
}

IMPORT(every_problem_of_a_bad_row_is_reported)
{
	static const struct {
		const char *column, *found;
	} row5[] = {{"移出单位统一社会信用代码", "91210106MA0P90017X"},
		    {"废物代码", "900-249-8"},
		    {"计划数量（吨）", "1.25吨"},
		    {"转移数量（吨）", "约2"},
		    {"是否存在重大差异", "无"},
		    {"正常/补录", "补报"},
		    {"转移时间", "三月一日"}};

	cr_assert(import_cn_csv(file_bytes("tests/data/national/export.csv"), arena, &result));
	for (size_t i = 0; i < ARRAY_LEN(row5); i++) {
		const struct import_finding *f = finding(row5[i].column, IMPORT_BAD);
		cr_assert_not_null(f, "%s", row5[i].column);
		cr_expect_eq(f->row, 5);
		cr_expect_str_eq(f->found, row5[i].found);
		cr_expect_str_not_empty(f->allowed);
	}
	cr_expect_str_eq(finding("联单编号", IMPORT_BAD)->found, "2025210100003");
}

IMPORT(a_manifest_with_a_bad_row_says_so)
{
	static const char text[] = "联单编号,移出单位,废物代码,转移数量(千克)\r\n"
				   "20252101000001,甲,900-249-08,1250\r\n"
				   "20252101000001,甲,900-249,1\r\n";

	cr_assert(import_cn_csv(span_str(text), arena, &result));
	cr_assert_eq(result.records_n, 1);
	cr_expect_eq(result.records[0].value.lines_n, 1);
	expect_text(result.records[0].value.lines[0].shipped, "1250 kg");
	cr_expect_not_null(finding("联单编号", IMPORT_NOTE));
}

IMPORT(headings_are_checked_first)
{
	cr_expect_not(import_cn_csv(span_str(""), arena, &result));
	cr_expect_not(import_cn_csv(span_str("a,b,c\n1,2,3\n"), arena, &result));
	cr_expect_not_null(finding("联单编号", IMPORT_BAD));
	cr_expect_not_null(finding("移出单位", IMPORT_BAD));
	cr_expect_not_null(finding("废物代码", IMPORT_BAD));
	cr_expect_not(import_cn_csv(span_str("联单编号,移出单位,废物代码,联单编号\n"), arena, &result));
	cr_expect(import_cn_csv(span_str("\xEF\xBB\xBF联单编号,移出单位,废物代码\n\n\n"), arena, &result));
	cr_expect_eq(result.seen, 0);
}

IMPORT(dates_in_all_their_forms)
{
	static const struct {
		const char *date;
		bool good;
	} dates[] = {{"2025-03-01", true},
		     {"2025/03/01", true},
		     {"2025-03-01 08:30", true},
		     {"2025/03/01 08:30:59", true},
		     {"2025-03-01T08:30:00Z", true},
		     {"2025-02-30", false},
		     {"2025-03-01 25:00", false},
		     {"3月1日", false},
		     {"20250301", false}};

	for (size_t i = 0; i < ARRAY_LEN(dates); i++) {
		char text[256];
		(void)snprintf(text, sizeof(text),
			       "联单编号,移出单位,废物代码,转移时间\n20252101000001,甲,900-249-08,%s\n",
			       dates[i].date);
		cr_assert(import_cn_csv(span_str(text), arena, &result));
		cr_expect_eq(result.bad, dates[i].good ? 0 : 1, "%s", dates[i].date);
	}
}
