/* Owns asking: the answers of one query, page after page, as a table or as JSON. */
#include "manifest/query.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "base/text.h"
#include "core/number.h"
#include "libmanifest/sign.h"
#include "manifest/event_text.h"
#include "manifest/jsontext.h"
#include "manifest/print.h"

int query_ask(struct app *app, enum role role, const struct query *query, query_take_fn take, void *self,
	      uint64_t *ret_next)
{
	struct mft_news news = {.last = false};
	int status = EXIT_DONE;

	*ret_next = 0;
	if (!app_connect(app, role, &status))
		return status;
	uint64_t id = mft_client_ask(app->client, query);
	if (id == 0)
		return app_client_failed(app);
	while (!(news.id == id && news.last)) {
		if (!mft_client_next(app->client, -1, &news))
			return app_client_failed(app);
		if (news.id != id)
			continue;
		if (news.kind == MFT_REFUSED)
			return app_refused(app, &news.refusal);
		if (news.answer.kind == ANSWER_END)
			*ret_next = news.answer.end.next;
		else if (!take(self, &news.answer))
			return app_no_memory(app);
	}
	return EXIT_DONE;
}

struct counted {
	query_take_fn take;
	void *self;
	size_t n;
};

static bool take_counted(void *self, const struct answer *answer)
{
	struct counted *c = self;

	c->n++;
	return c->take(c->self, answer);
}

/* All pages when --all was given, else up to the first that is not empty; says how to go on. */
static int ask_pages(struct app *app, const struct command *command, struct order *order, query_take_fn take,
		     void *self)
{
	struct counted counted = {take, self, 0};
	uint64_t next = 0;
	int status = query_ask(app, command->role, &order->query, take_counted, &counted, &next);

	while (status == EXIT_DONE && next != 0 && (order->everything || counted.n == 0)) {
		order->query.after = next;
		status = query_ask(app, command->role, &order->query, take_counted, &counted, &next);
	}
	app_set(app, "next", json_of_u64(next));
	order->query.after = next;
	return status;
}

static void say_more(struct app *app, const struct order *order)
{
	if (order->query.after != 0)
		app_say(app,
			T(app, "there is more: --after %" PRIu64 ", or --all",
			  "还有更多：--after %" PRIu64 " 或 --all"),
			order->query.after);
}

struct listing {
	struct app *app;
	struct table table;
	json_t *json;
	size_t n;
};

/* What the answer holds. */
static json_t *answer_part(const struct answer *answer, const char *name)
{
	json_t *whole = answer_json(answer);
	json_t *part = json_incref(json_object_get(whole, name));

	json_decref(whole);
	return part;
}

/* ---- flags ---- */

static bool take_flag(void *self, const struct answer *answer)
{
	struct listing *l = self;
	const struct flag_view *f = &answer->flag;
	const struct word *kind = word_of(flag_words, (int)f->kind);
	struct table *t = &l->table;

	l->n++;
	(void)json_array_append_new(l->json, flag_json(f));
	table_printf(t, "%" PRIu64, f->flag);
	table_put(t, T(l->app, kind->en, kind->zh));
	table_put(t, text_number(l->app, f->number));
	table_put(t, text_span(l->app, f->division));
	table_put(t, text_time(l->app, f->raised_at));
	table_printf(t, "%s%s", text_time(l->app, f->due_at), f->provisional ? "?" : "");
	table_put(t, f->open              ? T(l->app, "open", "未结")
		     : f->claimed_in_time ? T(l->app, "claimed in time", "称未逾期")
					  : T(l->app, "closed", "已结"));
	table_put(t, f->resolution.n > 0 ? text_span(l->app, f->resolution) : text_detail(l->app, f->detail));
	return true;
}

