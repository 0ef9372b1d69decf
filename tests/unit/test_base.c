/* base: buffer, arena, text forms and problem lists. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/problem.h"
#include "base/text.h"

/* A small deterministic generator: a failing run can be run again. */
static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

static void fill(uint8_t *p, size_t n, uint32_t *state)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)next_random(state);
}

Test(text, hex)
{
	static const struct {
		const char *text;
		size_t n;
		bool good;
	} rows[] = {
	    {"", 0, true},    {"00ff", 2, true},  {"0123456789abcdef", 8, true},
	    {"0", 1, false},  {"0g", 1, false},   {"AB", 1, false},
	    {"ab", 2, false}, {"abcd", 1, false}, {" a", 1, false},
	    {"", 1, false},   {"ab ", 1, false},
	};

	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		uint8_t bytes[8] = {0x55};
		bool good = hex_decode(span_str(rows[r].text), bytes, rows[r].n);
		cr_expect_eq(good, rows[r].good, "'%s' as %zu bytes", rows[r].text, rows[r].n);
		if (!good) {
			cr_expect_eq(bytes[0], 0x55, "'%s' was refused and written all the same",
				     rows[r].text);
			continue;
		}
		char again[17];
		hex_encode(span_of(bytes, rows[r].n), again);
		cr_expect_str_eq(again, rows[r].text);
	}
}

Test(text, base64_vectors_of_rfc_4648)
{
	static const char *const rows[][2] = {
	    {"", ""},
	    {"f", "Zg=="},
	    {"fo", "Zm8="},
	    {"foo", "Zm9v"},
	    {"foob", "Zm9vYg=="},
	    {"fooba", "Zm9vYmE="},
	    {"foobar", "Zm9vYmFy"},
	};

	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		char text[16];
		uint8_t bytes[8];
		size_t n = 99;
		base64_encode(span_str(rows[r][0]), text);
		cr_expect_str_eq(text, rows[r][1]);
		cr_expect_eq(base64_length(strlen(rows[r][0])), strlen(rows[r][1]));
		cr_assert(base64_decode(span_str(rows[r][1]), bytes, sizeof(bytes), &n));
		cr_expect(span_eq(span_of(bytes, n), span_str(rows[r][0])));
	}
}

Test(text, base64_refuses_what_is_not_canonical)
{
	static const char *const rows[] = {
	    "Z",     "Zg",   "Zg=",  "Zh==",  "Zm9=",   "====", "Z===",    "=Zg=",  "Zg==Zg==",
	    "Zm9v ", "Zm9-", "Zm9_", "Zm\n9", "Zm9v\n", "Zg=a", "Zm9vZg=", "Zm9vZ",
	};

	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		uint8_t bytes[16];
		size_t n = 99;
		cr_expect_not(base64_decode(span_str(rows[r]), bytes, sizeof(bytes), &n), "'%s'", rows[r]);
		cr_expect_eq(n, 99, "'%s' was refused and its length set all the same", rows[r]);
	}
}

Test(text, base64_never_writes_past_the_capacity)
{
	uint8_t bytes[4] = {0, 0, 0, 0x55};
	size_t n = 99;

	cr_expect_not(base64_decode(span_str("Zm9vYg=="), bytes, 3, &n));
	cr_expect_eq(bytes[3], 0x55);
	cr_expect(base64_decode(span_str("Zm9v"), bytes, 3, &n));
	cr_expect_eq(n, 3);
	cr_expect_eq(bytes[3], 0x55);
}

Test(text, hex_and_base64_give_back_any_bytes)
{
	uint32_t state = 1;

	for (size_t n = 0; n < 200; n++) {
		uint8_t bytes[200];
		uint8_t back[200];
		char text[401];
		size_t got = 0;
		fill(bytes, n, &state);
		hex_encode(span_of(bytes, n), text);
		cr_assert(hex_decode(span_str(text), back, n));
		cr_assert(span_eq(span_of(back, n), span_of(bytes, n)));
		base64_encode(span_of(bytes, n), text);
		cr_assert_eq(strlen(text), base64_length(n));
		cr_assert(base64_decode(span_str(text), back, n, &got));
		cr_assert(span_eq(span_of(back, got), span_of(bytes, n)));
	}
}

