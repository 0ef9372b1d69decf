/* What can be asked, and trails as files; see command.h, `run`. */
#ifndef MANIFEST_QUERY_H
#define MANIFEST_QUERY_H

#include "manifest/command.h"

int query_flags_run(struct app *app, const struct command *command, struct order *order);
int query_search_run(struct app *app, const struct command *command, struct order *order);
int query_trail_run(struct app *app, const struct command *command, struct order *order);
int query_summary_run(struct app *app, const struct command *command, struct order *order);
int query_blocks_run(struct app *app, const struct command *command, struct order *order);
int query_token_run(struct app *app, const struct command *command, struct order *order);
int query_watch_run(struct app *app, const struct command *command, struct order *order);
int query_checkpoint_run(struct app *app, const struct command *command, struct order *order);
int inspector_resolve(struct app *app, const struct command *command, struct order *order);
int verify_run(struct app *app, const struct command *command, struct order *order);

#endif
