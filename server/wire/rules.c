#include "wire/rules.h"

#include "core/sources.h"

const struct rule codec_rules[CODEC_RULE_COUNT] = {
#define CODEC_RULE(name, rule_id, from, text_zh, text_en)                                                    \
	[CODEC_##name] = {.id = rule_id, .source = SOURCE(from), .zh = text_zh, .en = text_en},
#include "wire/rules.def"
#undef CODEC_RULE
};
