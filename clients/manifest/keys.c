/* Owns key files, and the running numbers that were given out and have not come back. */
#include "manifest/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "crypto/key_text.h"
#include "libmanifest/file.h"
#include "manifest/act.h"
#include "manifest/event_text.h"
#include "manifest/jsontext.h"
#include "manifest/meeting.h"
#include "manifest/print.h"

static void tell_key(struct app *app, const struct public_key *key)
{
	const struct digest keyid = key_id(key);
	char text[KEY_TEXT_SIZE];

	public_key_text(key, text);
	text[strlen(text) - 1] = '\0';
	app_say(app, "%s", text);
	app_say(app, "keyid %s", text_digest(app, &keyid));
	app_set(app, "key", json_string(text));
	app_set(app, "keyid", json_of_digest(&keyid));
}

static bool write_new(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	size_t n = strlen(text);

	if (fd < 0)
		return false;
	bool good = write(fd, text, n) == (ssize_t)n && fsync(fd) == 0;
	return close(fd) == 0 && good;
}

int key_new(struct app *app, const struct command *command, struct order *order)
{
	struct secret_key secret;
	struct public_key public;
	char text[KEY_TEXT_SIZE];
	char path[4096];
	char detail[4400];

	(void)command;
	(void)snprintf(path, sizeof(path), "%.4000s.pub", order->files[0]);
	key_generate(&secret, &public);
	secret_key_text(&secret, text);
	bool good = write_new(order->files[0], text, 0600);
	explicit_bzero(text, sizeof(text));
	secret_key_wipe(&secret);
	public_key_text(&public, text);
	if (!good || (access(path, F_OK) != 0 && !write_new(path, text, 0644))) {
		struct mft_failure failure;
		(void)snprintf(detail, sizeof(detail), "%.4000s: %s", order->files[0], strerror(errno));
		mft_fail(&failure, MFT_FAULT_LOCAL, "file", "the key was not written", "密钥未写入", detail);
		return app_failed(app, &failure);
	}
	tell_key(app, &public);
	return EXIT_DONE;
}

int key_show(struct app *app, const struct command *command, struct order *order)
{
	struct buffer text = BUFFER_EMPTY;
	struct mft_failure failure;
	struct secret_key secret;
	struct public_key public;

	(void)command;
	if (!mft_file_read(order->files[0], 4096, &text, &failure))
		return app_failed(app, &failure);
	bool good = public_key_parse(buffer_span(&text), &public);
	if (!good && secret_key_parse(buffer_span(&text), &secret)) {
		public = key_public(&secret);
		secret_key_wipe(&secret);
		good = true;
	}
	explicit_bzero(text.p, text.n);
	buffer_free(&text);
	if (!good)
		return app_usage(app, "not a key file", "不是密钥文件", order->files[0]);
	tell_key(app, &public);
	return EXIT_DONE;
}

int key_card(struct app *app, const struct command *command, struct order *order)
{
	struct buffer text = BUFFER_EMPTY;
	struct mft_failure failure;
	int status = EXIT_DONE;

	(void)command;
	if (!app_state(app, &status))
		return status;
	app_numbers(app);
	const struct card card = {
	    .key = app->public, .signer = act_signer(app), .checkpoint = mft_view_checkpoint(app->view)};
	if (!card_put(&card, &text)) {
		status = app_no_memory(app);
	} else if (!mft_state_put(app->state, card.signer.number, MFT_WAITING_CARD, buffer_span(&text),
				  &failure)) {
		status = app_failed(app, &failure);
	} else {
		(void)!act_write(app, order->out == NULL ? "-" : order->out, buffer_span(&text), &status);
		app_set(app, "running_number", json_of_u64(card.signer.number));
	}
	buffer_free(&text);
	return status;
}

/* ---- what waits ---- */

static const char *waiting_text(const struct app *app, enum mft_waiting what)
{
	switch (what) {
	case MFT_WAITING_EVENT: return T(app, "signed, not known to have arrived", "已签署，尚未确认送达");
	case MFT_WAITING_CARD:
		return T(app, "card given out, event not seen; lost: key void",
			 "签署卡已出示，事件未返回；遗失则 key void");
	default: return T(app, "refused; give the number up: key settle", "被拒绝，须声明作废：key settle");
	}
}

/* As a table and in JSON; says so when nothing waits. */
static int list_waiting(struct app *app)
{
	static const char *const names[] = {"event", "card", "refused"};
	static const char *const en[] = {">number", "why it waits", NULL};
	static const char *const zh[] = {">流水号", "等待原因", NULL};
	struct mft_waiting_number *list = NULL;
	struct mft_failure failure;
	size_t n = 0;

	if (!mft_state_waiting(app->state, &list, &n, &failure))
		return app_failed(app, &failure);
	struct table t = table_begin(app, T(app, en, zh));
	json_t *json = json_array();
	for (size_t i = 0; i < n; i++) {
		table_printf(&t, "%" PRIu64, list[i].number);
		table_put(&t, waiting_text(app, list[i].what));
		(void)json_array_append_new(json,
					    json_pack("{s:o,s:s}", "number", json_of_u64(list[i].number),
						      "what", names[list[i].what]));
	}
	table_end(&t);
	free(list);
	if (n == 0)
		app_say(app, "%s", T(app, "nothing waits", "没有待发内容"));
	app_set(app, "waiting", json);
	app_set(app, "next", json_of_u64(mft_state_next(app->state)));
	app_set(app, "size", json_of_u64(mft_view_size(app->view)));
	return EXIT_DONE;
}

