/*
 * The flow of judging one member: sent before? the rules, the time, the signers, its place in the chain
 * (judge_chain.c), the state, and what follows. Each step either ends the verdict or leaves it to the next.
 */
#include "core/judge_internal.h"

#include <inttypes.h>

#include "core/time_text.h"

struct judgement *judge_begin(struct arena *arena, struct registry *r, const struct loaded *loaded,
			      uint64_t size, micros last_accepted_at, micros now,
			      const struct judge_ports *ports)
{
	struct judgement *j = arena_alloc(arena, sizeof(*j));
	struct manifest *before = arena_room(arena, 1, sizeof(*before));

	if (j == NULL || before == NULL)
		return NULL;
	*j = (struct judgement){
	    .arena = arena,
	    .registry = r,
	    .loaded = loaded,
	    .ports = *ports,
	    .first_index = size,
	    .last_accepted_at = last_accepted_at,
	    .now = now,
	    .before = before,
	};
	return j;
}

void judge_rows(const struct judgement *j, struct rows *ret_rows)
{
	*ret_rows = (struct rows){
	    .entries = j->entries.items,
	    .entries_n = j->entries.n,
	    .first_index = j->first_index,
	    .numbers = j->numbers.items,
	    .numbers_n = j->numbers.n,
	    .manifests = j->manifests.items,
	    .manifests_n = j->manifests.n,
	    .flags = j->flags.items,
	    .flags_n = j->flags.n,
	    .evidence = j->evidence.items,
	    .evidence_n = j->evidence.n,
	    .registry = j->registry_rows.items,
	    .registry_n = j->registry_rows.n,
	};
}

/* A custody event or a mark: what manifest_apply() takes. */
static bool is_step(enum event_kind kind)
{
	return event_is_custody(kind) || kind == EVENT_CANCELLED || kind == EVENT_CONFIRMED;
}

static bool refused(const struct member *m)
{
	return m->verdict->refused != REFUSAL_NONE;
}

static void refuse(struct member *m, enum refusal_kind kind)
{
	m->verdict->refused = kind;
}

static void refuse_if_any(struct member *m, enum refusal_kind kind)
{
	if (problems_any(&m->verdict->problems))
		refuse(m, kind);
}

/* ---- sent before? ---- */

static const struct number_row *find_appended(const struct judgement *j, const struct digest *id)
{
	const struct number_row *rows = j->numbers.items;

	for (size_t i = j->numbers.n; i > 0; i--)
		if (digest_eq(&rows[i - 1].event, id))
			return &rows[i - 1];
	return NULL;
}

static bool sent_before(struct member *m)
{
	const struct loaded *loaded = m->j->loaded;
	const struct event *e = m->e;

	if (m->key == NULL || registry_number_fresh(m->key, e->signers[0].number))
		return false;
	size_t low = 0, high = loaded->numbers_n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct loaded_number *n = &loaded->numbers[middle];
		if (n->key < m->key->no || (n->key == m->key->no && n->number < e->signers[0].number))
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < loaded->numbers_n; low++) {
		const struct loaded_number *n = &loaded->numbers[low];
		if (n->key != m->key->no || n->number != e->signers[0].number)
			break;
		if (digest_eq(&n->event, &e->id)) {
			m->verdict->repeated = true;
			m->verdict->index = n->index;
			return true;
		}
	}
	const struct number_row *row = find_appended(m->j, &e->id);
	if (row == NULL)
		return false;
	m->verdict->repeated = true;
	m->verdict->index = row->index;
	return true;
}

/* ---- time and signers ---- */

static void judge_time(struct member *m)
{
	micros limit = micros_add(m->j->now, registry_settings(m->j->registry)->clock_skew);
	char found[TIME_TEXT_SIZE], allowed[TIME_TEXT_SIZE];

	if (m->e->occurred_at <= limit)
		return;
	time_format(m->e->occurred_at, found);
	time_format(limit, allowed);
	problem_add(&m->verdict->problems, RULE(TIME_FUTURE), "occurred_at", found, allowed);
	m->verdict->retry_after = m->e->occurred_at - limit;
	refuse(m, REFUSAL_LATER);
}

static void judge_rules(struct member *m)
{
	rules_check(m->j->registry, m->e, &m->verdict->problems);
	refuse_if_any(m, REFUSAL_RULE);
}

static void judge_signers(struct member *m)
{
	signers_check(m->j->registry, m->e, &m->verdict->problems);
	refuse_if_any(m, REFUSAL_SIGNATURE);
}

/* ---- what follows from an accepted event ---- */

static bool raise_key_flag(struct member *m, enum flag_kind kind, const struct key_record *key,
			   enum detail what, const struct detail_value *values)
{
	uint64_t flag;
	struct raise raise = {
	    .kind = kind,
	    .about = m->about,
	    .key = key,
	    .cause = &m->e->id,
	    .detail = detail_make(m->j->arena, what, values),
	};

