/* The table of subcommands: what can be said and asked, by whom, with which options. */
#include "manifest/audit.h"
#include "manifest/command.h"
#include "manifest/custody.h"
#include "manifest/import_run.h"
#include "manifest/keys.h"
#include "manifest/log.h"
#include "manifest/query.h"
#include "manifest/rebuild.h"
#include "manifest/registrar.h"
#include "manifest/witness.h"

#define AT(field)    .at = offsetof(struct order, field)
#define COUNT(field) .count_at = offsetof(struct order, field)
#define HELP(e, z)   .en = e, .zh = z
#define MUST         .must = true
#define ROWS(r)      .options = r, .options_n = ARRAY_LEN(r)
#define REASON(field)                                                                                        \
	{                                                                                                    \
		"reason", OPTION_TEXT, AT(field), MUST, .argument = "TEXT", HELP("Why", "原因")              \
	}
#define WAY(n, t, f, a) n, t, AT(f), .argument = a

/* clang-format off */
const struct option_row event_options[] = {
	{WAY("out", OPTION_FILE, out, "FILE"), HELP("Write the signed event to FILE, do not send it", "把已签署的事件写入文件，不发送")},
	{WAY("card", OPTION_FILES, cards, "FILE"), COUNT(cards_n), HELP("Card of the next signer; repeat in their order", "下一签署人的签署卡；可按顺序重复")},
	{WAY("at", OPTION_TIME, event.occurred_at, "TIME"), HELP("When it happened (now)", "发生时间（缺省为现在）")},
	{WAY("offline", OPTION_SWITCH, offline, NULL), HELP("Sign without the server", "离线签署")},
};
const size_t event_options_n = ARRAY_LEN(event_options);

const struct option_row custody_options[] = {
	{WAY("previous", OPTION_DIGEST, event.previous, "ID"), HELP("Id of the step before (asked for, or from --after)", "前一步的事件编号（缺省自动取得）")},
	{WAY("after", OPTION_FILES, after, "FILE"), COUNT(after_n), HELP("Event file of a step before, from the first on, in place of asking the server", "此前各步的事件文件（自开具起），代替查询服务器")},
	{WAY("line", OPTION_LINES, lines, "LINE"), COUNT(lines_n), HELP("One line of the manifest, as the description says; repeat", "联单的一行，格式见说明；可重复")},
};
const size_t custody_options_n = ARRAY_LEN(custody_options);

static const struct option_row out_option[] = {
	{WAY("out", OPTION_FILE, out, "FILE"), HELP("Write to FILE", "写入文件")},
};
static const struct option_row void_key_options[] = {
	{WAY("number", OPTION_U64, running_number, "N"), MUST, HELP("The running number to give up", "要作废的流水号")},
	REASON(event.voided.reason),
};

/* ---- registrar ---- */

#define PARTY_ROWS \
	{WAY("party", OPTION_PARTY, event.party.party.ref, "CODE-SITE"), MUST, HELP("Unified social credit code, a hyphen, the site's number", "统一社会信用代码-场所编号")}, \
	{WAY("name", OPTION_TEXT, event.party.party.name, "NAME"), MUST, HELP("Its name", "单位名称")}, \
	{WAY("roles", OPTION_ROLES, event.party.party.roles, "ROLES"), COUNT(event.party.party.roles_n), MUST, HELP("What it is, commas between", "角色，以逗号分隔")}, \
	{WAY("division", OPTION_TEXT, event.party.party.division, "CODE"), MUST, HELP("District, six digits", "所在区划代码（六位）")}, \
	{WAY("address", OPTION_TEXT, event.party.party.address, "TEXT"), MUST, HELP("Address of the site", "地址")}, \
	{WAY("class", OPTION_WORD, event.party.party.generator_class, "CLASS"), .words = class_words, HELP("key, simplified or registered for a generator", "产生单位管理类别：key、simplified、registered")}, \
	{WAY("from", OPTION_TIME, event.party.party.valid_from, "TIME"), HELP("From when it may act (now)", "生效时间（缺省为现在）")}, \
	{WAY("until", OPTION_TIME, event.party.party.valid_until, "TIME"), HELP("Until when (no end)", "失效时间（缺省无）")}
