/* What judging does unasked: passed deadlines, gaps in running numbers, clocks that were set anew; and what
 * must be loaded before it is asked. */
#include "core/judge_internal.h"

bool judge_sweep_manifest(struct judgement *j, uint64_t number)
{
	struct touched *t;
	struct flag_list flags;

	if (!judge_touch(j, number, &t))
		return false;
	if (t == NULL)
		return true;
	if (!flags_due(t->m, j->now, j->arena, &flags))
		return false;
	return flags.n == 0 || (judge_changed(j, t) && judge_flags(j, t, &flags, NULL, NULL));
}

/* By the time of the change, not by now: it comes to the same whenever it is done. */
bool judge_reclock(struct judgement *j, struct touched *t)
{
	struct flag_list flags;

	if (!manifest_recompute_deadlines(t->m, j->registry))
		return true;
	flags_recomputed(t->m, registry_clocks_changed_at(j->registry), &flags);
	return judge_changed(j, t) && judge_flags(j, t, &flags, NULL, NULL);
}

bool judge_recompute(struct judgement *j, uint64_t number)
{
	struct touched *t;

	return judge_touch(j, number, &t) && (t == NULL || judge_reclock(j, t));
}

void judge_clocks_changed(struct judgement *j)
{
	j->clocks_changed = true;
}

static bool raise_gap(struct judgement *j, const struct key_record *key)
{
	uint64_t flag;
	struct raise raise = {
	    .kind = FLAG_NUMBER_GAP,
	    .key = key,
	    .detail = detail_make(j->arena, DETAIL_NUMBERS_MISSING,
				  DETAIL_VALUES(detail_number(key->contiguous), detail_number(key->high))),
	};

	return raise.detail.p != NULL && judge_raise(j, &raise, &flag);
}

bool judge_sweep_key(struct judgement *j, key_no no)
{
	const struct key_record *key = registry_key_no(j->registry, no);
	micros grace = registry_settings(j->registry)->number_gap_grace;

	return key == NULL || key->missing_since == 0 || key->gap_flag != 0 ||
	       micros_add(key->missing_since, grace) >= j->now || raise_gap(j, key);
}

bool judge_sweep_keys(struct judgement *j)
{
	for (size_t no = 1; no <= registry_keys(j->registry); no++)
		if (!judge_sweep_key(j, (key_no)no))
			return false;
	return true;
}

/* ---- needs: arrays whose room is the power of two that holds them ---- */

static void *grow(struct arena *arena, void *items, size_t n, size_t size)
{
	if (n != 0 && (n < 16 || (n & (n - 1)) != 0))
		return items;
	void *grown = arena_array(arena, n < 16 ? 16 : 2 * n, size);
	if (grown != NULL && n > 0)
		memcpy(grown, items, n * size);
	return grown;
}

static bool need_u64(struct arena *arena, uint64_t **items, size_t *n, uint64_t value)
{
	for (size_t i = 0; i < *n; i++)
		if ((*items)[i] == value)
			return true;
	uint64_t *grown = grow(arena, *items, *n, sizeof(**items));
	if (grown == NULL)
		return false;
	*items = grown;
	grown[(*n)++] = value;
	return true;
}

static bool need_number(struct arena *arena, struct needs *needs, const struct key_record *key,
			uint64_t number)
{
	if (key == NULL || registry_number_fresh(key, number))
		return true;
	struct loaded_number *grown = grow(arena, needs->numbers, needs->numbers_n, sizeof(*grown));
	if (grown == NULL)
		return false;
	needs->numbers = grown;
	grown[needs->numbers_n++] = (struct loaded_number){.key = key->no, .number = number};
	return true;
}

bool judge_needs(const struct registry *r, const struct event *e, struct arena *arena, struct needs *needs)
{
	if (e->number != 0 && !need_u64(arena, &needs->manifests, &needs->manifests_n, e->number))
		return false;
	if (e->kind == EVENT_FLAG_RESOLVED &&
	    !need_u64(arena, &needs->flags, &needs->flags_n, e->flag_resolved.flag))
		return false;
	if (e->kind == EVENT_FLAG_CLEARED &&
	    !need_u64(arena, &needs->flags, &needs->flags_n, e->flag_cleared.flag))
		return false;
	for (size_t i = 0; i < e->signers_n; i++) {
		const struct key_record *key = registry_key(r, &e->signers[i].keyid);
		if (!need_number(arena, needs, key, e->signers[i].number))
			return false;
		if (e->kind == EVENT_VOIDED && e->voided.running_number != 0 &&
		    !need_number(arena, needs, key, e->voided.running_number))
			return false;
	}
	return true;
}
