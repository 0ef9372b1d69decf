#include <criterion/criterion.h>
#include <stdio.h>

#include "core/credit_code.h"
#include "core/rules.h"
#include "core/sources.h"
#include "fixture.h"
#include "hours.h"
#include "path/rules.h"
#include "web/rules.h"
#include "wire/rules.h"

#define TEXT(s)                                                                                              \
	{                                                                                                    \
		(const uint8_t *)(s), sizeof(s) - 1                                                          \
	}

static struct problems check(struct world *w, const struct event *e)
{
	struct problems p = {.arena = w->arena};

	rules_check(w->registry, e, &p);
	return p;
}

/* A good event that one change makes bad: the rule it then breaks, and where. */
struct fault {
	const char *name;
	void (*spoil)(struct event *e);
	const char *rule;
	const char *path;
};

static void try_faults(struct world *w, const struct event *good, const struct fault *faults, size_t n)
{
	struct problems none = check(w, good);

	cr_assert(!problems_any(&none), "%s: %s", event_kind_name(good->kind), world_problems(w, &none));
	for (size_t i = 0; i < n; i++) {
		struct event e = *good;
		faults[i].spoil(&e);
		struct problems p = check(w, &e);
		cr_assert(problems_have(&p, faults[i].rule), "%s: wanted %s, got %s", faults[i].name,
			  faults[i].rule, world_problems(w, &p));
		cr_assert_eq(p.count, 1, "%s: %s", faults[i].name, world_problems(w, &p));
		cr_assert_str_eq(p.first->path, faults[i].path, "%s", faults[i].name);
	}
}

/* A spoiler of one statement. */
#define SPOIL(name, statement)                                                                               \
	static void name(struct event *e)                                                                    \
	{                                                                                                    \
		statement;                                                                                   \
	}

/* ---- issued ---- */

#define LINE_GOOD                                                                                            \
	.code = TEXT("900-249-08"), .name = TEXT("x"), .grams = 1, .containers = 1, .method = TEXT("R9")
static const struct waste_line lines_gap[] = {{.line = 1, LINE_GOOD}, {.line = 3, LINE_GOOD}};
static const struct waste_line lines_from_2[] = {{.line = 2, LINE_GOOD}};
static const struct waste_line line_bad_code[] = {
    {.line = 1, .code = TEXT("900-999-08"), .grams = 1, .containers = 1, .method = TEXT("R9")}};
static const struct waste_line line_bad_method[] = {
    {.line = 1, .code = TEXT("900-249-08"), .grams = 1, .containers = 1, .method = TEXT("D99")}};

SPOIL(next_year, e->number += UINT64_C(10000000000))
SPOIL(dalian, e->number += 1000000)
SPOIL(no_serial, e->number -= 1)
SPOIL(short_number, e->number = 42)
static void bad_credit(struct event *e)
{
	char *last = &e->issued.transporter.credit_code[CREDIT_CODE_SIZE - 1];
	*last = *last == 'A' ? 'B' : 'A';
}
SPOIL(site_0, e->issued.facility.site = 0)
SPOIL(to_itself, e->issued.facility = e->issued.generator)
SPOIL(arrives_first, e->issued.arrive_by = e->issued.collect_by)
SPOIL(old_edition, e->issued.edition = span_str("1998"))
static void set_lines(struct event *e, const struct waste_line *lines, size_t n)
{
	e->issued.lines = lines;
	e->issued.lines_n = n;
}
SPOIL(gap, set_lines(e, lines_gap, 2))
SPOIL(from_2, set_lines(e, lines_from_2, 1))
SPOIL(bad_code, set_lines(e, line_bad_code, 1))
SPOIL(bad_method, set_lines(e, line_bad_method, 1))
static void number_0(struct event *e)
{
	e->signers_n = 2;
	e->signers[0].number = 1;
}

