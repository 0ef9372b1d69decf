/*
 * Owns comparisons. The two kinds of rounds take turns in one run, since what a machine can do changes from
 * minute to minute, and the order changes too; what is told is a ratio of medians.
 */
#include "rounds.h"

static struct bench without_log(const struct bench *b)
{
	struct bench w = {.o = b->o};

	w.o.config = b->o.without.config;
	w.o.port = b->o.without.port;
	w.o.database = b->o.without.database;
	/* Everybody is registered by the true server: its receipts are checked. */
	w.server = target_start(&w.o);
	w.cast = cast_new(&w.o);
	target_stop(w.server);
	w.o.manifestd = b->o.without.manifestd;
	w.o.without_proof = true;
	return w;
}

void compare_without_log(struct bench *b, struct comparison *ret_comparison)
{
	struct figures with[ROUNDS_MAX], without[ROUNDS_MAX], warm;
	struct bench w = without_log(b);

	w.load = load_new(w.cast, &w.o);
	bench_start(&w);
	say("with and without tree, proofs and checkpoints");
	play(&w, w.o.events / 4, 0, &warm, NULL);
	for (size_t i = 0; i < b->o.rounds; i++) {
		if (i % 2 == 0)
			play(b, b->o.events, 0, &with[i], NULL);
		play(&w, b->o.events, 0, &without[i], NULL);
		if (i % 2 == 1)
			play(b, b->o.events, 0, &with[i], NULL);
	}
	bench_stop(&w);
	*ret_comparison = (struct comparison){middle_of(with, b->o.rounds), middle_of(without, b->o.rounds)};
}

static void play_read(struct bench *b, struct figures *ret_round, struct reads *sum, double *seconds)
{
	struct reads reads;
	struct readers *r = readers_start(b, (uint64_t)target_stored(b->o.database).entries);
	double begin = seconds_now();

	play(b, b->o.events, 0, ret_round, NULL);
	*seconds += seconds_now() - begin;
	readers_stop(r, &reads);
	sum->tiles += reads.tiles;
	sum->checkpoints += reads.checkpoints;
	sum->proofs += reads.proofs;
}

void compare_readers(struct bench *b, struct comparison *ret_comparison, struct reads *ret_reads)
{
	struct figures alone[ROUNDS_MAX], read[ROUNDS_MAX];
	struct reads sum = {0};
	double seconds = 0;

	say("with and without %zu readers", b->o.readers);
	for (size_t i = 0; i < b->o.rounds; i++) {
		if (i % 2 == 0)
			play(b, b->o.events, 0, &alone[i], NULL);
		play_read(b, &read[i], &sum, &seconds);
		if (i % 2 == 1)
			play(b, b->o.events, 0, &alone[i], NULL);
	}
	*ret_comparison = (struct comparison){middle_of(alone, b->o.rounds), middle_of(read, b->o.rounds)};
	*ret_reads = (struct reads){sum.tiles / seconds, sum.checkpoints / seconds, sum.proofs / seconds};
}
