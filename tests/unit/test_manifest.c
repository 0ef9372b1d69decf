/* core/manifest: every (state, event) pair, whole lives, refusals with their paths, the chain, the bytes. */
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

static void same_bytes(const struct manifest *a, const struct manifest *b, const char *what)
{
	struct buffer x = BUFFER_EMPTY, y = BUFFER_EMPTY;

	cr_assert(manifest_encode(a, &x) && manifest_encode(b, &y));
	cr_expect(span_eq(buffer_span(&x), buffer_span(&y)), "%s", what);
	buffer_free(&x);
	buffer_free(&y);
}

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
		same_bytes(&l->m, &l->before, what);
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

/* ---- refusals: one thing is wrong, and the refusal names it ---- */

struct fault {
	enum manifest_state state;
	enum event_kind step;
	enum return_leg leg;
	void (*spoil)(struct life *l, struct event *e);
	const char *rule, *path;
};

static void lines_twice(struct life *l, struct event *e)
{
	(void)e;
	l->lines[1].line = 1;
}
static void lines_backwards(struct life *l, struct event *e)
{
	(void)e;
	l->lines[0].line = 2;
	l->lines[1].line = 1;
}
static void line_missing(struct life *l, struct event *e)
{
	(void)l;
	e->transfer.lines_n = 1;
}
static void line_unknown(struct life *l, struct event *e)
{
	(void)e;
	l->lines[1].line = 3;
}
static void line_huge(struct life *l, struct event *e)
{
	(void)e;
	l->lines[1].line = UINT32_MAX;
}
static void line_zero(struct life *l, struct event *e)
{
	(void)e;
	l->lines[0].line = 0;
}
static void less(struct life *l, struct event *e)
{
	(void)e;
	l->lines[0].grams--;
}
static void fewer(struct life *l, struct event *e)
{
	(void)e;
	l->lines[0].containers--;
}
static void to_other_hauler(struct life *l, struct event *e)
{
	(void)l;
	e->transfer.to = world_party(OTHER_HAULER);
	e->transfer.plate = span_str(OTHER_PLATE);
}
static void to_generator(struct life *l, struct event *e)
{
	(void)l;
	e->transfer.to = world_party(GENERATOR);
}
static void to_nobody(struct life *l, struct event *e)
{
	(void)l;
	e->transfer.to.site = 77;
}
static void to_itself(struct life *l, struct event *e)
{
	(void)l;
	e->transfer.to = e->transfer.from;
	e->transfer.plate = span_str(PLATE);
}
static void from_other_hauler(struct life *l, struct event *e)
{
	(void)l;
	e->transfer.from = world_party(OTHER_HAULER);
}
static void unknown_plate(struct life *l, struct event *e)
{
	(void)l;
	e->transfer.plate = span_str("辽A00000");
}
static void others_plate(struct life *l, struct event *e)
{
	(void)l;
	e->transfer.plate = span_str(OTHER_PLATE);
}
static void unknown_driver(struct life *l, struct event *e)
{
	(void)l;
	e->transfer.driver = span_str("nobody");
}
static void by_generator(struct life *l, struct event *e)
{
	(void)l;
	if (e->kind == EVENT_RECEIVED)
		e->received.facility = world_party(GENERATOR);
	else
		e->treated.facility = world_party(GENERATOR);
}
static void accept_less(struct life *l, struct event *e)
{
	(void)e;
	l->decisions[0].accepted.grams--;
}
static void accept_fewer(struct life *l, struct event *e)
{
	(void)e;
	l->decisions[1].accepted.containers--;
}
static void accept_overflowing(struct life *l, struct event *e)
{
	(void)e;
	l->decisions[0].decision = DECISION_PARTLY;
	l->decisions[0].accepted.grams = INT64_MAX;
	l->decisions[0].refused = (struct line_quantity){1, INT64_MAX, 1};
}
static void refuse_without(struct life *l, struct event *e)
{
	(void)e;
	l->decisions[0].decision = DECISION_REFUSED;
}
static void accept_other_line(struct life *l, struct event *e)
{
	(void)e;
	l->decisions[0].accepted.line = 2;
}
static void decide_one_line(struct life *l, struct event *e)
{
	(void)l;
	e->received.lines_n = 1;
}
static void treat_more(struct life *l, struct event *e)
{
	(void)e;
	l->treatments[0].grams++;
}
static void treat_overflowing(struct life *l, struct event *e)
{
	(void)e;
	l->treatments[0].grams = INT64_MAX;
}
static void treat_more_pieces(struct life *l, struct event *e)
{
	(void)e;
	l->treatments[0].containers++;
}
static void treat_all_but_pieces(struct life *l, struct event *e)
{
	(void)e;
	l->treatments[0].containers--;
}
static void treat_pieces_but_grams(struct life *l, struct event *e)
{
	(void)e;
	l->treatments[0].grams--;
}
static void treat_refused_line(struct life *l, struct event *e)
{
	(void)e;
	l->treatments[0].line = 1;
}
static void number_of_other(struct life *l, struct event *e)
{
	(void)l;
	e->number = NUMBER(OTHER_BLOCK);
}
static void number_of_nobody(struct life *l, struct event *e)
{
	(void)l;
	e->number = NUMBER(999999);
}
static void hauler_issues(struct life *l, struct event *e)
{
	(void)l;
	e->issued.facility = world_party(HAULER);
}
static void unknown_transporter(struct life *l, struct event *e)
{
	(void)l;
	e->issued.transporter.site = 99;
}
static void issue_others_plate(struct life *l, struct event *e)
{
	(void)l;
	e->issued.plate = span_str(OTHER_PLATE);
}
static void unknown_permit(struct life *l, struct event *e)
{
	(void)l;
	e->issued.permit = span_str("X1");
}
static void uncovered_code(struct life *l, struct event *e)
{
	(void)e;
	l->waste[1].code = span_str("261-084-45");
}
static void uncovered_method(struct life *l, struct event *e)
{
	(void)e;
	l->waste[0].method = span_str("R4");
}
static void lines_from_two(struct life *l, struct event *e)
{
	(void)e;
	l->waste[0].line = 2;
}
static void long_ago(struct life *l, struct event *e)
{
	(void)l;
	e->occurred_at = 1;
}

