/*
 * Owns the command line of one command: its rows, those that its kind of command shares, and the global
 * options, put together for argp.
 */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "manifest/command.h"

enum { KEY_ROW = 0x1000, KEY_GLOBAL = 0x2000, ROWS_MAX = 48 };

error_t argp_err_exit_status = EXIT_USAGE;

/* ---- options that every command has ---- */

static const struct {
	const char *name;
	const char *argument;
	size_t at, size; /* in struct app; 0: see set_global() */
	const char *en, *zh;
} globals[] = {
    {"server", "HOST:PORT", offsetof(struct app, server), sizeof(((struct app *)0)->server), "The server",
     "服务器地址"},
    {"ca", "FILE", offsetof(struct app, trusted), sizeof(((struct app *)0)->trusted),
     "PEM certificate of the CA or of the server itself; always checked", "CA 或服务器证书（PEM），始终核验"},
    {"log", "FILE", offsetof(struct app, log), sizeof(((struct app *)0)->log),
     "The log's key, one line: what makes its proofs worth anything", "日志公钥文件（一行）"},
    {"key", "FILE", offsetof(struct app, key), sizeof(((struct app *)0)->key), "This device's secret key",
     "本设备私钥文件"},
    {"state", "DIR", offsetof(struct app, state_dir), sizeof(((struct app *)0)->state_dir),
     "Where running numbers and checkpoints are kept", "流水号与检查点的保存目录"},
    {"role", "ROLE", 0, 0,
     "The role the key was enrolled for, when the command does not say: generator, transporter, facility, "
     "registrar, "
     "inspector, auditor",
     "密钥登记的角色：generator、transporter、facility、registrar、inspector、auditor"},
    {"json", NULL, 0, 0, "Print one JSON object", "以 JSON 输出"},
    {"lang", "LANG", 0, 0, "zh or en; otherwise LANG decides", "zh 或 en；缺省取 LANG"},
    {"config", "FILE", 0, 0, "Read settings from FILE (~/.config/manifest/config)",
     "配置文件（~/.config/manifest/config）"},
    {"timeout", "SECONDS", 0, 0, "Wait so long for the server, 1 to 3600 (30)",
     "等待服务器的秒数，1 至 3600（30）"},
};

static bool set_global(struct app *app, size_t i, const char *text)
{
	const char *name = globals[i].name;

	if (globals[i].size > 0) {
		if (strlen(text) >= globals[i].size)
			return false;
		memcpy((char *)app + globals[i].at, text, strlen(text) + 1);
	} else if (strcmp(name, "role") == 0) {
		const struct word *role = word_named(role_words, span_str(text));
		app->role = role == NULL ? ROLE_NONE : (enum role)role->value;
		return role != NULL;
	} else if (strcmp(name, "json") == 0) {
		app->json = true;
	} else if (strcmp(name, "lang") == 0) {
		app->zh = strncmp(text, "zh", 2) == 0;
	} else if (strcmp(name, "timeout") == 0) {
		uint64_t seconds;
		if (!decimal_parse(span_str(text), &seconds) || seconds == 0 || seconds > 3600)
			return false;
		app->timeout_ms = (int)seconds * 1000;
	}
	return true; /* config was read before */
}

/* ---- putting it together ---- */

struct parsing {
	struct app *app;
	const struct command *command;
	struct order *order;
	const struct option_row *rows[ROWS_MAX];
	bool given[ROWS_MAX];
	size_t rows_n;
	struct argp_option options[ROWS_MAX + ARRAY_LEN(globals) + 3];
};

static void add_rows(struct parsing *p, const struct option_row *rows, size_t n)
{
	for (size_t i = 0; i < n && p->rows_n < ROWS_MAX; i++)
		p->rows[p->rows_n++] = &rows[i];
}

