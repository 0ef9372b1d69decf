/* The store of the tests' city: it gives judging what it asks for, and keeps the rows that it leaves. */
#include "fixture.h"

#include <stdlib.h>

#include "wire/envelope.h"

/* An array with one more item: the old one stays in the arena. */
static void *more(struct world *w, void *items, size_t n, size_t size)
{
	if (n != 0 && (n & (n - 1)) != 0)
		return items;
	void *grown = world_take(w, (n == 0 ? 1 : 2 * n) * size);
	if (n > 0)
		memcpy(grown, items, n * size);
	return grown;
}

static bool server_sign(void *self, struct event *e, struct span *ret_envelope)
{
	struct world *w = self;
	const struct signed_event *s = world_sign_as_is(w, e, 1, (const enum device[]){SERVER});

	w->devices[SERVER].number = e->signers[0].number;
	e->id = s->event.id;
	*ret_envelope = s->envelope;
	return true;
}

static enum seen_answer seen(void *self, const struct checkpoint_ref *checkpoint)
{
	(void)checkpoint;
	return ((struct world *)self)->seen;
}

/* ---- the store ---- */

static int by_number(const void *a, const void *b)
{
	uint64_t x = ((const struct manifest *)a)->number, y = ((const struct manifest *)b)->number;

	return x < y ? -1 : x > y;
}

