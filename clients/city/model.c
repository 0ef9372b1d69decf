/* Owns who there is: parties, keys, vehicles. */
#include "city/model.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/credit_code.h"
#include "core/number.h"

enum { FILE_MAX = REFERENCE_FILE_MAX };
#define CITY_MEMORY ((size_t)8 << 30)

void *city_take(struct city *c, size_t n)
{
	void *p = arena_alloc(c->arena, n);

	if (p == NULL) {
		(void)fprintf(stderr, "city: out of memory\n");
		exit(3);
	}
	return p;
}

const char *city_text(struct city *c, const char *format, ...)
{
	va_list args, again;

	va_start(args, format);
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	char *text = city_take(c, (size_t)n + 1);
	(void)vsnprintf(text, (size_t)n + 1, format, again);
	va_end(again);
	return text;
}

struct step *city_step(struct city *c, struct step_list *list)
{
	struct step *s = city_take(c, sizeof(*s));

	s->made = c->made++;
	if (list->n == list->cap) {
		size_t cap = list->cap == 0 ? 1024 : 2 * list->cap;
		struct step **grown = city_take(c, cap * sizeof(*grown));
		if (list->n > 0)
			memcpy(grown, list->items, list->n * sizeof(*grown));
		list->items = grown;
		list->cap = cap;
	}
	list->items[list->n++] = s;
	return s;
}

/* ---- reference data ---- */

static bool load_file(struct city *c, const char *path, enum reference_kind kind, const char *edition)
{
	struct reference_error error;
	struct reference *grown = NULL;
	FILE *f = fopen(path, "rb");
	char *bytes = f == NULL ? NULL : malloc(FILE_MAX);

	if (bytes != NULL) {
		size_t n = fread(bytes, 1, FILE_MAX, f);
		grown = reference_with(c->reference, kind, span_str(edition), span_of(bytes, n), &error);
	}
	free(bytes);
	if (f != NULL)
		(void)fclose(f);
	if (grown == NULL)
		return false;
	reference_unref(c->reference);
	c->reference = grown;
	return true;
}

static bool load_reference(struct city *c, const char *schema, char ret_error[256])
{
	static const struct {
		const char *folder, *edition;
		enum reference_kind kind;
	} files[] = {
	    {"waste_codes", "2021", REFERENCE_WASTE_CODES},
	    {"divisions", "2023", REFERENCE_DIVISIONS},
	    {"treatment_methods", "2021", REFERENCE_TREATMENT_METHODS},
	    {"calendar", "2026", REFERENCE_CALENDAR},
	};
	char path[240];

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		(void)snprintf(path, sizeof(path), "%s/data/%s/%s.csv", schema, files[i].folder,
			       files[i].edition);
		if (load_file(c, path, files[i].kind, files[i].edition))
			continue;
		(void)snprintf(ret_error, 256, "%s: cannot be read", path);
		return false;
	}
	return true;
}

/* ---- names and codes ---- */

/*
 * The n-th code of an authority's kind: eight characters "MA" and n in base 31, spread so that neighbours do
 * not look alike.
 */
static struct party_ref make_ref(const char *authority, const char *division, uint32_t n)
{
	static const char alphabet[] = "0123456789ABCDEFGHJKLMNPQRTUWXY";
	const uint32_t space = 28629151; /* 31 to the 5th, prime to the step */
	uint32_t spread = (uint32_t)(((uint64_t)n * 11213507 + 4099) % space);
	struct party_ref ref = {.site = 1};
	char head[17];

	(void)snprintf(head, sizeof(head), "%.2s%.6sMA0", authority, division);
	for (size_t i = 15; i > 10; i--) {
		head[i] = alphabet[spread % 31];
		spread /= 31;
	}
	if (!credit_code_make(span_of(head, 16), ref.credit_code)) {
		(void)fprintf(stderr, "city: %.16s is no head of a credit code\n", head);
		abort();
	}
	return ref;
}

static const struct district *draw_district(struct city *c)
{
	uint32_t at = dice_below(&c->dice, 100);
	size_t i = 0;

	while (i + 1 < DISTRICTS && at >= districts[i].share)
		at -= districts[i++].share;
	return &districts[i];
}

