/* Events about flags: the server raises and clears them, a person resolves them. Included by event.h. */
#ifndef CORE_EVENT_FLAG_H
#define CORE_EVENT_FLAG_H

#include "core/event_kinds.h"

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

#endif
