/* Owns how failures and refusals are told: everything that is wrong, for people or for machines. */
#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"
#include "core/words.h"
#include "manifest/app.h"
#include "manifest/print.h"

void app_say(struct app *app, const char *format, ...)
{
	va_list args;

	if (app->json)
		return;
	va_start(args, format);
	(void)vprintf(format, args);
	va_end(args);
	(void)putchar('\n');
}

void app_note(struct app *app, const char *format, ...)
{
	va_list args;

	(void)app;
	(void)fflush(stdout);
	va_start(args, format);
	(void)vfprintf(stderr, format, args);
	va_end(args);
	(void)fputc('\n', stderr);
}

void app_set(struct app *app, const char *name, json_t *value)
{
	/* Without memory for a member the report is shorter; the exit status still tells. */
	(void)json_object_set_new(app->result, name, value);
}

static int status_of(const struct mft_failure *failure)
{
	switch (failure->fault) {
	case MFT_FAULT_NONE: return EXIT_DONE;
	case MFT_FAULT_REFUSED:
	case MFT_FAULT_DISPROVED: return EXIT_REFUSED;
	case MFT_FAULT_PROTOCOL:
	case MFT_FAULT_UNAVAILABLE: return EXIT_UNAVAILABLE;
	case MFT_FAULT_LOCAL: break;
	}
	return strcmp(failure->id, "file") == 0 || strcmp(failure->id, "state.locked") == 0 ? EXIT_UNAVAILABLE
											    : EXIT_USAGE;
}

static const char *fault_name(enum mft_fault fault)
{
	static const char *const names[] = {"none",     "refused",     "disproved",
					    "protocol", "unavailable", "local"};

	return names[fault];
}

/* What a person can do about a failure of the library, in this program's words. */
static const struct {
	const char *id;
	const char *en;
	const char *zh;
} advices[] = {
    {"connect", "check --server HOST:PORT, and that manifestd runs there and can be reached",
     "请核对 --server 主机:端口，以及 manifestd 是否在该处运行、网络是否可达"},
    {"timeout",
     "check that --server HOST:PORT is manifestd's port for devices, not its HTTP port; --timeout waits "
     "longer",
     "请核对 --server 主机:端口 是 manifestd 的设备端口，而非 HTTP 端口；可用 --timeout 延长等待"},
    {"tls", "check that --server HOST:PORT is manifestd's port for devices, not its HTTP port",
     "请核对 --server 主机:端口 是 manifestd 的设备端口，而非 HTTP 端口"},
    {"tls.certificate",
     "check that --ca is the certificate of this server or of the CA that signed it, and "
     "that --server names it as the certificate does",
     "请核对 --ca 是该服务器或其 CA 的证书，且 --server 与证书中的名称一致"},
    {"tls.trusted", "check --ca FILE", "请核对 --ca 文件"},
    {"file", "check the path, its disk, and the rights on it", "请核对路径、所在磁盘及权限"},
    {"note.key_missing",
     "check --log FILE; a device keeps what it verified of one log in --state DIR, another log needs another "
     "folder",
     "请核对 --log 文件；设备在 --state 目录中保存对一个日志的验证结果，另一日志须用另一目录"},
    {"checkpoint.origin", "check --log FILE", "请核对 --log 文件"},
    {"hello.role", "use the commands of the key's own role, or name it with --role",
     "请使用该密钥所属角色的命令，或以 --role 指明角色"},
    {"hello.not_enrolled",
     "check --key; a new key is enrolled with: manifest key card, then manifest registrar enrol --card",
     "请核对 --key；新密钥的登记：manifest key card，再由登记员 manifest registrar enrol --card"},
};

static void advise(struct app *app, const struct mft_failure *failure)
{
	for (size_t i = 0; i < ARRAY_LEN(advices); i++)
		if (strcmp(advices[i].id, failure->id) == 0)
			app_note(app, "  %s", T(app, advices[i].en, advices[i].zh));
}

int app_failed(struct app *app, const struct mft_failure *failure)
{
	app_set(app, "failure",
		json_pack("{s:s,s:s,s:s,s:s}", "fault", fault_name(failure->fault), "id", failure->id, "en",
			  failure->en, "zh", failure->zh));
	app_note(app, "%smanifest: %s%s", paint(app, PAINT_BAD), T(app, failure->en, failure->zh),
		 paint(app, PAINT_END));
	advise(app, failure);
	return status_of(failure);
}

