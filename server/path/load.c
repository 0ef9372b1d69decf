/*
 * The load stage: what a batch's members need is collected on the main thread, read on the writer lane, and
 * then at hand for judging: rows, reference files, and the roots of the sizes that signers have seen.
 */
#include "core/genesis_file.h"
#include "path/internal.h"

/* ---- what the members need ---- */

static struct seen_slot *seen_slot(struct path *p, uint64_t size)
{
	return &p->seen[size % SEEN_CACHE];
}

void seen_remember(struct path *p, uint64_t size, const struct digest *root)
{
	*seen_slot(p, size) = (struct seen_slot){.size = size, .root = *root};
}

/* Which sizes that signers saw must be computed from the tree, since they are not remembered. */
static bool seen_needs(struct batch *b, const struct event *e)
{
	struct path *p = b->path;

	for (size_t i = 0; i < e->signers_n; i++) {
		const struct checkpoint_ref *ref = &e->signers[i].seen;
		uint64_t size = ref->size;
		if (size == 0 || size > p->head.size || !span_eq_str(ref->origin, p->origin) ||
		    seen_slot(p, size)->size == size)
			continue;
		bool listed = false;
		for (size_t k = 0; k < b->seen_n && !listed; k++)
			listed = b->seen[k].size == size;
		if (listed)
			continue;
		if (b->seen == NULL)
			b->seen = arena_array(b->arena, MAX_SIGNERS * b->members_n, sizeof(b->seen[0]));
		if (b->seen == NULL)
			return false;
		b->seen[b->seen_n++].size = size;
	}
	return true;
}

bool batch_needs(struct batch *b)
{
	for (size_t i = 0; i < b->members_n; i++) {
		const struct event *e = &b->members[i]->event;
		if (!judge_needs(b->path->registry, e, b->arena, &b->needs) || !seen_needs(b, e))
			return false;
	}
	return true;
}

/* ---- on the writer lane ---- */

static bool needs_add(struct batch *b, const uint64_t *numbers, size_t n)
{
	struct needs *needs = &b->needs;
	uint64_t *all = arena_array(b->arena, needs->manifests_n + n, sizeof(*all));

	if (all == NULL)
		return false;
	if (needs->manifests_n > 0)
		memcpy(all, needs->manifests, needs->manifests_n * sizeof(*all));
	if (n > 0)
		memcpy(all + needs->manifests_n, numbers, n * sizeof(*all));
	needs->manifests = all;
	needs->manifests_n += n;
	return true;
}

/* The files that reference_loaded events name, which judging must have at hand. */
static bool load_references(struct batch *b, void *thread)
{
	for (size_t i = 0; i < b->members_n; i++) {
		const struct event *e = &b->members[i]->event;
		struct span file = {0};
		if (e->kind != EVENT_REFERENCE_LOADED)
			continue;
		b->result = b->path->ports.store.reference(thread, e->reference_loaded.kind,
							   e->reference_loaded.edition, b->arena, &file);
		if (b->result != STORE_OK)
			return false;
		if (b->files == NULL)
			b->files = arena_array(b->arena, b->members_n, sizeof(b->files[0]));
		if (b->files == NULL)
			return false;
		b->files[i] = file;
	}
	return true;
}

/* Which manifest a flag that is to be resolved is on, is known only now: so once more, with those. */
static void load_flagged(struct batch *b, void *thread)
{
	const struct store_port *store = &b->path->ports.store;

	for (size_t i = 0; i < b->loaded.flags_n && !b->fault; i++)
		b->fault = !needs_add(b, &b->loaded.flags[i].number, 1);
	b->result = b->fault ? STORE_UNAVAILABLE : store->load(thread, &b->needs, b->arena, &b->loaded);
}

/* What passed its deadline, what must be computed again, and the rows of all that are touched. */
void batch_load(struct batch *b, void *thread)
{
	const struct path *p = b->path;
	const struct store_port *store = &p->ports.store;
	uint64_t *found = NULL;

	if (b->sweep) {
		b->result = store->due(thread, b->now, p->config.batch_max, b->arena, &found, &b->due_n);
		if (b->result != STORE_OK)
			return;
		b->due = found;
		b->fault = !needs_add(b, found, b->due_n);
	}
	if (b->recompute) {
		b->result = store->open_manifests(thread, p->recompute_after, p->config.batch_max, b->arena,
						  &found, &b->open_n);
		if (b->result != STORE_OK)
			return;
		b->open = found;
		b->fault = b->fault || !needs_add(b, found, b->open_n);
	}
	if (!load_references(b, thread)) {
		b->fault = b->result == STORE_OK;
		b->result = STORE_UNAVAILABLE;
		return;
	}
	for (size_t i = 0; i < b->seen_n && !b->fault; i++) {
		b->result = tree_root_at(store, thread, b->seen[i].size, &b->seen[i].root);
		if (b->result != STORE_OK)
			return;
	}
	b->result = b->fault ? STORE_UNAVAILABLE : store->load(thread, &b->needs, b->arena, &b->loaded);
	if (b->result == STORE_OK && b->loaded.flags_n > 0)
		load_flagged(b, thread);
}

/* ---- what judging asks for ---- */

void batch_offer_references(struct batch *b)
{
	struct path *p = b->path;
	struct reference_error error;

	for (size_t i = 0; b->files != NULL && i < b->members_n; i++) {
		const struct reference_loaded *l = &b->members[i]->event.reference_loaded;
		if (b->files[i].n > 0 &&
		    !registry_offer_reference(p->registry, l->kind, l->edition, b->files[i], &error))
			path_notice(p, NOTICE_WARNING, "reference file", "edition %.*s, line %u: %s",
				    SPAN_ARG(l->edition), error.line, error.text);
	}
}

enum seen_answer batch_seen(void *self, const struct checkpoint_ref *seen)
{
	const struct batch *b = self;
	struct path *p = b->path;

	if (!span_eq_str(seen->origin, p->origin)) {
		const struct genesis *genesis = registry_genesis(p->registry);
		return genesis == NULL ? SEEN_OTHER : genesis_seen(genesis, seen);
	}
	if (seen->size > p->head.size)
		return SEEN_OTHER; /* nobody was shown it before it was committed: the log went backwards */
	for (size_t i = 0; i < b->seen_n; i++)
		if (b->seen[i].size == seen->size)
			return digest_eq(&b->seen[i].root, &seen->root) ? SEEN_OURS : SEEN_OTHER;
	const struct seen_slot *slot = seen_slot(p, seen->size);
	if (slot->size != seen->size)
		return SEEN_UNKNOWN;
	return digest_eq(&slot->root, &seen->root) ? SEEN_OURS : SEEN_OTHER;
}
