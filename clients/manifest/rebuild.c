/*
 * Owns the rebuilding: the copy is first held against its signed checkpoint as a whole, then judged again in
 * groups, each of which is one transaction of the server's own. The first thing that is not as the law has it
 * ends it. The database is marked as unfinished from before the first group until after the last.
 */
#include "manifest/rebuild.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/tree.h"
#include "libmanifest/file.h"
#include "manifest/feed.h"
#include "manifest/jsontext.h"
#include "manifest/log_source.h"
#include "manifest/print.h"
#include "store/store.h"

enum { GROUP = 256, BUNDLE_TREE_MEMORY = 4 * 1024 * 1024 };

/* The entries of a copy, one after the other. */
struct copy {
	struct log_source *source;
	uint64_t size;
	uint64_t next;
	struct buffer bundle;
	size_t at; /* in the bundle */
	struct mft_failure failure;
};

struct rebuild {
	struct app *app;
	struct copy copy;
	struct buffer note;
	struct checkpoint checkpoint;
	struct store_conn *conn;
	struct arena *recovery;
	uint64_t epoch;
	struct feed *feed;
	struct replay *replay;
	struct finding finding; /* the first */
	bool found;
	uint64_t forks; /* whose evidence cannot be made again */
	micros begun_at, shown_at;
	bool progress;
	struct mft_failure failure;
};

/* ---- the copy ---- */

static bool next_bundle(struct copy *c)
{
	uint64_t n = c->next / TILE_WIDTH;
	const struct tile_id id = {.n = n, .width = tile_width(0, n, c->size)};

	buffer_clear(&c->bundle);
	c->at = 0;
	return log_source_bundle(c->source, &id, &c->bundle, &c->failure);
}

static bool next_row(void *self, struct feed_row *ret_row, bool *ret_end)
{
	struct copy *c = self;

	*ret_end = c->next == c->size;
	if (*ret_end)
		return true;
	if (c->next % TILE_WIDTH == 0 && !next_bundle(c))
		return false;
	const uint8_t *p = c->bundle.p + c->at;
	size_t left = c->bundle.n - c->at;
	size_t n = left < 2 ? 0 : (size_t)(p[0] << 8 | p[1]);
	if (left < 2 + n) {
		mft_fail(&c->failure, MFT_FAULT_DISPROVED, "log.length", "a bundle of entries is cut short",
			 "记录分块不完整", NULL);
		return false;
	}
	*ret_row = (struct feed_row){.index = c->next++, .entry = span_of(p + 2, n)};
	c->at += 2 + n;
	return true;
}

static void show(struct rebuild *b, const char *what, uint64_t n, bool last)
{
	micros now = app_now();

	if (!b->progress || (!last && now - b->shown_at < MICROS_PER_SECOND / 5))
		return;
	b->shown_at = now;
	(void)fprintf(stderr, "\r\033[K%s %" PRIu64 " / %" PRIu64 "  %.1f s%s", what, n, b->checkpoint.size,
		      (double)(now - b->begun_at) / 1e6, last ? "\n" : "");
}

/* The root of all entries of the copy is the signed one; nothing is written before that is known. */
static bool copy_holds(struct rebuild *b)
{
	struct arena *arena = arena_new(BUNDLE_TREE_MEMORY);
	struct tree *tree = tree_new();
	struct digest leaves[TILE_WIDTH];
	struct feed_row row;
	size_t n = 0;
	bool end = false, good = arena != NULL && tree != NULL;

	while (good && !end) {
		good = next_row(&b->copy, &row, &end);
		if (good && !end)
			leaves[n++] = merkle_leaf(row.entry);
		if (!good || (n < TILE_WIDTH && !end))
			continue;
		arena_reset(arena);
		struct tree_append *a = tree_append(arena, tree, leaves, n);
		good = a != NULL;
		if (good)
			tree_commit(tree, a);
		n = 0;
		show(b, T(b->app, "hashing", "计算哈希"), b->copy.next, false);
	}
	struct digest root = tree == NULL ? (struct digest){{0}} : tree_root(tree);
	tree_free(tree);
	arena_free(arena);
	b->copy.next = 0;
	if (!good) {
		b->failure = b->copy.failure;
		return false;
	}
	if (digest_eq(&root, &b->checkpoint.root))
		return true;
	mft_fail(&b->failure, MFT_FAULT_DISPROVED, "mirror.root",
		 "the entries of the copy do not make the root of its checkpoint; nothing was written",
		 "副本的记录与其检查点的根哈希不符，未作写入", NULL);
	return false;
}

/* ---- an empty database ---- */

