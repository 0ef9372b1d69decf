/* Owns the audit: what is read, judged and compared in which order, and what each difference is called. */
#include "manifest/audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/flags.h"
#include "libmanifest/file.h"
#include "manifest/audit_source.h"
#include "manifest/findings.h"
#include "manifest/jsontext.h"
#include "manifest/print.h"
#include "store/high_water.h"
#include "store/projection.h"

enum { WINDOW = 2048, NOTED = 16384, LIMIT = 100, GRACE_SECONDS = 120 };

/* A (size, root) that somebody kept outside the database. Read before the database is, which may grow
 * meanwhile. */
struct kept {
	const char *what;
	const char *table; /* it is kept in; "" for none */
	const char *path;
	struct span note; /* of a checkpoint */
	uint64_t size;
	struct digest root;
};

struct audit {
	struct app *app;
	const struct order *order;
	struct findings findings;
	struct store_conn *conn; /* the snapshot's */
	char snapshot[SNAPSHOT_SIZE];
	struct span genesis_entry;
	struct event genesis;
	bool has_genesis;
	struct note_key log_key;
	struct scratch *scratch;
	struct projection *projection;
	struct audit_source *source;
	struct feed *feed;
	struct replay *replay;
	const struct feed_item *window[WINDOW]; /* by index */
	uint64_t next;                          /* index that must come */
	uint64_t checked;                       /* size of the last checkpoint that fits */
	uint64_t noted[NOTED];                  /* sizes of which one is stored, the newest */
	uint64_t entries;
	struct log_head stored;
	struct kept kept[ORDER_FILES_MAX + 1];
	size_t kept_n;
	micros grace;
	micros begun_at, shown_at;
	bool progress;
	char error[STORE_MESSAGE_SIZE];
};

static void add(struct audit *a, const char *what, const char *table, uint64_t key, const char *column,
		uint64_t entry, const char *en, const char *zh)
{
	struct finding f = {.what = what, .table = table, .column = column, .entry = entry};

	(void)snprintf(f.key, sizeof(f.key), "%" PRIu64, key);
	(void)snprintf(f.en, sizeof(f.en), "%s", en);
	(void)snprintf(f.zh, sizeof(f.zh), "%s", zh);
	findings_add(&a->findings, &f);
}

static void on_finding(void *self, const struct finding *finding)
{
	struct audit *a = self;

	findings_add(&a->findings, finding);
}

/* ---- progress ---- */

static void show(struct audit *a, const char *what, uint64_t n, bool last)
{
	micros now = app_now();

	if (!a->progress || (!last && now - a->shown_at < MICROS_PER_SECOND / 5))
		return;
	a->shown_at = now;
	(void)fprintf(stderr, "\r\033[K%s %" PRIu64 " / %" PRIu64 "  %.1f s%s", what, n, a->stored.size,
		      (double)(now - a->begun_at) / 1e6, last ? "\n" : "");
}

static void on_progress(void *self, const char *table, uint64_t rows)
{
	show(self, table, rows, false);
}

/* ---- entries as they come ---- */

static void check_item(struct audit *a, const struct feed_item *i)
{
	uint64_t index = i->item.index;

	if (index != a->next) {
		struct finding f = {.what = "entry.gap", .table = "entry", .column = "", .entry = a->next};
		(void)snprintf(f.key, sizeof(f.key), "%" PRIu64, a->next);
		(void)snprintf(f.en, sizeof(f.en), "entries %" PRIu64 " to %" PRIu64 " are missing", a->next,
			       index - 1);
		(void)snprintf(f.zh, sizeof(f.zh), "缺少记录 %" PRIu64 " 至 %" PRIu64, a->next, index - 1);
		findings_add(&a->findings, &f);
	}
	a->next = index + 1;
	if (i->row.leaf.n != DIGEST_SIZE || memcmp(i->row.leaf.p, i->computed.b, DIGEST_SIZE) != 0)
		add(a, "entry.bytes", "entry", index, "leaf", index,
		    "the bytes of this entry are not those that were hashed", "该记录的字节与其哈希不符");
	if (!i->item.readable)
		return;
	if (i->row.accepted_at != i->item.entry.accepted_at)
		add(a, "entry.time", "entry", index, "accepted_at", index,
		    "the column accepted_at is not what the entry says", "accepted_at 列与记录内容不符");
	if (i->row.kind != (int64_t)i->item.event.kind)
		add(a, "row.changed", "entry", index, "kind", index,
		    "the column kind is not what the entry says", "kind 列与记录内容不符");
	for (unsigned k = 0; k < MAX_SIGNERS; k++)
		if ((i->bad >> k & 1) != 0)
			add(a, "entry.signature", "entry", index, "entry", index,
			    "a signature of this entry does not hold", "该记录的签名无效");
}

