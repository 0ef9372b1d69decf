/*
 * Recovery: what the server knows is read from what is stored, at its start and after anything went wrong, by
 * the same code. The registry is made again from its entries; the tree from its right edge; and the log is
 * held against the signed checkpoint and the high-water file before anything is signed again.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "path/internal.h"
#include "path/registry_proof.h"

enum { RECOVERY_MEMORY = 64 * 1024 * 1024 };
static const micros retry_least = 100000;
static const micros retry_most = 5 * MICROS_PER_SECOND;
static const micros standby_retry = 2 * MICROS_PER_SECOND;

struct recovery {
	struct work work;
	struct path *path;
	struct arena *arena;   /* of the whole recovery */
	struct arena *scratch; /* of one entry */
	struct registry *registry;
	struct registry_leaves leaves;
	struct tree *tree;
	struct log_head known; /* of what is in memory, when another server writes; size 0: of nothing */
	struct log_head head;
	struct span checkpoint;
	struct span cosigned;
	struct claim claims[POLICY_WITNESSES_MAX];
	size_t claims_n;
	struct digest *hashes[TILE_LEVELS];
	size_t hashes_n[TILE_LEVELS];
	enum store_result result;
	bool nothing_new; /* another server writes, and the log is what it was */
	bool unreadable;  /* an entry could not be read */
	bool unwatched;   /* there was no high-water mark */
	char reason[ERROR_SIZE];
};

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

