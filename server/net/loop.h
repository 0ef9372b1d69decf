/*
 * The event loop: one thread, descriptors, timers, signals and the two clocks. All of net, web and the path
 * run on it; libevent shows nowhere else but in loop_base(), for what brings its own events (evhttp).
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include "base/span.h"

typedef int64_t micros; /* as in core/event.h, whose `struct event` is not libevent's */

struct loop;
struct loop_timer;
struct loop_watch;
struct loop_task;
struct event_base;

/* NULL: no memory or no descriptors. SIGPIPE is ignored from here on, in the whole process. */
struct loop *loop_new(void) MUST_CHECK;
/* Everything made on the loop must have been freed before. */
void loop_free(struct loop *loop);
/* Runs until loop_stop(). False: the loop itself failed. */
bool loop_run(struct loop *loop) MUST_CHECK;
/* Ends loop_run() after the callback that is running; one asked for before loop_run() is kept. */
void loop_stop(struct loop *loop);
/* One turn; `wait`: for the next event. What tests use. False: the loop failed. */
bool loop_turn(struct loop *loop, bool wait) MUST_CHECK;
struct event_base *loop_base(struct loop *loop);

/* Calls fn(arg) on the loop. Timers run on the monotonic clock and are idle when made. NULL: no memory. */
struct loop_timer *loop_timer_new(struct loop *loop, void (*fn)(void *arg), void *arg) MUST_CHECK;
void loop_timer_once(struct loop_timer *timer, micros after);
void loop_timer_every(struct loop_timer *timer, micros period);
void loop_timer_stop(struct loop_timer *timer);
/* NULL is allowed; may be called in the timer's own callback. */
void loop_timer_free(struct loop_timer *timer);

/*
 * Watches a descriptor, which it does not own; off when made. On: readable calls fn(arg) in each turn in
 * which there is something to read, until it is switched off; writable calls it once. NULL: no memory.
 */
enum loop_direction { LOOP_READABLE, LOOP_WRITABLE };
struct loop_watch *loop_watch_new(struct loop *loop, int fd, enum loop_direction direction,
				  void (*fn)(void *arg), void *arg) MUST_CHECK;
/* False: no memory in the kernel, or a bad descriptor. */
bool loop_watch_on(struct loop_watch *watch) MUST_CHECK;
void loop_watch_off(struct loop_watch *watch);
/* Before the descriptor is closed. NULL is allowed. */
void loop_watch_free(struct loop_watch *watch);

/* Something to be done once at the end of this turn, after all that is already due in it. NULL: no memory. */
struct loop_task *loop_task_new(struct loop *loop, void (*fn)(void *arg), void *arg) MUST_CHECK;
void loop_task_ask(struct loop_task *task);
void loop_task_free(struct loop_task *task);

/*
 * Calls fn(arg, signal) on the loop, never in the signal's own context, until the loop is freed. False: no
 * memory, or too many signals.
 */
bool loop_on_signal(struct loop *loop, int signal, void (*fn)(void *arg, int signal), void *arg) MUST_CHECK;

/* Now, in UTC: what events are accepted at. */
micros loop_clock(void);
/* Never goes back, counts from anywhere: what waiting is measured with. */
micros loop_monotonic(void);

#endif
