/*
 * The device port against a client of OpenSSL's own, over real sockets: handshake, frames, and every way a
 * connection, or the server, ends well.
 */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/listener.h"
#include "net_server.h"

/* ---------------------------------------------------------------- TLS */

Test(net_listener, handshake_echo_and_end, .init = server_begin, .fini = server_end)
{
	struct client *c = connected();
	struct digest binding = client_binding(c);

	cr_assert_str_eq(SSL_get_version(c->ssl), "TLSv1.3");
	cr_assert(digest_eq(&binding, &f.binding));
	cr_assert(digest_eq(&f.port->binding, &f.binding));
	f.echo = true;
	cr_assert(client_send(c, "\0\0\0\5hello", 9));
	WAIT(c->got.n == 9);
	cr_assert(span_eq(buffer_span(&c->got), span_of("\0\0\0\5hello", 9)));
	SSL_shutdown(c->ssl);
	WAIT(f.closed == 1 && c->ended);
	shutdown(c->fd, SHUT_RDWR);
	WAIT(f.count->open == 0);
	cr_assert_eq(f.count->ended[NET_END_PEER], 1);
	cr_assert_eq(f.count->bytes_in, 9);
	cr_assert_eq(f.count->bytes_out, 9);
	cr_assert_eq(f.count->frames_in, 1);
	cr_assert_eq(f.count->output_queued, 0);
}

Test(net_listener, tls_1_2_is_refused, .init = server_begin, .fini = server_end)
{
	struct client *c = add_client(TLS1_2_VERSION);

	WAIT(c->ended);
	cr_assert_not(c->ready);
	WAIT(f.count->ended[NET_END_TLS] == 1);
	cr_assert_eq(f.opened, 0);
	cr_assert_eq(f.count->handshakes, 0);
	client_free(c);
	f.clients_n = 0;
	WAIT(f.count->open == 0);
	cr_assert_eq(f.closed, 0);
}

Test(net_listener, plain_text_is_refused, .init = server_begin, .fini = server_end)
{
	struct client *c = client_new(f.at, 0);

	cr_assert_eq(write(c->fd, "GET / HTTP/1.1\r\n\r\n", 18), 18);
	WAIT(f.count->ended[NET_END_TLS] == 1);
	client_free(c);
	WAIT(f.count->open == 0);
}

/* ---------------------------------------------------------------- frames */

Test(net_listener, frames_split_at_every_byte, .init = server_begin, .fini = server_end)
{
	static const char two[] = "\0\0\0\1a\0\0\0\7bcdefgh";
	enum { N = sizeof(two) - 1 };
	struct client *c = connected();

	for (size_t cut = 1; cut < N; cut++) {
		buffer_clear(&f.seen);
		f.frames = 0;
		uint64_t before = f.count->bytes_in;
		cr_assert(client_send(c, two, cut));
		WAIT(f.count->bytes_in == before + cut);
		cr_assert_eq(f.frames, cut < 5 ? 0 : 1);
		cr_assert(client_send(c, two + cut, N - cut));
		WAIT(f.frames == 2);
		cr_assert(span_eq(buffer_span(&f.seen), span_of(two, N)));
	}
	buffer_clear(&f.seen);
	f.frames = 0;
	for (size_t i = 0; i < N; i++)
		cr_assert(client_send(c, two + i, 1));
	WAIT(f.frames == 2);
	cr_assert(span_eq(buffer_span(&f.seen), span_of(two, N)));
}

Test(net_listener, many_frames_in_one_write, .init = server_begin, .fini = server_end)
{
	struct client *c = connected();
	struct client *other = connected();

	f.echo = true;
	send_frames(c, 3000, 3);
	send_frames(other, 1, 3);
	WAIT(f.frames == 3001 && c->got.n == 3000 * 7 && other->got.n == 7);
	cr_assert_eq(f.frame_bytes, 9003);
}

Test(net_listener, frames_of_every_size_are_whole, .init = server_begin, .fini = server_end)
{
	static const size_t sizes[] = {1, 4091, 4092, 4093, 16380, 16384, 16385, 40000, 65535, 65536};
	struct client *c = connected();
	size_t sum = 0;

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		sum += sizes[i];
		send_frames(c, 1, sizes[i]);
		WAIT(f.frames == i + 1);
		cr_assert_eq(f.frame_bytes, sum);
	}
}

Test(net_listener, bad_lengths_close)
{
	static const char heads[][5] = {"\0\0\0\0", "\0\1\0\1", "\377\377\377\377", "GET "};

	server_begin();
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		struct client *c = connected();

		cr_assert(client_send(c, heads[i], 4));
		WAIT(c->ended && f.closed == i + 1);
		cr_assert_eq(f.count->ended[NET_END_FRAME], i + 1);
	}
	cr_assert_eq(f.frames, 0);
	server_end();
}

