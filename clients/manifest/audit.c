/* Owns the audit: what is read, judged and compared in which order. */
#include "manifest/audit_internal.h"

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "libmanifest/file.h"
#include "manifest/jsontext.h"
#include "manifest/print.h"
#include "store/high_water.h"
#include "store/projection.h"

static void on_finding(void *self, const struct finding *finding)
{
	struct audit *a = self;

	audit_found(a, finding->entry, finding);
}

/* ---- progress ---- */

void audit_show(struct audit *a, const char *what, uint64_t n, bool last)
{
	micros now = app_now();

	if (!a->progress || (!last && now - a->shown_at < MICROS_PER_SECOND / 5))
		return;
	a->shown_at = now;
	(void)fprintf(stderr, "\r\033[K%s %" PRIu64 " / %" PRIu64 "  %.1f s%s", what, n, a->stored.size,
		      (double)(now - a->begun_at) / 1e6, last ? "\n" : "");
}

static const struct replay_item *next_item(void *self)
{
	struct audit *a = self;
	const struct feed_item *i = feed_next(a->feed);

	if (i == NULL)
		return NULL;
	audit_check_item(a, i);
	a->window[i->item.index % WINDOW] = i;
	return &i->item;
}

static void done(void *self, uint64_t index)
{
	struct audit *a = self;

	feed_done(a->feed, index, audit_check_judged, a);
	findings_release(&a->findings, index);
	audit_show(a, T(a->app, "entries", "记录"), a->entries, false);
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
			audit_add(a, "row.changed", "entry", index, "number", index,
				  "the column number is not the manifest that the entry concerns",
				  "number 列与记录所涉联单不符");
	}
	return projection_commit(a->projection, c);
}

static bool hashes(void *self, unsigned level, uint64_t first, size_t n, struct digest *ret_hashes)
{
	struct audit *a = self;

	return projection_hashes(a->projection, level, first, n, ret_hashes);
}

static enum store_result reference(void *self, enum reference_kind kind, struct span edition,
				   struct arena *arena, struct span *ret_file)
{
	struct audit *a = self;

	return store_reference(a->conn, kind, edition, arena, ret_file);
}

static enum store_result evidence(void *self, const struct replay_item *flag, struct arena *arena,
				  struct span *ret_envelope)
{
	struct audit *a = self;
	struct span kept = {0};
	enum store_result r = store_evidence(a->conn, flag->event.number, flag->index, arena, &kept);

	if (r != STORE_OK)
		return r;
	audit_check_evidence(a, flag, kept);
	*ret_envelope = kept;
	return STORE_OK;
}

static void keys(void *self, const struct registry *r)
{
	struct audit *a = self;

	feed_keys(a->feed, r);
}

/* ---- before and after ---- */

bool audit_unavailable(struct audit *a, const char *why)
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

	enum store_result r = port.entries(a->conn, &first, 1, a->app->arena, &view);
	if (r != STORE_OK && r != STORE_CORRUPT)
		return audit_unavailable(a, store_error(a->conn));
	a->has_genesis =
	    r == STORE_OK && log_entry_decode(view.entry, &entry) &&
	    envelope_decode(entry.envelope, EVENT_PAYLOAD_TYPE, a->app->arena, &problems, &envelope) &&
	    envelope_event(&envelope, a->app->arena, &problems, &a->genesis) &&
	    a->genesis.kind == EVENT_GENESIS &&
	    note_key_make(a->genesis.genesis.origin, NOTE_ED25519, &a->genesis.genesis.log_key, &a->log_key);
	return true;
}

/* What the database says of itself. A head that is not there is a finding like any other. */
static bool read_state(struct audit *a, uint64_t *ret_end)
{
	enum store_result r = store_snapshot(a->conn, a->snapshot);

	if (r == STORE_OK)
		r = store_head(a->conn, &a->stored);
	a->has_head = r == STORE_OK;
	if ((r == STORE_OK || r == STORE_CORRUPT) && store_log_end(a->conn, ret_end) == STORE_OK &&
	    store_unfinished(a->conn, &a->unfinished) == STORE_OK)
		return read_genesis(a);
	return audit_unavailable(a, store_error(a->conn));
}

