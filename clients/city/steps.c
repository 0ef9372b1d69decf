/* Owns how one step of a load becomes an event: who signs it, what it states, when. */
#include "city/stories.h"

#include <stdlib.h>

void load_wait(struct city *c, struct load *l, int64_t least, int64_t most)
{
	l->at += dice_between(&c->dice, least * 60, most * 60) * MICROS_PER_SECOND;
}

static struct step *add(struct city *c, struct load *l, enum event_kind kind)
{
	if (l->at > c->now - MINUTE || l->under_way || l->steps_n == ARRAY_LEN(l->steps)) {
		l->under_way = true;
		return NULL;
	}
	struct step *s = city_step(c, &c->steps);
	s->load = l;
	s->event.kind = kind;
	s->event.number = l->number;
	s->event.occurred_at = s->signed_at = s->bring_at = l->at;
	if (event_is_custody(kind)) {
		s->previous = l->head;
		l->head = s;
	}
	l->steps[l->steps_n++] = s;
	return s;
}

static void signed_by(struct step *s, struct terminal *first, struct terminal *second)
{
	s->signers[0] = first;
	s->signers[1] = second;
	s->signers_n = second == NULL ? 1 : 2;
	s->courier = first;
}

static struct terminal *gate(struct city *c, const struct load *l)
{
	return &l->facility->devices[dice_below(&c->dice, GATES)];
}

static struct line_quantity *copy_lines(struct city *c, const struct line_quantity *lines, size_t n)
{
	struct line_quantity *copy = city_take(c, n * sizeof(*copy));

	memcpy(copy, lines, n * sizeof(*copy));
	return copy;
}

struct line_quantity *step_own_lines(struct city *c, struct step *step)
{
	struct line_quantity *lines = copy_lines(c, step->event.transfer.lines, step->event.transfer.lines_n);

	step->event.transfer.lines = lines;
	return lines;
}

struct step *step_issue(struct city *c, struct load *l)
{
	struct step *s = add(c, l, EVENT_ISSUED);
	struct waste_line *lines = city_take(c, l->lines_n * sizeof(*lines));

	if (s == NULL)
		return NULL;
	for (size_t i = 0; i < l->lines_n; i++)
		lines[i] = (struct waste_line){
		    .line = (uint32_t)i + 1,
		    .code = span_str(l->streams[i]->code),
		    .name = span_str(l->streams[i]->name),
		    .grams = l->lines[i].grams,
		    .containers = l->lines[i].containers,
		    .packaging = l->streams[i]->packaging,
		    .form = l->streams[i]->form,
		    .method = span_str(l->methods[i]),
		};
	s->event.issued = (struct issued){
	    .generator = l->generator->ref,
	    .transporter = l->vehicle->owner->ref,
	    .facility = l->facility->ref,
	    .plate = span_str(l->vehicle->plate),
	    .edition = span_str("2021"),
	    .lines = lines,
	    .lines_n = l->lines_n,
	    .collect_by = l->at + dice_between(&c->dice, 2, 5) * HOUR,
	    .arrive_by = l->at + dice_between(&c->dice, 14, 24) * HOUR,
	    .permit = span_str(l->permit),
	    .destination = span_str(l->facility->address),
	    .emergency = span_str("围堵泄漏，远离水源，拨打12369并通知接受单位"),
	};
	signed_by(s, &l->generator->devices[0], NULL);
	return s;
}

static struct step *transfer(struct city *c, struct load *l, enum event_kind kind,
			     const struct party_ref *from, const struct party_ref *to)
{
	struct step *s = add(c, l, kind);

	if (s == NULL)
		return NULL;
	s->event.transfer = (struct transfer){
	    .to = *to,
	    .plate = span_str(kind == EVENT_DELIVERED ? "" : l->vehicle->plate),
	    .lines = copy_lines(c, l->lines, l->lines_n),
	    .lines_n = l->lines_n,
	};
	if (from != NULL)
		s->event.transfer.from = *from;
	return s;
}

static struct position near(struct city *c, const struct district *d)
{
	return (struct position){
	    .known = true,
	    .latitude = d->latitude + (int32_t)dice_between(&c->dice, -300000, 300000),
	    .longitude = d->longitude + (int32_t)dice_between(&c->dice, -300000, 300000),
	    .accuracy = (uint32_t)dice_between(&c->dice, 3, 40),
	};
}

