/*
 * The batch: load what its members need (load.c), judge them in order, append to the log, store everything in
 * one transaction, and then give receipts (receipts.c). Exactly one is in flight, so judging always sees
 * committed state plus the earlier members of its own batch, and a failed commit poisons nothing: the members
 * go back to the queue's front, and what is stored is read again.
 */
#include <stdio.h>
#include <stdlib.h>

#include "path/internal.h"
#include "path/rules.h"

enum {
	BATCH_MEMORY = 256 * 1024 * 1024,
	BATCH_FIRST = 8 * 1024 * 1024, /* what a full batch takes, mostly manifests */
};

static struct batch *batch_new(struct path *p, size_t limit)
{
	struct batch *b = p->spare_batch;

	p->spare_batch = NULL;
	if (b == NULL) {
		b = calloc(1, sizeof(*b));
		if (b == NULL)
			return NULL;
		b->arena = arena_new_sized(BATCH_MEMORY, BATCH_FIRST);
	}
	b->path = p;
	b->members = b->arena == NULL ? NULL : arena_array(b->arena, limit, sizeof(b->members[0]));
	if (b->members == NULL) {
		batch_free(b);
		return NULL;
	}
	return b;
}

void batch_clear(struct batch *b)
{
	arena_reset(b->arena);
	memset(b, 0, offsetof(struct batch, arena));
	buffer_clear(&b->checkpoint);
	buffer_clear(&b->out);
}

void batch_free(struct batch *b)
{
	if (b == NULL)
		return;
	arena_free(b->arena);
	buffer_free(&b->checkpoint);
	buffer_free(&b->out);
	free(b);
}

bool enrols_key(const struct event *e)
{
	return e->kind == EVENT_GENESIS || e->kind == EVENT_KEY_ENROLLED || e->kind == EVENT_REGISTRAR_ADDED;
}

/*
 * The queue's head as far as it is decided. An event whose key is unknown is decided when every key before it
 * is committed: then the snapshot it was verified with is the newest, or it is verified again. It is refused
 * as a member, since another server may have enrolled the key: only the transaction tells.
 */
static void collect(struct path *p, struct batch *b, size_t limit)
{
	while (b->members_n < limit && p->queue.first != NULL) {
		struct request *r = p->queue.first;
		if (r->stage == REQUEST_VERIFYING)
			return;
		if (r->stage == REQUEST_UNKNOWN_KEY && b->enrols)
			return;
		if (r->hello && r->stage != REQUEST_DEAD && r->keyring_version != p->keyring_version) {
			(void)queue_pop(&p->queue);
			greet_again(p, r);
			continue;
		}
		if (r->stage == REQUEST_UNKNOWN_KEY && r->keyring_version != p->keyring_version) {
			stage_verify(p, r);
			return;
		}
		(void)queue_pop(&p->queue);
		if (r->stage == REQUEST_DEAD) {
			request_give_back(p, r);
			continue;
		}
		b->enrols = b->enrols || enrols_key(&r->event);
		b->members[b->members_n++] = r;
	}
}

/* Signs an event of the server's own: judging has set its running number. */
static bool sign_own(void *self, struct event *e, struct span *ret_envelope)
{
	struct batch *b = self;
	struct path *p = b->path;
	struct buffer payload = BUFFER_EMPTY;
	struct buffer pae = BUFFER_EMPTY;
	struct buffer bytes = BUFFER_EMPTY;
	struct envelope envelope = {.payload_type = span_str(EVENT_PAYLOAD_TYPE), .signatures_n = 1};
	bool done = false;

	e->signers_n = 1;
	e->signers[0].keyid = p->server_keyid;
	if (p->head.size > 0)
		e->signers[0].seen = (struct checkpoint_ref){span_str(p->origin), p->head.size, p->head.root};
	if (!event_encode(e, &payload))
		goto out;
	envelope.payload = buffer_span(&payload);
	e->id = event_id(envelope.payload);
	envelope_pae(&envelope, &pae);
	if (!buffer_ok(&pae))
		goto out;
	envelope.signatures[0].keyid = p->server_keyid;
	envelope.signatures[0].sig = sign(&p->config.server_key, buffer_span(&pae));
	if (!envelope_encode(&envelope, &bytes))
		goto out;
	struct span copy = arena_copy(b->arena, buffer_span(&bytes));
	if (copy.p == NULL)
		goto out;
	*ret_envelope = copy;
	done = true;
out:
	buffer_free(&payload);
	buffer_free(&pae);
	buffer_free(&bytes);
	return done;
}

