/* The lease, as recovery takes it. Private to the store. */
#ifndef STORE_LEASE_H
#define STORE_LEASE_H

#include "store/conn.h"

/* Connects if needed and holds the lease afterwards. STORE_DEPOSED: another server has it. */
enum store_result lease_take(struct store_conn *c) MUST_CHECK;

#endif
