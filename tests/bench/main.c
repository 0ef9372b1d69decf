/* Owns the course of the benchmark and its report: JSON on the standard output, progress on the other. */
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "rounds.h"

enum { HALF_ROUNDS = 3 };

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

/* ---- the course ---- */

struct report {
	struct figures full, half, late;
	struct comparison log, witness, reading, reading_half;
	struct reads reads;
	struct audited audited;
	double idle_bytes, idle_seconds;
	double peak, peak_late;
	double start_seconds; /* of a server that finds the log full */
	struct stored before, after, late_stored;
	double filled; /* events a second while filling; 0: it was full enough */
};

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

static void warm_up(struct bench *b)
{
	struct figures warm;

	bench_start(b);
	play(b, b->o.events / 4, 0, &warm, NULL);
}

static double half_of(const struct bench *b, const struct report *r)
{
	return b->o.rate > 0 ? b->o.rate : r->full.events / 2;
}

static void measure_load(struct bench *b, struct report *r)
{
	r->before = target_stored(b->o.database);
	r->full = play_rounds(b, b->o.rounds, b->o.events, 0);
	r->after = target_stored(b->o.database);
	/* Linux would write back what full load left in the middle of it, all at once, 30 s after. */
	sync();
	say("half load");
	r->half =
	    play_rounds(b, b->o.rounds < HALF_ROUNDS ? b->o.rounds : HALF_ROUNDS, b->o.events, half_of(b, r));
	r->peak = memory_of(b->server, "VmHWM");
}

/* Where both cores are full each read is paid for with events; where they are not, reading must not be felt.
 */
static void measure_readers(struct bench *b, struct report *r)
{
	struct reads reads;

	compare_readers(b, 0, &r->reading, &r->reads);
	sync();
	compare_readers(b, half_of(b, r), &r->reading_half, &reads);
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
	bench_stop(b);
	begin = seconds_now();
	bench_start(b);
	r->start_seconds = seconds_now() - begin;
	struct figures warm;
	play(b, b->o.events / 4, 0, &warm, NULL);
	r->late = play_rounds(b, b->o.rounds, b->o.events, 0);
	r->peak_late = memory_of(b->server, "VmHWM");
	r->late_stored = target_stored(b->o.database);
}

static void measure_audit(struct bench *b, struct report *r)
{
	/* A log that lies there, not one whose tables PostgreSQL is still tidying up. */
	target_settle(b->o.database);
	say("an audit of the log");
	audit(b, &r->audited);
	say("%.0f entries and %.0f signatures in %.1f s", r->audited.entries, r->audited.signatures,
	    r->audited.seconds);
}

/* ---- the report ---- */

static void print_figures(const char *name, const struct figures *f)
{
	(void)printf("  \"%s\": {\n    \"rounds\": %zu,\n    \"events_per_second\": %.0f,\n    "
		     "\"signatures_per_second\": %.0f,\n    \"ratio_round_by_round\": %.3f,\n",
		     name, f->rounds, f->events, signatures(f), f->ratio);
	(void)printf(
	    "    \"latency_ms\": {\"p50\": %.2f, \"p99\": %.2f, \"worst\": %.2f, \"p99_of_rounds\": [",
	    f->p50 * 1e3, f->p99 * 1e3, f->worst * 1e3);
	for (size_t i = 0; i < f->rounds; i++)
		(void)printf("%s%.2f", i == 0 ? "" : ", ", f->p99_of_rounds[i] * 1e3);
	(void)puts("]},");
	(void)printf("    \"cpu_us_per_event\": {\"server\": %.1f, \"postgresql\": %.1f, \"generator\": "
		     "%.1f},\n",
		     f->server * 1e6, f->postgres * 1e6, f->generator * 1e6);
	(void)printf("    \"events_per_batch\": %.1f,\n    \"receipts_verified\": %zu,\n    "
		     "\"cores_used_by_others\": %.2f\n  },\n",
		     f->batch, f->verified, f->others * (double)cores());
}

static void print_late(const struct bench *b, const struct report *r)
{
	char filling[32] = "null"; /* what was not done took no time */

	if (b->o.fill == 0)
		return;
	if (r->filled > 0)
		(void)snprintf(filling, sizeof(filling), "%.0f", r->filled);
	print_figures("full_load_filled", &r->late);
	(void)printf(
	    "  \"filled\": {\"entries\": %.0f, \"events_per_second_while_filling\": %s, "
	    "\"server_start_seconds\": %.2f,\n    \"throughput_to_empty\": %.3f, \"ratio_to_empty\": %.3f, "
	    "\"server_peak_bytes\": %.0f, \"database_bytes\": %.0f},\n",
	    r->late_stored.entries, filling, r->start_seconds, r->late.events / r->full.events,
	    r->late.ratio / r->full.ratio, r->peak_late, r->late_stored.bytes);
}

