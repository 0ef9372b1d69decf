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
	int fd;
	int slot; /* the next to be written */
	bool known;
	uint64_t size;
	struct digest root;
};

static bool failed(char ret_error[HIGH_WATER_ERROR_SIZE], const char *what, const char *path)
{
	snprintf(ret_error, HIGH_WATER_ERROR_SIZE, "high-water file %.120s: %s: %s", path, what,
		 strerror(errno));
	return false;
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

	if (fd >= 0)
		close(fd);
	free(copy);
	return flushed;
}

/* An empty file is made full-size with zeros: written, not left as a hole. */
static bool lay_out(int fd, const char *path)
{
	static const char zeros[SLOT * SLOTS];

	return pwrite(fd, zeros, sizeof(zeros), 0) == (ssize_t)sizeof(zeros) && fsync(fd) == 0 &&
	       flush_folder(path);
}

static bool read_slots(struct high_water *h, const char *path, char ret_error[HIGH_WATER_ERROR_SIZE])
{
	static const char zeros[SLOT];
	char page[SLOT];
	int blank = 0;

	for (int i = 0; i < SLOTS; i++) {
		uint64_t size;
		struct digest root;
		if (pread(h->fd, page, SLOT, (off_t)i * SLOT) != SLOT)
			return failed(ret_error, "read", path);
		blank += memcmp(page, zeros, SLOT) == 0;
		if (!parse(page, &size, &root) || (h->known && size <= h->size))
			continue;
		h->known = true;
		h->size = size;
		h->root = root;
		h->slot = (i + 1) % SLOTS;
	}
	if (h->known || blank == SLOTS)
		return true;
	snprintf(
	    ret_error, HIGH_WATER_ERROR_SIZE,
	    "high-water file %.120s is damaged: compare the log with its last published checkpoint, then "
	    "remove the file",
	    path);
	return false;
}

struct high_water *high_water_open(const char *path, char ret_error[HIGH_WATER_ERROR_SIZE])
{
	struct high_water *h = calloc(1, sizeof(*h));
	struct stat st;

	if (h == NULL)
		return NULL;
	h->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (h->fd < 0 || fstat(h->fd, &st) != 0) {
		failed(ret_error, "open", path);
		goto fail;
	}
	if (flock(h->fd, LOCK_EX | LOCK_NB) != 0) {
		failed(ret_error, "another server of this machine uses it", path);
		goto fail;
	}
	if (st.st_size == 0 && !lay_out(h->fd, path)) {
		failed(ret_error, "write", path);
		goto fail;
	}
	if (st.st_size != 0 && st.st_size != (off_t)SLOT * SLOTS) {
		snprintf(ret_error, HIGH_WATER_ERROR_SIZE,
			 "%.150s is not a high-water file: its size is wrong", path);
		goto fail;
	}
	if (!read_slots(h, path, ret_error))
		goto fail;
	return h;
fail:
	high_water_close(h);
	return NULL;
}

void high_water_close(struct high_water *h)
{
	if (h == NULL)
		return;
	if (h->fd >= 0)
		close(h->fd);
	free(h);
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
		snprintf(
		    ret_error, HIGH_WATER_ERROR_SIZE,
		    "size %llu was signed before with another root, or a larger one was (%llu): this is not "
		    "the log that was signed",
		    (unsigned long long)size, (unsigned long long)h->size);
		return false;
	}
	memcpy(page, text, format(size, root, text));
	if (pwrite(h->fd, page, SLOT, (off_t)h->slot * SLOT) != SLOT || fdatasync(h->fd) != 0)
		return failed(ret_error, "write", "that is open");
	h->slot = (h->slot + 1) % SLOTS;
	h->known = true;
	h->size = size;
	h->root = *root;
	return true;
}