static void keep_error(struct batch *b, const void *thread)
{
	if (b->result != STORE_OK)
		(void)snprintf(b->error, sizeof(b->error), "%s", b->path->ports.store.error(thread));
}

static void load_run(struct work *w, void *thread)
{
	struct batch *b = (struct batch *)w;

	batch_load(b, thread);
	keep_error(b, thread);
}

static void database_run(struct work *w, void *thread)
{
	struct batch *b = (struct batch *)w;
	struct path *p = b->path;

	b->result = p->ports.store.commit(thread, &b->commit);
	keep_error(b, thread);
	if (b->result != STORE_OK || b->commit.to.size == b->commit.from.size)
		return;
	/* Committed; nothing is acknowledged unless the high-water file holds it too. */
	b->unacknowledged = !p->ports.store.high_water(thread, &b->commit.to);
	if (b->unacknowledged)
		(void)snprintf(b->error, sizeof(b->error), "stored, and not acknowledged: %s",
			       p->ports.store.error(thread));
	else
		b->unacknowledged = !batch_sign(b);
	if (!b->unacknowledged && !b->hold)
		batch_receipts(b);
}

static void database_done(struct work *w)
{
	struct batch *b = (struct batch *)w;
	struct path *p = b->path;
	bool grown = b->result == STORE_OK && b->commit.to.size != b->commit.from.size;

	if (!b->hold || !grown || b->unacknowledged)
		batch_finish(b);
	else if (p->cosign == NULL) /* the witnesses were taken out of the settings meanwhile */
		batch_release(b);
	else
		cosign_hold(p->cosign, b);
}

static void release_run(struct work *w, void *thread)
{
	(void)thread;
	batch_receipts((struct batch *)w);
}

static void release_done(struct work *w)
{
	batch_finish((struct batch *)w);
}

void batch_release(struct batch *b)
{
	b->work = (struct work){.run = release_run, .done = release_done};
	b->path->ports.writer.submit(b->path->ports.writer.self, &b->work);
}

/* By what is known here, which only the transaction proves to be what is stored. */
static bool refuses_any(const struct batch *b)
{
	for (size_t i = 0; i < b->members_n; i++)
		if (b->members[i]->verdict.refused != REFUSAL_NONE)
			return true;
	return false;
}

static void load_done(struct work *w)
{
	struct batch *b = (struct batch *)w;
	struct path *p = b->path;

	if (b->result != STORE_OK) {
		batch_finish(b);
		return;
	}
	batch_offer_references(b);
	b->fault = !batch_judge(b) || !batch_log(b);
	/* Not before they were judged: two sizes may share a slot. */
	for (size_t i = 0; i < b->seen_n; i++)
		seen_remember(p, b->seen[i].size, &b->seen[i].root);
	bool nothing = !b->fault && b->rows.entries_n == 0 && b->rows.manifests_n == 0 && !refuses_any(b);
	if (b->fault || nothing) {
		b->commit.checkpoint = (struct span){0};
		b->result = b->fault ? STORE_UNAVAILABLE : STORE_OK;
		batch_finish(b);
		return;
	}
	b->hold = p->cosign != NULL && cosign_waits(p->cosign);
	b->work = (struct work){.run = database_run, .done = database_done};
	p->ports.writer.submit(p->ports.writer.self, &b->work);
}

static bool judge(struct batch *b, struct request *r)
{
	if (r->stage != REQUEST_UNKNOWN_KEY)
		return judge_member(b->judgement, &r->event, r->bytes, &r->verdict);
	r->verdict = (struct verdict){.refused = REFUSAL_SIGNATURE, .problems = {.arena = b->arena}};
	problem_add(&r->verdict.problems, PATH(KEY_UNKNOWN), r->hello ? "hello" : "signatures", "", "");
	return true;
}

bool batch_judge(struct batch *b)
{
	struct path *p = b->path;
	const struct judge_ports ports = {.self = b, .sign = sign_own, .seen = batch_seen};

	b->judgement =
	    judge_begin(b->arena, p->registry, &b->loaded, p->head.size, p->head.accepted_at, b->now, &ports);
	if (b->judgement == NULL)
		return false;
	if (p->recompute)
		judge_clocks_changed(b->judgement);
	for (size_t i = 0; i < b->members_n; i++)
		if (!judge(b, b->members[i]))
			return false;
	for (size_t i = 0; i < b->due_n; i++)
		if (!judge_sweep_manifest(b->judgement, b->due[i]))
			return false;
	for (size_t i = 0; i < b->open_n; i++)
		if (!judge_recompute(b->judgement, b->open[i]))
			return false;
	if (b->sweep && !judge_sweep_keys(b->judgement))
		return false;
	judge_rows(b->judgement, &b->rows);
	return true;
}

