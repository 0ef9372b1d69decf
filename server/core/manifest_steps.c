/*
 * The steps of a load: who gives and who takes, on which vehicle, and what moves from where to where. The
 * four steps of two sides are rows of one table.
 */
#include <inttypes.h>
#include <stdio.h>

#include "core/credit_code.h"
#include "core/manifest_draft.h"

/* Whom the manifest names for a side of a step. */
enum side { SIDE_GENERATOR, SIDE_TRANSPORTER, SIDE_FACILITY, SIDE_ANY_TRANSPORTER };

#define AT(name) offsetof(struct manifest_line, name)

static const struct transfer_step {
	enum event_kind step;
	enum return_leg leg;
	enum side giver, taker;
	const char *giver_path; /* NULL: not stated in the event */
	const char *taker_path;
	size_t from; /* the quantity that goes: each line that has some is to be stated once */
	size_t to;   /* where it is afterwards, as weighed */
	bool exact;  /* it must be all of it; else a difference is flagged */
	bool vehicle;
} transfer_steps[] = {
    {EVENT_LOADED, RETURN_NO_LEG, SIDE_GENERATOR, SIDE_TRANSPORTER, NULL, "transporter", AT(planned),
     AT(shipped), false, true},
    {EVENT_HANDED_OVER, RETURN_NO_LEG, SIDE_TRANSPORTER, SIDE_ANY_TRANSPORTER, "from", "to", AT(moving),
     AT(moving), false, true},
    {EVENT_DELIVERED, RETURN_NO_LEG, SIDE_TRANSPORTER, SIDE_FACILITY, "transporter", "facility", AT(moving),
     AT(delivered), false, false},
    {EVENT_RETURNED, RETURN_OUT, SIDE_FACILITY, SIDE_ANY_TRANSPORTER, "from", "to", AT(refused),
     AT(returning), true, true},
    {EVENT_RETURNED, RETURN_BACK, SIDE_TRANSPORTER, SIDE_GENERATOR, "from", "to", AT(returning), AT(returned),
     false, true},
};

static struct quantity *quantity_at(struct manifest_line *line, size_t offset)
{
	return (struct quantity *)(void *)((uint8_t *)line + offset);
}

static void quantity_format(char *ret_text, size_t size, int64_t grams, int64_t containers)
{
	(void)snprintf(ret_text, size, "%" PRId64 " g in %" PRId64 " containers", grams, containers);
}

static party_no named(const struct manifest *m, enum side side)
{
	switch (side) {
	case SIDE_GENERATOR: return m->generator;
	case SIDE_TRANSPORTER: return m->transporter;
	case SIDE_FACILITY: return m->facility;
	case SIDE_ANY_TRANSPORTER: break;
	}
	return 0;
}

/* The party of one side of a step; NULL: a problem was added. */
static const struct party_record *judge_side(struct draft *d, enum side side, const struct party_ref *ref,
					     const struct rule *rule, const char *path)
{
	const struct party_record *party =
	    draft_party(d, ref, side == SIDE_ANY_TRANSPORTER ? ROLE_TRANSPORTER : ROLE_NONE, path);
	char found[PARTY_REF_TEXT_SIZE];
	char allowed[PARTY_REF_TEXT_SIZE];

	if (party == NULL || side == SIDE_ANY_TRANSPORTER || party->no == named(d->m, side))
		return party;
	const struct party_record *want = registry_party_no(d->r, named(d->m, side));
	party_ref_format(ref, found);
	party_ref_format(want == NULL ? &(struct party_ref){0} : &want->party.ref, allowed);
	draft_refuse(d, rule, path, found, allowed);
	return NULL;
}

/* The lines of which something is at `offset`, a bit 1 << (line - 1) each. */
static uint64_t lines_with(struct draft *d, size_t offset)
{
	uint64_t lines = 0;

	for (size_t i = 0; i < d->lines_n; i++)
		if (quantity_at(&d->lines[i], offset)->grams > 0)
			lines |= UINT64_C(1) << i;
	return lines;
}

/* The walk over an event's lines: ascending, each at most once, each one that is expected. */
struct line_walk {
	uint64_t expected;
	uint64_t seen;
	uint32_t last;
};

/* The draft's line that the ith stated line is about; NULL: a problem was added. */
static struct manifest_line *walk_line(struct draft *d, struct line_walk *walk, size_t i, uint32_t line)
{
	char found[64];

	if (line <= walk->last) {
		(void)snprintf(found, sizeof(found), "line %u after line %u", line, walk->last);
		draft_refuse_line(d, RULE(LINES_ORDER), i, "line", found, NULL);
		return NULL;
	}
	walk->last = line;
	if (line > d->lines_n || (walk->expected & UINT64_C(1) << (line - 1)) == 0) {
		(void)snprintf(found, sizeof(found), "line %u", line);
		draft_refuse_line(d, RULE(LINE_UNKNOWN), i, "line", found, NULL);
		return NULL;
	}
	walk->seen |= UINT64_C(1) << (line - 1);
	return &d->lines[line - 1];
}

static void walk_end(struct draft *d, const struct line_walk *walk)
{
	char allowed[32];

	for (size_t i = 0; i < d->lines_n; i++) {
		if ((walk->expected & ~walk->seen & UINT64_C(1) << i) == 0)
			continue;
		(void)snprintf(allowed, sizeof(allowed), "line %zu", i + 1);
		draft_refuse(d, RULE(LINES_MISSING), "lines", NULL, allowed);
	}
}

