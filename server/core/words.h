/*
 * The numbers of the protocol as words, for every program: what is typed, sent in JSON and asked over HTTP
 * (name: as in proto/manifest.proto, without the prefix, in lower case), and what people read, in English and
 * Chinese.
 */
#ifndef CORE_WORDS_H
#define CORE_WORDS_H

#include "base/span.h"

struct word {
	int value;
	const char *name;
	const char *en;
	const char *zh;
};

/* Each ends with a row whose name is NULL. */
extern const struct word role_words[];
extern const struct word event_words[];
extern const struct word state_words[];
extern const struct word flag_words[];
extern const struct word class_words[];
extern const struct word packaging_words[];
extern const struct word form_words[];
extern const struct word decision_words[];
extern const struct word attest_words[];
extern const struct word resolution_words[];
extern const struct word refusal_words[];
extern const struct word leg_words[];
extern const struct word reference_words[];

const struct word *word_of(const struct word *words,
			   int value); /* never NULL: empty texts when there is none */
const struct word *word_named(const struct word *words, struct span name); /* NULL: none */

#endif
