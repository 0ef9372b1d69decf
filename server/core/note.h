/*
 * Signed notes (C2SP signed-note): a text, an empty line, and lines of signatures, each by a named key. Two
 * kinds of key: Ed25519 over the text, and cosignature/v1 (C2SP tlog-cosignature), which also says when.
 * Pure.
 *
 * Reading is strict: valid UTF-8 without control characters, canonical base64, every line of signatures
 * well-formed. Lines of unknown keys are ignored; every line of a known key must be good.
 */
#ifndef CORE_NOTE_H
#define CORE_NOTE_H

#include "base/buffer.h"
#include "core/log_failure.h"
#include "crypto/sign.h"

enum note_key_type { NOTE_ED25519 = 0x01, NOTE_COSIGNATURE = 0x04 };

/* Larger notes, more lines of signatures, or more known keys are refused. */
enum { NOTE_SIZE_MAX = 512 * 1024, NOTE_LINES_MAX = 64, NOTE_LINE_MAX = 8192, NOTE_KEYS_MAX = 64 };

struct note_key {
	struct span name; /* borrowed */
	uint32_t id;
	enum note_key_type type;
	struct public_key key;
};

/* A name is not empty and has no space of any kind, no control character and no plus sign. */
bool note_name_is_valid(struct span name) MUST_CHECK;
/* Fills in the id. False: the name is not valid. ret_key borrows it. */
bool note_key_make(struct span name, enum note_key_type type, const struct public_key *key,
		   struct note_key *ret_key) MUST_CHECK;
/* The written key: NAME+ID+BASE64. False: not exactly so, an unknown type, or the id is not the key's.
 * ret_key borrows the name from the text. */
bool note_key_parse(struct span vkey, struct note_key *ret_key) MUST_CHECK;
void note_key_put(struct buffer *to, const struct note_key *key);

/*
 * One line of signature over `text`, which must not lie in `to`. The note is the text (ending in LF), a LF,
 * and such lines. `time` is what a cosignature says, seconds since 1970; an Ed25519 line has no time.
 */
void note_put_signature(struct buffer *to, const struct note_key *key, const struct secret_key *secret,
			uint64_t time, struct span text);

/*
 * Takes a note apart without believing anything: the text, and the lines of signatures, each with its last
 * LF. False: not UTF-8 without control characters, no empty line, nothing before or after it, or too long.
 */
bool note_split(struct span note, struct span *ret_text, struct span *ret_lines) MUST_CHECK;

/* A line that was verified. */
struct note_signature {
	size_t key;    /* which of the known keys */
	uint64_t time; /* what a cosignature says; else 0 */
};

struct note_signatures {
	struct note_signature good[NOTE_KEYS_MAX];
	size_t n; /* a key counts once, however many lines it has */
};

/*
 * Verifies a note by the known keys, of which no two share name and id, and at least one must have signed it.
 * ret_text borrows from the note; ret_signatures may be NULL. Fails with NOTE_MALFORMED, SIGNATURE_BAD,
 * KEY_MISSING.
 */
enum log_failure note_open(struct span note, const struct note_key *keys, size_t keys_n,
			   struct span *ret_text, struct note_signatures *ret_signatures) MUST_CHECK;

#endif
