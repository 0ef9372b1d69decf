/* core/flags: what raises a flag, what it says, what clears it, and what only an inspector can close. */
#include <criterion/criterion.h>

#include "life.h"

/* The parties of the raised flag, as devices. */
static bool concerns(const struct life *l, enum flag_kind kind, enum device device)
{
	struct party_ref ref = world_party(device);
	const struct party_record *party = registry_party(l->w->registry, &ref);

	cr_assert_not_null(party);
	for (size_t i = 0; i < l->flags.n; i++)
		for (size_t k = 0; k < l->flags.changes[i].parties_n; k++)
			if (l->flags.changes[i].kind == kind && l->flags.changes[i].parties[k] == party->no)
				return true;
	return false;
}

Test(flags, an_orderly_life_raises_none)
{
	struct life *l = life_new();
	static const enum event_kind way[] = {EVENT_ISSUED,    EVENT_LOADED,   EVENT_HANDED_OVER,
					      EVENT_DELIVERED, EVENT_RECEIVED, EVENT_TREATED};

	for (size_t i = 0; i < ARRAY_LEN(way); i++) {
		life_step(l, way[i]);
		cr_expect_eq(l->flags.n, 0, "%s", state_step_name(way[i], RETURN_NO_LEG, false));
		l->now += HOUR;
	}
	life_again(l);
	life_until(l, STATE_RETURNED);
	cr_expect_eq(manifest_open_flags(&l->m), 0);
	life_free(l);
}

/* ---- weights and counts ---- */

struct weighing {
	int64_t grams;       /* of line 1, which was 1,200,000 */
	uint32_t containers; /* which were 6 */
	bool quantity, pieces;
};

Test(flags, weights_differ_beyond_the_setting)
{
	struct life *l = life_new();
	/* The setting is 100 thousandths, and no container. */
	static const struct weighing cases[] = {
	    {1200000, 6, false, false}, {1080000, 6, false, false}, {1079999, 6, true, false},
	    {1320000, 6, false, false}, {1320001, 6, true, false},  {1200000, 5, false, true},
	    {1200000, 7, false, true},  {1, 1, true, true},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		life_again(l);
		life_until(l, STATE_IN_TRANSIT);
		struct event e = life_event(l, EVENT_DELIVERED, RETURN_NO_LEG);
		l->lines[0].grams = cases[i].grams;
		l->lines[0].containers = cases[i].containers;
		life_do(l, &e);
		cr_expect_eq(life_raised(l, FLAG_QUANTITY), cases[i].quantity, "case %zu", i);
		cr_expect_eq(life_raised(l, FLAG_CONTAINERS), cases[i].pieces, "case %zu", i);
	}
	cr_expect_str_eq(life_detail(l, FLAG_QUANTITY), "line 1: 1200000 g carried, 1 g delivered");
	cr_expect_str_eq(life_detail(l, FLAG_CONTAINERS), "line 1: 6 containers carried, 1 delivered");
	cr_expect(concerns(l, FLAG_QUANTITY, GENERATOR) && concerns(l, FLAG_QUANTITY, HAULER) &&
		  concerns(l, FLAG_QUANTITY, FACILITY));
	cr_expect_not(concerns(l, FLAG_QUANTITY, OTHER_HAULER));
	life_setting(l, "difference.permille", "1000");
	life_setting(l, "difference.containers", "5");
	life_again(l);
	life_until(l, STATE_IN_TRANSIT);
	struct event e = life_event(l, EVENT_DELIVERED, RETURN_NO_LEG);
	l->lines[0].grams = 1;
	l->lines[0].containers = 1;
	life_do(l, &e);
	cr_expect_eq(l->flags.n, 0, "the setting allows it");
	life_free(l);
}

Test(flags, what_was_planned_is_an_estimate)
{
	struct life *l = life_new();

	life_step(l, EVENT_ISSUED);
	struct event e = life_event(l, EVENT_LOADED, RETURN_NO_LEG);
	l->lines[0].grams = 5;
	l->lines[0].containers = 1;
	life_do(l, &e);
	cr_expect_eq(l->flags.n, 0);
	life_free(l);
}

