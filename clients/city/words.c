/* Owns the report's words and widths. */
#include <stdio.h>

#include "city/report.h"

const char *kind_zh(enum event_kind kind)
{
	static const char *const names[TALLY_KINDS] = {
	    [EVENT_GENESIS] = "创世",
	    [EVENT_SETTING_CHANGED] = "设置变更",
	    [EVENT_REFERENCE_LOADED] = "基础数据启用",
	    [EVENT_REGISTRAR_ADDED] = "增加登记员",
	    [EVENT_REGISTRAR_REMOVED] = "移除登记员",
	    [EVENT_PARTY_REGISTERED] = "单位登记",
	    [EVENT_PARTY_CHANGED] = "单位变更",
	    [EVENT_KEY_ENROLLED] = "密钥登记",
	    [EVENT_KEY_REVOKED] = "密钥吊销",
	    [EVENT_PERSON_REGISTERED] = "人员登记",
	    [EVENT_VEHICLE_REGISTERED] = "车辆登记",
	    [EVENT_PERMIT_GRANTED] = "许可证核发",
	    [EVENT_PERMIT_CHANGED] = "许可证变更",
	    [EVENT_PERMIT_REVOKED] = "许可证吊销",
	    [EVENT_NUMBER_BLOCK_GRANTED] = "编号段发放",
	    [EVENT_ISSUED] = "开具联单",
	    [EVENT_LOADED] = "启运",
	    [EVENT_HANDED_OVER] = "转运交接",
	    [EVENT_DELIVERED] = "运抵",
	    [EVENT_RECEIVED] = "接收确认",
	    [EVENT_RETURNED] = "退运",
	    [EVENT_TREATED] = "利用处置",
	    [EVENT_ATTESTED] = "单方声明",
	    [EVENT_CONFIRMED] = "补签确认",
	    [EVENT_CANCELLED] = "作废",
	    [EVENT_IMPORTED] = "导入记录",
	    [EVENT_VOIDED] = "编号停用",
	    [EVENT_FLAG_RAISED] = "预警",
	    [EVENT_FLAG_CLEARED] = "预警解除",
	    [EVENT_FLAG_RESOLVED] = "预警处理",
	};
	const char *name = (size_t)kind < TALLY_KINDS ? names[kind] : NULL;

	return name == NULL ? "?" : name;
}

static const struct {
	const char *en;
	const char *zh;
} refusals[] = {
    [REFUSAL_NONE] = {"accepted", "接受"},
    [REFUSAL_MALFORMED] = {"malformed", "格式错误"},
    [REFUSAL_SIGNATURE] = {"signature", "签名不符"},
    [REFUSAL_RULE] = {"against a rule", "违反规则"},
    [REFUSAL_FORK] = {"fork", "分叉"},
    [REFUSAL_DESCENDS] = {"descends from a refused event", "承接被拒事件"},
    [REFUSAL_PREDECESSOR] = {"predecessor first", "缺前一事件"},
    [REFUSAL_LATER] = {"later", "稍后再试"},
    [REFUSAL_UNAVAILABLE] = {"unavailable", "暂不可用"},
    [REFUSAL_NOT_WRITER] = {"not the writer", "非写入服务器"},
    [REFUSAL_FORBIDDEN] = {"forbidden", "无权限"},
    [REFUSAL_NOT_FOUND] = {"not found", "不存在"},
    [REFUSAL_FAULT] = {"fault", "故障"},
};

const char *refusal_zh(enum refusal_kind kind)
{
	return (size_t)kind < ARRAY_LEN(refusals) ? refusals[kind].zh : "?";
}

const char *refusal_en(enum refusal_kind kind)
{
	return (size_t)kind < ARRAY_LEN(refusals) ? refusals[kind].en : "?";
}

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
