#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "fixture.h"

/* ---- base/map.h ---- */

Test(map, finds_what_was_put_and_nothing_else)
{
	static char keys[5000][8];
	static int values[5000];
	struct map m = {0};

	for (int i = 0; i < 5000; i++) {
		(void)snprintf(keys[i], sizeof(keys[i]), "k%d", i);
		cr_assert_null(map_get(&m, span_str(keys[i])));
		cr_assert(map_put(&m, span_str(keys[i]), &values[i]));
	}
	for (int i = 0; i < 5000; i++)
		cr_assert_eq(map_get(&m, span_str(keys[i])), &values[i]);
	cr_assert(map_put(&m, span_str(keys[7]), &values[8]));
	cr_assert_eq(map_get(&m, span_str(keys[7])), &values[8]);
	cr_assert_eq(m.n, 5000);
	map_free(&m);
}

/* How far all keys are from where their hashes would have them, in slots. */
static size_t strayed(const struct map *m)
{
	size_t sum = 0;

	for (size_t i = 0; i < m->cap; i++)
		if (m->slots[i].value != NULL)
			sum += (i - m->slots[i].hash) & (m->cap - 1);
	return sum;
}

static size_t put_big_endian(char *to, uint64_t n)
{
	for (unsigned i = 0; i < 8; i++)
		to[i] = (char)(n >> (56 - 8 * i));
	return 8;
}

enum { KEY_KINDS = 8, KEYS = 20000, KEY_SIZE = 40 };

/* Keys of one kind, numbered as they are given out: what differs may be the last bytes of a whole word alone.
 */
static size_t put_key_like(int kind, uint32_t i, char to[KEY_SIZE])
{
	const uint32_t site = i % 10;
	size_t n = 0;

	switch (kind) {
	case 0: return (size_t)snprintf(to, KEY_SIZE, "辽A%05u", i);
	case 1: return (size_t)snprintf(to, KEY_SIZE, "ABC%05u", i);
	case 2: return (size_t)snprintf(to, KEY_SIZE, "2101152026%06u", i);
	case 3: return (size_t)snprintf(to, KEY_SIZE, "HW-2101152026-%010u", i);
	case 4:
		n = (size_t)snprintf(to, KEY_SIZE, "91210100MA%07uX", i / 10);
		memcpy(to + n, &site, sizeof(site));
		return n + sizeof(site);
	case 5: return put_big_endian(to, i);
	case 6: to[0] = to[1] = 1; return 2 + put_big_endian(to + 2, UINT64_C(20262101000000) + i);
	default:
		memset(to, 'x', DIGEST_SIZE);
		return DIGEST_SIZE - 8 + put_big_endian(to + DIGEST_SIZE - 8, i);
	}
}

Test(map, is_quick_for_keys_as_they_are)
{
	static char keys[KEYS][KEY_SIZE];

	for (int kind = 0; kind < KEY_KINDS; kind++) {
		struct map m = {0};
		for (uint32_t i = 0; i < KEYS; i++) {
			size_t n = put_key_like(kind, i, keys[i]);
			cr_assert(map_put(&m, span_of(keys[i], n), keys[i]));
		}
		cr_expect_lt(strayed(&m), 2 * KEYS, "kind %d: %zu", kind, strayed(&m));
		map_free(&m);
	}
}

/* ---- running numbers against the plainest model: a table of what was used ---- */

enum { NUMBERS = 600 };

static void check_against(const struct key_record *key, const bool *used, uint64_t high)
{
	uint64_t contiguous = 0;

	while (contiguous < high && used[contiguous + 1])
		contiguous++;
	cr_assert_eq(key->high, high);
	cr_assert_eq(key->contiguous, contiguous);
	cr_assert_eq(registry_numbers_complete(key), contiguous == high);
	cr_assert_eq(key->missing_since == 0, contiguous == high);
	for (uint64_t n = 1; n <= NUMBERS; n++)
		cr_assert_eq(registry_number_fresh(key, n), !used[n], "number %d", (int)n);
}

