/* Owns what each statement does to the rows, and what is loaded from them. */
#include "store/projection_table.h"

#include <stdlib.h>

#include "core/tile.h"
#include "store/port.h"

struct projection *projection_new(struct store_conn *c, struct scratch *scratch)
{
	struct projection *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	*p = (struct projection){.conn = c, .scratch = scratch};
	if (!numbers_new(p)) {
		projection_free(p);
		return NULL;
	}
	return p;
}

void projection_free(struct projection *p)
{
	if (p == NULL)
		return;
	numbers_free(p);
	buffer_free(&p->key);
	buffer_free(&p->row);
	free(p);
}

/* ---- rows ---- */

static bool put(struct projection *p, enum table_id id, const struct span *cells)
{
	const struct table_row *t = &tables[id];

	row_put(&p->row, cells, table_columns(t));
	row_put_key(&p->key, id, cells, t->key_n);
	/* A manifest's steps come close together, and whole keys are all that finds it. */
	return buffer_ok(&p->row) && buffer_ok(&p->key) &&
	       (id == TABLE_MANIFEST ? scratch_hold : scratch_put)(p->scratch, buffer_span(&p->key),
								   buffer_span(&p->row));
}

/* The row with this key, borrowed until the next put. False: there is none. */
static bool get(struct projection *p, enum table_id id, const struct span *key, struct span *ret_cells)
{
	row_put_key(&p->key, id, key, tables[id].key_n);
	struct span row = scratch_get(p->scratch, buffer_span(&p->key));
	return row.p != NULL && row_split(row, table_columns(&tables[id]), ret_cells);
}

/* ---- statements ---- */

typedef bool (*carry_out)(struct projection *p, const struct span *v);

static bool running_number(struct projection *p, const struct span *v)
{
	const struct span cells[NUMBER_CELLS] = {v[0], v[1], v[4], v[3], v[2]};

	return numbers_add(p, cells);
}

static bool manifest_new(struct projection *p, const struct span *v)
{
	static const uint8_t yes = 1;
	const struct span cells[] = {v[0],  span_of(&yes, 1),
				     v[2],  v[9],
				     v[1],  v[3],
				     v[4],  v[5],
				     v[10], v[11],
				     v[12], v[6],
				     v[13], v[14],
				     v[8],  v[7]};

	return put(p, TABLE_MANIFEST, cells);
}

static bool manifest_changed(struct projection *p, const struct span *v)
{
	struct span cells[COPY_COLUMNS_MAX];
	struct buffer trail = BUFFER_EMPTY;

	if (!get(p, TABLE_MANIFEST, v, cells))
		return true; /* its beginning was not accepted: that was reported */
	if (copy_int(v[1]) > copy_int(cells[MANIFEST_CHANGED]))
		cells[MANIFEST_CHANGED] = v[1];
	cells[MANIFEST_DUE] = v[2];
	for (size_t i = 0; i < 3; i++)
		cells[MANIFEST_CHANGED + 1 + i] = v[3 + i];
	cells[MANIFEST_STATE] = v[6];
	buffer_put_span(&trail, cells[MANIFEST_TRAIL]);
	buffer_put_span(&trail, v[8]);
	cells[MANIFEST_TRAIL] = buffer_span(&trail);
	cells[MANIFEST_BODY] = v[7];
	bool good = buffer_ok(&trail) && put(p, TABLE_MANIFEST, cells);
	buffer_free(&trail);
	return good;
}

/* What is known of the terms of a manifest: a block. */
static struct span terms_of(struct projection *p, struct span number)
{
	row_put_key(&p->key, TABLE_TERM, &number, 1);
	return scratch_get(p->scratch, buffer_span(&p->key));
}

static bool term(struct projection *p, const struct span *v)
{
	struct span block = terms_of(p, v[0]), row, was[COPY_COLUMNS_MAX], cells[TERM_CELLS];
	struct buffer rows = BUFFER_EMPTY;
	struct cell count;
	int64_t n = 1;

	memcpy(cells, v, TERM_COUNT * sizeof(*v));
	while (block_next(&block, &row)) {
		if (row_split(row, TERM_CELLS, was) && difference(was, cells, TERM_COUNT) == TERM_COUNT)
			n += copy_int(was[TERM_COUNT]);
		else
			block_add(&rows, row);
	}
	cells[TERM_COUNT] = int_cell(&count, n);
	row_put(&p->row, cells, TERM_CELLS);
	block_add(&rows, buffer_span(&p->row));
	bool good = buffer_ok(&rows) && buffer_ok(&p->row) && buffer_ok(&p->key) &&
		    scratch_hold(p->scratch, buffer_span(&p->key), buffer_span(&rows));
	buffer_free(&rows);
	return good;
}

