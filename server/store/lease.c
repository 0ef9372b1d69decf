/*
 * Owns who writes: the advisory lock, which goes with its session, keeps servers from getting in each other's
 * way; the epoch in the head row, compared by every batch, is what keeps a deposed one out.
 */
#include "store/lease.h"

#include <time.h>

/* "manifest" in ASCII: one lock for each database. */
#define LEASE_KEY INT64_C(0x6d616e6966657374)

enum { TAKE_BACK_TRIES = 40, TAKE_BACK_PAUSE = 50000000 };

static enum store_result try_lock(struct store_conn *c)
{
	struct params p = {0};
	PGresult *res;

	param_int(&p, LEASE_KEY);
	enum store_result r = conn_run(c, ST_LOCK, &p, &res);
	if (r != STORE_OK)
		return r;
	c->locked = cell_int(res, 0, 0) != 0;
	PQclear(res);
	return STORE_OK;
}

enum store_result store_lease_try(struct store_conn *c, bool *ret_held)
{
	enum store_result r = conn_open(c);

	if (r == STORE_OK && !c->locked)
		r = try_lock(c);
	if (r != STORE_OK)
		return r;
	*ret_held = c->locked;
	return STORE_OK;
}

enum store_result lease_take(struct store_conn *c)
{
	bool held = false;
	enum store_result r = store_lease_try(c, &held);

	/* It was ours until the connection was lost: that session has been told to go, and needs a moment. */
	for (int i = 0; r == STORE_OK && !held && c->backend != 0 && i < TAKE_BACK_TRIES; i++) {
		nanosleep(&(struct timespec){.tv_nsec = TAKE_BACK_PAUSE}, NULL);
		r = store_lease_try(c, &held);
	}
	if (r != STORE_OK)
		return r;
	c->backend = 0;
	if (held)
		return STORE_OK;
	conn_error(c, "another manifestd holds the lease on this database");
	return STORE_DEPOSED;
}
