#include "core/event.h"

#include "core/words.h"

const char *event_kind_name(enum event_kind kind)
{
	return word_of(event_words, (int)kind)->name;
}

bool event_changes_clocks(const struct event *e)
{
	return e->kind == EVENT_SETTING_CHANGED ||
	       (e->kind == EVENT_REFERENCE_LOADED && e->reference_loaded.kind == REFERENCE_CALENDAR);
}

/* NULL: none. */
static const struct public_key *key_brought(const struct event *e)
{
	if (e->kind == EVENT_GENESIS)
		return &e->genesis.server_key;
	if (e->kind == EVENT_KEY_ENROLLED)
		return &e->key_enrolled.key;
	if (e->kind == EVENT_REGISTRAR_ADDED)
		return &e->registrar_added.key;
	return NULL;
}

const struct public_key *event_signing_key(const struct event *e, const struct keyring *ring,
					   const struct digest *keyid)
{
	const struct public_key *key = ring == NULL ? NULL : keyring_find(ring, keyid);
	const struct public_key *brought = key == NULL ? key_brought(e) : NULL;

	if (brought != NULL) {
		struct digest id = key_id(brought);
		if (digest_eq(&id, keyid))
			key = brought;
	}
	return key;
}
