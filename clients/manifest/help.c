/* `manifest help`, and the manual page: both printed from the table of commands. */
#include <stdio.h>

#include "manifest/command.h"
#include "manifest/print.h"

/* Up to the detail that argp prints after the options. */
static int first_part(const char *text)
{
	const char *end = strchr(text, '\v');

	return end == NULL ? (int)strlen(text) : (int)(end - text);
}

int main_help(struct app *app, const char *group)
{
	const char *last = NULL;
	bool any = false;

	for (size_t i = 0; i < commands_n; i++) {
		const struct command *c = &commands[i];
		const char *words = T(app, c->en, c->zh);
		if (group != NULL && strcmp(group, c->group == NULL ? c->name : c->group) != 0)
			continue;
		if (!any)
			app_say(app, "%s",
				T(app,
				  "manifest COMMAND [OPTION...]: the client of manifestd, the log of "
				  "hazardous waste "
				  "transfers.",
				  "manifest 命令 [选项...]：危险废物转移联单日志 manifestd 的客户端。"));
		if (c->group != NULL && (last == NULL || strcmp(last, c->group) != 0))
			app_say(app, "\n%s%s%s", paint(app, PAINT_STRONG), c->group, paint(app, PAINT_END));
		else if (c->group == NULL && last != NULL)
			app_say(app, "%s", "");
		last = c->group;
		app_say(app, "  %s%s%-14s %.*s", c->group == NULL ? "" : c->group,
			c->group == NULL ? "" : " ", c->name, first_part(words), words);
		any = true;
	}
	if (!any && group != NULL) {
		(void)main_help(app, NULL);
		return app_usage(app, "there is no such command", "没有此命令", group);
	}
	app_say(app, "\n%s",
		T(app,
		  "manifest COMMAND --help lists a command's options. Exit status: 0 done, 1 refused or does "
		  "not hold,\n"
		  "2 usage, 3 unavailable.",
		  "manifest 命令 --help 列出该命令的选项。退出状态：0 完成，1 被拒绝或验证不通过，2 "
		  "用法错误，3 暂不可用。"));
	return EXIT_DONE;
}

/* roff reads a leading dot or quote and every backslash and hyphen in its own way. */
static void put_roff(const char *text, int n)
{
	for (int i = 0; i < n; i++) {
		if (text[i] == '\\')
			(void)fputs("\\e", stdout);
		else if (text[i] == '-')
			(void)fputs("\\-", stdout);
		else if (i == 0 && (text[i] == '.' || text[i] == '\''))
			(void)printf("\\&%c", text[i]);
		else
			(void)putchar(text[i]);
	}
}

static void man_rows(const struct option_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		(void)fputs(".TP\n.B \\-\\-", stdout);
		put_roff(rows[i].name, (int)strlen(rows[i].name));
		if (rows[i].type != OPTION_SWITCH)
			(void)printf(" \\fI%s\\fR", rows[i].argument);
		(void)printf("%s\n", rows[i].must ? " (must be given)" : "");
		put_roff(rows[i].en, (int)strlen(rows[i].en));
		(void)putchar('\n');
	}
}

static void man_command(const struct command *c)
{
	int n = first_part(c->en);

	(void)fputs(".SS manifest ", stdout);
	if (c->group != NULL) {
		put_roff(c->group, (int)strlen(c->group));
		(void)putchar(' ');
	}
	put_roff(c->name, (int)strlen(c->name));
	(void)printf(" %s\n", c->arguments == NULL ? "" : c->arguments);
	put_roff(c->en, n);
	(void)fputs(".\n", stdout);
	if (c->en[n] == '\v') {
		put_roff(c->en + n + 1, (int)strlen(c->en + n + 1));
		(void)putchar('\n');
	}
	man_rows(c->options, c->options_n);
	if (c->custody || c->kind != 0)
		(void)printf(".P\nAlso the options of %sevents below.\n",
			     c->custody ? "custody steps and " : "");
}

/* The body of manifest(1) from its commands on: deploy/man/manifest.1 holds what stands before and after. */
int print_man(struct app *app)
{
	(void)app;
	(void)fputs(".SH COMMANDS\n", stdout);
	for (size_t i = 0; i < commands_n; i++)
		man_command(&commands[i]);
	(void)fputs(".SH OPTIONS OF EVENTS\n", stdout);
	man_rows(event_options, event_options_n);
	(void)fputs(".SH OPTIONS OF CUSTODY STEPS\n", stdout);
	man_rows(custody_options, custody_options_n);
	return EXIT_DONE;
}