Test(numbers, match_the_model_in_any_order_and_when_read_again)
{
	srand(1);
	for (int round = 0; round < 40; round++) {
		struct world *w = world_new();
		struct key_record *key = registry_key(w->registry, &w->devices[INSPECTOR].keyid);
		bool used[NUMBERS + 2] = {false};
		micros when[NUMBERS + 2] = {0};
		uint64_t high = key->high;

		used[1] = true; /* its enrolment */
		for (int i = 0; i < 120; i++) {
			uint64_t n = 1 + (uint64_t)(rand() % (round % 2 == 0 ? 150 : NUMBERS));
			micros at = w->now + i;
			registry_number_used(w->registry, key, n, at);
			if (!used[n])
				when[n] = at;
			used[n] = true;
			high = n > high ? n : high;
		}
		check_against(key, used, high);
		micros missing_since = key->missing_since;
		world_restart(w);
		key = registry_key(w->registry, &w->devices[INSPECTOR].keyid);
		for (uint64_t n = 2; n <= NUMBERS; n++)
			if (used[n])
				registry_number_used(w->registry, key, n, when[n]);
		check_against(key, used, high);
		cr_assert_eq(key->missing_since, missing_since);
		world_free(w);
	}
}

Test(numbers, never_call_a_used_one_fresh_however_many_gaps)
{
	static bool used[20001];
	struct world *w = world_new();
	struct key_record *key = registry_key(w->registry, &w->devices[INSPECTOR].keyid);

	srand(2);
	used[1] = true;
	for (int i = 0; i < 9000; i++) {
		uint64_t n = i < 4000 ? (uint64_t)(2 * i + 3) : 1 + (uint64_t)(rand() % 20000);
		registry_number_used(w->registry, key, n, w->now + i);
		used[n] = true;
	}
	size_t fresh = 0, unused = 0;
	for (uint64_t n = 1; n <= 20000; n++) {
		fresh += registry_number_fresh(key, n);
		unused += !used[n];
		cr_assert(!(registry_number_fresh(key, n) && used[n]), "number %d", (int)n);
	}
	cr_assert_gt(fresh, 0);
	cr_assert_leq(fresh, unused);
	cr_assert(!registry_numbers_complete(key));
	world_free(w);
}

/* ---- the registry follows from the log ---- */

static void check_city(const struct world *w)
{
	const struct registry *r = w->registry;

	cr_assert_str_eq((const char *)registry_genesis(r)->city.p, "210100");
	cr_assert_eq(registry_parties(r), 1 + FAR_INSPECTOR - GENERATOR + 1);
	cr_assert_eq(registry_keys(r), 4 + FAR_INSPECTOR - GENERATOR + 1);
	cr_assert_eq(registry_registrars(r), 1);
	cr_assert(reference_is_complete(registry_reference(r)));
	for (enum device d = GENERATOR; d <= FAR_INSPECTOR; d++) {
		struct party_ref ref = world_party(d);
		const struct party_record *party = registry_party(r, &ref);
		const struct key_record *key = registry_key(r, &w->devices[d].keyid);
		cr_assert_not_null(party);
		cr_assert_not_null(key);
		cr_assert_eq(key->party, party);
		cr_assert_eq(registry_party_no(r, party->no), party);
		cr_assert_eq(registry_key_no(r, key->no), key);
		cr_assert(party_has_role(&party->party, key->role));
		cr_assert(party_valid_at(&party->party, w->now));
		cr_assert_eq(key->high, key->contiguous);
		cr_assert_geq(key->high, 1);
	}
	const struct permit_record *permit = registry_permit(r, span_str(PERMIT));
	cr_assert_not_null(permit);
	cr_assert(permit_covers_code(&permit->permit, span_str("900-249-08")), "by its category");
	cr_assert(permit_covers_code(&permit->permit, span_str("900-041-49")));
	cr_assert(!permit_covers_code(&permit->permit, span_str("900-047-49")));
	cr_assert(permit_covers_method(&permit->permit, span_str("D10")));
	cr_assert(!permit_covers_method(&permit->permit, span_str("D1")));
	cr_assert_not_null(registry_vehicle(r, span_str(PLATE)));
	cr_assert_null(registry_vehicle(r, span_str("辽A00000")));
	struct party_ref generator = world_party(GENERATOR);
	cr_assert_eq(registry_block(r, NUMBER(1))->generator, registry_party(r, &generator));
	cr_assert_eq(registry_block(r, NUMBER(1000))->first, NUMBER(1));
	cr_assert_eq(registry_block(r, NUMBER(1001))->first, NUMBER(1001));
	cr_assert_null(registry_block(r, NUMBER(2001)));
	cr_assert_null(registry_block(r, NUMBER(0)));
	size_t cursor = 0;
	cr_assert_eq(registry_block_next(r, registry_party(r, &generator), &cursor)->first, NUMBER(1));
	cr_assert_null(registry_block_next(r, registry_party(r, &generator), &cursor));
}