static const struct replay_item *next_item(void *self)
{
	struct audit *a = self;
	const struct feed_item *i = feed_next(a->feed);

	if (i == NULL)
		return NULL;
	check_item(a, i);
	a->window[i->item.index % WINDOW] = i;
	return &i->item;
}

static void check_note(struct audit *a, const struct feed_item *i)
{
	uint64_t size = i->item.index + 1;
	struct digest root;
	struct finding f = {
	    .what = "checkpoint", .table = "checkpoint", .column = "note", .entry = FINDING_NO_ENTRY};

	a->noted[size % NOTED] = size;
	(void)snprintf(f.key, sizeof(f.key), "%" PRIu64, size);
	if (i->note != LOG_HOLDS || i->checkpoint.size != size) {
		(void)snprintf(f.en, sizeof(f.en), "the stored checkpoint of size %" PRIu64 ": %s", size,
			       i->note != LOG_HOLDS ? log_failure_text(i->note)->en
						    : "it names another size");
		(void)snprintf(f.zh, sizeof(f.zh), "长度 %" PRIu64 " 的检查点：%s", size,
			       i->note != LOG_HOLDS ? log_failure_text(i->note)->zh : "所述长度不同");
		/* One that is damaged says nothing of the history. */
		f.what = "row.changed";
		findings_add(&a->findings, &f);
		return;
	}
	if (!replay_root(a->replay, size, &root))
		return;
	if (digest_eq(&root, &i->checkpoint.root)) {
		a->checked = size;
		return;
	}
	(void)snprintf(f.en, sizeof(f.en),
		       "the log signed another history: entries %" PRIu64 " to %" PRIu64
		       " are not all what the checkpoint of size %" PRIu64 " vouches for",
		       a->checked, size - 1, size);
	(void)snprintf(f.zh, sizeof(f.zh),
		       "日志曾签署另一历史：记录 %" PRIu64 " 至 %" PRIu64 " 与长度 %" PRIu64 " 的检查点不符",
		       a->checked, size - 1, size);
	f.entry = a->checked;
	findings_add(&a->findings, &f);
}

/* The server's own events state the checkpoint of the batch before, which their batch has stored. What others
 * state shows no such thing: whoever has the tiles can compute a root of any size. */
static void check_stated(struct audit *a, const struct feed_item *i)
{
	uint64_t size = i->item.event.signers_n == 0 ? 0 : i->item.event.signers[0].seen.size;

	if (size > 0 && size <= i->item.index && size + NOTED > i->item.index &&
	    a->noted[size % NOTED] != size)
		add(a, "row.missing", "checkpoint", size, "", i->item.index,
		    "this event of the server's names a checkpoint that is not stored",
		    "服务器的这一事件所指的检查点未存储");
}

/* What could only be checked when everything before was judged. */
static void on_done(void *self, const struct feed_item *i)
{
	struct audit *a = self;
	uint64_t index = i->item.index;

	for (unsigned k = 0; i->item.readable && k < i->item.envelope.signatures_n; k++) {
		if ((i->unknown >> k & 1) == 0)
			continue;
		const struct digest *keyid = &i->item.envelope.signatures[k].keyid;
		const struct key_record *key = registry_key(replay_registry(a->replay), keyid);
		if (key == NULL || !feed_signature_holds(i, k, &key->key))
			add(a, "entry.signature", "entry", index, "entry", index,
			    key == NULL ? "signed with a key that the log does not know"
					: "a signature of this entry does not hold",
			    key == NULL ? "签名密钥未在日志中登记" : "该记录的签名无效");
	}
	if (i->row.note.n > 0)
		check_note(a, i);
	if (i->item.readable &&
	    (i->item.event.kind == EVENT_FLAG_RAISED || i->item.event.kind == EVENT_FLAG_CLEARED))
		check_stated(a, i);
	a->window[index % WINDOW] = NULL;
	a->entries++;
}

