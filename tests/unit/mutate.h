/*
 * Generates, from the schema's own rows, messages that break exactly one limit and messages that stand
 * exactly on one: what the tests of the codec go through.
 */
#ifndef TESTS_MUTATE_H
#define TESTS_MUTATE_H

#include "wire/schema.h"

struct mutation {
	const struct field *field;
	const char *path; /* where the problem must be reported */
	const char *what; /* for the failure's message */
	bool good;        /* on the limit, not beyond it */
};

/* Bytes of the mutated message. */
typedef void (*mutation_fn)(void *self, const struct mutation *mutation, struct span bytes);

/* Goes through all fields, at every depth, that are there in the (good) message. */
void mutate(const struct message *m, struct span good, mutation_fn each, void *self);

/* Whether a row can be broken at all: it has a limit that its type does not already have. */
bool field_has_limit(const struct field *f, const ProtobufCFieldDescriptor *d);

#endif
