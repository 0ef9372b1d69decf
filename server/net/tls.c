/*
 * Owns the SSL_CTX. Everything is set here that decides what a session costs: at rest it keeps no record
 * buffers, no ticket and no cached session.
 */
#include "net/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "net/loop.h"

/* One read() takes this much of what has arrived: several small records, or two of the largest. Held only
 * while something is in it. */
enum { READ_AHEAD = 32 * 1024 };

struct tls {
	SSL_CTX *ctx;
	struct digest binding;
	micros expires;
};

#define MAKE_CERTIFICATE                                                                                     \
	"make one with: openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -sha256 -nodes "       \
	"-days 365 -subj /CN=manifestd -addext subjectAltName=DNS:NAME -keyout KEY -out CERTIFICATE, "       \
	"or have a CA with a P-256 key sign one"

void tls_reason(char *ret_text, size_t size)
{
	unsigned long code = ERR_peek_last_error();
	const char *reason = code == 0 ? NULL : ERR_reason_error_string(code);

	if (code != 0 && ERR_GET_LIB(code) == ERR_LIB_SYS)
		snprintf(ret_text, size, "%s", strerror(ERR_GET_REASON(code)));
	else
		snprintf(ret_text, size, "%s", reason == NULL ? "no reason given" : reason);
	ERR_clear_error();
}

/* "FILE: what (OpenSSL's reason)"; false, so that a check can return it. */
static bool refuse(char *error, const char *file, const char *fmt, ...) PRINTF_LIKE(3, 4);
static bool refuse(char *error, const char *file, const char *fmt, ...)
{
	char what[TLS_ERROR_SIZE];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	int n = snprintf(error, TLS_ERROR_SIZE, "%.200s: %s", file, what);
	if (ERR_peek_last_error() != 0 && n > 0 && n < TLS_ERROR_SIZE - 80) {
		char reason[64];

		tls_reason(reason, sizeof(reason));
		snprintf(error + n, (size_t)(TLS_ERROR_SIZE - n), " (%s)", reason);
	}
	ERR_clear_error();
	return false;
}

/* ---------------------------------------------------------------- the certificate */

static bool is_p256(X509 *cert)
{
	char group[32] = "";
	EVP_PKEY *key = X509_get0_pubkey(cert);

	return key != NULL && EVP_PKEY_is_a(key, "EC") == 1 &&
	       EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1 &&
	       strcmp(group, "prime256v1") == 0;
}

static bool read_expiry(X509 *cert, micros *ret_expires)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) != 1)
		return false;
	*ret_expires = (micros)timegm(&tm) * 1000000;
	return true;
}

static bool load_certificate(struct tls *tls, const char *file, char *error)
{
	unsigned char *der = NULL;

	if (SSL_CTX_use_certificate_chain_file(tls->ctx, file) != 1)
		return refuse(error, file,
			      "the certificate cannot be read: it must be PEM, the server's own first");
	X509 *cert = SSL_CTX_get0_certificate(tls->ctx);
	if (!is_p256(cert))
		return refuse(error, file, "the certificate's key is not ECDSA P-256; " MAKE_CERTIFICATE);
	if (X509_get_signature_nid(cert) != NID_ecdsa_with_SHA256)
		return refuse(
		    error, file,
		    "the certificate is signed with %s and must be with ecdsa-with-SHA256; " MAKE_CERTIFICATE,
		    OBJ_nid2ln(X509_get_signature_nid(cert)));
	if (!read_expiry(cert, &tls->expires))
		return refuse(error, file, "the certificate's last day cannot be read");
	if (tls->expires <= loop_clock())
		return refuse(error, file, "the certificate has expired: clients refuse it; renew it");
	int n = i2d_X509(cert, &der);
	if (n <= 0)
		return refuse(error, file, "the certificate cannot be encoded");
	tls->binding = digest_of(span_of(der, (size_t)n));
	OPENSSL_free(der);
	return true;
}

/* ---------------------------------------------------------------- the key */

