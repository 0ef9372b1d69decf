/*
 * Recovery: what the server knows is read from what is stored, at its start and after anything went wrong, by
 * the same code. The registry is made again from its entries, the tree from its right edge; before anything
 * is signed again, recovery_check.c holds the log against what was once vouched for.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "path/recovery_check.h"

enum { RECOVERY_MEMORY = 64 * 1024 * 1024 };
static const micros retry_least = 100000;
static const micros retry_most = 5 * MICROS_PER_SECOND;
static const micros standby_retry = 2 * MICROS_PER_SECOND;

void recovery_free(struct recovery *r)
{
	arena_free(r->arena);
	arena_free(r->scratch);
	registry_free(r->registry);
	registry_leaves_free(&r->leaves);
	tree_free(r->tree);
	free(r);
}

/* ---- on the writer lane ---- */

static bool take_reference(void *self, enum reference_kind kind, struct span edition, struct span file)
{
	struct recovery *r = self;
	struct reference_error error;

	if (registry_offer_reference(r->registry, kind, edition, file, &error))
		return true;
	r->unreadable = true;
	(void)snprintf(r->reason, sizeof(r->reason),
		       "load the reference file of edition %.*s again. Stored is a faulty one, line %u: %s",
		       SPAN_ARG(edition), error.line, error.text);
	return false;
}

static bool take_entry(void *self, uint64_t index, struct span bytes)
{
	struct recovery *r = self;
	struct log_entry entry;
	struct envelope envelope;
	struct event event;

	arena_reset(r->scratch);
	struct problems problems = {.arena = r->scratch};
	if (!log_entry_decode(bytes, &entry) ||
	    !envelope_decode(entry.envelope, EVENT_PAYLOAD_TYPE, r->scratch, &problems, &envelope) ||
	    !envelope_event(&envelope, r->scratch, &problems, &event)) {
		r->unreadable = true;
		(void)snprintf(
		    r->reason, sizeof(r->reason),
		    "entry %llu cannot be read: restore the database, or run the version that wrote it",
		    (unsigned long long)index);
		return false;
	}
	if (event.kind == EVENT_REFERENCE_LOADED &&
	    !registry_reference_offered(r->registry, &event.reference_loaded)) {
		r->unreadable = true;
		(void)snprintf(r->reason, sizeof(r->reason),
			       "entry %llu put the reference file of edition %.*s to use, and what is stored "
			       "under that name is another file: restore the database",
			       (unsigned long long)index, SPAN_ARG(event.reference_loaded.edition));
		return false;
	}
	return registry_leaves_add(&r->leaves, index, bytes) &&
	       registry_apply(r->registry, &event, index, entry.accepted_at);
}

static bool take_numbers(void *self, key_no no, uint64_t first, uint64_t last, micros since)
{
	struct recovery *r = self;
	struct key_record *key = registry_key_no(r->registry, no);

	if (key == NULL) {
		r->unreadable = true;
		(void)snprintf(r->reason, sizeof(r->reason),
			       "running numbers of key %u, which is not enrolled: restore the database", no);
		return false;
	}
	for (uint64_t number = first; number <= last && number != 0; number++)
		registry_number_used(r->registry, key, number, since);
	return true;
}

static bool take_hashes(void *self, uint8_t level, uint64_t first, const struct digest *hashes, size_t n)
{
	struct recovery *r = self;

	(void)first;
	if (level >= TILE_LEVELS || n >= TILE_WIDTH)
		return false;
	r->hashes[level] = arena_array(r->arena, n + 1, sizeof(struct digest));
	if (r->hashes[level] == NULL)
		return false;
	if (n > 0)
		memcpy(r->hashes[level], hashes, n * sizeof(*hashes));
	r->hashes_n[level] = n;
	return true;
}

static bool take_cosigned(void *self, struct span note)
{
	struct recovery *r = self;

	r->cosigned = arena_copy(r->arena, note);
	return r->cosigned.p != NULL;
}