static bool corrupt(struct recovery *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
static bool corrupt(struct recovery *r, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(r->reason, sizeof(r->reason), fmt, args);
	va_end(args);
	r->result = STORE_CORRUPT;
	return false;
}

static bool restore_tree(struct recovery *r)
{
	struct tree_need needs[TILE_LEVELS];
	const struct digest *hashes[TILE_LEVELS];

	tree_needs(r->head.size, needs);
	for (unsigned l = 0; l < TILE_LEVELS; l++) {
		if (needs[l].count != r->hashes_n[l])
			return corrupt(
			    r,
			    "level %u of the tree has %zu of %u hashes at its right edge: restore the "
			    "database",
			    l, r->hashes_n[l], needs[l].count);
		hashes[l] = r->hashes[l];
	}
	r->tree = tree_restore(r->head.size, hashes);
	if (r->tree == NULL) {
		r->result = STORE_UNAVAILABLE;
		return false;
	}
	struct digest root = tree_root(r->tree);
	if (r->head.size > 0 && !digest_eq(&root, &r->head.root))
		return corrupt(r,
			       "the root of the stored tree is not the root of the log's head (size %llu): "
			       "restore the database",
			       (unsigned long long)r->head.size);
	return true;
}

/* The log must contain what was once vouched for: (size, root) of a signed checkpoint or of the high-water
 * file. */
static bool contains(struct recovery *r, void *thread, uint64_t size, const struct digest *root,
		     const char *what)
{
	struct digest ours = r->head.root;

	if (size > r->head.size)
		return corrupt(
		    r,
		    "%s has size %llu, the database only %llu: it went backwards. Restore the database "
		    "as it was last, or begin a new log that names the old one (manifest log continue-as)",
		    what, (unsigned long long)size, (unsigned long long)r->head.size);
	if (size > 0 && size < r->head.size) {
		enum store_result read = tree_root_at(&r->path->ports.store, thread, size, r->arena, &ours);
		if (read != STORE_OK) {
			r->result = read;
			return false;
		}
	}
	if (size > 0 && !digest_eq(&ours, root))
		return corrupt(
		    r,
		    "%s has another root at size %llu: history was changed. Keep both, and restore "
		    "the database from before the change",
		    what, (unsigned long long)size);
	return true;
}

static bool check_note(struct recovery *r, void *thread, struct span note, const char *what)
{
	const struct genesis *genesis = registry_genesis(r->registry);
	struct checkpoint c;
	struct note_key key;

	if (note.n == 0)
		return true;
	if (genesis == NULL || !note_key_make(genesis->origin, NOTE_ED25519, &genesis->log_key, &key))
		return corrupt(r, "there is a checkpoint, and no genesis: restore the database");
	enum log_failure failure = checkpoint_open(note, genesis->origin, &key, &c);
	if (failure != LOG_HOLDS)
		return corrupt(r, "%s: %s Restore the database, or the log's key file", what,
			       log_failure_text(failure)->en);
	return contains(r, thread, c.size, &c.root, what);
}

/* What witnesses have cosigned, or say they have. */
static bool check_claims(struct recovery *r, void *thread)
{
	char what[128];

	for (size_t i = 0; i < r->claims_n; i++) {
		const struct claim *claim = &r->claims[i];
		(void)snprintf(what, sizeof(what), "what the witness %s has cosigned", claim->who);
		if (claim->proven && !contains(r, thread, claim->size, &claim->root, what))
			return false;
		if (!claim->proven && claim->size > r->head.size)
			return corrupt(r,
				       "the witness %s says that it cosigned size %llu, and the database "
				       "only has %llu: it went "
				       "backwards. Restore the database as it was last, or begin a new log "
				       "that names the old one "
				       "(manifest log continue-as); or, if it is the witness that errs, take "
				       "it out of witness.policy",
				       claim->who, (unsigned long long)claim->size,
				       (unsigned long long)r->head.size);
	}
	return true;
}

static bool check_identity(struct recovery *r)
{
	const struct path *p = r->path;
	const struct genesis *genesis = registry_genesis(r->registry);
	struct public_key server = key_public(&p->config.server_key);

	if (genesis == NULL)
		return r->head.size == 0 ||
		       corrupt(r, "the log does not begin with a genesis: restore the database");
	if (p->config.origin[0] != '\0' && !span_eq_str(genesis->origin, p->config.origin))
		return corrupt(
		    r,
		    "the log is %.*s, and the configuration says %s: connect to that log's database, "
		    "or correct the configuration",
		    SPAN_ARG(genesis->origin), p->config.origin);
	if (memcmp(genesis->log_key.b, p->log_public.b, PUBLIC_KEY_SIZE) != 0 ||
	    memcmp(genesis->server_key.b, server.b, PUBLIC_KEY_SIZE) != 0)
		return corrupt(
		    r, "the key files are not those of this log's genesis: put its key files in place");
	return true;
}

static bool check_clock(struct recovery *r)
{
	micros skew = registry_settings(r->registry)->clock_skew;
	micros now = path_now(r->path);

	if (r->head.accepted_at <= now + skew)
		return true;
	return corrupt(
	    r, "the last entry is %lld s ahead of this machine's clock: set the clock, then start again",
	    (long long)((r->head.accepted_at - now) / MICROS_PER_SECOND));
}

static bool check_registry(struct recovery *r, void *thread)
{
	char reason[ERROR_SIZE];
	enum store_result result = registry_leaves_check(&r->leaves, &r->path->ports.store, thread, &r->head,
							 reason, sizeof(reason));

	if (result == STORE_CORRUPT && reason[0] != '\0')
		return corrupt(r, "%s", reason);
	if (result != STORE_OK)
		r->result = result;
	return result == STORE_OK;
}

static void check(struct recovery *r, void *thread)
{
	const struct store_port *store = &r->path->ports.store;
	struct log_head high = {0};

	if (!check_identity(r) || !check_clock(r) || !restore_tree(r) || !check_registry(r, thread) ||
	    !check_note(r, thread, r->checkpoint, "the stored checkpoint") ||
	    !check_note(r, thread, r->cosigned, "the last cosigned checkpoint") || !check_claims(r, thread))
		return;
	enum store_result read = store->high_water_read(thread, &high);
	if (read != STORE_OK) {
		(void)corrupt(r, "%s", store->error(thread));
		return;
	}
	if (!contains(r, thread, high.size, &high.root, "the high-water file"))
		return;
	r->unwatched = high.size == 0 && r->head.size > 0;
	/* Also without the lease: what is vouched for now must not be forgotten when it comes. */
	if (r->head.size > 0 && !store->high_water(thread, &r->head))
		r->result = STORE_UNAVAILABLE;
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
		check(r, thread);
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
	p->keyring_version++;
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