/*
 * Nobody but the owner may read it. One exception: systemd gives a credential to a service as root's file
 * with an access list that names the service's user, and a list's mask shows as the group's bits.
 */
static bool is_private(const struct stat *st)
{
	mode_t others = st->st_uid == 0 && st->st_gid == 0 ? 0037 : 0077;

	return (st->st_mode & others) == 0;
}

static bool use_key(struct tls *tls, FILE *f, const char *file, char *error)
{
	char none[] = ""; /* the passphrase: without it OpenSSL would ask on the terminal */
	EVP_PKEY *key = PEM_read_PrivateKey(f, NULL, NULL, none);

	if (key == NULL)
		return refuse(error, file, "the key cannot be read: it must be PEM, without a passphrase");
	int used = SSL_CTX_use_PrivateKey(tls->ctx, key);
	EVP_PKEY_free(key);
	if (used != 1 || SSL_CTX_check_private_key(tls->ctx) != 1)
		return refuse(error, file, "the key does not belong to the certificate");
	return true;
}

static bool load_key(struct tls *tls, const char *file, char *error)
{
	struct stat st;
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return refuse(error, file, "%s", strerror(errno));
	FILE *f = fdopen(fd, "r");
	if (f == NULL) {
		close(fd);
		return refuse(error, file, "%s", strerror(errno));
	}
	bool good = false;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		refuse(error, file, "the key must be a regular file");
	else if (!is_private(&st))
		refuse(error, file, "the key can be read by others (mode %04o); chmod 600 it",
		       (unsigned)st.st_mode & 07777);
	else
		good = use_key(tls, f, file, error);
	fclose(f);
	return good;
}

/* ---------------------------------------------------------------- the context */

static SSL_CTX *new_context(void)
{
	char groups[] = "X25519:P-256"; /* the macro takes it without const */
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	if (ctx == NULL)
		return NULL;
	if (SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:"
					  "TLS_AES_256_GCM_SHA384") != 1 ||
	    SSL_CTX_set1_groups_list(ctx, groups) != 1 || SSL_CTX_set_num_tickets(ctx, 0) != 1) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	SSL_CTX_set_options(
	    ctx,
	    SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
		SSL_OP_IGNORE_UNEXPECTED_EOF /* a frame has its length: nothing can be cut off unseen */);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
				  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_default_read_buffer_len(ctx, READ_AHEAD);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
	return ctx;
}

static bool load(struct tls *tls, const char *certificate, const char *key, char *error)
{
	ERR_clear_error();
	tls->ctx = new_context();
	if (tls->ctx == NULL)
		return refuse(error, certificate, "OpenSSL offers no TLS 1.3");
	if (load_certificate(tls, certificate, error) && load_key(tls, key, error))
		return true;
	SSL_CTX_free(tls->ctx);
	tls->ctx = NULL;
	return false;
}

struct tls *tls_new(const char *certificate, const char *key, char ret_error[TLS_ERROR_SIZE])
{
	struct tls *tls = calloc(1, sizeof(*tls));

	if (tls == NULL) {
		snprintf(ret_error, TLS_ERROR_SIZE, "no memory");
		return NULL;
	}
	if (!load(tls, certificate, key, ret_error)) {
		free(tls);
		return NULL;
	}
	return tls;
}

void tls_renew(struct tls *tls, struct tls *fresh)
{
	SSL_CTX_free(tls->ctx); /* sessions hold their own reference */
	*tls = *fresh;
	free(fresh);
}

void tls_free(struct tls *tls)
{
	if (tls == NULL)
		return;
	SSL_CTX_free(tls->ctx);
	free(tls);
}

struct digest tls_binding(const struct tls *tls)
{
	return tls->binding;
}

micros tls_expires(const struct tls *tls)
{
	return tls->expires;
}

SSL *tls_session(struct tls *tls, int fd)
{
	SSL *ssl = SSL_new(tls->ctx);

	if (ssl == NULL || SSL_set_fd(ssl, fd) != 1) {
		SSL_free(ssl);
		ERR_clear_error();
		return NULL;
	}
	SSL_set_accept_state(ssl);
	return ssl;
}
