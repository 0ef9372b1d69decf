/* core/manifest: every (state, event) pair, whole lives, the chain. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "life.h"

static const struct {
	enum event_kind step;
	enum return_leg leg;
	const char *name;
} steps[] = {
    {EVENT_ISSUED, RETURN_NO_LEG, "issued"},           {EVENT_LOADED, RETURN_NO_LEG, "loaded"},
    {EVENT_HANDED_OVER, RETURN_NO_LEG, "handed over"}, {EVENT_DELIVERED, RETURN_NO_LEG, "delivered"},
    {EVENT_RECEIVED, RETURN_NO_LEG, "received"},       {EVENT_RETURNED, RETURN_OUT, "returned (out)"},
    {EVENT_RETURNED, RETURN_BACK, "returned (back)"},  {EVENT_TREATED, RETURN_NO_LEG, "treated"},
    {EVENT_CANCELLED, RETURN_NO_LEG, "cancelled"},
};

/* The law once more, as a person would say it: what is allowed in each state, and where the ordinary event
 * leads. */
static const struct {
	const char *allowed;
	enum manifest_state next[ARRAY_LEN(steps)]; /* in the order of steps; STATE_NONE: refused */
} law[MANIFEST_STATES] = {
    [STATE_NONE] = {"issued", {STATE_ISSUED}},
    [STATE_ISSUED] = {"loaded, cancelled", {0, STATE_IN_TRANSIT, [8] = STATE_ISSUED}},
    [STATE_IN_TRANSIT] = {"handed over, delivered, cancelled",
			  {[2] = STATE_IN_TRANSIT, STATE_DELIVERED, [8] = STATE_IN_TRANSIT}},
    [STATE_DELIVERED] = {"received, cancelled", {[4] = STATE_ACCEPTED, [8] = STATE_DELIVERED}},
    [STATE_ACCEPTED] = {"treated, cancelled", {[7] = STATE_CLOSED, STATE_ACCEPTED}},
    [STATE_PARTLY_ACCEPTED] = {"treated, returned (out), cancelled",
			       {[5] = STATE_RETURNING, [7] = STATE_REFUSED, STATE_PARTLY_ACCEPTED}},
    [STATE_REFUSED] = {"returned (out), cancelled", {[5] = STATE_RETURNING, [8] = STATE_REFUSED}},
    [STATE_RETURNING] = {"treated, returned (back), cancelled",
			 {[6] = STATE_RETURNED, STATE_RETURNING, STATE_RETURNING}},
    [STATE_RETURNED] = {"treated, cancelled", {[7] = STATE_CLOSED, STATE_RETURNED}},
    [STATE_CLOSED] = {"nothing", {0}},
};

/* Who of the two sides of a step may state it alone; DEVICES: it has not two sides. */
static enum device one_side(enum event_kind step)
{
	switch ((int)step) {
	case EVENT_LOADED: return GENERATOR;
	case EVENT_HANDED_OVER:
	case EVENT_DELIVERED: return HAULER;
	case EVENT_RETURNED: return HAULER;
	default: return DEVICES;
	}
}

static void pair(struct life *l, enum manifest_state state, size_t i, bool attested)
{
	enum manifest_state next = law[state].next[i];
	char what[128];

	life_again(l);
	if (state != STATE_NONE)
		life_until(l, state);
	enum device by = one_side(steps[i].step);
	if (attested && by == DEVICES)
		return;
	struct event e = attested ? life_attested(l, steps[i].step, steps[i].leg, by)
				  : life_event(l, steps[i].step, steps[i].leg);
	(void)snprintf(what, sizeof(what), "%s%s in state %s", attested ? "attested " : "", steps[i].name,
		       manifest_state_name(state, false));
	bool done = life_try(l, &e);
	cr_expect_eq(done, next != STATE_NONE, "%s: %s", what, world_problems(l->w, &l->problems));
	if (done) {
		cr_expect_eq(l->m.state, next, "%s leads to %s", what,
			     manifest_state_name(l->m.state, false));
		cr_expect_eq(l->m.chain_n, l->before.chain_n + (steps[i].step != EVENT_CANCELLED), "%s",
			     what);
		return;
	}
	if (state != STATE_NONE)
		cr_expect(life_same(&l->m, &l->before), "%s", what);
	cr_assert_eq(l->problems.count, 1, "%s", what);
	const struct problem *p = l->problems.first;
	cr_expect_str_eq(p->rule->id, "state.event", "%s", what);
	cr_expect_not_null(strstr(p->found, steps[i].name), "%s: found %s", what, p->found);
	cr_expect_not_null(strstr(p->found, manifest_state_name(state, false)), "%s: found %s", what,
			   p->found);
	cr_expect_not_null(strstr(p->found, manifest_state_name(state, true)), "%s: found %s", what,
			   p->found);
	cr_expect_str_eq(p->allowed, law[state].allowed, "%s", what);
}

