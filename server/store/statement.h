/*
 * Every prepared statement, in one table. They are prepared when a connection is made, so that a database
 * that does not fit the program is noticed then and not under load.
 */
#ifndef STORE_STATEMENT_H
#define STORE_STATEMENT_H

#include "store/store.h"

enum statement {
	ST_BEGIN,
	ST_BEGIN_SNAPSHOT,
	ST_COMMIT,
	ST_ROLLBACK,
	ST_PLAN_EACH,
	/* the lease and the head */
	ST_LOCK,
	ST_HEAD_LOCKED,
	ST_EPOCH_RAISE,
	ST_HEAD,
	ST_PARTITIONS,
	/* recovery */
	ST_UNFINISHED,
	ST_REBUILD_BEGIN,
	ST_REBUILD_END,
	ST_PATIENCE,
	ST_LOG_END,
	ST_CHECKPOINT_AT,
	ST_COSIGNED_LAST,
	ST_REFERENCES,
	ST_REFERENCE,
	ST_REGISTRY_ENTRIES,
	ST_RANGES,
	ST_LEAVES,
	ST_ROOTS,
	ST_TILES,
	ST_TILES_AT,
	ST_ENTRIES,
	ST_PARTY_NOS,
	/* load */
	ST_LOAD_MANIFESTS,
	ST_LOAD_NUMBERS,
	ST_LOAD_FLAGS,
	ST_DUE,
	ST_OPEN,
	/* commit */
	ST_ADVANCE,
	ST_ENTRY,
	ST_RUNNING_NUMBER,
	ST_REGISTRY_ENTRY,
	ST_MANIFEST_NEW,
	ST_MANIFEST,
	ST_TERM,
	ST_TERM_TRANSPORTER,
	ST_TERM_PLATE,
	ST_TILE,
	ST_CHECKPOINT,
	ST_COSIGNED,
	ST_VOIDED,
	ST_FLAG_RAISE,
	ST_FLAG_PARTY,
	ST_FLAG_CLOSE,
	ST_EVIDENCE,
	ST_PARTY,
	ST_KEY,
	ST_PERSON,
	ST_VEHICLE,
	ST_PERMIT,
	ST_PERMIT_REVOKE,
	ST_BLOCK,
	ST_SETTING,
	STATEMENTS,
};

struct statement_row {
	const char *name;
	const char *sql;
	bool writer_only;
};

extern const struct statement_row statement_rows[STATEMENTS];

#endif
