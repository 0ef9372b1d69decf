/*
 * What the server accepts as its certificate and key, and what it says about others; the event loop's
 * timers, tasks and signals; and the absolute timeouts.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/loop.h"
#include "net/timeout.h"
#include "net/tls.h"
#include "net_support.h"

static char dir[64], cert[128], key[128], error[TLS_ERROR_SIZE];

static void begin(void)
{
	snprintf(dir, sizeof(dir), "%s", make_directory());
	snprintf(cert, sizeof(cert), "%s/cert.pem", dir);
	snprintf(key, sizeof(key), "%s/key.pem", dir);
}

static void end(void)
{
	unlink(cert);
	unlink(key);
	rmdir(dir);
}

Test(net_tls, certificates, .init = begin, .fini = end)
{
	static const struct {
		enum certificate_kind kind;
		const char *says; /* NULL: is accepted */
	} cases[] = {
	    {CERT_P256_SHA256, NULL},    {CERT_P256_SHA384, "must be with ecdsa-with-SHA256"},
	    {CERT_P384_SHA256, "P-256"}, {CERT_RSA, "P-256"},
	    {CERT_ED25519, "P-256"},     {CERT_EXPIRED, "expired"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct digest expected;

		cr_assert(make_certificate(dir, cases[i].kind, &expected));
		struct tls *tls = tls_new(cert, key, error);
		cr_assert_eq(tls != NULL, cases[i].says == NULL, "case %zu", i);
		if (tls != NULL) {
			struct digest binding = tls_binding(tls);
			micros left = tls_expires(tls) - loop_clock();

			cr_assert(digest_eq(&binding, &expected));
			cr_assert(left > 86300 * INT64_C(1000000) && left <= 86400 * INT64_C(1000000));
		} else {
			cr_assert(strstr(error, cases[i].says) != NULL, "%s", error);
			cr_assert(strstr(error, cert) == error, "%s", error);
		}
		tls_free(tls);
	}
}

static bool loads(void)
{
	struct tls *tls = tls_new(cert, key, error);
	bool good = tls != NULL;

	tls_free(tls);
	return good;
}

static void write_file(const char *path, const char *text, mode_t mode)
{
	FILE *to = fopen(path, "w");

	cr_assert_not_null(to);
	fputs(text, to);
	fclose(to);
	chmod(path, mode);
}

/* A P-256 key under a passphrase. */
static const char locked_key[] = "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
				 "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgZU3uBF4vA9AICCAAw\n"
				 "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEAQIEEIq3b29PiUh4lbyksbkJQ9MEgZDS\n"
				 "I/3lKXdpohxbz9Ky08NYMzN2wG0z8IMRnsfhmvmZjfwuc8V/aWngtZzc0xX3IMQD\n"
				 "4pRQSGiZ93pH+BlE5pYhtS1sOd+gF5zXOe9ZEHqoHxHXEWruI2FrfpMbcqrKwgsz\n"
				 "EVo8oRbUbfnhhekWUQxzt1OivXL6+oXvXT71LVew1fsc3ejTFtouXtYkHk1LUbs=\n"
				 "-----END ENCRYPTED PRIVATE KEY-----\n";

Test(net_tls, key_files, .init = begin, .fini = end)
{
	struct digest d;
	char other[160];

	cr_assert(make_certificate(dir, CERT_P256_SHA256, &d));
	chmod(key, 0400);
	cr_assert(loads(), "%s", error);
	static const mode_t open_to[] = {0604, 0602, 0601, 0644, 0660, 0620};
	for (size_t i = 0; i < ARRAY_LEN(open_to); i++) {
		chmod(key, open_to[i]);
		cr_assert_not(loads(), "mode %o", (unsigned)open_to[i]);
		cr_assert(strstr(error, "chmod 600") != NULL, "%s", error);
	}
	unlink(key);
	cr_assert_not(loads());
	cr_assert(strstr(error, "No such file") != NULL, "%s", error);
	write_file(key, "not a key\n", 0600);
	cr_assert_not(loads());
	cr_assert(strstr(error, "PEM") != NULL, "%s", error);
	write_file(key, locked_key, 0600);
	cr_assert_not(loads(), "nobody is asked for a passphrase");
	unlink(key);
	cr_assert_eq(mkfifo(key, 0600), 0);
	cr_assert_not(loads(), "a FIFO must not make it wait");

	/* Another certificate's key. */
	cr_assert(make_certificate(dir, CERT_P256_SHA256, &d));
	snprintf(other, sizeof(other), "%s/other.pem", dir);
	cr_assert_eq(rename(key, other), 0);
	cr_assert(make_certificate(dir, CERT_P256_SHA256, &d));
	cr_assert_eq(rename(other, key), 0);
	cr_assert_not(loads());
	cr_assert(strstr(error, "belong") != NULL, "%s", error);
	write_file(cert, "", 0644);
	cr_assert_not(loads());
	cr_assert(strstr(error, "PEM") != NULL, "%s", error);
}

