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
#include "core/civil.h"
#include "core/event.h"
#include "core/reference.h"
#include "core/settings.h"

struct registry;

/*
 * Dense numbers from 1 in the order of registration: what the tables use as foreign keys. Genesis registers
 * the authority as party 1 and the keys of the server (1), the first registrar (2), recovery (3) and the log
 * (4); the last two and the server's belong to no party.
 */
typedef uint32_t party_no;
typedef uint32_t key_no;

struct party_record {
	party_no no;
	struct party party; /* spans and roles owned by the registry */
	uint64_t index;     /* of the entry that last changed it */
};

struct key_record {
	key_no no;
	struct digest keyid;
	struct public_key key;
	const struct party_record *party; /* NULL: the server's or the recovery key */
	enum role role;
	struct span device;
	micros valid_from;
	micros revoked_from; /* 0: not revoked */
	micros revoked_at;   /* accepted_at of the revocation */
	/*
	 * Running numbers: every number up to `contiguous` was used or given up; `high` is the highest used.
	 * `missing_since`: the accepted_at at which the oldest gap that no flag was raised for was first seen
	 * (0: none).
	 */
	uint64_t contiguous;
	uint64_t high;
	micros missing_since;
	uint64_t gap_flag;        /* 1 + index of the open NUMBER_GAP flag; 0: none */
	micros gap_flagged_at;    /* accepted_at of the last one: gaps seen before it need no other */
	struct digest other_root; /* the last `seen` of another history that was flagged */
	civil_day evidence_day;   /* of the last fork evidence, and how much was kept on that day */
	unsigned evidence_n;
};

struct permit_record {
	struct permit permit;
	const struct party_record *facility;
	micros revoked_from; /* 0: not revoked */
	uint64_t index;
};

struct vehicle_record {
	struct vehicle_registered vehicle;
	const struct party_record *transporter;
	uint64_t index;
};

struct block_record {
	uint64_t first;
	uint64_t last;
	const struct party_record *generator;
	uint64_t index;
};

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

const struct genesis *registry_genesis(const struct registry *r); /* NULL before entry 0 */
const struct law_settings *registry_settings(const struct registry *r);
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
/* The key is that of a registrar in office. */
bool key_is_registrar(const struct key_record *key);
bool registry_is_recovery_key(const struct registry *r, const struct digest *keyid);

size_t registry_parties(const struct registry *r); /* numbers 1..n exist */
size_t registry_keys(const struct registry *r);
size_t registry_registrars(const struct registry *r);

bool party_has_role(const struct party *p, enum role role);
/* Within [valid_from, valid_until). */
bool party_valid_at(const struct party *p, micros at);
bool vehicle_valid_at(const struct vehicle_record *v, micros at);
bool permit_valid_at(const struct permit_record *p, micros at);
bool permit_covers_code(const struct permit *p, struct span code);
bool permit_covers_method(const struct permit *p, struct span method);

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
