/*
 * The device port against rude clients: deadlines, caps, gates, no descriptors left, and everything at once.
 */
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/listener.h"
#include "net_server.h"

/* ---------------------------------------------------------------- deadlines */

Test(net_limits, a_slow_drip_outlives_no_deadline)
{
	struct net_settings set = net_settings_default;
	micros last = 0;

	set.frame_within = 300 * MS;
	server_begin_with(set);
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
	server_end();
}

Test(net_limits, silence_ends_by_its_state)
{
	struct net_settings set = net_settings_default;

	set.handshake_within = set.hello_within = 200 * MS;
	set.idle_after = 400 * MS;
	server_begin_with(set);
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
	server_end();
}

Test(net_limits, a_slow_reader_is_closed)
{
	struct net_settings set = net_settings_default;
	int small = 4096;

	set.output_max = 512 * 1024;
	set.output_high = 1 << 30;
	server_begin_with(set);
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
	server_end();
}

/* It asked once to be told of flags and never reads: what is pushed to it is bounded, and it alone is closed.
 */
Test(net_limits, pushes_do_not_pile_up_for_one_who_does_not_read)
{
	static const uint8_t push[300] = {0, 0, 1, 40};
	struct net_settings set = net_settings_default;
	uint64_t most = 0;
	int small = 4096;

	set.output_max = 256 * 1024;
	server_begin_with(set);
	struct client *c = connected();
	conn_id watcher = f.last;
	setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	f.deaf = true;
	for (int i = 0; i < 100000 && f.closed == 0; i++) {
		f.port->send(f.port->self, watcher, span_of(push, sizeof(push)));
		most = f.count->output_queued > most ? f.count->output_queued : most;
		if (i % 50 == 0)
			turn();
	}
	WAIT(f.closed == 1);
	cr_assert_eq(f.count->ended[NET_END_SLOW_READER], 1);
	cr_assert_leq(most, set.output_max);
	cr_assert_eq(f.count->output_queued, 0);
	f.port->send(f.port->self, watcher, span_of(push, sizeof(push)));
	f.deaf = false;
	struct client *other = connected();
	f.port->send(f.port->self, f.last, span_of(push, sizeof(push)));
	WAIT(other->got.n == sizeof(push));
	server_end();
}

Test(net_limits, who_does_not_read_is_not_read)
{
	struct net_settings set = net_settings_default;

	set.write_within = 3000 * MS;
	server_begin_with(set);
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
	server_end();
}

/* ---------------------------------------------------------------- caps and gates */

Test(net_limits, caps_on_connections)
{
	struct net_settings set = net_settings_default;

	set.connections_max = 3;
	server_begin_with(set);
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
	server_end();
}

Test(net_limits, cap_on_an_address)
{
	struct net_settings set = net_settings_default;

	set.per_address_max = 2;
	server_begin_with(set);
	connected();
	struct client *second = connected();
	struct client *third = add_client(0);
	WAIT(third->ended);
	cr_assert_eq(f.count->ended[NET_END_ADDRESS], 1);
	shutdown(second->fd, SHUT_RDWR);
	WAIT(f.count->open == 1);
	connected();
	server_end();
}

Test(net_limits, cap_on_handshakes)
{
	struct net_settings set = net_settings_default;
	struct client *mute[2];

	set.handshakes_max = 2;
	server_begin_with(set);
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
	server_end();
}

Test(net_limits, survives_without_descriptors, .init = server_begin, .fini = server_end)
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

Test(net_limits, the_gate_stops_and_goes_on, .init = server_begin, .fini = server_end)
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

Test(net_limits, nobody_is_late_while_the_gate_is_shut)
{
	struct net_settings set = net_settings_default;

	set.idle_after = set.frame_within = 200 * MS;
	server_begin_with(set);
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
	server_end();
}

Test(net_limits, one_that_is_held_is_not_read_alone)
{
	struct net_settings set = net_settings_default;

	set.idle_after = set.frame_within = 300 * MS;
	server_begin_with(set);
	struct client *held = connected();
	conn_id id = f.last;
	struct client *other = connected();
	f.echo = true;
	f.port->hold(f.port->self, id, true);
	f.port->hold(f.port->self, id, true);
	send_frames(held, 5, 100);
	cr_assert(client_send(held, "\0\0", 2));
	send_frames(other, 3, 100);
	WAIT(other->got.n == 3 * 104);
	cr_assert_eq(f.frames, 3);
	/* It gets what others have for it, and is not late for what nobody reads. */
	f.port->send(f.port->self, id, span_str("pushed"));
	WAIT(held->got.n == 6 && other->ended);
	cr_assert_not(held->ended);
	/* Also while the gate for all is shut, it waits for both. */
	f.port->gate(f.port->self, false);
	f.port->hold(f.port->self, id, false);
	settle();
	cr_assert_eq(f.frames, 3);
	f.port->gate(f.port->self, true);
	WAIT(f.frames == 8);
	cr_assert(client_send(held, "\0\1x", 3));
	WAIT(f.frames == 9);
	f.port->hold(f.port->self, id, true);
	SSL_shutdown(held->ssl);
	shutdown(held->fd, SHUT_RDWR);
	f.port->hold(f.port->self, id, false);
	WAIT(f.closed == 2);
	f.port->hold(f.port->self, id, true); /* nobody's now */
	server_end();
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

Test(net_limits, rude_clients_leave_nothing_behind)
{
	struct net_settings set = net_settings_default;

	set.connections_max = 15;
	set.handshakes_max = 3;
	set.frames_per_turn = 2;
	set.output_high = 150000;
	set.output_low = 10000;
	set.frame_within = set.handshake_within = 100 * MS;
	set.write_within = 200 * MS;
	server_begin_with(set);
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
	server_end();
}
