/*
 * manifestd: the command line, and what all commands share.
 */
#include "main.h"

#include <argp.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "core/policy.h"
#include "core/settings.h"
#include "crypto/key_text.h"
#include "crypto/token.h"
#include "net/loop.h"
#include "store/store.h"
#include "web/routes.h"

#ifndef VERSION
#define VERSION "0.1.0"
#endif
const char *argp_program_version = "manifestd " VERSION;
error_t argp_err_exit_status = EXIT_USAGE;

enum { ASSIGNMENTS_MAX = 128, OPERANDS_MAX = 2 };

static struct arguments {
	struct invocation invocation;
	char *assignments[ASSIGNMENTS_MAX];
	const char *laws[ASSIGNMENTS_MAX];
	struct init_options init;
	const char *command;
	const char *operands[OPERANDS_MAX];
	size_t operands_n;
	bool man;
} arguments;

enum {
	OPTION_CITY = 256,
	OPTION_AUTHORITY,
	OPTION_AUTHORITY_NAME,
	OPTION_REGISTRAR,
	OPTION_RECOVERY,
	OPTION_CONTINUES,
	OPTION_OLD_LOG,
	OPTION_GENESIS,
	OPTION_LAW,
	OPTION_MAN
};

static const struct argp_option options[] = {
    {"config", 'c', "FILE", 0, "Read settings from FILE", 0},
    {"set", 's', "KEY=VALUE", 0, "Set one setting; wins over the file and the environment", 0},
    {NULL, 0, NULL, 0, "For init:", 1},
    {"city", OPTION_CITY, "CODE", 0, "Division code of the city, six digits (210100 is Shenyang)", 1},
    {"authority", OPTION_AUTHORITY, "CREDIT-CODE-SITE", 0, "Credit code of the authority, a hyphen, 1", 1},
    {"authority-name", OPTION_AUTHORITY_NAME, "NAME", 0, "Name of the authority", 1},
    {"registrar", OPTION_REGISTRAR, "FILE", 0, "Public key of the first registrar", 1},
    {"recovery", OPTION_RECOVERY, "FILE", 0,
     "Public key that may replace all registrars; keep its secret offline", 1},
    {"continues", OPTION_CONTINUES, "FILE", 0,
     "The last checkpoint of a lost log that this one goes on for; see `manifest log continue-as`", 1},
    {"old-log", OPTION_OLD_LOG, "FILE", 0, "That log's key (vkey)", 1},
    {"genesis", OPTION_GENESIS, "FILE", 0,
     "Write how the log began, for everybody who is to follow it (`manifest key follow`)", 1},
    {"law", OPTION_LAW, "KEY=VALUE", 0, "A setting that judging reads, put into the new log", 1},
    {NULL, 0, NULL, 0, "For settings:", 2},
    {"man", OPTION_MAN, NULL, 0, "Print the settings as the body of a manual page", 2},
    {0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;

	switch (key) {
	case 'c': a->invocation.config = arg; return 0;
	case 's':
		if (a->invocation.assignments_n == ASSIGNMENTS_MAX)
			argp_error(state, "too many --set");
		a->assignments[a->invocation.assignments_n++] = arg;
		return 0;
	case OPTION_CITY: a->init.city = arg; return 0;
	case OPTION_AUTHORITY: a->init.authority = arg; return 0;
	case OPTION_AUTHORITY_NAME: a->init.authority_name = arg; return 0;
	case OPTION_REGISTRAR: a->init.registrar_key = arg; return 0;
	case OPTION_RECOVERY: a->init.recovery_key = arg; return 0;
	case OPTION_CONTINUES: a->init.continues = arg; return 0;
	case OPTION_OLD_LOG: a->init.old_log = arg; return 0;
	case OPTION_GENESIS: a->init.genesis = arg; return 0;
	case OPTION_LAW:
		if (a->init.settings_n == ASSIGNMENTS_MAX)
			argp_error(state, "too many --law");
		a->laws[a->init.settings_n++] = arg;
		return 0;
	case OPTION_MAN: a->man = true; return 0;
	case ARGP_KEY_ARG:
		if (a->command == NULL)
			a->command = arg;
		else if (strcmp(a->command, "person") != 0 || a->operands_n == OPERANDS_MAX)
			argp_error(state, "one command only");
		else
			a->operands[a->operands_n++] = arg;
		return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp parser = {
    .options = options,
    .parser = parse_option,
    .args_doc = "COMMAND [person: ACTION ID]",
    .doc = "The log of hazardous waste transfers.\v"
	   "Commands:\n"
	   "  init      make the keys, the database's tables and a new log\n"
	   "  migrate   bring the database up to this program; load reference data\n"
	   "  person    add ID, show ID or erase ID: what a pseudonymous id stands for,\n"
	   "            outside the log; add reads the salt and the value, a line each\n"
	   "  run       serve (the default)\n"
	   "  settings  print a commented configuration, or with --man its manual\n"
	   "  check     read the configuration and the keys, and say what is wrong\n"
	   "  stages    print the path of a request\n"
	   "  routes    print what can be asked for over HTTP\n\n"
	   "Exit status: 0 done, 1 refused, 2 usage, 3 the database or a file is not available.",
};

bool conf_read(const struct invocation *from, struct conf *ret_conf, char ret_error[CONF_ERROR_SIZE])
{
	struct conf conf;

	if (!conf_default(&conf, ret_error))
		return false;
	if (from->config != NULL && !conf_file(&conf, from->config, ret_error))
		return false;
	if (!conf_environment(&conf, ret_error))
		return false;
	for (size_t i = 0; i < from->assignments_n; i++)
		if (!conf_assign(&conf, from->assignments[i], ret_error))
			return false;
	*ret_conf = conf;
	return true;
}

static bool read_key(const char *path, struct secret_key *ret_key)
{
	char error[CONF_ERROR_SIZE];
	char *text = conf_secret_file(path, error);

	if (text == NULL) {
		(void)fprintf(stderr, "manifestd: %s\n", error);
		return false;
	}
	bool good = secret_key_parse(span_str(text), ret_key);
	sodium_memzero(text, strlen(text));
	free(text);
	if (!good)
		(void)fprintf(stderr, "manifestd: %s: not a secret key; `manifestd init` makes one\n", path);
	return good;
}

struct path_tuning path_tuning_of(const struct conf *conf)
{
	return (struct path_tuning){
	    .request_timeout = conf->request_timeout,
	    .sweep_interval = conf->sweep_interval,
	    .token_life = conf->token_life,
	    .key_events = {conf->key_events, conf->key_events_burst},
	    .key_bytes = {conf->key_bytes, conf->key_bytes_burst},
	    .party_events = {conf->party_events, conf->party_events_burst},
	    .party_bytes = {conf->party_bytes, conf->party_bytes_burst},
	};
}

bool path_config_read(const struct conf *conf, struct path_config *ret_config)
{
	struct path_config c = {
	    .origin = conf->origin,
	    .writer_address = conf->advertise,
	    .batch_max = (size_t)conf->batch_max,
	    .requests_max = (size_t)conf->requests_max,
	    .tuning = path_tuning_of(conf),
	};

	if (!read_key(conf->log_key, &c.log_key) || !read_key(conf->server_key, &c.server_key))
		return false;
	token_key_derive(span_of(c.server_key.b, sizeof(c.server_key.b)), c.token_key);
	*ret_config = c;
	return true;
}

static bool read_policy(const char *path, struct buffer *to, char ret_error[CONF_ERROR_SIZE])
{
	FILE *f = fopen(path, "re");

	if (f == NULL) {
		(void)snprintf(ret_error, CONF_ERROR_SIZE, "witness.policy: %s: %s", path, strerror(errno));
		return false;
	}
	uint8_t *at = buffer_reserve(to, POLICY_SIZE_MAX + 1);
	size_t n = at == NULL ? 0 : fread(at, 1, POLICY_SIZE_MAX + 1, f);
	bool good = at != NULL && ferror(f) == 0;
	(void)fclose(f);
	to->n += n;
	if (good && n > 0)
		return true;
	(void)snprintf(ret_error, CONF_ERROR_SIZE, "witness.policy: %s: %s", path,
		       good ? "the file is empty" : "cannot be read");
	return false;
}

bool witnesses_read(const struct conf *conf, struct buffer *policy, struct path_witnesses *ret_witnesses,
		    char ret_error[CONF_ERROR_SIZE])
{
	struct path_witnesses w = {
	    .wait = conf->witness_wait, .timeout = conf->witness_timeout, .required = conf->witness_required};
	char error[PATH_ERROR_SIZE];

	if (w.required && conf->witness_policy[0] == '\0') {
		(void)snprintf(
		    ret_error, CONF_ERROR_SIZE,
		    "witness.required: no witness is named: set witness.policy, or witness.required "
		    "to no");
		return false;
	}
	if (conf->witness_policy[0] != '\0') {
		if (!read_policy(conf->witness_policy, policy, ret_error))
			return false;
		w.policy = buffer_span(policy);
		if (!path_witnesses_check(&w, error)) {
			(void)snprintf(ret_error, CONF_ERROR_SIZE, "witness.policy: %.200s: %.255s",
				       conf->witness_policy, error);
			return false;
		}
	}
	*ret_witnesses = w;
	return true;
}

micros port_now(void *self)
{
	(void)self;
	return loop_clock();
}

void port_random(void *self, void *bytes, size_t n)
{
	(void)self;
	randombytes_buf(bytes, n);
}

void port_notice(void *self, enum notice_level level, const char *what, const char *detail)
{
	static const enum log_level levels[] = {
	    [NOTICE_INFO] = LOG_INFO, [NOTICE_WARNING] = LOG_WARNING, [NOTICE_ERROR] = LOG_ERROR};

	log_line(self, levels[level], "server", LOG_TEXT("what", what), LOG_TEXT("detail", detail));
}

static void write_stderr(void *self, enum log_level level, struct span line)
{
	(void)self;
	(void)level;
	/* A log that cannot be written has nowhere to say so. */
	(void)!write(STDERR_FILENO, line.p, line.n);
}

struct log log_to_stderr(const struct conf *conf)
{
	return (struct log){.least = (enum log_level)conf->log_level, .write = write_stderr, .now = port_now};
}

static void report(void *self, const char *line)
{
	(void)self;
	(void)printf("%s\n", line);
}

int command_migrate(const struct conf *conf)
{
	char message[STORE_MESSAGE_SIZE];

	if (store_migrate(conf->database_owner, conf->schema, report, NULL, message) == STORE_OK)
		return EXIT_DONE;
	(void)fprintf(stderr, "manifestd: %s\n", message);
	return EXIT_UNAVAILABLE;
}

static int print_buffer(struct buffer *text)
{
	bool good = buffer_ok(text) && fwrite(text->p, 1, text->n, stdout) == text->n && fflush(stdout) == 0;

	buffer_free(text);
	return good ? EXIT_DONE : EXIT_UNAVAILABLE;
}

static int command_settings(bool man)
{
	struct buffer text = BUFFER_EMPTY;

	if (man)
		conf_print_man(&text);
	else
		conf_print_example(&text);
	return print_buffer(&text);
}

static int command_stages(void)
{
	struct buffer text = BUFFER_EMPTY;

	for (size_t i = 0; i < path_stages_n; i++) {
		const struct path_stage *s = &path_stages[i];
		buffer_printf(&text, "%-9s %-11s %-30s %s%s%s\n", s->name, s->runs_on, s->where, s->does,
			      s->may_end_as[0] == '\0' ? "" : " | ", s->may_end_as);
	}
	return print_buffer(&text);
}

static int command_routes(void)
{
	struct buffer text = BUFFER_EMPTY;

	routes_document(&text);
	return print_buffer(&text);
}

static int command_check(const struct conf *conf, bool from_file)
{
	struct path_config config;
	struct path_witnesses witnesses;
	struct buffer policy = BUFFER_EMPTY;
	char error[CONF_ERROR_SIZE];

	bool good = witnesses_read(conf, &policy, &witnesses, error);
	buffer_free(&policy);
	if (!good)
		(void)fprintf(stderr, "manifestd: %s\n", error);
	if (!good || !path_config_read(conf, &config)) {
		if (!from_file)
			(void)fprintf(stderr,
				      "manifestd: no configuration file was read: name it with --config FILE "
				      "(/etc/manifestd/manifestd.conf, where it is installed)\n");
		return EXIT_REFUSED;
	}
	secret_key_wipe(&config.log_key);
	secret_key_wipe(&config.server_key);
	(void)printf("the configuration and the keys are in order\n");
	return EXIT_DONE;
}

int main(int argc, char **argv)
{
	struct conf conf;
	char error[CONF_ERROR_SIZE];

	memory_keep_freed();
	arguments.invocation.assignments = arguments.assignments;
	arguments.init.settings = arguments.laws;
	if (argp_parse(&parser, argc, argv, 0, NULL, &arguments) != 0)
		return EXIT_USAGE;
	const char *command = arguments.command == NULL ? "run" : arguments.command;
	if (!crypto_start()) {
		(void)fprintf(stderr, "manifestd: no source of randomness\n");
		return EXIT_UNAVAILABLE;
	}
	if (strcmp(command, "settings") == 0)
		return command_settings(arguments.man);
	if (strcmp(command, "stages") == 0)
		return command_stages();
	if (strcmp(command, "routes") == 0)
		return command_routes();
	bool makes_tables = strcmp(command, "init") == 0 || strcmp(command, "migrate") == 0;
	if (!conf_read(&arguments.invocation, &conf, error) ||
	    (makes_tables && !conf_find_schema(&conf, error))) {
		(void)fprintf(stderr, "manifestd: %s\n", error);
		return EXIT_USAGE;
	}
	if (strcmp(command, "init") == 0)
		return command_init(&conf, &arguments.init);
	if (strcmp(command, "migrate") == 0)
		return command_migrate(&conf);
	if (strcmp(command, "person") == 0)
		return command_person(&conf, arguments.operands, arguments.operands_n);
	if (strcmp(command, "check") == 0)
		return command_check(&conf, arguments.invocation.config != NULL);
	if (strcmp(command, "run") == 0)
		return command_run(&arguments.invocation, &conf);
	(void)fprintf(stderr, "manifestd: there is no command %s; try --help\n", command);
	return EXIT_USAGE;
}
