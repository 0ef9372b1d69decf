/*
 * Owns sockets and OpenSSL. The channel binding is tls-server-end-point (RFC 5929): the server certificate's
 * DER hashed with its signature's own hash, which must be SHA-256.
 */
#include "libmanifest/conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct mft_tls {
	SSL_CTX *context;
	BIO_METHOD *socket; /* a socket that never raises SIGPIPE */
};

struct mft_conn {
	int fd;
	struct addrinfo *addresses;
	const struct addrinfo *next; /* of `addresses`: tried when those before have failed */
	SSL *ssl;
	enum { CONNECTING, SHAKING_HANDS, OPEN, CLOSED } stage;
	bool write_wants_read;
	bool read_wants_write;
	struct mft_session_config config;
	struct mft_session *session;
	struct mft_failure failure;
	char peer[300]; /* "HOST:PORT", for words */
};

static void fail_tls(struct mft_failure *f, enum mft_fault fault, const char *id, const char *en,
		     const char *zh)
{
	char detail[256] = "";
	unsigned long code = ERR_peek_last_error();

	if (code != 0)
		ERR_error_string_n(code, detail, sizeof(detail));
	ERR_clear_error();
	mft_fail(f, fault, id, en, zh, detail);
}

static int socket_write(BIO *bio, const char *bytes, int n)
{
	int fd = -1;

	(void)BIO_get_fd(bio, &fd);
	BIO_clear_retry_flags(bio);
	ssize_t put = send(fd, bytes, (size_t)n, MSG_NOSIGNAL);
	if (put < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_write(bio);
	return (int)put;
}

static int socket_read(BIO *bio, char *bytes, int n)
{
	int fd = -1;

	(void)BIO_get_fd(bio, &fd);
	BIO_clear_retry_flags(bio);
	ssize_t got = recv(fd, bytes, (size_t)n, 0);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_read(bio);
	return (int)got;
}

static BIO_METHOD *socket_method(void)
{
	const BIO_METHOD *plain = BIO_s_socket();
	BIO_METHOD *m =
	    BIO_meth_new(BIO_get_new_index() | BIO_TYPE_DESCRIPTOR | BIO_TYPE_SOURCE_SINK, "socket");

	if (m == NULL)
		return NULL;
	BIO_meth_set_write(m, socket_write);
	BIO_meth_set_read(m, socket_read);
	BIO_meth_set_ctrl(m, BIO_meth_get_ctrl(plain));
	BIO_meth_set_create(m, BIO_meth_get_create(plain));
	BIO_meth_set_destroy(m, BIO_meth_get_destroy(plain));
	return m;
}

struct mft_tls *mft_tls_new(const char *trusted, struct mft_failure *ret_failure)
{
	struct mft_tls *tls = calloc(1, sizeof(*tls));

	if (tls == NULL)
		return NULL;
	ERR_clear_error();
	tls->context = SSL_CTX_new(TLS_client_method());
	tls->socket = socket_method();
	if (tls->context == NULL || tls->socket == NULL ||
	    SSL_CTX_set_min_proto_version(tls->context, TLS1_3_VERSION) != 1) {
		fail_tls(ret_failure, MFT_FAULT_LOCAL, "tls", "OpenSSL", "OpenSSL");
		goto fail;
	}
	if (SSL_CTX_load_verify_locations(tls->context, trusted, NULL) != 1) {
		ERR_clear_error();
		mft_fail(ret_failure, MFT_FAULT_LOCAL, "tls.trusted",
			 "the file of trusted certificates (PEM) cannot be read",
			 "无法读取受信任证书文件（PEM）", trusted);
		goto fail;
	}
	SSL_CTX_set_verify(tls->context, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(tls->context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					   SSL_MODE_RELEASE_BUFFERS);
	/* The server's own certificate may be pinned in place of a CA. */
	(void)X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(tls->context), X509_V_FLAG_PARTIAL_CHAIN);
	return tls;
fail:
	mft_tls_free(tls);
	return NULL;
}

void mft_tls_free(struct mft_tls *tls)
{
	if (tls == NULL)
		return;
	SSL_CTX_free(tls->context);
	BIO_meth_free(tls->socket);
	free(tls);
}

/* ---- connecting ---- */

static bool cannot_reach(struct mft_conn *c, const char *why)
{
	char detail[400];

	(void)snprintf(detail, sizeof(detail), "%s: %.90s", c->peer, why);
	mft_fail(&c->failure, MFT_FAULT_UNAVAILABLE, "connect", "the server cannot be reached",
		 "无法连接服务器", detail);
	return false;
}

/* Begins with the next address that lets it; the descriptor keeps its number. False: none is left, and why.
 */
static bool connect_next(struct mft_conn *c, int error)
{
	int on = 1;

	for (; c->next != NULL; c->next = c->next->ai_next) {
		int fd = socket(c->next->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (fd < 0 ||
		    (connect(fd, c->next->ai_addr, c->next->ai_addrlen) != 0 && errno != EINPROGRESS)) {
			error = errno;
			if (fd >= 0)
				(void)close(fd);
			continue;
		}
		if (c->fd < 0) {
			c->fd = fd;
		} else {
			(void)dup3(fd, c->fd, O_CLOEXEC);
			(void)close(fd);
		}
		(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		c->next = c->next->ai_next;
		return true;
	}
	return cannot_reach(c, strerror(error));
}

static bool begin_connect(struct mft_conn *c, const char *host, const char *port)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC};
	int error = getaddrinfo(host, port, &hints, &c->addresses);

	if (error == 0) {
		c->next = c->addresses;
		return connect_next(c, 0);
	}
	c->addresses = NULL;
	return cannot_reach(c, gai_strerror(error));
}

static bool expect_host(SSL *ssl, const char *host)
{
	unsigned char address[16];
	char name[256];

	if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
	(void)snprintf(name, sizeof(name), "%s", host);
	return SSL_set1_host(ssl, host) == 1 &&
	       SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name) == 1;
}

