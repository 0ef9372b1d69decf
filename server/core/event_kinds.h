/* The numbers that events are told apart by, as proto/manifest.proto has them, and what all events are made
 * of. */
#ifndef CORE_EVENT_KINDS_H
#define CORE_EVENT_KINDS_H

#include "crypto/sign.h"

/* Microseconds since 1970-01-01T00:00:00Z. */
typedef int64_t micros;
enum { MAX_SIGNERS = 4, MAX_LINES = 40, CREDIT_CODE_SIZE = 18 };
#define MICROS_PER_SECOND INT64_C(1000000)

/* The numbers of proto/manifest.proto: Event.kind's field numbers. */
enum event_kind {
	EVENT_GENESIS = 10,
	EVENT_SETTING_CHANGED = 11,
	EVENT_REFERENCE_LOADED = 12,
	EVENT_REGISTRAR_ADDED = 20,
	EVENT_REGISTRAR_REMOVED = 21,
	EVENT_PARTY_REGISTERED = 22,
	EVENT_PARTY_CHANGED = 23,
	EVENT_KEY_ENROLLED = 24,
	EVENT_KEY_REVOKED = 25,
	EVENT_PERSON_REGISTERED = 26,
	EVENT_VEHICLE_REGISTERED = 27,
	EVENT_PERMIT_GRANTED = 28,
	EVENT_PERMIT_CHANGED = 29,
	EVENT_PERMIT_REVOKED = 30,
	EVENT_NUMBER_BLOCK_GRANTED = 31,
	EVENT_ISSUED = 40,
	EVENT_LOADED = 41,
	EVENT_HANDED_OVER = 42,
	EVENT_DELIVERED = 43,
	EVENT_RECEIVED = 44,
	EVENT_RETURNED = 45,
	EVENT_TREATED = 46,
	EVENT_ATTESTED = 47,
	EVENT_CONFIRMED = 60,
	EVENT_CANCELLED = 61,
	EVENT_IMPORTED = 62,
	EVENT_VOIDED = 63,
	EVENT_FLAG_RAISED = 70,
	EVENT_FLAG_CLEARED = 71,
	EVENT_FLAG_RESOLVED = 72,
};

enum role {
	ROLE_NONE = 0,
	ROLE_GENERATOR = 1,
	ROLE_TRANSPORTER = 2,
	ROLE_FACILITY = 3,
	ROLE_REGISTRAR = 4,
	ROLE_INSPECTOR = 5,
	ROLE_AUDITOR = 6,
	ROLE_SERVER = 7,
};

enum flag_kind {
	FLAG_NONE = 0,
	FLAG_NOT_COLLECTED = 1,
	FLAG_OVERDUE = 2,
	FLAG_NOT_CONFIRMED = 3,
	FLAG_REFUSED_ADRIFT = 4,
	FLAG_NOT_TREATED = 5,
	FLAG_QUANTITY = 6,
	FLAG_CONTAINERS = 7,
	FLAG_CANCELLED_LOADED = 8,
	FLAG_FORK = 9,
	FLAG_ATTESTED = 10,
	FLAG_KEY_LAPSED = 11,
	FLAG_PERMIT_LAPSED = 12,
	FLAG_CLOCK = 13,
	FLAG_NUMBER_GAP = 14,
	FLAG_NUMBER_REUSED = 15,
	FLAG_TWO_HISTORIES = 16,
	FLAG_OVER_CAPACITY = 17,
	FLAG_KINDS = 18,
};

struct party_ref {
	char credit_code[CREDIT_CODE_SIZE + 1]; /* "" in an absent reference */
	uint32_t site;
};

struct checkpoint_ref {
	struct span origin;
	uint64_t size; /* 0: absent */
	struct digest root;
};

static inline bool party_ref_eq(const struct party_ref *a, const struct party_ref *b)
{
	return a->site == b->site && memcmp(a->credit_code, b->credit_code, CREDIT_CODE_SIZE) == 0;
}

#endif
