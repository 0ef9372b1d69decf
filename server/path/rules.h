/*
 * The path's own rules: what a connection must keep, and why an answer may have to wait. Same form as the
 * law's.
 */
#ifndef PATH_RULES_H
#define PATH_RULES_H

#include "base/problem.h"

enum path_rule {
#define PATH_RULE(name, id, zh, en) PATH_RULE_##name,
#include "path/rules.def"
#undef PATH_RULE
	PATH_RULE_COUNT,
};

extern const struct rule path_rules[PATH_RULE_COUNT];

/* PATH(RATE) is the row, for problem_add(). */
#define PATH(name) (&path_rules[PATH_RULE_##name])

#endif
