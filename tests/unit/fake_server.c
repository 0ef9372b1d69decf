#include "fake_server.h"

#include <stdio.h>
#include <stdlib.h>

#define ORIGIN "log.test/1"

static void must(bool holds)
{
	if (!holds)
		abort();
}

struct fake_server *fake_server_new(void)
{
	struct fake_server *f = calloc(1, sizeof(*f));
	const uint8_t seed[SEED_SIZE] = {7};
	struct buffer vkey = BUFFER_EMPTY;
	struct public_key public;

	must(f != NULL && crypto_start());
	key_from_seed(seed, &f->log_secret, &public);
	must(note_key_make(span_str(ORIGIN), NOTE_ED25519, &public, &f->log_key));
	note_key_put(&vkey, &f->log_key);
	must(buffer_ok(&vkey) && vkey.n < sizeof(f->vkey));
	memcpy(f->vkey, vkey.p, vkey.n);
	buffer_free(&vkey);
	f->binding = digest_of(span_str("certificate"));
	f->arena = arena_new((size_t)64 * 1024 * 1024);
	f->other = UINT64_MAX;
	must(f->arena != NULL);
	for (int i = 0; i < 5; i++)
		fake_server_append(f, span_str("the log's first entries"));
	return f;
}

void fake_server_free(struct fake_server *f)
{
	for (uint64_t i = 0; i < f->size; i++)
		buffer_free(&f->entries[i]);
	arena_free(f->arena);
	free(f);
}

void fake_server_append(struct fake_server *f, struct span envelope)
{
	const struct log_entry entry = {.envelope = envelope, .accepted_at = 1000 + (micros)f->size};

	must(f->size < FAKE_ENTRIES_MAX && log_entry_encode(&entry, &f->entries[f->size]));
	f->leaves[f->size] = merkle_leaf(buffer_span(&f->entries[f->size]));
	f->size++;
}

/* ---- proofs, by the definition of RFC 6962 ---- */

static struct digest leaf_at(const struct fake_server *f, uint64_t i)
{
	return i >= f->other ? merkle_leaf(span_str("another history")) : f->leaves[i];
}

static struct digest root_of(const struct fake_server *f, uint64_t from, uint64_t to)
{
	struct digest leaves[FAKE_ENTRIES_MAX];

	for (uint64_t i = from; i < to; i++)
		leaves[i - from] = leaf_at(f, i);
	return merkle_root(leaves, (size_t)(to - from));
}

static uint64_t split(uint64_t n)
{
	uint64_t k = 1;

	while (2 * k < n)
		k *= 2;
	return k;
}

static size_t inclusion(const struct fake_server *f, uint64_t index, uint64_t from, uint64_t to,
			struct digest *proof)
{
	if (to - from == 1)
		return 0;
	uint64_t middle = from + split(to - from);
	bool left = index < middle;
	size_t n = left ? inclusion(f, index, from, middle, proof) : inclusion(f, index, middle, to, proof);
	proof[n] = left ? root_of(f, middle, to) : root_of(f, from, middle);
	return n + 1;
}

static size_t consistency(const struct fake_server *f, uint64_t m, uint64_t from, uint64_t to, bool whole,
			  struct digest *proof)
{
	uint64_t n = to - from;

	if (m == n) {
		if (whole)
			return 0;
		proof[0] = root_of(f, from, to);
		return 1;
	}
	uint64_t k = split(n);
	size_t got;
	if (m <= k) {
		got = consistency(f, m, from, from + k, whole, proof);
		proof[got] = root_of(f, from + k, to);
	} else {
		got = consistency(f, m - k, from + k, to, false, proof);
		proof[got] = root_of(f, from, from + k);
	}
	return got + 1;
}

struct span fake_server_checkpoint(struct fake_server *f, uint64_t size)
{
	const struct checkpoint c = {.origin = span_str(ORIGIN), .size = size, .root = root_of(f, 0, size)};
	struct buffer text = BUFFER_EMPTY;

	checkpoint_sign(&text, &c, &f->log_key, &f->log_secret);
	struct span copy = arena_copy(f->arena, buffer_span(&text));
	must(copy.p != NULL);
	buffer_free(&text);
	return copy;
}

struct span fake_server_proof(struct fake_server *f, uint64_t index)
{
	struct digest proof[MERKLE_PROOF_MAX];
	struct buffer text = BUFFER_EMPTY;
	size_t n = inclusion(f, index, 0, f->size, proof);

	proof_put(&text, index, proof, n, fake_server_checkpoint(f, f->size));
	struct span copy = arena_copy(f->arena, buffer_span(&text));
	must(copy.p != NULL);
	buffer_free(&text);
	return copy;
}

