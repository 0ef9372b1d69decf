/*
 * Findings as they are collected: what follows from another finding is counted with it instead of being
 * listed, and so is what is beyond the limit.
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
	bool no_memory;
};

void findings_add(struct findings *f, const struct finding *finding);
bool findings_any(const struct findings *f);
void findings_free(struct findings *f);
/* In words, or under "findings" of the JSON result. */
void findings_say(struct app *app, const struct findings *f);

#endif