static void recovery_run(struct work *w, void *thread)
{
	struct recovery *r = (struct recovery *)w;
	const struct recovery_sink sink = {.self = r,
					   .reference = take_reference,
					   .entry = take_entry,
					   .numbers = take_numbers,
					   .cosigned = take_cosigned,
					   .hashes = take_hashes,
					   .known = r->known.size > 0 ? &r->known : NULL};

	r->result = r->path->ports.store.recover(thread, &sink, &r->head, &r->checkpoint, r->arena);
	if (r->unreadable)
		r->result = STORE_CORRUPT;
	r->nothing_new = r->result == STORE_DEPOSED && log_head_eq(&r->known, &r->head);
	if (!r->nothing_new && (r->result == STORE_OK || r->result == STORE_DEPOSED))
		recovery_check(r, thread);
	if (r->result != STORE_OK && r->reason[0] == '\0')
		(void)snprintf(r->reason, sizeof(r->reason), "%s", r->path->ports.store.error(thread));
}

/* ---- on the main thread ---- */

static void origin_take(struct path *p, const struct registry *registry)
{
	const struct genesis *genesis = registry == NULL ? NULL : registry_genesis(registry);
	struct span origin = genesis == NULL ? span_str(p->config.origin) : genesis->origin;

	(void)snprintf(p->origin, sizeof(p->origin), "%.*s", SPAN_ARG(origin));
}

void origin_set(struct path *p)
{
	origin_take(p, p->registry);
}

bool keyring_publish(struct path *p)
{
	size_t n = registry_keys(p->registry);
	struct public_key *keys = calloc(n + 1, sizeof(*keys));

	if (keys == NULL)
		return false;
	for (size_t i = 0; i < n; i++)
		keys[i] = registry_key_no(p->registry, (key_no)(i + 1))->key;
	struct keyring *ring = keyring_new(keys, n);
	free(keys);
	if (ring == NULL)
		return false;
	keyring_release(p->keyring);
	p->keyring = ring;
	p->keyring_version = n + 1; /* no key is ever taken away: as many are the same */
	return true;
}

/* It was checked, and is within the log. */
static void adopt_cosigned(struct path *p, const struct recovery *r)
{
	struct span text;
	struct span lines;
	struct checkpoint c;

	if (r->cosigned.n == 0 || !note_split(r->cosigned, &text, &lines) ||
	    !checkpoint_parse_text(text, &c) || c.size <= p->cosigned.size)
		return;
	p->cosigned.size = 0;
	buffer_clear(&p->cosigned.note);
	buffer_put_span(&p->cosigned.note, r->cosigned);
	if (buffer_ok(&p->cosigned.note))
		p->cosigned.size = p->cosigned.stored = c.size;
}

static void adopt(struct path *p, struct recovery *r)
{
	registry_free(p->registry);
	p->registry = r->registry;
	r->registry = NULL;
	tree_free(p->tree);
	p->tree = r->tree;
	r->tree = NULL;
	p->head = r->head;
	memset(p->seen, 0, sizeof(p->seen));
	tiles_forget(&p->kept);
	buffer_clear(&p->checkpoint);
	origin_set(p);
	if (registry_genesis(p->registry) == NULL)
		return;
	if (!checkpoint_make(p, &p->head, &p->checkpoint))
		buffer_clear(&p->checkpoint);
	seen_remember(p, p->head.size, &p->head.root);
	adopt_cosigned(p, r);
	if (p->cosign != NULL)
		cosign_publish(p->cosign);
}

static void try_again(struct path *p, micros wait, enum path_state state)
{
	p->state = state;
	p->retry_at = path_now(p) + wait;
}

/* Says so when it is the first in a row. Returns how long to wait before the next try. */
static micros failure_counted(struct path *p, const char *why)
{
	micros wait = retry_least << (p->failures < 6 ? p->failures : 6);

	if (p->failures++ == 0)
		path_notice(p, NOTICE_WARNING, "not writing; trying again", "%s", why);
	return wait < retry_most ? wait : retry_most;
}

void recovery_begin_later(struct path *p, const char *why)
{
	micros wait = failure_counted(p, why);

	if (p->failures == 1)
		recovery_begin(p);
	else
		try_again(p, wait, PATH_RECOVERING);
}

static enum path_state writing_or_not(struct path *p)
{
	if (p->cosign == NULL || p->head.size == 0 || !cosign_required(p->cosign) ||
	    cosign_current(p->cosign))
		return PATH_WRITING;
	path_notice(p, NOTICE_ERROR, "witnesses",
		    "nothing is acknowledged until enough of them cosign size %llu",
		    (unsigned long long)p->head.size);
	return PATH_WITNESSES;
}

