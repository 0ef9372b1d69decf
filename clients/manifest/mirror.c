/* Owns the walk from the root down to the entries, and the folder's files. */
#include "manifest/mirror.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/tree.h"
#include "libmanifest/file.h"

enum { ENTRY_MAX = 65535, BUNDLE_MAX = TILE_WIDTH * (ENTRY_MAX + 2), PATH_SIZE = PATH_MAX + 64 };

/* ---- files ---- */

static bool broken(struct mft_failure *ret_failure, const char *path)
{
	char detail[480];

	(void)snprintf(detail, sizeof(detail), "%.300s: %s", path, strerror(errno));
	mft_fail(ret_failure, MFT_FAULT_LOCAL, "file", "file", "文件", detail);
	return false;
}

int mirror_lock(const char *folder, struct mft_failure *ret_failure)
{
	if (!mft_folder_make(folder, ret_failure))
		return -1;
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	if (fd >= 0 && errno == EWOULDBLOCK)
		mft_fail(ret_failure, MFT_FAULT_UNAVAILABLE, "mirror.locked",
			 "another `manifest log mirror` is working on this folder",
			 "另一个 `manifest log mirror` 正在使用该目录", folder);
	else
		(void)broken(ret_failure, folder);
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

static bool make_folders(char *path, size_t from)
{
	for (size_t i = from; path[i] != '\0'; i++) {
		if (path[i] != '/')
			continue;
		path[i] = '\0';
		bool good = mkdir(path, 0755) == 0 || errno == EEXIST;
		path[i] = '/';
		if (!good)
			return false;
	}
	return true;
}

/* Written aside and renamed; on disk when the run ends. */
static bool keep(const struct mirror *m, char *path, struct span bytes, struct mft_failure *ret_failure)
{
	char aside[PATH_SIZE + 8];

	(void)snprintf(aside, sizeof(aside), "%s.new", path);
	if (!make_folders(path, strlen(m->folder) + 1))
		return broken(ret_failure, path);
	FILE *f = fopen(aside, "we");
	bool good = f != NULL && fwrite(bytes.p, 1, bytes.n, f) == bytes.n;
	if (f != NULL)
		good = fclose(f) == 0 && good;
	return (good && rename(aside, path) == 0) || broken(ret_failure, path);
}

/* The partial tiles of earlier sizes, once the full one is there. */
static void forget_partial(const char *path)
{
	char folder[PATH_SIZE + 8];
	const struct dirent *entry;

	(void)snprintf(folder, sizeof(folder), "%s.p", path);
	DIR *d = opendir(folder);
	if (d == NULL)
		return;
	while ((entry = readdir(d)) != NULL)
		(void)unlinkat(dirfd(d), entry->d_name, 0);
	(void)closedir(d);
	(void)rmdir(folder);
}

/* ---- one file: from the folder if it is whole there, else from the source ---- */

/* What a file must be to be kept. */
struct wanted {
	struct tile_id id;
	bool entries;
	const struct digest *root;   /* a full tile's; NULL: every hash is known */
	const struct digest *hashes; /* of the leaves, or of the tile itself */
};

static bool tile_holds(const struct wanted *w, struct span bytes)
{
	struct digest hashes[TILE_WIDTH];

	if (bytes.n != (size_t)w->id.width * DIGEST_SIZE)
		return false;
	if (w->root == NULL)
		return memcmp(bytes.p, w->hashes, bytes.n) == 0;
	memcpy(hashes, bytes.p, bytes.n);
	struct digest root = merkle_root(hashes, w->id.width);
	return digest_eq(&root, w->root);
}

static bool bundle_holds(const struct wanted *w, struct span bytes)
{
	for (unsigned i = 0; i < w->id.width; i++) {
		size_t n = bytes.n < 2 ? 0 : (size_t)(bytes.p[0] << 8 | bytes.p[1]);
		if (bytes.n < 2 + n)
			return false;
		struct digest leaf = merkle_leaf(span_of(bytes.p + 2, n));
		if (!digest_eq(&leaf, &w->hashes[i]))
			return false;
		bytes = span_of(bytes.p + 2 + n, bytes.n - 2 - n);
	}
	return bytes.n == 0;
}

static bool holds(const struct wanted *w, struct span bytes)
{
	return w->entries ? bundle_holds(w, bytes) : tile_holds(w, bytes);
}

static void say_progress(struct mirror *m)
{
	if (m->progress != NULL)
		m->progress(m->self, &m->report);
}

static bool path_of(const struct mirror *m, const struct wanted *w, char path[PATH_SIZE],
		    struct mft_failure *ret_failure)
{
	struct buffer name = BUFFER_EMPTY;

	tile_put_path(&name, &w->id, w->entries);
	int n = buffer_ok(&name)
		    ? snprintf(path, PATH_SIZE, "%s%.*s", m->folder, SPAN_ARG(buffer_span(&name)))
		    : -1;
	buffer_free(&name);
	errno = ENAMETOOLONG;
	return (n > 0 && n < PATH_SIZE - 16) || broken(ret_failure, m->folder);
}

static bool fetch(struct mirror *m, const struct wanted *w, char *path, struct buffer *bytes,
		  struct mft_failure *ret_failure)
{
	buffer_clear(bytes);
	if (!(w->entries ? log_source_bundle : log_source_tile)(m->source, &w->id, bytes, ret_failure))
		return false;
	if (!holds(w, buffer_span(bytes))) {
		mft_fail(
		    ret_failure, MFT_FAULT_DISPROVED, "mirror.differs",
		    "what the server gave is not what its signed checkpoint says: nothing of it was kept",
		    "服务器提供的内容与其签署的检查点不符，未予保存", path + strlen(m->folder));
		return false;
	}
	m->report.fetched++;
	m->report.bytes += bytes->n;
	return keep(m, path, buffer_span(bytes), ret_failure);
}

/* Afterwards `bytes` holds the file, and it is in the folder. */
static bool obtain(struct mirror *m, const struct wanted *w, struct buffer *bytes,
		   struct mft_failure *ret_failure)
{
	char path[PATH_SIZE];

	if (!path_of(m, w, path, ret_failure))
		return false;
	buffer_clear(bytes);
	bool there = access(path, F_OK) == 0;
	if (there && mft_file_read(path, BUNDLE_MAX, bytes, NULL) && holds(w, buffer_span(bytes))) {
		m->report.kept++;
	} else {
		if (!fetch(m, w, path, bytes, ret_failure))
			return false;
		m->report.repaired += there;
	}
	if (w->id.width == TILE_WIDTH)
		forget_partial(path);
	return true;
}

/* ---- the walk ---- */

struct walk {
	struct mirror *mirror;
	uint64_t finished; /* full tiles below this size need not be looked at */
	struct buffer bundle;
	struct mft_failure *failure;
};

static bool walk_bundle(struct walk *w, uint64_t n, unsigned width, const struct digest *leaves)
{
	const struct wanted bundle = {.id = {0, n, width}, .entries = true, .hashes = leaves};

	if (!w->mirror->hashes_only && !obtain(w->mirror, &bundle, &w->bundle, w->failure))
		return false;
	w->mirror->report.entries += width;
	say_progress(w->mirror);
	return true;
}

/* A full tile, whose root is known, and all that is under it. */
static bool walk_tile(struct walk *w, unsigned level, uint64_t n, const struct digest *root)
{
	const struct wanted tile = {.id = {level, n, TILE_WIDTH}, .root = root};
	struct digest hashes[TILE_WIDTH];
	struct buffer bytes = BUFFER_EMPTY;

	if (n < w->finished >> (TILE_HEIGHT * (level + 1))) {
		w->mirror->report.entries += UINT64_C(1) << (TILE_HEIGHT * (level + 1));
		return true;
	}
	bool good = obtain(w->mirror, &tile, &bytes, w->failure);
	if (good)
		memcpy(hashes, bytes.p, sizeof(hashes));
	buffer_free(&bytes);
	if (good && level == 0)
		return walk_bundle(w, n, TILE_WIDTH, hashes);
	for (unsigned i = 0; i < TILE_WIDTH && good; i++)
		good = walk_tile(w, level - 1, n * TILE_WIDTH + i, &hashes[i]);
	return good;
}

/* The partial tiles of the right edge make the root: with them all that is under it is known. */
static bool read_edge(struct mirror *m, const struct checkpoint *c, struct digest (*edge)[TILE_WIDTH],
		      struct mft_failure *ret_failure)
{
	struct tree_need needs[TILE_LEVELS];
	const struct digest *hashes[TILE_LEVELS];
	struct buffer bytes = BUFFER_EMPTY;
	bool good = true;

	tree_needs(c->size, needs);
	for (unsigned l = 0; l < TILE_LEVELS && good; l++) {
		const struct tile_id id = {l, needs[l].first / TILE_WIDTH, needs[l].count};
		hashes[l] = edge[l];
		if (id.width == 0)
			continue;
		buffer_clear(&bytes);
		good = log_source_tile(m->source, &id, &bytes, ret_failure);
		if (good)
			memcpy(edge[l], bytes.p, id.width * sizeof(edge[l][0]));
	}
	buffer_free(&bytes);
	struct tree *t = good ? tree_restore(c->size, hashes) : NULL;
	struct digest root = t == NULL ? (struct digest){0} : tree_root(t);
	tree_free(t);
	if (good && !digest_eq(&root, &c->root)) {
		mft_fail(ret_failure, MFT_FAULT_DISPROVED, "mirror.root",
			 "the tiles that the server gave do not make the root that it signed",
			 "服务器提供的分块与其签署的根哈希不符", NULL);
		good = false;
	}
	return good;
}

static bool walk_edge(struct walk *w, const struct checkpoint *c, struct digest (*edge)[TILE_WIDTH])
{
	struct buffer bytes = BUFFER_EMPTY;
	struct tree_need needs[TILE_LEVELS];
	bool good = true;

	tree_needs(c->size, needs);
	for (unsigned l = TILE_LEVELS; l-- > 0 && good;) {
		const struct wanted tile = {.id = {l, needs[l].first / TILE_WIDTH, needs[l].count},
					    .hashes = edge[l]};
		if (tile.id.width == 0)
			continue;
		good = obtain(w->mirror, &tile, &bytes, w->failure);
		for (unsigned i = 0; l > 0 && i < tile.id.width && good; i++)
			good = walk_tile(w, l - 1, needs[l].first + i, &edge[l][i]);
		if (l == 0 && good)
			good = walk_bundle(w, tile.id.n, tile.id.width, edge[0]);
	}
	buffer_free(&bytes);
	return good;
}

/* An earlier run may have copied the hashes alone. */
static bool has_bundles(const struct mirror *m, uint64_t have)
{
	char path[PATH_SIZE];
	const struct wanted last = {.id = {0, have / TILE_WIDTH - 1, TILE_WIDTH}, .entries = true};

	return have < TILE_WIDTH || (path_of(m, &last, path, NULL) && access(path, F_OK) == 0);
}

/* All files are on disk before the checkpoint that names them is. */
static bool finish(const struct mirror *m, struct span note, struct mft_failure *ret_failure)
{
	char path[PATH_SIZE];
	int fd = open(m->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool good = fd >= 0 && syncfs(fd) == 0;

	if (!good)
		(void)broken(ret_failure, m->folder);
	if (fd >= 0)
		(void)close(fd);
	(void)snprintf(path, sizeof(path), "%s/checkpoint", m->folder);
	return good && mft_file_replace(path, note, 0644, ret_failure);
}

bool mirror_run(struct mirror *m, const struct checkpoint *checkpoint, struct span note, uint64_t have,
		struct mft_failure *ret_failure)
{
	struct digest(*edge)[TILE_WIDTH] = calloc(TILE_LEVELS, sizeof(*edge));
	struct walk walk = {.mirror = m, .failure = ret_failure};

	m->report = (struct mirror_report){.size = checkpoint->size};
	if (!m->check && (m->hashes_only || has_bundles(m, have)))
		walk.finished = have;
	if (edge == NULL)
		mft_fail(ret_failure, MFT_FAULT_LOCAL, "memory", "out of memory", "内存不足", NULL);
	bool good = edge != NULL && read_edge(m, checkpoint, edge, ret_failure) &&
		    walk_edge(&walk, checkpoint, edge) && finish(m, note, ret_failure);
	buffer_free(&walk.bundle);
	free(edge);
	return good;
}
