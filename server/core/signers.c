/*
 * Whose signatures an event requires: one table, from which proto/README.md is printed too. What needs the
 * manifest (its generator, the side that was absent) is judged with it in judge.c; here the role is checked.
 */
#include <stdio.h>

#include "core/credit_code.h"
#include "core/judge_internal.h"

#define BIT(role)   (1u << (role))
#define GENERATOR   BIT(ROLE_GENERATOR)
#define TRANSPORTER BIT(ROLE_TRANSPORTER)
#define FACILITY    BIT(ROLE_FACILITY)
#define REGISTRAR   BIT(ROLE_REGISTRAR)
#define INSPECTOR   BIT(ROLE_INSPECTOR)
#define SERVER      BIT(ROLE_SERVER)
#define SIDES       (GENERATOR | TRANSPORTER | FACILITY)
#define IMPORTERS   (SIDES | REGISTRAR | INSPECTOR)
#define ANYONE      (IMPORTERS | BIT(ROLE_AUDITOR) | SERVER)

/* Which key of the roles it must be. */
enum which {
	NOBODY = 0,
	ANY,         /* of any party: the manifest, or nothing, says which */
	OF_ISSUER,   /* issued.generator */
	OF_FACILITY, /* received.facility, treated.facility */
	OF_GIVER,    /* transfer.from */
	OF_TAKER,    /* transfer.to */
	QUORUM,      /* a registrar, or two once there are two */
	NAMED,       /* the key that the event itself names, to prove possession */
	RECOVERY,
};

struct slot {
	enum which which;
	unsigned roles;
};

struct signers_row {
	enum event_kind kind;
	enum return_leg leg;
	struct slot slots[2];
};

static const struct signers_row signer_rows[] = {
    {EVENT_GENESIS, 0, {{NAMED, SERVER}}},
    {EVENT_SETTING_CHANGED, 0, {{ANY, REGISTRAR | SERVER}}},
    {EVENT_REFERENCE_LOADED, 0, {{ANY, REGISTRAR | SERVER}}},
    {EVENT_REGISTRAR_ADDED, 0, {{QUORUM, REGISTRAR}, {NAMED, REGISTRAR}}},
    {EVENT_REGISTRAR_REMOVED, 0, {{QUORUM, REGISTRAR}}},
    {EVENT_PARTY_REGISTERED, 0, {{ANY, REGISTRAR}}},
    {EVENT_PARTY_CHANGED, 0, {{ANY, REGISTRAR}}},
    {EVENT_KEY_ENROLLED, 0, {{ANY, REGISTRAR}, {NAMED, ANYONE}}},
    {EVENT_KEY_REVOKED, 0, {{ANY, REGISTRAR}}},
    {EVENT_PERSON_REGISTERED, 0, {{ANY, REGISTRAR}}},
    {EVENT_VEHICLE_REGISTERED, 0, {{ANY, REGISTRAR}}},
    {EVENT_PERMIT_GRANTED, 0, {{ANY, REGISTRAR}}},
    {EVENT_PERMIT_CHANGED, 0, {{ANY, REGISTRAR}}},
    {EVENT_PERMIT_REVOKED, 0, {{ANY, REGISTRAR}}},
    {EVENT_NUMBER_BLOCK_GRANTED, 0, {{ANY, REGISTRAR}}},
    {EVENT_ISSUED, 0, {{OF_ISSUER, GENERATOR}}},
    {EVENT_LOADED, 0, {{ANY, GENERATOR}, {OF_TAKER, TRANSPORTER}}},
    {EVENT_HANDED_OVER, 0, {{OF_GIVER, TRANSPORTER}, {OF_TAKER, TRANSPORTER}}},
    {EVENT_DELIVERED, 0, {{OF_GIVER, TRANSPORTER}, {OF_TAKER, FACILITY}}},
    {EVENT_RECEIVED, 0, {{OF_FACILITY, FACILITY}}},
    {EVENT_RETURNED, RETURN_OUT, {{OF_GIVER, FACILITY}, {OF_TAKER, TRANSPORTER}}},
    {EVENT_RETURNED, RETURN_BACK, {{OF_GIVER, TRANSPORTER}, {OF_TAKER, GENERATOR}}},
    {EVENT_TREATED, 0, {{OF_FACILITY, FACILITY}}},
    {EVENT_CONFIRMED, 0, {{ANY, SIDES}}},
    {EVENT_CANCELLED, 0, {{ANY, GENERATOR}}},
    {EVENT_IMPORTED, 0, {{ANY, IMPORTERS}}},
    {EVENT_VOIDED, 0, {{ANY, ANYONE}}},
    {EVENT_FLAG_RESOLVED, 0, {{ANY, INSPECTOR}}},
};