static const struct option_row party_options[] = {PARTY_ROWS};
static const struct option_row party_change_options[] = {PARTY_ROWS, REASON(event.party.reason)};
static const struct option_row enrol_options[] = {
	{WAY("party", OPTION_PARTY, event.key_enrolled.party, "CODE-SITE"), MUST, HELP("The device's party", "设备所属单位")},
	{WAY("as", OPTION_WORD, event.key_enrolled.role, "ROLE"), .words = role_words, MUST, HELP("The role it acts in", "设备的角色")},
	{WAY("device", OPTION_TEXT, event.key_enrolled.device, "NAME"), MUST, HELP("What the device is called; no personal name", "设备名称，不得为人名")},
	{WAY("from", OPTION_TIME, event.key_enrolled.valid_from, "TIME"), HELP("Events that occurred earlier are refused (now)", "早于此时间的事件将被拒绝（缺省为现在）")},
	{WAY("new-key", OPTION_FILE, new_key, "FILE"), HELP("The new secret key, when it is here; else its --card", "新私钥文件；不在本机时用其 --card")},
};
static const struct option_row revoke_options[] = {
	{WAY("keyid", OPTION_DIGEST, event.key_revoked.keyid, "HEX"), MUST, HELP("The key", "密钥编号")},
	{WAY("from", OPTION_TIME, event.key_revoked.revoked_from, "TIME"), HELP("From when it is not trusted (now)", "自何时起不再可信（缺省为现在）")},
	REASON(event.key_revoked.reason),
};
static const struct option_row add_registrar_options[] = {
	{WAY("name", OPTION_TEXT, event.registrar_added.name, "NAME"), MUST, HELP("Of the device or office; no personal name", "设备或科室名称，不得为人名")},
	{WAY("new-key", OPTION_FILE, new_key, "FILE"), HELP("The new secret key, when it is here; else its card is the last --card", "新私钥文件；不在本机时以最后一个 --card 代替")},
};
static const struct option_row remove_registrar_options[] = {
	{WAY("keyid", OPTION_DIGEST, event.registrar_removed.keyid, "HEX"), MUST, HELP("The key to remove", "要撤销的密钥编号")},
	REASON(event.registrar_removed.reason),
};
static const struct option_row vehicle_options[] = {
	{WAY("plate", OPTION_TEXT, event.vehicle_registered.plate, "PLATE"), MUST, HELP("Number plate", "车牌号")},
	{WAY("party", OPTION_PARTY, event.vehicle_registered.transporter, "CODE-SITE"), MUST, HELP("Its transporter", "承运人")},
	{WAY("licence", OPTION_TEXT, event.vehicle_registered.licence, "TEXT"), MUST, HELP("Road transport licence", "道路运输证号")},
	{WAY("capacity", OPTION_GRAMS, event.vehicle_registered.capacity_grams, "QUANTITY"), MUST, HELP("What it may carry: 12t", "核定载质量：12t")},
	{WAY("from", OPTION_TIME, event.vehicle_registered.valid_from, "TIME"), HELP("From when (now)", "生效时间（缺省为现在）")},
	{WAY("until", OPTION_TIME, event.vehicle_registered.valid_until, "TIME"), HELP("Until when (no end)", "失效时间（缺省无）")},
};
static const struct option_row person_options[] = {
	{WAY("id", OPTION_TEXT, event.person_registered.person, "ID"), MUST, HELP("Pseudonymous id", "化名编号")},
	{WAY("party", OPTION_PARTY, event.person_registered.party, "CODE-SITE"), MUST, HELP("Employer", "所属单位")},
};
#define PERMIT_ROWS \
	{WAY("number", OPTION_TEXT, event.permit.permit.number, "TEXT"), MUST, HELP("The permit's number", "许可证编号")}, \
	{WAY("party", OPTION_PARTY, event.permit.permit.facility, "CODE-SITE"), MUST, HELP("The facility", "经营单位")}, \
	{WAY("codes", OPTION_TEXTS, event.permit.permit.waste_codes, "CODES"), COUNT(event.permit.permit.waste_codes_n), MUST, HELP("Waste codes or categories: 900-249-08,HW49", "废物代码或类别：900-249-08,HW49")}, \
	{WAY("methods", OPTION_TEXTS, event.permit.permit.methods, "METHODS"), COUNT(event.permit.permit.methods_n), MUST, HELP("Treatment methods: R9,D10", "利用处置方式：R9,D10")}, \
	{WAY("per-year", OPTION_GRAMS, event.permit.permit.grams_per_year, "QUANTITY"), MUST, HELP("What it may accept in a year: 5000t", "年许可量：5000t")}, \
	{WAY("from", OPTION_TIME, event.permit.permit.valid_from, "TIME"), HELP("From when (now)", "生效时间（缺省为现在）")}, \
	{WAY("until", OPTION_TIME, event.permit.permit.valid_until, "TIME"), MUST, HELP("Until when: 2030-12-31, +1825d", "失效时间：2030-12-31、+1825d")}
static const struct option_row permit_options[] = {PERMIT_ROWS};
static const struct option_row permit_change_options[] = {PERMIT_ROWS, REASON(event.permit.reason)};
static const struct option_row permit_revoke_options[] = {
	{WAY("number", OPTION_TEXT, event.permit_revoked.number, "TEXT"), MUST, HELP("The permit's number", "许可证编号")},
	{WAY("from", OPTION_TIME, event.permit_revoked.revoked_from, "TIME"), HELP("From when (now)", "自何时起（缺省为现在）")},
	REASON(event.permit_revoked.reason),
};
static const struct option_row block_options[] = {
	{WAY("party", OPTION_PARTY, event.number_block_granted.generator, "CODE-SITE"), MUST, HELP("The generator", "产生单位")},
	{WAY("first", OPTION_NUMBER, event.number_block_granted.first, "NUMBER"), MUST, HELP("First number, 14 digits", "首号（十四位）")},
	{WAY("last", OPTION_NUMBER, event.number_block_granted.last, "NUMBER"), MUST, HELP("Last number", "末号")},
};
static const struct option_row setting_options[] = {
	{WAY("name", OPTION_TEXT, event.setting_changed.key, "SETTING"), MUST, HELP("transit.grace, difference.permille, ...", "参数名：transit.grace、difference.permille……")},
	{WAY("value", OPTION_TEXT, event.setting_changed.value, "VALUE"), MUST, HELP("Its value: 12 h, 100", "参数值：12 h、100")},
	REASON(event.setting_changed.reason),
};
static const struct option_row reference_options[] = {
	{WAY("kind", OPTION_WORD, event.reference_loaded.kind, "KIND"), .words = reference_words, MUST, HELP("waste_codes, divisions, treatment_methods or calendar", "waste_codes、divisions、treatment_methods 或 calendar")},
	{WAY("edition", OPTION_TEXT, event.reference_loaded.edition, "EDITION"), MUST, HELP("2021", "版本：2021")},
};

/* ---- custody ---- */

