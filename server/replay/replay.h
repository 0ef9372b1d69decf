/*
 * Replay: the entries of a log are judged again, in order, by the same code that judged them when they were
 * accepted (core/judge.h), and whatever the log has otherwise is a finding. Events of the server's own are
 * not made again: each must be the one that judging wants at this place. What follows from the entries goes
 * to a sink, as it does in the server: into tables that are compared with those of a database, or into a
 * database.
 *
 * Signatures are the caller's to verify: it has the threads. Pure.
 */
#ifndef REPLAY_REPLAY_H
#define REPLAY_REPLAY_H

#include "ports.h"
#include "replay/finding.h"
#include "wire/envelope.h"

struct replay;

/* One entry of the log, decoded; all that it points to lives until done() says so. */
struct replay_item {
	uint64_t index;
	struct span bytes;
	struct digest leaf;
	bool readable;    /* what follows is set */
	bool root_wanted; /* the root of the size that ends with it will be asked for: see replay_root() */
	struct log_entry entry;
	struct envelope envelope;
	struct event event;
};

struct replay_ports {
	void *self;
	/* The next entry; NULL: there is no more. */
	const struct replay_item *(*next)(void *self);
	/* Entries below `index` are not looked at again. */
	void (*done)(void *self, uint64_t index);
	/* As in struct store_port: from what commit() was given so far. */
	enum store_result (*load)(void *self, const struct needs *needs, struct arena *arena,
				  struct loaded *ret_loaded);
	enum store_result (*commit)(void *self, const struct commit *commit);
	/* Hashes [first, first + n) of a level, of tiles that commit() was given. False: they are not there.
	 */
	bool (*hashes)(void *self, unsigned level, uint64_t first, size_t n, struct digest *ret_hashes);
	/* n 0: there is no such file. */
	enum store_result (*reference)(void *self, enum reference_kind kind, struct span edition,
				       struct arena *arena, struct span *ret_file);
	/* The refused envelope that the flag of a fork names by its hash; n 0: it is not kept. NULL: none is.
	 */
	enum store_result (*evidence)(void *self, const struct replay_item *flag, struct arena *arena,
				      struct span *ret_envelope);
	void (*finding)(void *self, const struct finding *finding);
	/* Public keys were added. NULL: nobody asks. */
	void (*keys)(void *self, const struct registry *r);
};

struct replay_options {
	size_t group;      /* members that are judged together; 1: what is wrong with one touches no other */
	bool whole_commit; /* every commit has its root; else only those that are wanted */
	bool strict;       /* the first finding ends it */
};

/* NULL: no memory. */
struct replay *replay_new(const struct replay_options *options, const struct replay_ports *ports) MUST_CHECK;
void replay_free(struct replay *r);

/* Until there is no more. STORE_CORRUPT: strict, and there was a finding. STORE_UNAVAILABLE: no memory. */
enum store_result replay_run(struct replay *r) MUST_CHECK;

/* What it came to. */
const struct registry *replay_registry(const struct replay *r);
const struct log_head *replay_head(const struct replay *r);
/* False after a gap: hashes say nothing any more. */
bool replay_tree_whole(const struct replay *r);
/* The root at a size so far: one that was wanted, or computed. False: not known. */
bool replay_root(struct replay *r, uint64_t size, struct digest *ret_root) MUST_CHECK;
/* Keys whose missing numbers should have been flagged at `now`. */
void replay_missing_keys(struct replay *r, micros now);

#endif