/* A term of the manifest has this value in this column. */
static bool has_term(struct projection *p, struct span number, size_t column, struct span value)
{
	struct span block = terms_of(p, number), row, cells[TERM_CELLS];

	while (block_next(&block, &row))
		if (row_split(row, TERM_CELLS, cells) && cells[column].p != NULL &&
		    span_eq(cells[column], value))
			return true;
	return false;
}

static bool term_plate(struct projection *p, const struct span *v)
{
	const struct span cells[6] = {[0] = v[0], [5] = v[1]};

	return has_term(p, v[0], 5, v[1]) || term(p, cells);
}

static bool term_transporter(struct projection *p, const struct span *v)
{
	const struct span cells[6] = {[0] = v[0], [2] = v[1]};
	struct span m[COPY_COLUMNS_MAX];

	if (get(p, TABLE_MANIFEST, v, m) &&
	    (span_eq(m[MANIFEST_GENERATOR], v[1]) || span_eq(m[MANIFEST_TRANSPORTER], v[1]) ||
	     span_eq(m[MANIFEST_FACILITY], v[1])))
		return true;
	return has_term(p, v[0], 2, v[1]) || term(p, cells);
}

static bool flag_raise(struct projection *p, const struct span *v)
{
	static const uint8_t no = 0;
	const struct span none = {0};
	const struct span cells[] = {
	    v[0], v[1], v[2], v[3], none,  none,          v[4], v[5], span_of(&no, 1),
	    v[6], v[7], v[8], v[9], v[10], span_of("", 0)};

	return put(p, TABLE_FLAG, cells);
}

static bool flag_close(struct projection *p, const struct span *v)
{
	struct span cells[COPY_COLUMNS_MAX];

	if (!get(p, TABLE_FLAG, v, cells))
		return true;
	if (v[1].p != NULL)
		cells[FLAG_CLOSED_AT] = v[1];
	if (v[2].p != NULL)
		cells[FLAG_CLOSED_BY] = v[2];
	if (copy_int(v[3]) != 0)
		cells[FLAG_CLAIMED] = v[3];
	if (v[4].n > 0)
		cells[FLAG_RESOLUTION] = v[4];
	return put(p, TABLE_FLAG, cells);
}

static bool permit_revoke(struct projection *p, const struct span *v)
{
	struct span cells[COPY_COLUMNS_MAX];

	if (!get(p, TABLE_PERMIT, v, cells))
		return true;
	cells[7] = v[1];
	cells[8] = v[2];
	return put(p, TABLE_PERMIT, cells);
}

enum { MAPPED_MAX = 12, NONE = -1 };

/* A statement that puts a row: which parameter is which column. Others are carried out by a function. */
static const struct taken {
	enum statement st;
	bool rows; /* its parameters are columns of rows */
	bool keep; /* a row that is there stays */
	enum table_id id;
	int from[MAPPED_MAX];
	carry_out carry_out;
} takens[] = {
    {ST_RUNNING_NUMBER, true, false, TABLE_RUNNING_NUMBER, {0}, running_number},
    {ST_TILE, true, false, TABLE_TILE, {0, 1, 2, 3}, NULL},
    {ST_REGISTRY_ENTRY, true, false, TABLE_REGISTRY_ENTRY, {0}, NULL},
    {ST_MANIFEST_NEW, true, false, TABLE_MANIFEST, {0}, manifest_new},
    {ST_MANIFEST, true, false, TABLE_MANIFEST, {0}, manifest_changed},
    {ST_TERM, true, false, TABLE_TERM, {0}, term},
    {ST_TERM_PLATE, true, false, TABLE_TERM, {0}, term_plate},
    {ST_TERM_TRANSPORTER, true, false, TABLE_TERM, {0}, term_transporter},
    {ST_VOIDED, true, true, TABLE_VOIDED, {0, 1}, NULL},
    {ST_FLAG_RAISE, false, false, TABLE_FLAG, {0}, flag_raise},
    {ST_FLAG_PARTY, true, true, TABLE_FLAG_PARTY, {1, 0}, NULL},
    {ST_FLAG_CLOSE, false, false, TABLE_FLAG, {0}, flag_close},
    {ST_EVIDENCE, false, true, TABLE_EVIDENCE, {0, 1, 2, 3, 4, 5}, NULL},
    {ST_PARTY, false, false, TABLE_PARTY, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, NULL},
    {ST_KEY, false, false, TABLE_DEVICE_KEY, {0, 1, 2, 3, 4, 5, 6, 7, 8}, NULL},
    {ST_PERSON, false, true, TABLE_PERSON, {0, 1, 2, 3}, NULL},
    {ST_VEHICLE, false, false, TABLE_VEHICLE, {0, 1, 2, 3, 4, 5, 6}, NULL},
    {ST_PERMIT, false, false, TABLE_PERMIT, {0, 1, 2, 3, 4, 5, 6, NONE, 7}, NULL},
    {ST_PERMIT_REVOKE, false, false, TABLE_PERMIT, {0}, permit_revoke},
    {ST_BLOCK, false, false, TABLE_BLOCK, {0, 1, 2, 3}, NULL},
    {ST_SETTING, false, false, TABLE_SETTING, {0, 1, 2}, NULL},
};