/* Signed by a key of the same name that is not the log's. */
static struct span forged(struct fake_server *f, uint64_t size)
{
	struct fake_server other = *f;
	const uint8_t seed[SEED_SIZE] = {8};
	struct public_key public;

	key_from_seed(seed, &other.log_secret, &public);
	must(note_key_make(span_str(ORIGIN), NOTE_ED25519, &public, &other.log_key));
	return fake_server_checkpoint(&other, size);
}

/* ---- frames ---- */

static void send_frame(struct mft_session *s, const struct frame *f)
{
	struct buffer bytes = BUFFER_EMPTY;

	must(frame_encode(f, &bytes) && mft_session_input(s, buffer_span(&bytes)));
	buffer_free(&bytes);
}

void fake_server_greet(struct fake_server *f, struct mft_session *s)
{
	const struct frame challenge = {
	    .last = true,
	    .kind = FRAME_CHALLENGE,
	    .challenge = {.nonce = digest_of(span_str("nonce")),
			  .origin = span_str(f->lie == LIE_CHALLENGE ? "log.test/2" : ORIGIN),
			  .version = f->lie == LIE_VERSION ? 2 : 1,
			  .server_time = 1}};
	const struct frame early = {
	    .id = 1, .last = true, .kind = FRAME_WELCOME, .welcome = {.next_number = 1}};

	if (f->lie == LIE_LENGTH)
		must(mft_session_input(s, span_of("\xff\xff\xff\xff", 4)));
	else if (f->lie == LIE_GARBAGE)
		must(mft_session_input(s, span_of("\0\0\0\3\xff\xff\xff", 7)));
	else
		send_frame(s, f->lie == LIE_SILENT_HELLO ? &early : &challenge);
}

static void answer_hello(struct fake_server *f, struct mft_session *s, uint64_t id, struct span bytes)
{
	struct problems problems = {.arena = f->arena};
	struct digest proof[MERKLE_PROOF_MAX];
	struct envelope envelope;
	struct hello hello;

	must(envelope_decode(bytes, HELLO_PAYLOAD_TYPE, f->arena, &problems, &envelope) &&
	     envelope_hello(&envelope, f->arena, &problems, &hello));
	const struct digest nonce = digest_of(span_str("nonce"));
	must(digest_eq(&hello.nonce, &nonce) && digest_eq(&hello.binding, &f->binding));
	uint64_t size = f->lie == LIE_WELCOME_SMALLER ? hello.size - 1 : f->size;
	uint64_t other = f->other;
	if (f->lie == LIE_WELCOME_ROOT)
		f->other = 2;
	struct frame welcome = {
	    .id = id, .last = true, .kind = FRAME_WELCOME, .welcome = {.next_number = 1, .server_time = 1}};
	welcome.welcome.checkpoint =
	    f->lie == LIE_WELCOME_KEY ? forged(f, size) : fake_server_checkpoint(f, size);
	f->other = other;
	if (hello.size > 0 && hello.size < size)
		welcome.welcome.consistency_n = consistency(f, hello.size, 0, size, true, proof);
	if (f->lie == LIE_WELCOME_PROOF)
		proof[0].b[5] ^= 4;
	welcome.welcome.consistency = proof;
	send_frame(s, &welcome);
}

static void send_receipt(struct fake_server *f, struct mft_session *s, uint64_t id, uint64_t index)
{
	struct digest proof[MERKLE_PROOF_MAX];
	struct buffer text = BUFFER_EMPTY;
	struct buffer entry = BUFFER_EMPTY;
	uint64_t size = f->lie == LIE_SMALLER ? 4 : f->size;

	if (f->lie == LIE_SMALLER || f->lie == LIE_ENTRY)
		index = 3;
	if (f->lie == LIE_HISTORY)
		f->leaves[3] = merkle_leaf(span_str("another history"));
	buffer_put_span(&entry, buffer_span(&f->entries[index]));
	size_t n = inclusion(f, index, 0, size, proof);
	if (f->lie == LIE_PROOF)
		proof[0].b[0] ^= 1;
	if (f->lie == LIE_ENVELOPE)
		entry.p[entry.n / 2] ^= 1;
	proof_put(&text, index, proof, n,
		  f->lie == LIE_KEY ? forged(f, size) : fake_server_checkpoint(f, size));
	const struct frame receipt = {.id = f->lie == LIE_ID ? id + 1000 : id,
				      .last = true,
				      .kind = FRAME_RECEIPT,
				      .receipt = {.entry = buffer_span(&entry),
						  .index = f->lie == LIE_INDEX ? index - 1 : index,
						  .proof = buffer_span(&text)}};
	send_frame(s, &receipt);
	buffer_free(&text);
	buffer_free(&entry);
}

