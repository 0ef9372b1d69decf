/*
 * For tests of the store's questions: a small city in a database of its own, of which a reader asks.
 *
 * Manifests 1 to 8 are issued only and overdue for collection, 9 to 11 lived their whole life, the tenth with
 * two transporters; the other generator issued one more.
 */
#ifndef TESTS_STORE_CITY_H
#define TESTS_STORE_CITY_H

#include "store/store.h"
#include "store_support.h"

extern struct world *world;
extern struct writer writer;
extern struct store_conn *reader;
extern struct arena *arena;

/* For a test's .init and .fini. */
void city_begin(void);
void city_end(void);

extern const struct scope everything;
struct scope own(enum device device);
struct scope area(const char *division);

/* Asks; a failure fails the test. The answers live in the arena. */
struct answers city_run(const struct query *query, const struct scope *scope);
size_t city_count(struct query query, struct scope scope);

#define SEARCH(...) ((struct query){.kind = QUERY_SEARCH, __VA_ARGS__})
#define FLAGS(...)  ((struct query){.kind = QUERY_FLAGS, __VA_ARGS__})

#endif