Test(text, decimal)
{
	static const struct {
		const char *text;
		bool good;
		uint64_t value;
	} rows[] = {
	    {"0", true, 0},
	    {"7", true, 7},
	    {"10", true, 10},
	    {"18446744073709551615", true, UINT64_MAX},
	    {"18446744073709551616", false, 0},
	    {"99999999999999999999", false, 0},
	    {"100000000000000000000", false, 0},
	    {"", false, 0},
	    {"00", false, 0},
	    {"01", false, 0},
	    {"+1", false, 0},
	    {"-1", false, 0},
	    {" 1", false, 0},
	    {"1 ", false, 0},
	    {"1.0", false, 0},
	    {"0x1", false, 0},
	};

	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		uint64_t value = 99;
		cr_expect_eq(decimal_parse(span_str(rows[r].text), &value), rows[r].good, "'%s'",
			     rows[r].text);
		cr_expect_eq(value, rows[r].good ? rows[r].value : 99, "'%s'", rows[r].text);
	}
}

Test(text, clean)
{
	static const struct {
		struct span text;
		bool clean;
		bool clean_lines;
	} rows[] = {
#define TEXT(s) {(const uint8_t *)(s), sizeof(s) - 1}
	    {TEXT(""), true, true},
	    {TEXT("plain ~"), true, true},
	    {TEXT("沈阳市"), true, true},
	    {TEXT("\xf0\x90\x80\x80"), true, true},
	    {TEXT("\xf4\x8f\xbf\xbf"), true, true},
	    {TEXT("a\nb"), false, true},
	    {TEXT("a\rb"), false, false},
	    {TEXT("a\tb"), false, false},
	    {TEXT("a\0b"), false, false},
	    {TEXT("\x7f"), false, false},
	    {TEXT("\xc2\x80"), false, false},     /* C1 */
	    {TEXT("\xc2\x9f"), false, false},     /* C1 */
	    {TEXT("\xc2\xa0"), true, true},       /* first after C1 */
	    {TEXT("\x80"), false, false},         /* continuation alone */
	    {TEXT("\xc0\xaf"), false, false},     /* overlong */
	    {TEXT("\xc1\xbf"), false, false},     /* overlong */
	    {TEXT("\xe0\x9f\xbf"), false, false}, /* overlong */
	    {TEXT("\xed\xa0\x80"), false, false}, /* surrogate */
	    {TEXT("\xf0\x8f\xbf\xbf"), false, false},
	    {TEXT("\xf4\x90\x80\x80"), false, false}, /* above U+10FFFF */
	    {TEXT("\xf5\x80\x80\x80"), false, false},
	    {TEXT("\xe6\xb2"), false, false}, /* cut short */
	    {TEXT("\xe6\xb2\xc2\xa0"), false, false},
	    {TEXT("ok\xff"), false, false},
	    {TEXT("\xd8\x9c"), false, false},     /* U+061C, as the rest: turns the direction of writing */
	    {TEXT("\xe2\x80\x8d"), true, true},   /* U+200D joins letters */
	    {TEXT("\xe2\x80\x8e"), false, false}, /* U+200E */
	    {TEXT("a\xe2\x80\x8f"), false, false},
	    {TEXT("\xe2\x80\xa7"), true, true},
	    {TEXT("\xe2\x80\xa8"), false, false}, /* U+2028, a line's end that nobody sees */
	    {TEXT("\xe2\x80\xae"), false, false}, /* U+202E */
	    {TEXT("\xe2\x80\xaf"), true, true},
	    {TEXT("\xe2\x81\xa5"), true, true},
	    {TEXT("\xe2\x81\xa6"), false, false}, /* U+2066 */
	    {TEXT("\xe2\x81\xa9"), false, false},
	    {TEXT("\xe2\x81\xaa"), true, true},
	    {TEXT("\xd7\x90\xd8\xa7"), true, true}, /* letters that are written from the right are letters */
#undef TEXT
	};

	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		cr_expect_eq(text_is_clean(rows[r].text), rows[r].clean, "row %zu", r);
		cr_expect_eq(text_is_clean_lines(rows[r].text), rows[r].clean_lines, "row %zu", r);
	}
}

