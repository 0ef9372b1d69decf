/*
 * The city as a plan: who there is, and every step that is going to be signed and brought to the server. All
 * of it follows from a seed and the time at which it is told; nothing here knows a network or a clock.
 */
#ifndef CITY_MODEL_H
#define CITY_MODEL_H

#include "base/arena.h"
#include "city/dice.h"
#include "city/places.h"
#include "core/civil.h"
#include "core/judge.h"
#include "core/manifest.h"
#include "core/reference.h"

enum {
	TRANSPORTERS = 36,
	VEHICLES_MAX = 200,
	GATES = 4, /* devices of a plant */
	OFFICES = DISTRICTS + 1,
	YEARS_MAX = 4,
	BLOCK_SIZE = 1000,
	LOAD_LINES_MAX = 4,
	RESERVED = 2, /* vehicles whose device is going to be lost */
};

#define MINUTE (INT64_C(60) * MICROS_PER_SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

struct actor;

/* A key with what its holder remembers. */
struct device {
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
	struct device *devices;
	size_t devices_n;
	uint32_t block;           /* generators: which thousand of each year's serials */
	uint32_t used[YEARS_MAX]; /* of it */
};

struct vehicle {
	const char *plate;
	const struct actor *owner;
	struct device *device;
	int64_t capacity_grams;
};

/* What is wrong with a step on purpose. */
enum twist {
	STRAIGHT = 0,
	FORGED,       /* a signature that its key did not make */
	CUT_SHORT,    /* bytes missing */
	NUMBER_TWICE, /* a running number used before */
	OTHER_SEEN,   /* saw a checkpoint that the log never had */
	REPLAYED,     /* the bytes of `original`, brought again */
	EARLY,        /* brought before its predecessor */
};

enum step_state { PLANNED, SIGNED, WAITING, SENT, ACCEPTED, REFUSED };

struct load;

struct step {
	size_t made;        /* the order in which steps were made */
	struct event event; /* complete but for numbers, seen and previous */
	struct device *signers[2];
	size_t signers_n;
	struct device *courier;
	struct step *previous; /* in the chain */
	struct step *after;    /* must be answered before this is brought */
	struct step *original; /* REPLAYED */
	struct load *load;
	micros signed_at; /* when it is signed; the device's clock (occurred_at) may say another time */
	micros bring_at;  /* when the courier has signal */
	enum twist twist;
	enum refusal_kind expected; /* REFUSAL_NONE: to be accepted */
	const char *rule;           /* that the refusal must name; NULL: any */

	/* As it is played. */
	struct span envelope;
	enum step_state state;
	uint64_t index;
	int64_t sent_at;    /* monotonic */
	struct step *waits; /* first of those that wait for this one */
	struct step *next;  /* in such a list */
	unsigned tries;
	bool told_early; /* was refused once for want of its predecessor */
};

/* How a manifest's chain reaches the server. */
enum signal { WITH_SIGNAL, BY_VEHICLE, BY_FACILITY };

struct load {
	uint64_t number;
	const struct story *story;
	struct actor *generator;
	const struct vehicle *vehicle;
	const struct actor *facility;
	const char *permit;
	const struct stream *streams[LOAD_LINES_MAX];
	const char *methods[LOAD_LINES_MAX];
	struct line_quantity lines[LOAD_LINES_MAX]; /* as things stand */
	size_t lines_n;
	enum signal signal;
	micros issued_at;
	micros at; /* of the last step */
	struct step *steps[CHAIN_MAX];
	size_t steps_n;
	struct step *head;
	bool under_way; /* the day ended before the next step */
};

struct step_list {
	struct step **items;
	size_t n;
	size_t cap;
};

struct city {
	struct arena *arena;
	struct dice dice;
	struct dice key_dice;
	micros now;
	struct reference *reference;
	int first_year;
	size_t years;
	struct device registrar;
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
