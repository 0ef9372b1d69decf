/*
 * messages: every frame there and back, the writer against protobuf-c's own packing, refusals that fit.
 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>

#include "samples.h"
#include "wire/schema.h"

static struct arena *arena;

static void start(void)
{
	arena = arena_new(REQUEST_MEMORY);
	cr_assert_not_null(arena);
}

static void stop(void)
{
	arena_free(arena);
}

TestSuite(messages, .init = start, .fini = stop);

/* The frame in the buffer, which holds nothing else. */
static struct span only_frame(const struct buffer *b)
{
	struct span frame = {0};
	size_t need;

	cr_assert_eq(frame_next(buffer_span(b), &frame, &need), FRAME_HERE);
	cr_assert_eq(b->n, FRAME_HEAD + frame.n);
	return frame;
}

static struct frame decode(struct span bytes)
{
	struct problems problems = {.arena = arena};
	struct frame f = {0};
	bool good = frame_decode(bytes, arena, &problems, &f);

	cr_assert(good, "%s: %s", good ? "" : problems.first->path, good ? "" : problems.first->rule->id);
	return f;
}

Test(messages, every_frame_there_and_back)
{
	struct buffer once = BUFFER_EMPTY;
	struct buffer again = BUFFER_EMPTY;

	for (size_t i = 0; i < sample_frames_n; i++) {
		struct frame f = sample_frame(i);
		buffer_clear(&once);
		cr_assert(frame_encode(&f, &once));
		struct frame back = decode(only_frame(&once));
		cr_expect_eq(back.id, f.id);
		cr_expect_eq(back.last, f.last);
		cr_expect_eq(back.kind, f.kind);
		buffer_clear(&again);
		cr_assert(frame_encode(&back, &again));
		cr_expect(span_eq(buffer_span(&once), buffer_span(&again)), "frame %zu", i);
		arena_reset(arena);
	}
	buffer_free(&once);
	buffer_free(&again);
}

Test(messages, queries_arrive)
{
	struct buffer b = BUFFER_EMPTY;
	unsigned seen = 0;

	for (size_t i = 0; i < sample_frames_n; i++) {
		struct frame f = sample_frame(i);
		if (f.kind != FRAME_QUERY)
			continue;
		buffer_clear(&b);
		cr_assert(frame_encode(&f, &b));
		struct query q = decode(only_frame(&b)).query;
		cr_expect_eq(q.kind, f.query.kind);
		cr_expect_eq(q.flag_kinds, f.query.flag_kinds);
		cr_expect(party_ref_eq(&q.party, &f.query.party));
		cr_expect_eq(q.numbers_n, f.query.numbers_n);
		for (size_t n = 0; n < q.numbers_n; n++)
			cr_expect_eq(q.numbers[n], f.query.numbers[n]);
		cr_expect_eq(q.index, f.query.index);
		cr_expect_eq(q.size, f.query.size);
		cr_expect_eq(q.seconds, f.query.seconds);
		cr_expect_eq(q.after, f.query.after);
		cr_expect_eq(q.limit, f.query.limit);
		cr_expect_eq(q.open_only, f.query.open_only);
		cr_expect_eq(q.until, f.query.until);
		cr_expect_eq(q.state, f.query.state);
		seen |= 1U << q.kind;
		arena_reset(arena);
	}
	cr_expect_eq(seen, (2U << QUERY_WATCH) - 2, "every kind of query");
	buffer_free(&b);
}

Test(messages, counts_by_state_arrive)
{
	struct buffer b = BUFFER_EMPTY;
	struct frame f = {.id = 1, .kind = FRAME_ANSWER, .answer = {.kind = ANSWER_SUMMARY}};

	for (size_t i = 0; i < sample_frames_n; i++)
		if (sample_frame(i).kind == FRAME_ANSWER && sample_frame(i).answer.kind == ANSWER_SUMMARY)
			f = sample_frame(i);
	for (size_t i = 1; i < ARRAY_LEN(f.answer.summary.manifests); i++)
		f.answer.summary.manifests[i] = i * 1000;
	cr_assert(frame_encode(&f, &b));
	struct frame back = decode(only_frame(&b));
	for (size_t i = 0; i < ARRAY_LEN(f.answer.summary.manifests); i++)
		cr_expect_eq(back.answer.summary.manifests[i], i * 1000);
	cr_expect_eq(back.answer.summary.stock_grams, f.answer.summary.stock_grams);
	buffer_free(&b);
}

