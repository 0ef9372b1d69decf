/*
 * The high-water mark: the largest (size, root) that was ever signed, in a small file outside the database,
 * so that a database restored from an old copy, or another one put in its place, is not signed for. Two slots
 * are written in turn, each with its own checksum, and flushed: a torn write leaves the one before.
 */
#ifndef STORE_HIGH_WATER_H
#define STORE_HIGH_WATER_H

#include "crypto/digest.h"

struct high_water;

enum { HIGH_WATER_ERROR_SIZE = 448 };

/* Opens the file, or makes it (mode 0600, its folder flushed). NULL: ret_error says what is wrong: not such a
 * file, readable by nobody, held by another process. */
struct high_water *high_water_open(const char *path, char ret_error[HIGH_WATER_ERROR_SIZE]) MUST_CHECK;
void high_water_close(struct high_water *h); /* NULL is allowed */

/* What is kept; false: nothing yet. */
bool high_water_get(const struct high_water *h, uint64_t *ret_size, struct digest *ret_root) MUST_CHECK;

/* What a file keeps, for who does not own it: nothing is made, held or changed. Size 0: nothing yet. */
bool high_water_peek(const char *path, uint64_t *ret_size, struct digest *ret_root,
		     char ret_error[HIGH_WATER_ERROR_SIZE]) MUST_CHECK;

/* Keeps a larger size, durably. False: a smaller one, the same with another root, or it could not be written.
 */
bool high_water_raise(struct high_water *h, uint64_t size, const struct digest *root,
		      char ret_error[HIGH_WATER_ERROR_SIZE]) MUST_CHECK;

#endif
