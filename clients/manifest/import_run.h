#ifndef MANIFEST_IMPORT_RUN_H
#define MANIFEST_IMPORT_RUN_H

#include "manifest/command.h"

/* `manifest import`; see command.h, `run`. `order->offline`: only the report. */
int import_run(struct app *app, const struct command *command, struct order *order);

#endif
