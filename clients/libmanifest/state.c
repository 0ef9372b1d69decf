/*
 * Owns the folder of one key. The order of writes is what makes it safe: first the file that says what a
 * number is used for, then the state with the next number; a number found in use at the start is passed.
 */
#include "libmanifest/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "libmanifest/file.h"

#define HEADER "MANIFEST-STATE-1\n"
enum { STATE_MAX = 65536, WAITING_MAX = 131072 };

struct mft_state {
	char file[PATH_MAX];
	char out[PATH_MAX];
	int lock;
	uint64_t next;
	enum role role;
	struct buffer checkpoint;
};

static const char *const waiting_names[MFT_WAITING_KINDS] = {
    [MFT_WAITING_EVENT] = "event", [MFT_WAITING_CARD] = "card", [MFT_WAITING_REFUSED] = "refused"};

/* "NAME VALUE\n" at the beginning of the rest. */
static bool take_field(struct span *rest, const char *name, uint64_t *ret_value)
{
	size_t n = strlen(name);
	const uint8_t *end = rest->n == 0 ? NULL : memchr(rest->p, '\n', rest->n);

	if (end == NULL || (size_t)(end - rest->p) <= n || memcmp(rest->p, name, n) != 0 || rest->p[n] != ' ')
		return false;
	size_t line = (size_t)(end - rest->p);
	if (!decimal_parse(span_of(rest->p + n + 1, line - n - 1), ret_value))
		return false;
	*rest = span_of(end + 1, rest->n - line - 1);
	return true;
}

static bool parse(struct mft_state *s, struct span text)
{
	size_t head = strlen(HEADER);
	uint64_t role = 0;

	if (text.n < head || memcmp(text.p, HEADER, head) != 0)
		return false;
	text = span_of(text.p + head, text.n - head);
	if (!take_field(&text, "next", &s->next) || !take_field(&text, "role", &role) || s->next == 0 ||
	    role > ROLE_SERVER)
		return false;
	s->role = (enum role)role;
	buffer_put_span(&s->checkpoint, text);
	return buffer_ok(&s->checkpoint);
}

static bool save(struct mft_state *s, struct mft_failure *ret_failure)
{
	struct buffer text = BUFFER_EMPTY;

	buffer_printf(&text, HEADER "next %" PRIu64 "\nrole %d\n", s->next, (int)s->role);
	buffer_put_span(&text, buffer_span(&s->checkpoint));
	bool good = buffer_ok(&text) && mft_file_replace(s->file, buffer_span(&text), 0600, ret_failure);
	buffer_free(&text);
	return good;
}

static bool load(struct mft_state *s, struct mft_failure *ret_failure)
{
	struct buffer text = BUFFER_EMPTY;

	s->next = 1;
	if (access(s->file, F_OK) != 0)
		return true;
	bool good = mft_file_read(s->file, STATE_MAX, &text, ret_failure);
	if (good && !parse(s, buffer_span(&text))) {
		mft_fail(ret_failure, MFT_FAULT_LOCAL, "state.malformed",
			 "the state file was altered; do not sign with this key before it is restored",
			 "状态文件已损坏；恢复之前请勿用此密钥签名", s->file);
		good = false;
	}
	buffer_free(&text);
	return good;
}

/* After a crash between the two writes of mft_state_put(). */
static bool pass_used(struct mft_state *s, struct mft_failure *ret_failure)
{
	struct mft_waiting_number *list = NULL;
	size_t n = 0;

	if (!mft_state_waiting(s, &list, &n, ret_failure))
		return false;
	if (n > 0 && list[n - 1].number >= s->next)
		s->next = list[n - 1].number + 1;
	free(list);
	return true;
}

struct mft_state *mft_state_open(const char *dir, const struct digest *keyid, struct mft_failure *ret_failure)
{
	struct mft_state *s = calloc(1, sizeof(*s));
	char hex[DIGEST_HEX + 1];

	digest_hex(keyid, hex);
	if (s == NULL)
		return NULL;
	s->lock = -1;
	if (strlen(dir) > PATH_MAX - 128) {
		mft_fail(ret_failure, MFT_FAULT_LOCAL, "file", "the path is too long", "路径过长", NULL);
		goto fail;
	}
	(void)snprintf(s->file, sizeof(s->file), "%.*s/%s.state", PATH_MAX - 128, dir, hex);
	(void)snprintf(s->out, sizeof(s->out), "%.*s/%s.out", PATH_MAX - 128, dir, hex);
	if (!mft_folder_make(s->out, ret_failure))
		goto fail;
	s->lock = open(s->out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->lock < 0 || flock(s->lock, LOCK_EX | LOCK_NB) != 0) {
		mft_fail(ret_failure, MFT_FAULT_LOCAL, "state.locked",
			 "another program uses this key's state", "另一程序正在使用此密钥的状态", s->out);
		goto fail;
	}
	if (!load(s, ret_failure) || !pass_used(s, ret_failure))
		goto fail;
	return s;
fail:
	mft_state_close(s);
	return NULL;
}

void mft_state_close(struct mft_state *s)
{
	if (s == NULL)
		return;
	if (s->lock >= 0)
		(void)close(s->lock);
	buffer_free(&s->checkpoint);
	free(s);
}

uint64_t mft_state_next(const struct mft_state *s)
{
	return s->next;
}