static const struct fault issued_faults[] = {
    {"next year", next_year, "number.year", "issued.number"},
    {"another city", dalian, "number.city", "issued.number"},
    {"serial 0", no_serial, "number.format", "issued.number"},
    {"not 14 digits", short_number, "number.format", "issued.number"},
    {"check character", bad_credit, "credit_code", "issued.transporter.credit_code"},
    {"site 0", site_0, "party.site", "issued.facility.site"},
    {"to itself", to_itself, "party.same", "issued.facility"},
    {"arrives first", arrives_first, "time.plan", "issued.arrive_by"},
    {"edition", old_edition, "edition.unknown", "issued.edition"},
    {"gap in lines", gap, "lines.order", "issued.lines[1].line"},
    {"lines from 2", from_2, "lines.order", "issued.lines[0].line"},
    {"waste code", bad_code, "waste.code.unknown", "issued.lines[0].code"},
    {"method", bad_method, "method.unknown", "issued.lines[0].method"},
    {"running number 0", number_0, "signers.number", "signers[1].number"},
};

Test(rules, issued_one_by_one)
{
	struct world *w = world_new();
	struct event good = world_issued(w, NUMBER(1));

	try_faults(w, &good, issued_faults, ARRAY_LEN(issued_faults));
	world_free(w);
}

Test(rules, issued_all_at_once)
{
	struct world *w = world_new();
	struct event e = world_issued(w, NUMBER(1));

	next_year(&e);
	dalian(&e);
	bad_credit(&e);
	site_0(&e);
	arrives_first(&e);
	e.issued.lines = (const struct waste_line[]){
	    {.line = 1, .code = TEXT("900-999-08"), .method = TEXT("D99")},
	    {.line = 1, .code = TEXT("000-000-00"), .method = TEXT("R9")},
	};
	struct problems p = check(w, &e);
	cr_assert_eq(p.count, 9, "%s", world_problems(w, &p));
	world_free(w);
}

/* The year of a number turns at midnight in Shenyang: 16:00 UTC. */
Test(rules, the_year_is_that_of_the_city)
{
	static const micros midnight = INT64_C(1798732800000000); /* 2026-12-31T16:00:00Z */
	struct world *w = world_new();
	struct event e = world_issued(w, NUMBER(1));

	e.occurred_at = midnight - 1;
	struct problems p = check(w, &e);
	cr_assert(!problems_any(&p), "%s", world_problems(w, &p));
	e.occurred_at = midnight;
	p = check(w, &e);
	cr_assert(problems_have(&p, "number.year"));
	world_free(w);
}

/* ---- the other custody events ---- */

static const struct line_quantity swapped[] = {{2, 1, 1}, {1, 1, 1}};
static const struct line_quantity repeated[] = {{1, 1, 1}, {1, 1, 1}};

static void set_quantities(struct event *e, const struct line_quantity *lines)
{
	e->transfer.lines = lines;
	e->transfer.lines_n = 2;
}
SPOIL(swap_lines, set_quantities(e, swapped))
SPOIL(repeat_lines, set_quantities(e, repeated))
Test(rules, lines_of_a_transfer_ascend)
{
	static const enum event_kind kinds[] = {EVENT_LOADED, EVENT_HANDED_OVER, EVENT_DELIVERED,
						EVENT_RETURNED};
	struct world *w = world_new();

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct event good = world_step(w, kinds[i], NUMBER(1), &(struct digest){{1}});
		char path[64];
		(void)snprintf(path, sizeof(path), "%s.lines[1].line", event_kind_name(kinds[i]));
		const struct fault faults[] = {
		    {"swapped", swap_lines, "lines.order", path},
		    {"repeated", repeat_lines, "lines.order", path},
		};
		try_faults(w, &good, faults, ARRAY_LEN(faults));

		struct event attested = world_event(w, EVENT_ATTESTED);
		attested.number = NUMBER(1);
		attested.attested.step = kinds[i];
		attested.attested.transfer = good.transfer;
		attested.attested.transfer.lines = swapped;
		struct problems p = check(w, &attested);
		cr_assert_eq(p.count, 1);
		(void)snprintf(path, sizeof(path), "attested.%s.lines[1].line", event_kind_name(kinds[i]));
		cr_assert_str_eq(p.first->path, path);
	}
	world_free(w);
}

#define DECIDED(name, ...)                                                                                   \
	static void name(struct event *e)                                                                    \
	{                                                                                                    \
		static const struct line_decision line = {__VA_ARGS__};                                      \
		e->received.lines = &line;                                                                   \
		e->received.lines_n = 1;                                                                     \
	}