static bool database_failed(struct rebuild *b)
{
	mft_fail(
	    &b->failure, MFT_FAULT_UNAVAILABLE, "rebuild.database",
	    "the database cannot be written now; mend what is said here and run this again: it empties what "
	    "it has written and begins anew",
	    "数据库目前无法写入；请按此处所述排除故障后重试：将清空已写入的内容并重新开始",
	    store_error(b->conn));
	return false;
}

/* Takes the lease, so that no server begins beside; what a run that was cut short has left is emptied. */
static bool take_database(struct rebuild *b, const char *conninfo)
{
	static const struct recovery_sink nothing;
	const struct store_options options = {.conninfo = conninfo, .rebuilding = true};
	struct store_port port = store_port();
	struct log_head head;
	struct span note;

	b->conn = store_conn_new(STORE_WRITER, &options);
	b->recovery = arena_new(BUNDLE_TREE_MEMORY);
	if (b->conn == NULL || b->recovery == NULL) {
		mft_fail(&b->failure, MFT_FAULT_LOCAL, "memory", "out of memory", "内存不足", NULL);
		return false;
	}
	if (port.recover(b->conn, &nothing, &head, &note, b->recovery) != STORE_OK)
		return database_failed(b);
	b->epoch = head.epoch;
	if (head.size == 0)
		return true;
	mft_fail(&b->failure, MFT_FAULT_REFUSED, "rebuild.not_empty",
		 "the database has a log already: make a new one and run `manifestd migrate` on it, then "
		 "this again",
		 "数据库中已有日志：请新建数据库并运行 `manifestd migrate`，然后重试", NULL);
	return false;
}

/* ---- the ports of the replay ---- */

static void on_finding(void *self, const struct finding *finding)
{
	struct rebuild *b = self;

	if (!b->found)
		b->finding = *finding;
	b->found = true;
}

static void bad_signature(struct rebuild *b, uint64_t index)
{
	struct finding f = {.what = "entry.signature", .table = "entry", .column = "", .entry = index};

	(void)snprintf(f.en, sizeof(f.en), "a signature of this entry does not hold");
	(void)snprintf(f.zh, sizeof(f.zh), "该记录的签名无效");
	on_finding(b, &f);
}

/* A bad signature ends the log before its entry. */
static const struct replay_item *next_item(void *self)
{
	struct rebuild *b = self;
	const struct feed_item *i = feed_next(b->feed);

	if (i != NULL && i->bad != 0)
		bad_signature(b, i->item.index);
	return i == NULL || b->found ? NULL : &i->item;
}

static void on_done(void *self, const struct feed_item *i)
{
	struct rebuild *b = self;
	const struct event *e = &i->item.event;

	for (unsigned k = 0; k < i->item.envelope.signatures_n; k++) {
		if ((i->unknown >> k & 1) == 0)
			continue;
		const struct key_record *key =
		    registry_key(replay_registry(b->replay), &i->item.envelope.signatures[k].keyid);
		if (key == NULL || !feed_signature_holds(i, k, &key->key))
			bad_signature(b, i->item.index);
	}
	b->forks += e->kind == EVENT_FLAG_RAISED && e->flag_raised.kind == FLAG_FORK;
}

static void done(void *self, uint64_t index)
{
	struct rebuild *b = self;

	feed_done(b->feed, index, on_done, b);
	show(b, T(b->app, "entries", "记录"), index, false);
}

static enum store_result load(void *self, const struct needs *needs, struct arena *arena,
			      struct loaded *ret_loaded)
{
	const struct rebuild *b = self;

	return store_port().load(b->conn, needs, arena, ret_loaded);
}

static enum store_result commit(void *self, const struct commit *given)
{
	struct rebuild *b = self;
	struct commit c = *given;

	if (b->found)
		return STORE_CORRUPT;
	c.from.epoch = b->epoch;
	c.to.epoch = b->epoch;
	if (c.to.size == b->checkpoint.size) {
		c.checkpoint = buffer_span(&b->note);
		c.checkpoint_size = b->checkpoint.size;
	}
	return store_port().commit(b->conn, &c);
}

static bool hashes(void *self, unsigned level, uint64_t first, size_t n, struct digest *ret_hashes)
{
	struct rebuild *b = self;

	return store_port().hashes(b->conn, (uint8_t)level, first, n, ret_hashes) == STORE_OK;
}

static enum store_result reference(void *self, enum reference_kind kind, struct span edition,
				   struct arena *arena, struct span *ret_file)
{
	struct rebuild *b = self;

	return store_reference(b->conn, kind, edition, arena, ret_file);
}

static void keys(void *self, const struct registry *r)
{
	struct rebuild *b = self;

	feed_keys(b->feed, r);
}

/* ---- the whole ---- */

