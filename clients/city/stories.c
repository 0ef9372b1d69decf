/* Owns the table of stories. */
#include "city/stories.h"

#include <stdlib.h>

#include "city/permits.h"

static const char heavy[] = "包装破损，含水率高于约定，超出部分不予接受";

/* ---- ordinary lives ---- */

static void to_the_gate(struct city *c, struct load *l)
{
	load_wait(c, l, 20, 90);
	(void)step_load(c, l);
	load_wait(c, l, 35, 150);
	(void)step_deliver(c, l);
}

static void at_the_plant(struct city *c, struct load *l)
{
	load_wait(c, l, 10, 120);
	if (step_receive(c, l, 0, NULL) == NULL || dice_chance(&c->dice, 12))
		return;
	load_wait(c, l, 45, 400);
	(void)step_treat(c, l);
}

static void ordinary(struct city *c, struct load *l)
{
	(void)step_issue(c, l);
	to_the_gate(c, l);
	at_the_plant(c, l);
}

static const struct vehicle *another(struct city *c, const struct load *l)
{
	const struct vehicle *v;

	do
		v = &c->vehicles[RESERVED + dice_below(&c->dice, (uint32_t)(c->vehicles_n - RESERVED))];
	while (v->owner == l->vehicle->owner || v->capacity_grams < l->vehicle->capacity_grams);
	return v;
}

static void combined(struct city *c, struct load *l)
{
	(void)step_issue(c, l);
	load_wait(c, l, 20, 60);
	(void)step_load(c, l);
	load_wait(c, l, 20, 60);
	(void)step_hand_over(c, l, another(c, l));
	load_wait(c, l, 20, 90);
	(void)step_deliver(c, l);
	at_the_plant(c, l);
}

static void returned(struct city *c, struct load *l)
{
	(void)step_issue(c, l);
	to_the_gate(c, l);
	load_wait(c, l, 10, 60);
	if (step_receive(c, l, 40, "危险特性与约定不符") == NULL ||
	    l->steps[l->steps_n - 1]->event.received.lines[0].refused.line == 0)
		return;
	load_wait(c, l, 15, 60);
	(void)step_give_back(c, l, RETURN_OUT);
	load_wait(c, l, 30, 90);
	(void)step_give_back(c, l, RETURN_BACK);
	load_wait(c, l, 15, 200);
	(void)step_treat(c, l);
}

static void cancelled(struct city *c, struct load *l)
{
	(void)step_issue(c, l);
	load_wait(c, l, 5, 60);
	(void)step_cancel(c, l, "车辆故障，改期转移");
}

static void spoilt(struct city *c, struct load *l)
{
	struct step *s = step_issue(c, l);

	/* Not issued after all: the number is given up instead. */
	s->event.kind = EVENT_VOIDED;
	s->event.voided = (struct voided){.reason = span_str("编号填写错误，停用")};
	l->head = NULL;
}

/* The one that is told in full: light, short of a drum, over two vehicles, partly refused. */
static void hero(struct city *c, struct load *l)
{
	load_only(c, l, "900-249-08", 0);
	l->lines_n = 2;
	load_carry(c, l, 0, &industries[1].streams[0]);
	load_carry(c, l, 1, &industries[1].streams[1]);
	l->lines[0].grams = 3600000;
	l->lines[0].containers = 20;
	l->lines[1].grams = 1280000;
	l->lines[1].containers = 8;
	load_draw_vehicle(c, l);
	load_begin(c, l, l->issued_at);
	c->hero = l;
	(void)step_issue(c, l);
	load_wait(c, l, 30, 50);
	(void)step_load(c, l);
	load_wait(c, l, 40, 60);
	(void)step_hand_over(c, l, another(c, l));
	l->lines[0].grams = 2520000;
	l->lines[0].containers = 17;
	load_wait(c, l, 100, 140);
	(void)step_deliver(c, l);
	load_wait(c, l, 20, 40);
	(void)step_receive(c, l, 35, heavy);
	load_wait(c, l, 20, 40);
	(void)step_give_back(c, l, RETURN_OUT);
	load_wait(c, l, 50, 80);
	(void)step_give_back(c, l, RETURN_BACK);
	load_wait(c, l, 100, 160);
	(void)step_treat(c, l);
}

