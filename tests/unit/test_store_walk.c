/*
 * How far a question looks: over 100,000 manifests and as many flags, in a database that was analysed and in
 * one that was not, every form of question reads a bounded number of pages, and its cursor comes to an end.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "fake_store.h"
#include "store/conn.h"
#include "store/walk.h"
#include "store_city.h"

TestSuite(store_walk, .timeout = 300);

enum {
	MANY = 100000,
	/* A row that is looked at: down one index to it, and down those of two conditions. Fewer than all
	   rows. */
	PAGES_MAX = 8 * WALK_MAX,
	REAL = 12, /* manifests of the city, all with lower numbers than the many */
};

static PGconn *pg;
static char plain_conninfo[300], big_conninfo[1000];

/* MANY copies of the first manifest and of its flag, newer than all others; a quarter is another generator's.
 */
static const char fill[] =
    "CREATE FUNCTION varint(n bigint) RETURNS bytea LANGUAGE sql AS $$ SELECT decode(string_agg("
    "lpad(to_hex(n >> 7 * i & 127 | CASE WHEN i < 6 THEN 128 ELSE 0 END), 2, '0'), '' ORDER BY i), 'hex') "
    "FROM generate_series(0, 6) i $$;"
    "CREATE FUNCTION add_manifests(first bigint, n bigint) RETURNS void LANGUAGE sql AS $$ "
    "INSERT INTO manifest SELECT a.no, m.look_at, m.due_at, m.issued_at, m.changed_at, m.shipped_grams, "
    "m.accepted_grams, m.treated_grams, CASE WHEN a.no % 4 = 0 THEN 3 ELSE m.generator END, m.transporter, "
    "m.facility, m.state, m.division_generator, m.division_facility, m.trail, "
    "substring(m.body FOR 2) || varint(a.no) || substring(m.body FROM 10) "
    "FROM manifest m, generate_series(first, first + n - 1) a(no) "
    "WHERE m.number = (SELECT min(number) FROM manifest) ON CONFLICT DO NOTHING;"
    "INSERT INTO manifest_term SELECT m.number, m.generator, m.transporter, m.facility, t.code, t.plate "
    "FROM manifest m, (SELECT code, plate FROM manifest_term WHERE generator IS NOT NULL "
    "ORDER BY generator, number LIMIT 1) t WHERE m.number BETWEEN first AND first + n - 1 $$;"
    "CREATE FUNCTION add_flags(first bigint, n bigint) RETURNS void LANGUAGE sql AS $$ "
    "INSERT INTO flag SELECT a.no, 20262101010000 + a.no, f.raised_at + a.no, f.due_at, f.raised_at + a.no, "
    "1, f.kind, "
    "false, false, f.division_generator, f.division_facility, f.keyid, f.parties, f.detail, '' "
    "FROM (SELECT * FROM flag ORDER BY flag LIMIT 1) f, generate_series(first, first + n - 1) a(no);"
    "INSERT INTO flag_party SELECT f.flag, p FROM flag f, unnest(f.parties) p WHERE f.flag BETWEEN first AND "
    "first + n - 1 $$;"
    "SELECT add_manifests(20262101010000, 100000), add_flags(100000, 100000)";

static void read_with(const char *conninfo)
{
	store_conn_free(reader);
	reader = open_store(STORE_READER, conninfo);
}

static void begin(void)
{
	city_begin();
	snprintf(plain_conninfo, sizeof(plain_conninfo), "host=%s user=%s dbname=%s", PQhost(writer.conn->pg),
		 PQuser(writer.conn->pg), PQdb(writer.conn->pg));
	snprintf(big_conninfo, sizeof(big_conninfo),
		 "%s options='-c session_preload_libraries=auto_explain "
		 "-c auto_explain.log_min_duration=0 -c auto_explain.log_analyze=on "
		 "-c auto_explain.log_buffers=on -c auto_explain.log_timing=off'",
		 plain_conninfo);
	pg = look(big_conninfo);
	cr_assert_str_eq(ask(pg, "SET auto_explain.log_min_duration = -1; SELECT 1"), "1");
	cr_assert_str_eq(ask(pg, "SET session_replication_role = replica; SELECT 1"), "1");
	const char *said = ask(pg, fill);
	cr_assert_str_eq(said, "", "%s %s", said, PQerrorMessage(pg));
	read_with(big_conninfo);
}

static void end(void)
{
	PQfinish(pg);
	city_end();
}

