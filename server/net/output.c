/*
 * A connection's output: what is queued in a turn of the loop leaves at its end in as few records as it fits
 * in; what the socket does not take waits, bounded in bytes and time, and its client is not read meanwhile.
 */
#include "net/net.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

static void on_writable(void *arg);

/* False: no memory, and it has ended. */
bool conn_watch_writable(struct conn *c)
{
	if (c->writable == NULL)
		c->writable = loop_watch_new(c->net->loop, c->fd, LOOP_WRITABLE, on_writable, c);
	if (c->writable != NULL && loop_watch_on(c->writable))
		return true;
	conn_cut(c, NET_END_MEMORY, NULL);
	return false;
}

static size_t queued(const struct conn *c)
{
	return c->out.n - c->out_at;
}

/* Everything that is queued shall be gone in time, and what is queued later counts from then. */
static void time_output(struct conn *c)
{
	if (queued(c) == 0) {
		timeout_stop(&c->net->timeouts, &c->write_by);
	} else if (c->write_by.kind == TIMEOUT_NONE || c->sent >= c->mark) {
		c->mark = c->sent + queued(c);
		timeout_start(&c->net->timeouts, &c->write_by, TIMEOUT_WRITE);
	}
}

/* The write gate: who does not read is not read. */
static void set_write_gate(struct conn *c)
{
	bool shut = (c->gated & GATED_OUTPUT) != 0;

	if (!shut && queued(c) > c->net->set.output_high) {
		c->net->count.write_gate_shut++;
		conn_gate(c, GATED_OUTPUT, true);
	} else if (shut && queued(c) <= c->net->set.output_low) {
		conn_gate(c, GATED_OUTPUT, false);
	}
}

/* Moves bytes from the queue to the socket. False: the connection has ended. */
static bool write_records(struct conn *c)
{
	while (queued(c) > 0) {
		size_t n = queued(c) < RECORD_MAX ? queued(c) : RECORD_MAX;

		errno = 0;
		int wrote = SSL_write(c->ssl, c->out.p + c->out_at, (int)n);
		if (wrote <= 0) {
			int error = SSL_get_error(c->ssl, wrote);

			if (error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_WANT_READ)
				return true;
			if (c->state == CONN_FLUSH)
				conn_die(c);
			else
				conn_fail(c, error);
			ERR_clear_error();
			return false;
		}
		c->out_at += (size_t)wrote;
		c->sent += (size_t)wrote;
		c->net->count.bytes_out += (size_t)wrote;
		c->net->count.output_queued -= (size_t)wrote;
	}
	return true;
}

void conn_flush(struct conn *c)
{
	if (c->state == CONN_HANDSHAKE || c->state >= CONN_LINGER || !write_records(c))
		return;
	if (queued(c) == 0) {
		buffer_free(&c->out);
		c->out_at = 0;
	} else if (c->out_at > c->out.n / 2) {
		buffer_consume(&c->out, c->out_at);
		c->out_at = 0;
	}
	if (queued(c) > 0 && !conn_watch_writable(c))
		return;
	time_output(c);
	set_write_gate(c);
	if (c->state == CONN_FLUSH && queued(c) == 0)
		conn_linger(c);
}

/* Whether so much more would be too much for one who does not read. */
static bool is_too_much(const struct conn *c, size_t more)
{
	const struct net *net = c->net;

	return more > net->set.output_max || queued(c) > net->set.output_max - more ||
	       (net->count.output_queued > net->set.output_total_max && queued(c) > net->set.output_low);
}

void conn_send(struct conn *c, struct span bytes)
{
	if (!conn_is_alive(c))
		return;
	if (is_too_much(c, bytes.n)) {
		conn_flush(c);
		if (!conn_is_alive(c))
			return;
		if (is_too_much(c, bytes.n)) {
			conn_cut(c, NET_END_SLOW_READER, "output");
			return;
		}
	}
	c->net->count.sends++;
	size_t before = c->out.n;
	buffer_put_span(&c->out, bytes);
	c->net->count.output_queued += c->out.n - before;
	if (!buffer_ok(&c->out))
		conn_cut(c, NET_END_MEMORY, NULL);
	else if (queued(c) > c->net->set.output_high && (c->gated & GATED_OUTPUT) == 0)
		conn_flush(c); /* now, so that its next frame is not handed on if this does not leave */
	else
		conn_put_dirty(c);
}

static void on_writable(void *arg)
{
	struct conn *c = arg;

	if (c->state == CONN_HANDSHAKE || c->read_wants_out)
		conn_readable(c);
	conn_flush(c);
}