/* ---- loads that go astray ---- */

static void plan_tightly(struct step *s)
{
	s->event.issued.collect_by = s->event.occurred_at + HOUR;
	s->event.issued.arrive_by = s->event.occurred_at + 4 * HOUR;
}

static void never_arrives(struct city *c, struct load *l)
{
	plan_tightly(step_issue(c, l));
	load_wait(c, l, 20, 90);
	(void)step_load(c, l);
}

static void light(struct city *c, struct load *l)
{
	(void)step_issue(c, l);
	load_wait(c, l, 20, 90);
	(void)step_load(c, l);
	l->lines[0].grams = l->lines[0].grams / 100 * dice_between(&c->dice, 52, 83);
	load_wait(c, l, 35, 200);
	(void)step_deliver(c, l);
	at_the_plant(c, l);
}

static void short_of_containers(struct city *c, struct load *l)
{
	if (l->lines[0].containers < 5)
		l->lines[0].containers = 5;
	(void)step_issue(c, l);
	load_wait(c, l, 20, 90);
	(void)step_load(c, l);
	l->lines[0].containers -= 1 + dice_below(&c->dice, 2);
	load_wait(c, l, 35, 150);
	(void)step_deliver(c, l);
	at_the_plant(c, l);
}

static void too_heavy(struct city *c, struct load *l)
{
	l->vehicle = &c->vehicles[RESERVED];
	while (l->vehicle->capacity_grams > 5000000)
		l->vehicle++;
	(void)step_issue(c, l);
	l->lines[0].grams = l->vehicle->capacity_grams / 100 * dice_between(&c->dice, 112, 145);
	load_wait(c, l, 20, 90);
	(void)step_load(c, l);
	load_wait(c, l, 35, 150);
	(void)step_deliver(c, l);
	at_the_plant(c, l);
}

static void cancelled_and_gone(struct city *c, struct load *l)
{
	(void)step_issue(c, l);
	load_wait(c, l, 20, 60);
	(void)step_load(c, l);
	load_wait(c, l, 20, 60);
	(void)step_cancel(c, l, "计划取消");
}

static void unsigned_delivery(struct city *c, struct load *l)
{
	(void)step_issue(c, l);
	load_wait(c, l, 20, 60);
	(void)step_load(c, l);
	load_wait(c, l, 60, 150);
	(void)step_attest(c, l, step_deliver(c, l), 0, 1, "磅房拒绝签字，货已卸下");
}

static void signed_later(struct city *c, struct load *l)
{
	(void)step_issue(c, l);
	load_wait(c, l, 20, 60);
	struct step *s = step_attest(c, l, step_load(c, l), 1, 2, "产废单位终端没电");
	load_wait(c, l, 60, 100);
	(void)step_confirm(c, l, s, &l->generator->devices[0]);
	(void)step_deliver(c, l);
	at_the_plant(c, l);
}

static void permit_ends(struct city *c, struct load *l)
{
	load_only(c, l, "900-041-49", TRIAL_PLANT);
	load_begin(c, l, l->issued_at);
	l->permit = TRIAL_PERMIT;
	(void)step_issue(c, l);
	load_wait(c, l, 20, 60);
	(void)step_load(c, l);
	l->at = city_trial_ends(c);
	load_wait(c, l, 20, 90);
	(void)step_deliver(c, l);
	at_the_plant(c, l);
}