struct step *step_load(struct city *c, struct load *l)
{
	struct step *s = transfer(c, l, EVENT_LOADED, NULL, &l->vehicle->owner->ref);

	if (s == NULL)
		return NULL;
	s->event.transfer.position = near(c, l->generator->district);
	signed_by(s, &l->generator->devices[0], l->vehicle->device);
	return s;
}

struct step *step_hand_over(struct city *c, struct load *l, const struct vehicle *to)
{
	const struct vehicle *from = l->vehicle;

	l->vehicle = to;
	struct step *s = transfer(c, l, EVENT_HANDED_OVER, &from->owner->ref, &to->owner->ref);
	if (s == NULL) {
		l->vehicle = from;
		return NULL;
	}
	s->event.transfer.position = near(c, from->owner->district);
	signed_by(s, from->device, to->device);
	return s;
}

struct step *step_deliver(struct city *c, struct load *l)
{
	struct step *s = transfer(c, l, EVENT_DELIVERED, &l->vehicle->owner->ref, &l->facility->ref);

	if (s == NULL)
		return NULL;
	s->event.transfer.position = near(c, l->facility->district);
	signed_by(s, l->vehicle->device, gate(c, l));
	return s;
}

static struct line_quantity part_of(const struct line_quantity *all, unsigned percent)
{
	struct line_quantity part = {.line = all->line};

	part.containers = (uint32_t)((uint64_t)all->containers * percent / 100);
	part.grams = all->grams * part.containers / (all->containers == 0 ? 1 : all->containers);
	return part;
}

struct step *step_receive(struct city *c, struct load *l, unsigned refused_percent, const char *difference)
{
	struct step *s = add(c, l, EVENT_RECEIVED);
	struct line_decision *lines = city_take(c, l->lines_n * sizeof(*lines));

	if (s == NULL)
		return NULL;
	for (size_t i = 0; i < l->lines_n; i++) {
		struct line_quantity all = l->lines[i];
		struct line_quantity refused = {0};
		if (refused_percent == 100)
			refused = all;
		else if (i == 0 && refused_percent > 0)
			refused = part_of(&all, refused_percent);
		bool some = refused.containers > 0;
		bool rest = refused.containers < all.containers;
		lines[i] = (struct line_decision){
		    .line = all.line,
		    .decision = !some  ? DECISION_ACCEPTED
				: rest ? DECISION_PARTLY
				       : DECISION_REFUSED,
		    .difference = span_str(some ? difference : ""),
		    .method = span_str(rest ? l->methods[i] : ""),
		};
		if (some)
			lines[i].refused = refused;
		if (rest)
			lines[i].accepted = (struct line_quantity){all.line, all.grams - refused.grams,
								   all.containers - refused.containers};
	}
	s->event.received = (struct received){l->facility->ref, lines, l->lines_n};
	signed_by(s, gate(c, l), NULL);
	return s;
}

/* The load's step in which the facility decided. */
static const struct received *decided(const struct load *l)
{
	for (size_t i = 0; i < l->steps_n; i++)
		if (l->steps[i]->event.kind == EVENT_RECEIVED)
			return &l->steps[i]->event.received;
	abort();
}

struct step *step_give_back(struct city *c, struct load *l, enum return_leg leg)
{
	const struct received *received = decided(l);
	const struct party_ref *carrier = &l->vehicle->owner->ref;
	bool out = leg == RETURN_OUT;
	struct step *s = transfer(c, l, EVENT_RETURNED, out ? &l->facility->ref : carrier,
				  out ? carrier : &l->generator->ref);
	size_t n = 0;

	if (s == NULL)
		return NULL;
	struct line_quantity *lines = step_own_lines(c, s);
	for (size_t i = 0; i < received->lines_n; i++)
		if (received->lines[i].refused.line != 0)
			lines[n++] = received->lines[i].refused;
	s->event.transfer.lines_n = n;
	s->event.transfer.leg = leg;
	struct terminal *vehicle = l->vehicle->device;
	signed_by(s, out ? gate(c, l) : vehicle, out ? vehicle : &l->generator->devices[0]);
	return s;
}

