/* `manifest log audit`: the log of a database is judged again, and every table is compared with what follows
 * from it. */
#ifndef MANIFEST_AUDIT_H
#define MANIFEST_AUDIT_H

#include "manifest/command.h"

int log_audit_run(struct app *app, const struct command *command, struct order *order);

#endif
