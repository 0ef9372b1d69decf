/*
 * The server's own events: each must be what judging wants at its place. Judging asks for them through its
 * `sign` port, where the log's next entry is taken instead of being made; those that no member asks for are
 * explained by what the server does unasked.
 */
#include <inttypes.h>
#include <stdio.h>

#include "core/details.h"
#include "core/flags.h"
#include "core/words.h"
#include "replay/replay_internal.h"

bool replay_is_own(const struct event *e)
{
	return e->kind == EVENT_FLAG_RAISED || e->kind == EVENT_FLAG_CLEARED;
}

/* Whole characters, at most n bytes. */
static struct span beginning(struct span text, size_t n)
{
	if (text.n <= n)
		return text;
	while (n > 0 && (text.p[n] & 0xc0) == 0x80)
		n--;
	return span_of(text.p, n);
}

/* "overdue in transit, due 2026-..." */
static void describe(const struct event *e, bool zh, char *text, size_t size)
{
	const struct word *kind = word_of(flag_words, (int)e->flag_raised.kind);
	struct buffer detail = BUFFER_EMPTY;

	if (e->kind == EVENT_FLAG_CLEARED) {
		(void)snprintf(text, size, zh ? "解除预警 %" PRIu64 : "clears flag %" PRIu64,
			       e->flag_cleared.flag);
		return;
	}
	if (zh)
		detail_in_chinese(e->flag_raised.detail, &detail);
	else
		buffer_put_span(&detail, e->flag_raised.detail);
	(void)snprintf(text, size, zh ? "预警“%s” %.*s" : "flag \"%s\" %.*s", zh ? kind->zh : kind->en,
		       SPAN_ARG(beginning(buffer_span(&detail), 160)));
	buffer_free(&detail);
}

static void say(struct replay *r, const char *what, const struct event *e, uint64_t entry, const char *en,
		const char *zh)
{
	struct finding f = {.what = what, .table = "flag", .column = "", .entry = entry, .number = e->number};
	char text[240];

	(void)snprintf(f.key, sizeof(f.key), "%" PRIu64, entry);
	describe(e, false, text, sizeof(text));
	(void)snprintf(f.en, sizeof(f.en), "%s: %s", en, text);
	describe(e, true, text, sizeof(text));
	(void)snprintf(f.zh, sizeof(f.zh), "%s：%s", zh, text);
	r->findings++;
	r->ports.finding(r->ports.self, &f);
}

/* The same claim, though not in the same words. */
static bool same_claim(const struct event *a, const struct event *b)
{
	if (a->kind != b->kind || a->number != b->number)
		return false;
	if (a->kind == EVENT_FLAG_CLEARED)
		return a->flag_cleared.flag == b->flag_cleared.flag;
	return a->flag_raised.kind == b->flag_raised.kind &&
	       digest_eq(&a->flag_raised.keyid, &b->flag_raised.keyid) &&
	       digest_eq(&a->flag_raised.cause, &b->flag_raised.cause);
}

static bool encode(struct replay *r, const struct event *e)
{
	buffer_clear(&r->payload);
	return event_encode(e, &r->payload);
}

/* It is not in the log: what is judged next goes on without it. */
static bool is_missing(struct replay *r, struct event *e, struct span *ret_envelope)
{
	uint64_t at = r->items[0]->index + r->cursor;

	if (!r->missing) {
		r->missing = true;
		r->missing_at = at;
		say(r, "flag.missing", e, r->cursor > 0 ? at - 1 : at,
		    "by the law this event had a consequence that the log does not have",
		    "依规则该记录应产生日志中缺失的结果");
	}
	e->id = (struct digest){{0}};
	*ret_envelope = span_of("", 0);
	return true;
}

