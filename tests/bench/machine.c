/* Owns the clocks and what /proc tells. */
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

double seconds_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

micros clock_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * MICROS_PER_SECOND + t.tv_nsec / 1000;
}

size_t cores(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : (size_t)n;
}

void machine_model(char *ret_name, size_t size)
{
	FILE *f = fopen("/proc/cpuinfo", "r");
	char line[256];
	char *colon = NULL;

	(void)snprintf(ret_name, size, "unknown");
	while (f != NULL && colon == NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "model name", 10) == 0)
			colon = strchr(line, ':');
	if (colon != NULL)
		(void)snprintf(ret_name, size, "%.*s", (int)strcspn(colon + 2, "\n\"\\"), colon + 2);
	if (f != NULL)
		(void)fclose(f);
}

/* ---- CPU time ---- */

struct ticks {
	unsigned long own, ended; /* of itself, and of its children that ended */
	int parent;
};

static bool ticks_of(const char *pid, struct ticks *ret_ticks)
{
	char path[64], text[1024];
	unsigned long user, system, children_user, children_system;
	int parent;

	(void)snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	FILE *f = fopen(path, "r");
	size_t n = f == NULL ? 0 : fread(text, 1, sizeof(text) - 1, f);
	if (f != NULL)
		(void)fclose(f);
	text[n] = '\0';
	const char *after = strrchr(text, ')'); /* of the command's name, which may hold anything */
	/* The kernel's own numbers: they fit. NOLINTNEXTLINE(cert-err34-c) */
	if (after == NULL || sscanf(after, ") %*c %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %lu %lu %lu %lu",
				    &parent, &user, &system, &children_user, &children_system) != 5)
		return false;
	*ret_ticks = (struct ticks){user + system, children_user + children_system, parent};
	return true;
}

static double seconds_of(unsigned long ticks)
{
	return (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

double cpu_of(pid_t pid)
{
	char name[24];
	struct ticks t = {0};

	(void)snprintf(name, sizeof(name), "%d", (int)pid);
	if (!ticks_of(name, &t))
		fail("process %d is gone", (int)pid);
	return seconds_of(t.own);
}

double cpu_of_family(pid_t parent)
{
	char name[24];
	struct ticks t = {0};
	DIR *dir = opendir("/proc");

	(void)snprintf(name, sizeof(name), "%d", (int)parent);
	if (dir == NULL || !ticks_of(name, &t))
		fail("PostgreSQL's process %d is gone", (int)parent);
	unsigned long sum = t.own + t.ended;
	for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir))
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9' && ticks_of(e->d_name, &t) &&
		    t.parent == (int)parent)
			sum += t.own;
	(void)closedir(dir);
	return seconds_of(sum);
}

double cpu_of_self(void)
{
	struct rusage u;

	(void)getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

double cpu_of_machine(void)
{
	unsigned long user, nice, system, irq, soft, steal;
	FILE *f = fopen("/proc/stat", "r");
	/* NOLINTNEXTLINE(cert-err34-c): as above. */
	bool good = f != NULL && fscanf(f, "cpu %lu %lu %lu %*u %*u %lu %lu %lu", &user, &nice, &system, &irq,
					&soft, &steal) == 6;

	if (f != NULL)
		(void)fclose(f);
	return good ? seconds_of(user + nice + system + irq + soft + steal) : 0;
}

double memory_of(pid_t pid, const char *field)
{
	char path[64], line[256];
	double kilobytes = -1;
	size_t n = strlen(field);

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	FILE *f = fopen(path, "r");
	while (f != NULL && kilobytes < 0 && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, field, n) == 0 && line[n] == ':')
			kilobytes = strtod(line + n + 1, NULL);
	if (f != NULL)
		(void)fclose(f);
	if (kilobytes < 0)
		fail("%s of process %d cannot be read", field, (int)pid);
	return kilobytes * 1024;
}

/* ---- what can be verified at most ---- */

enum { MESSAGE = 640, DIFFERENT = 64 }; /* about an event's size */

struct verifier {
	pthread_t thread;
	double seconds;
	double rate;
};

static void *verify(void *arg)
{
	struct verifier *v = arg;
	struct public_key keys[DIFFERENT];
	struct signature signatures[DIFFERENT];
	uint8_t message[MESSAGE] = {0};
	size_t n = 0;

	for (size_t i = 0; i < DIFFERENT; i++) {
		struct secret_key secret;

		key_generate(&secret, &keys[i]);
		message[0] = (uint8_t)i;
		signatures[i] = sign(&secret, span_of(message, MESSAGE));
	}
	double begin = seconds_now();
	double end = begin;
	while (end < begin + v->seconds) {
		for (size_t i = 0; i < DIFFERENT; i++, n++) {
			message[0] = (uint8_t)i;
			if (!signature_holds(&keys[i], span_of(message, MESSAGE), &signatures[i]))
				fail("a good signature does not hold");
		}
		end = seconds_now();
	}
	v->rate = (double)n / (end - begin);
	return NULL;
}

double verify_rate(double seconds)
{
	size_t n = cores();
	struct verifier *v = calloc(n, sizeof(*v));
	double sum = 0;

	for (size_t i = 0; v != NULL && i < n; i++) {
		v[i].seconds = seconds;
		if (pthread_create(&v[i].thread, NULL, verify, &v[i]) != 0)
			fail("no thread");
	}
	for (size_t i = 0; v != NULL && i < n; i++) {
		(void)pthread_join(v[i].thread, NULL);
		sum += v[i].rate;
	}
	free(v);
	return sum;
}

static int ascending(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

double median(double *values, size_t n)
{
	if (n == 0)
		return 0;
	qsort(values, n, sizeof(*values), ascending);
	return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}
