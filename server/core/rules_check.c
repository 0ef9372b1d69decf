/*
 * The rules that need the event and the reference data and nothing else: one function for each kind, in a
 * table; every problem is added. The registry's and the manifest's rules are judged in their own files.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "core/credit_code.h"
#include "core/judge.h"
#include "core/number.h"
#include "core/rules.h"

enum { BLOCK_MAX = 10000 };

struct check {
	const struct registry *r;
	const struct event *e;
	const struct reference *reference; /* NULL: not complete, and that has been said */
	struct problems *problems;
	const char *prefix; /* of paths: the kind's field, "attested.loaded" */
};

static void add(const struct check *c, const struct rule *rule, const char *field, const char *found,
		const char *allowed)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s.%s", c->prefix, field);
	problem_add(c->problems, rule, path, found, allowed);
}

static void add_span(const struct check *c, const struct rule *rule, const char *field, struct span found)
{
	char text[128];

	(void)snprintf(text, sizeof(text), "%.*s", SPAN_ARG(found));
	add(c, rule, field, text, NULL);
}

/* A field of a list's item: lines[2].code. */
static const char *item(char buffer[64], const char *list, size_t i, const char *field)
{
	(void)snprintf(buffer, 64, "%s[%zu]%s%s", list, i, *field == '\0' ? "" : ".", field);
	return buffer;
}

/* ---- parts ---- */

static void check_ref(const struct check *c, const char *field, const struct party_ref *ref)
{
	char path[64], allowed[80] = "";
	struct span code = span_str(ref->credit_code);
	enum credit_code_fault fault = credit_code_check(code);

	(void)snprintf(path, sizeof(path), "%s.credit_code", field);
	if (fault == CREDIT_CODE_CHECK)
		(void)snprintf(allowed, sizeof(allowed), "check character %c",
			       credit_code_check_character(span_of(code.p, CREDIT_CODE_SIZE - 1)));
	else if (fault != CREDIT_CODE_GOOD)
		(void)snprintf(allowed, sizeof(allowed), "%s", credit_code_fault_text(fault));
	if (fault != CREDIT_CODE_GOOD)
		add(c, RULE(CREDIT_CODE), path, ref->credit_code, allowed);
	if (ref->site >= 1 && ref->site <= PARTY_SITE_MAX)
		return;
	char found[16];
	(void)snprintf(path, sizeof(path), "%s.site", field);
	(void)snprintf(found, sizeof(found), "%" PRIu32, ref->site);
	add(c, RULE(PARTY_SITE), path, found, "1 to 9999");
}

static void check_interval(const struct check *c, const char *field, micros from, micros until)
{
	if (until != 0 && until <= from)
		add(c, RULE(INTERVAL_ORDER), field, NULL, NULL);
}

static unsigned city_of_log(const struct check *c)
{
	const struct genesis *genesis = registry_genesis(c->r);
	unsigned city = 0;

	if (genesis == NULL || !manifest_number_city(genesis->city, &city))
		return 0;
	return city;
}

/* The form of a manifest number; false: it has none. */
static bool check_number(const struct check *c, const char *field, uint64_t number)
{
	char text[24];

	if (manifest_number_is_valid(number))
		return true;
	(void)snprintf(text, sizeof(text), "%" PRIu64, number);
	add(c, RULE(NUMBER_FORMAT), field, text, NULL);
	return false;
}

static void add_number(const struct check *c, const struct rule *rule, const char *field, uint64_t found,
		       unsigned allowed)
{
	char text[24], may[16];

	(void)snprintf(text, sizeof(text), "%" PRIu64, found);
	(void)snprintf(may, sizeof(may), "%u", allowed);
	add(c, rule, field, text, may);
}

static void check_method(const struct check *c, const char *field, struct span method)
{
	if (c->reference != NULL && reference_method(c->reference, method) == NULL)
		add_span(c, RULE(METHOD_UNKNOWN), field, method);
}

static void check_line_order(const struct check *c, size_t i, uint32_t line, uint32_t last, bool dense)
{
	char path[64], found[16], allowed[24];

	if (dense ? line == last + 1 : line > last)
		return;
	(void)snprintf(found, sizeof(found), "%" PRIu32, line);
	(void)snprintf(allowed, sizeof(allowed), "%s%" PRIu64, dense ? "" : "at least ", (uint64_t)last + 1);
	add(c, RULE(LINES_ORDER), item(path, "lines", i, "line"), found, allowed);
}

