/*
 * manifestd run: joins the loop, the lanes, the network, the store and the path, and lives until a signal.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "main.h"
#include "net/lanes.h"
#include "net/listener.h"
#include "store/store.h"
#include "web/web.h"
#include "witness/witness.h"

/* More witnesses than these wait for each other; who is down is asked ever more rarely. */
enum { WITNESS_THREADS = 16 };
static const micros tick_period = 20 * 1000;
static const micros watchdog_period = 2 * MICROS_PER_SECOND;

struct run {
	const struct invocation *invocation;
	struct conf conf;
	struct log log;
	struct loop *loop;
	struct loop_timer *tick;
	struct lane *verify, *writer, *reader;
	struct lane *witness; /* NULL: there have been none yet */
	struct tls *tls;
	struct net *net;
	struct path *path;
	struct web *web;
	bool ready, stopping, draining;
	micros drain_by;
	micros watchdog_at;
	int status;
};

static void *begin_conn(const struct conf *conf, enum store_kind kind)
{
	const struct store_options options = {
	    .conninfo = kind == STORE_WRITER ? conf->database : conf->database_reader,
	    .high_water = conf->high_water,
	};

	return store_conn_new(kind, &options);
}

static void *begin_writer(void *arg)
{
	return begin_conn(arg, STORE_WRITER);
}

/*
 * Linux gives each thread a priority of its own. Events go before everything: verification, which takes most
 * of the processors' time, stands behind whoever has little to do each time (else an event waits at each of
 * its stations for a time slice of a verifier), and questions stand behind verification.
 */
static void stand_behind(int nice)
{
	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), nice);
}

static void *begin_verifier(void *arg)
{
	(void)arg;
	stand_behind(5);
	return NULL;
}

static void *begin_reader(void *arg)
{
	stand_behind(10);
	return begin_conn(arg, STORE_READER);
}

static void end_conn(void *arg, void *thread)
{
	(void)arg;
	store_conn_free(thread);
}

static void drained(void *self)
{
	struct run *run = self;

	loop_stop(run->loop);
}

/* First what was taken is answered, then the answers leave. */
static void drain(struct run *run)
{
	bool late = loop_monotonic() >= run->drain_by;

	if (run->draining || (!path_drained(run->path) && !late))
		return;
	if (late)
		log_line(&run->log, LOG_WARNING, "server.drain",
			 LOG_TEXT("detail", "out of time; the rest is cut off"));
	run->draining = true;
	net_drain(run->net, run->conf.drain_within, drained, run);
}

static void tick(void *self)
{
	struct run *run = self;

	path_tick(run->path);
	enum path_state state = path_status(run->path).state;
	if (!run->ready && state != PATH_RECOVERING && state != PATH_STOPPED) {
		run->ready = true;
		(void)sd_notify(0, "READY=1");
	}
	if (state == PATH_STOPPED && !run->stopping) {
		run->status = EXIT_REFUSED;
		loop_stop(run->loop);
	}
	if (loop_monotonic() >= run->watchdog_at) {
		run->watchdog_at = loop_monotonic() + watchdog_period;
		(void)sd_notify(0, "WATCHDOG=1");
	}
	if (run->stopping)
		drain(run);
}

static void on_stop(void *self, int number)
{
	struct run *run = self;

	/* A second signal leaves at once: nothing that was acknowledged can be lost. */
	if (run->stopping)
		_exit(EXIT_DONE);
	log_line(&run->log, LOG_INFO, "server.stopping", LOG_INT("signal", number));
	(void)sd_notify(0, "STOPPING=1");
	run->stopping = true;
	run->drain_by = loop_monotonic() + run->conf.drain_within;
	net_stop_accepting(run->net);
}

