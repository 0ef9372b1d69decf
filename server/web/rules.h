/* Why a request over HTTP is refused: rules in the form of the law's, each with its status. Pure. */
#ifndef WEB_RULES_H
#define WEB_RULES_H

#include "base/problem.h"
#include "core/judge.h"

enum web_rule_name {
#define WEB_RULE(name, id, status, kind, zh, en) WEB_RULE_##name,
#include "web/rules.def"
#undef WEB_RULE
	WEB_RULE_COUNT,
};

struct web_rule {
	struct rule rule; /* first: a problem points to it */
	int status;
	enum refusal_kind kind;
};

extern const struct web_rule web_rules[WEB_RULE_COUNT];

/* WEB(TOKEN) is the row; WEB_PROBLEM(TOKEN) is it for problem_add(). */
#define WEB(name)         (&web_rules[WEB_RULE_##name])
#define WEB_PROBLEM(name) (&WEB(name)->rule)

/* The row that the first problem broke; the list is not empty and holds rules of this table only. */
const struct web_rule *web_rule_broken(const struct problems *problems);

#endif
