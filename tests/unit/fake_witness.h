/*
 * Witnesses behind the port that the path sees: each does what a witness does, by the judgement of
 * core/add_checkpoint.h, or something that it should not.
 */
#ifndef TESTS_FAKE_WITNESS_H
#define TESTS_FAKE_WITNESS_H

#include "core/add_checkpoint.h"
#include "ports.h"

enum { WITNESSES = 3 };

enum mood {
	MOOD_GOOD,
	MOOD_DOWN,        /* no answer */
	MOOD_BUSY,        /* 503 */
	MOOD_BAD_LINE,    /* its own line, whose signature does not hold */
	MOOD_OTHER_TEXT,  /* a good cosignature of another checkpoint */
	MOOD_STRANGER,    /* a good cosignature, by another's key */
	MOOD_NOTHING,     /* 200, and no line */
	MOOD_OLD_TIME,    /* a cosignature of two hours ago */
	MOOD_FORGETFUL,   /* 409 with size 1, whatever it is asked */
	MOOD_BOASTS,      /* 409 with a size that no log has */
	MOOD_UNKNOWN_LOG, /* 404 */
};

struct fake_witness {
	enum mood mood;
	bool silent; /* does not say what it has cosigned */
	struct note_key key;
	struct secret_key secret;
	struct checkpoint last;
	struct buffer note; /* that it cosigned last */
	unsigned asked, monitored;
};

struct fake_witnesses {
	struct fake_witness w[WITNESSES];
	struct witnessed_log log;
	const micros *now;
	struct buffer policy;
};

/* They know the log of this key. `quorum` of them are one. */
struct fake_witnesses *fake_witnesses_new(const struct note_key *log_key, unsigned quorum);
void fake_witnesses_free(struct fake_witnesses *f);
/* `thread` is the struct fake_witnesses. */
struct witness_port fake_witness_port(void);
/* What one would answer, as if asked by somebody else: it cosigns this note. */
void fake_witness_cosign(struct fake_witnesses *f, unsigned i, struct span note);
/* How many of them have a good line in the note. */
unsigned fake_witnesses_in(const struct fake_witnesses *f, struct span note);

#endif
