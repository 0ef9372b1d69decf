/*
 * Hundreds of devices on one thread, each with a connection of its own: they bring what was signed, as soon
 * as what it follows has been answered, and believe nothing that the server does not prove.
 */
#ifndef CITY_FLEET_H
#define CITY_FLEET_H

#include "city/model.h"
#include "city/tally.h"
#include "libmanifest/conn.h"

struct fleet_config {
	const char *host;
	const char *port;
	const char *trusted;
	struct mft_view *view; /* borrowed */
	size_t connections;    /* that stay open at once */
	size_t window;         /* events under way at once */
	/* Called as the day goes on, with the time of day that the devices have reached. */
	void (*progress)(void *self, micros at, const struct tally *tally, size_t connections);
	void *self;
};

struct fleet;

/* NULL: ret_failure says why. */
struct fleet *fleet_new(struct city *c, const struct fleet_config *config, struct tally *tally,
			struct mft_failure *ret_failure) MUST_CHECK;
void fleet_free(struct fleet *f);

/*
 * Signs and brings all steps of the list, in the order of their times; more are added to it: the running
 * numbers that were given up. False: ret_failure says why the city stopped.
 */
bool fleet_run(struct fleet *f, struct step_list *steps, struct tally *tally,
	       struct mft_failure *ret_failure) MUST_CHECK;
/* Steps whose answer was not the expected one; told on standard error as they come. */
size_t fleet_surprises(const struct fleet *f);
/* The most connections that were open at once. */
size_t fleet_connections(const struct fleet *f);

#endif
