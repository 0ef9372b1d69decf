/*
 * The city as a plan: who there is, and every step that is going to be signed and brought to the server. All
 * of it follows from a seed and the time at which it is told; nothing here knows a network or a clock.
 */
#ifndef CITY_MODEL_H
#define CITY_MODEL_H

#include "base/arena.h"
#include "city/dice.h"
#include "city/places.h"
#include "city/step.h"
#include "core/civil.h"
#include "core/reference.h"

enum {
	TRANSPORTERS = 36,
	VEHICLES_MAX = 200,
	GATES = 4, /* devices of a plant */
	OFFICES = DISTRICTS + 1,
	YEARS_MAX = 4,
	BLOCK_SIZE = 1000,
	RESERVED = 2, /* vehicles whose device is going to be lost */
};

#define MINUTE (INT64_C(60) * MICROS_PER_SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

struct actor;

/* A key with what its holder remembers. */
struct terminal {
	struct secret_key secret;
	struct public_key public;
	struct digest keyid;
	enum role role;
	const struct actor *owner; /* NULL: the first registrar */
	const char *name;
	uint64_t numbers; /* running numbers used so far */
	bool revoked;
	struct checkpoint_ref seen; /* the last checkpoint it verified */
	void *link;                 /* fleet.c's */
};

struct actor {
	struct party_ref ref;
	const char *name;
	const char *address;
	const struct district *district; /* NULL: the whole city */
	enum role role;
	const struct industry *industry; /* generators */
	const struct plant *plant;       /* plants */
	struct terminal *devices;
	size_t devices_n;
	uint32_t block;           /* generators: which thousand of each year's serials */
	uint32_t used[YEARS_MAX]; /* of it */
};

struct vehicle {
	const char *plate;
	const struct actor *owner;
	struct terminal *device;
	int64_t capacity_grams;
};

struct city {
	struct arena *arena;
	struct dice dice;
	struct dice key_dice;
	micros now;
	struct reference *reference;
	int first_year;
	size_t years;
	struct terminal registrar;
	struct actor generators[GENERATORS];
	struct actor transporters[TRANSPORTERS];
	struct actor plants[PLANTS];
	struct actor offices[OFFICES]; /* inspectors: of each district, and of the city */
	struct vehicle vehicles[VEHICLES_MAX];
	size_t vehicles_n;
	struct step_list registry; /* in the order to be sent */
	struct step_list steps;    /* of the day, in the order made */
	struct load **loads;
	size_t loads_n;
	struct load *hero; /* whose trail is told */
	unsigned lost;
	size_t made;
};

/* Reads schema/data. False: *ret_error says which file. `registrar` is copied. */
bool city_new(uint64_t seed, micros now, const char *schema, const struct secret_key *registrar,
	      struct city **ret_city, char ret_error[256]) MUST_CHECK;
void city_free(struct city *c);

/* registry.c: everything the registrar signs before the day. */
void city_register(struct city *c);
/* stories.c: about `manifests` transfers of the last 24 hours, and the old ones that are stuck. */
void city_live(struct city *c, unsigned manifests);

const struct actor *city_party(const struct city *c, const struct party_ref *ref);
/* A year's serial of the generator; the year must be one of the city's. */
uint64_t city_number(struct city *c, struct actor *generator, micros at);

/* Memory and text of the city's arena. A city that does not fit ends the program. */
void *city_take(struct city *c, size_t n);
const char *city_text(struct city *c, const char *format, ...) PRINTF_LIKE(2, 3);
struct step *city_step(struct city *c, struct step_list *list);

#endif
