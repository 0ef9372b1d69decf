/*
 * Owns the two streams of a database's log and their joining. Entries are only ever added, so that they lie
 * nearly in the order of the log: they are read as they lie, which costs PostgreSQL a third of what an index
 * does. A small one may lie further ahead, in room that a page had left, and is kept until its turn comes;
 * when that is too much to keep, one is missing or one is there twice, they are read in order from there on.
 */
#include "manifest/audit_source.h"

#include "manifest/early.h"
#include "store/projection_table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { STRAYS_MAX = 100, ENTRY_CELLS = 6, NOTE_CELLS = 2, EARLY_BYTES_MAX = 16 * 1024 * 1024 };

#define ENTRIES "SELECT index, accepted_at, number, kind::bigint, leaf, entry FROM entry"
/* With those that are there twice, wherever they are. */
#define ENTRIES_IN_ORDER                                                                                     \
	ENTRIES " WHERE index >= %" PRIu64                                                                   \
		" OR index IN (SELECT index FROM entry GROUP BY index HAVING count(*) > 1) ORDER BY index"

struct audit_source {
	const char *conninfo;
	char *snapshot;
	struct store_conn *entries, *notes;
	uint64_t next; /* index */
	bool in_order;
	struct early early;
	void *row; /* of these, that was given last */
	struct span note[NOTE_CELLS];
	bool notes_end;
	bool used; /* the note at hand was given with an entry */
	char error[STORE_MESSAGE_SIZE];
	int64_t strays[STRAYS_MAX];
	size_t strays_n;
};

static struct store_conn *open_at(const char *conninfo, char snapshot[SNAPSHOT_SIZE], const char *sql,
				  char ret_error[STORE_MESSAGE_SIZE])
{
	const struct store_options options = {.conninfo = conninfo};
	struct store_conn *c = store_conn_new(STORE_READER, &options);

	if (c != NULL && store_snapshot(c, snapshot) == STORE_OK && store_copy(c, sql) == STORE_OK)
		return c;
	(void)snprintf(ret_error, STORE_MESSAGE_SIZE, "%s", c == NULL ? "no memory" : store_error(c));
	store_conn_free(c);
	return NULL;
}

struct audit_source *audit_source_new(const char *conninfo, char snapshot[SNAPSHOT_SIZE],
				      char ret_error[STORE_MESSAGE_SIZE])
{
	struct audit_source *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		(void)snprintf(ret_error, STORE_MESSAGE_SIZE, "no memory");
		return NULL;
	}
	s->used = true;
	s->conninfo = conninfo;
	s->snapshot = snapshot;
	s->entries = open_at(conninfo, snapshot, ENTRIES, ret_error);
	if (s->entries != NULL)
		s->notes =
		    open_at(conninfo, snapshot, "SELECT size, note FROM checkpoint ORDER BY size", ret_error);
	if (s->notes == NULL) {
		audit_source_free(s);
		return NULL;
	}
	return s;
}

void audit_source_free(struct audit_source *s)
{
	if (s == NULL)
		return;
	store_conn_free(s->entries);
	store_conn_free(s->notes);
	early_free(&s->early);
	free(s->row);
	free(s);
}

static bool failed(struct audit_source *s, const char *why)
{
	(void)snprintf(s->error, sizeof(s->error), "%s", why);
	return false;
}

static bool split(struct audit_source *s, struct span row, size_t n, struct span *ret_cells)
{
	return row_split(row, n, ret_cells) || failed(s, "a row came in another form than was asked for");
}

static bool read_bytes(struct audit_source *s, struct store_conn *c, size_t n, struct span *ret_row,
		       bool *ret_end)
{
	return store_copy_bytes(c, n, ret_row, ret_end) == STORE_OK || failed(s, store_error(c));
}

static bool read_row(struct audit_source *s, struct store_conn *c, size_t n, struct span *ret_cells,
		     bool *ret_end)
{
	struct span row;

	return read_bytes(s, c, n, &row, ret_end) && (*ret_end || split(s, row, n, ret_cells));
}

