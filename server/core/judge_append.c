/* What a judgement has appended so far: entries and rows, and the manifests of the batch. */
#include "core/judge_internal.h"

void *list_add(struct arena *arena, struct list *list, size_t size)
{
	if (list->n == list->cap) {
		size_t cap = list->cap == 0 ? 32 : 2 * list->cap;
		void *grown = arena_array(arena, cap, size);
		if (grown == NULL)
			return NULL;
		if (list->n > 0)
			memcpy(grown, list->items, list->n * size);
		list->items = grown;
		list->cap = cap;
	}
	return (uint8_t *)list->items + size * list->n++;
}

/* ---- manifests ---- */

static const struct manifest *find_loaded(const struct loaded *loaded, uint64_t number)
{
	size_t low = 0, high = loaded->manifests_n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (loaded->manifests[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < loaded->manifests_n && loaded->manifests[low].number == number ? &loaded->manifests[low]
										    : NULL;
}

struct touched *judge_add_manifest(struct judgement *j, struct manifest *m)
{
	struct touched *t = arena_alloc(j->arena, sizeof(*t));
	struct touched **at = list_add(j->arena, &j->touched, sizeof(*at));
	uint64_t *number = list_add(j->arena, &j->touched_numbers, sizeof(*number));

	if (t == NULL || at == NULL || number == NULL)
		return NULL;
	t->m = m;
	*at = t;
	*number = m->number;
	return t;
}

static bool touch(struct judgement *j, uint64_t number, struct touched **ret_touched)
{
	const uint64_t *numbers = j->touched_numbers.items;
	struct touched *const *touched = j->touched.items;

	for (size_t i = 0; i < j->touched_numbers.n; i++)
		if (numbers[i] == number) {
			*ret_touched = touched[i];
			return true;
		}
	const struct manifest *stored = find_loaded(j->loaded, number);
	if (stored == NULL) {
		*ret_touched = NULL;
		return true;
	}
	struct manifest *m = arena_room(j->arena, 1, sizeof(*m));
	if (m == NULL)
		return false;
	manifest_copy(m, stored);
	struct touched *t = judge_add_manifest(j, m);
	if (t == NULL)
		return false;
	*ret_touched = t;
	return true;
}

bool judge_touch(struct judgement *j, uint64_t number, struct touched **ret_touched)
{
	return touch(j, number, ret_touched) &&
	       (*ret_touched == NULL || !j->clocks_changed || judge_reclock(j, *ret_touched));
}

bool judge_changed(struct judgement *j, struct touched *t)
{
	if (t->changed)
		return true;
	const struct manifest **row = list_add(j->arena, &j->manifests, sizeof(*row));
	if (row == NULL)
		return false;
	*row = t->m;
	t->changed = true;
	return true;
}

/* ---- entries ---- */

uint64_t judge_next_index(const struct judgement *j)
{
	return j->first_index + j->entries.n;
}

micros judge_next_accepted_at(const struct judgement *j)
{
	return j->now > j->last_accepted_at ? j->now : j->last_accepted_at + 1;
}

static bool append_number(struct judgement *j, struct key_record *key, uint64_t number, const struct event *e,
			  uint64_t index, micros accepted_at)
{
	struct number_row *row = list_add(j->arena, &j->numbers, sizeof(*row));

	if (row == NULL)
		return false;
	*row = (struct number_row){key->no, number, e->id, index};
	registry_number_used(j->registry, key, number, accepted_at);
	return true;
}

/* The party or key that the event registered or changed. */
static uint32_t registered_no(const struct registry *r, const struct event *e)
{
	const struct party_record *party = NULL;
	const struct key_record *key = NULL;
	struct digest keyid;

	switch ((int)e->kind) {
	case EVENT_PARTY_REGISTERED:
	case EVENT_PARTY_CHANGED: party = registry_party(r, &e->party.party.ref); break;
	case EVENT_KEY_ENROLLED:
		keyid = key_id(&e->key_enrolled.key);
		key = registry_key(r, &keyid);
		break;
	case EVENT_REGISTRAR_ADDED:
		keyid = key_id(&e->registrar_added.key);
		key = registry_key(r, &keyid);
		break;
	case EVENT_KEY_REVOKED: key = registry_key(r, &e->key_revoked.keyid); break;
	case EVENT_REGISTRAR_REMOVED: key = registry_key(r, &e->registrar_removed.keyid); break;
	default: break;
	}
	return party != NULL ? party->no : key != NULL ? key->no : 0;
}

static bool append_registry(struct judgement *j, const struct event *e, uint64_t index, micros accepted_at)
{
	if (!registry_concerns(j->registry, e))
		return true;
	struct registry_row *row = list_add(j->arena, &j->registry_rows, sizeof(*row));
	if (row == NULL || !registry_apply(j->registry, e, index, accepted_at))
		return false;
	*row = (struct registry_row){e, index, registered_no(j->registry, e)};
	j->clocks_changed |= event_changes_clocks(e);
	return true;
}

bool judge_append(struct judgement *j, const struct event *e, struct span envelope, struct touched *t)
{
	uint64_t index = judge_next_index(j);
	micros accepted_at = judge_next_accepted_at(j);
	struct entry_row *row = list_add(j->arena, &j->entries, sizeof(*row));

	if (row == NULL)
		return false;
	*row =
	    (struct entry_row){.kind = e->kind, .event = e, .envelope = envelope, .accepted_at = accepted_at};
	j->last_accepted_at = accepted_at;
	if (t != NULL) {
		row->number = t->m->number;
		row->position = t->m->trail_n++;
		if (!judge_changed(j, t))
			return false;
	} else if (e->kind == EVENT_VOIDED) {
		row->number = e->number;
	}
	/* Before the running numbers: a key that is enrolled signs its own enrolment. */
	if (!append_registry(j, e, index, accepted_at))
		return false;
	for (size_t i = 0; i < e->signers_n; i++) {
		struct key_record *key = registry_key(j->registry, &e->signers[i].keyid);
		if (key != NULL && !append_number(j, key, e->signers[i].number, e, index, accepted_at))
			return false;
		if (key != NULL && e->kind == EVENT_VOIDED && e->voided.running_number != 0 &&
		    !append_number(j, key, e->voided.running_number, e, index, accepted_at))
			return false;
	}
	return true;
}

const struct digest *judge_number_user(const struct judgement *j, key_no key, uint64_t number,
				       const struct digest *but)
{
	const struct loaded *loaded = j->loaded;
	const struct number_row *rows = j->numbers.items;
	size_t low = 0, high = loaded->numbers_n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct loaded_number *n = &loaded->numbers[middle];
		if (n->key < key || (n->key == key && n->number < number))
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < loaded->numbers_n; low++) {
		const struct loaded_number *n = &loaded->numbers[low];
		if (n->key != key || n->number != number)
			break;
		if (!digest_eq(&n->event, but))
			return &n->event;
	}
	for (size_t i = 0; i < j->numbers.n; i++)
		if (rows[i].key == key && rows[i].number == number && !digest_eq(&rows[i].event, but))
			return &rows[i].event;
	return NULL;
}
