/* core/manifest: random lives conserve every gram and every container of every line, whoever holds them. */
#include <criterion/criterion.h>

#include "life.h"

/* A small generator of our own, so that a failure can be repeated from its seed. */
static uint64_t draw(uint64_t *seed, uint64_t below)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (*seed >> 33) % below;
}

static struct event many_lines(struct life *l, uint64_t *seed)
{
	struct event e = life_event(l, EVENT_ISSUED, RETURN_NO_LEG);
	struct waste_line line = l->waste[0];

	e.issued.lines_n = 1 + draw(seed, 4 == draw(seed, 5) ? MAX_LINES : 3);
	for (size_t i = 0; i < e.issued.lines_n; i++) {
		line.line = (uint32_t)i + 1;
		line.grams = 1 + (int64_t)draw(seed, 1000000000);
		line.containers = 1 + (uint32_t)draw(seed, 20);
		l->waste[i] = line;
	}
	return e;
}

static void weigh_again(struct life *l, const struct event *e, uint64_t *seed)
{
	for (size_t i = 0; i < e->transfer.lines_n; i++)
		if (draw(seed, 2) == 0)
			l->lines[i].grams = 1 + (int64_t)draw(seed, 1000000000);
}

/* Decides each line anew: accepted, partly (where two pieces or more make that possible) or refused. */
static void decide(struct life *l, uint64_t *seed)
{
	for (size_t i = 0; i < l->m.lines_n; i++) {
		struct quantity all = l->m.lines[i].delivered;
		struct line_decision *d = &l->decisions[i];
		uint32_t n = (uint32_t)i + 1;
		unsigned what = (unsigned)draw(seed, 3);

		*d = (struct line_decision){.line = n, .decision = DECISION_ACCEPTED};
		if (what == 1 && all.grams > 1 && all.containers > 1) {
			int64_t grams = 1 + (int64_t)draw(seed, (uint64_t)all.grams - 1);
			uint32_t containers = 1 + (uint32_t)draw(seed, all.containers - 1);
			d->decision = DECISION_PARTLY;
			d->accepted = (struct line_quantity){n, grams, containers};
			d->refused =
			    (struct line_quantity){n, all.grams - grams, all.containers - containers};
		} else if (what == 2) {
			d->decision = DECISION_REFUSED;
			d->refused = (struct line_quantity){n, all.grams, all.containers};
		} else {
			d->accepted = (struct line_quantity){n, all.grams, all.containers};
		}
	}
}

/* Some lines, some of each: what is left must be reachable in the steps the chain still has. */
static void treat_some(struct life *l, struct event *e, uint64_t *seed)
{
	size_t n = 0;

	if (draw(seed, 3) == 0)
		return;
	for (size_t i = 0; i < e->treated.lines_n; i++) {
		struct line_treatment t = l->treatments[i];

		if (draw(seed, 2) == 0)
			continue;
		if (t.grams > 1 && draw(seed, 2) == 0) {
			t.grams = 1 + (int64_t)draw(seed, (uint64_t)t.grams - 1);
			t.containers = (uint32_t)draw(seed, t.containers);
		}
		l->treatments[n++] = t;
	}
	if (n > 0)
		e->treated.lines_n = n;
}

/* One gram or one piece too many or too few where none may differ. True: it must now be refused. */
static bool spoil(struct life *l, struct event *e, uint64_t *seed)
{
	size_t i;

	if (draw(seed, 4) != 0)
		return false;
	switch ((int)e->kind) {
	case EVENT_RECEIVED:
		i = draw(seed, e->received.lines_n);
		if (l->decisions[i].decision == DECISION_REFUSED)
			l->decisions[i].refused.grams += 1 - 2 * (int64_t)draw(seed, 2);
		else if (draw(seed, 2) == 0)
			l->decisions[i].accepted.grams++;
		else
			l->decisions[i].accepted.containers++;
		return true;
	case EVENT_TREATED:
		i = draw(seed, e->treated.lines_n);
		l->treatments[i].grams = 1000000001;
		return true;
	case EVENT_RETURNED:
		if (e->transfer.leg == RETURN_BACK)
			return false;
		i = draw(seed, e->transfer.lines_n);
		if (draw(seed, 2) == 0)
			l->lines[i].grams--;
		else
			l->lines[i].containers++;
		return true;
	default: return false;
	}
}

static bool same(struct quantity a, struct quantity b)
{
	return a.grams == b.grams && a.containers == b.containers;
}

static struct quantity sum(struct quantity a, struct quantity b)
{
	return (struct quantity){a.grams + b.grams, a.containers + b.containers};
}

/* What must hold of a line in any state: all of it is somewhere, and only where the state lets it be. */
static void conserved(const struct manifest *m, const struct manifest_line *line, uint64_t seed)
{
	static const struct quantity none;

	cr_expect_gt(line->planned.grams, 0);
	cr_expect_eq(line->shipped.grams > 0, m->state >= STATE_IN_TRANSIT);
	cr_expect_eq(line->delivered.grams > 0, m->state >= STATE_DELIVERED);
	if (m->state >= STATE_ACCEPTED)
		cr_expect(same(sum(line->accepted, line->refused), line->delivered), "seed %lu", seed);
	else
		cr_expect(same(sum(line->accepted, line->refused), none));
	cr_expect_leq(line->treated.grams, line->accepted.grams);
	cr_expect_leq(line->treated.containers, line->accepted.containers);
	cr_expect_eq(line->treated.grams == line->accepted.grams,
		     line->treated.containers == line->accepted.containers);
	cr_expect(same(line->returning, none) || same(line->returning, line->refused));
	if (m->state == STATE_CLOSED) {
		cr_expect(same(line->treated, line->accepted), "seed %lu", seed);
		cr_expect(same(line->returning, line->refused), "seed %lu", seed);
		cr_expect_eq(line->returned.grams > 0, line->refused.grams > 0);
	}
}

