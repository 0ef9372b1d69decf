/*
 * One statement on its way: an event, who signs it, who brings it when, and what is to come of it; and the
 * load that it is about.
 */
#ifndef CITY_STEP_H
#define CITY_STEP_H

#include "city/places.h"
#include "core/judge.h"
#include "core/manifest.h"

struct actor;
struct terminal;
struct load;
struct story;
struct vehicle;

enum { LOAD_LINES_MAX = 4 };

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

struct step {
	size_t made;        /* the order in which steps were made */
	struct event event; /* complete but for numbers, seen and previous */
	struct terminal *signers[2];
	size_t signers_n;
	struct terminal *courier;
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

#endif
