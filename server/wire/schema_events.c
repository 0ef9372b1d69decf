/*
 * The event and its kinds. Limits are those that proto/manifest.proto states; where it states none, a text
 * has the limit of the field it names. All kinds fill in one struct event, so their rows share it as VALUE.
 */
#include "wire/parts.h"

#define REASON(m)           TEXT("reason", m, 1, 500, PATTERN_TEXT)
#define PLATE(m)            TEXT("plate", m, 1, 32, PATTERN_UNSPACED)
#define LINES(m, type, msg) PARTS("lines", m, type, msg), MANY(m##_n, 1, MAX_LINES)
#define QUANTITIES(m)       LINES(m, struct line_quantity, &line_quantity_message)

#define VALUE struct event

static const struct field genesis_rows[] = {
    {TEXT("origin", genesis.origin, 1, 128, PATTERN_ORIGIN)},
    {TEXT("city", genesis.city, 6, 6, PATTERN_CITY)},
    {KEY("log_key", genesis.log_key)},
    {KEY("server_key", genesis.server_key)},
    {PARTY("authority", genesis.authority)},
    {TEXT("authority_name", genesis.authority_name, 1, 200, PATTERN_TEXT)},
    {KEY("registrar_key", genesis.registrar_key)},
    {KEY("recovery_key", genesis.recovery_key)},
    {U32("rules_version", genesis.rules_version, 1, UINT32_MAX)},
    {TEXT("continues", genesis.continues, 0, 8192, PATTERN_LINES)},
};
static const struct field setting_changed_rows[] = {
    {TEXT("key", setting_changed.key, 1, 64, PATTERN_UNSPACED)},
    {TEXT("value", setting_changed.value, 1, 200, PATTERN_TEXT)},
    {REASON(setting_changed.reason)},
};
static const struct field reference_loaded_rows[] = {
    {ENUM("kind", reference_loaded.kind, ANY_OF_IT)},
    {TEXT("edition", reference_loaded.edition, 1, 32, PATTERN_EDITION)},
    {HASH("sha256", reference_loaded.sha256)},
    {U64("size", reference_loaded.size, 1, INT64_MAX)},
};
static const struct field registrar_added_rows[] = {
    {KEY("key", registrar_added.key)},
    {TEXT("name", registrar_added.name, 1, 200, PATTERN_TEXT)},
};
static const struct field registrar_removed_rows[] = {
    {HASH("keyid", registrar_removed.keyid)},
    {REASON(registrar_removed.reason)},
};
static const struct field party_registered_rows[] = {
    {PART("party", party.party, struct party, &party_message)},
};
static const struct field party_changed_rows[] = {
    {PART("party", party.party, struct party, &party_message)},
    {REASON(party.reason)},
};
static const struct field key_enrolled_rows[] = {
    {KEY("key", key_enrolled.key)},
    {PARTY("party", key_enrolled.party)},
    {ENUM("role", key_enrolled.role, ROLES_OF_PARTIES)},
    {TEXT("device", key_enrolled.device, 1, 100, PATTERN_TEXT)},
    {TIME("valid_from", key_enrolled.valid_from)},
};
static const struct field key_revoked_rows[] = {
    {HASH("keyid", key_revoked.keyid)},
    {TIME("revoked_from", key_revoked.revoked_from)},
    {REASON(key_revoked.reason)},
};
static const struct field person_registered_rows[] = {
    {TEXT("person", person_registered.person, 1, 32, PATTERN_PERSON)},
    {PARTY("party", person_registered.party)},
    {HASH("digest", person_registered.digest)},
};
static const struct field vehicle_registered_rows[] = {
    {PLATE(vehicle_registered.plate)},
    {PARTY("transporter", vehicle_registered.transporter)},
    {TEXT("licence", vehicle_registered.licence, 1, 64, PATTERN_TEXT)},
    {GRAMS("capacity_grams", vehicle_registered.capacity_grams)},
    {TIME("valid_from", vehicle_registered.valid_from)},
    {PART_OR_NONE("valid_until", vehicle_registered.valid_until, micros, &instant_message)},
};
static const struct field permit_granted_rows[] = {
    {PART("permit", permit.permit, struct permit, &permit_message)},
};
static const struct field permit_changed_rows[] = {
    {PART("permit", permit.permit, struct permit, &permit_message)},
    {REASON(permit.reason)},
};
static const struct field permit_revoked_rows[] = {
    {TEXT("number", permit_revoked.number, 1, 64, PATTERN_UNSPACED)},
    {TIME("revoked_from", permit_revoked.revoked_from)},
    {REASON(permit_revoked.reason)},
};
static const struct field number_block_granted_rows[] = {
    {PARTY("generator", number_block_granted.generator)},
    {NUMBER("first", number_block_granted.first)},
    {NUMBER("last", number_block_granted.last)},
};

