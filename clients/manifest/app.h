/*
 * What every subcommand of `manifest` shares: global options, the identity of the log and of the key, the
 * connection, the language, and how results and failures reach people and machines.
 */
#ifndef MANIFEST_APP_H
#define MANIFEST_APP_H

#include <jansson.h>

#include "libmanifest/libmanifest.h"

enum exit_status { EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2, EXIT_UNAVAILABLE = 3 };

struct app {
	const char *agent; /* program and version */
	/* From the command line, the environment (MANIFEST_SERVER, ...) or the configuration file. */
	char server[256];
	char trusted[4096];
	char log[4096];
	char key[4096];
	char state_dir[4096];
	enum role role;
	int timeout_ms;
	bool json;
	bool zh;
	bool colour;
	size_t columns; /* of the terminal; 0: no terminal, any width */

	struct arena *arena; /* until the program ends */
	json_t *result;      /* what --json prints at the end */
	struct mft_view *view;
	struct secret_key secret;
	struct public_key public;
	struct digest keyid;
	bool has_key;
	struct mft_state *state;
	struct mft_client *client;
};

/* The words in the person's language. */
#define T(app, en, zh_) ((app)->zh ? (zh_) : (en))

/* Defaults, then environment; the configuration file comes between. False: said why. */
bool app_begin(struct app *app, const char *agent, const char *config) MUST_CHECK;
void app_end(struct app *app);

/* Each reads or opens what it names, once; the later ones need the earlier. False: *ret_status, said why. */
bool app_log(struct app *app, int *ret_status) MUST_CHECK;
bool app_key(struct app *app, int *ret_status) MUST_CHECK;
bool app_state(struct app *app, int *ret_status) MUST_CHECK;
/* Says hello as `role`, or as --role, or as the state remembers. */
bool app_connect(struct app *app, enum role role, int *ret_status) MUST_CHECK;

/*
 * Before a number is given out without the server: where the key has no history here, but may have one
 * elsewhere (it was enrolled on another machine), the server is asked, if it can be. A number is never used
 * twice.
 */
void app_numbers(struct app *app);

/* A secret key file of mode 0600, or a public key in any file. */
bool app_read_secret(struct app *app, const char *path, struct secret_key *ret_key,
		     int *ret_status) MUST_CHECK;
bool app_read_public(struct app *app, const char *path, struct public_key *ret_key,
		     int *ret_status) MUST_CHECK;

/* Prints a failure in the language (or as JSON) and gives the exit status. */
int app_failed(struct app *app, const struct mft_failure *failure);
/* The same of a check that the log did not stand; detail: what it is about, or NULL. */
int app_failed_log(struct app *app, enum log_failure why, const char *detail);
int app_no_memory(struct app *app);
int app_client_failed(struct app *app);
int app_usage(struct app *app, const char *en, const char *zh, const char *detail);
/* Every problem of a refusal: path, rule, source, found, allowed, words. */
int app_refused(struct app *app, const struct refusal *refusal);
/* The same for problems found here. */
int app_problems(struct app *app, const struct problems *problems);

/* A line for a person; nothing with --json. */
void app_say(struct app *app, const char *format, ...) PRINTF_LIKE(2, 3);
/* On standard error, also with --json. */
void app_note(struct app *app, const char *format, ...) PRINTF_LIKE(2, 3);
/* Sets a member of the JSON result; takes the reference. */
void app_set(struct app *app, const char *name, json_t *value);

micros app_now(void);

#endif
