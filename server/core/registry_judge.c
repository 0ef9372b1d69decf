/*
 * What the registry refuses: novelty, references and intervals against what is registered. Who must sign is
 * in signers.c; what can be told from the event alone is in rules_check.c.
 */
#include <inttypes.h>
#include <stdio.h>

#include "core/credit_code.h"
#include "core/number.h"
#include "core/registry_table.h"
#include "core/rules.h"

struct case_at_hand {
	const struct registry *r;
	const struct event *e;
	struct problems *problems;
};

/* The field path under the event's kind. */
static void add(const struct case_at_hand *c, const struct rule *rule, const char *field, const char *found)
{
	char path[96];

	(void)snprintf(path, sizeof(path), "%s.%s", event_kind_name(c->e->kind), field);
	problem_add(c->problems, rule, path, found, NULL);
}

static void add_span(const struct case_at_hand *c, const struct rule *rule, const char *field,
		     struct span found)
{
	char text[128];

	(void)snprintf(text, sizeof(text), "%.*s", SPAN_ARG(found));
	add(c, rule, field, text);
}

static void add_digest(const struct case_at_hand *c, const struct rule *rule, const char *field,
		       const struct digest *found)
{
	char text[DIGEST_HEX + 1];

	digest_hex(found, text);
	add(c, rule, field, text);
}

static void add_ref(const struct case_at_hand *c, const struct rule *rule, const char *field,
		    const struct party_ref *found)
{
	char text[PARTY_REF_TEXT_SIZE];

	party_ref_format(found, text);
	add(c, rule, field, text);
}

/* The party must be registered, for the role unless that is ROLE_NONE. */
static const struct party_record *need_party(const struct case_at_hand *c, const char *field,
					     const struct party_ref *ref, enum role role)
{
	const struct party_record *party = registry_party(c->r, ref);

	if (party == NULL)
		add_ref(c, RULE(PARTY_UNKNOWN), field, ref);
	else if (role != ROLE_NONE && !party_has_role(&party->party, role))
		add_ref(c, RULE(PARTY_ROLE), field, ref);
	return party;
}

static bool is_reserved(const struct key_record *key)
{
	return key->party == NULL;
}

static void need_new_key(const struct case_at_hand *c, const char *field, const struct public_key *public)
{
	struct digest keyid = key_id(public);
	const struct key_record *key = registry_key(c->r, &keyid);

	if (key != NULL)
		add_digest(c, is_reserved(key) ? RULE(KEY_RESERVED) : RULE(KEY_EXISTS), field, &keyid);
}

static void genesis(const struct case_at_hand *c)
{
	if (c->r->begun)
		add_span(c, RULE(GENESIS), "origin", c->e->genesis.origin);
}

static void reference_loaded(const struct case_at_hand *c)
{
	if (registry_offer_find(c->r, &c->e->reference_loaded) == NULL)
		add_digest(c, RULE(REFERENCE_UNKNOWN), "sha256", &c->e->reference_loaded.sha256);
}

static void registrar_added(const struct case_at_hand *c)
{
	need_new_key(c, "key", &c->e->registrar_added.key);
}

static void registrar_removed(const struct case_at_hand *c)
{
	const struct digest *keyid = &c->e->registrar_removed.keyid;
	const struct key_record *key = registry_key(c->r, keyid);

	if (key == NULL || !key_is_registrar(key))
		add_digest(c, RULE(REGISTRAR_UNKNOWN), "keyid", keyid);
	else if (c->r->registrars == 1)
		add_digest(c, RULE(REGISTRAR_LAST), "keyid", keyid);
}

static void party_registered(const struct case_at_hand *c)
{
	const struct party_ref *ref = &c->e->party.party.ref;

	if (registry_party(c->r, ref) != NULL)
		add_ref(c, RULE(PARTY_EXISTS), "party.ref", ref);
}

static void party_changed(const struct case_at_hand *c)
{
	(void)need_party(c, "party.ref", &c->e->party.party.ref, ROLE_NONE);
}

static void key_enrolled(const struct case_at_hand *c)
{
	const struct key_enrolled *k = &c->e->key_enrolled;
	const struct party_record *party = need_party(c, "party", &k->party, ROLE_NONE);

	need_new_key(c, "key", &k->key);
	if (party != NULL && !party_has_role(&party->party, k->role))
		add_ref(c, RULE(KEY_OWNER), "role", &k->party);
}