struct mft_conn *mft_conn_open(const struct mft_tls *tls, const char *host, const char *port,
			       const struct mft_session_config *config, struct mft_failure *ret_failure)
{
	struct mft_conn *c = calloc(1, sizeof(*c));
	BIO *bio = NULL;

	if (c == NULL)
		return NULL;
	c->config = *config;
	(void)snprintf(c->peer, sizeof(c->peer), "%.255s:%.20s", host, port);
	c->fd = -1;
	if (!begin_connect(c, host, port)) {
		*ret_failure = c->failure;
		goto fail;
	}
	c->ssl = SSL_new(tls->context);
	bio = BIO_new(tls->socket);
	if (c->ssl == NULL || bio == NULL || !expect_host(c->ssl, host)) {
		fail_tls(ret_failure, MFT_FAULT_LOCAL, "tls", "OpenSSL", "OpenSSL");
		BIO_free(bio);
		goto fail;
	}
	(void)BIO_set_fd(bio, c->fd, BIO_NOCLOSE);
	SSL_set_bio(c->ssl, bio, bio);
	SSL_set_connect_state(c->ssl);
	return c;
fail:
	mft_conn_close(c);
	return NULL;
}

void mft_conn_close(struct mft_conn *c)
{
	if (c == NULL)
		return;
	if (c->stage == OPEN)
		(void)SSL_shutdown(c->ssl);
	SSL_free(c->ssl);
	if (c->fd >= 0)
		(void)close(c->fd);
	if (c->addresses != NULL)
		freeaddrinfo(c->addresses);
	mft_session_free(c->session);
	secret_key_wipe(&c->config.secret);
	ERR_clear_error();
	free(c);
}

int mft_conn_fd(const struct mft_conn *c)
{
	return c->fd;
}

struct mft_session *mft_conn_session(struct mft_conn *c)
{
	return c->session;
}

const struct mft_failure *mft_conn_failure(const struct mft_conn *c)
{
	return &c->failure;
}

short mft_conn_wants(const struct mft_conn *c)
{
	if (c->stage == CONNECTING)
		return POLLOUT;
	if (c->stage == SHAKING_HANDS)
		return SSL_want_write(c->ssl) ? POLLOUT : POLLIN;
	bool out = c->read_wants_write;
	if (c->session != NULL && mft_session_output(c->session)->n > 0 && !c->write_wants_read)
		out = true;
	return (short)(POLLIN | (out ? POLLOUT : 0));
}

/* ---- moving bytes ---- */

static bool over(struct mft_conn *c, const char *detail)
{
	if (c->stage != CLOSED)
		mft_fail(&c->failure, MFT_FAULT_UNAVAILABLE, "connection",
			 "the connection to the server ended", "与服务器的连接已断开", detail);
	c->stage = CLOSED;
	return false;
}