static const struct signers_row registrar_recovered = {
    EVENT_REGISTRAR_ADDED, 0, {{RECOVERY, 0}, {NAMED, REGISTRAR}}};

/* The signatures an event must have, as worked out for it. */
struct required {
	struct slot slots[MAX_SIGNERS];
	size_t n;
	bool either; /* one signature, by either of two slots */
	bool quorum;
	const struct transfer *transfer;
};

struct check {
	const struct registry *r;
	const struct event *e;
	struct problems *problems;
	struct required required;
};

static const struct signers_row *row_of_kind(enum event_kind kind, const struct transfer *transfer)
{
	for (size_t i = 0; i < ARRAY_LEN(signer_rows); i++)
		if (signer_rows[i].kind == kind &&
		    (signer_rows[i].leg == 0 || signer_rows[i].leg == transfer->leg))
			return &signer_rows[i];
	return NULL;
}

static const struct signers_row *row_of(const struct registry *r, const struct event *e,
					const struct transfer *transfer)
{
	enum event_kind kind = e->kind == EVENT_ATTESTED ? e->attested.step : e->kind;

	if (kind == EVENT_REGISTRAR_ADDED && e->signers_n > 0 &&
	    registry_is_recovery_key(r, &e->signers[0].keyid))
		return &registrar_recovered;
	return row_of_kind(kind, transfer);
}

static bool work_out(const struct registry *r, const struct event *e, struct required *ret_required)
{
	struct required q = {0};

	q.transfer = e->kind == EVENT_ATTESTED ? &e->attested.transfer : &e->transfer;
	const struct signers_row *row = row_of(r, e, q.transfer);
	if (row == NULL)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(row->slots) && row->slots[i].which != NOBODY; i++) {
		q.slots[q.n++] = row->slots[i];
		if (row->slots[i].which != QUORUM)
			continue;
		q.quorum = true;
		if (registry_registrars(r) > 1)
			q.slots[q.n++] = row->slots[i];
	}
	q.either = e->kind == EVENT_ATTESTED;
	*ret_required = q;
	return true;
}

static const struct party_ref *party_of(const struct check *c, enum which which)
{
	switch (which) {
	case OF_ISSUER: return &c->e->issued.generator;
	case OF_FACILITY:
		return c->e->kind == EVENT_RECEIVED ? &c->e->received.facility : &c->e->treated.facility;
	case OF_GIVER: return &c->required.transfer->from;
	case OF_TAKER: return &c->required.transfer->to;
	case NOBODY:
	case ANY:
	case QUORUM:
	case NAMED:
	case RECOVERY: break;
	}
	return NULL;
}

static const struct public_key *named_key(const struct event *e)
{
	switch ((int)e->kind) {
	case EVENT_GENESIS: return &e->genesis.server_key;
	case EVENT_REGISTRAR_ADDED: return &e->registrar_added.key;
	default: return &e->key_enrolled.key;
	}
}

