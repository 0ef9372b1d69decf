/* manifest: finds the command, reads its command line, runs it, prints its result. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>

#include "manifest/command.h"

#ifndef VERSION
#define VERSION "0.1.0"
#endif
const char *argp_program_version = "manifest " VERSION;

/* The value of a global option that must be known before the rest is read; NULL: not given. */
static const char *early(int argc, char **argv, const char *option)
{
	size_t n = strlen(option);

	for (int i = 1; i < argc && argv[i] != NULL; i++) {
		if (strncmp(argv[i], option, n) != 0)
			continue;
		if (argv[i][n] == '=')
			return argv[i] + n + 1;
		if (argv[i][n] == '\0')
			return i + 1 < argc ? argv[i + 1] : "";
	}
	return NULL;
}

static const struct command *command_of(int argc, char **argv, int *ret_words)
{
	for (size_t i = 0; i < commands_n; i++) {
		const struct command *c = &commands[i];
		*ret_words = c->group == NULL ? 1 : 2;
		if (argc <= *ret_words)
			continue;
		if (c->group == NULL ? strcmp(argv[1], c->name) == 0
				     : strcmp(argv[1], c->group) == 0 && strcmp(argv[2], c->name) == 0)
			return c;
	}
	return NULL;
}

static int run(struct app *app, int argc, char **argv)
{
	int words = 0;
	const struct command *c = command_of(argc, argv, &words);
	struct order *order = arena_alloc(app->arena, sizeof(*order));

	if (argc >= 2 && strcmp(argv[1], "help") == 0)
		return argc >= 3 && strcmp(argv[2], "--man") == 0
			   ? print_man(app)
			   : main_help(app, argc >= 3 && argv[2][0] != '-' ? argv[2] : NULL);
	if (argc >= 2 && strcmp(argv[1], "--version") == 0) {
		app_say(app, "%s", argp_program_version);
		return EXIT_DONE;
	}
	if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-?") == 0))
		return main_help(app, NULL);
	if (argc >= 3 && (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-?") == 0) && c == NULL)
		return main_help(app, argv[1]);
	if (argc >= 2 && argv[1][0] == '-')
		return app_usage(app, "the command comes first: manifest COMMAND [OPTION...]",
				 "命令在前，选项在后：manifest 命令 [选项...]", argv[1]);
	if (c == NULL || order == NULL) {
		bool group = main_help(app, argc >= 2 ? argv[1] : NULL) == EXIT_DONE;
		if (!group || argc < 3)
			return EXIT_USAGE;
		if (argv[2][0] == '-')
			return app_usage(app,
					 "a command follows its group: manifest GROUP COMMAND [OPTION...]",
					 "组名之后须有命令：manifest 组 命令 [选项...]", NULL);
		return app_usage(app, "there is no such command", "没有此命令", argv[2]);
	}
	command_parse(app, c, argc - words, argv + words, order);
	int status = c->run(app, c, order);
	return status == EXIT_DONE && c->kind != 0 ? act(app, c, order) : status;
}

int main(int argc, char **argv)
{
	static struct app app;
	int status = EXIT_USAGE;

	if (app_begin(&app, argp_program_version, early(argc, argv, "--config"))) {
		/* How failures of the command line itself are told. */
		const char *lang = early(argc, argv, "--lang");
		app.zh = lang == NULL ? app.zh : strncmp(lang, "zh", 2) == 0;
		app.json = early(argc, argv, "--json") != NULL;
		status = run(&app, argc, argv);
		if (app.json) {
			app_set(&app, "status", json_integer(status));
			(void)json_dumpf(app.result, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
			(void)putchar('\n');
		}
	}
	app_end(&app);
	if (fflush(stdout) != 0)
		return EXIT_UNAVAILABLE;
	return status;
}
