/*
 * Owns the folder DIR/met: the cards of others whose checkpoint could not be compared yet, one file for each
 * size and root. A card that was shown to be of our history is removed; one that was not becomes evidence.
 */
#include "manifest/meeting.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "libmanifest/file.h"
#include "manifest/evidence.h"
#include "manifest/print.h"
#include "manifest/query.h"

enum { CARD_MAX = 65536 + NOTE_SIZE_MAX, MET_MAX = 256 };

/* The note that came with the card says what the card says, and the log signed it: it proves, not only
 * states. */
static bool is_proved(struct app *app, const struct card *other)
{
	const struct note_key *key = mft_view_key(app->view);
	struct checkpoint c;

	return other->checkpoint.n > 0 &&
	       checkpoint_open(other->checkpoint, key->name, key, &c) == LOG_HOLDS &&
	       c.size == other->signer.seen.size && digest_eq(&c.root, &other->signer.seen.root);
}

/* ---- two histories ---- */

static const char *keep(struct app *app, const char *name, struct span bytes)
{
	char path[4096];

	mft_state_evidence(app->state_dir, name, bytes, path);
	return path[0] != '\0'
		   ? text_span(app, span_str(path))
		   : T(app, "(nowhere: the state folder cannot be written)", "（未能保存：状态目录不可写）");
}

static const char *keep_card(struct app *app, const struct card *other)
{
	struct buffer text = BUFFER_EMPTY;
	const char *path = card_put(other, &text) ? keep(app, "two-histories.card", buffer_span(&text)) : "";

	buffer_free(&text);
	return path;
}

/* Both signed one size: the file stands alone. */
static const char *keep_evidence(struct app *app, const struct card *other)
{
	const struct evidence e = {.smaller = mft_view_checkpoint(app->view), .larger = other->checkpoint};
	struct buffer text = BUFFER_EMPTY;
	const char *path = evidence_put(&e, &text) ? keep(app, "two-histories.json", buffer_span(&text)) : "";

	buffer_free(&text);
	return path;
}

static void say_evidence(struct app *app, const struct card *other)
{
	struct span ours = mft_view_checkpoint(app->view);

	if (!is_proved(app, other)) {
		const char *path = keep_card(app, other);
		app_set(app, "evidence", json_string(path));
		app_note(
		    app,
		    T(app,
		      "kept: %s. The other side only states it: ask for the signed checkpoint that it holds.",
		      "已保存：%s。对方仅作陈述：请索取其所持的已签署检查点。"),
		    path);
	} else if (other->signer.seen.size == mft_view_size(app->view)) {
		const char *path = keep_evidence(app, other);
		app_set(app, "evidence", json_string(path));
		app_note(app,
			 T(app,
			   "evidence: %s. Give it to an inspector: `manifest log evidence` shows anyone that "
			   "it proves "
			   "it.",
			   "证据：%s。请交检查人员；任何人均可用 `manifest log evidence` 验证。"),
			 path);
	} else {
		const char *theirs = keep(app, "two-histories.theirs", other->checkpoint);
		const char *mine = keep(app, "two-histories.ours", ours);
		app_set(app, "evidence", json_string(theirs));
		app_note(
		    app,
		    T(app,
		      "kept: %s and %s. `manifest log compare` makes evidence of them, with --url or "
		      "--mirror.",
		      "已保存：%s 与 %s。可用 `manifest log compare`（--url 或 --mirror）据以生成证据。"),
		    theirs, mine);
	}
}

static void say_two_histories(struct app *app, const struct card *other)
{
	const struct checkpoint_ref *seen = &other->signer.seen;

	app_set(app, "two_histories",
		json_pack("{s:s,s:s}", "keyid", text_digest(app, &other->signer.keyid), "root",
			  text_digest(app, &seen->root)));
	app_note(app,
		 T(app,
		   "%sTWO HISTORIES%s: the log showed key %.16s another history, at size %" PRIu64
		   ", than the one this device verified. The step may be signed all the same: what both "
		   "sides state "
		   "in it stays in the log for ever.",
		   "%s两种历史%s：日志向密钥 %.16s 出示的历史（长度 %" PRIu64
		   "）与本机所验证的不同。仍可签署本步：双方在其中的陈述将永久留在日志中。"),
		 paint(app, PAINT_BAD), paint(app, PAINT_END), text_digest(app, &other->signer.keyid),
		 seen->size);
	say_evidence(app, other);
}

/* ---- what waits to be compared ---- */

static const char *met_folder(struct app *app)
{
	const char *folder = arena_printf(app->arena, "%s/met", app->state_dir);

	return folder == NULL ? "" : folder;
}