int query_flags_run(struct app *app, const struct command *command, struct order *order)
{
	static const char *const en[] = {">flag",    "what",  "manifest", "area", "raised (+08:00)",
					 "deadline", "state", "detail",   NULL};
	static const char *const zh[] = {">序号", "类别", "联单编号", "区划", "预警时间 (+08:00)",
					 "期限",  "状态", "详情",     NULL};
	struct listing l = {.app = app, .json = json_array()};

	l.table = table_begin(app, T(app, en, zh));
	order->query.kind = QUERY_FLAGS;
	int status = ask_pages(app, command, order, take_flag, &l);
	table_end(&l.table);
	app_set(app, "flags", l.json);
	if (status == EXIT_DONE && l.n == 0)
		app_say(app, T(app, "no flags", "没有预警"));
	say_more(app, order);
	return status;
}

/* ---- manifests ---- */

static bool take_manifest(void *self, const struct answer *answer)
{
	struct listing *l = self;
	const struct manifest_view *m = &answer->manifest;
	const struct word *state = word_of(state_words, m->state);
	struct table *t = &l->table;
	int64_t shipped = 0;
	int64_t accepted = 0;

	l->n++;
	for (size_t i = 0; i < m->lines_n; i++) {
		shipped +=
		    m->lines[i].shipped_grams != 0 ? m->lines[i].shipped_grams : m->lines[i].planned_grams;
		accepted += m->lines[i].accepted_grams;
	}
	(void)json_array_append_new(l->json, answer_part(answer, "manifest"));
	table_put(t, text_number(l->app, m->number));
	table_printf(t, "%s%s", T(l->app, state->en, state->zh),
		     m->cancelled ? T(l->app, " (cancelled)", "（作废）") : "");
	table_put(t, text_party(l->app, &m->generator));
	table_put(t, text_party(l->app, &m->facility));
	table_put(t, text_span(l->app, m->plate));
	table_put(t, text_grams(l->app, shipped));
	table_put(t, text_grams(l->app, accepted));
	table_put(t, text_time(l->app, m->issued_at));
	table_put(t, text_time(l->app, m->due_at));
	table_printf(t, "%" PRIu32, m->open_flags);
	return true;
}

static int list_manifests(struct app *app, const struct command *command, struct order *order)
{
	static const char *const en[] = {"manifest", "state",    "generator", "facility",
					 "plate",    ">shipped", ">accepted", "issued (+08:00)",
					 "deadline", ">flags",   NULL};
	static const char *const zh[] = {"联单编号", "状态",    "移出人",  "接受人",
					 "车牌",     ">转移量", ">接受量", "开具时间 (+08:00)",
					 "下一期限", ">预警",   NULL};
	struct listing l = {.app = app, .json = json_array()};

	l.table = table_begin(app, T(app, en, zh));
	order->query.kind = QUERY_SEARCH;
	int status = ask_pages(app, command, order, take_manifest, &l);
	table_end(&l.table);
	app_set(app, "manifests", l.json);
	if (status == EXIT_DONE && l.n == 0)
		app_say(app, T(app, "no manifests", "没有联单"));
	say_more(app, order);
	return status;
}

int query_search_run(struct app *app, const struct command *command, struct order *order)
{
	uint64_t *numbers = arena_array(app->arena, QUERY_NUMBERS_MAX, sizeof(*numbers));
	size_t n = order->query.numbers_n;

	if (numbers == NULL || n + order->files_n > QUERY_NUMBERS_MAX)
		return app_usage(app, "at most 200 numbers", "至多 200 个编号", NULL);
	if (n > 0)
		memcpy(numbers, order->query.numbers, n * sizeof(*numbers));
	for (size_t i = 0; i < order->files_n; i++)
		if (!manifest_number_parse(span_str(order->files[i]), &numbers[n++]))
			return app_usage(app, "not a manifest number", "不是联单编号", order->files[i]);
	order->query.numbers = numbers;
	order->query.numbers_n = n;
	return list_manifests(app, command, order);
}

/* ---- one answer ---- */

