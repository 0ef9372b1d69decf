/* What persons' ids stand for: kept beside the log, by the owner alone, and erased without touching the log.
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "store/store.h"
#include "store_support.h"

TestSuite(store_person, .timeout = 120);

#define WHO   span_str("SY-D-0001")
#define VALUE span_str("王小明 210102198001010011")

static const uint8_t salt_bytes[32] = {1, 2, 3, 4};
static const char *conninfo;
static struct world *world;
static struct writer writer;
static struct store_conn *owner;
static struct arena *arena;

static struct span salt(void)
{
	return span_of(salt_bytes, sizeof(salt_bytes));
}

static void begin(void)
{
	conninfo = fresh_database();
	world = world_new();
	writer_begin(&writer, conninfo, world);
	owner = open_store(STORE_OWNER, conninfo);
	arena = arena_new(1 << 20);
}

static void end(void)
{
	arena_free(arena);
	store_conn_free(owner);
	writer_end(&writer);
	world_free(world);
}

static void register_person(void)
{
	struct event e = world_event(world, EVENT_PERSON_REGISTERED);
	uint8_t both[200];
	size_t n = VALUE.n;

	memcpy(both, salt_bytes, sizeof(salt_bytes));
	memcpy(both + sizeof(salt_bytes), VALUE.p, n);
	e.person_registered = (struct person_registered){
	    .person = WHO, .party = world_party(HAULER), .digest = digest_of(span_of(both, 32 + n))};
	world_accept(world, SIGN(world, &e, REGISTRAR));
	cr_assert_eq(writer_commit(&writer), STORE_OK, "%s", store_error(writer.conn));
}

static struct person_record get(void)
{
	struct person_record record;

	cr_assert_eq(store_person_get(owner, WHO, arena, &record), STORE_OK, "%s", store_error(owner));
	return record;
}

static void put(struct span person, struct span value, enum store_result expected, const char *says)
{
	enum store_result r = store_person_put(owner, person, salt(), value);

	cr_assert_eq(r, expected, "%d: %s", r, store_error(owner));
	if (r != STORE_OK)
		cr_assert_not_null(strstr(store_error(owner), says), "%s", store_error(owner));
}

Test(store_person, what_is_kept_is_what_the_log_registers, .init = begin, .fini = end)
{
	struct party_ref hauler = world_party(HAULER);

	cr_assert_not(get().registered || get().kept);
	register_person();
	struct person_record record = get();
	cr_assert(record.registered && !record.kept && !record.matches);
	cr_assert(party_ref_eq(&record.party, &hauler));
	put(WHO, span_str("王大明"), STORE_DATA, "are not those that entry");
	put(WHO, VALUE, STORE_OK, NULL);
	put(WHO, VALUE, STORE_OK, NULL); /* again is nothing new */
	record = get();
	cr_assert(record.registered && record.kept && record.matches);
	cr_assert(span_eq(record.value, VALUE));
	cr_assert(span_eq(record.salt, salt()));
}

Test(store_person, before_it_is_registered, .init = begin, .fini = end)
{
	put(WHO, span_str("王大明"), STORE_OK, NULL);
	put(WHO, VALUE, STORE_DATA, "another salt or value");
	cr_assert_not(get().registered);
	register_person();
	struct person_record record = get();
	cr_assert(record.registered && record.kept && !record.matches, "it is seen that it is another");
}

Test(store_person, values_that_do_not_fit, .init = begin, .fini = end)
{
	put(span_str("王小明"), VALUE, STORE_DATA, "person_secret_person_check");
	put(span_str(""), VALUE, STORE_DATA, "person_secret_person_check");
	put(WHO, span_str(""), STORE_DATA, "person_secret_value_check");
	put(WHO, span_str("\xff"), STORE_DATA, "UTF8");
	cr_assert_eq(store_person_put(owner, WHO, span_str("short"), VALUE), STORE_DATA);
	cr_assert_not(get().kept);
}

Test(store_person, erasing_leaves_the_log_verifiable, .init = begin, .fini = end)
{
	PGconn *pg = look(conninfo);
	bool erased = false;
	char sql[200], root[2 * DIGEST_SIZE + 1];

	register_person();
	put(WHO, VALUE, STORE_OK, NULL);
	put(span_str("SY-D-0002"), VALUE, STORE_OK, NULL);
	ask(pg, "CHECKPOINT");
	(void)snprintf(sql, sizeof(sql), "SELECT pg_relation_filepath('manifest.person_secret')");
	char before[100];
	(void)snprintf(before, sizeof(before), "%s", ask(pg, sql));
	cr_assert_eq(store_person_erase(owner, WHO, &erased), STORE_OK, "%s", store_error(owner));
	cr_assert(erased);
	cr_assert_str_neq(ask(pg, sql), before, "the table was written anew");
	cr_assert_eq(store_person_erase(owner, WHO, &erased), STORE_OK);
	cr_assert_not(erased, "there is nothing left to erase");
	struct person_record record = get();
	cr_assert(record.registered && !record.kept, "the log still says that there was such a person");
	cr_assert_str_eq(ask(pg, "SELECT count(*) FROM person_secret"), "1");

	/* Every leaf is its entry's, and the root over all of them is the one that was signed. */
	cr_assert_str_eq(ask(pg, "SELECT count(*) FROM entry WHERE leaf <> sha256('\\x00'::bytea || entry)"),
			 "0");
	struct recovered r = {.arena = writer.arena};
	cr_assert_eq(recover(writer.conn, &r), STORE_OK, "%s", store_error(writer.conn));
	const struct digest *hashes[TILE_LEVELS];
	for (size_t i = 0; i < TILE_LEVELS; i++)
		hashes[i] = r.hashes[i];
	struct tree *tree = tree_restore(r.head.size, hashes);
	struct digest now = tree_root(tree);
	cr_assert(digest_eq(&now, &writer.head.root));
	tree_free(tree);
	digest_hex(&now, root);
	(void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM log_head WHERE root = '\\x%s'", root);
	cr_assert_str_eq(ask(pg, sql), "1");
	PQfinish(pg);
}

Test(store_person, nobody_else_reaches_them, .init = begin, .fini = end)
{
	static const enum store_kind kinds[] = {STORE_WRITER, STORE_READER};

	put(WHO, VALUE, STORE_OK, NULL);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct store_conn *c = open_store(kinds[i], conninfo);
		struct person_record record;
		bool erased;
		cr_assert_eq(store_person_get(c, WHO, arena, &record), STORE_UNAVAILABLE);
		cr_assert_not_null(strstr(store_error(c), "42501"), "%s", store_error(c));
		cr_assert_eq(store_person_erase(c, WHO, &erased), STORE_UNAVAILABLE);
		store_conn_free(c);
	}
	cr_assert(get().kept);
}