/* The vehicle's device is lost on the way; what it had signed before counts, what it signs after does not. */
static void key_lost(struct city *c, struct load *l)
{
	struct terminal *gate = &l->facility->devices[0];

	l->vehicle = &c->vehicles[c->lost++ % RESERVED];
	(void)step_issue(c, l);
	load_wait(c, l, 20, 60);
	struct step *loaded = step_load(c, l);
	struct step *revoked = city_step(c, &c->steps);
	revoked->signers[0] = revoked->courier = &c->registrar;
	revoked->signers_n = 1;
	revoked->event.kind = EVENT_KEY_REVOKED;
	revoked->signed_at = revoked->bring_at = l->at + 40 * MINUTE;
	revoked->event.occurred_at = c->now; /* the registrar's key is as old as the log */
	revoked->event.key_revoked = (struct key_revoked){.keyid = l->vehicle->device->keyid,
							  .revoked_from = l->at + 20 * MINUTE,
							  .reason = span_str("车载终端遗失")};
	l->vehicle->device->revoked = true;
	loaded->after = revoked;
	loaded->bring_at = l->at + 70 * MINUTE;
	load_wait(c, l, 75, 120);
	struct step *s = step_not_taken(l, step_deliver(c, l), REFUSAL_SIGNATURE, "key.revoked");
	s->courier = gate;
	load_wait(c, l, 5, 15);
	(void)step_attest(c, l, step_deliver(c, l), 1, 2, "车载终端遗失，由接受单位单方声明");
	at_the_plant(c, l);
}

/* ---- what is refused ---- */

static void no_permit(struct city *c, struct load *l)
{
	const struct actor *right = l->facility;

	do
		l->facility = &c->plants[dice_below(&c->dice, PLANTS)];
	while (l->facility == right || plant_method(l->facility->plant, l->streams[0]->code) != NULL);
	l->permit = l->facility->plant->permit;
	(void)step_not_taken(l, step_issue(c, l), REFUSAL_RULE, "permit.code");
}

static void unknown_code(struct city *c, struct load *l)
{
	static const struct stream made_up = {"999-999-49", "不明废物", 1, 1, 100, 900, 180};

	l->streams[0] = &made_up;
	(void)step_not_taken(l, step_issue(c, l), REFUSAL_RULE, "waste.code.unknown");
}

static void stranger(struct city *c, struct load *l)
{
	struct step *s = step_not_taken(l, step_issue(c, l), REFUSAL_RULE, "party.unknown");

	/* A company that is registered under another site only. */
	s->event.issued.transporter.site = 2;
}

static void two_truths(struct city *c, struct load *l)
{
	(void)step_issue(c, l);
	load_wait(c, l, 20, 60);
	struct step *first = step_load(c, l);
	load_wait(c, l, 1, 5);
	struct step *second = step_double(c, l, first);
	struct line_quantity *lines = step_own_lines(c, second);
	lines[0].grams = lines[0].grams * 2 / 3;
	second->after = first;
	load_wait(c, l, 30, 60);
	l->head = second;
	struct step *on_it = step_not_taken(l, step_deliver(c, l), REFUSAL_DESCENDS, "chain.descends");
	on_it->courier = second->courier;
	(void)step_not_taken(l, second, REFUSAL_FORK, "chain.fork");
	l->head = first;
	load_wait(c, l, 20, 60);
	(void)step_deliver(c, l);
	at_the_plant(c, l);
}

static void number_twice(struct city *c, struct load *l)
{
	struct step *first = step_issue(c, l);

	load_wait(c, l, 10, 40);
	struct step *second = step_not_taken(l, step_double(c, l, first), REFUSAL_FORK, "number.used");
	second->after = first;
	l->head = first;
	to_the_gate(c, l);
	at_the_plant(c, l);
}

static void forged(struct city *c, struct load *l)
{
	(void)step_issue(c, l);
	to_the_gate(c, l);
	load_wait(c, l, 10, 30);
	struct step *s = step_not_taken(l, step_receive(c, l, 0, NULL), REFUSAL_SIGNATURE, "signature");
	s->twist = FORGED;
	s->courier = l->vehicle->device;
	at_the_plant(c, l);
}

static void cut_short(struct city *c, struct load *l)
{
	struct step *s = step_not_taken(l, step_issue(c, l), REFUSAL_MALFORMED, NULL);

	s->twist = CUT_SHORT;
	load_wait(c, l, 5, 20);
	ordinary(c, l);
}

static void clock_ahead(struct city *c, struct load *l)
{
	struct step *s = step_not_taken(l, step_issue(c, l), REFUSAL_LATER, "time.future");

	s->event.occurred_at = c->now + 3 * HOUR;
	s->event.number = city_number(c, l->generator, s->event.occurred_at);
	load_wait(c, l, 5, 20);
	ordinary(c, l);
}

/* ---- what is accepted, and remembered ---- */

