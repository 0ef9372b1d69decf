/*
 * The list of changes, and the flags of clocks: raised when a deadline has passed, closed by what stops the
 * clock. What a step of a load gives cause for is flags_step.c's; keys and forks are judging's own.
 */
#include "core/flags_work.h"
#include "core/time_text.h"

/* ---- details and changes ---- */

void say_values(struct work *w, enum detail what, const struct detail_value *values)
{
	const struct span fact = detail_make(w->arena, what, values);
	size_t at = w->detail_n > 0 ? w->detail_n + 2 : 0;

	w->no_memory |= fact.p == NULL;
	if (fact.p == NULL || at + fact.n > FLAG_DETAIL_MAX)
		return;
	if (at > 0)
		memcpy(w->detail + w->detail_n, "; ", 2);
	memcpy(w->detail + at, fact.p, fact.n);
	w->detail_n = at + fact.n;
}

static bool listed(const struct flag_list *list, enum flag_kind kind)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->changes[i].kind == kind && list->changes[i].action == FLAG_RAISE)
			return true;
	return false;
}

static struct flag_change *change(struct flag_list *list, enum flag_action action, enum flag_kind kind)
{
	struct flag_change *c = &list->changes[list->n++]; /* each kind is raised once and closed once */

	*c = (struct flag_change){.action = action, .kind = kind};
	return c;
}

void add_party(struct flag_change *c, party_no party)
{
	for (size_t i = 0; i < c->parties_n; i++)
		if (c->parties[i] == party)
			return;
	if (party != 0 && c->parties_n < FLAG_PARTIES_MAX)
		c->parties[c->parties_n++] = party;
}

struct flag_change *raise_flag(struct work *w, enum flag_kind kind)
{
	size_t n = w->detail_n;

	w->detail_n = 0;
	if (w->after->flags[kind] != 0 || listed(w->list, kind))
		return NULL;
	struct flag_change *c = change(w->list, FLAG_RAISE, kind);
	if (n > 0) {
		c->detail = arena_copy(w->arena, span_of(w->detail, n));
		w->no_memory |= c->detail.p == NULL;
	}
	return c;
}

static bool is_open(const struct work *w, enum flag_kind kind)
{
	return w->after->flags[kind] != 0 || listed(w->list, kind);
}

/* ---- clocks ---- */

static void raise_overdue(struct work *w, enum deadline_kind kind, bool by_clock)
{
	const struct clock_row *row = &clock_rows[kind];
	struct deadline *d = &w->after->deadlines[kind];
	char due[TIME_TEXT_SIZE];

	time_format(d->due_at, due);
	say(w, row->detail, detail_text(due));
	d->flagged = true;
	struct flag_change *c = raise_flag(w, row->flag);
	if (c == NULL)
		return;
	c->due_at = d->due_at;
	c->provisional = d->provisional;
	c->by_clock = by_clock;
	if (kind != DEADLINE_TREAT)
		add_party(c, w->after->generator);
	if (kind != DEADLINE_CONFIRM && kind != DEADLINE_TREAT)
		add_party(c, w->after->transporter);
	if (kind != DEADLINE_COLLECT)
		add_party(c, w->after->facility);
}

/*
 * The event has stopped the clock. Accepted in time, or borne out by a second signature: the deadline is met.
 * Else it was missed, which is put on record even if the sweep had not come by; the flag is then cleared, for
 * its cause is gone, or stays with the mark when one side alone says that it was in time.
 */
static void clock_stopped(struct work *w, enum deadline_kind kind)
{
	struct deadline *d = &w->after->deadlines[kind];
	enum flag_kind flag = clock_rows[kind].flag;
	bool late = w->accepted_at >= d->due_at;
	bool claims = w->effective_at < d->due_at;
	bool alone = w->e->signers_n < 2;

	if (late && (alone || !claims) && !d->flagged)
		raise_overdue(w, kind, false);
	if (!is_open(w, flag))
		return;
	if (late && claims && alone) {
		(void)change(w->list, FLAG_CLAIM, flag);
		if (event_is_custody(w->e->kind))
			d->claimed = (uint8_t)w->after->chain_n;
	} else {
		(void)change(w->list, FLAG_CLEAR, flag);
	}
}

/* The other side has signed: what it bears out is cleared. */
static void confirmed(struct work *w)
{
	bool waiting = false;

	for (size_t i = 0; i < w->after->chain_n; i++) {
		waiting |= w->after->absent[i] != 0;
		if (w->after->absent[i] == w->before->absent[i])
			continue;
		for (size_t kind = 0; kind < DEADLINES; kind++) {
			struct deadline *d = &w->after->deadlines[kind];

			if (d->claimed != i + 1)
				continue;
			d->claimed = 0;
			if (is_open(w, clock_rows[kind].flag))
				(void)change(w->list, FLAG_CLEAR, clock_rows[kind].flag);
		}
	}
	if (!waiting && is_open(w, FLAG_ATTESTED))
		(void)change(w->list, FLAG_CLEAR, FLAG_ATTESTED);
}

/* ---- what is called ---- */

bool flags_of_event(const struct manifest *before, struct manifest *after, const struct event *e,
		    const struct registry *r, micros effective_at, micros accepted_at, struct arena *arena,
		    struct flag_list *ret_list)
{
	const struct transfer *transfer;
	enum event_kind step = manifest_step(e, &transfer);
	struct work w;

	w.before = before;
	w.after = after;
	w.e = e;
	w.r = r;
	w.effective_at = effective_at;
	w.accepted_at = accepted_at;
	w.arena = arena;
	w.list = ret_list;
	w.detail_n = 0;
	w.no_memory = false;
	ret_list->n = 0;
	for (enum deadline_kind kind = 0; kind < DEADLINES; kind++)
		if (before->deadlines[kind].starts_at != 0 && after->deadlines[kind].starts_at == 0)
			clock_stopped(&w, kind);
	if (e->kind == EVENT_CONFIRMED)
		confirmed(&w);
	flags_of_step(&w, step, transfer == NULL ? RETURN_NO_LEG : transfer->leg);
	return !w.no_memory;
}

bool flags_due(struct manifest *m, micros now, struct arena *arena, struct flag_list *ret_list)
{
	struct work w;

	w.before = m;
	w.after = m;
	w.arena = arena;
	w.list = ret_list;
	w.detail_n = 0;
	w.no_memory = false;
	ret_list->n = 0;
	for (enum deadline_kind kind = 0; kind < DEADLINES; kind++) {
		const struct deadline *d = &m->deadlines[kind];

		if (d->starts_at != 0 && !d->flagged && d->due_at <= now)
			raise_overdue(&w, kind, true);
	}
	return !w.no_memory;
}

void flags_recomputed(struct manifest *m, micros now, struct flag_list *ret_list)
{
	ret_list->n = 0;
	for (size_t kind = 0; kind < DEADLINES; kind++) {
		struct deadline *d = &m->deadlines[kind];

		if (d->starts_at == 0 || !d->flagged || d->due_at <= now)
			continue;
		d->flagged = false;
		if (m->flags[clock_rows[kind].flag] != 0)
			(void)change(ret_list, FLAG_CLEAR, clock_rows[kind].flag);
	}
}