static const struct fault faults[] = {
    {STATE_NONE, EVENT_ISSUED, 0, number_of_other, "number.block", "issued.number"},
    {STATE_NONE, EVENT_ISSUED, 0, number_of_nobody, "number.block", "issued.number"},
    {STATE_NONE, EVENT_ISSUED, 0, hauler_issues, "party.role", "issued.facility"},
    {STATE_NONE, EVENT_ISSUED, 0, unknown_transporter, "party.unknown", "issued.transporter"},
    {STATE_NONE, EVENT_ISSUED, 0, issue_others_plate, "vehicle.transporter", "issued.plate"},
    {STATE_NONE, EVENT_ISSUED, 0, unknown_permit, "permit.unknown", "issued.permit"},
    {STATE_NONE, EVENT_ISSUED, 0, uncovered_code, "permit.code", "issued.lines[1].code"},
    {STATE_NONE, EVENT_ISSUED, 0, uncovered_method, "permit.method", "issued.lines[0].method"},
    {STATE_NONE, EVENT_ISSUED, 0, lines_from_two, "lines.order", "issued.lines[0].line"},
    {STATE_NONE, EVENT_ISSUED, 0, long_ago, "party.not_valid", "issued.generator"},
    {STATE_NONE, EVENT_ISSUED, 0, long_ago, "permit.not_valid", "issued.permit"},
    {STATE_NONE, EVENT_ISSUED, 0, long_ago, "vehicle.not_valid", "issued.plate"},
    {STATE_ISSUED, EVENT_LOADED, 0, lines_twice, "lines.order", "loaded.lines[1].line"},
    {STATE_ISSUED, EVENT_LOADED, 0, lines_twice, "lines.missing", "loaded.lines"},
    {STATE_ISSUED, EVENT_LOADED, 0, lines_backwards, "lines.order", "loaded.lines[1].line"},
    {STATE_ISSUED, EVENT_LOADED, 0, line_missing, "lines.missing", "loaded.lines"},
    {STATE_ISSUED, EVENT_LOADED, 0, line_unknown, "lines.unknown", "loaded.lines[1].line"},
    {STATE_ISSUED, EVENT_LOADED, 0, line_huge, "lines.unknown", "loaded.lines[1].line"},
    {STATE_ISSUED, EVENT_LOADED, 0, line_zero, "lines.order", "loaded.lines[0].line"},
    {STATE_ISSUED, EVENT_LOADED, 0, to_other_hauler, "party.not_named", "loaded.transporter"},
    {STATE_ISSUED, EVENT_LOADED, 0, to_nobody, "party.unknown", "loaded.transporter"},
    {STATE_ISSUED, EVENT_LOADED, 0, unknown_plate, "vehicle.unknown", "loaded.plate"},
    {STATE_ISSUED, EVENT_LOADED, 0, others_plate, "vehicle.transporter", "loaded.plate"},
    {STATE_ISSUED, EVENT_LOADED, 0, unknown_driver, "person.unknown", "loaded.driver"},
    {STATE_IN_TRANSIT, EVENT_HANDED_OVER, 0, from_other_hauler, "party.not_holder", "handed_over.from"},
    {STATE_IN_TRANSIT, EVENT_HANDED_OVER, 0, to_generator, "party.role", "handed_over.to"},
    {STATE_IN_TRANSIT, EVENT_HANDED_OVER, 0, to_itself, "party.same", "handed_over.to"},
    {STATE_IN_TRANSIT, EVENT_DELIVERED, 0, to_generator, "party.not_named", "delivered.facility"},
    {STATE_IN_TRANSIT, EVENT_DELIVERED, 0, from_other_hauler, "party.not_holder", "delivered.transporter"},
    {STATE_IN_TRANSIT, EVENT_DELIVERED, 0, line_missing, "lines.missing", "delivered.lines"},
    {STATE_DELIVERED, EVENT_RECEIVED, 0, by_generator, "party.not_named", "received.facility"},
    {STATE_DELIVERED, EVENT_RECEIVED, 0, accept_less, "quantity.sum", "received.lines[0]"},
    {STATE_DELIVERED, EVENT_RECEIVED, 0, accept_fewer, "quantity.sum", "received.lines[1]"},
    {STATE_DELIVERED, EVENT_RECEIVED, 0, accept_overflowing, "quantity.sum", "received.lines[0]"},
    {STATE_DELIVERED, EVENT_RECEIVED, 0, refuse_without, "lines.decision", "received.lines[0]"},
    {STATE_DELIVERED, EVENT_RECEIVED, 0, accept_other_line, "lines.decision", "received.lines[0]"},
    {STATE_DELIVERED, EVENT_RECEIVED, 0, decide_one_line, "lines.missing", "received.lines"},
    {STATE_ACCEPTED, EVENT_TREATED, 0, by_generator, "party.not_named", "treated.facility"},
    {STATE_ACCEPTED, EVENT_TREATED, 0, treat_more, "quantity.exceeds", "treated.lines[0]"},
    {STATE_ACCEPTED, EVENT_TREATED, 0, treat_overflowing, "quantity.exceeds", "treated.lines[0]"},
    {STATE_ACCEPTED, EVENT_TREATED, 0, treat_more_pieces, "quantity.exceeds", "treated.lines[0]"},
    {STATE_ACCEPTED, EVENT_TREATED, 0, treat_all_but_pieces, "quantity.containers", "treated.lines[0]"},
    {STATE_ACCEPTED, EVENT_TREATED, 0, treat_pieces_but_grams, "quantity.containers", "treated.lines[0]"},
    {STATE_PARTLY_ACCEPTED, EVENT_TREATED, 0, treat_refused_line, "lines.unknown", "treated.lines[0].line"},
    {STATE_REFUSED, EVENT_RETURNED, RETURN_OUT, less, "quantity.all", "returned.lines[0]"},
    {STATE_REFUSED, EVENT_RETURNED, RETURN_OUT, fewer, "quantity.all", "returned.lines[0]"},
    {STATE_REFUSED, EVENT_RETURNED, RETURN_OUT, line_missing, "lines.missing", "returned.lines"},
    {STATE_REFUSED, EVENT_RETURNED, RETURN_OUT, from_other_hauler, "party.not_holder", "returned.from"},
    {STATE_REFUSED, EVENT_RETURNED, RETURN_OUT, to_generator, "party.role", "returned.to"},
    {STATE_RETURNING, EVENT_RETURNED, RETURN_BACK, line_unknown, "lines.unknown", "returned.lines[1].line"},
    {STATE_RETURNING, EVENT_RETURNED, RETURN_BACK, to_other_hauler, "party.not_named", "returned.to"},
};