Test(registry, is_the_same_after_a_restart)
{
	struct world *w = world_new();

	check_city(w);
	world_restart(w);
	check_city(w);
	world_free(w);
}

Test(registry, intervals_are_half_open)
{
	struct party p = {.valid_from = 100, .valid_until = 200};
	struct permit_record permit = {.permit = {.valid_from = 100, .valid_until = 200}};
	struct vehicle_record v = {.vehicle = {.valid_from = 100}};

	cr_assert(!party_valid_at(&p, 99) && party_valid_at(&p, 100));
	cr_assert(party_valid_at(&p, 199) && !party_valid_at(&p, 200));
	cr_assert(permit_valid_at(&permit, 150));
	permit.revoked_from = 150;
	cr_assert(permit_valid_at(&permit, 149) && !permit_valid_at(&permit, 150));
	cr_assert(vehicle_valid_at(&v, INT64_MAX) && !vehicle_valid_at(&v, 99));
}

/* ---- what it refuses ---- */

static struct event party_event(const struct world *w, enum event_kind kind, enum device d)
{
	static const enum role generator = ROLE_GENERATOR;
	struct event e = world_event(w, kind);

	e.party.party = (struct party){
	    .ref = world_party(d),
	    .name = span_str("新名称"),
	    .roles = &generator,
	    .roles_n = 1,
	    .division = span_str("210106"),
	    .address = span_str("沈阳市"),
	    .generator_class = 3,
	    .valid_from = 1,
	};
	if (kind == EVENT_PARTY_CHANGED)
		e.party.reason = span_str("更名");
	return e;
}

static void refused(struct world *w, const struct signed_event *s, const char *rule)
{
	struct verdict v = world_submit(w, s);

	cr_assert_neq(v.refused, REFUSAL_NONE, "%s was accepted", event_kind_name(s->event.kind));
	cr_assert(verdict_breaks(&v, rule), "%s: wanted %s, got %s", event_kind_name(s->event.kind), rule,
		  world_problems(w, &v.problems));
}

Test(registry, parties_are_new_or_changed)
{
	struct world *w = world_new();
	struct event known = party_event(w, EVENT_PARTY_REGISTERED, GENERATOR);
	struct event changed = party_event(w, EVENT_PARTY_CHANGED, GENERATOR);
	struct event unknown = changed;
	const struct party_record *record;

	refused(w, SIGN(w, &known, REGISTRAR), "party.exists");
	unknown.party.party.ref.site = 2;
	refused(w, SIGN(w, &unknown, REGISTRAR), "party.unknown");
	record = registry_party(w->registry, &changed.party.party.ref);
	(void)world_accept(w, SIGN(w, &changed, REGISTRAR));
	cr_assert_eq(registry_party(w->registry, &changed.party.party.ref), record, "it stays where it is");
	cr_assert(span_eq_str(record->party.name, "新名称"));
	cr_assert_eq(record->index, w->entries_n - 1);
	world_free(w);
}

