/*
 * A server in memory for tests of the client: it speaks the protocol over a session's buffers, keeps a real
 * Merkle log, and can lie in one chosen way at a time.
 */
#ifndef TESTS_FAKE_SERVER_H
#define TESTS_FAKE_SERVER_H

#include "libmanifest/session.h"

enum lie {
	HONEST,
	LIE_VERSION,      /* challenge: another protocol version */
	LIE_CHALLENGE,    /* challenge: of another log */
	LIE_SILENT_HELLO, /* an answer before it was asked */
	LIE_WELCOME_KEY,  /* checkpoint signed by another key */
	LIE_WELCOME_ROOT, /* checkpoint with another root than the log's */
	LIE_WELCOME_SMALLER,
	LIE_WELCOME_PROOF, /* consistency proof with one bit changed */
	LIE_PROOF,         /* receipt: inclusion proof with one bit changed */
	LIE_ENTRY,         /* receipt: for another event */
	LIE_ENVELOPE,      /* receipt: the entry with one bit of the envelope changed */
	LIE_INDEX,         /* receipt: another index beside the proof */
	LIE_KEY,           /* receipt: checkpoint signed by another key */
	LIE_SMALLER,       /* receipt: under a checkpoint from before it was sent */
	LIE_HISTORY,       /* receipt: under a signed checkpoint of another history */
	LIE_CONSISTENCY,   /* checkpoint answer: proof with one bit changed */
	LIE_LATEST,        /* checkpoint answer: an older checkpoint */
	LIE_REFUSE_PROOF,  /* checkpoint answer: refused */
	LIE_ID,            /* receipt under an id that was not asked */
	LIE_KIND,          /* receipt for a query */
	LIE_LENGTH,        /* a frame of impossible length */
	LIE_GARBAGE,       /* bytes that are no frame */
	LIES,
};

enum { FAKE_ENTRIES_MAX = 4096 };

struct fake_server {
	struct secret_key log_secret;
	struct note_key log_key;
	char vkey[256];
	struct digest leaves[FAKE_ENTRIES_MAX];
	struct buffer entries[FAKE_ENTRIES_MAX];
	uint64_t size;
	uint64_t other; /* LIE_HISTORY: leaves from here on are others */
	enum lie lie;
	size_t batch;          /* answers to submits are held until so many are there; 0: at once */
	struct span held[256]; /* submits held, with their ids */
	uint64_t held_ids[256];
	size_t held_n;
	size_t checkpoint_queries;
	uint64_t entry_size; /* under which an entry is shown that is asked for; 0: it is not shown */
	struct digest binding;
	struct arena *arena;
};

struct fake_server *fake_server_new(void);
void fake_server_free(struct fake_server *f);
/* Appends an entry around any envelope. */
void fake_server_append(struct fake_server *f, struct span envelope);
/* The signed checkpoint of a size, in the arena. */
struct span fake_server_checkpoint(struct fake_server *f, uint64_t size);
/* The proof of an entry under the checkpoint of all, in the arena. */
struct span fake_server_proof(struct fake_server *f, uint64_t index);
/* The challenge, as the first bytes of a connection. */
void fake_server_greet(struct fake_server *f, struct mft_session *s);
/* Takes what the session wants to send and answers it. False: there was nothing. */
bool fake_server_serve(struct fake_server *f, struct mft_session *s);
/* Commits the submits that are held and answers them. */
void fake_server_commit(struct fake_server *f, struct mft_session *s);

#endif