static void finish(struct recovery *r)
{
	struct path *p = r->path;
	bool standby = r->result == STORE_DEPOSED;

	p->recovering = false;
	if (r->result == STORE_CORRUPT) {
		path_stop(p, "%s", r->reason);
	} else if (r->nothing_new) {
		try_again(p, standby_retry, PATH_STANDBY);
	} else if (r->result == STORE_OK || standby) {
		adopt(p, r);
		if (p->cosign != NULL)
			cosign_claims_hold(p->cosign);
		if (!keyring_publish(p))
			try_again(p, retry_least, PATH_RECOVERING);
		else if (standby)
			try_again(p, standby_retry, PATH_STANDBY);
		else
			p->state = writing_or_not(p);
		if (r->unwatched)
			path_notice(
			    p, NOTICE_WARNING, "the high-water file is new",
			    "nothing on this machine knew how long the log was: compare size %llu with a "
			    "checkpoint that a client, a mirror or a witness kept",
			    (unsigned long long)p->head.size);
		/* Whatever was being computed again is begun anew: it changes only what differs. */
		p->recompute = (p->state == PATH_WRITING || p->state == PATH_WITNESSES) && p->head.size > 0;
		p->recompute_after = 0;
		if (p->state == PATH_WRITING)
			path_notice(p, NOTICE_INFO, "writing", "log %s, size %llu, epoch %llu", p->origin,
				    (unsigned long long)p->head.size, (unsigned long long)p->head.epoch);
	} else {
		try_again(p, failure_counted(p, r->reason), PATH_RECOVERING);
	}
	recovery_free(r);
	stage_batch(p);
}

/*
 * Whoever has just taken the lease asks the witnesses before it writes: what they have cosigned must be in
 * the log, or the first new entry would begin a second history.
 */
static bool ask_witnesses(struct recovery *r)
{
	struct path *p = r->path;
	struct buffer note = BUFFER_EMPTY;

	if (p->cosign == NULL || r->result != STORE_OK || r->head.size == 0 ||
	    p->asked_epoch == r->head.epoch)
		return false;
	origin_take(p, r->registry);
	if (!checkpoint_make(p, &r->head, &note)) {
		buffer_free(&note);
		return false;
	}
	p->asked_epoch = r->head.epoch;
	cosign_ask_all(p->cosign, &r->head, buffer_span(&note), r);
	buffer_free(&note);
	return true;
}

void recovery_resume(struct recovery *r)
{
	struct path *p = r->path;

	if (p->cosign == NULL || !cosign_challenged(p->cosign)) {
		finish(r);
		return;
	}
	/* Once more, to hold what was claimed against what is stored. */
	p->recovering = false;
	recovery_free(r);
	recovery_begin(p);
}

static void recovery_done(struct work *w)
{
	struct recovery *r = (struct recovery *)w;

	if (!ask_witnesses(r))
		finish(r);
}

void recovery_begin(struct path *p)
{
	if (p->recovering || p->state == PATH_STOPPED)
		return;
	struct recovery *r = calloc(1, sizeof(*r));
	if (p->state != PATH_STANDBY)
		p->state = PATH_RECOVERING;
	if (r == NULL) {
		try_again(p, MICROS_PER_SECOND, p->state);
		return;
	}
	r->arena = arena_new(RECOVERY_MEMORY);
	r->scratch = arena_new(4 * REQUEST_MEMORY);
	r->registry = registry_new();
	if (r->arena == NULL || r->scratch == NULL || r->registry == NULL) {
		recovery_free(r);
		try_again(p, MICROS_PER_SECOND, p->state);
		return;
	}
	r->work = (struct work){.run = recovery_run, .done = recovery_done};
	r->path = p;
	if (p->cosign != NULL)
		r->claims_n = cosign_claims(p->cosign, r->claims);
	if (p->state == PATH_STANDBY)
		r->known = p->head;
	p->recovering = true;
	p->counters.recoveries++;
	p->ports.writer.submit(p->ports.writer.self, &r->work);
}

void path_stop(struct path *p, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(p->reason, sizeof(p->reason), fmt, args);
	va_end(args);
	p->state = PATH_STOPPED;
	path_notice(p, NOTICE_ERROR, "stopped", "%s", p->reason);
}
