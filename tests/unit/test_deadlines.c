/* core/manifest, core/flags: when each clock starts and ends, what meets it, and what only claims to. */
#include <criterion/criterion.h>

#include "core/time_text.h"
#include "life.h"

static micros instant(const char *text)
{
	micros at;

	cr_assert(time_parse(span_str(text), &at), "%s", text);
	return at;
}

static void due(const struct life *l, enum deadline_kind kind, const char *want)
{
	char got[TIME_TEXT_SIZE];

	cr_expect_neq(l->m.deadlines[kind].starts_at, 0);
	time_format(l->m.deadlines[kind].due_at, got);
	cr_expect_str_eq(got, want);
}

static void running(const struct life *l, unsigned want)
{
	unsigned got = 0;

	for (unsigned kind = 0; kind < DEADLINES; kind++)
		got |= (unsigned)(l->m.deadlines[kind].starts_at != 0) << kind;
	cr_expect_eq(got, want, "clocks running in %s: %x, not %x", manifest_state_name(l->m.state, false),
		     got, want);
}

enum {
	COLLECT = 1 << DEADLINE_COLLECT,
	ARRIVE = 1 << DEADLINE_ARRIVE,
	CONFIRM = 1 << DEADLINE_CONFIRM,
	RETURN = 1 << DEADLINE_RETURN,
	TREAT = 1 << DEADLINE_TREAT
};

Test(deadlines, which_run_in_each_state)
{
	struct life *l = life_new();
	static const unsigned want[MANIFEST_STATES] = {
	    [STATE_ISSUED] = COLLECT,
	    [STATE_IN_TRANSIT] = ARRIVE,
	    [STATE_DELIVERED] = CONFIRM,
	    [STATE_ACCEPTED] = TREAT,
	    [STATE_PARTLY_ACCEPTED] = TREAT | RETURN,
	    [STATE_REFUSED] = RETURN,
	    [STATE_RETURNING] = TREAT | RETURN,
	    [STATE_RETURNED] = TREAT,
	    [STATE_CLOSED] = 0,
	};

	for (enum manifest_state state = STATE_ISSUED; state < MANIFEST_STATES; state++) {
		life_again(l);
		life_until(l, state);
		running(l, want[state]);
		cr_expect_eq(manifest_due_at(&l->m) != 0, want[state] != 0);
	}
	life_free(l);
}

Test(deadlines, each_ends_when_the_law_says)
{
	struct life *l = life_new();

	/* Monday 2 March 2026, 10:00: pick-up planned for 12:00 and arrival for 16:00. */
	life_step(l, EVENT_ISSUED);
	due(l, DEADLINE_COLLECT, "2026-03-03T12:00:00+08:00");
	life_step(l, EVENT_LOADED);
	due(l, DEADLINE_ARRIVE, "2026-03-03T04:00:00+08:00");
	l->now += 4 * HOUR;
	life_step(l, EVENT_DELIVERED);
	due(l, DEADLINE_CONFIRM, "2026-03-10T00:00:00+08:00");
	l->now += DAY;
	struct event e = life_received(l, REFUSE_SOME);
	life_do(l, &e);
	/* From Tuesday 3 March: ten working days, and 365 days. */
	due(l, DEADLINE_RETURN, "2026-03-18T00:00:00+08:00");
	due(l, DEADLINE_TREAT, "2027-03-04T00:00:00+08:00");
	cr_expect_eq(manifest_due_at(&l->m), l->m.deadlines[DEADLINE_RETURN].due_at);
	cr_expect_not(l->m.deadlines[DEADLINE_RETURN].provisional);
	life_free(l);
}

Test(deadlines, holidays_do_not_count_and_beyond_the_calendar_it_is_provisional)
{
	struct life *l = life_new();

	life_until(l, STATE_IN_TRANSIT);
	l->now = instant("2026-04-30T10:00:00+08:00");
	life_step(l, EVENT_DELIVERED);
	/* Labour Day 1 to 5 May; Saturday 9 May is worked: 6, 7, 8, 9, 11 May. */
	due(l, DEADLINE_CONFIRM, "2026-05-12T00:00:00+08:00");
	life_again(l);
	life_until(l, STATE_IN_TRANSIT);
	l->now = instant("2026-12-29T10:00:00+08:00");
	life_step(l, EVENT_DELIVERED);
	cr_expect(l->m.deadlines[DEADLINE_CONFIRM].provisional);
	life_sweep(l, l->now + 30 * DAY);
	cr_expect(life_raised(l, FLAG_NOT_CONFIRMED));
	for (size_t i = 0; i < l->flags.n; i++)
		if (l->flags.changes[i].kind == FLAG_NOT_CONFIRMED)
			cr_expect(l->flags.changes[i].provisional);
	life_free(l);
}