static bool carry(struct projection *p, const struct taken *t, const struct span *v)
{
	struct span cells[COPY_COLUMNS_MAX], was[COPY_COLUMNS_MAX];

	if (t->carry_out != NULL)
		return t->carry_out(p, v);
	for (size_t i = 0; i < table_columns(&tables[t->id]); i++)
		cells[i] = t->from[i] == NONE ? span_of(NULL, 0) : v[t->from[i]];
	return (t->keep && get(p, t->id, cells, was)) || put(p, t->id, cells);
}

/* The elements of arrays of ours (store/array.h), side by side. */
static bool carry_rows(struct projection *p, const struct taken *t, const struct params *params)
{
	enum { SIZE_AT = 12, HEADER = 20 };
	const uint8_t *at[PARAMS_MAX];
	struct span v[PARAMS_MAX];

	if (params->lengths[0] < HEADER)
		return true;
	uint32_t n = read_be32((const uint8_t *)params->values[0] + SIZE_AT);
	for (int i = 0; i < params->n; i++)
		at[i] = (const uint8_t *)params->values[i] + HEADER;
	for (uint32_t row = 0; row < n; row++) {
		for (int i = 0; i < params->n; i++) {
			uint32_t length = read_be32(at[i]);
			at[i] += 4;
			v[i] = length == UINT32_MAX ? span_of(NULL, 0) : span_of(at[i], length);
			at[i] += v[i].n;
		}
		if (!carry(p, t, v))
			return false;
	}
	return true;
}

static bool take(void *self, enum statement st, const struct params *params)
{
	struct projection *p = self;
	struct span v[PARAMS_MAX];

	for (size_t i = 0; i < ARRAY_LEN(takens); i++) {
		const struct taken *t = &takens[i];
		if (t->st != st)
			continue;
		if (t->rows)
			return carry_rows(p, t, params);
		for (int k = 0; k < params->n; k++)
			v[k] = span_of(params->values[k], (size_t)params->lengths[k]);
		return carry(p, t, v);
	}
	return false; /* a new statement: it belongs into the table */
}

static enum store_result unavailable(struct projection *p)
{
	const char *why = scratch_error(p->scratch);

	conn_error(p->conn, "%s", why[0] == '\0' ? "no memory for the rows of an entry" : why);
	return STORE_UNAVAILABLE;
}

enum store_result projection_commit(struct projection *p, const struct commit *commit)
{
	struct pipeline taking = {.conn = p->conn, .take = take, .take_self = p};

	send_derived(&taking, commit);
	return taking.broken ? unavailable(p) : STORE_OK;
}

enum store_result projection_settle(struct projection *p)
{
	return numbers_settle(p) && scratch_settle(p->scratch) ? STORE_OK : unavailable(p);
}

/* ---- loading ---- */

