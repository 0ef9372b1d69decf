/*
 * `issued`: the number, the three parties, the vehicle and the receiver's permit as they are registered at
 * effective_at. Codes and methods against the reference data are rules.c's.
 */
#include "core/manifest_draft.h"

#include <stdio.h>

/* What had begun and has ended only flags an event that arrives late: its load may be on the road. */
static bool refuses(const struct draft *d, bool valid, micros valid_from)
{
	return !valid && (!d->late || d->effective_at < valid_from);
}

static const struct party_record *judge_party(struct draft *d, const struct party_ref *ref, enum role role,
					      const char *path)
{
	const struct party_record *party = draft_party(d, ref, role, path);

	if (party != NULL &&
	    refuses(d, party_valid_at(&party->party, d->effective_at), party->party.valid_from))
		draft_refuse(d, RULE(PARTY_NOT_VALID), path, NULL, NULL);
	return party;
}

static void judge_number(struct draft *d, const struct party_record *generator)
{
	const struct block_record *block = registry_block(d->r, d->e->number);
	char found[24];

	(void)snprintf(found, sizeof(found), "%014llu", (unsigned long long)d->e->number);
	if (block == NULL || (generator != NULL && block->generator != generator))
		draft_refuse(d, RULE(NUMBER_BLOCK), "number", found, NULL);
	if (registry_voided(d->r, d->e->number))
		draft_refuse(d, RULE(NUMBER_VOIDED), "number", found, NULL);
}

static void judge_permit(struct draft *d, const struct issued *i, const struct party_record *facility)
{
	const struct permit_record *permit = registry_permit(d->r, i->permit);
	char found[72];

	(void)snprintf(found, sizeof(found), "%.*s", SPAN_ARG(i->permit));
	if (permit == NULL) {
		draft_refuse(d, RULE(PERMIT_UNKNOWN), "permit", found, NULL);
		return;
	}
	if (facility != NULL && permit->facility != facility)
		draft_refuse(d, RULE(PERMIT_FACILITY), "permit", found, NULL);
	if (refuses(d, permit_valid_at(permit, d->effective_at), permit->permit.valid_from))
		draft_refuse(d, RULE(PERMIT_NOT_VALID), "permit", found, NULL);
	for (size_t n = 0; n < i->lines_n; n++) {
		const struct waste_line *line = &i->lines[n];

		if (!permit_covers_code(&permit->permit, line->code)) {
			(void)snprintf(found, sizeof(found), "%.*s", SPAN_ARG(line->code));
			draft_refuse_line(d, RULE(PERMIT_CODE), n, "code", found, NULL);
		}
		if (!permit_covers_method(&permit->permit, line->method)) {
			(void)snprintf(found, sizeof(found), "%.*s", SPAN_ARG(line->method));
			draft_refuse_line(d, RULE(PERMIT_METHOD), n, "method", found, NULL);
		}
	}
}

static void judge_lines(struct draft *d, const struct issued *i)
{
	char found[64];

	if (i->lines_n == 0 || i->lines_n > MAX_LINES)
		draft_refuse(d, RULE(LINES_MISSING), "lines", NULL, "1 to 40 lines");
	for (size_t n = 0; n < i->lines_n; n++) {
		if (i->lines[n].line == n + 1)
			continue;
		(void)snprintf(found, sizeof(found), "line %u at place %zu", i->lines[n].line, n + 1);
		draft_refuse_line(d, RULE(LINES_ORDER), n, "line", found, NULL);
	}
}

static void make_lines(struct manifest *m, const struct issued *i)
{
	m->lines_n = i->lines_n;
	for (size_t n = 0; n < i->lines_n; n++) {
		const struct waste_line *from = &i->lines[n];
		struct manifest_line *line = &m->lines[n];

		*line = (struct manifest_line){.planned = {from->grams, from->containers}};
		text_store(line->code, sizeof(line->code), from->code);
		text_store(line->method, sizeof(line->method), from->method);
	}
}

void manifest_issue(struct manifest *m, struct draft *d)
{
	const struct issued *i = &d->e->issued;
	unsigned before = d->problems->count + d->problems->more;
	const struct party_record *generator = judge_party(d, &i->generator, ROLE_GENERATOR, "generator");
	const struct party_record *transporter =
	    judge_party(d, &i->transporter, ROLE_TRANSPORTER, "transporter");
	const struct party_record *facility = judge_party(d, &i->facility, ROLE_FACILITY, "facility");
	const struct vehicle_record *vehicle = draft_vehicle(d, i->plate, transporter);

	judge_number(d, generator);
	if (vehicle != NULL &&
	    refuses(d, vehicle_valid_at(vehicle, d->effective_at), vehicle->vehicle.valid_from))
		draft_refuse(d, RULE(VEHICLE_NOT_VALID), "plate", NULL, NULL);
	judge_permit(d, i, facility);
	judge_lines(d, i);
	if (d->problems->count + d->problems->more != before || generator == NULL || transporter == NULL ||
	    facility == NULL)
		return;

	m->number = d->e->number;
	m->generator = generator->no;
	m->transporter = transporter->no;
	m->facility = facility->no;
	text_store(m->plate, sizeof(m->plate), i->plate);
	text_store(m->edition, sizeof(m->edition), i->edition);
	text_store(m->permit, sizeof(m->permit), i->permit);
	m->issued_at = d->e->occurred_at;
	m->effective_at = d->effective_at;
	m->collect_by = i->collect_by;
	m->arrive_by = i->arrive_by;
	make_lines(m, i);
}