static bool has_problem(const struct problems *problems, const char *rule, const char *path)
{
	for (const struct problem *p = problems->first; p != NULL; p = p->next)
		if (strcmp(p->rule->id, rule) == 0 && strcmp(p->path, path) == 0)
			return true;
	return false;
}

static void lines_extra(struct event *e)
{
	/* A second line for steps that have only one, so that it can be wrong. */
	if (e->kind == EVENT_RETURNED && e->transfer.lines_n == 1)
		e->transfer.lines_n = 2;
}

Test(manifest, each_fault_is_named)
{
	struct life *l = life_new();

	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		const struct fault *f = &faults[i];
		life_again(l);
		if (f->state != STATE_NONE)
			life_until(l, f->state);
		struct event e = life_event(l, f->step, f->leg);
		f->spoil(l, &e);
		if (f->spoil == line_unknown)
			lines_extra(&e);
		cr_expect_not(life_try(l, &e), "%zu: %s at %s", i, f->rule, f->path);
		cr_expect(has_problem(&l->problems, f->rule, f->path), "%zu: %s at %s, not\n%s", i, f->rule,
			  f->path, world_problems(l->w, &l->problems));
		if (f->state != STATE_NONE)
			same_bytes(&l->m, &l->before, f->rule);
		else
			cr_expect_eq(l->m.number, 0);
	}
	life_free(l);
}