/* The first time there are witnesses, their lane is made. */
static bool use_witnesses(struct run *run, struct path_witnesses *w)
{
	const struct lane_threads each = {.begin = witness_begin, .end = witness_end};

	if (w->policy.n > 0 && run->witness == NULL)
		run->witness = lane_new(run->loop, "witness", WITNESS_THREADS, &each);
	if (w->policy.n > 0 && run->witness == NULL)
		return false;
	if (run->witness != NULL)
		w->lane = lane_port(run->witness);
	w->port = witness_port();
	return path_set_witnesses(run->path, w);
}

/* Nothing of this can fail. */
static void take(struct run *run, const struct conf *conf, struct tls *fresh)
{
	const struct path_tuning tuning = path_tuning_of(conf);

	net_renew(run->net, fresh);
	run->log.least = (enum log_level)conf->log_level;
	run->conf.drain_within = conf->drain_within;
	path_reconfigure(run->path, &tuning);
	log_line(&run->log, LOG_INFO, "server.reload", LOG_TEXT("detail", "done"));
}

/*
 * All or nothing: everything is read and checked before anything is taken over. The witnesses are the first,
 * since their threads may not be had, and the last that can fail.
 */
static void on_reload(void *self, int number)
{
	struct run *run = self;
	struct conf conf;
	struct path_witnesses witnesses;
	struct buffer policy = BUFFER_EMPTY;
	struct tls *fresh = NULL;
	char error[CONF_ERROR_SIZE] = "no memory or threads";
	_Static_assert((int)TLS_ERROR_SIZE <= (int)CONF_ERROR_SIZE, "tls_new() writes there too");

	(void)number;
	(void)sd_notify(0, "RELOADING=1");
	if (!conf_read(run->invocation, &conf, error) || !witnesses_read(&conf, &policy, &witnesses, error))
		goto refuse;
	fresh = tls_new(conf.certificate, conf.certificate_key, error);
	if (fresh == NULL || !use_witnesses(run, &witnesses))
		goto refuse;
	take(run, &conf, fresh);
	goto out;
refuse:
	log_line(&run->log, LOG_ERROR, "server.reload", LOG_TEXT("refused", error));
	tls_free(fresh);
out:
	buffer_free(&policy);
	(void)sd_notify(0, "READY=1");
}

/* As many as are set, or one for each processor. */
static unsigned verifiers(const struct conf *conf)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	return conf->verifiers > 0 ? (unsigned)conf->verifiers : processors < 1 ? 1 : (unsigned)processors;
}

static bool start_lanes(struct run *run)
{
	const struct lane_threads verify = {.begin = begin_verifier};
	const struct lane_threads writer = {.arg = &run->conf, .begin = begin_writer, .end = end_conn};
	const struct lane_threads reader = {.arg = &run->conf, .begin = begin_reader, .end = end_conn};

	run->verify = lane_new(run->loop, "verify", verifiers(&run->conf), &verify);
	run->writer = lane_new(run->loop, "writer", 1, &writer);
	run->reader = lane_new(run->loop, "reader", (unsigned)run->conf.readers, &reader);
	return run->verify != NULL && run->writer != NULL && run->reader != NULL;
}

static bool start_path(struct run *run, const struct path_config *config)
{
	const struct path_ports ports = {
	    .store = store_port(),
	    .verify = lane_port(run->verify),
	    .writer = lane_port(run->writer),
	    .reader = lane_port(run->reader),
	    .self = &run->log,
	    .now = port_now,
	    .random = port_random,
	    .notice = port_notice,
	};

	run->path = path_new(config, &ports);
	return run->path != NULL;
}

static bool start_witnesses(struct run *run)
{
	struct path_witnesses witnesses;
	struct buffer policy = BUFFER_EMPTY;
	char error[CONF_ERROR_SIZE];

	bool good = witnesses_read(&run->conf, &policy, &witnesses, error);
	if (!good)
		(void)fprintf(stderr, "manifestd: %s\n", error);
	good = good && use_witnesses(run, &witnesses);
	buffer_free(&policy);
	return good;
}