Test(manifest, every_pair_of_state_and_event)
{
	struct life *l = life_new();

	for (enum manifest_state state = STATE_NONE; state < MANIFEST_STATES; state++)
		for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
			pair(l, state, i, false);
			pair(l, state, i, true);
		}
	life_free(l);
}

/* A step that is none, a leg that is missing, and one where there is none. */
Test(manifest, steps_that_are_none)
{
	struct life *l = life_new();

	for (enum manifest_state state = STATE_ISSUED; state < MANIFEST_STATES; state++) {
		life_again(l);
		life_until(l, state);
		struct event e = life_event(l, EVENT_RETURNED, RETURN_NO_LEG);
		cr_expect_not(life_try(l, &e));
		e = life_event(l, EVENT_DELIVERED, RETURN_NO_LEG);
		e.transfer.leg = RETURN_OUT;
		cr_expect_not(life_try(l, &e));
		e = life_attested(l, EVENT_LOADED, RETURN_NO_LEG, GENERATOR);
		e.attested.step = EVENT_TREATED;
		cr_expect_not(life_try(l, &e));
		e.attested.step = EVENT_CANCELLED;
		cr_expect_not(life_try(l, &e));
	}
	life_free(l);
}

/* ---- the table ---- */

/* The longest way to CLOSED that enters no state twice. */
static unsigned longest(enum manifest_state from, unsigned been)
{
	unsigned most = 0;

	for (size_t i = 0; i < state_rows_n; i++) {
		const struct state_row *row = &state_rows[i];
		if (row->from != from || (been & 1U << row->to) != 0)
			continue;
		unsigned n = 1 + longest(row->to, been | 1U << row->to);
		most = n > most ? n : most;
	}
	return most;
}

Test(manifest, the_table_is_whole)
{
	unsigned reached = 1U << STATE_NONE;

	for (size_t i = 0; i < state_rows_n; i++) {
		const struct state_row *row = &state_rows[i];
		cr_expect(reached & 1U << row->from, "row %zu: states come in order", i);
		reached |= 1U << row->to;
		cr_expect_eq(row->starts & row->stops, 0);
		cr_expect_str_neq(state_step_name(row->step, row->leg, false), "");
		cr_expect_str_neq(state_step_name(row->step, row->leg, true), "");
		cr_expect_str_neq(state_condition_name(row->when, false), "");
		cr_expect_str_neq(state_condition_name(row->when, true), "");
	}
	cr_expect_eq(reached, (1U << MANIFEST_STATES) - 1);
	for (enum manifest_state state = STATE_NONE; state < MANIFEST_STATES; state++) {
		cr_expect_eq(state_steps_left(state), longest(state, 1U << state), "%s",
			     manifest_state_name(state, false));
		cr_expect_str_neq(manifest_state_name(state, false), "");
		cr_expect_str_neq(manifest_state_name(state, true), "");
	}
	cr_expect_str_eq(manifest_state_name(MANIFEST_STATES, false), "");
	char cut[8];
	state_allowed(STATE_IN_TRANSIT, cut, sizeof(cut));
	cr_expect_str_eq(cut, "handed ");
}

