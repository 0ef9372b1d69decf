/*
 * Owns what a witness is asked over HTTP and what it does: judged by core/add_checkpoint.h, stored by
 * witness_store.h, and only then answered. Requests are handled one after the other, so that no two of them
 *can be judged by the same stored checkpoint. POST /add-checkpoint			C2SP tlog-witness GET
 * /HEX/checkpoint			the last checkpoint cosigned; HEX is SHA-256 of the origin
 */
#include "manifest/witness.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "manifest/http_port.h"
#include "manifest/policy_file.h"
#include "manifest/witness_store.h"

enum { WATCHED_MAX = 64, KEYS_OF_LOG_MAX = 4 };

static const struct http_port_settings port_settings = {
    .body_max = ADD_CHECKPOINT_SIZE_MAX, .connections_max = 512, .seconds = 10};

/* A log, and what was cosigned last for it. */
struct watched {
	struct witnessed_log log;
	struct checkpoint last;
	struct buffer note; /* empty: none */
};

struct witness {
	struct app *app;
	struct note_key key;
	struct secret_key secret;
	struct witness_store *store;
	struct watched logs[WATCHED_MAX];
	size_t logs_n;
};

static struct watched *find_log(struct witness *w, struct span origin)
{
	for (size_t i = 0; i < w->logs_n; i++)
		if (span_eq(w->logs[i].log.origin, origin))
			return &w->logs[i];
	return NULL;
}

/* One line for each request about a known log. */
static void tell(const struct witness *w, const struct add_checkpoint *r, int status)
{
	app_note(w->app, "%d %.*s old %" PRIu64, status, SPAN_ARG(r->origin), r->old);
}

/* ---- add-checkpoint ---- */

/* The note to store: the text with the lines of the log's keys and this one, and nothing of strangers. */
static bool put_stored(const struct witness *w, const struct watched *at, struct span request_note,
		       struct span text, struct span line, struct buffer *to)
{
	struct note_key keys[KEYS_OF_LOG_MAX + 1];
	struct buffer own = BUFFER_EMPTY;
	struct span unused;
	struct span lines;
	size_t fresh = 0;
	size_t n = at->log.keys_n;

	memcpy(keys, at->log.keys, n * sizeof(keys[0]));
	keys[n] = w->key;
	buffer_put_span(&own, text);
	buffer_put_u8(&own, '\n');
	buffer_put_span(&own, line);
	bool good = buffer_ok(&own) && note_split(request_note, &unused, &lines) &&
		    cosignatures_merge(buffer_span(&own), lines, keys, n + 1, to, &fresh) == LOG_HOLDS &&
		    buffer_ok(to);
	buffer_free(&own);
	return good;
}

/* Stores, and only then appends the cosignature. Returns the status. */
static int cosign(struct witness *w, struct watched *at, struct span note, const struct checkpoint *next,
		  struct span text, struct buffer *body)
{
	struct buffer line = BUFFER_EMPTY;
	struct buffer stored = BUFFER_EMPTY;
	struct mft_failure failure;
	int status = 200;

	note_put_signature(&line, &w->key, &w->secret, (uint64_t)(app_now() / MICROS_PER_SECOND), text);
	if (!buffer_ok(&line) || !put_stored(w, at, note, text, buffer_span(&line), &stored)) {
		/* a bad line under this witness's own name */
		status = add_outcomes[ADD_NOT_SIGNED].status;
		buffer_put_str(body, add_outcomes[ADD_NOT_SIGNED].body);
	} else if (!witness_store_save(w->store, at->log.origin, buffer_span(&stored), &failure)) {
		app_note(w->app,
			 T(w->app, "%s; nothing is cosigned that is not stored: check that disk",
			   "%s；未存妥即不签署：请检查该磁盘"),
			 T(w->app, failure.en, failure.zh));
		status = 500;
		buffer_put_str(body, "the checkpoint could not be stored\n");
	} else {
		buffer_free(&at->note);
		at->note = stored;
		at->last =
		    (struct checkpoint){.origin = at->log.origin, .size = next->size, .root = next->root};
		stored = (struct buffer)BUFFER_EMPTY;
		buffer_put_span(body, buffer_span(&line));
	}
	buffer_free(&line);
	buffer_free(&stored);
	return status;
}

static void add_checkpoint(struct witness *w, const struct http_request *request, struct http_reply *reply,
			   struct buffer *body)
{
	struct add_checkpoint r = {.old = 0};
	struct checkpoint next = {.size = 0};
	struct span text;
	struct watched *at = NULL;
	enum add_outcome outcome = ADD_MALFORMED;