static void build(struct parsing *p)
{
	struct argp_option *o = p->options;

	add_rows(p, p->command->options, p->command->options_n);
	if (p->command->custody)
		add_rows(p, custody_options, custody_options_n);
	if (p->command->kind != 0)
		add_rows(p, event_options, event_options_n);
	for (size_t i = 0; i < p->rows_n; i++)
		*o++ = (struct argp_option){.name = p->rows[i]->name,
					    .key = KEY_ROW + (int)i,
					    .arg = p->rows[i]->type == OPTION_SWITCH ? NULL
										     : p->rows[i]->argument,
					    .doc = T(p->app, p->rows[i]->en, p->rows[i]->zh),
					    .group = 1};
	*o++ = (struct argp_option){.doc = T(p->app, "Of every command:", "各命令通用："), .group = 2};
	for (size_t i = 0; i < ARRAY_LEN(globals); i++)
		*o++ = (struct argp_option){.name = globals[i].name,
					    .key = KEY_GLOBAL + (int)i,
					    .arg = globals[i].argument,
					    .doc = T(p->app, globals[i].en, globals[i].zh),
					    .group = 2};
	*o = (struct argp_option){0};
}

static void check_given(struct argp_state *state, const struct parsing *p)
{
	char missing[600] = "";
	size_t n = 0;

	for (size_t i = 0; i < p->rows_n && n < sizeof(missing); i++)
		if (p->rows[i]->must && !p->given[i])
			n += (size_t)snprintf(missing + n, sizeof(missing) - n, " --%s %s", p->rows[i]->name,
					      p->rows[i]->argument);
	if (n > 0)
		argp_error(state, T(p->app, "must be given:%s", "须给出：%s"), missing);
}

static void set_row(struct argp_state *state, const struct parsing *p, const struct option_row *row,
		    const char *text)
{
	struct mft_failure failure;

	if (!option_set(p->app, row, text, p->order, &failure))
		argp_error(state, "%s", T(p->app, failure.en, failure.zh));
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct parsing *p = state->input;

	if (key >= KEY_GLOBAL && key < KEY_GLOBAL + (int)ARRAY_LEN(globals)) {
		if (!set_global(p->app, (size_t)(key - KEY_GLOBAL), arg))
			argp_error(state, T(p->app, "--%s %s: %s", "--%s %s：%s"),
				   globals[key - KEY_GLOBAL].name, arg,
				   T(p->app, globals[key - KEY_GLOBAL].en, globals[key - KEY_GLOBAL].zh));
		return 0;
	}
	if (key >= KEY_ROW && key < KEY_ROW + (int)p->rows_n) {
		p->given[key - KEY_ROW] = true;
		set_row(state, p, p->rows[key - KEY_ROW], arg);
		return 0;
	}
	switch (key) {
	case ARGP_KEY_INIT:
		for (size_t i = 0; i < p->rows_n; i++)
			if (p->rows[i]->initial != NULL)
				set_row(state, p, p->rows[i], p->rows[i]->initial);
		return 0;
	case ARGP_KEY_ARG:
		if (p->command->arguments == NULL || p->order->files_n == ORDER_FILES_MAX)
			argp_error(state, T(p->app, "'%s' is one argument too many", "多余的参数 '%s'"), arg);
		p->order->files[p->order->files_n++] = arg;
		return 0;
	case ARGP_KEY_END:
		check_given(state, p);
		/* An optional argument is written in brackets. */
		if (p->command->arguments != NULL && p->command->arguments[0] != '[' &&
		    p->order->files_n == 0)
			argp_error(state, T(p->app, "%s is missing", "缺少 %s"), p->command->arguments);
		return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

void command_parse(struct app *app, const struct command *command, int argc, char **argv, struct order *order)
{
	struct parsing p = {.app = app, .command = command, .order = order};
	char name[128];

	build(&p);
	(void)snprintf(name, sizeof(name), "manifest %s%s%s", command->group == NULL ? "" : command->group,
		       command->group == NULL ? "" : " ", command->name);
	/* argp forgets the line feed below the options after Chinese text without a place to break in. */
	const char *text = T(app, command->en, command->zh);
	char *doc;
	if (asprintf(&doc, "%s%s", text, strchr(text, '\v') == NULL ? "" : "\n") < 0)
		doc = NULL;
	const struct argp argp = {
	    .options = p.options, .parser = parse, .args_doc = command->arguments, .doc = doc};
	argv[0] = name;
	/* Errors exit with EXIT_USAGE. */
	(void)argp_parse(&argp, argc, argv, 0, NULL, &p);
	free(doc);
}