/* For every group of (state, step, leg), exactly one row fits any quantities that can be there. */
Test(manifest, one_row_for_every_outcome)
{
	static const struct {
		int64_t accepted, refused, treated;
	} cases[] = {{5, 0, 0}, {5, 0, 5}, {5, 0, 2}, {5, 3, 0}, {5, 3, 5}, {5, 3, 1}, {0, 3, 0}};

	for (size_t i = 0; i < state_rows_n; i++) {
		const struct state_row *row = &state_rows[i];
		for (size_t c = 0; c < ARRAY_LEN(cases); c++) {
			struct manifest_line line = {.accepted = {cases[c].accepted, 1},
						     .refused = {cases[c].refused, 1},
						     .treated = {cases[c].treated, 1}};
			cr_expect_not_null(state_row_choose(row->from, row->step, row->leg, &line, 1));
		}
	}
}

/* ---- lives ---- */

Test(manifest, the_common_life)
{
	struct life *l = life_new();
	struct buffer bytes = BUFFER_EMPTY;

	life_step(l, EVENT_ISSUED);
	cr_expect_eq(l->m.number, NUMBER(1));
	cr_expect_str_eq(l->m.plate, PLATE);
	cr_expect_str_eq(l->m.permit, PERMIT);
	cr_expect_str_eq(l->m.edition, "2021");
	cr_expect_eq(l->m.issued_at, WORLD_MORNING);
	cr_assert_eq(l->m.lines_n, 2);
	cr_expect_eq(l->m.lines[0].planned.grams, 1200000);
	l->now += HOUR;
	life_step(l, EVENT_LOADED);
	cr_expect_eq(l->m.effective_at, WORLD_MORNING + HOUR);
	cr_expect_eq(l->m.issued_at, WORLD_MORNING);
	cr_expect_eq(l->m.lines[0].shipped.grams, 1200000);
	cr_expect_eq(l->m.lines[0].moving.containers, 6);
	life_step(l, EVENT_DELIVERED);
	life_step(l, EVENT_RECEIVED);
	cr_expect_eq(l->m.state, STATE_ACCEPTED);
	cr_expect_eq(l->m.lines[1].accepted.grams, 300000);
	life_step(l, EVENT_TREATED);
	cr_expect_eq(l->m.state, STATE_CLOSED);
	cr_expect_eq(manifest_due_at(&l->m), 0);
	cr_expect_eq(manifest_open_flags(&l->m), 0);
	cr_assert(manifest_encode(&l->m, &bytes));
	cr_expect_lt(bytes.n, 450, "%zu bytes", bytes.n);
	buffer_free(&bytes);
	life_free(l);
}

Test(manifest, combined_transport_moves_the_load_to_the_later_transporter)
{
	struct life *l = life_new();

	life_until(l, STATE_IN_TRANSIT);
	party_no first = l->m.transporter;
	life_step(l, EVENT_HANDED_OVER);
	cr_expect_neq(l->m.transporter, first);
	cr_expect_str_eq(l->m.plate, OTHER_PLATE);
	/* The first one has it no more. */
	struct event e = life_event(l, EVENT_DELIVERED, RETURN_NO_LEG);
	e.transfer.from = world_party(HAULER);
	cr_expect_not(life_try(l, &e));
	cr_expect(problems_have(&l->problems, "party.not_holder"));
	life_step(l, EVENT_HANDED_OVER);
	cr_expect_eq(l->m.transporter, first);
	life_step(l, EVENT_DELIVERED);
	life_free(l);
}

Test(manifest, part_refused_part_treated_in_any_order)
{
	struct life *l = life_new();

	/* Treated first, then back. */
	life_until(l, STATE_PARTLY_ACCEPTED);
	life_step(l, EVENT_TREATED);
	cr_expect_eq(l->m.state, STATE_REFUSED);
	life_return(l, RETURN_OUT);
	life_return(l, RETURN_BACK);
	cr_expect_eq(l->m.state, STATE_CLOSED);
	/* Treated on the way. */
	life_again(l);
	life_until(l, STATE_RETURNING);
	life_step(l, EVENT_TREATED);
	cr_expect_eq(l->m.state, STATE_RETURNING);
	cr_expect_eq(l->m.deadlines[DEADLINE_TREAT].starts_at, 0);
	life_return(l, RETURN_BACK);
	cr_expect_eq(l->m.state, STATE_CLOSED);
	cr_expect_eq(l->m.lines[0].returned.grams, 1200000);
	cr_expect_eq(l->m.lines[1].treated.grams, 300000);
	/* Treated last. */
	life_again(l);
	life_until(l, STATE_RETURNED);
	life_step(l, EVENT_TREATED);
	cr_expect_eq(l->m.state, STATE_CLOSED);
	/* All refused. */
	life_again(l);
	life_until(l, STATE_REFUSED);
	life_return(l, RETURN_OUT);
	life_return(l, RETURN_BACK);
	cr_expect_eq(l->m.state, STATE_CLOSED);
	life_free(l);
}

