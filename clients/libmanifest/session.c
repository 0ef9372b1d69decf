/*
 * Owns the protocol's order: challenge, hello, welcome, then requests and their answers by id. Whatever the
 * server sends that is out of order, unasked or unproved ends the session.
 */
#include "libmanifest/session_internal.h"

#include <stdlib.h>

enum { NEWS_MEMORY = 1024 * 1024 };

struct mft_session *mft_session_new(const struct mft_session_config *config, const struct digest *binding)
{
	struct mft_session *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->config = *config;
	s->binding = *binding;
	s->next_id = 1;
	s->last = &s->first;
	const struct public_key public = key_public(&config->secret);
	s->keyid = key_id(&public);
	return s;
}

void mft_session_free(struct mft_session *s)
{
	if (s == NULL)
		return;
	while (s->first != NULL) {
		struct held *next = s->first->next;
		free(s->first);
		s->first = next;
	}
	free(s->round.links);
	free(s->requests);
	buffer_free(&s->in);
	buffer_free(&s->out);
	buffer_free(&s->evidence);
	arena_free(s->arena);
	secret_key_wipe(&s->config.secret);
	free(s);
}

bool mft_session_input(struct mft_session *s, struct span bytes)
{
	buffer_put_span(&s->in, bytes);
	return buffer_ok(&s->in);
}

struct buffer *mft_session_output(struct mft_session *s)
{
	return &s->out;
}

size_t mft_session_under_way(const struct mft_session *s)
{
	return s->under_way;
}

/* ---- the end ---- */

void session_break(struct mft_session *s, struct mft_failure failure, struct span evidence)
{
	if (s->stage == OVER)
		return;
	s->stage = OVER;
	buffer_put_span(&s->evidence, evidence);
	s->broken = (struct mft_news){.kind = MFT_BROKEN, .last = true};
	s->broken.failure = failure;
	s->broken.evidence = buffer_span(&s->evidence);
}

void session_break_log(struct mft_session *s, enum log_failure failure, struct span evidence)
{
	struct mft_failure f;

	mft_fail_log(&f, failure, NULL);
	session_break(s, f, evidence);
}

void session_break_protocol(struct mft_session *s, const char *detail)
{
	struct mft_failure f;

	mft_fail(&f, MFT_FAULT_PROTOCOL, "protocol", "the server does not keep the protocol",
		 "服务器不遵守协议", detail);
	session_break(s, f, span_str(""));
}

/* ---- requests ---- */

static struct request *request_find(const struct mft_session *s, uint64_t id)
{
	struct request *r = s->requests_cap == 0 ? NULL : &s->requests[id & (s->requests_cap - 1)];

	return r != NULL && r->purpose != FREE && r->id == id ? r : NULL;
}

/* Ids that are under way lie close together: a ring twice as large ends every collision sooner or later. */
static bool requests_grow(struct mft_session *s)
{
	size_t cap = s->requests_cap == 0 ? 8 : 2 * s->requests_cap;
	struct request *grown = calloc(cap, sizeof(*grown));

	if (grown == NULL)
		return false;
	for (size_t i = 0; i < s->requests_cap; i++)
		if (s->requests[i].purpose != FREE)
			grown[s->requests[i].id & (cap - 1)] = s->requests[i];
	free(s->requests);
	s->requests = grown;
	s->requests_cap = cap;
	return true;
}

struct request *session_ask(struct mft_session *s, enum request_purpose purpose, struct frame *frame)
{
	frame->id = s->next_id;
	frame->last = true;
	while (s->requests_cap == 0 || s->requests[frame->id & (s->requests_cap - 1)].purpose != FREE)
		if (!requests_grow(s))
			return NULL;
	if (!frame_encode(frame, &s->out))
		return NULL;
	struct request *r = &s->requests[frame->id & (s->requests_cap - 1)];
	*r = (struct request){.purpose = purpose, .id = frame->id, .floor = mft_view_size(s->config.view)};
	s->next_id++;
	s->under_way += purpose == FOR_EVENT || purpose == FOR_QUERY;
	return r;
}

