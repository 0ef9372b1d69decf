/* core/details: what flags say is said in English as it always was, and read in Chinese with all its values.
 */
#include <criterion/criterion.h>
#include <ctype.h>
#include <stdlib.h>

#include "core/details.h"

/* clang-format off */
#define N(n) {.number = (n)}
#define S(s) {.text = {(const uint8_t *)(s), sizeof(s) - 1}}
/* clang-format on */
#define ROOT "5fd9a5a32fdd1a1e2ea2b9ad6a6d4c4b6d3cd1d4b3dff2b5a5e6d6a0c8c6a9f0"

/* One detail of every row: its English is what logs hold, byte for byte. */
static const struct {
	struct detail_value values[5];
	const char *en, *zh;
} said[DETAILS] = {
    [DETAIL_NOT_COLLECTED] = {{S("2026-10-01T08:30:00+08:00")},
			      "not collected by 2026-10-01T08:30:00+08:00",
			      "逾期未启运，期限 2026-10-01T08:30:00+08:00"},
    [DETAIL_NOT_DELIVERED] = {{S("2026-10-01")},
			      "not delivered by 2026-10-01",
			      "逾期未运抵，期限 2026-10-01"},
    [DETAIL_NOT_CONFIRMED] = {{S("2026-10-01")},
			      "receipt not confirmed by 2026-10-01",
			      "逾期未确认接收，期限 2026-10-01"},
    [DETAIL_NOT_BACK] = {{S("2026-10-01")},
			 "refused and not back at the generator by 2026-10-01",
			 "拒收后逾期未退回，期限 2026-10-01"},
    [DETAIL_NOT_TREATED] = {{S("2026-10-01")},
			    "stored and not treated by 2026-10-01",
			    "贮存超期未利用处置，期限 2026-10-01"},
    [DETAIL_GRAMS] = {{N(2), N(1200000), S("handed over"), N(900000), S("delivered")},
		      "line 2: 1200000 g handed over, 900000 g delivered",
		      "第 2 行：1200000 克（转运交接），900000 克（运抵）"},
    [DETAIL_CONTAINERS] = {{N(1), N(6), S("carried"), N(5), S("handed over")},
			   "line 1: 6 containers carried, 5 handed over",
			   "第 1 行：6 件（在途），5 件（转运交接）"},
    [DETAIL_METHOD] = {{N(3), S("D10")},
		       "line 3: method D10 is not of the permit",
		       "第 3 行：方式 D10 不在许可证范围内"},
    [DETAIL_CODE] = {{N(3), S("LN-1"), S("900-249-08")},
		     "line 3: permit LN-1 does not cover 900-249-08",
		     "第 3 行：许可证 LN-1 不包括代码 900-249-08"},
    [DETAIL_PERMIT] = {{S("LN-1")}, "permit LN-1 is not valid", "许可证 LN-1 无效"},
    [DETAIL_VEHICLE] = {{S("辽A12345")}, "vehicle 辽A12345 is not valid", "车辆 辽A12345 无效"},
    [DETAIL_PARTY] = {{S("91210100MA0000001G-1")},
		      "party 91210100MA0000001G-1 is not valid",
		      "单位 91210100MA0000001G-1 无效"},
    [DETAIL_CAPACITY] = {{N(12000001), S("辽A12345"), N(12000000)},
			 "12000001 g on vehicle 辽A12345, which may carry 12000000 g",
			 "12000001 克装于车辆 辽A12345，其核定载质量为 12000000 克"},
    [DETAIL_CLOCK_BACK] = {{N(601)},
			   "said to have occurred 601 s before the step it follows",
			   "所称发生时间比前一步骤早 601 秒"},
    [DETAIL_ONE_SIDE] = {{S("returned (out)"), S("91210100MA0000001G-1"), S("no longer exists")},
			 "returned (out) without the signature of 91210100MA0000001G-1: no longer exists",
			 "退运，缺 91210100MA0000001G-1 的签署：已不存在"},
    [DETAIL_LOADED_AFTER] = {{S("")}, "loaded after it was cancelled", "作废后启运"},
    [DETAIL_CANCELLED_AFTER] = {{S("")}, "cancelled after it was loaded", "启运后作废"},
    [DETAIL_FORK] = {{S("handed_over"), S(ROOT)},
		     "handed_over: another event stands, " ROOT,
		     "联运交接：已有另一事件 " ROOT},
    [DETAIL_KEY_REVOKED] = {{S("")}, "signed with a key revoked since", "签名密钥其后已吊销"},
    [DETAIL_NUMBER_TWICE] = {{N(UINT64_MAX)},
			     "running number 18446744073709551615 twice",
			     "流水号 18446744073709551615 使用两次"},
    [DETAIL_NUMBERS_MISSING] = {{N(0), N(9)},
				"running numbers missing between 0 and 9",
				"流水号 0 与 9 之间缺号"},
    [DETAIL_OTHER_HISTORY] = {{S("manifest.example/210100"), N(7), S(ROOT)},
			      "saw manifest.example/210100 size 7 root " ROOT,
			      "所见日志 manifest.example/210100 长度 7 根哈希 " ROOT},
};

