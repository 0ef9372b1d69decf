/* Completes the events of a manifest's life; see command.h, `run`. */
#ifndef MANIFEST_CUSTODY_H
#define MANIFEST_CUSTODY_H

#include "manifest/command.h"

/* The one argument is a manifest's number. */
bool custody_number(struct app *app, struct order *order, int *ret_status) MUST_CHECK;

int custody_issue(struct app *app, const struct command *command, struct order *order);
int custody_transfer(struct app *app, const struct command *command, struct order *order);
int custody_attest(struct app *app, const struct command *command, struct order *order);
int custody_confirm(struct app *app, const struct command *command, struct order *order);
int custody_receive(struct app *app, const struct command *command, struct order *order);
int custody_treat(struct app *app, const struct command *command, struct order *order);
int custody_cancel(struct app *app, const struct command *command, struct order *order);

#endif
