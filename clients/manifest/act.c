/*
 * Owns the way of an event from its values to a receipt. A running number is on disk together with the bytes
 * it signs before they leave, and stays there until the server is known to have it or it is given up.
 */
#include "manifest/act.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "libmanifest/file.h"
#include "manifest/jsontext.h"
#include "manifest/meeting.h"
#include "manifest/print.h"

static bool fail(struct app *app, const struct mft_failure *failure, int *ret_status)
{
	*ret_status = app_failed(app, failure);
	return false;
}

struct signer act_signer(const struct app *app)
{
	return (struct signer){
	    .keyid = app->keyid, .number = mft_state_next(app->state), .seen = mft_view_seen(app->view)};
}

bool act_write(struct app *app, const char *path, struct span bytes, int *ret_status)
{
	struct mft_failure failure;
	bool to_stdout = strcmp(path, "-") == 0;

	/* Cards and event files are JSON: with --json they are a part of the one object that is printed. */
	if (to_stdout && app->json) {
		app_set(app, "content", json_loadb((const char *)bytes.p, bytes.n, 0, NULL));
		return true;
	}
	if (!mft_file_replace(path, bytes, 0600, &failure))
		return fail(app, &failure, ret_status);
	if (!to_stdout) {
		app_set(app, "file", json_string(path));
		app_say(app, T(app, "written: %s", "已写入：%s"), path);
	}
	return true;
}

bool act_read(struct app *app, const char *path, struct event_file *ret_file, struct mft_signed *ret_signed,
	      int *ret_status)
{
	struct problems problems = {.arena = app->arena};
	struct mft_failure failure;
	struct buffer bytes = BUFFER_EMPTY;
	bool good = mft_file_read(path, 4 * (size_t)ENVELOPE_MAX, &bytes, &failure) &&
		    event_file_parse(buffer_span(&bytes), app->arena, ret_file, &failure);

	buffer_free(&bytes);
	if (!good)
		return fail(app, &failure, ret_status);
	if (mft_signed_read(ret_file->envelope, app->arena, &problems, ret_signed))
		return true;
	if (problems.first != NULL && problems.first->path[0] == '\0')
		*ret_status =
		    app_usage(app, "not an event file; --out of the command that makes an event writes one",
			      "不是事件文件；由生成事件的命令以 --out 写出", path);
	else
		*ret_status = app_problems(app, &problems);
	return false;
}

/* ---- sending ---- */

static void tell_accepted(struct app *app, const struct mft_news *news, const struct event *e)
{
	const struct word *kind = word_of(event_words, (int)e->kind);
	json_t *remarks = json_array();

	app_say(app, "%s%s%s %s%s%s  %s %" PRIu64 "  %s  %s%s", paint(app, PAINT_GOOD),
		T(app, "accepted", "已接受"), paint(app, PAINT_END), T(app, kind->en, kind->zh),
		e->number == 0 ? "" : " ", text_number(app, e->number), T(app, "entry", "序号"),
		news->receipt.index, text_time(app, news->accepted_at), text_short(app, &e->id),
		news->receipt.repeated ? T(app, "  (sent before)", "（此前已接受）") : "");
	for (size_t i = 0; i < news->receipt.remarks_n; i++) {
		app_say(app, "  %s%.*s%s", paint(app, PAINT_WARN), SPAN_ARG(news->receipt.remarks[i]),
			paint(app, PAINT_END));
		(void)json_array_append_new(remarks, json_of_span(news->receipt.remarks[i]));
	}
	app_set(app, "accepted", json_true());
	app_set(app, "kind", json_string(kind->name));
	if (e->number != 0)
		app_set(app, "number", json_string(text_number(app, e->number)));
	app_set(app, "event", json_of_digest(&e->id));
	app_set(app, "index", json_of_u64(news->receipt.index));
	app_set(app, "accepted_at", json_of_i64(news->accepted_at));
	app_set(app, "repeated", json_boolean(news->receipt.repeated));
	app_set(app, "remarks", remarks);
	app_set(app, "proof", json_of_span(news->receipt.proof));
}

static bool is_final(enum refusal_kind kind)
{
	return kind == REFUSAL_MALFORMED || kind == REFUSAL_RULE || kind == REFUSAL_FORK ||
	       kind == REFUSAL_DESCENDS || kind == REFUSAL_FORBIDDEN || kind == REFUSAL_NOT_FOUND ||
	       kind == REFUSAL_SIGNATURE;
}

static int settle_refused(struct app *app, enum role role, struct span envelope, uint64_t number,
			  enum refusal_kind kind)
{
	struct mft_failure failure;

