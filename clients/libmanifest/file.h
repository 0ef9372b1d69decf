/*
 * Whole files: read within a limit, and replaced so that after a crash there is the old or the new one, never
 * half of either.
 */
#ifndef LIBMANIFEST_FILE_H
#define LIBMANIFEST_FILE_H

#include "base/buffer.h"
#include "libmanifest/failure.h"

/* "-" is the standard input. */
bool mft_file_read(const char *path, size_t max, struct buffer *to,
		   struct mft_failure *ret_failure) MUST_CHECK;
/* Written aside, flushed to disk, renamed, and the folder flushed. */
bool mft_file_replace(const char *path, struct span bytes, unsigned mode,
		      struct mft_failure *ret_failure) MUST_CHECK;
/* Makes the folder and those above it. */
bool mft_folder_make(const char *path, struct mft_failure *ret_failure) MUST_CHECK;
/* Flushes what was renamed in or removed from a folder. */
bool mft_folder_flush(const char *path, struct mft_failure *ret_failure) MUST_CHECK;

#endif