/* Receipts of all sizes, against protobuf-c. */
Test(messages, receipt_is_what_protobuf_packs)
{
	static const size_t sizes[] = {0, 1, 100, 127, 128, 129, 700, 16200, 16384, 40000};
	struct buffer b = BUFFER_EMPTY;
	uint8_t *expected = malloc(FRAME_MAX);
	char *text = malloc(FRAME_MAX);

	cr_assert(expected != NULL && text != NULL);
	memset(text, 'x', FRAME_MAX);
	for (size_t i = 0; i < ARRAY_LEN(sizes) * ARRAY_LEN(sizes); i++) {
		size_t entry = sizes[i % ARRAY_LEN(sizes)];
		size_t proof = sizes[i / ARRAY_LEN(sizes)];
		if (entry + proof > 60000)
			continue;
		struct frame f = {.id = i * 100, .last = i % 2 == 0, .kind = FRAME_RECEIPT};
		f.receipt = (struct receipt){.entry = span_of(text, entry),
					     .index = i * i * i * i,
					     .proof = span_of(text, proof),
					     .repeated = i % 3 == 0};
		Manifest__V1__Receipt receipt;
		Manifest__V1__Frame frame;
		char saved = text[proof];
		manifest__v1__receipt__init(&receipt);
		manifest__v1__frame__init(&frame);
		text[proof] = '\0';
		receipt.proof = text;
		receipt.entry = (ProtobufCBinaryData){
		    .len = entry, .data = (uint8_t *)text + (entry > proof ? proof + 1 : 0)};
		f.receipt.entry.p = receipt.entry.data;
		receipt.index = f.receipt.index;
		receipt.repeated = f.receipt.repeated;
		frame.id = f.id;
		frame.last = f.last;
		frame.body_case = MANIFEST__V1__FRAME__BODY_RECEIPT;
		frame.receipt = &receipt;
		size_t n = manifest__v1__frame__pack(&frame, expected);
		buffer_clear(&b);
		cr_assert(frame_encode(&f, &b));
		cr_expect(span_eq(only_frame(&b), span_of(expected, n)), "entry %zu, proof %zu", entry,
			  proof);
		text[proof] = saved;
	}
	free(expected);
	free(text);
	buffer_free(&b);
}

Test(messages, several_frames_in_one_buffer)
{
	struct buffer b = BUFFER_EMPTY;
	struct span frame;
	size_t need;
	size_t seen = 0;

	for (size_t i = 0; i < sample_frames_n; i++) {
		struct frame f = sample_frame(i);
		cr_assert(frame_encode(&f, &b));
	}
	struct span rest = buffer_span(&b);
	while (frame_next(rest, &frame, &need) == FRAME_HERE) {
		cr_expect_eq(decode(frame).id, ++seen);
		rest = span_of(rest.p + FRAME_HEAD + frame.n, rest.n - FRAME_HEAD - frame.n);
		arena_reset(arena);
	}
	cr_expect_eq(seen, sample_frames_n);
	buffer_free(&b);
}

Test(messages, too_long_a_frame_leaves_the_buffer)
{
	struct buffer b = BUFFER_EMPTY;
	struct buffer big = BUFFER_EMPTY;
	struct frame f = sample_frame(0);

	cr_assert(frame_encode(&f, &b));
	size_t before = b.n;
	cr_assert_not_null(buffer_reserve(&big, FRAME_MAX));
	memset(big.p, 'x', FRAME_MAX);
	f = (struct frame){.id = 1, .kind = FRAME_RECEIPT, .receipt = {.entry = span_of(big.p, FRAME_MAX)}};
	cr_expect_not(frame_encode(&f, &b));
	cr_expect_eq(b.n, before);
	f = (struct frame){.id = 1, .kind = (enum frame_kind)99};
	cr_expect_not(frame_encode(&f, &b));
	cr_expect_eq(b.n, before);
	buffer_free(&b);
	buffer_free(&big);
}

/* ---- refusals ---- */

static struct refusal refusal_of(const struct problems *problems)
{
	struct refusal refusal = {.kind = REFUSAL_RULE};