	if (add_checkpoint_parse(request->body, &r)) {
		at = find_log(w, r.origin);
		outcome = ADD_UNKNOWN_ORIGIN;
	}
	if (at != NULL)
		outcome = add_checkpoint_judge(&r, &at->log, &at->last, &next, &text);
	const struct add_outcome_row *row = &add_outcomes[outcome];
	reply->status = row->status;
	reply->type = row->type;
	if (row->body != NULL)
		buffer_put_str(body, row->body);
	if (at == NULL)
		return;
	if (outcome == ADD_COSIGN)
		reply->status = cosign(w, at, r.note, &next, text, body);
	if (outcome == ADD_NOT_LAST)
		add_checkpoint_put_size(body, at->last.size);
	/* The log's own signature is under it: whoever has both can show that the log has two histories. A
	 * proof that is merely wrong is anybody's, and has a place apart. */
	bool proved = outcome == ADD_OTHER_ROOT || outcome == ADD_OTHER_HISTORY;
	if ((proved || outcome == ADD_NOT_CONSISTENT) &&
	    witness_store_keep_evidence(w->store, at->log.origin, request->body, r.note, proved))
		app_note(w->app, proved ? T(w->app, "kept as evidence: a checkpoint of another history",
					    "已留作证据：检查点属于另一历史")
					: T(w->app, "kept to be looked at: a checkpoint with a wrong proof",
					    "留待查看：检查点所附证明有误"));
	tell(w, &r, reply->status);
}

/* ---- monitoring ---- */

static bool is_path_of(struct span target, const struct watched *at)
{
	const struct digest d = digest_of(at->log.origin);
	char path[DIGEST_HEX + 16] = "/";

	digest_hex(&d, path + 1);
	memcpy(path + 1 + DIGEST_HEX, "/checkpoint", sizeof("/checkpoint"));
	return span_eq_str(target, path);
}

static void give_checkpoint(const struct watched *at, struct http_reply *reply, struct buffer *body)
{
	if (at->note.n == 0) {
		reply->status = 404;
		buffer_put_str(body, "nothing was cosigned for this log yet\n");
	} else {
		buffer_put_span(body, buffer_span(&at->note));
	}
}

static void answer(void *self, const struct http_request *request, struct buffer *to)
{
	struct witness *w = self;
	struct http_reply reply = {.status = 200, .type = "text/plain; charset=utf-8"};
	struct buffer body = BUFFER_EMPTY;
	const struct watched *at = NULL;
	bool post = span_eq_str(request->method, "POST");

	reply.head_only = span_eq_str(request->method, "HEAD");
	bool get = reply.head_only || span_eq_str(request->method, "GET");
	bool add = span_eq_str(request->target, "/add-checkpoint");
	for (size_t i = 0; i < w->logs_n && at == NULL; i++)
		if (is_path_of(request->target, &w->logs[i]))
			at = &w->logs[i];
	if (add && post && request->has_length) {
		add_checkpoint(w, request, &reply, &body);
	} else if (at != NULL && get) {
		give_checkpoint(at, &reply, &body);
	} else if (add && post) {
		reply.status = 411;
		buffer_put_str(&body, "the body's length must be told\n");
	} else if (add || at != NULL) {
		reply.status = 405;
		reply.allow = add ? "POST" : "GET, HEAD";
		buffer_put_str(&body, "not by this method\n");
	} else {
		reply.status = 404;
		buffer_put_str(&body,
			       "POST /add-checkpoint, GET /(SHA-256 of the origin in hex)/checkpoint\n");
	}
	reply.body = buffer_span(&body);
	if (buffer_ok(&body))
		http_reply_put(to, &reply);
	to->broken = to->broken || !buffer_ok(&body);
	buffer_free(&body);
}

/* ---- starting ---- */

static bool add_log(struct witness *w, const struct note_key *key, struct span origin)
{
	struct watched *at = find_log(w, origin);

	if (at == NULL) {
		if (w->logs_n == WATCHED_MAX)
			return false;
		at = &w->logs[w->logs_n++];
		*at = (struct watched){.log.origin = origin};
	}
	if (at->log.keys_n == KEYS_OF_LOG_MAX || key->type != NOTE_ED25519)
		return false;
	at->log.keys[at->log.keys_n++] = *key;
	return true;
}