static int by_key_and_number(const void *a, const void *b)
{
	const struct loaded_number *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

static struct manifest *find_manifest(const struct world *w, uint64_t number)
{
	for (size_t i = 0; i < w->manifests_n; i++)
		if (w->manifests[i].number == number)
			return &w->manifests[i];
	return NULL;
}

const struct manifest *world_manifest(const struct world *w, uint64_t number)
{
	return find_manifest(w, number);
}

static void add_needed(struct manifest *to, size_t *n, const struct manifest *m)
{
	for (size_t i = 0; i < *n; i++)
		if (m == NULL || to[i].number == m->number)
			return;
	if (m != NULL)
		to[(*n)++] = *m;
}

/* Only what was asked for, so that a test sees what judge_needs() forgot. */
static struct loaded load(struct world *w, const struct needs *needs)
{
	struct manifest *manifests =
	    world_take(w, (needs->manifests_n + needs->flags_n) * sizeof(*manifests));
	struct loaded_flag *flags = world_take(w, needs->flags_n * sizeof(*flags));
	struct loaded_number *numbers = world_take(w, (w->numbers_n + 1) * sizeof(*numbers));
	size_t manifests_n = 0, flags_n = 0, numbers_n = 0;

	for (size_t i = 0; i < needs->manifests_n; i++)
		add_needed(manifests, &manifests_n, find_manifest(w, needs->manifests[i]));
	for (size_t i = 0; i < w->flags_n; i++)
		for (size_t k = 0; k < needs->flags_n; k++) {
			const struct stored_flag *f = &w->flags[i];
			if (f->row.flag != needs->flags[k])
				continue;
			flags[flags_n++] = (struct loaded_flag){
			    .flag = f->row.flag,
			    .kind = f->row.raised->kind,
			    .number = f->row.number,
			    .open = f->open,
			    .division_generator = f->row.division_generator,
			    .division_facility = f->row.division_facility,
			};
			add_needed(manifests, &manifests_n, find_manifest(w, f->row.number));
		}
	for (size_t i = 0; i < w->numbers_n; i++)
		for (size_t k = 0; k < needs->numbers_n; k++)
			if (by_key_and_number(&w->numbers[i], &needs->numbers[k]) == 0) {
				numbers[numbers_n++] = w->numbers[i];
				break;
			}
	qsort(manifests, manifests_n, sizeof(*manifests), by_number);
	qsort(numbers, numbers_n, sizeof(*numbers), by_key_and_number);
	return (struct loaded){
	    .manifests = manifests,
	    .manifests_n = manifests_n,
	    .numbers = numbers,
	    .numbers_n = numbers_n,
	    .flags = flags,
	    .flags_n = flags_n,
	};
}

static void store_manifest(struct world *w, const struct manifest *m)
{
	struct manifest *stored = find_manifest(w, m->number);
	struct buffer bytes = BUFFER_EMPTY;

	if (stored == NULL) {
		w->manifests = more(w, w->manifests, w->manifests_n, sizeof(*w->manifests));
		stored = &w->manifests[w->manifests_n++];
	}
	/* Through the bytes that the database would hold. */
	MUST(manifest_encode(m, &bytes));
	memset(stored, 0, sizeof(*stored));
	MUST(manifest_decode(buffer_span(&bytes), stored));
	buffer_free(&bytes);
}

static void store_flag(struct world *w, const struct flag_row *row)
{
	if (row->raise) {
		w->flags = more(w, w->flags, w->flags_n, sizeof(*w->flags));
		w->flags[w->flags_n++] = (struct stored_flag){.row = *row, .open = true};
		return;
	}
	for (size_t i = 0; i < w->flags_n; i++) {
		struct stored_flag *f = &w->flags[i];
		if (f->row.flag != row->flag)
			continue;
		f->claimed_in_time |= row->claimed_in_time;
		if (row->closed_by == 0)
			return;
		MUST(f->open);
		f->open = false;
		f->closed_by = row->closed_by;
		return;
	}
	MUST(!"a flag is closed that was never raised");
}

static void store(struct world *w, const struct rows *rows)
{
	MUST(rows->first_index == w->entries_n);
	for (size_t i = 0; i < rows->entries_n; i++) {
		const struct entry_row *row = &rows->entries[i];
		struct buffer bytes = BUFFER_EMPTY;
		MUST(w->entries_n == 0 || row->accepted_at > w->entries[w->entries_n - 1].row.accepted_at);
		MUST(log_entry_encode(&(struct log_entry){row->envelope, row->accepted_at}, &bytes));
		w->entries = more(w, w->entries, w->entries_n, sizeof(*w->entries));
		w->entries[w->entries_n++] =
		    (struct stored_entry){*row, arena_copy(w->arena, buffer_span(&bytes))};
		buffer_free(&bytes);
	}
	for (size_t i = 0; i < rows->numbers_n; i++) {
		const struct number_row *n = &rows->numbers[i];
		w->numbers = more(w, w->numbers, w->numbers_n, sizeof(*w->numbers));
		w->numbers[w->numbers_n++] = (struct loaded_number){n->key, n->number, n->event, n->index};
	}
	for (size_t i = 0; i < rows->manifests_n; i++)
		store_manifest(w, rows->manifests[i]);
	for (size_t i = 0; i < rows->flags_n; i++)
		store_flag(w, &rows->flags[i]);
	for (size_t i = 0; i < rows->evidence_n; i++) {
		w->evidence = more(w, w->evidence, w->evidence_n, sizeof(*w->evidence));
		w->evidence[w->evidence_n++] = rows->evidence[i];
	}
	for (size_t i = 0; i < rows->registry_n; i++) {
		w->registry_rows = more(w, w->registry_rows, w->registry_rows_n, sizeof(*w->registry_rows));
		w->registry_rows[w->registry_rows_n++] = rows->registry[i];
	}
}

static struct judgement *begin(struct world *w, const struct loaded *loaded)
{
	const struct judge_ports ports = {w, server_sign, seen};
	micros last = w->entries_n == 0 ? 0 : w->entries[w->entries_n - 1].row.accepted_at;
	struct judgement *j = judge_begin(w->arena, w->registry, loaded, w->entries_n, last, w->now, &ports);

	MUST(j != NULL);
	return j;
}

static void end(struct world *w, const struct judgement *j)
{
	struct rows rows;

	judge_rows(j, &rows);
	store(w, &rows);
}

void world_judge(struct world *w, const struct signed_event *const *members, size_t n,
		 struct verdict *ret_verdicts)
{
	struct needs needs = {0};
	struct loaded *loaded = world_take(w, sizeof(*loaded));

	for (size_t i = 0; i < n; i++)
		MUST(judge_needs(w->registry, &members[i]->event, w->arena, &needs));
	*loaded = load(w, &needs);
	struct judgement *j = begin(w, loaded);
	for (size_t i = 0; i < n; i++)
		MUST(judge_member(j, &members[i]->event, members[i]->envelope, &ret_verdicts[i]));
	end(w, j);
}

struct verdict world_submit(struct world *w, const struct signed_event *member)
{
	struct verdict verdict;

	world_judge(w, &member, 1, &verdict);
	return verdict;
}

struct digest world_accept(struct world *w, const struct signed_event *member)
{
	struct verdict v = world_submit(w, member);

	if (v.refused != REFUSAL_NONE)
		(void)fprintf(stderr, "%s refused:\n%s\n", event_kind_name(member->event.kind),
			      world_problems(w, &v.problems));
	MUST(v.refused == REFUSAL_NONE);
	return member->event.id;
}

/* A judgement for which all manifests are loaded. */
static struct judgement *begin_with_all(struct world *w)
{
	struct manifest *manifests = world_take(w, (w->manifests_n + 1) * sizeof(*manifests));
	struct loaded *loaded = world_take(w, sizeof(*loaded));

	memcpy(manifests, w->manifests, w->manifests_n * sizeof(*manifests));
	qsort(manifests, w->manifests_n, sizeof(*manifests), by_number);
	*loaded = (struct loaded){.manifests = manifests, .manifests_n = w->manifests_n};
	return begin(w, loaded);
}

void world_sweep(struct world *w)
{
	struct judgement *j = begin_with_all(w);

	for (size_t i = 0; i < w->manifests_n; i++)
		MUST(judge_sweep_manifest(j, w->manifests[i].number));
	MUST(judge_sweep_keys(j));
	end(w, j);
}

void world_recompute(struct world *w)
{
	struct judgement *j = begin_with_all(w);

	for (size_t i = 0; i < w->manifests_n; i++)
		MUST(judge_recompute(j, w->manifests[i].number));
	end(w, j);
}

size_t world_open_flags(const struct world *w, enum flag_kind kind, const struct stored_flag **ret_last)
{
	size_t n = 0;

	*ret_last = NULL;
	for (size_t i = 0; i < w->flags_n; i++)
		if (w->flags[i].open && w->flags[i].row.raised->kind == kind) {
			*ret_last = &w->flags[i];
			n++;
		}
	return n;
}

void world_restart(struct world *w)
{
	registry_free(w->registry);
	w->registry = world_fresh_registry(w);
	for (size_t i = 0; i < w->registry_rows_n; i++) {
		const struct registry_row *row = &w->registry_rows[i];
		MUST(registry_apply(w->registry, row->event, row->index,
				    w->entries[row->index].row.accepted_at));
	}
	struct loaded_number *numbers = world_take(w, (w->numbers_n + 1) * sizeof(*numbers));
	memcpy(numbers, w->numbers, w->numbers_n * sizeof(*numbers));
	qsort(numbers, w->numbers_n, sizeof(*numbers), by_key_and_number);
	for (size_t i = 0; i < w->numbers_n; i++)
		registry_number_used(w->registry, registry_key_no(w->registry, numbers[i].key),
				     numbers[i].number, w->entries[numbers[i].index].row.accepted_at);
}

/* ---- verdicts ---- */

bool problems_have(const struct problems *p, const char *rule_id)
{
	for (const struct problem *at = p->first; at != NULL; at = at->next)
		if (strcmp(at->rule->id, rule_id) == 0)
			return true;
	return false;
}

bool verdict_breaks(const struct verdict *v, const char *rule_id)
{
	return problems_have(&v->problems, rule_id);
}

const char *world_problems(struct world *w, const struct problems *p)
{
	const char *text = "";

	for (const struct problem *at = p->first; at != NULL; at = at->next)
		text = arena_printf(w->arena, "%s%s at %s: found '%s', allowed '%s'\n", text, at->rule->id,
				    at->path, at->found, at->allowed);
	return text;
}
