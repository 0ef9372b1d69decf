/*
 * manifestd init: the server's keys, the tables, and entry 0 of a new log with the reference data that it
 * begins with. It goes through the same path as everything else, without a network.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/credit_code.h"
#include "core/genesis_file.h"
#include "core/note.h"
#include "core/settings.h"
#include "crypto/key_text.h"
#include "main.h"
#include "net/lanes.h"
#include "store/store.h"
#include "wire/envelope.h"
#include "wire/messages.h"

enum { RULES_VERSION = 1, EVENTS_MAX = 160, FILE_SIZE_MAX = 16 * 1024 * 1024 };

static const micros patience = 30 * MICROS_PER_SECOND;

struct init {
	struct loop *loop;
	struct loop_timer *tick;
	struct lane *writer;
	struct lane *verify;
	struct path *path;
	struct path_config config;
	struct arena *arena;
	struct event events[EVENTS_MAX];
	size_t events_n;
	size_t sent;
	struct note_key vkey;
	struct buffer genesis; /* text of the genesis file */
	bool waiting;
	micros give_up_at; /* monotonic */
	int status;
};

static int complain(const char *what)
{
	(void)fprintf(stderr, "manifestd: %s\n", what);
	return EXIT_USAGE;
}

static bool write_new(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	size_t n = strlen(text);

	if (fd < 0)
		return errno == EEXIST;
	bool good = write(fd, text, n) == (ssize_t)n && fsync(fd) == 0;
	return close(fd) == 0 && good;
}

/* Makes a secret key unless there is one already, so that a failed init can be repeated. */
static bool ensure_key(const char *path)
{
	struct secret_key secret;
	struct public_key public;
	char text[KEY_TEXT_SIZE];

	key_generate(&secret, &public);
	secret_key_text(&secret, text);
	bool good = write_new(path, text, 0600);
	if (!good)
		(void)fprintf(stderr, "manifestd: %s: %s\n", path, strerror(errno));
	secret_key_wipe(&secret);
	explicit_bzero(text, sizeof(text));
	return good;
}

static struct span read_file(struct arena *arena, const char *path)
{
	struct span content = {0};
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
	    st.st_size <= FILE_SIZE_MAX) {
		uint8_t *bytes = arena_alloc(arena, (size_t)st.st_size);
		if (bytes != NULL && read(fd, bytes, (size_t)st.st_size) == st.st_size)
			content = span_of(bytes, (size_t)st.st_size);
	}
	if (content.p == NULL)
		(void)fprintf(stderr, "manifestd: %s: cannot be read\n", path);
	if (fd >= 0)
		(void)close(fd);
	return content;
}

static bool read_public(struct arena *arena, const char *path, struct public_key *ret_key)
{
	struct span text = read_file(arena, path);

	if (text.p == NULL)
		return false;
	if (public_key_parse(text, ret_key))
		return true;
	(void)fprintf(stderr, "manifestd: %s: not a public key; `manifest key show FILE` prints one\n", path);
	return false;
}

static struct event *next_event(struct init *in, enum event_kind kind)
{
	struct event *e = in->events_n < EVENTS_MAX ? &in->events[in->events_n] : NULL;

	if (e != NULL)
		*e = (struct event){.kind = kind};
	in->events_n += e != NULL;
	return e;
}

static bool own_key(struct init *in)
{
	const struct public_key log = key_public(&in->config.log_key);

	return note_key_make(span_str(in->config.origin), NOTE_ED25519, &log, &in->vkey) ||
	       complain("log.origin is no name for a log: no spaces, no plus sign") == EXIT_DONE;
}

