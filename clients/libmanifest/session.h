/*
 * One conversation with the server, as bytes in and bytes out: the hello, events submitted and queries asked
 * by id, any number of them under way, and what comes back, believed only when it is proved. It opens no
 * socket and knows no time, so that one thread can hold thousands of them over whatever carries the bytes.
 * Pure.
 *
 * A receipt is handed out when its entry holds the very envelope that was sent, lies in the log under a
 * checkpoint of the log's key, and that checkpoint was shown to belong to the one history that the view
 * knows; what is missing for the last is asked of the server by the session itself.
 */
#ifndef LIBMANIFEST_SESSION_H
#define LIBMANIFEST_SESSION_H

#include "libmanifest/view.h"
#include "wire/envelope.h"
#include "wire/messages.h"

struct mft_session;

struct mft_session_config {
	struct mft_view *view;    /* borrowed; may be shared by sessions of one thread */
	struct secret_key secret; /* copied, wiped at the end */
	enum role role;           /* the one the key was enrolled for */
	const char *agent;        /* program and version, static */
	/*
	 * Receipts and entries are handed out as soon as their own checkpoint proves them, marked not
	 * settled; mft_session_settle() brings the view up to date. For programs that count, not for devices.
	 */
	bool settle_later;
};

enum mft_news_kind {
	MFT_NOTHING, /* more bytes are needed */
	MFT_WELCOME, /* from now on events and queries may be sent */
	MFT_ACCEPTED,
	MFT_REFUSED, /* also the hello (id 0), and then the server closes */
	MFT_ANSWER,
	MFT_PUSHED,
	MFT_SETTLED, /* what mft_session_settle() asked for was shown */
	MFT_BROKEN,  /* the session is over: the server is wrong or lies; see failure and evidence */
};

/* Views live until the next call on the session. */
struct mft_news {
	enum mft_news_kind kind;
	uint64_t id; /* of the request */
	bool last;   /* no more answers to it */
	bool settled;
	union {
		struct welcome welcome;
		struct {
			struct receipt receipt;
			micros accepted_at;
		};
		struct refusal refusal;
		struct answer answer;
		struct flag_view pushed;
		struct {
			struct mft_failure failure;
			struct span evidence; /* the checkpoint or proof that did not hold, or empty */
		};
	};
};

/* `binding`: SHA-256 of the server certificate's DER, as the transport saw it. NULL: no memory. */
struct mft_session *mft_session_new(const struct mft_session_config *config,
				    const struct digest *binding) MUST_CHECK;
void mft_session_free(struct mft_session *s);

/* Takes bytes that arrived. False: no memory. What they mean is told by mft_session_next(). */
bool mft_session_input(struct mft_session *s, struct span bytes) MUST_CHECK;
/* What is to be sent; the caller takes what it sent with buffer_consume(). */
struct buffer *mft_session_output(struct mft_session *s);
/* The next news; call until MFT_NOTHING or MFT_BROKEN (which stays). */
void mft_session_next(struct mft_session *s, struct mft_news *ret_news);

/* 0: not welcomed yet, over, too long, or no memory. Else the id that the answers carry. */
uint64_t mft_session_submit(struct mft_session *s, struct span envelope) MUST_CHECK;
uint64_t mft_session_query(struct mft_session *s, const struct query *query) MUST_CHECK;
/* Brings the view up to the newest checkpoint. False: as 0 above. */
bool mft_session_settle(struct mft_session *s) MUST_CHECK;
/* Requests whose last answer has not been handed out. */
size_t mft_session_under_way(const struct mft_session *s);

#endif
