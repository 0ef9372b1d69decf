/*
 * For tests of the store: a PostgreSQL cluster of the test program's own, which is there from before its
 * first test until after its last, a fresh migrated database for each test, and the small city of fixture.h
 * put into it. Whatever goes wrong in here fails the test.
 */
#ifndef TESTS_STORE_SUPPORT_H
#define TESTS_STORE_SUPPORT_H

#include <libpq-fe.h>

#include "core/tree.h"
#include "fixture.h"
#include "store/store.h"

/* A database made from the template; libpq keywords, in static memory. */
const char *fresh_database(void);
/* An empty one, not migrated. */
const char *empty_database(void);

/* One more connection, as the cluster's owner, for looking and for doing harm. */
PGconn *look(const char *conninfo);
/* Runs it and gives the first cell as text, in static memory; the SQLSTATE as "!NNNNN" when it was refused.
 */
const char *ask(PGconn *pg, const char *sql);

struct store_conn *open_store(enum store_kind kind, const char *conninfo);

/* What recover() reported. */
struct recovered {
	const struct log_head *known; /* given */
	struct log_head head;
	struct span checkpoint;
	struct span cosigned;
	struct arena *arena;
	size_t references;
	size_t entries;
	uint64_t last_entry;
	size_t ranges;
	struct {
		key_no key;
		uint64_t first, last;
		micros since;
	} range[64];
	struct digest hashes[TILE_LEVELS][TILE_WIDTH];
	size_t stop_after; /* entries; 0: never */
};
enum store_result recover(struct store_conn *c, struct recovered *ret_recovered);

/* The log as its writer has it: what was committed, the tree, the head. */
struct writer {
	struct store_conn *conn;
	struct world *world;
	struct tree *tree;
	struct log_head head;
	struct arena *arena;
};

void writer_begin(struct writer *w, const char *conninfo, struct world *world);
void writer_end(struct writer *w);
/*
 * Commits what the world has accepted since: its entries, numbers, flags, evidence, registry rows, and all of
 * its manifests as they stand. On STORE_OK the tree and the head go on.
 */
enum store_result writer_commit(struct writer *w);

#endif
