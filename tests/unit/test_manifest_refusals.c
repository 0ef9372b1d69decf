/* core/manifest, refusals: one thing is wrong, and the refusal names it. */
#include <criterion/criterion.h>

#include "life.h"

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

Test(manifest_refusals, each_fault_is_named)
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
			cr_expect(life_same(&l->m, &l->before), "%s", f->rule);
		else
			cr_expect_eq(l->m.number, 0);
	}
	life_free(l);
}

Test(manifest_refusals, all_faults_at_once)
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
