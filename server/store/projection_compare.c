/*
 * Owns the comparing of what was computed with what is stored. As a rule they are the same, and two sums that
 * do not depend on the order show it; else both are gone through side by side, in the order of the key.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "core/flags.h"
#include "core/tile.h"
#include "crypto/multiset.h"
#include "store/conn.h"
#include "store/projection_table.h"

enum { BLOCK_MEMORY = 256 * 1024 * 1024 };

struct comparison {
	const struct projection_report *report;
	enum table_id id;
	const struct table_row *t;
	size_t n; /* columns */
	struct scratch_reader *computed;
	bool in_order;
	struct arena *arena; /* of the block at hand */
	struct keyed {
		struct span key, row; /* key: in order only */
	} * rows;
	size_t rows_n, at;
	bool no_memory;
	struct buffer wanted_key, stored_key;
	/* The wanted manifest with its deadlines computed again. */
	struct manifest manifest;
	struct buffer body;
	struct cell due_at;
	uint64_t under_way;
};

const char *projection_table(size_t i)
{
	return i < TABLES ? tables[i].name : NULL;
}

size_t projection_largest(void)
{
	return TABLE_RUNNING_NUMBER;
}

/* ---- in words ---- */

static void cell_text(char type, struct span cell, char *text, size_t size)
{
	if (cell.p == NULL) {
		(void)snprintf(text, size, "NULL");
	} else if (type == 'i') {
		(void)snprintf(text, size, "%" PRId64, copy_int(cell));
	} else if (type == 'o') {
		(void)snprintf(text, size, "%s", copy_int(cell) != 0 ? "true" : "false");
	} else if (type == 't') {
		(void)snprintf(text, size, "'%.*s'", (int)(cell.n < 48 ? cell.n : 48), (const char *)cell.p);
	} else {
		size_t at = (size_t)snprintf(text, size, "%zu bytes ", cell.n);
		for (size_t i = 0; i < cell.n && i < 12 && at + 3 < size; i++)
			at += (size_t)snprintf(text + at, size - at, "%02x", cell.p[i]);
	}
}

static void key_text(const struct table_row *t, const struct span *cells, char text[FINDING_KEY_SIZE])
{
	size_t at = 0;

	text[0] = '\0';
	for (size_t i = 0; i < t->key_n && at + 1 < FINDING_KEY_SIZE; i++) {
		char cell[80];
		if (t->types[i] == 't' && cells[i].p != NULL) {
			(void)snprintf(cell, sizeof(cell), "%.*s", (int)(cells[i].n < 64 ? cells[i].n : 64),
				       (const char *)cells[i].p);
		} else if (t->types[i] == 'b') {
			cell[0] = '\0';
			for (size_t k = 0; k < cells[i].n && k < 8; k++)
				(void)snprintf(cell + 2 * k, 3, "%02x", cells[i].p[k]);
		} else {
			cell_text(t->types[i], cells[i], cell, sizeof(cell));
		}
		int n = snprintf(text + at, FINDING_KEY_SIZE - at, "%s%s", i == 0 ? "" : ",", cell);
		at += n < 0 ? 0 : (size_t)n;
	}
}

/* Which entry a row is about. */
static uint64_t entry_of(const struct comparison *c, const struct span *cells)
{
	if (c->t->entry != NO_COLUMN)
		return (uint64_t)copy_int(cells[c->t->entry]);
	if (c->id == TABLE_MANIFEST && cells[MANIFEST_TRAIL].n >= 8)
		return (uint64_t)copy_int(span_of(cells[MANIFEST_TRAIL].p + cells[MANIFEST_TRAIL].n - 8, 8));
	return FINDING_NO_ENTRY;
}

static struct finding begin(const struct comparison *c, const char *what, const struct span *cells)
{
	struct finding f = {.what = what, .table = c->t->name, .column = "", .entry = entry_of(c, cells)};

	key_text(c->t, cells, f.key);
	if (c->t->number != NO_COLUMN)
		f.number = (uint64_t)copy_int(cells[c->t->number]);
	return f;
}

static void say_missing(const struct comparison *c, const struct span *wanted)
{
	struct finding f = begin(c, "row.missing", wanted);

	(void)snprintf(f.en, sizeof(f.en), "table %s lacks the row %s, which follows from the log",
		       c->t->name, f.key);
	(void)snprintf(f.zh, sizeof(f.zh), "表 %s 缺少由日志得出的行 %s", c->t->name, f.key);
	c->report->finding(c->report->self, &f);
}

