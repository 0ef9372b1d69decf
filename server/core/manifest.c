/* Applying an event to a manifest: the state table decides, the draft is judged, and only then *m changes. */
#include "core/manifest_draft.h"

#include <stdio.h>

enum event_kind manifest_step(const struct event *e, const struct transfer **ret_transfer)
{
	enum event_kind step = e->kind == EVENT_ATTESTED ? e->attested.step : e->kind;

	switch ((int)step) {
	case EVENT_LOADED:
	case EVENT_HANDED_OVER:
	case EVENT_DELIVERED:
	case EVENT_RETURNED:
		*ret_transfer = e->kind == EVENT_ATTESTED ? &e->attested.transfer : &e->transfer;
		break;
	default: *ret_transfer = NULL; break;
	}
	return step;
}

static const char *prefix_of(const struct event *e)
{
	static const char *const attested[] = {
	    [EVENT_LOADED] = "attested.loaded",
	    [EVENT_HANDED_OVER] = "attested.handed_over",
	    [EVENT_DELIVERED] = "attested.delivered",
	    [EVENT_RETURNED] = "attested.returned",
	};
	const char *prefix = NULL;

	if (e->kind != EVENT_ATTESTED)
		prefix = event_kind_name(e->kind);
	else if ((size_t)e->attested.step < ARRAY_LEN(attested))
		prefix = attested[e->attested.step];
	return prefix == NULL ? "" : prefix;
}

static void refuse_state(struct draft *d, enum event_kind step, enum return_leg leg)
{
	char found[192];
	char allowed[192];
	const char *name = state_step_name(step, leg, false);

	(void)snprintf(found, sizeof(found), "%s%s in state %s (%s)",
		       d->e->kind == EVENT_ATTESTED ? "attested " : "", *name == '\0' ? "no step" : name,
		       manifest_state_name(d->m->state, false), manifest_state_name(d->m->state, true));
	state_allowed(d->m->state, allowed, sizeof(allowed));
	problem_add(d->problems, RULE(STATE_EVENT), d->prefix, found, allowed);
}

/* An attested step is signed by one of its two sides; the draft learns which is the absent one. */
static void judge_attested(struct draft *d, enum event_kind step, const struct transfer *transfer)
{
	const struct party_record *from = registry_party(d->r, &transfer->from);
	const struct party_record *to = registry_party(d->r, &transfer->to);
	party_no giver = step == EVENT_LOADED ? d->m->generator : from == NULL ? 0 : from->no;
	party_no taker = to == NULL ? 0 : to->no;
	party_no signer = draft_signer(d, 0);

	if (giver == 0 || taker == 0)
		return; /* refused already, for the party */
	if (signer == giver)
		d->absent = taker;
	else if (signer == taker)
		d->absent = giver;
	else
		problem_add(d->problems, RULE(ATTESTED_STEP), "signers[0].keyid", NULL, NULL);
}

static void judge_cancelled(struct draft *d)
{
	if (draft_signer(d, 0) != d->m->generator)
		draft_refuse(d, RULE(CANCELLED_BY), "number", NULL, NULL);
	if (d->m->cancelled_at != 0)
		draft_refuse(d, RULE(CANCELLED_ALREADY), "number", NULL, NULL);
}

static void judge_step(struct draft *d, enum event_kind step, const struct transfer *transfer)
{
	if (transfer != NULL)
		draft_transfer(d, step, transfer);
	else if (step == EVENT_RECEIVED)
		draft_received(d, &d->e->received);
	else if (step == EVENT_TREATED)
		draft_treated(d, &d->e->treated);
	else
		judge_cancelled(d);
	if (d->e->kind == EVENT_ATTESTED)
		judge_attested(d, step, transfer);
}

/* A step that leaves the state as it is must leave room for those that can still come. */
static void judge_room(struct draft *d, const struct state_row *row)
{
	char found[96];

	if (row->from != row->to || !event_is_custody(d->e->kind) ||
	    d->m->chain_n + 1 + state_steps_left(row->to) <= CHAIN_MAX)
		return;
	(void)snprintf(found, sizeof(found), "%zu steps of at most %d, %u must have room to follow",
		       d->m->chain_n, CHAIN_MAX, state_steps_left(row->to));
	problem_add(d->problems, RULE(TRAIL_FULL), d->prefix, found, NULL);
}

static void extend_chain(struct manifest *m, const struct event *e, party_no absent)
{
	m->chain[m->chain_n] = e->id;
	m->absent[m->chain_n] = absent;
	m->chain_n++;
}

static void take_row(struct manifest *m, const struct state_row *row, const struct draft *d)
{
	m->state = row->to;
	for (enum deadline_kind kind = 0; kind < DEADLINES; kind++) {
		if ((row->stops & 1U << kind) != 0)
			m->deadlines[kind].starts_at = 0;
		if ((row->starts & 1U << kind) != 0)
			clock_start(m, kind, d->effective_at, d->r);
	}
}

static void take_draft(struct manifest *m, const struct state_row *row, const struct draft *d)
{
	if (event_is_custody(d->e->kind)) {
		memcpy(m->lines, d->lines, d->lines_n * sizeof(d->lines[0]));
		m->transporter = d->transporter;
		if (d->plate.n > 0)
			text_store(m->plate, sizeof(m->plate), d->plate);
		m->effective_at = d->effective_at;
		extend_chain(m, d->e, d->absent);
	}
	take_row(m, row, d);
}