static struct event enrol(const struct world *w, enum device device, enum device party, enum role role)
{
	struct event e = world_event(w, EVENT_KEY_ENROLLED);

	e.key_enrolled = (struct key_enrolled){w->devices[device].public, world_party(party), role,
					       span_str("new"), w->now};
	return e;
}

Test(registry, a_key_is_enrolled_once_ever)
{
	struct world *w = world_new();
	struct event e = enrol(w, NEW_DEVICE, HAULER, ROLE_TRANSPORTER);
	struct event again = enrol(w, NEW_DEVICE, GENERATOR, ROLE_GENERATOR);
	struct event wrong = enrol(w, NEW_DEVICE, HAULER, ROLE_FACILITY);
	struct event reserved = enrol(w, RECOVERY, HAULER, ROLE_TRANSPORTER);
	struct event revoke = world_event(w, EVENT_KEY_REVOKED);

	refused(w, SIGN(w, &wrong, REGISTRAR, NEW_DEVICE), "key.owner");
	refused(w, SIGN(w, &e, REGISTRAR, GENERATOR), "key.possession");
	refused(w, SIGN(w, &reserved, REGISTRAR, RECOVERY), "key.reserved");
	(void)world_accept(w, SIGN(w, &e, REGISTRAR, NEW_DEVICE));
	refused(w, SIGN(w, &again, REGISTRAR, NEW_DEVICE), "key.exists");
	revoke.key_revoked = (struct key_revoked){w->devices[NEW_DEVICE].keyid, w->now, span_str("遗失")};
	(void)world_accept(w, SIGN(w, &revoke, REGISTRAR));
	refused(w, SIGN(w, &again, REGISTRAR, NEW_DEVICE), "key.exists");
	refused(w, SIGN(w, &revoke, REGISTRAR), "key.revoked_already");
	revoke.key_revoked.revoked_from -= 1;
	(void)world_accept(w, SIGN(w, &revoke, REGISTRAR));
	revoke.key_revoked.keyid = w->devices[REGISTRAR].keyid;
	refused(w, SIGN(w, &revoke, REGISTRAR), "key.registrar");
	revoke.key_revoked.keyid = w->devices[SERVER].keyid;
	refused(w, SIGN(w, &revoke, REGISTRAR), "key.reserved");
	world_free(w);
}

static struct event add_registrar(const struct world *w, enum device d)
{
	struct event e = world_event(w, EVENT_REGISTRAR_ADDED);

	e.registrar_added = (struct registrar_added){w->devices[d].public, span_str("二号窗口")};
	return e;
}

static struct event remove_registrar(const struct world *w, enum device d)
{
	struct event e = world_event(w, EVENT_REGISTRAR_REMOVED);

	e.registrar_removed = (struct registrar_removed){w->devices[d].keyid, span_str("离岗")};
	return e;
}