static void say_unexplained(const struct comparison *c, const struct span *stored)
{
	struct finding f = begin(c, "row.unexplained", stored);

	(void)snprintf(f.en, sizeof(f.en), "table %s has the row %s, which nothing in the log explains",
		       c->t->name, f.key);
	(void)snprintf(f.zh, sizeof(f.zh), "表 %s 的行 %s 在日志中没有依据", c->t->name, f.key);
	c->report->finding(c->report->self, &f);
}

/* In a tile of leaves: which one. */
static uint64_t leaf_changed(const struct span *wanted, struct span stored)
{
	uint64_t first = (uint64_t)copy_int(wanted[1]) * TILE_WIDTH;

	for (size_t i = 0; wanted[2].p != NULL && i < TILE_WIDTH; i++)
		if (stored.n < (i + 1) * DIGEST_SIZE ||
		    memcmp(stored.p + i * DIGEST_SIZE, wanted[2].p + i * DIGEST_SIZE, DIGEST_SIZE) != 0)
			return first + i;
	return FINDING_NO_ENTRY;
}

static void say_changed(const struct comparison *c, const struct span *wanted, const struct span *stored,
			size_t i)
{
	bool tile = c->id == TABLE_TILE;
	struct finding f = begin(c, tile ? "tree.tile" : "row.changed", wanted);
	char is[120], should[120];

	f.column = c->t->columns[i];
	if (tile && i == 2 && copy_int(wanted[0]) == 0)
		f.entry = leaf_changed(wanted, stored[2]);
	cell_text(c->t->types[i], stored[i], is, sizeof(is));
	cell_text(c->t->types[i], wanted[i], should, sizeof(should));
	(void)snprintf(f.en, sizeof(f.en), "table %s, row %s: %s is %s; by the log it is %s", c->t->name,
		       f.key, f.column, is, should);
	(void)snprintf(f.zh, sizeof(f.zh), "表 %s，行 %s：%s 为 %s，按日志应为 %s", c->t->name, f.key,
		       f.column, is, should);
	c->report->finding(c->report->self, &f);
}

static void say_overdue(const struct comparison *c, const struct span *wanted)
{
	struct finding f = begin(c, "flag.missing", wanted);

	(void)snprintf(f.en, sizeof(f.en), "a deadline of manifest %s passed and no flag was raised", f.key);
	(void)snprintf(f.zh, sizeof(f.zh), "联单 %s 的期限已过而没有预警", f.key);
	c->report->finding(c->report->self, &f);
}

/* ---- rows ---- */

static enum store_result begin_copy(const struct comparison *c, struct store_conn *conn)
{
	struct buffer sql = BUFFER_EMPTY;

	buffer_put_str(&sql, "SELECT ");
	for (size_t i = 0; c->t->select == NULL && i < c->n; i++)
		buffer_printf(&sql, "%s%s%s", i == 0 ? "" : ", ", c->t->columns[i],
			      c->t->types[i] == 'i'   ? "::bigint"
			      : c->t->types[i] == 'a' ? "::bigint[]"
						      : "");
	if (c->t->select != NULL)
		buffer_put_str(&sql, c->t->select);
	if (c->in_order && c->id == TABLE_TERM)
		buffer_printf(&sql, ", count(*) FROM %s GROUP BY 1, 2, 3, 4, 5, 6", c->t->name);
	else
		buffer_printf(&sql, " FROM %s", c->t->name);
	for (size_t i = 0; c->in_order && i < c->t->key_n; i++)
		buffer_printf(&sql, "%s%zu%s", i == 0 ? " ORDER BY " : ", ", i + 1,
			      c->id == TABLE_TERM ? " NULLS FIRST" : "");
	buffer_put_u8(&sql, 0);
	enum store_result r = buffer_ok(&sql) ? store_copy(conn, (const char *)sql.p) : STORE_UNAVAILABLE;
	buffer_free(&sql);
	return r;
}

/* The row as it is when the clocks that are in force now have been applied. False: it is the same, or a flag
 * is then to be cleared, which is an event. Cells are valid until the next. */