static void done(void *self, uint64_t index)
{
	struct audit *a = self;

	feed_done(a->feed, index, on_done, a);
	show(a, T(a->app, "entries", "记录"), a->entries, false);
}

/* ---- the other ports ---- */

static enum store_result load(void *self, const struct needs *needs, struct arena *arena,
			      struct loaded *ret_loaded)
{
	struct audit *a = self;

	return projection_load(a->projection, needs, arena, ret_loaded);
}

static enum store_result commit(void *self, const struct commit *c)
{
	struct audit *a = self;

	for (size_t i = 0; i < c->rows->entries_n; i++) {
		uint64_t index = c->rows->first_index + i;
		const struct feed_item *item = a->window[index % WINDOW];
		if (item != NULL && item->item.index == index &&
		    item->row.number != c->rows->entries[i].number)
			add(a, "row.changed", "entry", index, "number", index,
			    "the column number is not the manifest that the entry concerns",
			    "number 列与记录所涉联单不符");
	}
	return projection_commit(a->projection, c);
}

static bool hashes(void *self, unsigned level, uint64_t first, size_t n, struct digest *ret_hashes)
{
	struct audit *a = self;
	(void)a;
	return projection_hashes(a->projection, level, first, n, ret_hashes);
}

static enum store_result reference(void *self, enum reference_kind kind, struct span edition,
				   struct arena *arena, struct span *ret_file)
{
	struct audit *a = self;

	return store_reference(a->conn, kind, edition, arena, ret_file);
}

static void say_evidence(struct audit *a, const struct replay_item *flag, const char *what, const char *en,
			 const char *zh)
{
	struct finding f = {.what = what, .table = "evidence", .column = "", .entry = flag->index};

	(void)snprintf(f.key, sizeof(f.key), "%" PRIu64 ",%" PRIu64, flag->event.number, flag->index);
	(void)snprintf(f.en, sizeof(f.en), "%s", en);
	(void)snprintf(f.zh, sizeof(f.zh), "%s", zh);
	findings_add(&a->findings, &f);
}

static enum store_result evidence(void *self, const struct replay_item *flag, struct arena *arena,
				  struct span *ret_envelope)
{
	struct audit *a = self;
	struct span kept = {0};
	enum store_result r = store_evidence(a->conn, flag->event.number, flag->index, arena, &kept);

	if (r != STORE_OK)
		return r;
	struct digest sha256 = digest_of(kept);
	if (kept.n == 0)
		say_evidence(a, flag, "row.missing",
			     "the refused envelope that this flag names by its hash is not kept",
			     "该标记以哈希所指的被拒信封未保存");
	else if (!digest_eq(&sha256, &flag->event.flag_raised.evidence_sha256))
		say_evidence(a, flag, "row.changed",
			     "the refused envelope kept for this flag is not the one it names by its hash",
			     "所存被拒信封与该标记所述哈希不符");
	*ret_envelope = kept;
	return STORE_OK;
}

static void keys(void *self, const struct registry *r)
{
	struct audit *a = self;

	feed_keys(a->feed, r);
}

/* ---- before and after ---- */

static bool unavailable(struct audit *a, const char *why)
{
	if (why != a->error)
		(void)snprintf(a->error, sizeof(a->error), "%s", why);
	return false;
}

