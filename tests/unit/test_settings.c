/* base/setting, core/settings, core/rules: the tables that documentation is printed from. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/text.h"
#include "core/rules.h"
#include "core/settings.h"

static void expect_text(const struct setting_row *row, const void *settings, const char *want)
{
	struct buffer b = BUFFER_EMPTY;

	setting_format(row, settings, &b);
	cr_expect(span_eq_str(buffer_span(&b), want), "%s: %.*s, not %s", row->key, SPAN_ARG(buffer_span(&b)),
		  want);
	buffer_free(&b);
}

Test(law_settings, defaults)
{
	struct law_settings s = law_settings_default();

	cr_expect_eq(s.collect_grace, 24 * DURATION_HOUR);
	cr_expect_eq(s.transit_grace, 12 * DURATION_HOUR);
	cr_expect_eq(s.confirm_working_days, 5);
	cr_expect_eq(s.return_days, 10);
	cr_expect_eq(s.storage_days, 365);
	cr_expect_eq(s.difference_permille, 100);
	cr_expect_eq(s.difference_containers, 0);
	cr_expect_eq(s.clock_skew, 300 * DURATION_SECOND);
	cr_expect_eq(s.number_gap_grace, 72 * DURATION_HOUR);
	cr_expect_eq(s.fork_evidence_per_day, 8);
}

/* Every row: complete, within its own range, its bounds accepted, and what lies beyond them refused. */
Test(law_settings, every_row)
{
	for (size_t i = 0; i < law_setting_rows_n; i++) {
		const struct setting_row *row = &law_setting_rows[i];
		struct law_settings s = law_settings_default(), before;
		char error[SETTING_ERROR_SIZE] = "", text[64];

		cr_expect(row->judging && row->help_en != NULL && row->help_zh != NULL, "%s", row->key);
		cr_expect(text_is_clean(span_str(row->help_en)) && text_is_clean(span_str(row->help_zh)));
		cr_expect_eq(law_setting_find(span_str(row->key)), row);
		cr_expect(setting_parse(row, &s, span_str(row->initial), error), "%s", error);
		const int64_t bounds[] = {row->min, row->max, row->min - 1, row->max + 1};
		const char *unit = row->type == SETTING_DURATION ? " us" : "";
		for (size_t b = 0; b < ARRAY_LEN(bounds); b++) {
			(void)snprintf(text, sizeof(text), "%lld%s", (long long)bounds[b], unit);
			before = s;
			bool good = law_setting_set(&s, span_str(row->key), span_str(text), error);
			cr_expect_eq(good, b < 2, "%s = %s", row->key, text);
			int64_t value;
			memcpy(&value, (const char *)&s + row->offset, sizeof(value));
			if (good)
				cr_expect_eq(value, bounds[b]);
			else
				cr_expect_arr_eq(&s, &before, sizeof(s));
		}
		for (size_t j = 0; j < i; j++) {
			cr_expect_str_neq(row->key, law_setting_rows[j].key);
			cr_expect_neq(row->offset, law_setting_rows[j].offset);
		}
	}
	cr_expect_eq(law_setting_rows_n * sizeof(int64_t), sizeof(struct law_settings),
		     "every member has a row");
}

Test(law_settings, set)
{
	struct law_settings s = law_settings_default();
	char error[SETTING_ERROR_SIZE] = "";

	cr_expect(law_setting_set(&s, span_str("transit.grace"), span_str("90 min"), error));
	cr_expect_eq(s.transit_grace, 90 * DURATION_MINUTE);
	expect_text(law_setting_find(span_str("transit.grace")), &s, "90 min");
	cr_expect_not(law_setting_set(&s, span_str("transit.Grace"), span_str("90 min"), error));
	cr_expect_str_eq(error, "no such setting among those that judging reads");
	cr_expect_not(law_setting_set(&s, span_str("confirm.working_days"), span_str("61"), error));
	cr_expect_str_eq(error, "confirm.working_days: found \"61\", allowed is 1 to 60 working days");
	cr_expect_not(law_setting_set(&s, span_str("clock.skew"), span_str("2 d"), error));
	cr_expect_str_eq(error, "clock.skew: found \"2 d\", allowed is 1 s to 1 d");
	cr_expect_not(law_setting_set(&s, span_str("clock.skew"), span_str(""), error));
}

struct sample {
	int64_t count;
	int64_t wait;
	int64_t size;
	bool on;
	char name[SETTING_TEXT_SIZE];
	int level;
};