static void clock_behind(struct city *c, struct load *l)
{
	(void)step_issue(c, l);
	load_wait(c, l, 20, 60);
	struct step *s = step_load(c, l);
	s->event.occurred_at -= 3 * HOUR;
	load_wait(c, l, 35, 150);
	(void)step_deliver(c, l);
	at_the_plant(c, l);
}

static void restored_device(struct city *c, struct load *l)
{
	ordinary(c, l);
	l->steps[1]->twist = NUMBER_TWICE;
}

static void other_history(struct city *c, struct load *l)
{
	ordinary(c, l);
	l->steps[2]->twist = OTHER_SEEN;
}

static void replayed(struct city *c, struct load *l)
{
	ordinary(c, l);
	struct step *s = city_step(c, &c->steps);
	size_t made = s->made;
	*s = *l->steps[2];
	s->made = made;
	s->previous = NULL;
	s->twist = REPLAYED;
	s->original = s->after = l->steps[2];
	s->courier = &l->facility->devices[GATES - 1];
	s->bring_at = c->now - 30 * MINUTE;
}

static void too_early(struct city *c, struct load *l)
{
	ordinary(c, l);
	l->steps[1]->courier = l->vehicle->device;
	l->steps[1]->bring_at = l->steps[2]->signed_at + 20 * MINUTE;
	l->steps[2]->twist = EARLY;
	l->steps[2]->courier = l->steps[2]->signers[1];
}

/* ---- stuck for long ---- */

static void never_collected(struct city *c, struct load *l)
{
	load_begin(c, l, c->now - dice_between(&c->dice, 4, 12) * DAY);
	plan_tightly(step_issue(c, l));
}

static void long_overdue(struct city *c, struct load *l)
{
	load_begin(c, l, c->now - dice_between(&c->dice, 3, 25) * DAY);
	plan_tightly(step_issue(c, l));
	load_wait(c, l, 20, 90);
	(void)step_load(c, l);
}

static void never_confirmed(struct city *c, struct load *l)
{
	load_begin(c, l, load_long_ago(c, 5, 12));
	(void)step_issue(c, l);
	to_the_gate(c, l);
}

static void adrift(struct city *c, struct load *l)
{
	load_begin(c, l, load_long_ago(c, 10, 15));
	(void)step_issue(c, l);
	to_the_gate(c, l);
	load_wait(c, l, 20, 90);
	(void)step_receive(c, l, 100, heavy);
}

static void stored_for_ever(struct city *c, struct load *l)
{
	load_begin(c, l, c->now - dice_between(&c->dice, 368, 412) * DAY);
	(void)step_issue(c, l);
	to_the_gate(c, l);
	load_wait(c, l, 20, 90);
	(void)step_receive(c, l, 0, NULL);
}

#define F(kind) (UINT32_C(1) << FLAG_##kind)

