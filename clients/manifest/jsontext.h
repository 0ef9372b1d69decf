/* Small helpers around jansson, for files that are read strictly. */
#ifndef MANIFEST_JSONTEXT_H
#define MANIFEST_JSONTEXT_H

#include <jansson.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "crypto/digest.h"

/* NULL: not one JSON object. */
json_t *json_object_parse(struct span text);
/* A member that is text; false: there is none. The span is the JSON value's. */
bool json_take_text(const json_t *object, const char *name, struct span *ret_text) MUST_CHECK;
/* A 64-bit integer written as a string. */
bool json_take_u64(const json_t *object, const char *name, uint64_t *ret_value) MUST_CHECK;
bool json_take_hex(const json_t *object, const char *name, struct digest *ret_digest) MUST_CHECK;
/* Base64 of any length, into the arena. */
bool json_take_base64(const json_t *object, const char *name, struct arena *arena,
		      struct span *ret_bytes) MUST_CHECK;

json_t *json_of_span(struct span s); /* "" when it is not UTF-8 */
json_t *json_of_u64(uint64_t v);     /* as a string */
json_t *json_of_i64(int64_t v);
json_t *json_of_digest(const struct digest *d);
json_t *json_of_base64(struct span s);

/* Appends the text with an LF. */
bool json_put(const json_t *value, struct buffer *to) MUST_CHECK;

/*
 * Copies JSON and makes of every number outside a string a string that begins with the mark, so that numbers
 * keep their digits. What is no number by RFC 8259 stays as it is, for the parser to refuse.
 */
enum { JSON_NUMBER_MARK = 0x01 };
void json_quote_numbers(struct span file, struct buffer *to);

#endif
