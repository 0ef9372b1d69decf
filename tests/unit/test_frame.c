/* frame: length framing, byte by byte and at its limits. */
#include <criterion/criterion.h>

#include <stdlib.h>

#include "wire/frame.h"

static void put_frame(struct buffer *to, size_t n)
{
	size_t begin = frame_open(to);

	for (size_t i = 0; i < n; i++)
		buffer_put_u8(to, (uint8_t)(i * 7));
	cr_assert(frame_close(to, begin));
}

Test(frame, arrives_byte_by_byte)
{
	static const size_t sizes[] = {1, 2, 255, 256, 4096, FRAME_MAX};

	for (size_t s = 0; s < ARRAY_LEN(sizes); s++) {
		struct buffer b = BUFFER_EMPTY;
		struct span frame = {0};
		size_t need = 0;
		put_frame(&b, sizes[s]);
		cr_assert_eq(b.n, FRAME_HEAD + sizes[s]);
		for (size_t n = 0; n < b.n; n++) {
			cr_expect_eq(frame_next(span_of(b.p, n), &frame, &need), FRAME_MORE);
			cr_expect_eq(need, n < FRAME_HEAD ? FRAME_HEAD : b.n);
			cr_expect_null(frame.p);
		}
		cr_expect_eq(frame_next(buffer_span(&b), &frame, &need), FRAME_HERE);
		cr_expect_eq(frame.n, sizes[s]);
		cr_expect_eq(frame.p, b.p + FRAME_HEAD);
		buffer_free(&b);
	}
}

Test(frame, several_in_one_span)
{
	struct buffer b = BUFFER_EMPTY;
	struct span frame;
	size_t need;
	size_t seen = 0;

	for (size_t n = 1; n <= 20; n++)
		put_frame(&b, n);
	struct span rest = buffer_span(&b);
	while (frame_next(rest, &frame, &need) == FRAME_HERE) {
		cr_expect_eq(frame.n, ++seen);
		rest = span_of(rest.p + FRAME_HEAD + frame.n, rest.n - FRAME_HEAD - frame.n);
	}
	cr_expect_eq(seen, 20);
	cr_expect_eq(rest.n, 0);
	buffer_free(&b);
}

Test(frame, length_is_judged_before_the_rest)
{
	static const struct {
		uint8_t head[FRAME_HEAD];
		enum frame_state state;
	} rows[] = {
	    {{0, 0, 0, 0}, FRAME_BAD},
	    {{0, 0, 0, 1}, FRAME_MORE},
	    {{0, 1, 0, 0}, FRAME_MORE},
	    {{0, 1, 0, 1}, FRAME_BAD},
	    {{0xff, 0xff, 0xff, 0xff}, FRAME_BAD},
	    {{0x80, 0, 0, 1}, FRAME_BAD},
	    {{'G', 'E', 'T', ' '}, FRAME_BAD},
	    {{0x16, 0x03, 0x01, 0x02}, FRAME_BAD},
	};
	struct span frame = {0};
	size_t need = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		cr_expect_eq(frame_next(span_of(rows[i].head, FRAME_HEAD), &frame, &need), rows[i].state,
			     "%zu", i);
	cr_expect_null(frame.p);
}

Test(frame, refuses_to_write_what_it_would_not_read)
{
	struct buffer b = BUFFER_EMPTY;

	put_frame(&b, 3);
	size_t before = b.n;
	size_t begin = frame_open(&b);
	cr_expect_not(frame_close(&b, begin), "empty");
	cr_expect_eq(b.n, before);
	begin = frame_open(&b);
	cr_assert_not_null(buffer_reserve(&b, FRAME_MAX + 1));
	memset(b.p + b.n, 0, FRAME_MAX + 1);
	b.n += FRAME_MAX + 1;
	cr_expect_not(frame_close(&b, begin), "too long");
	cr_expect_eq(b.n, before);
	buffer_free(&b);
}
