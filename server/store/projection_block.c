/*
 * Owns blocks: rows that are looked for together and kept together, as one row of the scratch. Of running
 * numbers, which are most of all rows, a key's come one after the other: neighbours are a block, which stays
 * in memory while the key is at it.
 */
#include <stdlib.h>

#include "store/projection_table.h"

enum { NEIGHBOURS = 16, OPEN_MAX = 16384 };

struct open_block {
	int64_t key, block;
	struct buffer rows;
};

bool block_next(struct span *block, struct span *ret_row)
{
	if (block->n < 4)
		return false;
	uint32_t n = read_be32(block->p);
	if (n > block->n - 4)
		return false;
	*ret_row = span_of(block->p + 4, n);
	*block = span_of(block->p + 4 + n, block->n - 4 - n);
	return true;
}

void block_add(struct buffer *block, struct span row)
{
	buffer_put_be32(block, (uint32_t)row.n);
	buffer_put_span(block, row);
}

/* ---- of running numbers ---- */

/* As if numbers had no sign, in the same order. */
static int64_t block_of(int64_t number)
{
	return (int64_t)(((uint64_t)number ^ (UINT64_C(1) << 63)) / NEIGHBOURS);
}

static struct span block_key(struct projection *p, int64_t key, int64_t block)
{
	struct cell numbers[2];
	const struct span cells[2] = {int_cell(&numbers[0], key), int_cell(&numbers[1], block)};

	row_put_key(&p->key, TABLE_RUNNING_NUMBER, cells, ARRAY_LEN(cells));
	return buffer_span(&p->key);
}

static bool put_away(struct projection *p, const struct open_block *b)
{
	return b->rows.n == 0 ||
	       scratch_put(p->scratch, block_key(p, b->key, b->block), buffer_span(&b->rows));
}

/* NULL: no memory, or the disk is full. */
static struct open_block *open_at(struct projection *p, int64_t key, int64_t number)
{
	struct open_block **place = &p->open[(uint64_t)key % OPEN_MAX];
	int64_t block = block_of(number);

	if (*place == NULL)
		*place = calloc(1, sizeof(**place));
	struct open_block *b = *place;
	if (b == NULL || (b->key == key && b->block == block && b->rows.n > 0))
		return b;
	if (!put_away(p, b))
		return NULL;
	b->key = key;
	b->block = block;
	buffer_clear(&b->rows);
	buffer_put_span(&b->rows, scratch_get(p->scratch, block_key(p, key, block)));
	return buffer_ok(&b->rows) && buffer_ok(&p->key) ? b : NULL;
}

bool numbers_new(struct projection *p)
{
	p->open = calloc(OPEN_MAX, sizeof(struct open_block *));
	return p->open != NULL;
}

void numbers_free(struct projection *p)
{
	for (size_t i = 0; p->open != NULL && i < OPEN_MAX; i++) {
		if (p->open[i] != NULL)
			buffer_free(&p->open[i]->rows);
		free(p->open[i]);
	}
	free(p->open);
}

bool numbers_add(struct projection *p, const struct span *cells)
{
	struct open_block *b = open_at(p, copy_int(cells[0]), copy_int(cells[1]));

	row_put(&p->row, cells, table_columns(&tables[TABLE_RUNNING_NUMBER]));
	if (b == NULL || !buffer_ok(&p->row))
		return false;
	block_add(&b->rows, buffer_span(&p->row));
	return buffer_ok(&b->rows);
}

bool numbers_near(struct projection *p, int64_t key, int64_t number, struct span *ret_block)
{
	const struct open_block *b = open_at(p, key, number);

	*ret_block = b == NULL ? span_of(NULL, 0) : buffer_span(&b->rows);
	return b != NULL;
}

bool numbers_settle(struct projection *p)
{
	for (size_t i = 0; i < OPEN_MAX; i++)
		if (p->open[i] != NULL && !put_away(p, p->open[i]))
			return false;
	return true;
}