DECIDED(no_accepted, 1, DECISION_ACCEPTED, {0}, {0}, TEXT("R9"), {0})
DECIDED(other_line, 1, DECISION_ACCEPTED, {2, 1, 1}, {0}, TEXT("R9"), {0})
DECIDED(refused_too, 1, DECISION_ACCEPTED, {1, 1, 1}, {1, 1, 1}, TEXT("R9"), {0})
DECIDED(no_refused, 1, DECISION_PARTLY, {1, 1, 1}, {0}, TEXT("R9"), TEXT("少"))
DECIDED(no_difference, 1, DECISION_PARTLY, {1, 1, 1}, {1, 1, 1}, TEXT("R9"), {0})
DECIDED(accepted_too, 1, DECISION_REFUSED, {1, 1, 1}, {1, 1, 1}, {0}, TEXT("性质不符"))
DECIDED(method_of_none, 1, DECISION_REFUSED, {0}, {1, 1, 1}, TEXT("R9"), TEXT("性质不符"))
DECIDED(no_method, 1, DECISION_ACCEPTED, {1, 1, 1}, {0}, {0}, {0})
DECIDED(all_refused, 1, DECISION_REFUSED, {0}, {1, 1, 1}, {0}, TEXT("性质不符"))

Test(rules, decisions_say_what_they_mean)
{
	static const struct fault faults[] = {
	    {"accepted is missing", no_accepted, "lines.decision", "received.lines[0].accepted"},
	    {"accepted of another line", other_line, "lines.decision", "received.lines[0].accepted"},
	    {"refused too", refused_too, "lines.decision", "received.lines[0].refused"},
	    {"refused is missing", no_refused, "lines.decision", "received.lines[0].refused"},
	    {"no difference", no_difference, "lines.difference", "received.lines[0].difference"},
	    {"accepted too", accepted_too, "lines.decision", "received.lines[0].accepted"},
	    {"method of nothing", method_of_none, "lines.decision", "received.lines[0].method"},
	    {"no method", no_method, "method.unknown", "received.lines[0].method"},
	};
	struct world *w = world_new();
	struct event good = world_step(w, EVENT_RECEIVED, NUMBER(1), &(struct digest){{1}});

	try_faults(w, &good, faults, ARRAY_LEN(faults));
	all_refused(&good);
	try_faults(w, &good, faults, ARRAY_LEN(faults));
	world_free(w);
}

static void treated_d99(struct event *e)
{
	static const struct line_treatment line = {1, 1, 0, TEXT("D99")};
	e->treated = (struct treated){e->treated.facility, &line, 1};
}
static void treated_twice(struct event *e)
{
	static const struct line_treatment lines[] = {{1, 1, 0, TEXT("R9")}, {1, 1, 0, TEXT("R9")}};
	e->treated = (struct treated){e->treated.facility, lines, 2};
}

Test(rules, treatments)
{
	static const struct fault faults[] = {
	    {"method", treated_d99, "method.unknown", "treated.lines[0].method"},
	    {"twice", treated_twice, "lines.order", "treated.lines[1].line"},
	};
	struct world *w = world_new();
	struct event good = world_step(w, EVENT_TREATED, NUMBER(1), &(struct digest){{1}});

	try_faults(w, &good, faults, ARRAY_LEN(faults));
	world_free(w);
}

/* ---- the registry's events ---- */

