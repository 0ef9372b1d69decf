/* Owns what is decided about whole logs: is this a copy of it, is it still the same one, and who lied. */
#include "manifest/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "libmanifest/file.h"
#include "manifest/evidence.h"
#include "manifest/jsontext.h"
#include "manifest/mirror.h"
#include "manifest/print.h"
#include "manifest/query.h"

enum { TOKEN_FILE_MAX = 4096 };

/* A checkpoint of the log, its signature verified. */
struct signed_checkpoint {
	struct checkpoint c;
	struct span note; /* the app's arena */
};

static bool no_memory(struct mft_failure *ret_failure)
{
	mft_fail(ret_failure, MFT_FAULT_LOCAL, "memory", "out of memory", "内存不足", NULL);
	return false;
}

static bool open_checkpoint(struct app *app, struct span note, const char *where,
			    struct signed_checkpoint *ret_checkpoint, struct mft_failure *ret_failure)
{
	const struct note_key *key = mft_view_key(app->view);
	struct signed_checkpoint s = {.note = arena_copy(app->arena, note)};

	if (s.note.p == NULL)
		return no_memory(ret_failure);
	enum log_failure wrong = checkpoint_open(s.note, key->name, key, &s.c);
	if (wrong != LOG_HOLDS) {
		mft_fail_log(ret_failure, wrong, where);
		return false;
	}
	*ret_checkpoint = s;
	return true;
}

static bool read_checkpoint_file(struct app *app, const char *path, struct signed_checkpoint *ret_checkpoint,
				 struct mft_failure *ret_failure)
{
	struct buffer note = BUFFER_EMPTY;
	bool good = mft_file_read(path, NOTE_SIZE_MAX, &note, ret_failure) &&
		    open_checkpoint(app, buffer_span(&note), path, ret_checkpoint, ret_failure);

	buffer_free(&note);
	return good;
}

static bool read_checkpoint(struct app *app, struct log_source *source,
			    struct signed_checkpoint *ret_checkpoint, struct mft_failure *ret_failure)
{
	struct buffer note = BUFFER_EMPTY;
	bool good = log_source_checkpoint(source, &note, ret_failure) &&
		    open_checkpoint(app, buffer_span(&note), "/checkpoint", ret_checkpoint, ret_failure);

	buffer_free(&note);
	return good;
}

/* ---- two histories ---- */

static void say_two_histories(struct app *app, const struct checkpoint *a, const struct checkpoint *b)
{
	app_set(app, "history", json_string("two"));
	app_set(app, "sizes", json_pack("[o,o]", json_of_u64(a->size), json_of_u64(b->size)));
	app_say(app,
		T(app,
		  "%sTWO HISTORIES%s: the log signed one history up to size %" PRIu64
		  " and another one up to size %" PRIu64 "; both cannot be true",
		  "%s两种历史%s：该日志对长度 %" PRIu64 " 签署了一种历史，对长度 %" PRIu64
		  " 签署了另一种，二者不能同真"),
		paint(app, PAINT_BAD), paint(app, PAINT_END), a->size, b->size);
}

/* Writes the file when the evidence proves something; else the source of the tiles is no good. */
static int keep_evidence(struct app *app, const struct evidence *e, const char *folder, const char *save)
{
	struct buffer text = BUFFER_EMPTY;
	struct checkpoint smaller, larger;
	struct mft_failure failure;

	(void)no_memory(&failure); /* unless another reason is found */
	if (!evidence_proves(e, mft_view_key(app->view), &smaller, &larger)) {
		mft_fail_log(&failure, LOG_NOT_CONSISTENT, "");
		return app_failed(app, &failure);
	}
	const char *path = save != NULL ? save
					: arena_printf(app->arena, "%s/evidence-%" PRIu64 "-%" PRIu64 ".json",
						       folder, smaller.size, larger.size);
	say_two_histories(app, &smaller, &larger);
	if (path != NULL && evidence_put(e, &text) &&
	    mft_file_replace(path, buffer_span(&text), 0644, &failure)) {
		app_set(app, "evidence", json_string(path));
		app_say(app,
			T(app,
			  "evidence: %s. Keep it, and give it to an inspector: `manifest log evidence` shows "
			  "anyone that it proves it.",
			  "证据：%s。请妥善保存并交检查人员；任何人均可用 `manifest log evidence` 验证。"),
			path);
	} else {
		(void)app_failed(app, &failure);
	}
	buffer_free(&text);
	return EXIT_REFUSED;
}