/* ---- the log ---- */

static void genesis(const struct check *c)
{
	const struct genesis *g = &c->e->genesis;
	const struct public_key *keys[] = {&g->log_key, &g->server_key, &g->registrar_key, &g->recovery_key};
	static const char *const names[] = {"log_key", "server_key", "registrar_key", "recovery_key"};
	unsigned city;

	check_ref(c, "authority", &g->authority);
	if (!manifest_number_city(g->city, &city) || memcmp(g->city.p + 4, "00", 2) != 0)
		add_span(c, RULE(GENESIS_CITY), "city", g->city);
	for (size_t i = 1; i < ARRAY_LEN(keys); i++)
		for (size_t k = 0; k < i; k++)
			if (memcmp(keys[i], keys[k], sizeof(*keys[i])) == 0)
				add(c, RULE(GENESIS_KEYS), names[i], names[k], NULL);
}

static void setting_changed(const struct check *c)
{
	const struct setting_changed *s = &c->e->setting_changed;
	struct law_settings trial = *registry_settings(c->r);
	char error[SETTING_ERROR_SIZE];

	if (law_setting_find(s->key) == NULL)
		add_span(c, RULE(SETTING_UNKNOWN), "key", s->key);
	else if (!law_setting_set(&trial, s->key, s->value, error))
		add(c, RULE(SETTING_VALUE), "value", error, NULL);
}

/* ---- the registry ---- */

static bool is_party_role(enum role role)
{
	return role == ROLE_GENERATOR || role == ROLE_TRANSPORTER || role == ROLE_FACILITY ||
	       role == ROLE_INSPECTOR || role == ROLE_AUDITOR;
}

static void check_roles(const struct check *c, const struct party *p)
{
	char path[64];
	enum role last = ROLE_NONE;

	for (size_t i = 0; i < p->roles_n; i++) {
		if (p->roles[i] <= last || !is_party_role(p->roles[i]))
			add(c, RULE(PARTY_ROLES_ORDER), item(path, "party.roles", i, ""), NULL, NULL);
		last = p->roles[i];
	}
}

static void check_division(const struct check *c, const struct party *p)
{
	const struct division *division;

	if (c->reference == NULL)
		return;
	division = reference_division(c->reference, p->division);
	if (division == NULL)
		add_span(c, RULE(DIVISION_UNKNOWN), "party.division", p->division);
	else if (party_has_role(p, ROLE_GENERATOR) &&
		 !span_eq_str(registry_genesis(c->r)->city, division->city))
		add_span(c, RULE(DIVISION_CITY), "party.division", p->division);
}

static void party(const struct check *c)
{
	const struct party *p = &c->e->party.party;
	bool classed = p->generator_class > 1;

	check_ref(c, "party.ref", &p->ref);
	check_roles(c, p);
	check_division(c, p);
	if (classed != party_has_role(p, ROLE_GENERATOR))
		add(c, RULE(PARTY_CLASS), "party.generator_class", NULL, NULL);
	check_interval(c, "party.valid_until", p->valid_from, p->valid_until);
}

static void key_enrolled(const struct check *c)
{
	const struct key_enrolled *k = &c->e->key_enrolled;

	check_ref(c, "party", &k->party);
	if (!is_party_role(k->role))
		add(c, RULE(KEY_OWNER), "role", NULL,
		    "generator, transporter, facility, inspector or auditor");
}

static void person_registered(const struct check *c)
{
	check_ref(c, "party", &c->e->person_registered.party);
}

static void vehicle_registered(const struct check *c)
{
	const struct vehicle_registered *v = &c->e->vehicle_registered;

	check_ref(c, "transporter", &v->transporter);
	check_interval(c, "valid_until", v->valid_from, v->valid_until);
}

/* Lists are of at most 600, and permits are rare. */
static void check_repeats(const struct check *c, const char *list, const struct span *items, size_t n)
{
	char path[64];

	for (size_t i = 1; i < n; i++)
		for (size_t k = 0; k < i; k++)
			if (span_eq(items[i], items[k])) {
				add_span(c, RULE(PERMIT_LIST), item(path, list, i, ""), items[i]);
				break;
			}
}