static bool computed_again(struct comparison *c, const struct span *wanted, struct span *ret_cells)
{
	struct manifest *m = &c->manifest;
	struct flag_list cleared;

	if (c->id != TABLE_MANIFEST || registry_clocks_changed_at(c->report->registry) == 0 ||
	    !manifest_decode(wanted[MANIFEST_BODY], m) ||
	    !manifest_recompute_deadlines(m, c->report->registry))
		return false;
	flags_recomputed(m, registry_clocks_changed_at(c->report->registry), &cleared);
	buffer_clear(&c->body);
	if (cleared.n > 0 || !manifest_encode(m, &c->body))
		return false;
	memcpy(ret_cells, wanted, c->n * sizeof(*wanted));
	ret_cells[MANIFEST_BODY] = buffer_span(&c->body);
	micros due_at = manifest_due_at(m);
	ret_cells[MANIFEST_DUE] = due_at == 0 ? span_of(NULL, 0) : int_cell(&c->due_at, due_at);
	return true;
}

static bool is_overdue(const struct comparison *c, const struct span *cells)
{
	return c->id == TABLE_MANIFEST && cells[MANIFEST_DUE].p != NULL &&
	       copy_int(cells[MANIFEST_DUE]) < c->report->overdue;
}

/* stored NULL: the row is missing. */
static void compare_rows(struct comparison *c, const struct span *wanted, const struct span *stored)
{
	struct span again[COPY_COLUMNS_MAX];
	const struct span *law = computed_again(c, wanted, again) ? again : wanted;

	if (stored == NULL) {
		say_missing(c, wanted);
	} else {
		size_t i = difference(law, stored, c->n);
		bool before = law != wanted && difference(wanted, stored, c->n) == c->n;
		c->under_way += before;
		if (i < c->n && !before)
			say_changed(c, law, stored, i);
	}
	if (is_overdue(c, law) &&
	    (law == wanted || registry_clocks_changed_at(c->report->registry) < c->report->overdue))
		say_overdue(c, law);
}

static int order(struct span a, struct span b)
{
	int d = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

	return d != 0 ? d : a.n < b.n ? -1 : a.n > b.n;
}

static int by_key(const void *a, const void *b)
{
	return order(((const struct keyed *)a)->key, ((const struct keyed *)b)->key);
}

static bool put_key(struct comparison *c, struct keyed *row)
{
	struct span cells[COPY_COLUMNS_MAX];

	if (!row_split(row->row, c->n, cells))
		return false;
	row_put_key(&c->wanted_key, c->id, cells, c->t->key_n);
	row->key = arena_copy(c->arena, buffer_span(&c->wanted_key));
	return row->key.p != NULL;
}

static bool take_block(struct comparison *c, struct span block)
{
	struct span row, rest = block;
	size_t n = 0;

	while (block_next(&rest, &row))
		n++;
	arena_reset(c->arena);
	c->rows = arena_room(c->arena, n, sizeof(*c->rows));
	c->at = c->rows_n = 0;
	if (c->rows == NULL)
		return false;
	for (; c->rows_n < n; c->rows_n++) {
		struct keyed *next = &c->rows[c->rows_n];
		if (!block_next(&block, &next->row) || (c->in_order && !put_key(c, next)))
			return false;
	}
	if (c->in_order)
		qsort(c->rows, c->rows_n, sizeof(*c->rows), by_key);
	return c->rows_n > 0;
}

/* The next row that was computed. False: there is none, or no memory. */
static bool wanted_row(struct comparison *c, bool first, struct span *ret_row)
{
	const uint8_t id = (uint8_t)c->id;
	struct span key;

	if (first || c->at == c->rows_n) {
		if (!(first ? scratch_reader_seek(c->computed, span_of(&id, 1), &key, ret_row)
			    : scratch_reader_next(c->computed, &key, ret_row)) ||
		    key.p[0] != id)
			return false;
		if (!c->t->blocks)
			return true;
		if (!take_block(c, *ret_row)) {
			c->no_memory = true;
			return false;
		}
	}
	*ret_row = c->rows[c->at++].row;
	return true;
}

static void show(const struct comparison *c, uint64_t rows)
{
	if (rows % 4096 == 0)
		c->report->progress(c->report->self, c->t->name, rows);
}

/* ---- as two bags ---- */

static void add_computed(const struct comparison *c, const struct multiset_key *key, struct span row,
			 struct multiset *bag)
{
	enum { COUNT = 4 + 8 };

	if (c->id != TABLE_TERM)
		multiset_add(bag, key, row, 1);
	else
		multiset_add(bag, key, span_of(row.p, row.n - COUNT),
			     (uint64_t)copy_int(span_of(row.p + row.n - 8, 8)));
}

