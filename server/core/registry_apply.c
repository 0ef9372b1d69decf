/*
 * How the registry follows from the log: one function for each kind of event, in a table. The same code runs
 * over the stored log at the start and over each new event. Whatever is kept of an event is copied.
 */
#include "core/registry_table.h"

#include <stdlib.h>

#include "base/text.h"
#include "core/civil.h"

/* What an event is applied with. */
struct change {
	struct registry *r;
	const struct event *e;
	uint64_t index;
	micros accepted_at;
};

static void *keep(struct registry *r, size_t n)
{
	void *p = arena_alloc(r->arena, n);

	r->full |= p == NULL;
	return p;
}

static struct span keep_span(struct registry *r, struct span s)
{
	struct span copy = arena_copy(r->arena, s);

	r->full |= copy.p == NULL;
	return copy;
}

static const struct span *keep_spans(struct registry *r, const struct span *from, size_t n)
{
	struct span *to = keep(r, n * sizeof(*to));

	for (size_t i = 0; to != NULL && i < n; i++)
		to[i] = keep_span(r, from[i]);
	return to;
}

static void keep_under(struct registry *r, struct map *map, struct span key, void *value)
{
	if (!r->full)
		r->full = !map_put(map, key, value);
}

static bool table_insert(struct table *t, size_t at, void *record)
{
	if (t->n == t->cap) {
		size_t cap = t->cap == 0 ? 16 : 2 * t->cap;
		void **grown = realloc(t->at, cap * sizeof(*grown));
		if (grown == NULL)
			return false;
		t->at = grown;
		t->cap = cap;
	}
	memmove(&t->at[at + 1], &t->at[at], (t->n - at) * sizeof(t->at[0]));
	t->at[at] = record;
	t->n++;
	return true;
}

/* ---- parties ---- */

static struct party keep_party(struct registry *r, const struct party *from)
{
	struct party to = *from;
	enum role *roles = keep(r, from->roles_n * sizeof(*roles));

	if (roles != NULL && from->roles_n > 0)
		memcpy(roles, from->roles, from->roles_n * sizeof(*roles));
	to.roles = roles;
	to.name = keep_span(r, from->name);
	to.division = keep_span(r, from->division);
	to.address = keep_span(r, from->address);
	return to;
}

static struct party_record *add_party(const struct change *c, const struct party *party)
{
	struct registry *r = c->r;
	struct party_record *record = keep(r, sizeof(*record));
	struct party_key key = party_key_of(&party->ref);
	struct span under = keep_span(r, span_of(key.b, sizeof(key.b)));

	if (record == NULL)
		return NULL;
	*record = (struct party_record){
	    .no = (party_no)(r->party_list.n + 1), .party = keep_party(r, party), .index = c->index};
	if (r->full || !table_insert(&r->party_list, r->party_list.n, record)) {
		r->full = true;
		return NULL;
	}
	keep_under(r, &r->parties, under, record);
	return record;
}

static void party_registered(const struct change *c)
{
	(void)add_party(c, &c->e->party.party);
}

static void party_changed(const struct change *c)
{
	const struct party *party = &c->e->party.party;
	struct party_key key = party_key_of(&party->ref);
	struct party_record *record = map_get(&c->r->parties, span_of(key.b, sizeof(key.b)));

	if (record == NULL)
		return;
	record->party = keep_party(c->r, party);
	record->index = c->index;
}

/* ---- keys ---- */

static void add_key(const struct change *c, const struct public_key *public, const struct party_record *party,
		    enum role role, struct span device, micros valid_from)
{
	struct registry *r = c->r;
	struct key_node *node = keep(r, sizeof(*node));

