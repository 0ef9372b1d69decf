#include "core/event.h"

static const char *const names[] = {
    [EVENT_GENESIS] = "genesis",
    [EVENT_SETTING_CHANGED] = "setting_changed",
    [EVENT_REFERENCE_LOADED] = "reference_loaded",
    [EVENT_REGISTRAR_ADDED] = "registrar_added",
    [EVENT_REGISTRAR_REMOVED] = "registrar_removed",
    [EVENT_PARTY_REGISTERED] = "party_registered",
    [EVENT_PARTY_CHANGED] = "party_changed",
    [EVENT_KEY_ENROLLED] = "key_enrolled",
    [EVENT_KEY_REVOKED] = "key_revoked",
    [EVENT_PERSON_REGISTERED] = "person_registered",
    [EVENT_VEHICLE_REGISTERED] = "vehicle_registered",
    [EVENT_PERMIT_GRANTED] = "permit_granted",
    [EVENT_PERMIT_CHANGED] = "permit_changed",
    [EVENT_PERMIT_REVOKED] = "permit_revoked",
    [EVENT_NUMBER_BLOCK_GRANTED] = "number_block_granted",
    [EVENT_ISSUED] = "issued",
    [EVENT_LOADED] = "loaded",
    [EVENT_HANDED_OVER] = "handed_over",
    [EVENT_DELIVERED] = "delivered",
    [EVENT_RECEIVED] = "received",
    [EVENT_RETURNED] = "returned",
    [EVENT_TREATED] = "treated",
    [EVENT_ATTESTED] = "attested",
    [EVENT_CONFIRMED] = "confirmed",
    [EVENT_CANCELLED] = "cancelled",
    [EVENT_IMPORTED] = "imported",
    [EVENT_VOIDED] = "voided",
    [EVENT_FLAG_RAISED] = "flag_raised",
    [EVENT_FLAG_CLEARED] = "flag_cleared",
    [EVENT_FLAG_RESOLVED] = "flag_resolved",
};

const char *event_kind_name(enum event_kind kind)
{
	return (size_t)kind < ARRAY_LEN(names) ? names[kind] : NULL;
}