int key_waiting(struct app *app, const struct command *command, struct order *order)
{
	int status = EXIT_DONE;

	(void)command;
	(void)order;
	if (!app_state(app, &status))
		return status;
	status = list_waiting(app);
	app_say(app,
		T(app, "next running number %" PRIu64 ", log verified up to size %" PRIu64,
		  "下一流水号 %" PRIu64 "，日志已验证至长度 %" PRIu64),
		mft_state_next(app->state), mft_view_size(app->view));
	return status;
}

/* A card, or an event that another side had still to sign: when its number is in the log, it arrived that
 * way. */
static int settle_others(struct app *app, uint64_t number)
{
	struct mft_failure failure;

	if (number >= mft_client_next_number(app->client) || mft_state_done(app->state, number, &failure))
		return EXIT_DONE;
	return app_failed(app, &failure);
}

static int settle_one(struct app *app, const struct command *command,
		      const struct mft_waiting_number *waiting)
{
	struct problems problems = {.arena = app->arena};
	struct buffer bytes = BUFFER_EMPTY;
	struct mft_failure failure;
	struct mft_signed s;
	int status = EXIT_DONE;

	if (waiting->what == MFT_WAITING_CARD)
		return settle_others(app, waiting->number);
	if (waiting->what == MFT_WAITING_REFUSED)
		return act_void(app, command->role, waiting->number, span_str("refused by the server"));
	if (!mft_state_read(app->state, waiting, &bytes, &failure))
		status = app_failed(app, &failure);
	else if (!mft_signed_read(buffer_span(&bytes), app->arena, &problems, &s))
		status = app_problems(app, &problems);
	else if (s.complete)
		status = act_send(app, command->role, buffer_span(&bytes), waiting->number);
	else
		status = settle_others(app, waiting->number);
	buffer_free(&bytes);
	return status;
}

int key_settle(struct app *app, const struct command *command, struct order *order)
{
	struct mft_waiting_number *list = NULL;
	struct mft_failure failure;
	size_t n = 0;
	int status = EXIT_DONE;

	(void)order;
	if (!app_connect(app, command->role, &status))
		return status;
	if (!mft_state_waiting(app->state, &list, &n, &failure))
		return app_failed(app, &failure);
	for (size_t i = 0; i < n; i++) {
		int one = settle_one(app, command, &list[i]);
		if (one > status)
			status = one;
		if (one == EXIT_UNAVAILABLE)
			break;
	}
	free(list);
	int listed = list_waiting(app);
	return status != EXIT_DONE ? status : listed;
}

int key_void(struct app *app, const struct command *command, struct order *order)
{
	int status = EXIT_DONE;

	if (!app_state(app, &status))
		return status;
	if (order->running_number >= mft_state_next(app->state))
		return app_usage(app, "this key has not used that number yet", "此密钥尚未使用该流水号",
				 NULL);
	return act_void(app, command->role, order->running_number, order->event.voided.reason);
}

/* ---- counter-signing ---- */

/* The signatures so far, by the keys that came with the file. */
static bool signatures_hold(struct app *app, const struct event_file *file, const struct mft_signed *s,
			    int *ret_status)
{
	for (size_t i = 0; i < s->envelope.signatures_n; i++) {
		struct mft_failure failure;
		char who[40];
		if (i < file->keys_n && mft_signed_holds(s, i, &file->keys[i]))
			continue;
		(void)snprintf(who, sizeof(who), "signatures[%zu]", i);
		mft_fail(&failure, MFT_FAULT_DISPROVED, "signature",
			 i < file->keys_n ? "a signature does not hold"
					  : "the signer's public key is not in the file",
			 i < file->keys_n ? "签名不成立" : "文件中没有签署人的公钥", who);
		*ret_status = app_failed(app, &failure);
		return false;
	}
	return true;
}

/* The same event, signed before: signing it again gives the same bytes. */
static bool is_signed_before(struct app *app, const struct mft_waiting_number *waiting,
			     const struct digest *event)
{
	struct problems problems = {.arena = app->arena};
	struct buffer bytes = BUFFER_EMPTY;
	struct mft_signed s;
	bool same = mft_state_read(app->state, waiting, &bytes, NULL) &&
		    mft_signed_read(buffer_span(&bytes), app->arena, &problems, &s) &&
		    digest_eq(&s.event.id, event);

	buffer_free(&bytes);
	return same;
}

