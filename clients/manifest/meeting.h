/*
 * Two devices that sign one step hold what they have verified of the log against each other: a server that
 * shows two histories is caught when the parties meet, even without a network. Whatever comes of it, the
 * step may be signed: an event that states another history is the best evidence there is.
 */
#ifndef MANIFEST_MEETING_H
#define MANIFEST_MEETING_H

#include "manifest/app.h"
#include "manifest/files.h"

/*
 * Compares the other side's `seen` with this device's newest checkpoint. Another root for the same size is
 * told at once, and kept as evidence; what cannot be compared here is kept in the state folder and asked of
 * the server: now when there is a connection, else at the next one.
 */
void meet(struct app *app, const struct card *other);

/* Asks the server about what was kept; after each connection is made. */
void meet_settle(struct app *app);

#endif
