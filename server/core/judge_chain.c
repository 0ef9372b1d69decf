/*
 * A custody event's place in its manifest's chain, and forks: the envelope of the rival that is refused is
 * kept as evidence, under a flag that names it.
 */
#include <inttypes.h>
#include <stdio.h>

#include "core/judge_internal.h"

/* ---- forks ---- */

bool judge_may_keep_evidence(const struct judgement *j, const struct key_record *key)
{
	civil_day today = civil_day_of(judge_next_accepted_at(j));

	return key->evidence_day != today ||
	       key->evidence_n < registry_settings(j->registry)->fork_evidence_per_day;
}

/* A rival to `issued` counts only from the generator to whom the number was granted. */
static bool is_rival(const struct member *m)
{
	const struct block_record *block;

	if (m->e->kind != EVENT_ISSUED)
		return true;
	block = registry_block(m->j->registry, m->e->number);
	return block != NULL && block->generator == m->key->party;
}

/* Keeps the envelope whole, and raises the flag that names it. */
static bool keep_evidence(struct member *m)
{
	struct judgement *j = m->j;
	struct key_record *key = registry_key(j->registry, &m->e->signers[0].keyid);
	struct digest evidence = digest_of(m->envelope);

	if (m->about == NULL || !judge_may_keep_evidence(j, key) || !is_rival(m) ||
	    !manifest_remember_rival(m->about->m, &m->e->id, key->no, &m->verdict->standing))
		return true;
	struct evidence_row *row = list_add(j->arena, &j->evidence, sizeof(*row));
	if (row == NULL)
		return false;
	char standing[DIGEST_HEX + 1];
	digest_hex(&m->verdict->standing, standing);
	const struct span detail =
	    detail_make(j->arena, DETAIL_FORK,
			DETAIL_VALUES(detail_text(event_kind_name(m->e->kind)), detail_text(standing)));
	party_no parties[MAX_SIGNERS];
	size_t parties_n = 0;
	for (size_t i = 0; i < m->e->signers_n; i++) {
		const struct key_record *signer = registry_key(j->registry, &m->e->signers[i].keyid);
		if (signer != NULL && signer->party != NULL)
			parties[parties_n++] = signer->party->no;
	}
	struct raise raise = {
	    .kind = FLAG_FORK,
	    .about = m->about,
	    .key = key,
	    .cause = &m->e->id,
	    .evidence = &evidence,
	    .parties = parties,
	    .parties_n = parties_n,
	    .detail = detail,
	};
	*row = (struct evidence_row){m->e->number, m->e->previous, key->no, m->e->id, m->envelope, 0};
	if (detail.p == NULL || !judge_raise(j, &raise, &row->flag))
		return false;
	judge_remark(m->verdict, FLAG_FORK);
	return true;
}

/* ---- chain ---- */

static void add_chain_problem(struct member *m, enum chain_answer answer, const struct digest *standing)
{
	const bool issued = m->e->kind == EVENT_ISSUED;
	const struct rule *const of[] = {
	    /* Under another running number it would have another id: the rows and the chain disagree. */
	    [CHAIN_SAME] = RULE(STATE_EVENT),
	    [CHAIN_FORK] = issued ? RULE(NUMBER_USED) : RULE(FORK),
	    [CHAIN_DESCENDS] = RULE(DESCENDS_FROM_REFUSED),
	    [CHAIN_UNKNOWN] = RULE(PREDECESSOR_UNKNOWN),
	};
	char path[64], found[DIGEST_HEX + 1], wanted[DIGEST_HEX + 1] = "";
	const char *kind =
	    m->e->kind == EVENT_ATTESTED ? event_kind_name(m->e->attested.step) : event_kind_name(m->e->kind);

	if (issued)
		(void)snprintf(path, sizeof(path), "issued.number");
	else
		(void)snprintf(path, sizeof(path), "%s%s.previous",
			       m->e->kind == EVENT_ATTESTED ? "attested." : "", kind);
	if (issued)
		(void)snprintf(found, sizeof(found), "%" PRIu64, m->e->number);
	else
		digest_hex(&m->e->previous, found);
	if (answer == CHAIN_FORK || answer == CHAIN_DESCENDS)
		digest_hex(standing, wanted);
	problem_add(&m->verdict->problems, of[answer], path, found, wanted);
}

bool judge_chain(struct member *m)
{
	static const enum refusal_kind kinds[] = {
	    [CHAIN_SAME] = REFUSAL_FAULT,
	    [CHAIN_FORK] = REFUSAL_FORK,
	    [CHAIN_DESCENDS] = REFUSAL_DESCENDS,
	    [CHAIN_UNKNOWN] = REFUSAL_PREDECESSOR,
	};
	const struct manifest *manifest = m->about == NULL ? NULL : m->about->m;
	enum chain_answer answer = manifest_chain(manifest, m->e, &m->verdict->standing);

	if (answer == CHAIN_FITS)
		return true;
	add_chain_problem(m, answer, &m->verdict->standing);
	m->verdict->refused = kinds[answer];
	if (answer == CHAIN_UNKNOWN)
		m->verdict->needed = m->e->previous;
	return answer != CHAIN_FORK || keep_evidence(m);
}

bool judge_rest_of_chain(struct member *m)
{
	struct digest standing;
	enum chain_answer answer = manifest_chain(m->about->m, m->e, &standing);

	if (answer == CHAIN_FORK || answer == CHAIN_DESCENDS)
		add_chain_problem(m, answer, &standing);
	return answer == CHAIN_FITS;
}
