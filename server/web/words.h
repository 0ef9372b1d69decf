/*
 * The words that JSON and query parameters use for enum numbers: the names of proto/manifest.proto without
 * their prefix, in lower case. Pure.
 */
#ifndef WEB_WORDS_H
#define WEB_WORDS_H

#include "base/buffer.h"

enum word_list {
	WORDS_FLAG_KIND,
	WORDS_STATE, /* of a manifest */
	WORDS_ROLE,
	WORDS_CLASS, /* of a generator */
	WORDS_REFUSAL,
	WORDS_PATH_STATE, /* of the server; not in the proto file */
	WORD_LISTS,
};

/* "" for a number that has no word. */
const char *word_of(enum word_list list, int number);
/* Numbers with a word only. */
bool word_parse(enum word_list list, struct span word, int *ret_number) MUST_CHECK;
/* Appends all words, a comma and a space between them. */
void words_put(enum word_list list, struct buffer *to);

#endif