	if (node == NULL)
		return;
	node->record = (struct key_record){
	    .no = (key_no)(r->key_list.n + 1),
	    .keyid = key_id(public),
	    .key = *public,
	    .party = party,
	    .role = role,
	    .device = keep_span(r, device),
	    .valid_from = valid_from,
	};
	if (r->full || !table_insert(&r->key_list, r->key_list.n, node)) {
		r->full = true;
		return;
	}
	keep_under(r, &r->keys, digest_span(&node->record.keyid), node);
	if (role == ROLE_REGISTRAR)
		r->registrars++;
}

static void revoke(const struct change *c, struct key_record *key, micros from)
{
	if (key_is_registrar(key))
		c->r->registrars--;
	key->revoked_from = from;
	if (key->revoked_at == 0)
		key->revoked_at = c->accepted_at;
}

static void key_enrolled(const struct change *c)
{
	const struct key_enrolled *k = &c->e->key_enrolled;

	add_key(c, &k->key, registry_party(c->r, &k->party), k->role, k->device, k->valid_from);
}

static void key_revoked(const struct change *c)
{
	struct key_record *key = registry_key(c->r, &c->e->key_revoked.keyid);

	if (key != NULL)
		revoke(c, key, c->e->key_revoked.revoked_from);
}

static void registrar_added(const struct change *c)
{
	const struct registrar_added *a = &c->e->registrar_added;
	struct registry *r = c->r;

	if (registry_is_recovery_key(r, &c->e->signers[0].keyid))
		for (size_t i = 0; i < r->key_list.n; i++) {
			struct key_record *key = r->key_list.at[i];
			if (key_is_registrar(key))
				revoke(c, key, c->e->occurred_at);
		}
	add_key(c, &a->key, registry_party(r, &r->genesis.authority), ROLE_REGISTRAR, a->name,
		c->e->occurred_at);
}

static void registrar_removed(const struct change *c)
{
	struct key_record *key = registry_key(c->r, &c->e->registrar_removed.keyid);

	if (key != NULL)
		revoke(c, key, c->e->occurred_at);
}

/* ---- the log ---- */

static void genesis(const struct change *c)
{
	static const enum role roles[] = {ROLE_REGISTRAR, ROLE_INSPECTOR, ROLE_AUDITOR};
	const struct genesis *g = &c->e->genesis;
	struct registry *r = c->r;
	/* A log that goes on for another takes up what the same keys signed before it. */
	const micros from = g->continues.n > 0 ? 0 : c->e->occurred_at;
	struct party authority = {
	    .ref = g->authority,
	    .name = g->authority_name,
	    .roles = roles,
	    .roles_n = ARRAY_LEN(roles),
	    .division = g->city,
	    .address = g->authority_name,
	    .generator_class = 1,
	    .valid_from = from,
	};

	r->genesis = *g;
	r->genesis.origin = keep_span(r, g->origin);
	r->genesis.city = keep_span(r, g->city);
	r->genesis.authority_name = keep_span(r, g->authority_name);
	r->genesis.continues = keep_span(r, g->continues);
	const struct party_record *party = add_party(c, &authority);
	add_key(c, &g->server_key, NULL, ROLE_SERVER, span_str("server"), c->e->occurred_at);
	add_key(c, &g->registrar_key, party, ROLE_REGISTRAR, span_str("registrar"), from);
	add_key(c, &g->recovery_key, NULL, ROLE_NONE, span_str("recovery"), from);
	add_key(c, &g->log_key, NULL, ROLE_NONE, span_str("log"), c->e->occurred_at);
	r->begun = true;
}

static void setting_changed(const struct change *c)
{
	char error[SETTING_ERROR_SIZE];

	/* The value was judged; an older log's key that no rule reads any more changes nothing. */
	(void)!law_setting_set(&c->r->settings, c->e->setting_changed.key, c->e->setting_changed.value,
			       error);
}

static void reference_loaded(const struct change *c)
{
	struct registry *r = c->r;
	const struct offer *offer = registry_offer_find(r, &c->e->reference_loaded);
	struct reference_error error;
	struct reference *next =
	    offer == NULL ? NULL
			  : reference_with(r->reference, offer->kind, offer->edition, offer->file, &error);

	if (next == NULL) {
		r->full = true;
		return;
	}
	reference_unref(r->reference);
	r->reference = next;
}

