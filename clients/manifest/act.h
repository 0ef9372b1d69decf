/* Signing, sending and what follows from the answer; shared by commands. */
#ifndef MANIFEST_ACT_H
#define MANIFEST_ACT_H

#include "manifest/command.h"
#include "manifest/files.h"

/* Takes this key's next running number and what it has seen into a signer. */
struct signer act_signer(const struct app *app);

/*
 * Sends a complete envelope, tells the outcome, and settles this key's number in the state: a final refusal
 * gives the number up by a `voided` event of its own. `number`: this key's running number in it; 0: none.
 */
int act_send(struct app *app, enum role role, struct span envelope, uint64_t number);

/* Reads an event file and its event. */
bool act_read(struct app *app, const char *path, struct event_file *ret_file, struct mft_signed *ret_signed,
	      int *ret_status) MUST_CHECK;
bool act_write(struct app *app, const char *path, struct span bytes, int *ret_status) MUST_CHECK;
/* Gives up a running number. */
int act_void(struct app *app, enum role role, uint64_t number, struct span reason);

#endif
