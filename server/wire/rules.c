#include "wire/rules.h"

#define PROTO "proto/manifest.proto"

const struct rule codec_rules[CODEC_RULE_COUNT] = {
#define CODEC_RULE(name, rule_id, from, text_zh, text_en)                                                    \
	[CODEC_##name] = {.id = rule_id, .source = from, .zh = text_zh, .en = text_en},
#include "wire/rules.def"
#undef CODEC_RULE
};
