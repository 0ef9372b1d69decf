/*
 * Events and answers for people and machines, from the rows that wire/ encodes them with: no field can be
 * left out. In JSON, names are those of proto/manifest.proto, 64-bit integers are strings, hashes are hex;
 * beside a flag's detail, whose bytes are English, there is detail_zh.
 */
#ifndef MANIFEST_EVENT_TEXT_H
#define MANIFEST_EVENT_TEXT_H

#include "manifest/app.h"

json_t *event_json(const struct event *e);
json_t *answer_json(const struct answer *a);
json_t *flag_json(const struct flag_view *flag);

/* Field by field, aligned; times in +08:00, quantities in t and kg. Nothing with --json. */
void event_say(struct app *app, const struct event *e);

#endif