Test(text, every_byte_is_seen_wherever_it_stands)
{
	enum { LENGTH = 19 };

	for (unsigned byte = 0; byte < 256; byte++)
		for (size_t at = 0; at < LENGTH; at++) {
			uint8_t bytes[LENGTH];
			memset(bytes, 'a', sizeof(bytes));
			bytes[at] = (uint8_t)byte;
			const struct span text = span_of(bytes, sizeof(bytes));
			bool plain = byte >= 0x20 && byte < 0x7f; /* no byte above begins a whole sequence */
			cr_expect_eq(text_is_clean(text), plain, "%02x at %zu", byte, at);
			cr_expect_eq(text_is_clean_lines(text), plain || byte == '\n', "%02x at %zu", byte,
				     at);
		}
}

Test(buffer, writes_big_endian_text_and_bytes)
{
	struct buffer b = BUFFER_EMPTY;

	buffer_put_u8(&b, 1);
	buffer_put_be16(&b, 0x0203);
	buffer_put_be32(&b, 0x04050607);
	buffer_put_be64(&b, UINT64_C(0x08090a0b0c0d0e0f));
	buffer_put_str(&b, "s");
	buffer_printf(&b, "%d-%s", 42, "x");
	buffer_put_hex(&b, span_of("\xab\xcd", 2));
	buffer_put_base64(&b, span_str("fo"));
	static const char want[] = "\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe\xf"
				   "s42-xabcdZm8=";
	cr_assert(buffer_ok(&b));
	cr_expect(span_eq(buffer_span(&b), span_of(want, sizeof(want) - 1)));
	buffer_free(&b);
	cr_expect_eq(b.n, 0);
	cr_expect_null(b.p);
}

Test(buffer, grows_and_consumes_like_a_queue)
{
	struct buffer b = BUFFER_EMPTY;
	uint32_t state = 2;
	uint8_t put = 0;
	uint8_t taken = 0;

	for (int round = 0; round < 2000; round++) {
		for (uint32_t more = next_random(&state) % 50; more > 0; more--)
			buffer_put_u8(&b, put++);
		size_t n = next_random(&state) % (b.n + 1);
		for (size_t i = 0; i < n; i++)
			cr_assert_eq(b.p[i], taken++);
		buffer_consume(&b, n);
	}
	cr_expect(buffer_ok(&b));
	buffer_clear(&b);
	cr_expect_eq(b.n, 0);
	buffer_free(&b);
}

Test(buffer, stays_broken_until_cleared)
{
	struct buffer b = BUFFER_EMPTY;

	buffer_put_str(&b, "kept");
	cr_expect_null(buffer_reserve(&b, SIZE_MAX));
	cr_expect_not(buffer_ok(&b));
	buffer_put_str(&b, "dropped");
	cr_expect(span_eq_str(buffer_span(&b), "kept"));
	buffer_clear(&b);
	buffer_put_str(&b, "anew");
	cr_expect(buffer_ok(&b));
	cr_expect(span_eq_str(buffer_span(&b), "anew"));
	buffer_free(&b);
}