/* ---- pages of memory that a question's statements touched ---- */

static FILE *log_at_end(void)
{
	char path[200];
	snprintf(path, sizeof(path), "%s/log", getenv("STORE_TEST_CLUSTER"));
	FILE *f = fopen(path, "r");

	cr_assert(f != NULL && fseek(f, 0, SEEK_END) == 0);
	return f;
}

/* Of the reader's plans. Of each the root's line is the first, and counts all below it; a plan that touched
 * no page has none. */
static long pages_touched(FILE *f)
{
	static char line[100000];
	char session[32];
	bool ours = false, wanted = false;
	long pages = 0;
	unsigned plans = 0;

	(void)snprintf(session, sizeof(session), "[%d] LOG:", reader->pid);
	while (fgets(line, sizeof(line), f) != NULL) {
		const char *at = strstr(line, "Buffers: shared");
		if (strstr(line, "] LOG:") != NULL) {
			ours = strstr(line, session) != NULL;
			wanted = false; /* nor is another session's line, when the last plan had none */
		}
		if (ours && strstr(line, "Query Text:") != NULL) {
			wanted = true;
			plans++;
		}
		if (at == NULL || !wanted)
			continue;
		const char *hit = strstr(at, "hit="), *read = strstr(at, "read=");
		pages += (hit == NULL ? 0 : atol(hit + 4)) + (read == NULL ? 0 : atol(read + 5));
		wanted = false;
	}
	fclose(f);
	cr_assert_gt(plans, 0, "the plans are not in the log");
	return pages;
}

static uint64_t key_of(const struct query *q, const struct answers *a, size_t i)
{
	return q->kind == QUERY_FLAGS ? a->flags[i].flag : a->manifests[i].number;
}

/* Walks all pages. Returns the most that one touched. */
static long walk(struct query q, struct scope scope, size_t stop_after, size_t *ret_rows)
{
	uint64_t last = UINT64_MAX;
	long most = 0;

	*ret_rows = 0;
	for (unsigned pages = 1;; pages++) {
		FILE *log = log_at_end();
		struct answers a = city_run(&q, &scope);
		long touched = pages_touched(log);
		most = touched > most ? touched : most;
		for (size_t i = 0; i < a.n; i++) {
			cr_assert_lt(key_of(&q, &a, i), last);
			last = key_of(&q, &a, i);
		}
		*ret_rows += a.n;
		cr_assert(a.next == 0 || q.after == 0 || a.next < q.after, "the cursor goes back");
		cr_assert_leq(pages, MANY / WALK_MAX + *ret_rows + 1);
		if (a.next == 0 || pages == stop_after)
			return most;
		cr_assert_leq(a.next, last);
		q.after = a.next;
	}
}

