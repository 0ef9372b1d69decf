/* What cosign.c and cosign_round.c share; nobody else includes this. */
#ifndef PATH_COSIGN_ROUND_H
#define PATH_COSIGN_ROUND_H

#include "path/internal.h"

enum { DETAIL_SIZE = 10240 };

struct witness {
	struct span name;
	const struct policy_key *key;
	uint64_t last;     /* the size it cosigned last, as far as is known */
	bool busy;         /* a request is under way, ... */
	uint64_t asked;    /* ... for this size; 0: from before the lease */
	micros asked_at;   /* and when */
	bool unheard;      /* it has neither answered nor failed since the lease was taken */
	unsigned tries;    /* in a row, that were neither a cosignature nor a failure */
	unsigned failures; /* in a row */
	micros retry_at;   /* nothing is asked before */
	char error[WITNESS_ERROR_SIZE];
	uint64_t line_size; /* what it cosigned, if that is the round's */
	struct buffer line;
	struct claim claim; /* size 0: none */
	bool claim_holds;   /* it is of our history after all */
};

struct cosign {
	struct path *path;
	struct buffer text; /* of the policy */
	struct policy policy;
	struct path_witnesses settings;
	struct witness witnesses[POLICY_WITNESSES_MAX];
	struct {
		uint64_t size; /* 0: none yet */
		micros begun_at;
		struct buffer note; /* signed by the log alone */
		struct buffer cosigned;
		struct policy_facts facts;
	} round;
	struct batch *held;
	micros held_at;
	bool told;    /* its members were, that the quorum cannot be had */
	bool missing; /* said so */
	struct recovery *recovery;
	bool challenged;
	bool retired;
	size_t calls; /* under way */
	char detail[DETAIL_SIZE];
};

/* Has it cosigned the round's checkpoint, or may it still, in time? Who is still at an older round may, if it
 * was asked a moment ago. */
bool may_cosign(const struct cosign *c, const struct witness *w) MUST_CHECK;
/* Was its last request not in vain? */
bool cosigns(const struct cosign *c, const struct witness *w) MUST_CHECK;
/* Is there a quorum among those for whom it is so? */
bool quorum_of(const struct cosign *c,
	       bool (*is)(const struct cosign *c, const struct witness *w)) MUST_CHECK;

/* The round that all are asked in from now on, as they come free. */
void round_begin(struct cosign *c, uint64_t size, struct span note);
/* Whoever is free has been asked, and has answered; who is still at an older round is not waited for. */
bool round_is_over(const struct cosign *c) MUST_CHECK;
void ask_those_ready(struct cosign *c);
/* A copy, if there is memory for it. False: what was there stays, which is as true of its own size. */
bool note_replace(struct buffer *to, const struct buffer *from);
/* cosign.c: something came, or time passed: goes on with what waits for it. */
void cosign_advance(struct cosign *c);

#endif
