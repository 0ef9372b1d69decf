/*
 * The state machine and the clocks of a manifest as data: what manifest_apply() walks, what a refusal quotes
 * and what the documentation is printed from.
 */
#ifndef CORE_MANIFEST_TABLE_H
#define CORE_MANIFEST_TABLE_H

#include "core/details.h"
#include "core/manifest.h"

/* What must hold once the step's quantities have moved. */
enum state_condition {
	WHEN_ALWAYS,
	WHEN_ALL_ACCEPTED, /* nothing was refused */
	WHEN_SOME_REFUSED, /* part was accepted, part refused */
	WHEN_ALL_REFUSED,  /* nothing was accepted */
	WHEN_TO_TREAT,     /* something accepted is still to be treated */
	WHEN_ALL_TREATED,  /* nothing accepted is left */
	STATE_CONDITIONS,
};

struct state_row {
	enum manifest_state from;
	enum event_kind step;
	enum return_leg leg; /* RETURN_NO_LEG unless the step is `returned` */
	enum state_condition when;
	enum manifest_state to;
	unsigned stops;  /* a bit 1 << deadline_kind for each clock it stops ... */
	unsigned starts; /* ... and starts */
};

/* In the order of states; for a (state, step, leg) the conditions of its rows cover every outcome. */
extern const struct state_row state_rows[];
extern const size_t state_rows_n;

/* The first row of (state, step, leg), whatever its condition; NULL: not allowed. */
const struct state_row *state_row_find(enum manifest_state state, enum event_kind step, enum return_leg leg);
/* The row whose condition holds for these lines; NULL: none. */
const struct state_row *state_row_choose(enum manifest_state state, enum event_kind step, enum return_leg leg,
					 const struct manifest_line *lines, size_t lines_n);
/* The custody steps that must still follow a state before the manifest can close, at most. */
unsigned state_steps_left(enum manifest_state state);

/* What is allowed in a state, as text: "loaded, cancelled" or "nothing". Cut to fit. */
void state_allowed(enum manifest_state state, char *ret_text, size_t size);

/* "handed over", "转运交接"; "" for what is no step. */
const char *state_step_name(enum event_kind step, enum return_leg leg, bool zh);
const char *state_condition_name(enum state_condition when, bool zh);

enum clock_unit { CLOCK_GRACE, CLOCK_WORKING_DAYS, CLOCK_DAYS };

struct clock_row {
	enum deadline_kind kind;
	enum flag_kind flag;
	enum clock_unit unit;
	size_t planned; /* CLOCK_GRACE: offset in struct manifest of the planned instant */
	size_t setting; /* offset in struct law_settings of the grace, or the number of days */
	const char *setting_key;
	enum detail detail; /* what was not done in time */
};

extern const struct clock_row clock_rows[DEADLINES];

/* Starts the clock, or computes its deadline again when starts_at is the same. */
void clock_start(struct manifest *m, enum deadline_kind kind, micros starts_at, const struct registry *r);

#endif