/* The new log is another one, and what it goes on for was signed by the old one. */
static bool read_continues(struct init *in, const struct init_options *o, struct span *ret_note)
{
	struct note_key key;
	struct checkpoint old;

	if (o->continues == NULL)
		return true;
	if (o->old_log == NULL) {
		(void)complain("--continues needs --old-log, the file with the old log's key");
		return false;
	}
	struct span note = read_file(in->arena, o->continues);
	struct span vkey = read_file(in->arena, o->old_log);
	if (note.p == NULL || vkey.p == NULL)
		return false;
	if (vkey.n > 0 && vkey.p[vkey.n - 1] == '\n')
		vkey.n--;
	if (!note_key_parse(vkey, &key)) {
		(void)complain("--old-log: not a log's key, one line as init printed it");
		return false;
	}
	enum log_failure failure = checkpoint_open(note, key.name, &key, &old);
	if (failure != LOG_HOLDS) {
		(void)fprintf(stderr, "manifestd: %s: %s\n", o->continues, log_failure_text(failure)->en);
		return false;
	}
	if (span_eq_str(old.origin, in->config.origin)) {
		(void)complain(
		    "a log that goes on for another needs a name of its own: log.origin is the old one");
		return false;
	}
	*ret_note = note;
	return true;
}

static bool add_genesis(struct init *in, const struct conf *conf, const struct init_options *o)
{
	struct event *e = next_event(in, EVENT_GENESIS);
	struct genesis *g = &e->genesis;

	*g = (struct genesis){
	    .origin = span_str(conf->origin),
	    .city = span_str(o->city),
	    .log_key = key_public(&in->config.log_key),
	    .server_key = key_public(&in->config.server_key),
	    .authority_name = span_str(o->authority_name),
	    .rules_version = RULES_VERSION,
	};
	if (!party_ref_parse(span_str(o->authority), &g->authority)) {
		(void)complain("--authority is a credit code of 18 characters, a hyphen and a site number");
		return false;
	}
	return read_public(in->arena, o->registrar_key, &g->registrar_key) &&
	       read_public(in->arena, o->recovery_key, &g->recovery_key) &&
	       read_continues(in, o, &g->continues);
}

static bool add_references(struct init *in, const char *schema)
{
	static const struct {
		const char *folder;
		enum reference_kind kind;
	} kinds[] = {
	    {"waste_codes", REFERENCE_WASTE_CODES},
	    {"divisions", REFERENCE_DIVISIONS},
	    {"treatment_methods", REFERENCE_TREATMENT_METHODS},
	    {"calendar", REFERENCE_CALENDAR},
	};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		char path[512];
		struct dirent **names = NULL;
		(void)snprintf(path, sizeof(path), "%s/data/%s", schema, kinds[i].folder);
		int n = scandir(path, &names, NULL, alphasort);
		bool good = n >= 0;
		for (int k = 0; k < n; k++) {
			size_t length = strlen(names[k]->d_name);
			bool csv = length > 4 && strcmp(names[k]->d_name + length - 4, ".csv") == 0;
			struct event *e = csv && good ? next_event(in, EVENT_REFERENCE_LOADED) : NULL;
			if (e != NULL) {
				(void)snprintf(path, sizeof(path), "%s/data/%s/%s", schema, kinds[i].folder,
					       names[k]->d_name);
				struct span file = read_file(in->arena, path);
				e->reference_loaded.kind = kinds[i].kind;
				e->reference_loaded.edition =
				    arena_copy(in->arena, span_of(names[k]->d_name, length - 4));
				e->reference_loaded.sha256 = digest_of(file);
				e->reference_loaded.size = file.n;
				good = file.p != NULL && e->reference_loaded.edition.p != NULL;
			}
			free(names[k]);
		}
		free(names);
		if (!good) {
			(void)fprintf(stderr, "manifestd: %s/data/%s: cannot be read\n", schema,
				      kinds[i].folder);
			return false;
		}
	}
	return true;
}