static bool apply_confirmed(struct manifest *m, struct draft *d)
{
	const struct digest *attested = &d->e->confirmed.attested;
	party_no signer = draft_signer(d, 0);
	size_t i = 0;

	while (i < m->chain_n && !(m->absent[i] != 0 && digest_eq(&m->chain[i], attested)))
		i++;
	if (i == m->chain_n) {
		draft_refuse(d, RULE(ATTESTED_OPEN), "attested", NULL, NULL);
		return false;
	}
	if (signer != m->absent[i]) {
		problem_add(d->problems, RULE(CONFIRMED_SIDE), "signers[0].keyid", NULL, NULL);
		return false;
	}
	m->absent[i] = 0;
	return true;
}

bool manifest_apply(struct manifest *m, const struct event *e, const struct registry *r, micros effective_at,
		    micros accepted_at, struct problems *problems)
{
	const struct transfer *transfer;
	enum event_kind step = manifest_step(e, &transfer);
	enum return_leg leg = transfer == NULL ? RETURN_NO_LEG : transfer->leg;
	struct draft d; /* not zeroed whole: its lines are large */
	unsigned before = problems->count + problems->more;

	d.m = m;
	d.e = e;
	d.r = r;
	d.problems = problems;
	d.prefix = prefix_of(e);
	d.effective_at = effective_at;
	d.late = accepted_at - effective_at > registry_settings(r)->clock_skew;
	d.transporter = m->transporter;
	d.plate = (struct span){0};
	d.absent = 0;
	d.lines_n = m->lines_n;

	if (e->kind == EVENT_CONFIRMED)
		return apply_confirmed(m, &d);
	const struct state_row *row = state_row_find(m->state, step, leg);
	if (row == NULL || (e->kind == EVENT_ATTESTED && transfer == NULL)) {
		refuse_state(&d, step, leg);
		return false;
	}
	if (step == EVENT_ISSUED) {
		manifest_issue(m, &d);
		if (problems->count + problems->more != before)
			return false;
		extend_chain(m, e, 0);
		take_row(m, row, &d);
		return true;
	}
	memcpy(d.lines, m->lines, m->lines_n * sizeof(m->lines[0]));
	judge_step(&d, step, transfer);
	if (problems->count + problems->more != before)
		return false;
	row = state_row_choose(m->state, step, leg, d.lines, d.lines_n);
	if (row == NULL) {
		refuse_state(&d, step, leg);
		return false;
	}
	judge_room(&d, row);
	if (problems->count + problems->more != before)
		return false;
	take_draft(m, row, &d);
	if (step == EVENT_CANCELLED)
		m->cancelled_at = accepted_at;
	return true;
}

enum chain_answer manifest_chain(const struct manifest *m, const struct event *e, struct digest *ret_standing)
{
	size_t place = 0; /* of the event in the chain: that of its predecessor plus one */

	if (m == NULL || m->chain_n == 0)
		return e->kind == EVENT_ISSUED ? CHAIN_FITS : CHAIN_UNKNOWN;
	if (e->kind != EVENT_ISSUED) {
		while (place < m->chain_n && !digest_eq(&m->chain[place], &e->previous))
			place++;
		if (++place == m->chain_n)
			return CHAIN_FITS;
	}
	if (place < m->chain_n) {
		if (digest_eq(&m->chain[place], &e->id))
			return CHAIN_SAME;
		*ret_standing = m->chain[place];
		return CHAIN_FORK;
	}
	for (size_t i = 0; i < m->rivals_n; i++) {
		if (!digest_eq(&m->rivals[i].id, &e->previous))
			continue;
		*ret_standing = m->chain[m->rivals[i].position];
		return CHAIN_DESCENDS;
	}
	return CHAIN_UNKNOWN;
}

bool manifest_remember_rival(struct manifest *m, const struct digest *id, key_no key,
			     const struct digest *standing)
{
	size_t place = 0;

	while (place < m->chain_n && !digest_eq(&m->chain[place], standing))
		place++;
	if (place == m->chain_n || m->rivals_n == RIVALS_MAX)
		return false;
	for (size_t i = 0; i < m->rivals_n; i++)
		if (digest_eq(&m->rivals[i].id, id) ||
		    (m->rivals[i].key == key && m->rivals[i].position == place))
			return false;
	m->rivals[m->rivals_n++] = (struct rival){.id = *id, .key = key, .position = (uint32_t)place};
	return true;
}

void manifest_copy(struct manifest *to, const struct manifest *from)
{
	memcpy(to, from, offsetof(struct manifest, rivals));
	memcpy(to->rivals, from->rivals, from->rivals_n * sizeof(from->rivals[0]));
	memcpy(to->lines, from->lines, from->lines_n * sizeof(from->lines[0]));
	memcpy(to->chain, from->chain, from->chain_n * sizeof(from->chain[0]));
	memcpy(to->absent, from->absent, from->chain_n * sizeof(from->absent[0]));
}

uint32_t manifest_open_flags(const struct manifest *m)
{
	uint32_t open = 0;

	for (unsigned kind = 1; kind < FLAG_KINDS; kind++)
		if (m->flags[kind] != 0)
			open |= UINT32_C(1) << kind;
	return open;
}
