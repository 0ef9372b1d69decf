/* `manifest log rebuild`: from a copy of a log, the database that follows from it. */
#ifndef MANIFEST_REBUILD_H
#define MANIFEST_REBUILD_H

#include "manifest/command.h"

int log_rebuild_run(struct app *app, const struct command *command, struct order *order);

#endif
