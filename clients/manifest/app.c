/* Owns configuration, the opening of things in their order, and the exit status of every failure. */
#include "manifest/app.h"

#include <errno.h>
#include <ini.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "core/words.h"
#include "crypto/key_text.h"
#include "libmanifest/file.h"
#include "manifest/meeting.h"

enum { ARENA_MAX = 256 * 1024 * 1024, SMALL_FILE = 65536, LOCK_TRIES = 100, LOCK_WAIT = 100000 };

micros app_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (micros)t.tv_sec * MICROS_PER_SECOND + t.tv_nsec / 1000;
}

/* ---- configuration ---- */

struct place {
	const char *key; /* in the file; MANIFEST_KEY in the environment */
	size_t at;
	size_t size;
};

#define PLACE(k, field)                                                                                      \
	{                                                                                                    \
		k, offsetof(struct app, field), sizeof(((struct app *)0)->field)                             \
	}
static const struct place places[] = {PLACE("server", server), PLACE("ca", trusted), PLACE("log", log),
				      PLACE("key", key), PLACE("state", state_dir)};

static bool assign(struct app *app, const char *key, const char *value)
{
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		if (strcmp(places[i].key, key) != 0)
			continue;
		if (strlen(value) >= places[i].size)
			return false;
		memcpy((char *)app + places[i].at, value, strlen(value) + 1);
		return true;
	}
	if (strcmp(key, "role") == 0) {
		const struct word *role = word_named(role_words, span_str(value));
		app->role = role == NULL ? ROLE_NONE : (enum role)role->value;
		return role != NULL;
	}
	if (strcmp(key, "lang") == 0) {
		app->zh = strncmp(value, "zh", 2) == 0;
		return true;
	}
	return false;
}

static int config_line(void *self, const char *section, const char *name, const char *value)
{
	return section[0] == '\0' && assign(self, name, value) ? 1 : 0;
}

static bool read_config(struct app *app, const char *path, bool must)
{
	int line = access(path, R_OK) == 0 || must ? ini_parse(path, config_line, app) : 0;

	if (line == 0)
		return true;
	if (line < 0)
		app_note(app, "manifest: %s: %s", path, strerror(errno));
	else
		app_note(app,
			 T(app, "manifest: %s, line %d: not one of server, ca, log, key, state, role, lang",
			   "manifest：%s 第 %d 行：应为 server、ca、log、key、state、role、lang 之一"),
			 path, line);
	return false;
}

static const char *language(void)
{
	static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *value = getenv(names[i]);
		if (value != NULL && value[0] != '\0')
			return value;
	}
	return "";
}

static bool read_environment(struct app *app)
{
	static const char *const names[][2] = {{"MANIFEST_SERVER", "server"}, {"MANIFEST_CA", "ca"},
					       {"MANIFEST_LOG", "log"},       {"MANIFEST_KEY", "key"},
					       {"MANIFEST_STATE", "state"},   {"MANIFEST_ROLE", "role"},
					       {"MANIFEST_LANG", "lang"}};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *value = getenv(names[i][0]);
		if (value == NULL || value[0] == '\0' || assign(app, names[i][1], value))
			continue;
		app_note(app, "manifest: %s: %s", names[i][0], value);
		return false;
	}
	return true;
}

static void read_terminal(struct app *app)
{
	const char *term = getenv("TERM");
	struct winsize size = {0};

	if (isatty(STDOUT_FILENO) == 0)
		return;
	app->colour = getenv("NO_COLOR") == NULL && term != NULL && strcmp(term, "dumb") != 0;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		app->columns = size.ws_col;
}

bool app_begin(struct app *app, const char *agent, const char *config)
{
	const char *home = getenv("HOME");
	char path[4096];

	*app = (struct app){.agent = agent, .server = "127.0.0.1:7310", .timeout_ms = 30000};
	app->zh = strncmp(language(), "zh", 2) == 0;
	read_terminal(app);
	if (setlocale(LC_CTYPE, "") == NULL || MB_CUR_MAX == 1)
		(void)setlocale(LC_CTYPE, "C.UTF-8");
	app->arena = arena_new(ARENA_MAX);
	app->result = json_object();
	if (app->arena == NULL || app->result == NULL || !crypto_start())
		return false;
	(void)snprintf(app->state_dir, sizeof(app->state_dir), "%.4000s/.local/state/manifest",
		       home == NULL ? "." : home);
	(void)snprintf(path, sizeof(path), "%.4000s/.config/manifest/config", home == NULL ? "." : home);
	return read_config(app, config == NULL ? path : config, config != NULL) && read_environment(app);
}

