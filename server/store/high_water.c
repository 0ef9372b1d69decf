/*
 * Owns the file: two slots of one page each, written in turn. A slot is text, padded with zeros:
 *   manifest high-water v1 LF  size N LF  root HEX LF  check HEX LF
 * where check is the SHA-256 of all before it. The file has its full length from the start, so that a flush
 * writes one page and no metadata.
 */
#include "store/high_water.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

enum { SLOT = 4096, SLOTS = 2, TEXT_MAX = 256 };

#define TITLE "manifest high-water v1\n"

struct high_water {
	char *path;
	int fd;
	int slot; /* the next to be written */
	bool known;
	uint64_t size;
	struct digest root;
};

static bool refused(const char *path, const char *why, char ret_error[HIGH_WATER_ERROR_SIZE])
{
	snprintf(ret_error, HIGH_WATER_ERROR_SIZE, "high-water file %.200s: %s", path, why);
	return false;
}

static bool failed(const char *path, const char *what, int error, char ret_error[HIGH_WATER_ERROR_SIZE])
{
	char why[200];

	snprintf(
	    why, sizeof(why),
	    "cannot %s: %.60s. See to its disk: the server needs room there, and the right to read and write",
	    what, strerror(error));
	return refused(path, why, ret_error);
}

/* 0, or what went wrong; what was written in part will be written again, as what was not. */
static int write_at(int fd, const void *bytes, size_t n, off_t at)
{
	ssize_t put = pwrite(fd, bytes, n, at);

	return put < 0 ? errno : put != (ssize_t)n ? ENOSPC : 0;
}

static size_t format(uint64_t size, const struct digest *root, char ret_text[TEXT_MAX])
{
	char hex[DIGEST_HEX + 1];

	digest_hex(root, hex);
	int n = snprintf(ret_text, TEXT_MAX, TITLE "size %llu\nroot %s\n", (unsigned long long)size, hex);
	struct digest check = digest_of(span_of(ret_text, (size_t)n));
	digest_hex(&check, hex);
	return (size_t)n + (size_t)snprintf(ret_text + n, (size_t)(TEXT_MAX - n), "check %s\n", hex);
}

/* Strict by making the text again from what was read: anything else differs. */
static bool parse(const char page[SLOT], uint64_t *ret_size, struct digest *ret_root)
{
	char text[TEXT_MAX];
	const char *digits = page + strlen(TITLE "size ");
	const char *end = memchr(digits, '\n', 21);
	uint64_t size;
	struct digest root;

	if (memcmp(page, TITLE "size ", strlen(TITLE "size ")) != 0 || end == NULL ||
	    !decimal_parse(span_of(digits, (size_t)(end - digits)), &size) ||
	    memcmp(end, "\nroot ", 6) != 0 || !hex_decode(span_of(end + 6, DIGEST_HEX), root.b, DIGEST_SIZE))
		return false;
	size_t n = format(size, &root, text);
	if (memcmp(page, text, n) != 0)
		return false;
	for (size_t i = n; i < SLOT; i++)
		if (page[i] != '\0')
			return false;
	*ret_size = size;
	*ret_root = root;
	return true;
}

static bool flush_folder(const char *path)
{
	char *copy = strdup(path);
	int fd = copy == NULL ? -1 : open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool flushed = fd >= 0 && fsync(fd) == 0;
	int error = errno;

	if (fd >= 0)
		close(fd);
	free(copy);
	errno = error;
	return flushed;
}

/* A new file is made full-size with zeros: written, not left as a hole. */
static bool lay_out(const struct high_water *h, char ret_error[HIGH_WATER_ERROR_SIZE])
{
	static const char zeros[SLOT * SLOTS];
	int error = write_at(h->fd, zeros, sizeof(zeros), 0);

	if (error != 0)
		return failed(h->path, "write", error, ret_error);
	if (fsync(h->fd) != 0 || !flush_folder(h->path))
		return failed(h->path, "flush", errno, ret_error);
	return true;
}

static bool is_blank(const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (bytes[i] != '\0')
			return false;
	return true;
}

