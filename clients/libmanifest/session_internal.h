/* What the files of the session share. Internal to libmanifest. */
#ifndef LIBMANIFEST_SESSION_INTERNAL_H
#define LIBMANIFEST_SESSION_INTERNAL_H

#include "libmanifest/session.h"

enum request_purpose { FREE = 0, FOR_HELLO, FOR_EVENT, FOR_QUERY, FOR_LINK };

/* A request under way. */
struct request {
	enum request_purpose purpose;
	uint64_t id;
	uint64_t floor; /* size of the newest checkpoint known when it was sent: no acceptance, and no
			   latest checkpoint, may be older */
	enum query_kind query;
	struct digest envelope; /* FOR_EVENT: its SHA-256 */
	struct mft_place from;  /* FOR_LINK */
	uint64_t to_size;       /* FOR_LINK; 0: the latest */
	size_t held;            /* frames that wait to be believed */
};

/* A frame that is proved under its own checkpoint, or stands behind such a one with the same id. */
struct held {
	struct held *next;
	uint64_t id;
	struct mft_place at; /* size 0: only waits for those before it */
	size_t n;
	uint8_t bytes[];
};

/* Shown by the server during a round: `from` is a beginning of `to`. */
struct link {
	struct mft_place from;
	struct mft_place to;
};

/* Questions sent together, that lead to one size; what they say is used when all are answered. */
struct round {
	bool latest; /* it asks for the latest checkpoint */
	size_t open; /* answers still to come */
	struct link *links;
	size_t links_n;
	size_t links_cap;
};

struct mft_session {
	struct mft_session_config config;
	struct digest keyid;
	struct digest binding;
	enum { WAITS_FOR_CHALLENGE, WAITS_FOR_WELCOME, READY, OVER } stage;
	struct buffer in;
	size_t read; /* of `in` */
	struct buffer out;
	struct arena *arena;      /* of the news last told */
	struct request *requests; /* a ring, by id */
	size_t requests_cap;      /* a power of two */
	size_t under_way;         /* events and queries */
	uint64_t next_id;
	struct held *first;
	struct held **last;
	struct round round;
	bool settle;  /* asked for by the caller */
	bool settled; /* and to be told */
	struct mft_news broken;
	struct buffer evidence;
};

/* session.c */
struct request *session_ask(struct mft_session *s, enum request_purpose purpose, struct frame *frame);
void session_break(struct mft_session *s, struct mft_failure failure, struct span evidence);
void session_break_log(struct mft_session *s, enum log_failure failure, struct span evidence);
void session_break_protocol(struct mft_session *s, const char *detail);

/* hello.c: answers the challenge. */
void session_greet(struct mft_session *s, const struct challenge *challenge);

/* settle.c: holding what is not believed yet, and asking for what is missing. */
bool hold(struct mft_session *s, struct request *r, struct span frame, const struct mft_place *at);
/* Takes the first frame that may be believed; NULL: none. The caller frees it. */
struct held *held_take(struct mft_session *s);
/* Whether the place may be believed; when not, it is asked for. False: the session broke. */
bool settle_place(struct mft_session *s, const struct mft_place *place, bool *ret_known);
/* Sends the questions of a round when there is something to ask and none is under way. */
void settle_start(struct mft_session *s);
void settle_answer(struct mft_session *s, const struct request *r, const struct checkpoint_view *answer);

#endif
