#include <criterion/criterion.h>
#include <stdlib.h>

#include "mutate.h"
#include "steps.h"
#include "wire/codec.h"

/* ---- whole lives ---- */

Test(judge, a_whole_life_closes_and_raises_nothing)
{
	struct world *w = world_new();
	size_t before = w->entries_n;
	struct digest id = step_issue(w, NUMBER(1));

	w->now += HOUR;
	id = world_accept(w, step_load(w, NUMBER(1), &id));
	w->now += HOUR;
	id = world_accept(w, step_deliver(w, NUMBER(1), &id));
	w->now += HOUR;
	id = world_accept(w, step_by_facility(w, EVENT_RECEIVED, NUMBER(1), &id));
	w->now += 20 * DAY;
	id = world_accept(w, step_by_facility(w, EVENT_TREATED, NUMBER(1), &id));
	const struct manifest *m = world_manifest(w, NUMBER(1));
	cr_assert_eq(m->state, STATE_CLOSED);
	cr_assert_eq(m->chain_n, 5);
	cr_assert(digest_eq(manifest_head(m), &id));
	cr_assert_eq(m->trail_n, 5);
	cr_assert_eq(w->entries_n, before + 5);
	cr_assert_eq(w->flags_n, 0);
	for (uint32_t i = 0; i < 5; i++) {
		cr_assert_eq(w->entries[before + i].row.number, NUMBER(1));
		cr_assert_eq(w->entries[before + i].row.position, i);
	}
	world_free(w);
}

/* Everything of one load in one batch: a vehicle that comes home with a chain made without signal. */
static size_t chain(struct world *w, uint64_t number, const struct signed_event *ret_members[5])
{
	struct event e = world_issued(w, number);

	ret_members[0] = SIGN(w, &e, GENERATOR);
	w->now += HOUR;
	ret_members[1] = step_load(w, number, &ret_members[0]->event.id);
	w->now += HOUR;
	ret_members[2] = step_deliver(w, number, &ret_members[1]->event.id);
	w->now += HOUR;
	ret_members[3] = step_by_facility(w, EVENT_RECEIVED, number, &ret_members[2]->event.id);
	ret_members[4] = step_by_facility(w, EVENT_TREATED, number, &ret_members[3]->event.id);
	return 5;
}

Test(judge, members_of_a_batch_see_each_other)
{
	struct world *w = world_new();
	const struct signed_event *members[5];
	struct verdict v[5];
	size_t n = chain(w, NUMBER(1), members);

	world_judge(w, members, n, v);
	for (size_t i = 0; i < n; i++)
		cr_assert_eq(v[i].refused, REFUSAL_NONE, "%zu: %s", i, world_problems(w, &v[i].problems));
	cr_assert_eq(world_manifest(w, NUMBER(1))->state, STATE_CLOSED);
	cr_assert_eq(w->manifests_n, 1);
	world_free(w);
}

Test(judge, a_key_enrolled_in_the_batch_signs_in_it)
{
	struct world *w = world_new();
	struct event enrol = world_event(w, EVENT_KEY_ENROLLED);
	struct event issued = world_issued(w, NUMBER(1));
	struct verdict v[2];

	enrol.key_enrolled = (struct key_enrolled){w->devices[NEW_DEVICE].public, world_party(GENERATOR),
						   ROLE_GENERATOR, span_str("二号终端"), w->now};
	const struct signed_event *members[] = {SIGN(w, &enrol, REGISTRAR, NEW_DEVICE),
						SIGN(w, &issued, NEW_DEVICE)};
	world_judge(w, members, 2, v);
	cr_assert_eq(v[0].refused, REFUSAL_NONE);
	cr_assert_eq(v[1].refused, REFUSAL_NONE, "%s", world_problems(w, &v[1].problems));
	cr_assert_eq(registry_key(w->registry, &w->devices[NEW_DEVICE].keyid)->contiguous, 2);
	world_free(w);
}

