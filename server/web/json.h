/*
 * JSON as all of this interface writes it, over jansson: 64-bit integers as strings, digests as lowercase
 * hex, instants twice (microseconds, and RFC 3339 in Asia/Shanghai under the same name with _text), parties
 * as CREDIT-CODE-SITE; what is absent is null. Want of memory is remembered, and found once, at the end, by
 * json_finish().
 */
#ifndef WEB_JSON_H
#define WEB_JSON_H

#include <jansson.h>

#include "base/buffer.h"
#include "core/event.h"

struct making {
	bool failed;
};

/* NULL, which marks it as failed, is taken by everything below for an object, an array or a value. */
json_t *json_begin(struct making *m);
json_t *json_begin_list(struct making *m);
/* The value is owned from here on. */
void json_append(struct making *m, json_t *list, json_t *value);
void json_set(struct making *m, json_t *object, const char *key, json_t *value); /* owns the value */
void json_set_text(struct making *m, json_t *object, const char *key, struct span text);
void json_set_u64(struct making *m, json_t *object, const char *key, uint64_t value);
void json_set_i64(struct making *m, json_t *object, const char *key, int64_t value);
void json_set_digest(struct making *m, json_t *object, const char *key,
		     const struct digest *digest);                                /* zero: null */
void json_set_time(struct making *m, json_t *object, const char *key, micros at); /* 0: null */
void json_set_party(struct making *m, json_t *object, const char *key, const struct party_ref *party);
void json_set_number(struct making *m, json_t *object, const char *key,
		     uint64_t number); /* of a manifest; 0: null */
json_t *json_party(const struct party_ref *party);

/* Appends the text and a LF, and frees the object. False: something was missing, or the buffer is broken. */
bool json_finish(const struct making *m, json_t *object, struct buffer *to) MUST_CHECK;

#endif