void app_end(struct app *app)
{
	mft_client_close(app->client);
	mft_state_close(app->state);
	mft_view_free(app->view);
	secret_key_wipe(&app->secret);
	json_decref(app->result);
	arena_free(app->arena);
}

/* ---- opening ---- */

static bool fail(struct app *app, const struct mft_failure *failure, int *ret_status)
{
	*ret_status = app_failed(app, failure);
	return false;
}

static bool missing(struct app *app, const char *option, const char *en, const char *zh, int *ret_status)
{
	*ret_status = app_usage(app, en, zh, option);
	return false;
}

/* All that is missing of what the step needs, at once. */
static bool settings_given(struct app *app, unsigned needed, int *ret_status)
{
	static const char *const names[] = {"--log", "--key", "--ca"};
	const char *const values[] = {app->log, app->key, app->trusted};
	const bool have[] = {app->view != NULL, app->has_key, false};
	char detail[64] = "";
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if ((needed & 1U << i) != 0 && !have[i] && values[i][0] == '\0')
			n += (size_t)snprintf(detail + n, sizeof(detail) - n, " %s FILE", names[i]);
	if (n == 0)
		return true;
	return missing(
	    app, detail + 1,
	    "must be given, or stand in the configuration file (~/.config/manifest/config, lines such as "
	    "`key = FILE`)",
	    "须给出，或写入配置文件（~/.config/manifest/config，如 `key = 文件`）", ret_status);
}

enum { NEED_LOG = 1, NEED_KEY = 2, NEED_CA = 4 };

bool app_log(struct app *app, int *ret_status)
{
	struct mft_failure failure;
	struct buffer text = BUFFER_EMPTY;

	if (app->view != NULL)
		return true;
	if (!settings_given(app, NEED_LOG, ret_status))
		return false;
	bool good = mft_file_read(app->log, SMALL_FILE, &text, &failure);
	if (good)
		app->view = mft_view_new(buffer_span(&text), &failure);
	buffer_free(&text);
	return app->view != NULL || fail(app, &failure, ret_status);
}

static bool read_small(struct app *app, const char *path, struct buffer *to, int *ret_status)
{
	struct mft_failure failure;

	return mft_file_read(path, SMALL_FILE, to, &failure) || fail(app, &failure, ret_status);
}

bool app_read_public(struct app *app, const char *path, struct public_key *ret_key, int *ret_status)
{
	struct buffer text = BUFFER_EMPTY;
	bool good = read_small(app, path, &text, ret_status);

	if (good && !public_key_parse(buffer_span(&text), ret_key)) {
		*ret_status = app_usage(app, "not a public key file", "不是公钥文件", path);
		good = false;
	}
	buffer_free(&text);
	return good;
}

bool app_read_secret(struct app *app, const char *path, struct secret_key *ret_key, int *ret_status)
{
	struct buffer text = BUFFER_EMPTY;
	struct stat st;

	struct public_key public;
	bool good = read_small(app, path, &text, ret_status);
	if (good && public_key_parse(buffer_span(&text), &public)) {
		*ret_status =
		    app_usage(app, "this is a public key; the secret key file is wanted (FILE, not FILE.pub)",
			      "这是公钥；须给出私钥文件（文件，而非 文件.pub）", path);
		good = false;
	} else if (good && !secret_key_parse(buffer_span(&text), ret_key)) {
		*ret_status = app_usage(app, "not a secret key file; `manifest key new FILE` makes one",
					"不是私钥文件；可用 `manifest key new 文件` 生成", path);
		good = false;
	} else if (good && stat(path, &st) == 0 && (st.st_mode & 077) != 0) {
		*ret_status = app_usage(app, "others can read this secret key; run: chmod 600",
					"他人可以读取此私钥；请执行 chmod 600", path);
		secret_key_wipe(ret_key);
		good = false;
	}
	if (text.p != NULL)
		explicit_bzero(text.p, text.n);
	buffer_free(&text);
	return good;
}

bool app_key(struct app *app, int *ret_status)
{
	if (app->has_key)
		return true;
	if (!settings_given(app, NEED_KEY, ret_status))
		return false;
	if (!app_read_secret(app, app->key, &app->secret, ret_status))
		return false;
	app->public = key_public(&app->secret);
	app->keyid = key_id(&app->public);
	app->has_key = true;
	return true;
}