static void descending_roles(struct event *e)
{
	static const enum role roles[] = {ROLE_TRANSPORTER, ROLE_GENERATOR};
	e->party.party.roles = roles;
	e->party.party.roles_n = 2;
}
static void registrar_role(struct event *e)
{
	static const enum role roles[] = {ROLE_GENERATOR, ROLE_REGISTRAR};
	e->party.party.roles = roles;
	e->party.party.roles_n = 2;
}
SPOIL(nowhere, e->party.party.division = span_str("999999"))
SPOIL(elsewhere, e->party.party.division = span_str("210202"))
SPOIL(no_class, e->party.party.generator_class = 1)
SPOIL(ends_first, e->party.party.valid_until = e->party.party.valid_from)
Test(rules, parties)
{
	static const enum role generator = ROLE_GENERATOR;
	static const struct fault faults[] = {
	    {"descending", descending_roles, "party.roles.order", "party_registered.party.roles[1]"},
	    {"registrar", registrar_role, "party.roles.order", "party_registered.party.roles[1]"},
	    {"no division", nowhere, "division.unknown", "party_registered.party.division"},
	    {"another city's", elsewhere, "division.city", "party_registered.party.division"},
	    {"no class", no_class, "party.class", "party_registered.party.generator_class"},
	    {"interval", ends_first, "interval.order", "party_registered.party.valid_until"},
	};
	struct world *w = world_new();
	struct event good = world_event(w, EVENT_PARTY_REGISTERED);

	good.party.party = (struct party){.ref = world_party(GENERATOR),
					  .roles = &generator,
					  .roles_n = 1,
					  .division = span_str("210106"),
					  .generator_class = 2,
					  .valid_from = 5};
	try_faults(w, &good, faults, ARRAY_LEN(faults));
	world_free(w);
}

static void permit_code(struct event *e)
{
	static const struct span codes[] = {TEXT("HW08"), TEXT("HW99")};
	e->permit.permit.waste_codes = codes;
	e->permit.permit.waste_codes_n = 2;
}
static void permit_twice(struct event *e)
{
	static const struct span codes[] = {TEXT("HW08"), TEXT("HW08")};
	e->permit.permit.waste_codes = codes;
	e->permit.permit.waste_codes_n = 2;
}
static void permit_method(struct event *e)
{
	static const struct span methods[] = {TEXT("D99")};
	e->permit.permit.methods = methods;
}
SPOIL(permit_ends, e->permit.permit.valid_until = 5)
Test(rules, permits)
{
	static const struct span codes[] = {TEXT("HW08"), TEXT("900-041-49")};
	static const struct span methods[] = {TEXT("R9")};
	static const struct fault faults[] = {
	    {"category", permit_code, "waste.code.unknown", "permit_granted.permit.waste_codes[1]"},
	    {"twice", permit_twice, "permit.list", "permit_granted.permit.waste_codes[1]"},
	    {"method", permit_method, "method.unknown", "permit_granted.permit.methods[0]"},
	    {"interval", permit_ends, "interval.order", "permit_granted.permit.valid_until"},
	};
	struct world *w = world_new();
	struct event good = world_event(w, EVENT_PERMIT_GRANTED);

	good.permit.permit =
	    (struct permit){span_str("P"), world_party(FACILITY), codes, 2, methods, 1, 1, 5, 6};
	try_faults(w, &good, faults, ARRAY_LEN(faults));
	world_free(w);
}

SPOIL(block_backwards, e->number_block_granted.last = NUMBER(3000))
SPOIL(block_years, e->number_block_granted.last += UINT64_C(10000000000))
SPOIL(block_large, e->number_block_granted.last = NUMBER(13001))
static void block_elsewhere(struct event *e)
{
	e->number_block_granted.first += 1000000;
	e->number_block_granted.last += 1000000;
}
SPOIL(block_format, e->number_block_granted.first = 7)
Test(rules, blocks)
{
	static const struct fault faults[] = {
	    {"backwards", block_backwards, "block.order", "number_block_granted.last"},
	    {"two years", block_years, "block.order", "number_block_granted.last"},
	    {"too large", block_large, "block.size", "number_block_granted.last"},
	    {"another city", block_elsewhere, "block.city", "number_block_granted.first"},
	    {"format", block_format, "number.format", "number_block_granted.first"},
	};
	struct world *w = world_new();
	struct event good = world_event(w, EVENT_NUMBER_BLOCK_GRANTED);

	good.number_block_granted =
	    (struct number_block_granted){world_party(GENERATOR), NUMBER(3001), NUMBER(13000)};
	try_faults(w, &good, faults, ARRAY_LEN(faults));
	world_free(w);
}