Test(net_listener, before_hello_frames_are_small, .init = server_begin, .fini = server_end)
{
	f.keep_silent = true;
	struct client *c = connected();

	send_frames(c, 1, 4096);
	WAIT(f.frames == 1);
	cr_assert(client_send(c, "\0\0\20\1", 4));
	WAIT(c->ended && f.count->ended[NET_END_FRAME] == 1);
}

/* ---------------------------------------------------------------- closing */

Test(net_listener, close_inside_a_frame, .init = server_begin, .fini = server_end)
{
	struct client *c = connected();

	f.close_after = 2;
	f.echo = true;
	send_frames(c, 5, 10);
	WAIT(c->ended && f.closed == 1);
	cr_assert_eq(f.frames, 2);
	cr_assert_eq(c->got.n, 2 * 14, "what was queued before the close arrives, nothing after it");
	cr_assert_eq(f.count->ended[NET_END_PATH], 1);
	client_free(c);
	f.clients_n = 0;
	WAIT(f.count->open == 0);
}

Test(net_listener, a_long_answer_arrives_before_the_close, .init = server_begin, .fini = server_end)
{
	struct client *c = connected();

	f.close_after = 1;
	f.reply = 1000000;
	f.deaf = true;
	send_frames(c, 1, 1);
	settle();
	send_frames(c, 20, 1000); /* is never read, and must not cost the answer */
	f.deaf = false;
	WAIT(c->ended);
	cr_assert_eq(c->got.n, 1000000);
	cr_assert_eq(f.frames, 1);
}

Test(net_listener, reload_is_all_or_nothing, .init = server_begin, .fini = server_end)
{
	char error[TLS_ERROR_SIZE] = "";
	struct client *old = connected();
	struct digest first = f.binding, second;

	f.echo = true;
	cr_assert(make_certificate(f.dir, CERT_RSA, &second));
	cr_assert_null(tls_new(f.cert, f.key, error));
	cr_assert(strstr(error, "P-256") != NULL, "%s", error);
	cr_assert(digest_eq(&f.port->binding, &first));
	connected();

	f.keep_silent = true;
	struct client *no_hello = connected();
	cr_assert(make_certificate(f.dir, CERT_P256_SHA256, &second));
	struct tls *renewed = tls_new(f.cert, f.key, error);
	cr_assert_not_null(renewed, "%s", error);
	net_renew(f.net, renewed);
	cr_assert(digest_eq(&f.port->binding, &second));
	WAIT(no_hello->ended);
	cr_assert_eq(f.count->ended[NET_END_RELOAD], 1);
	struct client *fresh = connected();
	struct digest shown = client_binding(fresh);
	cr_assert(digest_eq(&shown, &second));
	send_frames(old, 1, 1);
	WAIT(old->got.n == 5);
}

Test(net_listener, drain_sends_what_is_queued, .init = server_begin, .fini = server_end)
{
	struct client *c = connected();
	struct client *idle = connected();

	f.reply = 1000000;
	f.deaf = true;
	send_frames(c, 1, 1);
	WAIT(f.frames == 1);
	turn();
	net_drain(f.net, 5000 * MS, on_drained, NULL);
	settle();
	cr_assert_eq(f.drained, 0);
	cr_assert_null(client_new(f.at, 0), "nobody listens any more");
	f.deaf = false;
	WAIT(c->ended && idle->ended);
	cr_assert_eq(c->got.n, 1000000);
	shutdown(c->fd, SHUT_RDWR);
	shutdown(idle->fd, SHUT_RDWR);
	WAIT(f.drained == 1 && f.closed == 2);
	cr_assert_eq(f.count->open, 0);
}

Test(net_listener, drain_is_bounded, .init = server_begin, .fini = server_end)
{
	struct client *c = connected();
	micros began = loop_monotonic();

	f.reply = 1000000;
	f.deaf = true;
	send_frames(c, 1, 1);
	WAIT(f.frames == 1);
	net_drain(f.net, 200 * MS, on_drained, NULL);
	WAIT_FOR(1000, f.drained == 1);
	cr_assert(loop_monotonic() - began >= 200 * MS);
	cr_assert_eq(f.count->open, 0);
	cr_assert_eq(f.closed, 1);
}

Test(net_listener, drain_of_nothing_is_done, .init = server_begin, .fini = server_end)
{
	net_drain(f.net, 1000 * MS, on_drained, NULL);
	cr_assert_eq(f.drained, 0, "done() is never called inside");
	WAIT(f.drained == 1);
}

Test(net_listener, says_why_it_cannot_listen, .init = server_begin, .fini = server_end)
{
	char error[TLS_ERROR_SIZE] = "", port[8];
	uint16_t at;

	snprintf(port, sizeof(port), "%u", f.at);
	cr_assert_not(net_listen(f.net, "127.0.0.1", port, &at, error));
	cr_assert(strstr(error, "in use") != NULL, "%s", error);
	cr_assert_not(net_listen(f.net, "no.such.host", "1", &at, error));
	cr_assert_not(net_listen(f.net, "127.0.0.1", "http", &at, error));
}
