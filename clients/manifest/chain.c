/*
 * Owns what is known of a manifest's custody when its next step is signed: its head, and what there is of
 * each line to be moved, returned or treated. Only a help for filling in: the server judges.
 */
#include <stdio.h>

#include "core/credit_code.h"
#include "manifest/act.h"
#include "manifest/print.h"

static struct line_quantity *slot(struct chain *c, uint32_t line)
{
	return line >= 1 && line <= MAX_LINES ? &c->here[line - 1] : NULL;
}

static void take_transfer(struct chain *c, const struct transfer *t)
{
	for (size_t i = 0; i < t->lines_n; i++) {
		struct line_quantity *q = slot(c, t->lines[i].line);
		if (q != NULL)
			*q = t->lines[i];
	}
	if (t->leg != RETURN_BACK && !party_ref_is_absent(&t->to) &&
	    !party_ref_eq(&t->to, &c->issued.facility))
		c->carrier = t->to;
}

static void take_received(struct chain *c, const struct received *r)
{
	c->received = true;
	for (size_t i = 0; i < r->lines_n; i++) {
		const struct line_decision *d = &r->lines[i];
		if (d->line < 1 || d->line > MAX_LINES)
			continue;
		struct kept_line *k = &c->kept[d->line - 1];
		k->accepted = d->accepted;
		k->refused = d->refused;
		k->method = d->method;
	}
}

static void take_treated(struct chain *c, const struct treated *t)
{
	for (size_t i = 0; i < t->lines_n; i++) {
		if (t->lines[i].line < 1 || t->lines[i].line > MAX_LINES)
			continue;
		struct kept_line *k = &c->kept[t->lines[i].line - 1];
		k->treated.grams += t->lines[i].grams;
		k->treated.containers += t->lines[i].containers;
	}
}

void chain_apply(struct chain *c, const struct event *e)
{
	if (!event_is_custody(e->kind))
		return;
	c->head = e->id;
	c->last = *e;
	switch ((int)e->kind) {
	case EVENT_ISSUED:
		c->issued = e->issued;
		c->carrier = e->issued.transporter;
		c->lines_n = e->issued.lines_n < MAX_LINES ? e->issued.lines_n : MAX_LINES;
		for (size_t i = 0; i < c->lines_n; i++)
			c->here[i] = (struct line_quantity){.line = e->issued.lines[i].line,
							    .grams = e->issued.lines[i].grams,
							    .containers = e->issued.lines[i].containers};
		return;
	case EVENT_LOADED:
	case EVENT_HANDED_OVER:
	case EVENT_DELIVERED:
	case EVENT_RETURNED: take_transfer(c, &e->transfer); return;
	case EVENT_ATTESTED: take_transfer(c, &e->attested.transfer); return;
	case EVENT_RECEIVED: take_received(c, &e->received); return;
	default: take_treated(c, &e->treated); return;
	}
}

static bool from_files(struct app *app, const struct order *order, uint64_t number, struct chain *c,
		       int *ret_status)
{
	for (size_t i = 0; i < order->after_n; i++) {
		struct event_file file;
		struct mft_signed s;
		if (!act_read(app, order->after[i], &file, &s, ret_status))
			return false;
		if (s.event.number == number)
			chain_apply(c, &s.event);
	}
	return true;
}

static bool from_entry(struct app *app, struct span entry, uint64_t number, struct chain *c)
{
	struct problems problems = {.arena = app->arena};
	struct log_entry e;
	struct mft_signed s;
	struct span copy = arena_copy(app->arena, entry);

	if (copy.p == NULL || !log_entry_decode(copy, &e) ||
	    !mft_signed_read(e.envelope, app->arena, &problems, &s))
		return false;
	if (s.event.number == number)
		chain_apply(c, &s.event);
	return true;
}

static bool from_server(struct app *app, const struct command *command, uint64_t number, struct chain *c,
			int *ret_status)
{
	const struct query query = {.kind = QUERY_TRAIL, .numbers = &number, .numbers_n = 1};
	struct mft_news news = {.last = false};

	if (!app_connect(app, command->role, ret_status))
		return false;
	uint64_t id = mft_client_ask(app->client, &query);
	while (id != 0 && !(news.id == id && news.last)) {
		if (!mft_client_next(app->client, -1, &news)) {
			id = 0;
			break;
		}
		if (news.id != id)
			continue;
		if (news.kind == MFT_REFUSED) {
			*ret_status = app_refused(app, &news.refusal);
			return false;
		}
		if (news.answer.kind == ANSWER_ENTRY &&
		    !from_entry(app, news.answer.entry.entry, number, c)) {
			*ret_status = app_usage(app, "an entry cannot be read", "无法读取记录", NULL);
			return false;
		}
	}
	if (id == 0)
		*ret_status = app_client_failed(app);
	return id != 0;
}

bool chain_load(struct app *app, const struct command *command, const struct order *order, uint64_t number,
		struct chain *ret_chain, int *ret_status)
{
	bool good = order->after_n > 0 ? from_files(app, order, number, ret_chain, ret_status)
				       : from_server(app, command, number, ret_chain, ret_status);

	if (good && ret_chain->issued.lines_n == 0) {
		*ret_status =
		    app_usage(app, "the manifest's first event (issued) is not among what was given",
			      "所给内容中没有该联单的开具事件", text_number(app, number));
		return false;
	}
	return good;
}