	cr_assert(refusal_problems(problems, arena, &refusal));
	return refusal;
}

Test(messages, refusal_says_everything)
{
	struct problems problems = {.arena = arena};
	struct buffer b = BUFFER_EMPTY;

	problem_add(&problems, CODEC(WASTE_CODE), "issued.lines[1].code", "999", "NNN-NNN-NN");
	problem_add(&problems, CODEC(MISSING), "issued.plate", NULL, NULL);
	struct frame f = {.id = 3, .last = true, .kind = FRAME_REFUSAL, .refusal = refusal_of(&problems)};
	cr_assert(frame_encode(&f, &b));
	struct refusal back = decode(only_frame(&b)).refusal;
	cr_expect_eq(back.problems_n, 2);
	cr_expect(span_eq_str(back.problems[0].path, "issued.lines[1].code"));
	cr_expect(span_eq_str(back.problems[0].rule, CODEC(WASTE_CODE)->id));
	cr_expect(span_eq_str(back.problems[0].found, "999"));
	cr_expect(span_eq_str(back.problems[0].source, CODEC(WASTE_CODE)->source->en));
	cr_expect(span_eq_str(back.problems[0].source_zh, CODEC(WASTE_CODE)->source->zh));
	cr_expect(span_eq_str(back.problems[0].zh, CODEC(WASTE_CODE)->zh));
	cr_expect(span_eq_str(back.problems[1].en, CODEC(MISSING)->en));
	buffer_free(&b);
}

/* However many problems with however long texts: the refusal fits a frame, and counts what it leaves out. */
Test(messages, refusal_always_fits)
{
	struct arena *room = arena_new(4 * 1024 * 1024);
	struct problems problems = {.arena = room};
	struct buffer b = BUFFER_EMPTY;
	char found[500];

	memset(found, 'f', sizeof(found) - 1);
	found[sizeof(found) - 1] = '\0';
	for (size_t i = 0; i < 100; i++)
		problem_add(&problems, CODEC(CANONICAL), found, found, found);
	struct frame f = {.id = 3, .last = true, .kind = FRAME_REFUSAL, .refusal = refusal_of(&problems)};
	cr_assert(frame_encode(&f, &b));
	struct refusal back = decode(only_frame(&b)).refusal;
	cr_expect_gt(back.problems_n, 20);
	const struct problem_view *last = &back.problems[back.problems_n - 1];
	cr_expect(span_eq_str(last->rule, CODEC(MORE)->id));
	char expected[16];
	(void)snprintf(expected, sizeof(expected), "%zu", 100 - (back.problems_n - 1));
	cr_expect(span_eq_str(last->found, expected));
	buffer_free(&b);
	arena_free(room);
}

Test(messages, the_id_of_a_frame_that_cannot_be_read)
{
	static const struct {
		const char *bytes;
		size_t n;
		uint64_t id;
	} cases[] = {
	    {"", 0, 0},
	    {"\x08", 1, 0},
	    {"\x10\x07", 2, 0},
	    {"\x08\x07\xff", 3, 7},
	    {"\x08\x80\x80\x04", 4, 65536},
	    {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11, UINT64_MAX},
	    {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_eq(frame_peek_id(span_of(cases[i].bytes, cases[i].n)), cases[i].id, "case %zu", i);
}

Test(messages, flipped_bits_do_no_harm)
{
	struct buffer good = BUFFER_EMPTY;
	struct buffer back = BUFFER_EMPTY;

	for (size_t i = 0; i < sample_frames_n; i++) {
		struct frame f = sample_frame(i);
		buffer_clear(&good);
		cr_assert(frame_encode(&f, &good));
		for (size_t bit = 8 * FRAME_HEAD; bit < 8 * good.n; bit++) {
			struct problems problems = {.arena = arena};
			good.p[bit / 8] ^= (uint8_t)(1U << bit % 8);
			if (frame_decode(only_frame(&good), arena, &problems, &f)) {
				buffer_clear(&back);
				cr_expect(frame_encode(&f, &back));
			} else {
				cr_expect(problems_any(&problems));
			}
			good.p[bit / 8] ^= (uint8_t)(1U << bit % 8);
			arena_reset(arena);
		}
	}
	buffer_free(&good);
	buffer_free(&back);
}
