/* Bundles from strangers: what can be read is written again as the same bytes, and no entry can be forged. */
#include <stdio.h>
#include <stdlib.h>

#include "core/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LOG_KEY "shenyang.example/log+0fcd7b31+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"

enum { LEAVES = 12 }; /* of the log in the corpus: "entry 0" to "entry 11" */

static void expect(bool holds)
{
	if (!holds)
		abort();
}

static bool is_entry(const struct bundle_entry *e)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "entry %llu", (unsigned long long)e->index);
	return e->index < LEAVES && span_eq_str(e->entry, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct policy no_quorum = {.quorum_none = true};
	struct arena *arena = arena_new(1 << 20);
	struct span input = span_of(data, size);
	struct note_key log_key;
	struct policy_facts facts;
	struct bundle b;
	size_t entry = 0;

	expect(crypto_start() && note_key_parse(span_str(LOG_KEY), &log_key));
	if (arena != NULL && bundle_parse(input, arena, &b)) {
		struct buffer again = BUFFER_EMPTY;
		bool good = bundle_put(&b, &again);
		expect(!buffer_ok(&again) || (good && span_eq(buffer_span(&again), input)));
		buffer_free(&again);
		if (bundle_verify(&b, &no_quorum, &log_key, &facts, &entry) == LOG_HOLDS)
			for (size_t i = 0; i < b.n; i++)
				expect(is_entry(&b.entries[i]));
	}
	arena_free(arena);
	return 0;
}