Test(manifest, cancelled_is_a_mark)
{
	struct life *l = life_new();

	life_until(l, STATE_ISSUED);
	struct digest head = *manifest_head(&l->m);
	life_step(l, EVENT_CANCELLED);
	cr_expect_eq(l->m.cancelled_at, l->now);
	cr_expect(digest_eq(&head, manifest_head(&l->m)));
	cr_expect_eq(manifest_due_at(&l->m), 0);
	struct event e = life_event(l, EVENT_CANCELLED, RETURN_NO_LEG);
	cr_expect_not(life_try(l, &e));
	cr_expect(problems_have(&l->problems, "cancelled.already"));
	life_step(l, EVENT_LOADED);
	cr_expect_eq(l->m.state, STATE_IN_TRANSIT);
	life_again(l);
	life_until(l, STATE_ISSUED);
	e = life_event(l, EVENT_CANCELLED, RETURN_NO_LEG);
	e.signers[0].keyid = l->w->devices[OTHER_GENERATOR].keyid;
	cr_expect_not(life_try(l, &e));
	cr_expect(problems_have(&l->problems, "cancelled.by"));
	life_free(l);
}

Test(manifest, several_sides_may_be_absent_and_confirm_in_any_order)
{
	struct life *l = life_new();

	life_until(l, STATE_ISSUED);
	struct event loaded = life_attested(l, EVENT_LOADED, RETURN_NO_LEG, HAULER);
	life_do(l, &loaded);
	struct event delivered = life_attested(l, EVENT_DELIVERED, RETURN_NO_LEG, HAULER);
	life_do(l, &delivered);
	cr_expect_eq(l->m.state, STATE_DELIVERED);
	/* Only the side that was absent, and only what waits. */
	struct event e = life_confirmed(l, &delivered.id, GENERATOR);
	cr_expect_not(life_try(l, &e));
	cr_expect(problems_have(&l->problems, "confirmed.side"));
	e = life_confirmed(l, &e.id, FACILITY);
	cr_expect_not(life_try(l, &e));
	cr_expect(problems_have(&l->problems, "attested.open"));
	e = life_confirmed(l, &delivered.id, FACILITY);
	life_do(l, &e);
	cr_expect_not(life_try(l, &e), "once only");
	cr_expect(problems_have(&l->problems, "attested.open"));
	e = life_confirmed(l, &loaded.id, GENERATOR);
	life_do(l, &e);
	/* A stranger cannot state a step. */
	life_again(l);
	life_until(l, STATE_IN_TRANSIT);
	e = life_attested(l, EVENT_DELIVERED, RETURN_NO_LEG, GENERATOR);
	cr_expect_not(life_try(l, &e));
	cr_expect(problems_have(&l->problems, "attested.step"));
	life_free(l);
}

/* ---- the trail's end ---- */