static int ascending(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static bool load_manifests(struct projection *p, const struct needs *needs, struct arena *arena,
			   struct loaded *loaded)
{
	uint64_t *wanted = arena_array(arena, needs->manifests_n + 1, sizeof(*wanted));
	struct manifest *to = arena_room(arena, needs->manifests_n, sizeof(*to));
	struct span cells[COPY_COLUMNS_MAX];
	struct cell number;

	if (wanted == NULL || to == NULL)
		return false;
	if (needs->manifests_n > 0)
		memcpy(wanted, needs->manifests, needs->manifests_n * sizeof(*wanted));
	qsort(wanted, needs->manifests_n, sizeof(*wanted), ascending);
	loaded->manifests = to;
	for (size_t i = 0; i < needs->manifests_n; i++) {
		struct span key = int_cell(&number, (int64_t)wanted[i]);
		if (!get(p, TABLE_MANIFEST, &key, cells))
			continue;
		if (!manifest_decode(cells[MANIFEST_BODY], &to[loaded->manifests_n++]))
			return false;
	}
	return true;
}

static int by_number(const void *a, const void *b)
{
	const struct loaded_number *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static bool among(const struct loaded_number *numbers, size_t n, const struct loaded_number *number)
{
	for (size_t i = 0; i < n; i++)
		if (numbers[i].key == number->key && numbers[i].number == number->number)
			return true;
	return false;
}

/* All uses of the running numbers; a number is rarely used twice. */
static bool load_numbers(struct projection *p, const struct needs *needs, struct arena *arena,
			 struct loaded *loaded)
{
	enum { USES_MAX = 64 };
	struct loaded_number *to = arena_room(arena, needs->numbers_n * USES_MAX, sizeof(*to));
	struct span block, row, cells[NUMBER_CELLS];
	size_t n = 0;

	if (to == NULL)
		return false;
	for (size_t i = 0; i < needs->numbers_n; i++) {
		const struct loaded_number *need = &needs->numbers[i];
		size_t uses = 0;
		if (among(needs->numbers, i, need))
			continue;
		if (!numbers_near(p, need->key, (int64_t)need->number, &block))
			return false;
		while (uses < USES_MAX && block_next(&block, &row)) {
			if (!row_split(row, NUMBER_CELLS, cells) || cells[NUMBER_EVENT].n != DIGEST_SIZE ||
			    (uint64_t)copy_int(cells[NUMBER_NUMBER]) != need->number)
				continue;
			to[n] = *need;
			to[n].index = (uint64_t)copy_int(cells[NUMBER_INDEX]);
			memcpy(to[n++].event.b, cells[NUMBER_EVENT].p, DIGEST_SIZE);
			uses++;
		}
	}
	qsort(to, n, sizeof(*to), by_number);
	loaded->numbers = to;
	loaded->numbers_n = n;
	return true;
}

static int by_flag(const void *a, const void *b)
{
	const struct loaded_flag *x = a, *y = b;

	return x->flag < y->flag ? -1 : x->flag > y->flag;
}

static bool load_flags(struct projection *p, const struct needs *needs, struct arena *arena,
		       struct loaded *loaded)
{
	struct loaded_flag *to = arena_array(arena, needs->flags_n, sizeof(*to));
	struct span cells[COPY_COLUMNS_MAX];
	struct cell number;
	size_t n = 0;

	if (to == NULL)
		return false;
	for (size_t i = 0; i < needs->flags_n; i++) {
		struct span key = int_cell(&number, (int64_t)needs->flags[i]);
		if (!get(p, TABLE_FLAG, &key, cells))
			continue;
		to[n] = (struct loaded_flag){
		    .flag = needs->flags[i],
		    .kind = (enum flag_kind)copy_int(cells[FLAG_KIND]),
		    .number = (uint64_t)copy_int(cells[FLAG_NUMBER]),
		    .open = cells[FLAG_CLOSED_AT].p == NULL,
		    .division_generator = arena_copy(arena, cells[FLAG_GENERATOR]),
		    .division_facility = arena_copy(arena, cells[FLAG_FACILITY]),
		};
		if (to[n].division_generator.p == NULL || to[n].division_facility.p == NULL)
			return false;
		n++;
	}
	qsort(to, n, sizeof(*to), by_flag);
	loaded->flags = to;
	loaded->flags_n = n;
	return true;
}

enum store_result projection_load(struct projection *p, const struct needs *needs, struct arena *arena,
				  struct loaded *ret_loaded)
{
	struct loaded loaded = {0};

	if (!load_manifests(p, needs, arena, &loaded) ||
	    (needs->numbers_n > 0 && !load_numbers(p, needs, arena, &loaded)) ||
	    (needs->flags_n > 0 && !load_flags(p, needs, arena, &loaded))) {
		conn_error(p->conn, "no memory for what an entry needs");
		return STORE_UNAVAILABLE;
	}
	*ret_loaded = loaded;
	return STORE_OK;
}

static bool get_tile(struct projection *p, unsigned level, uint64_t n, struct span *ret_cells)
{
	struct cell numbers[2];
	const struct span key[2] = {int_cell(&numbers[0], level), int_cell(&numbers[1], (int64_t)n)};

	return get(p, TABLE_TILE, key, ret_cells);
}

bool projection_hashes(struct projection *p, unsigned level, uint64_t first, size_t n,
		       struct digest *ret_hashes)
{
	struct span cells[COPY_COLUMNS_MAX];

	if (first % TILE_WIDTH == 0 && n <= TILE_WIDTH && get_tile(p, level, first / TILE_WIDTH, cells) &&
	    cells[2].n >= n * DIGEST_SIZE) {
		memcpy(ret_hashes, cells[2].p, n * DIGEST_SIZE);
		return true;
	}
	for (size_t i = 0; level > 0 && i < n; i++) {
		if (!get_tile(p, level - 1, first + i, cells) || cells[3].n != DIGEST_SIZE)
			return false;
		memcpy(ret_hashes[i].b, cells[3].p, DIGEST_SIZE);
	}
	return level > 0;
}