static bool read_genesis(struct audit *a)
{
	static const uint64_t first;
	struct entry_view view = {0};
	struct log_entry entry;
	struct envelope envelope;
	struct problems problems = {.arena = a->app->arena};
	struct store_port port = store_port();

	if (a->stored.size == 0)
		return true;
	enum store_result r = port.entries(a->conn, &first, 1, a->app->arena, &view);
	if (r != STORE_OK && r != STORE_CORRUPT)
		return unavailable(a, store_error(a->conn));
	a->has_genesis =
	    r == STORE_OK && log_entry_decode(view.entry, &entry) &&
	    envelope_decode(entry.envelope, EVENT_PAYLOAD_TYPE, a->app->arena, &problems, &envelope) &&
	    envelope_event(&envelope, a->app->arena, &problems, &a->genesis) &&
	    a->genesis.kind == EVENT_GENESIS &&
	    note_key_make(a->genesis.genesis.origin, NOTE_ED25519, &a->genesis.genesis.log_key, &a->log_key);
	return true;
}

static bool open_all(struct audit *a, unsigned threads)
{
	const struct store_options options = {.conninfo = a->order->database};
	const char *folder = getenv("TMPDIR");

	a->conn = store_conn_new(STORE_READER, &options);
	if (a->conn == NULL)
		return unavailable(a, "no memory");
	if (store_snapshot(a->conn, a->snapshot) != STORE_OK || store_head(a->conn, &a->stored) != STORE_OK)
		return unavailable(a, store_error(a->conn));
	if (!read_genesis(a))
		return false;
	a->scratch = scratch_open(folder == NULL || folder[0] == '\0' ? "/var/tmp" : folder,
				  (UINT64_C(1) << 28) + a->stored.size * 8192, a->error);
	if (a->scratch == NULL)
		return false;
	a->projection = projection_new(a->conn, a->scratch);
	a->source = audit_source_new(a->order->database, a->snapshot, a->error);
	if (a->source == NULL)
		return false;
	const struct feed_source source = audit_source_feed(a->source);
	const struct feed_options feeding = {.threads = threads,
					     .log_key = a->has_genesis ? &a->log_key : NULL};
	a->feed = feed_new(&feeding, &source);
	const struct replay_ports ports = {.self = a,
					   .next = next_item,
					   .done = done,
					   .load = load,
					   .commit = commit,
					   .hashes = hashes,
					   .reference = reference,
					   .evidence = evidence,
					   .finding = on_finding,
					   .keys = keys};
	const struct replay_options judging = {.group = 1};
	a->replay = replay_new(&judging, &ports);
	return (a->projection != NULL && a->feed != NULL && a->replay != NULL) || unavailable(a, "no memory");
}

static void close_all(struct audit *a)
{
	feed_free(a->feed);
	audit_source_free(a->source);
	replay_free(a->replay);
	projection_free(a->projection);
	scratch_close(a->scratch);
	store_conn_free(a->conn);
	findings_free(&a->findings);
}

static void check_strays(struct audit *a)
{
	const int64_t *sizes;
	size_t n = audit_source_strays(a->source, &sizes);

	for (size_t i = 0; i < n; i++)
		add(a, "row.unexplained", "checkpoint", (uint64_t)sizes[i], "", FINDING_NO_ENTRY,
		    "a checkpoint is stored of a size that the log does not have",
		    "存有日志未达到的长度的检查点");
}

