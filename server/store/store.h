/*
 * The store: PostgreSQL behind ports.h's store_port. A struct store_conn is one connection; it belongs to one
 * thread, and all of its functions block. The writer's connection holds the lease: a session's advisory lock,
 * which goes with the session, and the epoch in the head row, which fences whoever held it before.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "ports.h"

struct store_conn;

enum store_kind { STORE_WRITER, STORE_READER, STORE_OWNER };

struct store_options {
	const char *conninfo;   /* libpq keywords or URI; several hosts are allowed */
	const char *high_water; /* writer: path of the high-water file, outside the database */
	unsigned timeout_ms; /* the longest wait for one answer; 0: 60000 for a writer, 15000 for a reader */
	/* writer: recover() marks the database, empties what an earlier run left, and leaves a log that is
	 * there and not marked as it is. Without it recover() refuses a marked one. */
	bool rebuilding;
};

/* Connects only when it is used. Strings are copied. NULL: no memory. */
struct store_conn *store_conn_new(enum store_kind kind, const struct store_options *options) MUST_CHECK;
void store_conn_free(struct store_conn *c); /* NULL is allowed; gives the lease up */

/* What went wrong last, for the log and the operator, and what to do about it; never NULL. */
const char *store_error(const struct store_conn *c);

/* The functions of ports.h; `conn` arguments are struct store_conn. */
struct store_port store_port(void);

/* Takes the lease if nobody holds it, without waiting. recover() then raises the epoch. */
enum store_result store_lease_try(struct store_conn *c, bool *ret_held) MUST_CHECK;

/* The head as it stands, without any lock: for a server that waits for the lease and serves reads. */
enum store_result store_head(struct store_conn *c, struct log_head *ret_head) MUST_CHECK;

/* How many entries there are by the last of them, whatever the head counts. */
enum store_result store_log_end(struct store_conn *c, uint64_t *ret_size) MUST_CHECK;

/* Whether a rebuild of this database was begun and has not ended. */
enum store_result store_unfinished(struct store_conn *c, bool *ret_unfinished) MUST_CHECK;
/* The rebuild has ended: takes the mark off, in the session that put it on. */
enum store_result store_rebuilt(struct store_conn *c) MUST_CHECK;

/* What the writer's high-water file keeps (size and root; size 0: nothing yet). False: see store_error(). */
bool store_high_water_get(struct store_conn *c, struct log_head *ret_head) MUST_CHECK;

/* The largest stored checkpoint of at most `size`; n 0: none. */
enum store_result store_checkpoint(struct store_conn *c, uint64_t size, struct arena *arena,
				   struct span *ret_note) MUST_CHECK;

/* One reference file, as loaded by the migration command; n 0: there is none. */
enum store_result store_reference(struct store_conn *c, enum reference_kind kind, struct span edition,
				  struct arena *arena, struct span *ret_file) MUST_CHECK;

/* The refused envelope that a fork's flag names, on a connection that is open; n 0: it is not kept. */
enum store_result store_evidence(struct store_conn *c, uint64_t number, uint64_t flag, struct arena *arena,
				 struct span *ret_envelope) MUST_CHECK;

/* ---- `manifestd person`: on a connection of the owner's ---- */

struct person_record {
	bool registered; /* in the log: by entry `index`, for `party`, as SHA-256(salt || value) */
	uint64_t index;
	struct party_ref party;
	struct digest digest;
	bool kept; /* outside the log */
	struct span salt;
	struct span value;
	bool matches; /* both, and they belong together */
};

/* Keeps what an id stands for; `salt` is 32 bytes. STORE_DATA: not what the log registers, something else is
 * kept already, or a malformed value; store_error() says which. */
enum store_result store_person_put(struct store_conn *c, struct span person, struct span salt,
				   struct span value) MUST_CHECK;
enum store_result store_person_get(struct store_conn *c, struct span person, struct arena *arena,
				   struct person_record *ret_record) MUST_CHECK;
/* From the table and its file; backups and archived WAL keep it for as long as they are kept. The log is as
 * it was, and nobody can tell any more whom an id meant. */
enum store_result store_person_erase(struct store_conn *c, struct span person, bool *ret_erased) MUST_CHECK;

/* ---- `manifestd migrate` ---- */

/* A line for the operator about what was done. */
typedef void (*store_report_fn)(void *self, const char *line);

enum { STORE_MESSAGE_SIZE = 512 };

/*
 * Brings a database up to this program: makes the roles if they are missing, applies the migrations of
 * schema_dir/migrations in order, each in its transaction with its SHA-256, makes partitions ahead and loads
 * the reference files of schema_dir/data/KIND/EDITION.csv. Does nothing twice. Refuses a migration that was
 * changed after it was applied, a database newer than this program, and another content for an edition that
 * was loaded. On failure ret_message says what to do.
 */
enum store_result store_migrate(const char *conninfo, const char *schema_dir, store_report_fn report,
				void *report_self, char ret_message[STORE_MESSAGE_SIZE]) MUST_CHECK;

#endif
