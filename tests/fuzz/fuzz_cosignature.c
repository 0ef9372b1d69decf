/*
 * Cosigned notes from strangers, with the keys at hand that sign them: a witness counts only by a line that
 * its key would write for this text and time, and the lines of a note merged into another go on to count.
 */
#include <stdlib.h>

#include "core/add_checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LOG, WITNESS, OTHER, KEYS };

static const struct {
	const char *name;
	enum note_key_type type;
	uint8_t seed; /* the first byte of it; each of the others is one more */
} known[KEYS] = {
    [LOG] = {"shenyang.example/log", NOTE_ED25519, 0},
    [WITNESS] = {"witness.example/沈阳", NOTE_COSIGNATURE, 0},
    [OTHER] = {"other.example", NOTE_COSIGNATURE, 1},
};

static void expect(bool holds)
{
	if (!holds)
		abort();
}

static void make_keys(struct note_key keys[KEYS], struct secret_key secrets[KEYS])
{
	for (size_t k = 0; k < KEYS; k++) {
		uint8_t seed[SEED_SIZE];
		struct public_key public;
		for (size_t i = 0; i < SEED_SIZE; i++)
			seed[i] = (uint8_t)(known[k].seed + i);
		key_from_seed(seed, &secrets[k], &public);
		expect(note_key_make(span_str(known[k].name), known[k].type, &public, &keys[k]));
	}
}

static void check_good(const struct note_signature *good, const struct note_key keys[KEYS],
		       const struct secret_key secrets[KEYS], struct span text, struct span lines)
{
	struct buffer line = BUFFER_EMPTY;

	expect(good->key < KEYS && (good->time == 0 || known[good->key].type == NOTE_COSIGNATURE));
	note_put_signature(&line, &keys[good->key], &secrets[good->key], good->time, text);
	expect(!buffer_ok(&line) || memmem(lines.p, lines.n, line.p, line.n) != NULL);
	buffer_free(&line);
}

/* The lines as a witness's answer to the note whose text they sign. */
static void check_merge(struct span note, struct span lines, const struct note_key keys[KEYS])
{
	struct buffer merged = BUFFER_EMPTY;
	struct note_signatures by;
	struct span text;
	size_t fresh = 0;

	if (cosignatures_merge(note, lines, &keys[WITNESS], KEYS - WITNESS, &merged, &fresh) == LOG_HOLDS &&
	    buffer_ok(&merged)) {
		expect(fresh <= KEYS - WITNESS);
		/* nothing but what a known key did not sign can be gone */
		enum log_failure failure = note_open(buffer_span(&merged), keys, KEYS, &text, &by);
		expect(failure == LOG_HOLDS || (failure == LOG_KEY_MISSING && fresh == 0));
	}
	buffer_free(&merged);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct note_key keys[KEYS];
	struct secret_key secrets[KEYS];
	struct note_signatures by = {.n = 0};
	struct span note = span_of(data, size);
	struct span text, lines;

	expect(crypto_start());
	make_keys(keys, secrets);
	if (!note_split(note, &text, &lines))
		return 0;
	enum log_failure failure = note_open(note, keys, KEYS, &text, &by);
	if (failure == LOG_HOLDS) {
		expect(by.n >= 1 && by.n <= KEYS);
		for (size_t i = 0; i < by.n; i++)
			check_good(&by.good[i], keys, secrets, text, lines);
	}
	if (failure == LOG_HOLDS || failure == LOG_KEY_MISSING)
		check_merge(note, lines, keys);
	return 0;
}
