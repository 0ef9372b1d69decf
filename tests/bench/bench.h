/*
 * The parts of the load generator. It is a program for one purpose: what goes wrong ends it with a message.
 *
 *	cast.c      who takes part: parties and keys, registered through the protocol
 *	tape.c      events signed beforehand, framed, in the order in which a device sends them
 *	link.c      one device's connection: TLS 1.3, hello
 *	load.c      all devices on one thread, as fast as receipts come or at a given pace
 *	machine.c   CPU time, memory, what the machine can verify
 *	audit.c     an audit of the log that was made, by the client program
 *	target.c    the server under test, started and stopped; what its database holds
 *	readers.c   devices and programs that only read, at a pace of theirs
 *	rounds.c    one round at full load or at a given pace, and medians of several
 *	compare.c   rounds with and without something, in turns
 *	without_log.c
 *	            what the server without the log has in the log's place; not part of this program
 *	main.c      which measurements, and the report
 */
#ifndef BENCH_H
#define BENCH_H

#include <openssl/ssl.h>
#include <sys/types.h>

#include "core/event.h"
#include "libmanifest/view.h"

/* Ends the program, and the server with it. */
void fail(const char *fmt, ...) PRINTF_LIKE(1, 2) __attribute__((noreturn));
/* A line of progress for people. */
void say(const char *fmt, ...) PRINTF_LIKE(1, 2);

struct options {
	const char *manifestd;
	const char *config;
	const char *port;
	const char *trusted;
	const char *vkey;      /* file */
	const char *registrar; /* file */
	const char *database;  /* libpq */
	pid_t postgres;
	size_t devices;
	size_t window;     /* events of a device under way at most */
	size_t interleave; /* manifests that a device has under way */
	size_t rounds;
	size_t events;                 /* of a round */
	uint64_t fill;                 /* entries to measure again with; 0: not */
	size_t idle;                   /* connections to hold; 0: not measured */
	double rate;                   /* of half load, events a second; 0: half of what was measured */
	double ceiling;                /* seconds of each look at what the machine can verify */
	size_t readers;                /* connections that read while it is measured again; 0: not measured */
	double reads;                  /* a second, by all of them */
	uint16_t http;                 /* port */
	const char *manifest, *reader; /* the client, and the database for who only reads; NULL: no audit */
	struct other_server {
		const char *manifestd, *config, *port, *database;
	} without,          /* the server without the log, and what is its own; NULL: not measured */
	    witnessed;      /* the true one, with a configuration by which answers wait for a witness */
	size_t witness;     /* 0: not measured */
	bool without_proof; /* of a server whose receipts prove nothing */
};

/* ---------------------------------------------------------------- cast.c */

enum { SIDES = 3, EVENTS_OF_LIFE = 5, SIGNATURES_OF_LIFE = 7 };

/* One device, and the three sides of the manifests that it carries, each with a key of its own. */
struct device {
	struct party_ref parties[SIDES]; /* generator, transporter, facility */
	struct secret_key keys[SIDES];
	struct digest keyids[SIDES];
	uint64_t numbers[SIDES]; /* running numbers used */
	char plate[32];
	char permit[16];
	uint64_t first_manifest; /* number */
	uint64_t next_manifest;
	uint64_t last_manifest;
};

struct cast {
	struct device *devices;
	size_t devices_n;
	struct mft_view *view;
	struct buffer origin;
	struct checkpoint_ref seen; /* of an early checkpoint: what every event states */
};

/* Makes everybody and registers them with the running server. */
struct cast *cast_new(const struct options *o) MUST_CHECK;

/* ---------------------------------------------------------------- tape.c */

/* A device's events as frames, one after the other: what is sent is sent from here. The i-th has id i + 1. */
struct tape {
	struct buffer bytes;
	size_t *ends; /* of each frame, in `bytes` */
	size_t n;
};

/* Signs at least `events` of them on all cores, whole lives only; one tape for each device. */
struct tape *tapes_new(struct cast *cast, size_t events, size_t interleave) MUST_CHECK;
void tapes_free(struct tape *tapes, size_t n);
/* The envelope in the i-th frame. */
struct span tape_envelope(const struct tape *t, size_t i);

/* ---------------------------------------------------------------- link.c */

struct link {
	int fd;
	SSL *ssl;
	struct buffer in;
};

SSL_CTX *link_context(const char *trusted) MUST_CHECK;
/* Connects, says hello as the transporter of the device, and waits for the welcome. False: not ready.
 */
bool link_open(struct link *l, SSL_CTX *context, const char *port, const struct device *d) MUST_CHECK;
void link_close(struct link *l);
/* Bytes into `in`, or out of `from`; 0: none now. */
size_t link_read(struct link *l);
size_t link_write(struct link *l, struct span from);

/* ---------------------------------------------------------------- load.c */

struct counts {
	size_t events;
	size_t batches;  /* checkpoints under which receipts were given */
	size_t verified; /* receipts checked down to the root and the log's signature */
	double seconds;
	double *latencies; /* of each event, seconds, ascending; free() it */
};

/* Keeps what was counted between two loads: which checkpoints have been met. */
struct load;

struct load *load_new(struct cast *cast, const struct options *o) MUST_CHECK;
void load_connect(struct load *l);
void load_disconnect(struct load *l);
/* Plays the tapes. Rate: events a second on all connections together; 0: as fast as receipts come. */
void load_run(struct load *l, struct tape *tapes, double rate, struct counts *ret_counts);
/* Resident memory of the server for each of n idle connections, bytes. */
double load_idle(const struct cast *cast, const struct options *o, pid_t server, double *ret_seconds);

/* ---------------------------------------------------------------- machine.c */

double seconds_now(void);
micros clock_now(void);
size_t cores(void);
void machine_model(char *ret_name, size_t size);
/* CPU seconds. */
double cpu_of(pid_t pid);
double cpu_of_family(pid_t parent); /* with its children, also those that ended */
double cpu_of_self(void);
double cpu_of_machine(void); /* of everybody on it, also what its host took away */
/* Bytes. `field` is a line of /proc/PID/status: "VmRSS", "VmHWM". */
double memory_of(pid_t pid, const char *field);
/* Signatures a second that one thread on each core verifies, all at once. */
double verify_rate(double seconds);
double median(double *values, size_t n);

/* ---------------------------------------------------------------- target.c */

pid_t target_start(const struct options *o);
void target_stop(pid_t server);

struct stored {
	double entries;
	double bytes; /* of all tables and indexes */
	double wal;   /* bytes written ahead since the cluster was made */
};
struct stored target_stored(const char *database);
/* What the load has left to do for PostgreSQL and the kernel is done now. */
void target_settle(const char *database);

#endif
