#include "again.h"

#include <stdio.h>

#include "core/merkle.h"

struct run {
	struct again *a;
	struct store_port port;
	const struct span *entries;
	size_t n;
	uint64_t next;
	struct arena *arena; /* of all items */
};

static const struct replay_item *next(void *self)
{
	struct run *r = self;

	if (r->next == r->n)
		return NULL;
	struct replay_item *item = arena_alloc(r->arena, sizeof(*item));
	struct problems problems = {.arena = r->arena};
	MUST(item != NULL);
	item->index = r->next;
	item->bytes = r->entries[r->next++];
	item->leaf = merkle_leaf(item->bytes);
	item->readable =
	    log_entry_decode(item->bytes, &item->entry) &&
	    envelope_decode(item->entry.envelope, EVENT_PAYLOAD_TYPE, r->arena, &problems, &item->envelope) &&
	    envelope_event(&item->envelope, r->arena, &problems, &item->event);
	return item;
}

static void done(void *self, uint64_t index)
{
	(void)self;
	(void)index;
}

static enum store_result load(void *self, const struct needs *needs, struct arena *arena,
			      struct loaded *ret_loaded)
{
	struct run *r = self;

	return r->port.load(&r->a->store->writer, needs, arena, ret_loaded);
}

static enum store_result commit(void *self, const struct commit *c)
{
	struct run *r = self;

	return r->port.commit(&r->a->store->writer, c);
}

static bool hashes(void *self, unsigned level, uint64_t first, size_t n, struct digest *ret_hashes)
{
	struct run *r = self;

	return r->port.hashes(&r->a->store->reader, (uint8_t)level, first, n, ret_hashes) == STORE_OK;
}

static enum store_result reference(void *self, enum reference_kind kind, struct span edition,
				   struct arena *arena, struct span *ret_file)
{
	struct run *r = self;

	return r->port.reference(&r->a->store->writer, kind, edition, arena, ret_file);
}

static void on_finding(void *self, const struct finding *finding)
{
	struct run *r = self;

	if (r->a->findings++ == 0)
		r->a->first = *finding;
}

struct again *again_run(const struct fake_store *like, const struct span *entries, size_t n, size_t group)
{
	struct again *a = calloc(1, sizeof(*a));
	struct run r = {.a = a, .port = fake_store_port(), .entries = entries, .n = n};
	const struct replay_options options = {.group = group, .whole_commit = true, .strict = true};
	const struct replay_ports ports = {.self = &r,
					   .next = next,
					   .done = done,
					   .load = load,
					   .commit = commit,
					   .hashes = hashes,
					   .reference = reference,
					   .finding = on_finding};

	MUST(a != NULL);
	a->store = fake_store_empty(like);
	a->store->writer.recovered = true;
	r.arena = arena_new(SIZE_MAX / 2);
	struct replay *replay = replay_new(&options, &ports);
	MUST(r.arena != NULL && replay != NULL);
	a->result = replay_run(replay);
	replay_free(replay);
	arena_free(r.arena);
	return a;
}

void again_free(struct again *a)
{
	fake_store_free(a->store);
	free(a);
}

static bool same_flag(const struct fake_flag *a, const struct fake_flag *b)
{
	return a->flag == b->flag && a->kind == b->kind && a->number == b->number && a->open == b->open &&
	       strcmp(a->division_generator, b->division_generator) == 0 &&
	       strcmp(a->division_facility, b->division_facility) == 0;
}

static void compare(const struct fake_store *a, const struct fake_store *b)
{
	MUST(a->entries_n == b->entries_n && digest_eq(&a->head.root, &b->head.root));
	MUST(a->head.accepted_at == b->head.accepted_at);
	for (size_t i = 0; i < a->entries_n; i++)
		MUST(span_eq(a->entries[i].bytes, b->entries[i].bytes) &&
		     a->entries[i].number == b->entries[i].number &&
		     a->entries[i].position == b->entries[i].position &&
		     a->entries[i].registry == b->entries[i].registry);
	MUST(a->numbers_n == b->numbers_n);
	for (size_t i = 0; i < a->numbers_n; i++)
		MUST(a->numbers[i].key == b->numbers[i].key && a->numbers[i].number == b->numbers[i].number &&
		     a->numbers[i].index == b->numbers[i].index &&
		     digest_eq(&a->numbers[i].event, &b->numbers[i].event));
	MUST(a->manifests_n == b->manifests_n);
	for (size_t i = 0; i < a->manifests_n; i++)
		MUST(a->manifests[i].number == b->manifests[i].number &&
		     span_eq(a->manifests[i].body, b->manifests[i].body) &&
		     a->manifests[i].due_at == b->manifests[i].due_at);
	MUST(a->flags_n == b->flags_n);
	for (size_t i = 0; i < a->flags_n; i++)
		MUST(same_flag(&a->flags[i], &b->flags[i]));
	MUST(a->tiles_n == b->tiles_n);
}

void again_same(const struct fake_store *s)
{
	static const size_t groups[] = {1, 7, 256};
	struct span *entries = calloc(s->entries_n + 1, sizeof(*entries));

	MUST(entries != NULL);
	for (size_t i = 0; i < s->entries_n; i++)
		entries[i] = s->entries[i].bytes;
	for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
		struct again *a = again_run(s, entries, s->entries_n, groups[i]);
		if (a->findings > 0)
			(void)fprintf(stderr, "%s at entry %llu: %s\n", a->first.what,
				      (unsigned long long)a->first.entry, a->first.en);
		MUST(a->findings == 0 && a->result == STORE_OK);
		compare(s, a->store);
		again_free(a);
	}
	free(entries);
}
