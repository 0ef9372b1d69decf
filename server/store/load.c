/* Owns the reading of what a batch is judged on, in one round trip. */
#include "store/port.h"

#include <stdlib.h>

enum { LOOK_WINDOW = 1000, LOOK_ROUNDS = 30 };

static enum store_result no_memory(struct store_conn *c)
{
	conn_error(c, "no memory for what a batch needs");
	return STORE_UNAVAILABLE;
}

/* What is being loaded. */
struct loading {
	struct store_conn *conn;
	const struct needs *needs;
	struct arena *arena;
	uint64_t *wanted; /* manifests, ascending, each once */
	size_t wanted_n;
	bool *recent; /* of each: it is known here, and not asked for */
	struct loaded loaded;
};

static int ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static bool want_manifests(struct loading *l)
{
	size_t n = l->needs->manifests_n;

	if (n == 0)
		return true;
	l->wanted = arena_array(l->arena, n, sizeof(*l->wanted));
	l->recent = arena_array(l->arena, n, sizeof(*l->recent));
	if (l->wanted == NULL || l->recent == NULL)
		return false;
	memcpy(l->wanted, l->needs->manifests, n * sizeof(*l->wanted));
	qsort(l->wanted, n, sizeof(*l->wanted), ascending);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || l->wanted[i] != l->wanted[i - 1])
			l->wanted[l->wanted_n++] = l->wanted[i];
	for (size_t i = 0; i < l->wanted_n; i++)
		l->recent[i] = l->conn->recovered && recent_get(l->conn->recent, l->wanted[i]).n > 0;
	return true;
}

/* Those that are known here and those that the answer has, which come in the same order; the others are not
 * there. */
static enum store_result take_manifests(struct loading *l, const PGresult *res)
{
	struct manifest *manifests = arena_room(l->arena, l->wanted_n, sizeof(*manifests));
	size_t n = 0;
	int row = 0, rows = res == NULL ? 0 : PQntuples(res);

	if (manifests == NULL && l->wanted_n > 0)
		return no_memory(l->conn);
	for (size_t i = 0; i < l->wanted_n; i++) {
		struct span state = {0};
		if (l->recent[i])
			state = recent_get(l->conn->recent, l->wanted[i]);
		else if (row < rows && (uint64_t)cell_int(res, row, 0) == l->wanted[i])
			state = cell_span(res, row++, 1);
		else
			continue;
		if (!manifest_decode(state, &manifests[n]) || manifests[n].number != l->wanted[i]) {
			conn_error(l->conn, "the stored state of manifest %llu cannot be read",
				   (unsigned long long)l->wanted[i]);
			return STORE_CORRUPT;
		}
		n++;
	}
	l->loaded.manifests = manifests;
	l->loaded.manifests_n = n;
	return STORE_OK;
}

static enum store_result take_numbers(struct loading *l, const PGresult *res)
{
	size_t n = (size_t)PQntuples(res);
	struct loaded_number *numbers = arena_array(l->arena, n, sizeof(*numbers));

	if (numbers == NULL && n > 0)
		return no_memory(l->conn);
	for (size_t i = 0; i < n; i++) {
		numbers[i].key = (key_no)cell_int(res, (int)i, 0);
		numbers[i].number = (uint64_t)cell_int(res, (int)i, 1);
		numbers[i].index = (uint64_t)cell_int(res, (int)i, 3);
		if (!cell_digest(res, (int)i, 2, &numbers[i].event)) {
			conn_error(l->conn, "an event id at entry %llu is malformed",
				   (unsigned long long)numbers[i].index);
			return STORE_CORRUPT;
		}
	}
	l->loaded.numbers = numbers;
	l->loaded.numbers_n = n;
	return STORE_OK;
}

static enum store_result take_flags(struct loading *l, const PGresult *res)
{
	size_t n = (size_t)PQntuples(res);
	struct loaded_flag *flags = arena_array(l->arena, n, sizeof(*flags));

	if (flags == NULL && n > 0)
		return no_memory(l->conn);
	for (size_t i = 0; i < n; i++) {
		flags[i].flag = (uint64_t)cell_int(res, (int)i, 0);
		flags[i].kind = (enum flag_kind)cell_int(res, (int)i, 1);
		flags[i].number = (uint64_t)cell_int(res, (int)i, 2);
		flags[i].open = cell_int(res, (int)i, 3) != 0;
		if (!cell_copy(res, (int)i, 4, l->arena, &flags[i].division_generator) ||
		    !cell_copy(res, (int)i, 5, l->arena, &flags[i].division_facility))
			return no_memory(l->conn);
	}
	l->loaded.flags = flags;
	l->loaded.flags_n = n;
	return STORE_OK;
}

typedef enum store_result (*take_fn)(struct loading *l, const PGresult *res);

/* Sends the questions that there are; returns who takes each answer, in order. */
static int ask(struct pipeline *p, const struct loading *l, take_fn ret_take[3])
{
	const struct needs *needs = l->needs;
	struct array *a = p->conn->columns;

	pipeline_columns(p, "i");
	for (size_t i = 0; i < l->wanted_n; i++)
		if (!l->recent[i])
			array_int(&a[0], (int64_t)l->wanted[i]);
	ret_take[p->sent] = take_manifests;
	pipeline_send_columns(p, ST_LOAD_MANIFESTS);

	pipeline_columns(p, "ii");
	for (size_t i = 0; i < needs->numbers_n; i++) {
		array_int(&a[0], needs->numbers[i].key);
		array_int(&a[1], (int64_t)needs->numbers[i].number);
	}
	ret_take[p->sent] = take_numbers;
	pipeline_send_columns(p, ST_LOAD_NUMBERS);

	pipeline_columns(p, "i");
	for (size_t i = 0; i < needs->flags_n; i++)
		array_int(&a[0], (int64_t)needs->flags[i]);
	ret_take[p->sent] = take_flags;
	pipeline_send_columns(p, ST_LOAD_FLAGS);
	return p->sent;
}