static void check_forms(const char *when)
{
	static uint64_t list[] = {NUMBER(2), NUMBER(9), NUMBER(20000)};
	struct party_ref any_site = world_party(GENERATOR);
	const micros much_later = world->now + INT64_C(400) * 86400 * MICROS_PER_SECOND;
	enum { ALL_OF_THEM = MANY + 1 };
	any_site.site = 0;
	const struct {
		struct query query;
		struct scope scope;
		size_t rows; /* ALL_OF_THEM: the first page is enough */
	} cases[] = {
	    {SEARCH(.limit = 0), everything, ALL_OF_THEM},
	    {SEARCH(.limit = 500), everything, ALL_OF_THEM},
	    {SEARCH(.state = STATE_CLOSED), everything, 3},
	    {SEARCH(.state = STATE_REFUSED), everything, 0},
	    {SEARCH(.open_only = true), everything, ALL_OF_THEM},
	    {SEARCH(.numbers = list, .numbers_n = 3), everything, 3},
	    {SEARCH(.plate = span_str(PLATE), .state = STATE_CLOSED), everything, 3},
	    {SEARCH(.plate = span_str(OTHER_PLATE)), everything, 1},
	    {SEARCH(.party = world_party(GENERATOR), .state = STATE_CLOSED), everything, 3},
	    {SEARCH(.party = any_site, .state = STATE_CLOSED), everything, 3},
	    {SEARCH(.waste_code = world_manifest(world, NUMBER(1))->lines[0].code[0] != '\0'
				      ? span_str(world_manifest(world, NUMBER(1))->lines[0].code)
				      : span_str(""),
		    .state = STATE_CLOSED),
	     everything, 3},
	    {SEARCH(.division = span_str("210112")), everything, 1},
	    {SEARCH(.division = span_str("220000")), everything, 0},
	    {SEARCH(.from = much_later), everything, 0},
	    {SEARCH(.until = 1), everything, 0},
	    {SEARCH(.state = STATE_CLOSED), own(GENERATOR), 3},
	    {SEARCH(.plate = span_str(OTHER_PLATE)), own(HAULER), 1},
	    {SEARCH(.limit = 0), own(OTHER_HAULER), 1},
	    {SEARCH(.party = world_party(FACILITY), .state = STATE_CLOSED), own(HAULER), 3},
	    {SEARCH(.limit = 0), area("210112"), 1},
	    {SEARCH(.limit = 0), area("210181"), 0},
	    {FLAGS(.limit = 0), everything, ALL_OF_THEM},
	    {FLAGS(.open_only = true), everything, 9},
	    {FLAGS(.flag_kinds = 1U << FLAG_OVERDUE), everything, 0},
	    {FLAGS(.numbers = list, .numbers_n = 1), everything, 1},
	    {FLAGS(.party = world_party(OTHER_GENERATOR)), everything, 1},
	    {FLAGS(.from = much_later), everything, 0},
	    {FLAGS(.until = 1), everything, 0},
	    {FLAGS(.limit = 0), own(OTHER_GENERATOR), 1},
	    {FLAGS(.open_only = true), own(GENERATOR), 8},
	    {FLAGS(.limit = 0), area("210112"), 1},
	    {{.kind = QUERY_TRAIL, .numbers = list, .numbers_n = 1}, everything, ALL_OF_THEM},
	    {{.kind = QUERY_TRAIL, .numbers = list, .numbers_n = 1, .keys = true}, everything, ALL_OF_THEM},
	    {{.kind = QUERY_ENTRY, .index = 3}, everything, ALL_OF_THEM},
	    {{.kind = QUERY_BLOCKS}, everything, ALL_OF_THEM},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct query q = cases[i].query;
		size_t rows = 0;
		long most;
		if (q.kind == QUERY_SEARCH || q.kind == QUERY_FLAGS) {
			most = walk(q, cases[i].scope, cases[i].rows == ALL_OF_THEM, &rows);
			if (cases[i].rows != ALL_OF_THEM)
				cr_assert_eq(rows, cases[i].rows, "case %zu: %zu", i, rows);
		} else {
			FILE *log = log_at_end();
			(void)city_run(&q, &cases[i].scope);
			most = pages_touched(log);
		}
		cr_assert_leq(most, PAGES_MAX, "%s, case %zu: %ld pages", when, i, most);
		if (getenv("SHOW") != NULL)
			(void)fprintf(stderr, "%s, case %zu: %ld pages\n", when, i, most);
		arena_reset(arena);
	}
}

/* ---- pages, while rows are added ---- */

enum { ROUNDS = 20, KEYS_MAX = 4000 };

static uint64_t seed = 20210701;

static size_t any(size_t below)
{
	return seed_next(&seed, below);
}

static struct query any_query(void)
{
	struct query q = {.kind = any(3) == 0 ? QUERY_FLAGS : QUERY_SEARCH};

	if (any(3) == 0)
		q.party = world_party(any(2) == 0 ? GENERATOR : FACILITY);
	if (any(4) == 0)
		q.party.site = 0;
	if (any(4) == 0)
		q.division = span_str(any(2) == 0 ? "210106" : "210100");
	if (any(4) == 0)
		q.open_only = true;
	if (any(6) == 0)
		q.from = world->now - INT64_C(60) * 86400 * MICROS_PER_SECOND;
	if (q.kind == QUERY_FLAGS) {
		q.flag_kinds = any(4) == 0 ? 1U << FLAG_NOT_COLLECTED : 0;
		return q;
	}
	if (any(4) == 0)
		q.plate = span_str(any(2) == 0 ? PLATE : OTHER_PLATE);
	if (any(4) == 0)
		q.waste_code = span_str(world_manifest(world, NUMBER(1))->lines[0].code);
	if (any(4) == 0)
		q.state = any(2) == 0 ? STATE_CLOSED : STATE_ISSUED;
	return q;
}

static struct scope any_scope(void)
{
	static const enum device devices[] = {GENERATOR, HAULER, FACILITY, OTHER_HAULER};
	size_t i = any(8);

	return i < ARRAY_LEN(devices) ? own(devices[i]) : i == 4 ? area("210106") : everything;
}

