/*
 * What the registry holds of each party, key, permit, vehicle and number block. Records stay where they are
 * until registry_free(); only the registry and judging change them.
 */
#ifndef CORE_REGISTRY_RECORDS_H
#define CORE_REGISTRY_RECORDS_H

#include "core/civil.h"
#include "core/event.h"

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
	civil_day evidence_day;   /* of the last flag for a fork or another history, and how many that day */
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

bool party_has_role(const struct party *p, enum role role);
/* Within [valid_from, valid_until). */
bool party_valid_at(const struct party *p, micros at);
bool vehicle_valid_at(const struct vehicle_record *v, micros at);
bool permit_valid_at(const struct permit_record *p, micros at);
bool permit_covers_code(const struct permit *p, struct span code);
bool permit_covers_method(const struct permit *p, struct span method);

/* The key is that of a registrar in office. */
bool key_is_registrar(const struct key_record *key);

#endif
