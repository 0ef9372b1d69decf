/*
 * The device port against a client of OpenSSL's own, over real sockets: handshake, frames, limits,
 * deadlines, gates, reload, drain. Server and clients share one thread; WAIT() turns them all.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/listener.h"
#include "net_support.h"

enum { CLIENTS_MAX = 16, MS = 1000 };

static struct fixture {
	struct loop *loop;
	struct tls *tls;
	struct net *net;
	const struct net_port *port;
	const struct net_counters *count;
	uint16_t at;
	const char *dir;
	char cert[128], key[128];
	struct digest binding;
	struct client *clients[CLIENTS_MAX];
	size_t clients_n;
	bool deaf; /* clients do not read */

	/* What the path would be. */
	bool echo, keep_silent;
	unsigned gate_after, close_after; /* in the n-th frame */
	size_t reply;                     /* bytes sent for each frame */
	unsigned opened, frames, closed, drained;
	size_t frame_bytes;
	conn_id last;
	struct buffer seen; /* all frames' bodies, each after its length */
} f;

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

static void on_drained(void *arg)
{
	(void)arg;
	f.drained++;
}

static void turn(void)
{
	cr_assert(loop_turn(f.loop, false));
	for (size_t i = 0; i < f.clients_n; i++)
		client_step(f.clients[i], f.deaf);
}

#define WAIT_FOR(ms, what)                                                                                   \
	do {                                                                                                 \
		micros until_ = loop_monotonic() + (ms)*MS;                                                  \
		while (!(what) && loop_monotonic() < until_) {                                               \
			turn();                                                                              \
			if (!(what))                                                                         \
				poll(NULL, 0, 1);                                                            \
		}                                                                                            \
		cr_assert(what, "within %d ms: %s", (int)(ms), #what);                                       \
	} while (0)
#define WAIT(what) WAIT_FOR(5000, what)

/* Time for what must not happen. */
static void settle(void)
{
	for (int i = 0; i < 30; i++) {
		turn();
		poll(NULL, 0, 1);
	}
}

static void begin_with(struct net_settings set)
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

static void begin(void)
{
	begin_with(net_settings_default);
}

static void end(void)
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

static struct client *add_client(int version)
{
	struct client *c = client_new(f.at, version);

	cr_assert_not_null(c);
	f.clients[f.clients_n++] = c;
	return c;
}

static struct client *connected(void)
{
	struct client *c = add_client(0);
	unsigned before = f.opened;

	WAIT(f.opened > before && c->ready);
	return c;
}

static void send_frames(struct client *c, unsigned n, size_t size)
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

/* ---------------------------------------------------------------- TLS */

Test(net_listener, handshake_echo_and_end, .init = begin, .fini = end)
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

Test(net_listener, tls_1_2_is_refused, .init = begin, .fini = end)
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

Test(net_listener, plain_text_is_refused, .init = begin, .fini = end)
{
	struct client *c = client_new(f.at, 0);

	cr_assert_eq(write(c->fd, "GET / HTTP/1.1\r\n\r\n", 18), 18);
	WAIT(f.count->ended[NET_END_TLS] == 1);
	client_free(c);
	WAIT(f.count->open == 0);
}

/* ---------------------------------------------------------------- frames */

Test(net_listener, frames_split_at_every_byte, .init = begin, .fini = end)
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

Test(net_listener, many_frames_in_one_write, .init = begin, .fini = end)
{
	struct client *c = connected();
	struct client *other = connected();

	f.echo = true;
	send_frames(c, 3000, 3);
	send_frames(other, 1, 3);
	WAIT(f.frames == 3001 && c->got.n == 3000 * 7 && other->got.n == 7);
	cr_assert_eq(f.frame_bytes, 9003);
}

Test(net_listener, frames_of_every_size_are_whole, .init = begin, .fini = end)
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

	begin();
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		struct client *c = connected();

		cr_assert(client_send(c, heads[i], 4));
		WAIT(c->ended && f.closed == i + 1);
		cr_assert_eq(f.count->ended[NET_END_FRAME], i + 1);
	}
	cr_assert_eq(f.frames, 0);
	end();
}

Test(net_listener, before_hello_frames_are_small, .init = begin, .fini = end)
{
	f.keep_silent = true;
	struct client *c = connected();

	send_frames(c, 1, 4096);
	WAIT(f.frames == 1);
	cr_assert(client_send(c, "\0\0\20\1", 4));
	WAIT(c->ended && f.count->ended[NET_END_FRAME] == 1);
}

