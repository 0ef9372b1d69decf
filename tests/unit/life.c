#include "life.h"

#include <stdio.h>
#include <stdlib.h>

static void must(bool holds, const char *what)
{
	if (holds)
		return;
	(void)fprintf(stderr, "life: %s\n", what);
	abort();
}

static void forget(struct life *l)
{
	arena_reset(l->arena);
	l->problems = (struct problems){.arena = l->arena};
	l->flags.n = 0;
	l->raised = l->cleared = l->claimed = 0;
}

struct life *life_new(void)
{
	struct life *l = calloc(1, sizeof(*l));

	must(l != NULL, "no memory");
	l->w = world_new();
	l->arena = arena_new(1 << 20);
	must(l->arena != NULL, "no memory");
	life_again(l);
	return l;
}

void life_free(struct life *l)
{
	arena_free(l->arena);
	world_free(l->w);
	free(l);
}

void life_again(struct life *l)
{
	memset(&l->m, 0, sizeof(l->m));
	l->now = WORLD_MORNING;
	forget(l);
}

/* ---- events ---- */

static void sign_by(struct life *l, struct event *e, enum device giver, enum device taker)
{
	const enum device by[] = {giver, taker};

	e->signers_n = taker == DEVICES ? 1 : 2;
	for (size_t i = 0; i < e->signers_n; i++)
		e->signers[i] = (struct signer){.keyid = l->w->devices[by[i]].keyid, .number = l->ids};
}

static struct event begin(struct life *l, enum event_kind kind)
{
	struct event e = {.kind = kind, .occurred_at = l->now, .number = NUMBER(1)};

	l->ids++;
	e.id = digest_of(span_of(&l->ids, sizeof(l->ids)));
	if (event_is_custody(kind) && l->m.chain_n > 0)
		e.previous = *manifest_head(&l->m);
	return e;
}

static enum device hauler_of(const struct life *l, party_no transporter)
{
	struct party_ref ref = world_party(OTHER_HAULER);
	const struct party_record *other = registry_party(l->w->registry, &ref);

	return other != NULL && other->no == transporter ? OTHER_HAULER : HAULER;
}

static const char *plate_of(enum device hauler)
{
	return hauler == HAULER ? PLATE : OTHER_PLATE;
}

static struct quantity at(const struct manifest_line *line, size_t offset)
{
	struct quantity q;

	memcpy(&q, (const uint8_t *)line + offset, sizeof(q));
	return q;
}

static void fill_lines(struct life *l, struct transfer *t, size_t offset)
{
	t->lines = l->lines;
	t->lines_n = 0;
	for (size_t i = 0; i < l->m.lines_n; i++) {
		struct quantity q = at(&l->m.lines[i], offset);

		if (q.grams > 0)
			l->lines[t->lines_n++] =
			    (struct line_quantity){(uint32_t)i + 1, q.grams, q.containers};
	}
}

static void fill_transfer(struct life *l, struct event *e, enum event_kind step, struct transfer *t)
{
	enum device hauler = hauler_of(l, l->m.transporter);
	enum device other = hauler == HAULER ? OTHER_HAULER : HAULER;

	switch ((int)step) {
	case EVENT_LOADED:
		*t = (struct transfer){.to = world_party(hauler), .plate = span_str(plate_of(hauler))};
		fill_lines(l, t, offsetof(struct manifest_line, planned));
		sign_by(l, e, GENERATOR, hauler);
		break;
	case EVENT_HANDED_OVER:
		*t = (struct transfer){.from = world_party(hauler),
				       .to = world_party(other),
				       .plate = span_str(plate_of(other))};
		fill_lines(l, t, offsetof(struct manifest_line, moving));
		sign_by(l, e, hauler, other);
		break;
	case EVENT_DELIVERED:
		*t = (struct transfer){.from = world_party(hauler), .to = world_party(FACILITY)};
		fill_lines(l, t, offsetof(struct manifest_line, moving));
		sign_by(l, e, hauler, FACILITY);
		break;
	default:
		if (t->leg == RETURN_OUT) {
			t->from = world_party(FACILITY);
			t->to = world_party(hauler);
			fill_lines(l, t, offsetof(struct manifest_line, refused));
			sign_by(l, e, FACILITY, hauler);
		} else {
			t->from = world_party(hauler);
			t->to = world_party(GENERATOR);
			fill_lines(l, t, offsetof(struct manifest_line, returning));
			sign_by(l, e, hauler, GENERATOR);
		}
		t->plate = span_str(plate_of(hauler));
		break;
	}
}

