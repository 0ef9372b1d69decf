/*
 * Tiles and bundles as they are served: the published log of fifteen words, byte by byte, from a fake store
 * that holds its leaves; and on the path, who may have what, and that nothing is served before it is
 * committed.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "path/tile.h"
#include "rig.h"

/* ---- the published log ---- */

static const char *const words[] = {"one",  "two", "three",  "four",  "five",     "six",     "seven", "eit",
				    "nain", "ten", "ileven", "twelf", "threeten", "fourten", "fivten"};

static struct span golden(const char *path)
{
	static uint8_t bytes[1 << 16];
	char name[256];

	(void)snprintf(name, sizeof(name), "tests/data/tlog/tessera/log%s", path);
	FILE *f = fopen(name, "rb");
	cr_assert_not_null(f, "%s", name);
	size_t n = fread(bytes, 1, sizeof(bytes), f);
	(void)fclose(f);
	return span_of(bytes, n);
}

Test(path_tile, the_published_log_byte_by_byte)
{
	static struct fake_entry entries[ARRAY_LEN(words)];
	struct fake_store store = {.entries = entries, .entries_n = ARRAY_LEN(words)};
	struct fake_conn conn = {.store = &store};
	const struct store_port port = fake_store_port();
	struct arena *arena = arena_new(1 << 20);
	struct buffer path = BUFFER_EMPTY, bytes = BUFFER_EMPTY;

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		entries[i].bytes = span_str(words[i]);
		entries[i].leaf = merkle_leaf(entries[i].bytes);
	}
	for (unsigned width = 1; width <= ARRAY_LEN(words); width++) {
		for (int bundle = 0; bundle <= 1; bundle++) {
			const struct tile_id id = {.width = width};
			buffer_clear(&path);
			buffer_clear(&bytes);
			tile_put_path(&path, &id, bundle);
			buffer_put_u8(&path, 0);
			cr_assert_eq(tile_fetch(&port, &conn, &id, bundle, arena, &bytes), STORE_OK);
			cr_expect(span_eq(buffer_span(&bytes), golden((const char *)path.p)), "%s", path.p);
		}
	}
	const struct tile_id more = {.width = ARRAY_LEN(words) + 1};
	cr_expect_eq(tile_fetch(&port, &conn, &more, false, arena, &bytes), STORE_CORRUPT);
	buffer_free(&path);
	buffer_free(&bytes);
	arena_free(arena);
}

/* ---- on the path ---- */

static struct {
	unsigned n;
	enum refusal_kind refused;
	uint8_t bytes[1 << 20];
	size_t bytes_n;
} got;

static void on_tile(void *self, enum refusal_kind refused, struct span bytes)
{
	(void)self;
	got.n++;
	got.refused = refused;
	cr_assert_leq(bytes.n, sizeof(got.bytes));
	if (bytes.n > 0)
		memcpy(got.bytes, bytes.p, bytes.n);
	got.bytes_n = bytes.n;
}

static const struct reader_identity auditor = {.role = ROLE_AUDITOR};

static void expect_at_hand(struct rig *r, struct tile_id id)
{
	struct buffer bytes = BUFFER_EMPTY;

	cr_assert(path_tile_at_hand(r->path, &id, &bytes));
	cr_expect(span_eq(buffer_span(&bytes), span_of(got.bytes, got.bytes_n)), "as it is read");
	buffer_free(&bytes);
}

static bool is_at_hand(struct rig *r, struct tile_id id)
{
	struct buffer bytes = BUFFER_EMPTY;
	bool there = path_tile_at_hand(r->path, &id, &bytes);

	cr_expect_eq(bytes.n, there ? id.width * DIGEST_SIZE : 0);
	buffer_free(&bytes);
	return there;
}

/* What became of it, now or after the reader lane. */
static enum refusal_kind ask(struct rig *r, const struct reader_identity *who, struct tile_id id,
			     bool entries)
{
	enum refusal_kind refused = REFUSAL_NONE;
	unsigned before = got.n;

	if (!path_read_tile(r->path, who, &id, entries, on_tile, NULL, &refused)) {
		cr_assert_eq(got.n, before);
		return refused;
	}
	cr_assert_eq(got.n, before, "no thread has run");
	rig_drain(r);
	cr_assert_eq(got.n, before + 1);
	return got.refused;
}

Test(path_tile, every_width_of_the_committed_log_and_no_more)
{
	struct rig *r = rig_writing();
	unsigned size = (unsigned)r->store->head.size;

	cr_assert(size > 2 && size < TILE_WIDTH);
	for (unsigned width = 1; width <= size; width++) {
		cr_assert_eq(ask(r, NULL, (struct tile_id){0, 0, width}, false), REFUSAL_NONE);
		cr_assert_eq(got.bytes_n, width * DIGEST_SIZE);
		for (unsigned i = 0; i < width; i++)
			cr_expect_arr_eq(got.bytes + i * DIGEST_SIZE, r->store->entries[i].leaf.b,
					 DIGEST_SIZE);
		expect_at_hand(r, (struct tile_id){0, 0, width});
	}
	cr_expect_not(is_at_hand(r, (struct tile_id){0, 0, size + 1}));
	cr_expect_not(is_at_hand(r, (struct tile_id){0, 0, TILE_WIDTH}));
	cr_expect_not(is_at_hand(r, (struct tile_id){1, 0, 1}));
	cr_expect_not(is_at_hand(r, (struct tile_id){63, 0, 1}));
	cr_expect_not(is_at_hand(r, (struct tile_id){0, UINT64_MAX, 1}));
	cr_expect_eq(ask(r, NULL, (struct tile_id){0, 0, size + 1}, false), REFUSAL_NOT_FOUND);
	cr_expect_eq(ask(r, NULL, (struct tile_id){0, 0, TILE_WIDTH}, false), REFUSAL_NOT_FOUND);
	cr_expect_eq(ask(r, NULL, (struct tile_id){0, 1, 1}, false), REFUSAL_NOT_FOUND);
	cr_expect_eq(ask(r, NULL, (struct tile_id){1, 0, 1}, false), REFUSAL_NOT_FOUND);
	cr_expect_eq(ask(r, NULL, (struct tile_id){63, 0, 1}, false), REFUSAL_NOT_FOUND);
	cr_expect_eq(ask(r, NULL, (struct tile_id){0, UINT64_MAX, 1}, false), REFUSAL_NOT_FOUND);
	rig_free(r);
}

