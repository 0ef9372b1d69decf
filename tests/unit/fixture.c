/* The city of the tests: who there is, what they sign. The store is in fixture_store.c. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/credit_code.h"
#include "hours.h"
#include "wire/envelope.h"

void *world_take(struct world *w, size_t n)
{
	void *p = arena_alloc(w->arena, n);

	MUST(p != NULL);
	return p;
}

/* ---- who there is ---- */

static const struct cast {
	const char *code16; /* of the credit code */
	enum role role;
	const char *division;
	const char *name;
} cast[DEVICES] = {
    [REGISTRAR] = {"11210100MB0000X0", ROLE_REGISTRAR, "210100", "沈阳市生态环境局"},
    [GENERATOR] = {"91210106MA0P0001", ROLE_GENERATOR, "210106", "铁西机械厂"},
    [OTHER_GENERATOR] = {"91210106MA0P0002", ROLE_GENERATOR, "210112", "浑南电子厂"},
    [HAULER] = {"91210106MA0P0003", ROLE_TRANSPORTER, "210106", "安达运输"},
    [OTHER_HAULER] = {"91210106MA0P0004", ROLE_TRANSPORTER, "210113", "北运物流"},
    [FACILITY] = {"91210106MA0P0005", ROLE_FACILITY, "210114", "于洪处置中心"},
    [INSPECTOR] = {"11210106MB0000X0", ROLE_INSPECTOR, "210106", "铁西分局"},
    [PROVINCE_INSPECTOR] = {"11210000MB0000X0", ROLE_INSPECTOR, "210000", "辽宁省生态环境厅"},
    [FAR_INSPECTOR] = {"11210181MB0000X0", ROLE_INSPECTOR, "210181", "新民分局"},
};

struct party_ref world_party(enum device device)
{
	struct party_ref ref = {.site = 1};

	MUST(cast[device].code16 != NULL);
	MUST(credit_code_make(span_str(cast[device].code16), ref.credit_code));
	return ref;
}

party_no world_party_no(const struct world *w, enum device device)
{
	const struct party_ref ref = world_party(device);

	return registry_party(w->registry, &ref)->no;
}

struct span world_file(struct world *w, const char *path)
{
	FILE *f = fopen(path, "rb");

	MUST(f != NULL);
	MUST(fseek(f, 0, SEEK_END) == 0);
	size_t n = (size_t)ftell(f);
	rewind(f);
	uint8_t *p = world_take(w, n + 1);
	MUST(fread(p, 1, n, f) == n);
	(void)fclose(f);
	return span_of(p, n);
}

/* ---- events ---- */

struct event world_event(const struct world *w, enum event_kind kind)
{
	return (struct event){.kind = kind, .occurred_at = w->now};
}

#define TEXT(s)                                                                                              \
	{                                                                                                    \
		(const uint8_t *)(s), sizeof(s) - 1                                                          \
	}

static const struct waste_line waste_lines[] = {
    {.line = 1,
     .code = TEXT("900-249-08"),
     .name = TEXT("废矿物油"),
     .grams = 1200000,
     .containers = 6,
     .packaging = 1,
     .form = 3,
     .method = TEXT("R9")},
    {.line = 2,
     .code = TEXT("900-041-49"),
     .name = TEXT("废包装物"),
     .grams = 300000,
     .containers = 12,
     .packaging = 3,
     .form = 1,
     .method = TEXT("D10")},
};
static const struct line_quantity quantities[] = {{1, 1200000, 6}, {2, 300000, 12}};
static const struct line_decision decisions[] = {
    {.line = 1, .decision = DECISION_ACCEPTED, .accepted = {1, 1200000, 6}, .method = TEXT("R9")},
    {.line = 2, .decision = DECISION_ACCEPTED, .accepted = {2, 300000, 12}, .method = TEXT("D10")},
};
static const struct line_treatment treatments[] = {
    {1, 1200000, 6, TEXT("R9")},
    {2, 300000, 12, TEXT("D10")},
};

struct event world_issued(const struct world *w, uint64_t number)
{
	struct event e = world_event(w, EVENT_ISSUED);

	e.number = number;
	e.issued = (struct issued){
	    .generator = world_party(number >= NUMBER(OTHER_BLOCK) ? OTHER_GENERATOR : GENERATOR),
	    .transporter = world_party(HAULER),
	    .facility = world_party(FACILITY),
	    .plate = span_str(PLATE),
	    .edition = span_str("2021"),
	    .lines = waste_lines,
	    .lines_n = ARRAY_LEN(waste_lines),
	    .collect_by = w->now + 2 * 3600 * MICROS_PER_SECOND,
	    .arrive_by = w->now + 6 * 3600 * MICROS_PER_SECOND,
	    .permit = span_str(PERMIT),
	    .destination = span_str("于洪区沙岭街道1号"),
	    .emergency = span_str("吸附棉围堵，拨打应急电话"),
	};
	return e;
}