struct span mft_state_checkpoint(const struct mft_state *s)
{
	return buffer_span(&s->checkpoint);
}

enum role mft_state_role(const struct mft_state *s)
{
	return s->role;
}

bool mft_state_keep(struct mft_state *s, struct span checkpoint, enum role role,
		    struct mft_failure *ret_failure)
{
	if (role == s->role && span_eq(checkpoint, buffer_span(&s->checkpoint)))
		return true;
	buffer_clear(&s->checkpoint);
	buffer_put_span(&s->checkpoint, checkpoint);
	s->role = role;
	return buffer_ok(&s->checkpoint) && save(s, ret_failure);
}

bool mft_state_catch_up(struct mft_state *s, uint64_t next, struct mft_failure *ret_failure)
{
	if (next <= s->next)
		return true;
	s->next = next;
	return save(s, ret_failure);
}

static bool path_of(const struct mft_state *s, uint64_t number, enum mft_waiting what,
		    char ret_path[PATH_MAX])
{
	int n = snprintf(ret_path, PATH_MAX, "%s/%" PRIu64 ".%s", s->out, number, waiting_names[what]);

	return n > 0 && n < PATH_MAX;
}

/* Removes what is stored under the number, but not `but`. */
static bool drop(struct mft_state *s, uint64_t number, int but, struct mft_failure *ret_failure)
{
	char path[PATH_MAX];
	bool removed = false;

	for (int what = 0; what < MFT_WAITING_KINDS; what++)
		if (what != but && path_of(s, number, (enum mft_waiting)what, path))
			removed |= unlink(path) == 0;
	return !removed || mft_folder_flush(s->out, ret_failure);
}

bool mft_state_put(struct mft_state *s, uint64_t number, enum mft_waiting what, struct span bytes,
		   struct mft_failure *ret_failure)
{
	char path[PATH_MAX];

	if (number == 0 || number > s->next || !path_of(s, number, what, path)) {
		mft_fail(ret_failure, MFT_FAULT_LOCAL, "state.number",
			 "the running number is not this key's next", "流水号不是此密钥的下一号", NULL);
		return false;
	}
	if (!mft_file_replace(path, bytes, 0600, ret_failure) || !drop(s, number, (int)what, ret_failure))
		return false;
	if (number < s->next)
		return true;
	s->next++;
	return save(s, ret_failure);
}

bool mft_state_done(struct mft_state *s, uint64_t number, struct mft_failure *ret_failure)
{
	return drop(s, number, -1, ret_failure);
}

static bool waiting_parse(const char *name, struct mft_waiting_number *ret_waiting)
{
	const char *dot = strchr(name, '.');

	if (dot == NULL || !decimal_parse(span_of(name, (size_t)(dot - name)), &ret_waiting->number))
		return false;
	for (int what = 0; what < MFT_WAITING_KINDS; what++) {
		ret_waiting->what = (enum mft_waiting)what;
		if (strcmp(dot + 1, waiting_names[what]) == 0)
			return true;
	}
	return false;
}

static int by_number(const void *a, const void *b)
{
	const struct mft_waiting_number *x = a;
	const struct mft_waiting_number *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

bool mft_state_waiting(const struct mft_state *s, struct mft_waiting_number **ret_list, size_t *ret_n,
		       struct mft_failure *ret_failure)
{
	struct mft_waiting_number *list = NULL;
	size_t n = 0;
	size_t cap = 0;
	DIR *folder = opendir(s->out);

	if (folder == NULL) {
		mft_fail(ret_failure, MFT_FAULT_LOCAL, "file", "folder", "目录", s->out);
		return false;
	}
	for (const struct dirent *d = readdir(folder); d != NULL; d = readdir(folder)) {
		struct mft_waiting_number waiting;
		if (!waiting_parse(d->d_name, &waiting))
			continue;
		if (n == cap) {
			cap = 2 * cap + 16;
			struct mft_waiting_number *grown = realloc(list, cap * sizeof(*grown));
			if (grown == NULL)
				break;
			list = grown;
		}
		list[n++] = waiting;
	}
	(void)closedir(folder);
	if (n > 0)
		qsort(list, n, sizeof(*list), by_number);
	*ret_list = list;
	*ret_n = n;
	return true;
}

bool mft_state_read(const struct mft_state *s, const struct mft_waiting_number *waiting, struct buffer *to,
		    struct mft_failure *ret_failure)
{
	char path[PATH_MAX];

	return path_of(s, waiting->number, waiting->what, path) &&
	       mft_file_read(path, WAITING_MAX, to, ret_failure);
}

void mft_state_evidence(const char *dir, const char *what, struct span bytes, char ret_path[4096])
{
	char folder[PATH_MAX];
	struct timespec now;

	ret_path[0] = '\0';
	(void)clock_gettime(CLOCK_REALTIME, &now);
	if (strlen(dir) > PATH_MAX - 256 || bytes.n == 0)
		return;
	(void)snprintf(folder, sizeof(folder), "%.*s/evidence", PATH_MAX - 256, dir);
	(void)snprintf(ret_path, PATH_MAX, "%.*s/%lld.%09ld-%s", PATH_MAX - 200, folder,
		       (long long)now.tv_sec, now.tv_nsec, what);
	if (!mft_folder_make(folder, NULL) || !mft_file_replace(ret_path, bytes, 0600, NULL))
		ret_path[0] = '\0';
}
