/* What the path says of itself: for the operator, for metrics and for tests. Included by path.h. */
#ifndef PATH_STATUS_H
#define PATH_STATUS_H

#include "ports.h"

struct path;

enum path_state {
	PATH_RECOVERING, /* reads what is stored; events wait */
	PATH_WRITING,
	PATH_STANDBY,   /* another server writes; reads are served */
	PATH_WITNESSES, /* the quorum of witnesses cannot be had, and is required; reads are served */
	PATH_STOPPED,   /* what is stored is not to be trusted: see the notice */
	PATH_DRAINING,  /* told in place of the others once path_drained() was asked */
};

struct witnesses_status {
	size_t configured;
	size_t reachable;   /* whose last request was not in vain */
	uint64_t cosigned;  /* size of the newest checkpoint with a quorum; 0: none */
	bool quorum;        /* of those that are reachable */
	const char *detail; /* who does not cosign, and why; valid until the loop's next turn */
};

struct path_counters {
	uint64_t frames, submits, accepted, repeated, queries, tiles, hellos, hellos_refused, pushes;
	uint64_t refused[REFUSAL_FAULT + 1];
	uint64_t signatures;    /* verified */
	uint64_t server_events; /* flags raised and cleared */
	uint64_t flags_raised[FLAG_KINDS];
	uint64_t batches, batch_members, batch_splits, recoveries, gate_closed, sweeps;
	uint64_t connections_held; /* not read for a while, for the events that they had under way */
	micros commit_time;        /* sum over batches, from launch to answer */
	uint64_t witness_asked, witness_failures, quorums, quorums_missed;
	micros witness_wait; /* sum over batches: how long their answers waited for the quorum */
};

struct path_status {
	enum path_state state;
	struct log_head head;
	size_t queued;    /* events waiting for a batch */
	size_t under_way; /* requests of all kinds */
	size_t sessions;
	micros calendar_end; /* start of the day after the calendar's last; 0: no calendar */
	const char *reason;  /* of PATH_STOPPED; else "" */
	struct witnesses_status witnesses;
};

const struct path_counters *path_counters(const struct path *p);
struct path_status path_status(const struct path *p);

#endif
