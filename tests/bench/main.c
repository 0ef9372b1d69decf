/* Owns the course of the benchmark and its report: JSON on the standard output, progress on the other. */
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"

enum { ROUNDS_MAX = 32, CEILINGS_MAX = 4 * ROUNDS_MAX + 4 };

void fail(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)fputs("bench: ", stderr);
	(void)vfprintf(stderr, fmt, args);
	(void)fputc('\n', stderr);
	va_end(args);
	exit(1);
}

void say(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)fputs("bench: ", stderr);
	(void)vfprintf(stderr, fmt, args);
	(void)fputc('\n', stderr);
	va_end(args);
}

/* ---- measuring ---- */

enum { HALF_ROUNDS = 3 };

struct bench {
	struct options o;
	struct cast *cast;
	struct load *load;
	pid_t server;
	double ceilings[CEILINGS_MAX];
	size_t ceilings_n;
};

/* What some rounds of the same kind came to: medians, but for the latencies, which are of all events. */
struct figures {
	size_t rounds;
	double events; /* a second */
	double ratio;  /* signatures to what could be verified just before and after */
	double batch;
	double p50, p99, worst;             /* seconds */
	double server, postgres, generator; /* CPU seconds of an event */
	double others; /* share of the cores that none of the three used: the measurement was disturbed */
	size_t verified;
};

static double signatures(const struct figures *f)
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

static double look_at_ceiling(struct bench *b)
{
	double rate = verify_rate(b->o.ceiling);
	if (b->ceilings_n < CEILINGS_MAX)
		b->ceilings[b->ceilings_n++] = rate;
	say("verify ceiling: %.0f signatures/s on %zu cores", rate, cores());
	return rate;
}

static double ceiling(const struct bench *b)
{
	double sorted[CEILINGS_MAX];

	memcpy(sorted, b->ceilings, sizeof(sorted));
	return median(sorted, b->ceilings_n);
}

/* One round; latencies are added to `all`. */
static void play(struct bench *b, size_t events, double rate, struct figures *ret_round, struct buffer *all)
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

static struct figures play_rounds(struct bench *b, size_t n, size_t events, double rate)
{
	struct figures rounds[ROUNDS_MAX] = {{0}};
	struct buffer all = BUFFER_EMPTY;
	size_t verified = 0;
	double before = look_at_ceiling(b);

	for (size_t i = 0; i < n; i++) {
		play(b, events, rate, &rounds[i], &all);
		verified += rounds[i].verified;
		double after = look_at_ceiling(b);
		rounds[i].ratio = signatures(&rounds[i]) / ((before + after) / 2);
		before = after;
	}
	if (!buffer_ok(&all))
		fail("no memory");
	double *latencies = (double *)(void *)all.p;
	size_t latencies_n = all.n / sizeof(*latencies);
	const struct figures f = {
	    .rounds = n,
	    .events = MIDDLE(rounds, n, events),
	    .ratio = MIDDLE(rounds, n, ratio),
	    .batch = MIDDLE(rounds, n, batch),
	    .p50 = median(latencies, latencies_n), /* which sorts them */
	    .p99 = latencies[latencies_n * 99 / 100],
	    .worst = latencies[latencies_n - 1],
	    .server = MIDDLE(rounds, n, server),
	    .postgres = MIDDLE(rounds, n, postgres),
	    .generator = MIDDLE(rounds, n, generator),
	    .others = MIDDLE(rounds, n, others),
	    .verified = verified,
	};
	buffer_free(&all);
	return f;
}

/* ---- the course ---- */

struct report {
	struct figures full, half, late;
	double idle_bytes, idle_seconds;
	double peak, peak_late;
	double start_seconds; /* of a server that finds the log full */
	struct stored before, after, late_stored;
	double filled; /* events a second while filling */
};

static void start(struct bench *b)
{
	b->server = target_start(&b->o);
	load_connect(b->load);
}

static void stop(struct bench *b)
{
	load_disconnect(b->load);
	target_stop(b->server);
}

static void measure_idle(struct bench *b, struct report *r)
{
	if (b->o.idle == 0)
		return;
	b->server = target_start(&b->o);
	r->idle_bytes = load_idle(b->cast, &b->o, b->server, &r->idle_seconds);
	target_stop(b->server);
	say("%zu idle connections: %.0f bytes each, opened in %.1f s", b->o.idle, r->idle_bytes,
	    r->idle_seconds);
}