static void request_end(struct mft_session *s, struct request *r)
{
	s->under_way -= r->purpose == FOR_EVENT || r->purpose == FOR_QUERY;
	r->purpose = FREE;
}

uint64_t mft_session_submit(struct mft_session *s, struct span envelope)
{
	struct frame f = {.kind = FRAME_SUBMIT, .submit = envelope};
	struct request *r =
	    s->stage == READY && envelope.n <= ENVELOPE_MAX ? session_ask(s, FOR_EVENT, &f) : NULL;

	if (r == NULL)
		return 0;
	r->envelope = digest_of(envelope);
	return r->id;
}

uint64_t mft_session_query(struct mft_session *s, const struct query *query)
{
	struct frame f = {.kind = FRAME_QUERY, .query = *query};
	struct request *r = s->stage == READY ? session_ask(s, FOR_QUERY, &f) : NULL;

	if (r == NULL)
		return 0;
	r->query = query->kind;
	return r->id;
}

bool mft_session_settle(struct mft_session *s)
{
	if (s->stage != READY)
		return false;
	s->settle = true;
	settle_start(s);
	return s->stage == READY;
}

/* ---- answers ---- */

/* What a frame leads to. */
enum outcome { TELL, TELL_LATER, SILENT };

/* What each kind of query may be answered with, besides the end of a sequence. */
static const enum answer_kind answer_kinds[] = {
    [QUERY_FLAGS] = ANSWER_FLAG,
    [QUERY_TRAIL] = ANSWER_ENTRY,
    [QUERY_SEARCH] = ANSWER_MANIFEST,
    [QUERY_SUMMARY] = ANSWER_SUMMARY,
    [QUERY_CHECKPOINT] = ANSWER_CHECKPOINT,
    [QUERY_ENTRY] = ANSWER_ENTRY,
    [QUERY_BLOCKS] = ANSWER_BLOCK,
    [QUERY_TOKEN] = ANSWER_TOKEN,
    [QUERY_WATCH] = ANSWER_END,
};

/* Tells a frame that is proved under a checkpoint now, or when the checkpoint is known to be of our history.
 */
static enum outcome when_known(struct mft_session *s, struct request *r, struct span bytes,
			       const struct mft_place *place)
{
	bool known = false;

	/* What was accepted long ago may be proved under an older checkpoint, which has more cosignatures. */
	if (place->size < r->floor && !(r->purpose == FOR_QUERY && answer_kinds[r->query] == ANSWER_ENTRY)) {
		session_break_log(s, LOG_WENT_BACK, bytes);
		return SILENT;
	}
	if (!settle_place(s, place, &known)) {
		session_break_log(s, LOG_NOT_CONSISTENT, bytes);
		return SILENT;
	}
	if ((known || s->config.settle_later) && r->held == 0)
		return TELL;
	if (hold(s, r, bytes, place))
		return TELL_LATER;
	session_break_protocol(s, "out of memory");
	return SILENT;
}

static enum outcome take_welcome(struct mft_session *s, struct request *r, struct span bytes,
				 const struct welcome *welcome)
{
	struct mft_view *view = s->config.view;
	struct mft_place place;
	enum log_failure failure = mft_view_link(view, &r->from, welcome->checkpoint, welcome->consistency,
						 welcome->consistency_n, &place);

	if (failure != LOG_HOLDS) {
		session_break_log(s, failure, welcome->checkpoint);
		return SILENT;
	}
	s->stage = READY;
	bool follows = r->from.size > 0 || mft_view_size(view) == 0;
	if (follows && mft_view_knows(view, &place) == LOG_KEY_MISSING &&
	    !mft_view_advance(view, welcome->checkpoint, &place)) {
		session_break_protocol(s, "out of memory");
		return SILENT;
	}
	return when_known(s, r, bytes, &place);
}

