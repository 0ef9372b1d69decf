/*
 * The server's own settings: one table (conf.c) for the file, the environment and the command line, from
 * which the manual page is printed. Later ones win: default, file, environment, command line.
 */
#ifndef CONF_H
#define CONF_H

#include "base/setting.h"

struct conf {
	char listen_address[SETTING_TEXT_SIZE];
	int64_t listen_port;
	char advertise[SETTING_TEXT_SIZE];
	char http_address[SETTING_TEXT_SIZE];
	bool http_enabled;
	int64_t http_port;
	char certificate[SETTING_TEXT_SIZE];
	char certificate_key[SETTING_TEXT_SIZE];
	char origin[SETTING_TEXT_SIZE];
	char log_key[SETTING_TEXT_SIZE];
	char server_key[SETTING_TEXT_SIZE];
	char high_water[SETTING_TEXT_SIZE];
	char witness_policy[SETTING_TEXT_SIZE];
	int64_t witness_wait;
	bool witness_required;
	int64_t witness_timeout;
	char database[SETTING_TEXT_SIZE];
	char database_reader[SETTING_TEXT_SIZE];
	char database_owner[SETTING_TEXT_SIZE];
	char schema[SETTING_TEXT_SIZE];
	int64_t readers;
	int64_t verifiers;
	int64_t batch_max;
	int64_t requests_max;
	int64_t request_timeout;
	int64_t sweep_interval;
	int64_t token_life;
	int64_t key_events, key_events_burst;
	int64_t key_bytes, key_bytes_burst;
	int64_t party_events, party_events_burst;
	int64_t party_bytes, party_bytes_burst;
	int64_t connections_max;
	int64_t handshakes_max;
	int64_t per_address_max;
	int64_t hello_within;
	int64_t frame_within;
	int64_t idle_after;
	int64_t write_within;
	int64_t drain_within;
	int log_level;
};

extern const struct setting_row conf_rows[];
extern const size_t conf_rows_n;

enum { CONF_ERROR_SIZE = 512 };

/* Every default, then the environment (MANIFESTD_LISTEN_PORT for listen.port). */
bool conf_default(struct conf *ret_conf, char ret_error[CONF_ERROR_SIZE]) MUST_CHECK;
bool conf_environment(struct conf *conf, char ret_error[CONF_ERROR_SIZE]) MUST_CHECK;
/* "key = value" lines, '#' comments; "[listen]" makes "port" mean listen.port. Errors name the line. */
bool conf_file(struct conf *conf, const char *path, char ret_error[CONF_ERROR_SIZE]) MUST_CHECK;
/* The same from text, for tests and fuzzing. */
bool conf_text(struct conf *conf, const char *text, char ret_error[CONF_ERROR_SIZE]) MUST_CHECK;
/* "key=value". */
bool conf_assign(struct conf *conf, const char *assignment, char ret_error[CONF_ERROR_SIZE]) MUST_CHECK;

/* Where it was installed with this program, whatever the PREFIX, unless the setting says otherwise. */
bool conf_find_schema(struct conf *conf, char ret_error[CONF_ERROR_SIZE]) MUST_CHECK;

/* The whole file of a secret, which nobody but its owner may read. NULL: ret_error says why. Wipe and free()
 * it. */
char *conf_secret_file(const char *path, char ret_error[CONF_ERROR_SIZE]) MUST_CHECK;

/* A commented configuration with every setting at its default; the section of the manual page. */
void conf_print_example(struct buffer *to);
void conf_print_man(struct buffer *to);

#endif
