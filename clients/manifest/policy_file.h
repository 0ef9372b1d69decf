/*
 * What a policy of witnesses (core/policy.h) says of a trail: who cosigned, and whether the quorum is there.
 */
#ifndef MANIFEST_POLICY_FILE_H
#define MANIFEST_POLICY_FILE_H

#include "core/policy.h"
#include "manifest/app.h"
#include "manifest/trail.h"

/* Reads a policy; it lives in the app's arena. NULL: *ret_status, said why. */
const struct policy *app_policy(struct app *app, const char *path, int *ret_status) MUST_CHECK;

/* A trail's checkpoints against a policy. */
struct witnessed {
	const struct policy *policy;
	struct policy_facts facts; /* of the newest checkpoint */
	struct span newest;        /* the note; n 0: none could be read */
	enum log_failure failure;  /* the first that any checkpoint has */
};

/* Checks every checkpoint of the trail. `log_key` NULL: the policy's logs are believed. */
void witnessed_check(const struct trail *trail, const struct policy *policy, const struct note_key *log_key,
		     struct witnessed *ret_witnessed);
/* Tells who cosigned when, and what is missing. EXIT_DONE: the policy holds. */
int witnessed_say(struct app *app, const struct witnessed *w);

/* Of a witness of the policy, by its place: its name there, and when it says it cosigned. */
const char *witness_name(struct app *app, const struct witnessed *w, size_t witness);
micros witness_time(const struct witnessed *w, size_t witness);

#endif