static bool start_net(struct run *run)
{
	const struct conf *conf = &run->conf;
	struct net_settings settings = net_settings_default;
	char error[TLS_ERROR_SIZE];
	char port[16];
	uint16_t listening = 0;

	settings.connections_max = (unsigned)conf->connections_max;
	settings.handshakes_max = (unsigned)conf->handshakes_max;
	settings.per_address_max = (unsigned)conf->per_address_max;
	settings.handshake_within = conf->hello_within;
	settings.hello_within = conf->hello_within;
	settings.frame_within = conf->frame_within;
	settings.idle_after = conf->idle_after;
	settings.write_within = conf->write_within;
	run->tls = tls_new(conf->certificate, conf->certificate_key, error);
	if (run->tls == NULL) {
		(void)fprintf(stderr, "manifestd: %s\n", error);
		return false;
	}
	const struct net_sink sink = path_sink(run->path);
	run->net = net_new(run->loop, run->tls, &settings, &sink, &run->log);
	if (run->net == NULL)
		return false;
	path_attach(run->path, net_port(run->net));
	(void)snprintf(port, sizeof(port), "%lld", (long long)conf->listen_port);
	if (!net_listen(run->net, conf->listen_address, port, &listening, error)) {
		(void)fprintf(stderr, "manifestd: %s\n", error);
		return false;
	}
	log_line(&run->log, LOG_INFO, "server.listening", LOG_TEXT("address", conf->listen_address),
		 LOG_UINT("port", listening));
	return true;
}

static bool start_web(struct run *run)
{
	const struct web_ports ports = {
	    .path = run->path, .net = run->net, .tls = run->tls, .log = &run->log};
	char error[CONF_ERROR_SIZE];
	uint16_t listening = 0;

	if (!run->conf.http_enabled)
		return true;
	run->web = web_new(loop_base(run->loop), &ports, run->conf.http_address,
			   (uint16_t)run->conf.http_port, &listening, error);
	if (run->web == NULL) {
		(void)fprintf(stderr, "manifestd: %s\n", error);
		return false;
	}
	log_line(&run->log, LOG_INFO, "http.listening", LOG_TEXT("address", run->conf.http_address),
		 LOG_UINT("port", listening));
	return true;
}

static void stop(struct run *run)
{
	struct lane *const lanes[] = {run->verify, run->reader, run->writer, run->witness};

	web_free(run->web);
	witness_stop();
	/* What is done on one may give work to another: none goes before all are empty. */
	lanes_drain(lanes, ARRAY_LEN(lanes));
	lane_free(run->verify);
	lane_free(run->reader);
	lane_free(run->writer);
	lane_free(run->witness);
	net_free(run->net);
	path_free(run->path);
	tls_free(run->tls);
	loop_timer_free(run->tick);
	loop_free(run->loop);
}

int command_run(const struct invocation *invocation, const struct conf *conf)
{
	struct run run = {.invocation = invocation, .conf = *conf, .status = EXIT_DONE};
	struct path_config config;

	run.log = log_to_stderr(conf);
	if (!path_config_read(conf, &config))
		return EXIT_UNAVAILABLE;
	run.loop = loop_new();
	if (run.loop == NULL)
		return EXIT_UNAVAILABLE;
	bool good = start_lanes(&run) && start_path(&run, &config) && start_witnesses(&run) &&
		    start_net(&run) && start_web(&run);
	secret_key_wipe(&config.log_key);
	secret_key_wipe(&config.server_key);
	run.tick = loop_timer_new(run.loop, tick, &run);
	good = good && run.tick != NULL && loop_on_signal(run.loop, SIGTERM, on_stop, &run) &&
	       loop_on_signal(run.loop, SIGINT, on_stop, &run) &&
	       loop_on_signal(run.loop, SIGHUP, on_reload, &run);
	if (good) {
		path_start(run.path);
		loop_timer_every(run.tick, tick_period);
		good = loop_run(run.loop);
	}
	if (!good)
		run.status = EXIT_UNAVAILABLE;
	stop(&run);
	log_line(&run.log, LOG_INFO, "server.stopped", LOG_INT("status", run.status));
	return run.status;
}