static void keep_for_later(struct app *app, const struct card *other)
{
	const char *folder = met_folder(app);
	struct buffer text = BUFFER_EMPTY;
	const char *path = arena_printf(app->arena, "%s/%" PRIu64 "-%.16s.card", folder,
					other->signer.seen.size, text_digest(app, &other->signer.seen.root));
	struct mft_failure failure;

	if (path != NULL && card_put(other, &text) &&
	    (!mft_folder_make(folder, &failure) ||
	     !mft_file_replace(path, buffer_span(&text), 0600, &failure)))
		app_note(app, "%s", T(app, failure.en, failure.zh));
	buffer_free(&text);
}

struct latest {
	struct app *app;
	struct checkpoint_view view;
};

static bool take_latest(void *self, const struct answer *answer)
{
	struct latest *l = self;
	size_t n = answer->checkpoint.consistency_n;
	struct digest *proof = arena_array(l->app->arena, n + 1, sizeof(*proof));

	if (proof == NULL)
		return false;
	if (n > 0)
		memcpy(proof, answer->checkpoint.consistency, n * sizeof(*proof));
	l->view =
	    (struct checkpoint_view){.checkpoint = arena_copy(l->app->arena, answer->checkpoint.checkpoint),
				     .consistency = proof,
				     .consistency_n = n};
	return l->view.checkpoint.p != NULL;
}

/* Does our history, as the server holds it, begin with what the other side saw? */
static enum log_failure ask(struct app *app, const struct card *other, bool *ret_answered)
{
	const struct query query = {.kind = QUERY_CHECKPOINT, .size = other->signer.seen.size};
	const struct mft_place theirs = {.size = other->signer.seen.size, .root = other->signer.seen.root};
	struct latest latest = {.app = app};
	struct mft_place place;
	uint64_t next = 0;

	*ret_answered = query_ask(app, ROLE_NONE, &query, take_latest, &latest, &next) == EXIT_DONE;
	if (!*ret_answered)
		return LOG_KEY_MISSING;
	return mft_view_link(app->view, &theirs, latest.view.checkpoint, latest.view.consistency,
			     latest.view.consistency_n, &place);
}

/* False: the connection is of no use any more. */
static bool settle_one(struct app *app, const char *path)
{
	struct buffer text = BUFFER_EMPTY;
	struct card other;
	bool answered = true;
	bool good = mft_file_read(path, CARD_MAX, &text, NULL) &&
		    card_parse(buffer_span(&text), app->arena, &other, NULL);

	buffer_free(&text);
	/* Cards of another log wait for whoever follows that one. */
	if (!good || !span_eq(other.signer.seen.origin, mft_view_origin(app->view)))
		return true;
	enum log_failure failure = ask(app, &other, &answered);
	if (!answered)
		return false;
	switch (failure) {
	case LOG_HOLDS: (void)unlink(path); break;
	case LOG_WENT_BACK:
		app_note(app,
			 T(app,
			   "%swarning%s: key %.16s states that it saw this log at size %" PRIu64
			   ", and the server's is smaller: it is behind, or it lost entries. %s is kept, and "
			   "asked about "
			   "again.",
			   "%s警告%s：密钥 %.16s 称其所见日志长度为 %" PRIu64
			   "，服务器的日志更短：可能滞后，也可能丢失记录。%s 已保留，下次再查。"),
			 paint(app, PAINT_WARN), paint(app, PAINT_END), text_digest(app, &other.signer.keyid),
			 other.signer.seen.size, path);
		break;
	default:
		say_two_histories(app, &other);
		(void)unlink(path);
		break;
	}
	return true;
}

void meet_settle(struct app *app)
{
	static bool under_way; /* asking connects */
	const char *folder = met_folder(app);
	DIR *dir = under_way ? NULL : opendir(folder);

	if (dir == NULL)
		return;
	under_way = true;
	int n = 0;
	for (const struct dirent *d = readdir(dir); d != NULL && n < MET_MAX; d = readdir(dir)) {
		const char *dot = strrchr(d->d_name, '.');
		const char *path = arena_printf(app->arena, "%s/%s", folder, d->d_name);
		if (dot == NULL || strcmp(dot, ".card") != 0 || path == NULL)
			continue;
		if (!settle_one(app, path))
			break;
		n++;
	}
	under_way = false;
	(void)closedir(dir);
}

void meet(struct app *app, const struct card *other)
{
	const struct mft_place place = {.size = other->signer.seen.size, .root = other->signer.seen.root};

	if (place.size == 0)
		return;
	if (!span_eq(other->signer.seen.origin, mft_view_origin(app->view))) {
		app_note(app,
			 T(app, "%snote%s: the other side follows another log: %.*s",
			   "%s注意%s：对方所用为另一日志：%.*s"),
			 paint(app, PAINT_WARN), paint(app, PAINT_END), SPAN_ARG(other->signer.seen.origin));
		return;
	}
	switch (mft_view_knows(app->view, &place)) {
	case LOG_HOLDS: return;
	case LOG_NOT_CONSISTENT: say_two_histories(app, other); return;
	default:
		keep_for_later(app, other);
		if (app->client != NULL)
			meet_settle(app);
		return;
	}
}