static bool take_summary(void *self, const struct answer *answer)
{
	struct listing *l = self;
	const struct summary_view *s = &answer->summary;
	struct app *app = l->app;

	app_set(app, "summary", answer_part(answer, "summary"));
	app_say(app, "%s%.*s%s  %s", paint(app, PAINT_STRONG), SPAN_ARG(s->party.name), paint(app, PAINT_END),
		text_party(app, &s->party.ref));
	static const char *const en[] = {"manifests", ">number", NULL};
	static const char *const zh[] = {"联单", ">数量", NULL};
	struct table t = table_begin(app, T(app, en, zh));
	for (int state = 1; state < (int)ARRAY_LEN(s->manifests); state++) {
		const struct word *w = word_of(state_words, state);
		if (s->manifests[state] == 0)
			continue;
		table_put(&t, T(app, w->en, w->zh));
		table_printf(&t, "%" PRIu64, s->manifests[state]);
	}
	table_end(&t);
	app_say(app, "%s %" PRIu64, T(app, "open flags", "未结预警"), s->open_flags);
	app_say(
	    app, "%s %s, %s %s, %s %s, %s %s", T(app, "shipped", "移出"), text_grams(app, s->shipped_grams),
	    T(app, "received", "接受"), text_grams(app, s->received_grams), T(app, "treated", "利用处置"),
	    text_grams(app, s->treated_grams), T(app, "in stock", "库存"), text_grams(app, s->stock_grams));
	return true;
}

int query_summary_run(struct app *app, const struct command *command, struct order *order)
{
	struct listing l = {.app = app};
	uint64_t next = 0;

	order->query.kind = QUERY_SUMMARY;
	return query_ask(app, command->role, &order->query, take_summary, &l, &next);
}

/* The session has verified its proof: the answer is in the log. */
static bool take_entry(void *self, const struct answer *answer)
{
	struct app *app = self;
	struct problems problems = {.arena = app->arena};
	struct span copy = arena_copy(app->arena, answer->entry.entry);
	struct log_entry entry;
	struct mft_signed s;

	if (copy.p == NULL || !log_entry_decode(copy, &entry) ||
	    !mft_signed_read(entry.envelope, app->arena, &problems, &s))
		return false;
	app_say(app, T(app, "entry %" PRIu64 ", accepted %s +08:00", "序号 %" PRIu64 "，接受于 %s +08:00"),
		answer->entry.index, text_time(app, entry.accepted_at));
	event_say(app, &s.event);
	app_set(app, "index", json_of_u64(answer->entry.index));
	app_set(app, "accepted_at", json_of_i64(entry.accepted_at));
	app_set(app, "event", event_json(&s.event));
	app_set(app, "entry", json_of_base64(answer->entry.entry));
	app_set(app, "proof", json_of_span(answer->entry.proof));
	return true;
}

int query_entry_run(struct app *app, const struct command *command, struct order *order)
{
	uint64_t next = 0;

	order->query.kind = QUERY_ENTRY;
	if (order->files_n != 1 || !decimal_parse(span_str(order->files[0]), &order->query.index))
		return app_usage(app, "one entry's index, as receipts and flags name it",
				 "须给出一条记录的序号", order->files_n > 0 ? order->files[0] : NULL);
	return query_ask(app, command->role, &order->query, take_entry, app, &next);
}

static bool take_block(void *self, const struct answer *answer)
{
	struct listing *l = self;
	const struct block_view *b = &answer->block;

	(void)json_array_append_new(l->json, answer_part(answer, "block"));
	table_put(&l->table, text_number(l->app, b->first));
	table_put(&l->table, text_number(l->app, b->last));
	table_printf(&l->table, "%" PRIu32, b->used);
	table_put(&l->table, text_number(l->app, b->next));
	return true;
}

