/*
 * Owns the table of settings and where their values come from. Knows nothing of what they are for.
 */
#include "conf.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const log_levels[] = {"debug", "info", "warning", "error", NULL};

#define AT(field) .offset = offsetof(struct conf, field)
#define TEXT(k, f, least, initial_, en, zh)                                                                  \
	{                                                                                                    \
		.key = (k), .type = SETTING_TEXT, AT(f), .min = (least), .max = 255, .initial = (initial_),  \
		.help_en = (en), .help_zh = (zh)                                                             \
	}
#define INT(k, f, low, high, initial_, unit_, en, zh)                                                        \
	{                                                                                                    \
		.key = (k), .type = SETTING_INT, AT(f), .min = (low), .max = (high), .initial = (initial_),  \
		.unit = (unit_), .help_en = (en), .help_zh = (zh)                                            \
	}
#define TIME(k, f, low, high, initial_, en, zh)                                                              \
	{                                                                                                    \
		.key = (k), .type = SETTING_DURATION, AT(f), .min = (low), .max = (high),                    \
		.initial = (initial_), .help_en = (en), .help_zh = (zh)                                      \
	}
#define SIZE(k, f, low, high, initial_, en, zh)                                                              \
	{                                                                                                    \
		.key = (k), .type = SETTING_SIZE, AT(f), .min = (low), .max = (high), .initial = (initial_), \
		.help_en = (en), .help_zh = (zh)                                                             \
	}