static const struct district *find_district(const char *code)
{
	size_t i = 0;

	while (i + 1 < DISTRICTS && strcmp(districts[i].code, code) != 0)
		i++;
	return &districts[i];
}

/* Names of two characters, each pair once for an ending: 780 pairs are there. */
static const char *company(struct city *c, uint32_t n, const char *ending)
{
	uint32_t pairs = (uint32_t)(name_firsts_n * name_seconds_n);
	uint32_t pair = n * 277 % pairs;

	return city_text(c, "沈阳%s%s%s", name_firsts[pair % name_firsts_n],
			 name_seconds[pair / name_firsts_n], ending);
}

/* ---- devices ---- */

static void make_device(struct city *c, struct terminal *d, const struct actor *owner, const char *name)
{
	uint8_t seed[SEED_SIZE];

	dice_bytes(&c->key_dice, seed, sizeof(seed));
	key_from_seed(seed, &d->secret, &d->public);
	d->keyid = key_id(&d->public);
	d->role = owner->role;
	d->owner = owner;
	d->name = name;
}

static void make_devices(struct city *c, struct actor *a, size_t n, const char *name)
{
	a->devices = city_take(c, n * sizeof(*a->devices));
	a->devices_n = n;
	for (size_t i = 0; i < n; i++)
		make_device(c, &a->devices[i], a, n == 1 ? name : city_text(c, "%s %zu", name, i + 1));
}

/* ---- who there is ---- */

static void make_generators(struct city *c)
{
	size_t n = 0;

	for (size_t i = 0; i < INDUSTRIES; i++) {
		const struct industry *industry = &industries[i];
		size_t endings = 1;
		while (endings < ARRAY_LEN(industry->endings) && industry->endings[endings] != NULL)
			endings++;
		for (unsigned k = 0; k < industry->generators; k++, n++) {
			struct actor *a = &c->generators[n];
			a->role = ROLE_GENERATOR;
			a->industry = industry;
			a->district = draw_district(c);
			a->ref = make_ref(industry->authority, a->district->code, (uint32_t)n);
			a->name = company(c, (uint32_t)n, industry->endings[k % endings]);
			a->address = city_text(c, "沈阳市%s%s%u号", a->district->zh, a->district->road,
					       1 + dice_below(&c->dice, 400));
			a->block = (uint32_t)n;
			make_devices(c, a, 1, "产废终端");
		}
	}
}

static void make_vehicle(struct city *c, const struct actor *owner, struct terminal *device)
{
	static const int64_t tonnes[] = {32, 25, 18, 10, 8, 5, 3};
	static const char letters[] = "ABCDEFGHJKLMNPQRSTUVWXYZ";
	struct vehicle *v = &c->vehicles[c->vehicles_n];
	uint32_t n = (uint32_t)c->vehicles_n;

	*v = (struct vehicle){
	    .plate = city_text(c, "辽A%c%04u", letters[n % (sizeof(letters) - 1)], (n * 3571 + 1009) % 10000),
	    .owner = owner,
	    .device = device,
	    .capacity_grams = tonnes[n % ARRAY_LEN(tonnes)] * 1000000,
	};
	c->vehicles_n++;
}

static void make_transporters(struct city *c)
{
	static const char *const endings[] = {"危险品运输有限公司", "环保物流有限公司", "特种运输有限公司"};

	for (size_t i = 0; i < TRANSPORTERS; i++) {
		struct actor *a = &c->transporters[i];
		a->role = ROLE_TRANSPORTER;
		a->district = draw_district(c);
		a->ref = make_ref("91", a->district->code, GENERATORS + (uint32_t)i);
		a->name = company(c, GENERATORS + (uint32_t)i, endings[i % ARRAY_LEN(endings)]);
		a->address = city_text(c, "沈阳市%s%s%zu号", a->district->zh, a->district->road, 2 * i + 1);
		make_devices(c, a, (size_t)dice_between(&c->dice, 3, 5), "车载终端");
		for (size_t k = 0; k < a->devices_n; k++)
			make_vehicle(c, a, &a->devices[k]);
	}
}

