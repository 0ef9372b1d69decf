/*
 * city: plays the last 24 hours of Shenyang against a server, as the devices of its generators, vehicles and
 * plants, and sums up what came of it. It speaks the protocol and nothing else; the server knows no demo.
 */
#include <argp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "city/fleet.h"
#include "city/report.h"
#include "city/stories.h"
#include "core/flags.h"
#include "core/words.h"
#include "crypto/key_text.h"
#include "libmanifest/file.h"

enum { STATUS_DONE = 0, STATUS_WRONG = 1, STATUS_USAGE = 2, STATUS_UNAVAILABLE = 3 };
enum { OPTION_JSON = 256, OPTION_SCHEMA, OPTION_WINDOW };

struct options {
	char host[256];
	const char *port;
	const char *trusted;
	const char *log;
	const char *registrar;
	const char *keys;
	const char *schema;
	unsigned manifests;
	uint64_t seed;
	size_t connections;
	size_t window;
	bool json;
};

static const struct argp_option option_rows[] = {
    {"server", 's', "HOST:PORT", 0, "The server (127.0.0.1:7310)", 0},
    {"trusted", 't', "FILE", 0, "PEM certificate to trust", 0},
    {"log", 'l', "FILE", 0, "The log's verification key", 0},
    {"registrar", 'r', "FILE", 0, "The first registrar's secret key", 0},
    {"keys", 'k', "FOLDER", 0, "Write the keys of a few devices there, to try things out with", 0},
    {"manifests", 'n', "N", 0, "Transfers of the day (2500)", 0},
    {"seed", 'S', "N", 0, "Another day for another seed (2101)", 0},
    {"connections", 'c', "N", 0, "Connections open at once (320)", 0},
    {"window", OPTION_WINDOW, "N", 0, "Events under way at once (256)", 0},
    {"schema", OPTION_SCHEMA, "FOLDER", 0, "Where the reference data is (schema)", 0},
    {"json", OPTION_JSON, NULL, 0, "Print the summary as JSON", 0},
    {0},
};

static error_t number_of(const char *text, uint64_t least, uint64_t most, struct argp_state *state,
			 uint64_t *ret)
{
	char *end = NULL;
	unsigned long long n = strtoull(text, &end, 10);

	if (*text == '\0' || *text == '-' || *end != '\0' || n < least || n > most)
		argp_error(state, "%s is not a number from %llu to %llu", text, (unsigned long long)least,
			   (unsigned long long)most);
	*ret = n;
	return 0;
}

