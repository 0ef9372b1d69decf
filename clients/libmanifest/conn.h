/*
 * A session over TCP with TLS 1.3, without waiting: a program polls mft_conn_fd() for mft_conn_wants() and
 * calls mft_conn_turn(), for one connection or for hundreds on one thread. Only the resolution of a host name
 * waits. The server's certificate is always checked, against the file that was given, and by name.
 */
#ifndef LIBMANIFEST_CONN_H
#define LIBMANIFEST_CONN_H

#include "libmanifest/session.h"

struct mft_tls;
struct mft_conn;

/* `trusted`: a PEM file, of a CA or of the server's own certificate. May be shared by connections. */
struct mft_tls *mft_tls_new(const char *trusted, struct mft_failure *ret_failure) MUST_CHECK;
void mft_tls_free(struct mft_tls *tls);

/*
 * Begins to connect. The certificate must be for `host`, a name or an address. `tls` and what `config`
 * borrows outlive the connection. NULL: ret_failure says why.
 */
struct mft_conn *mft_conn_open(const struct mft_tls *tls, const char *host, const char *port,
			       const struct mft_session_config *config,
			       struct mft_failure *ret_failure) MUST_CHECK;
/* Ends at once; what is under way may or may not be accepted: send it again. NULL is allowed. */
void mft_conn_close(struct mft_conn *c);

/* Its number stays; what it stands for may change while a name's addresses are tried: for poll(2), not for
 * epoll(7). */
int mft_conn_fd(const struct mft_conn *c);
/* POLLIN, POLLOUT or both. */
short mft_conn_wants(const struct mft_conn *c);
/*
 * Moves what can be moved now, both ways. False: the connection is over, mft_conn_failure() says why, and
 * what had arrived may still be told by the session. The caller then asks the session for news.
 */
bool mft_conn_turn(struct mft_conn *c) MUST_CHECK;
/* NULL until TLS is up. */
struct mft_session *mft_conn_session(struct mft_conn *c);
const struct mft_failure *mft_conn_failure(const struct mft_conn *c);

#endif