static void measure_load(struct bench *b, struct report *r)
{
	struct figures warm;

	start(b);
	play(b, b->o.events / 4, 0, &warm, NULL);
	r->before = target_stored(b->o.database);
	r->full = play_rounds(b, b->o.rounds, b->o.events, 0);
	r->after = target_stored(b->o.database);
	say("half load");
	r->half = play_rounds(b, b->o.rounds < HALF_ROUNDS ? b->o.rounds : HALF_ROUNDS, b->o.events,
			      b->o.rate > 0 ? b->o.rate : r->full.events / 2);
	r->peak = memory_of(b->server, "VmHWM");
}

static void measure_filled(struct bench *b, struct report *r)
{
	enum { AT_ONCE = 100000 };
	double begin = seconds_now(), signing = 0, filled = 0;

	if (b->o.fill == 0)
		return;
	for (double left; (left = (double)b->o.fill - target_stored(b->o.database).entries) > 0;) {
		struct figures f;
		size_t n = left < AT_ONCE ? (size_t)left + 1 : AT_ONCE;
		double at = seconds_now();

		play(b, n, 0, &f, NULL);
		filled += (double)n;
		signing += seconds_now() - at - (double)n / f.events;
	}
	if (filled > 0)
		r->filled = filled / (seconds_now() - begin - signing);
	stop(b);
	begin = seconds_now();
	start(b);
	r->start_seconds = seconds_now() - begin;
	struct figures warm;
	play(b, b->o.events / 4, 0, &warm, NULL);
	r->late = play_rounds(b, b->o.rounds, b->o.events, 0);
	r->peak_late = memory_of(b->server, "VmHWM");
	r->late_stored = target_stored(b->o.database);
}

/* ---- the report ---- */

static void print_figures(const char *name, const struct figures *f)
{
	(void)printf("  \"%s\": {\n    \"rounds\": %zu,\n    \"events_per_second\": %.0f,\n    "
		     "\"signatures_per_second\": %.0f,\n    \"ratio_round_by_round\": %.3f,\n",
		     name, f->rounds, f->events, signatures(f), f->ratio);
	(void)printf("    \"latency_ms\": {\"p50\": %.2f, \"p99\": %.2f, \"worst\": %.2f},\n", f->p50 * 1e3,
		     f->p99 * 1e3, f->worst * 1e3);
	(void)printf("    \"cpu_us_per_event\": {\"server\": %.1f, \"postgresql\": %.1f, \"generator\": "
		     "%.1f},\n",
		     f->server * 1e6, f->postgres * 1e6, f->generator * 1e6);
	(void)printf("    \"events_per_batch\": %.1f,\n    \"receipts_verified\": %zu,\n    "
		     "\"cores_used_by_others\": %.2f\n  },\n",
		     f->batch, f->verified, f->others * (double)cores());
}

static void print_late(const struct bench *b, const struct report *r)
{
	if (b->o.fill == 0)
		return;
	print_figures("full_load_filled", &r->late);
	(void)printf(
	    "  \"filled\": {\"entries\": %.0f, \"events_per_second_while_filling\": %.0f, "
	    "\"server_start_seconds\": %.2f,\n    \"throughput_to_empty\": %.3f, \"ratio_to_empty\": %.3f, "
	    "\"server_peak_bytes\": %.0f, \"database_bytes\": %.0f},\n",
	    r->late_stored.entries, r->filled, r->start_seconds, r->late.events / r->full.events,
	    r->late.ratio / r->full.ratio, r->peak_late, r->late_stored.bytes);
}

static void print_report(const struct bench *b, const struct report *r)
{
	char model[128];
	double most = ceiling(b);
	double stored = r->after.entries - r->before.entries;

	machine_model(model, sizeof(model));
	(void)printf("{\n  \"machine\": {\"cores\": %zu, \"cpu\": \"%s\"},\n", cores(), model);
	(void)printf("  \"setting\": {\"devices\": %zu, \"window\": %zu, \"manifests_of_a_device\": %zu, "
		     "\"events_of_a_round\": %zu},\n",
		     b->o.devices, b->o.window, b->o.interleave, b->o.events);
	(void)printf("  \"events_per_second\": %.0f,\n  \"signatures_per_second\": %.0f,\n  "
		     "\"verify_ceiling\": %.0f,\n  \"ratio\": %.3f,\n",
		     r->full.events, signatures(&r->full), most, signatures(&r->full) / most);
	print_figures("full_load", &r->full);
	print_figures("half_load", &r->half);
	print_late(b, r);
	if (b->o.idle > 0)
		(void)printf("  \"idle\": {\"connections\": %zu, \"bytes_per_connection\": %.0f, "
			     "\"opened_per_second\": %.0f},\n",
			     b->o.idle, r->idle_bytes, (double)b->o.idle / r->idle_seconds);
	(void)printf("  \"database_bytes_per_event\": %.0f,\n  \"wal_bytes_per_event\": %.0f,\n  "
		     "\"server_peak_bytes\": %.0f\n}\n",
		     (r->after.bytes - r->before.bytes) / stored, (r->after.wal - r->before.wal) / stored,
		     r->peak);
}