static void key_revoked(const struct case_at_hand *c)
{
	const struct key_revoked *k = &c->e->key_revoked;
	const struct key_record *key = registry_key(c->r, &k->keyid);

	if (key == NULL)
		add_digest(c, RULE(KEY_UNKNOWN), "keyid", &k->keyid);
	else if (is_reserved(key))
		add_digest(c, RULE(KEY_RESERVED), "keyid", &k->keyid);
	else if (key->role == ROLE_REGISTRAR)
		add_digest(c, RULE(KEY_REGISTRAR), "keyid", &k->keyid);
	else if (key->revoked_from != 0 && key->revoked_from <= k->revoked_from)
		add_digest(c, RULE(KEY_REVOKED_ALREADY), "keyid", &k->keyid);
}

static void person_registered(const struct case_at_hand *c)
{
	const struct person_registered *p = &c->e->person_registered;

	if (registry_person(c->r, p->person))
		add_span(c, RULE(PERSON_EXISTS), "person", p->person);
	(void)need_party(c, "party", &p->party, ROLE_NONE);
}

static void vehicle_registered(const struct case_at_hand *c)
{
	(void)need_party(c, "transporter", &c->e->vehicle_registered.transporter, ROLE_TRANSPORTER);
}

static void permit_granted(const struct case_at_hand *c)
{
	const struct permit *p = &c->e->permit.permit;

	if (registry_permit(c->r, p->number) != NULL)
		add_span(c, RULE(PERMIT_EXISTS), "permit.number", p->number);
	(void)need_party(c, "permit.facility", &p->facility, ROLE_FACILITY);
}

static void permit_changed(const struct case_at_hand *c)
{
	const struct permit *p = &c->e->permit.permit;
	const struct permit_record *permit = registry_permit(c->r, p->number);
	const struct party_record *facility = need_party(c, "permit.facility", &p->facility, ROLE_FACILITY);

	if (permit == NULL)
		add_span(c, RULE(PERMIT_UNKNOWN), "permit.number", p->number);
	else if (facility != NULL && permit->facility != facility)
		add_ref(c, RULE(PERMIT_FACILITY), "permit.facility", &p->facility);
	if (permit != NULL && permit->revoked_from != 0)
		add_span(c, RULE(PERMIT_REVOKED_ALREADY), "permit.number", p->number);
}

static void permit_revoked(const struct case_at_hand *c)
{
	const struct permit_revoked *p = &c->e->permit_revoked;
	const struct permit_record *permit = registry_permit(c->r, p->number);

	if (permit == NULL)
		add_span(c, RULE(PERMIT_UNKNOWN), "number", p->number);
	else if (permit->revoked_from != 0 && permit->revoked_from <= p->revoked_from)
		add_span(c, RULE(PERMIT_REVOKED_ALREADY), "number", p->number);
}

static void number_block_granted(const struct case_at_hand *c)
{
	const struct number_block_granted *b = &c->e->number_block_granted;
	size_t at = registry_block_at(c->r, b->first);

	(void)need_party(c, "generator", &b->generator, ROLE_GENERATOR);
	if (at == c->r->blocks.n)
		return;
	const struct block_record *next = c->r->blocks.at[at];
	if (next->first <= b->last) {
		char found[64];
		(void)snprintf(found, sizeof(found), "%" PRIu64 " to %" PRIu64, next->first, next->last);
		add(c, RULE(BLOCK_OVERLAP), "first", found);
	}
}

static void (*const judges[])(const struct case_at_hand *c) = {
    [EVENT_GENESIS] = genesis,
    [EVENT_REFERENCE_LOADED] = reference_loaded,
    [EVENT_REGISTRAR_ADDED] = registrar_added,
    [EVENT_REGISTRAR_REMOVED] = registrar_removed,
    [EVENT_PARTY_REGISTERED] = party_registered,
    [EVENT_PARTY_CHANGED] = party_changed,
    [EVENT_KEY_ENROLLED] = key_enrolled,
    [EVENT_KEY_REVOKED] = key_revoked,
    [EVENT_PERSON_REGISTERED] = person_registered,
    [EVENT_VEHICLE_REGISTERED] = vehicle_registered,
    [EVENT_PERMIT_GRANTED] = permit_granted,
    [EVENT_PERMIT_CHANGED] = permit_changed,
    [EVENT_PERMIT_REVOKED] = permit_revoked,
    [EVENT_NUMBER_BLOCK_GRANTED] = number_block_granted,
};

void registry_judge(const struct registry *r, const struct event *e, struct problems *problems)
{
	if ((size_t)e->kind < ARRAY_LEN(judges) && judges[e->kind] != NULL)
		judges[e->kind](&(struct case_at_hand){r, e, problems});
}