/* The number in the event must be one that this key gave out on a card, and not used since. */
static bool is_my_card(struct app *app, const struct event *e, const struct signer *me, int *ret_status)
{
	struct mft_waiting_number *list = NULL;
	struct mft_failure failure;
	size_t n = 0;
	bool mine = false;

	if (!mft_state_waiting(app->state, &list, &n, &failure)) {
		*ret_status = app_failed(app, &failure);
		return false;
	}
	for (size_t i = 0; i < n; i++)
		if (list[i].number == me->number)
			mine = list[i].what == MFT_WAITING_CARD || is_signed_before(app, &list[i], &e->id);
	free(list);
	if (!mine)
		*ret_status = app_usage(app, "this key has no open card with the running number in the event",
					"此密钥没有该流水号的未用签署卡", NULL);
	return mine;
}

/* What the others who signed had seen, held against what this device knows. */
static void meet_signers(struct app *app, const struct event_file *file, const struct mft_signed *s)
{
	for (size_t i = 0; i < s->envelope.signatures_n && i < file->keys_n; i++) {
		const struct card other = {
		    .key = file->keys[i], .signer = s->event.signers[i], .checkpoint = file->checkpoints[i]};
		meet(app, &other);
	}
}

/* A key that is only now enrolled cannot say hello: the registrar sends the event. */
static bool is_mine_to_send(const struct event *e)
{
	return e->kind != EVENT_KEY_ENROLLED && e->kind != EVENT_REGISTRAR_ADDED;
}

int event_sign(struct app *app, const struct command *command, struct order *order)
{
	struct buffer envelope = BUFFER_EMPTY;
	struct buffer file_text = BUFFER_EMPTY;
	struct mft_failure failure;
	struct event_file file;
	struct mft_signed s;
	int status = EXIT_DONE;

	if (!app_state(app, &status) || !act_read(app, order->files[0], &file, &s, &status) ||
	    !signatures_hold(app, &file, &s, &status))
		return status;
	if (command->kind != 0 && s.event.kind != command->kind)
		return app_usage(app, "this file holds another kind of event", "文件中是另一种事件",
				 word_of(event_words, (int)s.event.kind)->name);
	event_say(app, &s.event);
	const struct signer *me = &s.event.signers[s.envelope.signatures_n];
	if (s.complete || !digest_eq(&me->keyid, &app->keyid))
		return app_usage(app, "this event does not wait for this key's signature",
				 "该事件等待的不是此密钥的签名", NULL);
	if (!is_my_card(app, &s.event, me, &status))
		return status;
	meet_signers(app, &file, &s);
	bool complete = s.envelope.signatures_n + 1 == s.event.signers_n;
	if (order->out == NULL && !(complete && is_mine_to_send(&s.event)))
		return app_usage(app, "it goes back to others, to be signed or sent: --out FILE",
				 "须交回他人签署或发送：请给出 --out 文件", NULL);
	if (!mft_countersign(&s, &app->secret, &envelope, &failure) ||
	    !mft_state_put(app->state, me->number, MFT_WAITING_EVENT, buffer_span(&envelope), &failure)) {
		status = app_failed(app, &failure);
	} else if (order->out == NULL && complete) {
		status = act_send(app, command->role, buffer_span(&envelope), me->number);
	} else {
		file.keys[file.keys_n] = app->public;
		file.checkpoints[file.keys_n++] = mft_view_checkpoint(app->view);
		if (event_file_put(buffer_span(&envelope), file.keys, file.checkpoints, file.keys_n,
				   &file_text))
			(void)!act_write(app, order->out, buffer_span(&file_text), &status);
	}
	buffer_free(&envelope);
	buffer_free(&file_text);
	return status;
}

static uint64_t my_number(const struct app *app, const struct event *e)
{
	for (size_t i = 0; i < e->signers_n; i++)
		if (digest_eq(&e->signers[i].keyid, &app->keyid))
			return e->signers[i].number;
	return 0;
}

int event_send(struct app *app, const struct command *command, struct order *order)
{
	int status = EXIT_DONE;

	if (!app_connect(app, command->role, &status))
		return status;
	json_t *sent = json_array();
	for (size_t i = 0; i < order->files_n; i++) {
		struct event_file file;
		struct mft_signed s;
		int one = EXIT_DONE;
		bool read = act_read(app, order->files[i], &file, &s, &one);
		if (read && !s.complete)
			one = app_usage(
			    app,
			    "it waits for another side's signature: give them the file (manifest sign FILE)",
			    "尚待他人签署：请交其签署（manifest sign 文件）", order->files[i]);
		else if (read)
			one = act_send(app, command->role, file.envelope, my_number(app, &s.event));
		(void)json_array_append_new(sent,
					    json_pack("{s:s,s:i}", "file", order->files[i], "status", one));
		if (one > status)
			status = one;
	}
	app_set(app, "sent", sent);
	return status;
}

int event_show(struct app *app, const struct command *command, struct order *order)
{
	struct event_file file;
	struct mft_signed s;
	int status = EXIT_DONE;

	(void)command;
	if (!act_read(app, order->files[0], &file, &s, &status))
		return status;
	event_say(app, &s.event);
	app_say(app, T(app, "%zu of %zu signatures", "共需 %2$zu 个签名，已有 %1$zu 个"),
		s.envelope.signatures_n, s.event.signers_n);
	app_set(app, "event", event_json(&s.event));
	app_set(app, "complete", json_boolean(s.complete));
	return EXIT_DONE;
}
