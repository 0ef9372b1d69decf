/* What the files of the fleet share: connections (links.c), and the order of things (fleet.c). */
#ifndef CITY_FLEET_INTERNAL_H
#define CITY_FLEET_INTERNAL_H

#include <poll.h>

#include "city/fleet.h"

/* A device's connection. */
struct link {
	struct terminal *device;
	struct mft_conn *conn;
	bool welcome;
	bool busy;           /* its news are being told: it must not be closed */
	struct step **by_id; /* under way, by request id */
	size_t ids;
	struct step **queue; /* not sent yet */
	size_t queue_n;
	size_t queue_cap;
	size_t under_way;
	uint64_t used; /* when it was last needed */
	unsigned breaks;
	struct link *next;
};

struct sleeper {
	struct step *step;
	int64_t until;
};

struct fleet {
	struct city *city;
	struct fleet_config config;
	struct mft_tls *tls;
	struct link *links;
	struct pollfd *polls;
	struct link **polled;
	size_t polls_cap;
	size_t open;
	size_t most;
	size_t under_way; /* sent or queued */
	uint64_t clock;
	struct tally *tally;
	struct mft_failure failure;
	bool failed;
	size_t surprises;
	struct sleeper *sleepers;
	size_t sleepers_n;
	size_t sleepers_cap;
	struct step_list later; /* numbers given up, to be brought at the end */
};

/* Ends the day. */
void fleet_fail(struct fleet *f, const char *detail);
/* Room for `least` items, zeroed; on failure the fleet fails and the items stay. */
void *fleet_grow(struct fleet *f, void *items, size_t *cap, size_t least, size_t size);

/* links.c: hands the step to its courier's connection, which is opened when there is none. */
void links_bring(struct fleet *f, struct step *s);
/* Moves what can be moved, waiting so many milliseconds at most. */
void links_turn(struct fleet *f, int timeout);
void links_free(struct fleet *f);

/* fleet.c: what came of a step. */
void fleet_accepted(struct fleet *f, struct step *s, const struct mft_news *news);
void fleet_refused(struct fleet *f, struct step *s, const struct refusal *r);

#endif
