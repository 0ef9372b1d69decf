/*
 * Owns the checks of recovery: the log is this server's, its tree and registry are those of its head, and it
 * contains whatever was once vouched for: the stored checkpoints, the high-water file, what witnesses claim.
 */
#include "path/recovery_check.h"

#include <stdarg.h>
#include <stdio.h>

/* The last resort last: a log under a new name is a day's work for everybody. */
#define WENT_BACKWARDS                                                                                       \
	"Restore the database as it was last, or make it again from a copy of the log (manifest log "        \
	"rebuild); only if neither reaches so far, begin a new log that names this one (manifest log "       \
	"continue-as)"

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
		return corrupt(r,
			       "%s has size %llu, the database only %llu: it went backwards. " WENT_BACKWARDS,
			       what, (unsigned long long)size, (unsigned long long)r->head.size);
	if (size > 0 && size < r->head.size) {
		enum store_result read = tree_root_at(&r->path->ports.store, thread, size, &ours);
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
				       "only has %llu: it went backwards. " WENT_BACKWARDS
				       "; or, if it is the witness that errs, take it out of witness.policy",
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

void recovery_check(struct recovery *r, void *thread)
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
