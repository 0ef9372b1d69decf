/*
 * Owns the event base and the signal events. Timers own themselves.
 */
#include "net/loop.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

enum { SIGNALS_MAX = 8 };

struct loop_signal {
	struct event *event;
	void (*fn)(void *arg, int signal);
	void *arg;
};

struct loop {
	struct event_base *base;
	struct loop_signal signals[SIGNALS_MAX];
	size_t signals_n;
	bool stopped;
};

struct loop_timer {
	struct event event;
	void (*fn)(void *arg);
	void *arg;
	micros period; /* 0: once */
};

struct loop_watch {
	struct event event;
	void (*fn)(void *arg);
	void *arg;
};

struct loop_task {
	struct event event;
	void (*fn)(void *arg);
	void *arg;
};

/* ---------------------------------------------------------------- the base */

struct loop *loop_new(void)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	struct event_config *config = event_config_new();

	if (loop == NULL || config == NULL)
		goto failed;
	/* Else the loop's clock moves in steps of 4 ms, and a batch would wait that much longer. */
	event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	loop->base = event_base_new_with_config(config);
	if (loop->base == NULL)
		goto failed;
	event_config_free(config);
	signal(SIGPIPE, SIG_IGN);
	return loop;
failed:
	if (config != NULL)
		event_config_free(config);
	free(loop);
	return NULL;
}

void loop_free(struct loop *loop)
{
	if (loop == NULL)
		return;
	for (size_t i = 0; i < loop->signals_n; i++)
		event_free(loop->signals[i].event);
	event_base_free(loop->base);
	free(loop);
}

bool loop_run(struct loop *loop)
{
	while (!loop->stopped)
		if (event_base_loop(loop->base, EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY) < 0)
			return false;
	loop->stopped = false;
	return true;
}

void loop_stop(struct loop *loop)
{
	loop->stopped = true;
	event_base_loopbreak(loop->base);
}

bool loop_turn(struct loop *loop, bool wait)
{
	return event_base_loop(loop->base, wait ? EVLOOP_ONCE : EVLOOP_NONBLOCK) >= 0;
}

struct event_base *loop_base(struct loop *loop)
{
	return loop->base;
}

/* ---------------------------------------------------------------- timers */

static struct timeval timeval_of(micros t)
{
	if (t < 0)
		t = 0;
	return (struct timeval){.tv_sec = t / 1000000, .tv_usec = t % 1000000};
}

static void timer_fired(evutil_socket_t fd, short what, void *arg)
{
	struct loop_timer *timer = arg;

	(void)fd;
	(void)what;
	if (timer->period > 0) {
		struct timeval after = timeval_of(timer->period);
		evtimer_add(&timer->event, &after);
	}
	timer->fn(timer->arg);
}

struct loop_timer *loop_timer_new(struct loop *loop, void (*fn)(void *arg), void *arg)
{
	struct loop_timer *timer = calloc(1, sizeof(*timer));

	if (timer == NULL)
		return NULL;
	timer->fn = fn;
	timer->arg = arg;
	evtimer_assign(&timer->event, loop->base, timer_fired, timer);
	return timer;
}

static void timer_start(struct loop_timer *timer, micros after, micros period)
{
	struct timeval tv = timeval_of(after);

	timer->period = period;
	evtimer_add(&timer->event, &tv);
}

void loop_timer_once(struct loop_timer *timer, micros after)
{
	timer_start(timer, after, 0);
}

void loop_timer_every(struct loop_timer *timer, micros period)
{
	timer_start(timer, period, period);
}

void loop_timer_stop(struct loop_timer *timer)
{
	timer->period = 0;
	evtimer_del(&timer->event);
}

void loop_timer_free(struct loop_timer *timer)
{
	if (timer == NULL)
		return;
	evtimer_del(&timer->event);
	free(timer);
}

/* ---------------------------------------------------------------- descriptors and tasks */

static void watch_fired(evutil_socket_t fd, short what, void *arg)
{
	struct loop_watch *watch = arg;

	(void)fd;
	(void)what;
	watch->fn(watch->arg);
}

struct loop_watch *loop_watch_new(struct loop *loop, int fd, enum loop_direction direction,
				  void (*fn)(void *arg), void *arg)
{
	struct loop_watch *watch = calloc(1, sizeof(*watch));
	short what = direction == LOOP_READABLE ? EV_READ | EV_PERSIST : EV_WRITE;

	if (watch == NULL)
		return NULL;
	watch->fn = fn;
	watch->arg = arg;
	event_assign(&watch->event, loop->base, fd, what, watch_fired, watch);
	return watch;
}

bool loop_watch_on(struct loop_watch *watch)
{
	return event_add(&watch->event, NULL) == 0;
}

void loop_watch_off(struct loop_watch *watch)
{
	event_del(&watch->event);
}

void loop_watch_free(struct loop_watch *watch)
{
	if (watch == NULL)
		return;
	event_del(&watch->event);
	free(watch);
}

static void task_fired(evutil_socket_t fd, short what, void *arg)
{
	struct loop_task *task = arg;

	(void)fd;
	(void)what;
	task->fn(task->arg);
}

struct loop_task *loop_task_new(struct loop *loop, void (*fn)(void *arg), void *arg)
{
	struct loop_task *task = calloc(1, sizeof(*task));

	if (task == NULL)
		return NULL;
	task->fn = fn;
	task->arg = arg;
	event_assign(&task->event, loop->base, -1, 0, task_fired, task);
	return task;
}

/* libevent appends it to what is due in this turn; asked for again while it waits, it runs once. */
void loop_task_ask(struct loop_task *task)
{
	event_active(&task->event, EV_TIMEOUT, 0);
}

void loop_task_free(struct loop_task *task)
{
	if (task == NULL)
		return;
	event_del(&task->event);
	free(task);
}

/* ---------------------------------------------------------------- signals */

static void signal_came(evutil_socket_t signo, short what, void *arg)
{
	struct loop_signal *s = arg;

	(void)what;
	s->fn(s->arg, (int)signo);
}

bool loop_on_signal(struct loop *loop, int signo, void (*fn)(void *arg, int signal), void *arg)
{
	if (loop->signals_n == SIGNALS_MAX)
		return false;
	struct loop_signal *s = &loop->signals[loop->signals_n];
	s->fn = fn;
	s->arg = arg;
	s->event = evsignal_new(loop->base, signo, signal_came, s);
	if (s->event == NULL)
		return false;
	if (evsignal_add(s->event, NULL) < 0) {
		event_free(s->event);
		return false;
	}
	loop->signals_n++;
	return true;
}

/* ---------------------------------------------------------------- clocks */

static micros clock_read(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (micros)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

micros loop_clock(void)
{
	return clock_read(CLOCK_REALTIME);
}

micros loop_monotonic(void)
{
	return clock_read(CLOCK_MONOTONIC);
}