/* Signs the next event with the server's key, under its next running number. */
static bool seal(struct init *in, struct event *e, struct buffer *to)
{
	struct buffer payload = BUFFER_EMPTY;
	struct buffer pae = BUFFER_EMPTY;
	struct envelope envelope = {.payload_type = span_str(EVENT_PAYLOAD_TYPE), .signatures_n = 1};
	const struct public_key public = key_public(&in->config.server_key);

	e->occurred_at = port_now(NULL);
	e->signers_n = 1;
	e->signers[0] = (struct signer){.keyid = key_id(&public), .number = in->sent + 1};
	bool good = event_encode(e, &payload);
	envelope.payload = buffer_span(&payload);
	envelope_pae(&envelope, &pae);
	envelope.signatures[0].keyid = e->signers[0].keyid;
	envelope.signatures[0].sig = sign(&in->config.server_key, buffer_span(&pae));
	good = good && buffer_ok(&pae) && envelope_encode(&envelope, to);
	buffer_free(&payload);
	buffer_free(&pae);
	return good;
}

static void finish(struct init *in, int status)
{
	in->status = status;
	loop_stop(in->loop);
}

static void answered(void *self, struct span bytes)
{
	struct init *in = self;
	struct frame f;
	struct problems problems = {.arena = in->arena};

	in->waiting = false;
	in->give_up_at = loop_monotonic() + patience;
	if (!frame_decode(span_of(bytes.p + FRAME_HEAD, bytes.n - FRAME_HEAD), in->arena, &problems, &f)) {
		finish(in, EXIT_UNAVAILABLE);
		return;
	}
	if (f.kind == FRAME_RECEIPT) {
		if (in->sent++ == 0)
			genesis_file_put(&in->genesis, &in->vkey, f.receipt.entry, f.receipt.proof);
		return;
	}
	for (size_t i = 0; i < f.refusal.problems_n; i++) {
		const struct problem_view *p = &f.refusal.problems[i];
		(void)fprintf(stderr, "manifestd: %.*s: %.*s (%.*s)\n", SPAN_ARG(p->path), SPAN_ARG(p->en),
			      SPAN_ARG(p->found));
	}
	finish(in, EXIT_REFUSED);
}

static void tick(void *self)
{
	struct init *in = self;
	struct buffer envelope = BUFFER_EMPTY;

	path_tick(in->path);
	struct path_status status = path_status(in->path);
	if (status.state == PATH_STOPPED || status.state == PATH_STANDBY) {
		(void)fprintf(stderr, "manifestd: %s\n",
			      status.state == PATH_STANDBY ? "another manifestd is writing to this database"
							   : status.reason);
		finish(in, EXIT_REFUSED);
		return;
	}
	if (loop_monotonic() >= in->give_up_at) {
		(void)fprintf(stderr,
			      "manifestd: the database does not answer; run init again when it does\n");
		finish(in, EXIT_UNAVAILABLE);
		return;
	}
	if (status.state != PATH_WRITING || in->waiting)
		return;
	if (in->sent == 0 && status.head.size > 0) {
		(void)fprintf(stderr, "manifestd: the database holds a log already\n");
		finish(in, EXIT_REFUSED);
	} else if (in->sent == in->events_n) {
		finish(in, EXIT_DONE);
	} else {
		in->waiting = seal(in, &in->events[in->sent], &envelope) &&
			      path_submit(in->path, buffer_span(&envelope), answered, in);
		if (!in->waiting)
			finish(in, EXIT_UNAVAILABLE);
	}
	buffer_free(&envelope);
}

static void *begin_writer(void *arg)
{
	const struct conf *conf = arg;
	const struct store_options options = {.conninfo = conf->database, .high_water = conf->high_water};

	return store_conn_new(STORE_WRITER, &options);
}

static void end_writer(void *arg, void *thread)
{
	(void)arg;
	store_conn_free(thread);
}

static void print_vkey(const struct conf *conf, const struct init *in)
{
	struct buffer text = BUFFER_EMPTY;

	note_key_put(&text, &in->vkey);
	(void)printf("the log %s has begun, with %zu entries\n", conf->origin, in->events_n);
	(void)printf("give this to every client, it is the log's identity:\n%.*s\n",
		     SPAN_ARG(buffer_span(&text)));
	buffer_free(&text);
}

