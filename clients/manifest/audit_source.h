/* The entries of a database and the checkpoints beside them, as one feed. */
#ifndef MANIFEST_AUDIT_SOURCE_H
#define MANIFEST_AUDIT_SOURCE_H

#include "manifest/feed.h"
#include "store/copy.h"

struct audit_source;

/* Two connections, which see `snapshot`; both strings are borrowed. NULL: ret_error says why. */
struct audit_source *audit_source_new(const char *conninfo, char snapshot[SNAPSHOT_SIZE],
				      char ret_error[STORE_MESSAGE_SIZE]) MUST_CHECK;
void audit_source_free(struct audit_source *s);
struct feed_source audit_source_feed(struct audit_source *s);
/* After the feed has ended: why it failed; and the sizes of checkpoints that no entry ends. */
const char *audit_source_error(const struct audit_source *s);
size_t audit_source_strays(const struct audit_source *s, const int64_t **ret_sizes);

#endif