static void fill_transfer(struct event *e)
{
	struct transfer *t = &e->transfer;

	t->lines = quantities;
	t->lines_n = ARRAY_LEN(quantities);
	switch ((int)e->kind) {
	case EVENT_LOADED:
		t->to = world_party(HAULER);
		t->plate = span_str(PLATE);
		break;
	case EVENT_HANDED_OVER:
		t->from = world_party(HAULER);
		t->to = world_party(OTHER_HAULER);
		t->plate = span_str(OTHER_PLATE);
		break;
	case EVENT_DELIVERED:
		t->from = world_party(HAULER);
		t->to = world_party(FACILITY);
		break;
	default: t->plate = span_str(PLATE); break;
	}
}

struct event world_step(const struct world *w, enum event_kind kind, uint64_t number,
			const struct digest *previous)
{
	struct event e = world_event(w, kind);

	e.number = number;
	e.previous = *previous;
	switch ((int)kind) {
	case EVENT_RECEIVED:
		e.received = (struct received){world_party(FACILITY), decisions, ARRAY_LEN(decisions)};
		break;
	case EVENT_TREATED:
		e.treated = (struct treated){world_party(FACILITY), treatments, ARRAY_LEN(treatments)};
		break;
	default: fill_transfer(&e); break;
	}
	return e;
}

/* ---- signing ---- */

struct signed_event *world_sign_as_is(struct world *w, const struct event *e, size_t n, const enum device *by)
{
	struct signed_event *s = world_take(w, sizeof(*s));
	struct buffer payload = BUFFER_EMPTY, pae = BUFFER_EMPTY, bytes = BUFFER_EMPTY;
	struct envelope envelope = {.payload_type = span_str(EVENT_PAYLOAD_TYPE), .signatures_n = n};

	s->event = *e;
	MUST(event_encode(&s->event, &payload));
	envelope.payload = buffer_span(&payload);
	s->event.id = event_id(envelope.payload);
	envelope_pae(&envelope, &pae);
	for (size_t i = 0; i < n; i++)
		envelope.signatures[i] = (struct envelope_signature){
		    sign(&w->devices[by[i]].secret, buffer_span(&pae)), w->devices[by[i]].keyid};
	MUST(envelope_encode(&envelope, &bytes));
	s->envelope = arena_copy(w->arena, buffer_span(&bytes));
	MUST(s->envelope.p != NULL);
	buffer_free(&payload);
	buffer_free(&pae);
	buffer_free(&bytes);
	return s;
}

struct signed_event *world_sign(struct world *w, const struct event *e, size_t n, const enum device *by)
{
	struct event numbered = *e;

	numbered.signers_n = n;
	for (size_t i = 0; i < n; i++) {
		numbered.signers[i].keyid = w->devices[by[i]].keyid;
		numbered.signers[i].number = ++w->devices[by[i]].number;
	}
	return world_sign_as_is(w, &numbered, n, by);
}

/* ---- the city ---- */

static const struct {
	enum reference_kind kind;
	const char *edition;
	const char *path;
} files[CITY_FILES] = {
    {REFERENCE_WASTE_CODES, "2021", "schema/data/waste_codes/2021.csv"},
    {REFERENCE_DIVISIONS, "2023", "schema/data/divisions/2023.csv"},
    {REFERENCE_TREATMENT_METHODS, "2021", "schema/data/treatment_methods/2021.csv"},
    {REFERENCE_CALENDAR, "2026", "schema/data/calendar/2026.csv"},
};

struct event world_reference(struct world *w, size_t i)
{
	struct span file = world_file(w, files[i].path);
	struct event e = world_event(w, EVENT_REFERENCE_LOADED);

	e.reference_loaded =
	    (struct reference_loaded){files[i].kind, span_str(files[i].edition), digest_of(file), file.n};
	return e;
}

struct registry *world_fresh_registry(struct world *w)
{
	struct registry *r = registry_new();
	struct reference_error error;

	MUST(r != NULL);
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		MUST(registry_offer_reference(r, files[i].kind, span_str(files[i].edition),
					      world_file(w, files[i].path), &error));
	return r;
}

struct world *world_empty(void)
{
	struct world *w = calloc(1, sizeof(*w));