static enum store_result ask_and_take(struct loading *l)
{
	struct pipeline p;
	take_fn take[4];
	enum store_result r = STORE_OK;

	pipeline_begin(&p, l->conn);
	int n = ask(&p, l, take);
	if (!pipeline_sync(&p))
		return conn_failed(l->conn, NULL);
	for (int i = 0; i < n && r == STORE_OK; i++) {
		PGresult *res = pipeline_next(&p);
		r = PQresultStatus(res) == PGRES_TUPLES_OK ? take[i](l, res) : conn_failed(l->conn, res);
		PQclear(res);
	}
	if (r == STORE_OK && !pipeline_end(&p))
		r = conn_failed(l->conn, NULL);
	return r;
}

static bool asks_nothing(const struct loading *l)
{
	for (size_t i = 0; i < l->wanted_n; i++)
		if (!l->recent[i])
			return false;
	return l->needs->numbers_n + l->needs->flags_n == 0;
}

enum store_result store_load(void *conn, const struct needs *needs, struct arena *arena,
			     struct loaded *ret_loaded)
{
	struct loading l = {.conn = conn, .needs = needs, .arena = arena};
	enum store_result r = want_manifests(&l) ? STORE_OK : no_memory(l.conn);

	if (r == STORE_OK && !asks_nothing(&l))
		r = ask_and_take(&l);
	if (r == STORE_OK && l.loaded.manifests == NULL)
		r = take_manifests(&l, NULL);
	if (r != STORE_OK) {
		conn_drop(l.conn);
		return r;
	}
	*ret_loaded = l.loaded;
	return STORE_OK;
}

/* ---- lists of manifests ---- */

static enum store_result list_numbers(struct store_conn *c, enum statement st, const struct params *p,
				      struct arena *arena, uint64_t **ret_numbers, size_t *ret_n)
{
	PGresult *res;
	enum store_result r = conn_run(c, st, p, &res);

	if (r != STORE_OK)
		return r;
	size_t n = (size_t)PQntuples(res);
	uint64_t *numbers = arena_array(arena, n, sizeof(*numbers));
	if (numbers == NULL && n > 0)
		r = no_memory(c);
	for (size_t i = 0; r == STORE_OK && i < n; i++)
		numbers[i] = (uint64_t)cell_int(res, (int)i, 0);
	PQclear(res);
	if (r != STORE_OK)
		return r;
	*ret_numbers = numbers;
	*ret_n = n;
	return STORE_OK;
}

/* Looks at the `window` that come first and gives those of them that are due. */
static enum store_result look(struct store_conn *c, micros now, size_t window, struct arena *arena,
			      uint64_t **ret_numbers, size_t *ret_n, size_t *ret_seen)
{
	struct params p = {0};
	PGresult *res;
	size_t n = 0;

	param_int(&p, now);
	param_int(&p, (int64_t)window);
	enum store_result r = conn_run(c, ST_DUE, &p, &res);
	if (r != STORE_OK)
		return r;
	size_t seen = (size_t)PQntuples(res);
	uint64_t *numbers = arena_array(arena, seen, sizeof(*numbers));
	for (size_t i = 0; numbers != NULL && i < seen; i++)
		if (cell_int(res, (int)i, 1) != 0)
			numbers[n++] = (uint64_t)cell_int(res, (int)i, 0);
	PQclear(res);
	if (numbers == NULL && seen > 0)
		return no_memory(c);
	*ret_numbers = numbers;
	*ret_n = n;
	*ret_seen = seen;
	return STORE_OK;
}

/*
 * Most deadlines are moved before they are reached. Manifests looked at for one of those make room for the
 * next, for as long as a batch may be kept waiting; what is left then, the next sweep finds.
 */
enum store_result store_due(void *conn, micros now, size_t limit, struct arena *arena, uint64_t **ret_numbers,
			    size_t *ret_n)
{
	size_t window = limit > LOOK_WINDOW ? limit : LOOK_WINDOW, seen = window, n = 0;
	uint64_t *numbers = NULL;

	for (int round = 0; n < limit && seen == window && round < LOOK_ROUNDS; round++) {
		enum store_result r = look(conn, now, window, arena, &numbers, &n, &seen);
		if (r != STORE_OK)
			return r;
	}
	*ret_numbers = numbers;
	*ret_n = n < limit ? n : limit;
	return STORE_OK;
}

enum store_result store_open_manifests(void *conn, uint64_t after, size_t limit, struct arena *arena,
				       uint64_t **ret_numbers, size_t *ret_n)
{
	struct params p = {0};

	param_int(&p, (int64_t)after);
	param_int(&p, (int64_t)limit);
	param_int(&p, STATE_CLOSED);
	return list_numbers(conn, ST_OPEN, &p, arena, ret_numbers, ret_n);
}
