/*
 * Owns the rows of the registry's tables. They repeat what the registry knows after the batch, so that a
 * table never says something else than judging does.
 */
#include "store/port.h"

static void send_party(struct pipeline *p, const struct party_record *r)
{
	struct params v = {0};
	uint32_t roles = 0;

	if (r == NULL) {
		p->broken = true;
		return;
	}
	for (size_t i = 0; i < r->party.roles_n; i++)
		roles |= UINT32_C(1) << r->party.roles[i];
	param_int(&v, r->no);
	param_str(&v, r->party.ref.credit_code);
	param_int(&v, r->party.ref.site);
	param_span(&v, r->party.name);
	param_int(&v, roles);
	param_span(&v, r->party.division);
	param_span(&v, r->party.address);
	param_int(&v, r->party.generator_class);
	param_int(&v, r->party.valid_from);
	param_int(&v, r->party.valid_until);
	param_int(&v, (int64_t)r->index);
	pipeline_send(p, ST_PARTY, &v);
}

static void send_key(struct pipeline *p, const struct key_record *r, uint64_t index)
{
	struct params v = {0};

	if (r == NULL) {
		p->broken = true;
		return;
	}
	param_int(&v, r->no);
	param_digest(&v, &r->keyid);
	param_span(&v, span_of(r->key.b, PUBLIC_KEY_SIZE));
	param_int_or_null(&v, r->party == NULL ? 0 : r->party->no);
	param_int(&v, r->role);
	param_span(&v, r->device);
	param_int(&v, r->valid_from);
	param_int_or_null(&v, r->revoked_from);
	param_int(&v, (int64_t)index);
	pipeline_send(p, ST_KEY, &v);
}

static int64_t party_of(const struct registry *r, const struct party_ref *ref)
{
	const struct party_record *party = registry_party(r, ref);

	return party == NULL ? 0 : party->no;
}

static void on_genesis(struct pipeline *p, const struct registry *r, const struct registry_row *row)
{
	const struct genesis *g = &row->event->genesis;
	const struct public_key *const keys[] = {&g->log_key, &g->server_key, &g->registrar_key,
						 &g->recovery_key};

	send_party(p, registry_party(r, &g->authority));
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct digest id = key_id(keys[i]);
		const struct key_record *key = registry_key(r, &id);
		if (key != NULL) /* the log's own key signs no events */
			send_key(p, key, row->index);
	}
}

static void on_setting(struct pipeline *p, const struct registry *r, const struct registry_row *row)
{
	struct params v = {0};

	(void)r;
	param_span(&v, row->event->setting_changed.key);
	param_span(&v, row->event->setting_changed.value);
	param_int(&v, (int64_t)row->index);
	pipeline_send(p, ST_SETTING, &v);
}

static void on_registrar_added(struct pipeline *p, const struct registry *r, const struct registry_row *row)
{
	const struct event *e = row->event;
	struct digest id = key_id(&e->registrar_added.key);

	send_key(p, registry_key(r, &id), row->index);
	if (!registry_is_recovery_key(r, &e->signers[0].keyid))
		return;
	for (key_no no = 1; no <= registry_keys(r); no++) { /* the recovery key replaced them all */
		const struct key_record *key = registry_key_no(r, no);
		if (key != NULL && key->role == ROLE_REGISTRAR && key->revoked_from == e->occurred_at)
			send_key(p, key, row->index);
	}
}

static void on_registrar_removed(struct pipeline *p, const struct registry *r, const struct registry_row *row)
{
	send_key(p, registry_key(r, &row->event->registrar_removed.keyid), row->index);
}

static void on_party(struct pipeline *p, const struct registry *r, const struct registry_row *row)
{
	send_party(p, registry_party(r, &row->event->party.party.ref));
}

static void on_key_enrolled(struct pipeline *p, const struct registry *r, const struct registry_row *row)
{
	struct digest id = key_id(&row->event->key_enrolled.key);

	send_key(p, registry_key(r, &id), row->index);
}

static void on_key_revoked(struct pipeline *p, const struct registry *r, const struct registry_row *row)
{
	send_key(p, registry_key(r, &row->event->key_revoked.keyid), row->index);
}