	MUST(crypto_start());
	MUST(w != NULL);
	w->arena = arena_new(SIZE_MAX / 2);
	MUST(w->arena != NULL);
	w->now = WORLD_MORNING - 100 * DAY;
	w->registry = world_fresh_registry(w);
	for (int i = 0; i < DEVICES; i++) {
		uint8_t seed[SEED_SIZE] = {(uint8_t)(i + 1)};
		struct device_key *d = &w->devices[i];
		key_from_seed(seed, &d->secret, &d->public);
		d->keyid = key_id(&d->public);
	}
	return w;
}

static void begin_log(struct world *w)
{
	uint8_t seed[SEED_SIZE] = {0xff};
	struct secret_key log_secret;
	struct event e = world_event(w, EVENT_GENESIS);

	e.genesis = (struct genesis){
	    .origin = span_str("shenyang.example/manifest"),
	    .city = span_str("210100"),
	    .server_key = w->devices[SERVER].public,
	    .authority = world_party(REGISTRAR),
	    .authority_name = span_str(cast[REGISTRAR].name),
	    .registrar_key = w->devices[REGISTRAR].public,
	    .recovery_key = w->devices[RECOVERY].public,
	    .rules_version = 1,
	};
	key_from_seed(seed, &log_secret, &e.genesis.log_key);
	(void)world_accept(w, SIGN(w, &e, SERVER));
	for (size_t i = 0; i < CITY_FILES; i++) {
		struct event loaded = world_reference(w, i);
		(void)world_accept(w, SIGN(w, &loaded, SERVER));
	}
}

static void register_party(struct world *w, enum device device)
{
	struct event e = world_event(w, EVENT_PARTY_REGISTERED);

	e.party.party = (struct party){
	    .ref = world_party(device),
	    .name = span_str(cast[device].name),
	    .roles = &cast[device].role,
	    .roles_n = 1,
	    .division = span_str(cast[device].division),
	    .address = span_str("沈阳市"),
	    .generator_class = cast[device].role == ROLE_GENERATOR ? 2 : 1,
	    .valid_from = w->now,
	};
	(void)world_accept(w, SIGN(w, &e, REGISTRAR));
	struct event enrolled = world_event(w, EVENT_KEY_ENROLLED);
	enrolled.key_enrolled = (struct key_enrolled){
	    .key = w->devices[device].public,
	    .party = world_party(device),
	    .role = cast[device].role,
	    .device = span_str("terminal"),
	    .valid_from = w->now,
	};
	(void)world_accept(w, SIGN(w, &enrolled, REGISTRAR, device));
}

static void register_vehicle(struct world *w, const char *plate, enum device hauler)
{
	struct event e = world_event(w, EVENT_VEHICLE_REGISTERED);

	e.vehicle_registered = (struct vehicle_registered){
	    .plate = span_str(plate),
	    .transporter = world_party(hauler),
	    .licence = span_str("辽交运管210100"),
	    .capacity_grams = 20000000,
	    .valid_from = w->now,
	};
	(void)world_accept(w, SIGN(w, &e, REGISTRAR));
}

static void grant_permit(struct world *w)
{
	static const struct span codes[] = {TEXT("HW08"), TEXT("900-041-49")};
	static const struct span methods[] = {TEXT("D10"), TEXT("R9")};
	struct event e = world_event(w, EVENT_PERMIT_GRANTED);

	e.permit.permit = (struct permit){
	    .number = span_str(PERMIT),
	    .facility = world_party(FACILITY),
	    .waste_codes = codes,
	    .waste_codes_n = ARRAY_LEN(codes),
	    .methods = methods,
	    .methods_n = ARRAY_LEN(methods),
	    .grams_per_year = INT64_C(10000000000),
	    .valid_from = w->now,
	    .valid_until = w->now + 1000 * DAY,
	};
	(void)world_accept(w, SIGN(w, &e, REGISTRAR));
}

static void grant_block(struct world *w, enum device generator, unsigned first)
{
	struct event e = world_event(w, EVENT_NUMBER_BLOCK_GRANTED);

	e.number_block_granted =
	    (struct number_block_granted){world_party(generator), NUMBER(first), NUMBER(first + 999)};
	(void)world_accept(w, SIGN(w, &e, REGISTRAR));
}

struct world *world_new(void)
{
	struct world *w = world_empty();

	begin_log(w);
	for (enum device d = GENERATOR; d <= FAR_INSPECTOR; d++)
		register_party(w, d);
	register_vehicle(w, PLATE, HAULER);
	register_vehicle(w, OTHER_PLATE, OTHER_HAULER);
	grant_permit(w);
	grant_block(w, GENERATOR, 1);
	grant_block(w, OTHER_GENERATOR, OTHER_BLOCK);
	w->now = WORLD_MORNING;
	return w;
}

void world_free(struct world *w)
{
	registry_free(w->registry);
	arena_free(w->arena);
	free(w);
}