int query_blocks_run(struct app *app, const struct command *command, struct order *order)
{
	static const char *const en[] = {"first", "last", ">used", "next free", NULL};
	static const char *const zh[] = {"首号", "末号", ">已用", "下一可用号", NULL};
	struct listing l = {.app = app, .json = json_array()};
	uint64_t next = 0;

	l.table = table_begin(app, T(app, en, zh));
	order->query.kind = QUERY_BLOCKS;
	int status = query_ask(app, command->role, &order->query, take_block, &l, &next);
	table_end(&l.table);
	app_set(app, "blocks", l.json);
	return status;
}

static bool take_token(void *self, const struct answer *answer)
{
	struct app *app = self;

	app_say(app, "%.*s", SPAN_ARG(answer->token.token));
	app_set(app, "token", json_of_span(answer->token.token));
	app_set(app, "expires_at", json_of_i64(answer->token.expires_at));
	return true;
}

int query_token_run(struct app *app, const struct command *command, struct order *order)
{
	uint64_t next = 0;

	order->query.kind = QUERY_TOKEN;
	if (order->query.seconds == 0)
		order->query.seconds = 3600;
	return query_ask(app, command->role, &order->query, take_token, app, &next);
}

static bool take_checkpoint(void *self, const struct answer *answer)
{
	struct app *app = self;

	app_say(app, "%.*s", SPAN_ARG(answer->checkpoint.checkpoint));
	app_set(app, "checkpoint", json_of_span(answer->checkpoint.checkpoint));
	return true;
}

int query_checkpoint_run(struct app *app, const struct command *command, struct order *order)
{
	uint64_t next = 0;

	order->query.kind = QUERY_CHECKPOINT;
	return query_ask(app, command->role, &order->query, take_checkpoint, app, &next);
}

/* ---- watching ---- */

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
	(void)signal_number;
	interrupted = 1;
}

static void say_push(struct app *app, const struct flag_view *f)
{
	const struct word *kind = word_of(flag_words, (int)f->kind);

	if (app->json) {
		json_t *value = flag_json(f);
		(void)json_dumpf(value, stdout, JSON_COMPACT);
		(void)putchar('\n');
		json_decref(value);
	} else {
		app_say(app, "%s  %s%s%s  %s  %s", text_time(app, f->raised_at), paint(app, PAINT_WARN),
			T(app, kind->en, kind->zh), paint(app, PAINT_END), text_number(app, f->number),
			text_detail(app, f->detail));
	}
	(void)fflush(stdout);
}

static bool take_nothing(void *self, const struct answer *answer)
{
	(void)self;
	(void)answer;
	return true;
}

/* Until interrupted; with --json one object a line. */
int query_watch_run(struct app *app, const struct command *command, struct order *order)
{
	struct sigaction action = {.sa_handler = on_interrupt};
	uint64_t next = 0;

	order->query.kind = QUERY_WATCH;
	int status = query_ask(app, command->role, &order->query, take_nothing, NULL, &next);
	if (status != EXIT_DONE)
		return status;
	/* The key may be used for other commands meanwhile. */
	mft_client_release_state(app->client);
	mft_state_close(app->state);
	app->state = NULL;
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
	app_say(app, T(app, "watching; interrupt to end", "正在监视，按 Ctrl-C 结束"));
	(void)fflush(stdout);
	while (!interrupted) {
		struct mft_news news;
		if (mft_client_next(app->client, 500, &news)) {
			if (news.kind == MFT_PUSHED)
				say_push(app, &news.pushed);
		} else if (mft_client_failure(app->client)->fault != MFT_FAULT_NONE) {
			return app_client_failed(app);
		}
	}
	return EXIT_DONE;
}

int inspector_resolve(struct app *app, const struct command *command, struct order *order)
{
	(void)command;
	if (order->files_n == 1 && decimal_parse(span_str(order->files[0]), &order->event.flag_resolved.flag))
		return EXIT_DONE;
	return app_usage(app, "the flag's number, as `manifest inspector flags` shows it",
			 "须给出 `manifest inspector flags` 所列的序号", NULL);
}