	if (number == 0)
		return EXIT_REFUSED;
	if (!is_final(kind)) {
		app_note(app,
			 T(app, "running number %" PRIu64 " waits; send it again with: manifest key settle",
			   "流水号 %" PRIu64 " 待发；请稍后执行：manifest key settle"),
			 number);
		return EXIT_UNAVAILABLE;
	}
	if (!mft_state_put(app->state, number, MFT_WAITING_REFUSED, envelope, &failure))
		return app_failed(app, &failure);
	(void)act_void(app, role, number, span_str("refused by the server"));
	return EXIT_REFUSED;
}

int act_send(struct app *app, enum role role, struct span envelope, uint64_t number)
{
	struct problems problems = {.arena = app->arena};
	struct mft_failure failure;
	struct mft_signed signed_event;
	struct mft_news news;
	int status = EXIT_DONE;

	if (!app_connect(app, role, &status))
		return status;
	if (!mft_signed_read(envelope, app->arena, &problems, &signed_event))
		return app_problems(app, &problems);
	if (!mft_client_submit(app->client, envelope, &news))
		return app_client_failed(app);
	if (news.kind == MFT_REFUSED) {
		enum refusal_kind kind = news.refusal.kind;
		status = app_refused(app, &news.refusal);
		(void)settle_refused(app, role, envelope, number, kind);
		return status;
	}
	tell_accepted(app, &news, &signed_event.event);
	if (number != 0 && !mft_state_done(app->state, number, &failure))
		return app_failed(app, &failure);
	return EXIT_DONE;
}

int act_void(struct app *app, enum role role, uint64_t number, struct span reason)
{
	const struct secret_key *keys[] = {&app->secret};
	struct event e = {.kind = EVENT_VOIDED, .occurred_at = app_now(), .signers_n = 1};
	struct buffer envelope = BUFFER_EMPTY;
	struct mft_failure failure;
	struct mft_news news;
	int status = EXIT_DONE;

	if (!app_connect(app, role, &status))
		return status;
	e.voided = (struct voided){.running_number = number, .reason = reason};
	e.signers[0] = act_signer(app);
	bool good = mft_sign(&e, keys, 1, &envelope, &failure) &&
		    mft_state_put(app->state, e.signers[0].number, MFT_WAITING_EVENT, buffer_span(&envelope),
				  &failure);
	bool sent = good && mft_client_submit(app->client, buffer_span(&envelope), &news);
	buffer_free(&envelope);
	if (good && !sent)
		return app_client_failed(app);
	if (good && news.kind == MFT_REFUSED)
		return app_refused(app, &news.refusal);
	if (!good || !mft_state_done(app->state, e.signers[0].number, &failure) ||
	    !mft_state_done(app->state, number, &failure))
		return app_failed(app, &failure);
	app_note(app,
		 T(app, "running number %" PRIu64 " was given up (entry %" PRIu64 ")",
		   "流水号 %" PRIu64 " 已声明作废（序号 %" PRIu64 "）"),
		 number, news.receipt.index);
	return EXIT_DONE;
}

/* ---- making ---- */

/* Who signs besides this key, and with what. */
struct signing {
	struct secret_key new_secret;
	struct mft_state *new_state;
	struct public_key keys[MAX_SIGNERS];
	const struct secret_key *secrets[MAX_SIGNERS]; /* those that are here */
	size_t secrets_n;
	struct buffer envelope;
};

static void signing_free(struct signing *s)
{
	secret_key_wipe(&s->new_secret);
	mft_state_close(s->new_state);
	buffer_free(&s->envelope);
}

static bool add_card(struct app *app, const char *path, struct event *e, struct signing *s, int *ret_status)
{
	struct mft_failure failure;
	struct buffer text = BUFFER_EMPTY;
	struct card card;
	bool good = mft_file_read(path, 65536, &text, &failure) &&
		    card_parse(buffer_span(&text), app->arena, &card, &failure);

	buffer_free(&text);
	if (!good)
		return fail(app, &failure, ret_status);
	meet(app, &card);
	s->keys[e->signers_n] = card.key;
	e->signers[e->signers_n++] = card.signer;
	return true;
}

static bool add_new_key(struct app *app, const char *path, struct event *e, struct signing *s,
			int *ret_status)
{
	struct mft_failure failure = {.id = "memory"};

	if (!app_read_secret(app, path, &s->new_secret, ret_status))
		return false;
	s->keys[e->signers_n] = key_public(&s->new_secret);
	const struct digest keyid = key_id(&s->keys[e->signers_n]);
	s->new_state = mft_state_open(app->state_dir, &keyid, &failure);
	if (s->new_state == NULL)
		return fail(app, &failure, ret_status);
	e->signers[e->signers_n++] = (struct signer){
	    .keyid = keyid, .number = mft_state_next(s->new_state), .seen = mft_view_seen(app->view)};
	return true;
}

