/*
 * The values the law is judged on: an event as plain C, decoded by wire/codec from the bytes that were
 * signed. Field meanings, units and limits are those of proto/manifest.proto. Spans and arrays are borrowed
 * from the request's arena; nothing here owns memory. Limits on single fields have been checked by the codec
 * before a value exists; what needs more than one field, the registry or the manifest's state is judged in
 * core.
 */
#ifndef CORE_EVENT_H
#define CORE_EVENT_H

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

struct signer {
	struct digest keyid;
	uint64_t number;
	struct checkpoint_ref seen;
};

struct genesis {
	struct span origin;
	struct span city;
	struct public_key log_key;
	struct public_key server_key;
	struct party_ref authority;
	struct span authority_name;
	struct public_key registrar_key;
	struct public_key recovery_key;
	uint32_t rules_version;
	struct span continues;
};

struct setting_changed {
	struct span key;
	struct span value;
	struct span reason;
};

enum reference_kind {
	REFERENCE_WASTE_CODES = 1,
	REFERENCE_DIVISIONS = 2,
	REFERENCE_TREATMENT_METHODS = 3,
	REFERENCE_CALENDAR = 4,
};

struct reference_loaded {
	enum reference_kind kind;
	struct span edition;
	struct digest sha256;
	uint64_t size;
};

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

struct waste_line {
	uint32_t line;
	struct span code;
	struct span name;
	int64_t grams;
	uint32_t containers;
	int packaging;
	int form;
	struct span method;
};

struct line_quantity {
	uint32_t line;
	int64_t grams;
	uint32_t containers;
};

struct position {
	bool known;
	int32_t latitude;
	int32_t longitude;
	uint32_t accuracy;
};

struct issued {
	struct party_ref generator;
	struct party_ref transporter;
	struct party_ref facility;
	struct span plate;
	struct span edition;
	const struct waste_line *lines;
	size_t lines_n;
	micros collect_by;
	micros arrive_by;
	struct span permit;
	struct span destination;
	struct span emergency;
};

enum return_leg { RETURN_NO_LEG = 0, RETURN_OUT = 1, RETURN_BACK = 2 };

/*
 * The four steps of two sides have one shape: the load goes from one party to another.
 *   loaded:      from = the manifest's generator (filled in by judging), to = transporter
 *   handed over: from, to = earlier and later transporter
 *   delivered:   from = transporter, to = facility
 *   returned:    from, to as stated, leg set
 */
struct transfer {
	struct party_ref from; /* empty in `loaded` */
	struct party_ref to;
	struct span plate;                 /* empty in `delivered` */
	const struct line_quantity *lines; /* ascending */
	size_t lines_n;
	struct span driver; /* or empty */
	struct position position;
	enum return_leg leg;
};

enum decision { DECISION_ACCEPTED = 1, DECISION_PARTLY = 2, DECISION_REFUSED = 3 };

struct line_decision {
	uint32_t line;
	enum decision decision;
	struct line_quantity accepted; /* line 0: absent */
	struct line_quantity refused;  /* line 0: absent */
	struct span method;
	struct span difference;
};

struct received {
	struct party_ref facility;
	const struct line_decision *lines;
	size_t lines_n;
};

struct line_treatment {
	uint32_t line;
	int64_t grams;
	uint32_t containers; /* may be 0 but in the last treatment of a line */
	struct span method;
};

struct treated {
	struct party_ref facility;
	const struct line_treatment *lines;
	size_t lines_n;
};

struct attested {
	enum event_kind step; /* EVENT_LOADED, HANDED_OVER, DELIVERED or RETURNED */
	struct transfer transfer;
	int reason;
	struct span note;
};

struct confirmed {
	struct digest attested;
};

struct cancelled {
	struct span reason;
};

/* Parties and lines of other systems: carried as written, not judged. */
struct foreign_party {
	enum role role;
	struct span id;
	struct span name;
};

struct foreign_line {
	uint32_t line;
	const struct span *codes;
	size_t codes_n;
	struct span name;
	struct span planned;
	struct span shipped;
	struct span confirmed;
	struct span containers;
	struct span method;
};

struct imported {
	struct span scheme;
	struct span foreign_number;
	struct digest source_sha256;
	uint32_t record;
	struct span status;
	struct span issued; /* dates as written */
	struct span shipped;
	struct span received;
	const struct foreign_party *parties;
	size_t parties_n;
	const struct foreign_line *lines;
	size_t lines_n;
	struct span remark;
};

struct voided {
	uint64_t running_number; /* 0: a manifest number is meant, which is event.number */
	struct span reason;
};

struct flag_raised {
	enum flag_kind kind;
	struct digest keyid; /* zero: none */
	const struct party_ref *parties;
	size_t parties_n;
	struct digest cause; /* zero: a clock */
	micros due_at;       /* 0: none */
	struct digest evidence_sha256;
	struct span detail;
	bool provisional;
};

struct flag_cleared {
	uint64_t flag;
	struct digest cause;
};

struct flag_resolved {
	uint64_t flag;
	int resolution;
	struct span reason;
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

static inline bool party_ref_eq(const struct party_ref *a, const struct party_ref *b)
{
	return a->site == b->site && memcmp(a->credit_code, b->credit_code, CREDIT_CODE_SIZE) == 0;
}

static inline bool event_is_custody(enum event_kind kind)
{
	return kind >= EVENT_ISSUED && kind <= EVENT_ATTESTED;
}

/* The key that an event itself brings along, which signs it to show possession; NULL: none. */
const struct public_key *event_key_brought(const struct event *e);

/* The protobuf field name of a kind: "handed_over"; "" for an unknown number. */
const char *event_kind_name(enum event_kind kind);

#endif
