/*
 * What the files of judging share: judge.c (the flow), judge_chain.c (chains and forks), judge_append.c
 * (entries and rows), judge_flags.c (the server's own events), judge_about.c (events about a manifest or a
 * flag), judge_sweep.c, judge_again.c, signers.c.
 */
#ifndef CORE_JUDGE_INTERNAL_H
#define CORE_JUDGE_INTERNAL_H

#include "core/details.h"
#include "core/flags.h"
#include "core/judge.h"
#include "core/rules.h"

/* A growing array in the arena: judging only appends. */
struct list {
	void *items;
	size_t n;
	size_t cap;
};

/* A manifest of the batch: the arena's own copy, changed in place. */
struct touched {
	struct manifest *m;
	bool changed; /* it is among the rows */
};

struct judgement {
	struct arena *arena;
	struct registry *registry;
	const struct loaded *loaded;
	struct judge_ports ports;
	uint64_t first_index;
	micros last_accepted_at;
	micros now;
	bool clocks_changed;     /* see judge_clocks_changed() */
	struct manifest *before; /* where a manifest is kept while an event is applied to it */

	struct list entries;         /* struct entry_row */
	struct list numbers;         /* struct number_row */
	struct list manifests;       /* const struct manifest *: the changed ones */
	struct list flags;           /* struct flag_row */
	struct list evidence;        /* struct evidence_row */
	struct list registry_rows;   /* struct registry_row */
	struct list touched;         /* struct touched *, beside: */
	struct list touched_numbers; /* uint64_t */
};

/* One member while it is judged. */
struct member {
	struct judgement *j;
	const struct event *e;
	struct span envelope;
	struct verdict *verdict;
	const struct key_record *key; /* of the first signer; NULL: not registered before this event */
	struct touched *about;        /* the manifest it is about; NULL: none, or not there yet */
};

/* ---- signers.c ---- */

/* The signer whose key is revoked, of an event that signers_check() lets pass all the same; NULL: none. */
const struct key_record *signers_lapsed(const struct registry *r, const struct event *e);

/* ---- judge_chain.c ---- */

/* Refuses a custody event that does not follow its manifest's head, and keeps the evidence of a fork. False:
 * no memory, or no signature. */
bool judge_chain(struct member *m) MUST_CHECK;
/* Of one that is refused already: says so when it is a fork or descends from one. Does it follow the head? */
bool judge_rest_of_chain(struct member *m) MUST_CHECK;
/* Not too much of it today? The flag that names the evidence counts it when it is applied to the registry,
 * also after a restart. */
bool judge_may_keep_evidence(const struct judgement *j, const struct key_record *key) MUST_CHECK;

/* ---- judge_append.c: false and NULL mean no memory (or no signature) unless said otherwise ---- */

/* A zeroed item at the end. */
void *list_add(struct arena *arena, struct list *list, size_t size) MUST_CHECK;

/* Its deadlines by the clocks in force; flags that do not hold any more are cleared. */
bool judge_reclock(struct judgement *j, struct touched *t) MUST_CHECK;
/* The manifest as it stands in this batch; *ret_touched is NULL when there is none. */
bool judge_touch(struct judgement *j, uint64_t number, struct touched **ret_touched) MUST_CHECK;
/* Takes in a manifest that did not exist. */
struct touched *judge_add_manifest(struct judgement *j, struct manifest *m) MUST_CHECK;
/* Puts the manifest among the rows. */
bool judge_changed(struct judgement *j, struct touched *t) MUST_CHECK;

uint64_t judge_next_index(const struct judgement *j);
micros judge_next_accepted_at(const struct judgement *j);

/*
 * Appends an event at the next index and the next accepted_at: its entry, what it changes in the registry,
 * its signers' running numbers. `t` is the manifest whose trail it belongs to, or NULL.
 */
bool judge_append(struct judgement *j, const struct event *e, struct span envelope,
		  struct touched *t) MUST_CHECK;

/* Another event than this one that used the running number, or NULL. */
const struct digest *judge_number_user(const struct judgement *j, key_no key, uint64_t number,
				       const struct digest *but);

/* ---- judge_flags.c ---- */

/* A flag to be raised. Absent digests are NULL. */
struct raise {
	enum flag_kind kind;
	struct touched *about; /* the manifest, or NULL */
	const struct key_record *key;
	const struct digest *cause;
	const struct digest *evidence;
	const party_no *parties; /* without it: the key's party */
	size_t parties_n;
	micros due_at;
	bool provisional;
	struct span detail;
};
bool judge_raise(struct judgement *j, const struct raise *raise, uint64_t *ret_flag) MUST_CHECK;
/* Carries out what flags.h lists. Remarks go to the verdict unless it is NULL. */
bool judge_flags(struct judgement *j, struct touched *about, const struct flag_list *list,
		 const struct digest *cause, struct verdict *verdict) MUST_CHECK;
/* Clears the number gap flags of signers whose running numbers are whole again. */
bool judge_gaps_closed(struct judgement *j, const struct event *e) MUST_CHECK;
void judge_remark(struct verdict *verdict, enum flag_kind kind);

/* ---- judge_about.c: events that change no manifest's chain or state ---- */

/* Adds problems; a member without any is appended by the caller, and judge_about_after() does the rest. */
bool judge_about(struct member *m) MUST_CHECK;
bool judge_about_after(struct member *m, uint64_t index) MUST_CHECK;

#endif