/* clang-format off */
const struct story stories[] = {
	{"ordinary",    "an ordinary transfer",              "正常转移",         0,  ordinary,           TODAY,       WITH_SIGNAL, 0},
	{"hero",        "light, over two vehicles, partly refused", "短重、联运、部分拒收", 1, hero,     EARLY_TODAY, BY_VEHICLE,  F(QUANTITY) | F(CONTAINERS)},
	{"combined",    "carried by two transporters",       "联合运输",        120, combined,           TODAY,       BY_VEHICLE,  0},
	{"returned",    "partly refused and returned",       "部分拒收并退回",   40, returned,           TODAY,       WITH_SIGNAL, 0},
	{"cancelled",   "cancelled in time",                 "启运前作废",       12, cancelled,          TODAY,       WITH_SIGNAL, 0},
	{"spoilt",      "a number given up",                 "编号停用",          5, spoilt,             TODAY,       WITH_SIGNAL, 0},

	{"vanished",    "left and never arrived",            "启运后失踪",        6, never_arrives,      EARLY_TODAY, WITH_SIGNAL, F(OVERDUE)},
	{"light",       "arrived light",                     "运抵短重",          9, light,              EARLY_TODAY, WITH_SIGNAL, F(QUANTITY)},
	{"short",       "containers missing",                "件数不符",          7, short_of_containers, EARLY_TODAY, BY_FACILITY, F(CONTAINERS)},
	{"heavy",       "more than the vehicle may carry",   "超载",              4, too_heavy,          EARLY_TODAY, WITH_SIGNAL, F(OVER_CAPACITY)},
	{"gone",        "cancelled after loading",           "启运后作废",        6, cancelled_and_gone, EARLY_TODAY, WITH_SIGNAL, F(CANCELLED_LOADED)},
	{"unsigned",    "the facility will not sign",        "接受人拒签",        7, unsigned_delivery,  EARLY_TODAY, WITH_SIGNAL, F(ATTESTED)},
	{"signedlater", "the generator signs later",         "产生单位事后补签",  4, signed_later,       EARLY_TODAY, WITH_SIGNAL, F(ATTESTED)},
	{"permitends",  "permit ended under way",            "途中许可证到期",    4, permit_ends,        EARLY_TODAY, WITH_SIGNAL, F(PERMIT_LAPSED)},
	{"keylost",     "key revoked under way",             "途中密钥吊销",      2, key_lost,           EARLY_TODAY, WITH_SIGNAL, F(KEY_LAPSED) | F(ATTESTED)},

	{"nopermit",    "the receiver lacks a permit",       "接受人无相应许可",  8, no_permit,          EARLY_TODAY, WITH_SIGNAL, 0},
	{"unknowncode", "no such waste code",                "废物代码不存在",    5, unknown_code,       EARLY_TODAY, WITH_SIGNAL, 0},
	{"stranger",    "a transporter nobody registered",   "承运人未登记",      4, stranger,           EARLY_TODAY, WITH_SIGNAL, 0},
	{"fork",        "two loads for one step",            "同一步骤两份记录",  5, two_truths,         EARLY_TODAY, WITH_SIGNAL, F(FORK)},
	{"numbertwice", "one manifest number twice",         "联单编号重复使用",  3, number_twice,       EARLY_TODAY, WITH_SIGNAL, F(FORK)},
	{"forged",      "a forged signature",                "伪造签名",          6, forged,             EARLY_TODAY, WITH_SIGNAL, 0},
	{"cutshort",    "malformed bytes",                   "数据损坏",          4, cut_short,          EARLY_TODAY, WITH_SIGNAL, 0},
	{"ahead",       "a clock three hours ahead",         "时钟超前三小时",    4, clock_ahead,        EARLY_TODAY, WITH_SIGNAL, 0},

	{"behind",      "a clock three hours behind",        "时钟落后三小时",    4, clock_behind,       EARLY_TODAY, WITH_SIGNAL, F(CLOCK)},
	{"restored",    "a running number used twice",       "签名流水号重复",    3, restored_device,    EARLY_TODAY, WITH_SIGNAL, F(NUMBER_REUSED)},
	{"otherlog",    "saw another history of the log",    "见到另一份日志",    1, other_history,      EARLY_TODAY, WITH_SIGNAL, F(TWO_HISTORIES)},
	{"replayed",    "brought a second time",             "重放",             12, replayed,           EARLY_TODAY, WITH_SIGNAL, 0},
	{"early",       "brought before its predecessor",    "先于前一步骤送达", 10, too_early,          EARLY_TODAY, WITH_SIGNAL, 0},

	{"uncollected", "nobody came for it",                "逾期未收运",        6, never_collected,    LONG_AGO,    WITH_SIGNAL, F(NOT_COLLECTED)},
	{"overdue",     "on the road for days",              "运输多日未达",      8, long_overdue,       LONG_AGO,    WITH_SIGNAL, F(OVERDUE)},
	{"unconfirmed", "delivered and not confirmed",       "逾期未确认",        8, never_confirmed,    LONG_AGO,    WITH_SIGNAL, F(NOT_CONFIRMED)},
	{"adrift",      "refused and never taken back",      "拒收后未退回",      5, adrift,             LONG_AGO,    WITH_SIGNAL, F(REFUSED_ADRIFT)},
	{"stored",      "stored for over a year",            "贮存超过一年",      6, stored_for_ever,    LONG_AGO,    WITH_SIGNAL, F(NOT_TREATED)},
};
/* clang-format on */
const size_t stories_n = ARRAY_LEN(stories);
