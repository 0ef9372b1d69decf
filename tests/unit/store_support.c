#include "store_support.h"

#include <criterion/criterion.h>
#include <criterion/hooks.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "wire/envelope.h"

enum { BIG = 64 * 1024 * 1024 };

static const char *cluster(void)
{
	return getenv("STORE_TEST_CLUSTER");
}

static void run(const char *command)
{
	char line[200];

	snprintf(line, sizeof(line), "deploy/private-postgres %s %s >/dev/null", command, cluster());
	if (system(line) != 0) {
		fprintf(stderr, "failed: %s\n", line);
		abort();
	}
}

static void keywords(char *to, size_t n, const char *database)
{
	const char *user = geteuid() == 0 ? "postgres" : getenv("USER");

	snprintf(to, n, "host=%s user=%s dbname=%s", cluster(), user, database);
}

ReportHook(PRE_ALL)(struct criterion_test_set *tests)
{
	char dir[64], conninfo[200], why[STORE_MESSAGE_SIZE];

	(void)tests;
	snprintf(dir, sizeof(dir), "/var/tmp/st-%d", (int)getpid());
	setenv("STORE_TEST_CLUSTER", dir, 1);
	run("start");
	keywords(conninfo, sizeof(conninfo), "manifest");
	if (store_migrate(conninfo, "schema", NULL, NULL, why) != STORE_OK) {
		fprintf(stderr, "%s\n", why);
		run("remove");
		abort();
	}
}

ReportHook(POST_ALL)(struct criterion_global_stats *stats)
{
	(void)stats;
	run("remove");
}

static const char *make_database(const char *from)
{
	static char conninfo[200];
	static unsigned count;
	char sql[120], name[40];

	keywords(conninfo, sizeof(conninfo), "postgres");
	PGconn *pg = look(conninfo);
	snprintf(name, sizeof(name), "t%d_%u", (int)getpid(), count++);
	snprintf(sql, sizeof(sql), "CREATE DATABASE %s TEMPLATE %s", name, from);
	cr_assert_str_eq(ask(pg, sql), "");
	PQfinish(pg);
	keywords(conninfo, sizeof(conninfo), name);
	return conninfo;
}

const char *fresh_database(void)
{
	return make_database("manifest");
}

const char *empty_database(void)
{
	return make_database("template0");
}

PGconn *look(const char *conninfo)
{
	PGconn *pg = PQconnectdb(conninfo);

	cr_assert_eq(PQstatus(pg), CONNECTION_OK, "%s", PQerrorMessage(pg));
	PQclear(PQexec(pg, "SET search_path = manifest, public; SET client_min_messages = error"));
	return pg;
}

const char *ask(PGconn *pg, const char *sql)
{
	static char text[1000];
	PGresult *res = PQexec(pg, sql);

	if (PQresultStatus(res) == PGRES_TUPLES_OK && PQntuples(res) > 0)
		snprintf(text, sizeof(text), "%s", PQgetvalue(res, 0, 0));
	else if (PQresultStatus(res) == PGRES_TUPLES_OK || PQresultStatus(res) == PGRES_COMMAND_OK)
		text[0] = '\0';
	else
		snprintf(text, sizeof(text), "!%s", PQresultErrorField(res, PG_DIAG_SQLSTATE));
	PQclear(res);
	return text;
}

struct store_conn *open_store(enum store_kind kind, const char *conninfo)
{
	static char high_water[100];
	struct store_options options = {.conninfo = conninfo, .high_water = high_water, .timeout_ms = 20000};

	snprintf(high_water, sizeof(high_water), "%s/high-water-%d", cluster(), (int)getpid());
	struct store_conn *c = store_conn_new(kind, &options);
	cr_assert_not_null(c);
	return c;
}

/* ---- recovery ---- */

static bool on_reference(void *self, enum reference_kind kind, struct span edition, struct span file)
{
	struct recovered *r = self;

	cr_assert(kind >= REFERENCE_WASTE_CODES && kind <= REFERENCE_CALENDAR);
	cr_assert(edition.n > 0 && file.n > 0);
	r->references++;
	return true;
}

static bool on_entry(void *self, uint64_t index, struct span entry)
{
	struct recovered *r = self;

	cr_assert(entry.n > 0);
	cr_assert(r->entries == 0 || index > r->last_entry);
	r->last_entry = index;
	return ++r->entries != r->stop_after;
}

static bool on_numbers(void *self, key_no key, uint64_t first, uint64_t last, micros since)
{
	struct recovered *r = self;

	cr_assert_lt(r->ranges, ARRAY_LEN(r->range));
	r->range[r->ranges].key = key;
	r->range[r->ranges].first = first;
	r->range[r->ranges].last = last;
	r->range[r->ranges++].since = since;
	return true;
}

static bool on_cosigned(void *self, struct span note)
{
	struct recovered *r = self;

	r->cosigned = arena_copy(r->arena, note);
	return r->cosigned.p != NULL;
}

static bool on_hashes(void *self, uint8_t level, uint64_t first, const struct digest *hashes, size_t n)
{
	struct recovered *r = self;

	cr_assert_lt(level, TILE_LEVELS);
	cr_assert_lt(n, TILE_WIDTH);
	cr_assert_eq(first % TILE_WIDTH, 0);
	memcpy(r->hashes[level], hashes, n * sizeof(*hashes));
	return true;
}