Test(flags, many_small_losses_are_one_large_one)
{
	struct life *l = life_new();

	life_until(l, STATE_IN_TRANSIT);
	struct event e = life_event(l, EVENT_HANDED_OVER, RETURN_NO_LEG);
	l->lines[0].grams = 1120000;
	life_do(l, &e);
	cr_expect_eq(l->flags.n, 0);
	e = life_event(l, EVENT_HANDED_OVER, RETURN_NO_LEG);
	l->lines[0].grams = 1090000;
	life_do(l, &e);
	cr_expect_eq(l->flags.n, 0);
	e = life_event(l, EVENT_DELIVERED, RETURN_NO_LEG);
	l->lines[0].grams = 1060000;
	life_do(l, &e);
	cr_expect_str_eq(life_detail(l, FLAG_QUANTITY), "line 1: 1200000 g loaded, 1060000 g delivered");
	life_free(l);
}

Test(flags, on_the_way_back_too)
{
	struct life *l = life_new();

	life_until(l, STATE_RETURNING);
	struct event e = life_event(l, EVENT_RETURNED, RETURN_BACK);
	l->lines[0].grams = 600000;
	l->lines[0].containers = 3;
	life_do(l, &e);
	cr_expect_str_eq(life_detail(l, FLAG_QUANTITY), "line 1: 1200000 g sent back, 600000 g returned");
	cr_expect_str_eq(life_detail(l, FLAG_CONTAINERS), "line 1: 6 containers sent back, 3 returned");
	life_free(l);
}

/* At most one open flag of a kind; resolved by an inspector, only a new cause raises it again. */
Test(flags, one_of_a_kind)
{
	struct life *l = life_new();

	life_until(l, STATE_IN_TRANSIT);
	struct event e = life_event(l, EVENT_HANDED_OVER, RETURN_NO_LEG);
	l->lines[0].grams = 100;
	life_do(l, &e);
	cr_expect(life_raised(l, FLAG_QUANTITY));
	life_step(l, EVENT_HANDED_OVER);
	cr_expect_not(life_raised(l, FLAG_QUANTITY), "open already");
	l->m.flags[FLAG_QUANTITY] = 0;
	e = life_event(l, EVENT_HANDED_OVER, RETURN_NO_LEG);
	l->lines[1].grams = 1;
	life_do(l, &e);
	cr_expect(life_raised(l, FLAG_QUANTITY));
	life_free(l);
}

Test(flags, a_detail_keeps_its_limit)
{
	struct life *l = life_new();
	struct event e = life_event(l, EVENT_ISSUED, RETURN_NO_LEG);
	struct waste_line line = l->waste[0];

	for (size_t i = 0; i < MAX_LINES; i++) {
		line.line = (uint32_t)i + 1;
		l->waste[i] = line;
	}
	e.issued.lines_n = MAX_LINES;
	life_do(l, &e);
	life_step(l, EVENT_LOADED);
	e = life_event(l, EVENT_DELIVERED, RETURN_NO_LEG);
	for (size_t i = 0; i < MAX_LINES; i++)
		l->lines[i].grams = 1;
	life_do(l, &e);
	const char *detail = life_detail(l, FLAG_QUANTITY);
	cr_expect_leq(strlen(detail), FLAG_DETAIL_MAX);
	cr_expect_gt(strlen(detail), FLAG_DETAIL_MAX - 60);
	cr_expect_str_eq(detail + strlen(detail) - strlen("1 g delivered"), "1 g delivered",
			 "cut between facts");
	life_free(l);
}

/* ---- capacity, cancellation, one side alone, the clock ---- */