static void check_kept(struct audit *a, const struct kept *k)
{
	const struct log_head *head = replay_head(a->replay);
	struct finding f = {.what = k->what, .table = k->table, .column = "", .entry = FINDING_NO_ENTRY};
	struct checkpoint c = {.size = k->size, .root = k->root};
	enum log_failure wrong = LOG_HOLDS;
	struct digest ours;

	if (k->note.n > 0)
		wrong = a->has_genesis ? checkpoint_open(k->note, a->log_key.name, &a->log_key, &c)
				       : LOG_NOT_CONSISTENT;
	(void)snprintf(f.key, sizeof(f.key), "%.150s", k->path);
	if (wrong != LOG_HOLDS) {
		(void)snprintf(f.en, sizeof(f.en), "%.200s: %s", k->path, log_failure_text(wrong)->en);
		(void)snprintf(f.zh, sizeof(f.zh), "%.200s：%s", k->path, log_failure_text(wrong)->zh);
	} else if (c.size > head->size) {
		f.entry = head->size;
		(void)snprintf(f.en, sizeof(f.en),
			       "%.200s vouches for %" PRIu64 " entries, the database has only %" PRIu64
			       ": it went backwards",
			       k->path, c.size, head->size);
		(void)snprintf(f.zh, sizeof(f.zh),
			       "%.200s 证明有 %" PRIu64 " 条记录，数据库仅有 %" PRIu64 " 条：日志倒退",
			       k->path, c.size, head->size);
	} else if (c.size > 0 && (!replay_root(a->replay, c.size, &ours) || !digest_eq(&ours, &c.root))) {
		(void)snprintf(f.en, sizeof(f.en),
			       "%.200s has another root at size %" PRIu64 ": history was changed", k->path,
			       c.size);
		(void)snprintf(f.zh, sizeof(f.zh), "%.200s 在长度 %" PRIu64 " 处的根哈希不同：历史被更改",
			       k->path, c.size);
	} else {
		return;
	}
	findings_add(&a->findings, &f);
}

/* What witnesses cosigned: as any checkpoint that somebody kept. */
static bool check_cosigned(struct audit *a)
{
	struct span cells[2];
	bool end = false;

	if (store_copy(a->conn, "SELECT size, note FROM cosigned_checkpoint ORDER BY size") != STORE_OK)
		return unavailable(a, store_error(a->conn));
	for (;;) {
		char key[32];
		if (store_copy_row(a->conn, 2, cells, &end) != STORE_OK)
			return unavailable(a, store_error(a->conn));
		if (end)
			return true;
		(void)snprintf(key, sizeof(key), "%" PRId64, copy_int(cells[0]));
		const struct kept k = {
		    .what = "checkpoint", .table = "cosigned_checkpoint", .path = key, .note = cells[1]};
		check_kept(a, &k);
	}
}

static void check_head(struct audit *a)
{
	const struct log_head *head = replay_head(a->replay);
	const struct log_head *stored = &a->stored;

	if (stored->size != head->size)
		add(a, "head", "log_head", 0, "size", FINDING_NO_ENTRY,
		    "the head counts another number of entries than are stored", "日志头的记录数与实际不符");
	else if (replay_tree_whole(a->replay) && !digest_eq(&stored->root, &head->root))
		add(a, "tree.root", "log_head", 0, "root", FINDING_NO_ENTRY,
		    "the root of the head is not the root of the entries", "日志头的根哈希与记录不符");
	if (stored->accepted_at != head->accepted_at)
		add(a, "head", "log_head", 0, "accepted_at", FINDING_NO_ENTRY,
		    "the head has another time of acceptance than the last entry",
		    "日志头的接收时间与末条记录不符");
}

/* EXIT_DONE: all of them could be read. */
static int read_kept(struct audit *a)
{
	const struct order *order = a->order;
	struct mft_failure failure;

	for (size_t i = 0; i < order->checkpoints_n; i++) {
		struct buffer note = BUFFER_EMPTY;
		bool read = mft_file_read(order->checkpoints[i], NOTE_SIZE_MAX, &note, &failure);
		struct kept *k = &a->kept[a->kept_n++];
		*k = (struct kept){.what = "checkpoint", .table = "", .path = order->checkpoints[i]};
		k->note = arena_copy(a->app->arena, buffer_span(&note));
		buffer_free(&note);
		if (!read)
			return app_failed(a->app, &failure);
	}
	if (order->high_water == NULL)
		return EXIT_DONE;
	char why[HIGH_WATER_ERROR_SIZE];
	struct kept *k = &a->kept[a->kept_n++];
	*k = (struct kept){.what = "high_water", .table = "", .path = order->high_water};
	if (high_water_peek(order->high_water, &k->size, &k->root, why))
		return EXIT_DONE;
	mft_fail(&failure, MFT_FAULT_LOCAL, "audit.file", "the high-water file cannot be read",
		 "最高水位文件无法读取", why);
	return app_failed(a->app, &failure);
}

