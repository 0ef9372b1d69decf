/* `manifest key`, `sign` and `send`: keys, cards, counter-signatures, and what waits to be sent. */
#ifndef MANIFEST_KEYS_H
#define MANIFEST_KEYS_H

#include "manifest/command.h"

int key_new(struct app *app, const struct command *command, struct order *order);
int key_show(struct app *app, const struct command *command, struct order *order);
int key_card(struct app *app, const struct command *command, struct order *order);
int key_waiting(struct app *app, const struct command *command, struct order *order);
int key_settle(struct app *app, const struct command *command, struct order *order);
int key_void(struct app *app, const struct command *command, struct order *order);
int event_sign(struct app *app, const struct command *command, struct order *order);
int event_send(struct app *app, const struct command *command, struct order *order);
int event_show(struct app *app, const struct command *command, struct order *order);

#endif
