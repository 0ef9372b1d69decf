/* genesis_file: what is written is read, every spoilt line is not; and what is left of the log before. */
#include <criterion/criterion.h>

#include "core/genesis_file.h"

#define OLD   "old.example/log"
#define ROOT  "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define NAMES OLD "\n7\n" ROOT "\n\n\u2014 " OLD " AAAAAA==\n"

static struct arena *arena;

static void start(void)
{
	cr_assert(crypto_start());
	arena = arena_new(1 << 20);
}

static void stop(void)
{
	arena_free(arena);
}

TestSuite(genesis_file, .init = start, .fini = stop);

static struct span file_text(struct buffer *text)
{
	struct secret_key secret;
	struct public_key public;
	struct note_key key;

	key_from_seed((const uint8_t[SEED_SIZE]){1}, &secret, &public);
	cr_assert(note_key_make(span_str("new.example/log"), NOTE_ED25519, &public, &key));
	genesis_file_put(text, &key, span_str("an entry"), span_str("a proof\n\nto the end\n"));
	return buffer_span(text);
}

Test(genesis_file, there_and_back)
{
	struct buffer text = BUFFER_EMPTY;
	struct genesis_file f;
	struct note_key key;

	cr_assert(genesis_file_parse(file_text(&text), arena, &f));
	cr_expect(span_eq_str(f.entry, "an entry") && span_eq_str(f.proof, "a proof\n\nto the end\n"));
	cr_expect(note_key_parse(f.vkey, &key) && span_eq_str(key.name, "new.example/log"));
	/* Whatever of its head is missing or changed: it is no such file. */
	size_t head = text.n - f.proof.n;
	for (size_t n = 0; n < head; n++)
		cr_expect_not(genesis_file_parse(span_of(text.p, n), arena, &f), "%zu", n);
	for (size_t i = 0; i < strlen("manifest-genesis@v1\nlog "); i++) {
		text.p[i] ^= 1;
		cr_expect_not(genesis_file_parse(buffer_span(&text), arena, &f), "%zu", i);
		text.p[i] ^= 1;
	}
	buffer_free(&text);
}

Test(genesis_file, what_is_left_of_the_log_before)
{
	const struct genesis first = {.origin = span_str("new.example/log")};
	const struct genesis g = {.origin = span_str("new.example/log"), .continues = span_str(NAMES)};
	const struct genesis odd = {.continues = span_str("a line\n")};
	struct checkpoint old;
	struct checkpoint_ref seen = {.origin = span_str(OLD), .size = 7, .root = {{1}}};

	cr_assert(genesis_continues(&g, &old));
	cr_expect(span_eq_str(old.origin, OLD) && old.size == 7 && old.root.b[0] == 1);
	cr_expect_not(genesis_continues(&first, &old));
	cr_expect_not(genesis_continues(&odd, &old));

	cr_expect_eq(genesis_seen(&g, &seen), SEEN_OURS);
	cr_expect_eq(genesis_seen(&first, &seen), SEEN_OTHER);
	seen.root.b[31] = 1;
	cr_expect_eq(genesis_seen(&g, &seen), SEEN_OTHER, "another root for that size");
	seen.size = 6;
	cr_expect_eq(genesis_seen(&g, &seen), SEEN_UNKNOWN, "the tree below it is lost");
	seen.size = 8;
	cr_expect_eq(genesis_seen(&g, &seen), SEEN_OTHER, "the new log leaves it out");
	seen = (struct checkpoint_ref){.origin = span_str("other.example/log"), .size = 7, .root = {{1}}};
	cr_expect_eq(genesis_seen(&g, &seen), SEEN_OTHER);
}
