/* What replay.c (groups, members, commits) and replay_own.c (the server's own events) share. */
#ifndef REPLAY_INTERNAL_H
#define REPLAY_INTERNAL_H

#include "core/tree.h"
#include "replay/replay.h"

enum { OWN_MAX = 64, GROUP_MAX = 512, ROOTS = 4096, PENDING_MAX = TILE_WIDTH };

struct known_root {
	uint64_t size;
	struct digest root;
};

struct replay {
	struct replay_ports ports;
	struct replay_options options;
	struct registry *registry;
	struct tree *tree;
	bool tree_broken;
	struct log_head head;
	struct digest pending[PENDING_MAX]; /* leaves that are not in the tree yet */
	size_t pending_n;
	struct known_root roots[ROOTS];
	size_t keys; /* that ports.keys was told of */
	size_t findings;

	/* One group. */
	struct arena *arena;
	struct buffer payload;
	struct judgement *judgement;
	struct loaded loaded;
	const struct replay_item *items[GROUP_MAX + OWN_MAX];
	size_t n;
	size_t cursor; /* the first item that is not accounted for */
	bool missing;  /* judging wanted an event that the log does not have, from index missing_at on */
	uint64_t missing_at;
	bool cut; /* the judgement cannot go on past the cursor */
	const struct replay_item *ahead;
	enum store_result result;
};

bool replay_is_own(const struct event *e);
void replay_finding(struct replay *r, const char *what, const char *table, uint64_t entry, uint64_t number,
		    const char *en, const char *zh, const char *detail);
/* The `sign` port of judging. */
bool replay_sign(void *self, struct event *e, struct span *ret_envelope);
/* Judges what must have made an event of the server's own that no member did. False: no memory. */
bool replay_explain(struct replay *r, const struct replay_item *item) MUST_CHECK;

#endif
