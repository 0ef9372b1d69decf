#include "store_city.h"

#include <criterion/criterion.h>

enum { ISSUED_ONLY = 8, WHOLE = 3 };

struct world *world;
struct writer writer;
struct store_conn *reader;
struct arena *arena;

void city_begin(void)
{
	const char *conninfo = fresh_database();
	struct digest head;

	world = world_new();
	for (unsigned i = 1; i <= ISSUED_ONLY; i++) {
		struct event e = world_issued(world, NUMBER(i));
		world_accept(world, SIGN(world, &e, GENERATOR));
		world->now += MICROS_PER_SECOND;
	}
	for (unsigned i = 1; i <= WHOLE; i++) {
		struct event e = world_issued(world, NUMBER(ISSUED_ONLY + i));
		head = world_accept(world, SIGN(world, &e, GENERATOR));
		e = world_step(world, EVENT_LOADED, e.number, &head);
		head = world_accept(world, SIGN(world, &e, GENERATOR, HAULER));
		enum device last = HAULER;
		if (i == 2) { /* the tenth goes on with another transporter */
			e = world_step(world, EVENT_HANDED_OVER, e.number, &head);
			last = OTHER_HAULER;
			head = world_accept(world, SIGN(world, &e, HAULER, OTHER_HAULER));
		}
		e = world_step(world, EVENT_DELIVERED, e.number, &head);
		e.transfer.from = world_party(last);
		head = world_accept(world, SIGN(world, &e, last, FACILITY));
		e = world_step(world, EVENT_RECEIVED, e.number, &head);
		head = world_accept(world, SIGN(world, &e, FACILITY));
		e = world_step(world, EVENT_TREATED, e.number, &head);
		head = world_accept(world, SIGN(world, &e, FACILITY));
		world->now += MICROS_PER_SECOND;
	}
	struct event other = world_issued(world, NUMBER(OTHER_BLOCK));
	other.issued.generator = world_party(OTHER_GENERATOR);
	world_accept(world, SIGN(world, &other, OTHER_GENERATOR));
	world->now += INT64_C(30) * 86400 * MICROS_PER_SECOND;
	world_sweep(world);
	writer_begin(&writer, conninfo, world);
	cr_assert_eq(writer_commit(&writer), STORE_OK, "%s", store_error(writer.conn));
	reader = open_store(STORE_READER, conninfo);
	arena = arena_new(16 << 20);
}

void city_end(void)
{
	arena_free(arena);
	store_conn_free(reader);
	writer_end(&writer);
	world_free(world);
}

const struct scope everything = {.all = true};

struct scope own(enum device device)
{
	return (struct scope){.party = world_party_no(world, device)};
}

struct scope area(const char *division)
{
	return (struct scope){.division = span_str(division)};
}

struct answers city_run(const struct query *query, const struct scope *scope)
{
	struct answers answers;
	enum store_result r = store_port().query(reader, query, scope, arena, &answers);

	cr_assert_eq(r, STORE_OK, "%d: %s", r, store_error(reader));
	return answers;
}

size_t city_count(struct query query, struct scope scope)
{
	return city_run(&query, &scope).n;
}