/* ---- command line ---- */

static const struct option long_options[] = {
    {"manifestd", required_argument, NULL, 'm'},  {"config", required_argument, NULL, 'c'},
    {"port", required_argument, NULL, 'p'},       {"trusted", required_argument, NULL, 't'},
    {"vkey", required_argument, NULL, 'v'},       {"registrar", required_argument, NULL, 'r'},
    {"database", required_argument, NULL, 'd'},   {"postgres", required_argument, NULL, 'g'},
    {"devices", required_argument, NULL, 'n'},    {"window", required_argument, NULL, 'w'},
    {"interleave", required_argument, NULL, 'i'}, {"rounds", required_argument, NULL, 'o'},
    {"events", required_argument, NULL, 'e'},     {"fill", required_argument, NULL, 'f'},
    {"idle", required_argument, NULL, 'l'},       {"ceiling", required_argument, NULL, 'y'},
    {"rate", required_argument, NULL, 'a'},       {0},
};

static size_t number(const char *text)
{
	char *end = NULL;
	unsigned long long v = strtoull(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || v > 100000000)
		fail("'%s' is not a number that can be used here", text);
	return (size_t)v;
}

static void take_option(struct options *o, int option, const char *value)
{
	switch (option) {
	case 'm': o->manifestd = value; break;
	case 'c': o->config = value; break;
	case 'p': o->port = value; break;
	case 't': o->trusted = value; break;
	case 'v': o->vkey = value; break;
	case 'r': o->registrar = value; break;
	case 'd': o->database = value; break;
	case 'g': o->postgres = (pid_t)number(value); break;
	case 'n': o->devices = number(value); break;
	case 'w': o->window = number(value); break;
	case 'i': o->interleave = number(value); break;
	case 'o': o->rounds = number(value); break;
	case 'e': o->events = number(value); break;
	case 'f': o->fill = number(value); break;
	case 'l': o->idle = number(value); break;
	case 'a': o->rate = (double)number(value); break;
	case 'y': o->ceiling = (double)number(value) / 1000; break;
	default: fail("usage: tests/bench/run BUILD-FOLDER [--quick] [OPTION]...");
	}
}

static void read_options(struct options *o, int argc, char **argv)
{
	*o = (struct options){.devices = 64,
			      .window = 16,
			      .interleave = 16,
			      .rounds = 5,
			      .events = 50000,
			      .fill = 1000000,
			      .idle = 10000,
			      .ceiling = 1};
	for (int c; (c = getopt_long(argc, argv, "", long_options, NULL)) != -1;)
		take_option(o, c, optarg);
	if (o->manifestd == NULL || o->config == NULL || o->port == NULL || o->trusted == NULL ||
	    o->vkey == NULL || o->registrar == NULL || o->database == NULL || o->postgres == 0)
		fail("what to measure is missing; tests/bench/run says it");
	if (o->devices < 1 || o->devices > 4096 || o->window < 1 || o->interleave < 1 || o->rounds < 1 ||
	    o->rounds > ROUNDS_MAX || o->events < 1)
		fail("at least 1 of each, at most 4096 devices and %d rounds", ROUNDS_MAX);
}

int main(int argc, char **argv)
{
	struct bench b = {.server = 0};
	struct report r = {.filled = 0};

	read_options(&b.o, argc, argv);
	(void)signal(SIGPIPE, SIG_IGN);
	if (!crypto_start())
		fail("no randomness");
	b.server = target_start(&b.o);
	b.cast = cast_new(&b.o);
	say("%zu devices are registered; the log has %llu entries", b.o.devices,
	    (unsigned long long)b.cast->seen.size);
	b.load = load_new(b.cast, &b.o);
	target_stop(b.server);
	measure_idle(&b, &r);
	measure_load(&b, &r);
	measure_filled(&b, &r);
	stop(&b);
	if (r.full.others > 0.05 || r.half.others > 0.05 || r.late.others > 0.05)
		say("others used these cores meanwhile: the figures are worth little");
	print_report(&b, &r);
	return 0;
}