Test(manifest, a_full_trail_still_closes)
{
	struct life *l = life_new();
	struct event e;

	life_until(l, STATE_IN_TRANSIT);
	do
		e = life_event(l, EVENT_HANDED_OVER, RETURN_NO_LEG);
	while (life_try(l, &e));
	cr_expect(problems_have(&l->problems, "state.trail_full"));
	cr_expect_eq(l->m.chain_n, CHAIN_MAX - state_steps_left(STATE_IN_TRANSIT));
	life_step(l, EVENT_DELIVERED);
	e = life_received(l, REFUSE_SOME);
	life_do(l, &e);
	life_return(l, RETURN_OUT);
	life_return(l, RETURN_BACK);
	life_step(l, EVENT_TREATED);
	cr_expect_eq(l->m.state, STATE_CLOSED);

	life_again(l);
	life_until(l, STATE_ACCEPTED);
	do {
		e = life_event(l, EVENT_TREATED, RETURN_NO_LEG);
		l->treatments[0].grams = 1;
		l->treatments[0].containers = 0;
		e.treated.lines_n = 1;
	} while (life_try(l, &e));
	cr_expect(problems_have(&l->problems, "state.trail_full"));
	cr_expect_eq(l->m.chain_n, CHAIN_MAX - 1);
	life_step(l, EVENT_TREATED);
	cr_expect_eq(l->m.state, STATE_CLOSED);
	life_free(l);
}

/* ---- the chain ---- */

Test(manifest, where_previous_leads)
{
	struct life *l = life_new();
	struct digest standing = {{0}}, zero = {{0}};
	struct event issued = life_event(l, EVENT_ISSUED, RETURN_NO_LEG);
	struct event early = life_event(l, EVENT_LOADED, RETURN_NO_LEG);

	cr_expect_eq(manifest_chain(NULL, &issued, &standing), CHAIN_FITS);
	early.previous = issued.id;
	cr_expect_eq(manifest_chain(NULL, &early, &standing), CHAIN_UNKNOWN);
	life_do(l, &issued);
	cr_expect_eq(manifest_chain(&l->m, &issued, &standing), CHAIN_SAME);
	struct event loaded = life_event(l, EVENT_LOADED, RETURN_NO_LEG);
	cr_expect_eq(manifest_chain(&l->m, &loaded, &standing), CHAIN_FITS);
	life_do(l, &loaded);
	struct event delivered = life_event(l, EVENT_DELIVERED, RETURN_NO_LEG);
	life_do(l, &delivered);
	cr_expect_eq(manifest_chain(&l->m, &loaded, &standing), CHAIN_SAME);
	cr_expect_eq(manifest_chain(&l->m, &delivered, &standing), CHAIN_SAME);
	cr_expect(digest_eq(&standing, &zero), "untouched so far");

	struct event rival = life_event(l, EVENT_LOADED, RETURN_NO_LEG);
	rival.previous = issued.id;
	cr_expect_eq(manifest_chain(&l->m, &rival, &standing), CHAIN_FORK);
	cr_expect(digest_eq(&standing, &loaded.id));
	struct event after = life_event(l, EVENT_DELIVERED, RETURN_NO_LEG);
	after.previous = rival.id;
	cr_expect_eq(manifest_chain(&l->m, &after, &standing), CHAIN_UNKNOWN);
	cr_expect(manifest_remember_rival(&l->m, &rival.id, 7, &loaded.id));
	cr_expect_not(manifest_remember_rival(&l->m, &rival.id, 7, &loaded.id));
	cr_expect_not(manifest_remember_rival(&l->m, &after.id, 7, &loaded.id), "one for each key and place");
	cr_expect_not(manifest_remember_rival(&l->m, &after.id, 8, &after.id), "stands nowhere");
	standing = zero;
	cr_expect_eq(manifest_chain(&l->m, &after, &standing), CHAIN_DESCENDS);
	cr_expect(digest_eq(&standing, &loaded.id));
	cr_expect_eq(manifest_chain(&l->m, &rival, &standing), CHAIN_FORK, "judged afresh, the same answer");
	struct event second = life_event(l, EVENT_ISSUED, RETURN_NO_LEG);
	cr_expect_eq(manifest_chain(&l->m, &second, &standing), CHAIN_FORK);
	cr_expect(digest_eq(&standing, &issued.id));
	for (key_no key = 10; key < 10 + 2 * RIVALS_MAX; key++) {
		struct digest id = digest_of(span_of(&key, sizeof(key)));
		cr_expect_eq(manifest_remember_rival(&l->m, &id, key, &issued.id), key < 10 + RIVALS_MAX - 1);
	}
	life_free(l);
}
