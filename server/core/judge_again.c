/* What judging a log again needs besides the law: the log's clock, forks whose evidence is gone, and rows
 * that the log does not have. */
#include "base/text.h"
#include "core/judge_internal.h"

void judge_clock(struct judgement *j, micros last_accepted_at, micros now)
{
	j->last_accepted_at = last_accepted_at;
	j->now = now;
}

/* The detail of a fork's flag ends with the id of the event that stands. */
static bool standing_of(struct span detail, struct digest *ret_standing)
{
	struct digest standing;

	if (detail.n < DIGEST_HEX ||
	    !hex_decode(span_of(detail.p + detail.n - DIGEST_HEX, DIGEST_HEX), standing.b, DIGEST_SIZE))
		return false;
	*ret_standing = standing;
	return true;
}

bool judge_fork_flag(struct judgement *j, const struct event *flag)
{
	const struct flag_raised *said = &flag->flag_raised;
	const struct key_record *key = registry_key(j->registry, &said->keyid);
	party_no parties[ARRAY_LEN(((struct flag_row *)NULL)->parties)];
	size_t parties_n = 0;
	struct touched *about;
	struct digest standing;
	uint64_t index;

	if (!judge_touch(j, flag->number, &about))
		return false;
	if (about == NULL || key == NULL || !standing_of(said->detail, &standing) ||
	    !manifest_remember_rival(about->m, &said->cause, key->no, &standing))
		return true;
	for (size_t i = 0; i < said->parties_n && parties_n < ARRAY_LEN(parties); i++) {
		const struct party_record *party = registry_party(j->registry, &said->parties[i]);
		if (party != NULL)
			parties[parties_n++] = party->no;
	}
	const struct raise raise = {
	    .kind = FLAG_FORK,
	    .about = about,
	    .key = key,
	    .cause = &said->cause,
	    .evidence = &said->evidence_sha256,
	    .parties = parties,
	    .parties_n = parties_n,
	    .detail = said->detail,
	};
	return judge_raise(j, &raise, &index);
}

/* The server's running numbers that the dropped entries used are free again. */
static void give_back(struct judgement *j, const struct number_row *row)
{
	struct key_record *key = registry_key_no(j->registry, row->key);

	if (key == NULL || row->number > key->high)
		return;
	key->high = row->number - 1;
	if (key->contiguous > key->high)
		key->contiguous = key->high;
}

void judge_forget(struct judgement *j, uint64_t index)
{
	struct entry_row *entries = j->entries.items;
	struct number_row *numbers = j->numbers.items;
	struct flag_row *flags = j->flags.items;
	struct touched *const *touched = j->touched.items;
	size_t kept = 0;

	while (j->entries.n > 0 && j->first_index + j->entries.n > index) {
		uint64_t number = entries[--j->entries.n].number;
		for (size_t i = 0; number != 0 && i < j->touched.n; i++)
			if (touched[i]->m->number == number && touched[i]->m->trail_n > 0)
				touched[i]->m->trail_n--;
	}
	while (j->numbers.n > 0 && numbers[j->numbers.n - 1].index >= index)
		give_back(j, &numbers[--j->numbers.n]);
	for (size_t i = 0; i < j->flags.n; i++)
		if (!(flags[i].raise && flags[i].flag >= index) && flags[i].closed_by < index)
			flags[kept++] = flags[i];
	j->flags.n = kept;
	for (size_t i = 0; i < j->touched.n; i++)
		for (size_t kind = 0; kind < FLAG_KINDS; kind++)
			if (touched[i]->m->flags[kind] > index)
				touched[i]->m->flags[kind] = 0;
	struct registry_row *registry = j->registry_rows.items;
	while (j->registry_rows.n > 0 && registry[j->registry_rows.n - 1].index >= index)
		j->registry_rows.n--;
}