/* "VKEY", whose name is the origin, or "VKEY ORIGIN". */
static bool add_watched(struct witness *w, struct span text, int *ret_status)
{
	struct span origin = text;
	struct span vkey = text;
	struct note_key key;

	bool named = span_cut(&origin, ' ', &vkey);
	if (note_key_parse(vkey, &key) && (!named || (origin.n > 0 && text_is_clean(origin))) &&
	    add_log(w, &key, named ? origin : key.name))
		return true;
	*ret_status = app_usage(
	    w->app, "not a log's key, as NAME+ID+BASE64, and then its origin if that is not the name",
	    "不是日志公钥（名称+编号+BASE64，来源与名称不同时后接空格与来源）",
	    arena_printf(w->app->arena, "%.*s", SPAN_ARG(text)));
	return false;
}

static bool add_policy(struct witness *w, const char *path, int *ret_status)
{
	const struct policy *policy = app_policy(w->app, path, ret_status);
	bool good = policy != NULL;

	for (size_t i = 0; good && i < policy->logs_n; i++) {
		good = add_log(w, &policy->logs[i].key, policy->logs[i].key.name);
		if (!good)
			*ret_status = app_usage(w->app, "too many logs", "日志过多", path);
	}
	return good;
}

static bool take_logs(struct witness *w, const struct order *order, int *ret_status)
{
	for (size_t i = 0; i < order->watched_n; i++)
		if (!add_watched(w, order->watched[i], ret_status))
			return false;
	if (order->policy != NULL && !add_policy(w, order->policy, ret_status))
		return false;
	if (w->logs_n > 0)
		return true;
	*ret_status = app_usage(w->app, "no log is named: --watch VKEY, or --policy FILE with lines `log`",
				"未指明日志：--watch 公钥，或 --policy 文件（含 log 行）", NULL);
	return false;
}

static bool open_store(struct witness *w, bool fresh, int *ret_status)
{
	struct mft_failure failure;
	char folder[4160];

	(void)snprintf(folder, sizeof(folder), "%s/witness", w->app->state_dir);
	w->store = witness_store_open(folder, &w->key, fresh, &failure);
	if (w->store == NULL) {
		*ret_status = app_failed(w->app, &failure);
		return false;
	}
	for (size_t i = 0; i < w->logs_n; i++) {
		struct watched *at = &w->logs[i];
		if (!witness_store_load(w->store, &at->log, &at->note, &at->last, &failure)) {
			*ret_status = app_failed(w->app, &failure);
			return false;
		}
	}
	return true;
}

static int serve(struct witness *w, const char *listen_on)
{
	char error[HTTP_PORT_ERROR_SIZE];
	struct http_port *port =
	    http_port_new(&port_settings, listen_on == NULL ? "127.0.0.1:7312" : listen_on, answer, w, error);

	if (port == NULL)
		return app_usage(w->app, "cannot start", "无法启动", error);
	for (size_t i = 0; i < w->logs_n; i++)
		app_say(w->app,
			T(w->app, "watching %.*s, cosigned up to size %" PRIu64,
			  "见证 %.*s，已签至长度 %" PRIu64),
			SPAN_ARG(w->logs[i].log.origin), w->logs[i].last.size);
	app_say(w->app, T(w->app, "listening on %s", "监听 %s"), http_port_name(port));
	(void)fflush(stdout);
	bool good = http_port_run(port);
	http_port_free(port);
	return good ? EXIT_DONE : EXIT_UNAVAILABLE;
}

int witness_run(struct app *app, const struct command *command, struct order *order)
{
	struct witness *w = arena_alloc(app->arena, sizeof(*w));
	struct buffer vkey = BUFFER_EMPTY;
	int status = EXIT_DONE;

	(void)command;
	if (w == NULL)
		return app_usage(app, "out of memory", "内存不足", NULL);
	w->app = app;
	if (!app_key(app, &status))
		return status;
	w->secret = app->secret;
	if (!note_key_make(order->name, NOTE_COSIGNATURE, &app->public, &w->key)) {
		status = app_usage(app, "a name has no space and no plus sign", "名称不得含空格或加号", NULL);
		goto done;
	}
	note_key_put(&vkey, &w->key);
	app_say(app, "%.*s", SPAN_ARG(buffer_span(&vkey)));
	app_set(app, "key", json_stringn((const char *)vkey.p, vkey.n));
	if (!order->print_only && take_logs(w, order, &status) && open_store(w, order->fresh, &status))
		status = serve(w, order->listen);
	witness_store_close(w->store);
	for (size_t i = 0; i < w->logs_n; i++)
		buffer_free(&w->logs[i].note);
done:
	buffer_free(&vkey);
	secret_key_wipe(&w->secret);
	return status;
}