bool replay_sign(void *self, struct event *e, struct span *ret_envelope)
{
	struct replay *r = self;
	const struct replay_item *item = r->cursor < r->n ? r->items[r->cursor] : NULL;

	if (r->missing || item == NULL || !replay_is_own(&item->event))
		return is_missing(r, e, ret_envelope);
	const struct event *logged = &item->event;
	uint64_t wanted = e->signers[0].number;
	e->signers[0].seen = logged->signers[0].seen;
	e->signers[0].number = logged->signers[0].number;
	if (!encode(r, e))
		return false;
	bool same = span_eq(buffer_span(&r->payload), item->envelope.payload);
	if (!same && !same_claim(e, logged))
		return is_missing(r, e, ret_envelope);
	if (!same)
		say(r, "flag.unexplained", logged, item->index,
		    "this event of the server's says other than the law", "服务器的该记录与依规则所得不同");
	if (logged->signers[0].number != wanted)
		say(r, "rule", logged, item->index, "the server's own running number is not the next one",
		    "服务器自身的流水号不连续");
	if (item->entry.accepted_at != e->occurred_at)
		say(r, "entry.time", logged, item->index,
		    "the time of acceptance is not the one it was signed with", "接收时间与签署时间不一致");
	e->id = logged->id;
	r->cursor++;
	*ret_envelope = item->entry.envelope;
	return true;
}

/* ---- what the server does unasked ---- */

static bool deadline_passed(struct replay *r, const struct replay_item *item)
{
	const struct event *e = &item->event;
	micros due_at = e->flag_raised.due_at;

	if (due_at == 0 || due_at > item->entry.accepted_at)
		return true;
	judge_clock(r->judgement, item->entry.accepted_at - 1, due_at);
	return judge_sweep_manifest(r->judgement, e->number);
}

static bool numbers_missing(struct replay *r, const struct event *e)
{
	const struct key_record *key = registry_key(r->registry, &e->flag_raised.keyid);

	return key == NULL || judge_sweep_key(r->judgement, key->no);
}

/* The refused envelope is judged again. */
static bool fork_refused(struct replay *r, const struct replay_item *item)
{
	const struct event *e = &item->event;
	struct span bytes = {0};
	struct envelope *envelope = arena_alloc(r->arena, sizeof(*envelope));
	struct event *rival = arena_alloc(r->arena, sizeof(*rival));
	struct problems problems = {.arena = r->arena};
	struct verdict verdict;

	if (envelope == NULL || rival == NULL)
		return false;
	if (r->ports.evidence != NULL)
		r->result = r->ports.evidence(r->ports.self, item, r->arena, &bytes);
	if (r->result != STORE_OK)
		return false;
	struct digest sha256 = digest_of(bytes);
	if (bytes.n == 0 || !digest_eq(&sha256, &e->flag_raised.evidence_sha256))
		return judge_fork_flag(r->judgement, e);
	if (!envelope_decode(bytes, EVENT_PAYLOAD_TYPE, r->arena, &problems, envelope) ||
	    !envelope_event(envelope, r->arena, &problems, rival))
		return true;
	struct key_record *key = registry_key(r->registry, &rival->signers[0].keyid);
	if (key != NULL)
		key->evidence_n =
		    0; /* how many a day is between the device and a server that may start again */
	return judge_member(r->judgement, rival, bytes, &verdict);
}

static uint64_t number_of_flag(const struct replay *r, uint64_t flag)
{
	struct rows rows;

	for (size_t i = 0; i < r->loaded.flags_n; i++)
		if (r->loaded.flags[i].flag == flag)
			return r->loaded.flags[i].number;
	judge_rows(r->judgement, &rows);
	for (size_t i = 0; i < rows.flags_n; i++)
		if (rows.flags[i].raise && rows.flags[i].flag == flag)
			return rows.flags[i].number;
	return 0;
}

static bool raised(struct replay *r, const struct replay_item *item)
{
	switch (item->event.flag_raised.kind) {
	case FLAG_FORK: return fork_refused(r, item);
	case FLAG_NUMBER_GAP: return numbers_missing(r, &item->event);
	default: return deadline_passed(r, item);
	}
}

bool replay_explain(struct replay *r, const struct replay_item *item)
{
	const struct event *e = &item->event;
	const struct key_record *server = registry_server_key(r->registry);
	size_t before = r->cursor;
	bool ours = server != NULL && digest_eq(&e->signers[0].keyid, &server->keyid) && e->signers_n == 1;

	judge_clock(r->judgement, item->entry.accepted_at - 1, item->entry.accepted_at);
	if (ours && !(e->kind == EVENT_FLAG_RAISED
			  ? raised(r, item)
			  : judge_recompute(r->judgement, number_of_flag(r, e->flag_cleared.flag))))
		return false;
	if (r->cursor > before || r->missing)
		return true;
	say(r, "flag.unexplained", e, item->index, "nothing in the log explains this event of the server's",
	    "日志中没有任何记录可解释服务器的该记录");
	r->cursor++;
	r->cut = true;
	return true;
}
