/*
 * The values the law is judged on: an event as plain C, decoded by wire/codec from the bytes that were
 * signed. Field meanings, units and limits are those of proto/manifest.proto. Spans and arrays are borrowed
 * from the request's arena; nothing here owns memory. Limits on single fields have been checked by the codec
 * before a value exists; what needs more than one field, the registry or the manifest's state is judged in
 * core. A family of kinds has a header of its own.
 */
#ifndef CORE_EVENT_H
#define CORE_EVENT_H

#include "core/event_custody.h"
#include "core/event_flag.h"
#include "core/event_import.h"
#include "core/event_log.h"
#include "core/event_registry.h"
#include "crypto/keyring.h"

struct signer {
	struct digest keyid;
	uint64_t number;
	struct checkpoint_ref seen;
};

struct event {
	enum event_kind kind;
	struct digest id; /* SHA-256 of the PAE */
	struct signer signers[MAX_SIGNERS];
	size_t signers_n;
	micros occurred_at;

	uint64_t number;        /* the manifest concerned; 0: none */
	struct digest previous; /* custody events but `issued`; else zero */

	union {
		struct genesis genesis;
		struct setting_changed setting_changed;
		struct reference_loaded reference_loaded;
		struct registrar_added registrar_added;
		struct registrar_removed registrar_removed;
		struct party_event party;
		struct key_enrolled key_enrolled;
		struct key_revoked key_revoked;
		struct person_registered person_registered;
		struct vehicle_registered vehicle_registered;
		struct permit_event permit;
		struct permit_revoked permit_revoked;
		struct number_block_granted number_block_granted;
		struct issued issued;
		struct transfer transfer; /* loaded, handed over, delivered, returned */
		struct received received;
		struct treated treated;
		struct attested attested;
		struct confirmed confirmed;
		struct cancelled cancelled;
		struct imported imported;
		struct voided voided;
		struct flag_raised flag_raised;
		struct flag_cleared flag_cleared;
		struct flag_resolved flag_resolved;
	};
};

static inline bool event_is_custody(enum event_kind kind)
{
	return kind >= EVENT_ISSUED && kind <= EVENT_ATTESTED;
}

/* Deadlines may be others from it on. */
bool event_changes_clocks(const struct event *e);

/*
 * Whose key signs the event as `keyid`: one of the ring's (NULL: there are none yet), or the one that the
 * event itself brings along, which signs it to show possession. NULL: unknown.
 */
const struct public_key *event_signing_key(const struct event *e, const struct keyring *ring,
					   const struct digest *keyid);

/* The protobuf field name of a kind: "handed_over"; "" for an unknown number. */
const char *event_kind_name(enum event_kind kind);

#endif
