/*
 * What follows a COMMIT: the checkpoint is signed, every accepted member gets its receipt, the new state
 * becomes the committed one, and inspectors hear of new flags.
 */
#include <stdio.h>

#include "path/internal.h"
#include "path/rules.h"

static bool receipt(struct batch *b, struct request *r, struct buffer *text)
{
	struct digest hashes[MERKLE_PROOF_MAX];
	struct span remarks[ARRAY_LEN(r->verdict.remarks)];
	uint64_t index = r->verdict.index;
	size_t n = tree_prove(b->append, index, hashes);

	buffer_clear(text);
	proof_put(text, index, hashes, n, buffer_span(&b->checkpoint));
	for (size_t i = 0; i < r->verdict.remarks_n; i++)
		remarks[i] = span_str(r->verdict.remarks[i]);
	const struct frame f = {
	    .id = r->id,
	    .last = true,
	    .kind = FRAME_RECEIPT,
	    .receipt = {.entry = b->entries[index - b->rows.first_index],
			.index = index,
			.proof = buffer_span(text),
			.repeated = r->verdict.repeated,
			.remarks = remarks,
			.remarks_n = r->verdict.remarks_n},
	};
	r->frame_at = b->out.n;
	if (!buffer_ok(text) || !frame_encode(&f, &b->out))
		return false;
	r->frame_n = b->out.n - r->frame_at;
	return true;
}

bool checkpoint_make(const struct path *p, const struct log_head *head, struct buffer *to)
{
	const struct checkpoint c = {.origin = span_str(p->origin), .size = head->size, .root = head->root};
	struct note_key key;

	if (!note_key_make(c.origin, NOTE_ED25519, &p->log_public, &key))
		return false;
	checkpoint_sign(to, &c, &key, &p->config.log_key);
	return buffer_ok(to);
}

bool batch_sign(struct batch *b)
{
	return checkpoint_make(b->path, &b->commit.to, &b->checkpoint);
}

void batch_receipts(struct batch *b)
{
	struct buffer text = BUFFER_EMPTY;

	bool good = buffer_ok(&b->checkpoint);

	for (size_t i = 0; i < b->members_n && good; i++) {
		struct request *r = b->members[i];
		/* An event that was accepted in an earlier batch is answered by a read. */
		if (r->verdict.refused == REFUSAL_NONE && r->verdict.index >= b->rows.first_index &&
		    r->stage != REQUEST_DEAD)
			good = receipt(b, r, &text);
	}
	b->unacknowledged = !good;
	if (!good)
		(void)snprintf(b->error, sizeof(b->error), "stored, and not acknowledged: no memory");
	buffer_free(&text);
}

static void push_flag(struct path *p, const struct session *s, const struct flag_row *row)
{
	const struct frame f = {
	    .kind = FRAME_PUSH,
	    .last = true,
	    .push = {.flag = row->flag,
		     .kind = row->raised->kind,
		     .number = row->number,
		     .keyid = row->raised->keyid,
		     .parties = row->raised->parties,
		     .parties_n = row->raised->parties_n,
		     .division = row->division_generator,
		     .raised_at = row->at,
		     .due_at = row->raised->due_at,
		     .detail = row->raised->detail,
		     .provisional = row->raised->provisional,
		     .open = true},
	};

	p->counters.pushes++;
	send_frame(p, s->conn, &f);
}

static void push_to_watcher(void *self, const struct session *s)
{
	const struct batch *b = self;
	struct path *p = b->path;
	const struct key_record *key = registry_key(p->registry, &s->keyid);
	const struct span area = access_division(key);

	if (!access_key_good(key, path_now(p)))
		return;
	for (size_t i = 0; i < b->rows.flags_n; i++) {
		const struct flag_row *row = &b->rows.flags[i];
		if (row->raise &&
		    (s->role != ROLE_INSPECTOR || division_covers(area, row->division_generator) ||
		     division_covers(area, row->division_facility)))
			push_flag(p, s, row);
	}
}

static void push_flags(struct batch *b)
{
	struct path *p = b->path;
	size_t raised = 0;

	for (size_t i = 0; i < b->rows.flags_n; i++)
		if (b->rows.flags[i].raise) {
			p->counters.flags_raised[b->rows.flags[i].raised->kind]++;
			raised++;
		}
	if (raised > 0)
		sessions_each_watching(p->sessions, push_to_watcher, b);
}