/* ---------------------------------------------------------------- the loop */

struct counted {
	struct loop *loop;
	struct loop_timer *timer;
	struct loop_task *task;
	unsigned n, stop_at;
	int signal;
};

static void count(void *arg)
{
	struct counted *c = arg;

	if (++c->n == c->stop_at)
		loop_stop(c->loop);
}

static void count_signal(void *arg, int signo)
{
	struct counted *c = arg;

	c->signal = signo;
	loop_stop(c->loop);
}

Test(net_loop, timers)
{
	struct counted c = {.loop = loop_new(), .stop_at = 5};
	micros began = loop_monotonic();

	c.timer = loop_timer_new(c.loop, count, &c);
	loop_timer_every(c.timer, 10000);
	cr_assert(loop_run(c.loop));
	micros took = loop_monotonic() - began;
	cr_assert_eq(c.n, 5);
	cr_assert(took >= 50000 && took < 500000, "%d us", (int)took);
	loop_timer_once(c.timer, 1000);
	c.stop_at = 6;
	cr_assert(loop_run(c.loop));
	loop_timer_once(c.timer, 1000);
	loop_timer_stop(c.timer);
	usleep(5000);
	cr_assert(loop_turn(c.loop, false));
	cr_assert_eq(c.n, 6);
	loop_timer_free(c.timer);
	loop_free(c.loop);
}

Test(net_loop, a_task_runs_once_for_many_asks)
{
	struct counted c = {.loop = loop_new()};

	c.task = loop_task_new(c.loop, count, &c);
	for (int i = 0; i < 10; i++)
		loop_task_ask(c.task);
	cr_assert_eq(c.n, 0);
	cr_assert(loop_turn(c.loop, false));
	cr_assert_eq(c.n, 1);
	cr_assert(loop_turn(c.loop, false));
	cr_assert_eq(c.n, 1);
	loop_task_free(c.task);
	loop_free(c.loop);
}

Test(net_loop, signals_and_stopping)
{
	struct counted c = {.loop = loop_new()};

	cr_assert(loop_on_signal(c.loop, SIGHUP, count_signal, &c));
	cr_assert(loop_on_signal(c.loop, SIGTERM, count_signal, &c));
	raise(SIGTERM);
	cr_assert(loop_run(c.loop));
	cr_assert_eq(c.signal, SIGTERM);
	raise(SIGHUP);
	cr_assert(loop_run(c.loop));
	cr_assert_eq(c.signal, SIGHUP);
	loop_stop(c.loop);
	cr_assert(loop_run(c.loop), "one asked for before is kept");
	loop_free(c.loop);
}

/* ---------------------------------------------------------------- timeouts */

Test(net_timeout, the_gate_stops_the_clock_of_reading)
{
	const micros within[TIMEOUT_KINDS] = {
	    [TIMEOUT_HELLO] = 1000000, [TIMEOUT_FRAME] = 20000,   [TIMEOUT_IDLE] = 1000000,
	    [TIMEOUT_WRITE] = 60000,   [TIMEOUT_CLOSE] = 1000000, [TIMEOUT_LINGER] = 1000000,
	};
	struct timeouts all;
	struct timeout frame = {0}, frame2 = {0}, out = {0};

	timeouts_init(&all, within);
	timeout_start(&all, &frame, TIMEOUT_FRAME);
	timeout_start(&all, &out, TIMEOUT_WRITE);
	timeouts_gate(&all, false);
	usleep(30000);
	cr_assert_null(timeout_late(&all));
	timeout_start(&all, &frame2, TIMEOUT_FRAME);
	usleep(40000);
	cr_assert_eq(timeout_late(&all), &out, "writing goes on while the gate is shut");
	timeout_stop(&all, &out);
	timeouts_gate(&all, true);
	cr_assert_null(timeout_late(&all));
	usleep(25000);
	cr_assert_eq(timeout_late(&all), &frame);
	timeout_start(&all, &frame, TIMEOUT_IDLE);
	cr_assert_eq(timeout_late(&all), &frame2);
	timeout_stop(&all, &frame2);
	timeout_stop(&all, &frame2);
	cr_assert_null(timeout_late(&all));
}