static const struct option_row issue_options[] = {
	{WAY("number", OPTION_NUMBER, event.number, "NUMBER"), HELP("14 digits (the next of a granted block)", "十四位编号（缺省取号段中下一号）")},
	{WAY("generator", OPTION_PARTY, event.issued.generator, "CODE-SITE"), MUST, HELP("Consignor", "移出人")},
	{WAY("transporter", OPTION_PARTY, event.issued.transporter, "CODE-SITE"), MUST, HELP("First carrier", "承运人")},
	{WAY("facility", OPTION_PARTY, event.issued.facility, "CODE-SITE"), MUST, HELP("Consignee", "接受人")},
	{WAY("plate", OPTION_TEXT, event.issued.plate, "PLATE"), MUST, HELP("The vehicle", "车牌号")},
	{WAY("edition", OPTION_TEXT, event.issued.edition, "EDITION"), HELP("Of the waste list (2021)", "废物名录版本（2021）")},
	{WAY("line", OPTION_LINES, lines, "LINE"), COUNT(lines_n), MUST, HELP("CODE;NAME;QUANTITY;CONTAINERS;PACKAGING;FORM;METHOD, as '900-249-08;废矿物油;1.2t;6;drum;liquid;R9'; repeat", "代码;名称;数量;件数;包装;形态;方式，如 '900-249-08;废矿物油;1.2t;6;drum;liquid;R9'；可重复")},
	{WAY("collect-by", OPTION_TIME, event.issued.collect_by, "TIME"), MUST, HELP("Planned pick-up", "计划收运时间")},
	{WAY("arrive-by", OPTION_TIME, event.issued.arrive_by, "TIME"), MUST, HELP("Expected arrival", "预计到达时间")},
	{WAY("permit", OPTION_TEXT, event.issued.permit, "NUMBER"), MUST, HELP("The receiver's permit", "接受人许可证编号")},
	{WAY("destination", OPTION_TEXT, event.issued.destination, "TEXT"), MUST, HELP("Where it is to be delivered", "送达地点")},
	{WAY("emergency", OPTION_TEXT, event.issued.emergency, "TEXT"), MUST, HELP("Emergency measures", "应急措施")},
};
#define STEP_ROWS(field) \
	{WAY("plate", OPTION_TEXT, field.plate, "PLATE"), HELP("The vehicle (as the manifest says)", "车牌号（缺省同联单）")}, \
	{WAY("driver", OPTION_TEXT, field.driver, "ID"), HELP("A registered person", "已登记的驾驶员编号")}, \
	{WAY("position", OPTION_POSITION, field.position, "LAT,LON[,M]"), HELP("Where", "位置")}
static const struct option_row load_options[] = {
	{WAY("transporter", OPTION_PARTY, event.transfer.to, "CODE-SITE"), HELP("Who takes it (as the manifest says)", "承运人（缺省同联单）")},
	STEP_ROWS(event.transfer),
};
static const struct option_row hand_over_options[] = {
	{WAY("to", OPTION_PARTY, event.transfer.to, "CODE-SITE"), MUST, HELP("The later carrier", "后一承运人")},
	{WAY("from", OPTION_PARTY, event.transfer.from, "CODE-SITE"), HELP("The earlier carrier (who has it)", "前一承运人（缺省为现承运人）")},
	{WAY("plate", OPTION_TEXT, event.transfer.plate, "PLATE"), MUST, HELP("The later vehicle", "后一车牌号")},
	{WAY("driver", OPTION_TEXT, event.transfer.driver, "ID"), HELP("A registered person", "已登记的驾驶员编号")},
	{WAY("position", OPTION_POSITION, event.transfer.position, "LAT,LON[,M]"), HELP("Where", "位置")},
};
static const struct option_row deliver_options[] = {
	{WAY("position", OPTION_POSITION, event.transfer.position, "LAT,LON[,M]"), HELP("Where", "位置")},
};
static const struct option_row return_options[] = {
	{WAY("to", OPTION_PARTY, event.transfer.to, "CODE-SITE"), HELP("Who takes it (as the manifest says)", "接收方（缺省同联单）")},
	{WAY("plate", OPTION_TEXT, event.transfer.plate, "PLATE"), HELP("The vehicle (as the manifest says)", "车牌号（缺省同联单）")},
};
static const struct option_row attest_options[] = {
	{WAY("step", OPTION_WORD, event.attested.step, "STEP"), .words = event_words, MUST, HELP("loaded, handed_over, delivered or returned", "loaded、handed_over、delivered 或 returned")},
	{WAY("because", OPTION_WORD, event.attested.reason, "WHY"), .words = attest_words, MUST, HELP("will_not, cannot or closed: why the other side did not sign", "对方未签署的原因：will_not、cannot、closed")},
	{WAY("note", OPTION_TEXT, event.attested.note, "TEXT"), MUST, HELP("What happened", "情况说明")},
	{WAY("leg", OPTION_WORD, event.attested.transfer.leg, "LEG"), .words = leg_words, HELP("Of a return: out or back", "退回的阶段：out 或 back")},
	{WAY("to", OPTION_PARTY, event.attested.transfer.to, "CODE-SITE"), HELP("Who takes it (as the manifest says)", "接收方（缺省同联单）")},
	STEP_ROWS(event.attested.transfer),
};
static const struct option_row confirm_options[] = {
	{WAY("attested", OPTION_DIGEST, event.confirmed.attested, "ID"), HELP("The attested event (the last one)", "单方声明的事件编号（缺省为最近一个）")},
	{WAY("after", OPTION_FILES, after, "FILE"), COUNT(after_n), HELP("Event files of the steps before, in place of asking", "此前各步的事件文件")},
};
static const struct option_row cancel_options[] = {REASON(event.cancelled.reason)};
static const struct option_row void_options[] = {
	{WAY("number", OPTION_NUMBER, event.number, "NUMBER"), MUST, HELP("The manifest number that will never be used", "不再使用的联单编号")},
	REASON(event.voided.reason),
};

/* ---- queries ---- */