static const char *const levels[] = {"error", "info", "debug", NULL};
static const struct setting_row sample_rows[] = {
    {.key = "count",
     .type = SETTING_INT,
     .offset = offsetof(struct sample, count),
     .max = INT64_MAX,
     .initial = "3"},
    {.key = "wait",
     .type = SETTING_DURATION,
     .offset = offsetof(struct sample, wait),
     .max = INT64_MAX,
     .initial = "0 s"},
    {.key = "size",
     .type = SETTING_SIZE,
     .offset = offsetof(struct sample, size),
     .max = INT64_MAX,
     .initial = "64 KiB"},
    {.key = "on", .type = SETTING_BOOL, .offset = offsetof(struct sample, on), .initial = "yes"},
    {.key = "name",
     .type = SETTING_TEXT,
     .offset = offsetof(struct sample, name),
     .max = 255,
     .initial = "沈阳"},
    {.key = "level",
     .type = SETTING_CHOICE,
     .offset = offsetof(struct sample, level),
     .choices = levels,
     .initial = "info"},
};

Test(setting, forms)
{
	static const struct {
		const char *key, *text, *again; /* again NULL: refused */
	} rows[] = {
	    {"count", "0", "0"},
	    {"count", "9223372036854775807", "9223372036854775807"},
	    {"count", "9223372036854775808", NULL},
	    {"count", "07", NULL},
	    {"count", "-1", NULL},
	    {"count", "5 s", NULL},
	    {"count", "5 ", NULL},
	    {"wait", "0 s", "0 s"},
	    {"wait", "0 d", "0 s"},
	    {"wait", "1500ms", "1500 ms"},
	    {"wait", "3600 s", "1 h"},
	    {"wait", "48 h", "2 d"},
	    {"wait", "1 us", "1 us"},
	    {"wait", "106751991 d", "106751991 d"},
	    {"wait", "106751992 d", NULL},
	    {"wait", "5", NULL},
	    {"wait", "5  s", NULL},
	    {"wait", "5 s ", NULL},
	    {"wait", "5 S", NULL},
	    {"wait", "s", NULL},
	    {"size", "1024 B", "1 KiB"},
	    {"size", "1025 B", "1025 B"},
	    {"size", "3GiB", "3 GiB"},
	    {"size", "1 kB", NULL},
	    {"size", "0 B", "0 B"},
	    {"on", "yes", "yes"},
	    {"on", "no", "no"},
	    {"on", "true", NULL},
	    {"name", "", ""},
	    {"name", "铁西区", "铁西区"},
	    {"name", "a\tb", NULL},
	    {"name", "\xff", NULL},
	    {"level", "debug", "debug"},
	    {"level", "loud", NULL},
	};
	struct sample s;
	char error[SETTING_ERROR_SIZE];

	memset(&s, 0, sizeof(s));
	cr_assert(settings_default(sample_rows, ARRAY_LEN(sample_rows), &s));
	cr_expect(s.count == 3 && s.wait == 0 && s.size == 65536 && s.on && s.level == 1);
	cr_expect_str_eq(s.name, "沈阳");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct setting_row *row =
		    setting_find(sample_rows, ARRAY_LEN(sample_rows), span_str(rows[i].key));
		cr_assert_not_null(row);
		bool good = setting_parse(row, &s, span_str(rows[i].text), error);
		cr_expect_eq(good, rows[i].again != NULL, "%s = %s", rows[i].key, rows[i].text);
		if (good)
			expect_text(row, &s, rows[i].again);
		else
			cr_expect(text_is_clean(span_str(error)), "%s", error);
	}
}

/* A long value is cut between characters in the message, and one that is no text is not repeated. */
Test(setting, messages_stay_clean)
{
	char text[400], error[SETTING_ERROR_SIZE];
	struct sample s;

	for (size_t shift = 0; shift < 3; shift++) {
		memset(text, 'x', shift);
		size_t n = shift;
		while (n + 4 < sizeof(text)) {
			memcpy(text + n, "沈", 3);
			n += 3;
		}
		cr_expect_not(setting_parse(&sample_rows[4], &s, span_of(text, n), error));
		cr_expect(text_is_clean(span_str(error)), "%s", error);
		cr_expect_not_null(strstr(error, "沈沈\", allowed"), "%s", error);
		cr_expect_not_null(strstr(error, "allowed is text of 0 to 255 bytes"), "%s", error);
	}
}

Test(rules, every_row)
{
	for (size_t i = 0; i < RULES; i++) {
		const struct rule *r = &rules[i];
		cr_assert(r->id != NULL && r->source != NULL && r->zh != NULL && r->en != NULL, "row %zu", i);
		cr_expect(text_is_clean(span_str(r->zh)) && text_is_clean(span_str(r->en)), "%s", r->id);
		cr_expect_eq(r->en[strlen(r->en) - 1], '.', "%s ends in a full stop", r->id);
		cr_expect_str_eq(r->zh + strlen(r->zh) - 3, "。", "%s", r->id);
		cr_expect_eq(rule_find(r->id), r, "%s stands twice", r->id);
		for (const char *c = r->id; *c != '\0'; c++)
			cr_expect((*c >= 'a' && *c <= 'z') || *c == '.' || *c == '_', "%s", r->id);
	}
	cr_expect_str_eq(RULE(NUMBER_FORMAT)->id, "number.format");
	cr_expect_null(rule_find("no.such.rule"));
}