/* ---- persons, vehicles, permits, numbers ---- */

static void person_registered(const struct change *c)
{
	struct span *id = keep(c->r, sizeof(*id));

	if (id == NULL)
		return;
	*id = keep_span(c->r, c->e->person_registered.person);
	keep_under(c->r, &c->r->persons, *id, id);
}

static void vehicle_registered(const struct change *c)
{
	const struct vehicle_registered *v = &c->e->vehicle_registered;
	struct registry *r = c->r;
	struct vehicle_record *record = map_get(&r->vehicles, v->plate);
	bool known = record != NULL;
	struct span plate = known ? record->vehicle.plate : keep_span(r, v->plate);

	if (!known)
		record = keep(r, sizeof(*record));
	if (record == NULL)
		return;
	record->vehicle = *v;
	record->vehicle.plate = plate;
	record->vehicle.licence = keep_span(r, v->licence);
	record->transporter = registry_party(r, &v->transporter);
	record->index = c->index;
	if (!known)
		keep_under(r, &r->vehicles, plate, record);
}

/* Granted and changed. */
static void permit_stated(const struct change *c)
{
	const struct permit *p = &c->e->permit.permit;
	struct registry *r = c->r;
	struct permit_record *record = map_get(&r->permits, p->number);
	bool known = record != NULL;
	struct span number = known ? record->permit.number : keep_span(r, p->number);

	if (!known)
		record = keep(r, sizeof(*record));
	if (record == NULL)
		return;
	record->permit = *p;
	record->permit.number = number;
	record->permit.waste_codes = keep_spans(r, p->waste_codes, p->waste_codes_n);
	record->permit.methods = keep_spans(r, p->methods, p->methods_n);
	record->facility = registry_party(r, &p->facility);
	record->index = c->index;
	if (!known)
		keep_under(r, &r->permits, number, record);
}

static void permit_revoked(const struct change *c)
{
	struct permit_record *record = map_get(&c->r->permits, c->e->permit_revoked.number);

	if (record != NULL)
		record->revoked_from = c->e->permit_revoked.revoked_from;
}

static void number_block_granted(const struct change *c)
{
	const struct number_block_granted *b = &c->e->number_block_granted;
	struct registry *r = c->r;
	struct block_record *record = keep(r, sizeof(*record));

	if (record == NULL)
		return;
	*record = (struct block_record){b->first, b->last, registry_party(r, &b->generator), c->index};
	r->full |= !table_insert(&r->blocks, registry_block_at(r, b->first), record);
}

static void voided(const struct change *c)
{
	struct registry *r = c->r;

	if (r->voided_n == r->voided_cap) {
		size_t cap = r->voided_cap == 0 ? 64 : 2 * r->voided_cap;
		uint64_t *grown = realloc(r->voided, cap * sizeof(*grown));
		if (grown == NULL) {
			r->full = true;
			return;
		}
		r->voided = grown;
		r->voided_cap = cap;
	}
	size_t at = registry_voided_at(r, c->e->number);
	memmove(&r->voided[at + 1], &r->voided[at], (r->voided_n - at) * sizeof(r->voided[0]));
	r->voided[at] = c->e->number;
	r->voided_n++;
}

/* ---- flags about a key ---- */

/* What a restart must not give again: how many a day, and which history was told of last. */
static void evidence_kept(struct key_record *key, micros accepted_at)
{
	civil_day day = civil_day_of(accepted_at);

	key->evidence_n = key->evidence_day == day ? key->evidence_n + 1 : 1;
	key->evidence_day = day;
}

/* The detail of such a flag ends with the root that the device saw. */
static void history_told(struct key_record *key, struct span detail)
{
	struct digest root;

	if (detail.n >= DIGEST_HEX &&
	    hex_decode(span_of(detail.p + detail.n - DIGEST_HEX, DIGEST_HEX), root.b, DIGEST_SIZE))
		key->other_root = root;
}