Test(flags, more_than_the_vehicle_may_carry)
{
	struct life *l = life_new();
	struct event e;

	for (int64_t over = 0; over < 2; over++) {
		life_again(l);
		life_until(l, STATE_ISSUED);
		e = life_event(l, EVENT_LOADED, RETURN_NO_LEG);
		l->lines[0].grams = 20000000 - l->lines[1].grams + over;
		life_do(l, &e);
		cr_expect_eq(life_raised(l, FLAG_OVER_CAPACITY), over == 1);
	}
	cr_expect_str_eq(life_detail(l, FLAG_OVER_CAPACITY),
			 "20000001 g on vehicle " PLATE ", which may carry 20000000 g");
	cr_expect(concerns(l, FLAG_OVER_CAPACITY, HAULER));
	life_free(l);
}

Test(flags, cancelled_and_loaded_in_either_order)
{
	struct life *l = life_new();

	life_until(l, STATE_ISSUED);
	life_step(l, EVENT_CANCELLED);
	cr_expect_eq(l->flags.n, 0);
	life_step(l, EVENT_LOADED);
	cr_expect(life_raised(l, FLAG_CANCELLED_LOADED));
	life_step(l, EVENT_DELIVERED);
	cr_expect(l->m.flags[FLAG_CANCELLED_LOADED] != 0, "no step clears it");
	cr_expect_eq(l->flags.n, 0, "nor raises it again");
	life_again(l);
	life_until(l, STATE_DELIVERED);
	life_step(l, EVENT_CANCELLED);
	cr_expect_str_eq(life_detail(l, FLAG_CANCELLED_LOADED), "cancelled after it was loaded");
	cr_expect(concerns(l, FLAG_CANCELLED_LOADED, GENERATOR));
	life_free(l);
}

Test(flags, one_side_alone_until_the_other_signs)
{
	struct life *l = life_new();

	life_until(l, STATE_ISSUED);
	struct event loaded = life_attested(l, EVENT_LOADED, RETURN_NO_LEG, HAULER);
	life_do(l, &loaded);
	cr_expect(life_raised(l, FLAG_ATTESTED));
	cr_expect(strstr(life_detail(l, FLAG_ATTESTED), "loaded without the signature of") != NULL);
	cr_expect(strstr(life_detail(l, FLAG_ATTESTED), "will not sign") != NULL);
	cr_expect(concerns(l, FLAG_ATTESTED, GENERATOR) && concerns(l, FLAG_ATTESTED, HAULER));
	struct event delivered = life_attested(l, EVENT_DELIVERED, RETURN_NO_LEG, FACILITY);
	life_do(l, &delivered);
	cr_expect_not(life_raised(l, FLAG_ATTESTED), "open already");
	struct event e = life_confirmed(l, &loaded.id, GENERATOR);
	life_do(l, &e);
	cr_expect_not(life_cleared(l, FLAG_ATTESTED), "another side is still absent");
	e = life_confirmed(l, &delivered.id, HAULER);
	life_do(l, &e);
	cr_expect(life_cleared(l, FLAG_ATTESTED));
	cr_expect_eq(manifest_open_flags(&l->m), 0);
	life_free(l);
}

Test(flags, a_clock_that_runs_back)
{
	struct life *l = life_new();

	for (int64_t beyond = 0; beyond < 2; beyond++) {
		life_again(l);
		life_until(l, STATE_ISSUED);
		struct event e = life_event(l, EVENT_LOADED, RETURN_NO_LEG);
		e.occurred_at -= (300 + beyond) * MICROS_PER_SECOND;
		life_do(l, &e);
		cr_expect_eq(l->m.effective_at, WORLD_MORNING, "not before its predecessor");
		cr_expect_eq(life_raised(l, FLAG_CLOCK), beyond == 1);
	}
	cr_expect_str_eq(life_detail(l, FLAG_CLOCK),
			 "said to have occurred 301 s before the step it follows");
	life_free(l);
}

/* ---- what is not valid under way ---- */

static void apply(struct life *l, const struct event *e)
{
	cr_assert(registry_apply(l->w->registry, e, 901, l->now));
}