#define PAGE_ROWS \
	{WAY("after", OPTION_U64, query.after, "N"), HELP("Go on after this cursor", "自该游标之后")}, \
	{WAY("limit", OPTION_U32, query.limit, "N"), HELP("Rows of a page (100, at most 500)", "每页行数（100，至多 500）")}, \
	{WAY("all", OPTION_SWITCH, everything, NULL), HELP("All pages", "全部")}
static const struct option_row flag_options[] = {
	{WAY("kind", OPTION_MASK, query.flag_kinds, "KINDS"), .words = flag_words, HELP("Kinds, commas between", "类别，以逗号分隔")},
	{WAY("party", OPTION_PARTY, query.party, "CODE-SITE"), HELP("Whom it concerns", "相关单位")},
	{WAY("division", OPTION_TEXT, query.division, "CODE"), HELP("Area, six digits; NNNN00 is a whole city", "区划（六位），NNNN00 为全市")},
	{WAY("from", OPTION_TIME, query.from, "TIME"), HELP("Raised from", "预警时间自")},
	{WAY("until", OPTION_TIME, query.until, "TIME"), HELP("Raised before", "预警时间止")},
	{WAY("open", OPTION_SWITCH, query.open_only, NULL), HELP("Only those still open", "仅未结")},
	PAGE_ROWS,
};
static const struct option_row search_options[] = {
	{WAY("party", OPTION_PARTY, query.party, "CODE-SITE"), HELP("At either end, or between", "任一方单位")},
	{WAY("plate", OPTION_TEXT, query.plate, "PLATE"), HELP("The vehicle", "车牌号")},
	{WAY("code", OPTION_TEXT, query.waste_code, "CODE"), HELP("A waste code", "废物代码")},
	{WAY("in", OPTION_WORD, query.state, "STATE"), .words = state_words, HELP("The manifest's state", "联单状态")},
	{WAY("from", OPTION_TIME, query.from, "TIME"), HELP("Issued from", "开具时间自")},
	{WAY("until", OPTION_TIME, query.until, "TIME"), HELP("Issued before", "开具时间止")},
	PAGE_ROWS,
};
static const struct option_row trail_options[] = {
	{WAY("save", OPTION_FILE, save, "FILE"), HELP("Also write it to FILE, for `manifest verify`", "另存为文件，供 `manifest verify` 验证")},
	{WAY("bundle", OPTION_FILE, out, "FILE"), HELP("Also write it as a bundle: all proofs under one checkpoint, for a court or another city", "另存为证据包：全部证明在同一检查点之下，供法院或其他城市查验")},
};
static const struct option_row summary_options[] = {
	{WAY("party", OPTION_PARTY, query.party, "CODE-SITE"), MUST, HELP("The party", "单位")},
};
static const struct option_row token_options[] = {
	{WAY("seconds", OPTION_U32, query.seconds, "N"), HELP("How long it is valid (3600)", "有效秒数（3600）")},
};
static const struct option_row resolve_options[] = {
	{WAY("as", OPTION_WORD, event.flag_resolved.resolution, "WHAT"), .words = resolution_words, MUST, HELP("explained, corrected or sanctioned", "explained、corrected 或 sanctioned")},
	REASON(event.flag_resolved.reason),
};
static const struct option_row verify_options[] = {
	{WAY("policy", OPTION_FILE, policy, "FILE"), HELP("Demand the cosignatures of this policy (C2SP tlog-policy); its logs stand in for --log", "要求满足该策略的见证（C2SP tlog-policy）；其中的日志可代替 --log")},
	{WAY("pdf", OPTION_FILE, pdf, "FILE"), HELP("Also write a page to print: what happened, what was checked, what holds, and how to check it again", "另生成可打印的页面：经过、核验项目、结论与复核方法")},
};
static const struct option_row witness_options[] = {
	{WAY("name", OPTION_TEXT, name, "NAME"), MUST, HELP("The witness's name, such as witness.example/shenyang", "见证人名称，如 witness.example/shenyang")},
	{WAY("watch", OPTION_LINES, watched, "VKEY[ ORIGIN]"), COUNT(watched_n), HELP("Key of a log to cosign for, and its origin if that is not the key's name; repeat", "要见证的日志公钥，来源与公钥名称不同时后接来源；可重复")},
	{WAY("policy", OPTION_FILE, policy, "FILE"), HELP("Cosign for the logs of this policy file (C2SP tlog-policy)", "见证该策略文件中的各日志（C2SP tlog-policy）")},
	{WAY("listen", OPTION_FILE, listen, "ADDRESS:PORT"), HELP("Where to listen (127.0.0.1:7312); port 0: any free one", "监听地址（127.0.0.1:7312），端口 0 为任意空闲端口")},
	{WAY("new", OPTION_SWITCH, fresh, NULL), HELP("Begin with nothing remembered; the first start only", "从无记录开始，仅用于首次启动")},
	{WAY("print", OPTION_SWITCH, print_only, NULL), HELP("Print the witness's key for policy files, and do nothing else", "仅显示供策略文件使用的见证人公钥")},
};
static const struct option_row import_options[] = {
	{WAY("scheme", OPTION_FILE, scheme, "SCHEME"), HELP("us-emanifest (JSON) or cn-national (CSV); else by the file's ending", "us-emanifest（JSON）或 cn-national（CSV）；缺省看扩展名")},
	{WAY("dry-run", OPTION_SWITCH, offline, NULL), HELP("Only report, enter nothing", "仅报告，不导入")},
};

#define URL_ROW(must_) \
	{WAY("url", OPTION_URL, url, "URL"), .must = must_, HELP("The server's HTTP port: http://HOST:PORT, https://HOST or unix:/PATH", "服务器的 HTTP 地址：http://主机:端口、https://主机 或 unix:/路径")}
