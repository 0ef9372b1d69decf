/*
 * Owns LMDB. One writing transaction is always open until all is settled; it is renewed now and then, so that
 * what it holds stays small. Its pages are written, not mapped for writing: of a mapped one the kernel must
 * take the right to write away again, on every core, before it goes to the disk.
 */
#include "scratch/scratch.h"

#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/map.h"
#include "scratch/held.h"

enum { WRITES_MAX = 20000, HELD_MAX = 16 * 1024 * 1024, FILTER_BITS = 64 * 1024 * 1024 };

struct scratch_reader {
	MDB_cursor *cursor;
};

struct scratch {
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	struct held *held;
	uint64_t *filter; /* a Bloom filter of the keys that were put: most that are asked for are new */
	unsigned writes;
	char error[SCRATCH_ERROR_SIZE];
};

/* Codes of the system are above 0, LMDB's own below. What went wrong first is the reason for the rest. */
static bool failed(struct scratch *s, int code)
{
	if (s->error[0] == '\0')
		(void)snprintf(s->error, sizeof(s->error), "temporary file: %s%s", mdb_strerror(code),
			       code > 0 ? ": make room in the folder that TMPDIR names" : "");
	return false;
}

/* A key has two bits, in one word: one look into memory. */
static bool filter(struct scratch *s, struct span key, bool set)
{
	uint64_t hash = map_hash(key), *word = &s->filter[(hash >> 12) % (FILTER_BITS / 64)];
	uint64_t bits = UINT64_C(1) << hash % 64 | UINT64_C(1) << (hash >> 6) % 64;
	bool there = (*word & bits) == bits;

	*word |= set ? bits : 0;
	return there;
}

static bool begin(struct scratch *s)
{
	int code = mdb_txn_begin(s->env, NULL, 0, &s->txn);

	if (code == 0)
		return true;
	s->txn = NULL;
	return failed(s, code);
}

static bool renew(struct scratch *s)
{
	int code = mdb_txn_commit(s->txn);
	s->txn = NULL;
	s->writes = 0;
	return code == 0 ? begin(s) : failed(s, code);
}

static bool open_in(struct scratch *s, const char *folder, uint64_t size)
{
	char path[4096];
	int n = snprintf(path, sizeof(path), "%s/manifest-scratch-XXXXXX", folder);
	int fd = n < 0 || (size_t)n >= sizeof(path) ? -1 : mkstemp(path);

	if (fd < 0) {
		(void)snprintf(s->error, sizeof(s->error), "no temporary file can be made in %.150s", folder);
		return false;
	}
	(void)close(fd);
	int code = mdb_env_create(&s->env);
	if (code == 0)
		code = mdb_env_set_mapsize(s->env, size);
	if (code == 0)
		code = mdb_env_open(s->env, path,
				    MDB_NOSUBDIR | MDB_NOSYNC | MDB_NOMETASYNC | MDB_NOLOCK | MDB_NORDAHEAD,
				    0600);
	/* It has no name from here on: whatever ends this process, nothing stays. */
	(void)unlink(path);
	if (code != 0)
		return failed(s, code);
	if (!begin(s))
		return false;
	code = mdb_dbi_open(s->txn, NULL, 0, &s->dbi);
	return code == 0 || failed(s, code);
}

struct scratch *scratch_open(const char *folder, uint64_t size, char ret_error[SCRATCH_ERROR_SIZE])
{
	struct scratch *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		(void)snprintf(ret_error, SCRATCH_ERROR_SIZE, "no memory");
		return NULL;
	}
	s->held = held_new(HELD_MAX);
	s->filter = calloc(FILTER_BITS / 64, sizeof(*s->filter));
	if (s->held == NULL || s->filter == NULL)
		(void)snprintf(s->error, sizeof(s->error), "no memory");
	if (s->held == NULL || s->filter == NULL || !open_in(s, folder, size)) {
		memcpy(ret_error, s->error, SCRATCH_ERROR_SIZE);
		scratch_close(s);
		return NULL;
	}
	return s;
}

void scratch_close(struct scratch *s)
{
	if (s == NULL)
		return;
	if (s->txn != NULL)
		mdb_txn_abort(s->txn);
	if (s->env != NULL)
		mdb_env_close(s->env);
	held_free(s->held);
	free(s->filter);
	free(s);
}

const char *scratch_error(const struct scratch *s)
{
	return s->error;
}

static MDB_val value_of(struct span s)
{
	union {
		const uint8_t *in;
		void *out;
	} p = {.in = s.p};

	return (MDB_val){.mv_size = s.n, .mv_data = p.out};
}

struct span scratch_get(struct scratch *s, struct span key)
{
	MDB_val k = value_of(key), v;
	struct span held = held_get(s->held, key);

	if (held.p != NULL)
		return held;
	if (s->txn == NULL || !filter(s, key, false) || mdb_get(s->txn, s->dbi, &k, &v) != 0)
		return span_of(NULL, 0);
	return span_of(v.mv_data, v.mv_size);
}

bool scratch_put(struct scratch *s, struct span key, struct span value)
{
	MDB_val k = value_of(key), v = value_of(value);

	if (s->txn == NULL || (++s->writes > WRITES_MAX && !renew(s)))
		return false;
	int code = mdb_put(s->txn, s->dbi, &k, &v, 0);
	(void)filter(s, key, true);
	return code == 0 || failed(s, code);
}

static bool put_held(void *self, struct span key, struct span value)
{
	return scratch_put(self, key, value);
}

bool scratch_hold(struct scratch *s, struct span key, struct span value)
{
	return held_put(s->held, key, value) ||
	       (held_empty(s->held, put_held, s) && scratch_put(s, key, value));
}

bool scratch_settle(struct scratch *s)
{
	if (!held_empty(s->held, put_held, s) || s->txn == NULL)
		return false;
	int code = mdb_txn_commit(s->txn);
	s->txn = NULL;
	return code == 0 || failed(s, code);
}

/* ---- reading in order ---- */

struct scratch_reader *scratch_reader_new(const struct scratch *s)
{
	struct scratch_reader *r = calloc(1, sizeof(*r));
	MDB_txn *txn = NULL;

	if (r != NULL && mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn) == 0 &&
	    mdb_cursor_open(txn, s->dbi, &r->cursor) == 0)
		return r;
	if (txn != NULL)
		mdb_txn_abort(txn);
	free(r);
	return NULL;
}

void scratch_reader_free(struct scratch_reader *r)
{
	if (r == NULL)
		return;
	MDB_txn *txn = mdb_cursor_txn(r->cursor);
	mdb_cursor_close(r->cursor);
	mdb_txn_abort(txn);
	free(r);
}

static bool move(struct scratch_reader *r, MDB_val *k, MDB_cursor_op how, struct span *ret_key,
		 struct span *ret_value)
{
	MDB_val v;

	if (mdb_cursor_get(r->cursor, k, &v, how) != 0)
		return false;
	*ret_key = span_of(k->mv_data, k->mv_size);
	*ret_value = span_of(v.mv_data, v.mv_size);
	return true;
}

bool scratch_reader_seek(struct scratch_reader *r, struct span key, struct span *ret_key,
			 struct span *ret_value)
{
	MDB_val k = value_of(key);

	return move(r, &k, MDB_SET_RANGE, ret_key, ret_value);
}

bool scratch_reader_next(struct scratch_reader *r, struct span *ret_key, struct span *ret_value)
{
	MDB_val k;

	return move(r, &k, MDB_NEXT, ret_key, ret_value);
}
