/* Rows that came before their turn: however they come, they leave in order, each as it came. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "manifest/early.h"

static void put(struct early *e, uint64_t index)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "row %llu", (unsigned long long)index);

	cr_assert(early_put(e, index, span_of(text, (size_t)n)));
}

static void take(struct early *e, uint64_t index)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "row %llu", (unsigned long long)index);

	cr_assert_eq(early_lowest(e), index);
	struct early_row row = early_take(e);
	struct span bytes = span_of(row.bytes, row.n);
	cr_assert_eq(row.index, index);
	cr_assert(span_eq(bytes, span_of(text, (size_t)n)), "%.*s instead of %s", SPAN_ARG(bytes), text);
	free(row.bytes);
}

Test(early, nothing)
{
	struct early e = {0};

	cr_assert_eq(early_lowest(&e), UINT64_MAX);
	early_free(&e);
}

Test(early, an_empty_row)
{
	struct early e = {0};

	cr_assert(early_put(&e, 7, span_of("", 0)));
	cr_assert_eq(e.bytes, 0);
	struct early_row row = early_take(&e);
	cr_assert(row.bytes != NULL && row.n == 0);
	free(row.bytes);
	early_free(&e);
}

/* Every order of six rows, each of them twice or once. */
Test(early, every_order)
{
	enum { ROWS = 6, ORDERS = 720 };

	for (unsigned order = 0; order < ORDERS; order++) {
		struct early e = {0};
		uint64_t left[ROWS] = {0, 1, 2, 3, 4, 5};
		unsigned code = order;
		for (unsigned n = ROWS; n > 0; n--) {
			unsigned at = code % n;
			code /= n;
			put(&e, left[at]);
			if (left[at] % 2 == 0)
				put(&e, left[at]);
			left[at] = left[n - 1];
		}
		for (uint64_t index = 0; index < ROWS; index++) {
			take(&e, index);
			if (index % 2 == 0)
				take(&e, index);
		}
		cr_assert_eq(e.n, 0);
		cr_assert_eq(e.bytes, 0);
		early_free(&e);
	}
}

/* More than its first room, taken and put in turns; what is left is freed. */
Test(early, many)
{
	struct early e = {0};
	uint64_t next = 0;

	for (uint64_t index = 1000; index-- > 0;)
		put(&e, index);
	while (next < 500)
		take(&e, next++);
	put(&e, 0);
	take(&e, 0);
	cr_assert_eq(e.n, 500);
	early_free(&e);
	cr_assert_eq(e.n, 0);
}
