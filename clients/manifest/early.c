#include "manifest/early.h"

#include <stdlib.h>
#include <string.h>

static void swap(struct early_row *a, struct early_row *b)
{
	struct early_row kept = *a;

	*a = *b;
	*b = kept;
}

bool early_put(struct early *e, uint64_t index, struct span row)
{
	if (e->n == e->cap) {
		size_t cap = e->cap == 0 ? 64 : 2 * e->cap;
		struct early_row *rows = realloc(e->rows, cap * sizeof(*rows));
		if (rows == NULL)
			return false;
		e->rows = rows;
		e->cap = cap;
	}
	uint8_t *copy = malloc(row.n + 1); /* an empty row is one too */
	if (copy == NULL)
		return false;
	memcpy(copy, row.p, row.n);
	size_t at = e->n++;
	e->bytes += row.n;
	e->rows[at] = (struct early_row){index, copy, row.n};
	for (; at > 0 && e->rows[at].index < e->rows[(at - 1) / 2].index; at = (at - 1) / 2)
		swap(&e->rows[at], &e->rows[(at - 1) / 2]);
	return true;
}

uint64_t early_lowest(const struct early *e)
{
	return e->n == 0 ? UINT64_MAX : e->rows[0].index;
}

struct early_row early_take(struct early *e)
{
	struct early_row row = e->rows[0];

	e->bytes -= row.n;
	e->rows[0] = e->rows[--e->n];
	for (size_t at = 0, least = 0;; at = least) {
		for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < e->n; child++)
			if (e->rows[child].index < e->rows[least].index)
				least = child;
		if (least == at)
			return row;
		swap(&e->rows[at], &e->rows[least]);
	}
}

void early_free(struct early *e)
{
	for (size_t i = 0; i < e->n; i++)
		free(e->rows[i].bytes);
	free(e->rows);
	*e = (struct early){0};
}