static enum outcome take_receipt(struct mft_session *s, struct request *r, struct span bytes,
				 const struct receipt *receipt)
{
	struct log_entry entry;
	struct mft_place place;
	struct mft_failure f;
	uint64_t index = 0;

	if (!log_entry_decode(receipt->entry, &entry)) {
		session_break_protocol(s, "the entry of a receipt cannot be read");
		return SILENT;
	}
	if (r->purpose == FOR_EVENT) {
		const struct digest got = digest_of(entry.envelope);
		if (!digest_eq(&got, &r->envelope)) {
			mft_fail(&f, MFT_FAULT_DISPROVED, "receipt.other_entry",
				 "the receipt is for another event than the one that was sent",
				 "回执所载的事件不是所发送的事件", NULL);
			session_break(s, f, bytes);
			return SILENT;
		}
	}
	enum log_failure failure =
	    mft_view_receipt(s->config.view, receipt->proof, receipt->entry, &index, &place);
	if (failure == LOG_HOLDS && index != receipt->index)
		failure = LOG_INDEX_OUTSIDE;
	if (failure != LOG_HOLDS) {
		session_break_log(s, failure, bytes);
		return SILENT;
	}
	return when_known(s, r, bytes, &place);
}

static enum outcome take_answer(struct mft_session *s, struct request *r, struct span bytes,
				const struct frame *frame)
{
	const struct answer *answer = &frame->answer;
	const struct mft_place nowhere = {0};
	enum query_kind query = r->purpose == FOR_LINK ? QUERY_CHECKPOINT : r->query;
	bool end = answer->kind == ANSWER_END && frame->last;

	if ((answer->kind != answer_kinds[query] && !end) || (answer->kind == ANSWER_END && !frame->last)) {
		session_break_protocol(s, "an answer that does not belong to the question");
		return SILENT;
	}
	if (r->purpose == FOR_LINK) {
		const struct request asked = *r;
		request_end(s, r);
		settle_answer(s, &asked, &answer->checkpoint);
		return SILENT;
	}
	if (answer->kind == ANSWER_ENTRY)
		return take_receipt(s, r, bytes, &answer->entry);
	if (answer->kind == ANSWER_CHECKPOINT) {
		struct mft_place place;
		enum log_failure failure =
		    mft_view_link(s->config.view, &nowhere, answer->checkpoint.checkpoint, NULL, 0, &place);
		if (failure == LOG_HOLDS)
			return when_known(s, r, bytes, &place);
		session_break_log(s, failure, answer->checkpoint.checkpoint);
		return SILENT;
	}
	if (r->held == 0)
		return TELL;
	if (!hold(s, r, bytes, &nowhere))
		session_break_protocol(s, "out of memory");
	return TELL_LATER;
}

static void tell(struct mft_session *s, const struct frame *f, struct mft_news *ret_news)
{
	struct mft_news news = {.id = f->id, .last = f->last, .settled = !s->config.settle_later};
	struct request *r = request_find(s, f->id);
	struct log_entry entry;

	switch (f->kind) {
	case FRAME_WELCOME:
		news.kind = MFT_WELCOME;
		news.welcome = f->welcome;
		break;
	case FRAME_RECEIPT:
		news.kind = MFT_ACCEPTED;
		news.receipt = f->receipt;
		if (log_entry_decode(f->receipt.entry, &entry))
			news.accepted_at = entry.accepted_at;
		break;
	case FRAME_REFUSAL:
		news.kind = MFT_REFUSED;
		news.refusal = f->refusal;
		if (r == NULL || r->purpose == FOR_HELLO)
			news.id = 0;
		break;
	case FRAME_ANSWER:
		news.kind = MFT_ANSWER;
		news.answer = f->answer;
		break;
	default:
		news.kind = MFT_PUSHED;
		news.pushed = f->push;
		break;
	}
	if (r != NULL && f->last)
		request_end(s, r);
	*ret_news = news;
}

/* A refusal ends its request; of the hello, or of a question of our own, it ends the session. */
static enum outcome take_refusal(struct mft_session *s, const struct request *r, const struct frame *f)
{
	if (!f->last) {
		session_break_protocol(s, "a refusal that is not the last answer");
		return SILENT;
	}
	if (r != NULL && r->purpose == FOR_LINK) {
		session_break_protocol(s, "it does not show that its history is consistent");
		return SILENT;
	}
	return TELL;
}

