/*
 * Owns comparisons. The two kinds of rounds take turns in one run, since what a machine can do changes from
 * minute to minute, and the order changes too; what is told is a ratio of medians.
 */
#include "rounds.h"

/* Everybody is registered by the true server: its receipts are checked. */
static struct bench other_bench(const struct bench *b, const struct other_server *other)
{
	struct bench w = {.o = b->o};

	w.o.config = other->config;
	w.o.port = other->port;
	w.o.database = other->database;
	w.server = target_start(&w.o);
	w.cast = cast_new(&w.o);
	target_stop(w.server);
	return w;
}

static struct comparison comparison(const struct figures *plain, const struct figures *other, size_t n)
{
	double ratios[ROUNDS_MAX];

	for (size_t i = 0; i < n; i++)
		ratios[i] = other[i].events / plain[i].events;
	return (struct comparison){middle_of(plain, n), middle_of(other, n), median(ratios, n)};
}

static void take_turns(struct bench *b, struct bench *w, struct comparison *ret_comparison)
{
	struct figures plain[ROUNDS_MAX], other[ROUNDS_MAX], warm;

	w->load = load_new(w->cast, &w->o);
	bench_start(w);
	play(w, w->o.events / 4, 0, &warm, NULL);
	for (size_t i = 0; i < b->o.rounds; i++) {
		if (i % 2 == 0)
			play(b, b->o.events, 0, &plain[i], NULL);
		play(w, b->o.events, 0, &other[i], NULL);
		if (i % 2 == 1)
			play(b, b->o.events, 0, &plain[i], NULL);
	}
	bench_stop(w);
	*ret_comparison = comparison(plain, other, b->o.rounds);
}

void compare_without_log(struct bench *b, struct comparison *ret_comparison)
{
	struct bench w = other_bench(b, &b->o.without);

	w.o.manifestd = b->o.without.manifestd;
	w.o.without_proof = true;
	say("with and without tree, proofs and checkpoints");
	take_turns(b, &w, ret_comparison);
}

void compare_witnessed(struct bench *b, struct comparison *ret_comparison)
{
	struct bench w = other_bench(b, &b->o.witnessed);

	say("without and with a witness that every answer waits for");
	take_turns(b, &w, ret_comparison);
}

static void play_read(struct bench *b, double rate, struct figures *ret_round, struct reads *sum,
		      double *seconds)
{
	struct reads reads;
	struct readers *r = readers_start(b, (uint64_t)target_stored(b->o.database).entries);
	double begin = seconds_now();

	play(b, b->o.events, rate, ret_round, NULL);
	*seconds += seconds_now() - begin;
	readers_stop(r, &reads);
	sum->tiles += reads.tiles;
	sum->checkpoints += reads.checkpoints;
	sum->proofs += reads.proofs;
}

void compare_readers(struct bench *b, double rate, struct comparison *ret_comparison, struct reads *ret_reads)
{
	struct figures alone[ROUNDS_MAX], read[ROUNDS_MAX];
	struct reads sum = {0};
	double seconds = 0;

	say("with and without %zu readers, at %s load", b->o.readers, rate > 0 ? "half" : "full");
	for (size_t i = 0; i < b->o.rounds; i++) {
		if (i % 2 == 0)
			play(b, b->o.events, rate, &alone[i], NULL);
		play_read(b, rate, &read[i], &sum, &seconds);
		if (i % 2 == 1)
			play(b, b->o.events, rate, &alone[i], NULL);
	}
	*ret_comparison = comparison(alone, read, b->o.rounds);
	*ret_reads = (struct reads){sum.tiles / seconds, sum.checkpoints / seconds, sum.proofs / seconds};
}
