/* Owns connections and the order in which things are brought. */
#include "city/fleet.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "city/signing.h"

enum { TRIES_MAX = 20, BREAKS_MAX = 20 };
#define AGENT "city 0.1.0"

/* A device's connection. */
struct link {
	struct device *device;
	struct mft_conn *conn;
	bool welcome;
	struct step **by_id; /* under way, by request id */
	size_t ids;
	struct step **queue; /* not sent yet */
	size_t queue_n;
	size_t queue_cap;
	size_t under_way;
	uint64_t used; /* when it was last needed */
	unsigned breaks;
	struct link *next;
};

struct sleeper {
	struct step *step;
	int64_t until;
};

struct fleet {
	struct city *city;
	struct fleet_config config;
	struct mft_tls *tls;
	struct link *links;
	struct pollfd *polls;
	struct link **polled;
	size_t polls_cap;
	size_t open;
	size_t most;
	size_t under_way; /* sent or queued */
	uint64_t clock;
	struct tally *tally;
	struct mft_failure failure;
	bool failed;
	size_t surprises;
	struct sleeper *sleepers;
	size_t sleepers_n;
	size_t sleepers_cap;
	struct step_list later; /* numbers given up, to be brought at the end */
};

struct fleet *fleet_new(struct city *c, const struct fleet_config *config, struct tally *tally,
			struct mft_failure *ret_failure)
{
	struct fleet *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->city = c;
	f->config = *config;
	f->tally = tally;
	f->tls = mft_tls_new(config->trusted, ret_failure);
	if (f->tls != NULL)
		return f;
	free(f);
	return NULL;
}

static void fail(struct fleet *f, const char *detail)
{
	if (!f->failed)
		mft_fail(&f->failure, MFT_FAULT_LOCAL, "city", "the city cannot go on", "城市演示无法继续",
			 detail);
	f->failed = true;
}

static void *grow(struct fleet *f, void *items, size_t *cap, size_t least, size_t size)
{
	if (least <= *cap)
		return items;
	size_t n = *cap == 0 ? 64 : *cap;
	while (n < least)
		n *= 2;
	void *grown = realloc(items, n * size);
	if (grown == NULL) {
		fail(f, "out of memory");
		return items;
	}
	memset((uint8_t *)grown + *cap * size, 0, (n - *cap) * size);
	*cap = n;
	return grown;
}

/* ---- links ---- */

static void link_close(struct fleet *f, struct link *l)
{
	if (l->conn == NULL)
		return;
	mft_conn_close(l->conn);
	l->conn = NULL;
	l->welcome = false;
	f->open--;
}

/* Makes room: the connection that nobody has needed for longest is closed. */
static void close_idle(struct fleet *f)
{
	struct link *idle = NULL;

	for (struct link *l = f->links; l != NULL; l = l->next)
		if (l->conn != NULL && l->under_way == 0 && l->queue_n == 0 &&
		    (idle == NULL || l->used < idle->used))
			idle = l;
	if (idle != NULL)
		link_close(f, idle);
}

static void link_open(struct fleet *f, struct link *l)
{
	struct mft_session_config config = {
	    .view = f->config.view, .secret = l->device->secret, .role = l->device->role, .agent = AGENT};
	struct mft_failure failure;

	if (f->open >= f->config.connections)
		close_idle(f);
	l->conn = mft_conn_open(f->tls, f->config.host, f->config.port, &config, &failure);
	secret_key_wipe(&config.secret);
	if (l->conn == NULL) {
		f->failure = failure;
		f->failed = true;
		return;
	}
	f->open++;
	if (f->open > f->most)
		f->most = f->open;
}

static struct link *link_of(struct fleet *f, struct device *d)
{
	struct link *l = d->link;

	if (l == NULL) {
		l = calloc(1, sizeof(*l));
		if (l == NULL) {
			fail(f, "out of memory");
			return NULL;
		}
		l->device = d;
		l->next = f->links;
		f->links = l;
		d->link = l;
	}
	l->used = ++f->clock;
	if (l->conn == NULL)
		link_open(f, l);
	return l;
}

void fleet_free(struct fleet *f)
{
	if (f == NULL)
		return;
	while (f->links != NULL) {
		struct link *next = f->links->next;
		link_close(f, f->links);
		f->links->device->link = NULL;
		free(f->links->by_id);
		free(f->links->queue);
		free(f->links);
		f->links = next;
	}
	mft_tls_free(f->tls);
	free(f->polls);
	free(f->polled);
	free(f->sleepers);
	free(f);
}

/* ---- sending ---- */

