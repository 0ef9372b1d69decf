/* Events about the log itself: how it begins, its settings, its reference files. Included by event.h. */
#ifndef CORE_EVENT_LOG_H
#define CORE_EVENT_LOG_H

#include "core/event_kinds.h"

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

#endif
