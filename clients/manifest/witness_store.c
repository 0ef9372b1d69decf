/* Owns the files of a witness: NAME.checkpoint for each log, where NAME is SHA-256 of the origin in hex. */
#include "manifest/witness_store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "libmanifest/file.h"

enum { EVIDENCE_MAX = 16 };

struct witness_store {
	char folder[PATH_MAX - 128];
	struct note_key witness;
	int lock;
};

static bool failed(struct mft_failure *f, const char *id, const char *en, const char *zh, const char *detail)
{
	mft_fail(f, MFT_FAULT_LOCAL, id, en, zh, detail);
	return false;
}

/* Nothing of this name is there; a call that fails otherwise says nothing about it. */
static bool absent(const char *path)
{
	return access(path, F_OK) != 0 && errno == ENOENT;
}

static void path_of(const struct witness_store *s, char ret_path[PATH_MAX], const char *name)
{
	(void)snprintf(ret_path, PATH_MAX, "%s/%s", s->folder, name);
}

static void path_of_log(const struct witness_store *s, struct span origin, const char *ending,
			char ret_path[PATH_MAX])
{
	const struct digest d = digest_of(origin);
	char hex[DIGEST_HEX + 1];

	digest_hex(&d, hex);
	(void)snprintf(ret_path, PATH_MAX, "%s/%s%s", s->folder, hex, ending);
}

/* The folder's own file names the witness, so that no other one takes it over. */
static bool check_owner(const struct witness_store *s, bool fresh, struct mft_failure *ret_failure)
{
	struct buffer vkey = BUFFER_EMPTY;
	struct buffer found = BUFFER_EMPTY;
	char path[PATH_MAX];
	bool good;

	path_of(s, path, "witness");
	note_key_put(&vkey, &s->witness);
	buffer_put_u8(&vkey, '\n');
	if (vkey.p == NULL || !buffer_ok(&vkey))
		good = failed(ret_failure, "memory", "no memory", "内存不足", path);
	else if (fresh)
		good = mft_file_replace(path, buffer_span(&vkey), 0644, ret_failure);
	else
		good = mft_file_read(path, 4096, &found, ret_failure) &&
		       (span_eq(buffer_span(&vkey), buffer_span(&found)) ||
			failed(ret_failure, "witness.other", "this folder belongs to another witness",
			       "该目录属于另一见证人", path));
	buffer_free(&vkey);
	buffer_free(&found);
	return good;
}

/* The folder and its name in the one above are on disk before anything is cosigned. */
static bool make_folder(const struct witness_store *s, struct mft_failure *ret_failure)
{
	char above[PATH_MAX];
	char path[PATH_MAX];

	path_of(s, path, "witness");
	if (access(path, F_OK) == 0)
		return failed(ret_failure, "witness.exists",
			      "there is a witness's folder already: start without --new",
			      "见证人目录已存在：请去掉 --new", s->folder);
	if (errno != ENOENT)
		return failed(ret_failure, "file", strerror(errno), strerror(errno), path);
	(void)snprintf(above, sizeof(above), "%s/..", s->folder);
	return mft_folder_make(s->folder, ret_failure) && mft_folder_flush(above, ret_failure);
}

static bool open_folder(struct witness_store *s, bool fresh, struct mft_failure *ret_failure)
{
	char path[PATH_MAX];

	if (fresh && !make_folder(s, ret_failure))
		return false;
	if (absent(s->folder))
		return failed(
		    ret_failure, "witness.no_folder",
		    "the witness's folder is not there; only a new witness starts with --new, one that "
		    "has lost it must take a new key",
		    "见证人目录不存在；仅新见证人可用 --new，遗失目录者须换新密钥", s->folder);
	path_of(s, path, "lock");
	s->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (s->lock < 0)
		return failed(ret_failure, "file", strerror(errno), strerror(errno), path);
	if (flock(s->lock, LOCK_EX | LOCK_NB) == 0)
		return check_owner(s, fresh, ret_failure);
	if (errno != EWOULDBLOCK)
		return failed(ret_failure, "file", strerror(errno), strerror(errno), path);
	return failed(ret_failure, "witness.locked", "another program uses this folder",
		      "另一程序正在使用该目录", s->folder);
}

