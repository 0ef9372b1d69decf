/*
 * What flags.c (clocks, confirmations) and flags_step.c (what a step of a load gives cause for) share: one
 * call's work, and the changes it comes to.
 */
#ifndef CORE_FLAGS_WORK_H
#define CORE_FLAGS_WORK_H

#include "core/details.h"
#include "core/flags.h"
#include "core/manifest_table.h"

/* One call's arguments, and the detail of the next flag as far as it is written. */
struct work {
	const struct manifest *before;
	struct manifest *after;
	const struct event *e;
	const struct registry *r;
	micros effective_at;
	micros accepted_at;
	struct arena *arena;
	struct flag_list *list;
	char detail[FLAG_DETAIL_MAX];
	size_t detail_n;
	bool no_memory;
};

/* Appends to the detail, "; " between facts; a fact that does not fit is left out whole. */
void say_values(struct work *w, enum detail what, const struct detail_value *values);
#define say(w, what, ...) say_values(w, what, DETAIL_VALUES(__VA_ARGS__))
/* Raises with the detail written so far, unless a flag of the kind is open. NULL: not raised. */
struct flag_change *raise_flag(struct work *w, enum flag_kind kind);
/* Whom it concerns: each once, FLAG_PARTIES_MAX at most; 0 is nobody. */
void add_party(struct flag_change *c, party_no party);

/* What a custody event, or `cancelled`, gives cause for besides the clocks. */
void flags_of_step(struct work *w, enum event_kind step, enum return_leg leg);

#endif