Test(arena, gives_zeroed_aligned_memory_up_to_its_limit)
{
	struct arena *a = arena_new(10000);
	size_t given = 0;

	for (size_t n = 1;; n = n * 2 + 1) {
		uint8_t *p = arena_alloc(a, n);
		if (p == NULL)
			break;
		cr_expect_eq((uintptr_t)p % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < n; i++)
			cr_assert_eq(p[i], 0);
		memset(p, 0xee, n);
		given += n;
	}
	cr_expect_geq(arena_used(a), given);
	cr_expect_leq(arena_used(a), 10000);
	cr_expect_geq(given, 10000 / 3);
	arena_free(a);
	arena_free(NULL);
}

Test(arena, refuses_overflow)
{
	struct arena *a = arena_new(SIZE_MAX);

	cr_expect_null(arena_array(a, SIZE_MAX / 2, 3));
	cr_expect_null(arena_array(a, 3, SIZE_MAX / 2));
	cr_expect_null(arena_alloc(a, SIZE_MAX));
	cr_expect_not_null(arena_array(a, 3, 5));
	arena_free(a);
}

Test(arena, copies_and_formats)
{
	struct arena *a = arena_new(64);
	struct span copy = arena_copy(a, span_of("a\0b", 3));

	cr_expect(span_eq(copy, span_of("a\0b", 3)));
	cr_expect_eq(copy.p[3], 0);
	cr_expect_str_eq(arena_printf(a, "%s %d", "n", 5), "n 5");
	cr_expect_null(arena_printf(a, "%100d", 5));
	cr_expect_null(arena_copy(a, span_of((uint8_t[100]){0}, 100)).p);
	arena_free(a);
}

Test(arena, can_be_used_again_after_reset)
{
	struct arena *a = arena_new(20000);

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 19; i++) {
			uint8_t *p = arena_alloc(a, 1000);
			cr_assert_not_null(p, "round %d, %d", round, i);
			cr_assert_eq(p[0] | p[999], 0, "memory given out again must be zeroed");
			memset(p, 0xee, 1000);
		}
		cr_expect_null(arena_alloc(a, 2000));
		arena_reset(a);
		cr_expect_eq(arena_used(a), 0);
	}
	arena_free(a);
}

static const struct source some_law = {"法", "a law"};
static const struct rule some_rule = {"some.rule", &some_law, "规则", "the rule"};

Test(problem, lists_in_order_with_copies)
{
	struct arena *a = arena_new(4096);
	struct problems list = {.arena = a};
	char path[] = "issued.lines[0].code";

	cr_expect_not(problems_any(&list));
	problem_add(&list, &some_rule, path, NULL, "08");
	problem_addf(&list, &some_rule, "number", NULL, "%d of %s", 3, "x");
	path[0] = '?';
	cr_assert(problems_any(&list));
	cr_assert_eq(list.count, 2);
	cr_expect_str_eq(list.first->path, "issued.lines[0].code");
	cr_expect_str_eq(list.first->found, "");
	cr_expect_str_eq(list.first->allowed, "08");
	cr_expect_eq(list.first->rule, &some_rule);
	cr_expect_str_eq(list.first->next->found, "3 of x");
	cr_expect_str_eq(list.first->next->allowed, "");
	cr_expect_null(list.first->next->next);
	arena_free(a);
}

Test(problem, counts_what_it_cannot_keep)
{
	struct arena *a = arena_new(1 << 20);
	struct problems list = {.arena = a};

	for (int i = 0; i < PROBLEMS_MAX + 7; i++)
		problem_addf(&list, &some_rule, "p", "", "%d", i);
	cr_expect_eq(list.count, PROBLEMS_MAX);
	cr_expect_eq(list.more, 7);
	arena_free(a);

	struct arena *none = arena_new(0);
	struct problems lost = {.arena = none};
	problem_add(&lost, &some_rule, "p", "f", "a");
	cr_expect_eq(lost.count, 0);
	cr_expect_eq(lost.more, 1);
	cr_expect(problems_any(&lost));
	arena_free(none);
}