/* A blank one is new, or was being made when there was no room or the power failed. */
static bool check_size(const struct high_water *h, char ret_error[HIGH_WATER_ERROR_SIZE])
{
	char bytes[SLOT * SLOTS];
	struct stat st;

	if (fstat(h->fd, &st) != 0)
		return failed(h->path, "look at it", errno, ret_error);
	size_t wanted = st.st_size < (off_t)sizeof(bytes) ? (size_t)st.st_size : sizeof(bytes);
	ssize_t n = pread(h->fd, bytes, wanted, 0);
	if (n != (ssize_t)wanted)
		return failed(h->path, "read", n < 0 ? errno : EIO, ret_error);
	if (st.st_size <= (off_t)sizeof(bytes) && is_blank(bytes, wanted))
		return lay_out(h, ret_error);
	if (st.st_size == (off_t)sizeof(bytes))
		return true;
	return refused(h->path,
		       "it is not such a file, its size is wrong. Give the server another name for its own "
		       "(setting high_water), or bring the file back from its copy",
		       ret_error);
}

static bool read_slots(struct high_water *h, char ret_error[HIGH_WATER_ERROR_SIZE])
{
	char page[SLOT];
	int blank = 0;

	for (int i = 0; i < SLOTS; i++) {
		uint64_t size;
		struct digest root;
		ssize_t n = pread(h->fd, page, SLOT, (off_t)i * SLOT);
		if (n != SLOT)
			return failed(h->path, "read", n < 0 ? errno : EIO, ret_error);
		blank += is_blank(page, SLOT) ? 1 : 0;
		if (!parse(page, &size, &root) || (h->known && size <= h->size))
			continue;
		h->known = true;
		h->size = size;
		h->root = root;
		h->slot = (i + 1) % SLOTS;
	}
	return h->known || blank == SLOTS ||
	       refused(
		   h->path,
		   "it is damaged. Compare the log with its last published checkpoint, then remove the file",
		   ret_error);
}

static bool open_locked(struct high_water *h, char ret_error[HIGH_WATER_ERROR_SIZE])
{
	h->fd = open(h->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (h->fd < 0)
		return failed(h->path, "open", errno, ret_error);
	if (flock(h->fd, LOCK_EX | LOCK_NB) == 0)
		return true;
	if (errno != EWOULDBLOCK)
		return failed(h->path, "lock", errno, ret_error);
	return refused(h->path,
		       "another server of this machine uses it. Give each server a file of its own "
		       "(setting high_water), or end the other one",
		       ret_error);
}

struct high_water *high_water_open(const char *path, char ret_error[HIGH_WATER_ERROR_SIZE])
{
	struct high_water *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	h->fd = -1;
	h->path = strdup(path);
	if (h->path != NULL && open_locked(h, ret_error) && check_size(h, ret_error) &&
	    read_slots(h, ret_error))
		return h;
	high_water_close(h);
	return NULL;
}

void high_water_close(struct high_water *h)
{
	if (h == NULL)
		return;
	if (h->fd >= 0)
		close(h->fd);
	free(h->path);
	free(h);
}

bool high_water_peek(const char *path, uint64_t *ret_size, struct digest *ret_root,
		     char ret_error[HIGH_WATER_ERROR_SIZE])
{
	struct high_water h = {.path = strdup(path), .fd = open(path, O_RDONLY | O_CLOEXEC)};
	bool good = h.path != NULL &&
		    (h.fd >= 0 ? read_slots(&h, ret_error) : failed(path, "open", errno, ret_error));

	if (good) {
		*ret_size = h.size;
		*ret_root = h.root;
	}
	if (h.fd >= 0)
		close(h.fd);
	free(h.path);
	return good;
}

bool high_water_get(const struct high_water *h, uint64_t *ret_size, struct digest *ret_root)
{
	if (!h->known)
		return false;
	*ret_size = h->size;
	*ret_root = h->root;
	return true;
}

bool high_water_raise(struct high_water *h, uint64_t size, const struct digest *root,
		      char ret_error[HIGH_WATER_ERROR_SIZE])
{
	char page[SLOT] = {0}, text[TEXT_MAX];

	if (h->known && size == h->size && digest_eq(root, &h->root))
		return true;
	if (h->known && size <= h->size) {
		char why[200];
		snprintf(
		    why, sizeof(why),
		    "it vouches for size %llu, and another root or a smaller size was to be signed (%llu): "
		    "this is not the log that was signed. Restore the database as it was last",
		    (unsigned long long)h->size, (unsigned long long)size);
		return refused(h->path, why, ret_error);
	}
	memcpy(page, text, format(size, root, text));
	int error = write_at(h->fd, page, SLOT, (off_t)h->slot * SLOT);
	if (error != 0)
		return failed(h->path, "write", error, ret_error);
	if (fdatasync(h->fd) != 0)
		return failed(h->path, "flush", errno, ret_error);
	h->slot = (h->slot + 1) % SLOTS;
	h->known = true;
	h->size = size;
	h->root = *root;
	return true;
}
