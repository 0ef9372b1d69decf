#include "core/rules.h"

#include "core/sources.h"

const struct rule rules[RULES] = {
#define LAW_RULE(name, rule_id, from, text_zh, text_en)                                                      \
	[RULE_##name] = {.id = rule_id, .source = SOURCE(from), .zh = text_zh, .en = text_en},
#include "core/rules.def"
#undef LAW_RULE
};

const struct rule *rule_find(const char *id)
{
	for (size_t i = 0; i < RULES; i++)
		if (strcmp(rules[i].id, id) == 0)
			return &rules[i];
	return NULL;
}