/* ---- sent again ---- */

Test(judge, an_accepted_event_sent_again_is_found)
{
	struct world *w = world_new();
	const struct signed_event *members[5];
	struct verdict first[5], v[10];
	size_t n = chain(w, NUMBER(1), members);

	world_judge(w, members, n, first);
	size_t entries = w->entries_n;
	world_judge(w, members, n, v);
	for (size_t i = 0; i < n; i++) {
		cr_assert_eq(v[i].refused, REFUSAL_NONE);
		cr_assert(v[i].repeated && !first[i].repeated);
		cr_assert_eq(v[i].index, first[i].index);
	}
	world_restart(w);
	world_judge(w, members, n, v);
	for (size_t i = 0; i < n; i++)
		cr_assert(v[i].repeated && v[i].index == first[i].index);
	cr_assert_eq(w->entries_n, entries);

	/* And twice in one batch. */
	n = chain(w, NUMBER(2), members);
	const struct signed_event *twice[10];
	for (size_t i = 0; i < n; i++)
		twice[2 * i] = twice[2 * i + 1] = members[i];
	world_judge(w, twice, 2 * n, v);
	for (size_t i = 0; i < n; i++) {
		cr_assert_eq(v[2 * i].refused, REFUSAL_NONE);
		cr_assert(!v[2 * i].repeated && v[2 * i + 1].repeated);
		cr_assert_eq(v[2 * i].index, v[2 * i + 1].index);
	}
	cr_assert_eq(w->entries_n, entries + 5);
	cr_assert_eq(w->flags_n, 0);
	world_free(w);
}

Test(judge, whatever_is_wrong_with_an_issued_manifest_is_said_at_once)
{
	struct world *w = world_new();
	struct event e = world_issued(w, NUMBER(1));
	struct waste_line line = e.issued.lines[0];

	line.code = span_str("900-249-99");
	line.line = 2;
	e.issued.lines = &line;
	e.issued.lines_n = 1;
	e.issued.plate = span_str("辽A00000");
	e.issued.permit = span_str("2101000000");
	struct verdict v = world_submit(w, SIGN(w, &e, OTHER_GENERATOR));
	check_refused(w, &v, REFUSAL_RULE, "waste.code.unknown");
	check_refused(w, &v, REFUSAL_RULE, "vehicle.unknown");
	check_refused(w, &v, REFUSAL_RULE, "permit.unknown");
	check_refused(w, &v, REFUSAL_RULE, "key.party");
	check_refused(w, &v, REFUSAL_RULE, "lines.order");
	for (const struct problem *p = v.problems.first; p != NULL; p = p->next)
		for (const struct problem *q = p->next; q != NULL; q = q->next)
			cr_expect(p->rule != q->rule || strcmp(p->path, q->path) != 0, "%s twice", p->path);
	cr_assert_null(world_manifest(w, NUMBER(1)));
	world_free(w);
}

Test(judge, whatever_is_wrong_with_a_step_is_said_at_once)
{
	struct world *w = world_new();
	struct digest issued = step_issue(w, NUMBER(1));
	struct digest loaded = world_accept(w, step_load(w, NUMBER(1), &issued));
	struct digest delivered = world_accept(w, step_deliver(w, NUMBER(1), &loaded));
	struct event e = world_step(w, EVENT_RECEIVED, NUMBER(1), &delivered);
	struct line_decision line = e.received.lines[0];

	line.method = span_str("Z9");
	line.accepted.grams++;
	e.received.lines = &line;
	e.received.lines_n = 1;
	struct verdict v = world_submit(w, SIGN(w, &e, FACILITY));
	check_refused(w, &v, REFUSAL_RULE, "method.unknown");
	check_refused(w, &v, REFUSAL_RULE, "quantity.sum");

	/* Whoever may not act on it learns nothing of it. */
	e.occurred_at++;
	v = world_submit(w, SIGN(w, &e, HAULER));
	check_refused(w, &v, REFUSAL_RULE, "method.unknown");
	cr_assert(!verdict_breaks(&v, "quantity.sum"), "%s", world_problems(w, &v.problems));

	/* Another step in the place of one that stands. */
	e.previous = loaded;
	v = world_submit(w, SIGN(w, &e, FACILITY));
	check_refused(w, &v, REFUSAL_RULE, "method.unknown");
	check_refused(w, &v, REFUSAL_RULE, "chain.fork");
	cr_assert_eq(w->flags_n, 0);

	(void)world_accept(w, step_by_facility(w, EVENT_RECEIVED, NUMBER(1), &delivered));
	world_free(w);
}

