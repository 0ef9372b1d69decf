/* Notes, checkpoints and written keys from strangers: what is accepted is written again as the same bytes. */
#include <stdlib.h>

#include "core/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LOG_KEY     "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
#define NEUMANN_KEY "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
#define WITNESS_KEY "witness.example/沈阳+eb271258+BAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"

static void expect(bool holds)
{
	if (!holds)
		abort();
}

static void expect_same(struct buffer *b, struct span s)
{
	expect(!buffer_ok(b) || span_eq(buffer_span(b), s));
	buffer_free(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const vkeys[] = {LOG_KEY, NEUMANN_KEY, WITNESS_KEY};
	struct note_key keys[ARRAY_LEN(vkeys)];
	struct note_key key;
	struct note_signatures by;
	struct checkpoint c;
	struct span input = span_of(data, size);
	struct span text;
	struct buffer b = BUFFER_EMPTY;

	expect(crypto_start());
	for (size_t i = 0; i < ARRAY_LEN(vkeys); i++)
		expect(note_key_parse(span_str(vkeys[i]), &keys[i]));
	if (note_open(input, keys, ARRAY_LEN(keys), &text, &by) == LOG_HOLDS) {
		expect(by.n >= 1 && by.n <= ARRAY_LEN(keys));
		expect(text.n > 0 && text.n + 2 < size && text.p[text.n - 1] == '\n' &&
		       text.p[text.n] == '\n');
	}
	if (checkpoint_parse_text(input, &c)) {
		checkpoint_put_text(&b, &c);
		expect_same(&b, input);
	}
	if (note_key_parse(input, &key)) {
		note_key_put(&b, &key);
		expect_same(&b, input);
	}
	return 0;
}
