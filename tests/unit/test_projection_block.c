#include <criterion/criterion.h>
#include <stdlib.h>

#include "store/projection_table.h"

/* Keys whose blocks have the same place among the open ones, and one that has not. */
static const int64_t keys[] = {1, 1 + 16384, 1 + 2 * 16384, 7};
enum { NUMBERS = 200, TWICE = 33 };

static uint64_t seed = 20261130;

static size_t any_below(size_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (size_t)(seed >> 33) % n;
}

static bool add(struct projection *p, int64_t key, int64_t number, int64_t tag)
{
	struct cell cells[4];
	const uint8_t event[32] = {(uint8_t)key, (uint8_t)number, (uint8_t)tag};
	const struct span row[NUMBER_CELLS] = {int_cell(&cells[0], key), int_cell(&cells[1], number),
					       int_cell(&cells[2], tag), int_cell(&cells[3], number * 10),
					       span_of(event, sizeof(event))};

	return numbers_add(p, row);
}

/* How often a number is among the rows that are near it; each row is as it was added. */
static size_t uses(struct projection *p, int64_t key, int64_t number)
{
	struct span block, row, cells[NUMBER_CELLS];
	size_t n = 0;

	cr_assert(numbers_near(p, key, number, &block));
	while (block_next(&block, &row)) {
		cr_assert(row_split(row, NUMBER_CELLS, cells));
		if (copy_int(cells[NUMBER_NUMBER]) != number)
			continue;
		cr_assert(copy_int(cells[0]) == key && copy_int(cells[NUMBER_INDEX]) == number * 10 &&
			  cells[NUMBER_EVENT].p[0] == (uint8_t)key);
		n++;
	}
	cr_assert_eq(block.n, 0);
	return n;
}

Test(projection_block, a_number_is_found_whenever_it_came_and_whoever_came_between)
{
	static struct {
		int64_t key, number, tag;
	} rows[(NUMBERS + 1) * (sizeof(keys) / sizeof(keys[0]))];
	char error[SCRATCH_ERROR_SIZE];
	struct scratch *scratch = scratch_open("/tmp", 1 << 26, error);
	struct projection *p = projection_new(NULL, scratch);
	struct span key, block, row;
	size_t n = 0, kept = 0;

	cr_assert(scratch != NULL && p != NULL);
	for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
		for (int64_t i = 0; i <= NUMBERS; i++, n++) {
			rows[n].key = keys[k];
			rows[n].number = i == NUMBERS ? TWICE : i;
			rows[n].tag = i == NUMBERS;
		}
	for (size_t i = 0; i < n; i++) { /* in any order */
		size_t other = i + any_below(n - i);
		cr_assert(add(p, rows[other].key, rows[other].number, rows[other].tag));
		rows[other] = rows[i];
	}
	for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
		for (int64_t i = -1; i <= NUMBERS; i++)
			cr_assert_eq(uses(p, keys[k], i), i == TWICE ? 2 : (size_t)(i >= 0 && i < NUMBERS),
				     "%ld", (long)i);
	cr_assert_eq(uses(p, 8, 0), 0);
	cr_assert_eq(projection_settle(p), STORE_OK);
	struct scratch_reader *r = scratch_reader_new(scratch);
	const uint8_t first = TABLE_RUNNING_NUMBER;
	for (bool more = scratch_reader_seek(r, span_of(&first, 1), &key, &block); more;
	     more = scratch_reader_next(r, &key, &block))
		while (block_next(&block, &row))
			kept++;
	cr_assert_eq(kept, n);
	scratch_reader_free(r);
	projection_free(p);
	scratch_close(scratch);
}

Test(projection_block, bytes_that_are_no_block_end_it)
{
	struct buffer b = BUFFER_EMPTY;
	struct span rest, row;

	block_add(&b, span_str("row"));
	block_add(&b, span_str(""));
	for (size_t n = 0; n < b.n; n++) {
		rest = span_of(b.p, n);
		cr_assert_eq(block_next(&rest, &row), n >= 7, "%zu", n);
		cr_assert(!block_next(&rest, &row), "%zu", n);
	}
	rest = buffer_span(&b);
	cr_assert(block_next(&rest, &row) && span_eq(row, span_str("row")));
	cr_assert(block_next(&rest, &row) && row.n == 0 && !block_next(&rest, &row));
	buffer_free(&b);
}
