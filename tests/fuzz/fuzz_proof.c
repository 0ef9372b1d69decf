/* Receipts from strangers: what can be read is written again as the same bytes, and none can be forged. */
#include <stdlib.h>

#include "core/proof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ORIGIN  "example.com/log/testdata"
#define LOG_KEY "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"

static void expect(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct note_key key;
	struct proof p;
	struct receipt_facts facts;
	struct span input = span_of(data, size);

	expect(crypto_start() && note_key_parse(span_str(LOG_KEY), &key));
	bool readable = proof_parse(input, &p);
	if (readable && p.extra.n == 0) {
		struct buffer b = BUFFER_EMPTY;
		proof_put(&b, p.index, p.hashes, p.hashes_n, p.checkpoint);
		expect(!buffer_ok(&b) || span_eq(buffer_span(&b), input));
		buffer_free(&b);
	}
	if (receipt_verify(input, span_str("five"), span_str(ORIGIN), &key, &facts) == LOG_HOLDS)
		expect(readable && facts.index == 4 && facts.checkpoint.size > 4 &&
		       facts.checkpoint.size <= 15);
	return 0;
}
