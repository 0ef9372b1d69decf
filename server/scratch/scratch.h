/*
 * Scratch: a temporary table of bytes by bytes, in order, as large as the disk and gone when it is closed.
 * For work over more rows than memory should hold. One thread puts; when all is put any number reads.
 */
#ifndef SCRATCH_SCRATCH_H
#define SCRATCH_SCRATCH_H

#include "base/span.h"

struct scratch;

enum { SCRATCH_KEY_MAX = 511, SCRATCH_ERROR_SIZE = 256 };

/* In `folder`, of at most `size` bytes of which only those used are taken. NULL: ret_error says why. */
struct scratch *scratch_open(const char *folder, uint64_t size,
			     char ret_error[SCRATCH_ERROR_SIZE]) MUST_CHECK;
void scratch_close(struct scratch *s);

/* Borrowed until the next put or hold. p == NULL: there is none. */
struct span scratch_get(struct scratch *s, struct span key) MUST_CHECK;
/* Adds or replaces. False: the key is too long, or the disk is full: see scratch_error(). */
bool scratch_put(struct scratch *s, struct span key, struct span value) MUST_CHECK;
/* The same for a row that is replaced again soon: it stays in memory for a while. No reader finds it before
 * all is settled, and a key that was held is held from then on, not put. */
bool scratch_hold(struct scratch *s, struct span key, struct span value) MUST_CHECK;
const char *scratch_error(const struct scratch *s);

/* Once. From here on nothing is put or got; readers see all. False: the disk is full. */
bool scratch_settle(struct scratch *s) MUST_CHECK;

/* Gives the rows in order. */
struct scratch_reader;
/* One thread's, of a settled one; what it gives stays until it is freed. NULL: no memory. */
struct scratch_reader *scratch_reader_new(const struct scratch *s) MUST_CHECK;
void scratch_reader_free(struct scratch_reader *r);
/* The first row at or after `key`; false: there is none. */
bool scratch_reader_seek(struct scratch_reader *r, struct span key, struct span *ret_key,
			 struct span *ret_value) MUST_CHECK;
/* The row after the last one that seek or next gave. */
bool scratch_reader_next(struct scratch_reader *r, struct span *ret_key, struct span *ret_value) MUST_CHECK;

#endif
