/*
 * The commands of manifestd: main.c reads the command line, and each command has a file of its own.
 */
#ifndef MAIN_H
#define MAIN_H

#include "base/log.h"
#include "conf.h"
#include "path/path.h"

enum exit_status { EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2, EXIT_UNAVAILABLE = 3 };

/* Where the settings come from, so that SIGHUP can read them again. */
struct invocation {
	const char *config; /* NULL: no file */
	char *const *assignments;
	size_t assignments_n;
};

/* Defaults, file, environment, command line. False: ret_error says what is wrong. */
bool conf_read(const struct invocation *from, struct conf *ret_conf,
	       char ret_error[CONF_ERROR_SIZE]) MUST_CHECK;

/* The settings of the path that a reload may change. */
struct path_tuning path_tuning_of(const struct conf *conf);
/* What the path needs of the settings and of the secret key files. Says on stderr what is wrong. */
bool path_config_read(const struct conf *conf, struct path_config *ret_config) MUST_CHECK;

/* The settings about witnesses with the policy's text, which goes into `policy`; lane and port are the
 * caller's to set. False: ret_error says what is wrong. */
bool witnesses_read(const struct conf *conf, struct buffer *policy, struct path_witnesses *ret_witnesses,
		    char ret_error[CONF_ERROR_SIZE]) MUST_CHECK;

/* The clock, the randomness and the operator's log for the path. `self` is the struct log. */
micros port_now(void *self);
void port_random(void *self, void *bytes, size_t n);
void port_notice(void *self, enum notice_level level, const char *what, const char *detail);
/* A log whose lines go to stderr, with systemd's level prefixes when it reads them. */
struct log log_to_stderr(const struct conf *conf);

/* What `manifestd init` is told besides the settings; NULL where it was not given. */
struct init_options {
	const char *city;
	const char *authority;
	const char *authority_name;
	const char *registrar_key; /* files of public keys */
	const char *recovery_key;
	const char
	    *continues; /* file: the last checkpoint of the log before, and the file of that log's key */
	const char *old_log;
	const char *genesis;         /* where to write how the log began */
	const char *const *settings; /* "key=value" of judging settings */
	size_t settings_n;
};

int command_init(const struct conf *conf, const struct init_options *options);
int command_migrate(const struct conf *conf);
/* operands: add, show or erase, and the person's id. */
int command_person(const struct conf *conf, const char *const *operands, size_t operands_n);
int command_run(const struct invocation *invocation, const struct conf *conf);

#endif
