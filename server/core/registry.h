/*
 * The registry: parties, keys, permits, vehicles, persons, number blocks, registrars, settings and reference
 * editions, as they follow from the log. It is computed from registry and log events alone: the server makes
 * it at its start by applying every such entry in order, with the same code that applies a new one.
 *
 * Not thread-safe. Records stay where they are until registry_free(); pointers to them may be kept.
 */
#ifndef CORE_REGISTRY_H
#define CORE_REGISTRY_H

#include "base/problem.h"
#include "core/reference.h"
#include "core/registry_records.h"
#include "core/settings.h"

struct registry;

struct registry *registry_new(void) MUST_CHECK;
void registry_free(struct registry *r);

/*
 * Judges a registry or log event against what is registered: quorums, novelty, references, intervals. Adds
 * every problem. Signatures and signer keys have been checked before.
 */
void registry_judge(const struct registry *r, const struct event *e, struct problems *problems);

/*
 * Applies an accepted event that registry_concerns(); what it needs of the event is copied. Other events
 * change nothing. False: no memory (the registry must then be made again).
 */
bool registry_apply(struct registry *r, const struct event *e, uint64_t index, micros accepted_at) MUST_CHECK;

/*
 * The registry changes by this event, so it must be among those applied at the start: registry and log
 * events, voided manifest numbers, and the raising and closing of number gap flags. Asked before it is
 * applied. Judging leaves a registry_row for each.
 */
bool registry_concerns(const struct registry *r, const struct event *e);

/*
 * The file behind a reference_loaded event, given by the store; copied, and put to use when the event is
 * applied. False: no memory, or the file is faulty (then *ret_error says where).
 */
bool registry_offer_reference(struct registry *r, enum reference_kind kind, struct span edition,
			      struct span file, struct reference_error *ret_error) MUST_CHECK;
/* Whether the file that the event names, by its hash, was given. */
bool registry_reference_offered(const struct registry *r, const struct reference_loaded *loaded);

const struct genesis *registry_genesis(const struct registry *r); /* NULL before entry 0 */
const struct law_settings *registry_settings(const struct registry *r);
/* When a calendar or a setting that deadlines may be computed by was last accepted; 0: never. */
micros registry_clocks_changed_at(const struct registry *r);
const struct reference *registry_reference(const struct registry *r);

/* NULL when not registered. */
const struct party_record *registry_party(const struct registry *r, const struct party_ref *ref);
const struct party_record *registry_party_no(const struct registry *r, party_no no);
struct key_record *registry_key(const struct registry *r, const struct digest *keyid);
struct key_record *registry_key_no(const struct registry *r, key_no no);
const struct permit_record *registry_permit(const struct registry *r, struct span number);
const struct vehicle_record *registry_vehicle(const struct registry *r, struct span plate);
bool registry_person(const struct registry *r, struct span person);
/* The block that holds the manifest number; NULL: none was granted. */
const struct block_record *registry_block(const struct registry *r, uint64_t number);
/* A manifest number that was given up. */
bool registry_voided(const struct registry *r, uint64_t number);
/* Blocks in ascending order, for a party (NULL: all). Call with *cursor = 0 at first; NULL at the end. */
const struct block_record *registry_block_next(const struct registry *r, const struct party_record *generator,
					       size_t *cursor);

const struct key_record *registry_server_key(const struct registry *r); /* NULL before entry 0 */
bool registry_is_recovery_key(const struct registry *r, const struct digest *keyid);

size_t registry_parties(const struct registry *r); /* numbers 1..n exist */
size_t registry_keys(const struct registry *r);
size_t registry_registrars(const struct registry *r);

/*
 * Running numbers. `registry_number_used` counts one use in: a new highest number opens a gap, a missing one
 * closes it. Rebuilt at the start from (key_no, number) pairs in ascending order.
 */
void registry_number_used(struct registry *r, struct key_record *key, uint64_t number, micros accepted_at);
/* True: no number is missing below the highest. */
bool registry_numbers_complete(const struct key_record *key);
/* True: the number was never used as far as is known without the database: no look-up is needed. */
bool registry_number_fresh(const struct key_record *key, uint64_t number);

#endif
