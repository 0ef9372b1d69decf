/*
 * The device port: listens, accepts, keeps the connections within limits and hands whole frames to the
 * path. It knows bytes, frames and time, and nothing of what is in a frame.
 *
 * A connection is known by an id that is never used again, so that an answer for one that is gone goes
 * nowhere. Deadlines are absolute: a client that sends, or reads, a byte now and then gains nothing by it.
 * Three gates bound what is held: accepting stops at handshakes_max (and while the process is out of
 * descriptors), reading stops on all connections through net_port.gate(), and on one whose client does not
 * read. Deadlines for what a client has to send stand still while the read gate is shut.
 */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include "base/log.h"
#include "net/loop.h"
#include "net/tls.h"
#include "ports.h"

struct net;

struct net_settings {
	unsigned connections_max; /* more are refused */
	unsigned handshakes_max;  /* TLS handshakes in progress; more wait in the kernel's queue */
	unsigned per_address_max; /* connections of one IPv4 address or IPv6 /64; 0: no limit */
	unsigned frames_per_turn; /* of one connection, before others have their turn */
	size_t hello_frame_max;   /* bytes of a frame before greeted() */
	size_t output_max;        /* bytes queued to one connection; above: closed as a slow reader */
	size_t output_high;       /* above: its frames are not read any more ... */
	size_t output_low;        /* ... until it is down to this */
	size_t
	    output_total_max; /* bytes queued to all; above: slow readers may not have more than output_low */
	micros handshake_within; /* from accept() to the end of TLS's handshake */
	micros hello_within;     /* from there to greeted() */
	micros frame_within;     /* from a frame's first byte to its last */
	micros idle_after;       /* without a frame from the client */
	micros write_within;     /* for what is queued to leave; also for a close to be finished */
};
extern const struct net_settings net_settings_default;

/* Why a connection ended, or was not taken on. */
enum net_end {
	NET_END_PEER,           /* the client closed */
	NET_END_PATH,           /* net_port.close() */
	NET_END_BROKEN,         /* the socket failed */
	NET_END_TLS,            /* the handshake or a record was refused */
	NET_END_FRAME,          /* a length out of range */
	NET_END_HANDSHAKE_LATE, /* deadlines ... */
	NET_END_HELLO_LATE,
	NET_END_FRAME_LATE,
	NET_END_IDLE,
	NET_END_SLOW_READER, /* output_max or write_within */
	NET_END_FULL,        /* refused: connections_max */
	NET_END_ADDRESS,     /* refused: per_address_max */
	NET_END_MEMORY,
	NET_END_RELOAD,   /* the certificate changed before its hello */
	NET_END_SHUTDOWN, /* net_drain() */
	NET_ENDS,
};

/* Since the start, but those marked "now". Read it on the loop's thread at any time. */
struct net_counters {
	uint64_t accepted;
	uint64_t ended[NET_ENDS]; /* by reason, refused ones too */
	uint64_t open;            /* now, those in handshake too */
	uint64_t handshakes;      /* now */
	uint64_t greeted;
	uint64_t bytes_in, bytes_out; /* of frames, before TLS */
	uint64_t frames_in, sends;
	uint64_t output_queued;   /* now, bytes of all connections */
	uint64_t accept_paused;   /* times the accept gate was shut: handshakes_max or no descriptors */
	uint64_t no_descriptors;  /* times accept() found none left */
	uint64_t read_gate_shut;  /* times gate(false) shut it */
	uint64_t write_gate_shut; /* times a connection was not read because it did not read */
};
/* "slow_reader": for metrics and log lines. */
const char *net_end_name(enum net_end end);

/* `tls`, `log` (may be NULL) and the sink's self are borrowed until net_free(). NULL: no memory. */
struct net *net_new(struct loop *loop, struct tls *tls, const struct net_settings *settings,
		    const struct net_sink *sink, const struct log *log) MUST_CHECK;
/* Closes what is still open at once and calls no sink. NULL is allowed. */
void net_free(struct net *net);

/*
 * Listens on a numeric address and port ("0": any free one); may be called several times. False: ret_error
 * says why. *ret_port is the port in use.
 */
bool net_listen(struct net *net, const char *address, const char *port, uint16_t *ret_port,
		char ret_error[TLS_ERROR_SIZE]) MUST_CHECK;

/*
 * The port for the path; lives as long as net. Its functions may be called in sink functions. After
 * close(), or any other end, no frame of the connection is handed on; closed() follows exactly once for
 * every opened(), later, never inside a call of the port.
 */
const struct net_port *net_port(struct net *net);
const struct net_counters *net_counters(const struct net *net);

/* tls_renew(), then the port's binding changes and connections that have not said hello are closed. */
void net_renew(struct net *net, struct tls *fresh);

/* Stops accepting for good; connections go on. */
void net_stop_accepting(struct net *net);
/*
 * Stops accepting and reading, sends what is queued, closes all, cuts off what is left `within` later, then
 * calls done(arg) once on the loop. Answers must have been queued before.
 */
void net_drain(struct net *net, micros within, void (*done)(void *arg), void *arg);

#endif