static void link_send(struct fleet *f, struct link *l, struct step *s)
{
	uint64_t id = mft_session_submit(mft_conn_session(l->conn), s->envelope);

	if (id == 0) {
		fail(f, "an event could not be sent");
		return;
	}
	l->by_id = grow(f, l->by_id, &l->ids, (size_t)id + 1, sizeof(struct step *));
	if (f->failed)
		return;
	l->by_id[id] = s;
	l->under_way++;
	s->sent_at = monotonic_now();
	f->tally->bytes += s->envelope.n;
}

static void queue(struct fleet *f, struct step *s)
{
	struct link *l = link_of(f, s->courier);

	if (l == NULL || f->failed)
		return;
	s->state = SENT;
	f->under_way++;
	if (l->welcome) {
		link_send(f, l, s);
		return;
	}
	l->queue = grow(f, l->queue, &l->queue_cap, l->queue_n + 1, sizeof(struct step *));
	if (!f->failed)
		l->queue[l->queue_n++] = s;
}

static bool answered(const struct step *s)
{
	return s == NULL || s->state == ACCEPTED || s->state == REFUSED;
}

static void wait_for(struct step *s, struct step *other)
{
	s->state = WAITING;
	s->next = other->waits;
	other->waits = s;
}

/* Brings the step, or has it wait for the one that must be answered first. */
static void bring_step(struct fleet *f, struct step *s)
{
	const struct step *p = s->previous;
	/* On one connection the order is kept. */
	bool behind = p != NULL && p->state == SENT && p->courier == s->courier;

	if (!answered(s->after))
		wait_for(s, s->after);
	else if (answered(p) || behind || (s->twist == EARLY && !s->told_early))
		queue(f, s);
	else
		wait_for(s, s->previous);
}

static void wake(struct fleet *f, struct step *s)
{
	while (s->waits != NULL) {
		struct step *w = s->waits;
		s->waits = w->next;
		bring_step(f, w);
	}
}

/* ---- answers ---- */

static void put_off(struct fleet *f, struct step *s, int64_t wait)
{
	if (++s->tries > TRIES_MAX) {
		fail(f, "the server put an event off again and again");
		return;
	}
	f->sleepers = grow(f, f->sleepers, &f->sleepers_cap, f->sleepers_n + 1, sizeof(*f->sleepers));
	if (f->failed)
		return;
	s->state = WAITING;
	f->sleepers[f->sleepers_n++] = (struct sleeper){s, monotonic_now() + (wait < 1000 ? 1000 : wait)};
	f->tally->put_off++;
}

static void wake_sleepers(struct fleet *f)
{
	int64_t now = monotonic_now();

	for (size_t i = 0; i < f->sleepers_n && !f->failed;) {
		struct sleeper due = f->sleepers[i];
		if (due.until > now) {
			i++;
			continue;
		}
		f->sleepers[i] = f->sleepers[--f->sleepers_n];
		bring_step(f, due.step);
	}
}

static bool names_rule(const struct refusal *r, const char *rule)
{
	for (size_t i = 0; i < r->problems_n; i++)
		if (span_eq_str(r->problems[i].rule, rule))
			return true;
	return rule == NULL;
}

static void tell_surprise(struct fleet *f, const struct step *s, const struct refusal *r)
{
	const char *kind = event_kind_name(s->event.kind);

	f->surprises++;
	(void)fprintf(stderr, "city: %014llu %s was not expected to be %s\n",
		      (unsigned long long)s->event.number, kind == NULL ? "?" : kind,
		      r == NULL ? "accepted" : "refused so");
	for (size_t i = 0; r != NULL && i < r->problems_n; i++)
		(void)fprintf(stderr, "city:   %.*s: %.*s (found %.*s, allowed %.*s)\n",
			      SPAN_ARG(r->problems[i].path), SPAN_ARG(r->problems[i].en),
			      SPAN_ARG(r->problems[i].found), SPAN_ARG(r->problems[i].allowed));
}

/* Numbers that the refused event took are given up, each by its own key. */
static void void_numbers(struct fleet *f, const struct step *s)
{
	if (s->twist == FORGED || s->twist == NUMBER_TWICE || s->twist == REPLAYED)
		return;
	for (size_t i = 0; i < s->signers_n; i++) {
		if (s->signers[i]->revoked)
			continue;
		struct step *v = city_step(f->city, &f->later);
		v->signers[0] = v->courier = s->signers[i];
		v->signers_n = 1;
		v->signed_at = v->bring_at = v->event.occurred_at = f->city->now;
		v->event.kind = EVENT_VOIDED;
		v->event.voided = (struct voided){.running_number = s->event.signers[i].number,
						  .reason = span_str("所签事件未被接受")};
	}
}

