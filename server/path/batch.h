/* One batch, of which at most one is in flight, and what is done with it at each stage. Private to path/. */
#ifndef PATH_BATCH_H
#define PATH_BATCH_H

#include "core/tree.h"
#include "path/request.h"

/* What went wrong, for the operator. */
enum { ERROR_SIZE = 480 };

struct batch {
	struct work work;
	struct path *path;
	struct request **members;
	size_t members_n;
	struct needs needs;
	struct loaded loaded;
	bool enrols;         /* a member brings a key: whose key is unknown after it is not judged with it */
	struct span *files;  /* of members that are reference_loaded; NULL: none is */
	bool sweep;          /* look for passed deadlines too */
	const uint64_t *due; /* manifests to sweep */
	size_t due_n;
	bool recompute;       /* compute deadlines again */
	const uint64_t *open; /* manifests to compute again */
	size_t open_n;
	struct checkpoint_ref *seen; /* to be checked against the tree while loading; root becomes ours */
	size_t seen_n;
	micros launched_at;
	micros now;
	enum store_result result;
	bool fault;             /* no memory, or the server could not sign */
	char error[ERROR_SIZE]; /* in the store's words, when result is not STORE_OK */
	struct judgement *judgement;
	struct rows rows;
	struct span *entries;
	struct digest *leaves;
	struct tree_append *append;
	struct commit commit;
	bool hold;           /* its receipts wait for the witnesses */
	bool unacknowledged; /* committed, but the high-water file or a receipt could not be made */
	/* Kept from batch to batch: fresh pages cost more than what is done with them. */
	struct arena *arena;
	struct buffer checkpoint;
	struct buffer out; /* the answers' frames */
};

/* ---- load.c ---- */

/* What the members need, of rows and of sizes that signers have seen. False: no memory. */
bool batch_needs(struct batch *b) MUST_CHECK;
void batch_load(struct batch *b, void *thread); /* writer lane */
/* The reference files that members put to use, to the registry. */
void batch_offer_references(struct batch *b);
/* A judge_ports.seen; `self` is the batch. */
enum seen_answer batch_seen(void *self, const struct checkpoint_ref *seen) MUST_CHECK;

/* ---- batch.c ---- */

/* Does it bring a key that later ones may be signed with? */
bool enrols_key(const struct event *e) MUST_CHECK;
/* False: no memory. */
bool batch_judge(struct batch *b) MUST_CHECK;
bool batch_log(struct batch *b) MUST_CHECK;
/* Goes on with one that was held for the witnesses, to its receipts. */
void batch_release(struct batch *b);
/* Forgets what was in it and keeps its memory for the next one. */
void batch_clear(struct batch *b);
void batch_free(struct batch *b);

/* ---- receipts.c ---- */

bool batch_sign(struct batch *b) MUST_CHECK; /* writer lane, after the COMMIT: its checkpoint */
void batch_receipts(struct batch *b);        /* writer lane, under that checkpoint */
/* Whatever it came to: its members are answered, or wait again, and the next one is begun. */
void batch_finish(struct batch *b);
/* It is committed, and is not to be answered before what is stored was read again. */
void batch_abandon(struct batch *b, const char *why);

#endif
