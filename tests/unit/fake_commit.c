/* What the fake store keeps, and the one transaction that changes it. */
#include "fake_commit.h"

#include "core/tree.h"
#include "wire/envelope.h"

const struct fake_file fake_files[] = {
    [REFERENCE_WASTE_CODES] = {"2021", "schema/data/waste_codes/2021.csv"},
    [REFERENCE_DIVISIONS] = {"2023", "schema/data/divisions/2023.csv"},
    [REFERENCE_TREATMENT_METHODS] = {"2021", "schema/data/treatment_methods/2021.csv"},
    [REFERENCE_CALENDAR] = {"2026", "schema/data/calendar/2026.csv"},
};

/* An array with room for one more item: the old one stays in the arena. */
static void *more(struct fake_store *s, void *items, size_t n, size_t size)
{
	if (n != 0 && (n & (n - 1)) != 0)
		return items;
	void *grown = arena_array(s->arena, n == 0 ? 1 : 2 * n, size);
	MUST(grown != NULL);
	if (n > 0)
		memcpy(grown, items, n * size);
	return grown;
}

static struct span keep(struct fake_store *s, struct span bytes)
{
	struct span copy = arena_copy(s->arena, bytes);

	MUST(copy.p != NULL);
	return copy;
}

static void add_entry(struct fake_store *s, const struct fake_entry *e)
{
	for (size_t i = 0; i < s->entries_n && e->number != 0 && e->position != 0; i++)
		MUST(s->entries[i].number != e->number || s->entries[i].position != e->position);
	MUST(s->entries_n == 0 || e->accepted_at > s->entries[s->entries_n - 1].accepted_at);
	s->entries = more(s, s->entries, s->entries_n, sizeof(*s->entries));
	s->entries[s->entries_n] = *e;
	s->entries[s->entries_n].bytes = keep(s, e->bytes);
	s->entries_n++;
}

static int compare_numbers(const struct loaded_number *a, const struct loaded_number *b)
{
	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
}

static void add_number(struct fake_store *s, const struct loaded_number *n)
{
	size_t at = s->numbers_n;

	s->numbers = more(s, s->numbers, s->numbers_n, sizeof(*s->numbers));
	while (at > 0 && compare_numbers(&s->numbers[at - 1], n) > 0)
		at--;
	for (size_t i = at; i > 0 && compare_numbers(&s->numbers[i - 1], n) == 0; i--)
		MUST(!digest_eq(&s->numbers[i - 1].event, &n->event)); /* an event is stored once */
	memmove(&s->numbers[at + 1], &s->numbers[at], (s->numbers_n - at) * sizeof(*n));
	s->numbers[at] = *n;
	s->numbers_n++;
}

static void put_manifest(struct fake_store *s, const struct manifest *m)
{
	struct buffer body = BUFFER_EMPTY;
	size_t at = 0;

	while (at < s->manifests_n && s->manifests[at].number < m->number)
		at++;
	if (at == s->manifests_n || s->manifests[at].number != m->number) {
		s->manifests = more(s, s->manifests, s->manifests_n, sizeof(*s->manifests));
		memmove(&s->manifests[at + 1], &s->manifests[at],
			(s->manifests_n - at) * sizeof(*s->manifests));
		s->manifests_n++;
	}
	MUST(manifest_encode(m, &body));
	s->manifests[at] = (struct fake_manifest){m->number, keep(s, buffer_span(&body)), manifest_due_at(m),
						  m->state == STATE_CLOSED};
	buffer_free(&body);
}

static void put_flag(struct fake_store *s, const struct flag_row *row)
{
	if (row->raise) {
		s->flags = more(s, s->flags, s->flags_n, sizeof(*s->flags));
		struct fake_flag *f = &s->flags[s->flags_n++];
		*f = (struct fake_flag){row->flag, row->raised->kind, row->number, true, "", ""};
		MUST(row->division_generator.n <= 6 && row->division_facility.n <= 6);
		(void)snprintf(f->division_generator, sizeof(f->division_generator), "%.*s",
			       SPAN_ARG(row->division_generator));
		(void)snprintf(f->division_facility, sizeof(f->division_facility), "%.*s",
			       SPAN_ARG(row->division_facility));
		return;
	}
	for (size_t i = 0; i < s->flags_n; i++)
		if (s->flags[i].flag == row->flag && row->closed_by != 0) {
			MUST(s->flags[i].open);
			s->flags[i].open = false;
		}
}

static void add_tile(struct fake_store *s, uint8_t level, uint64_t n, const struct digest *hashes)
{
	struct fake_tile *tile = arena_alloc(s->arena, sizeof(*tile));

	MUST(tile != NULL);
	for (size_t i = 0; i < s->tiles_n; i++)
		MUST(s->tiles[i]->level != level || s->tiles[i]->n != n);
	tile->level = level;
	tile->n = n;
	memcpy(tile->hashes, hashes, sizeof(tile->hashes));
	tile->root = merkle_root(hashes, TILE_WIDTH);
	s->tiles = more(s, s->tiles, s->tiles_n, sizeof(struct fake_tile *));
	s->tiles[s->tiles_n++] = tile;
}

/* ---- the transaction ---- */

static bool poisoned(const struct fake_store *s, const struct rows *rows)
{
	for (size_t i = 0; i < rows->entries_n && s->poison != NULL; i++)
		if (digest_eq(&rows->entries[i].event->id, s->poison))
			return true;
	return false;
}

