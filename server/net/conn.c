/*
 * One connection: TLS on a socket, frames in, and every way it can end (output.c: bytes out). Owns its
 * socket, session, buffers and watches. While it is idle it holds no buffers at all: what has arrived is
 * decrypted into the scratch space that all share, and only a frame's beginning is kept.
 *
 * No function here calls the sink but deliver() and handshake(), and after those the state is looked at
 * again. Nothing is freed but at the end of the turn.
 */
#include "net/net.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/frame.h"

enum {
	TURN_BYTES = 256 * 1024, /* read from one connection before the others have their turn */
	GROW_MIN = 4096,         /* a frame's buffer grows as its bytes arrive, not by its word */
};

/* ---------------------------------------------------------------- ends */

void conn_put_dirty(struct conn *c)
{
	if (c->is_dirty)
		return;
	c->is_dirty = true;
	TAILQ_INSERT_TAIL(&c->net->dirty, c, dirty_link);
	net_turn_end(c->net);
}

static void put_ended(struct conn *c)
{
	if (c->is_ended)
		return;
	c->is_ended = true;
	TAILQ_INSERT_TAIL(&c->net->ended, c, ended_link);
	net_turn_end(c->net);
}

void conn_stop_waiting(struct conn *c)
{
	if (c->waits == WAITS_TURN)
		TAILQ_REMOVE(&c->net->wait_turn, c, wait_link);
	else if (c->waits == WAITS_GATE)
		TAILQ_REMOVE(&c->net->wait_gate, c, wait_link);
	c->waits = WAITS_NOT;
}

void conn_wait_for_turn(struct conn *c)
{
	conn_stop_waiting(c);
	c->waits = WAITS_TURN;
	TAILQ_INSERT_TAIL(&c->net->wait_turn, c, wait_link);
	loop_timer_once(c->net->next_turn, 0);
}

static void wait_for_gate(struct conn *c)
{
	conn_stop_waiting(c);
	loop_watch_off(c->readable);
	c->waits = WAITS_GATE;
	TAILQ_INSERT_TAIL(&c->net->wait_gate, c, wait_link);
}

/* A frame that has begun must end in time; a new time begins only with a new frame. */
void conn_time_input(struct conn *c, bool delivered)
{
	enum timeout_kind kind = c->in.n > 0 ? TIMEOUT_FRAME : TIMEOUT_IDLE;

	if (c->state == CONN_OPEN && c->gated == 0 && (delivered || c->read_by.kind != kind))
		timeout_start(&c->net->timeouts, &c->read_by, kind);
}

void conn_gate(struct conn *c, enum conn_gate gate, bool shut)
{
	unsigned before = c->gated;

	if (!conn_is_alive(c))
		return;
	c->gated = shut ? before | gate : before & ~(unsigned)gate;
	if (before == 0 && c->gated != 0) {
		conn_stop_waiting(c);
		loop_watch_off(c->readable);
		if (c->state == CONN_OPEN)
			timeout_stop(&c->net->timeouts, &c->read_by);
	} else if (before != 0 && c->gated == 0) {
		conn_time_input(c, true);
		conn_wait_for_turn(c);
	}
}

static void report_end(struct conn *c, enum net_end reason, const char *why)
{
	enum log_level level = reason == NET_END_PEER || reason == NET_END_SHUTDOWN ? LOG_DEBUG : LOG_INFO;

	c->net->count.ended[reason]++;
	log_line(c->net->log, level, "conn.end", LOG_UINT("conn", c->id), LOG_TEXT("peer", c->peer),
		 LOG_TEXT("reason", net_end_name(reason)), LOG_TEXT("why", why == NULL ? "-" : why),
		 LOG_UINT("sent", c->sent));
}

/* From here on no frame is handed on and nothing is queued. */
static void leave(struct conn *c, enum conn_state to)
{
	bool handshake = c->state == CONN_HANDSHAKE;

	c->state = to;
	conn_stop_waiting(c);
	loop_watch_off(c->readable);
	timeout_stop(&c->net->timeouts, &c->read_by);
	put_ended(c);
	if (handshake)
		net_handshake_over(c->net);
}

void conn_die(struct conn *c)
{
	leave(c, CONN_DEAD);
	if (c->writable != NULL)
		loop_watch_off(c->writable);
	timeout_stop(&c->net->timeouts, &c->write_by);
	c->net->count.output_queued -= c->out.n - c->out_at;
	c->out_at = c->out.n;
}

/* All is sent: say so, and wait a little for the client to have it: a socket that is closed with unread
 * bytes in it takes back what the client has not read yet. */
