/* Owns what is served to those who copy the log: whether it exists, who may have it, and its bytes. */
#include "path/tile.h"

#include <stdlib.h>

#include "path/internal.h"

/* A bundle of the longest entries, once in the arena and once in the buffer. */
enum { TILE_MEMORY = 32 * 1024 * 1024 };

struct tile_read {
	struct work work;
	struct path *path;
	struct tile_id id;
	bool entries;
	struct arena *arena;
	struct buffer out;
	enum store_result result;
	tile_answer answer;
	void *self;
};

static enum store_result fetch_hashes(const struct store_port *store, void *thread, const struct tile_id *id,
				      struct arena *arena, struct buffer *to)
{
	struct digest *hashes = arena_array(arena, id->width, sizeof(*hashes));

	if (hashes == NULL)
		return STORE_UNAVAILABLE;
	enum store_result r = id->width == TILE_WIDTH ? store->tiles(thread, id, 1, &hashes)
						      : store->hashes(thread, (uint8_t)id->level,
								      id->n * TILE_WIDTH, id->width, hashes);
	for (unsigned i = 0; i < id->width && r == STORE_OK; i++)
		buffer_put(to, hashes[i].b, DIGEST_SIZE);
	return r;
}

static enum store_result fetch_entries(const struct store_port *store, void *thread, const struct tile_id *id,
				       struct arena *arena, struct buffer *to)
{
	struct entry_view views[TILE_WIDTH];
	uint64_t indexes[TILE_WIDTH];

	for (unsigned i = 0; i < id->width; i++)
		indexes[i] = id->n * TILE_WIDTH + i;
	enum store_result r = store->entries(thread, indexes, id->width, arena, views);
	for (unsigned i = 0; i < id->width && r == STORE_OK; i++) {
		if (views[i].entry.n > UINT16_MAX)
			return STORE_CORRUPT;
		buffer_put_be16(to, (uint16_t)views[i].entry.n);
		buffer_put_span(to, views[i].entry);
	}
	return r;
}

enum store_result tile_fetch(const struct store_port *store, void *thread, const struct tile_id *id,
			     bool entries, struct arena *arena, struct buffer *to)
{
	enum store_result r = (entries ? fetch_entries : fetch_hashes)(store, thread, id, arena, to);

	return r == STORE_OK && !buffer_ok(to) ? STORE_UNAVAILABLE : r;
}

static void tile_run(struct work *w, void *thread)
{
	struct tile_read *t = (struct tile_read *)w;

	t->result = tile_fetch(&t->path->ports.store, thread, &t->id, t->entries, t->arena, &t->out);
}

static void tile_done(struct work *w)
{
	struct tile_read *t = (struct tile_read *)w;
	enum refusal_kind refused = t->result == STORE_OK        ? REFUSAL_NONE
				    : t->result == STORE_CORRUPT ? REFUSAL_FAULT
								 : REFUSAL_UNAVAILABLE;

	t->path->under_way--;
	if (t->result == STORE_CORRUPT)
		path_tell_damage(t->path);
	t->answer(t->self, refused, refused == REFUSAL_NONE ? buffer_span(&t->out) : span_of(NULL, 0));
	gate_check(t->path);
	buffer_free(&t->out);
	arena_free(t->arena);
	free(t);
}

static enum refusal_kind may_have(const struct path *p, const struct reader_identity *who,
				  const struct tile_id *id, bool entries)
{
	if (entries && (who == NULL || !access_bundles(who->role)))
		return REFUSAL_FORBIDDEN;
	if (p->checkpoint.n == 0)
		return REFUSAL_UNAVAILABLE;
	return tile_exists(id, p->head.size) ? REFUSAL_NONE : REFUSAL_NOT_FOUND;
}

bool path_read_tile(struct path *p, const struct reader_identity *who, const struct tile_id *id, bool entries,
		    tile_answer answer, void *self, enum refusal_kind *ret_refused)
{
	enum refusal_kind refused = may_have(p, who, id, entries);
	struct tile_read *t = refused == REFUSAL_NONE ? calloc(1, sizeof(*t)) : NULL;

	if (t != NULL)
		t->arena = arena_new(TILE_MEMORY);
	if (t == NULL || t->arena == NULL) {
		free(t);
		*ret_refused = refused == REFUSAL_NONE ? REFUSAL_LATER : refused;
		return false;
	}
	t->work = (struct work){.run = tile_run, .done = tile_done};
	t->path = p;
	t->id = *id;
	t->entries = entries;
	t->answer = answer;
	t->self = self;
	p->counters.tiles++;
	p->under_way++;
	p->ports.reader.submit(p->ports.reader.self, &t->work);
	return true;
}

bool path_tile_at_hand(struct path *p, const struct tile_id *id, struct buffer *to)
{
	struct digest edge[TILE_WIDTH];
	const struct digest *hashes = edge;

	if (p->checkpoint.n == 0 || !tile_exists(id, p->head.size))
		return false;
	if (!tree_tile(p->tree, id, edge))
		hashes = tiles_look_up(&p->kept, id);
	for (unsigned i = 0; hashes != NULL && i < id->width; i++)
		buffer_put(to, hashes[i].b, DIGEST_SIZE);
	p->counters.tiles += hashes != NULL;
	return hashes != NULL;
}