static void answer_entry(struct fake_server *f, struct mft_session *s, const struct frame *query)
{
	struct digest proof[MERKLE_PROOF_MAX];
	struct buffer text = BUFFER_EMPTY;
	uint64_t index = query->query.index;
	size_t n = inclusion(f, index, 0, f->entry_size, proof);

	proof_put(&text, index, proof, n, fake_server_checkpoint(f, f->entry_size));
	const struct frame answer = {.id = query->id,
				     .last = true,
				     .kind = FRAME_ANSWER,
				     .answer = {.kind = ANSWER_ENTRY,
						.entry = {.entry = buffer_span(&f->entries[index]),
							  .index = index,
							  .proof = buffer_span(&text)}}};
	send_frame(s, &answer);
	buffer_free(&text);
}

static void answer_checkpoint(struct fake_server *f, struct mft_session *s, uint64_t id, uint64_t from,
			      uint64_t to_size)
{
	struct digest proof[MERKLE_PROOF_MAX];
	struct frame answer = {
	    .id = id, .last = true, .kind = FRAME_ANSWER, .answer = {.kind = ANSWER_CHECKPOINT}};
	struct checkpoint_view *view = &answer.answer.checkpoint;
	const struct problem_view problem = {.rule = span_str("x"), .zh = span_str("x"), .en = span_str("x")};

	f->checkpoint_queries++;
	if (f->lie == LIE_REFUSE_PROOF) {
		const struct frame refusal = {
		    .id = id,
		    .last = true,
		    .kind = FRAME_REFUSAL,
		    .refusal = {.kind = REFUSAL_FORBIDDEN, .problems = &problem, .problems_n = 1}};
		send_frame(s, &refusal);
		return;
	}
	uint64_t size = f->lie == LIE_LATEST ? 3 : to_size > 0 ? to_size : f->size;

	must(to_size <= f->size);
	view->checkpoint = fake_server_checkpoint(f, size);
	if (from > 0 && from < size)
		view->consistency_n = consistency(f, from, 0, size, true, proof);
	if (f->lie == LIE_CONSISTENCY && view->consistency_n > 0)
		proof[view->consistency_n - 1].b[31] ^= 128;
	view->consistency = proof;
	send_frame(s, &answer);
}

void fake_server_commit(struct fake_server *f, struct mft_session *s)
{
	uint64_t first = f->size;

	for (size_t i = 0; i < f->held_n; i++)
		fake_server_append(f, f->held[i]);
	for (size_t i = 0; i < f->held_n; i++)
		send_receipt(f, s, f->held_ids[i], first + i);
	f->held_n = 0;
}

static void take(struct fake_server *f, struct mft_session *s, const struct frame *frame)
{
	const struct frame end = {
	    .id = frame->id, .last = true, .kind = FRAME_ANSWER, .answer = {.kind = ANSWER_END}};

	if (frame->kind == FRAME_HELLO) {
		answer_hello(f, s, frame->id, frame->hello);
	} else if (frame->kind == FRAME_SUBMIT) {
		must(f->held_n < 256);
		f->held[f->held_n] = frame->submit;
		f->held_ids[f->held_n++] = frame->id;
		if (f->batch == 0 || f->held_n == f->batch)
			fake_server_commit(f, s);
	} else if (frame->kind == FRAME_QUERY && frame->query.kind == QUERY_CHECKPOINT) {
		answer_checkpoint(f, s, frame->id, frame->query.size, frame->query.to_size);
	} else if (frame->kind == FRAME_QUERY && frame->query.kind == QUERY_ENTRY && f->entry_size > 0) {
		answer_entry(f, s, frame);
	} else if (frame->kind == FRAME_QUERY && f->lie == LIE_KIND) {
		send_receipt(f, s, frame->id, 1);
	} else if (frame->kind == FRAME_QUERY) {
		send_frame(s, &end);
	}
}

bool fake_server_serve(struct fake_server *f, struct mft_session *s)
{
	struct buffer *out = mft_session_output(s);
	struct problems problems = {.arena = f->arena};
	struct span bytes;
	bool any = false;
	size_t need;

	while (frame_next(buffer_span(out), &bytes, &need) == FRAME_HERE) {
		struct frame frame;
		must(frame_decode(bytes, f->arena, &problems, &frame));
		buffer_consume(out, FRAME_HEAD + bytes.n);
		take(f, s, &frame);
		any = true;
	}
	return any;
}