void conn_linger(struct conn *c)
{
	leave(c, CONN_LINGER);
	if (SSL_is_init_finished(c->ssl))
		SSL_shutdown(c->ssl);
	ERR_clear_error();
	if (shutdown(c->fd, SHUT_WR) < 0 || !loop_watch_on(c->readable))
		conn_die(c);
	else
		timeout_start(&c->net->timeouts, &c->read_by, TIMEOUT_LINGER);
}

void conn_cut(struct conn *c, enum net_end reason, const char *why)
{
	if (c->state < CONN_FLUSH)
		report_end(c, reason, why);
	if (c->state != CONN_DEAD)
		conn_die(c);
}

void conn_end(struct conn *c, enum net_end reason, const char *why)
{
	if (c->state >= CONN_FLUSH)
		return;
	report_end(c, reason, why);
	if (c->state == CONN_HANDSHAKE) {
		conn_linger(c);
		return;
	}
	leave(c, CONN_FLUSH);
	timeout_start(&c->net->timeouts, &c->read_by, TIMEOUT_CLOSE);
	conn_put_dirty(c);
}

/* The socket or the session failed; OpenSSL's error is `error`. */
void conn_fail(struct conn *c, int error)
{
	char why[128];

	if (error == SSL_ERROR_SYSCALL) {
		conn_cut(c, NET_END_BROKEN, strerror(errno));
		ERR_clear_error();
		return;
	}
	tls_reason(why, sizeof(why));
	conn_end(c, NET_END_TLS, why);
}

void conn_late(struct conn *c, enum timeout_kind kind)
{
	static const enum net_end reasons[TIMEOUT_KINDS] = {
	    [TIMEOUT_HANDSHAKE] = NET_END_HANDSHAKE_LATE,
	    [TIMEOUT_HELLO] = NET_END_HELLO_LATE,
	    [TIMEOUT_FRAME] = NET_END_FRAME_LATE,
	    [TIMEOUT_IDLE] = NET_END_IDLE,
	    [TIMEOUT_WRITE] = NET_END_SLOW_READER,
	    [TIMEOUT_CLOSE] = NET_END_SLOW_READER,
	    [TIMEOUT_LINGER] = NET_END_PEER,
	};

	if (kind >= TIMEOUT_WRITE)
		conn_cut(c, reasons[kind], "deadline");
	else
		conn_end(c, reasons[kind], "deadline");
}

void conn_free(struct conn *c)
{
	loop_watch_free(c->readable);
	loop_watch_free(c->writable);
	SSL_free(c->ssl);
	close(c->fd);
	buffer_free(&c->in);
	buffer_free(&c->out);
	free(c);
}

/* ---------------------------------------------------------------- input */

static bool may_deliver(const struct conn *c)
{
	return conn_is_alive(c) && c->gated == 0 && !c->net->gate_shut;
}

/* Hands on the whole frames that `bytes` begins with, as long as it may. Returns how many bytes they took. */
static size_t deliver(struct conn *c, struct span bytes, unsigned *frames_left)
{
	struct net *net = c->net;
	size_t at = 0;

	while (may_deliver(c)) {
		struct span frame = {0};
		size_t limit = c->state == CONN_OPEN ? FRAME_MAX : net->set.hello_frame_max;
		enum frame_state found = frame_next(span_of(bytes.p + at, bytes.n - at), &frame, &c->in_need);

		if (found == FRAME_HERE)
			c->in_need = FRAME_HEAD + frame.n;
		if (found == FRAME_BAD || c->in_need > FRAME_HEAD + limit) {
			conn_end(c, NET_END_FRAME, "length out of range");
			break;
		}
		if (found == FRAME_MORE)
			break;
		if (*frames_left == 0) {
			conn_wait_for_turn(c);
			break;
		}
		--*frames_left;
		at += c->in_need;
		net->count.frames_in++;
		net->sink.frame(net->sink.self, c->id, frame);
	}
	return at;
}

/* The same for what is kept in `in`. True: at least one frame. */
static bool deliver_kept(struct conn *c, unsigned *frames_left)
{
	size_t used = deliver(c, buffer_span(&c->in), frames_left);

	buffer_consume(&c->in, used);
	if (c->in.n == 0)
		buffer_free(&c->in);
	return used > 0;
}

/*
 * Reads once: behind a frame's beginning if one is kept, else into the scratch space, and hands on what is
 * whole. Returns the bytes read, 0: no more for now, or ended.
 */
