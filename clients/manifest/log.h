/* `manifest log`: a copy of the whole log, and whether two checkpoints belong to one history. */
#ifndef MANIFEST_LOG_H
#define MANIFEST_LOG_H

#include "manifest/command.h"

int log_mirror_run(struct app *app, const struct command *command, struct order *order);
int log_compare_run(struct app *app, const struct command *command, struct order *order);
int log_evidence_run(struct app *app, const struct command *command, struct order *order);

#endif
