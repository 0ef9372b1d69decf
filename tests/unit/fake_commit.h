/* What the two files of the fake store share. */
#ifndef TESTS_FAKE_COMMIT_H
#define TESTS_FAKE_COMMIT_H

#include "fake_store.h"

extern const struct fake_file {
	const char *edition;
	const char *path;
} fake_files[REFERENCE_CALENDAR + 1];

/* Counts the call in and says how it fails. */
enum fake_fault fake_fault(struct fake_conn *c, enum fake_call call);
enum store_result fake_result(enum fake_fault fault);
enum store_result fake_commit(void *conn, const struct commit *commit);

#endif
