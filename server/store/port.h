/* The functions behind store_port(), by file, and what they share. Private to the store. */
#ifndef STORE_PORT_H
#define STORE_PORT_H

#include "store/conn.h"

/* recover.c */
enum store_result store_recover(void *conn, const struct recovery_sink *sink, struct log_head *ret_head,
				struct span *ret_checkpoint, struct arena *arena) MUST_CHECK;
/* Makes room for the entries from `size` on. */
enum store_result partitions_ahead(struct store_conn *c, uint64_t size) MUST_CHECK;

/* kept.c: the largest checkpoint of at most `size`, on a connection that is open */
enum store_result read_checkpoint(struct store_conn *c, uint64_t size, struct arena *arena,
				  struct span *ret_note) MUST_CHECK;

/* load.c */
enum store_result store_load(void *conn, const struct needs *needs, struct arena *arena,
			     struct loaded *ret_loaded) MUST_CHECK;
enum store_result store_due(void *conn, micros now, size_t limit, struct arena *arena, uint64_t **ret_numbers,
			    size_t *ret_n) MUST_CHECK;
enum store_result store_open_manifests(void *conn, uint64_t after, size_t limit, struct arena *arena,
				       uint64_t **ret_numbers, size_t *ret_n) MUST_CHECK;

/* commit.c; commit_manifest.c and commit_registry.c send what is theirs within the transaction */
enum store_result store_commit(void *conn, const struct commit *commit) MUST_CHECK;
enum store_result store_cosigned(void *conn, uint64_t size, struct span note) MUST_CHECK;
/* All that is computed from the entries, without them and the head. */
void send_derived(struct pipeline *p, const struct commit *commit);
void send_manifests(struct pipeline *p, const struct commit *commit);
void send_flags(struct pipeline *p, const struct commit *commit);
void send_registry(struct pipeline *p, const struct commit *commit);
/* A waste code as manifest_term has it: its eight digits; 0: it is not one. */
int64_t term_of_code(struct span code);

/* high_water.c and its use */
bool store_high_water(void *conn, const struct log_head *head) MUST_CHECK;

/* read.c */
enum store_result store_tiles(void *conn, const struct tile_id *ids, size_t n,
			      struct digest *const *ret_hashes) MUST_CHECK;
enum store_result store_hashes(void *conn, uint8_t level, uint64_t first, size_t n,
			       struct digest *ret_hashes) MUST_CHECK;
enum store_result store_entries(void *conn, const uint64_t *indexes, size_t n, struct arena *arena,
				struct entry_view *ret_entries) MUST_CHECK;
enum store_result read_hashes(struct store_conn *c, uint8_t level, uint64_t first, size_t n,
			      struct digest *ret_hashes) MUST_CHECK;

/* query.c */
enum store_result store_query(void *conn, const struct query *query, const struct scope *scope,
			      struct arena *arena, struct answers *ret_answers) MUST_CHECK;

#endif