static bool add_signers(struct app *app, const struct order *order, struct event *e, struct signing *s,
			int *ret_status)
{
	e->signers[0] = act_signer(app);
	e->signers_n = 1;
	s->keys[0] = app->public;
	s->secrets[s->secrets_n++] = &app->secret;
	for (size_t i = 0; i < order->cards_n; i++)
		if (!add_card(app, order->cards[i], e, s, ret_status))
			return false;
	if (order->new_key == NULL)
		return true;
	if (!add_new_key(app, order->new_key, e, s, ret_status))
		return false;
	if (e->signers_n == 2)
		s->secrets[s->secrets_n++] = &s->new_secret;
	return true;
}

/* The new key's possession is proved by its signature; the event carries the key itself. */
static void name_new_key(struct event *e, const struct signing *s)
{
	if (e->kind == EVENT_KEY_ENROLLED)
		e->key_enrolled.key = s->keys[e->signers_n - 1];
	else if (e->kind == EVENT_REGISTRAR_ADDED)
		e->registrar_added.key = s->keys[e->signers_n - 1];
}

/* What is wrong with single fields is found here, before a number is used. */
static bool check(struct app *app, const struct event *e, int *ret_status)
{
	struct problems problems = {.arena = app->arena};
	struct buffer payload = BUFFER_EMPTY;
	struct event again;
	bool good =
	    event_encode(e, &payload) && event_decode(buffer_span(&payload), app->arena, &problems, &again);

	if (!good && problems.first == NULL)
		*ret_status = app_usage(app, "this cannot be written as an event", "无法写成事件",
					event_kind_name(e->kind));
	else if (!good)
		*ret_status = app_problems(app, &problems);
	buffer_free(&payload);
	return good;
}

static int finish(struct app *app, const struct command *command, const struct order *order,
		  const struct event *e, const struct signing *s)
{
	struct buffer file = BUFFER_EMPTY;
	struct mft_failure failure;
	bool complete = s->secrets_n == e->signers_n;
	int status = EXIT_DONE;

	if (complete && order->out == NULL) {
		status = act_send(app, command->role, buffer_span(&s->envelope), e->signers[0].number);
		if (status == EXIT_DONE && s->new_state != NULL &&
		    !mft_state_done(s->new_state, e->signers[1].number, &failure))
			status = app_failed(app, &failure);
		return status;
	}
	/* This key's, and the new one's that is here: both know the one view. */
	const struct span seen[MAX_SIGNERS] = {mft_view_checkpoint(app->view),
					       mft_view_checkpoint(app->view)};
	if (order->out == NULL ||
	    !event_file_put(buffer_span(&s->envelope), s->keys, seen, s->secrets_n, &file))
		status = app_no_memory(app);
	else
		(void)!act_write(app, order->out, buffer_span(&file), &status);
	buffer_free(&file);
	return status;
}

/* A file can be made at the path: looked at before a number is spent on what goes there. */
static bool is_writable(struct app *app, const char *path, int *ret_status)
{
	char folder[4096] = ".";
	const char *slash = strrchr(path, '/');
	char detail[400];

	if (slash != NULL)
		(void)snprintf(folder, sizeof(folder), "%.*s", slash == path ? 1 : (int)(slash - path), path);
	if (strcmp(path, "-") == 0 || access(folder, W_OK | X_OK) == 0)
		return true;
	(void)snprintf(detail, sizeof(detail), "--out %.200s: %.100s", path, strerror(errno));
	*ret_status = app_usage(app, "no file can be written there", "该处无法写入文件", detail);
	return false;
}

int act(struct app *app, const struct command *command, struct order *order)
{
	struct event *e = &order->event;
	struct signing s = {0};
	struct mft_failure failure;
	int status = EXIT_DONE;
	bool ready = order->offline ? app_state(app, &status) : app_connect(app, command->role, &status);

	if (!ready)
		return status;
	app_numbers(app);
	if (order->out == NULL && (order->offline || order->cards_n > 0))
		return app_usage(app, "others have to sign it still, or the server is away: --out FILE",
				 "尚待他人签署或离线：须给出 --out 文件", NULL);
	if (order->out != NULL && !is_writable(app, order->out, &status))
		return status;
	e->kind = command->kind;
	if (e->occurred_at == 0)
		e->occurred_at = app_now();
	if (!add_signers(app, order, e, &s, &status))
		goto out;
	name_new_key(e, &s);
	if (!check(app, e, &status))
		goto out;
	bool good = mft_sign(e, s.secrets, s.secrets_n, &s.envelope, &failure) &&
		    mft_state_put(app->state, e->signers[0].number, MFT_WAITING_EVENT,
				  buffer_span(&s.envelope), &failure);
	if (good && s.new_state != NULL)
		good = mft_state_put(s.new_state, e->signers[e->signers_n - 1].number, MFT_WAITING_EVENT,
				     buffer_span(&s.envelope), &failure);
	status = good ? finish(app, command, order, e, &s) : app_failed(app, &failure);
out:
	signing_free(&s);
	return status;
}
