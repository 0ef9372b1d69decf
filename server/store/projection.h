/*
 * The tables as they follow from the log, beside the database: every statement that a batch would send is
 * taken and carried out on rows in a temporary file, from which the next batches are loaded. So the columns
 * are made by the same code that fills the database, and both can be compared row by row. One thread's until
 * it is settled; then tables are compared by any number of threads.
 */
#ifndef STORE_PROJECTION_H
#define STORE_PROJECTION_H

#include "replay/finding.h"
#include "scratch/scratch.h"
#include "store/store.h"

struct projection;

/* Both are borrowed; the connection need not be open. NULL: no memory. */
struct projection *projection_new(struct store_conn *c, struct scratch *scratch) MUST_CHECK;
void projection_free(struct projection *p);

/* As in struct store_port; STORE_UNAVAILABLE: no memory, or the disk is full: see store_error(). */
enum store_result projection_load(struct projection *p, const struct needs *needs, struct arena *arena,
				  struct loaded *ret_loaded) MUST_CHECK;
enum store_result projection_commit(struct projection *p, const struct commit *commit) MUST_CHECK;
/* Hashes [first, first + n) of a level, of full tiles. False: they are not there. */
bool projection_hashes(struct projection *p, unsigned level, uint64_t first, size_t n,
		       struct digest *ret_hashes) MUST_CHECK;

/* Nothing is committed or loaded any more. */
enum store_result projection_settle(struct projection *p) MUST_CHECK;

enum { PROJECTION_TABLES_MAX = 32 };

/* Which tables are compared; NULL: no more. */
const char *projection_table(size_t i);
/* The one with the most rows by far. */
size_t projection_largest(void);

struct projection_report {
	void *self;
	void (*finding)(void *self, const struct finding *finding);
	void (*progress)(void *self, const char *table, uint64_t rows);
	const struct registry *registry; /* by which a manifest's deadlines are computed again */
	micros overdue; /* manifests whose deadline passed before this without a flag are reported */
};

/*
 * Names what stands between the rows and who asks for them, and is not of this version's schema: by it the
 * database could give an audit other answers than an inspector, or keep a row out.
 */
enum store_result projection_schema(struct store_conn *c, const struct projection_report *report) MUST_CHECK;

/*
 * Compares one table with what is stored, through a connection whose snapshot was begun by store_snapshot().
 * *ret_rows: how many are stored. After a clock was changed the server computes the deadlines of all open
 * manifests again, little by little: a row is right before and after. *ret_under_way: how many are as before.
 */
enum store_result projection_compare(const struct projection *p, size_t table, struct store_conn *c,
				     const struct projection_report *report, uint64_t *ret_rows,
				     uint64_t *ret_under_way) MUST_CHECK;

#endif