static void print_comparisons(const struct bench *b, const struct report *r)
{
	const struct comparison *c = &r->log;

	if (b->o.without.manifestd != NULL)
		(void)printf("  \"log_cost\": {\"rounds\": %zu, \"events_per_second\": %.0f, "
			     "\"events_per_second_without\": %.0f,\n    \"share_of_throughput\": %.3f, "
			     "\"share_target\": %.2f, \"server_cpu_us_per_event\": %.1f, "
			     "\"server_cpu_us_per_event_without\": %.1f,\n    "
			     "\"postgresql_cpu_us_per_event\": %.1f, "
			     "\"postgresql_cpu_us_per_event_without\": %.1f},\n",
			     c->plain.rounds, c->plain.events, c->other.events, 1 - 1 / c->ratio,
			     LOG_SHARE_TARGET, c->plain.server * 1e6, c->other.server * 1e6,
			     c->plain.postgres * 1e6, c->other.postgres * 1e6);
	c = &r->witness;
	if (b->o.witness > 0)
		(void)printf("  \"witness\": {\"rounds\": %zu, \"events_per_second\": %.0f, "
			     "\"events_per_second_without\": %.0f, \"throughput_to_without\": %.3f,\n    "
			     "\"latency_ms\": {\"p50\": %.2f, \"p99\": %.2f}, "
			     "\"latency_ms_without\": {\"p50\": %.2f, \"p99\": %.2f},\n    "
			     "\"events_per_batch\": %.1f, \"events_per_batch_without\": %.1f},\n",
			     c->other.rounds, c->other.events, c->plain.events, c->ratio, c->other.p50 * 1e3,
			     c->other.p99 * 1e3, c->plain.p50 * 1e3, c->plain.p99 * 1e3, c->other.batch,
			     c->plain.batch);
	c = &r->reading;
	if (b->o.readers > 0)
		(void)printf(
		    "  \"readers\": {\"connections\": %zu, \"tiles_per_second\": %.0f, "
		    "\"checkpoints_per_second\": %.0f, \"proofs_per_second\": %.0f,\n    "
		    "\"events_per_second\": %.0f, \"events_per_second_without\": %.0f, "
		    "\"throughput_to_without\": %.3f,\n    \"latency_p99_ms\": %.2f, "
		    "\"latency_p99_ms_without\": %.2f,\n    "
		    "\"server_cpu_us_per_event\": %.1f, \"server_cpu_us_per_event_without\": %.1f,\n    "
		    "\"load_and_readers_cpu_us_per_event\": %.1f, \"load_cpu_us_per_event\": %.1f,\n",
		    b->o.readers, r->reads.tiles, r->reads.checkpoints, r->reads.proofs, c->other.events,
		    c->plain.events, c->ratio, c->other.p99 * 1e3, c->plain.p99 * 1e3, c->other.server * 1e6,
		    c->plain.server * 1e6, c->other.generator * 1e6, c->plain.generator * 1e6);
	c = &r->reading_half;
	if (b->o.readers > 0)
		(void)printf(
		    "    \"at_half_load\": {\"events_per_second\": %.0f, \"events_per_second_without\": "
		    "%.0f, "
		    "\"throughput_to_without\": %.3f,\n      \"latency_ms\": {\"p50\": %.2f, \"p99\": %.2f}, "
		    "\"latency_ms_without\": {\"p50\": %.2f, \"p99\": %.2f}}},\n",
		    c->other.events, c->plain.events, c->ratio, c->other.p50 * 1e3, c->other.p99 * 1e3,
		    c->plain.p50 * 1e3, c->plain.p99 * 1e3);
}

