/*
 * The flags that follow from what happens to a manifest: which are to be raised, which are to be cleared, and
 * which stay although the cause says it is gone. Pure: the caller turns each change into an event of the
 * server's own and a row. A manifest has at most one open flag of a kind (manifest.flags); what an inspector
 * has resolved is raised again by a new cause only.
 */
#ifndef CORE_FLAGS_H
#define CORE_FLAGS_H

#include "core/manifest.h"

enum flag_action {
	FLAG_RAISE, /* append flag_raised; then manifest.flags[kind] = 1 + its index */
	FLAG_CLEAR, /* append flag_cleared for manifest.flags[kind]; then set that to 0 */
	/*
	 * The flag stays open, marked "claimed in time, arrived late": the event that ends the cause came
	 * after the deadline, says it happened before it, and one side alone says so.
	 */
	FLAG_CLAIM,
};

enum { FLAG_PARTIES_MAX = 4, FLAG_CHANGES_MAX = 2 * FLAG_KINDS, FLAG_DETAIL_MAX = 500 };

struct flag_change {
	enum flag_action action;
	enum flag_kind kind;
	/* Of a raised flag: */
	party_no parties[FLAG_PARTIES_MAX]; /* whom it concerns, each once */
	size_t parties_n;
	struct digest keyid; /* zero: none */
	micros due_at;       /* 0: no deadline passed */
	bool provisional;
	bool by_clock;      /* no event caused it */
	struct span detail; /* the arena's; facts in few words, at most FLAG_DETAIL_MAX bytes */
};

/* To be carried out in order: a flag may be raised and at once cleared, so that being late is on record. */
struct flag_list {
	struct flag_change changes[FLAG_CHANGES_MAX];
	size_t n;
};

/*
 * What follows from an event that manifest_apply() has just applied: `before` is the manifest as it was
 * (manifest_copy(); zeroed for `issued`), `after` as it is now. Marks in `after` which deadlines are flagged
 * or claimed. The list is begun anew. False: no memory.
 */
bool flags_of_event(const struct manifest *before, struct manifest *after, const struct event *e,
		    const struct registry *r, micros effective_at, micros accepted_at, struct arena *arena,
		    struct flag_list *ret_list) MUST_CHECK;

/* The sweep: raises the flag of each deadline that has passed at `now` and marks it flagged. As above. */
bool flags_due(struct manifest *m, micros now, struct arena *arena, struct flag_list *ret_list) MUST_CHECK;

/*
 * After manifest_recompute_deadlines(): clears the flags of deadlines that have not passed after all, and
 * marks them not flagged.
 */
void flags_recomputed(struct manifest *m, micros now, struct flag_list *ret_list);

#endif
