/*
 * Owns the frames that wait to be believed. A frame is proved under its own checkpoint; what is missing is
 * that this checkpoint and the newest known one are of one history. A round asks for the proofs from each of
 * them to the largest: both sizes are named, so that it does not matter how the log grows meanwhile.
 */
#include "libmanifest/session_internal.h"

#include <stdlib.h>

bool hold(struct mft_session *s, struct request *r, struct span frame, const struct mft_place *at)
{
	struct held *h = malloc(sizeof(*h) + frame.n);

	if (h == NULL)
		return false;
	*h = (struct held){.id = r->id, .n = frame.n, .at = *at};
	memcpy(h->bytes, frame.p, frame.n);
	*s->last = h;
	s->last = &h->next;
	r->held++;
	return true;
}

static bool stands_behind(const struct mft_session *s, const struct held *h)
{
	for (const struct held *before = s->first; before != h; before = before->next)
		if (before->id == h->id)
			return true;
	return false;
}

struct held *held_take(struct mft_session *s)
{
	for (struct held **at = &s->first; *at != NULL; at = &(*at)->next) {
		struct held *h = *at;
		if (h->at.size != 0 && mft_view_knows(s->config.view, &h->at) != LOG_HOLDS)
			continue;
		if (stands_behind(s, h))
			continue;
		*at = h->next;
		if (s->last == &h->next)
			s->last = at;
		h->next = NULL;
		return h;
	}
	return NULL;
}

bool settle_place(struct mft_session *s, const struct mft_place *place, bool *ret_known)
{
	enum log_failure known = mft_view_knows(s->config.view, place);

	if (known == LOG_NOT_CONSISTENT)
		return false;
	*ret_known = known == LOG_HOLDS;
	return true;
}

static bool ask(struct mft_session *s, const struct mft_place *from, uint64_t to_size)
{
	struct frame f = {.kind = FRAME_QUERY,
			  .query = {.kind = QUERY_CHECKPOINT, .size = from->size, .to_size = to_size}};
	struct request *r = session_ask(s, FOR_LINK, &f);

	if (r == NULL)
		return false;
	r->from = *from;
	r->to_size = to_size;
	s->round.open++;
	return true;
}

static struct mft_place newest(const struct mft_session *s)
{
	const struct checkpoint_ref seen = mft_view_seen(s->config.view);

	return (struct mft_place){.size = seen.size, .root = seen.root};
}

/* Held frames come in the order of their checkpoints, nearly: neighbours are what is asked twice. */
static bool asked_already(const struct mft_session *s, const struct held *h)
{
	for (const struct held *before = s->first; before != h; before = before->next)
		if (before->at.size == h->at.size)
			return true;
	return false;
}

/* From all that wait, and from the newest known place, to the largest of them. */
static bool ask_for_held(struct mft_session *s, const struct mft_place *begin, uint64_t to_size)
{
	bool good = begin->size == to_size || ask(s, begin, to_size);

	for (struct held *h = s->first; h != NULL && good; h = h->next)
		if (h->at.size != 0 && h->at.size != to_size && !asked_already(s, h))
			good = ask(s, &h->at, to_size);
	return good;
}

void settle_start(struct mft_session *s)
{
	const struct mft_place begin = newest(s);
	uint64_t to_size = begin.size;
	bool waiting = false;

	if (s->round.open > 0 || s->stage != READY)
		return;
	for (const struct held *h = s->first; h != NULL; h = h->next) {
		waiting = waiting || h->at.size != 0;
		to_size = h->at.size > to_size ? h->at.size : to_size;
	}
	if (!waiting && !s->settle)
		return;
	s->round.links_n = 0;
	s->round.latest = !waiting;
	if (!(waiting ? ask_for_held(s, &begin, to_size) : ask(s, &begin, 0)))
		session_break_protocol(s, "out of memory");
}

/* What a round showed about a place that waits. */
static bool follow_links(struct mft_session *s, struct mft_place *at)
{
	enum log_failure known = mft_view_knows(s->config.view, at);

	for (size_t i = 0; i < s->round.links_n && known == LOG_KEY_MISSING; i++) {
		const struct link *link = &s->round.links[i];
		if (link->from.size != at->size || !digest_eq(&link->from.root, &at->root))
			continue;
		known = mft_view_knows(s->config.view, &link->to);
		if (known == LOG_HOLDS)
			mft_view_learn(s->config.view, at);
		else
			*at = link->to;
	}
	return known != LOG_NOT_CONSISTENT;
}

static void round_end(struct mft_session *s)
{
	for (struct held *h = s->first; h != NULL; h = h->next) {
		if (h->at.size != 0 && !follow_links(s, &h->at)) {
			session_break_log(s, LOG_NOT_CONSISTENT, span_of(h->bytes, h->n));
			return;
		}
	}
	if (s->round.latest) {
		s->settled = s->settle;
		s->settle = false;
	}
}

static bool link_put(struct round *round, const struct link *link)
{
	if (round->links_n == round->links_cap) {
		size_t cap = 2 * round->links_cap + 8;
		struct link *grown = realloc(round->links, cap * sizeof(*grown));
		if (grown == NULL)
			return false;
		round->links = grown;
		round->links_cap = cap;
	}
	round->links[round->links_n++] = *link;
	return true;
}

void settle_answer(struct mft_session *s, const struct request *r, const struct checkpoint_view *answer)
{
	struct mft_view *view = s->config.view;
	struct link link = {.from = r->from};
	enum log_failure failure = mft_view_link(view, &link.from, answer->checkpoint, answer->consistency,
						 answer->consistency_n, &link.to);

	if (failure == LOG_HOLDS && (r->to_size == 0 ? link.to.size < r->floor : link.to.size != r->to_size))
		failure = LOG_WENT_BACK;
	/* What continues a known place is known; a place without anything before it is the first there is. */
	if (failure == LOG_HOLDS &&
	    (link.from.size == 0 ? newest(s).size == 0 : mft_view_knows(view, &link.from) == LOG_HOLDS)) {
		failure =
		    mft_view_knows(view, &link.to) == LOG_NOT_CONSISTENT ? LOG_NOT_CONSISTENT : LOG_HOLDS;
		if (failure == LOG_HOLDS && !mft_view_advance(view, answer->checkpoint, &link.to)) {
			session_break_protocol(s, "out of memory");
			return;
		}
	}
	if (failure != LOG_HOLDS) {
		session_break_log(s, failure, answer->checkpoint);
		return;
	}
	if (!link_put(&s->round, &link)) {
		session_break_protocol(s, "out of memory");
		return;
	}
	s->round.open--;
	if (s->round.open == 0)
		round_end(s);
}