/* clang-format off */
const struct setting_row conf_rows[] = {
	TEXT("listen.address", listen_address, 1, "127.0.0.1",
	     "Numeric address that devices connect to.", "设备连接的数字地址。"),
	INT("listen.port", listen_port, 0, 65535, "7310", NULL,
	    "Port that devices connect to; 0 takes any free one.", "设备连接的端口；0 表示任取一个空闲端口。"),
	TEXT("advertise", advertise, 0, "",
	     "host:port told to clients of a standby server; empty: the address and port listened on.",
	     "备用服务器告诉客户端的写入服务器地址；空则为监听地址。"),
	TEXT("http.address", http_address, 1, "127.0.0.1",
	     "Numeric address of the read-only HTTP interface, on loopback behind a proxy that ends TLS; or the path of a UNIX socket.",
	     "只读 HTTP 接口的数字地址（应只在本机回环，由代理提供 TLS），或 UNIX 套接字的路径。"),
	{.key = "http.enabled", .type = SETTING_BOOL, AT(http_enabled), .initial = "yes",
	 .help_en = "Whether there is an HTTP interface.", .help_zh = "是否开启 HTTP 接口。"},
	INT("http.port", http_port, 0, 65535, "7311", NULL,
	    "Port of the HTTP interface; 0 takes any free one.", "HTTP 接口的端口；0 表示任取一个空闲端口。"),
	TEXT("tls.certificate", certificate, 1, "/etc/manifestd/server.crt",
	     "PEM certificate, ECDSA P-256 with SHA-256, followed by its chain.", "PEM 证书（ECDSA P-256，SHA-256），其后为证书链。"),
	TEXT("tls.key", certificate_key, 1, "/etc/manifestd/server.key",
	     "PEM key of the certificate, readable by its owner only.", "证书的 PEM 私钥，只许属主读取。"),
	TEXT("log.origin", origin, 0, "",
	     "Name of the log that must be found in the database; empty: whichever is there.", "数据库中日志应有的名称；空则不核对。"),
	TEXT("keys.log", log_key, 1, "/etc/manifestd/log.key",
	     "Secret key that signs checkpoints.", "签署检查点的私钥文件。"),
	TEXT("keys.server", server_key, 1, "/etc/manifestd/server-events.key",
	     "Secret key that signs the server's own events.", "签署服务器自身事件的私钥文件。"),
	TEXT("high_water", high_water, 1, "/var/lib/manifestd/high-water",
	     "File outside the database, each server's own, that keeps the largest signed size, so that going "
	     "backwards cannot be hidden.",
	     "数据库之外的水位文件，每台服务器各用一个，记录已签署的最大长度，使回退无法掩盖。"),
	TEXT("witness.policy", witness_policy, 0, "",
	     "Policy file (C2SP tlog-policy) of the witnesses that cosign the log's checkpoints: lines `witness NAME VKEY URL`, `group`, and `quorum`, which says how many are waited for; empty: none.",
	     "见证策略文件（C2SP tlog-policy）：witness、group 与 quorum 行，quorum 规定等待多少见证人；空则无见证人。"),
	TIME("witness.wait", witness_wait, 0, DURATION_MINUTE, "0 s",
	     "How long answers to events wait for the quorum of witnesses; 0 s: they do not wait, and later answers carry the cosignatures.",
	     "事件的应答等待见证数的时间；0 s 表示不等待，见证签名随以后的应答给出。"),
	{.key = "witness.required", .type = SETTING_BOOL, AT(witness_required), .initial = "no",
	 .help_en = "Whether nothing is acknowledged while the quorum cannot be had (devices are told to try again); no: the server goes on without, and says so.",
	 .help_zh = "未达到见证数时是否拒绝确认任何事件（设备被告知稍后重试）；no 表示继续运行并记录告警。"},
	TIME("witness.timeout", witness_timeout, 100 * 1000, DURATION_MINUTE, "5 s",
	     "Time for one request to a witness.", "向见证人一次请求的时限。"),
	TEXT("database.writer", database, 1, "dbname=manifest user=manifest_writer",
	     "PostgreSQL connection of the writer, libpq keywords or URI.", "写入连接（libpq 关键字或 URI）。"),
	TEXT("database.reader", database_reader, 1, "dbname=manifest user=manifest_reader",
	     "PostgreSQL connection of readers; may name a replica.", "查询连接；可指向只读副本。"),
	TEXT("database.owner", database_owner, 1, "dbname=manifest user=manifest_owner",
	     "PostgreSQL connection of `manifestd migrate` and `init` only.", "仅供 migrate 与 init 使用的属主连接。"),
	TEXT("schema", schema, 0, "",
	     "Folder of migrations and reference data; empty: the installed one, ../share/manifest/schema as seen from the program's folder.",
	     "迁移脚本与参考数据目录；空则为随程序安装的目录（自程序所在目录起的 ../share/manifest/schema）。"),
	INT("threads.verify", verifiers, 0, 256, "0", "threads",
	    "Threads that verify signatures; 0: one for each processor.", "验签线程数；0 为每个处理器一个。"),
	INT("threads.read", readers, 1, 64, "2", "threads",
	    "Threads that answer queries, with one database connection each.", "查询线程数，每个占一个数据库连接。"),
	INT("batch.max", batch_max, 1, 4096, "256", "events",
	    "Events in one database transaction at most.", "一个数据库事务中事件的上限。"),
	INT("requests.max", requests_max, 64, 1000000, "8192", "requests",
	    "Requests under way before reading from connections stops.", "在途请求达到此数时停止读取连接。"),
	TIME("request.timeout", request_timeout, 100 * 1000, 10 * DURATION_MINUTE, "10 s",
	     "How long an event waits for a database that is away.", "数据库不可用时事件等待的时间。"),
	TIME("sweep.interval", sweep_interval, 10 * 1000, DURATION_HOUR, "5 s",
	     "How often passed deadlines are looked for.", "检查逾期的间隔。"),
	TIME("token.life", token_life, DURATION_MINUTE, DURATION_DAY, "12 h",
	     "Longest validity of an HTTP token.", "HTTP 令牌的最长有效期。"),
	INT("limit.key.events", key_events, 0, 1000000, "500", "events a second",
	    "Events a second that one key may send; 0: no limit.", "一个密钥每秒可发送的事件数；0 不限。"),
	INT("limit.key.events_burst", key_events_burst, 1, 10000000, "20000", "events",
	    "Events that one key may send at once.", "一个密钥可一次性发送的事件数。"),
	SIZE("limit.key.bytes", key_bytes, 0, 1 << 30, "2 MiB",
	     "Bytes a second that one key may send; 0 B: no limit.", "一个密钥每秒可发送的字节数；0 不限。"),
	SIZE("limit.key.bytes_burst", key_bytes_burst, 65536, INT64_C(1) << 40, "64 MiB",
	     "Bytes that one key may send at once.", "一个密钥可一次性发送的字节数。"),
	INT("limit.party.events", party_events, 0, 1000000, "2000", "events a second",
	    "Events a second of all keys of one party; 0: no limit.", "一个单位全部密钥每秒的事件数；0 不限。"),
	INT("limit.party.events_burst", party_events_burst, 1, 10000000, "100000", "events",
	    "Events that one party may send at once.", "一个单位可一次性发送的事件数。"),
	SIZE("limit.party.bytes", party_bytes, 0, 1 << 30, "8 MiB",
	     "Bytes a second of all keys of one party; 0 B: no limit.", "一个单位每秒的字节数；0 不限。"),
	SIZE("limit.party.bytes_burst", party_bytes_burst, 65536, INT64_C(1) << 40, "256 MiB",
	     "Bytes that one party may send at once.", "一个单位可一次性发送的字节数。"),
	INT("connections.max", connections_max, 1, 1000000, "20000", "connections",
	    "Connections at most; more are refused.", "连接数上限。"),
	INT("connections.handshakes", handshakes_max, 1, 100000, "256", "connections",
	    "TLS handshakes in progress at most; more wait.", "同时进行的 TLS 握手上限。"),
	INT("connections.per_address", per_address_max, 0, 1000000, "0", "connections",
	    "Connections of one address at most; 0: no limit.", "一个地址的连接数上限；0 不限。"),
	TIME("connections.hello_within", hello_within, DURATION_SECOND, DURATION_HOUR, "15 s",
	     "For the TLS handshake, and from there to a valid hello, at most.",
	     "TLS 握手的时限，以及此后至有效 Hello 的时限。"),
	TIME("connections.frame_within", frame_within, DURATION_SECOND, DURATION_HOUR, "30 s",
	     "From a frame's first byte to its last, at most.", "一帧自首字节至末字节的时限。"),
	TIME("connections.idle_after", idle_after, DURATION_SECOND, 30 * DURATION_DAY, "1 h",
	     "A connection without a frame is closed after this.", "无消息的连接在此之后关闭。"),
	TIME("connections.write_within", write_within, DURATION_SECOND, DURATION_HOUR, "30 s",
	     "Time for queued answers to leave; a slower reader is closed.", "应答发出的时限；更慢者关闭。"),
	TIME("drain.within", drain_within, DURATION_SECOND, DURATION_HOUR, "20 s",
	     "Time for what is under way to finish after SIGTERM.", "收到 SIGTERM 后完成在途请求的时限。"),
	{.key = "log.level", .type = SETTING_CHOICE, AT(log_level), .initial = "info", .choices = log_levels,
	 .help_en = "Log lines below this level are dropped.", .help_zh = "低于此级别的日志不输出。"},
};
/* clang-format on */
const size_t conf_rows_n = ARRAY_LEN(conf_rows);