/* False: there is more to say of some row than whether it is stored. */
static bool computed_bag(struct comparison *c, const struct multiset_key *key, struct multiset *ret_bag)
{
	struct span row, cells[COPY_COLUMNS_MAX];

	if (c->id == TABLE_MANIFEST && registry_clocks_changed_at(c->report->registry) != 0)
		return false;
	for (bool more = wanted_row(c, true, &row); more; more = wanted_row(c, false, &row)) {
		if (c->id == TABLE_MANIFEST && (!row_split(row, c->n, cells) || is_overdue(c, cells)))
			return false;
		add_computed(c, key, row, ret_bag);
	}
	return true;
}

static enum store_result stored_bag(const struct comparison *c, struct store_conn *conn,
				    const struct multiset_key *key, struct multiset *ret_bag)
{
	struct span row;
	bool end = false;
	size_t cells = c->id == TABLE_TERM ? TERM_COUNT : c->n;
	enum store_result r = begin_copy(c, conn);

	if (r == STORE_OK)
		r = store_copy_bytes(conn, cells, &row, &end);
	while (r == STORE_OK && !end) {
		multiset_add(ret_bag, key, row, 1);
		show(c, ret_bag->n);
		r = store_copy_bytes(conn, cells, &row, &end);
	}
	return r;
}

/* *ret_same false: it may be. */
static enum store_result as_bags(struct comparison *c, struct store_conn *conn, bool *ret_same,
				 uint64_t *ret_rows)
{
	struct multiset_key key;
	struct multiset computed = {.n = 0}, stored = {.n = 0};
	enum store_result r = STORE_OK;

	multiset_new_key(&key);
	*ret_same = computed_bag(c, &key, &computed);
	if (*ret_same)
		r = stored_bag(c, conn, &key, &stored);
	*ret_same = *ret_same && multiset_eq(&computed, &stored);
	*ret_rows = stored.n;
	return r;
}

/* ---- side by side ---- */

static bool wanted_next(struct comparison *c, bool first, struct span *ret_cells)
{
	struct span row;

	if (!wanted_row(c, first, &row) || !row_split(row, c->n, ret_cells))
		return false;
	row_put_key(&c->wanted_key, c->id, ret_cells, c->t->key_n);
	return true;
}

static enum store_result side_by_side(struct comparison *c, struct store_conn *conn, uint64_t *ret_rows)
{
	struct span stored[COPY_COLUMNS_MAX], wanted[COPY_COLUMNS_MAX];
	bool end = false;
	enum store_result r = begin_copy(c, conn);
	bool more = r == STORE_OK && wanted_next(c, true, wanted);

	*ret_rows = 0;
	if (r == STORE_OK)
		r = store_copy_row(conn, c->n, stored, &end);
	while (r == STORE_OK && (more || !end)) {
		int d = end ? -1 : 1;
		if (!end) {
			row_put_key(&c->stored_key, c->id, stored, c->t->key_n);
			d = more ? order(buffer_span(&c->wanted_key), buffer_span(&c->stored_key)) : 1;
		}
		if (d > 0)
			say_unexplained(c, stored);
		else
			compare_rows(c, wanted, d < 0 ? NULL : stored);
		if (d <= 0)
			more = wanted_next(c, false, wanted);
		if (d >= 0) {
			show(c, ++*ret_rows);
			r = store_copy_row(conn, c->n, stored, &end);
		}
	}
	return r;
}

enum store_result projection_compare(const struct projection *p, size_t table, struct store_conn *conn,
				     const struct projection_report *report, uint64_t *ret_rows,
				     uint64_t *ret_under_way)
{
	struct comparison c = {.report = report,
			       .id = (enum table_id)table,
			       .t = &tables[table],
			       .n = table_columns(&tables[table]),
			       .computed = scratch_reader_new(p->scratch),
			       .arena = arena_new(BLOCK_MEMORY)};
	enum store_result r = STORE_OK;
	bool same = false;

	*ret_rows = 0;
	c.no_memory = c.computed == NULL || c.arena == NULL;
	if (!c.no_memory)
		r = as_bags(&c, conn, &same, ret_rows);
	c.in_order = true;
	if (!c.no_memory && r == STORE_OK && !same)
		r = side_by_side(&c, conn, ret_rows);
	if (c.no_memory) {
		conn_error(conn, "no memory to compare a table");
		r = STORE_UNAVAILABLE;
	}
	scratch_reader_free(c.computed);
	arena_free(c.arena);
	buffer_free(&c.wanted_key);
	buffer_free(&c.stored_key);
	buffer_free(&c.body);
	*ret_under_way = c.under_way;
	return r;
}
