/*
 * Limits: how much one key, one party and one connection may ask in a while, and have under way at once, so
 * that nobody's share is another's loss. The token buckets are told to whoever is over them; a connection
 * with too many events under way is simply not read for a moment.
 */
#include <stdlib.h>

#include "path/internal.h"

enum {
	READS_PER_KEY = 64, /* under way at once */
	EVENTS_SHARE = 8,   /* of requests_max one connection may have an eighth under way */
};

/* Buckets by the dense numbers of keys and parties. */
struct meter {
	struct bucket events;
	struct bucket bytes;
	uint32_t reads; /* under way */
};

struct limits {
	struct meter *of[2]; /* keys, parties */
	size_t n[2];
};

static struct meter *meter(struct limits *l, int which, size_t no)
{
	if (no >= l->n[which]) {
		size_t n = 2 * no + 64;
		struct meter *grown = realloc(l->of[which], n * sizeof(*grown));
		if (grown == NULL)
			return NULL;
		memset(grown + l->n[which], 0, (n - l->n[which]) * sizeof(*grown));
		l->of[which] = grown;
		l->n[which] = n;
	}
	return &l->of[which][no];
}

struct limits *limits_new(void)
{
	return calloc(1, sizeof(struct limits));
}

void limits_free(struct limits *l)
{
	if (l == NULL)
		return;
	free(l->of[0]);
	free(l->of[1]);
	free(l);
}

micros limits_take(struct path *p, const struct session *s, size_t bytes)
{
	const struct path_tuning *c = &p->config.tuning;
	const struct party_record *party = registry_party(p->registry, &s->party);
	struct meter *key = meter(p->limits, 0, s->key);
	struct meter *all = meter(p->limits, 1, party == NULL ? 0 : party->no);

	if (key == NULL || all == NULL)
		return MICROS_PER_SECOND;
	struct {
		struct bucket *bucket;
		const struct bucket_rate *rate;
		int64_t n;
	} takes[] = {
	    {&key->events, &c->key_events, 1},
	    {&key->bytes, &c->key_bytes, (int64_t)bytes},
	    {&all->events, &c->party_events, 1},
	    {&all->bytes, &c->party_bytes, (int64_t)bytes},
	};
	size_t n = party == NULL ? 2 : ARRAY_LEN(takes);
	micros now = path_now(p);
	micros wait = 0;

	for (size_t i = 0; i < n; i++) {
		micros w = bucket_wait(takes[i].bucket, takes[i].rate, takes[i].n, now);
		wait = w > wait ? w : wait;
	}
	for (size_t i = 0; i < n && wait == 0; i++)
		bucket_take(takes[i].bucket, takes[i].rate, takes[i].n, now);
	return wait;
}

/* A key's, however many connections it has: also what costs no token is bounded. */
bool limits_read_begin(struct path *p, key_no key)
{
	struct meter *m = meter(p->limits, 0, key);

	if (m == NULL || m->reads >= READS_PER_KEY)
		return false;
	m->reads++;
	return true;
}

void limits_read_end(struct path *p, key_no key)
{
	if (key != 0)
		p->limits->of[0][key].reads--; /* the row is there since it began */
}

/* ---- a connection's events under way ---- */

static void hold(struct path *p, struct session *s, bool held)
{
	if (s->held == held)
		return;
	s->held = held;
	p->counters.connections_held += held;
	p->ports.net->hold(p->ports.net->self, s->conn, held);
}

void limits_event_begin(struct path *p, struct session *s)
{
	if (++s->events >= p->config.requests_max / EVENTS_SHARE)
		hold(p, s, true);
}

void limits_event_end(struct path *p, conn_id conn)
{
	struct session *s = session_find(p->sessions, conn);

	if (s != NULL && --s->events <= p->config.requests_max / EVENTS_SHARE / 2)
		hold(p, s, false);
}