Test(manifest, all_faults_at_once)
{
	struct life *l = life_new();

	life_until(l, STATE_ISSUED);
	struct event e = life_attested(l, EVENT_LOADED, RETURN_NO_LEG, GENERATOR);
	e.attested.transfer.plate = span_str("辽A00000");
	e.attested.transfer.driver = span_str("nobody");
	e.attested.transfer.to = world_party(OTHER_HAULER);
	l->lines[0].line = 2;
	l->lines[1].line = 9;
	cr_expect_not(life_try(l, &e));
	cr_expect(has_problem(&l->problems, "party.not_named", "attested.loaded.transporter"));
	cr_expect(has_problem(&l->problems, "vehicle.unknown", "attested.loaded.plate"));
	cr_expect(has_problem(&l->problems, "person.unknown", "attested.loaded.driver"));
	cr_expect(has_problem(&l->problems, "lines.unknown", "attested.loaded.lines[1].line"));
	cr_expect(has_problem(&l->problems, "lines.missing", "attested.loaded.lines"));
	life_free(l);
}

/* ---- the bytes ---- */

static void read_back(const struct life *l)
{
	struct buffer bytes = BUFFER_EMPTY;
	struct manifest *m = calloc(1, sizeof(*m));

	cr_assert_not_null(m);
	cr_assert(manifest_encode(&l->m, &bytes));
	cr_assert(manifest_decode(buffer_span(&bytes), m));
	same_bytes(m, &l->m, "read back");
	cr_expect_eq(m->state, l->m.state);
	cr_expect_eq(m->chain_n, l->m.chain_n);
	cr_expect_arr_eq(m->chain, l->m.chain, m->chain_n * sizeof(m->chain[0]));
	cr_expect_arr_eq(m->absent, l->m.absent, m->chain_n * sizeof(m->absent[0]));
	cr_expect_arr_eq(m->flags, l->m.flags, sizeof(m->flags));
	cr_expect_str_eq(m->plate, l->m.plate);
	cr_expect_eq(manifest_due_at(m), manifest_due_at(&l->m));
	for (size_t i = 0; i < m->lines_n; i++) {
		cr_expect_str_eq(m->lines[i].code, l->m.lines[i].code);
		cr_expect_eq(m->lines[i].treated.grams, l->m.lines[i].treated.grams);
		cr_expect_eq(m->lines[i].returned.containers, l->m.lines[i].returned.containers);
	}
	for (size_t n = 0; n < bytes.n; n++)
		cr_expect_not(manifest_decode(span_of(bytes.p, n), m), "cut at %zu of %zu", n, bytes.n);
	buffer_put_u8(&bytes, 0);
	cr_expect_not(manifest_decode(buffer_span(&bytes), m), "one byte more");
	bytes.n--;
	/* Any changed byte is either refused or reads as something else, never as the same. */
	for (size_t at = 0; at < bytes.n; at++) {
		bytes.p[at] ^= 0x01;
		if (manifest_decode(buffer_span(&bytes), m)) {
			struct buffer again = BUFFER_EMPTY;
			cr_assert(manifest_encode(m, &again));
			cr_expect(span_eq(buffer_span(&again), buffer_span(&bytes)), "byte %zu", at);
			buffer_free(&again);
		}
		bytes.p[at] ^= 0x01;
	}
	bytes.p[0] = 2;
	cr_expect_not(manifest_decode(buffer_span(&bytes), m), "another version");
	buffer_free(&bytes);
	free(m);
}

