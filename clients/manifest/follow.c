/*
 * Owns the step from a lost log to the one that goes on for it: a device follows only when its owner says
 * so, and only to a log whose genesis continues what the device has verified.
 */
#include "manifest/log.h"

#include <inttypes.h>

#include "core/genesis_file.h"
#include "libmanifest/file.h"
#include "libmanifest/sign.h"
#include "manifest/jsontext.h"
#include "manifest/log_source.h"
#include "manifest/print.h"

/* The new log, as its genesis file shows it. */
struct successor {
	struct note_key key;
	struct span vkey;
	struct span note; /* its checkpoint */
	struct checkpoint old;
	uint64_t size;
};

static int read_successor(struct app *app, const char *path, struct successor *ret_successor)
{
	struct problems problems = {.arena = app->arena};
	struct buffer text = BUFFER_EMPTY;
	struct successor n = {.size = 0};
	struct mft_failure failure;
	struct genesis_file f;
	struct receipt_facts facts;
	struct log_entry e;
	struct mft_signed s;
	struct proof p;

	if (!mft_file_read(path, GENESIS_FILE_MAX, &text, &failure))
		return app_failed(app, &failure);
	struct span kept = arena_copy(app->arena, buffer_span(&text));
	buffer_free(&text);
	if (kept.p == NULL || !genesis_file_parse(kept, app->arena, &f) || !note_key_parse(f.vkey, &n.key) ||
	    !proof_parse(f.proof, &p) || !log_entry_decode(f.entry, &e) ||
	    !mft_signed_read(e.envelope, app->arena, &problems, &s) || s.event.kind != EVENT_GENESIS)
		return app_usage(app, "not a genesis file; `manifestd init --genesis FILE` makes one",
				 "不是创始文件；由 `manifestd init --genesis 文件` 生成", path);
	const struct genesis *g = &s.event.genesis;
	enum log_failure wrong = receipt_verify(f.proof, f.entry, n.key.name, &n.key, &facts);
	if (wrong == LOG_HOLDS && facts.index != 0)
		wrong = LOG_INDEX_OUTSIDE;
	if (wrong == LOG_HOLDS && (!span_eq(g->origin, n.key.name) || !s.complete ||
				   memcmp(g->log_key.b, n.key.key.b, PUBLIC_KEY_SIZE) != 0 ||
				   !mft_signed_holds(&s, 0, &g->server_key)))
		wrong = LOG_SIGNATURE_BAD;
	if (wrong == LOG_HOLDS && !genesis_continues(g, &n.old))
		return app_usage(app, "this log goes on for no other: take its key as that of a new log",
				 "该日志并非他日志的延续：请作为新日志采用其公钥", path);
	const struct note_key *ours = mft_view_key(app->view);
	if (wrong == LOG_HOLDS && span_eq(ours->name, n.key.name))
		return app_usage(
		    app,
		    "the file of --log has the new log's key already; another key of this machine "
		    "follows with a copy of the old one: --log FILE",
		    "--log 所指文件已是新日志的公钥；本机其他密钥请以原公钥的副本转入：--log 文件", app->log);
	if (wrong == LOG_HOLDS)
		wrong = checkpoint_open(g->continues, ours->name, ours, &n.old);
	if (wrong != LOG_HOLDS)
		return app_failed_log(app, wrong, path);
	n.vkey = f.vkey;
	n.note = p.checkpoint;
	n.size = facts.checkpoint.size;
	*ret_successor = n;
	return EXIT_DONE;
}

