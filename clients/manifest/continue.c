/*
 * Owns the beginning of a log that goes on for one that was lost: which checkpoint of the old log it names,
 * and the old log's events entered again, as their signers signed them.
 */
#include "manifest/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "core/credit_code.h"
#include "crypto/key_text.h"
#include "libmanifest/file.h"
#include "libmanifest/sign.h"
#include "manifest/evidence.h"
#include "manifest/jsontext.h"
#include "manifest/print.h"

/* ---- entries of a copy ---- */

/* Called for each entry of the copy, in order, until it says no. */
typedef bool (*entry_fn)(void *self, uint64_t index, struct span entry);

static bool bad_copy(struct mft_failure *ret_failure)
{
	mft_fail(ret_failure, MFT_FAULT_LOCAL, "mirror.bundle",
		 "the copy is cut short, or has no entries: run `manifest log mirror` again",
		 "副本不完整或不含记录：请重新运行 `manifest log mirror`", NULL);
	return false;
}

/* How far the copy goes; that it holds was checked when it was made. */
static bool copy_size(struct log_source *source, uint64_t *ret_size, struct mft_failure *ret_failure)
{
	struct buffer note = BUFFER_EMPTY;
	struct span text, signatures;
	struct checkpoint c;
	bool read = log_source_checkpoint(source, &note, ret_failure);
	bool good =
	    read && note_split(buffer_span(&note), &text, &signatures) && checkpoint_parse_text(text, &c);

	buffer_free(&note);
	if (good)
		*ret_size = c.size;
	return good || (read && bad_copy(ret_failure));
}

static bool each_of(struct span bundle, uint64_t first, unsigned n, entry_fn each, void *self,
		    struct mft_failure *ret_failure)
{
	for (unsigned i = 0; i < n; i++) {
		size_t length = bundle.n < 2 ? bundle.n : (size_t)bundle.p[0] << 8 | bundle.p[1];
		if (bundle.n < 2 + length)
			return bad_copy(ret_failure);
		if (!each(self, first + i, span_of(bundle.p + 2, length)))
			return false;
		bundle = span_of(bundle.p + 2 + length, bundle.n - 2 - length);
	}
	return true;
}

static bool each_entry(const char *folder, entry_fn each, void *self, struct mft_failure *ret_failure)
{
	struct log_source *source = log_source_folder(folder);
	struct buffer bundle = BUFFER_EMPTY;
	uint64_t size = 0;

	mft_fail(ret_failure, MFT_FAULT_LOCAL, "memory", "out of memory", "内存不足", NULL);
	bool good = source != NULL && copy_size(source, &size, ret_failure);
	for (uint64_t n = 0; n * TILE_WIDTH < size && good; n++) {
		const struct tile_id id = {.n = n, .width = tile_width(0, n, size)};
		buffer_clear(&bundle);
		good = log_source_bundle(source, &id, &bundle, ret_failure) &&
		       each_of(buffer_span(&bundle), n * TILE_WIDTH, id.width, each, self, ret_failure);
	}
	buffer_free(&bundle);
	log_source_free(source);
	return good;
}

static bool read_note(struct app *app, const char *path, struct span *ret_note,
		      struct checkpoint *ret_checkpoint, int *ret_status)
{
	const struct note_key *key = mft_view_key(app->view);
	struct buffer text = BUFFER_EMPTY;
	struct mft_failure failure;
	bool read = mft_file_read(path, NOTE_SIZE_MAX, &text, &failure);

	*ret_note = arena_copy(app->arena, buffer_span(&text));
	buffer_free(&text);
	enum log_failure wrong = read && ret_note->p != NULL
				     ? checkpoint_open(*ret_note, key->name, key, ret_checkpoint)
				     : LOG_HOLDS;
	if (!read || ret_note->p == NULL)
		*ret_status = read ? app_no_memory(app) : app_failed(app, &failure);
	else if (wrong != LOG_HOLDS)
		*ret_status = app_failed_log(app, wrong, path);
	return read && ret_note->p != NULL && wrong == LOG_HOLDS;
}

/* ---- preparing ---- */

bool log_begins_with(struct app *app, struct log_source *source, const struct checkpoint *smaller,
		     const struct checkpoint *larger, int *ret_status)
{
	struct mft_failure failure;
	struct stretch s;

	if (smaller->size == 0)
		return true;
	if (!stretch_read(source, smaller->size, larger->size, app->arena, &s, &failure)) {
		*ret_status = app_failed(app, &failure);
		return false;
	}
	bool one = digest_eq(&s.to_root, &larger->root) && digest_eq(&s.from_root, &smaller->root) &&
		   (s.from == s.to ||
		    merkle_consistency_holds(s.from, s.to, s.proof, s.proof_n, &s.from_root, &s.to_root));
	if (!one)
		*ret_status = app_failed_log(app, LOG_NOT_CONSISTENT, NULL);
	return one;
}

