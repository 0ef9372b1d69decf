/*
 * What happens to loads: a table of stories, ordinary and not, each a function that makes the steps of one
 * load, and what the server is to make of it.
 */
#ifndef CITY_STORIES_H
#define CITY_STORIES_H

#include "city/model.h"

struct story {
	const char *id;
	const char *en;
	const char *zh;
	unsigned count; /* in 2,500 loads; 0: all the others */
	void (*live)(struct city *c, struct load *l);
	/* When the manifest is issued. */
	enum { TODAY, EARLY_TODAY, LONG_AGO } when;
	enum signal signal;
	uint32_t flags; /* a bit 1 << flag_kind for each that must be raised */
};

extern const struct story stories[];
extern const size_t stories_n;

/* cargo.c. The load begins then: its number is of that year. */
void load_begin(struct city *c, struct load *l, micros at);
/* The last morning from which a clock of so many working days has run out, and up to `more` days before. */
micros load_long_ago(struct city *c, unsigned working_days, unsigned more);
/* Line i is of the waste, as much as is usual; the facility is known. */
void load_carry(struct city *c, struct load *l, size_t i, const struct stream *stream);
void load_draw_vehicle(struct city *c, struct load *l);
/* One line of a waste, from a generator of the first industry that has it, to the plant. */
void load_only(struct city *c, struct load *l, const char *code, size_t plant);

/* steps.c: one step each, with what the load carries; NULL: the day ends before it. */
struct step *step_issue(struct city *c, struct load *l);
struct step *step_load(struct city *c, struct load *l);
struct step *step_hand_over(struct city *c, struct load *l, const struct vehicle *to);
struct step *step_deliver(struct city *c, struct load *l);
/* `refused_percent` of the first line, and `difference` says why; 0: all is accepted, 100: nothing at all. */
struct step *step_receive(struct city *c, struct load *l, unsigned refused_percent, const char *difference);
struct step *step_give_back(struct city *c, struct load *l, enum return_leg leg);
struct step *step_treat(struct city *c, struct load *l);
struct step *step_cancel(struct city *c, struct load *l, const char *reason);
/* A step of two sides that its first (0) or second signer states alone. */
struct step *step_attest(struct city *c, struct load *l, struct step *step, size_t by, int reason,
			 const char *note);
struct step *step_confirm(struct city *c, struct load *l, struct step *attested, struct terminal *by);
/* The server must not take the step: the chain goes on without it. */
struct step *step_not_taken(struct load *l, struct step *step, enum refusal_kind kind, const char *rule);
/* Another step like this one, in the same place of the chain; its event shares the lists of the first. */
struct step *step_double(struct city *c, struct load *l, const struct step *step);
/* A copy of a step's quantities that may be changed. */
struct line_quantity *step_own_lines(struct city *c, struct step *step);
/* Who brings which step when. */
void load_bring(struct city *c, struct load *l);
/* The load's next step is so many minutes later. */
void load_wait(struct city *c, struct load *l, int64_t least, int64_t most);

#endif