	judge_remark(m->verdict, kind);
	return raise.detail.p != NULL && judge_raise(m->j, &raise, &flag);
}

static bool flag_numbers(struct member *m, const bool *reused)
{
	for (size_t i = 0; i < m->e->signers_n; i++) {
		const struct key_record *key = registry_key(m->j->registry, &m->e->signers[i].keyid);
		if (!reused[i])
			continue;
		if (!raise_key_flag(m, FLAG_NUMBER_REUSED, key, DETAIL_NUMBER_TWICE,
				    DETAIL_VALUES(detail_number(m->e->signers[i].number))))
			return false;
	}
	return true;
}

static bool flag_histories(struct member *m)
{
	const struct judge_ports *ports = &m->j->ports;

	for (size_t i = 0; i < m->e->signers_n; i++) {
		const struct checkpoint_ref *seen = &m->e->signers[i].seen;
		const struct key_record *key = registry_key(m->j->registry, &m->e->signers[i].keyid);
		/* A device states its checkpoint in all it signs: one flag for each is enough, and not
		 * more in a day than for forks. */
		if (seen->size == 0 || digest_eq(&seen->root, &key->other_root) ||
		    !judge_may_keep_evidence(m->j, key) || ports->seen(ports->self, seen) != SEEN_OTHER)
			continue;
		char root[DIGEST_HEX + 1];
		digest_hex(&seen->root, root);
		if (!raise_key_flag(
			m, FLAG_TWO_HISTORIES, key, DETAIL_OTHER_HISTORY,
			DETAIL_VALUES({.text = seen->origin}, detail_number(seen->size), detail_text(root))))
			return false;
	}
	return true;
}

static void find_reused(const struct member *m, bool *ret_reused)
{
	for (size_t i = 0; i < m->e->signers_n; i++) {
		const struct signer *s = &m->e->signers[i];
		const struct key_record *key = registry_key(m->j->registry, &s->keyid);
		ret_reused[i] = key != NULL && !registry_number_fresh(key, s->number) &&
				judge_number_user(m->j, key->no, s->number, &m->e->id) != NULL;
	}
}

/* Appends the event and what its signers' keys give cause for. */
static bool accept(struct member *m)
{
	bool reused[MAX_SIGNERS] = {false};

	find_reused(m, reused);
	m->verdict->index = judge_next_index(m->j);
	return judge_append(m->j, m->e, m->envelope, m->about) && flag_numbers(m, reused) &&
	       flag_histories(m) && judge_gaps_closed(m->j, m->e);
}

/* ---- steps ---- */

/* `loaded` does not say who gives: it must be the manifest's generator. */
static void judge_giver(struct member *m)
{
	const struct key_record *giver = m->key;

	if (m->e->kind == EVENT_LOADED && giver->party != NULL && giver->party->no != m->about->m->generator)
		problem_add(&m->verdict->problems, RULE(KEY_PARTY), "signers[0].keyid", NULL, NULL);
}

static bool flag_lapsed(struct member *m)
{
	const struct key_record *lapsed = signers_lapsed(m->j->registry, m->e);

	return lapsed == NULL || m->about->m->flags[FLAG_KEY_LAPSED] != 0 ||
	       raise_key_flag(m, FLAG_KEY_LAPSED, lapsed, DETAIL_KEY_REVOKED, NULL);
}

/* A step said to be before the one it follows counts from that one. */
static micros effective_at_of(const struct member *m)
{
	const micros before = event_is_custody(m->e->kind) ? m->about->m->effective_at : 0;

	return m->e->occurred_at < before ? before : m->e->occurred_at;
}

static bool step_existing(struct member *m)
{
	struct judgement *j = m->j;
	struct manifest *manifest = m->about->m;
	micros effective_at = effective_at_of(m);
	micros accepted_at = judge_next_accepted_at(j);
	struct flag_list flags;

	judge_giver(m);
	manifest_copy(j->before, manifest);
	if (!manifest_apply(manifest, m->e, j->registry, effective_at, accepted_at, &m->verdict->problems) ||
	    problems_any(&m->verdict->problems)) {
		manifest_copy(manifest, j->before);
		refuse(m, REFUSAL_RULE);
		return true;
	}
	return accept(m) &&
	       flags_of_event(j->before, manifest, m->e, j->registry, effective_at, accepted_at, j->arena,
			      &flags) &&
	       judge_flags(j, m->about, &flags, &m->e->id, m->verdict) && flag_lapsed(m);
}