struct beginning {
	struct app *app;
	struct genesis genesis;
	bool there;
};

static bool take_genesis(void *self, uint64_t index, struct span entry)
{
	struct beginning *b = self;
	struct problems problems = {.arena = b->app->arena};
	struct span kept = arena_copy(b->app->arena, entry);
	struct log_entry e;
	struct mft_signed s;

	(void)index;
	if (kept.p != NULL && log_entry_decode(kept, &e) &&
	    mft_signed_read(e.envelope, b->app->arena, &problems, &s) && s.event.kind == EVENT_GENESIS) {
		b->genesis = s.event.genesis;
		b->there = true;
	}
	return false;
}

/* A public key beside the file that is written, for `manifestd init`. */
static const char *write_key(struct app *app, const char *out, const char *what, const struct public_key *key)
{
	const char *path = arena_printf(app->arena, "%s.%s.pub", out, what);
	char text[KEY_TEXT_SIZE];
	struct mft_failure failure;

	public_key_text(key, text);
	return path != NULL && mft_file_replace(path, span_str(text), 0644, &failure) ? path : what;
}

static void say_steps(struct app *app, const char *origin, const char *out, const struct beginning *b)
{
	const struct genesis *g = &b->genesis;
	const char *city = b->there ? text_span(app, g->city) : "CITY";
	const char *authority = b->there ? text_party(app, &g->authority) : "CREDIT-CODE-1";
	const char *name = b->there ? text_span(app, g->authority_name) : "NAME";
	const char *registrar =
	    b->there ? write_key(app, out, "registrar", &g->registrar_key) : "registrar.pub";
	const char *recovery = b->there ? write_key(app, out, "recovery", &g->recovery_key) : "recovery.pub";

	app_say(app, "%s",
		T(app, "Now, on the server, with an empty database and new files for keys and high-water:",
		  "接着，在服务器上，使用空数据库及新的密钥与 high-water 文件："));
	app_say(app,
		"  manifestd --config FILE --set log.origin=%s init --continues %s --old-log %s --genesis "
		"new.genesis "
		"--city %s --authority %s --authority-name '%s' --registrar %s --recovery %s",
		origin, out, app->log, city, authority, name, registrar, recovery);
	app_say(app, "%s",
		T(app,
		  "Then start it, enter the old log's events from its copy (manifest log replay DIR), and "
		  "give new.genesis to everybody: a device follows with `manifest key follow new.genesis`.",
		  "然后启动服务器，自副本录入原日志的事件（manifest log replay 目录），并将 new.genesis "
		  "分发给各方：设备以 `manifest key follow new.genesis` 转入新日志。"));
}

/* The newest checkpoint that there is, and that the copy does not contradict. */
static bool newest_of(struct app *app, const struct order *order, struct span *ret_note,
		      struct checkpoint *ret_checkpoint, int *ret_status)
{
	struct span note = {.n = 0};
	struct checkpoint c = {.size = 0}, copy;
	struct span copy_note;

	if (order->checkpoint != NULL && !read_note(app, order->checkpoint, &note, &c, ret_status))
		return false;
	if (order->mirror != NULL) {
		const char *path = arena_printf(app->arena, "%s/checkpoint", order->mirror);
		if (path == NULL || !read_note(app, path, &copy_note, &copy, ret_status))
			return false;
		struct log_source *source = log_source_folder(order->mirror);
		bool newer = copy.size >= c.size;
		bool one = source != NULL && (!newer || log_begins_with(app, source, &c, &copy, ret_status));
		log_source_free(source);
		if (!one)
			return false;
		if (newer) {
			note = copy_note;
			c = copy;
		} else {
			app_note(app,
				 T(app,
				   "note: the copy ends at %" PRIu64 ", the checkpoint says %" PRIu64
				   ": the entries between are lost, and that cannot be hidden",
				   "注意：副本止于 %" PRIu64 " 条，检查点载明 %" PRIu64
				   " 条：其间的记录已丢失，且无法隐瞒"),
				 copy.size, c.size);
		}
	}
	*ret_note = note;
	*ret_checkpoint = c;
	return true;
}