static int bad_tiles(struct app *app)
{
	struct mft_failure failure;

	mft_fail(&failure, MFT_FAULT_DISPROVED, "mirror.root",
		 "the tiles do not make the root that the checkpoint beside them says",
		 "分块与其检查点的根哈希不符", NULL);
	return app_failed(app, &failure);
}

static bool stretch_holds(const struct stretch *s)
{
	if (s->from == 0 || s->from == s->to)
		return s->from == 0 || digest_eq(&s->from_root, &s->to_root);
	return merkle_consistency_holds(s->from, s->to, s->proof, s->proof_n, &s->from_root, &s->to_root);
}

static struct evidence evidence_of(const struct signed_checkpoint *smaller,
				   const struct signed_checkpoint *larger, const struct stretch *s)
{
	struct evidence e = {.smaller = smaller->note, .larger = larger->note, .root = s->from_root};

	if (s->from < s->to) {
		memcpy(e.proof, s->proof, s->proof_n * sizeof(e.proof[0]));
		e.proof_n = s->proof_n;
	}
	return e;
}

/* ---- compare ---- */

/* `last` is the source's own checkpoint: by it the tiles are authenticated. */
static int compare_by(struct app *app, const struct order *order, struct log_source *source,
		      const struct signed_checkpoint *smaller, const struct signed_checkpoint *larger)
{
	struct signed_checkpoint last;
	struct mft_failure failure;
	struct stretch before, after;

	if (!read_checkpoint(app, source, &last, &failure))
		return app_failed(app, &failure);
	if (last.c.size < larger->c.size) {
		mft_fail(
		    &failure, MFT_FAULT_UNAVAILABLE, "compare.short",
		    "this copy of the log ends before the larger checkpoint: `manifest log mirror` makes "
		    "it longer",
		    "该日志副本短于较大的检查点，请先用 `manifest log mirror` 更新", NULL);
		return app_failed(app, &failure);
	}
	if (!stretch_read(source, smaller->c.size, larger->c.size, app->arena, &before, &failure) ||
	    !stretch_read(source, larger->c.size, last.c.size, app->arena, &after, &failure))
		return app_failed(app, &failure);
	if (!stretch_holds(&before) || !digest_eq(&before.to_root, &after.from_root))
		return bad_tiles(app);
	if (!stretch_holds(&after) || !digest_eq(&after.to_root, &last.c.root))
		return bad_tiles(app);
	if (!digest_eq(&after.from_root, &larger->c.root)) {
		const struct evidence e = evidence_of(larger, &last, &after);
		return keep_evidence(app, &e, ".", order->save);
	}
	if (!digest_eq(&before.from_root, &smaller->c.root)) {
		const struct evidence e = evidence_of(smaller, larger, &before);
		return keep_evidence(app, &e, ".", order->save);
	}
	return EXIT_DONE;
}

static int compare(struct app *app, const struct order *order, const struct signed_checkpoint *smaller,
		   const struct signed_checkpoint *larger)
{
	static const struct stretch none;

	if (smaller->c.size == larger->c.size) {
		if (digest_eq(&smaller->c.root, &larger->c.root))
			return EXIT_DONE;
		const struct evidence e = evidence_of(smaller, larger, &none);
		return keep_evidence(app, &e, ".", order->save);
	}
	if (order->mirror == NULL && order->url == NULL)
		return app_usage(app,
				 "the sizes differ: --mirror DIR or --url URL must say where the log between "
				 "them is",
				 "两者长度不同：须以 --mirror 目录 或 --url 网址 指明日志所在", NULL);
	struct log_source *source = order->mirror != NULL ? log_source_folder(order->mirror)
							  : log_source_http(order->url, span_of(NULL, 0));
	int status = source == NULL ? app_no_memory(app) : compare_by(app, order, source, smaller, larger);
	log_source_free(source);
	return status;
}

