/*
 * A proof's hashes as C2SP's formats write them (tlog-proof, tlog-witness): one a line in base64, then an
 * empty line. Pure.
 */
#ifndef CORE_HASH_LINES_H
#define CORE_HASH_LINES_H

#include "base/buffer.h"
#include "crypto/digest.h"

void hash_lines_put(struct buffer *to, const struct digest *hashes, size_t n);
/* Cuts them off the front of `rest`, the empty line too. False: not exactly so, or more than cap. */
bool hash_lines_take(struct span *rest, struct digest *ret_hashes, size_t cap, size_t *ret_n) MUST_CHECK;

#endif