static void on_person(struct pipeline *p, const struct registry *r, const struct registry_row *row)
{
	const struct person_registered *person = &row->event->person_registered;
	struct params v = {0};

	param_span(&v, person->person);
	param_int(&v, party_of(r, &person->party));
	param_digest(&v, &person->digest);
	param_int(&v, (int64_t)row->index);
	pipeline_send(p, ST_PERSON, &v);
}

static void on_vehicle(struct pipeline *p, const struct registry *r, const struct registry_row *row)
{
	const struct vehicle_registered *vehicle = &row->event->vehicle_registered;
	struct params v = {0};

	param_span(&v, vehicle->plate);
	param_int(&v, party_of(r, &vehicle->transporter));
	param_span(&v, vehicle->licence);
	param_int(&v, vehicle->capacity_grams);
	param_int(&v, vehicle->valid_from);
	param_int(&v, vehicle->valid_until);
	param_int(&v, (int64_t)row->index);
	pipeline_send(p, ST_VEHICLE, &v);
}

static void on_permit(struct pipeline *p, const struct registry *r, const struct registry_row *row)
{
	const struct permit *permit = &row->event->permit.permit;
	struct array *a = p->conn->columns;
	struct params v = {0};

	array_begin(&a[0], ARRAY_TEXT);
	for (size_t i = 0; i < permit->waste_codes_n; i++)
		array_span(&a[0], permit->waste_codes[i]);
	array_begin(&a[1], ARRAY_TEXT);
	for (size_t i = 0; i < permit->methods_n; i++)
		array_span(&a[1], permit->methods[i]);
	param_span(&v, permit->number);
	param_int(&v, party_of(r, &permit->facility));
	param_array(&v, &a[0]);
	param_array(&v, &a[1]);
	param_int(&v, permit->grams_per_year);
	param_int(&v, permit->valid_from);
	param_int(&v, permit->valid_until);
	param_int(&v, (int64_t)row->index);
	pipeline_send(p, ST_PERMIT, &v);
}

static void on_permit_revoked(struct pipeline *p, const struct registry *r, const struct registry_row *row)
{
	struct params v = {0};

	(void)r;
	param_span(&v, row->event->permit_revoked.number);
	param_int(&v, row->event->permit_revoked.revoked_from);
	param_int(&v, (int64_t)row->index);
	pipeline_send(p, ST_PERMIT_REVOKE, &v);
}

static void on_block(struct pipeline *p, const struct registry *r, const struct registry_row *row)
{
	const struct number_block_granted *block = &row->event->number_block_granted;
	struct params v = {0};

	param_int(&v, (int64_t)block->first);
	param_int(&v, (int64_t)block->last);
	param_int(&v, party_of(r, &block->generator));
	param_int(&v, (int64_t)row->index);
	pipeline_send(p, ST_BLOCK, &v);
}

static const struct {
	enum event_kind kind;
	void (*send)(struct pipeline *p, const struct registry *r, const struct registry_row *row);
} tables[] = {
    {EVENT_GENESIS, on_genesis},
    {EVENT_SETTING_CHANGED, on_setting},
    {EVENT_REGISTRAR_ADDED, on_registrar_added},
    {EVENT_REGISTRAR_REMOVED, on_registrar_removed},
    {EVENT_PARTY_REGISTERED, on_party},
    {EVENT_PARTY_CHANGED, on_party},
    {EVENT_KEY_ENROLLED, on_key_enrolled},
    {EVENT_KEY_REVOKED, on_key_revoked},
    {EVENT_PERSON_REGISTERED, on_person},
    {EVENT_VEHICLE_REGISTERED, on_vehicle},
    {EVENT_PERMIT_GRANTED, on_permit},
    {EVENT_PERMIT_CHANGED, on_permit},
    {EVENT_PERMIT_REVOKED, on_permit_revoked},
    {EVENT_NUMBER_BLOCK_GRANTED, on_block},
};

void send_registry(struct pipeline *p, const struct commit *commit)
{
	const struct rows *rows = commit->rows;

	pipeline_columns(p, "i");
	for (size_t i = 0; i < rows->registry_n; i++)
		array_int(&p->conn->columns[0], (int64_t)rows->registry[i].index);
	pipeline_send_columns(p, ST_REGISTRY_ENTRY);

	for (size_t i = 0; i < rows->registry_n; i++)
		for (size_t k = 0; k < ARRAY_LEN(tables); k++)
			if (tables[k].kind == rows->registry[i].event->kind)
				tables[k].send(p, commit->registry, &rows->registry[i]);
}