struct stretched { /* a step at the limits of its fields */
	struct world *w;
	const enum device *by;
	size_t by_n;
	size_t refused, judged;
};

static void submit_stretched(void *self, const struct mutation *mutation, struct span bytes)
{
	struct stretched *t = self;
	struct arena *arena = arena_new(REQUEST_MEMORY);
	struct problems problems = {.arena = arena};
	const struct manifest before = t->w->manifests[0];
	struct verdict v = {0};
	struct event e;

	cr_assert_not_null(arena);
	bool about_it = mutation->good && event_decode(bytes, arena, &problems, &e) && e.number == NUMBER(1);
	if (about_it)
		v = world_submit(t->w, world_sign(t->w, &e, t->by_n, t->by));
	bool refused = v.refused != REFUSAL_NONE;
	bool same = digest_eq(manifest_head(&t->w->manifests[0]), manifest_head(&before));
	cr_assert_eq(refused, about_it && same, "%s %s", mutation->path, mutation->what);
	t->judged += about_it;
	t->refused += refused;
	t->w->manifests[0] = before; /* for the next one */
	arena_free(arena);
}

static void stretch(struct world *w, const struct signed_event *step, const enum device *by, size_t by_n)
{
	struct stretched t = {.w = w, .by = by, .by_n = by_n};
	struct buffer bytes = BUFFER_EMPTY;

	cr_assert(event_encode(&step->event, &bytes));
	mutate(&event_message, buffer_span(&bytes), submit_stretched, &t);
	cr_assert(t.judged >= 10 && t.refused > 0, "%zu of %zu refused", t.refused, t.judged);
	buffer_free(&bytes);
}

Test(judge, a_step_at_its_limits_is_judged_whole_and_a_refused_one_changes_nothing)
{
	static const enum device loading[] = {GENERATOR, HAULER}, delivering[] = {HAULER, FACILITY},
				 alone[] = {FACILITY};
	struct world *w = world_new();
	struct digest id = step_issue(w, NUMBER(1));
	const struct signed_event *step = step_load(w, NUMBER(1), &id);

	stretch(w, step, loading, 2);
	id = world_accept(w, step);
	step = step_deliver(w, NUMBER(1), &id);
	stretch(w, step, delivering, 2);
	id = world_accept(w, step);
	step = step_by_facility(w, EVENT_RECEIVED, NUMBER(1), &id);
	stretch(w, step, alone, 1);
	id = world_accept(w, step);
	step = step_by_facility(w, EVENT_TREATED, NUMBER(1), &id);
	stretch(w, step, alone, 1);
	world_free(w);
}

Test(judge, whatever_is_wrong_with_a_registration_is_said_at_once)
{
	struct world *w = world_new();
	struct event e = world_event(w, EVENT_KEY_REVOKED);

	memset(e.key_revoked.keyid.b, 7, DIGEST_SIZE);
	e.key_revoked.revoked_from = w->now;
	struct verdict v = world_submit(w, SIGN(w, &e, HAULER));
	check_refused(w, &v, REFUSAL_SIGNATURE, "key.unknown");
	check_refused(w, &v, REFUSAL_SIGNATURE, "key.role");
	world_free(w);
}

