/* `manifest witness`: cosigns the checkpoints of logs, for anyone who wants to be sure of their history. */
#ifndef MANIFEST_WITNESS_H
#define MANIFEST_WITNESS_H

#include "manifest/command.h"

int witness_run(struct app *app, const struct command *command, struct order *order);

#endif
