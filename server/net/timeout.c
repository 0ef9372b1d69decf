#include "net/timeout.h"

void timeouts_init(struct timeouts *all, const micros within[TIMEOUT_KINDS])
{
	*all = (struct timeouts){0};
	for (int k = 0; k < TIMEOUT_KINDS; k++) {
		TAILQ_INIT(&all->queues[k]);
		all->within[k] = within[k];
	}
}

static micros clock_of(const struct timeouts *all, enum timeout_kind kind, micros now)
{
	if (kind >= TIMEOUT_READ_KINDS)
		return now;
	return (all->shut ? all->shut_at : now) - all->shut_time;
}

void timeouts_gate(struct timeouts *all, bool open)
{
	micros now = loop_monotonic();

	if (all->shut == !open)
		return;
	if (open)
		all->shut_time += now - all->shut_at;
	all->shut_at = now;
	all->shut = !open;
}

void timeout_start(struct timeouts *all, struct timeout *d, enum timeout_kind kind)
{
	timeout_stop(all, d);
	d->kind = kind;
	d->since = clock_of(all, kind, loop_monotonic());
	TAILQ_INSERT_TAIL(&all->queues[kind], d, link);
}

void timeout_stop(struct timeouts *all, struct timeout *d)
{
	if (d->kind == TIMEOUT_NONE)
		return;
	TAILQ_REMOVE(&all->queues[d->kind], d, link);
	d->kind = TIMEOUT_NONE;
}

struct timeout *timeout_late(struct timeouts *all)
{
	micros now = loop_monotonic();

	for (enum timeout_kind k = TIMEOUT_HELLO; k < TIMEOUT_KINDS; k++) {
		struct timeout *first = TAILQ_FIRST(&all->queues[k]);

		if (first != NULL && clock_of(all, k, now) - first->since >= all->within[k])
			return first;
	}
	return NULL;
}
