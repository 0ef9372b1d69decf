/* Owns the asking: one request after another, within limits, and again when the server is busy. */
#include "manifest/log_source.h"

#include <curl/curl.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/note.h"
#include "crypto/digest.h"
#include "libmanifest/file.h"

enum {
	TRIES = 6,
	CONNECT_SECONDS = 10,
	SLOWEST_BYTES = 256 /* a second */,
	STALLED_SECONDS = 30,
	ENTRY_MAX = 65535,
	TOKEN_MAX = 4096
};

struct log_source {
	char place[PATH_MAX]; /* the folder, or what stands before a path in the URL */
	CURL *curl;           /* NULL: a folder */
	struct curl_slist *with_token;
	char error[CURL_ERROR_SIZE];
};

/* ---- a folder ---- */

struct log_source *log_source_folder(const char *folder)
{
	struct log_source *s = calloc(1, sizeof(*s));

	if (s != NULL)
		(void)snprintf(s->place, sizeof(s->place), "%s", folder);
	return s;
}

static bool read_file(const struct log_source *s, const char *path, size_t max, struct buffer *to,
		      struct mft_failure *ret_failure)
{
	char whole[PATH_MAX + 128];

	(void)snprintf(whole, sizeof(whole), "%s%s", s->place, path);
	return mft_file_read(whole, max, to, ret_failure);
}

/* False; where `manifest log mirror --hashes` has copied the tree alone, with what to do about it. */
static bool no_entries(const struct log_source *s, const char *path, struct mft_failure *ret_failure)
{
	char whole[PATH_MAX + 128];

	(void)snprintf(whole, sizeof(whole), "%s%s", s->place, path);
	if (access(whole, F_OK) != 0 && errno == ENOENT)
		mft_fail(ret_failure, MFT_FAULT_REFUSED, "log.no_entries",
			 "entries are missing in this copy, as when it was made with --hashes: `manifest log "
			 "mirror` "
			 "without --hashes, into the same folder, adds them",
			 "该副本缺少记录（例如以 --hashes 复制）：对同一目录运行不带 --hashes 的 `manifest "
			 "log mirror` 即可补齐",
			 whole);
	return false;
}

/* ---- HTTP ---- */

/* The socket's path; NULL: the URL is not one of a socket. */
static const char *unix_path(const char *url)
{
	static const char scheme[] = "unix:";

	return strncmp(url, scheme, sizeof(scheme) - 1) == 0 ? url + sizeof(scheme) - 1 : NULL;
}