static const struct option_row mirror_options[] = {
	URL_ROW(true),
	{WAY("token", OPTION_FILE, token, "FILE"), HELP("Token of an auditor (asked for, with --key)", "审计员令牌文件（缺省以 --key 取得）")},
	{WAY("hashes", OPTION_SWITCH, hashes_only, NULL), HELP("Copy the tree alone, without entries; needs no token", "仅复制哈希树，不含记录；无需令牌")},
	{WAY("check", OPTION_SWITCH, everything, NULL), HELP("Check again also what earlier runs have finished", "重新检查此前已完成的部分")},
};
static const struct option_row compare_options[] = {
	URL_ROW(false),
	{WAY("mirror", OPTION_FILE, mirror, "DIR"), HELP("A copy of the log, made by `manifest log mirror`", "`manifest log mirror` 所作的日志副本")},
	{WAY("save", OPTION_FILE, save, "FILE"), HELP("Where evidence of two histories goes (evidence-SIZE-SIZE.json)", "两种历史的证据文件（缺省 evidence-长度-长度.json）")},
};
static const struct option_row rebuild_options[] = {
	{WAY("from", OPTION_FILE, mirror, "DIR"), .must = true, HELP("A copy of the log with its entries, made by `manifest log mirror`", "`manifest log mirror` 所作的含记录的日志副本")},
	{WAY("database", OPTION_FILE, database, "CONNINFO"), .must = true, HELP("An empty database that `manifestd migrate` has prepared, or what a run that was cut short has left; the role manifest_writer is enough", "`manifestd migrate` 已准备的空数据库，或中断的重建所留；manifest_writer 角色即可")},
};
static const struct option_row audit_options[] = {
	{WAY("database", OPTION_FILE, database, "CONNINFO"), .must = true, HELP("The database, as libpq takes it; the role manifest_reader is enough", "数据库连接串（libpq 格式）；manifest_reader 角色即可")},
	{WAY("high-water", OPTION_FILE, high_water, "FILE"), HELP("The server's high-water file, which must be of this history", "服务器的最高水位文件，须属同一历史")},
	{WAY("checkpoint", OPTION_FILES, checkpoints, "FILE"), COUNT(checkpoints_n), HELP("A checkpoint that somebody kept, which must be of this history; repeat", "他人保存的检查点，须属同一历史；可重复")},
	{WAY("threads", OPTION_U32, threads, "N"), HELP("Threads that verify signatures (one for each processor)", "验证签名的线程数（缺省每处理器一个）")},
	{WAY("grace", OPTION_U32, grace, "SECONDS"), .initial = "120", HELP("How long after a deadline its flag may come (120)", "期限过后预警可迟到的秒数（120）")},
	{WAY("limit", OPTION_U32, query.limit, "N"), .initial = "100", HELP("Findings that are listed (100)", "列出的差异数（100）")},
};
static const struct option_row continue_options[] = {
	{WAY("checkpoint", OPTION_FILE, checkpoint, "FILE"), HELP("The newest checkpoint of the old log that anybody holds", "任何人所持的原日志最新检查点")},
	{WAY("mirror", OPTION_FILE, mirror, "DIR"), HELP("A copy of the old log, made by `manifest log mirror`", "`manifest log mirror` 所作的原日志副本")},
	{WAY("out", OPTION_FILE, out, "FILE"), HELP("What `manifestd init --continues` takes (continues.checkpoint)", "供 `manifestd init --continues` 使用的文件（continues.checkpoint）")},
};
static const struct option_row follow_options[] = {
	URL_ROW(false),
	{WAY("mirror", OPTION_FILE, mirror, "DIR"), HELP("A copy of the old log, made by `manifest log mirror`", "`manifest log mirror` 所作的原日志副本")},
};

