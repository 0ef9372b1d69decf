/* Events about who and what is registered: registrars, parties, keys, people, vehicles, permits, numbers.
 * Included by event.h. */
#ifndef CORE_EVENT_REGISTRY_H
#define CORE_EVENT_REGISTRY_H

#include "core/event_kinds.h"

struct registrar_added {
	struct public_key key;
	struct span name;
};

struct registrar_removed {
	struct digest keyid;
	struct span reason;
};

struct party {
	struct party_ref ref;
	struct span name;
	const enum role *roles;
	size_t roles_n;
	struct span division;
	struct span address;
	int generator_class;
	micros valid_from;
	micros valid_until; /* 0: no end known */
};

struct party_event { /* registered and changed */
	struct party party;
	struct span reason; /* changed only */
};

struct key_enrolled {
	struct public_key key;
	struct party_ref party;
	enum role role;
	struct span device;
	micros valid_from;
};

struct key_revoked {
	struct digest keyid;
	micros revoked_from;
	struct span reason;
};

struct person_registered {
	struct span person;
	struct party_ref party;
	struct digest digest;
};

struct vehicle_registered {
	struct span plate;
	struct party_ref transporter;
	struct span licence;
	int64_t capacity_grams;
	micros valid_from;
	micros valid_until; /* 0: no end known */
};

struct permit {
	struct span number;
	struct party_ref facility;
	const struct span *waste_codes;
	size_t waste_codes_n;
	const struct span *methods;
	size_t methods_n;
	int64_t grams_per_year;
	micros valid_from;
	micros valid_until;
};

struct permit_event { /* granted and changed */
	struct permit permit;
	struct span reason; /* changed only */
};

struct permit_revoked {
	struct span number;
	micros revoked_from;
	struct span reason;
};

struct number_block_granted {
	struct party_ref generator;
	uint64_t first; /* manifest numbers, 14 decimal digits as an integer */
	uint64_t last;
};

#endif
