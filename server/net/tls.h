/*
 * TLS 1.3 for the device port: the server's certificate and key, and the channel binding that clients sign.
 * The certificate must be ECDSA P-256, signed with ecdsa-with-SHA256: then tls-server-end-point (RFC 5929,
 * section 4.1) is the SHA-256 of its DER for every client, whatever library it uses. No earlier TLS, no
 * renegotiation (there is none in 1.3), no session tickets: a full handshake is what a hello costs anyway.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "core/event.h"
#include "crypto/digest.h"

struct tls;
struct ssl_st;

enum { TLS_ERROR_SIZE = 512 };

/*
 * Loads a PEM certificate (followed by its chain, if there is one) and its PEM key. NULL: ret_error says in
 * English what is wrong with which file and what to do.
 */
struct tls *tls_new(const char *certificate, const char *key, char ret_error[TLS_ERROR_SIZE]) MUST_CHECK;
void tls_free(struct tls *tls);
/*
 * From now on what `fresh` has, which is taken over and freed. Sessions that exist keep what they have. What
 * holds a listener calls net_renew() instead.
 */
void tls_renew(struct tls *tls, struct tls *fresh);

/* tls-server-end-point of the certificate in use. */
struct digest tls_binding(const struct tls *tls);
/* When the certificate in use expires, UTC; for a warning ahead of it. */
micros tls_expires(const struct tls *tls);

/* A server's session on a connected non-blocking socket, which it does not own. NULL: no memory. */
struct ssl_st *tls_session(struct tls *tls, int fd) MUST_CHECK;
/* Why the last OpenSSL call of this thread failed; empties its list of errors. */
void tls_reason(char *ret_text, size_t size);

#endif