/* ---------------------------------------------------------------- deadlines */

Test(net_listener, a_slow_drip_outlives_no_deadline)
{
	struct net_settings set = net_settings_default;
	micros last = 0;

	set.frame_within = 300 * MS;
	begin_with(set);
	struct client *c = connected();
	micros began = loop_monotonic();
	cr_assert(client_send(c, "\0\0\1\0", 4));
	while (!c->ended && loop_monotonic() < began + 3000 * MS) {
		turn();
		if (loop_monotonic() - last > 20 * MS) {
			client_send(c, "x", 1);
			last = loop_monotonic();
		}
	}
	micros took = loop_monotonic() - began;
	cr_assert(c->ended);
	cr_assert(took >= 300 * MS && took < 900 * MS, "%d ms", (int)(took / MS));
	cr_assert_eq(f.count->ended[NET_END_FRAME_LATE], 1);
	end();
}

Test(net_listener, silence_ends_by_its_state)
{
	struct net_settings set = net_settings_default;

	set.handshake_within = set.hello_within = 200 * MS;
	set.idle_after = 400 * MS;
	begin_with(set);
	struct client *idle = connected();
	f.keep_silent = true;
	struct client *no_hello = connected();
	struct client *no_tls = client_new(f.at, 0); /* connects and says nothing at all */
	micros began = loop_monotonic();
	WAIT(no_hello->ended);
	cr_assert_not(idle->ended);
	WAIT(f.count->ended[NET_END_HELLO_LATE] == 1);
	WAIT(f.count->ended[NET_END_HANDSHAKE_LATE] == 1);
	cr_assert_eq(f.count->handshakes, 0);
	send_frames(idle, 1, 1);
	WAIT(idle->ended);
	cr_assert(loop_monotonic() - began >= 400 * MS);
	cr_assert_eq(f.count->ended[NET_END_IDLE], 1);
	client_free(no_tls);
	end();
}

Test(net_listener, a_slow_reader_is_closed)
{
	struct net_settings set = net_settings_default;
	int small = 4096;

	set.output_max = 512 * 1024;
	set.output_high = 1 << 30;
	begin_with(set);
	struct client *c = connected();
	setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	f.deaf = true;
	f.reply = 16000;
	for (int i = 0; i < 1000 && f.closed == 0; i++) {
		client_send(c, "\0\0\0\1x", 5);
		turn();
	}
	WAIT(f.closed == 1);
	cr_assert_eq(f.count->ended[NET_END_SLOW_READER], 1);
	cr_assert_eq(f.count->output_queued, 0);
	end();
}

Test(net_listener, who_does_not_read_is_not_read)
{
	struct net_settings set = net_settings_default;

	set.write_within = 500 * MS;
	begin_with(set);
	struct client *c = connected();
	unsigned asked = 0;
	f.deaf = true;
	f.reply = 60000;
	/* The kernel takes some megabytes before it is really full. */
	do {
		while (f.count->output_queued <= set.output_high) {
			cr_assert(client_send(c, "\0\0\0\1x", 5));
			asked++;
			turn();
		}
		settle();
	} while (f.count->output_queued <= set.output_high);
	cr_assert_geq(f.count->write_gate_shut, 1);
	asked += 20;
	send_frames(c, 20, 1);
	settle();
	cr_assert_lt(f.frames, asked);
	cr_assert_gt(f.count->output_queued, set.output_low);
	cr_assert_lt(f.count->output_queued, set.output_max);
	f.deaf = false;
	WAIT(f.frames == asked && c->got.n == asked * f.reply);
	cr_assert_eq(f.closed, 0);

	f.deaf = true;
	while (f.count->output_queued == 0) {
		client_send(c, "\0\0\0\1x", 5);
		turn();
	}
	WAIT(f.closed == 1);
	cr_assert_eq(f.count->ended[NET_END_SLOW_READER], 1);
	end();
}

/* ---------------------------------------------------------------- caps and gates */

Test(net_listener, caps_on_connections)
{
	struct net_settings set = net_settings_default;

	set.connections_max = 3;
	begin_with(set);
	conn_id first = (connected(), f.last);
	connected();
	struct client *third = connected();
	struct client *fourth = add_client(0);
	WAIT(fourth->ended);
	cr_assert_eq(f.count->ended[NET_END_FULL], 1);
	SSL_shutdown(third->ssl);
	shutdown(third->fd, SHUT_RDWR);
	WAIT(f.count->open == 2);
	connected();
	cr_assert_eq(f.count->open, 3);
	/* An id is of one connection only, though its place is taken again. */
	unsigned closed = f.closed;
	f.port->close(f.port->self, first + 3 * 1000, "no such");
	turn();
	cr_assert_eq(f.closed, closed);
	end();
}