SPOIL(setting_key, e->setting_changed.key = span_str("moon.phase"))
SPOIL(setting_value, e->setting_changed.value = span_str("soon"))
Test(rules, settings)
{
	static const struct fault faults[] = {
	    {"key", setting_key, "setting.unknown", "setting_changed.key"},
	    {"value", setting_value, "setting.value", "setting_changed.value"},
	};
	struct world *w = world_new();
	struct event good = world_event(w, EVENT_SETTING_CHANGED);

	good.setting_changed =
	    (struct setting_changed){span_str("collect.grace"), span_str("1 h"), span_str("x")};
	try_faults(w, &good, faults, ARRAY_LEN(faults));
	world_free(w);
}

SPOIL(district, e->genesis.city = span_str("210106"))
SPOIL(same_keys, e->genesis.recovery_key = e->genesis.log_key)
Test(rules, genesis)
{
	static const struct fault faults[] = {
	    {"a district", district, "genesis.city", "genesis.city"},
	    {"same keys", same_keys, "genesis.keys", "genesis.recovery_key"},
	};
	struct world *w = world_new();
	struct world *empty = world_empty();
	struct event good = world_event(empty, EVENT_GENESIS);

	good.genesis = *registry_genesis(w->registry);
	try_faults(empty, &good, faults, ARRAY_LEN(faults));
	world_free(empty);
	world_free(w);
}

Test(rules, nothing_is_judged_without_reference_data)
{
	static const enum event_kind kinds[] = {EVENT_ISSUED, EVENT_PARTY_REGISTERED, EVENT_PERMIT_GRANTED,
						EVENT_RECEIVED};
	struct world *w = world_empty();

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct event e = world_event(w, kinds[i]);
		struct problems p = check(w, &e);
		cr_assert(problems_have(&p, "reference.missing"), "%s", event_kind_name(kinds[i]));
	}
	world_free(w);
}

Test(rules, imported_parties_are_called_something)
{
	static const struct foreign_party parties[] = {{ROLE_GENERATOR, TEXT("VAD000"), {0}},
						       {ROLE_FACILITY, {0}, {0}}};
	struct world *w = world_new();
	struct event e = world_event(w, EVENT_IMPORTED);

	e.imported.parties = parties;
	e.imported.parties_n = 1;
	struct problems p = check(w, &e);
	cr_assert(!problems_any(&p));
	e.imported.parties_n = 2;
	p = check(w, &e);
	cr_assert_str_eq(p.first->path, "imported.parties[1]");
	world_free(w);
}

/* ---- the table of rules itself ---- */

Test(rules, each_has_an_id_of_its_own_and_both_languages)
{
	for (size_t i = 0; i < RULES; i++) {
		cr_assert_eq(rule_find(rules[i].id), &rules[i], "%s twice", rules[i].id);
		cr_assert_gt(strlen(rules[i].zh), 10);
		cr_assert_gt(strlen(rules[i].en), 10);
		cr_assert_not_null(rules[i].source, "%s", rules[i].id);
	}
	cr_assert_null(rule_find("no.such.rule"));
}

/* U+4000 to U+9FFF, in UTF-8. */
static bool has_chinese(const char *text)
{
	while (*text != '\0' && ((uint8_t)*text < 0xe4 || (uint8_t)*text > 0xe9))
		text++;
	return *text != '\0';
}

static bool is_ascii(const char *text)
{
	while (*text != '\0' && (uint8_t)*text < 0x80)
		text++;
	return *text == '\0';
}

Test(rules, each_source_is_cited_in_both_languages_and_by_some_rule)
{
	bool cited[RULE_SOURCES] = {false};

	for (size_t i = 0; i < RULES; i++)
		cited[rules[i].source - rule_sources] = true;
	for (size_t i = 0; i < CODEC_RULE_COUNT; i++)
		cited[codec_rules[i].source - rule_sources] = true;
	for (size_t i = 0; i < PATH_RULE_COUNT; i++)
		cited[path_rules[i].source - rule_sources] = true;
	for (size_t i = 0; i < WEB_RULE_COUNT; i++)
		cited[web_rules[i].rule.source - rule_sources] = true;
	for (size_t i = 0; i < RULE_SOURCES; i++) {
		const struct source *s = &rule_sources[i];
		cr_expect(cited[i], "%s", s->en);
		cr_expect(has_chinese(s->zh), "%s: %s", s->en, s->zh);
		cr_expect(s->en[0] != '\0' && is_ascii(s->en), "%s", s->en);
	}
}
