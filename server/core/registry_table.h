/*
 * What the registry is made of: shared by registry.c (look-ups), registry_judge.c, registry_apply.c and
 * registry_numbers.c, and by nobody else.
 */
#ifndef CORE_REGISTRY_TABLE_H
#define CORE_REGISTRY_TABLE_H

#include "base/map.h"
#include "core/registry.h"

enum { PARTY_KEY_SIZE = CREDIT_CODE_SIZE + 4 };

/* Running numbers of a key that are missing: [first, last], all of them, or (coarse) some of them. */
struct gap {
	uint64_t first;
	uint64_t last;
	micros since;
	bool coarse;
};

enum { GAPS_MAX = 256 };

struct key_node {
	struct key_record record; /* first: a key_record of the registry is a key_node */
	struct gap *gaps;         /* ascending */
	size_t gaps_n;
	size_t gaps_cap;
	micros gaps_newest; /* no gap is younger */
};

/* Pointers to records by their dense number. */
struct table {
	void **at;
	size_t n;
	size_t cap;
};

struct offer { /* a reference file that an event may put to use */
	struct offer *next;
	enum reference_kind kind;
	struct span edition;
	struct span file;
	struct digest sha256;
};

struct registry {
	struct arena *arena;
	bool begun; /* genesis was applied */
	bool full;  /* an allocation failed */
	struct genesis genesis;
	struct law_settings settings;
	micros clocks_changed_at;
	struct reference *reference;
	struct offer *offers;

	struct map parties; /* by PARTY_KEY_SIZE bytes */
	struct map keys;    /* by keyid */
	struct map permits;
	struct map vehicles;
	struct map persons;
	struct table party_list; /* struct party_record */
	struct table key_list;   /* struct key_node */
	struct table blocks;     /* struct block_record, ascending */
	uint64_t *voided;        /* ascending */
	size_t voided_n;
	size_t voided_cap;
	size_t registrars;
};

const struct offer *registry_offer_find(const struct registry *r, const struct reference_loaded *loaded);
/* The first block that does not end before the number. */
size_t registry_block_at(const struct registry *r, uint64_t number);
/* Where the number is or belongs among the voided ones. */
size_t registry_voided_at(const struct registry *r, uint64_t number);
/* Computes key.missing_since and gaps_newest again. */
void registry_gaps_seen(struct key_record *key);

struct party_key {
	uint8_t b[PARTY_KEY_SIZE];
};
struct party_key party_key_of(const struct party_ref *ref);

#endif