static struct key_record *key_of_gap_flag(const struct registry *r, uint64_t flag)
{
	for (size_t i = 0; i < r->key_list.n; i++) {
		struct key_record *key = r->key_list.at[i];
		if (key->gap_flag == flag + 1)
			return key;
	}
	return NULL;
}

static void flag_raised(const struct change *c)
{
	struct key_record *key = registry_key(c->r, &c->e->flag_raised.keyid);

	if (key == NULL)
		return;
	switch ((int)c->e->flag_raised.kind) {
	case FLAG_NUMBER_GAP:
		key->gap_flag = c->index + 1;
		key->gap_flagged_at = c->accepted_at;
		registry_gaps_seen(key);
		break;
	case FLAG_TWO_HISTORIES:
		history_told(key, c->e->flag_raised.detail);
		evidence_kept(key, c->accepted_at);
		break;
	case FLAG_FORK: evidence_kept(key, c->accepted_at); break;
	default: break;
	}
}

static void flag_closed(const struct change *c)
{
	const struct event *e = c->e;
	struct key_record *key = key_of_gap_flag(c->r, e->kind == EVENT_FLAG_CLEARED ? e->flag_cleared.flag
										     : e->flag_resolved.flag);

	if (key != NULL)
		key->gap_flag = 0;
}

static void (*const appliers[])(const struct change *c) = {
    [EVENT_GENESIS] = genesis,
    [EVENT_SETTING_CHANGED] = setting_changed,
    [EVENT_REFERENCE_LOADED] = reference_loaded,
    [EVENT_REGISTRAR_ADDED] = registrar_added,
    [EVENT_REGISTRAR_REMOVED] = registrar_removed,
    [EVENT_PARTY_REGISTERED] = party_registered,
    [EVENT_PARTY_CHANGED] = party_changed,
    [EVENT_KEY_ENROLLED] = key_enrolled,
    [EVENT_KEY_REVOKED] = key_revoked,
    [EVENT_PERSON_REGISTERED] = person_registered,
    [EVENT_VEHICLE_REGISTERED] = vehicle_registered,
    [EVENT_PERMIT_GRANTED] = permit_stated,
    [EVENT_PERMIT_CHANGED] = permit_stated,
    [EVENT_PERMIT_REVOKED] = permit_revoked,
    [EVENT_NUMBER_BLOCK_GRANTED] = number_block_granted,
    [EVENT_VOIDED] = voided,
    [EVENT_FLAG_RAISED] = flag_raised,
    [EVENT_FLAG_CLEARED] = flag_closed,
    [EVENT_FLAG_RESOLVED] = flag_closed,
};

bool registry_concerns(const struct registry *r, const struct event *e)
{
	if ((size_t)e->kind >= ARRAY_LEN(appliers) || appliers[e->kind] == NULL)
		return false;
	switch ((int)e->kind) {
	case EVENT_VOIDED: return e->voided.running_number == 0;
	case EVENT_FLAG_RAISED:
		return e->flag_raised.kind == FLAG_NUMBER_GAP || e->flag_raised.kind == FLAG_FORK ||
		       e->flag_raised.kind == FLAG_TWO_HISTORIES;
	case EVENT_FLAG_CLEARED: return key_of_gap_flag(r, e->flag_cleared.flag) != NULL;
	case EVENT_FLAG_RESOLVED: return key_of_gap_flag(r, e->flag_resolved.flag) != NULL;
	default: return true;
	}
}

bool registry_apply(struct registry *r, const struct event *e, uint64_t index, micros accepted_at)
{
	if (registry_concerns(r, e))
		appliers[e->kind](&(struct change){r, e, index, accepted_at});
	if (event_changes_clocks(e))
		r->clocks_changed_at = accepted_at;
	return !r->full;
}