static void fill_treated(struct life *l, struct treated *t)
{
	*t = (struct treated){.facility = world_party(FACILITY), .lines = l->treatments};
	for (size_t i = 0; i < l->m.lines_n; i++) {
		const struct manifest_line *line = &l->m.lines[i];

		if (line->treated.grams < line->accepted.grams)
			l->treatments[t->lines_n++] = (struct line_treatment){
			    (uint32_t)i + 1, line->accepted.grams - line->treated.grams,
			    line->accepted.containers - line->treated.containers, span_str(line->method)};
	}
}

static struct event issued(struct life *l)
{
	l->w->now = l->now;
	struct event e = world_issued(l->w, NUMBER(1));
	struct event made = begin(l, EVENT_ISSUED);

	memcpy(l->waste, e.issued.lines, e.issued.lines_n * sizeof(l->waste[0]));
	e.issued.lines = l->waste;
	e.id = made.id;
	sign_by(l, &e, GENERATOR, DEVICES);
	return e;
}

struct event life_event(struct life *l, enum event_kind step, enum return_leg leg)
{
	if (step == EVENT_ISSUED)
		return issued(l);
	if (step == EVENT_RECEIVED)
		return life_received(l, ACCEPT_ALL);
	struct event e = begin(l, step);

	if (step == EVENT_TREATED) {
		fill_treated(l, &e.treated);
		sign_by(l, &e, FACILITY, DEVICES);
	} else if (step == EVENT_CANCELLED) {
		e.cancelled.reason = span_str("not needed");
		sign_by(l, &e, GENERATOR, DEVICES);
	} else {
		e.transfer.leg = leg;
		fill_transfer(l, &e, step, &e.transfer);
	}
	return e;
}

struct event life_received(struct life *l, enum verdict_on_load what)
{
	struct event e = begin(l, EVENT_RECEIVED);

	e.received = (struct received){world_party(FACILITY), l->decisions, l->m.lines_n};
	for (size_t i = 0; i < l->m.lines_n; i++) {
		struct quantity q = l->m.lines[i].delivered;
		struct line_quantity all = {(uint32_t)i + 1, q.grams, q.containers};
		bool refuse = what == REFUSE_ALL || (what == REFUSE_SOME && i == 0);

		l->decisions[i] = (struct line_decision){
		    .line = all.line, .decision = refuse ? DECISION_REFUSED : DECISION_ACCEPTED};
		if (refuse) {
			l->decisions[i].refused = all;
			l->decisions[i].difference = span_str("not what was declared");
		} else {
			l->decisions[i].accepted = all;
			l->decisions[i].method = span_str(l->m.lines[i].method);
		}
	}
	sign_by(l, &e, FACILITY, DEVICES);
	return e;
}

struct event life_attested(struct life *l, enum event_kind step, enum return_leg leg, enum device by)
{
	struct event e = begin(l, EVENT_ATTESTED);

	e.attested = (struct attested){.step = step, .reason = 1, .note = span_str("he drove off")};
	e.attested.transfer.leg = leg;
	fill_transfer(l, &e, step, &e.attested.transfer);
	sign_by(l, &e, by, DEVICES);
	return e;
}

struct event life_confirmed(struct life *l, const struct digest *attested, enum device by)
{
	struct event e = begin(l, EVENT_CONFIRMED);

	e.confirmed.attested = *attested;
	sign_by(l, &e, by, DEVICES);
	return e;
}

/* ---- applying ---- */

static void carry_out(struct life *l)
{
	for (size_t i = 0; i < l->flags.n; i++) {
		const struct flag_change *c = &l->flags.changes[i];

		switch (c->action) {
		case FLAG_RAISE:
			must(l->m.flags[c->kind] == 0, "a flag of the kind is open");
			must(c->parties_n > 0 && c->detail.n > 0, "a flag says nothing");
			l->m.flags[c->kind] = 1000 + l->ids;
			l->raised |= 1U << c->kind;
			break;
		case FLAG_CLEAR:
			must(l->m.flags[c->kind] != 0, "no flag of the kind is open");
			l->m.flags[c->kind] = 0;
			l->cleared |= 1U << c->kind;
			break;
		case FLAG_CLAIM:
			must(l->m.flags[c->kind] != 0, "no flag of the kind is open");
			l->claimed |= 1U << c->kind;
			break;
		}
	}
}