static bool step_first(struct member *m)
{
	static const struct manifest nothing;
	struct judgement *j = m->j;
	struct manifest *manifest = arena_alloc(j->arena, sizeof(*manifest));
	micros accepted_at = judge_next_accepted_at(j);
	struct flag_list flags;

	if (manifest == NULL)
		return false;
	if (!manifest_apply(manifest, m->e, j->registry, m->e->occurred_at, accepted_at,
			    &m->verdict->problems)) {
		refuse(m, REFUSAL_RULE);
		return true;
	}
	m->about = judge_add_manifest(j, manifest);
	return m->about != NULL && accept(m) &&
	       flags_of_event(&nothing, manifest, m->e, j->registry, m->e->occurred_at, accepted_at, j->arena,
			      &flags) &&
	       judge_flags(j, m->about, &flags, &m->e->id, m->verdict);
}

static bool judge_step(struct member *m)
{
	if (event_is_custody(m->e->kind)) {
		if (!judge_chain(m))
			return false;
		if (refused(m))
			return true;
	}
	if (m->about == NULL && m->e->kind == EVENT_ISSUED)
		return step_first(m);
	if (m->about == NULL) {
		problem_addf(&m->verdict->problems, RULE(NUMBER_UNKNOWN), event_kind_name(m->e->kind), NULL,
			     "%" PRIu64, m->e->number);
		refuse(m, REFUSAL_RULE);
		return true;
	}
	return step_existing(m);
}

/* ---- what else is wrong ---- */

/* Judges by a copy of the manifest: the event is refused in any case. */
static void judge_by_copy(struct member *m, struct manifest *copy, micros effective_at)
{
	bool applied = manifest_apply(copy, m->e, m->j->registry, effective_at, judge_next_accepted_at(m->j),
				      &m->verdict->problems);
	(void)applied;
}

static void judge_rest_of_existing(struct member *m, struct manifest *scratch)
{
	if (event_is_custody(m->e->kind) && !judge_rest_of_chain(m))
		return;
	judge_giver(m);
	manifest_copy(scratch, m->about->m);
	judge_by_copy(m, scratch, effective_at_of(m));
}

/* `signed_well`: by whom it must be. Nobody else learns how the manifest stands from steps that are refused.
 */
static bool judge_rest_of_step(struct member *m, bool signed_well)
{
	struct manifest *scratch = arena_alloc(m->j->arena, sizeof(*scratch));

	if (scratch == NULL || (signed_well && !judge_touch(m->j, m->e->number, &m->about)))
		return false;
	if (m->about != NULL)
		judge_rest_of_existing(m, scratch);
	if (m->e->kind == EVENT_ISSUED)
		judge_by_copy(m, scratch, m->e->occurred_at);
	return true;
}

/*
 * Refused already, for good: whatever else is wrong is said at once. So whoever mistyped a code also learns
 * that the permit has lapsed, and that more was unloaded than there was.
 */
static bool judge_rest(struct member *m)
{
	struct problems *problems = &m->verdict->problems;
	bool signed_well = m->verdict->refused == REFUSAL_RULE;

	if (signed_well) {
		unsigned before = problems->count + problems->more;
		signers_check(m->j->registry, m->e, problems);
		signed_well = problems->count + problems->more == before;
	}
	registry_judge(m->j->registry, m->e, problems);
	if (is_step(m->e->kind) && !judge_rest_of_step(m, signed_well))
		return false;
	problems_once(problems);
	return true;
}

/* ---- everything else ---- */

static bool judge_other(struct member *m)
{
	uint64_t index = judge_next_index(m->j);

	registry_judge(m->j->registry, m->e, &m->verdict->problems);
	if (m->e->kind == EVENT_GENESIS && index != 0)
		problem_add(&m->verdict->problems, RULE(GENESIS), "genesis", NULL, NULL);
	if (!judge_about(m))
		return false;
	refuse_if_any(m, REFUSAL_RULE);
	if (refused(m))
		return true;
	return accept(m) && judge_about_after(m, index);
}

bool judge_member(struct judgement *j, const struct event *e, struct span envelope,
		  struct verdict *ret_verdict)
{
	struct verdict verdict = {.problems = {.arena = j->arena}};
	struct member m = {.j = j, .e = e, .envelope = envelope, .verdict = &verdict};

	m.key = e->signers_n == 0 ? NULL : registry_key(j->registry, &e->signers[0].keyid);
	if (sent_before(&m))
		goto judged;
	judge_rules(&m);
	if (!refused(&m))
		judge_time(&m);
	if (!refused(&m))
		judge_signers(&m);
	if (refused(&m)) {
		if (verdict.refused != REFUSAL_LATER && !judge_rest(&m))
			return false;
		goto judged;
	}
	if (e->number != 0 && !judge_touch(j, e->number, &m.about))
		return false;
	if (!(is_step(e->kind) ? judge_step(&m) : judge_other(&m)))
		return false;
judged:
	*ret_verdict = verdict;
	return true;
}
