/*
 * A small city for tests that judge: a log that has begun, reference data, parties, keys, a permit, vehicles
 * and number blocks, and a store in memory that does what the database would. Whatever goes wrong in here
 * ends the test program. Everything lives in one arena, until world_free().
 */
#ifndef TESTS_FIXTURE_H
#define TESTS_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>

#include "core/judge.h"

#define MUST(what)                                                                                           \
	do {                                                                                                 \
		if (!(what)) {                                                                               \
			(void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what);                     \
			abort();                                                                             \
		}                                                                                            \
	} while (0)

enum { CITY_FILES = 4 }; /* reference files */

enum device {
	SERVER,
	REGISTRAR,
	RECOVERY,
	GENERATOR,
	OTHER_GENERATOR,
	HAULER,
	OTHER_HAULER,
	FACILITY,
	INSPECTOR, /* of the district of the generator */
	PROVINCE_INSPECTOR,
	FAR_INSPECTOR, /* of another district */
	NEW_DEVICE,    /* enrolled nowhere */
	NEW_REGISTRAR, /* enrolled nowhere */
	DEVICES,
};

#define PLATE         "辽A12345"
#define OTHER_PLATE   "辽A67890"
#define PERMIT        "SY210106001"
#define NUMBER(n)     (UINT64_C(20262101000000) + (n)) /* 1 to 1000: the generator's block */
#define OTHER_BLOCK   1001                             /* from here the other generator's */
#define WORLD_MORNING INT64_C(1772416800000000)        /* Monday 2026-03-02 10:00 in Shenyang */

struct device_key {
	struct secret_key secret;
	struct public_key public;
	struct digest keyid;
	uint64_t number; /* the last running number it used */
};

struct signed_event {
	struct event event;
	struct span envelope;
};

/* What the store keeps. */
struct stored_entry {
	struct entry_row row;
	struct span bytes; /* the LogEntry */
};

struct stored_flag {
	struct flag_row row; /* as raised */
	bool open;
	bool claimed_in_time;
	uint64_t closed_by;
};

struct world {
	struct arena *arena;
	struct registry *registry;
	struct device_key devices[DEVICES];
	micros now;
	enum seen_answer seen; /* what the history says of every `seen` */

	struct stored_entry *entries;
	size_t entries_n;
	struct loaded_number *numbers; /* ascending */
	size_t numbers_n;
	struct manifest *manifests; /* ascending */
	size_t manifests_n;
	struct stored_flag *flags;
	size_t flags_n;
	struct evidence_row *evidence;
	size_t evidence_n;
	struct registry_row *registry_rows;
	size_t registry_rows_n;
};

/* The city at WORLD_MORNING; its registration took place earlier. */
struct world *world_new(void);
/* The same keys, and an empty log. */
struct world *world_empty(void);
void world_free(struct world *w);

/* Zeroed memory of the world's. */
void *world_take(struct world *w, size_t n);
/* A registry to which the city's reference files are offered. */
struct registry *world_fresh_registry(struct world *w);
struct party_ref world_party(enum device device);
/* As the registry numbers it. */
party_no world_party_no(const struct world *w, enum device device);
struct span world_file(struct world *w, const char *path);
/* The event that loads the i-th of the city's reference files. */
struct event world_reference(struct world *w, size_t i);

/* An event that occurs now. */
struct event world_event(const struct world *w, enum event_kind kind);
/* Two lines, 1,200 kg of oil in 6 drums and 300 kg of packaging in 12, from generator to facility. */
struct event world_issued(const struct world *w, uint64_t number);
/* Any other custody event but `attested`, with the quantities of `issued`; `returned` needs its leg. */
struct event world_step(const struct world *w, enum event_kind kind, uint64_t number,
			const struct digest *previous);

/* Signs with each device's next running number; the copy is the world's. */
struct signed_event *world_sign(struct world *w, const struct event *e, size_t n, const enum device *by);
#define SIGN(w, e, ...)                                                                                      \
	world_sign(w, e, sizeof((enum device[]){__VA_ARGS__}) / sizeof(enum device),                         \
		   (const enum device[]){__VA_ARGS__})
/* Signs once more without taking new running numbers: signers[].number and seen are what the event says. */
struct signed_event *world_sign_as_is(struct world *w, const struct event *e, size_t n,
				      const enum device *by);

/* Judges the members as one batch, and stores what comes of it. */
void world_judge(struct world *w, const struct signed_event *const *members, size_t n,
		 struct verdict *ret_verdicts);
struct verdict world_submit(struct world *w, const struct signed_event *member);
/* Submits, and must be accepted; gives the event's id. */
struct digest world_accept(struct world *w, const struct signed_event *member);
/* The sweeps over all manifests and keys. */
void world_sweep(struct world *w);
/* All deadlines again, as after a clock's setting changed. */
void world_recompute(struct world *w);
/* Makes the registry again from what is stored, as a server does at its start. */
void world_restart(struct world *w);

const struct manifest *world_manifest(const struct world *w, uint64_t number);
/* Open flags of the kind: how many, and the last of them (NULL: none). */
size_t world_open_flags(const struct world *w, enum flag_kind kind, const struct stored_flag **ret_last);
/* The verdict has a problem of the rule (by its id). */
bool verdict_breaks(const struct verdict *v, const char *rule_id);
bool problems_have(const struct problems *p, const char *rule_id);
/* For messages: every problem of a verdict, one a line. */
const char *world_problems(struct world *w, const struct problems *p);

#endif
