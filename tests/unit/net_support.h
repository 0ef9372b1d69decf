/*
 * For tests of the network layer: certificates made on the spot, and a TLS client that never blocks, so that
 * server and client run in one thread and a test says exactly what happens when.
 */
#ifndef TESTS_NET_SUPPORT_H
#define TESTS_NET_SUPPORT_H

#include <openssl/ssl.h>

#include "base/buffer.h"
#include "crypto/digest.h"

enum certificate_kind {
	CERT_P256_SHA256, /* what the server wants */
	CERT_P256_SHA384,
	CERT_P384_SHA256,
	CERT_RSA,
	CERT_ED25519,
	CERT_EXPIRED,
};

/* Writes DIR/cert.pem and DIR/key.pem (mode 0600), self-signed, and the SHA-256 of its DER. */
bool make_certificate(const char *dir, enum certificate_kind kind, struct digest *ret_sha256);
/* A fresh directory under /tmp; the caller owns nothing. */
const char *make_directory(void);

struct client {
	SSL_CTX *ctx;
	SSL *ssl;
	int fd;
	bool ready; /* the handshake is over */
	bool ended; /* the server closed, or it failed */
	struct buffer got;
};

/* max_version 0: TLS 1.3. */
struct client *client_new(uint16_t port, int max_version);
void client_free(struct client *c);
/* Moves what can be moved without waiting: the handshake, and bytes into `got` (unless `deaf`). */
void client_step(struct client *c, bool deaf);
/* Sends all of it or nothing; false: the socket is full, or it failed. */
bool client_send(struct client *c, const void *p, size_t n);
/* The SHA-256 of the certificate that the server showed. */
struct digest client_binding(struct client *c);

#endif