static struct arena *arena;

static void begin(void)
{
	arena = arena_new(1 << 20);
	cr_assert_not_null(arena);
}

static void end(void)
{
	arena_free(arena);
}

static const char *chinese_of(struct span detail)
{
	struct buffer b = BUFFER_EMPTY;

	detail_in_chinese(detail, &b);
	cr_assert(buffer_ok(&b));
	const char *text = arena_printf(arena, "%.*s", SPAN_ARG(buffer_span(&b)));
	buffer_free(&b);
	cr_assert_not_null(text);
	return text;
}

static const char *chinese(const char *detail)
{
	return chinese_of(span_str(detail));
}

TestSuite(details, .init = begin, .fini = end);

Test(details, are_made_as_ever_and_read_in_chinese)
{
	for (size_t i = 0; i < DETAILS; i++) {
		struct span made = detail_make(arena, (enum detail)i, said[i].values);

		cr_assert_not_null(said[i].en, "row %zu: %s", i, detail_rows[i].en);
		cr_expect(span_eq_str(made, said[i].en), "%.*s", SPAN_ARG(made));
		cr_expect_str_eq(chinese(said[i].en), said[i].zh);
	}
}

/* Of the placeholders of a row, in order: "}n". */
static void placeholders(const char *row, char ret_all[6])
{
	size_t n = 0;

	for (const char *at = strchr(row, '{'); at != NULL; at = strchr(at + 1, '{')) {
		cr_assert_lt(n, 5, "%s", row);
		ret_all[n++] = at[1];
	}
	ret_all[n] = '\0';
}

Test(details, rows_say_the_same_in_both_languages)
{
	for (size_t i = 0; i < DETAILS; i++) {
		char en[6], zh[6];

		placeholders(detail_rows[i].en, en);
		placeholders(detail_rows[i].zh, zh);
		cr_expect_str_eq(en, zh, "%s", detail_rows[i].en);
		for (const char *at = detail_rows[i].zh; *at != '\0'; at++)
			cr_expect(!isalpha((unsigned char)*at) || at[-1] == '{', "%s", detail_rows[i].zh);
	}
}

Test(details, facts_are_read_one_by_one)
{
	cr_expect_str_eq(chinese("vehicle 辽A1 is not valid; party X-1 is not valid"),
			 "车辆 辽A1 无效；单位 X-1 无效");
	cr_expect_str_eq(
	    chinese("permit LN-1 is not valid; something new; line 1: method R4 is not of the permit"),
	    "许可证 LN-1 无效；something new; 第 1 行：方式 R4 不在许可证范围内");
}

/* What a program before or after this one said, or somebody else. */
Test(details, what_is_of_no_row_is_copied)
{
	static const char *const others[] = {
	    "",
	    "; ",
	    "; ; ",
	    "迟到 2 小时",
	    "line 2: 1200000 g loaded",
	    "line 2: 1200000 g loaded, 900000 g thrown away",
	    "line 2: 1200000 g loaded, 900000 g delivered.",
	    "line two: 1200000 g loaded, 900000 g delivered",
	    "line : 1 g loaded, 1 g delivered",
	    "permit  is not valid",
	    "permit LN-1 is not valid;",
	    "Permit LN-1 is not valid",
	    "stood: another event stands, " ROOT,
	    ": another event stands, " ROOT,
	    "handed_over: another event stands, ",
	    "running number -1 twice",
	    "{n}",
	    "{",
	    "%s%n",
	};

	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		cr_expect_str_eq(chinese(others[i]), others[i]);
	cr_expect_str_eq(chinese_of(span_of(NULL, 0)), "");
}

/* A copy of exactly these bytes, so that a sanitizer sees a step beyond them. */
static void read_exactly(const uint8_t *p, size_t n, bool copied)
{
	uint8_t *bytes = malloc(n == 0 ? 1 : n);
	struct buffer b = BUFFER_EMPTY;

	cr_assert_not_null(bytes);
	if (n > 0)
		memcpy(bytes, p, n);
	detail_in_chinese(span_of(bytes, n), &b);
	cr_assert(buffer_ok(&b));
	cr_expect(!copied || span_eq(buffer_span(&b), span_of(p, n)), "%.*s", (int)n, (const char *)p);
	cr_expect_leq(b.n, 4 * n, "no more than a few times as long");
	buffer_free(&b);
	free(bytes);
}

Test(details, any_bytes_can_be_read)
{
	uint8_t bytes[600];

	srandom(1);
	for (size_t round = 0; round < 2000; round++) {
		size_t n = (size_t)random() % sizeof(bytes);
		for (size_t i = 0; i < n; i++)
			bytes[i] = (uint8_t)random();
		read_exactly(bytes, n, true);
	}
	for (size_t i = 0; i < DETAILS; i++)
		for (size_t n = 0; n <= strlen(said[i].en); n++) {
			read_exactly((const uint8_t *)said[i].en, n, false);
			memcpy(bytes, said[i].en, strlen(said[i].en));
			bytes[n == 0 ? 0 : n - 1] ^= (uint8_t)(1 + random() % 255);
			read_exactly(bytes, strlen(said[i].en), false);
		}
}