static void move_lines(struct draft *d, const struct transfer_step *step, const struct transfer *transfer)
{
	struct line_walk walk = {.expected = lines_with(d, step->from)};
	char found[64];
	char allowed[64];

	for (size_t i = 0; i < transfer->lines_n; i++) {
		const struct line_quantity *stated = &transfer->lines[i];
		struct manifest_line *line = walk_line(d, &walk, i, stated->line);

		if (line == NULL)
			continue;
		const struct quantity *from = quantity_at(line, step->from);
		if (step->exact && (stated->grams != from->grams || stated->containers != from->containers)) {
			quantity_format(found, sizeof(found), stated->grams, stated->containers);
			quantity_format(allowed, sizeof(allowed), from->grams, from->containers);
			draft_refuse_line(d, RULE(QUANTITY_ALL), i, NULL, found, allowed);
		}
		*quantity_at(line, step->to) = (struct quantity){stated->grams, stated->containers};
		if (step->step == EVENT_LOADED)
			line->moving = line->shipped;
	}
	walk_end(d, &walk);
}

void draft_transfer(struct draft *d, enum event_kind kind, const struct transfer *transfer)
{
	const struct transfer_step *step = transfer_steps;
	const struct party_record *giver = NULL;

	while (step->step != kind || step->leg != transfer->leg)
		step++; /* the state table has let nothing else through */
	if (step->giver_path != NULL)
		giver = judge_side(d, step->giver, &transfer->from, RULE(PARTY_NOT_HOLDER), step->giver_path);
	const struct party_record *taker =
	    judge_side(d, step->taker, &transfer->to, RULE(PARTY_NOT_NAMED), step->taker_path);
	if (giver != NULL && giver == taker)
		draft_refuse(d, RULE(PARTY_SAME), step->taker_path, NULL, NULL);

	const struct party_record *carrier = step->taker == SIDE_GENERATOR ? giver : taker;
	if (step->vehicle) {
		(void)draft_vehicle(d, transfer->plate, carrier);
		d->plate = transfer->plate;
		if (carrier != NULL)
			d->transporter = carrier->no;
	}
	if (transfer->driver.n > 0 && !registry_person(d->r, transfer->driver))
		draft_refuse(d, RULE(PERSON_UNKNOWN), "driver", NULL, NULL);
	move_lines(d, step, transfer);
}

/* Accepted and refused are there as the decision says, and are of this line. */
static bool decision_fits(const struct line_decision *l)
{
	bool accepts = l->decision != DECISION_REFUSED;
	bool refuses = l->decision != DECISION_ACCEPTED;

	return l->accepted.line == (accepts ? l->line : 0) && l->refused.line == (refuses ? l->line : 0);
}

void draft_received(struct draft *d, const struct received *received)
{
	struct line_walk walk = {.expected = lines_with(d, AT(delivered))};
	char found[64];
	char allowed[64];

	(void)judge_side(d, SIDE_FACILITY, &received->facility, RULE(PARTY_NOT_NAMED), "facility");
	for (size_t i = 0; i < received->lines_n; i++) {
		const struct line_decision *stated = &received->lines[i];
		struct manifest_line *line = walk_line(d, &walk, i, stated->line);

		if (line == NULL)
			continue;
		if (!decision_fits(stated)) {
			draft_refuse_line(d, RULE(LINE_DECISION), i, NULL, NULL, NULL);
			continue;
		}
		if (stated->decision != DECISION_REFUSED)
			line->accepted =
			    (struct quantity){stated->accepted.grams, stated->accepted.containers};
		if (stated->decision != DECISION_ACCEPTED)
			line->refused = (struct quantity){stated->refused.grams, stated->refused.containers};
		int64_t grams;
		int64_t containers = (int64_t)line->accepted.containers + line->refused.containers;
		if (!__builtin_add_overflow(line->accepted.grams, line->refused.grams, &grams) &&
		    grams == line->delivered.grams && containers == line->delivered.containers)
			continue;
		(void)snprintf(found, sizeof(found), "%" PRId64 " + %" PRId64 " g, %u + %u containers",
			       line->accepted.grams, line->refused.grams, line->accepted.containers,
			       line->refused.containers);
		quantity_format(allowed, sizeof(allowed), line->delivered.grams, line->delivered.containers);
		draft_refuse_line(d, RULE(QUANTITY_SUM), i, NULL, found, allowed);
	}
	walk_end(d, &walk);
}

void draft_treated(struct draft *d, const struct treated *treated)
{
	struct line_walk walk = {0};
	char found[64];
	char allowed[64];

	(void)judge_side(d, SIDE_FACILITY, &treated->facility, RULE(PARTY_NOT_NAMED), "facility");
	for (size_t i = 0; i < d->lines_n; i++)
		if (d->lines[i].treated.grams < d->lines[i].accepted.grams)
			walk.expected |= UINT64_C(1) << i;
	for (size_t i = 0; i < treated->lines_n; i++) {
		const struct line_treatment *stated = &treated->lines[i];
		struct manifest_line *line = walk_line(d, &walk, i, stated->line);

		if (line == NULL)
			continue;
		int64_t grams = line->accepted.grams - line->treated.grams;
		uint32_t containers = line->accepted.containers - line->treated.containers;
		const struct rule *broken = NULL;
		if (stated->grams > grams || stated->containers > containers)
			broken = RULE(QUANTITY_EXCEEDS);
		else if ((stated->grams == grams) != (stated->containers == containers))
			broken = RULE(QUANTITY_CONTAINERS);
		if (broken != NULL) {
			quantity_format(found, sizeof(found), stated->grams, stated->containers);
			quantity_format(allowed, sizeof(allowed), grams, containers);
			draft_refuse_line(d, broken, i, NULL, found, allowed);
			continue;
		}
		line->treated.grams += stated->grams;
		line->treated.containers += stated->containers;
	}
}