static bool assign(struct conf *conf, struct span key, struct span value, char ret_error[CONF_ERROR_SIZE])
{
	const struct setting_row *row = setting_find(conf_rows, conf_rows_n, key);
	char error[SETTING_ERROR_SIZE];

	if (row == NULL) {
		(void)snprintf(ret_error, CONF_ERROR_SIZE,
			       "there is no setting %.*s; `manifestd settings` lists them", SPAN_ARG(key));
		return false;
	}
	if (setting_parse(row, conf, value, error))
		return true;
	(void)snprintf(ret_error, CONF_ERROR_SIZE, "%s", error);
	return false;
}

bool conf_default(struct conf *ret_conf, char ret_error[CONF_ERROR_SIZE])
{
	memset(ret_conf, 0, sizeof(*ret_conf));
	if (settings_default(conf_rows, conf_rows_n, ret_conf))
		return true;
	(void)snprintf(ret_error, CONF_ERROR_SIZE, "a default of the table of settings is out of its range");
	return false;
}

/* listen.port -> MANIFESTD_LISTEN_PORT */
static void environment_name(const char *key, char *ret_name, size_t size)
{
	int n = snprintf(ret_name, size, "MANIFESTD_%s", key);

	for (int i = 10; i < n; i++)
		if (ret_name[i] == '.')
			ret_name[i] = '_';
		else if (ret_name[i] >= 'a' && ret_name[i] <= 'z')
			ret_name[i] -= 'a' - 'A';
}

bool conf_environment(struct conf *conf, char ret_error[CONF_ERROR_SIZE])
{
	for (size_t i = 0; i < conf_rows_n; i++) {
		char name[128];
		environment_name(conf_rows[i].key, name, sizeof(name));
		const char *value = getenv(name);
		if (value != NULL && !assign(conf, span_str(conf_rows[i].key), span_str(value), ret_error))
			return false;
	}
	return true;
}

bool conf_assign(struct conf *conf, const char *assignment, char ret_error[CONF_ERROR_SIZE])
{
	const char *equals = strchr(assignment, '=');

	if (equals == NULL) {
		(void)snprintf(ret_error, CONF_ERROR_SIZE, "'%s' is not of the form key=value", assignment);
		return false;
	}
	return assign(conf, span_of(assignment, (size_t)(equals - assignment)), span_str(equals + 1),
		      ret_error);
}

bool conf_find_schema(struct conf *conf, char ret_error[CONF_ERROR_SIZE])
{
	char path[PATH_MAX];

	if (conf->schema[0] != '\0')
		return true;
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	path[n < 0 ? 0 : n] = '\0';
	for (int up = 0; up < 2; up++) { /* PREFIX/sbin/manifestd */
		char *slash = strrchr(path, '/');
		if (slash != NULL)
			*slash = '\0';
	}
	int length = snprintf(conf->schema, sizeof(conf->schema), "%s/share/manifest/schema", path);
	if (n > 0 && (size_t)length < sizeof(conf->schema))
		return true;
	(void)snprintf(ret_error, CONF_ERROR_SIZE,
		       "schema: cannot be found from this program's place: set it");
	return false;
}

