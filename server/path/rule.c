/*
 * The rule stage: what can be judged without state. An event that fails is answered at once and leaves its
 * place in the queue as dead.
 */
#include "path/internal.h"

void stage_rule(struct path *p, struct request *r)
{
	r->stage = r->unknown_key && r->refused == REFUSAL_NONE ? REQUEST_UNKNOWN_KEY : REQUEST_READY;
	if (r->refused == REFUSAL_NONE && r->stage == REQUEST_READY) {
		rules_check(p->registry, &r->event, &r->problems);
		if (problems_any(&r->problems))
			r->refused = REFUSAL_RULE;
	}
	if (r->refused == REFUSAL_NONE)
		return;
	answer_refusal(p, r, r->refused, NULL);
	r->stage = REQUEST_DEAD;
}