static bool encode_entries(struct batch *b)
{
	struct buffer bytes = BUFFER_EMPTY;
	bool good = true;

	for (size_t i = 0; i < b->rows.entries_n && good; i++) {
		const struct entry_row *row = &b->rows.entries[i];
		const struct log_entry entry = {.envelope = row->envelope, .accepted_at = row->accepted_at};
		buffer_clear(&bytes);
		good = log_entry_encode(&entry, &bytes);
		if (good)
			b->entries[i] = arena_copy(b->arena, buffer_span(&bytes));
		good = good && b->entries[i].p != NULL;
		if (good)
			b->leaves[i] = merkle_leaf(b->entries[i]);
	}
	buffer_free(&bytes);
	return good;
}

static bool copy_tiles(struct batch *b, struct commit *c)
{
	struct tile_row *tiles = arena_array(b->arena, b->append->tiles_n, sizeof(*tiles));

	if (tiles == NULL)
		return false;
	for (size_t i = 0; i < b->append->tiles_n; i++) {
		const struct tree_tile *t = &b->append->tiles[i];
		tiles[i] = (struct tile_row){.level = (uint8_t)t->level,
					     .n = t->n,
					     .hashes = t->hashes,
					     .root = merkle_root(t->hashes, TILE_WIDTH)};
	}
	c->tiles = tiles;
	c->tiles_n = b->append->tiles_n;
	return true;
}

bool batch_log(struct batch *b)
{
	struct path *p = b->path;
	size_t n = b->rows.entries_n;

	if (p->head.size == 0 && registry_genesis(p->registry) != NULL)
		origin_set(p);
	b->entries = arena_array(b->arena, n, sizeof(b->entries[0]));
	b->leaves = arena_array(b->arena, n, sizeof(b->leaves[0]));
	if (b->entries == NULL || b->leaves == NULL || !encode_entries(b))
		return false;
	b->append = tree_append(b->arena, p->tree, b->leaves, n);
	if (b->append == NULL)
		return false;
	b->commit = (struct commit){
	    .from = p->head,
	    .to = {.size = b->append->size,
		   .root = b->append->root,
		   .accepted_at = n == 0 ? p->head.accepted_at : b->rows.entries[n - 1].accepted_at,
		   .epoch = p->head.epoch},
	    .rows = &b->rows,
	    .entries = b->entries,
	    .leaves = b->leaves,
	    .registry = p->registry,
	};
	if (p->checkpoint.n > 0 && p->checkpoint_stored < p->head.size) {
		/* A copy: cosignatures may be added to it meanwhile. */
		b->commit.checkpoint = arena_copy(b->arena, buffer_span(&p->checkpoint));
		if (b->commit.checkpoint.p == NULL)
			return false;
		b->commit.checkpoint_size = p->head.size;
	}
	return copy_tiles(b, &b->commit);
}

static bool batch_wanted(const struct path *p)
{
	return p->batch == NULL && p->state == PATH_WRITING && !p->cosigned.storing &&
	       (p->cosign == NULL || !cosign_challenged(p->cosign));
}

void stage_batch(struct path *p)
{
	if (p->batch == NULL && cosigned_due(p))
		cosigned_store(p);
	if (!batch_wanted(p))
		return;
	struct batch *b = batch_new(p, p->batch_limit);
	if (b == NULL)
		return;
	collect(p, b, p->batch_limit);
	b->now = path_now(p);
	b->launched_at = b->now;
	bool chores = !p->draining && p->head.size > 0 && b->now >= p->chores_at;
	b->sweep = chores && b->now >= p->next_sweep;
	b->recompute = chores && p->recompute;
	bool good = batch_needs(b);
	gate_check(p);
	if (b->members_n == 0 && !b->sweep && !b->recompute) {
		batch_clear(b);
		p->spare_batch = b;
		return;
	}
	p->batch = b;
	if (!good) {
		b->fault = true;
		b->result = STORE_UNAVAILABLE;
		batch_finish(b);
		return;
	}
	b->work = (struct work){.run = load_run, .done = load_done};
	p->ports.writer.submit(p->ports.writer.self, &b->work);
}