Test(judge, a_refusal_is_judged_afresh)
{
	struct world *w = world_new();
	struct event e = world_issued(w, NUMBER(1));

	e.occurred_at = w->now + DAY;
	e.issued.collect_by += DAY;
	e.issued.arrive_by += DAY;
	const struct signed_event *s = SIGN(w, &e, GENERATOR);
	struct verdict v = world_submit(w, s);
	check_refused(w, &v, REFUSAL_LATER, "time.future");
	cr_assert_eq(v.retry_after, DAY - registry_settings(w->registry)->clock_skew);
	w->now += v.retry_after;
	(void)world_accept(w, s);
	world_free(w);
}

/* ---- chains ---- */

Test(judge, a_missing_predecessor_is_asked_for)
{
	struct world *w = world_new();
	const struct signed_event *members[5];
	struct verdict v[5];
	size_t entries = w->entries_n;

	(void)chain(w, NUMBER(1), members);
	for (size_t i = 4; i > 0; i--) {
		v[0] = world_submit(w, members[i]);
		check_refused(w, &v[0], REFUSAL_PREDECESSOR, "chain.predecessor");
		cr_assert(digest_eq(&v[0].needed, &members[i - 1]->event.id));
	}
	cr_assert_eq(w->entries_n, entries);
	world_judge(w, members, 5, v);
	cr_assert_eq(world_manifest(w, NUMBER(1))->state, STATE_CLOSED);
	world_free(w);
}

static struct signed_event *rival_of(struct world *w, const struct digest *issued, micros at)
{
	struct event e = world_step(w, EVENT_LOADED, NUMBER(1), issued);

	e.occurred_at = at;
	return SIGN(w, &e, GENERATOR, HAULER);
}

Test(judge, the_first_of_a_fork_stands_and_the_other_is_kept)
{
	struct world *w = world_new();
	const struct stored_flag *flag;
	struct digest issued = step_issue(w, NUMBER(1));
	const struct signed_event *stands = step_load(w, NUMBER(1), &issued);
	const struct signed_event *rival = rival_of(w, &issued, w->now - 1);
	const struct signed_event *successor = step_deliver(w, NUMBER(1), &rival->event.id);

	(void)world_accept(w, stands);
	size_t entries = w->entries_n;
	struct verdict v = world_submit(w, rival);
	check_refused(w, &v, REFUSAL_FORK, "chain.fork");
	cr_assert(digest_eq(&v.standing, &stands->event.id));
	cr_assert_eq(w->entries_n, entries + 1);
	cr_assert_eq(world_open_flags(w, FLAG_FORK, &flag), 1);
	cr_assert_eq(flag->row.flag, entries);
	cr_assert_eq(flag->row.number, NUMBER(1));
	cr_assert_eq(flag->row.parties_n, 2);
	cr_assert(span_eq_str(flag->row.division_generator, "210106"));
	cr_assert(span_eq_str(flag->row.division_facility, "210114"));
	cr_assert(digest_eq(&flag->row.raised->cause, &rival->event.id));
	struct digest kept = digest_of(rival->envelope);
	cr_assert(digest_eq(&flag->row.raised->evidence_sha256, &kept));
	cr_assert_eq(w->evidence_n, 1);
	cr_assert(span_eq(w->evidence[0].envelope, rival->envelope));
	cr_assert_eq(w->evidence[0].flag, entries);
	cr_assert_eq(world_manifest(w, NUMBER(1))->flags[FLAG_FORK], entries + 1);
	cr_assert_eq(world_manifest(w, NUMBER(1))->trail_n, 3);

	/* Again, and another rival of the same signer in the same place: refused alike, nothing more kept. */
	v = world_submit(w, rival);
	check_refused(w, &v, REFUSAL_FORK, "chain.fork");
	v = world_submit(w, rival_of(w, &issued, w->now - 2));
	check_refused(w, &v, REFUSAL_FORK, "chain.fork");
	cr_assert_eq(w->entries_n, entries + 1);
	cr_assert_eq(w->evidence_n, 1);

	v = world_submit(w, successor);
	check_refused(w, &v, REFUSAL_DESCENDS, "chain.descends");
	cr_assert(digest_eq(&v.standing, &stands->event.id));
	world_free(w);
}