static size_t read_once(struct conn *c, unsigned *frames_left, bool *delivered)
{
	bool keep = c->in.n > 0;
	uint8_t *to = c->net->scratch;
	size_t n = sizeof(c->net->scratch);

	if (keep) {
		size_t grow = c->in.n < GROW_MIN ? GROW_MIN : c->in.n;

		n = c->in_need - c->in.n < grow ? c->in_need - c->in.n : grow;
		to = buffer_reserve(&c->in, n);
		if (to == NULL) {
			conn_cut(c, NET_END_MEMORY, NULL);
			return 0;
		}
	}
	errno = 0;
	c->read_wants_out = false;
	int got = SSL_read(c->ssl, to, (int)n);
	if (got <= 0) {
		int error = SSL_get_error(c->ssl, got);

		c->read_wants_out = error == SSL_ERROR_WANT_WRITE;
		if (error == SSL_ERROR_ZERO_RETURN)
			conn_end(c, NET_END_PEER, NULL);
		else if (c->read_wants_out)
			conn_watch_writable(c);
		else if (error != SSL_ERROR_WANT_READ)
			conn_fail(c, error);
		return 0;
	}
	c->net->count.bytes_in += (size_t)got;
	if (keep) {
		c->in.n += (size_t)got;
		*delivered |= deliver_kept(c, frames_left);
	} else {
		size_t used = deliver(c, span_of(to, (size_t)got), frames_left);

		*delivered |= used > 0;
		buffer_put(&c->in, to + used, (size_t)got - used);
		if (!buffer_ok(&c->in))
			conn_cut(c, NET_END_MEMORY, NULL);
	}
	return (size_t)got;
}

static void read_turn(struct conn *c)
{
	unsigned frames_left = c->net->set.frames_per_turn;
	size_t bytes = 0;
	bool delivered = c->in.n > 0 && deliver_kept(c, &frames_left);

	while (may_deliver(c) && c->waits == WAITS_NOT) {
		size_t got = read_once(c, &frames_left, &delivered);

		bytes += got;
		if (got == 0 || !SSL_has_pending(c->ssl))
			break;
		if (bytes >= TURN_BYTES && c->waits == WAITS_NOT && may_deliver(c))
			conn_wait_for_turn(c);
	}
	conn_time_input(c, delivered);
	/* Frames may be left over, in `in` or in OpenSSL's buffer, of which the socket says nothing. */
	if (c->net->gate_shut && conn_is_alive(c) && c->gated == 0)
		wait_for_gate(c);
}

void conn_resume(struct conn *c)
{
	conn_stop_waiting(c);
	if (!conn_is_alive(c) || c->gated != 0)
		return;
	if (!loop_watch_on(c->readable))
		conn_cut(c, NET_END_MEMORY, NULL);
	else
		read_turn(c);
}

static void handshake(struct conn *c)
{
	errno = 0;
	int done = SSL_do_handshake(c->ssl);

	if (done == 1) {
		c->state = CONN_HELLO;
		c->opened = true;
		timeout_start(&c->net->timeouts, &c->read_by, TIMEOUT_HELLO);
		net_handshake_over(c->net);
		c->net->sink.opened(c->net->sink.self, c->id, c->peer);
		read_turn(c);
		return;
	}
	int error = SSL_get_error(c->ssl, done);
	if (error == SSL_ERROR_WANT_WRITE)
		conn_watch_writable(c);
	else if (error == SSL_ERROR_ZERO_RETURN || (error == SSL_ERROR_SYSCALL && errno == 0))
		conn_cut(c, NET_END_PEER, "handshake");
	else if (error != SSL_ERROR_WANT_READ)
		conn_fail(c, error);
	ERR_clear_error();
}

/* What a client sends after its end is not looked at; its own end ends the waiting for it. */
static void discard(struct conn *c)
{
	ssize_t n = recv(c->fd, c->net->scratch, sizeof(c->net->scratch), 0);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		conn_die(c);
}

void conn_readable(void *arg)
{
	struct conn *c = arg;

	if (c->state == CONN_HANDSHAKE)
		handshake(c);
	else if (c->state == CONN_LINGER)
		discard(c);
	else if (c->state <= CONN_OPEN && c->waits == WAITS_NOT)
		read_turn(c);
}

void conn_greeted(struct conn *c)
{
	if (c->state != CONN_HELLO)
		return;
	c->state = CONN_OPEN;
	c->net->count.greeted++;
	conn_time_input(c, true);
}

bool conn_start(struct conn *c)
{
	c->readable = loop_watch_new(c->net->loop, c->fd, LOOP_READABLE, conn_readable, c);
	c->ssl = tls_session(c->net->tls, c->fd);
	if (c->readable == NULL || c->ssl == NULL || !loop_watch_on(c->readable)) {
		loop_watch_free(c->readable);
		SSL_free(c->ssl);
		return false;
	}
	c->state = CONN_HANDSHAKE;
	timeout_start(&c->net->timeouts, &c->read_by, TIMEOUT_HANDSHAKE);
	return true;
}
