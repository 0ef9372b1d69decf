/*
 * Owns a lane's queue, its threads and the eventfd by which finished work comes back. Two lists under two
 * locks: `waiting` between submitters and threads, `finished` between threads and the loop.
 */
#include "net/lanes.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* First in, first out. */
struct works {
	struct work *first;
	struct work **end;
};

struct lane {
	struct lane_port port;
	struct lane_threads each;
	char name[16]; /* what the kernel keeps of a thread's name */

	pthread_mutex_t waiting_lock;
	pthread_cond_t waiting_cond;
	struct works waiting;
	unsigned idle; /* threads in pthread_cond_wait() */
	bool ending;
	size_t depth; /* submitted and not yet done */

	pthread_mutex_t finished_lock;
	struct works finished;

	int wake; /* eventfd: `finished` was empty and is not any more */
	struct loop_watch *woken;
	unsigned threads_n;
	pthread_t threads[];
};

static void works_init(struct works *w)
{
	w->first = NULL;
	w->end = &w->first;
}

static void works_put(struct works *w, struct work *one)
{
	one->next = NULL;
	*w->end = one;
	w->end = &one->next;
}

static struct work *works_take(struct works *w)
{
	struct work *one = w->first;

	w->first = one->next;
	if (w->first == NULL)
		w->end = &w->first;
	return one;
}

/* ---------------------------------------------------------------- the threads' side */

/* The next work, or NULL when the lane ends and nothing waits. */
static struct work *wait_for_work(struct lane *lane)
{
	struct work *w = NULL;

	pthread_mutex_lock(&lane->waiting_lock);
	while (lane->waiting.first == NULL && !lane->ending) {
		lane->idle++;
		pthread_cond_wait(&lane->waiting_cond, &lane->waiting_lock);
		lane->idle--;
	}
	if (lane->waiting.first != NULL)
		w = works_take(&lane->waiting);
	pthread_mutex_unlock(&lane->waiting_lock);
	return w;
}

static void finish(struct lane *lane, struct work *w)
{
	pthread_mutex_lock(&lane->finished_lock);
	bool first = lane->finished.first == NULL;
	works_put(&lane->finished, w);
	pthread_mutex_unlock(&lane->finished_lock);
	/* Cannot fail but by EINTR: the counter never comes near its limit. */
	if (first)
		while (eventfd_write(lane->wake, 1) < 0 && errno == EINTR)
			;
}

static void *thread_main(void *arg)
{
	struct lane *lane = arg;
	void *own = lane->each.begin == NULL ? NULL : lane->each.begin(lane->each.arg);
	struct work *w;

	while ((w = wait_for_work(lane)) != NULL) {
		w->run(w, own);
		finish(lane, w);
	}
	if (lane->each.end != NULL)
		lane->each.end(lane->each.arg, own);
	return NULL;
}

/* ---------------------------------------------------------------- the loop's side */

/* Takes all that has finished in one go, and the wake-up with it, in this order: a thread that finishes
 * right after finds the list empty and wakes again. */
static void deliver(struct lane *lane)
{
	struct works taken;
	eventfd_t count;
	size_t n = 0;

	while (eventfd_read(lane->wake, &count) < 0 && errno == EINTR)
		;
	pthread_mutex_lock(&lane->finished_lock);
	taken.first = lane->finished.first;
	works_init(&lane->finished);
	pthread_mutex_unlock(&lane->finished_lock);

	for (struct work *w = taken.first, *next; w != NULL; w = next, n++) {
		next = w->next; /* done() may free it, or submit it again */
		w->done(w);
	}
	pthread_mutex_lock(&lane->waiting_lock);
	lane->depth -= n;
	pthread_mutex_unlock(&lane->waiting_lock);
}

static void on_wake(void *arg)
{
	deliver(arg);
}

static void submit(void *self, struct work *w)
{
	struct lane *lane = self;

	pthread_mutex_lock(&lane->waiting_lock);
	works_put(&lane->waiting, w);
	lane->depth++;
	bool sleeping = lane->idle > 0;
	pthread_mutex_unlock(&lane->waiting_lock);
	if (sleeping)
		pthread_cond_signal(&lane->waiting_cond);
}

struct lane_port lane_port(struct lane *lane)
{
	return lane->port;
}

size_t lane_depth(struct lane *lane)
{
	pthread_mutex_lock(&lane->waiting_lock);
	size_t depth = lane->depth;
	pthread_mutex_unlock(&lane->waiting_lock);
	return depth;
}

void lane_drain(struct lane *lane)
{
	while (lane_depth(lane) > 0) {
		struct pollfd p = {.fd = lane->wake, .events = POLLIN};

		if (poll(&p, 1, -1) > 0)
			deliver(lane);
	}
}

void lanes_drain(struct lane *const *lanes, size_t n)
{
	for (bool idle = false; !idle;) {
		idle = true;
		for (size_t i = 0; i < n; i++) {
			if (lanes[i] == NULL || lane_depth(lanes[i]) == 0)
				continue;
			idle = false;
			lane_drain(lanes[i]);
		}
	}
}

/* ---------------------------------------------------------------- beginning and end */

/* Signals are the loop's: a thread begins with all of them blocked. */
static bool start_threads(struct lane *lane, unsigned threads)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (; lane->threads_n < threads; lane->threads_n++) {
		pthread_t *t = &lane->threads[lane->threads_n];

		if (pthread_create(t, NULL, thread_main, lane) != 0)
			break;
		pthread_setname_np(*t, lane->name);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return lane->threads_n == threads;
}

static void end_threads(struct lane *lane)
{
	pthread_mutex_lock(&lane->waiting_lock);
	lane->ending = true;
	pthread_mutex_unlock(&lane->waiting_lock);
	pthread_cond_broadcast(&lane->waiting_cond);
	for (unsigned i = 0; i < lane->threads_n; i++)
		pthread_join(lane->threads[i], NULL);
}

struct lane *lane_new(struct loop *loop, const char *name, unsigned threads, const struct lane_threads *each)
{
	struct lane *lane = calloc(1, sizeof(*lane) + threads * sizeof(lane->threads[0]));

	if (lane == NULL)
		return NULL;
	lane->port = (struct lane_port){.self = lane, .submit = submit};
	if (each != NULL)
		lane->each = *each;
	snprintf(lane->name, sizeof(lane->name), "%.12s", name);
	works_init(&lane->waiting);
	works_init(&lane->finished);
	/* These cannot fail here: glibc's do not with default attributes. */
	(void)pthread_mutex_init(&lane->waiting_lock, NULL);
	(void)pthread_mutex_init(&lane->finished_lock, NULL);
	(void)pthread_cond_init(&lane->waiting_cond, NULL);
	lane->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (lane->wake < 0)
		goto failed;
	lane->woken = loop_watch_new(loop, lane->wake, LOOP_READABLE, on_wake, lane);
	if (lane->woken == NULL || !loop_watch_on(lane->woken) || !start_threads(lane, threads))
		goto failed;
	return lane;
failed:
	lane_free(lane);
	return NULL;
}

void lane_free(struct lane *lane)
{
	if (lane == NULL)
		return;
	lane_drain(lane);
	end_threads(lane);
	loop_watch_free(lane->woken);
	if (lane->wake >= 0)
		close(lane->wake);
	pthread_cond_destroy(&lane->waiting_cond);
	pthread_mutex_destroy(&lane->finished_lock);
	pthread_mutex_destroy(&lane->waiting_lock);
	free(lane);
}