static struct event next_event(struct life *l, uint64_t *seed)
{
	struct event e;

	switch ((int)l->m.state) {
	case STATE_NONE: return many_lines(l, seed);
	case STATE_ISSUED: e = life_event(l, EVENT_LOADED, RETURN_NO_LEG); break;
	case STATE_IN_TRANSIT:
		e = life_event(l, draw(seed, 3) == 0 ? EVENT_HANDED_OVER : EVENT_DELIVERED, RETURN_NO_LEG);
		break;
	case STATE_DELIVERED:
		e = life_received(l, ACCEPT_ALL);
		decide(l, seed);
		return e;
	case STATE_PARTLY_ACCEPTED:
	case STATE_REFUSED:
		e = life_event(l, EVENT_RETURNED, RETURN_OUT);
		if (l->m.state == STATE_REFUSED || draw(seed, 2) == 0)
			return e;
		e = life_event(l, EVENT_TREATED, RETURN_NO_LEG);
		treat_some(l, &e, seed);
		return e;
	case STATE_RETURNING:
		e = life_event(l, EVENT_TREATED, RETURN_NO_LEG);
		if (e.treated.lines_n > 0 && draw(seed, 2) == 0) {
			treat_some(l, &e, seed);
			return e;
		}
		e = life_event(l, EVENT_RETURNED, RETURN_BACK);
		break;
	default:
		e = life_event(l, EVENT_TREATED, RETURN_NO_LEG);
		treat_some(l, &e, seed);
		return e;
	}
	weigh_again(l, &e, seed);
	return e;
}

/* True: it came to its end. */
static bool live(struct life *l, uint64_t seed)
{
	uint64_t rest = seed;

	life_again(l);
	for (size_t step = 0; step < 4 * CHAIN_MAX && l->m.state != STATE_CLOSED; step++) {
		struct event e = next_event(l, &rest);
		bool spoilt = spoil(l, &e, &rest);
		bool done = life_try(l, &e);

		if (!done && problems_have(&l->problems, "state.trail_full")) {
			/* Too many parts: now all the rest at once. */
			e = life_event(l, l->m.state == STATE_IN_TRANSIT ? EVENT_DELIVERED : EVENT_TREATED,
				       RETURN_NO_LEG);
			done = life_try(l, &e);
		} else {
			cr_expect_eq(done, !spoilt, "seed %lu, step %zu: %s", seed, step,
				     world_problems(l->w, &l->problems));
		}
		for (size_t i = 0; i < l->m.lines_n; i++)
			conserved(&l->m, &l->m.lines[i], seed);
		l->now += HOUR;
	}
	return l->m.state == STATE_CLOSED;
}

Test(quantities, random_lives_conserve_all)
{
	struct life *l = life_new();
	size_t returned = 0, treated = 0;

	for (uint64_t seed = 1; seed <= 1500; seed++) {
		cr_expect(live(l, seed), "seed %lu ends in %s", seed, manifest_state_name(l->m.state, false));
		for (size_t i = 0; i < l->m.lines_n; i++) {
			returned += l->m.lines[i].returned.grams > 0;
			treated += l->m.lines[i].treated.grams > 0;
		}
	}
	/* The lives were not all of one sort. */
	cr_expect_gt(returned, 1000);
	cr_expect_gt(treated, 1000);
	life_free(l);
}

/* The most a manifest can hold does not overflow: 40 lines of 1000 t. */
Test(quantities, the_largest_manifest)
{
	struct life *l = life_new();
	struct event e = life_event(l, EVENT_ISSUED, RETURN_NO_LEG);
	struct waste_line line = l->waste[0];

	line.grams = 1000000000;
	line.containers = 100000;
	for (size_t i = 0; i < MAX_LINES; i++) {
		line.line = (uint32_t)i + 1;
		l->waste[i] = line;
	}
	e.issued.lines_n = MAX_LINES;
	life_do(l, &e);
	life_step(l, EVENT_LOADED);
	cr_expect(life_raised(l, FLAG_OVER_CAPACITY));
	life_step(l, EVENT_HANDED_OVER);
	life_step(l, EVENT_DELIVERED);
	e = life_received(l, REFUSE_SOME);
	life_do(l, &e);
	for (int i = 0; i < 10; i++) {
		e = life_event(l, EVENT_TREATED, RETURN_NO_LEG);
		for (size_t n = 0; n < e.treated.lines_n && i < 9; n++) {
			l->treatments[n].grams = 100000000;
			l->treatments[n].containers = 10000;
		}
		life_do(l, &e);
	}
	cr_expect_eq(l->m.state, STATE_REFUSED);
	life_return(l, RETURN_OUT);
	life_return(l, RETURN_BACK);
	cr_expect_eq(l->m.state, STATE_CLOSED);
	struct buffer bytes = BUFFER_EMPTY;
	cr_assert(manifest_encode(&l->m, &bytes));
	cr_expect_lt(bytes.n, 8192);
	buffer_free(&bytes);
	life_free(l);
}
