#include "net_server.h"

#include <stdlib.h>
#include <unistd.h>

struct fixture f;

static void put_frame(struct buffer *to, struct span body)
{
	buffer_put_be32(to, (uint32_t)body.n);
	buffer_put_span(to, body);
}

static void on_opened(void *self, conn_id conn, const char *peer)
{
	(void)self;
	cr_assert_eq(strncmp(peer, "127.0.0.1:", 10), 0);
	cr_assert_neq(conn, 0);
	cr_assert_neq(conn, f.last);
	f.opened++;
	f.last = conn;
	if (!f.keep_silent)
		f.port->greeted(f.port->self, conn);
}

static void on_frame(void *self, conn_id conn, struct span frame)
{
	struct buffer out = BUFFER_EMPTY;

	(void)self;
	f.frames++;
	f.frame_bytes += frame.n;
	put_frame(&f.seen, frame);
	if (f.echo)
		put_frame(&out, frame);
	for (size_t i = 0; i < f.reply; i++)
		buffer_put_u8(&out, 'r');
	if (out.n > 0)
		f.port->send(f.port->self, conn, buffer_span(&out));
	buffer_free(&out);
	if (f.frames == f.gate_after)
		f.port->gate(f.port->self, false);
	if (f.frames == f.close_after) {
		f.port->close(f.port->self, conn, "enough");
		f.port->send(f.port->self, conn, span_str("lost"));
		f.port->close(f.port->self, conn, "twice");
	}
}

static void on_closed(void *self, conn_id conn)
{
	(void)self;
	f.closed++;
	f.port->send(f.port->self, conn, span_str("nobody"));
	f.port->close(f.port->self, conn, "gone");
}

void on_drained(void *arg)
{
	(void)arg;
	f.drained++;
}

void turn(void)
{
	cr_assert(loop_turn(f.loop, false));
	for (size_t i = 0; i < f.clients_n; i++)
		client_step(f.clients[i], f.deaf);
}

void settle(void)
{
	for (int i = 0; i < 30; i++) {
		turn();
		poll(NULL, 0, 1);
	}
}

void server_begin_with(struct net_settings set)
{
	static const struct net_sink sink = {.opened = on_opened, .frame = on_frame, .closed = on_closed};
	char error[TLS_ERROR_SIZE] = "";

	f.dir = make_directory();
	cr_assert_not_null(f.dir);
	snprintf(f.cert, sizeof(f.cert), "%s/cert.pem", f.dir);
	snprintf(f.key, sizeof(f.key), "%s/key.pem", f.dir);
	cr_assert(make_certificate(f.dir, CERT_P256_SHA256, &f.binding));
	f.loop = loop_new();
	f.tls = tls_new(f.cert, f.key, error);
	cr_assert_not_null(f.tls, "%s", error);
	f.net = net_new(f.loop, f.tls, &set, &sink, NULL);
	cr_assert_not_null(f.net);
	f.port = net_port(f.net);
	f.count = net_counters(f.net);
	cr_assert(net_listen(f.net, "127.0.0.1", "0", &f.at, error), "%s", error);
}

void server_begin(void)
{
	server_begin_with(net_settings_default);
}

void server_end(void)
{
	for (size_t i = 0; i < f.clients_n; i++)
		client_free(f.clients[i]);
	net_free(f.net);
	tls_free(f.tls);
	loop_free(f.loop);
	buffer_free(&f.seen);
	unlink(f.cert);
	unlink(f.key);
	rmdir(f.dir);
}

struct client *add_client(int version)
{
	struct client *c = client_new(f.at, version);

	cr_assert_not_null(c);
	f.clients[f.clients_n++] = c;
	return c;
}

struct client *connected(void)
{
	struct client *c = add_client(0);
	unsigned before = f.opened;

	WAIT(f.opened > before && c->ready);
	return c;
}

void send_frames(struct client *c, unsigned n, size_t size)
{
	struct buffer b = BUFFER_EMPTY;
	static const uint8_t zeros[70000];

	for (unsigned i = 0; i < n; i++)
		put_frame(&b, span_of(zeros, size));
	for (size_t at = 0; at < b.n;) {
		size_t some = b.n - at < 8192 ? b.n - at : 8192;

		if (client_send(c, b.p + at, some))
			at += some;
		else
			turn();
	}
	buffer_free(&b);
}
