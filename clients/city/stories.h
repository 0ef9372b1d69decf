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

/* steps.c: one step each, with what the load carries; NULL: the day ends before it. */
struct step *issue(struct city *c, struct load *l);
struct step *load_up(struct city *c, struct load *l);
struct step *hand_over(struct city *c, struct load *l, const struct vehicle *to);
struct step *deliver(struct city *c, struct load *l);
/* `refused_percent` of the first line, and `difference` says why; 0: all is accepted, 100: nothing at all. */
struct step *receive(struct city *c, struct load *l, unsigned refused_percent, const char *difference);
struct step *give_back(struct city *c, struct load *l, enum return_leg leg);
struct step *treat(struct city *c, struct load *l);
struct step *cancel(struct city *c, struct load *l, const char *reason);
/* A step of two sides that its first (0) or second signer states alone. */
struct step *attest(struct city *c, struct load *l, struct step *step, size_t by, int reason,
		    const char *note);
struct step *confirm(struct city *c, struct load *l, struct step *attested, struct device *by);
/* The server must not take the step: the chain goes on without it. */
struct step *not_taken(struct load *l, struct step *step, enum refusal_kind kind, const char *rule);
/* Another step like this one, in the same place of the chain; its event shares the lists of the first. */
struct step *double_of(struct city *c, struct load *l, const struct step *step);
/* A copy of a step's quantities that may be changed. */
struct line_quantity *own_lines(struct city *c, struct step *step);
/* Who brings which step when. */
void bring(struct city *c, struct load *l);
/* The load's next step is so many minutes later. */
void wait_minutes(struct city *c, struct load *l, int64_t least, int64_t most);

#endif
