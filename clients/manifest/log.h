/*
 * `manifest log`: a copy of the whole log, whether two checkpoints belong to one history, and how a log goes
 * on after it was lost.
 */
#ifndef MANIFEST_LOG_H
#define MANIFEST_LOG_H

#include "core/checkpoint.h"
#include "manifest/command.h"
#include "manifest/log_source.h"

int log_mirror_run(struct app *app, const struct command *command, struct order *order);
int log_compare_run(struct app *app, const struct command *command, struct order *order);
int log_evidence_run(struct app *app, const struct command *command, struct order *order);
/* continue.c, follow.c */
int log_continue_run(struct app *app, const struct command *command, struct order *order);
int log_replay_run(struct app *app, const struct command *command, struct order *order);
int key_follow_run(struct app *app, const struct command *command, struct order *order);

/* Is the smaller checkpoint (size 0: always) a beginning of the larger one, by the tiles of a copy? False:
 * *ret_status, said why. */
bool log_begins_with(struct app *app, struct log_source *source, const struct checkpoint *smaller,
		     const struct checkpoint *larger, int *ret_status) MUST_CHECK;

#endif