bool life_try_at(struct life *l, const struct event *e, micros accepted_at)
{
	micros effective_at = e->occurred_at;

	forget(l);
	if (event_is_custody(e->kind) && effective_at < l->m.effective_at)
		effective_at = l->m.effective_at;
	manifest_copy(&l->before, &l->m);
	if (!manifest_apply(&l->m, e, l->w->registry, effective_at, accepted_at, &l->problems))
		return false;
	must(flags_of_event(&l->before, &l->m, e, l->w->registry, effective_at, accepted_at, l->arena,
			    &l->flags),
	     "no memory");
	carry_out(l);
	return true;
}

bool life_try(struct life *l, const struct event *e)
{
	return life_try_at(l, e, l->now);
}

void life_do(struct life *l, const struct event *e)
{
	if (life_try(l, e))
		return;
	(void)fputs(world_problems(l->w, &l->problems), stderr);
	must(false, "refused");
}

void life_step(struct life *l, enum event_kind step)
{
	struct event e = life_event(l, step, RETURN_NO_LEG);

	life_do(l, &e);
}

void life_return(struct life *l, enum return_leg leg)
{
	struct event e = life_event(l, EVENT_RETURNED, leg);

	life_do(l, &e);
}

void life_until(struct life *l, enum manifest_state state)
{
	static const enum verdict_on_load decisions[MANIFEST_STATES] = {
	    [STATE_PARTLY_ACCEPTED] = REFUSE_SOME,
	    [STATE_REFUSED] = REFUSE_ALL,
	    [STATE_RETURNING] = REFUSE_SOME,
	    [STATE_RETURNED] = REFUSE_SOME,
	};
	static const enum event_kind way[] = {EVENT_ISSUED, EVENT_LOADED, EVENT_DELIVERED};

	for (size_t i = 0; i < ARRAY_LEN(way) && l->m.state != state; i++)
		life_step(l, way[i]);
	if (l->m.state == state)
		return;
	struct event e = life_received(l, decisions[state]);
	life_do(l, &e);
	if (state == STATE_CLOSED)
		life_step(l, EVENT_TREATED);
	if (state == STATE_RETURNING || state == STATE_RETURNED)
		life_return(l, RETURN_OUT);
	if (state == STATE_RETURNED)
		life_return(l, RETURN_BACK);
	must(l->m.state == state, "another state than was wanted");
}

void life_sweep(struct life *l, micros now)
{
	forget(l);
	must(flags_due(&l->m, now, l->arena, &l->flags), "no memory");
	l->ids++;
	carry_out(l);
}

bool life_raised(const struct life *l, enum flag_kind kind)
{
	return (l->raised & 1U << kind) != 0;
}

bool life_cleared(const struct life *l, enum flag_kind kind)
{
	return (l->cleared & 1U << kind) != 0;
}

bool life_claimed(const struct life *l, enum flag_kind kind)
{
	return (l->claimed & 1U << kind) != 0;
}

const char *life_detail(const struct life *l, enum flag_kind kind)
{
	for (size_t i = 0; i < l->flags.n; i++)
		if (l->flags.changes[i].action == FLAG_RAISE && l->flags.changes[i].kind == kind)
			return (const char *)l->flags.changes[i].detail.p;
	return "";
}

void life_setting(struct life *l, const char *key, const char *value)
{
	struct event e = {.kind = EVENT_SETTING_CHANGED,
			  .setting_changed = {span_str(key), span_str(value), span_str("a test")}};

	must(registry_apply(l->w->registry, &e, 900, l->now), "no memory");
}

bool life_same(const struct manifest *a, const struct manifest *b)
{
	struct buffer x = BUFFER_EMPTY, y = BUFFER_EMPTY;

	must(manifest_encode(a, &x) && manifest_encode(b, &y), "no memory");
	bool same = span_eq(buffer_span(&x), buffer_span(&y));
	buffer_free(&x);
	buffer_free(&y);
	return same;
}
