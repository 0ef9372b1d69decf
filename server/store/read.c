/* Owns the reading of what never changes: hashes of the tree, and entries by their index. */
#include "store/port.h"

#include "core/tile.h"

static enum store_result short_of(struct store_conn *c, uint8_t level, uint64_t first, size_t n, size_t found)
{
	conn_error(c, "of the %zu hashes of level %u from %llu on %zu are stored: restore the database", n,
		   level, (unsigned long long)first, found);
	return STORE_CORRUPT;
}

/* One by one: a level's hashes are the leaves, or the roots of the level below. */
static enum store_result read_rows(struct store_conn *c, uint8_t level, uint64_t first, size_t n,
				   struct digest *ret_hashes)
{
	struct params p = {0};
	PGresult *res;

	param_int(&p, (int64_t)first);
	param_int(&p, (int64_t)(first + n));
	if (level > 0)
		param_int(&p, level - 1);
	enum store_result r = conn_run(c, level == 0 ? ST_LEAVES : ST_ROOTS, &p, &res);
	if (r != STORE_OK)
		return r;
	size_t rows = (size_t)PQntuples(res), good = 0;
	while (rows == n && good < n && cell_digest(res, (int)good, 0, &ret_hashes[good]))
		good++;
	PQclear(res);
	return good == n ? STORE_OK : short_of(c, level, first, n, rows);
}

/* From full tiles, as many of the first hashes as lie in them. */
static enum store_result read_tiles(struct store_conn *c, uint8_t level, uint64_t first, size_t n,
				    struct digest *ret_hashes, size_t *ret_done)
{
	struct params p = {0};
	PGresult *res;
	size_t done = 0;

	param_int(&p, level);
	param_int(&p, (int64_t)(first / TILE_WIDTH));
	param_int(&p, (int64_t)((first + n - 1) / TILE_WIDTH));
	enum store_result r = conn_run(c, ST_TILES, &p, &res);
	if (r != STORE_OK)
		return r;
	for (int i = 0; i < PQntuples(res) && done < n; i++) {
		uint64_t at = first + done, tile = (uint64_t)cell_int(res, i, 0);
		struct span hashes = cell_span(res, i, 1);
		size_t from = (size_t)(at % TILE_WIDTH);
		size_t count = TILE_WIDTH - from < n - done ? TILE_WIDTH - from : n - done;
		if (tile != at / TILE_WIDTH || hashes.n != (size_t)TILE_WIDTH * DIGEST_SIZE)
			break;
		memcpy(&ret_hashes[done], hashes.p + from * DIGEST_SIZE, count * DIGEST_SIZE);
		done += count;
	}
	PQclear(res);
	*ret_done = done;
	return STORE_OK;
}

enum store_result read_hashes(struct store_conn *c, uint8_t level, uint64_t first, size_t n,
			      struct digest *ret_hashes)
{
	size_t done = 0;

	if (n == 0)
		return STORE_OK;
	if (level >= TILE_LEVELS || first > INT64_MAX - n)
		return short_of(c, level, first, n, 0);
	enum store_result r = read_tiles(c, level, first, n, ret_hashes, &done);
	if (r == STORE_OK && done < n)
		r = read_rows(c, level, first + done, n - done, ret_hashes + done);
	return r;
}

enum store_result store_hashes(void *conn, uint8_t level, uint64_t first, size_t n, struct digest *ret_hashes)
{
	struct attempt t = {0};

	while (conn_attempt(conn, &t))
		t.result = read_hashes(conn, level, first, n, ret_hashes);
	return t.result;
}

static enum store_result read_full_tiles(struct store_conn *c, const struct tile_id *ids, size_t n,
					 struct digest *const *ret_hashes)
{
	struct params p = {0};
	PGresult *res;

	for (size_t k = 0; k < 2; k++) {
		array_begin(&c->columns[k], ARRAY_INT8);
		for (size_t i = 0; i < n; i++)
			array_int(&c->columns[k], (int64_t)(k == 0 ? ids[i].level : ids[i].n));
		param_array(&p, &c->columns[k]);
	}
	enum store_result r = conn_run(c, ST_TILES_AT, &p, &res);
	if (r != STORE_OK)
		return r;
	size_t rows = (size_t)PQntuples(res), good = 0;
	for (size_t i = 0; i < rows; i++) {
		struct span hashes = cell_span(res, (int)i, 1);
		if (hashes.n != (size_t)TILE_WIDTH * DIGEST_SIZE)
			continue;
		memcpy(ret_hashes[cell_int(res, (int)i, 0) - 1], hashes.p, hashes.n);
		good++;
	}
	PQclear(res);
	if (good == n)
		return STORE_OK;
	conn_error(c, "of %zu full tiles %zu are stored: restore the database", n, good);
	return STORE_CORRUPT;
}

enum store_result store_tiles(void *conn, const struct tile_id *ids, size_t n,
			      struct digest *const *ret_hashes)
{
	struct attempt t = {0};

	while (conn_attempt(conn, &t))
		t.result = read_full_tiles(conn, ids, n, ret_hashes);
	return t.result;
}

static enum store_result read_entries(struct store_conn *c, const uint64_t *indexes, size_t n,
				      struct arena *arena, struct entry_view *ret_entries)
{
	struct array *wanted = &c->columns[0];
	struct params p = {0};
	PGresult *res;

	array_begin(wanted, ARRAY_INT8);
	for (size_t i = 0; i < n; i++)
		array_int(wanted, (int64_t)indexes[i]);
	param_array(&p, wanted);
	enum store_result r = conn_run(c, ST_ENTRIES, &p, &res);
	if (r != STORE_OK)
		return r;
	if ((size_t)PQntuples(res) != n) {
		conn_error(c, "of %zu entries %d are stored: restore the database", n, PQntuples(res));
		r = STORE_CORRUPT;
	}
	for (int i = 0; r == STORE_OK && i < PQntuples(res); i++) {
		struct entry_view *view = &ret_entries[cell_int(res, i, 0) - 1];
		view->index = indexes[cell_int(res, i, 0) - 1];
		if (!cell_copy(res, i, 1, arena, &view->entry)) {
			conn_error(c, "no memory for entries");
			r = STORE_UNAVAILABLE;
		}
	}
	PQclear(res);
	return r;
}

enum store_result store_entries(void *conn, const uint64_t *indexes, size_t n, struct arena *arena,
				struct entry_view *ret_entries)
{
	struct attempt t = {0};

	while (conn_attempt(conn, &t))
		t.result = read_entries(conn, indexes, n, arena, ret_entries);
	return t.result;
}