struct witness_store *witness_store_open(const char *folder, const struct note_key *witness, bool fresh,
					 struct mft_failure *ret_failure)
{
	struct witness_store *s = calloc(1, sizeof(*s));

	if (s == NULL || strlen(folder) >= sizeof(s->folder)) {
		(void)failed(ret_failure, "file", "the folder's name is too long", "目录名过长", folder);
		free(s);
		return NULL;
	}
	memcpy(s->folder, folder, strlen(folder) + 1);
	s->witness = *witness;
	s->lock = -1;
	if (open_folder(s, fresh, ret_failure))
		return s;
	witness_store_close(s);
	return NULL;
}

void witness_store_close(struct witness_store *store)
{
	if (store == NULL)
		return;
	if (store->lock >= 0)
		(void)close(store->lock);
	free(store);
}

/* Signed by the log and by the witness itself. */
static bool open_stored(const struct witness_store *s, const struct witnessed_log *log, struct span note,
			struct checkpoint *ret_last)
{
	struct span text;
	struct span rest;
	struct span line;

	if (note_open(note, log->keys, log->keys_n, &text, NULL) != LOG_HOLDS ||
	    note_open(note, &s->witness, 1, &text, NULL) != LOG_HOLDS)
		return false;
	rest = text;
	for (unsigned i = 0; i < 3; i++)
		if (!span_cut(&rest, '\n', &line))
			return false;
	if (!checkpoint_parse_text(span_of(text.p, text.n - rest.n), ret_last) ||
	    !span_eq(ret_last->origin, log->origin))
		return false;
	ret_last->origin = log->origin;
	return true;
}

bool witness_store_load(const struct witness_store *store, const struct witnessed_log *log, struct buffer *to,
			struct checkpoint *ret_last, struct mft_failure *ret_failure)
{
	char path[PATH_MAX];
	struct buffer note = BUFFER_EMPTY;
	struct checkpoint last = {.origin = log->origin};

	path_of_log(store, log->origin, ".checkpoint", path);
	if (!absent(path)) {
		bool good = mft_file_read(path, NOTE_SIZE_MAX, &note, ret_failure);
		if (good && !open_stored(store, log, buffer_span(&note), &last))
			good = failed(
			    ret_failure, "witness.altered",
			    "the stored checkpoint was altered, or another key of the log is given now",
			    "所存检查点被改动，或日志公钥与以前不同", path);
		if (good)
			buffer_put_span(to, buffer_span(&note));
		buffer_free(&note);
		if (!good)
			return false;
	}
	*ret_last = last;
	return true;
}

bool witness_store_save(const struct witness_store *store, struct span origin, struct span note,
			struct mft_failure *ret_failure)
{
	char path[PATH_MAX];

	path_of_log(store, origin, ".checkpoint", path);
	return mft_file_replace(path, note, 0644, ret_failure);
}

/* Does the file hold a request about the same checkpoint, whatever else stands in it? */
static bool holds_note(const char *path, struct span note)
{
	struct buffer kept = BUFFER_EMPTY;
	struct add_checkpoint r;
	struct span text, other, lines;

	bool same = mft_file_read(path, ADD_CHECKPOINT_SIZE_MAX, &kept, NULL) &&
		    add_checkpoint_parse(buffer_span(&kept), &r) && note_split(r.note, &other, &lines) &&
		    note_split(note, &text, &lines) && span_eq(text, other);
	buffer_free(&kept);
	return same;
}

bool witness_store_keep_evidence(const struct witness_store *store, struct span origin, struct span request,
				 struct span note, bool proved)
{
	char path[PATH_MAX];
	struct mft_failure failure;

	for (unsigned i = 0; i < EVIDENCE_MAX; i++) {
		char ending[32];
		(void)snprintf(ending, sizeof(ending), proved ? ".evidence-%u" : ".unproven-%u", i);
		path_of_log(store, origin, ending, path);
		if (absent(path))
			return mft_file_replace(path, request, 0644, &failure);
		if (holds_note(path, note))
			return false;
	}
	return false;
}