static enum outcome take(struct mft_session *s, struct span bytes, const struct frame *f)
{
	struct request *r = f->id == 0 ? NULL : request_find(s, f->id);

	if (s->stage == WAITS_FOR_CHALLENGE) {
		if (f->kind == FRAME_CHALLENGE)
			session_greet(s, &f->challenge);
		else
			session_break_protocol(s, "it did not begin with a challenge");
		return SILENT;
	}
	if (f->kind == FRAME_PUSH && s->stage == READY)
		return TELL;
	if (f->kind == FRAME_PING) {
		const struct frame pong = {.id = f->id, .last = true, .kind = FRAME_PING};
		if (!f->last && !frame_encode(&pong, &s->out))
			session_break_protocol(s, "out of memory");
		return SILENT;
	}
	if (f->kind == FRAME_REFUSAL && (r != NULL || f->id == 0))
		return take_refusal(s, r, f);
	if (r != NULL && r->purpose == FOR_HELLO && f->kind == FRAME_WELCOME && f->last)
		return take_welcome(s, r, bytes, &f->welcome);
	if (r != NULL && r->purpose == FOR_EVENT && f->kind == FRAME_RECEIPT && f->last)
		return take_receipt(s, r, bytes, &f->receipt);
	if (r != NULL && (r->purpose == FOR_QUERY || r->purpose == FOR_LINK) && f->kind == FRAME_ANSWER)
		return take_answer(s, r, bytes, f);
	session_break_protocol(s, "a message that was not asked for");
	return SILENT;
}

static bool decode(struct mft_session *s, struct span bytes, struct frame *ret_frame)
{
	struct problems problems = {.arena = s->arena};

	if (frame_decode(bytes, s->arena, &problems, ret_frame))
		return true;
	session_break_protocol(s, problems.first != NULL ? problems.first->rule->en
							 : "a frame that cannot be read");
	return false;
}

/* Of the frames that wait; false: none may be told. */
static bool tell_held(struct mft_session *s, struct mft_news *ret_news)
{
	struct held *h = held_take(s);
	struct frame f;

	if (h == NULL)
		return false;
	struct request *r = request_find(s, h->id);
	if (r != NULL)
		r->held--;
	bool good = decode(s, span_of(h->bytes, h->n), &f);
	free(h);
	if (good)
		tell(s, &f, ret_news);
	return good;
}

/* Of what has arrived; false: nothing more to tell. */
static bool tell_arrived(struct mft_session *s, struct mft_news *ret_news)
{
	struct span arrived = span_of(s->in.p + s->read, s->in.n - s->read);
	struct span bytes;
	struct frame f;
	size_t need;

	switch (frame_next(arrived, &bytes, &need)) {
	case FRAME_MORE: return false;
	case FRAME_BAD: session_break_protocol(s, "a frame of impossible length"); return false;
	case FRAME_HERE: break;
	}
	s->read += FRAME_HEAD + bytes.n;
	arena_reset(s->arena);
	if (decode(s, bytes, &f) && take(s, bytes, &f) == TELL)
		tell(s, &f, ret_news);
	return true;
}

void mft_session_next(struct mft_session *s, struct mft_news *ret_news)
{
	struct mft_news news = {.kind = MFT_NOTHING};

	if (s->arena == NULL)
		s->arena = arena_new(NEWS_MEMORY);
	if (s->arena == NULL)
		session_break_protocol(s, "out of memory");
	else
		arena_reset(s->arena);
	while (s->stage != OVER && news.kind == MFT_NOTHING) {
		if (tell_held(s, &news))
			break;
		if (s->settled) {
			s->settled = false;
			news.kind = MFT_SETTLED;
			break;
		}
		if (s->stage == OVER || !tell_arrived(s, &news))
			break;
	}
	if (news.kind == MFT_NOTHING && s->stage != OVER) {
		buffer_consume(&s->in, s->read);
		s->read = 0;
		settle_start(s);
	}
	*ret_news = s->stage == OVER && news.kind == MFT_NOTHING ? s->broken : news;
}
