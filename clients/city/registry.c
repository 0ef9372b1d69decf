/* Owns what the registrar signs before the day: parties, keys, vehicles, permits, number blocks. */
#include "city/model.h"
#include "city/permits.h"

#include "core/number.h"

/* Everyone and everything was there already when the oldest manifest was issued. */
#define SINCE_DAYS 1500

static struct event *add(struct city *c, enum event_kind kind)
{
	struct step *s = city_step(c, &c->registry);

	s->signers[0] = &c->registrar;
	s->signers_n = 1;
	s->courier = &c->registrar;
	s->signed_at = s->bring_at = s->event.occurred_at = c->now;
	s->event.kind = kind;
	return &s->event;
}

static void register_actor(struct city *c, const struct actor *a)
{
	static const enum role roles[] = {ROLE_NONE,     ROLE_GENERATOR, ROLE_TRANSPORTER,
					  ROLE_FACILITY, ROLE_REGISTRAR, ROLE_INSPECTOR};
	struct party *p = &add(c, EVENT_PARTY_REGISTERED)->party.party;

	*p = (struct party){
	    .ref = a->ref,
	    .name = span_str(a->name),
	    .roles = &roles[a->role],
	    .roles_n = 1,
	    .division = span_str(a->district == NULL ? "210100" : a->district->code),
	    .address = span_str(a->address),
	    .generator_class = a->role == ROLE_GENERATOR ? 2 : 1,
	    .valid_from = c->now - SINCE_DAYS * DAY,
	};
	for (size_t i = 0; i < a->devices_n; i++) {
		struct event *e = add(c, EVENT_KEY_ENROLLED);
		struct step *s = c->registry.items[c->registry.n - 1];
		s->signers[s->signers_n++] = &a->devices[i];
		e->key_enrolled = (struct key_enrolled){.key = a->devices[i].public,
							.party = a->ref,
							.role = a->role,
							.device = span_str(a->devices[i].name),
							.valid_from = c->now - SINCE_DAYS * DAY};
	}
}

static void grant_blocks(struct city *c, const struct actor *a)
{
	for (size_t i = 0; i < c->years; i++) {
		struct number_block_granted *b = &add(c, EVENT_NUMBER_BLOCK_GRANTED)->number_block_granted;
		struct manifest_number_parts parts = {.year = (unsigned)c->first_year + (unsigned)i,
						      .city = 2101,
						      .serial = a->block * BLOCK_SIZE + 1};
		b->generator = a->ref;
		if (!manifest_number_make(parts, &b->first))
			b->first = 0; /* the server will say so */
		b->last = b->first + BLOCK_SIZE - 1;
	}
}

static void register_vehicle(struct city *c, const struct vehicle *v)
{
	add(c, EVENT_VEHICLE_REGISTERED)->vehicle_registered = (struct vehicle_registered){
	    .plate = span_str(v->plate),
	    .transporter = v->owner->ref,
	    .licence = span_str(city_text(c, "210100%06zu", (size_t)(v - c->vehicles) + 100001)),
	    .capacity_grams = v->capacity_grams,
	    .valid_from = c->now - SINCE_DAYS * DAY,
	};
}

static bool listed(const struct span *items, size_t n, struct span text)
{
	for (size_t i = 0; i < n; i++)
		if (span_eq(items[i], text))
			return true;
	return false;
}

static void grant_permit(struct city *c, const struct actor *a)
{
	struct span *codes = city_take(c, PLANT_WASTES_MAX * sizeof(*codes));
	struct span *methods = city_take(c, PLANT_WASTES_MAX * sizeof(*methods));
	struct permit *p = &add(c, EVENT_PERMIT_GRANTED)->permit.permit;

	*p = (struct permit){
	    .number = span_str(a->plant->permit),
	    .facility = a->ref,
	    .waste_codes = codes,
	    .methods = methods,
	    .grams_per_year = a->plant->tonnes_per_year * 1000000,
	    .valid_from = c->now - SINCE_DAYS * DAY,
	    .valid_until = c->now + SINCE_DAYS * DAY,
	};
	for (size_t i = 0; i < PLANT_WASTES_MAX && a->plant->wastes[i].waste != NULL; i++) {
		struct span method = span_str(a->plant->wastes[i].method);
		codes[p->waste_codes_n++] = span_str(a->plant->wastes[i].waste);
		if (!listed(methods, p->methods_n, method))
			methods[p->methods_n++] = method;
	}
}

static void grant_trial_permit(struct city *c)
{
	static const struct span code = {(const uint8_t *)"HW49", 4};
	static const struct span method = {(const uint8_t *)"D10", 3};

	add(c, EVENT_PERMIT_GRANTED)->permit.permit = (struct permit){
	    .number = span_str(TRIAL_PERMIT),
	    .facility = c->plants[TRIAL_PLANT].ref,
	    .waste_codes = &code,
	    .waste_codes_n = 1,
	    .methods = &method,
	    .methods_n = 1,
	    .grams_per_year = INT64_C(5000) * 1000000,
	    .valid_from = c->now - 365 * DAY,
	    .valid_until = city_trial_ends(c),
	};
}

void city_register(struct city *c)
{
	for (size_t i = 0; i < OFFICES; i++)
		register_actor(c, &c->offices[i]);
	for (size_t i = 0; i < PLANTS; i++) {
		register_actor(c, &c->plants[i]);
		grant_permit(c, &c->plants[i]);
	}
	grant_trial_permit(c);
	for (size_t i = 0; i < TRANSPORTERS; i++)
		register_actor(c, &c->transporters[i]);
	for (size_t i = 0; i < c->vehicles_n; i++)
		register_vehicle(c, &c->vehicles[i]);
	for (size_t i = 0; i < GENERATORS; i++) {
		register_actor(c, &c->generators[i]);
		grant_blocks(c, &c->generators[i]);
	}
}