static error_t parse_server(struct options *o, const char *text, struct argp_state *state)
{
	const char *colon = strrchr(text, ':');

	if (colon == NULL || colon == text || (size_t)(colon - text) >= sizeof(o->host))
		argp_error(state, "--server takes HOST:PORT");
	else
		(void)snprintf(o->host, sizeof(o->host), "%.*s", (int)(colon - text), text);
	o->port = colon == NULL ? "" : colon + 1;
	return 0;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;
	uint64_t n = 0;

	switch (key) {
	case 's': return parse_server(o, arg, state);
	case 't': o->trusted = arg; return 0;
	case 'l': o->log = arg; return 0;
	case 'r': o->registrar = arg; return 0;
	case 'k': o->keys = arg; return 0;
	case OPTION_SCHEMA: o->schema = arg; return 0;
	case OPTION_JSON: o->json = true; return 0;
	case 'n':
		(void)number_of(arg, 1, 50000, state, &n);
		o->manifests = (unsigned)n;
		return 0;
	case 'S': return number_of(arg, 0, UINT64_MAX, state, &o->seed);
	case 'c':
		(void)number_of(arg, 1, 10000, state, &n);
		o->connections = n;
		return 0;
	case OPTION_WINDOW:
		(void)number_of(arg, 1, 8000, state, &n);
		o->window = n;
		return 0;
	case ARGP_KEY_END:
		if (o->trusted == NULL || o->log == NULL || o->registrar == NULL)
			argp_error(state, "--trusted, --log and --registrar are needed");
		return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp parser = {
    .options = option_rows,
    .parser = parse_option,
    .doc =
	"Plays the last 24 hours of Shenyang against a manifestd.\v"
	"Exit status: 0 the day went as it should, 1 something came out otherwise, 2 usage, 3 unavailable.",
};

/* ---- pieces ---- */

struct play {
	struct options options;
	struct city *city;
	struct mft_view *view;
	struct fleet *fleet;
	struct tally registry;
	struct tally day;
	struct report report;
	micros told; /* the time of day told last */
	struct mft_failure failure;
};

static void say(const char *format, ...) PRINTF_LIKE(1, 2);
static void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vfprintf(stderr, format, args);
	va_end(args);
	(void)fputc('\n', stderr);
}

static bool read_file(const char *path, struct buffer *to, struct mft_failure *ret_failure)
{
	return mft_file_read(path, 64 * 1024, to, ret_failure);
}

static bool set_out(struct play *p)
{
	struct buffer vkey = BUFFER_EMPTY, key = BUFFER_EMPTY;
	struct secret_key registrar;
	struct timespec t;
	char error[256];
	bool good = read_file(p->options.log, &vkey, &p->failure) &&
		    read_file(p->options.registrar, &key, &p->failure);

	if (good && !secret_key_parse(buffer_span(&key), &registrar)) {
		mft_fail(&p->failure, MFT_FAULT_LOCAL, "key", "not a secret key", "不是私钥文件",
			 p->options.registrar);
		good = false;
	}
	if (good) {
		p->view = mft_view_new(buffer_span(&vkey), &p->failure);
		good = p->view != NULL;
	}
	(void)clock_gettime(CLOCK_REALTIME, &t);
	micros now = (micros)t.tv_sec * MICROS_PER_SECOND + t.tv_nsec / 1000;
	if (good && !city_new(p->options.seed, now, p->options.schema, &registrar, &p->city, error)) {
		mft_fail(&p->failure, MFT_FAULT_LOCAL, "schema", "reference data", "基础数据", error);
		good = false;
	}
	buffer_free(&vkey);
	if (key.n > 0)
		explicit_bzero(key.p, key.n);
	buffer_free(&key);
	return good;
}

static void progress(void *self, micros at, const struct tally *t, size_t connections)
{
	struct play *p = self;
	const micros step = 2 * HOUR;
	char when[32];

	/* What is older than the day itself is brought in the blink before it. */
	if (at < p->city->now - DAY || at / step == p->told / step)
		return;
	if (p->told != 0)
		say("  %s   %6llu accepted   %4llu refused   %4zu devices connected",
		    clock_text(at / step * step, when), (unsigned long long)t->accepted_n,
		    (unsigned long long)t->refused_n, connections);
	p->told = at;
}

static bool play_registry(struct play *p)
{
	city_register(p->city);
	say("registering %d generators, %d transporters with %zu vehicles, %d plants: %zu events ...",
	    GENERATORS, TRANSPORTERS, p->city->vehicles_n, PLANTS, p->city->registry.n);
	if (!fleet_run(p->fleet, &p->city->registry, &p->registry, &p->failure))
		return false;
	/* Every device takes the log's checkpoint home with its key. */
	const struct checkpoint_ref seen = mft_view_seen(p->view);
	for (size_t i = 0; i < p->city->registry.n; i++) {
		struct step *s = p->city->registry.items[i];
		for (size_t k = 0; k < s->signers_n; k++)
			s->signers[k]->seen = seen;
	}
	say("  %llu accepted in %.1f s", (unsigned long long)p->registry.accepted_n,
	    (double)(p->registry.ended - p->registry.began) / MICROS_PER_SECOND);
	return true;
}

static bool play_day(struct play *p)
{
	char from[32], to[32];

	city_live(p->city, p->options.manifests);
	say("playing %s to %s: %zu transfers in %zu steps ...", clock_text(p->city->now - DAY, from),
	    clock_text(p->city->now, to), p->city->loads_n, p->city->steps.n);
	if (!fleet_run(p->fleet, &p->city->steps, &p->day, &p->failure))
		return false;
	say("  the day is over: %llu accepted, %llu refused, in %.1f s",
	    (unsigned long long)p->day.accepted_n, (unsigned long long)p->day.refused_n,
	    (double)(p->day.ended - p->day.began) / MICROS_PER_SECOND);
	return true;
}

/* ---- afterwards ---- */

static uint32_t raised_for(const struct seen_flags *flags, uint64_t number)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < flags->n; i++)
		if (flags->items[i].number == number)
			bits |= UINT32_C(1) << flags->items[i].kind;
	return bits;
}

/* Flags that stories promise and nobody has raised yet. */
static size_t missing(const struct play *p, bool tell)
{
	size_t n = 0;

	for (size_t i = 0; i < p->city->loads_n; i++) {
		const struct load *l = p->city->loads[i];
		uint32_t bits =
		    l->story->flags == 0 ? 0 : l->story->flags & ~raised_for(&p->report.flags, l->number);
		n += (size_t)__builtin_popcount(bits);
		for (unsigned kind = 1; tell && kind < FLAG_KINDS; kind++)
			if ((bits & UINT32_C(1) << kind) != 0)
				say("city: %014llu (%s) was not flagged: %s", (unsigned long long)l->number,
				    l->story->en, word_of(flag_words, (int)kind)->en);
	}
	return n;
}

