/*
 * A checked trail in words: who did what, when, with which key, and between which times the proofs put it;
 * what is missing from the file, and what no such file can tell. The terminal and the printed page are made
 * from the same words. All of it lives in the app's arena, in the person's language.
 */
#ifndef MANIFEST_ACCOUNT_H
#define MANIFEST_ACCOUNT_H

#include "core/bundle.h"
#include "manifest/policy_file.h"
#include "manifest/trail.h"

struct account_signer {
	const struct signer *signer;
	const char
	    *name; /* of the party; its code when the file has no name; its role when it has no party */
	const char *party;  /* CODE-SITE, or "" */
	const char *role;   /* "" when the key is not in the file */
	const char *device; /* or "" */
};

struct account_step {
	const struct event *event;
	uint64_t index;
	const char *what;
	const char *load; /* line by line; "" when nothing moves */
	const char *occurred, *accepted;
	struct account_signer signers[MAX_SIGNERS];
	size_t signers_n;
	struct bracket bracket;
	const char *after; /* the bracket's ends, in words */
	const char *before;
};

/* Running numbers of a key that are not in the file. */
struct account_gap {
	const struct trail_key *key;
	const char *name;
	const char *numbers; /* "4-8, 11" */
};

enum { ACCOUNT_UNKNOWN_MAX = 4 };

struct account {
	uint64_t number;
	const struct issued *issued; /* NULL: not in the file */
	struct account_step *steps;  /* of the manifest, flags too, in order */
	size_t steps_n;
	size_t custody_n; /* those that move the load */
	struct account_gap *gaps;
	size_t gaps_n;
	const char *unknown[ACCOUNT_UNKNOWN_MAX]; /* what the file cannot tell */
	size_t unknown_n;
};

/* `w` NULL: no policy. False: no memory. What was given is borrowed. */
bool account_make(struct app *app, const struct trail *trail, const struct verified *v,
		  const struct witnessed *w, struct account *ret_account) MUST_CHECK;
/* The registered name of a party, or its code. */
const char *account_name(struct app *app, const struct verified *v, const struct party_ref *ref);

/* To the terminal, and into --json. */
void account_say(struct app *app, const struct account *a, const struct verified *v);

#endif