static void accepted(struct fleet *f, struct step *s, const struct mft_news *news)
{
	struct tally *t = f->tally;

	t->receipts++;
	s->index = news->receipt.index;
	s->state = ACCEPTED;
	tally_latency(t, monotonic_now() - s->sent_at);
	if (news->receipt.repeated) {
		t->repeated++;
	} else {
		t->accepted[s->event.kind]++;
		t->accepted_n++;
		t->signatures += s->signers_n;
	}
	s->courier->seen = mft_view_seen(f->config.view);
	if (s->expected != REFUSAL_NONE)
		tell_surprise(f, s, NULL);
	wake(f, s);
}

static void refused(struct fleet *f, struct step *s, const struct refusal *r)
{
	bool wanted = s->expected == r->kind && names_rule(r, s->rule);

	if (r->kind == REFUSAL_PREDECESSOR && s->previous != NULL &&
	    (s->twist == EARLY || s->tries < TRIES_MAX)) {
		f->tally->told_early++;
		s->told_early = true;
		s->tries++;
		bring_step(f, s);
		return;
	}
	if (!wanted && (r->kind == REFUSAL_LATER || r->kind == REFUSAL_UNAVAILABLE)) {
		put_off(f, s, r->retry_after);
		return;
	}
	s->state = REFUSED;
	tally_refused(f->tally, r);
	if (!wanted)
		tell_surprise(f, s, r);
	void_numbers(f, s);
	wake(f, s);
}

static void link_welcome(struct fleet *f, struct link *l)
{
	l->welcome = true;
	l->breaks = 0;
	l->device->seen = mft_view_seen(f->config.view);
	for (size_t i = 0; i < l->queue_n && !f->failed; i++)
		link_send(f, l, l->queue[i]);
	l->queue_n = 0;
}

static void hello_refused(struct fleet *f, const struct link *l, const struct refusal *r)
{
	char detail[256];

	(void)snprintf(detail, sizeof(detail), "%s of %s was refused: %.*s", l->device->name,
		       l->device->owner == NULL ? "the authority" : l->device->owner->name,
		       r->problems_n == 0 ? 0 : (int)r->problems[0].en.n,
		       r->problems_n == 0 ? "" : (const char *)r->problems[0].en.p);
	fail(f, detail);
}

static void link_news(struct fleet *f, struct link *l)
{
	struct mft_session *session = mft_conn_session(l->conn);
	struct mft_news news = {.kind = MFT_NOTHING};

	if (session == NULL)
		return;
	do {
		mft_session_next(session, &news);
		struct step *s = news.id != 0 && news.id < l->ids ? l->by_id[news.id] : NULL;
		if (news.kind == MFT_WELCOME) {
			link_welcome(f, l);
		} else if (news.kind == MFT_BROKEN) {
			f->failure = news.failure;
			f->failed = true;
		} else if (news.kind == MFT_REFUSED && s == NULL) {
			hello_refused(f, l, &news.refusal);
		} else if (s != NULL && (news.kind == MFT_ACCEPTED || news.kind == MFT_REFUSED)) {
			l->by_id[news.id] = NULL;
			l->under_way--;
			f->under_way--;
			if (news.kind == MFT_ACCEPTED)
				accepted(f, s, &news);
			else
				refused(f, s, &news.refusal);
		}
	} while (news.kind != MFT_NOTHING && !f->failed);
}

/* The connection ended: what had no answer is sent again, which is always safe. */
static void link_broke(struct fleet *f, struct link *l)
{
	if (l->breaks++ == BREAKS_MAX) {
		f->failure = *mft_conn_failure(l->conn);
		f->failed = true;
		return;
	}
	link_close(f, l);
	size_t waiting = l->queue_n;
	l->queue = grow(f, l->queue, &l->queue_cap, l->queue_n + l->under_way, sizeof(struct step *));
	if (f->failed)
		return;
	memmove(l->queue + l->under_way, l->queue, waiting * sizeof(struct step *));
	l->queue_n = 0;
	for (size_t i = 0; i < l->ids; i++) {
		if (l->by_id[i] != NULL)
			l->queue[l->queue_n++] = l->by_id[i];
		l->by_id[i] = NULL;
	}
	l->queue_n += waiting;
	l->under_way = 0;
	if (l->queue_n > 0)
		link_open(f, l);
}

/* ---- the loop ---- */