enum store_result recover(struct store_conn *c, struct recovered *ret_recovered)
{
	struct recovery_sink sink = {ret_recovered, on_reference,        on_entry, on_numbers, on_cosigned,
				     on_hashes,     ret_recovered->known};
	size_t stop_after = ret_recovered->stop_after;
	struct arena *arena = ret_recovered->arena;

	memset(ret_recovered, 0, sizeof(*ret_recovered));
	ret_recovered->stop_after = stop_after;
	ret_recovered->arena = arena;
	return store_port().recover(c, &sink, &ret_recovered->head, &ret_recovered->checkpoint, arena);
}

/* ---- the writer ---- */

void writer_begin(struct writer *w, const char *conninfo, struct world *world)
{
	struct recovered r = {.arena = arena_new(BIG)};

	*w = (struct writer){
	    .conn = open_store(STORE_WRITER, conninfo), .world = world, .tree = tree_new(), .arena = r.arena};
	enum store_result result = recover(w->conn, &r);
	cr_assert_eq(result, STORE_OK, "%s", store_error(w->conn));
	w->head = r.head;
}

void writer_end(struct writer *w)
{
	store_conn_free(w->conn);
	tree_free(w->tree);
	arena_free(w->arena);
}

static void *take(struct writer *w, size_t n, size_t size)
{
	void *p = arena_array(w->arena, n + 1, size);

	cr_assert_not_null(p);
	return p;
}

static void take_flags(struct writer *w, struct rows *rows)
{
	struct world *world = w->world;
	struct flag_row *flags = take(w, 2 * world->flags_n, sizeof(*flags));
	size_t n = 0;

	for (size_t i = 0; i < world->flags_n; i++)
		if (world->flags[i].row.flag >= w->head.size)
			flags[n++] = world->flags[i].row;
	for (size_t i = 0; i < world->flags_n; i++) {
		const struct stored_flag *f = &world->flags[i];
		if (!f->open && f->closed_by >= w->head.size)
			flags[n++] = (struct flag_row){.flag = f->row.flag,
						       .number = f->row.number,
						       .at = world->entries[f->closed_by].row.accepted_at,
						       .closed_by = f->closed_by,
						       .claimed_in_time = f->claimed_in_time};
	}
	rows->flags = flags;
	rows->flags_n = n;
}

static void take_rows(struct writer *w, struct rows *rows)
{
	struct world *world = w->world;
	struct entry_row *entries = take(w, world->entries_n, sizeof(*entries));
	struct number_row *numbers = take(w, world->numbers_n, sizeof(*numbers));
	const struct manifest **manifests = take(w, world->manifests_n, sizeof(*manifests));
	struct registry_row *registry = take(w, world->registry_rows_n, sizeof(*registry));

	rows->first_index = w->head.size;
	for (size_t i = w->head.size; i < world->entries_n; i++)
		entries[rows->entries_n++] = world->entries[i].row;
	for (size_t i = 0; i < world->numbers_n; i++)
		if (world->numbers[i].index >= w->head.size)
			numbers[rows->numbers_n++] = (struct number_row){
			    .key = world->numbers[i].key,
			    .number = world->numbers[i].number,
			    .event = world->numbers[i].event,
			    .index = world->numbers[i].index,
			};
	for (size_t i = 0; i < world->manifests_n; i++)
		if (world->manifests[i].chain_n > 0)
			manifests[rows->manifests_n++] = &world->manifests[i];
	for (size_t i = 0; i < world->registry_rows_n; i++)
		if (world->registry_rows[i].index >= w->head.size)
			registry[rows->registry_n++] = world->registry_rows[i];
	rows->entries = entries;
	rows->numbers = numbers;
	rows->manifests = manifests;
	rows->registry = registry;
	rows->evidence = world->evidence;
	rows->evidence_n = world->evidence_n;
	take_flags(w, rows);
}

enum store_result writer_commit(struct writer *w)
{
	struct rows rows = {0};
	struct commit commit = {
	    .from = w->head, .to = w->head, .rows = &rows, .registry = w->world->registry};

	take_rows(w, &rows);
	struct span *bytes = take(w, rows.entries_n, sizeof(*bytes));
	struct digest *leaves = take(w, rows.entries_n, sizeof(*leaves));
	for (size_t i = 0; i < rows.entries_n; i++) {
		bytes[i] = w->world->entries[rows.first_index + i].bytes;
		leaves[i] = digest_prefixed(0, bytes[i], span_of(NULL, 0));
	}
	struct tree_append *append = tree_append(w->arena, w->tree, leaves, rows.entries_n);
	cr_assert_not_null(append);
	struct tile_row *tiles = take(w, append->tiles_n, sizeof(*tiles));
	for (size_t i = 0; i < append->tiles_n; i++)
		tiles[i] = (struct tile_row){
		    .level = (uint8_t)append->tiles[i].level,
		    .n = append->tiles[i].n,
		    .hashes = append->tiles[i].hashes,
		    .root = merkle_root(append->tiles[i].hashes, TILE_WIDTH),
		};
	commit.entries = bytes;
	commit.leaves = leaves;
	commit.tiles = tiles;
	commit.tiles_n = append->tiles_n;
	commit.to.size = append->size;
	commit.to.root = append->root;
	if (rows.entries_n > 0)
		commit.to.accepted_at = rows.entries[rows.entries_n - 1].accepted_at;
	enum store_result r = store_port().commit(w->conn, &commit);
	if (r == STORE_OK) {
		tree_commit(w->tree, append);
		w->head = commit.to;
	}
	return r;
}