/* The rule that the key breaks in the slot, or NULL. Without regard to time. */
static const struct rule *unfit(const struct check *c, const struct slot *slot, const struct digest *keyid)
{
	if (slot->which == NAMED) {
		struct digest named = key_id(named_key(c->e));
		return digest_eq(&named, keyid) ? NULL : RULE(KEY_POSSESSION);
	}
	const struct key_record *key = registry_key(c->r, keyid);
	if (key == NULL)
		return RULE(KEY_UNKNOWN);
	if (slot->which == RECOVERY)
		return NULL;
	if ((slot->roles & BIT(key->role)) == 0)
		return slot->which == QUORUM ? RULE(REGISTRAR_UNKNOWN) : RULE(KEY_ROLE);
	const struct party_ref *party = party_of(c, slot->which);
	if (party != NULL && (key->party == NULL || !party_ref_eq(party, &key->party->party.ref)))
		return RULE(KEY_PARTY);
	return NULL;
}

/* A step of two sides stays good when one key is revoked under way: the other side bears it out. */
static bool borne_out(const struct check *c, const struct key_record *key)
{
	if (!event_is_custody(c->e->kind) || c->required.n != 2 || c->e->occurred_at >= key->revoked_from)
		return false;
	for (size_t i = 0; i < c->e->signers_n; i++) {
		const struct key_record *other = registry_key(c->r, &c->e->signers[i].keyid);
		if (other != NULL && other != key && other->revoked_from == 0)
			return true;
	}
	return false;
}

/* The rule that the key breaks by the time, or NULL. A named key is only now registered. */
static const struct rule *untimely(const struct check *c, const struct slot *slot, const struct digest *keyid)
{
	const struct key_record *key = slot->which == NAMED ? NULL : registry_key(c->r, keyid);

	if (key == NULL)
		return NULL;
	if (c->e->occurred_at < key->valid_from)
		return RULE(KEY_NOT_YET_VALID);
	if (key->revoked_from != 0 && !borne_out(c, key))
		return RULE(KEY_REVOKED);
	return NULL;
}

static void roles_text(unsigned roles, char *ret_text, size_t size)
{
	static const char *const names[] = {
	    [ROLE_GENERATOR] = "generator", [ROLE_TRANSPORTER] = "transporter", [ROLE_FACILITY] = "facility",
	    [ROLE_REGISTRAR] = "registrar", [ROLE_INSPECTOR] = "inspector",     [ROLE_AUDITOR] = "auditor",
	    [ROLE_SERVER] = "server",
	};
	size_t n = 0;

	ret_text[0] = '\0';
	for (size_t i = 1; i < ARRAY_LEN(names) && n < size; i++)
		if ((roles & BIT(i)) != 0)
			n += (size_t)snprintf(ret_text + n, size - n, "%s%s", n == 0 ? "" : " or ", names[i]);
}

static void add(const struct check *c, const struct rule *rule, size_t signer, const struct slot *slot)
{
	char path[48], found[DIGEST_HEX + 1], allowed[160] = "";

	(void)snprintf(path, sizeof(path), "signers[%zu].keyid", signer);
	digest_hex(&c->e->signers[signer].keyid, found);
	if (slot != NULL) {
		roles_text(slot->roles, allowed, sizeof(allowed));
		const struct party_ref *party = party_of(c, slot->which);
		size_t n = strlen(allowed);
		if (party != NULL && sizeof(allowed) - n > PARTY_REF_TEXT_SIZE) {
			allowed[n] = ' ';
			party_ref_format(party, allowed + n + 1);
		}
	}
	problem_add(c->problems, rule, path, found, allowed);
}

static void check_count(const struct check *c)
{
	const struct required *q = &c->required;
	size_t wanted = q->either ? 1 : q->n;

	if (c->e->signers_n == wanted)
		return;
	bool short_of = q->quorum && c->e->signers_n < wanted && registry_registrars(c->r) > 1;
	char allowed[24];
	(void)snprintf(allowed, sizeof(allowed), "%zu", wanted);
	problem_addf(c->problems, short_of ? RULE(REGISTRAR_QUORUM) : RULE(SIGNERS_COUNT), "signers", allowed,
		     "%zu", c->e->signers_n);
}