#define EVENT(g, n, r, k, rows_, f, args, e, z) \
	{.group = g, .name = n, .role = ROLE_##r, .kind = EVENT_##k, ROWS(rows_), .run = f, .arguments = args, HELP(e, z)}
#define STEP_ALONE(g, n, r, k, f, e, z) \
	{.group = g, .name = n, .role = ROLE_##r, .kind = EVENT_##k, .run = f, .custody = true, .arguments = "NUMBER", HELP(e, z)}
#define STEP(g, n, r, k, rows_, f, e, z) \
	{.group = g, .name = n, .role = ROLE_##r, .kind = EVENT_##k, ROWS(rows_), .run = f, .custody = true, .arguments = "NUMBER", HELP(e, z)}
#define SIGN(g, n, r, e, z) \
	{.group = g, .name = n, .role = ROLE_##r, ROWS(out_option), .run = event_sign, .arguments = "FILE", HELP(e, z)}
#define ASK(g, n, r, rows_, f, args, e, z) \
	{.group = g, .name = n, .role = ROLE_##r, ROWS(rows_), .run = f, .arguments = args, HELP(e, z)}
#define PLAIN(g, n, r, f, args, e, z) \
	{.group = g, .name = n, .role = ROLE_##r, .run = f, .arguments = args, HELP(e, z)}

#define LINES_MOVE "\vLines not named move whole; --line LINE=QUANTITY/CONTAINERS (2=1.15t/6) says otherwise. The other side shows a card first (manifest key card), and signs the file afterwards."
#define LINES_MOVE_ZH "\v未指明的行全部移交；--line 行=数量/件数（2=1.15t/6）可另行指明。对方先出示签署卡（manifest key card），再签署所得文件。"

#define WITNESS_MORE "\vA witness (C2SP tlog-witness) signs a checkpoint only when the log proves that it continues the last one it signed: nobody, the operator included, can then show two histories unnoticed. Whoever wants to be sure runs one, on a machine of their own. --key names a secret key that is used for nothing else. What was cosigned is kept in the folder `witness` below --state, on disk before it is answered; whoever loses that folder takes a new key. POST /add-checkpoint asks for a cosignature; GET /HEX/checkpoint gives the last one, where HEX is SHA-256 of the log's origin. Requests that show a second history are kept there as evidence."
#define WITNESS_MORE_ZH "\v见证人（C2SP tlog-witness）仅在日志证明新检查点与上次所签相衔接时签署：任何人（包括运营方）都无法不被察觉地出示两种历史。任何一方均可在自己的机器上运行。--key 指明专用私钥。所签内容先写入 --state 下的 witness 目录再答复；遗失该目录须换新密钥。POST /add-checkpoint 请求见证，GET /HEX/checkpoint 取最近所签，HEX 为日志来源的 SHA-256。出示另一历史的请求留作证据。"

#define CONTINUE_MORE "\vFor a real disaster: the database is lost beyond its last backup, or the log's key is. Collect the newest checkpoint that anybody holds (a copy, a witness, a device), with --log naming the old log's key. It is checked against the copy, written for `manifestd init --continues`, and the commands to go on with are printed. The old name is never used again: nothing the new log says can be taken for the old one's."
#define CONTINUE_MORE_ZH "\v用于真正的灾难：数据库丢失且备份不全，或日志密钥丢失。请收集任何人（副本、见证人、设备）所持的最新检查点，--log 指明原日志公钥。检查点与副本核对后写出，供 `manifestd init --continues` 使用，并给出后续命令。原名称不再使用，新日志所述不会与原日志混淆。"
#define REPLAY_MORE "\vEvery event goes in as its signers signed it, in the old order: registrations first, as they came, then the manifests. Nobody has to sign again, and the receipts of the old log stay true of the old log. What the old server stated itself, flags and settings, is left out: the new one judges afresh. Cut short, it goes on when it is run again."
#define REPLAY_MORE_ZH "\v各事件按签署人原签名、按原顺序录入：登记在前，联单随后；无需重新签署，原日志的回执对原日志仍然有效。原服务器自身的事件（预警、参数）不录入，由新服务器重新判断。中断后再次运行即可继续。"
#define FOLLOW_MORE "\vA device never follows by itself. GENESIS is the file that `manifestd init --genesis` wrote; get it from somebody you trust. The new log must name a checkpoint of the log that --log names, and this device's own newest one must be a beginning of it: when the old log went on after it, --mirror or --url says where a copy shows that. Then the file of --log holds the new key, and FILE.before the old one. A log that leaves out what this device verified is refused: keep the checkpoint, it is evidence."
#define FOLLOW_MORE_ZH "\v设备从不自行转入。GENESIS 为 `manifestd init --genesis` 所写的文件，请自可信来源取得。新日志须载明 --log 所指日志的检查点，且本机最新检查点须为其开端；若原日志此后仍有增长，则以 --mirror 或 --url 指明可证明此点的副本。完成后 --log 文件为新公钥，原公钥存于 文件.before。若新日志遗漏本机已验证的内容则拒绝：请保留该检查点作为证据。"

/* What parties and inspectors alike may ask. */
#define QUERIES(g, r) \
	ASK(g, "flags", r, flag_options, query_flags_run, NULL, "List flags", "查询预警"), \
	ASK(g, "search", r, search_options, query_search_run, "[NUMBER...]", "Find manifests", "查询联单"), \
	ASK(g, "trail", r, trail_options, query_trail_run, "NUMBER", "Show a manifest's trail and check all of it", "查看并验证一份联单的轨迹"), \
	ASK(g, "summary", r, summary_options, query_summary_run, NULL, "Sum up a party", "单位汇总"), \
	PLAIN(g, "entry", r, query_entry_run, "INDEX", "Show one entry of the log, checked", "查看并验证日志中的一条记录"), \
	ASK(g, "token", r, token_options, query_token_run, NULL, "Get a token for HTTP", "取得 HTTP 令牌")

const struct command commands[] = {
	PLAIN("key", "new", NONE, key_new, "FILE", "Make a secret key in FILE (0600), its public key in FILE.pub", "生成私钥文件（0600），公钥写入 文件.pub"),
	PLAIN("key", "show", NONE, key_show, "FILE", "Print the public key and its id", "显示公钥及其编号"),
	ASK("key", "card", NONE, out_option, key_card, NULL, "Show a card: who will sign, with which running number, having seen what", "出示签署卡：签署人、流水号、所见检查点"),
	PLAIN("key", "waiting", NONE, key_waiting, NULL, "List the running numbers that have not arrived", "列出尚未送达的流水号"),
	PLAIN("key", "settle", NONE, key_settle, NULL, "Send what waits, give up what was refused", "发送待发事件，作废被拒号码"),
	ASK("key", "void", NONE, void_key_options, key_void, NULL, "Give up a running number", "作废一个流水号"),

	ASK("key", "follow", NONE, follow_options, key_follow_run, "GENESIS", "Follow a lost log to the one that goes on for it" FOLLOW_MORE, "由已失日志转入其延续日志" FOLLOW_MORE_ZH),

	EVENT("registrar", "party", REGISTRAR, PARTY_REGISTERED, party_options, registrar_party, NULL, "Register a party", "登记单位"),
	EVENT("registrar", "party-change", REGISTRAR, PARTY_CHANGED, party_change_options, registrar_party, NULL, "Replace what is registered of a party", "变更单位登记"),
	EVENT("registrar", "enrol", REGISTRAR, KEY_ENROLLED, enrol_options, registrar_enrol, NULL, "Enrol a device's key; the new key signs too", "登记设备密钥，新密钥须共同签署"),
	EVENT("registrar", "revoke", REGISTRAR, KEY_REVOKED, revoke_options, registrar_revoke, NULL, "Revoke a key", "吊销密钥"),
	EVENT("registrar", "vehicle", REGISTRAR, VEHICLE_REGISTERED, vehicle_options, registrar_vehicle, NULL, "Register a vehicle", "登记车辆"),
	EVENT("registrar", "person", REGISTRAR, PERSON_REGISTERED, person_options, registrar_person, "VALUE|-", "Register a person: the log keeps a salted hash alone", "登记人员：日志中仅存加盐哈希"),
	EVENT("registrar", "permit", REGISTRAR, PERMIT_GRANTED, permit_options, registrar_permit, NULL, "Grant a permit", "颁发许可证"),
	EVENT("registrar", "permit-change", REGISTRAR, PERMIT_CHANGED, permit_change_options, registrar_permit, NULL, "Replace a permit", "变更许可证"),
	EVENT("registrar", "permit-revoke", REGISTRAR, PERMIT_REVOKED, permit_revoke_options, registrar_permit_revoke, NULL, "Revoke a permit", "吊销许可证"),
	EVENT("registrar", "block", REGISTRAR, NUMBER_BLOCK_GRANTED, block_options, registrar_plain, NULL, "Grant a block of manifest numbers", "授予联单号段"),
	EVENT("registrar", "setting", REGISTRAR, SETTING_CHANGED, setting_options, registrar_plain, NULL, "Change a setting that judging reads", "变更规则参数"),
	EVENT("registrar", "reference", REGISTRAR, REFERENCE_LOADED, reference_options, registrar_reference, "FILE", "Put a reference file to use; the operator has loaded it into the database", "启用基础数据文件（须已由管理员装入数据库）"),
	EVENT("registrar", "add", REGISTRAR, REGISTRAR_ADDED, add_registrar_options, registrar_enrol, NULL, "Add a registrar; signed by two once there are two", "增加登记员；已有两名后须两人签署"),
	EVENT("registrar", "remove", REGISTRAR, REGISTRAR_REMOVED, remove_registrar_options, registrar_plain, NULL, "Remove a registrar; signed by two", "撤销登记员，须两人签署"),
	QUERIES("registrar", REGISTRAR),

	EVENT("generator", "issue", GENERATOR, ISSUED, issue_options, custody_issue, NULL, "Begin a manifest", "开具联单"),
	STEP("generator", "load", GENERATOR, LOADED, load_options, custody_transfer, "Hand a load to the vehicle" LINES_MOVE, "装车交承运人" LINES_MOVE_ZH),
	SIGN("generator", "take-back", GENERATOR, "Sign for what comes back", "签收退回的废物"),
	STEP("generator", "attest", GENERATOR, ATTESTED, attest_options, custody_attest, "State a step alone, when the other side does not sign", "对方不签署时单方声明一步"),
	EVENT("generator", "confirm", GENERATOR, CONFIRMED, confirm_options, custody_confirm, "NUMBER", "Sign after all for a step that the other side attested", "补签对方单方声明的一步"),
	EVENT("generator", "cancel", GENERATOR, CANCELLED, cancel_options, custody_cancel, "NUMBER", "Mark a manifest as cancelled", "作废联单"),
	EVENT("generator", "void", GENERATOR, VOIDED, void_options, registrar_plain, NULL, "Give up a manifest number", "作废未用的联单编号"),
	PLAIN("generator", "blocks", GENERATOR, query_blocks_run, NULL, "List the granted number blocks", "列出号段"),
	QUERIES("generator", GENERATOR),

	SIGN("vehicle", "load", TRANSPORTER, "Sign for a load that is taken", "签收装车"),
	STEP("vehicle", "hand-over", TRANSPORTER, HANDED_OVER, hand_over_options, custody_transfer, "Hand a load to the later carrier" LINES_MOVE, "联运交接给后一承运人" LINES_MOVE_ZH),
	SIGN("vehicle", "take-over", TRANSPORTER, "Sign for a load taken from the earlier carrier", "签收联运交接"),
	STEP("vehicle", "deliver", TRANSPORTER, DELIVERED, deliver_options, custody_transfer, "Hand a load to the facility" LINES_MOVE, "交付经营单位" LINES_MOVE_ZH),
	SIGN("vehicle", "take-back", TRANSPORTER, "Sign for what the facility refused", "签收被拒收的废物"),
	STEP("vehicle", "return", TRANSPORTER, RETURNED, return_options, custody_transfer, "Bring what was refused back to the generator", "将拒收的废物退回移出人"),
	STEP("vehicle", "attest", TRANSPORTER, ATTESTED, attest_options, custody_attest, "State a step alone, when the other side does not sign", "对方不签署时单方声明一步"),
	EVENT("vehicle", "confirm", TRANSPORTER, CONFIRMED, confirm_options, custody_confirm, "NUMBER", "Sign after all for a step that the other side attested", "补签对方单方声明的一步"),
	QUERIES("vehicle", TRANSPORTER),

	SIGN("facility", "deliver", FACILITY, "Sign for a load that arrives", "签收运抵的废物"),
	STEP_ALONE("facility", "receive", FACILITY, RECEIVED, custody_receive, "Decide on every line; what is not named is accepted\v--line LINE=accepted[;METHOD], LINE=partly;QUANTITY/CONTAINERS;METHOD;DIFFERENCE (the rest is refused), LINE=refused;DIFFERENCE", "逐行确认，未指明者接受\v--line 行=accepted[;方式]、行=partly;数量/件数;方式;差异（其余拒收）、行=refused;差异"),
	STEP_ALONE("facility", "treat", FACILITY, TREATED, custody_treat, "Recover or dispose; all that is left, unless lines are named\v--line LINE=QUANTITY/CONTAINERS[;METHOD]", "利用或处置，缺省为全部余量\v--line 行=数量/件数[;方式]"),
	STEP("facility", "return", FACILITY, RETURNED, return_options, custody_transfer, "Give what was refused back to the vehicle", "将拒收的废物交承运人退回"),
	STEP("facility", "attest", FACILITY, ATTESTED, attest_options, custody_attest, "State a step alone, when the other side does not sign", "对方不签署时单方声明一步"),
	EVENT("facility", "confirm", FACILITY, CONFIRMED, confirm_options, custody_confirm, "NUMBER", "Sign after all for a step that the other side attested", "补签对方单方声明的一步"),
	QUERIES("facility", FACILITY),

	QUERIES("inspector", INSPECTOR),
	PLAIN("inspector", "watch", INSPECTOR, query_watch_run, NULL, "Show new flags as they are raised", "实时显示新预警"),
	EVENT("inspector", "resolve", INSPECTOR, FLAG_RESOLVED, resolve_options, inspector_resolve, "FLAG", "Close a flag with a reason", "处理预警"),

	QUERIES("auditor", AUDITOR),

	ASK("log", "mirror", NONE, mirror_options, log_mirror_run, "DIR", "Copy the whole log over HTTP, checked as it goes\vFrom the root of the signed checkpoint downward every tile and every entry is checked before it is kept. What was cut short goes on where it ended. DIR has the layout of C2SP tlog-tiles, so any web server can serve it. Run it again to add what is new: when the log no longer continues what DIR holds, evidence of that is written to DIR and the exit status is 1.", "以 HTTP 复制整个日志，边取边验证\v自已签署检查点的根哈希起，逐块逐条验证后方予保存；中断后可续传。目录为 C2SP tlog-tiles 布局，可由任何网页服务器提供。再次运行即增量更新；若日志与目录所存历史不相接，则把证据写入该目录，退出状态为 1。"),
	ASK("log", "audit", NONE, audit_options, log_audit_run, NULL, "Judge a database's whole log again and compare every table with it\vEvery signature, every hash, every deadline: what follows from the entries is computed again, by the server's own rules, and compared with what is stored. Any row that was changed, added, deleted or back-dated by hand is named with its table, key and entry, and so is a flag that should have been raised and was not. It reads one moment of a running server's database and changes nothing. Exit status 1: something does not agree. Needs room for temporary rows in TMPDIR (/var/tmp).", "对数据库中的整个日志重新判定，并与各表逐行比较\v逐一验证签名、哈希与期限，按服务器同一规则由日志重新算出各表，再与所存比较。凡人为改动、增添、删除或倒填的行，均指明表、主键与日志记录；应有而缺的预警亦然。可在服务器运行时对同一时刻的快照进行，不作任何更改。退出状态 1：有不符之处。临时数据置于 TMPDIR（/var/tmp）。"),
	ASK("log", "rebuild", NONE, rebuild_options, log_rebuild_run, NULL, "Make a database again from a copy of its log\vThe disaster plan: every entry of the copy is held against the signed checkpoint, its signatures are verified and it is judged again; entries, tree and all tables are written as the server wrote them. The server can then go on with its own key files. Until a run has ended the server refuses the database; a run that was cut short is run again, and empties it first. Refused envelopes of forks, what persons' ids stand for, and older checkpoints are not in the log and cannot be made again.", "由日志副本重建数据库\v灾难恢复：逐条对照已签署的检查点，验证签名并重新判定，写入记录、哈希树与各表，与服务器所写一致；随后服务器即可以原密钥文件继续运行。完成之前服务器拒绝使用该数据库；中断后再运行一次即可，会先将其清空。分叉的被拒信封、人员编号所指及较早的检查点不在日志中，无法重建。"),
	ASK("log", "compare", NONE, compare_options, log_compare_run, "A B", "Can two checkpoints belong to one history?\vBoth files are signed checkpoints. If they cannot, the evidence is written to a file, which proves it to anyone who has the log's key, and the exit status is 1.", "两个检查点是否属于同一历史\v两个文件均为已签署的检查点。若不属于同一历史，则写出证据文件，持有日志公钥者均可据以验证；退出状态为 1。"),
	PLAIN("log", "evidence", NONE, log_evidence_run, "FILE", "Does a file prove that the log told two histories?", "验证证据文件是否证明日志存在两种历史"),

	ASK("log", "continue-as", NONE, continue_options, log_continue_run, "NEW-ORIGIN", "Prepare a new log that goes on for one that was lost" CONTINUE_MORE, "为已失的日志准备延续日志" CONTINUE_MORE_ZH),
	PLAIN("log", "replay", REGISTRAR, log_replay_run, "DIR", "Enter the events of a copy of the old log again" REPLAY_MORE, "自原日志副本重新录入事件" REPLAY_MORE_ZH),

	SIGN(NULL, "sign", NONE, "Add this key's signature to an event file; send it when it is complete", "在事件文件上签署，签齐后发送"),
	PLAIN(NULL, "send", NONE, event_send, "FILE...", "Send event files, also those of others", "发送事件文件，包括他人的"),
	PLAIN(NULL, "show", NONE, event_show, "FILE", "Show an event file", "显示事件文件"),
	PLAIN(NULL, "checkpoint", NONE, query_checkpoint_run, NULL, "Show the log's newest checkpoint, verified", "显示经验证的最新检查点"),
	ASK(NULL, "verify", NONE, verify_options, verify_run, "FILE...", "Check saved trails and bundles offline, by the log's key alone", "离线验证所存的轨迹与证据包"),
	ASK(NULL, "witness", NONE, witness_options, witness_run, NULL, "Cosign the checkpoints of logs over HTTP" WITNESS_MORE, "以 HTTP 见证各日志的检查点" WITNESS_MORE_ZH),
	ASK(NULL, "import", NONE, import_options, import_run, "FILE...", "Enter records of other systems", "导入其他系统的记录"),
};
const size_t commands_n = ARRAY_LEN(commands);
/* clang-format on */
