/*
 * Findings as they are collected: what follows from another finding is counted with it instead of being
 * listed, and so is what is beyond the limit. So the order in which they are added counts.
 */
#ifndef MANIFEST_FINDINGS_H
#define MANIFEST_FINDINGS_H

#include "manifest/app.h"
#include "replay/finding.h"

struct findings {
	size_t limit;
	struct finding *list;
	size_t n;
	size_t cap;
	uint64_t more;      /* beyond the limit */
	uint64_t followers; /* consequences of others */
	bool history;       /* a root that is not the log's was told */
	uint64_t *entries;  /* told of, ascending */
	size_t entries_n;
	uint64_t *numbers; /* manifests whose entries are not as they must be, ascending */
	size_t numbers_n;
	struct held {
		uint64_t place;
		struct finding finding;
	} * held; /* by ascending place */
	size_t held_n;
	size_t held_cap;
	bool no_memory;
};

void findings_add(struct findings *f, const struct finding *finding);
/* Entries are read, judged and checked several at a time: what is found at one waits until nothing more can
 * be found before it. */
void findings_hold(struct findings *f, uint64_t place, const struct finding *finding);
/* Adds what is held for places below this one, in their order. */
void findings_release(struct findings *f, uint64_t place);
bool findings_any(const struct findings *f);
void findings_free(struct findings *f);
/* In words, or under "findings" of the JSON result. */
void findings_say(struct app *app, const struct findings *f);

#endif