Test(manifest, bytes_read_back_in_every_state)
{
	struct life *l = life_new();

	for (enum manifest_state state = STATE_ISSUED; state < MANIFEST_STATES; state++) {
		life_again(l);
		life_until(l, state);
		l->m.trail_n = 9;
		(void)manifest_remember_rival(&l->m, &(struct digest){{7}}, 300, manifest_head(&l->m));
		read_back(l);
		life_sweep(l, l->now + 3000 * DAY);
		read_back(l);
	}
	life_again(l);
	life_until(l, STATE_ISSUED);
	struct event e = life_attested(l, EVENT_LOADED, RETURN_NO_LEG, HAULER);
	life_do(l, &e);
	read_back(l);
	life_free(l);
}

/* The state's byte written in two, and a NUL within the plate. */
Test(manifest, bytes_in_another_form_are_refused)
{
	struct life *l = life_new();
	struct buffer bytes = BUFFER_EMPTY, longer = BUFFER_EMPTY;
	struct manifest m;

	life_until(l, STATE_IN_TRANSIT);
	cr_assert(manifest_encode(&l->m, &bytes));
	cr_assert(manifest_decode(buffer_span(&bytes), &m));
	buffer_put_u8(&longer, bytes.p[0]);
	buffer_put_u8(&longer, bytes.p[1] | 0x80);
	buffer_put_u8(&longer, 0);
	buffer_put(&longer, bytes.p + 2, bytes.n - 2);
	cr_expect_not(manifest_decode(buffer_span(&longer), &m));
	uint8_t *plate = memmem(bytes.p, bytes.n, PLATE, strlen(PLATE));
	cr_assert_not_null(plate);
	plate[4] = '\0';
	cr_expect_not(manifest_decode(buffer_span(&bytes), &m));
	cr_expect_not(manifest_decode(span_of(NULL, 0), &m));
	buffer_free(&bytes);
	buffer_free(&longer);
	life_free(l);
}