static const struct field issued_rows[] = {
    {NUMBER("number", number)},
    {PARTY("generator", issued.generator)},
    {PARTY("transporter", issued.transporter)},
    {PARTY("facility", issued.facility)},
    {PLATE(issued.plate)},
    {TEXT("edition", issued.edition, 1, 32, PATTERN_EDITION)},
    {LINES(issued.lines, struct waste_line, &waste_line_message)},
    {TIME("collect_by", issued.collect_by)},
    {TIME("arrive_by", issued.arrive_by)},
    {TEXT("permit", issued.permit, 1, 64, PATTERN_UNSPACED)},
    {TEXT("destination", issued.destination, 1, 300, PATTERN_TEXT)},
    {TEXT("emergency", issued.emergency, 1, 1000, PATTERN_TEXT)},
};

/* The steps of two sides stand in the event, or in an `attested`: `at` is where their struct transfer is. */
#define STEP_BEGINS                                                                                          \
	{NUMBER("number", number)},                                                                          \
	{                                                                                                    \
		HASH("previous", previous)                                                                   \
	}
#define DRIVER(at)                                                                                           \
	{                                                                                                    \
		TEXT("driver", at.driver, 0, 32, PATTERN_PERSON)                                             \
	}
#define POSITION(at)                                                                                         \
	{                                                                                                    \
		PART_OR_NONE("position", at.position, struct position, &position_message),                   \
		    PRESENT(at.position.known)                                                               \
	}
#define LOADED_ROWS(at)                                                                                      \
	{                                                                                                    \
		STEP_BEGINS, {PARTY("transporter", at.to)}, {PLATE(at.plate)}, {QUANTITIES(at.lines)},       \
		    DRIVER(at), POSITION(at)                                                                 \
	}
#define HANDED_OVER_ROWS(at)                                                                                 \
	{                                                                                                    \
		STEP_BEGINS, {PARTY("from", at.from)}, {PARTY("to", at.to)}, {PLATE(at.plate)},              \
		    {QUANTITIES(at.lines)}, DRIVER(at), POSITION(at)                                         \
	}
#define DELIVERED_ROWS(at)                                                                                   \
	{                                                                                                    \
		STEP_BEGINS, {PARTY("transporter", at.from)}, {PARTY("facility", at.to)},                    \
		    {QUANTITIES(at.lines)}, POSITION(at)                                                     \
	}
#define RETURNED_ROWS(at)                                                                                    \
	{                                                                                                    \
		STEP_BEGINS, {ENUM("leg", at.leg, ANY_OF_IT)}, {PARTY("from", at.from)},                     \
		    {PARTY("to", at.to)}, {PLATE(at.plate)},                                                 \
		{                                                                                            \
			QUANTITIES(at.lines)                                                                 \
		}                                                                                            \
	}

static const struct field loaded_rows[] = LOADED_ROWS(transfer);
static const struct field handed_over_rows[] = HANDED_OVER_ROWS(transfer);
static const struct field delivered_rows[] = DELIVERED_ROWS(transfer);
static const struct field returned_rows[] = RETURNED_ROWS(transfer);
static const struct field loaded_alone_rows[] = LOADED_ROWS(attested.transfer);
static const struct field handed_over_alone_rows[] = HANDED_OVER_ROWS(attested.transfer);
static const struct field delivered_alone_rows[] = DELIVERED_ROWS(attested.transfer);
static const struct field returned_alone_rows[] = RETURNED_ROWS(attested.transfer);

static const struct message steps_alone[] = {
    {DESCRIPTOR(loaded), ROWS(loaded_alone_rows)},
    {DESCRIPTOR(handed_over), ROWS(handed_over_alone_rows)},
    {DESCRIPTOR(delivered), ROWS(delivered_alone_rows)},
    {DESCRIPTOR(returned), ROWS(returned_alone_rows)},
};
static const struct field attested_rows[] = {
    {SAME("loaded", &steps_alone[0]), CHOSEN(attested.step, EVENT_LOADED)},
    {SAME("handed_over", &steps_alone[1]), CHOSEN(attested.step, EVENT_HANDED_OVER)},
    {SAME("delivered", &steps_alone[2]), CHOSEN(attested.step, EVENT_DELIVERED)},
    {SAME("returned", &steps_alone[3]), CHOSEN(attested.step, EVENT_RETURNED)},
    {ENUM("reason", attested.reason, ANY_OF_IT)},
    {TEXT("note", attested.note, 1, 500, PATTERN_TEXT)},
};
static const struct field received_rows[] = {
    STEP_BEGINS,
    {PARTY("facility", received.facility)},
    {LINES(received.lines, struct line_decision, &line_decision_message)},
};
static const struct field treated_rows[] = {
    STEP_BEGINS,
    {PARTY("facility", treated.facility)},
    {LINES(treated.lines, struct line_treatment, &line_treatment_message)},
};