Test(net_listener, cap_on_an_address)
{
	struct net_settings set = net_settings_default;

	set.per_address_max = 2;
	begin_with(set);
	connected();
	struct client *second = connected();
	struct client *third = add_client(0);
	WAIT(third->ended);
	cr_assert_eq(f.count->ended[NET_END_ADDRESS], 1);
	shutdown(second->fd, SHUT_RDWR);
	WAIT(f.count->open == 1);
	connected();
	end();
}

Test(net_listener, cap_on_handshakes)
{
	struct net_settings set = net_settings_default;
	struct client *mute[2];

	set.handshakes_max = 2;
	begin_with(set);
	for (size_t i = 0; i < 2; i++)
		mute[i] = client_new(f.at, 0);
	WAIT(f.count->handshakes == 2);
	struct client *c = add_client(0);
	settle();
	cr_assert_eq(f.count->open, 2);
	cr_assert_eq(f.count->accept_paused, 1);
	cr_assert_not(c->ready);
	client_free(mute[0]);
	WAIT(c->ready && f.opened == 1);
	client_free(mute[1]);
	end();
}

Test(net_listener, survives_without_descriptors, .init = begin, .fini = end)
{
	struct rlimit before, none;
	struct client *c = connected();
	struct client *waiting = add_client(0);
	int next = dup(0);

	close(next);
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = (rlim_t)next;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	WAIT(f.count->no_descriptors >= 2);
	cr_assert_eq(f.count->open, 1);
	f.echo = true;
	send_frames(c, 1, 1);
	WAIT(c->got.n == 5);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	WAIT(waiting->ready);
	cr_assert_lt(f.count->no_descriptors, 100);
}

Test(net_listener, the_gate_stops_and_goes_on, .init = begin, .fini = end)
{
	struct client *c = connected();

	f.gate_after = 3;
	send_frames(c, 10, 100);
	WAIT(f.frames == 3);
	send_frames(c, 5, 100);
	struct client *late = add_client(0);
	WAIT(late->ready && f.opened == 2);
	send_frames(late, 1, 100);
	settle();
	cr_assert_eq(f.frames, 3);
	cr_assert_eq(f.count->read_gate_shut, 1);
	f.port->gate(f.port->self, true);
	WAIT(f.frames == 16);
	f.port->gate(f.port->self, false);
	f.port->gate(f.port->self, true);
	send_frames(c, 1, 100);
	WAIT(f.frames == 17);
}

Test(net_listener, nobody_is_late_while_the_gate_is_shut)
{
	struct net_settings set = net_settings_default;

	set.idle_after = set.frame_within = 200 * MS;
	begin_with(set);
	struct client *c = connected();
	struct client *part = connected();
	cr_assert(client_send(part, "\0\0", 2));
	f.port->gate(f.port->self, false);
	cr_assert(client_send(part, "\0\1x", 3));
	micros began = loop_monotonic();
	while (loop_monotonic() < began + 500 * MS) {
		turn();
		poll(NULL, 0, 1);
	}
	cr_assert_eq(f.closed, 0);
	f.port->gate(f.port->self, true);
	WAIT(f.frames == 1);
	WAIT(c->ended && part->ended);
	cr_assert_eq(f.count->ended[NET_END_IDLE], 2);
	end();
}

/* ---------------------------------------------------------------- closing */

Test(net_listener, close_inside_a_frame, .init = begin, .fini = end)
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

Test(net_listener, a_long_answer_arrives_before_the_close, .init = begin, .fini = end)
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

Test(net_listener, reload_is_all_or_nothing, .init = begin, .fini = end)
{
	char error[TLS_ERROR_SIZE] = "";
	struct client *old = connected();
	struct digest first = f.binding, second;

	f.echo = true;
	cr_assert(make_certificate(f.dir, CERT_RSA, &second));
	cr_assert_not(net_reload(f.net, f.cert, f.key, error));
	cr_assert(strstr(error, "P-256") != NULL, "%s", error);
	cr_assert(digest_eq(&f.port->binding, &first));
	connected();

	f.keep_silent = true;
	struct client *no_hello = connected();
	cr_assert(make_certificate(f.dir, CERT_P256_SHA256, &second));
	cr_assert(net_reload(f.net, f.cert, f.key, error), "%s", error);
	cr_assert(digest_eq(&f.port->binding, &second));
	WAIT(no_hello->ended);
	cr_assert_eq(f.count->ended[NET_END_RELOAD], 1);
	struct client *fresh = connected();
	struct digest shown = client_binding(fresh);
	cr_assert(digest_eq(&shown, &second));
	send_frames(old, 1, 1);
	WAIT(old->got.n == 5);
}

