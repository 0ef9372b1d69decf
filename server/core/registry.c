/* The registry's look-ups. What changes it is in registry_apply.c, what it refuses in registry_judge.c. */
#include "core/registry_table.h"

#include <stdlib.h>

struct registry *registry_new(void)
{
	struct registry *r = calloc(1, sizeof(*r));

	if (r == NULL)
		goto failed;
	r->arena = arena_new(SIZE_MAX / 2);
	if (r->arena == NULL)
		goto free_registry;
	r->reference = reference_new();
	if (r->reference == NULL)
		goto free_arena;
	r->settings = law_settings_default();
	return r;

free_arena:
	arena_free(r->arena);
free_registry:
	free(r);
failed:
	return NULL;
}

void registry_free(struct registry *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->key_list.n; i++)
		free(((struct key_node *)r->key_list.at[i])->gaps);
	map_free(&r->parties);
	map_free(&r->keys);
	map_free(&r->permits);
	map_free(&r->vehicles);
	map_free(&r->persons);
	free(r->party_list.at);
	free(r->key_list.at);
	free(r->blocks.at);
	free(r->voided);
	reference_unref(r->reference);
	arena_free(r->arena);
	free(r);
}

bool registry_offer_reference(struct registry *r, enum reference_kind kind, struct span edition,
			      struct span file, struct reference_error *ret_error)
{
	struct reference *trial = reference_with(r->reference, kind, edition, file, ret_error);

	if (trial == NULL)
		return false;
	reference_unref(trial);
	struct offer *offer = arena_alloc(r->arena, sizeof(*offer));
	if (offer == NULL)
		goto no_memory;
	*offer = (struct offer){
	    .next = r->offers,
	    .kind = kind,
	    .edition = arena_copy(r->arena, edition),
	    .file = arena_copy(r->arena, file),
	    .sha256 = digest_of(file),
	};
	if (offer->edition.p == NULL || offer->file.p == NULL)
		goto no_memory;
	r->offers = offer;
	return true;

no_memory:
	*ret_error = (struct reference_error){.text = "out of memory"};
	return false;
}

const struct offer *registry_offer_find(const struct registry *r, const struct reference_loaded *loaded)
{
	for (const struct offer *o = r->offers; o != NULL; o = o->next)
		if (o->kind == loaded->kind && o->file.n == loaded->size &&
		    span_eq(o->edition, loaded->edition) && digest_eq(&o->sha256, &loaded->sha256))
			return o;
	return NULL;
}

bool registry_reference_offered(const struct registry *r, const struct reference_loaded *loaded)
{
	return registry_offer_find(r, loaded) != NULL;
}

const struct genesis *registry_genesis(const struct registry *r)
{
	return r->begun ? &r->genesis : NULL;
}

const struct law_settings *registry_settings(const struct registry *r)
{
	return &r->settings;
}

micros registry_clocks_changed_at(const struct registry *r)
{
	return r->clocks_changed_at;
}

const struct reference *registry_reference(const struct registry *r)
{
	return r->reference;
}

struct party_key party_key_of(const struct party_ref *ref)
{
	struct party_key key;

	memcpy(key.b, ref->credit_code, CREDIT_CODE_SIZE);
	memcpy(key.b + CREDIT_CODE_SIZE, &ref->site, sizeof(ref->site));
	return key;
}

const struct party_record *registry_party(const struct registry *r, const struct party_ref *ref)
{
	struct party_key key = party_key_of(ref);

	return map_get(&r->parties, span_of(key.b, sizeof(key.b)));
}

const struct party_record *registry_party_no(const struct registry *r, party_no no)
{
	return no == 0 || no > r->party_list.n ? NULL : r->party_list.at[no - 1];
}

struct key_record *registry_key(const struct registry *r, const struct digest *keyid)
{
	return map_get(&r->keys, digest_span(keyid));
}

struct key_record *registry_key_no(const struct registry *r, key_no no)
{
	return no == 0 || no > r->key_list.n ? NULL : r->key_list.at[no - 1];
}

const struct permit_record *registry_permit(const struct registry *r, struct span number)
{
	return map_get(&r->permits, number);
}

const struct vehicle_record *registry_vehicle(const struct registry *r, struct span plate)
{
	return map_get(&r->vehicles, plate);
}

bool registry_person(const struct registry *r, struct span person)
{
	return map_get(&r->persons, person) != NULL;
}

size_t registry_block_at(const struct registry *r, uint64_t number)
{
	size_t low = 0, high = r->blocks.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct block_record *block = r->blocks.at[middle];
		if (block->last < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct block_record *registry_block(const struct registry *r, uint64_t number)
{
	size_t at = registry_block_at(r, number);
	const struct block_record *block = at < r->blocks.n ? r->blocks.at[at] : NULL;

	return block != NULL && block->first <= number ? block : NULL;
}

const struct block_record *registry_block_next(const struct registry *r, const struct party_record *generator,
					       size_t *cursor)
{
	while (*cursor < r->blocks.n) {
		const struct block_record *block = r->blocks.at[(*cursor)++];
		if (generator == NULL || block->generator == generator)
			return block;
	}
	return NULL;
}

size_t registry_voided_at(const struct registry *r, uint64_t number)
{
	size_t low = 0, high = r->voided_n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (r->voided[middle] < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool registry_voided(const struct registry *r, uint64_t number)
{
	size_t at = registry_voided_at(r, number);

	return at < r->voided_n && r->voided[at] == number;
}

const struct key_record *registry_server_key(const struct registry *r)
{
	return r->begun ? registry_key_no(r, 1) : NULL;
}

bool registry_is_recovery_key(const struct registry *r, const struct digest *keyid)
{
	const struct key_record *key = registry_key(r, keyid);

	return key != NULL && memcmp(&key->key, &r->genesis.recovery_key, sizeof(key->key)) == 0;
}

bool key_is_registrar(const struct key_record *key)
{
	return key->role == ROLE_REGISTRAR && key->revoked_from == 0;
}

size_t registry_parties(const struct registry *r)
{
	return r->party_list.n;
}

size_t registry_keys(const struct registry *r)
{
	return r->key_list.n;
}

size_t registry_registrars(const struct registry *r)
{
	return r->registrars;
}

bool party_has_role(const struct party *p, enum role role)
{
	for (size_t i = 0; i < p->roles_n; i++)
		if (p->roles[i] == role)
			return true;
	return false;
}

static bool within(micros at, micros from, micros until)
{
	return at >= from && (until == 0 || at < until);
}

bool party_valid_at(const struct party *p, micros at)
{
	return within(at, p->valid_from, p->valid_until);
}

bool vehicle_valid_at(const struct vehicle_record *v, micros at)
{
	return within(at, v->vehicle.valid_from, v->vehicle.valid_until);
}

bool permit_valid_at(const struct permit_record *p, micros at)
{
	return within(at, p->permit.valid_from, p->permit.valid_until) && within(at, 0, p->revoked_from);
}

bool permit_covers_code(const struct permit *p, struct span code)
{
	for (size_t i = 0; i < p->waste_codes_n; i++)
		if (waste_code_covered(p->waste_codes[i], code))
			return true;
	return false;
}

bool permit_covers_method(const struct permit *p, struct span method)
{
	for (size_t i = 0; i < p->methods_n; i++)
		if (span_eq(p->methods[i], method))
			return true;
	return false;
}
