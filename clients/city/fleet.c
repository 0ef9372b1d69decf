/* Owns the order in which things are signed and brought, and what is made of the answers. */
#include "city/fleet_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "city/signing.h"

enum { TRIES_MAX = 20 };

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

void fleet_fail(struct fleet *f, const char *detail)
{
	if (!f->failed)
		mft_fail(&f->failure, MFT_FAULT_LOCAL, "city", "the city cannot go on", "城市演示无法继续",
			 detail);
	f->failed = true;
}

void *fleet_grow(struct fleet *f, void *items, size_t *cap, size_t least, size_t size)
{
	if (least <= *cap)
		return items;
	size_t n = *cap == 0 ? 64 : *cap;
	while (n < least)
		n *= 2;
	void *grown = realloc(items, n * size);
	if (grown == NULL) {
		fleet_fail(f, "out of memory");
		return items;
	}
	memset((uint8_t *)grown + *cap * size, 0, (n - *cap) * size);
	*cap = n;
	return grown;
}

/* ---- sending ---- */

static bool answered(const struct step *s)
{
	return s->state == ACCEPTED || s->state == REFUSED;
}

/* What must be answered before the step is brought; NULL: nothing. */
static struct step *awaited(const struct step *s)
{
	struct step *p = s->previous;

	if (s->after != NULL && !answered(s->after))
		return s->after;
	if (p == NULL || answered(p) || (s->twist == EARLY && !s->told_early))
		return NULL;
	/* On one connection the order is kept. */
	return p->state == SENT && p->courier == s->courier ? NULL : p;
}

static void bring_step(struct fleet *f, struct step *s)
{
	struct step *first = awaited(s);

	if (first == NULL) {
		links_bring(f, s);
		return;
	}
	s->state = WAITING;
	s->next = first->waits;
	first->waits = s;
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
		fleet_fail(f, "the server put an event off again and again");
		return;
	}
	f->sleepers = fleet_grow(f, f->sleepers, &f->sleepers_cap, f->sleepers_n + 1, sizeof(*f->sleepers));
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

void fleet_accepted(struct fleet *f, struct step *s, const struct mft_news *news)
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

void fleet_refused(struct fleet *f, struct step *s, const struct refusal *r)
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

/* ---- the loop ---- */

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
				fleet_fail(f, "an event could not be signed");
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
		links_turn(f, f->sleepers_n > 0 ? 2 : 200);
		wake_sleepers(f);
		uint64_t now =
		    f->tally->receipts + f->tally->refused_n + f->tally->put_off + f->tally->told_early;
		if (now != answers)
			silent_since = monotonic_now();
		else if (monotonic_now() - silent_since > 30 * MICROS_PER_SECOND)
			fleet_fail(f, "the server has not answered for 30 seconds");
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
		fleet_fail(f, "out of memory");
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

void fleet_free(struct fleet *f)
{
	if (f == NULL)
		return;
	links_free(f);
	mft_tls_free(f->tls);
	free(f->polls);
	free(f->polled);
	free(f->sleepers);
	free(f);
}

size_t fleet_surprises(const struct fleet *f)
{
	return f->surprises;
}

size_t fleet_connections(const struct fleet *f)
{
	return f->most;
}
