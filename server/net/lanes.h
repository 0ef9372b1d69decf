/*
 * Lanes: threads for what waits or costs (see ports.h). A lane has one queue and some threads; finished work
 * comes back to the loop's thread in the order it finished, through one eventfd that is written once for all
 * that has finished meanwhile. Neither side ever waits for the other, except in lane_drain().
 */
#ifndef NET_LANES_H
#define NET_LANES_H

#include "net/loop.h"
#include "ports.h"

struct lane;

/* What each thread owns (a database connection, say): both are called on the thread itself. */
struct lane_threads {
	void *arg;
	void *(*begin)(void *arg); /* its value is `thread` of run(); NULL function: none */
	void (*end)(void *arg, void *thread);
};

/*
 * Starts the threads, with all signals blocked. `name` (at most 12 bytes are used) names them for top and
 * gdb; it is copied. NULL: no memory, descriptors or threads.
 */
struct lane *lane_new(struct loop *loop, const char *name, unsigned threads,
		      const struct lane_threads *each) MUST_CHECK;
/* Drains, ends the threads and frees the lane. NULL is allowed. */
void lane_free(struct lane *lane);
/*
 * Waits, on the loop's thread, until every work that was submitted (by done() functions meanwhile, too) is
 * done. Nothing but this lane's done() functions runs meanwhile.
 */
void lane_drain(struct lane *lane);
/* The same for several that give each other work; NULL among them is allowed. */
void lanes_drain(struct lane *const *lanes, size_t n);
/* Submitted and not yet done. */
size_t lane_depth(struct lane *lane);
/* submit() may be called from any thread and never fails. Valid until lane_free(). */
struct lane_port lane_port(struct lane *lane);

#endif