int log_compare_run(struct app *app, const struct command *command, struct order *order)
{
	struct signed_checkpoint a, b;
	struct mft_failure failure;
	int status = EXIT_DONE;

	(void)command;
	if (order->files_n != 2)
		return app_usage(app, "two files with checkpoints", "须给出两个检查点文件", NULL);
	if (!app_log(app, &status))
		return status;
	if (!read_checkpoint_file(app, order->files[0], &a, &failure) ||
	    !read_checkpoint_file(app, order->files[1], &b, &failure))
		return app_failed(app, &failure);
	status = a.c.size <= b.c.size ? compare(app, order, &a, &b) : compare(app, order, &b, &a);
	if (status != EXIT_DONE)
		return status;
	app_set(app, "history", json_string("one"));
	app_set(app, "sizes", json_pack("[o,o]", json_of_u64(a.c.size), json_of_u64(b.c.size)));
	app_say(app,
		T(app, "%sone history%s: sizes %" PRIu64 " and %" PRIu64 " belong to one log",
		  "%s同一历史%s：长度 %" PRIu64 " 与 %" PRIu64 " 属于同一日志"),
		paint(app, PAINT_GOOD), paint(app, PAINT_END), a.c.size, b.c.size);
	return EXIT_DONE;
}

int log_evidence_run(struct app *app, const struct command *command, struct order *order)
{
	struct buffer text = BUFFER_EMPTY;
	struct checkpoint smaller, larger;
	struct mft_failure failure;
	struct evidence e;
	int status = EXIT_DONE;

	(void)command;
	if (order->files_n != 1)
		return app_usage(app, "one file of evidence", "须给出一个证据文件", NULL);
	if (!app_log(app, &status))
		return status;
	bool read = mft_file_read(order->files[0], EVIDENCE_FILE_MAX, &text, &failure);
	bool good = read && evidence_parse(buffer_span(&text), app->arena, &e) &&
		    evidence_proves(&e, mft_view_key(app->view), &smaller, &larger);
	buffer_free(&text);
	if (!read)
		return app_failed(app, &failure);
	app_set(app, "proves", json_boolean(good));
	if (good)
		say_two_histories(app, &smaller, &larger);
	else
		app_say(app, "%s%s%s", paint(app, PAINT_WARN),
			T(app, "this file proves nothing against the log with this key",
			  "该文件不能证明持有此公钥的日志有误"),
			paint(app, PAINT_END));
	return good ? EXIT_DONE : EXIT_REFUSED;
}

/* ---- mirror ---- */

static bool take_token(void *self, const struct answer *answer)
{
	struct buffer *token = self;

	buffer_put_span(token, answer->token.token);
	return buffer_ok(token);
}

/* From a file, or asked for over the device connection with an auditor's key. */
static int get_token(struct app *app, const struct order *order, struct buffer *token)
{
	const struct query query = {.kind = QUERY_TOKEN, .seconds = 24 * 3600};
	struct mft_failure failure;
	uint64_t next = 0;

	if (order->hashes_only)
		return EXIT_DONE;
	if (order->token != NULL) {
		if (!mft_file_read(order->token, TOKEN_FILE_MAX, token, &failure))
			return app_failed(app, &failure);
		while (token->n > 0 && token->p[token->n - 1] <= ' ')
			token->n--;
		return EXIT_DONE;
	}
	if (app->key[0] == '\0')
		return app_usage(
		    app,
		    "entries are for auditors: --token FILE, or --key FILE of an auditor; or "
		    "--hashes for the tree alone",
		    "日志记录仅供审计员：--token 文件，或审计员的 --key 文件；仅复制哈希树用 --hashes", NULL);
	return query_ask(app, ROLE_AUDITOR, &query, take_token, token, &next);
}

static void on_progress(void *self, const struct mirror_report *r)
{
	static micros last;
	micros now = app_now();
	bool all = r->entries == r->size;

	(void)self;
	if (!all && now - last < MICROS_PER_SECOND / 5)
		return;
	last = now;
	(void)fprintf(stderr, "\r%" PRIu64 " / %" PRIu64 "  %.1f %%  %.1f MB%s", r->entries, r->size,
		      100.0 * (double)r->entries / (double)r->size, (double)r->bytes / 1e6, all ? "\n" : "");
}

