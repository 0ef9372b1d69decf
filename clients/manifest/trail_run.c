/* Owns trails as people see them: asked for, saved, and checked whenever they are shown. */
#include <inttypes.h>
#include <stdio.h>

#include "libmanifest/file.h"
#include "manifest/account.h"
#include "manifest/bundle_file.h"
#include "manifest/custody.h"
#include "manifest/jsontext.h"
#include "manifest/page.h"
#include "manifest/print.h"
#include "manifest/query.h"
#include "manifest/trail.h"

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

/* What was found, and the verdict: `witnessed` unless cosignatures are missing that were demanded. */
static int say_findings(struct app *app, const struct verified *v, bool witnessed)
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
	if (!witnessed) {
		app_say(app,
			T(app,
			  "%sdoes not hold by the policy%s, as told above; by the log's key alone it holds",
			  "%s按策略验证不通过%s（见上）；仅就日志自身的密钥而言成立"),
			paint(app, PAINT_BAD), paint(app, PAINT_END));
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

/* A file that was read, and the page that is wanted of it. */
struct wanted_page {
	const char *path; /* NULL: none */
	struct span file;
};

/* `w` NULL: no policy is demanded. */
static int show_trail(struct app *app, const struct trail *trail, const struct note_key *log_key,
		      const struct witnessed *w, const struct wanted_page *page)
{
	struct account account;
	struct verified v;

	if (!trail_verify(trail, log_key, app->arena, &v) || !account_make(app, trail, &v, w, &account))
		return app_no_memory(app);
	app_set(app, "number", json_string(text_number(app, trail->number)));
	app_say(app, T(app, "%smanifest %s%s  (times in +08:00)", "%s联单 %s%s（时间为 +08:00）"),
		paint(app, PAINT_STRONG), text_number(app, trail->number), paint(app, PAINT_END));
	account_say(app, &account, &v);
	int witnessed = w == NULL ? EXIT_DONE : witnessed_say(app, w);
	int status = say_findings(app, &v, witnessed == EXIT_DONE);
	if (page->path == NULL)
		return status;
	const struct page_facts facts = {.account = &account,
					 .verified = &v,
					 .witnessed = w,
					 .log_key = log_key,
					 .file = digest_of(page->file)};
	int written = page_write(app, &facts, page->path);
	return written != EXIT_DONE ? written : status;
}

static int save_text(struct app *app, const char *path, const struct buffer *text)
{
	struct mft_failure failure;

	if (!buffer_ok(text))
		return app_no_memory(app);
	if (!mft_file_replace(path, buffer_span(text), 0644, &failure))
		return app_failed(app, &failure);
	app_say(app, T(app, "saved: %s", "已保存：%s"), path);
	return EXIT_DONE;
}

static int save_trail(struct app *app, const char *path, const struct trail *trail)
{
	struct buffer text = BUFFER_EMPTY;

	text.broken = !trail_put(trail, &text) || text.broken;
	int status = save_text(app, path, &text);
	buffer_free(&text);
	return status;
}

static int save_bundle(struct app *app, const char *path, const struct trail *trail)
{
	struct buffer text = BUFFER_EMPTY;
	struct mft_failure failure;
	struct bundle bundle;
	int status;

	if (bundle_of_trail(trail, app->arena, &bundle) && bundle_put(&bundle, &text)) {
		status = save_text(app, path, &text);
	} else {
		mft_fail(&failure, MFT_FAULT_UNAVAILABLE, "bundle.checkpoints",
			 "the proofs are not under one checkpoint, because the log grew meanwhile: ask again",
			 "其间日志增长，各证明不在同一检查点之下：请重试", NULL);
		status = app_failed(app, &failure);
	}
	buffer_free(&text);
	return status;
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
	status = query_ask(app, command->role, &order->query, take_trail, &t, &next);
	if (status != EXIT_DONE)
		return status;
	if (order->save != NULL)
		status = save_trail(app, order->save, &t.trail);
	if (order->out != NULL && status == EXIT_DONE)
		status = save_bundle(app, order->out, &t.trail);
	int shown = show_trail(app, &t.trail, mft_view_key(app->view), NULL, &(struct wanted_page){0});
	return status != EXIT_DONE ? status : shown;
}

/* ---- files ---- */

static int verify_one(struct app *app, const char *path, const struct policy *policy, const char *pdf)
{
	const struct note_key *log_key = app->view == NULL ? NULL : mft_view_key(app->view);
	struct buffer text = BUFFER_EMPTY;
	struct mft_failure failure;
	struct witnessed w;
	struct trail trail;

	if (!mft_file_read(path, TRAIL_FILE_MAX, &text, &failure))
		return app_failed(app, &failure);
	struct span kept = arena_copy(app->arena, buffer_span(&text));
	buffer_free(&text);
	if (!trail_or_bundle_parse(kept, app->arena, &trail, &failure))
		return app_failed(app, &failure);
	const struct wanted_page page = {.path = pdf, .file = kept};
	if (policy == NULL)
		return show_trail(app, &trail, log_key, NULL, &page);
	witnessed_check(&trail, policy, log_key, &w);
	/* Without --log it is the log of the policy that signed; when none did, nothing can be said of the
	 * rest. */
	if (log_key == NULL && w.newest.n == 0)
		return witnessed_say(app, &w);
	return show_trail(app, &trail, log_key == NULL ? &w.facts.log : log_key, &w, &page);
}

int verify_run(struct app *app, const struct command *command, struct order *order)
{
	const struct policy *policy = NULL;
	int status = EXIT_DONE;

	(void)command;
	if (order->pdf != NULL && order->files_n != 1)
		return app_usage(app, "--pdf is the page of one file", "--pdf 为单个文件的页面", NULL);
	if (order->policy != NULL) {
		policy = app_policy(app, order->policy, &status);
		if (policy == NULL)
			return status;
	}
	if ((policy == NULL || policy->logs_n == 0 || app->log[0] != '\0') && !app_log(app, &status))
		return status;
	for (size_t i = 0; i < order->files_n; i++) {
		if (order->files_n > 1)
			app_say(app, "%s", order->files[i]);
		int one = verify_one(app, order->files[i], policy, order->pdf);
		status = one > status ? one : status;
	}
	return status;
}
