/*
 * One table of subcommands. A row names its options, each of which says where its value goes in a `struct
 * order`: an event to be signed, a query to be asked, or what is said about them. Parsing, --help, `manifest
 * help` and the manual page come from the same rows.
 */
#ifndef MANIFEST_COMMAND_H
#define MANIFEST_COMMAND_H

#include "core/words.h"
#include "manifest/app.h"

enum { ORDER_FILES_MAX = 64, ORDER_CARDS_MAX = 3, LIST_MAX = 600 };

struct order {
	struct event event;
	struct query query;
	/* What is said about an event. */
	const char *out;                    /* write the signed event here, do not send it */
	bool offline;                       /* do not connect */
	const char *cards[ORDER_CARDS_MAX]; /* of the signers after this key, in order */
	size_t cards_n;
	const char *new_key;                /* secret key file that signs last, in place of its card */
	const char *after[ORDER_FILES_MAX]; /* event files of the chain so far, in place of asking */
	size_t after_n;
	const struct span *lines; /* --line, as typed */
	size_t lines_n;
	/* Others. */
	const char *save;
	bool everything; /* all pages */
	bool yes;
	const char *scheme;
	uint64_t running_number;
	struct span name;           /* of a witness */
	const struct span *watched; /* logs, as typed */
	size_t watched_n;
	const char *policy; /* file */
	const char *pdf;    /* the printed page */
	const char *listen; /* ADDRESS:PORT */
	bool fresh;         /* begin with nothing remembered */
	bool print_only;
	const char *url;    /* of a log */
	const char *token;  /* file */
	const char *mirror; /* folder */
	const char *checkpoint;
	bool hashes_only;
	const char *database;   /* conninfo */
	const char *high_water; /* file */
	const char *checkpoints[ORDER_FILES_MAX];
	size_t checkpoints_n;
	uint32_t threads;
	uint32_t grace;                     /* seconds */
	const char *files[ORDER_FILES_MAX]; /* arguments */
	size_t files_n;
};

enum option_type {
	OPTION_SWITCH,  /* bool */
	OPTION_FILE,    /* const char * */
	OPTION_URL,     /* const char *, of a log: see log_source.h */
	OPTION_TEXT,    /* struct span */
	OPTION_TEXTS,   /* list of struct span, at commas */
	OPTION_LINES,   /* list of struct span, whole */
	OPTION_PARTY,   /* struct party_ref */
	OPTION_NUMBER,  /* uint64_t, a manifest number */
	OPTION_NUMBERS, /* list of uint64_t, at commas */
	OPTION_TIME,    /* micros */
	OPTION_GRAMS,   /* int64_t */
	OPTION_U32,
	OPTION_U64,
	OPTION_WORD,   /* int, by words */
	OPTION_ROLES,  /* list of enum role, at commas */
	OPTION_MASK,   /* uint32_t of bits, by words, at commas */
	OPTION_DIGEST, /* struct digest, 64 hex digits */
	OPTION_PUBLIC, /* struct public_key, from a file */
	OPTION_POSITION,
	OPTION_FILES, /* const char *[], counted */
};

struct option_row {
	const char *name;
	enum option_type type;
	size_t at;
	size_t count_at; /* lists */
	const struct word *words;
	bool must;
	const char *initial; /* what it is when it is not given, as text; NULL: zero */
	const char *argument;
	const char *en;
	const char *zh;
};

struct command {
	const char *group; /* "generator"; NULL for a command of one word */
	const char *name;
	enum role role;       /* says hello as; ROLE_NONE: as the key is known */
	enum event_kind kind; /* of the event it makes; 0: none */
	const struct option_row *options;
	size_t options_n;
	bool custody;          /* continues a manifest's chain */
	const char *arguments; /* after the options; NULL: none */
	/* Completes the event, or does it all when `kind` is 0. */
	int (*run)(struct app *app, const struct command *command, struct order *order);
	const char *en;
	const char *zh;
};

extern const struct command commands[];
extern const size_t commands_n;
extern const struct option_row event_options[]; /* of every command that makes an event */
extern const size_t event_options_n;
extern const struct option_row custody_options[];
extern const size_t custody_options_n;

/* Sets one option from its text. False: ret_error (English and Chinese) says what is wrong. */
bool option_set(struct app *app, const struct option_row *row, const char *text, struct order *order,
		struct mft_failure *ret_failure) MUST_CHECK;

/* The command line of one command, its name already taken: fills in the order. */
void command_parse(struct app *app, const struct command *command, int argc, char **argv,
		   struct order *order);

/* act.c: fills in time and signers, signs, and sends or writes. */
int act(struct app *app, const struct command *command, struct order *order);

/* chain.c: what is known of a manifest's custody so far. */
struct kept_line { /* at the facility */
	struct line_quantity accepted, refused, treated;
	struct span method;
};
struct chain {
	struct digest head; /* id of the last custody event */
	struct event last;
	struct issued issued;
	struct party_ref carrier;
	bool received;
	struct line_quantity here[MAX_LINES]; /* as last weighed, by line - 1 */
	struct kept_line kept[MAX_LINES];
	size_t lines_n;
};
/* From --after files, or from the server's trail. False: *ret_status, said why. */
bool chain_load(struct app *app, const struct command *command, const struct order *order, uint64_t number,
		struct chain *ret_chain, int *ret_status) MUST_CHECK;
void chain_apply(struct chain *chain, const struct event *e);

int main_help(struct app *app, const char *group);
int print_man(struct app *app);

#endif