Test(registry, registrars_watch_each_other)
{
	struct world *w = world_new();
	struct event second = add_registrar(w, NEW_REGISTRAR);
	struct event third = add_registrar(w, NEW_DEVICE);
	struct event out = remove_registrar(w, REGISTRAR);
	struct event changed = party_event(w, EVENT_PARTY_CHANGED, GENERATOR);

	refused(w, SIGN(w, &out, REGISTRAR), "registrar.last");
	refused(w, SIGN(w, &second, GENERATOR, NEW_REGISTRAR), "registrar.unknown");
	(void)world_accept(w, SIGN(w, &second, REGISTRAR, NEW_REGISTRAR));
	cr_assert_eq(registry_registrars(w->registry), 2);
	refused(w, SIGN(w, &third, REGISTRAR, NEW_DEVICE), "registrar.quorum");
	refused(w, SIGN(w, &out, NEW_REGISTRAR), "registrar.quorum");
	(void)world_accept(w, SIGN(w, &third, NEW_REGISTRAR, REGISTRAR, NEW_DEVICE));
	cr_assert_eq(registry_registrars(w->registry), 3);
	refused(w, SIGN(w, &out, NEW_REGISTRAR, GENERATOR), "registrar.unknown");
	refused(w, SIGN(w, &out, NEW_REGISTRAR, NEW_REGISTRAR), "signers.same");
	(void)world_accept(w, SIGN(w, &out, NEW_REGISTRAR, NEW_DEVICE));
	cr_assert_eq(registry_registrars(w->registry), 2);
	refused(w, SIGN(w, &changed, REGISTRAR), "key.revoked");
	refused(w, SIGN(w, &out, NEW_REGISTRAR, NEW_DEVICE), "registrar.unknown");
	(void)world_accept(w, SIGN(w, &changed, NEW_DEVICE));
	/* One that is out cannot come back by an earlier date, whoever signs beside it. */
	struct event backdated = remove_registrar(w, NEW_DEVICE);
	backdated.occurred_at--;
	refused(w, SIGN(w, &backdated, REGISTRAR, NEW_REGISTRAR), "key.revoked");
	world_restart(w);
	cr_assert_eq(registry_registrars(w->registry), 2);
	world_free(w);
}

Test(registry, recovery_replaces_all_registrars)
{
	struct world *w = world_new();
	struct event second = add_registrar(w, NEW_REGISTRAR);
	struct event fresh = add_registrar(w, NEW_DEVICE);
	struct event changed = party_event(w, EVENT_PARTY_CHANGED, GENERATOR);

	(void)world_accept(w, SIGN(w, &second, REGISTRAR, NEW_REGISTRAR));
	refused(w, SIGN(w, &changed, RECOVERY), "key.role");
	(void)world_accept(w, SIGN(w, &fresh, RECOVERY, NEW_DEVICE));
	cr_assert_eq(registry_registrars(w->registry), 1);
	refused(w, SIGN(w, &changed, REGISTRAR), "key.revoked");
	refused(w, SIGN(w, &changed, NEW_REGISTRAR), "key.revoked");
	(void)world_accept(w, SIGN(w, &changed, NEW_DEVICE));
	world_free(w);
}

Test(registry, blocks_never_overlap)
{
	static const struct {
		unsigned first, last;
		bool good;
	} cases[] = {
	    {2001, 2100, true}, {2101, 2101, true}, {2100, 2200, false}, {1, 1, false},
	    {900, 1100, false}, {2102, 3000, true}, {1900, 2500, false}, {3001, 3001, true},
	};
	struct world *w = world_new();

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct event e = world_event(w, EVENT_NUMBER_BLOCK_GRANTED);
		e.number_block_granted = (struct number_block_granted){
		    world_party(GENERATOR), NUMBER(cases[i].first), NUMBER(cases[i].last)};
		if (cases[i].good)
			(void)world_accept(w, SIGN(w, &e, REGISTRAR));
		else
			refused(w, SIGN(w, &e, REGISTRAR), "block.overlap");
	}
	struct event e = world_event(w, EVENT_NUMBER_BLOCK_GRANTED);
	e.number_block_granted =
	    (struct number_block_granted){world_party(HAULER), NUMBER(5000), NUMBER(5001)};
	refused(w, SIGN(w, &e, REGISTRAR), "party.role");
	world_free(w);
}