int log_continue_run(struct app *app, const struct command *command, struct order *order)
{
	const char *out = order->out == NULL ? "continues.checkpoint" : order->out;
	struct beginning b = {.app = app};
	struct mft_failure failure;
	struct checkpoint c;
	struct span note;
	int status = EXIT_DONE;

	(void)command;
	if (order->files_n != 1 || (order->checkpoint == NULL && order->mirror == NULL))
		return app_usage(app, "the new log's name, and --checkpoint FILE or --mirror DIR or both",
				 "须给出新日志名称，以及 --checkpoint 文件 或 --mirror 目录（可同时给出）",
				 NULL);
	if (!app_log(app, &status) || !newest_of(app, order, &note, &c, &status))
		return status;
	if (span_eq_str(c.origin, order->files[0]))
		return app_usage(app, "the new log needs a name of its own", "新日志须使用新的名称",
				 order->files[0]);
	if (order->mirror != NULL)
		(void)!each_entry(order->mirror, take_genesis, &b, &failure);
	if (!mft_file_replace(out, note, 0644, &failure))
		return app_failed(app, &failure);
	app_set(app, "file", json_string(out));
	app_set(app, "size", json_of_u64(c.size));
	app_set(app, "root", json_of_digest(&c.root));
	app_say(app,
		T(app, "%s names %.*s at size %" PRIu64 ": what the new log goes on for",
		  "%s 载明 %.*s 长度 %" PRIu64 "：新日志由此延续"),
		out, SPAN_ARG(c.origin), c.size);
	say_steps(app, order->files[0], out, &b);
	return EXIT_DONE;
}

/* ---- entering again ---- */

struct replay {
	struct app *app;
	uint64_t entered, repeated, refused, others;
	int status;
};

/* The server's own statements were about the old log; the new one makes its own. */
static bool is_servers(const struct event *e)
{
	return e->kind < EVENT_REGISTRAR_ADDED || e->kind == EVENT_FLAG_RAISED ||
	       e->kind == EVENT_FLAG_CLEARED || e->kind == EVENT_FLAG_RESOLVED;
}

/* The same until the server has time for it. */
static bool submit(struct replay *r, struct span envelope, struct mft_news *ret_news)
{
	for (;;) {
		if (!mft_client_submit(r->app->client, envelope, ret_news)) {
			r->status = app_client_failed(r->app);
			return false;
		}
		if (ret_news->kind != MFT_REFUSED || ret_news->refusal.kind != REFUSAL_LATER ||
		    ret_news->refusal.retry_after <= 0 ||
		    ret_news->refusal.retry_after > 60 * MICROS_PER_SECOND)
			return true;
		(void)usleep((useconds_t)ret_news->refusal.retry_after);
	}
}

static bool replay_entry(void *self, uint64_t index, struct span entry)
{
	struct replay *r = self;
	struct app *app = r->app;
	struct arena *arena = arena_new(REQUEST_MEMORY);
	struct problems problems = {.arena = arena};
	struct log_entry e;
	struct mft_signed s;
	struct mft_news news;
	bool read =
	    arena != NULL && log_entry_decode(entry, &e) && mft_signed_read(e.envelope, arena, &problems, &s);
	bool skip = read && is_servers(&s.event);
	bool good = read && (skip || submit(r, e.envelope, &news));

	if (!read) {
		r->status = app_usage(app, "an entry of the copy cannot be read", "副本中的记录无法读取",
				      arena == NULL ? NULL : arena_printf(arena, "%" PRIu64, index));
	} else if (skip) {
		r->others++;
	} else if (good && news.kind == MFT_REFUSED) {
		r->refused++;
		app_note(app, T(app, "entry %" PRIu64 " of the old log:", "原日志第 %" PRIu64 " 条："),
			 index);
		(void)app_refused(app, &news.refusal);
	} else if (good) {
		r->repeated += news.receipt.repeated;
		r->entered += !news.receipt.repeated;
	}
	arena_free(arena);
	return good;
}

int log_replay_run(struct app *app, const struct command *command, struct order *order)
{
	struct replay r = {.app = app, .status = EXIT_DONE};
	struct mft_failure failure;
	int status = EXIT_DONE;

	if (order->files_n != 1)
		return app_usage(app, "one folder", "须给出一个目录", NULL);
	if (!app_connect(app, command->role, &status))
		return status;
	/* What the callback said is told already. */
	if (!each_entry(order->files[0], replay_entry, &r, &failure))
		status = r.status != EXIT_DONE ? r.status : app_failed(app, &failure);
	app_set(app, "entered", json_of_u64(r.entered));
	app_set(app, "repeated", json_of_u64(r.repeated));
	app_set(app, "refused_events", json_of_u64(r.refused));
	app_say(app,
		T(app,
		  "%" PRIu64 " events entered as they were signed, %" PRIu64 " were there, %" PRIu64
		  " refused, %" PRIu64 " were the old server's own",
		  "按原签名录入 %" PRIu64 " 个事件，%" PRIu64 " 个已在，%" PRIu64 " 个被拒，%" PRIu64
		  " 个为原服务器自身事件"),
		r.entered, r.repeated, r.refused, r.others);
	return status != EXIT_DONE ? status : r.refused > 0 ? EXIT_REFUSED : EXIT_DONE;
}
