/* Completes a registrar's events with what was not typed; see command.h, `run`. */
#ifndef MANIFEST_REGISTRAR_H
#define MANIFEST_REGISTRAR_H

#include "manifest/command.h"

int registrar_party(struct app *app, const struct command *command, struct order *order);
int registrar_enrol(struct app *app, const struct command *command, struct order *order);
int registrar_revoke(struct app *app, const struct command *command, struct order *order);
int registrar_person(struct app *app, const struct command *command, struct order *order);
int registrar_vehicle(struct app *app, const struct command *command, struct order *order);
int registrar_permit(struct app *app, const struct command *command, struct order *order);
int registrar_permit_revoke(struct app *app, const struct command *command, struct order *order);
int registrar_reference(struct app *app, const struct command *command, struct order *order);
int registrar_plain(struct app *app, const struct command *command, struct order *order);

#endif