static void permit(const struct check *c)
{
	const struct permit *p = &c->e->permit.permit;
	char path[64];

	check_ref(c, "permit.facility", &p->facility);
	check_interval(c, "permit.valid_until", p->valid_from, p->valid_until);
	check_repeats(c, "permit.waste_codes", p->waste_codes, p->waste_codes_n);
	check_repeats(c, "permit.methods", p->methods, p->methods_n);
	for (size_t i = 0; c->reference != NULL && i < p->waste_codes_n; i++)
		if (!reference_permit_code_known(c->reference, p->waste_codes[i]))
			add_span(c, RULE(WASTE_CODE_UNKNOWN), item(path, "permit.waste_codes", i, ""),
				 p->waste_codes[i]);
	for (size_t i = 0; i < p->methods_n; i++)
		check_method(c, item(path, "permit.methods", i, ""), p->methods[i]);
}

static void number_block_granted(const struct check *c)
{
	const struct number_block_granted *b = &c->e->number_block_granted;

	check_ref(c, "generator", &b->generator);
	bool first = check_number(c, "first", b->first);
	bool last = check_number(c, "last", b->last);
	if (first && manifest_number_parts(b->first).city != city_of_log(c))
		add_number(c, RULE(BLOCK_CITY), "first", b->first, city_of_log(c));
	if (!first || !last)
		return;
	if (b->last < b->first || !manifest_number_same_sequence(b->first, b->last))
		add(c, RULE(BLOCK_ORDER), "last", NULL, NULL);
	else if (b->last - b->first >= BLOCK_MAX)
		add_number(c, RULE(BLOCK_SIZE), "last", b->last - b->first + 1, BLOCK_MAX);
}

/* ---- custody ---- */

static void check_waste_lines(const struct check *c, const struct issued *i)
{
	const struct waste_list *list =
	    c->reference == NULL ? NULL : reference_waste_list(c->reference, i->edition);
	char path[64];

	if (c->reference != NULL && list == NULL)
		add_span(c, RULE(EDITION_UNKNOWN), "edition", i->edition);
	for (size_t n = 0; n < i->lines_n; n++) {
		const struct waste_line *line = &i->lines[n];
		check_line_order(c, n, line->line, (uint32_t)n, true);
		if (list != NULL && waste_list_find(list, line->code) == NULL)
			add_span(c, RULE(WASTE_CODE_UNKNOWN), item(path, "lines", n, "code"), line->code);
		check_method(c, item(path, "lines", n, "method"), line->method);
	}
}

static void issued(const struct check *c)
{
	const struct issued *i = &c->e->issued;
	uint64_t number = c->e->number;

	if (check_number(c, "number", number)) {
		struct manifest_number_parts parts = manifest_number_parts(number);
		unsigned year = (unsigned)civil_year(c->e->occurred_at);
		if (parts.year != year)
			add_number(c, RULE(NUMBER_YEAR), "number", number, year);
		if (parts.city != city_of_log(c))
			add_number(c, RULE(NUMBER_CITY), "number", number, city_of_log(c));
	}
	check_ref(c, "generator", &i->generator);
	check_ref(c, "transporter", &i->transporter);
	check_ref(c, "facility", &i->facility);
	if (party_ref_eq(&i->generator, &i->facility))
		add(c, RULE(PARTY_SAME), "facility", NULL, NULL);
	if (i->arrive_by <= i->collect_by)
		add(c, RULE(TIME_PLAN), "arrive_by", NULL, NULL);
	check_waste_lines(c, i);
}

static void check_transfer(const struct check *c, const struct transfer *t)
{
	(void)check_number(c, "number", c->e->number);
	for (size_t i = 0; i < t->lines_n; i++)
		check_line_order(c, i, t->lines[i].line, i == 0 ? 0 : t->lines[i - 1].line, false);
}

static void transfer(const struct check *c)
{
	check_transfer(c, &c->e->transfer);
}

static void attested(const struct check *c)
{
	char prefix[64];
	struct check step = *c;

	(void)snprintf(prefix, sizeof(prefix), "attested.%s", event_kind_name(c->e->attested.step));
	step.prefix = prefix;
	check_transfer(&step, &c->e->attested.transfer);
}

static void check_decision(const struct check *c, size_t i, const struct line_decision *line)
{
	bool accepts = line->decision != DECISION_REFUSED;
	bool refuses = line->decision != DECISION_ACCEPTED;
	char path[64];

	if (line->accepted.line != (accepts ? line->line : 0))
		add(c, RULE(LINE_DECISION), item(path, "lines", i, "accepted"), NULL, NULL);
	if (line->refused.line != (refuses ? line->line : 0))
		add(c, RULE(LINE_DECISION), item(path, "lines", i, "refused"), NULL, NULL);
	if (!accepts && line->method.n > 0)
		add_span(c, RULE(LINE_DECISION), item(path, "lines", i, "method"), line->method);
	if (accepts)
		check_method(c, item(path, "lines", i, "method"), line->method);
	if (refuses && line->difference.n == 0)
		add(c, RULE(LINE_DIFFERENCE), item(path, "lines", i, "difference"), NULL, NULL);
}

