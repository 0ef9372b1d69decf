/*
 * The entries of a log on their way to be judged: one thread reads them, a thread for each processor decodes
 * them and verifies what is signed, and whoever judges takes them in order. What it holds is bounded.
 */
#ifndef MANIFEST_FEED_H
#define MANIFEST_FEED_H

#include "core/checkpoint.h"
#include "replay/replay.h"

struct feed;

/* One entry as it is stored, borrowed until the next call. */
struct feed_row {
	uint64_t index;
	struct span entry;
	bool stored; /* these come with it, out of the database's columns: */
	micros accepted_at;
	uint64_t number;
	int64_t kind;
	struct span leaf;
	struct span note; /* the signed checkpoint of the size that ends with it; n 0: none */
};

struct feed_source {
	void *self;
	/* On the reading thread. False: it failed, and the source knows why. */
	bool (*row)(void *self, struct feed_row *ret_row, bool *ret_end);
};

struct feed_item {
	struct replay_item item; /* first */
	struct feed_row row;     /* its spans are the feed's */
	struct digest computed;  /* the leaf of its bytes */
	unsigned bad;            /* a bit for each signature that does not hold */
	unsigned unknown;        /* and for each by a key that was not known yet */
	enum log_failure note;   /* of row.note */
	struct checkpoint checkpoint;
};

struct feed_options {
	unsigned threads;
	const struct note_key *log_key; /* of the checkpoints; NULL: they are not looked at */
};

/* As many as are wanted; 0: one for each processor. */
unsigned feed_threads(unsigned wanted);

/* Starts the threads. NULL: no memory. The source is borrowed. */
struct feed *feed_new(const struct feed_options *options, const struct feed_source *source) MUST_CHECK;
void feed_free(struct feed *f);

/* Waits for the next one. NULL: no more, or it failed. Lives until feed_done(). */
const struct feed_item *feed_next(struct feed *f);
/* Gives back what is below the index; `each` sees every one of them before. */
void feed_done(struct feed *f, uint64_t index, void (*each)(void *self, const struct feed_item *item),
	       void *self);
/* Keys were added. */
void feed_keys(struct feed *f, const struct registry *r);
/* Does the i-th signature hold under the key? For keys that were not known yet. */
bool feed_signature_holds(const struct feed_item *item, size_t i, const struct public_key *key) MUST_CHECK;
bool feed_failed(struct feed *f) MUST_CHECK;
uint64_t feed_signatures(struct feed *f);

#endif