static bool open_all(struct audit *a)
{
	const struct store_options options = {.conninfo = a->order->database};
	const char *folder = getenv("TMPDIR");
	uint64_t end;

	a->conn = store_conn_new(STORE_READER, &options);
	if (a->conn == NULL)
		return audit_unavailable(a, "no memory");
	if (!read_state(a, &end))
		return false;
	a->scratch = scratch_open(folder == NULL || folder[0] == '\0' ? "/var/tmp" : folder,
				  (UINT64_C(1) << 28) + end * 8192, a->error);
	if (a->scratch == NULL)
		return false;
	a->projection = projection_new(a->conn, a->scratch);
	a->source = audit_source_new(a->order->database, a->snapshot, a->error);
	if (a->source == NULL)
		return false;
	const struct feed_source source = audit_source_feed(a->source);
	const struct feed_options feeding = {.threads = a->threads,
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
	const struct replay_options judging = {.group = 8};
	a->replay = replay_new(&judging, &ports);
	return (a->projection != NULL && a->feed != NULL && a->replay != NULL) ||
	       audit_unavailable(a, "no memory");
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
	mft_fail(&failure, MFT_FAULT_LOCAL, "file", "the high-water file cannot be read",
		 "最高水位文件无法读取", why);
	return app_failed(a->app, &failure);
}

/* ---- the whole ---- */

static bool run(struct audit *a, json_t *rows)
{
	enum store_result r = replay_run(a->replay);

	/* Also what should stand behind the last entry. */
	findings_release(&a->findings, FINDING_NO_ENTRY);
	if (feed_failed(a->feed))
		return audit_unavailable(a, audit_source_error(a->source));
	if (r != STORE_OK)
		return audit_unavailable(a, store_error(a->conn)[0] == '\0' ? "no memory"
									    : store_error(a->conn));
	replay_missing_keys(a->replay, replay_head(a->replay)->accepted_at - a->grace);
	audit_check_strays(a);
	audit_check_head(a);
	for (size_t i = 0; i < a->kept_n; i++)
		audit_check_kept(a, &a->kept[i]);
	return audit_check_cosigned(a) && audit_compare(a, rows);
}

static void say(struct audit *a, json_t *rows)
{
	struct app *app = a->app;
	double seconds = (double)(app_now() - a->begun_at) / 1e6;
	uint64_t signatures = feed_signatures(a->feed);
	bool holds = !findings_any(&a->findings);
	const char *name;
	json_t *n;

	audit_show(a, T(app, "entries", "记录"), a->entries, true);
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
	app_set(app, "under_way", json_of_u64(a->under_way));
	if (a->under_way > 0)
		app_say(app,
			T(app,
			  "under way: a clock was changed, and %" PRIu64
			  " manifests still have the deadlines from before; the server computes them again "
			  "while it "
			  "runs",
			  "进行中：计时参数已变更，尚有 %" PRIu64
			  " 份联单沿用此前的期限；服务器运行时会重新计算"),
			a->under_way);
	findings_say(app, &a->findings);
	app_say(app, "%s%s%s", paint(app, holds ? PAINT_GOOD : PAINT_BAD),
		holds ? T(app, "holds: every table is what follows from the log", "成立：各表均与日志一致")
		      : T(app, "does not hold", "不成立"),
		paint(app, PAINT_END));
}

int log_audit_run(struct app *app, const struct command *command, struct order *order)
{
	struct audit a = {.app = app, .order = order, .findings = {.limit = order->query.limit}};
	json_t *rows = json_object();
	struct mft_failure failure;
	int status;

	(void)command;
	memory_keep_freed();
	/* Whose threads, woken, push nobody from a processor: neither each other nor a server beside it. */
	(void)sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){0});
	a.grace = order->grace * MICROS_PER_SECOND;
	a.begun_at = app_now();
	a.progress = !app->json && isatty(STDERR_FILENO);
	status = read_kept(&a);
	if (status != EXIT_DONE)
		goto out;
	a.threads = feed_threads(order->threads);
	if (!open_all(&a) || !run(&a, rows)) {
		mft_fail(&failure, MFT_FAULT_UNAVAILABLE, "audit.database",
			 "the database cannot be audited now", "目前无法审计该数据库", a.error);
		status = app_failed(app, &failure);
		goto out;
	}
	say(&a, rows);
	status = findings_any(&a.findings) ? EXIT_REFUSED : EXIT_DONE;
out:
	json_decref(rows);
	close_all(&a);
	return status;
}
