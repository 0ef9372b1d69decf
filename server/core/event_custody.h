/* Events about one load of waste, from its plan to its treatment, and about what takes them back. Included by
 * event.h. */
#ifndef CORE_EVENT_CUSTODY_H
#define CORE_EVENT_CUSTODY_H

#include "core/event_kinds.h"

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

struct voided {
	uint64_t running_number; /* 0: a manifest number is meant, which is event.number */
	struct span reason;
};

#endif