Test(judge, a_fork_within_one_batch)
{
	struct world *w = world_new();
	const struct stored_flag *flag;
	struct digest issued = step_issue(w, NUMBER(1));
	const struct signed_event *members[] = {step_load(w, NUMBER(1), &issued),
						rival_of(w, &issued, w->now - 1), NULL};
	struct verdict v[3];

	members[2] = step_deliver(w, NUMBER(1), &members[1]->event.id);
	world_judge(w, members, 3, v);
	cr_assert_eq(v[0].refused, REFUSAL_NONE);
	check_refused(w, &v[1], REFUSAL_FORK, "chain.fork");
	check_refused(w, &v[2], REFUSAL_DESCENDS, "chain.descends");
	cr_assert_eq(world_open_flags(w, FLAG_FORK, &flag), 1);
	world_free(w);
}

Test(judge, evidence_is_capped_for_each_key_and_day)
{
	struct world *w = world_new();
	const struct stored_flag *flag;
	unsigned cap = (unsigned)registry_settings(w->registry)->fork_evidence_per_day;

	for (unsigned i = 1; i <= cap + 3; i++) {
		struct event e = world_issued(w, NUMBER(i));
		struct event rival = e;
		(void)world_accept(w, SIGN(w, &e, GENERATOR));
		rival.issued.destination = span_str("别处");
		struct verdict v = world_submit(w, SIGN(w, &rival, GENERATOR));
		check_refused(w, &v, REFUSAL_FORK, "number.used");
		world_restart(w); /* gives nobody another quota */
	}
	cr_assert_eq(w->evidence_n, cap);
	cr_assert_eq(world_open_flags(w, FLAG_FORK, &flag), cap);
	w->now += DAY;
	struct event again = world_issued(w, NUMBER(cap + 1));
	(void)world_submit(w, SIGN(w, &again, GENERATOR));
	cr_assert_eq(w->evidence_n, cap + 1);
	world_free(w);
}

Test(judge, a_number_of_others_is_no_fork)
{
	struct world *w = world_new();
	const struct stored_flag *flag;
	struct event e = world_issued(w, NUMBER(1));

	(void)step_issue(w, NUMBER(1));
	e.issued.generator = world_party(OTHER_GENERATOR);
	struct verdict v = world_submit(w, SIGN(w, &e, OTHER_GENERATOR));
	cr_assert_neq(v.refused, REFUSAL_NONE);
	cr_assert_eq(world_open_flags(w, FLAG_FORK, &flag), 0);
	cr_assert_eq(w->evidence_n, 0);
	world_free(w);
}

Test(judge, effective_at_never_runs_back)
{
	struct world *w = world_new();
	const struct stored_flag *flag;
	struct digest id = step_issue(w, NUMBER(1));
	struct event e = world_step(w, EVENT_LOADED, NUMBER(1), &id);

	e.occurred_at = w->now - DAY;
	w->now += HOUR;
	(void)world_accept(w, SIGN(w, &e, GENERATOR, HAULER));
	cr_assert_eq(world_manifest(w, NUMBER(1))->effective_at, w->now - HOUR);
	cr_assert_eq(world_open_flags(w, FLAG_CLOCK, &flag), 1);
	world_free(w);
}

/* ---- whose load it is ---- */

Test(judge, only_the_manifests_generator_gives_the_load)
{
	struct world *w = world_new();
	struct digest id = step_issue(w, NUMBER(1));
	struct event e = world_step(w, EVENT_LOADED, NUMBER(1), &id);
	size_t entries = w->entries_n;

	struct verdict v = world_submit(w, SIGN(w, &e, OTHER_GENERATOR, HAULER));
	check_refused(w, &v, REFUSAL_RULE, "key.party");
	cr_assert_eq(world_manifest(w, NUMBER(1))->state, STATE_ISSUED);
	cr_assert_eq(w->entries_n, entries);
	cr_assert_eq(w->evidence_n, 0);
	(void)world_accept(w, step_load(w, NUMBER(1), &id));
	world_free(w);
}