static void received(const struct check *c)
{
	const struct received *r = &c->e->received;

	(void)check_number(c, "number", c->e->number);
	for (size_t i = 0; i < r->lines_n; i++) {
		check_line_order(c, i, r->lines[i].line, i == 0 ? 0 : r->lines[i - 1].line, false);
		check_decision(c, i, &r->lines[i]);
	}
}

static void treated(const struct check *c)
{
	const struct treated *t = &c->e->treated;
	char path[64];

	(void)check_number(c, "number", c->e->number);
	for (size_t i = 0; i < t->lines_n; i++) {
		check_line_order(c, i, t->lines[i].line, i == 0 ? 0 : t->lines[i - 1].line, false);
		check_method(c, item(path, "lines", i, "method"), t->lines[i].method);
	}
}

/* ---- about a manifest ---- */

static void mark(const struct check *c)
{
	(void)check_number(c, "number", c->e->number);
}

static void imported(const struct check *c)
{
	const struct imported *i = &c->e->imported;
	char path[64];

	for (size_t n = 0; n < i->parties_n; n++)
		if (i->parties[n].id.n == 0 && i->parties[n].name.n == 0)
			add(c, RULE(IMPORTED_PARTY), item(path, "parties", n, ""), NULL, NULL);
}

static void voided(const struct check *c)
{
	if (c->e->voided.running_number == 0)
		(void)check_number(c, "manifest_number", c->e->number);
}

static const struct checker {
	void (*check)(const struct check *c);
	bool reference; /* cannot be judged before all reference data is loaded */
} checkers[] = {
    [EVENT_GENESIS] = {genesis, false},
    [EVENT_SETTING_CHANGED] = {setting_changed, false},
    [EVENT_PARTY_REGISTERED] = {party, true},
    [EVENT_PARTY_CHANGED] = {party, true},
    [EVENT_KEY_ENROLLED] = {key_enrolled, false},
    [EVENT_PERSON_REGISTERED] = {person_registered, false},
    [EVENT_VEHICLE_REGISTERED] = {vehicle_registered, false},
    [EVENT_PERMIT_GRANTED] = {permit, true},
    [EVENT_PERMIT_CHANGED] = {permit, true},
    [EVENT_NUMBER_BLOCK_GRANTED] = {number_block_granted, false},
    [EVENT_ISSUED] = {issued, true},
    [EVENT_LOADED] = {transfer, false},
    [EVENT_HANDED_OVER] = {transfer, false},
    [EVENT_DELIVERED] = {transfer, false},
    [EVENT_RECEIVED] = {received, true},
    [EVENT_RETURNED] = {transfer, false},
    [EVENT_TREATED] = {treated, true},
    [EVENT_ATTESTED] = {attested, false},
    [EVENT_CONFIRMED] = {mark, false},
    [EVENT_CANCELLED] = {mark, false},
    [EVENT_IMPORTED] = {imported, false},
    [EVENT_VOIDED] = {voided, false},
};

static void check_running_numbers(const struct event *e, struct problems *problems)
{
	char path[40];

	for (size_t i = 0; i < e->signers_n; i++) {
		if (e->signers[i].number != 0)
			continue;
		(void)snprintf(path, sizeof(path), "signers[%d].number", (int)i);
		problem_add(problems, RULE(RUNNING_NUMBER), path, "0", "at least 1");
	}
}

void rules_check(const struct registry *r, const struct event *e, struct problems *problems)
{
	struct check c = {.r = r, .e = e, .problems = problems, .prefix = event_kind_name(e->kind)};
	const struct checker *checker = (size_t)e->kind < ARRAY_LEN(checkers) ? &checkers[e->kind] : NULL;

	check_running_numbers(e, problems);
	if (checker == NULL || checker->check == NULL)
		return;
	if (registry_genesis(r) != NULL && reference_is_complete(registry_reference(r)))
		c.reference = registry_reference(r);
	else if (checker->reference)
		problem_add(problems, RULE(REFERENCE_MISSING), c.prefix, NULL, NULL);
	checker->check(&c);
}
