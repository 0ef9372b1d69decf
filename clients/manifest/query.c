/* Owns asking: the answers of one query, page after page, as a table or as JSON. */
#include "manifest/query.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "base/text.h"
#include "core/number.h"
#include "libmanifest/file.h"
#include "manifest/custody.h"
#include "manifest/event_text.h"
#include "manifest/jsontext.h"
#include "manifest/print.h"
#include "manifest/trail.h"

typedef bool (*take_fn)(void *self, const struct answer *answer);

/* Asks once. EXIT_DONE: every item was taken; *ret_next is the cursor of the next page. */
static int ask(struct app *app, enum role role, const struct query *query, take_fn take, void *self,
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
			return app_usage(app, "out of memory", "内存不足", NULL);
	}
	return EXIT_DONE;
}

/* All pages when --all was given; else says how to go on. */
static int ask_pages(struct app *app, const struct command *command, struct order *order, take_fn take,
		     void *self)
{
	uint64_t next = 0;
	int status = ask(app, command->role, &order->query, take, self, &next);

	while (status == EXIT_DONE && next != 0 && order->everything) {
		order->query.after = next;
		status = ask(app, command->role, &order->query, take, self, &next);
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
	table_put(t, text_span(l->app, f->resolution.n > 0 ? f->resolution : f->detail));
	return true;
}

int query_flags_run(struct app *app, const struct command *command, struct order *order)
{
	static const char *const en[] = {">flag",    "what",  "manifest", "area", "raised",
					 "deadline", "state", "detail",   NULL};
	static const char *const zh[] = {">序号", "类别", "联单编号", "区划", "预警时间",
					 "期限",  "状态", "详情",     NULL};
	struct listing l = {.app = app, .json = json_array()};

	l.table = table_begin(app, T(app, en, zh));
	order->query.kind = QUERY_FLAGS;
	int status = ask_pages(app, command, order, take_flag, &l);
	if (l.n > 0)
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
	static const char *const en[] = {"manifest",  "state",  "generator", "facility", "plate", ">shipped",
					 ">accepted", "issued", "deadline",  ">flags",   NULL};
	static const char *const zh[] = {"联单编号", "状态",     "移出人",   "接受人", "车牌", ">转移量",
					 ">接受量",  "开具时间", "下一期限", ">预警",  NULL};
	struct listing l = {.app = app, .json = json_array()};

	l.table = table_begin(app, T(app, en, zh));
	order->query.kind = QUERY_SEARCH;
	int status = ask_pages(app, command, order, take_manifest, &l);
	if (l.n > 0)
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

/* ---- trails ---- */

struct trail_taken {
	struct app *app;
	struct trail trail;
};

static bool take_trail(void *self, const struct answer *answer)
{
	struct trail_taken *t = self;
	struct arena *arena = t->app->arena;
	struct trail_entry e = {.index = answer->entry.index,
				.entry = arena_copy(arena, answer->entry.entry),
				.proof = arena_copy(arena, answer->entry.proof)};

	if (t->trail.n == TRAIL_ENTRIES_MAX || e.entry.p == NULL || e.proof.p == NULL)
		return false;
	t->trail.entries[t->trail.n++] = e;
	return true;
}

static const char *signers_text(struct app *app, const struct event *e)
{
	const char *text = "";

	for (size_t i = 0; i < e->signers_n; i++) {
		const char *more = arena_printf(app->arena, "%s%s%.8s#%" PRIu64, text, i == 0 ? "" : " ",
						text_digest(app, &e->signers[i].keyid), e->signers[i].number);
		text = more == NULL ? text : more;
	}
	return text;
}

/* The events of the manifest itself; entries of keys are for checking. */
static void say_trail(struct app *app, const struct verified *v, uint64_t number)
{
	static const char *const en[] = {">entry", "what", "occurred", "accepted", "signed by", "id", NULL};
	static const char *const zh[] = {">序号", "事件", "发生时间", "接受时间", "签署", "编号", NULL};
	struct table t = table_begin(app, T(app, en, zh));
	json_t *list = json_array();

	for (size_t i = 0; i < v->events_n; i++) {
		const struct event *e = &v->events[i];
		const struct word *kind = word_of(event_words, (int)e->kind);
		json_t *value = event_json(e);
		(void)json_object_set_new(value, "index", json_of_u64(v->indexes[i]));
		(void)json_object_set_new(value, "accepted_at", json_of_i64(v->accepted_at[i]));
		(void)json_array_append_new(list, value);
		if (e->number != number)
			continue;
		table_printf(&t, "%" PRIu64, v->indexes[i]);
		if (e->kind == EVENT_FLAG_RAISED) {
			const struct word *flag = word_of(flag_words, (int)e->flag_raised.kind);
			table_printf(&t, "%s: %s", T(app, kind->en, kind->zh), T(app, flag->en, flag->zh));
		} else {
			table_put(&t, T(app, kind->en, kind->zh));
		}
		table_put(&t, text_time(app, e->occurred_at));
		table_put(&t, text_time(app, v->accepted_at[i]));
		table_put(&t, signers_text(app, e));
		table_put(&t, text_short(app, &e->id));
	}
	table_end(&t);
	app_set(app, "entries", list);
}

static int say_findings(struct app *app, const struct verified *v)
{
	json_t *list = json_array();

	for (size_t i = 0; i < v->findings_n; i++) {
		const struct finding *f = &v->findings[i];
		(void)json_array_append_new(list, json_pack("{s:o,s:b,s:s,s:s,s:s,s:s}", "index",
							    json_of_u64(f->index), "bad", f->bad, "id", f->id,
							    "en", f->en, "zh", f->zh, "detail", f->detail));
		app_say(app, "%s%s %" PRIu64 ": %s%s%s%s", paint(app, f->bad ? PAINT_BAD : PAINT_WARN),
			T(app, "entry", "序号"), f->index, T(app, f->en, f->zh),
			f->detail[0] == '\0' ? "" : ": ", f->detail, paint(app, PAINT_END));
	}
	app_set(app, "holds", json_boolean(v->bad == 0));
	app_set(app, "findings", list);
	app_set(app, "signatures", json_integer((json_int_t)v->signatures));
	app_set(app, "proofs", json_integer((json_int_t)v->proofs));
	if (v->bad > 0) {
		app_say(app, T(app, "%sdoes not hold: %zu faults%s", "%s验证不通过：%zu 处%s"),
			paint(app, PAINT_BAD), v->bad, paint(app, PAINT_END));
		return EXIT_REFUSED;
	}
	app_say(app,
		T(app,
		  "%sholds%s: %zu entries, %zu proofs under size %" PRIu64 ", %zu signatures, chain whole",
		  "%s验证通过%s：%zu 条记录，%zu 个证明（日志长度 %" PRIu64 "），%zu 个签名，链条完整"),
		paint(app, PAINT_GOOD), paint(app, PAINT_END), v->events_n, v->proofs, v->checkpoint.size,
		v->signatures);
	return EXIT_DONE;
}

static int show_trail(struct app *app, const struct trail *trail)
{
	struct verified v;

	if (!trail_verify(trail, mft_view_key(app->view), app->arena, &v))
		return app_usage(app, "out of memory", "内存不足", NULL);
	app_set(app, "number", json_string(text_number(app, trail->number)));
	say_trail(app, &v, trail->number);
	return say_findings(app, &v);
}

int query_trail_run(struct app *app, const struct command *command, struct order *order)
{
	struct trail_taken t = {.app = app};
	int status = EXIT_DONE;
	uint64_t next = 0;

	t.trail.entries = arena_array(app->arena, TRAIL_ENTRIES_MAX, sizeof(t.trail.entries[0]));
	if (t.trail.entries == NULL || !custody_number(app, order, &status))
		return status;
	t.trail.number = order->event.number;
	order->query = (struct query){
	    .kind = QUERY_TRAIL, .numbers = &order->event.number, .numbers_n = 1, .keys = true};
	status = ask(app, command->role, &order->query, take_trail, &t, &next);
	if (status != EXIT_DONE)
		return status;
	if (order->save != NULL) {
		struct buffer text = BUFFER_EMPTY;
		struct mft_failure failure;
		if (!trail_put(&t.trail, &text))
			status = app_usage(app, "out of memory", "内存不足", NULL);
		else if (!mft_file_replace(order->save, buffer_span(&text), 0644, &failure))
			status = app_failed(app, &failure);
		else
			app_say(app, T(app, "saved: %s", "已保存：%s"), order->save);
		buffer_free(&text);
	}
	int shown = show_trail(app, &t.trail);
	return status != EXIT_DONE ? status : shown;
}

int verify_run(struct app *app, const struct command *command, struct order *order)
{
	int status = EXIT_DONE;

	(void)command;
	if (!app_log(app, &status))
		return status;
	for (size_t i = 0; i < order->files_n; i++) {
		struct buffer text = BUFFER_EMPTY;
		struct mft_failure failure;
		struct trail trail;
		int one;
		if (!mft_file_read(order->files[i], TRAIL_FILE_MAX, &text, &failure) ||
		    !trail_parse(buffer_span(&text), app->arena, &trail, &failure)) {
			one = app_failed(app, &failure);
		} else {
			if (order->files_n > 1)
				app_say(app, "%s", order->files[i]);
			one = show_trail(app, &trail);
		}
		buffer_free(&text);
		status = one > status ? one : status;
	}
	return status;
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
	for (int state = 1; state < (int)ARRAY_LEN(s->manifests); state++) {
		const struct word *w = word_of(state_words, state);
		if (s->manifests[state] != 0)
			app_say(app, "  %-20s %10" PRIu64, T(app, w->en, w->zh), s->manifests[state]);
	}
	app_say(app, "  %s %" PRIu64, T(app, "open flags", "未结预警"), s->open_flags);
	app_say(
	    app, "  %s %s, %s %s, %s %s, %s %s", T(app, "shipped", "移出"), text_grams(app, s->shipped_grams),
	    T(app, "received", "接受"), text_grams(app, s->received_grams), T(app, "treated", "利用处置"),
	    text_grams(app, s->treated_grams), T(app, "in stock", "库存"), text_grams(app, s->stock_grams));
	return true;
}

int query_summary_run(struct app *app, const struct command *command, struct order *order)
{
	struct listing l = {.app = app};
	uint64_t next = 0;

	order->query.kind = QUERY_SUMMARY;
	return ask(app, command->role, &order->query, take_summary, &l, &next);
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
	int status = ask(app, command->role, &order->query, take_block, &l, &next);
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
	return ask(app, command->role, &order->query, take_token, app, &next);
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
	return ask(app, command->role, &order->query, take_checkpoint, app, &next);
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
		app_say(app, "%s  %s%s%s  %s  %.*s", text_time(app, f->raised_at), paint(app, PAINT_WARN),
			T(app, kind->en, kind->zh), paint(app, PAINT_END), text_number(app, f->number),
			SPAN_ARG(f->detail));
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
	int status = ask(app, command->role, &order->query, take_nothing, NULL, &next);
	if (status != EXIT_DONE)
		return status;
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
	app_say(app, T(app, "watching; interrupt to end", "正在监视，按 Ctrl-C 结束"));
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