Test(path_tile, bundles_are_for_auditors)
{
	struct rig *r = rig_writing();
	const struct tile_id id = {.width = (unsigned)r->store->head.size};

	for (enum role role = ROLE_GENERATOR; role <= ROLE_AUDITOR; role++) {
		const struct reader_identity who = {.role = role};
		cr_expect_eq(ask(r, &who, id, true), role == ROLE_AUDITOR ? REFUSAL_NONE : REFUSAL_FORBIDDEN,
			     "%d", (int)role);
	}
	cr_expect_eq(ask(r, NULL, id, true), REFUSAL_FORBIDDEN);
	cr_assert_eq(ask(r, &auditor, id, true), REFUSAL_NONE);
	size_t at = 0;
	for (unsigned i = 0; i < id.width; i++) {
		struct span entry = r->store->entries[i].bytes;
		cr_assert_leq(at + 2 + entry.n, got.bytes_n);
		cr_expect_eq((size_t)(got.bytes[at] << 8 | got.bytes[at + 1]), entry.n);
		cr_expect(span_eq(span_of(got.bytes + at + 2, entry.n), entry));
		at += 2 + entry.n;
	}
	cr_expect_eq(at, got.bytes_n);
	rig_free(r);
}

/* A tile that a proof was made of is kept, and served whole and as it once was. */
Test(path_tile, a_full_one_when_it_is_kept)
{
	struct rig *r = rig_writing();
	conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);
	const struct tile_id full = {0, 0, TILE_WIDTH}, once = {0, 0, 100};

	for (uint64_t i = 1; r->store->head.size <= TILE_WIDTH; i++) {
		rig_submit(r, conn, 1 + i, rig_issue(r, NUMBER(i)));
		rig_drain(r);
	}
	cr_assert_eq(ask(r, NULL, full, false), REFUSAL_NONE);
	cr_expect_not(is_at_hand(r, full));
	cr_expect_not(is_at_hand(r, once));
	rig_query(r, conn, 5000, &(struct query){.kind = QUERY_CHECKPOINT, .size = 100});
	rig_drain(r);
	expect_at_hand(r, full);
	cr_assert_eq(ask(r, NULL, once, false), REFUSAL_NONE);
	expect_at_hand(r, once);
	rig_free(r);
}

/* What is judged and written, but whose COMMIT has not been answered, is not yet in the log. */
Test(path_tile, nothing_before_it_is_committed)
{
	struct rig *r = rig_writing();
	conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);
	unsigned size = (unsigned)r->store->head.size;
	struct event e = world_issued(r->w, NUMBER(1));

	rig_submit(r, conn, 7, SIGN(r->w, &e, GENERATOR));
	for (int turns = 0; turns < 10 && r->store->head.size == size; turns++) {
		path_tick(r->path);
		while (rig_run(r, LANE_VERIFY) && rig_end(r, LANE_VERIFY, 0))
			;
		/* Loaded, then judged, then committed: stop between the COMMIT and its answer. */
		if (rig_run(r, LANE_WRITER) && r->store->head.size == size)
			(void)rig_end(r, LANE_WRITER, 0);
	}
	cr_assert_eq(r->store->head.size, size + 1);
	enum refusal_kind refused = REFUSAL_NONE;
	const struct tile_id next = {.width = size + 1};
	cr_expect_not(path_read_tile(r->path, NULL, &next, false, on_tile, NULL, &refused));
	cr_expect_eq(refused, REFUSAL_NOT_FOUND);
	rig_settle(r);
	cr_expect_eq(ask(r, NULL, next, false), REFUSAL_NONE);
	rig_free(r);
}

Test(path_tile, a_store_that_fails)
{
	struct rig *r = rig_writing();
	const struct tile_id id = {.width = 1};

	r->store->script[CALL_HASHES].fault = FAULT_AWAY;
	r->store->script[CALL_HASHES].times = 1;
	cr_expect_eq(ask(r, NULL, id, false), REFUSAL_UNAVAILABLE);
	cr_expect_eq(got.bytes_n, 0);
	r->store->script[CALL_ENTRIES].fault = FAULT_CORRUPT;
	r->store->script[CALL_ENTRIES].times = 1;
	cr_expect_eq(ask(r, &auditor, id, true), REFUSAL_FAULT);
	cr_expect_eq(ask(r, NULL, id, false), REFUSAL_NONE);
	cr_expect_eq(path_status(r->path).under_way, 0);
	rig_free(r);
}

/* Before recovery nothing is known of the log. */
Test(path_tile, unavailable_before_recovery)
{
	struct world *w = world_new();
	struct rig *r = rig_new(w);

	rig_start(r);
	cr_expect_eq(ask(r, NULL, (struct tile_id){0, 0, 1}, false), REFUSAL_UNAVAILABLE);
	cr_expect_not(is_at_hand(r, (struct tile_id){0, 0, 1}));
	rig_free(r);
}