static void check_same(const struct check *c)
{
	for (size_t i = 1; i < c->e->signers_n; i++)
		for (size_t k = 0; k < i; k++)
			if (digest_eq(&c->e->signers[i].keyid, &c->e->signers[k].keyid)) {
				add(c, RULE(SIGNERS_SAME), i, NULL);
				break;
			}
}

static bool swapped(const struct check *c)
{
	const struct slot *slots = c->required.slots;
	const struct signer *s = c->e->signers;

	return c->required.n == 2 && c->e->signers_n == 2 && unfit(c, &slots[0], &s[0].keyid) != NULL &&
	       unfit(c, &slots[1], &s[1].keyid) != NULL && unfit(c, &slots[0], &s[1].keyid) == NULL &&
	       unfit(c, &slots[1], &s[0].keyid) == NULL;
}

static void check_either(const struct check *c)
{
	const struct slot *slots = c->required.slots;
	const struct digest *keyid = &c->e->signers[0].keyid;

	if (c->e->signers_n == 0)
		return;
	const struct rule *giver = unfit(c, &slots[0], keyid);
	const struct rule *taker = unfit(c, &slots[1], keyid);
	const struct rule *late = untimely(c, &slots[0], keyid);
	if (giver == RULE(KEY_UNKNOWN))
		add(c, giver, 0, &slots[0]);
	else if (giver != NULL && taker != NULL)
		add(c, RULE(ATTESTED_STEP), 0, giver == RULE(KEY_PARTY) ? &slots[0] : &slots[1]);
	if (late != NULL)
		add(c, late, 0, NULL);
}

void signers_check(const struct registry *r, const struct event *e, struct problems *problems)
{
	struct check c = {.r = r, .e = e, .problems = problems};

	if (!work_out(r, e, &c.required)) {
		problem_add(problems, RULE(SERVER_ONLY), event_kind_name(e->kind), NULL, NULL);
		return;
	}
	check_count(&c);
	check_same(&c);
	if (c.required.either) {
		check_either(&c);
		return;
	}
	if (swapped(&c)) {
		add(&c, RULE(SIGNERS_ORDER), 0, &c.required.slots[0]);
		return;
	}
	for (size_t i = 0; i < e->signers_n && i < c.required.n; i++) {
		const struct slot *slot = &c.required.slots[i];
		const struct rule *broken = unfit(&c, slot, &e->signers[i].keyid);
		const struct rule *late = untimely(&c, slot, &e->signers[i].keyid);
		if (broken != NULL)
			add(&c, broken, i, slot);
		if (late != NULL)
			add(&c, late, i, NULL);
	}
}

bool signers_role_fits(const struct event *e, size_t signer, enum role role)
{
	enum event_kind kind = e->kind == EVENT_ATTESTED ? e->attested.step : e->kind;
	const struct transfer *transfer = e->kind == EVENT_ATTESTED ? &e->attested.transfer : &e->transfer;
	const struct signers_row *row = row_of_kind(kind, transfer);

	if (role == ROLE_NONE) /* the recovery key */
		return e->kind == EVENT_REGISTRAR_ADDED && signer == 0;
	if (row == NULL)
		return role == ROLE_SERVER;
	size_t last = row->slots[1].which == NOBODY ? 0 : 1;
	if (e->kind == EVENT_ATTESTED)
		return ((row->slots[0].roles | row->slots[last].roles) & BIT(role)) != 0;
	/* A second registrar of a quorum stands between the two. */
	return (row->slots[signer < last ? signer : last].roles & BIT(role)) != 0;
}

const struct key_record *signers_lapsed(const struct registry *r, const struct event *e)
{
	if (!event_is_custody(e->kind))
		return NULL;
	for (size_t i = 0; i < e->signers_n; i++) {
		const struct key_record *key = registry_key(r, &e->signers[i].keyid);
		if (key != NULL && key->revoked_from != 0)
			return key;
	}
	return NULL;
}
