/*
 * One manifest's life for tests of the manifest alone, without signatures or a log: builds the ordinary event
 * of any step from what the manifest holds, applies it, and carries out the flags that follow.
 */
#ifndef TESTS_LIFE_H
#define TESTS_LIFE_H

#include "core/flags.h"
#include "core/manifest_table.h"
#include "fixture.h"
#include "hours.h"

struct life {
	struct world *w; /* its registry is what is judged against */
	struct arena *arena;
	struct manifest m;
	struct manifest before; /* the last event */
	micros now;             /* when the next event occurs, and is accepted */
	uint64_t ids;           /* of events made so far */
	struct problems problems;
	struct flag_list flags; /* of the last event or sweep */
	uint32_t raised, cleared, claimed;

	/* What the event made last points to. */
	struct waste_line waste[MAX_LINES];
	struct line_quantity lines[MAX_LINES];
	struct line_decision decisions[MAX_LINES];
	struct line_treatment treatments[MAX_LINES];
};

struct life *life_new(void);
void life_free(struct life *l);
/* The same world, and no manifest yet. */
void life_again(struct life *l);

enum verdict_on_load { ACCEPT_ALL, REFUSE_SOME, REFUSE_ALL };

/*
 * The ordinary event of a step as things stand: right parties, signers and quantities, at l->now, continuing
 * the head. `received` accepts all, `treated` treats all. Borrows l's arrays: one event at a time.
 */
struct event life_event(struct life *l, enum event_kind step, enum return_leg leg);
/* `received` with its decision; line 1 is what is refused of some. */
struct event life_received(struct life *l, enum verdict_on_load what);
/* The step, stated by one device alone. */
struct event life_attested(struct life *l, enum event_kind step, enum return_leg leg, enum device by);
struct event life_confirmed(struct life *l, const struct digest *attested, enum device by);

/* Applies it, accepted at `accepted_at`, and carries out the flags. */
bool life_try_at(struct life *l, const struct event *e, micros accepted_at);
bool life_try(struct life *l, const struct event *e);
/* The same, and it must go well. */
void life_do(struct life *l, const struct event *e);
void life_step(struct life *l, enum event_kind step);
void life_return(struct life *l, enum return_leg leg);
/* Lives until the state. */
void life_until(struct life *l, enum manifest_state state);
void life_sweep(struct life *l, micros now);

bool life_raised(const struct life *l, enum flag_kind kind);
bool life_cleared(const struct life *l, enum flag_kind kind);
bool life_claimed(const struct life *l, enum flag_kind kind);
/* The detail of the flag of that kind that was raised last; "" when none was. */
const char *life_detail(const struct life *l, enum flag_kind kind);

/* Changes the registry. */
void life_setting(struct life *l, const char *key, const char *value);

/* Byte for byte, as they would be stored. */
bool life_same(const struct manifest *a, const struct manifest *b);

#endif