/* ---- the whole ---- */

static bool compare(struct audit *a, json_t *rows)
{
	const struct projection_report report = {.self = a, .finding = on_finding, .progress = on_progress};
	micros overdue = replay_head(a->replay)->accepted_at - a->grace;

	for (size_t i = 0; projection_table(i) != NULL; i++) {
		uint64_t n = 0;
		if (projection_compare(a->projection, i, a->conn, overdue, &report, &n) != STORE_OK)
			return unavailable(a, store_error(a->conn));
		(void)json_object_set_new(rows, projection_table(i), json_of_u64(n));
	}
	return true;
}

static bool run(struct audit *a, json_t *rows)
{
	enum store_result r = replay_run(a->replay);

	if (feed_failed(a->feed))
		return unavailable(a, audit_source_error(a->source));
	if (r != STORE_OK)
		return unavailable(a, store_error(a->conn)[0] == '\0' ? "no memory" : store_error(a->conn));
	replay_missing_keys(a->replay, replay_head(a->replay)->accepted_at - a->grace);
	check_strays(a);
	check_head(a);
	for (size_t i = 0; i < a->kept_n; i++)
		check_kept(a, &a->kept[i]);
	return check_cosigned(a) && compare(a, rows);
}

static void say(struct audit *a, json_t *rows)
{
	struct app *app = a->app;
	double seconds = (double)(app_now() - a->begun_at) / 1e6;
	uint64_t signatures = feed_signatures(a->feed);
	bool holds = a->findings.n == 0 && a->findings.followers == 0;
	const char *name;
	json_t *n;

	show(a, T(app, "entries", "记录"), a->entries, true);
	app_set(app, "holds", json_boolean(holds));
	app_set(app, "entries", json_of_u64(a->entries));
	app_set(app, "signatures", json_of_u64(signatures));
	app_set(app, "seconds", json_real(seconds));
	app_set(app, "signatures_per_second", json_real(seconds > 0 ? (double)signatures / seconds : 0));
	app_say(app,
		T(app, "%" PRIu64 " entries, %" PRIu64 " signatures, %.1f s (%.0f signatures/s)",
		  "%" PRIu64 " 条记录，%" PRIu64 " 个签名，%.1f 秒（每秒 %.0f 个签名）"),
		a->entries, signatures, seconds, seconds > 0 ? (double)signatures / seconds : 0);
	json_object_foreach(rows, name, n) app_say(app, "  %-16s %s", name, json_string_value(n));
	app_set(app, "rows", json_incref(rows));
	findings_say(app, &a->findings);
	app_say(app, "%s%s%s", paint(app, holds ? PAINT_GOOD : PAINT_BAD),
		holds ? T(app, "holds: every table is what follows from the log", "成立：各表均与日志一致")
		      : T(app, "does not hold", "不成立"),
		paint(app, PAINT_END));
}

int log_audit_run(struct app *app, const struct command *command, struct order *order)
{
	struct audit a = {.app = app,
			  .order = order,
			  .findings = {.limit = order->query.limit == 0 ? LIMIT : order->query.limit}};
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	json_t *rows = json_object();
	struct mft_failure failure;
	int status;

	(void)command;
	a.grace = (order->grace > 0 ? order->grace : GRACE_SECONDS) * MICROS_PER_SECOND;
	a.begun_at = app_now();
	a.progress = !app->json && isatty(STDERR_FILENO);
	status = read_kept(&a);
	if (status != EXIT_DONE)
		goto out;
	if (!open_all(&a, order->threads > 0 ? order->threads
			  : cores < 1        ? 1
					     : (unsigned)cores) ||
	    !run(&a, rows)) {
		mft_fail(&failure, MFT_FAULT_UNAVAILABLE, "audit.database",
			 "the database cannot be audited now", "目前无法审计该数据库", a.error);
		status = app_failed(app, &failure);
		goto out;
	}
	say(&a, rows);
	status = a.findings.n + a.findings.followers > 0 ? EXIT_REFUSED : EXIT_DONE;
out:
	json_decref(rows);
	close_all(&a);
	return status;
}
