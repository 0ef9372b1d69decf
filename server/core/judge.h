/*
 * Judging: the members of a batch are applied in order to committed state (the registry, the manifests that
 * were loaded for the batch) plus what earlier members of the same batch did. The result is a list of events
 * to append (the members that were accepted, each followed by the flags that the server raises or clears
 * because of it) and the rows of the tables computed from them. Judging reads nothing but its arguments:
 * anyone who has the log computes the same.
 *
 * On a failed commit the caller drops the judgement, the registry and all it loaded, and starts again from
 * what is stored: nothing here is undone step by step.
 */
#ifndef CORE_JUDGE_H
#define CORE_JUDGE_H

#include "core/judge_rows.h"

struct judgement;

enum refusal_kind { /* the numbers of proto RefusalKind */
		    REFUSAL_NONE = 0,
		    REFUSAL_MALFORMED = 1,
		    REFUSAL_SIGNATURE = 2,
		    REFUSAL_RULE = 3,
		    REFUSAL_FORK = 4,
		    REFUSAL_DESCENDS = 5,
		    REFUSAL_PREDECESSOR = 6,
		    REFUSAL_LATER = 7,
		    REFUSAL_UNAVAILABLE = 8,
		    REFUSAL_NOT_WRITER = 9,
		    REFUSAL_FORBIDDEN = 10,
		    REFUSAL_NOT_FOUND = 11,
		    REFUSAL_FAULT = 12,
};

/* What one member came to. */
struct verdict {
	enum refusal_kind refused; /* REFUSAL_NONE: accepted, or accepted before */
	bool repeated;             /* accepted before, at `index` */
	uint64_t index;            /* of its entry */
	struct problems problems;
	struct digest standing;
	struct digest needed;
	micros retry_after;
	const char *remarks[4]; /* flags raised on acceptance, English, for a person */
	size_t remarks_n;
};

/* Signs an event of the server's own (sets signers[0] and the id, packs, signs) and returns envelope bytes.
 */
typedef bool (*server_sign_fn)(void *self, struct event *e, struct span *ret_envelope);

/* Checks a `seen` against our history, without waiting: what the caller loaded or remembers. */
enum seen_answer { SEEN_OURS, SEEN_OTHER, SEEN_UNKNOWN };
typedef enum seen_answer (*seen_fn)(void *self, const struct checkpoint_ref *seen);

struct judge_ports {
	void *self;
	server_sign_fn sign;
	seen_fn seen;
};

/*
 * Begins a batch. `size` and `last_accepted_at` are the committed log's; `now` is the sequencer's clock.
 * Everything is allocated from the arena and borrows from it; the registry is changed as members are
 * accepted.
 */
struct judgement *judge_begin(struct arena *arena, struct registry *r, const struct loaded *loaded,
			      uint64_t size, micros last_accepted_at, micros now,
			      const struct judge_ports *ports) MUST_CHECK;

/* Adds to `needs` (arrays from the arena, grown as needed) what judging this event will read. False: no
 * memory. */
bool judge_needs(const struct registry *r, const struct event *e, struct arena *arena,
		 struct needs *needs) MUST_CHECK;

/*
 * Judges one event whose signatures have been verified (all of them, by keys of the keyring, or by the key
 * named in the event for possession) and appends it and its consequences. The event and the envelope must
 * outlive the rows. False: no memory, or the server could not sign: drop the whole judgement.
 */
bool judge_member(struct judgement *j, const struct event *e, struct span envelope,
		  struct verdict *ret_verdict) MUST_CHECK;

/*
 * The sweep: looks at one loaded manifest whose due_at has passed, and raises the flags of its passed
 * deadlines. The key sweep raises number gaps beyond the grace. False as above.
 */
bool judge_sweep_manifest(struct judgement *j, uint64_t number) MUST_CHECK;
bool judge_sweep_keys(struct judgement *j) MUST_CHECK;
/* The same for one key. */
bool judge_sweep_key(struct judgement *j, key_no no) MUST_CHECK;
/* After a calendar or a clock setting changed: computes the deadlines of one loaded manifest again. False as
 * above. */
bool judge_recompute(struct judgement *j, uint64_t number) MUST_CHECK;
/*
 * Loaded manifests may still have the deadlines from before such a change: each that is looked at is computed
 * again first, so that what follows does not depend on how far that had come. A member that changes a clock
 * says so by itself.
 */
void judge_clocks_changed(struct judgement *j);

/* ---- for who judges a log again (replay/): the law is the same, the clock and what was kept are the log's
 * ---- */

/* What is judged next comes after an entry of `last_accepted_at`, at `now`. */
void judge_clock(struct judgement *j, micros last_accepted_at, micros now);
/*
 * The flag of a fork whose refused envelope is not at hand: what the flag itself says of it is remembered,
 * and the flag raised again. False as above; nothing is raised when the flag cannot be of this manifest.
 */
bool judge_fork_flag(struct judgement *j, const struct event *flag) MUST_CHECK;
/* Drops the entries from `index` on and what follows from them: they are not in the log. */
void judge_forget(struct judgement *j, uint64_t index);

/* The rows so far; valid as long as the arena. */
void judge_rows(const struct judgement *j, struct rows *ret_rows);

/*
 * The rules that need no state but the reference data: roles against kinds, credit codes, codes and methods,
 * numbers' year and city, sums of lines. Adds every problem. judge_member() begins with it: the reference
 * data are those at the event's place in the log.
 */
void rules_check(const struct registry *r, const struct event *e, struct problems *problems);

/*
 * Whose signatures a kind requires, in order; the signers table. Checks the count, the order, the roles and
 * that they are different keys of the parties named, using the registry. Adds every problem.
 */
void signers_check(const struct registry *r, const struct event *e, struct problems *problems);
/* May a key of this role be the event's signer in this place? By the same table, without a registry. */
bool signers_role_fits(const struct event *e, size_t signer, enum role role) MUST_CHECK;

#endif