bool app_state(struct app *app, int *ret_status)
{
	struct mft_failure failure = {.fault = MFT_FAULT_LOCAL, .id = "memory"};

	if (app->state != NULL)
		return true;
	if (!settings_given(app, NEED_LOG | NEED_KEY, ret_status) || !app_log(app, ret_status) ||
	    !app_key(app, ret_status))
		return false;
	/* Another command of this key may be at work: its turn is short. */
	for (int tries = 0; app->state == NULL; tries++) {
		app->state = mft_state_open(app->state_dir, &app->keyid, &failure);
		if (app->state == NULL && (tries == LOCK_TRIES || strcmp(failure.id, "state.locked") != 0))
			return fail(app, &failure, ret_status);
		if (app->state == NULL)
			(void)usleep(LOCK_WAIT);
	}
	struct span checkpoint = mft_state_checkpoint(app->state);
	enum log_failure wrong = checkpoint.n == 0 ? LOG_HOLDS : mft_view_restore(app->view, checkpoint);
	if (wrong == LOG_HOLDS)
		return true;
	mft_fail_log(&failure, wrong, app->state_dir);
	return fail(app, &failure, ret_status);
}

static bool split_server(struct app *app, char host[256], const char **ret_port)
{
	char *colon = strrchr(app->server, ':');
	size_t n = colon == NULL ? 0 : (size_t)(colon - app->server);

	if (n == 0 || colon[1] == '\0')
		return false;
	if (app->server[0] == '[' && app->server[n - 1] == ']')
		(void)snprintf(host, 256, "%.*s", (int)n - 2, app->server + 1);
	else
		(void)snprintf(host, 256, "%.*s", (int)n, app->server);
	*ret_port = colon + 1;
	return true;
}

static void warn_of_clock(struct app *app)
{
	int64_t seconds = mft_client_clock_difference(app->client) / MICROS_PER_SECOND;

	if (seconds > 60 || seconds < -60)
		app_note(app,
			 T(app, "note: this device's clock differs from the server's by %lld seconds",
			   "注意：本机时钟与服务器相差 %lld 秒"),
			 (long long)seconds);
}

/* The role to say hello in: --role, the command's, or the one remembered. */
static enum role role_of(const struct app *app, enum role of_command)
{
	return app->role != ROLE_NONE    ? app->role
	       : of_command != ROLE_NONE ? of_command
					 : mft_state_role(app->state);
}

static bool dial(struct app *app, const char *host, const char *port, enum role role,
		 struct mft_failure *ret_failure)
{
	const struct mft_client_config config = {
	    .host = host,
	    .port = port,
	    .trusted = app->trusted,
	    .view = app->view,
	    .secret = &app->secret,
	    .role = role,
	    .state = app->state,
	    .state_dir = app->state_dir,
	    .agent = app->agent,
	    .timeout_ms = app->timeout_ms,
	};

	app->client = mft_client_open(&config, ret_failure);
	return app->client != NULL;
}

void app_numbers(struct app *app)
{
	struct mft_failure failure = {.id = ""};
	char host[256];
	const char *port = NULL;
	enum role role = role_of(app, ROLE_NONE);

	if (app->client != NULL || mft_state_next(app->state) > 1 || mft_view_size(app->view) > 0)
		return;
	if (role != ROLE_NONE && app->trusted[0] != '\0' && split_server(app, host, &port) &&
	    dial(app, host, port, role, &failure))
		return;
	/* A key that is not enrolled yet has signed nothing. */
	if (strcmp(failure.id, "hello.not_enrolled") != 0)
		app_note(
		    app, "%s",
		    T(app,
		      "note: this key begins at running number 1. If it has signed elsewhere, connect first: "
		      "manifest checkpoint",
		      "注意：此密钥自流水号 1 开始。若曾在别处签署，请先连接：manifest checkpoint"));
}

bool app_connect(struct app *app, enum role role, int *ret_status)
{
	struct mft_failure failure;
	char host[256];
	const char *port = NULL;

	if (app->client != NULL)
		return true;
	if (!settings_given(app, NEED_LOG | NEED_KEY | NEED_CA, ret_status) || !app_state(app, ret_status))
		return false;
	if (!split_server(app, host, &port))
		return missing(app, app->server, "--server must be HOST:PORT", "--server 应为 主机:端口",
			       ret_status);
	role = role_of(app, role);
	if (role == ROLE_NONE)
		return missing(app, "--role ROLE", "the role of the key must be named the first time",
			       "首次使用须指明密钥的角色", ret_status);
	if (!dial(app, host, port, role, &failure))
		return fail(app, &failure, ret_status);
	warn_of_clock(app);
	meet_settle(app);
	return true;
}