static bool finish_connect(struct mft_conn *c)
{
	int error = 0;
	socklen_t n = sizeof(error);
	struct pollfd p = {.fd = c->fd, .events = POLLOUT};

	if (poll(&p, 1, 0) == 0)
		return true;
	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0)
		error = errno;
	if (error != 0) {
		/* A name may have addresses that the server does not listen on: localhost has two. */
		if (connect_next(c, error))
			return true;
		c->stage = CLOSED;
		return false;
	}
	c->stage = SHAKING_HANDS;
	return true;
}

/* The hash of the certificate that both sides bind the hello to. */
static bool binding_of(X509 *certificate, struct digest *ret_binding)
{
	int hash = NID_undef;
	unsigned char *der = NULL;

	/* RFC 5929: MD5 and SHA-1 give way to SHA-256; another hash would not be 32 bytes long. */
	if (X509_get_signature_info(certificate, &hash, NULL, NULL, NULL) != 1 ||
	    (hash != NID_sha256 && hash != NID_md5 && hash != NID_sha1))
		return false;
	int n = i2d_X509(certificate, &der);
	if (n <= 0)
		return false;
	*ret_binding = digest_of(span_of(der, (size_t)n));
	OPENSSL_free(der);
	return true;
}

static bool handshake_failed(struct mft_conn *c)
{
	long why = SSL_get_verify_result(c->ssl);

	c->stage = CLOSED;
	if (why != X509_V_OK) {
		mft_fail(&c->failure, MFT_FAULT_DISPROVED, "tls.certificate",
			 "the server's certificate is not the trusted one", "服务器证书不是所信任的证书",
			 X509_verify_cert_error_string(why));
		ERR_clear_error();
	} else {
		fail_tls(&c->failure, MFT_FAULT_UNAVAILABLE, "tls", "no TLS 1.3 with the server",
			 "无法与服务器建立 TLS 1.3");
	}
	return false;
}

static bool shake_hands(struct mft_conn *c)
{
	struct digest binding;

	ERR_clear_error();
	int result = SSL_do_handshake(c->ssl);
	if (result != 1) {
		int why = SSL_get_error(c->ssl, result);
		return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE || handshake_failed(c);
	}
	X509 *certificate = SSL_get1_peer_certificate(c->ssl);
	bool good = certificate != NULL && binding_of(certificate, &binding);
	X509_free(certificate);
	if (!good) {
		c->stage = CLOSED;
		mft_fail(&c->failure, MFT_FAULT_PROTOCOL, "tls.binding",
			 "the server's certificate is not signed with SHA-256",
			 "服务器证书的签名未采用 SHA-256", NULL);
		return false;
	}
	c->session = mft_session_new(&c->config, &binding);
	if (c->session == NULL)
		return over(c, "out of memory");
	c->stage = OPEN;
	return true;
}

static bool move_in(struct mft_conn *c)
{
	uint8_t bytes[16384];

	for (;;) {
		ERR_clear_error();
		int got = SSL_read(c->ssl, bytes, sizeof(bytes));
		if (got > 0) {
			if (!mft_session_input(c->session, span_of(bytes, (size_t)got)))
				return over(c, "out of memory");
			continue;
		}
		int why = SSL_get_error(c->ssl, got);
		c->read_wants_write = why == SSL_ERROR_WANT_WRITE;
		if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
			return true;
		return over(c, why == SSL_ERROR_SYSCALL && errno != 0 ? strerror(errno) : NULL);
	}
}

static bool move_out(struct mft_conn *c)
{
	struct buffer *out = mft_session_output(c->session);
	size_t sent = 0;
	bool open = true;

	c->write_wants_read = false;
	while (sent < out->n) {
		size_t left = out->n - sent;
		ERR_clear_error();
		int put = SSL_write(c->ssl, out->p + sent, left > 65536 ? 65536 : (int)left);
		if (put > 0) {
			sent += (size_t)put;
			continue;
		}
		int why = SSL_get_error(c->ssl, put);
		c->write_wants_read = why == SSL_ERROR_WANT_READ;
		open = why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
		break;
	}
	buffer_consume(out, sent);
	return open || over(c, errno != 0 ? strerror(errno) : NULL);
}

bool mft_conn_turn(struct mft_conn *c)
{
	if (c->stage == CONNECTING && !finish_connect(c))
		return false;
	if (c->stage == SHAKING_HANDS && !shake_hands(c))
		return false;
	if (c->stage == OPEN) {
		/* What arrived before the end is still taken in. */
		bool out = move_out(c);
		return move_in(c) && out;
	}
	return c->stage != CLOSED;
}