static void print_audit(const struct bench *b, const struct report *r)
{
	const struct audited *a = &r->audited;

	if (b->o.manifest != NULL)
		(void)printf(
		    "  \"audit\": {\"entries\": %.0f, \"seconds\": %.2f, \"entries_per_second\": %.0f, "
		    "\"signatures_per_second\": %.0f,\n    \"ratio\": %.3f, \"ratio_target\": %.2f},\n",
		    a->entries, a->seconds, a->entries / a->seconds, a->signatures / a->seconds,
		    a->signatures / a->seconds / a->ceiling, AUDIT_RATIO_TARGET);
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
	print_comparisons(b, r);
	print_audit(b, r);
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
    {"manifestd", required_argument, NULL, 'm'},
    {"config", required_argument, NULL, 'c'},
    {"port", required_argument, NULL, 'p'},
    {"trusted", required_argument, NULL, 't'},
    {"vkey", required_argument, NULL, 'v'},
    {"registrar", required_argument, NULL, 'r'},
    {"database", required_argument, NULL, 'd'},
    {"postgres", required_argument, NULL, 'g'},
    {"devices", required_argument, NULL, 'n'},
    {"window", required_argument, NULL, 'w'},
    {"interleave", required_argument, NULL, 'i'},
    {"rounds", required_argument, NULL, 'o'},
    {"events", required_argument, NULL, 'e'},
    {"fill", required_argument, NULL, 'f'},
    {"idle", required_argument, NULL, 'l'},
    {"ceiling", required_argument, NULL, 'y'},
    {"rate", required_argument, NULL, 'a'},
    {"readers", required_argument, NULL, 's'},
    {"manifest", required_argument, NULL, 'F'},
    {"reader-database", required_argument, NULL, 'R'},
    {"reads", required_argument, NULL, 'q'},
    {"http", required_argument, NULL, 'h'},
    {"without-log", required_argument, NULL, 'M'},
    {"without-config", required_argument, NULL, 'C'},
    {"without-port", required_argument, NULL, 'P'},
    {"without-database", required_argument, NULL, 'D'},
    {"witness", required_argument, NULL, 'W'},
    {"witnessed-config", required_argument, NULL, 'X'},
    {"witnessed-port", required_argument, NULL, 'Y'},
    {"witnessed-database", required_argument, NULL, 'Z'},
    {0},
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
	case 's': o->readers = number(value); break;
	case 'q': o->reads = (double)number(value); break;
	case 'h': o->http = (uint16_t)number(value); break;
	case 'F': o->manifest = value; break;
	case 'R': o->reader = value; break;
	case 'M': o->without.manifestd = value; break;
	case 'C': o->without.config = value; break;
	case 'P': o->without.port = value; break;
	case 'D': o->without.database = value; break;
	case 'W': o->witness = number(value); break;
	case 'X': o->witnessed.config = value; break;
	case 'Y': o->witnessed.port = value; break;
	case 'Z': o->witnessed.database = value; break;
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
			      .readers = 200,
			      .reads = 100,
			      .witness = 1,
			      .ceiling = 1};
	for (int c; (c = getopt_long(argc, argv, "", long_options, NULL)) != -1;)
		take_option(o, c, optarg);
	if (o->manifestd == NULL || o->config == NULL || o->port == NULL || o->trusted == NULL ||
	    o->vkey == NULL || o->registrar == NULL || o->database == NULL || o->postgres == 0 ||
	    (o->readers > 0 && o->http == 0) || (o->manifest == NULL) != (o->reader == NULL) ||
	    (o->without.manifestd != NULL &&
	     (o->without.config == NULL || o->without.port == NULL || o->without.database == NULL)) ||
	    (o->witness > 0 &&
	     (o->witnessed.config == NULL || o->witnessed.port == NULL || o->witnessed.database == NULL)))
		fail("what to measure is missing; tests/bench/run says it");
	if (o->devices < 1 || o->devices > 4096 || o->window < 1 || o->interleave < 1 || o->rounds < 1 ||
	    o->rounds > ROUNDS_MAX || o->events < 1 || o->readers > READERS_MAX || o->reads < 1)
		fail("at least 1 of each, at most 4096 devices, %d rounds and %d readers", ROUNDS_MAX,
		     READERS_MAX);
}

int main(int argc, char **argv)
{
	struct bench b = {.server = 0};
	struct report r = {.filled = 0};

	read_options(&b.o, argc, argv);
	memory_keep_freed();
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
	warm_up(&b);
	measure_load(&b, &r);
	if (b.o.without.manifestd != NULL)
		compare_without_log(&b, &r.log);
	if (b.o.witness > 0)
		compare_witnessed(&b, &r.witness);
	if (b.o.readers > 0)
		measure_readers(&b, &r);
	measure_filled(&b, &r);
	if (b.o.manifest != NULL)
		measure_audit(&b, &r);
	bench_stop(&b);
	if (r.full.others > 0.05 || r.half.others > 0.05 || r.late.others > 0.05)
		say("others used these cores meanwhile: the figures are worth little");
	print_report(&b, &r);
	return 0;
}
