/* Rounds of load, what they came to, and what two kinds of them say about each other. */
#ifndef ROUNDS_H
#define ROUNDS_H

#include "bench.h"

enum { ROUNDS_MAX = 32, CEILINGS_MAX = 4 * ROUNDS_MAX + 4, READERS_MAX = 1000 };

/* What tree, proofs and checkpoints may take of the throughput. */
#define LOG_SHARE_TARGET 0.10
/* What an audit's signatures are to what can be verified, at least. */
#define AUDIT_RATIO_TARGET 0.80

/* A server and those who load it. */
struct bench {
	struct options o;
	struct cast *cast;
	struct load *load;
	pid_t server;
	double ceilings[CEILINGS_MAX];
	size_t ceilings_n;
};

/* What some rounds of the same kind came to: medians, but for play_rounds()' latencies, which are of all
 * events. */
struct figures {
	size_t rounds;
	double events; /* a second */
	double ratio;  /* signatures to what could be verified just before and after */
	double batch;
	double p50, p99, worst;             /* seconds */
	double server, postgres, generator; /* CPU seconds of an event */
	double others; /* share of the cores that none of the three used: the measurement was disturbed */
	size_t verified;
	double p99_of_rounds[ROUNDS_MAX];
};

/* ---------------------------------------------------------------- rounds.c */

void bench_start(struct bench *b);
void bench_stop(struct bench *b);
/* Signatures a second. */
double signatures(const struct figures *f);
/* What the machine can verify now. */
double look_at_ceiling(struct bench *b);
/* What the machine can verify: the median of all looks. */
double ceiling(const struct bench *b);
/* One round; latencies are added to `all`, unless it is NULL. */
void play(struct bench *b, size_t events, double rate, struct figures *ret_round, struct buffer *all);
struct figures middle_of(const struct figures *rounds, size_t n);
/* n rounds, with looks at the ceiling between them. */
struct figures play_rounds(struct bench *b, size_t n, size_t events, double rate);

/* ---------------------------------------------------------------- audit.c */

struct audited {
	double entries, signatures, seconds;
	double ceiling; /* what the machine could verify in a second, before and between */
};
/* Judges the whole log again while the server runs. What does not hold ends the program. */
void audit(struct bench *b, struct audited *ret_audited);

/* ---------------------------------------------------------------- compare.c */

struct comparison {
	struct figures plain, other;
	double ratio; /* of events a second, other to plain: the median of the pairs, whose rounds are
			 neighbours */
};

/* What was read, each a second. */
struct reads {
	double tiles, checkpoints, proofs;
};

/* The server at work, and one without the log over a database of its own, in turns. */
void compare_without_log(struct bench *b, struct comparison *ret_comparison);
/* Likewise, and one whose every answer waits for the cosignature of a witness on this machine. */
void compare_witnessed(struct bench *b, struct comparison *ret_comparison);
/* The server at work by itself, and while others read, in turns: at `rate` events a second, 0 for as many as
 * it takes. */
void compare_readers(struct bench *b, double rate, struct comparison *ret_comparison,
		     struct reads *ret_reads);

/* ---------------------------------------------------------------- readers.c */

struct readers;

/*
 * Half of them fetch tiles and checkpoints over HTTP, half ask for trails and consistency proofs as devices
 * do, at the pace of options.reads in all. Returns when all are connected. `size`: entries that the log has
 * at least.
 */
struct readers *readers_start(const struct bench *b, uint64_t size) MUST_CHECK;
/* Ends them and adds up what they got, in all. */
void readers_stop(struct readers *all, struct reads *ret_reads);

#endif