/* Is the server's checkpoint the same log as the one in the folder? EXIT_DONE: go on. */
static int continues(struct app *app, const char *folder, struct log_source *server,
		     const struct signed_checkpoint *kept, const struct signed_checkpoint *now)
{
	bool back = now->c.size < kept->c.size;
	const struct signed_checkpoint *smaller = back ? now : kept;
	const struct signed_checkpoint *larger = back ? kept : now;
	struct log_source *here = back ? log_source_folder(folder) : NULL;
	struct mft_failure failure;
	struct stretch s;
	int status = EXIT_DONE;

	if (back && here == NULL)
		return app_no_memory(app);
	if (!stretch_read(back ? here : server, smaller->c.size, larger->c.size, app->arena, &s, &failure)) {
		status = app_failed(app, &failure);
	} else if (smaller->c.size < larger->c.size &&
		   (!digest_eq(&s.to_root, &larger->c.root) || !stretch_holds(&s))) {
		status = bad_tiles(app);
	} else if (!digest_eq(smaller->c.size < larger->c.size ? &s.from_root : &larger->c.root,
			      &smaller->c.root)) {
		const struct evidence e = evidence_of(smaller, larger, &s);
		status = keep_evidence(app, &e, folder, NULL);
	} else if (back) {
		mft_fail_log(&failure, LOG_WENT_BACK, "");
		status = app_failed(app, &failure);
	}
	log_source_free(here);
	return status;
}

static void say_mirror(struct app *app, const struct mirror_report *r, const struct checkpoint *c)
{
	app_set(app, "size", json_of_u64(c->size));
	app_set(app, "root", json_of_digest(&c->root));
	app_set(app, "entries", json_of_u64(r->entries));
	app_set(app, "fetched", json_of_u64(r->fetched));
	app_set(app, "kept", json_of_u64(r->kept));
	app_set(app, "repaired", json_of_u64(r->repaired));
	app_set(app, "bytes", json_of_u64(r->bytes));
}

static int mirror(struct app *app, const struct order *order, struct log_source *server)
{
	const char *folder = order->files[0];
	const char *path = arena_printf(app->arena, "%s/checkpoint", folder);
	struct signed_checkpoint kept = {.c = {.size = 0}}, now;
	struct mft_failure failure;
	struct mirror m = {.source = server,
			   .folder = folder,
			   .hashes_only = order->hashes_only,
			   .check = order->everything};

	if (path == NULL)
		return app_no_memory(app);
	if (access(path, F_OK) == 0 && !read_checkpoint_file(app, path, &kept, &failure))
		return app_failed(app, &failure);
	if (!read_checkpoint(app, server, &now, &failure))
		return app_failed(app, &failure);
	int status = kept.c.size == 0 ? EXIT_DONE : continues(app, folder, server, &kept, &now);
	if (status != EXIT_DONE)
		return status;
	if (!app->json && isatty(STDERR_FILENO))
		m.progress = on_progress;
	bool good = mirror_run(&m, &now.c, now.note, kept.c.size, &failure);
	say_mirror(app, &m.report, &now.c);
	if (!good) {
		if (m.progress != NULL)
			app_note(app, "%s", "");
		return app_failed(app, &failure);
	}
	app_say(app,
		T(app,
		  "%sa whole copy%s of %" PRIu64 " entries, every one checked; %" PRIu64
		  " files fetched, %" PRIu64 " repaired",
		  "%s完整副本%s：%" PRIu64 " 条记录，逐条验证；取得 %" PRIu64 " 个文件，修复 %" PRIu64 " 个"),
		paint(app, PAINT_GOOD), paint(app, PAINT_END), now.c.size, m.report.fetched,
		m.report.repaired);
	return EXIT_DONE;
}

int log_mirror_run(struct app *app, const struct command *command, struct order *order)
{
	struct buffer token = BUFFER_EMPTY;
	struct mft_failure failure;
	int status = EXIT_DONE;

	(void)command;
	if (order->files_n != 1)
		return app_usage(app, "one folder", "须给出一个目录", NULL);
	if (!app_log(app, &status))
		return status;
	int lock = mirror_lock(order->files[0], &failure);
	if (lock < 0)
		return app_failed(app, &failure);
	status = get_token(app, order, &token);
	if (status == EXIT_DONE) {
		struct log_source *server = log_source_http(order->url, buffer_span(&token));
		status = server == NULL ? app_no_memory(app) : mirror(app, order, server);
		log_source_free(server);
	}
	buffer_free(&token);
	(void)close(lock);
	return status;
}