Test(flags, a_permit_that_lapses_flags_and_does_not_block)
{
	struct life *l = life_new();
	struct event revoked = {
	    .kind = EVENT_PERMIT_REVOKED,
	    .permit_revoked = {span_str(PERMIT), WORLD_MORNING + HOUR, span_str("a test")}};

	life_until(l, STATE_IN_TRANSIT);
	apply(l, &revoked);
	struct event e = life_event(l, EVENT_DELIVERED, RETURN_NO_LEG);
	life_do(l, &e);
	cr_expect_not(life_raised(l, FLAG_PERMIT_LAPSED), "it was valid at effective_at");
	l->now += HOUR;
	life_step(l, EVENT_RECEIVED);
	cr_expect_str_eq(life_detail(l, FLAG_PERMIT_LAPSED), "permit " PERMIT " is not valid");
	cr_expect(concerns(l, FLAG_PERMIT_LAPSED, FACILITY));
	cr_expect_not(concerns(l, FLAG_PERMIT_LAPSED, HAULER));
	/* A new manifest is refused; one that only arrives late is flagged. */
	life_again(l);
	l->now += HOUR;
	e = life_event(l, EVENT_ISSUED, RETURN_NO_LEG);
	cr_expect_not(life_try(l, &e));
	cr_expect(problems_have(&l->problems, "permit.not_valid"));
	cr_expect(life_try_at(l, &e, l->now + HOUR), "%s", world_problems(l->w, &l->problems));
	cr_expect(life_raised(l, FLAG_PERMIT_LAPSED));
	life_free(l);
}

Test(flags, a_vehicle_and_a_party_that_lapse)
{
	struct life *l = life_new();
	const struct vehicle_record *v = registry_vehicle(l->w->registry, span_str(PLATE));
	struct party_ref ref = world_party(HAULER);
	const struct party_record *hauler = registry_party(l->w->registry, &ref);

	cr_assert(v != NULL && hauler != NULL);
	life_until(l, STATE_ISSUED);
	struct event e = {.kind = EVENT_VEHICLE_REGISTERED, .vehicle_registered = v->vehicle};
	e.vehicle_registered.valid_until = l->now;
	apply(l, &e);
	e = (struct event){.kind = EVENT_PARTY_CHANGED, .party = {hauler->party, span_str("closed")}};
	e.party.party.valid_until = l->now;
	apply(l, &e);
	life_step(l, EVENT_LOADED);
	cr_expect_eq(l->m.state, STATE_IN_TRANSIT);
	const char *detail = life_detail(l, FLAG_PERMIT_LAPSED);
	cr_expect_not_null(strstr(detail, "vehicle " PLATE " is not valid; party "), "%s", detail);
	cr_expect(concerns(l, FLAG_PERMIT_LAPSED, HAULER));
	cr_expect_not(concerns(l, FLAG_PERMIT_LAPSED, FACILITY));
	life_free(l);
}

Test(flags, a_method_that_the_permit_lacks)
{
	struct life *l = life_new();

	life_until(l, STATE_DELIVERED);
	struct event e = life_received(l, ACCEPT_ALL);
	l->decisions[1].method = span_str("R4");
	life_do(l, &e);
	cr_expect_str_eq(life_detail(l, FLAG_PERMIT_LAPSED), "line 2: method R4 is not of the permit");
	life_again(l);
	life_until(l, STATE_ACCEPTED);
	e = life_event(l, EVENT_TREATED, RETURN_NO_LEG);
	l->treatments[0].method = span_str("D1");
	life_do(l, &e);
	cr_expect_str_eq(life_detail(l, FLAG_PERMIT_LAPSED), "line 1: method D1 is not of the permit");
	life_free(l);
}

Test(flags, no_memory_is_said)
{
	struct life *l = life_new();
	struct arena *none = arena_new(16);
	struct flag_list list;

	cr_assert_not_null(none);
	life_until(l, STATE_ISSUED);
	cr_expect_not(flags_due(&l->m, l->now + 100 * DAY, none, &list));
	arena_free(none);
	life_free(l);
}
