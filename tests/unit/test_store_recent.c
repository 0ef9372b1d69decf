/* The states that the writer's connection remembers: what it committed, and nothing that it did not. */
#include <criterion/criterion.h>

#include "store/recent.h"
#include "store_support.h"

TestSuite(store_recent, .timeout = 120);

static const char *conninfo;
static struct world *world;
static struct writer writer;
static PGconn *pg;

static void issue(uint64_t number)
{
	struct event e = world_issued(world, number);

	(void)world_accept(world, SIGN(world, &e, GENERATOR));
}

static void begin(void)
{
	conninfo = fresh_database();
	world = world_new();
	writer_begin(&writer, conninfo, world);
	pg = look(conninfo);
	issue(NUMBER(1));
	issue(NUMBER(2));
	cr_assert_eq(writer_commit(&writer), STORE_OK);
	/* Somebody else's hand, which shows who answers. */
	ask(pg, "UPDATE manifest SET body = '\\x00' WHERE number = (SELECT min(number) FROM manifest)");
}

static void end(void)
{
	PQfinish(pg);
	writer_end(&writer);
	world_free(world);
}

static enum store_result load(struct loaded *ret_loaded)
{
	uint64_t numbers[] = {NUMBER(2), NUMBER(1), NUMBER(7)};
	struct needs needs = {.manifests = numbers, .manifests_n = ARRAY_LEN(numbers)};

	return store_port().load(writer.conn, &needs, writer.arena, ret_loaded);
}

Test(store_recent, what_was_committed_is_remembered, .init = begin, .fini = end)
{
	struct loaded loaded;

	cr_assert_eq(load(&loaded), STORE_OK);
	cr_assert_eq(loaded.manifests_n, 2);
	for (unsigned i = 0; i < 2; i++) {
		const struct manifest *expected = world_manifest(world, NUMBER(i + 1));
		cr_assert_eq(loaded.manifests[i].number, NUMBER(i + 1));
		cr_assert_eq(loaded.manifests[i].state, expected->state);
		cr_assert(digest_eq(manifest_head(&loaded.manifests[i]), manifest_head(expected)));
	}
}

Test(store_recent, recovery_reads_anew, .init = begin, .fini = end)
{
	struct recovered r = {.arena = writer.arena};
	struct loaded loaded;

	cr_assert_eq(recover(writer.conn, &r), STORE_OK);
	cr_assert_eq(load(&loaded), STORE_CORRUPT);
}

Test(store_recent, a_commit_that_fails_is_forgotten, .init = begin, .fini = end)
{
	struct loaded loaded;

	issue(NUMBER(3));
	ask(pg, "UPDATE log_head SET epoch = epoch + 1");
	cr_assert_eq(writer_commit(&writer), STORE_DEPOSED);
	cr_assert_eq(load(&loaded), STORE_CORRUPT);
}

Test(store_recent, a_lost_session_forgets, .init = begin, .fini = end)
{
	struct recovered r = {.arena = writer.arena};
	struct loaded loaded;

	/* Other tests' sessions are in databases of their own. */
	ask(pg, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
		"WHERE datname = current_database() AND application_name LIKE 'manifestd %'");
	(void)load(&loaded); /* what it remembers needs no session; NUMBER(7) does */
	cr_assert_eq(recover(writer.conn, &r), STORE_OK);
	cr_assert_eq(load(&loaded), STORE_CORRUPT);
}

Test(store_recent, slots_are_few_and_states_small)
{
	static uint8_t bytes[5000];
	struct recent *r = recent_new();

	cr_assert_not_null(r);
	for (uint64_t i = 1; i <= 100000; i++) {
		bytes[0] = (uint8_t)i;
		recent_put(r, NUMBER(i), span_of(bytes, 300));
		struct span got = recent_get(r, NUMBER(i));
		cr_assert(got.n == 300 && ((const uint8_t *)got.p)[0] == (uint8_t)i);
	}
	size_t kept = 0;
	for (uint64_t i = 1; i <= 100000; i++) {
		struct span got = recent_get(r, NUMBER(i));
		kept += got.n > 0;
		cr_assert(got.n == 0 || ((const uint8_t *)got.p)[0] == (uint8_t)i);
	}
	cr_assert(kept > 4000 && kept <= 8192, "%zu", kept);
	recent_put(r, NUMBER(100000), span_of(bytes, 5000));
	cr_assert_eq(recent_get(r, NUMBER(100000)).n, 0, "too large: the old state is gone too");
	recent_put(r, NUMBER(1), span_of(bytes, 10));
	recent_clear(r);
	cr_assert_eq(recent_get(r, NUMBER(1)).n, 0);
	recent_free(r);
	recent_put(NULL, 1, span_of(bytes, 10));
	cr_assert_eq(recent_get(NULL, 1).n, 0);
}
