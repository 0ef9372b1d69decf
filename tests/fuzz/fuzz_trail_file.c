/* Any bytes as the files that people hand on: trails, cards, events, how a log began. None holds that was not
 * signed. */
#include <stdlib.h>

#include "core/genesis_file.h"
#include "manifest/files.h"
#include "manifest/trail.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A log whose key nobody has: nothing in any file is proved under it. */
#define LOG_KEY "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"

static void expect(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new((size_t)256 * 1024 * 1024);
	struct problems problems = {.arena = arena};
	struct span bytes = span_of(data, size);
	struct buffer text = BUFFER_EMPTY;
	struct event_file file;
	struct genesis_file begun;
	struct mft_signed s;
	struct trail trail;
	struct card card;
	struct note_key key;
	struct verified v;

	expect(arena != NULL && crypto_start() && note_key_parse(span_str(LOG_KEY), &key));
	if (trail_parse(bytes, arena, &trail, NULL) && trail_verify(&trail, &key, arena, &v)) {
		expect(v.bad > 0);
		expect(trail_put(&trail, &text));
	}
	if (card_parse(bytes, arena, &card, NULL)) {
		buffer_clear(&text);
		expect(card_put(&card, &text));
	}
	if (event_file_parse(bytes, arena, &file, NULL))
		(void)!mft_signed_read(file.envelope, arena, &problems, &s);
	if (genesis_file_parse(bytes, arena, &begun)) {
		struct receipt_facts facts;
		expect(receipt_verify(begun.proof, begun.entry, key.name, &key, &facts) != LOG_HOLDS);
	}
	buffer_free(&text);
	arena_free(arena);
	return 0;
}