static const struct field confirmed_rows[] = {
    {NUMBER("number", number)},
    {HASH("attested", confirmed.attested)},
};
static const struct field cancelled_rows[] = {
    {NUMBER("number", number)},
    {REASON(cancelled.reason)},
};
static const struct field imported_rows[] = {
    {TEXT("scheme", imported.scheme, 1, 64, PATTERN_UNSPACED)},
    {TEXT("foreign_number", imported.foreign_number, 1, 64, PATTERN_TEXT)},
    {HASH("source_sha256", imported.source_sha256)},
    {U32("record", imported.record, 1, UINT32_MAX)},
    {TEXT("status", imported.status, 0, 64, PATTERN_TEXT)},
    {TEXT("issued", imported.issued, 0, 64, PATTERN_TEXT)},
    {TEXT("shipped", imported.shipped, 0, 64, PATTERN_TEXT)},
    {TEXT("received", imported.received, 0, 64, PATTERN_TEXT)},
    {PARTS("parties", imported.parties, struct foreign_party, &foreign_party_message),
     MANY(imported.parties_n, 0, 20)},
    {PARTS("lines", imported.lines, struct foreign_line, &foreign_line_message),
     MANY(imported.lines_n, 0, 200)},
    {TEXT("remark", imported.remark, 0, 2000, PATTERN_TEXT)},
};
static const struct field voided_rows[] = {
    {U64("running_number", voided.running_number, 1, INT64_MAX)},
    {NUMBER("manifest_number", number)},
    {REASON(voided.reason)},
};

static const struct field flag_raised_rows[] = {
    {ENUM("kind", flag_raised.kind, ANY_OF_IT)},
    {NUMBER_OR_NONE("number", number)},
    {HASH_OR_NONE("keyid", flag_raised.keyid)},
    {PARTS("parties", flag_raised.parties, struct party_ref, &party_ref_message),
     MANY(flag_raised.parties_n, 0, 8)},
    {HASH_OR_NONE("cause", flag_raised.cause)},
    {TIME_OR_NONE("due_at", flag_raised.due_at)},
    {HASH_OR_NONE("evidence_sha256", flag_raised.evidence_sha256)},
    {TEXT("detail", flag_raised.detail, 0, 500, PATTERN_TEXT)},
    {BOOL("provisional", flag_raised.provisional)},
};
static const struct field flag_cleared_rows[] = {
    {U64("flag", flag_cleared.flag, 1, INT64_MAX)},
    {HASH_OR_NONE("cause", flag_cleared.cause)},
};
static const struct field flag_resolved_rows[] = {
    {U64("flag", flag_resolved.flag, 1, INT64_MAX)},
    {ENUM("resolution", flag_resolved.resolution, ANY_OF_IT)},
    {TEXT("reason", flag_resolved.reason, 1, 1000, PATTERN_TEXT)},
};

/* name, in lower and upper case */
#define KINDS(ROW)                                                                                           \
	ROW(genesis, GENESIS)                                                                                \
	ROW(setting_changed, SETTING_CHANGED)                                                                \
	ROW(reference_loaded, REFERENCE_LOADED)                                                              \
	ROW(registrar_added, REGISTRAR_ADDED)                                                                \
	ROW(registrar_removed, REGISTRAR_REMOVED)                                                            \
	ROW(party_registered, PARTY_REGISTERED)                                                              \
	ROW(party_changed, PARTY_CHANGED)                                                                    \
	ROW(key_enrolled, KEY_ENROLLED)                                                                      \
	ROW(key_revoked, KEY_REVOKED)                                                                        \
	ROW(person_registered, PERSON_REGISTERED)                                                            \
	ROW(vehicle_registered, VEHICLE_REGISTERED)                                                          \
	ROW(permit_granted, PERMIT_GRANTED)                                                                  \
	ROW(permit_changed, PERMIT_CHANGED)                                                                  \
	ROW(permit_revoked, PERMIT_REVOKED)                                                                  \
	ROW(number_block_granted, NUMBER_BLOCK_GRANTED)                                                      \
	ROW(issued, ISSUED)                                                                                  \
	ROW(loaded, LOADED)                                                                                  \
	ROW(handed_over, HANDED_OVER)                                                                        \
	ROW(delivered, DELIVERED)                                                                            \
	ROW(received, RECEIVED)                                                                              \
	ROW(returned, RETURNED)                                                                              \
	ROW(treated, TREATED)                                                                                \
	ROW(attested, ATTESTED)                                                                              \
	ROW(confirmed, CONFIRMED)                                                                            \
	ROW(cancelled, CANCELLED)                                                                            \
	ROW(imported, IMPORTED)                                                                              \
	ROW(voided, VOIDED)                                                                                  \
	ROW(flag_raised, FLAG_RAISED)                                                                        \
	ROW(flag_cleared, FLAG_CLEARED)                                                                      \
	ROW(flag_resolved, FLAG_RESOLVED)

static const struct message kinds[] = {
#define KIND_MESSAGE(lower, upper) [EVENT_##upper] = MESSAGE(lower),
    KINDS(KIND_MESSAGE)
#undef KIND_MESSAGE
};

static const struct field event_rows[] = {
    {PARTS_IN_PLACE("signers", signers, struct signer, MAX_SIGNERS, &signer_message),
     MANY(signers_n, 1, MAX_SIGNERS)},
    {TIME("occurred_at", occurred_at)},
#define KIND_ROW(lower, upper) {SAME(#lower, &kinds[EVENT_##upper]), CHOSEN(kind, EVENT_##upper)},
    KINDS(KIND_ROW)
#undef KIND_ROW
};
const struct message event_message = {DESCRIPTOR(event), ROWS(event_rows)};
