/* Owns a round: a tape played, and what it took of the clock and of each process. */
#include <stdlib.h>

#include "rounds.h"

double signatures(const struct figures *f)
{
	return f->events * SIGNATURES_OF_LIFE / EVENTS_OF_LIFE;
}

struct cpu {
	double server, postgres, generator, machine;
};

static struct cpu cpu_now(const struct bench *b)
{
	return (struct cpu){cpu_of(b->server), cpu_of_family(b->o.postgres), cpu_of_self(), cpu_of_machine()};
}

double look_at_ceiling(struct bench *b)
{
	double rate = verify_rate(b->o.ceiling);
	if (b->ceilings_n < CEILINGS_MAX)
		b->ceilings[b->ceilings_n++] = rate;
	say("verify ceiling: %.0f signatures/s on %zu cores", rate, cores());
	return rate;
}

double ceiling(const struct bench *b)
{
	double sorted[CEILINGS_MAX];

	memcpy(sorted, b->ceilings, sizeof(sorted));
	return median(sorted, b->ceilings_n);
}

void play(struct bench *b, size_t events, double rate, struct figures *ret_round, struct buffer *all)
{
	struct tape *tapes = tapes_new(b->cast, events, b->o.interleave);
	struct counts c;
	struct cpu before = cpu_now(b);

	load_run(b->load, tapes, rate, &c);
	struct cpu after = cpu_now(b);
	double n = (double)c.events;
	*ret_round = (struct figures){
	    .rounds = 1,
	    .events = n / c.seconds,
	    .batch = n / (double)(c.batches == 0 ? 1 : c.batches),
	    .p50 = c.latencies[c.events / 2],
	    .p99 = c.latencies[c.events * 99 / 100],
	    .worst = c.latencies[c.events - 1],
	    .server = (after.server - before.server) / n,
	    .postgres = (after.postgres - before.postgres) / n,
	    .generator = (after.generator - before.generator) / n,
	    .others = (after.machine - before.machine - (after.server - before.server) -
		       (after.postgres - before.postgres) - (after.generator - before.generator)) /
		      c.seconds / (double)cores(),
	    .verified = c.verified,
	};
	if (all != NULL)
		buffer_put(all, c.latencies, c.events * sizeof(*c.latencies));
	free(c.latencies);
	tapes_free(tapes, b->cast->devices_n);
	say("%zu events in %.2f s: %.0f/s, batches of %.0f, p50 %.1f ms, p99 %.1f ms, CPU us an event: "
	    "server %.1f, PostgreSQL %.1f, generator %.1f; others took %.0f %% of the cores",
	    c.events, c.seconds, ret_round->events, ret_round->batch, ret_round->p50 * 1e3,
	    ret_round->p99 * 1e3, ret_round->server * 1e6, ret_round->postgres * 1e6,
	    ret_round->generator * 1e6, ret_round->others * 100);
}

static double middle(const struct figures *rounds, size_t n, size_t offset)
{
	double values[ROUNDS_MAX];

	for (size_t i = 0; i < n; i++)
		memcpy(&values[i], (const uint8_t *)&rounds[i] + offset, sizeof(values[i]));
	return median(values, n);
}
#define MIDDLE(rounds, n, member) middle(rounds, n, offsetof(struct figures, member))

struct figures middle_of(const struct figures *rounds, size_t n)
{
	struct figures f = {
	    .rounds = n,
	    .events = MIDDLE(rounds, n, events),
	    .ratio = MIDDLE(rounds, n, ratio),
	    .batch = MIDDLE(rounds, n, batch),
	    .p50 = MIDDLE(rounds, n, p50),
	    .p99 = MIDDLE(rounds, n, p99),
	    .worst = MIDDLE(rounds, n, worst),
	    .server = MIDDLE(rounds, n, server),
	    .postgres = MIDDLE(rounds, n, postgres),
	    .generator = MIDDLE(rounds, n, generator),
	    .others = MIDDLE(rounds, n, others),
	};

	for (size_t i = 0; i < n; i++) {
		f.verified += rounds[i].verified;
		f.p99_of_rounds[i] = rounds[i].p99;
	}
	return f;
}

struct figures play_rounds(struct bench *b, size_t n, size_t events, double rate)
{
	struct figures rounds[ROUNDS_MAX] = {{0}};
	struct buffer all = BUFFER_EMPTY;
	double before = look_at_ceiling(b);

	for (size_t i = 0; i < n; i++) {
		play(b, events, rate, &rounds[i], &all);
		double after = look_at_ceiling(b);
		rounds[i].ratio = signatures(&rounds[i]) / ((before + after) / 2);
		before = after;
	}
	if (!buffer_ok(&all) || all.p == NULL)
		fail("no memory");
	double *latencies = (double *)(void *)all.p;
	size_t latencies_n = all.n / sizeof(*latencies);
	struct figures f = middle_of(rounds, n);
	f.p50 = median(latencies, latencies_n); /* which sorts them */
	f.p99 = latencies[latencies_n * 99 / 100];
	f.worst = latencies[latencies_n - 1];
	buffer_free(&all);
	return f;
}

void bench_start(struct bench *b)
{
	b->server = target_start(&b->o);
	load_connect(b->load);
}

void bench_stop(struct bench *b)
{
	load_disconnect(b->load);
	target_stop(b->server);
}
