#include "core/event.h"

#include "core/words.h"

const char *event_kind_name(enum event_kind kind)
{
	return word_of(event_words, (int)kind)->name;
}

const struct public_key *event_key_brought(const struct event *e)
{
	if (e->kind == EVENT_GENESIS)
		return &e->genesis.server_key;
	if (e->kind == EVENT_KEY_ENROLLED)
		return &e->key_enrolled.key;
	if (e->kind == EVENT_REGISTRAR_ADDED)
		return &e->registrar_added.key;
	return NULL;
}