/* The sweep works by the clock: its flags come within moments. */
static bool wait_for_flags(struct play *p, struct mft_client *client)
{
	for (int i = 0; i < 60; i++) {
		if (!ask_flags(client, p->city->arena, &p->report.flags))
			return false;
		p->report.flags_missing = missing(p, false);
		if (p->report.flags_missing == 0)
			return true;
		(void)usleep(500000);
	}
	(void)missing(p, true);
	return true;
}

static bool ask_all(struct play *p)
{
	struct mft_client_config config = {
	    .host = p->options.host,
	    .port = p->options.port,
	    .trusted = p->options.trusted,
	    .view = p->view,
	    .secret = &p->city->registrar.secret,
	    .role = ROLE_REGISTRAR,
	    .agent = "city 0.1.0",
	};
	struct mft_client *client = mft_client_open(&config, &p->failure);
	struct report *r = &p->report;

	if (client == NULL)
		return false;
	say("waiting for the sweep to flag what is stuck ...");
	bool good = wait_for_flags(p, client) && ask_manifests(client, p->city->arena, &r->manifests) &&
		    ask_trail(client, p->city->arena, p->city->hero->number, &r->trail);
	if (!good)
		p->failure = *mft_client_failure(client);
	mft_client_close(client);
	return good;
}

/* Keys to try things out with: whoever took part in the trail that is told. */
static bool write_keys(struct play *p)
{
	const struct load *hero = p->city->hero;
	const struct {
		const char *name;
		const struct terminal *device;
	} keys[] = {
	    {"generator", &hero->generator->devices[0]},
	    {"vehicle", hero->vehicle->device},
	    {"facility", &hero->facility->devices[0]},
	    {"inspector", &p->city->offices[DISTRICTS].devices[0]},
	    {"district-inspector", &p->city->offices[4].devices[0]},
	};
	char path[1024], text[KEY_TEXT_SIZE];

	if (p->options.keys == NULL)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s.key", p->options.keys, keys[i].name);
		secret_key_text(&keys[i].device->secret, text);
		if (!mft_file_replace(path, span_str(text), 0600, &p->failure))
			return false;
	}
	(void)snprintf(path, sizeof(path), "%s/number", p->options.keys);
	(void)snprintf(text, sizeof(text), "%014llu\n", (unsigned long long)hero->number);
	return mft_file_replace(path, span_str(text), 0644, &p->failure);
}

static int tell(struct play *p)
{
	struct report *r = &p->report;
	bool good = true;

	r->city = p->city;
	r->registry = &p->registry;
	r->day = &p->day;
	r->connections = fleet_connections(p->fleet);
	r->surprises = fleet_surprises(p->fleet);
	r->log_size = mft_view_size(p->view);
	r->colour = isatty(STDOUT_FILENO) != 0 && getenv("NO_COLOR") == NULL;
	if (p->options.json)
		good = report_json(r);
	else
		report_print(r);
	return good && r->surprises == 0 && r->flags_missing == 0 ? STATUS_DONE : STATUS_WRONG;
}

static int run(struct play *p)
{
	struct fleet_config config = {.host = p->options.host,
				      .port = p->options.port,
				      .trusted = p->options.trusted,
				      .connections = p->options.connections,
				      .window = p->options.window,
				      .progress = progress,
				      .self = p};

	if (!set_out(p) || p->city == NULL)
		return STATUS_UNAVAILABLE;
	config.view = p->view;
	p->fleet = fleet_new(p->city, &config, &p->registry, &p->failure);
	if (p->fleet == NULL || !play_registry(p) || !play_day(p) || !write_keys(p) || !ask_all(p))
		return STATUS_UNAVAILABLE;
	return tell(p);
}

int main(int argc, char **argv)
{
	static struct play p = {.options = {.host = "127.0.0.1",
					    .port = "7310",
					    .schema = "schema",
					    .manifests = 2500,
					    .seed = 2101,
					    .connections = 320,
					    .window = 256}};

	argp_err_exit_status = STATUS_USAGE;
	if (argp_parse(&parser, argc, argv, 0, NULL, &p.options) != 0)
		return STATUS_USAGE;
	if (!crypto_start()) {
		say("city: no source of randomness");
		return STATUS_UNAVAILABLE;
	}
	int status = run(&p);
	if (status == STATUS_UNAVAILABLE)
		say("city: %s\ncity: %s", p.failure.zh, p.failure.en);
	fleet_free(p.fleet);
	tally_free(&p.registry);
	tally_free(&p.day);
	mft_view_free(p.view);
	city_free(p.city);
	return status;
}
