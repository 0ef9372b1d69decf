/* Owns the words of the protocol's numbers. */
#include "core/words.h"

#include "core/judge.h"

#define END                                                                                                  \
	{                                                                                                    \
		0, NULL, NULL, NULL                                                                          \
	}

/* clang-format off */
const struct word role_words[] = {
	{ROLE_GENERATOR, "generator", "generator", "产生单位"},
	{ROLE_TRANSPORTER, "transporter", "transporter", "承运人"},
	{ROLE_FACILITY, "facility", "facility", "经营单位"},
	{ROLE_REGISTRAR, "registrar", "registrar", "登记员"},
	{ROLE_INSPECTOR, "inspector", "inspector", "监察员"},
	{ROLE_AUDITOR, "auditor", "auditor", "审计员"},
	{ROLE_SERVER, "server", "server", "服务器"},
	END
};
const struct word event_words[] = {
	{EVENT_GENESIS, "genesis", "log begun", "日志创始"},
	{EVENT_SETTING_CHANGED, "setting_changed", "setting changed", "规则参数变更"},
	{EVENT_REFERENCE_LOADED, "reference_loaded", "reference data loaded", "基础数据启用"},
	{EVENT_REGISTRAR_ADDED, "registrar_added", "registrar added", "增加登记员"},
	{EVENT_REGISTRAR_REMOVED, "registrar_removed", "registrar removed", "撤销登记员"},
	{EVENT_PARTY_REGISTERED, "party_registered", "party registered", "单位登记"},
	{EVENT_PARTY_CHANGED, "party_changed", "party changed", "单位变更"},
	{EVENT_KEY_ENROLLED, "key_enrolled", "key enrolled", "密钥登记"},
	{EVENT_KEY_REVOKED, "key_revoked", "key revoked", "密钥吊销"},
	{EVENT_PERSON_REGISTERED, "person_registered", "person registered", "人员登记"},
	{EVENT_VEHICLE_REGISTERED, "vehicle_registered", "vehicle registered", "车辆登记"},
	{EVENT_PERMIT_GRANTED, "permit_granted", "permit granted", "许可证颁发"},
	{EVENT_PERMIT_CHANGED, "permit_changed", "permit changed", "许可证变更"},
	{EVENT_PERMIT_REVOKED, "permit_revoked", "permit revoked", "许可证吊销"},
	{EVENT_NUMBER_BLOCK_GRANTED, "number_block_granted", "number block granted", "号段授予"},
	{EVENT_ISSUED, "issued", "issued", "开具"},
	{EVENT_LOADED, "loaded", "loaded", "启运"},
	{EVENT_HANDED_OVER, "handed_over", "handed over", "联运交接"},
	{EVENT_DELIVERED, "delivered", "delivered", "运抵"},
	{EVENT_RECEIVED, "received", "decided by the receiver", "接收确认"},
	{EVENT_RETURNED, "returned", "returned", "退回"},
	{EVENT_TREATED, "treated", "treated", "利用处置"},
	{EVENT_ATTESTED, "attested", "attested by one side", "单方声明"},
	{EVENT_CONFIRMED, "confirmed", "confirmed by the other side", "对方确认"},
	{EVENT_CANCELLED, "cancelled", "cancelled", "作废"},
	{EVENT_IMPORTED, "imported", "imported", "导入"},
	{EVENT_VOIDED, "voided", "number voided", "号码作废"},
	{EVENT_FLAG_RAISED, "flag_raised", "flag raised", "预警"},
	{EVENT_FLAG_CLEARED, "flag_cleared", "flag cleared", "预警解除"},
	{EVENT_FLAG_RESOLVED, "flag_resolved", "flag resolved", "预警处理"},
	END
};
const struct word state_words[] = {
	{STATE_ISSUED, "issued", "issued", "已开具"},
	{STATE_IN_TRANSIT, "in_transit", "in transit", "运输中"},
	{STATE_DELIVERED, "delivered", "delivered", "已运抵"},
	{STATE_ACCEPTED, "accepted", "accepted", "已接受"},
	{STATE_PARTLY_ACCEPTED, "partly_accepted", "partly accepted", "部分接受"},
	{STATE_REFUSED, "refused", "refused", "已拒收"},
	{STATE_RETURNING, "returning", "returning", "退运中"},
	{STATE_RETURNED, "returned", "returned", "已退回"},
	{STATE_CLOSED, "closed", "closed", "已办结"},
	END
};
const struct word flag_words[] = {
	{FLAG_NOT_COLLECTED, "not_collected", "not collected", "逾期未启运"},
	{FLAG_OVERDUE, "overdue", "overdue in transit", "逾期未运抵"},
	{FLAG_NOT_CONFIRMED, "not_confirmed", "receipt not confirmed", "逾期未确认接收"},
	{FLAG_REFUSED_ADRIFT, "refused_adrift", "refused and not returned", "拒收后逾期未退回"},
	{FLAG_NOT_TREATED, "not_treated", "not treated in time", "贮存超期"},
	{FLAG_QUANTITY, "quantity", "weights differ", "重量差异"},
	{FLAG_CONTAINERS, "containers", "containers differ", "件数差异"},
	{FLAG_CANCELLED_LOADED, "cancelled_loaded", "cancelled, yet loaded", "作废后仍启运"},
	{FLAG_FORK, "fork", "two versions of a step", "同一步骤出现两个事件"},
	{FLAG_ATTESTED, "attested", "one side alone", "单方声明"},
	{FLAG_KEY_LAPSED, "key_lapsed", "key revoked under way", "签名密钥已吊销"},
	{FLAG_PERMIT_LAPSED, "permit_lapsed", "permit, vehicle or party lapsed", "许可证、车辆或单位失效"},
	{FLAG_CLOCK, "clock", "device clock wrong", "设备时钟偏差"},
	{FLAG_NUMBER_GAP, "number_gap", "running number missing", "签名流水号缺号"},
	{FLAG_NUMBER_REUSED, "number_reused", "running number used twice", "签名流水号重复"},
	{FLAG_TWO_HISTORIES, "two_histories", "two histories", "出现两份日志历史"},
	{FLAG_OVER_CAPACITY, "over_capacity", "over the vehicle's capacity", "超过车辆核定载质量"},
	END
};
const struct word class_words[] = {
	{1, "none", "not a generator", "非产生单位"},
	{2, "key", "key", "重点监管"},
	{3, "simplified", "simplified", "简化管理"},
	{4, "registered", "registered", "登记管理"},
	END
};
const struct word packaging_words[] = {
	{1, "drum", "drum", "桶"}, {2, "box", "box", "箱"}, {3, "bag", "bag", "袋"},
	{4, "tank", "tank", "罐"}, {5, "bulk", "bulk", "散装"}, {6, "sharps", "sharps box", "利器盒"},
	{7, "other", "other", "其他"},
	END
};
const struct word form_words[] = {
	{1, "solid", "solid", "固态"}, {2, "semisolid", "semi-solid", "半固态"},
	{3, "liquid", "liquid", "液态"}, {4, "gas", "gas", "气态"},
	END
};
const struct word decision_words[] = {
	{DECISION_ACCEPTED, "accepted", "accepted", "接受"},
	{DECISION_PARTLY, "partly", "partly accepted", "部分接受"},
	{DECISION_REFUSED, "refused", "refused", "拒收"},
	END
};
const struct word attest_words[] = {
	{1, "will_not", "will not sign", "拒绝签署"},
	{2, "cannot", "cannot sign", "无法签署"},
	{3, "closed", "no longer exists", "已不存在"},
	END
};
const struct word resolution_words[] = {
	{1, "explained", "explained", "情况属实无误"},
	{2, "corrected", "corrected", "已改正"},
	{3, "sanctioned", "sanctioned", "已处罚"},
	END
};
const struct word refusal_words[] = {
	{REFUSAL_MALFORMED, "malformed", "cannot be read", "无法读取"},
	{REFUSAL_SIGNATURE, "signature", "signature", "签名不成立"},
	{REFUSAL_RULE, "rule", "against a rule", "不符合规定"},
	{REFUSAL_FORK, "fork", "another event stands in its place", "该步骤已有另一事件"},
	{REFUSAL_DESCENDS, "descends", "descends from a refused event", "前序事件已被拒绝"},
	{REFUSAL_PREDECESSOR, "predecessor", "send its predecessor first", "请先提交前序事件"},
	{REFUSAL_LATER, "later", "try again later", "请稍后重试"},
	{REFUSAL_UNAVAILABLE, "unavailable", "unavailable for now", "暂不可用"},
	{REFUSAL_NOT_WRITER, "not_writer", "this server only reads", "该服务器只供查询"},
	{REFUSAL_FORBIDDEN, "forbidden", "not for this role or party", "无权"},
	{REFUSAL_NOT_FOUND, "not_found", "not found", "未找到"},
	{REFUSAL_FAULT, "fault", "the server's fault", "服务器故障"},
	END
};
const struct word leg_words[] = {
	{RETURN_OUT, "out", "facility to transporter", "经营单位交承运人"},
	{RETURN_BACK, "back", "transporter to generator", "承运人交移出人"},
	END
};
const struct word reference_words[] = {
	{REFERENCE_WASTE_CODES, "waste_codes", "waste codes", "废物名录"},
	{REFERENCE_DIVISIONS, "divisions", "divisions", "行政区划"},
	{REFERENCE_TREATMENT_METHODS, "treatment_methods", "treatment methods", "利用处置方式"},
	{REFERENCE_CALENDAR, "calendar", "calendar", "工作日历"},
	END
};
/* clang-format on */

const struct word *word_of(const struct word *words, int value)
{
	static const struct word unknown = {0, "", "", ""};

	for (; words->name != NULL; words++)
		if (words->value == value)
			return words;
	return &unknown;
}

const struct word *word_named(const struct word *words, struct span name)
{
	for (; words->name != NULL; words++)
		if (span_eq_str(name, words->name))
			return words;
	return NULL;
}
