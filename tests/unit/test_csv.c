/* base/csv: RFC 4180 records, lines and faults. */
#include <criterion/criterion.h>

#include "base/buffer.h"
#include "base/csv.h"

enum { CAP = 4 };

/* Writes what the reader says: a record is its line and its fields in angle brackets, a fault its line. */
static void read_all(struct span text, struct buffer *to)
{
	struct arena *arena = arena_new(1 << 20);
	struct csv csv = csv_open(text, arena);
	struct span f[CAP];
	size_t n = 0;
	enum csv_result result;

	while ((result = csv_next(&csv, f, CAP, &n)) != CSV_END) {
		buffer_printf(to, "%u:", csv.line);
		for (size_t i = 0; result == CSV_RECORD && i < n; i++)
			buffer_printf(to, "<%.*s>", SPAN_ARG(f[i]));
		if (result == CSV_BAD)
			buffer_put_str(to, "!");
	}
	arena_free(arena);
}

Test(csv, records)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
	    {"", ""},
	    {"a", "1:<a>"},
	    {"a\n", "1:<a>"},
	    {"\n", "1:<>"},
	    {"a,b\nc,d\n", "1:<a><b>2:<c><d>"},
	    {"a,b\r\nc,d\r\n", "1:<a><b>2:<c><d>"},
	    {"a,\n,b\n", "1:<a><>2:<><b>"},
	    {",", "1:<><>"},
	    {"\xef\xbb\xbf"
	     "a,b\n",
	     "1:<a><b>"},
	    {"\"a,b\",c\n", "1:<a,b><c>"},
	    {"\"\",\"\"\n", "1:<><>"},
	    {"\"say \"\"hi\"\"\"\n", "1:<say \"hi\">"},
	    {"\"\"\"\"\n", "1:<\">"},
	    {"\"two\nlines\",x\ny\n", "1:<two\nlines><x>3:<y>"},
	    {"a\n\"b\n\nc\"\r\nd", "1:<a>2:<b\n\nc>5:<d>"},
	    {"1,2,3,4,5\nx\n", "1:!2:<x>"},
	    {"a\"b\nx\n", "1:!2:<x>"},
	    {"\"a\"b\nx\n", "1:!2:<x>"},
	    {"\"a\nx\n", "1:!2:<x>"},
	    {"a\rb\nx\n", "1:!2:<x>"},
	    {"a\r", "1:!"},
	    {"\"a\n\"b\nx\n", "1:!2:!3:<x>"},
	    {"\"", "1:!"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buffer b = BUFFER_EMPTY;
		read_all(span_str(rows[i].text), &b);
		cr_expect(span_eq_str(buffer_span(&b), rows[i].want), "row %zu: %.*s, not %s", i,
			  SPAN_ARG(buffer_span(&b)), rows[i].want);
		buffer_free(&b);
	}
}

/* Any fields, written with quotes, read back the same. */
Test(csv, what_is_quoted_reads_back)
{
	static const char letters[] = "a,\"\n\r\xe6";
	uint32_t state = 7;

	for (int round = 0; round < 20000; round++) {
		struct buffer text = BUFFER_EMPTY, plain = BUFFER_EMPTY;
		struct arena *arena = arena_new(1 << 16);
		size_t ends[CAP], n = 0, got = 0;
		struct span f[CAP];
		state = state * 1664525 + 1013904223;
		size_t count = 1 + (state >> 20) % CAP;
		for (; n < count; n++) {
			buffer_put_str(&text, n == 0 ? "\"" : ",\"");
			for (state = state * 1664525 + 1013904223; (state >> 16) % 5 != 0;
			     state = state * 1664525 + 1013904223) {
				char c = letters[(state >> 24) % (sizeof(letters) - 1)];
				buffer_put(&text, "\"\"", c == '"');
				buffer_put(&text, &c, 1);
				buffer_put(&plain, &c, 1);
			}
			buffer_put_str(&text, "\"");
			ends[n] = plain.n;
		}
		struct csv csv = csv_open(buffer_span(&text), arena);
		cr_assert_eq(csv_next(&csv, f, CAP, &got), CSV_RECORD);
		cr_assert_eq(got, n);
		for (size_t i = 0; i < n; i++) {
			size_t begin = i == 0 ? 0 : ends[i - 1];
			cr_assert(span_eq(f[i], span_of(plain.p + begin, ends[i] - begin)));
		}
		cr_assert_eq(csv_next(&csv, f, CAP, &got), CSV_END);
		buffer_free(&text);
		buffer_free(&plain);
		arena_free(arena);
	}
}

Test(csv, memory_is_bounded)
{
	struct arena *arena = arena_new(8);
	struct csv csv = csv_open(span_str("\"a \"\" field longer than the arena allows\"\nx\n"), arena);
	struct span f[CAP];
	size_t n = 0;

	cr_expect_eq(csv_next(&csv, f, CAP, &n), CSV_BAD);
	cr_expect_eq(csv_next(&csv, f, CAP, &n), CSV_RECORD);
	arena_free(arena);
}
