/* Events about loads of other systems, carried as written. Included by event.h. */
#ifndef CORE_EVENT_IMPORT_H
#define CORE_EVENT_IMPORT_H

#include "core/event_kinds.h"

/* Parties and lines: not judged. */
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

#endif