static bool entry_in_order(struct audit_source *s, struct span *ret_cells, bool *ret_end)
{
	return read_row(s, s->entries, ENTRY_CELLS, ret_cells, ret_end);
}

static bool go_on_in_order(struct audit_source *s, struct span *ret_cells, bool *ret_end)
{
	char sql[sizeof(ENTRIES_IN_ORDER) + 20];

	(void)snprintf(sql, sizeof(sql), ENTRIES_IN_ORDER, s->next);
	early_free(&s->early);
	store_conn_free(s->entries);
	s->entries = open_at(s->conninfo, s->snapshot, sql, s->error);
	s->in_order = true;
	return s->entries != NULL && entry_in_order(s, ret_cells, ret_end);
}

static bool take_early(struct audit_source *s, struct span *ret_cells, bool *ret_end)
{
	struct early_row row = early_take(&s->early);

	s->row = row.bytes;
	*ret_end = false;
	return split(s, span_of(row.bytes, row.n), ENTRY_CELLS, ret_cells);
}

static bool entry_in_turn(struct audit_source *s, struct span *ret_cells, bool *ret_end)
{
	free(s->row);
	s->row = NULL;
	for (;;) {
		struct span row;
		uint64_t lowest = early_lowest(&s->early);
		if (lowest == s->next)
			return take_early(s, ret_cells, ret_end);
		if (lowest < s->next || s->early.bytes > EARLY_BYTES_MAX)
			return go_on_in_order(s, ret_cells, ret_end);
		if (!read_bytes(s, s->entries, ENTRY_CELLS, &row, ret_end))
			return false;
		if (*ret_end)
			return s->early.n == 0 || go_on_in_order(s, ret_cells, ret_end);
		if (!split(s, row, ENTRY_CELLS, ret_cells))
			return false;
		uint64_t index = (uint64_t)copy_int(ret_cells[0]);
		if (index == s->next)
			return true;
		if (index < s->next)
			return go_on_in_order(s, ret_cells, ret_end);
		if (!early_put(&s->early, index, row))
			return failed(s, "no memory");
	}
}

static bool entry_row(struct audit_source *s, struct span *ret_cells, bool *ret_end)
{
	if (s->in_order)
		return entry_in_order(s, ret_cells, ret_end);
	bool good = entry_in_turn(s, ret_cells, ret_end);
	s->next++;
	return good;
}

static bool note_until(struct audit_source *s, int64_t size, struct span *ret_note)
{
	for (;;) {
		if (s->used && !s->notes_end && !read_row(s, s->notes, NOTE_CELLS, s->note, &s->notes_end))
			return false;
		s->used = false;
		if (s->notes_end || copy_int(s->note[0]) > size)
			return true;
		s->used = true;
		if (copy_int(s->note[0]) == size) {
			*ret_note = s->note[1];
			return true;
		}
		if (s->strays_n < STRAYS_MAX)
			s->strays[s->strays_n++] = copy_int(s->note[0]);
	}
}

static bool next_row(void *self, struct feed_row *ret_row, bool *ret_end)
{
	struct audit_source *s = self;
	struct span cells[ENTRY_CELLS], note = {0};

	if (!entry_row(s, cells, ret_end))
		return false;
	if (*ret_end)
		return note_until(s, INT64_MAX, &note);
	if (!note_until(s, copy_int(cells[0]) + 1, &note))
		return false;
	*ret_row = (struct feed_row){.index = (uint64_t)copy_int(cells[0]),
				     .entry = cells[5],
				     .stored = true,
				     .accepted_at = copy_int(cells[1]),
				     .number = (uint64_t)copy_int(cells[2]),
				     .kind = copy_int(cells[3]),
				     .leaf = cells[4],
				     .note = note};
	return true;
}

struct feed_source audit_source_feed(struct audit_source *s)
{
	return (struct feed_source){.self = s, .row = next_row};
}

const char *audit_source_error(const struct audit_source *s)
{
	return s->error[0] == '\0' ? "no memory" : s->error;
}

size_t audit_source_strays(const struct audit_source *s, const int64_t **ret_sizes)
{
	*ret_sizes = s->strays;
	return s->strays_n;
}
