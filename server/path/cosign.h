/*
 * Cosignatures: committed checkpoints are brought to the witnesses of a policy, and what they sign is added.
 * Private to path/.
 *
 * A *round* is one checkpoint that all witnesses are asked to cosign: were each asked for whatever is newest
 * when it is free, a quorum would seldom meet under one. A witness has one request under way at most, and
 * joins the round of the moment when it is free.
 */
#ifndef PATH_COSIGN_H
#define PATH_COSIGN_H

#include "core/add_checkpoint.h"
#include "core/policy.h"
#include "path/path.h"
#include "path/recovery.h"

struct batch;
struct cosign;

/* What a witness says it has cosigned, and this log's own signature under it if it could show that. */
struct claim {
	char who[64];
	uint64_t size;
	struct digest root; /* if it is proven */
	bool proven;
};

/* Asks nobody yet. NULL: no memory, or not a policy. */
struct cosign *cosign_new(struct path *p, const struct path_witnesses *settings) MUST_CHECK;
/* Is this policy the one that is used? */
bool cosign_same(const struct cosign *c, struct span policy) MUST_CHECK;
void cosign_tune(struct cosign *c, const struct path_witnesses *settings);
/* `next` (NULL: nobody) takes over what waits; this is freed when none of its requests is under way any more.
 */
void cosign_retire(struct cosign *c, struct cosign *next);
/* No request is under way. NULL is allowed. */
void cosign_free(struct cosign *c);

/* Is a batch to wait for the quorum, as things are? */
bool cosign_waits(const struct cosign *c) MUST_CHECK;
/* Has a committed batch wait; batch_release() goes on with it, its checkpoint cosigned if it could be. */
void cosign_hold(struct cosign *c, struct batch *b);
/* After the lease was taken: every witness is asked for the stored head's checkpoint. Then recovery_resume().
 */
void cosign_ask_all(struct cosign *c, const struct log_head *head, struct span note, struct recovery *r);
/* Those who wait for the batch that is held were told to ask again: nobody waits for it now. */
bool cosign_told(const struct cosign *c) MUST_CHECK;
/* A claim is to be held against what is stored, before anything more is written. */
bool cosign_challenged(const struct cosign *c) MUST_CHECK;
/* Puts the cosignatures into the newest committed checkpoint, if they are for that one. */
void cosign_publish(struct cosign *c);
/* The newest committed checkpoint has its quorum. */
bool cosign_current(const struct cosign *c) MUST_CHECK;
/* Without the quorum nothing is acknowledged. */
bool cosign_required(const struct cosign *c) MUST_CHECK;
/* Larger sizes and other roots than ours, to be held against what is stored now; at most
 * POLICY_WITNESSES_MAX. */
size_t cosign_claims(struct cosign *c, struct claim ret_claims[POLICY_WITNESSES_MAX]);
/* Those that were held against the log, and are of its history. */
void cosign_claims_hold(struct cosign *c);
void cosign_tick(struct cosign *c);
void cosign_status(struct cosign *c, struct witnesses_status *ret_status);

/* ---- cosign_call.c: one request to one witness, on the reader lane for its proof, then on the witness lane
 * ---- */

enum call_end {
	CALL_COSIGNED,
	CALL_OTHER_SIZE, /* it cosigned `told` last, which is no larger than what was asked for */
	CALL_CLAIM,      /* it shows, or says, that its history is not ours */
	CALL_NO_PROOF,   /* the proof could not be read: nobody was asked */
	CALL_FAILED,     /* `error` says why */
};

struct call {
	struct work work;
	void (*done)(struct work *w);
	struct cosign *cosign;
	size_t witness;
	/* What is asked. */
	const struct path *path;
	struct lane_port lane;
	struct witness_port port;
	micros within;
	struct note_key log, key; /* their names are borrowed from `note` and from the policy */
	const char *add_url, *monitor_url;
	uint64_t old, size;
	struct buffer note;
	struct digest proof[MERKLE_PROOF_MAX];
	size_t proof_n;
	struct arena *arena;
	/* What came of it. */
	enum call_end end;
	uint64_t told;
	struct claim claim;
	struct span line; /* the cosignature, verified; in the arena */
	char error[WITNESS_ERROR_SIZE];
};

/* Sends it on its way; `done` on the main thread. */
void call_start(struct call *call, void (*done)(struct work *w));
void call_free(struct call *call);

#endif
