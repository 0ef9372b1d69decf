/*
 * Where rules come from, as one static table, written in sources.def: every table of rules names its rows, so
 * that a law is cited in the same words wherever it is broken. To cite another one, add a row there.
 */
#ifndef CORE_SOURCES_H
#define CORE_SOURCES_H

#include "base/problem.h"

enum rule_source {
#define RULE_SOURCE(name, zh, en) SOURCE_##name,
#include "core/sources.def"
#undef RULE_SOURCE
	RULE_SOURCES
};

extern const struct source rule_sources[RULE_SOURCES];

/* SOURCE(DECREE_18) is the row, for a rule. */
#define SOURCE(name) (&rule_sources[SOURCE_##name])

#endif