static void make_plants(struct city *c)
{
	for (size_t i = 0; i < PLANTS; i++) {
		struct actor *a = &c->plants[i];
		a->role = ROLE_FACILITY;
		a->plant = &plants[i];
		a->district = find_district(plants[i].division);
		a->ref = make_ref("91", plants[i].division, GENERATORS + TRANSPORTERS + (uint32_t)i);
		a->name = plants[i].zh;
		a->address = plants[i].address;
		make_devices(c, a, GATES, "地磅终端");
	}
}

static void make_offices(struct city *c)
{
	for (size_t i = 0; i < OFFICES; i++) {
		struct actor *a = &c->offices[i];
		a->role = ROLE_INSPECTOR;
		a->district = i < DISTRICTS ? &districts[i] : NULL;
		a->ref = make_ref("11", i < DISTRICTS ? districts[i].code : "210100",
				  GENERATORS + TRANSPORTERS + PLANTS + (uint32_t)i);
		a->name = i < DISTRICTS ? city_text(c, "沈阳市生态环境局%s分局", districts[i].zh)
					: "沈阳市生态环境保护综合行政执法队";
		a->address = i < DISTRICTS ? city_text(c, "沈阳市%s", districts[i].zh) : "沈阳市";
		make_devices(c, a, 1, "执法终端");
	}
}

bool city_new(uint64_t seed, micros now, const char *schema, const struct secret_key *registrar,
	      struct city **ret_city, char ret_error[256])
{
	struct arena *arena = arena_new(CITY_MEMORY);
	struct city *c = arena == NULL ? NULL : arena_alloc(arena, sizeof(*c));

	if (c == NULL) {
		(void)snprintf(ret_error, 256, "out of memory");
		arena_free(arena);
		return false;
	}
	c->arena = arena;
	c->now = now;
	c->dice = dice_of(seed);
	c->key_dice = dice_of(~seed);
	c->first_year = civil_year(now - 420 * DAY);
	c->years = (size_t)(civil_year(now) - c->first_year) + 1;
	c->registrar.secret = *registrar;
	c->registrar.public = key_public(registrar);
	c->registrar.keyid = key_id(&c->registrar.public);
	c->registrar.role = ROLE_REGISTRAR;
	c->registrar.name = "registrar";
	c->reference = reference_new();
	if (c->reference == NULL || !load_reference(c, schema, ret_error)) {
		city_free(c);
		return false;
	}
	make_generators(c);
	make_transporters(c);
	make_plants(c);
	make_offices(c);
	*ret_city = c;
	return true;
}

void city_free(struct city *c)
{
	if (c == NULL)
		return;
	reference_unref(c->reference);
	arena_free(c->arena);
}

/* ---- finding ---- */

static const struct actor *find(const struct actor *actors, size_t n, const struct party_ref *ref)
{
	for (size_t i = 0; i < n; i++)
		if (party_ref_eq(&actors[i].ref, ref))
			return &actors[i];
	return NULL;
}

const struct actor *city_party(const struct city *c, const struct party_ref *ref)
{
	const struct actor *a = find(c->generators, GENERATORS, ref);

	if (a == NULL)
		a = find(c->transporters, TRANSPORTERS, ref);
	if (a == NULL)
		a = find(c->plants, PLANTS, ref);
	return a == NULL ? find(c->offices, OFFICES, ref) : a;
}

uint64_t city_number(struct city *c, struct actor *generator, micros at)
{
	int year = civil_year(at);
	size_t i = (size_t)(year - c->first_year);
	/* A device whose clock is wrong may think it is next year. */
	uint32_t *used = &generator->used[i < c->years ? i : c->years - 1];
	struct manifest_number_parts parts = {
	    .year = (unsigned)year, .city = 2101, .serial = generator->block * BLOCK_SIZE + ++*used};
	uint64_t number = 0;

	if (*used > BLOCK_SIZE || !manifest_number_make(parts, &number)) {
		(void)fprintf(stderr, "city: a block of numbers is used up\n");
		exit(2);
	}
	return number;
}
