#include "steps.h"

#include <criterion/criterion.h>

struct digest step_issue(struct world *w, uint64_t number)
{
	struct event e = world_issued(w, number);

	return world_accept(w, SIGN(w, &e, GENERATOR));
}

struct signed_event *step_load(struct world *w, uint64_t number, const struct digest *previous)
{
	struct event e = world_step(w, EVENT_LOADED, number, previous);

	return SIGN(w, &e, GENERATOR, HAULER);
}

struct signed_event *step_deliver(struct world *w, uint64_t number, const struct digest *previous)
{
	struct event e = world_step(w, EVENT_DELIVERED, number, previous);

	return SIGN(w, &e, HAULER, FACILITY);
}

struct signed_event *step_by_facility(struct world *w, enum event_kind kind, uint64_t number,
				      const struct digest *previous)
{
	struct event e = world_step(w, kind, number, previous);

	return SIGN(w, &e, FACILITY);
}

void check_refused(struct world *w, const struct verdict *v, enum refusal_kind kind, const char *rule)
{
	cr_assert_eq(v->refused, kind, "refused as %d: %s", v->refused, world_problems(w, &v->problems));
	cr_assert(verdict_breaks(v, rule), "%s", world_problems(w, &v->problems));
}