Test(judge, a_refused_member_leaves_nothing_to_the_batch)
{
	struct world *w = world_new();
	struct digest id = step_issue(w, NUMBER(1));
	struct event e = world_step(w, EVENT_LOADED, NUMBER(1), &id);
	struct verdict v[2];

	const struct signed_event *members[] = {SIGN(w, &e, OTHER_GENERATOR, HAULER),
						step_load(w, NUMBER(1), &id)};
	world_judge(w, members, 2, v);
	check_refused(w, &v[0], REFUSAL_RULE, "key.party");
	cr_assert_eq(v[1].refused, REFUSAL_NONE, "%s", world_problems(w, &v[1].problems));
	world_free(w);
}

/* ---- one side alone ---- */

Test(judge, attested_by_one_side_until_the_other_signs)
{
	struct world *w = world_new();
	const struct stored_flag *flag;
	struct digest id = step_issue(w, NUMBER(1));

	id = world_accept(w, step_load(w, NUMBER(1), &id));
	struct event e = world_event(w, EVENT_ATTESTED);
	struct event delivered = world_step(w, EVENT_DELIVERED, NUMBER(1), &id);
	e.number = NUMBER(1);
	e.previous = id;
	e.attested = (struct attested){EVENT_DELIVERED, delivered.transfer, 1, span_str("接收单位拒绝签收")};
	id = world_accept(w, SIGN(w, &e, HAULER));
	cr_assert_eq(world_manifest(w, NUMBER(1))->state, STATE_DELIVERED);
	cr_assert_eq(world_open_flags(w, FLAG_ATTESTED, &flag), 1);
	uint64_t raised = flag->row.flag;
	struct event confirmed = world_event(w, EVENT_CONFIRMED);
	confirmed.number = NUMBER(1);
	confirmed.confirmed.attested = id;
	struct verdict v = world_submit(w, SIGN(w, &confirmed, HAULER));
	check_refused(w, &v, REFUSAL_RULE, "confirmed.side");
	(void)world_accept(w, SIGN(w, &confirmed, FACILITY));
	cr_assert_eq(world_open_flags(w, FLAG_ATTESTED, &flag), 0);
	/* The confirmation, and right behind it the flag that it clears. */
	const struct stored_entry *last = &w->entries[w->entries_n - 1];
	cr_assert_eq(last->row.kind, EVENT_FLAG_CLEARED);
	cr_assert_eq(last->row.event->flag_cleared.flag, raised);
	cr_assert(digest_eq(&last->row.event->flag_cleared.cause, &last[-1].row.event->id));
	cr_assert_eq(last->row.number, NUMBER(1));
	v = world_submit(w, SIGN(w, &confirmed, FACILITY));
	check_refused(w, &v, REFUSAL_RULE, "attested.open");
	world_free(w);
}

Test(judge, cancelled_is_a_mark_and_loading_after_it_is_flagged)
{
	struct world *w = world_new();
	const struct stored_flag *flag;
	struct digest id = step_issue(w, NUMBER(1));
	struct event e = world_event(w, EVENT_CANCELLED);

	e.number = NUMBER(1);
	e.cancelled.reason = span_str("车辆故障");
	struct verdict v = world_submit(w, SIGN(w, &e, OTHER_GENERATOR));
	check_refused(w, &v, REFUSAL_RULE, "cancelled.by");
	(void)world_accept(w, SIGN(w, &e, GENERATOR));
	cr_assert_neq(world_manifest(w, NUMBER(1))->cancelled_at, 0);
	(void)world_accept(w, step_load(w, NUMBER(1), &id));
	cr_assert_eq(world_open_flags(w, FLAG_CANCELLED_LOADED, &flag), 1);
	e.number = NUMBER(2);
	v = world_submit(w, SIGN(w, &e, GENERATOR));
	check_refused(w, &v, REFUSAL_RULE, "number.unknown");
	world_free(w);
}