int app_failed_log(struct app *app, enum log_failure why, const char *detail)
{
	struct mft_failure failure;

	mft_fail_log(&failure, why, detail);
	return app_failed(app, &failure);
}

int app_no_memory(struct app *app)
{
	return app_usage(app, "out of memory", "内存不足", NULL);
}

int app_client_failed(struct app *app)
{
	const char *evidence = mft_client_evidence(app->client);
	int status = app_failed(app, mft_client_failure(app->client));

	if (evidence[0] != '\0') {
		app_set(app, "evidence", json_string(evidence));
		app_note(app, T(app, "kept as evidence: %s", "已保存为证据：%s"), evidence);
	}
	return status;
}

int app_usage(struct app *app, const char *en, const char *zh, const char *detail)
{
	struct mft_failure failure;

	mft_fail(&failure, MFT_FAULT_LOCAL, "usage", en, zh, detail);
	return app_failed(app, &failure);
}

static json_t *text(struct span s)
{
	json_t *value = json_stringn((const char *)s.p, s.n);

	return value != NULL ? value : json_string("");
}

static json_t *problem_json(const struct problem_view *p)
{
	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "path", text(p->path), "rule", text(p->rule),
			 "source", text(p->source), "source_zh", text(p->source_zh), "found", text(p->found),
			 "allowed", text(p->allowed), "zh", text(p->zh), "en", text(p->en));
}

static void print_problem(struct app *app, const struct problem_view *p)
{
	struct span words = T(app, p->en, p->zh);
	struct span source = T(app, p->source, p->source_zh);

	if (p->path.n > 0)
		app_note(app, "  %s%.*s%s", paint(app, PAINT_STRONG), SPAN_ARG(p->path),
			 paint(app, PAINT_END));
	app_note(app, "    %.*s", SPAN_ARG(words));
	if (p->found.n > 0)
		app_note(app, T(app, "    found:   %.*s", "    现为：%.*s"), SPAN_ARG(p->found));
	if (p->allowed.n > 0)
		app_note(app, T(app, "    allowed: %.*s", "    应为：%.*s"), SPAN_ARG(p->allowed));
	app_note(app, "    %s[%.*s%s%.*s]%s", paint(app, PAINT_FAINT), SPAN_ARG(p->rule),
		 source.n > 0 ? T(app, "; ", "；") : "", SPAN_ARG(source), paint(app, PAINT_END));
}

static void print_digest(struct app *app, const char *name, const char *words, const struct digest *d)
{
	char hex[DIGEST_HEX + 1];

	if (digest_is_zero(d))
		return;
	digest_hex(d, hex);
	app_set(app, name, json_string(hex));
	app_note(app, "  %s %s", words, hex);
}

int app_refused(struct app *app, const struct refusal *refusal)
{
	const struct word *kind = word_of(refusal_words, refusal->kind);
	json_t *list = json_array();

	app_note(app, "%s%s%s%s", paint(app, PAINT_BAD), T(app, "refused: ", "被拒绝："),
		 T(app, kind->en, kind->zh), paint(app, PAINT_END));
	for (size_t i = 0; i < refusal->problems_n; i++) {
		print_problem(app, &refusal->problems[i]);
		(void)json_array_append_new(list, problem_json(&refusal->problems[i]));
	}
	app_set(app, "refused", json_string(kind->name));
	app_set(app, "problems", list);
	print_digest(app, "standing", T(app, "the event that stands:", "已成立的事件："), &refusal->standing);
	print_digest(app, "needed", T(app, "the event that is missing:", "缺少的前序事件："),
		     &refusal->needed);
	if (refusal->retry_after > 0)
		app_note(app, T(app, "  try again after %.1f s", "  请在 %.1f 秒后重试"),
			 (double)refusal->retry_after / (double)MICROS_PER_SECOND);
	if (refusal->writer.n > 0)
		app_note(app, T(app, "  the writer is %.*s", "  写入服务器为 %.*s"),
			 SPAN_ARG(refusal->writer));
	switch (refusal->kind) {
	case REFUSAL_LATER:
	case REFUSAL_UNAVAILABLE:
	case REFUSAL_NOT_WRITER:
	case REFUSAL_FAULT: return EXIT_UNAVAILABLE;
	default: return EXIT_REFUSED;
	}
}

int app_problems(struct app *app, const struct problems *problems)
{
	struct refusal refusal = {.kind = REFUSAL_MALFORMED};

	if (!refusal_problems(problems, app->arena, &refusal))
		return app_no_memory(app);
	return app_refused(app, &refusal);
}
