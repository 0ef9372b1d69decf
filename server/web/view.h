/*
 * Answers as JSON: the views of core/query.h, one function for each kind of query, and refusals. Field names
 * are those of proto/manifest.proto. Pure.
 */
#ifndef WEB_VIEW_H
#define WEB_VIEW_H

#include "base/problem.h"
#include "path/path.h"

/* Appends the answer to `to`. False: no memory, and what was appended is of no use. */
typedef bool (*view_fn)(const struct read_result *result, struct buffer *to);

bool view_flags(const struct read_result *result, struct buffer *to) MUST_CHECK;
bool view_manifests(const struct read_result *result, struct buffer *to) MUST_CHECK;
bool view_manifest(const struct read_result *result, struct buffer *to) MUST_CHECK; /* of one */
bool view_trail(const struct read_result *result, struct buffer *to) MUST_CHECK;
bool view_summary(const struct read_result *result, struct buffer *to) MUST_CHECK; /* of one */
bool view_blocks(const struct read_result *result, struct buffer *to) MUST_CHECK;

bool view_refusal(enum refusal_kind kind, const struct problems *problems, struct buffer *to) MUST_CHECK;

#endif
