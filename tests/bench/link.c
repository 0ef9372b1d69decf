/* Owns one connection: it waits until the welcome, and never after. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"
#include "wire/envelope.h"
#include "wire/messages.h"

enum { ARRIVING = 64 * 1024, PATIENCE_SECONDS = 30 };

SSL_CTX *link_context(const char *trusted)
{
	SSL_CTX *c = SSL_CTX_new(TLS_client_method());

	if (c == NULL || SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_load_verify_locations(c, trusted, NULL) != 1)
		fail("%s: not certificates", trusted);
	SSL_CTX_set_verify(c, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(c, 1);
	SSL_CTX_set_default_read_buffer_len(c, ARRIVING);
	return c;
}

static void connect_tcp(struct link *l, const char *port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)strtoul(port, NULL, 10))};
	const struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
	int on = 1;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (l->fd < 0 || connect(l->fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		fail("no connection to port %s: %s", port, strerror(errno));
	(void)setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(l->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	(void)setsockopt(l->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

size_t link_read(struct link *l)
{
	uint8_t *to = buffer_reserve(&l->in, ARRIVING);
	int n = to == NULL ? 0 : SSL_read(l->ssl, to, ARRIVING);

	if (n > 0) {
		l->in.n += (size_t)n;
		return (size_t)n;
	}
	if (to == NULL || SSL_get_error(l->ssl, n) != SSL_ERROR_WANT_READ)
		fail("a connection ended");
	return 0;
}

size_t link_write(struct link *l, struct span from)
{
	int n = SSL_write(l->ssl, from.p, (int)from.n);

	if (n > 0)
		return (size_t)n;
	int error = SSL_get_error(l->ssl, n);
	if (error != SSL_ERROR_WANT_WRITE && error != SSL_ERROR_WANT_READ)
		fail("a connection ended while writing");
	return 0;
}

/* Waits for one frame and decodes it. False: not readable, as the challenge of a log not yet known. */
static bool wait_frame(struct link *l, struct arena *arena, struct frame *ret_frame)
{
	struct problems problems = {.arena = arena};
	struct span bytes;
	size_t need = 0;

	while (frame_next(buffer_span(&l->in), &bytes, &need) == FRAME_MORE)
		if (link_read(l) == 0)
			fail("the server does not answer");
	bool good = frame_decode(bytes, arena, &problems, ret_frame);
	buffer_consume(&l->in, FRAME_HEAD + bytes.n);
	return good;
}

static void say_hello(struct link *l, const struct challenge *challenge, const struct device *d)
{
	struct hello hello = {
	    .nonce = challenge->nonce,
	    .role = ROLE_TRANSPORTER,
	    .keyid = d->keyids[1],
	    .agent = span_str("bench"),
	};
	struct envelope envelope = {.payload_type = span_str(HELLO_PAYLOAD_TYPE), .signatures_n = 1};
	struct buffer payload = BUFFER_EMPTY, pae = BUFFER_EMPTY, signed_ = BUFFER_EMPTY, out = BUFFER_EMPTY;
	X509 *certificate = SSL_get1_peer_certificate(l->ssl);
	unsigned n = 0;

	bool good = certificate != NULL && X509_digest(certificate, EVP_sha256(), hello.binding.b, &n) == 1 &&
		    hello_encode(&hello, &payload);
	X509_free(certificate);
	envelope.payload = buffer_span(&payload);
	envelope_pae(&envelope, &pae);
	envelope.signatures[0] =
	    (struct envelope_signature){sign(&d->keys[1], buffer_span(&pae)), d->keyids[1]};
	good = good && envelope_encode(&envelope, &signed_);
	const struct frame f = {.id = 1, .kind = FRAME_HELLO, .hello = buffer_span(&signed_)};
	if (!good || !frame_encode(&f, &out) || link_write(l, buffer_span(&out)) != out.n)
		fail("the hello could not be sent");
	buffer_free(&payload);
	buffer_free(&pae);
	buffer_free(&signed_);
	buffer_free(&out);
}

bool link_open(struct link *l, SSL_CTX *context, const char *port, const struct device *d)
{
	struct arena *arena = arena_new(REQUEST_MEMORY);
	struct frame f;

	*l = (struct link){.ssl = SSL_new(context)};
	connect_tcp(l, port);
	if (arena == NULL || l->ssl == NULL || SSL_set1_host(l->ssl, "localhost") != 1 ||
	    SSL_set_fd(l->ssl, l->fd) != 1)
		fail("no memory");
	if (SSL_connect(l->ssl) != 1)
		fail("TLS: %s", ERR_reason_error_string(ERR_peek_last_error()));
	bool welcome = false;
	if (wait_frame(l, arena, &f) && f.kind == FRAME_CHALLENGE) {
		say_hello(l, &f.challenge, d);
		arena_reset(arena);
		welcome = wait_frame(l, arena, &f) && f.kind == FRAME_WELCOME;
	}
	arena_free(arena);
	(void)fcntl(l->fd, F_SETFL, O_NONBLOCK);
	if (!welcome)
		link_close(l);
	return welcome;
}

void link_close(struct link *l)
{
	if (l->ssl == NULL)
		return;
	SSL_free(l->ssl);
	(void)close(l->fd);
	buffer_free(&l->in);
	*l = (struct link){0};
}
