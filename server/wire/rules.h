/*
 * The codec's own rules: what bytes and single fields must keep, whatever they mean. One static table,
 * written in rules.def, printed into the documentation beside core's.
 */
#ifndef WIRE_RULES_H
#define WIRE_RULES_H

#include "base/problem.h"

enum codec_rule {
#define CODEC_RULE(name, id, source, zh, en) CODEC_##name,
#include "wire/rules.def"
#undef CODEC_RULE
	CODEC_RULE_COUNT,
};

extern const struct rule codec_rules[CODEC_RULE_COUNT];

/* CODEC(LENGTH) is the row, for problem_add(). */
#define CODEC(name) (&codec_rules[CODEC_##name])

#endif