Test(deadlines, start_at_effective_at_however_late_they_come)
{
	struct life *l = life_new();

	life_until(l, STATE_IN_TRANSIT);
	struct event e = life_event(l, EVENT_DELIVERED, RETURN_NO_LEG);
	cr_assert(life_try_at(l, &e, l->now + DAY));
	due(l, DEADLINE_CONFIRM, "2026-03-10T00:00:00+08:00");
	cr_expect_eq(l->m.deadlines[DEADLINE_CONFIRM].starts_at, WORLD_MORNING);
	life_free(l);
}

/* ---- the sweep ---- */

static const struct {
	enum manifest_state state;
	enum deadline_kind clock;
	enum flag_kind flag;
	enum event_kind step;
	enum return_leg leg;
} clocks[] = {
    {STATE_ISSUED, DEADLINE_COLLECT, FLAG_NOT_COLLECTED, EVENT_LOADED, RETURN_NO_LEG},
    {STATE_IN_TRANSIT, DEADLINE_ARRIVE, FLAG_OVERDUE, EVENT_DELIVERED, RETURN_NO_LEG},
    {STATE_DELIVERED, DEADLINE_CONFIRM, FLAG_NOT_CONFIRMED, EVENT_RECEIVED, RETURN_NO_LEG},
    {STATE_RETURNING, DEADLINE_RETURN, FLAG_REFUSED_ADRIFT, EVENT_RETURNED, RETURN_BACK},
    {STATE_ACCEPTED, DEADLINE_TREAT, FLAG_NOT_TREATED, EVENT_TREATED, RETURN_NO_LEG},
};

Test(deadlines, the_sweep_raises_each_once_and_the_step_clears_it)
{
	struct life *l = life_new();

	for (size_t i = 0; i < ARRAY_LEN(clocks); i++) {
		life_again(l);
		life_until(l, clocks[i].state);
		micros due_at = l->m.deadlines[clocks[i].clock].due_at;
		cr_expect_eq(clock_rows[clocks[i].clock].flag, clocks[i].flag);
		life_sweep(l, due_at - 1);
		cr_expect_not(life_raised(l, clocks[i].flag), "%zu: not before", i);
		life_sweep(l, due_at);
		cr_expect(life_raised(l, clocks[i].flag), "%zu", i);
		cr_expect(l->flags.changes[0].by_clock);
		cr_expect_eq(l->flags.changes[0].due_at, due_at);
		cr_expect(manifest_due_at(&l->m) == 0 || manifest_due_at(&l->m) > due_at);
		life_sweep(l, due_at + 1);
		cr_expect_not(life_raised(l, clocks[i].flag), "%zu: not twice", i);
		l->now = due_at + HOUR;
		struct event e = life_event(l, clocks[i].step, clocks[i].leg);
		life_do(l, &e);
		cr_expect(life_cleared(l, clocks[i].flag), "%zu", i);
		cr_expect_eq(l->m.flags[clocks[i].flag], 0);
		cr_expect_eq(l->m.deadlines[clocks[i].clock].starts_at, 0);
	}
	life_free(l);
}

Test(deadlines, what_is_late_is_on_record_before_the_sweep_came_by)
{
	struct life *l = life_new();

	for (size_t i = 0; i < ARRAY_LEN(clocks); i++) {
		life_again(l);
		life_until(l, clocks[i].state);
		l->now = l->m.deadlines[clocks[i].clock].due_at - 1;
		struct manifest kept = l->m;
		struct event e = life_event(l, clocks[i].step, clocks[i].leg);
		life_do(l, &e);
		cr_expect_not(life_raised(l, clocks[i].flag), "%zu: in time", i);
		l->m = kept;
		l->now++;
		e = life_event(l, clocks[i].step, clocks[i].leg);
		life_do(l, &e);
		cr_expect(life_raised(l, clocks[i].flag) && life_cleared(l, clocks[i].flag), "%zu: late", i);
	}
	life_free(l);
}

Test(deadlines, resolved_by_an_inspector_it_is_not_raised_again)
{
	struct life *l = life_new();

	life_until(l, STATE_ISSUED);
	life_sweep(l, l->now + 30 * DAY);
	l->m.flags[FLAG_NOT_COLLECTED] = 0;
	life_sweep(l, l->now + 31 * DAY);
	cr_expect_eq(l->flags.n, 0);
	l->now += 32 * DAY;
	life_step(l, EVENT_LOADED);
	cr_expect_not(life_raised(l, FLAG_NOT_COLLECTED));
	cr_expect_not(life_cleared(l, FLAG_NOT_COLLECTED));
	life_free(l);
}