struct ini_state {
	struct conf *conf;
	char *error;
	bool failed;
};

static int ini_row(void *self, const char *section, const char *name, const char *value)
{
	struct ini_state *state = self;
	char key[256];

	(void)snprintf(key, sizeof(key), "%s%s%s", section, section[0] == '\0' ? "" : ".", name);
	if (assign(state->conf, span_str(key), span_str(value), state->error))
		return 1;
	state->failed = true;
	return 0;
}

static bool ini_result(const struct ini_state *state, int line, const char *path,
		       char ret_error[CONF_ERROR_SIZE])
{
	char error[CONF_ERROR_SIZE];

	if (line == 0)
		return true;
	if (line < 0)
		(void)snprintf(ret_error, CONF_ERROR_SIZE, "%s: %s", path,
			       line == -1 ? strerror(errno) : "no memory");
	else {
		(void)snprintf(error, sizeof(error), "%s",
			       state->failed ? ret_error : "not a 'key = value' line");
		(void)snprintf(ret_error, CONF_ERROR_SIZE, "%.100s, line %d: %.300s", path, line, error);
	}
	return false;
}

bool conf_file(struct conf *conf, const char *path, char ret_error[CONF_ERROR_SIZE])
{
	struct ini_state state = {.conf = conf, .error = ret_error};

	return ini_result(&state, ini_parse(path, ini_row, &state), path, ret_error);
}

bool conf_text(struct conf *conf, const char *text, char ret_error[CONF_ERROR_SIZE])
{
	struct ini_state state = {.conf = conf, .error = ret_error};

	return ini_result(&state, ini_parse_string(text, ini_row, &state), "configuration", ret_error);
}

/* systemd lets the service read a credential by an access list, whose mask shows as the group's bits. */
static mode_t others_bits(const char *path)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	size_t n = credentials == NULL ? 0 : strlen(credentials);

	return n > 0 && strncmp(path, credentials, n) == 0 && path[n] == '/' ? 007 : 077;
}

char *conf_secret_file(const char *path, char ret_error[CONF_ERROR_SIZE])
{
	enum { SECRET_MAX = 4096 };
	struct stat st;
	char *text = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0 || fstat(fd, &st) != 0) {
		(void)snprintf(ret_error, CONF_ERROR_SIZE, "%s: %s", path, strerror(errno));
		goto out;
	}
	if (!S_ISREG(st.st_mode) || st.st_size == 0 || st.st_size > SECRET_MAX) {
		(void)snprintf(ret_error, CONF_ERROR_SIZE, "%s: not the file of a key", path);
		goto out;
	}
	if ((st.st_mode & others_bits(path)) != 0) {
		(void)snprintf(ret_error, CONF_ERROR_SIZE,
			       "%s: others can read this secret; run: chmod 600 %s", path, path);
		goto out;
	}
	text = calloc(1, SECRET_MAX + 1);
	if (text == NULL || read(fd, text, SECRET_MAX) != st.st_size) {
		(void)snprintf(ret_error, CONF_ERROR_SIZE, "%s: cannot be read", path);
		free(text);
		text = NULL;
	}
out:
	if (fd >= 0)
		(void)close(fd);
	return text;
}

void conf_print_example(struct buffer *to)
{
	buffer_put_str(
	    to,
	    "# manifestd.conf: every setting with its default. Lines are key = value; # begins a comment.\n"
	    "# The environment (MANIFESTD_LISTEN_PORT=...) and --set key=value win over this file.\n");
	for (size_t i = 0; i < conf_rows_n; i++) {
		const struct setting_row *row = &conf_rows[i];
		buffer_printf(to, "\n# %s\n# %s\n# (", row->help_en, row->help_zh);
		buffer_printf(to, "%s: ", setting_type_name(row->type));
		setting_format_range(row, to);
		buffer_printf(to, ")\n#%s = %s\n", row->key, row->initial);
	}
}

void conf_print_man(struct buffer *to)
{
	for (size_t i = 0; i < conf_rows_n; i++) {
		const struct setting_row *row = &conf_rows[i];
		char name[128];
		environment_name(row->key, name, sizeof(name));
		buffer_printf(to, ".TP\n.B %s\n%s\n.br\n", row->key, row->help_en);
		buffer_printf(to, "%s, ", setting_type_name(row->type));
		setting_format_range(row, to);
		buffer_printf(to, "; default: %s; environment: %s\n",
			      row->initial[0] == '\0' ? "empty" : row->initial, name);
	}
}
