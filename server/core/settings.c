#include "core/settings.h"

#define FIELD(name)          .judging = true, .offset = offsetof(struct law_settings, name)
#define IN(low, high, start) .min = (low), .max = (high), .initial = (start)

/* clang-format off */
const struct setting_row law_setting_rows[] = {
	{.key = "collect.grace", .type = SETTING_DURATION, FIELD(collect_grace), IN(0, 30 * DURATION_DAY, "24 h"),
	 .help_en = "After the planned pick-up (collect_by), how long until a manifest is flagged as not collected.",
	 .help_zh = "超过计划收运时间多久仍未启运即预警。"},
	{.key = "transit.grace", .type = SETTING_DURATION, FIELD(transit_grace), IN(0, 30 * DURATION_DAY, "12 h"),
	 .help_en = "After the expected arrival (arrive_by), how long until a load in transit is flagged as overdue.",
	 .help_zh = "超过预计到达时间多久仍未运抵即预警。"},
	{.key = "confirm.working_days", .type = SETTING_INT, .unit = "working days", FIELD(confirm_working_days),
	 IN(1, 60, "5"),
	 .help_en = "From delivery, within how many working days the facility must decide on each line "
		    "(decree 23 (2021), art. 18).",
	 .help_zh = "接受人自运抵之日起须在几个工作日内确认接受（危险废物转移管理办法第十八条）。"},
	{.key = "return.days", .type = SETTING_INT, .unit = "working days", FIELD(return_days), IN(1, 250, "10"),
	 .help_en = "From refusal, within how many working days what was refused must be back at the generator.",
	 .help_zh = "被拒收的废物须在几个工作日内退回移出人。"},
	{.key = "storage.days", .type = SETTING_INT, .unit = "days", FIELD(storage_days), IN(1, 3650, "365"),
	 .help_en = "From acceptance, within how many days a facility must treat what it stores "
		    "(Solid Waste Law 2020, art. 81).",
	 .help_zh = "经营单位贮存危险废物的最长天数（固体废物污染环境防治法第八十一条）。"},
	{.key = "difference.permille", .type = SETTING_INT, .unit = "thousandths", FIELD(difference_permille),
	 IN(0, 1000, "100"),
	 .help_en = "By how many thousandths two weights of a line may differ before it is flagged. The law sets no limit.",
	 .help_zh = "同一行两次称重相差超过千分之几即预警（法规未规定限值）。"},
	{.key = "difference.containers", .type = SETTING_INT, .unit = "containers", FIELD(difference_containers),
	 IN(0, 100000, "0"),
	 .help_en = "By how many containers two counts of a line may differ before it is flagged.",
	 .help_zh = "同一行两次点数相差超过几件即预警。"},
	{.key = "clock.skew", .type = SETTING_DURATION, FIELD(clock_skew), IN(DURATION_SECOND, DURATION_DAY, "300 s"),
	 .help_en = "How far a device's clock may be ahead of the server's, or run back along a chain.",
	 .help_zh = "设备时钟允许超前服务器时钟或沿链倒退的幅度。"},
	{.key = "number.gap_grace", .type = SETTING_DURATION, FIELD(number_gap_grace),
	 IN(DURATION_HOUR, 365 * DURATION_DAY, "72 h"),
	 .help_en = "How long a running number of a key may be missing before the gap is flagged.",
	 .help_zh = "密钥流水号缺号多久未补即预警。"},
	{.key = "fork.evidence_per_day", .type = SETTING_INT, .unit = "events", FIELD(fork_evidence_per_day),
	 IN(1, 1000, "8"),
	 .help_en = "How many refused rival events are kept as evidence for each key and day.",
	 .help_zh = "每把密钥每天最多保留几件被拒的冲突事件作为证据。"},
};
/* clang-format on */
const size_t law_setting_rows_n = ARRAY_LEN(law_setting_rows);

struct law_settings law_settings_default(void)
{
	struct law_settings settings = {0};

	/* The defaults are constants of the table above; the unit test reads every one of them back. */
	(void)!settings_default(law_setting_rows, law_setting_rows_n, &settings);
	return settings;
}

const struct setting_row *law_setting_find(struct span key)
{
	return setting_find(law_setting_rows, law_setting_rows_n, key);
}

bool law_setting_set(struct law_settings *settings, struct span key, struct span value,
		     char ret_error[SETTING_ERROR_SIZE])
{
	const struct setting_row *row = law_setting_find(key);

	if (row == NULL) {
		static const char unknown[] = "no such setting among those that judging reads";
		memcpy(ret_error, unknown, sizeof(unknown));
		return false;
	}
	return setting_parse(row, settings, value, ret_error);
}