/* ---- in time, and arrived late ---- */

static void come_late(struct life *l, const struct event *e, bool swept)
{
	micros late = e->occurred_at + 400 * DAY;

	if (swept)
		life_sweep(l, late - 1);
	cr_assert(life_try_at(l, e, late));
}

Test(deadlines, a_second_signature_bears_it_out)
{
	struct life *l = life_new();

	for (int swept = 0; swept < 2; swept++) {
		life_again(l);
		life_until(l, STATE_IN_TRANSIT);
		struct event e = life_event(l, EVENT_DELIVERED, RETURN_NO_LEG);
		come_late(l, &e, swept == 1);
		cr_expect_not(life_raised(l, FLAG_OVERDUE));
		cr_expect_not(life_claimed(l, FLAG_OVERDUE));
		cr_expect_eq(life_cleared(l, FLAG_OVERDUE), swept == 1);
		cr_expect_eq(l->m.flags[FLAG_OVERDUE], 0);
	}
	life_free(l);
}

Test(deadlines, one_side_alone_only_claims_it)
{
	struct life *l = life_new();

	for (int swept = 0; swept < 2; swept++) {
		life_again(l);
		life_until(l, STATE_DELIVERED);
		struct event e = life_received(l, ACCEPT_ALL);
		come_late(l, &e, swept == 1);
		cr_expect_eq(life_raised(l, FLAG_NOT_CONFIRMED), swept == 0);
		cr_expect(life_claimed(l, FLAG_NOT_CONFIRMED));
		cr_expect_not(life_cleared(l, FLAG_NOT_CONFIRMED));
		cr_expect_neq(l->m.flags[FLAG_NOT_CONFIRMED], 0, "open until an inspector looks");
		life_step(l, EVENT_TREATED);
		cr_expect_neq(l->m.flags[FLAG_NOT_CONFIRMED], 0);
	}
	life_free(l);
}

Test(deadlines, confirmed_later_bears_it_out_too)
{
	struct life *l = life_new();

	life_until(l, STATE_IN_TRANSIT);
	struct event delivered = life_attested(l, EVENT_DELIVERED, RETURN_NO_LEG, HAULER);
	come_late(l, &delivered, true);
	cr_expect(life_claimed(l, FLAG_OVERDUE));
	cr_expect(life_raised(l, FLAG_ATTESTED));
	struct event e = life_confirmed(l, &delivered.id, FACILITY);
	life_do(l, &e);
	cr_expect(life_cleared(l, FLAG_OVERDUE));
	cr_expect(life_cleared(l, FLAG_ATTESTED));
	cr_expect_eq(manifest_open_flags(&l->m), 0);
	life_free(l);
}

/* ---- computed again ---- */

Test(deadlines, a_new_setting_moves_them)
{
	struct life *l = life_new();

	life_until(l, STATE_DELIVERED);
	cr_expect_not(manifest_recompute_deadlines(&l->m, l->w->registry), "nothing changed");
	micros due_at = l->m.deadlines[DEADLINE_CONFIRM].due_at;
	life_sweep(l, due_at);
	cr_expect(life_raised(l, FLAG_NOT_CONFIRMED));
	life_setting(l, "confirm.working_days", "10");
	cr_expect(manifest_recompute_deadlines(&l->m, l->w->registry));
	due(l, DEADLINE_CONFIRM, "2026-03-17T00:00:00+08:00");
	cr_expect_eq(l->m.deadlines[DEADLINE_CONFIRM].starts_at, WORLD_MORNING);
	flags_recomputed(&l->m, due_at, &l->flags);
	cr_assert_eq(l->flags.n, 1);
	cr_expect_eq(l->flags.changes[0].action, FLAG_CLEAR);
	cr_expect_eq(l->flags.changes[0].kind, FLAG_NOT_CONFIRMED);
	l->m.flags[FLAG_NOT_CONFIRMED] = 0;
	life_sweep(l, l->m.deadlines[DEADLINE_CONFIRM].due_at);
	cr_expect(life_raised(l, FLAG_NOT_CONFIRMED), "it has passed after all");
	life_setting(l, "confirm.working_days", "11");
	cr_expect(manifest_recompute_deadlines(&l->m, l->w->registry));
	flags_recomputed(&l->m, l->m.deadlines[DEADLINE_CONFIRM].due_at + 1, &l->flags);
	cr_expect_eq(l->flags.n, 0, "passed all the same");
	life_free(l);
}