/* One more row: of manifests anywhere below the many, each number once; flags are always the newest. */
static void add_row(enum query_kind kind)
{
	static unsigned added;
	char sql[120];

	added++;
	if (kind == QUERY_FLAGS)
		snprintf(sql, sizeof(sql), "SELECT add_flags(%u, 1)", 100000 + MANY + added);
	else
		snprintf(sql, sizeof(sql), "SELECT add_manifests(%llu, 1)",
			 (unsigned long long)NUMBER(2000 + added * 7919U % 7900U));
	cr_assert_str_eq(ask(pg, sql), "");
}

static size_t all_keys(struct query q, struct scope scope, bool adding, uint64_t *ret_keys)
{
	size_t n = 0;

	do {
		if (adding)
			q.limit = (uint32_t)(1 + any(n < 200 ? 20 : 500));
		struct answers a = city_run(&q, &scope);
		for (size_t i = 0; i < a.n; i++) {
			cr_assert_lt(n, KEYS_MAX);
			ret_keys[n++] = key_of(&q, &a, i);
			cr_assert(n == 1 || ret_keys[n - 1] < ret_keys[n - 2]);
		}
		q.after = a.next;
		if (adding)
			add_row(q.kind);
	} while (q.after != 0);
	return n;
}

/* Each row is shown once. */
static void check_pages_while_rows_are_added(void)
{
	static uint64_t before[KEYS_MAX], during[KEYS_MAX];
	size_t shown = 0;

	for (unsigned round = 0; round < ROUNDS; round++) {
		struct query q = any_query();
		struct scope scope = any_scope();
		q.after = (q.kind == QUERY_FLAGS ? 100000 : NUMBER(10000)) + any(2000);
		q.limit = QUERY_LIMIT_MAX;
		size_t n = all_keys(q, scope, false, before), k = 0;
		size_t m = all_keys(q, scope, true, during);
		for (size_t i = 0; i < n; i++) {
			while (k < m && during[k] > before[i])
				k++;
			cr_assert(k < m && during[k] == before[i], "round %u: %llu is not shown", round,
				  (unsigned long long)before[i]);
		}
		shown += n;
		arena_reset(arena);
	}
	cr_assert_gt(shown, 3000);
}

/* ---- an entry ---- */

static uint64_t entry_of(uint64_t number)
{
	uint64_t index = 0;

	while (world->entries[index].row.number != number)
		index++;
	return index;
}

/* One of others is not looked for among all flags. */
static void check_entry_of_others(const char *when)
{
	const struct scope scopes[] = {own(OTHER_GENERATOR), area("210181")};
	const struct query q = {.kind = QUERY_ENTRY, .index = entry_of(NUMBER(9))};

	for (size_t i = 0; i < ARRAY_LEN(scopes); i++) {
		FILE *log = log_at_end();
		cr_assert_eq(city_run(&q, &scopes[i]).n, 0);
		long pages = pages_touched(log);
		cr_assert_leq(pages, 100, "%s, scope %zu: %ld pages", when, i, pages);
	}
}

/* Unless it closed a flag of theirs. */
static void check_entry_that_closed(void)
{
	const struct query q = {.kind = QUERY_ENTRY, .index = entry_of(NUMBER(9))}, flags = FLAGS(.limit = 0);
	const struct scope scope = own(OTHER_GENERATOR);
	const struct answers theirs = city_run(&flags, &scope);
	char sql[200];

	cr_assert_eq(theirs.n, 1);
	snprintf(
	    sql, sizeof(sql),
	    "UPDATE entry SET kind = %d WHERE index = %lu; UPDATE flag SET closed_by = %lu WHERE flag = %lu",
	    EVENT_FLAG_CLEARED, q.index, q.index, theirs.flags[0].flag);
	cr_assert_str_eq(ask(pg, sql), "");
	cr_assert_eq(city_count(q, scope), 1);
	cr_assert_eq(city_count(q, area("210181")), 0);
}

/* One test, since filling the tables takes longer than all of it. */
Test(store_walk, a_question_reads_so_much_and_ends_whatever_is_stored, .init = begin, .fini = end)
{
	check_forms("not analysed");
	check_entry_of_others("not analysed");
	cr_assert_str_eq(ask(pg, "ANALYZE"), "");
	read_with(big_conninfo);
	check_forms("analysed");
	check_entry_of_others("analysed");
	read_with(plain_conninfo); /* whose plans nobody needs */
	check_pages_while_rows_are_added();
	check_entry_that_closed();
}