bool log_source_url(const char *url)
{
	const char *path = unix_path(url);
	char *scheme = NULL;

	if (path != NULL)
		return path[0] == '/' && strlen(path) < sizeof(((struct sockaddr_un *)0)->sun_path);
	CURLU *parts = curl_url();
	bool good = parts != NULL && strlen(url) < PATH_MAX &&
		    curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
		    curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
		    (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
	curl_free(scheme);
	curl_url_cleanup(parts);
	return good;
}

static bool set_up(struct log_source *s, const char *url, struct span token)
{
	const char *path = unix_path(url);
	size_t n = strlen(url);
	char header[TOKEN_MAX];

	while (path == NULL && n > 0 && url[n - 1] == '/')
		n--;
	(void)snprintf(s->place, sizeof(s->place), "%.*s", path != NULL ? 16 : (int)n,
		       path != NULL ? "http://localhost" : url);
	if (path != NULL && curl_easy_setopt(s->curl, CURLOPT_UNIX_SOCKET_PATH, path) != CURLE_OK)
		return false;
	if (token.n > 0) {
		int put = snprintf(header, sizeof(header), "Authorization: Bearer %.*s", SPAN_ARG(token));
		s->with_token =
		    put > 0 && (size_t)put < sizeof(header) ? curl_slist_append(NULL, header) : NULL;
		explicit_bzero(header, sizeof(header));
		if (s->with_token == NULL)
			return false;
	}
	/* A redirect would show the token to somebody else. */
	return curl_easy_setopt(s->curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
	       curl_easy_setopt(s->curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	       curl_easy_setopt(s->curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(s->curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS) == CURLE_OK &&
	       curl_easy_setopt(s->curl, CURLOPT_LOW_SPEED_LIMIT, (long)SLOWEST_BYTES) == CURLE_OK &&
	       curl_easy_setopt(s->curl, CURLOPT_LOW_SPEED_TIME, (long)STALLED_SECONDS) == CURLE_OK &&
	       curl_easy_setopt(s->curl, CURLOPT_ERRORBUFFER, s->error) == CURLE_OK;
}

struct log_source *log_source_http(const char *url, struct span token)
{
	struct log_source *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->curl = curl_easy_init();
	if (s->curl == NULL || !set_up(s, url, token)) {
		log_source_free(s);
		return NULL;
	}
	return s;
}

void log_source_free(struct log_source *s)
{
	if (s == NULL)
		return;
	curl_slist_free_all(s->with_token);
	if (s->curl != NULL)
		curl_easy_cleanup(s->curl);
	free(s);
}

struct taking {
	struct buffer *to;
	size_t left;
	bool too_long;
};

static size_t on_bytes(char *bytes, size_t size, size_t n, void *self)
{
	struct taking *t = self;

	n *= size;
	t->too_long = n > t->left;
	if (t->too_long)
		return 0;
	t->left -= n;
	buffer_put(t->to, bytes, n);
	return buffer_ok(t->to) ? n : 0;
}

/* Instead of a status: none came, and s->error says why; more came than there can be. */
enum { NO_STATUS = 0, TOO_LONG = 1 };

static long ask_once(struct log_source *s, const char *path, bool token, size_t max, struct buffer *to)
{
	char url[PATH_MAX + 128];
	struct taking taking = {.to = to, .left = max};
	long status = NO_STATUS;

	(void)snprintf(url, sizeof(url), "%s%s", s->place, path);
	s->error[0] = '\0';
	if (curl_easy_setopt(s->curl, CURLOPT_URL, url) != CURLE_OK ||
	    curl_easy_setopt(s->curl, CURLOPT_HTTPHEADER, token ? s->with_token : NULL) != CURLE_OK ||
	    curl_easy_setopt(s->curl, CURLOPT_WRITEFUNCTION, on_bytes) != CURLE_OK ||
	    curl_easy_setopt(s->curl, CURLOPT_WRITEDATA, &taking) != CURLE_OK)
		return NO_STATUS;
	CURLcode code = curl_easy_perform(s->curl);
	if (taking.too_long)
		return TOO_LONG;
	if (code != CURLE_OK) {
		if (s->error[0] == '\0')
			(void)snprintf(s->error, sizeof(s->error), "%s", curl_easy_strerror(code));
		return NO_STATUS;
	}
	(void)curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

static void wrong_length(struct mft_failure *ret_failure, const char *path)
{
	mft_fail(ret_failure, MFT_FAULT_DISPROVED, "log.length", "not the length that its name says",
		 "长度与其名称不符", path);
}

static void failed(const struct log_source *s, const char *path, long status, struct mft_failure *ret_failure)
{
	char detail[480];

	if (status == NO_STATUS)
		(void)snprintf(detail, sizeof(detail), "%.200s%.100s: %.*s", s->place, path,
			       (int)sizeof(s->error) / 2, s->error);
	else
		(void)snprintf(detail, sizeof(detail), "%.200s%.100s: %ld", s->place, path, status);
	if (status == 401 || status == 403)
		mft_fail(ret_failure, MFT_FAULT_REFUSED, "log.token",
			 "the entries are given to a token of the role auditor only: get a new one",
			 "仅向审计员（auditor）角色的令牌提供日志记录，请重新取得令牌", detail);
	else if (status == TOO_LONG)
		wrong_length(ret_failure, path);
	else if (status == NO_STATUS || status == 429 || status >= 500)
		mft_fail(ret_failure, MFT_FAULT_UNAVAILABLE, "log.unavailable", "the log cannot be read now",
			 "日志暂时无法读取", detail);
	else
		mft_fail(ret_failure, MFT_FAULT_PROTOCOL, "log.withheld",
			 "the server does not give what its checkpoint says it has",
			 "服务器未提供其检查点所称已有的内容", detail);
}

static bool ask(struct log_source *s, const char *path, bool token, size_t max, struct buffer *to,
		struct mft_failure *ret_failure)
{
	size_t before = to->n;

	for (int tried = 1;; tried++) {
		long status = ask_once(s, path, token, max, to);
		if (status == 200)
			return true;
		to->n = before; /* what came was the reason */
		bool again = status == NO_STATUS || status == 429 || status == 503;
		if (!again || tried == TRIES) {
			failed(s, path, status, ret_failure);
			return false;
		}
		(void)usleep(tried == 1 ? 50 * 1000 : 1000 * 1000);
	}
}

/* ---- either ---- */

bool log_source_checkpoint(struct log_source *s, struct buffer *to, struct mft_failure *ret_failure)
{
	return s->curl == NULL ? read_file(s, "/checkpoint", NOTE_SIZE_MAX, to, ret_failure)
			       : ask(s, "/checkpoint", false, NOTE_SIZE_MAX, to, ret_failure);
}

static bool read_one(struct log_source *s, const struct tile_id *id, bool entries, struct buffer *to,
		     struct mft_failure *ret_failure)
{
	struct buffer path = BUFFER_EMPTY;
	size_t max = (size_t)id->width * (entries ? ENTRY_MAX + 2 : DIGEST_SIZE);
	bool good = false;

	tile_put_path(&path, id, entries);
	buffer_put_u8(&path, 0);
	if (!buffer_ok(&path))
		mft_fail(ret_failure, MFT_FAULT_LOCAL, "memory", "out of memory", "内存不足", NULL);
	else if (s->curl == NULL)
		good = read_file(s, (const char *)path.p, max, to, ret_failure) ||
		       (entries && no_entries(s, (const char *)path.p, ret_failure));
	else
		good = ask(s, (const char *)path.p, entries, max, to, ret_failure);
	buffer_free(&path);
	return good;
}

bool log_source_tile(struct log_source *s, const struct tile_id *id, struct buffer *to,
		     struct mft_failure *ret_failure)
{
	struct tile_id wider = *id;
	size_t before = to->n;

	/* A copy has the tiles of the sizes at which it was made, and those that are full. */
	do {
		to->n = before;
		if (read_one(s, &wider, false, to, ret_failure)) {
			if (to->n - before == (size_t)wider.width * DIGEST_SIZE)
				return true;
			wrong_length(ret_failure, "tile");
			return false;
		}
	} while (s->curl == NULL && ++wider.width <= TILE_WIDTH);
	return false;
}

bool log_source_bundle(struct log_source *s, const struct tile_id *id, struct buffer *to,
		       struct mft_failure *ret_failure)
{
	return read_one(s, id, true, to, ret_failure);
}