/* ---- the same log, however it was cut into batches ---- */

enum { LOADS = 12, MEMBERS = LOADS * 7 };

/* Lives in a muddle: some fork, some repeat, some reuse numbers, some come before their predecessors. */
static size_t muddle(struct world *w, const struct signed_event **ret_members)
{
	size_t n = 0;

	for (unsigned i = 1; i <= LOADS; i++) {
		const struct signed_event *members[5];
		micros morning = w->now;
		if (i % 4 == 0)
			w->devices[GENERATOR].number--;
		(void)chain(w, NUMBER(i), members);
		for (size_t k = 0; k < 5; k++)
			ret_members[n++] = members[k];
		struct event rival = world_step(w, EVENT_LOADED, NUMBER(i), &members[0]->event.id);
		if (i % 3 == 0)
			ret_members[n++] = SIGN(w, &rival, GENERATOR, HAULER);
		if (i % 5 == 0)
			ret_members[n++] = members[1];
		w->now = morning;
	}
	for (size_t i = 0; i < n; i++) {
		size_t near = i + (size_t)(rand() % 4);
		size_t k = near < n ? near : n - 1;
		const struct signed_event *other = ret_members[i];
		ret_members[i] = ret_members[k];
		ret_members[k] = other;
	}
	w->now += 12 * HOUR;
	return n;
}

static void check_same_log(const struct world *a, const struct world *b)
{
	cr_assert_eq(a->entries_n, b->entries_n);
	for (size_t i = 0; i < a->entries_n; i++)
		cr_assert(span_eq(a->entries[i].bytes, b->entries[i].bytes), "entry %zu", i);
	cr_assert_eq(a->manifests_n, b->manifests_n);
	cr_assert_eq(a->flags_n, b->flags_n);
	cr_assert_eq(a->numbers_n, b->numbers_n);
	for (unsigned i = 1; i <= LOADS; i++) {
		struct buffer x = BUFFER_EMPTY, y = BUFFER_EMPTY;
		const struct manifest *m = world_manifest(a, NUMBER(i));
		if (m == NULL)
			continue;
		cr_assert(manifest_encode(m, &x));
		cr_assert(manifest_encode(world_manifest(b, NUMBER(i)), &y));
		cr_assert(span_eq(buffer_span(&x), buffer_span(&y)), "manifest %u", i);
		buffer_free(&x);
		buffer_free(&y);
	}
}

Test(judge, is_the_same_however_the_batches_are_cut, .timeout = 60)
{
	for (unsigned seed = 1; seed <= 12; seed++) {
		struct world *one = world_new(), *all = world_new();
		const struct signed_event *members[MEMBERS], *same[MEMBERS];
		struct verdict a[MEMBERS], b[MEMBERS];
		srand(seed);
		size_t n = muddle(one, members);
		srand(seed);
		cr_assert_eq(muddle(all, same), n);
		for (size_t i = 0; i < n;) {
			size_t cut = seed == 1 ? 1 : 1 + (size_t)(rand() % 5);
			cut = cut < n - i ? cut : n - i;
			world_judge(one, members + i, cut, a + i);
			i += cut;
		}
		world_judge(all, same, n, b);
		for (size_t i = 0; i < n; i++) {
			cr_assert_eq(a[i].refused, b[i].refused, "seed %u, member %zu", seed, i);
			cr_assert_eq(a[i].repeated, b[i].repeated);
			cr_assert(a[i].refused != REFUSAL_NONE || a[i].index == b[i].index);
		}
		check_same_log(one, all);
		world_free(one);
		world_free(all);
	}
}
