/* Events that change no manifest's chain or state: numbers given up, flags resolved, imports. */
#include <inttypes.h>
#include <stdio.h>

#include "core/credit_code.h"
#include "core/judge_internal.h"
#include "core/number.h"

static void add(const struct member *m, const struct rule *rule, const char *field, const char *found)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%s.%s", event_kind_name(m->e->kind), field);
	problem_add(&m->verdict->problems, rule, path, found, NULL);
}

static void add_number(const struct member *m, const struct rule *rule, const char *field, uint64_t number)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRIu64, number);
	add(m, rule, field, text);
}

static void add_signer(const struct member *m, const struct rule *rule)
{
	char found[PARTY_REF_TEXT_SIZE] = "";

	if (m->key->party != NULL)
		party_ref_format(&m->key->party->party.ref, found);
	problem_add(&m->verdict->problems, rule, "signers[0].keyid", found, NULL);
}

/* A party that signs for itself alone must be valid and still have the key's role. */
static void need_standing(const struct member *m)
{
	const struct party_record *party = m->key->party;

	if (party != NULL && m->key->role != ROLE_REGISTRAR && !party_has_role(&party->party, m->key->role))
		add_signer(m, RULE(PARTY_ROLE));
	if (party != NULL && !party_valid_at(&party->party, m->e->occurred_at))
		add_signer(m, RULE(PARTY_NOT_VALID));
}

/* ---- voided ---- */

static void judge_voided(const struct member *m)
{
	const struct event *e = m->e;
	struct judgement *j = m->j;

	if (e->voided.running_number != 0) {
		/* The number the event itself bears is used by it. */
		if (e->voided.running_number == e->signers[0].number ||
		    judge_number_user(j, m->key->no, e->voided.running_number, &e->id) != NULL)
			add_number(m, RULE(RUNNING_NUMBER_USED), "running_number", e->voided.running_number);
		return;
	}
	const struct block_record *block = registry_block(j->registry, e->number);
	if (block == NULL || block->generator != m->key->party || m->key->role != ROLE_GENERATOR)
		add_number(m, RULE(NUMBER_BLOCK), "manifest_number", e->number);
	if (m->about != NULL)
		add_number(m, RULE(VOIDED_USED), "manifest_number", e->number);
	if (registry_voided(j->registry, e->number))
		add_number(m, RULE(VOIDED_ALREADY), "manifest_number", e->number);
}

/* ---- flags ---- */

/* What is known of a flag, stored or raised in this batch. */
struct flag_state {
	bool known;
	bool open;
	uint64_t number;
	struct span division_generator;
	struct span division_facility;
};

static struct flag_state flag_state(const struct judgement *j, uint64_t flag)
{
	struct flag_state state = {0};
	const struct flag_row *rows = j->flags.items;

	for (size_t i = 0; i < j->loaded->flags_n; i++) {
		const struct loaded_flag *f = &j->loaded->flags[i];
		if (f->flag == flag)
			state = (struct flag_state){true, f->open, f->number, f->division_generator,
						    f->division_facility};
	}
	for (size_t i = 0; i < j->flags.n; i++) {
		const struct flag_row *f = &rows[i];
		if (f->flag == flag && f->raise)
			state = (struct flag_state){true, true, f->number, f->division_generator,
						    f->division_facility};
		else if (f->flag == flag && f->closed_by != 0)
			state.open = false;
	}
	return state;
}

static bool in_area(const struct member *m, const struct flag_state *flag)
{
	struct span area = m->key->party->party.division;

	if (flag->division_generator.n == 0 && flag->division_facility.n == 0)
		return span_eq(area, registry_genesis(m->j->registry)->city);
	return (flag->division_generator.n > 0 && division_covers(area, flag->division_generator)) ||
	       (flag->division_facility.n > 0 && division_covers(area, flag->division_facility));
}

static bool judge_flag_resolved(struct member *m)
{
	uint64_t flag = m->e->flag_resolved.flag;
	struct flag_state state = flag_state(m->j, flag);

	need_standing(m);
	if (!state.known)
		add_number(m, RULE(FLAG_UNKNOWN), "flag", flag);
	else if (!state.open)
		add_number(m, RULE(FLAG_CLOSED), "flag", flag);
	if (state.known && !in_area(m, &state))
		add_number(m, RULE(FLAG_AREA), "flag", flag);
	return state.number == 0 || judge_touch(m->j, state.number, &m->about);
}

static bool after_flag_resolved(struct member *m, uint64_t index)
{
	struct judgement *j = m->j;
	const struct flag_resolved *resolved = &m->e->flag_resolved;
	struct flag_row *row = list_add(j->arena, &j->flags, sizeof(*row));

	if (row == NULL)
		return false;
	*row = (struct flag_row){
	    .flag = resolved->flag,
	    .number = m->about == NULL ? 0 : m->about->m->number,
	    .at = j->last_accepted_at,
	    .closed_by = index,
	    .resolution = resolved->reason,
	};
	for (size_t kind = 0; m->about != NULL && kind < FLAG_KINDS; kind++)
		if (m->about->m->flags[kind] == resolved->flag + 1)
			m->about->m->flags[kind] = 0;
	return true;
}

bool judge_about(struct member *m)
{
	switch ((int)m->e->kind) {
	case EVENT_VOIDED: judge_voided(m); return true;
	case EVENT_IMPORTED: need_standing(m); return true;
	case EVENT_FLAG_RESOLVED: return judge_flag_resolved(m);
	default: return true;
	}
}

bool judge_about_after(struct member *m, uint64_t index)
{
	return m->e->kind != EVENT_FLAG_RESOLVED || after_flag_resolved(m, index);
}
