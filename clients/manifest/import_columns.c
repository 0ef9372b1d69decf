#include "manifest/import_columns.h"

#include <stdio.h>

#include "base/text.h"
#include "core/credit_code.h"
#include "core/number.h"
#include "core/reference.h"
#include "core/time_text.h"

const struct column_row column_rows[COLUMNS] = {
    [COLUMN_NUMBER] = {{"联单编号", "转移联单编号"}, CELL_NUMBER, true, false},
    [COLUMN_GENERATOR] = {{"移出单位", "移出人", "产生单位", "移出单位名称"}, CELL_TEXT, true, false},
    [COLUMN_GENERATOR_ID] = {{"移出单位统一社会信用代码", "移出单位信用代码"}, CELL_CREDIT, false, false},
    [COLUMN_TRANSPORTER] = {{"承运单位", "承运人", "运输单位", "承运单位名称"}, CELL_TEXT, false, false},
    [COLUMN_TRANSPORTER_ID] = {{"承运单位统一社会信用代码", "承运单位信用代码"}, CELL_CREDIT, false, false},
    [COLUMN_FACILITY] = {{"接受单位", "接收单位", "接受人", "接受单位名称"}, CELL_TEXT, false, false},
    [COLUMN_FACILITY_ID] = {{"接受单位统一社会信用代码", "接收单位统一社会信用代码", "接受单位信用代码"},
			    CELL_CREDIT,
			    false,
			    false},
    [COLUMN_CODE] = {{"废物代码", "危险废物代码"}, CELL_WASTE_CODE, true, false},
    [COLUMN_NAME] = {{"废物名称", "危险废物名称"}, CELL_TEXT, false, false},
    [COLUMN_PLANNED] = {{"计划数量"}, CELL_QUANTITY, false, false},
    [COLUMN_SHIPPED] = {{"转移数量", "移出数量"}, CELL_QUANTITY, false, false},
    [COLUMN_CONFIRMED] = {{"确认数量", "接受数量", "接收数量"}, CELL_QUANTITY, false, false},
    [COLUMN_CONTAINERS] = {{"件数", "包装数量", "容器数量"}, CELL_TEXT, false, false},
    [COLUMN_METHOD] = {{"利用处置方式", "处置方式", "拟利用处置方式"}, CELL_TEXT, false, false},
    [COLUMN_ISSUED] = {{"开具时间", "创建时间", "填报时间"}, CELL_DATE, false, false},
    [COLUMN_SHIPPED_AT] = {{"移出时间", "转移时间", "启运时间", "实际转移时间"}, CELL_DATE, false, false},
    [COLUMN_RECEIVED_AT] = {{"接受时间", "接收时间", "确认时间", "办结时间"}, CELL_DATE, false, false},
    [COLUMN_STATUS] = {{"联单状态", "状态"}, CELL_TEXT, false, false},
    [COLUMN_OPINION] = {{"接收单位处理意见", "接受单位处理意见", "处理意见"}, CELL_TEXT, false, true},
    [COLUMN_DIFFERENT] = {{"是否存在重大差异"}, CELL_YES_NO, false, true},
    [COLUMN_DIFFERENCE] = {{"差异情况"}, CELL_TEXT, false, true},
    [COLUMN_VOID] = {{"是否作废"}, CELL_YES_NO, false, true},
    [COLUMN_ENTRY] = {{"正常/补录", "联单类型"}, CELL_ENTRY, false, true},
    [COLUMN_PLATE] = {{"车牌号", "车牌号码", "运输车辆"}, CELL_TEXT, false, true},
};

struct span column_trim(struct span s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = span_of(s.p + 1, s.n - 1);
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

static bool cut_end(struct span *s, const char *end)
{
	size_t n = strlen(end);

	if (s->n <= n || memcmp(s->p + s->n - n, end, n) != 0)
		return false;
	s->n -= n;
	return true;
}

/* "转移数量（吨）": the unit of the column. */
enum mass_unit column_unit(struct span *heading)
{
	static const struct {
		const char *end;
		enum mass_unit unit;
	} ends[] = {{"（吨）", MASS_TONNE},      {"(吨)", MASS_TONNE},      {"(t)", MASS_TONNE},
		    {"（千克）", MASS_KILOGRAM}, {"(千克)", MASS_KILOGRAM}, {"(kg)", MASS_KILOGRAM},
		    {"（公斤）", MASS_KILOGRAM}, {"(公斤)", MASS_KILOGRAM}};

	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (cut_end(heading, ends[i].end))
			return ends[i].unit;
	return MASS_TONNE;
}

int column_named(struct span heading)
{
	for (int c = 0; c < COLUMNS; c++)
		for (size_t i = 0;
		     i < ARRAY_LEN(column_rows[c].headings) && column_rows[c].headings[i] != NULL; i++)
			if (span_eq_str(heading, column_rows[c].headings[i]))
				return c;
	return -1;
}

static bool is_date(struct span s)
{
	char text[TIME_TEXT_SIZE + 16];
	civil_day day;
	micros at;

	if (s.n < 8 || s.n > 32)
		return false;
	(void)snprintf(text, sizeof(text), "%.*s", SPAN_ARG(s));
	for (char *p = text; *p != '\0'; p++)
		if (*p == '/')
			*p = '-';
	if (date_parse(span_str(text), &day) || time_parse(span_str(text), &at))
		return true;
	/* "2026-10-01 08:30" and "... 08:30:00" */
	if (s.n < 16 || text[10] != ' ')
		return false;
	text[10] = 'T';
	(void)snprintf(text + s.n, sizeof(text) - s.n, "%s+08:00", s.n == 16 ? ":00" : "");
	return time_parse(span_str(text), &at);
}

bool column_cell_holds(int column, enum mass_unit unit, struct span value, const char **ret_allowed)
{
	int64_t grams;
	uint64_t number;

	switch (column_rows[column].cell) {
	case CELL_TEXT: *ret_allowed = "UTF-8"; return text_is_clean(value);
	case CELL_NUMBER: *ret_allowed = "YYYYPPCCNNNNNN"; return manifest_number_parse(value, &number);
	case CELL_WASTE_CODE: *ret_allowed = "NNN-NNN-NN"; return waste_code_is_wellformed(value);
	case CELL_QUANTITY:
		*ret_allowed = unit == MASS_TONNE ? "1.25 (t)" : "1250 (kg)";
		return grams_parse_in(value, unit, &grams);
	case CELL_DATE: *ret_allowed = "2026-10-01, 2026-10-01 08:30[:00]"; return is_date(value);
	case CELL_CREDIT: *ret_allowed = "GB 32100"; return credit_code_check(value) == CREDIT_CODE_GOOD;
	case CELL_YES_NO:
		*ret_allowed = "是, 否";
		return span_eq_str(value, "是") || span_eq_str(value, "否");
	case CELL_ENTRY:
		*ret_allowed = "正常, 补录";
		return span_eq_str(value, "正常") || span_eq_str(value, "补录");
	}
	return false;
}
