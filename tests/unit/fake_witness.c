/* What the witnesses of a test answer. */
#include "fake_witness.h"

#include <stdio.h>
#include <stdlib.h>

#include "fixture.h"

static const char *const names[WITNESSES] = {"north", "west", "south"};
static const char *const key_names[WITNESSES] = {"north.example/w", "west.example/w", "south.example/w"};

struct fake_witnesses *fake_witnesses_new(const struct note_key *log_key, unsigned quorum)
{
	struct fake_witnesses *f = calloc(1, sizeof(*f));

	MUST(f != NULL);
	f->log = (struct witnessed_log){.origin = log_key->name, .keys = {*log_key}, .keys_n = 1};
	for (unsigned i = 0; i < WITNESSES; i++) {
		uint8_t seed[SEED_SIZE] = {0x77, (uint8_t)i};
		struct public_key public;
		key_from_seed(seed, &f->w[i].secret, &public);
		MUST(note_key_make(span_str(key_names[i]), NOTE_COSIGNATURE, &public, &f->w[i].key));
		buffer_printf(&f->policy, "witness %s ", names[i]);
		note_key_put(&f->policy, &f->w[i].key);
		buffer_printf(&f->policy, " http://%s.example/\n", names[i]);
	}
	buffer_printf(&f->policy, "group all-of-them %u north west south\nquorum all-of-them\n", quorum);
	MUST(buffer_ok(&f->policy));
	return f;
}

void fake_witnesses_free(struct fake_witnesses *f)
{
	for (unsigned i = 0; i < WITNESSES; i++)
		buffer_free(&f->w[i].note);
	buffer_free(&f->policy);
	free(f);
}

static void put_line(const struct fake_witnesses *f, const struct fake_witness *w, struct span text,
		     struct buffer *to)
{
	const struct fake_witness *by =
	    w->mood == MOOD_STRANGER ? &f->w[(size_t)(w - f->w + 1) % WITNESSES] : w;
	uint64_t seconds = (uint64_t)(*f->now / MICROS_PER_SECOND) - (w->mood == MOOD_OLD_TIME ? 7200 : 0);
	size_t from = to->n;

	if (w->mood == MOOD_NOTHING)
		return;
	note_put_signature(to, &by->key, &by->secret, seconds,
			   w->mood == MOOD_OTHER_TEXT ? span_str("another\n1\nx\n") : text);
	if (w->mood == MOOD_BAD_LINE) /* a letter of the signature, well before the padding */
		to->p[to->n - 20] = to->p[to->n - 20] == 'A' ? 'B' : 'A';
	MUST(to->n > from);
}

static void remember(struct fake_witness *w, const struct fake_witnesses *f, const struct checkpoint *c,
		     struct span note)
{
	w->last = *c;
	w->last.origin = f->log.origin;
	buffer_clear(&w->note);
	buffer_put_span(&w->note, note);
	MUST(buffer_ok(&w->note));
}

static int add(struct fake_witnesses *f, struct fake_witness *w, struct span body, struct buffer *to)
{
	struct add_checkpoint request;
	struct checkpoint next;
	struct span text;

	w->asked++;
	if (w->mood == MOOD_FORGETFUL || w->mood == MOOD_BOASTS) {
		add_checkpoint_put_size(to, w->mood == MOOD_BOASTS ? UINT64_C(1) << 60 : 1);
		return 409;
	}
	MUST(add_checkpoint_parse(body, &request));
	enum add_outcome outcome = add_checkpoint_judge(
	    &request, w->mood == MOOD_UNKNOWN_LOG ? NULL : &f->log, &w->last, &next, &text);
	if (outcome == ADD_NOT_LAST)
		add_checkpoint_put_size(to, w->last.size);
	if (outcome == ADD_COSIGN) {
		put_line(f, w, text, to);
		remember(w, f, &next, request.note);
	}
	return add_outcomes[outcome].status;
}

static int ask(void *thread, const char *url, struct span body, micros within, struct buffer *ret_answer,
	       char ret_error[WITNESS_ERROR_SIZE])
{
	struct fake_witnesses *f = thread;
	char prefix[64];

	MUST(within > 0);
	for (unsigned i = 0; i < WITNESSES; i++) {
		struct fake_witness *w = &f->w[i];
		int n = snprintf(prefix, sizeof(prefix), "http://%s.example/", names[i]);
		if (strncmp(url, prefix, (size_t)n) != 0)
			continue;
		if (w->mood == MOOD_DOWN) {
			(void)snprintf(ret_error, WITNESS_ERROR_SIZE, "connection refused");
			return 0;
		}
		if (w->mood == MOOD_BUSY)
			return 503;
		if (body.n > 0) {
			MUST(strcmp(url + n, "add-checkpoint") == 0);
			return add(f, w, body, ret_answer);
		}
		MUST(strlen(url + n) == DIGEST_HEX + strlen("/checkpoint"));
		w->monitored++;
		if (w->silent || w->note.n == 0)
			return 404;
		buffer_put_span(ret_answer, buffer_span(&w->note));
		return 200;
	}
	MUST(!"an address that is nobody's");
	return 0;
}

struct witness_port fake_witness_port(void)
{
	return (struct witness_port){.ask = ask};
}

void fake_witness_cosign(struct fake_witnesses *f, unsigned i, struct span note)
{
	struct checkpoint c;

	MUST(checkpoint_open(note, f->log.origin, &f->log.keys[0], &c) == LOG_HOLDS);
	remember(&f->w[i], f, &c, note);
}

unsigned fake_witnesses_in(const struct fake_witnesses *f, struct span note)
{
	struct note_key keys[WITNESSES];
	struct note_signatures by;
	struct span text;

	for (unsigned i = 0; i < WITNESSES; i++)
		keys[i] = f->w[i].key;
	enum log_failure failure = note_open(note, keys, WITNESSES, &text, &by);
	MUST(failure == LOG_HOLDS || failure == LOG_KEY_MISSING);
	return failure == LOG_HOLDS ? (unsigned)by.n : 0;
}
