/* Owns the rules' rows. */
#include "web/rules.h"

#include "core/sources.h"

const struct web_rule web_rules[WEB_RULE_COUNT] = {
#define WEB_RULE(name, id, status, kind, zh, en)                                                             \
	[WEB_RULE_##name] = {{id, SOURCE(HTTP_MANUAL), zh, en}, status, REFUSAL_##kind},
#include "web/rules.def"
#undef WEB_RULE
};

const struct web_rule *web_rule_broken(const struct problems *problems)
{
	/* No memory for a single problem: all the same something is wrong. */
	if (problems->first == NULL)
		return WEB(BUSY);
	for (size_t i = 0; i < WEB_RULE_COUNT; i++)
		if (&web_rules[i].rule == problems->first->rule)
			return &web_rules[i];
	return WEB(FAULT);
}