/* What was drafted is now what is committed. False: no memory; what is stored must be read again. */
static bool adopt(struct batch *b)
{
	struct path *p = b->path;
	bool keys = false;
	bool restart = false;

	if (b->commit.checkpoint.n > 0)
		p->checkpoint_stored = b->commit.checkpoint_size;
	if (b->rows.entries_n > 0) {
		tree_commit(p->tree, b->append);
		p->head = b->commit.to;
		struct buffer old = p->checkpoint;
		p->checkpoint = b->checkpoint;
		b->checkpoint = old;
		seen_remember(p, p->head.size, &p->head.root);
		if (p->cosign != NULL)
			cosign_publish(p->cosign);
	}
	for (size_t i = 0; i < b->rows.registry_n; i++) {
		const struct event *e = b->rows.registry[i].event;
		keys = keys || enrols_key(e);
		restart = restart || event_changes_clocks(e);
	}
	if (restart) {
		p->recompute = true;
		p->recompute_after = 0;
	} else if (b->recompute) {
		p->recompute = b->open_n == p->config.batch_max;
		p->recompute_after = p->recompute ? b->open[b->open_n - 1] : 0;
	}
	return !keys || keyring_publish(p);
}

static void answer_members(struct batch *b)
{
	struct path *p = b->path;

	for (size_t i = 0; i < b->members_n; i++) {
		struct request *r = b->members[i];
		if (r->stage == REQUEST_DEAD) {
			/* was told meanwhile that the witnesses cannot be reached */
		} else if (r->verdict.refused != REFUSAL_NONE) {
			answer_refusal(p, r, r->verdict.refused, &r->verdict);
		} else if (r->frame_n > 0) {
			if (r->verdict.repeated)
				p->counters.repeated++;
			else
				p->counters.accepted++;
			answer_frame(p, r, span_of(b->out.p + r->frame_at, r->frame_n));
		} else {
			p->counters.repeated++;
			read_repeated(p, r);
			continue;
		}
		request_give_back(p, r);
	}
}

/* A member that the database refuses when it is alone, or that cannot be judged, is the server's fault. */
static void refuse_alone(struct batch *b)
{
	struct path *p = b->path;
	struct request *r = b->members[0];

	path_notice(p, NOTICE_ERROR, "event refused by the database",
		    "a %s event was refused as a fault of the server", event_kind_name(r->event.kind));
	problem_add(&r->problems, PATH(FAULT), "", "", "");
	answer_refusal(p, r, REFUSAL_FAULT, NULL);
	request_give_back(p, r);
	b->members_n = 0;
}

/*
 * What the database refuses for its data, or cannot be judged, is looked for: first without the chores that
 * went along, then in halves.
 */
static void isolate(struct batch *b)
{
	struct path *p = b->path;

	p->counters.batch_splits++;
	if (b->sweep || b->recompute) {
		p->chores_at = b->now + p->config.tuning.sweep_interval;
		if (b->members_n == 0)
			path_notice(p, NOTICE_ERROR, "sweep refused by the database", "%s", b->error);
	} else if (b->members_n == 1) {
		refuse_alone(b);
	} else {
		p->batch_limit = (b->members_n + 1) / 2;
	}
}

static void failed(struct batch *b)
{
	struct path *p = b->path;
	bool data = b->result == STORE_DATA || b->fault;

	if (b->unacknowledged && b->error[0] == '\0')
		(void)snprintf(b->error, sizeof(b->error),
			       "stored, and not acknowledged: no memory for receipts");
	if (data)
		isolate(b);
	for (size_t i = 0; i < b->members_n; i++) {
		b->members[i]->frame_n = 0;
		b->members[i]->verdict = (struct verdict){0};
	}
	queue_unpop(&p->queue, b->members, b->members_n);
	if (b->result == STORE_CORRUPT)
		path_stop(p, "%s: have the database checked before anything is written to it", b->error);
	else if (data)
		recovery_begin(p);
	else
		recovery_begin_later(p, b->error);
}

static void finished(struct batch *b)
{
	struct path *p = b->path;

	p->failures = 0;
	p->counters.batch_members += b->members_n;
	if (p->batch_limit < p->config.batch_max)
		p->batch_limit =
		    2 * p->batch_limit < p->config.batch_max ? 2 * p->batch_limit : p->config.batch_max;
	if (b->sweep) {
		p->counters.sweeps++;
		/* More is waiting when the sweep was full; one that changes nothing would be full again. */
		if (b->due_n < p->config.batch_max || b->rows.manifests_n == 0)
			p->next_sweep = b->now + p->config.tuning.sweep_interval;
	}
	for (size_t i = 0; i < b->rows.entries_n; i++)
		p->counters.server_events += b->rows.entries[i].kind == EVENT_FLAG_RAISED ||
					     b->rows.entries[i].kind == EVENT_FLAG_CLEARED;
	push_flags(b);
	answer_members(b);
}

void batch_finish(struct batch *b)
{
	struct path *p = b->path;
	bool good = b->result == STORE_OK && !b->fault && !b->unacknowledged;

	p->batch = NULL;
	p->counters.batches++;
	p->counters.commit_time += path_now(p) - b->launched_at;
	if (good && adopt(b))
		finished(b);
	else
		failed(b);
	batch_clear(b);
	p->spare_batch = b;
	stage_batch(p);
	gate_check(p);
}

void batch_abandon(struct batch *b, const char *why)
{
	b->unacknowledged = true;
	(void)snprintf(b->error, sizeof(b->error), "stored, and not acknowledged: %s", why);
	batch_finish(b);
}
