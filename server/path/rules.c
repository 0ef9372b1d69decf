#include "path/rules.h"

#include "core/sources.h"

const struct rule path_rules[PATH_RULE_COUNT] = {
#define PATH_RULE(name, id, zh, en) [PATH_RULE_##name] = {id, SOURCE(PROTOCOL), zh, en},
#include "path/rules.def"
#undef PATH_RULE
};