static void turn(struct fleet *f, int timeout)
{
	size_t n = 0;

	if (f->open > f->polls_cap) {
		size_t cap = f->polls_cap;
		f->polls = grow(f, f->polls, &cap, f->open, sizeof(*f->polls));
		f->polled = grow(f, f->polled, &f->polls_cap, f->open, sizeof(struct link *));
	}
	if (f->failed)
		return;
	for (struct link *l = f->links; l != NULL; l = l->next)
		if (l->conn != NULL) {
			f->polled[n] = l;
			f->polls[n++] =
			    (struct pollfd){.fd = mft_conn_fd(l->conn), .events = mft_conn_wants(l->conn)};
		}
	if (poll(f->polls, n, timeout) <= 0)
		return;
	for (size_t i = 0; i < n && !f->failed; i++) {
		struct link *l = f->polled[i];
		/* Another's answer may have closed it meanwhile. */
		if (f->polls[i].revents == 0 || l->conn == NULL || mft_conn_fd(l->conn) != f->polls[i].fd)
			continue;
		bool open = mft_conn_turn(l->conn);
		link_news(f, l);
		if (!open && !f->failed && l->conn != NULL)
			link_broke(f, l);
	}
}

static int by_signed_at(const void *a, const void *b)
{
	const struct step *x = *(struct step *const *)a;
	const struct step *y = *(struct step *const *)b;

	return x->signed_at != y->signed_at ? (x->signed_at > y->signed_at) - (x->signed_at < y->signed_at)
					    : (x->made > y->made) - (x->made < y->made);
}

static int by_bring_at(const void *a, const void *b)
{
	const struct step *x = *(struct step *const *)a;
	const struct step *y = *(struct step *const *)b;

	return x->bring_at != y->bring_at ? (x->bring_at > y->bring_at) - (x->bring_at < y->bring_at)
					  : (x->made > y->made) - (x->made < y->made);
}

struct agenda {
	struct step **to_sign;
	struct step **to_bring;
	size_t signed_n;
	size_t brought_n;
	size_t n;
	micros hour;
};

/* Lets the day go on as far as the window allows. An hour begins when all of the hour before is answered. */
static void go_on(struct fleet *f, struct agenda *a)
{
	while (a->brought_n < a->n && f->under_way < f->config.window && !f->failed) {
		struct step *s = a->to_bring[a->brought_n];
		if (s->bring_at / HOUR != a->hour && f->under_way > 0)
			return;
		if (s->bring_at / HOUR != a->hour && f->config.progress != NULL)
			f->config.progress(f->config.self, s->bring_at, f->tally, f->open);
		a->hour = s->bring_at / HOUR;
		a->brought_n++;
		while (a->signed_n < a->n && a->to_sign[a->signed_n]->signed_at <= s->bring_at) {
			if (!step_sign(f->city, a->to_sign[a->signed_n++]))
				fail(f, "an event could not be signed");
		}
		bring_step(f, s);
	}
}

static void run_agenda(struct fleet *f, struct agenda *a)
{
	int64_t silent_since = monotonic_now();
	uint64_t answers = 0;

	while (!f->failed && (a->brought_n < a->n || f->under_way > 0 || f->sleepers_n > 0)) {
		go_on(f, a);
		turn(f, f->sleepers_n > 0 ? 2 : 200);
		wake_sleepers(f);
		uint64_t now =
		    f->tally->receipts + f->tally->refused_n + f->tally->put_off + f->tally->told_early;
		if (now != answers)
			silent_since = monotonic_now();
		else if (monotonic_now() - silent_since > 30 * MICROS_PER_SECOND)
			fail(f, "the server has not answered for 30 seconds");
		answers = now;
	}
}

bool fleet_run(struct fleet *f, struct step_list *steps, struct tally *tally, struct mft_failure *ret_failure)
{
	struct agenda a = {.n = steps->n};

	f->tally = tally;
	f->later = (struct step_list){0};
	a.to_sign = malloc(2 * (a.n + 1) * sizeof(struct step *));
	if (a.to_sign == NULL) {
		fail(f, "out of memory");
		*ret_failure = f->failure;
		return false;
	}
	a.to_bring = a.to_sign + a.n;
	if (a.n > 0) {
		memcpy(a.to_sign, steps->items, a.n * sizeof(struct step *));
		memcpy(a.to_bring, steps->items, a.n * sizeof(struct step *));
		qsort(a.to_sign, a.n, sizeof(struct step *), by_signed_at);
		qsort(a.to_bring, a.n, sizeof(struct step *), by_bring_at);
	}
	if (tally->began == 0)
		tally->began = monotonic_now();
	run_agenda(f, &a);
	tally->ended = monotonic_now();
	free(a.to_sign);
	struct step_list given_up = f->later;
	if (!f->failed && given_up.n > 0)
		return fleet_run(f, &given_up, tally, ret_failure);
	if (f->failed)
		*ret_failure = f->failure;
	return !f->failed;
}

size_t fleet_surprises(const struct fleet *f)
{
	return f->surprises;
}

size_t fleet_connections(const struct fleet *f)
{
	return f->most;
}
