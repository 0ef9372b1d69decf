#include "core/rules.h"

#define DECREE_23       "decree 23 (2021)"
#define DECREE(article) DECREE_23 ", art. " article
#define LAW(article)    "Solid Waste Law (2020), art. " article
#define HJ(section)     "HJ 1259-2022, " section
#define OURS(section)   "manifest log rules, " section

const struct rule rules[RULES] = {
#define LAW_RULE(name, rule_id, from, text_zh, text_en)                                                      \
	[RULE_##name] = {.id = rule_id, .source = from, .zh = text_zh, .en = text_en},
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
