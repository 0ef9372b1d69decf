/*
 * Requests and their queue. The queue is one for all connections, in the order of arrival, so that the order
 * within a connection is kept whatever the verifying threads do.
 */
#include <stdlib.h>

#include "path/internal.h"

enum { SPARE_MAX = 1024 };

struct request *request_take(struct path *p, conn_id conn, uint64_t id)
{
	struct request *r = p->spare;
	struct arena *arena;

	if (r != NULL) {
		p->spare = r->next;
		p->spare_n--;
		arena = r->arena;
	} else {
		r = malloc(sizeof(*r));
		if (r == NULL)
			return NULL;
		arena = arena_new(REQUEST_MEMORY);
		if (arena == NULL) {
			free(r);
			return NULL;
		}
	}
	memset(r, 0, offsetof(struct request, envelope));
	r->problems = (struct problems){.arena = arena};
	r->arena = arena;
	r->conn = conn;
	r->id = id;
	p->under_way++;
	return r;
}

void request_give_back(struct path *p, struct request *r)
{
	p->under_way--;
	if (r->counted)
		limits_event_end(p, r->conn);
	if (r->hello)
		p->hellos_waiting--;
	if (p->spare_n >= SPARE_MAX) {
		arena_free(r->arena);
		free(r);
		return;
	}
	arena_reset(r->arena);
	r->next = p->spare;
	p->spare = r;
	p->spare_n++;
}

void queue_push(struct request_queue *q, struct request *r)
{
	r->next = NULL;
	if (q->last == NULL)
		q->first = r;
	else
		q->last->next = r;
	q->last = r;
	q->n++;
}

void queue_unpop(struct request_queue *q, struct request **members, size_t n)
{
	for (size_t i = n; i-- > 0;) {
		members[i]->next = q->first;
		q->first = members[i];
		if (q->last == NULL)
			q->last = members[i];
	}
	q->n += n;
}

struct request *queue_pop(struct request_queue *q)
{
	struct request *r = q->first;

	if (r == NULL)
		return NULL;
	q->first = r->next;
	if (q->first == NULL)
		q->last = NULL;
	q->n--;
	return r;
}

void gate_check(struct path *p)
{
	bool shut =
	    p->gate_shut ? p->under_way > p->config.requests_max / 2 : p->under_way >= p->config.requests_max;

	if (shut == p->gate_shut)
		return;
	p->gate_shut = shut;
	if (shut)
		p->counters.gate_closed++;
	p->ports.net->gate(p->ports.net->self, !shut);
}
