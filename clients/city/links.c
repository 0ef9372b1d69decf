/* Owns the devices' connections: opening, closing, what is under way on each, and what arrives. */
#include <stdio.h>
#include <stdlib.h>

#include "city/fleet_internal.h"

enum { BREAKS_MAX = 20 };
#define AGENT "city 0.1.0"

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
		if (l->conn != NULL && !l->busy && l->under_way == 0 && l->queue_n == 0 &&
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

static struct link *link_of(struct fleet *f, struct terminal *d)
{
	struct link *l = d->link;

	if (l == NULL) {
		l = calloc(1, sizeof(*l));
		if (l == NULL) {
			fleet_fail(f, "out of memory");
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

/* ---- sending ---- */

static void link_send(struct fleet *f, struct link *l, struct step *s)
{
	uint64_t id = mft_session_submit(mft_conn_session(l->conn), s->envelope);

	if (id == 0) {
		fleet_fail(f, "an event could not be sent");
		return;
	}
	l->by_id = fleet_grow(f, l->by_id, &l->ids, (size_t)id + 1, sizeof(struct step *));
	if (f->failed)
		return;
	l->by_id[id] = s;
	l->under_way++;
	s->sent_at = monotonic_now();
	f->tally->bytes += s->envelope.n;
}

void links_bring(struct fleet *f, struct step *s)
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
	l->queue = fleet_grow(f, l->queue, &l->queue_cap, l->queue_n + 1, sizeof(struct step *));
	if (!f->failed)
		l->queue[l->queue_n++] = s;
}

/* ---- what arrives ---- */

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
	fleet_fail(f, detail);
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
				fleet_accepted(f, s, &news);
			else
				fleet_refused(f, s, &news.refusal);
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
	l->queue = fleet_grow(f, l->queue, &l->queue_cap, l->queue_n + l->under_way, sizeof(struct step *));
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

void links_turn(struct fleet *f, int timeout)
{
	size_t n = 0;

	if (f->open > f->polls_cap) {
		size_t cap = f->polls_cap;
		f->polls = fleet_grow(f, f->polls, &cap, f->open, sizeof(*f->polls));
		f->polled = fleet_grow(f, f->polled, &f->polls_cap, f->open, sizeof(struct link *));
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
		l->busy = true;
		link_news(f, l);
		l->busy = false;
		if (!open && !f->failed && l->conn != NULL)
			link_broke(f, l);
	}
}

void links_free(struct fleet *f)
{
	while (f->links != NULL) {
		struct link *next = f->links->next;
		link_close(f, f->links);
		f->links->device->link = NULL;
		free(f->links->by_id);
		free(f->links->queue);
		free(f->links);
		f->links = next;
	}
}
