/* A migration under way. Private to the store: migrate.c decides, migrate_files.c reads the files. */
#ifndef STORE_MIGRATE_H
#define STORE_MIGRATE_H

#include "store/conn.h"

enum { MIGRATION_NAME_MAX = 100, MIGRATION_FILE_MAX = 8 * 1024 * 1024 };

struct migration_file {
	int number;
	char name[MIGRATION_NAME_MAX]; /* "001_log.sql" */
	char *text;                    /* owned, with a NUL after it */
	struct digest sha256;
};

struct migration {
	const char *conninfo;
	const char *schema_dir;
	store_report_fn report; /* or NULL */
	void *report_self;
	PGconn *pg;
	struct migration_file files[SCHEMA_VERSION]; /* by number, from 1 */
	size_t files_n;
	char message[STORE_MESSAGE_SIZE]; /* why it failed, and what to do */
};

void migration_fail(struct migration *m, const char *fmt, ...) PRINTF_LIKE(2, 3);
void migration_say(struct migration *m, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Rows, or NULL after a failure that is explained; `what` begins the explanation. */
PGresult *migration_query(struct migration *m, const char *what, const char *sql,
			  const struct params *p) MUST_CHECK;
bool migration_run(struct migration *m, const char *what, const char *sql) MUST_CHECK;

/* Reads schema_dir/migrations: exactly the numbers from 1 to SCHEMA_VERSION. */
bool migration_read_files(struct migration *m) MUST_CHECK;
/* Loads what is new in schema_dir/data. */
bool migration_load_references(struct migration *m) MUST_CHECK;
void migration_free_files(struct migration *m);

#endif
