#include "core/sources.h"

#define DECREE_ZH "《危险废物转移管理办法》（部令第23号，2021）"
#define DECREE_EN "decree 23 (2021)"
#define LAW_ZH    "《中华人民共和国固体废物污染环境防治法》（2020修订）"
#define LAW_EN    "Solid Waste Law (2020)"
#define OURS_ZH   "日志规则："
#define OURS_EN   "manifest log rules, "

const struct source rule_sources[RULE_SOURCES] = {
#define RULE_SOURCE(name, text_zh, text_en) [SOURCE_##name] = {.zh = text_zh, .en = text_en},
#include "core/sources.def"
#undef RULE_SOURCE
};
