/*
 * What a witness is sent and what a log is answered: bodies are written again as the same bytes, nothing is
 * cosigned that goes back or is not signed, and an answer never spoils a checkpoint.
 */
#include <stdlib.h>

#include "core/add_checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LOG_KEY     "shenyang.example/log+0fcd7b31+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
#define WITNESS_KEY "witness.example/沈阳+eb271258+BAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
#define NOTE                                                                                                 \
	"shenyang.example/log\n7\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=\n\n"                          \
	"\xe2\x80\x94 shenyang.example/log "                                                                 \
	"D817Mf/9ePwKOdxG7FfExe092hrMQT3EgnXw6Cw3Wteu8H24CPCIKurrpxkyVSuu3G/gqG04mtHMB9C5xFbe1xSDyw8=\n"

static void expect(bool holds)
{
	if (!holds)
		abort();
}

static void judge(struct span input, const struct note_key *log_key)
{
	static const uint64_t sizes[] = {0, 1, 4, 7};
	struct witnessed_log log = {.origin = log_key->name, .keys = {*log_key}, .keys_n = 1};
	struct add_checkpoint r;
	struct checkpoint next;
	struct span text;
	struct buffer b = BUFFER_EMPTY;

	if (!add_checkpoint_parse(input, &r))
		return;
	add_checkpoint_put(&b, r.old, r.proof, r.proof_n, r.note);
	expect(!buffer_ok(&b) || span_eq(buffer_span(&b), input));
	buffer_free(&b);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct checkpoint last = {.size = sizes[i]};
		if (add_checkpoint_judge(&r, &log, &last, &next, &text) != ADD_COSIGN)
			continue;
		expect(r.old == last.size && next.size >= last.size && span_eq(next.origin, log.origin));
		/* the roots that "were cosigned" are zeros, which nothing hashes to */
		expect(last.size == 0);
	}
}

static void merge(struct span input, const struct note_key *log_key, const struct note_key *witness)
{
	struct note_key keys[] = {*log_key, *witness};
	struct note_signatures by;
	struct span text;
	struct buffer b = BUFFER_EMPTY;
	size_t fresh = 0;

	if (cosignatures_merge(span_str(NOTE), input, witness, 1, &b, &fresh) == LOG_HOLDS && buffer_ok(&b)) {
		expect(note_open(buffer_span(&b), keys, ARRAY_LEN(keys), &text, &by) == LOG_HOLDS);
		expect(fresh <= 1 && by.n == 1 + fresh);
	}
	buffer_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct note_key log_key;
	struct note_key witness;
	uint64_t last = 0;

	expect(crypto_start() && note_key_parse(span_str(LOG_KEY), &log_key) &&
	       note_key_parse(span_str(WITNESS_KEY), &witness));
	judge(span_of(data, size), &log_key);
	merge(span_of(data, size), &log_key, &witness);
	if (add_checkpoint_parse_size(span_of(data, size), &last)) {
		struct buffer b = BUFFER_EMPTY;
		add_checkpoint_put_size(&b, last);
		expect(!buffer_ok(&b) || span_eq(buffer_span(&b), span_of(data, size)));
		buffer_free(&b);
	}
	return 0;
}
