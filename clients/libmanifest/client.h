/*
 * A client that waits: one connection, one key, with its state on disk. Every function that can fail leaves
 * the reason in mft_client_failure(). What the server says is believed only as session.h tells.
 */
#ifndef LIBMANIFEST_CLIENT_H
#define LIBMANIFEST_CLIENT_H

#include "libmanifest/conn.h"
#include "libmanifest/state.h"

struct mft_client;

struct mft_client_config {
	const char *host;
	const char *port;
	const char *trusted;   /* PEM: the CA's or the server's own certificate */
	struct mft_view *view; /* borrowed; restored from the state by the caller */
	const struct secret_key *secret;
	enum role role;
	struct mft_state *state; /* borrowed; NULL: nothing is kept */
	const char *state_dir;   /* for evidence; NULL: none is kept */
	const char *agent;
	int timeout_ms; /* for every wait; 0: 30 seconds */
};

/*
 * Connects and says hello. NULL: ret_failure says why. A refusal of the hello is told by its first problem;
 * its id is "hello.role", "hello.not_enrolled" or, for all others, "hello.refused".
 */
struct mft_client *mft_client_open(const struct mft_client_config *config,
				   struct mft_failure *ret_failure) MUST_CHECK;
void mft_client_close(struct mft_client *c); /* NULL is allowed */

const struct mft_failure *mft_client_failure(const struct mft_client *c);
/* Where evidence was kept after something did not hold; "" when none was. */
const char *mft_client_evidence(const struct mft_client *c);
/* At the hello: all this key's running numbers below it are in the log, or were given up there. */
uint64_t mft_client_next_number(const struct mft_client *c);
/* The server's clock less ours at the hello, microseconds. */
int64_t mft_client_clock_difference(const struct mft_client *c);

/* Gives the state back, so that another program may use the key meanwhile; nothing is kept from now on. */
void mft_client_release_state(struct mft_client *c);

/* Several may be under way; the answers come by id from mft_client_next(). 0: failed. */
uint64_t mft_client_send(struct mft_client *c, struct span envelope) MUST_CHECK;
uint64_t mft_client_ask(struct mft_client *c, const struct query *query) MUST_CHECK;
/*
 * Waits for the next news; its views live until the next call. False: failed (or, with `timeout_ms` of 0 or
 * more, nothing came in time and the fault is MFT_FAULT_NONE). -1: the configured timeout, then it fails.
 */
bool mft_client_next(struct mft_client *c, int timeout_ms, struct mft_news *ret_news) MUST_CHECK;
/* Sends one event and waits for its receipt or refusal. */
bool mft_client_submit(struct mft_client *c, struct span envelope, struct mft_news *ret_news) MUST_CHECK;

#endif