struct step *step_treat(struct city *c, struct load *l)
{
	const struct received *received = decided(l);
	struct step *s = add(c, l, EVENT_TREATED);
	struct line_treatment *lines = city_take(c, l->lines_n * sizeof(*lines));
	size_t n = 0;

	if (s == NULL)
		return NULL;
	for (size_t i = 0; i < received->lines_n; i++) {
		const struct line_quantity *q = &received->lines[i].accepted;
		if (q->line != 0)
			lines[n++] = (struct line_treatment){q->line, q->grams, q->containers,
							     received->lines[i].method};
	}
	s->event.treated = (struct treated){l->facility->ref, lines, n};
	signed_by(s, gate(c, l), NULL);
	return s;
}

struct step *step_cancel(struct city *c, struct load *l, const char *reason)
{
	struct step *s = add(c, l, EVENT_CANCELLED);

	if (s == NULL)
		return NULL;
	s->event.cancelled.reason = span_str(reason);
	s->after = l->head;
	signed_by(s, &l->generator->devices[0], NULL);
	return s;
}

struct step *step_attest(struct city *c, struct load *l, struct step *step, size_t by, int reason,
			 const char *note)
{
	(void)c;
	(void)l;
	if (step == NULL)
		return NULL;
	const struct transfer transfer = step->event.transfer;
	const enum event_kind kind = step->event.kind;
	step->event.kind = EVENT_ATTESTED;
	step->event.attested = (struct attested){kind, transfer, reason, span_str(note)};
	signed_by(step, step->signers[by], NULL);
	return step;
}

struct step *step_confirm(struct city *c, struct load *l, struct step *attested, struct terminal *by)
{
	struct step *s = add(c, l, EVENT_CONFIRMED);

	if (s == NULL)
		return NULL;
	s->after = attested; /* its id goes into the event when it is known */
	signed_by(s, by, NULL);
	return s;
}

struct step *step_not_taken(struct load *l, struct step *step, enum refusal_kind kind, const char *rule)
{
	if (step == NULL)
		return NULL;
	step->expected = kind;
	step->rule = rule;
	if (l->head == step)
		l->head = step->previous;
	return step;
}

struct step *step_double(struct city *c, struct load *l, const struct step *step)
{
	struct step *s = step == NULL ? NULL : add(c, l, step->event.kind);

	if (s == NULL)
		return NULL;
	s->event = step->event;
	s->event.occurred_at = l->at;
	s->previous = step->previous;
	signed_by(s, step->signers[0], step->signers_n == 2 ? step->signers[1] : NULL);
	return s;
}

/* ---- who brings it ---- */

static bool is_of_the_road(const struct step *s)
{
	enum event_kind kind = s->event.kind == EVENT_ATTESTED ? s->event.attested.step : s->event.kind;

	return kind == EVENT_ISSUED || kind == EVENT_LOADED || kind == EVENT_HANDED_OVER ||
	       kind == EVENT_DELIVERED;
}

/*
 * A chain made without signal is brought in one go: by the vehicle when it has arrived (or is somewhere with
 * signal again), or by the facility with its own decision.
 */
void load_bring(struct city *c, struct load *l)
{
	struct terminal *courier = l->signal == BY_VEHICLE ? l->vehicle->device : gate(c, l);
	micros at = l->issued_at;

	if (l->signal == WITH_SIGNAL)
		return;
	for (size_t i = 0; i < l->steps_n; i++) {
		const struct step *s = l->steps[i];
		if (is_of_the_road(s) || (l->signal == BY_FACILITY && s->event.kind == EVENT_RECEIVED))
			at = s->signed_at > at ? s->signed_at : at;
	}
	at += dice_between(&c->dice, 2, 50) * MINUTE;
	if (at > c->now)
		at = c->now;
	for (size_t i = 0; i < l->steps_n; i++) {
		struct step *s = l->steps[i];
		bool carried =
		    is_of_the_road(s) || (l->signal == BY_FACILITY && s->event.kind == EVENT_RECEIVED);
		if (carried && !courier->revoked) {
			s->courier = courier;
			s->bring_at = at;
		} else if (s->bring_at < at) {
			s->bring_at = at;
		}
	}
}