/* The log has begun, whatever becomes of this file: without it the text goes to the terminal. */
static void write_genesis(const struct init *in, const char *path)
{
	struct span text = buffer_span(&in->genesis);
	int fd = path == NULL ? -1 : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	bool good = fd >= 0 && write(fd, text.p, text.n) == (ssize_t)text.n && fsync(fd) == 0;

	if (path != NULL && !good)
		(void)fprintf(stderr, "manifestd: %s: %s; this is what belongs in it:\n%.*s", path,
			      strerror(errno), SPAN_ARG(text));
	if (fd >= 0)
		(void)close(fd);
}

static int run(struct init *in, struct conf *conf)
{
	const struct lane_threads writer = {.arg = conf, .begin = begin_writer, .end = end_writer};
	struct log log = log_to_stderr(conf);
	struct path_ports ports = {
	    .store = store_port(), .now = port_now, .random = port_random, .notice = port_notice};

	log.least = LOG_WARNING;
	ports.self = &log;
	in->status = EXIT_UNAVAILABLE;
	in->loop = loop_new();
	if (in->loop == NULL)
		return in->status;
	in->writer = lane_new(in->loop, "writer", 1, &writer);
	in->verify = lane_new(in->loop, "verify", 1, &(const struct lane_threads){0});
	in->tick = loop_timer_new(in->loop, tick, in);
	if (in->writer != NULL && in->verify != NULL && in->tick != NULL) {
		ports.writer = ports.reader = lane_port(in->writer);
		ports.verify = lane_port(in->verify);
		in->path = path_new(&in->config, &ports);
	}
	if (in->path != NULL) {
		in->give_up_at = loop_monotonic() + patience;
		path_start(in->path);
		loop_timer_every(in->tick, 5000);
		if (!loop_run(in->loop))
			in->status = EXIT_UNAVAILABLE;
	}
	lanes_drain((struct lane *const[]){in->verify, in->writer}, 2);
	lane_free(in->verify);
	lane_free(in->writer);
	path_free(in->path);
	loop_timer_free(in->tick);
	loop_free(in->loop);
	return in->status;
}

static bool add_settings(struct init *in, const struct init_options *o)
{
	for (size_t i = 0; i < o->settings_n; i++) {
		const char *equals = strchr(o->settings[i], '=');
		struct event *e = equals == NULL ? NULL : next_event(in, EVENT_SETTING_CHANGED);
		if (e == NULL) {
			(void)complain("--law takes key=value");
			return false;
		}
		e->setting_changed = (struct setting_changed){
		    .key = span_of(o->settings[i], (size_t)(equals - o->settings[i])),
		    .value = span_str(equals + 1),
		    .reason = span_str("initial setting"),
		};
	}
	return true;
}

int command_init(const struct conf *conf, const struct init_options *o)
{
	if (conf->origin[0] == '\0')
		return complain("init needs the log's name: --set log.origin=example.org/manifest");
	if (o->city == NULL || o->authority == NULL || o->authority_name == NULL ||
	    o->registrar_key == NULL || o->recovery_key == NULL)
		return complain("init needs --city, --authority, --authority-name, --registrar and "
				"--recovery; see --help");
	if (!ensure_key(conf->log_key) || !ensure_key(conf->server_key))
		return EXIT_UNAVAILABLE;
	int status = command_migrate(conf);
	if (status != EXIT_DONE)
		return status;
	struct init *in = calloc(1, sizeof(*in));
	struct conf own = *conf;
	status = EXIT_UNAVAILABLE;
	if (in == NULL)
		return status;
	in->arena = arena_new((size_t)16 * FILE_SIZE_MAX);
	if (in->arena != NULL && path_config_read(conf, &in->config) && own_key(in) &&
	    add_genesis(in, conf, o) && add_references(in, conf->schema) && add_settings(in, o))
		status = run(in, &own);
	if (status == EXIT_DONE) {
		write_genesis(in, o->genesis);
		print_vkey(conf, in);
	}
	buffer_free(&in->genesis);
	arena_free(in->arena);
	secret_key_wipe(&in->config.log_key);
	secret_key_wipe(&in->config.server_key);
	free(in);
	return status;
}
