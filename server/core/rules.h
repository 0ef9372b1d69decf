/*
 * The rules of the law and of this log as one static table, written in rules.def: a refusal names one, and
 * the documentation is printed from it. To add a rule, add a row there.
 */
#ifndef CORE_RULES_H
#define CORE_RULES_H

#include "base/problem.h"

enum rule_id {
#define LAW_RULE(name, id, source, zh, en) RULE_##name,
#include "core/rules.def"
#undef LAW_RULE
	RULES
};

extern const struct rule rules[RULES];

/* RULE(NUMBER_FORMAT) is the row, for problem_add(). */
#define RULE(name) (&rules[RULE_##name])

/* The row with a machine-readable id ("number.format"), or NULL. */
const struct rule *rule_find(const char *id);

#endif
