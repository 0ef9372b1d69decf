/* For tests of judging: a manifest's ordinary steps in the small city, signed by whoever signs them. */
#ifndef TESTS_STEPS_H
#define TESTS_STEPS_H

#include "fixture.h"
#include "hours.h"

/* Issued by the generator, and accepted: its id. */
struct digest step_issue(struct world *w, uint64_t number);
struct signed_event *step_load(struct world *w, uint64_t number, const struct digest *previous);
struct signed_event *step_deliver(struct world *w, uint64_t number, const struct digest *previous);
/* `received` or `treated`. */
struct signed_event *step_by_facility(struct world *w, enum event_kind kind, uint64_t number,
				      const struct digest *previous);

/* It was refused so, and for this rule among others. */
void check_refused(struct world *w, const struct verdict *v, enum refusal_kind kind, const char *rule);

#endif