Test(registry, permits_and_vehicles)
{
	static const struct span codes[] = {{(const uint8_t *)"HW08", 4}};
	static const struct span methods[] = {{(const uint8_t *)"R9", 2}};
	struct world *w = world_new();
	struct event granted = world_event(w, EVENT_PERMIT_GRANTED);
	struct event changed = world_event(w, EVENT_PERMIT_CHANGED);
	struct event revoked = world_event(w, EVENT_PERMIT_REVOKED);
	struct event sold = world_event(w, EVENT_VEHICLE_REGISTERED);

	granted.permit.permit = (struct permit){
	    span_str(PERMIT), world_party(FACILITY), codes, 1, methods, 1, 1, w->now, w->now + 1};
	changed.permit = granted.permit;
	changed.permit.reason = span_str("变更");
	refused(w, SIGN(w, &granted, REGISTRAR), "permit.exists");
	granted.permit.permit.facility = world_party(HAULER);
	refused(w, SIGN(w, &granted, REGISTRAR), "party.role");
	(void)world_accept(w, SIGN(w, &changed, REGISTRAR));
	cr_assert_eq(registry_permit(w->registry, span_str(PERMIT))->permit.grams_per_year, 1);
	changed.permit.permit.number = span_str("X");
	refused(w, SIGN(w, &changed, REGISTRAR), "permit.unknown");
	revoked.permit_revoked = (struct permit_revoked){span_str(PERMIT), w->now, span_str("违法")};
	(void)world_accept(w, SIGN(w, &revoked, REGISTRAR));
	refused(w, SIGN(w, &revoked, REGISTRAR), "permit.revoked_already");
	cr_assert(!permit_valid_at(registry_permit(w->registry, span_str(PERMIT)), w->now));

	sold.vehicle_registered =
	    (struct vehicle_registered){span_str(PLATE), world_party(GENERATOR), span_str("L"), 1, 1, 0};
	refused(w, SIGN(w, &sold, REGISTRAR), "party.role");
	sold.vehicle_registered.transporter = world_party(OTHER_HAULER);
	(void)world_accept(w, SIGN(w, &sold, REGISTRAR));
	struct party_ref other = world_party(OTHER_HAULER);
	cr_assert_eq(registry_vehicle(w->registry, span_str(PLATE))->transporter,
		     registry_party(w->registry, &other));
	world_free(w);
}

Test(registry, reference_data_must_be_in_the_database)
{
	struct world *w = world_new();
	struct event e = world_event(w, EVENT_REFERENCE_LOADED);

	e.reference_loaded = (struct reference_loaded){REFERENCE_CALENDAR, span_str("2027"), {{1}}, 100};
	refused(w, SIGN(w, &e, REGISTRAR), "reference.unknown");
	world_free(w);
}

Test(registry, settings_change_by_events)
{
	struct world *w = world_new();
	struct event e = world_event(w, EVENT_SETTING_CHANGED);

	e.setting_changed =
	    (struct setting_changed){span_str("transit.grace"), span_str("2 h"), span_str("试行")};
	(void)world_accept(w, SIGN(w, &e, REGISTRAR));
	cr_assert_eq(registry_settings(w->registry)->transit_grace, INT64_C(7200) * MICROS_PER_SECOND);
	world_restart(w);
	cr_assert_eq(registry_settings(w->registry)->transit_grace, INT64_C(7200) * MICROS_PER_SECOND);
	world_free(w);
}

Test(registry, persons_once)
{
	struct world *w = world_new();
	struct event e = world_event(w, EVENT_PERSON_REGISTERED);

	e.person_registered = (struct person_registered){span_str("driver-7"), world_party(HAULER), {{9}}};
	(void)world_accept(w, SIGN(w, &e, REGISTRAR));
	cr_assert(registry_person(w->registry, span_str("driver-7")));
	refused(w, SIGN(w, &e, REGISTRAR), "person.exists");
	world_free(w);
}

Test(registry, genesis_is_entry_0_and_nothing_else)
{
	struct world *w = world_new();
	struct event e = world_event(w, EVENT_GENESIS);

	e.genesis = *registry_genesis(w->registry);
	refused(w, SIGN(w, &e, SERVER), "genesis");
	world_free(w);
}
