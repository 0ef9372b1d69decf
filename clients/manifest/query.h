/* What can be asked, and trails as files; see command.h, `run`. */
#ifndef MANIFEST_QUERY_H
#define MANIFEST_QUERY_H

#include "manifest/command.h"

typedef bool (*query_take_fn)(void *self, const struct answer *answer);

/* Asks once. EXIT_DONE: every item was taken; *ret_next is the cursor of the next page, 0: none. */
int query_ask(struct app *app, enum role role, const struct query *query, query_take_fn take, void *self,
	      uint64_t *ret_next);

int query_flags_run(struct app *app, const struct command *command, struct order *order);
int query_search_run(struct app *app, const struct command *command, struct order *order);
int query_trail_run(struct app *app, const struct command *command, struct order *order);
int query_summary_run(struct app *app, const struct command *command, struct order *order);
int query_entry_run(struct app *app, const struct command *command, struct order *order);
int query_blocks_run(struct app *app, const struct command *command, struct order *order);
int query_token_run(struct app *app, const struct command *command, struct order *order);
int query_watch_run(struct app *app, const struct command *command, struct order *order);
int query_checkpoint_run(struct app *app, const struct command *command, struct order *order);
int inspector_resolve(struct app *app, const struct command *command, struct order *order);
int verify_run(struct app *app, const struct command *command, struct order *order);

#endif
