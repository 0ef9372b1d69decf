#include "path/rules.h"

const struct rule path_rules[PATH_RULE_COUNT] = {
#define PATH_RULE(name, id, zh, en) [PATH_RULE_##name] = {id, "proto/README.md", zh, en},
#include "path/rules.def"
#undef PATH_RULE
};