static bool start(struct rebuild *b)
{
	const struct feed_options feeding = {.threads = feed_threads(0)};
	const struct feed_source source = {.self = &b->copy, .row = next_row};
	const struct replay_options judging = {.group = GROUP, .whole_commit = true, .strict = true};
	const struct replay_ports ports = {.self = b,
					   .next = next_item,
					   .done = done,
					   .load = load,
					   .commit = commit,
					   .hashes = hashes,
					   .reference = reference,
					   .finding = on_finding,
					   .keys = keys};

	b->feed = feed_new(&feeding, &source);
	b->replay = replay_new(&judging, &ports);
	if (b->feed != NULL && b->replay != NULL)
		return true;
	mft_fail(&b->failure, MFT_FAULT_LOCAL, "memory", "out of memory", "内存不足", NULL);
	return false;
}

static bool run(struct rebuild *b)
{
	enum store_result r = replay_run(b->replay);
	char where[32];

	if (b->found) {
		(void)snprintf(where, sizeof(where), "%" PRIu64, b->finding.entry);
		mft_fail(&b->failure, MFT_FAULT_DISPROVED, b->finding.what, b->finding.en, b->finding.zh,
			 where);
		return false;
	}
	if (feed_failed(b->feed)) {
		b->failure = b->copy.failure;
		return false;
	}
	if (r != STORE_OK)
		return database_failed(b);
	const struct log_head *head = replay_head(b->replay);
	if (head->size == b->checkpoint.size && digest_eq(&head->root, &b->checkpoint.root))
		return store_rebuilt(b->conn) == STORE_OK || database_failed(b);
	mft_fail(&b->failure, MFT_FAULT_DISPROVED, "mirror.root",
		 "what was written has not the root of the checkpoint", "写入的内容与检查点的根哈希不符",
		 NULL);
	return false;
}

static void say(struct rebuild *b)
{
	struct app *app = b->app;

	show(b, T(app, "entries", "记录"), b->checkpoint.size, true);
	app_set(app, "size", json_of_u64(b->checkpoint.size));
	app_set(app, "root", json_of_digest(&b->checkpoint.root));
	app_set(app, "signatures", json_of_u64(feed_signatures(b->feed)));
	app_set(app, "evidence_missing", json_of_u64(b->forks));
	app_say(app,
		T(app,
		  "%srebuilt%s: %" PRIu64
		  " entries and all tables that follow from them, up to the copy's checkpoint",
		  "%s已重建%s：%" PRIu64 " 条记录及由其得出的各表，直至副本的检查点"),
		paint(app, PAINT_GOOD), paint(app, PAINT_END), b->checkpoint.size);
	if (b->forks > 0)
		app_say(app,
			T(app,
			  "%" PRIu64 " refused envelopes that flags name by their hash are not in the log "
			  "and cannot be made again; an audit names them",
			  "%" PRIu64 " 个由预警以哈希所指的被拒信封不在日志中，无法重建；审计时会指明"),
			b->forks);
	app_say(app, "%s",
		T(app,
		  "What persons' ids stand for, tokens and older checkpoints are not in the log either. "
		  "Start the server with its own key files; "
		  "its high-water file says whether the copy is the whole log.",
		  "人员编号所指、令牌及较早的检查点亦不在日志中。请以原密钥文件启动服务器；其最高水位文件可表"
		  "明副本是否完整。"));
}

int log_rebuild_run(struct app *app, const struct command *command, struct order *order)
{
	struct rebuild b = {
	    .app = app, .begun_at = app_now(), .progress = !app->json && isatty(STDERR_FILENO)};
	int status = EXIT_DONE;

	(void)command;
	if (!app_log(app, &status))
		return status;
	const struct note_key *key = mft_view_key(app->view);
	b.copy.source = log_source_folder(order->mirror);
	if (b.copy.source == NULL)
		return app_usage(app, "out of memory", "内存不足", NULL);
	bool good = log_source_checkpoint(b.copy.source, &b.note, &b.failure);
	if (good) {
		enum log_failure wrong = checkpoint_open(buffer_span(&b.note), key->name, key, &b.checkpoint);
		good = wrong == LOG_HOLDS;
		if (!good)
			mft_fail_log(&b.failure, wrong, order->mirror);
	}
	b.copy.size = b.checkpoint.size;
	good = good && copy_holds(&b) && take_database(&b, order->database) && start(&b) && run(&b);
	if (good)
		say(&b);
	else
		status = app_failed(app, &b.failure);
	feed_free(b.feed);
	replay_free(b.replay);
	store_conn_free(b.conn);
	arena_free(b.recovery);
	log_source_free(b.copy.source);
	buffer_free(&b.copy.bundle);
	buffer_free(&b.note);
	return status;
}