/* Is what this device verified a beginning of what the new log goes on for? */
static int is_continued(struct app *app, const struct order *order, const struct checkpoint *mine,
			const struct successor *n)
{
	int status = EXIT_DONE;

	if (mine->size == n->old.size)
		return digest_eq(&mine->root, &n->old.root) ? EXIT_DONE
							    : app_failed_log(app, LOG_NOT_CONSISTENT, NULL);
	if (mine->size > n->old.size)
		return app_failed_log(
		    app, LOG_WENT_BACK,
		    arena_printf(app->arena,
				 T(app, "it goes on from size %" PRIu64 ", this device has verified %" PRIu64,
				   "其自长度 %" PRIu64 " 延续，本机已验证至 %" PRIu64),
				 n->old.size, mine->size));
	if (order->mirror == NULL && order->url == NULL)
		return app_usage(
		    app,
		    "the old log went on after what this device verified: --mirror DIR or --url URL must say "
		    "where a copy of it is",
		    "原日志在本机所验证之后仍有增长：须以 --mirror 目录 或 --url 网址 指明其副本", NULL);
	struct log_source *source = order->mirror != NULL ? log_source_folder(order->mirror)
							  : log_source_http(order->url, span_of(NULL, 0));
	bool one = source != NULL && log_begins_with(app, source, mine, &n->old, &status);
	log_source_free(source);
	return one || status != EXIT_DONE ? status : app_no_memory(app);
}

/* First the state, then the key's file: cut short in between, the same command does the rest. */
static int pin(struct app *app, const struct successor *n, struct mft_state *state, bool again)
{
	const char *before = arena_printf(app->arena, "%s.before", app->log);
	struct buffer vkey = BUFFER_EMPTY;
	struct buffer old = BUFFER_EMPTY;
	struct mft_failure failure = {.id = "memory"};
	char evidence[4096];

	if (!again)
		mft_state_evidence(app->state_dir, "last-of-old-log", mft_state_checkpoint(state), evidence);
	buffer_put_span(&vkey, n->vkey);
	buffer_put_u8(&vkey, '\n');
	bool good = before != NULL && mft_file_read(app->log, 65536, &old, &failure) &&
		    mft_file_replace(before, buffer_span(&old), 0644, &failure) &&
		    mft_state_keep(state, n->note, mft_state_role(state), &failure) &&
		    mft_file_replace(app->log, buffer_span(&vkey), 0644, &failure);
	buffer_free(&vkey);
	buffer_free(&old);
	if (!good)
		return app_failed(app, &failure);
	app_set(app, "origin", json_of_span(n->key.name));
	app_set(app, "before", json_string(before));
	app_say(app,
		T(app, "%sfollows%s %.*s, which goes on for %.*s from size %" PRIu64 "; the old key is in %s",
		  "%s已转入%s %.*s（延续 %.*s，自长度 %" PRIu64 " 起）；原公钥存于 %s"),
		paint(app, PAINT_GOOD), paint(app, PAINT_END), SPAN_ARG(n->key.name), SPAN_ARG(n->old.origin),
		n->old.size, before);
	return EXIT_DONE;
}

int key_follow_run(struct app *app, const struct command *command, struct order *order)
{
	struct mft_failure failure = {.fault = MFT_FAULT_LOCAL, .id = "memory"};
	struct checkpoint mine = {.size = 0}, new;
	struct successor n = {.size = 0};
	int status = EXIT_DONE;

	(void)command;
	if (order->files_n != 1)
		return app_usage(app, "one genesis file", "须给出一个创始文件", NULL);
	if (!app_log(app, &status) || !app_key(app, &status))
		return status;
	status = read_successor(app, order->files[0], &n);
	if (status != EXIT_DONE)
		return status;
	struct mft_state *state = mft_state_open(app->state_dir, &app->keyid, &failure);
	if (state == NULL)
		return app_failed(app, &failure);
	struct span kept = mft_state_checkpoint(state);
	const struct note_key *ours = mft_view_key(app->view);
	bool done = checkpoint_open(kept, n.key.name, &n.key, &new) == LOG_HOLDS;
	enum log_failure wrong =
	    kept.n == 0 || done ? LOG_HOLDS : checkpoint_open(kept, ours->name, ours, &mine);
	if (wrong != LOG_HOLDS)
		status = app_failed_log(app, wrong, app->state_dir);
	else if (!done)
		status = is_continued(app, order, &mine, &n);
	if (status == EXIT_DONE)
		status = pin(app, &n, state, done);
	mft_state_close(state);
	return status;
}
