/*
 * Reading whole tables: one snapshot for any number of connections, and rows as they come, in binary form,
 * without ever holding more than one. Blocks; each connection belongs to one thread.
 */
#ifndef STORE_COPY_H
#define STORE_COPY_H

#include "store/store.h"

enum { COPY_COLUMNS_MAX = 20, SNAPSHOT_SIZE = 64 };

/* Begins a transaction that sees one moment, for as long as it takes, in which a table that is read without
 * an order comes as it lies. `snapshot` "" exports a new one into it; else the transaction sees that one,
 * while the connection that exported it is in its own. */
enum store_result store_snapshot(struct store_conn *c, char snapshot[SNAPSHOT_SIZE]) MUST_CHECK;

/* Begins COPY (sql) TO STDOUT. */
enum store_result store_copy(struct store_conn *c, const char *sql) MUST_CHECK;
/* The next row: exactly `n` cells, borrowed until the next call; p == NULL is NULL. *ret_end: there is no
 * more. */
enum store_result store_copy_row(struct store_conn *c, size_t n, struct span *ret_cells,
				 bool *ret_end) MUST_CHECK;

/* The same in bytes: each cell after its length, as row_split() takes them. */
enum store_result store_copy_bytes(struct store_conn *c, size_t n, struct span *ret_row,
				   bool *ret_end) MUST_CHECK;

/* An integer of 1 to 8 bytes; NULL is 0. */
int64_t copy_int(struct span cell);

#endif