static bool concerns_registry(const struct rows *rows, uint64_t index)
{
	for (size_t i = 0; i < rows->registry_n; i++)
		if (rows->registry[i].index == index)
			return true;
	return false;
}

static void store(struct fake_store *s, const struct commit *c)
{
	const struct rows *rows = c->rows;

	MUST(rows->first_index == s->entries_n && c->to.size == s->entries_n + rows->entries_n);
	for (size_t i = 0; i < rows->entries_n; i++)
		add_entry(s, &(struct fake_entry){
				 .bytes = c->entries[i],
				 .leaf = merkle_leaf(c->entries[i]),
				 .accepted_at = rows->entries[i].accepted_at,
				 .number = rows->entries[i].number,
				 .position = rows->entries[i].position,
				 .registry = concerns_registry(rows, rows->first_index + i),
			     });
	for (size_t i = 0; i < rows->numbers_n; i++)
		add_number(s, &(struct loaded_number){rows->numbers[i].key, rows->numbers[i].number,
						      rows->numbers[i].event, rows->numbers[i].index});
	for (size_t i = 0; i < rows->manifests_n; i++)
		put_manifest(s, rows->manifests[i]);
	for (size_t i = 0; i < rows->flags_n; i++)
		put_flag(s, &rows->flags[i]);
	for (size_t i = 0; i < c->tiles_n; i++)
		add_tile(s, c->tiles[i].level, c->tiles[i].n, c->tiles[i].hashes);
	if (c->checkpoint.n > 0) {
		MUST(c->checkpoint_size >= s->checkpoint_size && c->checkpoint_size <= c->to.size);
		s->checkpoint = keep(s, c->checkpoint);
		s->checkpoint_size = c->checkpoint_size;
	}
	s->head = c->to;
}

enum store_result fake_commit(void *conn, const struct commit *c)
{
	struct fake_conn *fc = conn;
	struct fake_store *s = fc->store;
	enum fake_fault fault = fake_fault(fc, CALL_COMMIT);

	if (fault != FAULT_NONE && fault != FAULT_LOST_STORED)
		return fake_result(fault);
	if (s->leased_away || c->from.epoch != s->head.epoch || c->from.size != s->head.size) {
		fc->recovered = false;
		return STORE_DEPOSED;
	}
	if (poisoned(s, c->rows))
		return STORE_DATA;
	store(s, c);
	return fake_result(fault);
}

/* ---- beginning ---- */

struct digest fake_store_root(const struct fake_store *s, uint64_t size)
{
	struct digest *leaves = calloc(size + 1, sizeof(*leaves));

	MUST(leaves != NULL && size <= s->entries_n);
	for (size_t i = 0; i < size; i++)
		leaves[i] = s->entries[i].leaf;
	struct digest root = merkle_root(leaves, size);
	free(leaves);
	return root;
}

static void fill_tiles(struct fake_store *s)
{
	struct digest hashes[TILE_WIDTH];

	for (uint64_t n = 0; n < s->entries_n / TILE_WIDTH; n++) {
		for (size_t i = 0; i < TILE_WIDTH; i++)
			hashes[i] = s->entries[n * TILE_WIDTH + i].leaf;
		add_tile(s, 0, n, hashes);
	}
}

static void take_world(struct fake_store *s, const struct world *w)
{
	for (size_t i = 0; i < w->entries_n; i++) {
		const struct stored_entry *e = &w->entries[i];
		bool registry = false;
		for (size_t k = 0; k < w->registry_rows_n && !registry; k++)
			registry = w->registry_rows[k].index == i;
		add_entry(s, &(struct fake_entry){e->bytes, merkle_leaf(e->bytes), e->row.accepted_at,
						  e->row.number, e->row.position, registry});
	}
	for (size_t i = 0; i < w->numbers_n; i++)
		add_number(s, &w->numbers[i]);
	for (size_t i = 0; i < w->manifests_n; i++)
		put_manifest(s, &w->manifests[i]);
	for (size_t i = 0; i < w->flags_n; i++) {
		put_flag(s, &w->flags[i].row);
		s->flags[i].open = w->flags[i].open;
	}
	fill_tiles(s);
	s->head = (struct log_head){
	    .size = s->entries_n,
	    .root = fake_store_root(s, s->entries_n),
	    .accepted_at = s->entries_n == 0 ? 0 : s->entries[s->entries_n - 1].accepted_at,
	};
}

static struct fake_store *store_new(void)
{
	struct fake_store *s = calloc(1, sizeof(*s));

	MUST(s != NULL);
	s->arena = arena_new(SIZE_MAX / 2);
	MUST(s->arena != NULL);
	s->writer = (struct fake_conn){.store = s, .writer = true};
	s->reader = (struct fake_conn){.store = s};
	return s;
}

struct fake_store *fake_store_new(struct world *w)
{
	struct fake_store *s = store_new();

	for (size_t kind = REFERENCE_WASTE_CODES; kind <= REFERENCE_CALENDAR; kind++)
		s->files[kind] = keep(s, world_file(w, fake_files[kind].path));
	take_world(s, w);
	return s;
}

struct fake_store *fake_store_empty(const struct fake_store *like)
{
	struct fake_store *s = store_new();

	for (size_t kind = REFERENCE_WASTE_CODES; kind <= REFERENCE_CALENDAR; kind++)
		s->files[kind] = keep(s, like->files[kind]);
	s->head.root = merkle_root(NULL, 0);
	return s;
}

void fake_store_free(struct fake_store *s)
{
	arena_free(s->arena);
	free(s);
}
