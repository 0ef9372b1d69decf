/*
 * Where a log is read from: a server's HTTP port, or a folder that holds a copy in the same layout (C2SP
 * tlog-tiles). Nothing that comes from a source is believed here: whoever asks has the hashes to check it by.
 */
#ifndef MANIFEST_LOG_SOURCE_H
#define MANIFEST_LOG_SOURCE_H

#include "base/buffer.h"
#include "core/tile.h"
#include "libmanifest/failure.h"

struct log_source;

/* Whether it has one of the forms that log_source_http() takes. */
bool log_source_url(const char *url) MUST_CHECK;
/*
 * `url` is http://HOST:PORT, https://HOST, or unix:/PATH for a socket. `token` (copied; n 0: none) is shown
 * for bundles only. NULL: no memory.
 */
struct log_source *log_source_http(const char *url, struct span token) MUST_CHECK;
struct log_source *log_source_folder(const char *folder) MUST_CHECK;
void log_source_free(struct log_source *source);

/* Appends what was read. What is missing fails with MFT_FAULT_PROTOCOL; a server that is busy is asked again
 * a few times. */
bool log_source_checkpoint(struct log_source *source, struct buffer *to,
			   struct mft_failure *ret_failure) MUST_CHECK;
/* At least the hashes that the tile names: a folder may have them in a wider tile. */
bool log_source_tile(struct log_source *source, const struct tile_id *id, struct buffer *to,
		     struct mft_failure *ret_failure) MUST_CHECK;
bool log_source_bundle(struct log_source *source, const struct tile_id *id, struct buffer *to,
		       struct mft_failure *ret_failure) MUST_CHECK;

#endif
