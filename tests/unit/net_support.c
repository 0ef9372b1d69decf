#include "net_support.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static EVP_PKEY *make_key(enum certificate_kind kind)
{
	switch (kind) {
	case CERT_RSA: return EVP_RSA_gen(2048);
	case CERT_ED25519: return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	case CERT_P384_SHA256: return EVP_EC_gen("P-384");
	case CERT_P256_SHA256:
	case CERT_P256_SHA384:
	case CERT_EXPIRED: break;
	}
	return EVP_EC_gen("P-256");
}

static const EVP_MD *digest_for(enum certificate_kind kind)
{
	return kind == CERT_ED25519 ? NULL : kind == CERT_P256_SHA384 ? EVP_sha384() : EVP_sha256();
}

static bool write_pem(const char *dir, X509 *cert, EVP_PKEY *key)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/cert.pem", dir);
	FILE *f = fopen(path, "w");
	bool good = f != NULL && PEM_write_X509(f, cert) == 1;
	if (f != NULL)
		fclose(f);
	snprintf(path, sizeof(path), "%s/key.pem", dir);
	unlink(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	f = fd < 0 ? NULL : fdopen(fd, "w");
	good = good && f != NULL && PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1;
	if (f != NULL)
		fclose(f);
	return good;
}

bool make_certificate(const char *dir, enum certificate_kind kind, struct digest *ret_sha256)
{
	static long serial;
	EVP_PKEY *key = make_key(kind);
	X509 *cert = X509_new();
	unsigned n = 0;

	if (key == NULL || cert == NULL)
		return false;
	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(cert), -86400);
	X509_gmtime_adj(X509_getm_notAfter(cert), kind == CERT_EXPIRED ? -60 : 86400);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
				   (const unsigned char *)"localhost", -1, -1, 0);
	X509_set_issuer_name(cert, X509_get_subject_name(cert));
	X509_set_pubkey(cert, key);
	bool good = X509_sign(cert, key, digest_for(kind)) > 0 &&
		    X509_digest(cert, EVP_sha256(), ret_sha256->b, &n) == 1 && write_pem(dir, cert, key);
	X509_free(cert);
	EVP_PKEY_free(key);
	return good;
}

const char *make_directory(void)
{
	static char dir[64];

	snprintf(dir, sizeof(dir), "/tmp/net-test-XXXXXX");
	return mkdtemp(dir);
}

struct client *client_new(uint16_t port, int max_version)
{
	struct client *c = calloc(1, sizeof(*c));
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (c == NULL)
		return NULL;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		goto failed;
	fcntl(c->fd, F_SETFL, O_NONBLOCK);
	c->ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_max_proto_version(c->ctx, max_version == 0 ? TLS1_3_VERSION : max_version);
	SSL_CTX_set_mode(c->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	c->ssl = SSL_new(c->ctx);
	SSL_set_fd(c->ssl, c->fd);
	SSL_set_connect_state(c->ssl);
	return c;
failed:
	if (c->fd >= 0)
		close(c->fd);
	free(c);
	return NULL;
}

void client_free(struct client *c)
{
	if (c == NULL)
		return;
	SSL_free(c->ssl);
	SSL_CTX_free(c->ctx);
	close(c->fd);
	buffer_free(&c->got);
	free(c);
}

static bool is_waiting(struct client *c, int result)
{
	int error = SSL_get_error(c->ssl, result);

	return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

void client_step(struct client *c, bool deaf)
{
	uint8_t bytes[16384];

	if (c->ended)
		return;
	if (!c->ready) {
		int done = SSL_do_handshake(c->ssl);

		c->ready = done == 1;
		c->ended = done != 1 && !is_waiting(c, done);
	}
	while (c->ready && !deaf && !c->ended) {
		int n = SSL_read(c->ssl, bytes, sizeof(bytes));

		if (n > 0) {
			buffer_put(&c->got, bytes, (size_t)n);
			continue;
		}
		c->ended = !is_waiting(c, n);
		break;
	}
}

bool client_send(struct client *c, const void *p, size_t n)
{
	const uint8_t *from = p;

	while (n > 0) {
		int wrote = SSL_write(c->ssl, from, (int)n);

		if (wrote <= 0)
			return false;
		from += wrote;
		n -= (size_t)wrote;
	}
	return true;
}

struct digest client_binding(struct client *c)
{
	struct digest d = {{0}};
	unsigned n = 0;
	X509 *cert = SSL_get1_peer_certificate(c->ssl);

	if (cert != NULL)
		X509_digest(cert, EVP_sha256(), d.b, &n);
	X509_free(cert);
	return d;
}
