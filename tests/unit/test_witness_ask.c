/* Asking a witness: a request is over when its time is, also when the name of its host is being looked up. */
#include <criterion/criterion.h>

#include <dlfcn.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "witness/witness.h"

/* A resolver that does not answer for a long while: in the place of the C library's, also for libcurl. */
#define SILENT "silent.example"

static atomic_uint asked, answered;

typedef int (*getaddrinfo_fn)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

int getaddrinfo(const char *restrict name, const char *restrict service, const struct addrinfo *restrict req,
		struct addrinfo **restrict pai)
{
	if (name != NULL && strcmp(name, SILENT) == 0) {
		atomic_fetch_add(&asked, 1);
		nanosleep(&(struct timespec){.tv_sec = 8}, NULL);
		atomic_fetch_add(&answered, 1);
		return EAI_AGAIN;
	}
	getaddrinfo_fn real = NULL;
	*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	return real(name, service, req, pai);
}

static double seconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double ask(void *thread, const char *url, micros within, char error[WITNESS_ERROR_SIZE])
{
	struct buffer answer = BUFFER_EMPTY;
	double begun = seconds();

	cr_assert_eq(witness_port().ask(thread, url, span_str("x"), within, &answer, error), 0);
	buffer_free(&answer);
	return seconds() - begun;
}

Test(witness_ask, a_resolver_that_does_not_answer_holds_nobody, .timeout = 60)
{
	void *thread = witness_begin(NULL);
	char error[WITNESS_ERROR_SIZE] = "";

	cr_assert_not_null(thread);
	cr_assert_lt(ask(thread, "http://" SILENT "/add-checkpoint", 300000, error), 4.0);
	cr_assert_gt(atomic_load(&asked), 0u);
	cr_assert_not_null(strstr(error, "imed out"), "%s", error);
	/* and the thread is as good as it was */
	cr_assert_lt(ask(thread, "http://127.0.0.1:1/", 2000000, error), 4.0);
	cr_assert_null(strstr(error, "imed out"), "%s", error);
	double begun = seconds();
	witness_end(NULL, thread);
	cr_assert_lt(seconds() - begun, 4.0);
	cr_assert_eq(atomic_load(&answered), 0u);
}

Test(witness_ask, the_end_of_the_server_does_not_wait_for_a_resolver, .timeout = 60)
{
	void *thread = witness_begin(NULL);
	char error[WITNESS_ERROR_SIZE] = "";

	cr_assert_not_null(thread);
	witness_stop();
	cr_assert_lt(ask(thread, "http://" SILENT "/add-checkpoint", 60 * MICROS_PER_SECOND, error), 4.0);
	witness_end(NULL, thread);
	cr_assert_eq(atomic_load(&answered), 0u);
}