Test(net_listener, drain_sends_what_is_queued, .init = begin, .fini = end)
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

Test(net_listener, drain_is_bounded, .init = begin, .fini = end)
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

Test(net_listener, drain_of_nothing_is_done, .init = begin, .fini = end)
{
	net_drain(f.net, 1000 * MS, on_drained, NULL);
	cr_assert_eq(f.drained, 0, "done() is never called inside");
	WAIT(f.drained == 1);
}

Test(net_listener, says_why_it_cannot_listen, .init = begin, .fini = end)
{
	char error[TLS_ERROR_SIZE] = "", port[8];
	uint16_t at;

	snprintf(port, sizeof(port), "%u", f.at);
	cr_assert_not(net_listen(f.net, "127.0.0.1", port, &at, error));
	cr_assert(strstr(error, "in use") != NULL, "%s", error);
	cr_assert_not(net_listen(f.net, "no.such.host", "1", &at, error));
	cr_assert_not(net_listen(f.net, "127.0.0.1", "http", &at, error));
}

/* ---------------------------------------------------------------- everything at once */

static uint32_t next_random(void)
{
	static uint64_t state = 20210701;

	state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)(state >> 33);
}

static void do_something_rude(struct client **c)
{
	static const uint8_t zeros[65540];
	uint8_t head[4] = {0, 0, (uint8_t)next_random(), (uint8_t)next_random()};
	uint32_t what = next_random() % 60;

	if (*c == NULL) {
		*c = client_new(f.at, next_random() % 20 == 0 ? TLS1_2_VERSION : 0);
		return;
	}
	if (what == 0 || (*c)->ended) { /* without a word, perhaps in the middle of the handshake */
		client_free(*c);
		*c = NULL;
	} else if (what == 1) {
		SSL_shutdown((*c)->ssl);
	} else if (what < 6) {
		f.port->gate(f.port->self, what % 2 == 0);
	} else if (what == 6) {
		f.port->close(f.port->self, f.last, "at random");
	} else if (what == 7) {
		f.reply = next_random() % 100000;
	} else if (what < 10 && (*c)->ready) {
		client_send(*c, zeros, 1 + what % 3); /* the beginning of a frame that will be too short */
	} else if ((*c)->ready) {
		client_send(*c, head, 4);
		client_send(*c, zeros, (size_t)head[2] << 8 | head[3]);
	}
}

Test(net_listener, rude_clients_leave_nothing_behind)
{
	struct net_settings set = net_settings_default;

	set.connections_max = 15;
	set.handshakes_max = 3;
	set.frames_per_turn = 2;
	set.output_high = 150000;
	set.output_low = 10000;
	set.frame_within = set.handshake_within = 100 * MS;
	set.write_within = 200 * MS;
	begin_with(set);
	f.echo = true;
	for (int i = 0; i < 6000; i++) {
		do_something_rude(&f.clients[next_random() % CLIENTS_MAX]);
		cr_assert(loop_turn(f.loop, i % 8 == 0));
		for (size_t k = 0; k < CLIENTS_MAX; k++)
			if (f.clients[k] != NULL && k % 4 != 0) /* some never read */
				client_step(f.clients[k], next_random() % 3 == 0);
			else if (f.clients[k] != NULL)
				client_step(f.clients[k], true);
	}
	cr_assert_gt(f.frames, 100);
	cr_assert_gt(f.opened, 20);
	f.port->gate(f.port->self, true);
	for (size_t k = 0; k < CLIENTS_MAX; k++)
		client_free(f.clients[k]);
	WAIT(f.count->open == 0 && f.closed == f.opened);
	cr_assert_eq(f.count->handshakes, 0);
	cr_assert_eq(f.count->output_queued, 0);
	uint64_t ended = 0;
	for (int k = 0; k < NET_ENDS; k++)
		ended += f.count->ended[k];
	cr_assert_eq(ended, f.count->accepted, "every connection ends for one reason");
	connected();
	end();
}
