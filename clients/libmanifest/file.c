/* Owns how files are written: never in place. */
#include "libmanifest/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool failed(struct mft_failure *ret_failure, const char *path)
{
	char detail[512];

	(void)snprintf(detail, sizeof(detail), "%.300s: %s", path, strerror(errno));
	mft_fail(ret_failure, MFT_FAULT_LOCAL, "file", "the file cannot be read or written", "文件无法读写",
		 detail);
	return false;
}

bool mft_file_read(const char *path, size_t max, struct buffer *to, struct mft_failure *ret_failure)
{
	int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	size_t n = 0;
	ssize_t got = -1;

	if (fd < 0)
		return failed(ret_failure, path);
	for (;;) {
		uint8_t *room = buffer_reserve(to, 65536);
		if (room == NULL) {
			errno = ENOMEM;
			got = -1;
			break;
		}
		got = read(fd, room, 65536);
		if (got <= 0)
			break;
		to->n += (size_t)got;
		n += (size_t)got;
		if (n > max) {
			errno = EFBIG;
			got = -1;
			break;
		}
	}
	if (got < 0)
		(void)failed(ret_failure, path);
	(void)close(fd);
	return got == 0;
}

static bool write_all(int fd, struct span bytes)
{
	while (bytes.n > 0) {
		ssize_t put = write(fd, bytes.p, bytes.n);
		if (put < 0)
			return false;
		bytes = span_of(bytes.p + put, bytes.n - (size_t)put);
	}
	return true;
}

bool mft_folder_flush(const char *path, struct mft_failure *ret_failure)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool good = fd >= 0 && fsync(fd) == 0;

	if (!good)
		(void)failed(ret_failure, path);
	if (fd >= 0)
		(void)close(fd);
	return good;
}

static bool flush_above(const char *path, struct mft_failure *ret_failure)
{
	char above[PATH_MAX];
	const char *slash = strrchr(path, '/');

	(void)snprintf(above, sizeof(above), "%.*s", slash == NULL ? 1 : (int)(slash - path),
		       slash == NULL ? "." : path);
	return mft_folder_flush(slash == path ? "/" : above, ret_failure);
}

bool mft_file_replace(const char *path, struct span bytes, unsigned mode, struct mft_failure *ret_failure)
{
	char aside[PATH_MAX];
	int n = snprintf(aside, sizeof(aside), "%s.%ld.new", path, (long)getpid());

	if (strcmp(path, "-") == 0)
		return write_all(STDOUT_FILENO, bytes) || failed(ret_failure, path);
	if (n < 0 || (size_t)n >= sizeof(aside)) {
		errno = ENAMETOOLONG;
		return failed(ret_failure, path);
	}
	int fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	if (fd < 0)
		return failed(ret_failure, aside);
	bool good = write_all(fd, bytes) && fsync(fd) == 0;
	good = close(fd) == 0 && good;
	if (!good || rename(aside, path) != 0) {
		(void)failed(ret_failure, path);
		(void)unlink(aside);
		return false;
	}
	return flush_above(path, ret_failure);
}

bool mft_folder_make(const char *path, struct mft_failure *ret_failure)
{
	char part[PATH_MAX];
	size_t n = strlen(path);

	if (n == 0 || n >= sizeof(part)) {
		errno = n == 0 ? ENOENT : ENAMETOOLONG;
		return failed(ret_failure, path);
	}
	for (size_t i = 1; i <= n; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, 0700) != 0 && errno != EEXIST)
			return failed(ret_failure, part);
	}
	return true;
}
