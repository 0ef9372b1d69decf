/*
 * codec: the schema against protobuf-c's descriptors; every kind of event there and back; every limit of the
 * tables broken once, and stood on once; every way not to be canonical.
 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>

#include "mutate.h"
#include "samples.h"
#include "wire/schema.h"

enum { ARENA_LIMIT = 8 * 1024 * 1024 };

static const struct message *const roots[] = {&event_message, &envelope_message, &hello_message,
					      &frame_message};

/* ---- the tables ---- */

/* Every row that can be reached, each once. */
struct table_rows {
	const struct field *fields[1024];
	const ProtobufCFieldDescriptor *descriptors[1024];
	bool broken[1024];
	size_t n;
};

static size_t rows_find(const struct table_rows *rows, const struct field *f)
{
	for (size_t i = 0; i < rows->n; i++)
		if (rows->fields[i] == f)
			return i;
	return rows->n;
}

static bool row_follows(const struct field *f, const ProtobufCFieldDescriptor *d)
{
	return strcmp(f->name, d->name) == 0 && d->type == shapes[f->shape].type &&
	       (d->label != PROTOBUF_C_LABEL_REPEATED || field_is_list(f)) &&
	       (f->shape != SHAPE_MESSAGE || (f->message->descriptor == d->descriptor &&
					      f->message->fields_n == f->message->descriptor->n_fields));
}

static void rows_add(struct table_rows *rows, const struct field *f, const ProtobufCFieldDescriptor *d)
{
	cr_assert_lt(rows->n, ARRAY_LEN(rows->fields));
	rows->fields[rows->n] = f;
	rows->descriptors[rows->n++] = d;
}

static void rows_collect(struct table_rows *rows, const struct message *m)
{
	for (size_t i = 0; i < m->fields_n && i < m->descriptor->n_fields; i++) {
		const struct field *f = &m->fields[i];
		if (rows_find(rows, f) < rows->n)
			return;
		rows_add(rows, f, &m->descriptor->fields[i]);
		if (f->shape == SHAPE_MESSAGE)
			rows_collect(rows, f->message);
	}
}

Test(codec, tables_follow_the_protocol)
{
	static struct table_rows rows;

	for (size_t i = 0; i < ARRAY_LEN(roots); i++) {
		cr_assert_eq(roots[i]->fields_n, roots[i]->descriptor->n_fields);
		rows_collect(&rows, roots[i]);
	}
	cr_expect_gt(rows.n, 250);
	for (size_t i = 0; i < rows.n; i++)
		cr_expect(row_follows(rows.fields[i], rows.descriptors[i]), "%s", rows.fields[i]->name);
	for (size_t i = 0; i < event_message.fields_n; i++)
		if (event_message.fields[i].chosen != 0)
			cr_expect_eq(event_message.fields[i].chosen,
				     (int)event_message.descriptor->fields[i].id);
	for (size_t i = 0; i < frame_message.fields_n; i++)
		if (frame_message.fields[i].chosen != 0)
			cr_expect_eq(frame_message.fields[i].chosen,
				     (int)frame_message.descriptor->fields[i].id);
}

Test(codec, rules_are_complete)
{
	for (size_t i = 0; i < CODEC_RULE_COUNT; i++) {
		cr_expect(codec_rules[i].id[0] != '\0' && codec_rules[i].source != NULL);
		cr_expect(codec_rules[i].zh[0] != '\0' && codec_rules[i].en[0] != '\0');
		for (size_t k = 0; k < i; k++)
			cr_expect_str_neq(codec_rules[i].id, codec_rules[k].id);
	}
}

/* ---- there and back ---- */

static void encode(const struct event *e, struct buffer *to)
{
	buffer_clear(to);
	cr_assert(event_encode(e, to));
}

static bool first_problem(const struct problems *problems, char *text, size_t cap)
{
	if (!problems_any(problems))
		return false;
	(void)snprintf(text, cap, "%s: %s (%s; %s)", problems->first->path, problems->first->rule->id,
		       problems->first->found, problems->first->allowed);
	return true;
}

Test(codec, every_kind_there_and_back)
{
	struct arena *arena = arena_new(REQUEST_MEMORY);
	struct buffer once = BUFFER_EMPTY;
	struct buffer again = BUFFER_EMPTY;

	for (size_t i = 0; i < sample_events_n; i++) {
		struct event e = sample_event(i);
		struct event back;
		struct problems problems = {.arena = arena};
		char text[512] = "";
		encode(&e, &once);
		bool good = event_decode(buffer_span(&once), arena, &problems, &back);
		first_problem(&problems, text, sizeof(text));
		cr_assert(good, "%s: %s", event_kind_name(e.kind), text);
		cr_expect_eq(back.kind, e.kind);
		cr_expect_eq(back.number, e.number);
		cr_expect(digest_eq(&back.previous, &e.previous));
		encode(&back, &again);
		cr_expect(span_eq(buffer_span(&once), buffer_span(&again)), "%s", event_kind_name(e.kind));
		arena_reset(arena);
	}
	buffer_free(&once);
	buffer_free(&again);
	arena_free(arena);
}

static size_t sample_of(enum event_kind kind)
{
	size_t i = 0;

	while (i < sample_events_n && sample_event(i).kind != kind)
		i++;
	cr_assert_lt(i, sample_events_n);
	return i;
}

/* What a calendar or a setting clears has no event as its cause. */
Test(codec, a_flag_is_cleared_without_a_cause)
{
	struct event e = sample_event(sample_of(EVENT_FLAG_CLEARED)), back;
	struct arena *arena = arena_new(REQUEST_MEMORY);
	struct problems problems = {.arena = arena};
	struct buffer bytes = BUFFER_EMPTY;

	e.flag_cleared.cause = (struct digest){{0}};
	encode(&e, &bytes);
	cr_assert(event_decode(buffer_span(&bytes), arena, &problems, &back));
	cr_assert(digest_is_zero(&back.flag_cleared.cause));
	buffer_free(&bytes);
	arena_free(arena);
}

Test(codec, values_arrive)
{
	struct arena *arena = arena_new(REQUEST_MEMORY);
	struct buffer bytes = BUFFER_EMPTY;

	for (size_t i = 0; i < sample_events_n; i++) {
		struct event e = sample_event(i);
		struct event back;
		struct problems problems = {.arena = arena};
		encode(&e, &bytes);
		cr_assert(event_decode(buffer_span(&bytes), arena, &problems, &back));
		if (e.kind == EVENT_ISSUED) {
			cr_expect_eq(back.issued.lines_n, 2);
			cr_expect_eq(back.issued.lines[1].grams, 3400000);
			cr_expect(span_eq(back.issued.lines[1].code, e.issued.lines[1].code));
			cr_expect(party_ref_eq(&back.issued.facility, &e.issued.facility));
			cr_expect_eq(back.issued.arrive_by, e.issued.arrive_by);
		}
		if (e.kind == EVENT_ATTESTED) {
			cr_expect_eq(back.attested.step, e.attested.step);
			cr_expect(party_ref_eq(&back.attested.transfer.to, &e.attested.transfer.to));
			cr_expect_eq(back.attested.transfer.position.known,
				     e.attested.transfer.position.known);
			cr_expect_eq(back.attested.transfer.position.longitude,
				     e.attested.transfer.position.longitude);
		}
		if (e.kind == EVENT_PARTY_REGISTERED) {
			cr_expect_eq(back.party.party.roles_n, 2);
			cr_expect_eq(back.party.party.roles[1], ROLE_FACILITY);
			cr_expect_eq(back.party.party.valid_until, e.party.party.valid_until);
		}
		if (e.kind == EVENT_IMPORTED)
			cr_expect(span_eq(back.imported.lines[0].codes[1], e.imported.lines[0].codes[1]));
		cr_expect_eq(back.signers[1].seen.size, 12);
		arena_reset(arena);
	}
	buffer_free(&bytes);
	arena_free(arena);
}

/* ---- limits ---- */

struct limits_test {
	const struct message *message;
	struct arena *arena;
	struct table_rows *rows;
	void *value;
};

static bool reported(const struct problems *problems, const char *path)
{
	for (const struct problem *p = problems->first; p != NULL; p = p->next)
		if (strcmp(p->path, path) == 0)
			return true;
	return false;
}

static void expect_problem_at(struct limits_test *t, const struct mutation *mutation,
			      const struct problems *problems, const char *text)
{
	size_t row = rows_find(t->rows, mutation->field);

	/* What was found is left out only where it cannot be printed. */
	for (const struct problem *p = problems->first; p != NULL; p = p->next) {
		cr_expect_str_neq(p->allowed, "", "%s: %s: %s", p->path, p->rule->id, mutation->what);
		cr_expect(p->found[0] != '\0' || p->rule == CODEC(TEXT), "%s: %s: %s", p->path, p->rule->id,
			  mutation->what);
	}
	cr_expect(reported(problems, mutation->path), "%s: %s: %s", mutation->path, mutation->what, text);
	cr_assert_lt(row, t->rows->n);
	t->rows->broken[row] = true;
}

static void check_mutation(void *self, const struct mutation *mutation, struct span bytes)
{
	struct limits_test *t = self;
	struct problems problems = {.arena = t->arena};
	char text[512] = "";
	bool good = message_decode(t->message, bytes, t->arena, &problems, t->value);

	first_problem(&problems, text, sizeof(text));
	cr_expect_eq(good, mutation->good, "%s: %s: %s", mutation->path, mutation->what, text);
	if (!mutation->good)
		expect_problem_at(t, mutation, &problems, text);
	arena_reset(t->arena);
}

static void break_limits(struct limits_test *t, const struct message *m, const void *value)
{
	struct buffer bytes = BUFFER_EMPTY;

	t->message = m;
	t->value = malloc(m->size);
	cr_assert(t->value != NULL && message_encode(m, value, &bytes));
	mutate(m, buffer_span(&bytes), check_mutation, t);
	free(t->value);
	buffer_free(&bytes);
}

Test(codec, every_limit_refuses)
{
	static struct table_rows rows;
	struct limits_test t = {.arena = arena_new(ARENA_LIMIT), .rows = &rows};

	for (size_t i = 0; i < ARRAY_LEN(roots); i++)
		rows_collect(&rows, roots[i]);
	for (size_t i = 0; i < sample_events_n; i++) {
		struct event e = sample_event(i);
		break_limits(&t, &event_message, &e);
	}
	for (size_t i = 0; i < sample_frames_n; i++) {
		struct frame f = sample_frame(i);
		break_limits(&t, &frame_message, &f);
	}
	struct hello hello = sample_hello();
	break_limits(&t, &hello_message, &hello);
	struct envelope envelope = {
	    .payload = span_str("p"), .payload_type = span_str("t"), .signatures_n = 1};
	memset(&envelope.signatures[0], 7, sizeof(envelope.signatures[0]));
	break_limits(&t, &envelope_message, &envelope);
	for (size_t i = 0; i < rows.n; i++)
		if (field_has_limit(rows.fields[i], rows.descriptors[i]))
			cr_expect(rows.broken[i], "no case breaks %s", rows.fields[i]->name);
	arena_free(t.arena);
}

Test(codec, all_problems_at_once)
{
	struct arena *arena = arena_new(REQUEST_MEMORY);
	struct problems problems = {.arena = arena};
	struct buffer bytes = BUFFER_EMPTY;
	static const struct waste_line lines[2] = {{.line = 1}, {.line = 2}};
	struct event e = {.kind = EVENT_ISSUED, .occurred_at = -1, .issued = {.lines = lines, .lines_n = 2}};

	encode(&e, &bytes);
	cr_expect_not(event_decode(buffer_span(&bytes), arena, &problems, &e));
	static const char *const paths[] = {"signers",
					    "occurred_at",
					    "issued.number",
					    "issued.generator",
					    "issued.plate",
					    "issued.lines[0].code",
					    "issued.lines[1].packaging",
					    "issued.arrive_by"};
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		cr_expect(reported(&problems, paths[i]), "%s", paths[i]);
	cr_expect_eq(e.occurred_at, -1, "untouched on failure");
	buffer_free(&bytes);
	arena_free(arena);
}

/* ---- the canonical form ---- */

static bool has_rule(const struct problems *problems, const struct rule *rule)
{
	for (const struct problem *p = problems->first; p != NULL; p = p->next)
		if (p->rule == rule)
			return true;
	return false;
}

static void expect_refused(struct span bytes, const struct rule *rule, const char *what)
{
	struct arena *arena = arena_new(REQUEST_MEMORY);
	struct problems problems = {.arena = arena};
	struct event e;

	cr_expect_not(event_decode(bytes, arena, &problems, &e), "%s", what);
	cr_expect(has_rule(&problems, rule), "%s", what);
	arena_free(arena);
}

/* A good `cancelled`: signers twice, occurred_at, the kind, in this order. */
struct pieces {
	struct buffer all;
	struct span signers; /* both */
	struct span occurred_at;
	struct span kind;
};

static struct pieces pieces_new(void)
{
	struct pieces p = {.all = BUFFER_EMPTY};
	struct event e = sample_event(sample_of(EVENT_CANCELLED));
	static const struct signer none[2];

	encode(&e, &p.all);
	size_t signers = 0;
	for (size_t i = 0; i < 2; i++)
		signers += 2 + p.all.p[signers + 1];
	cr_assert(memcmp(none, e.signers, sizeof(none)) != 0);
	p.signers = span_of(p.all.p, signers);
	size_t time = signers + 1;
	while (p.all.p[time] >= 0x80)
		time++;
	p.occurred_at = span_of(p.all.p + signers, time + 1 - signers);
	p.kind = span_of(p.all.p + time + 1, p.all.n - time - 1);
	return p;
}

static void expect_pieces(const struct span *parts, size_t n, const struct rule *rule, const char *what)
{
	struct buffer b = BUFFER_EMPTY;

	for (size_t i = 0; i < n; i++)
		buffer_put_span(&b, parts[i]);
	expect_refused(buffer_span(&b), rule, what);
	buffer_free(&b);
}

#define SPAN(text) span_of(text, sizeof(text) - 1)
#define EXPECT(rule, what, ...)                                                                              \
	do {                                                                                                 \
		struct span parts[] = {__VA_ARGS__};                                                         \
		expect_pieces(parts, ARRAY_LEN(parts), rule, what);                                          \
	} while (0)

Test(codec, only_the_canonical_form)
{
	struct pieces p = pieces_new();
	struct buffer kind = BUFFER_EMPTY;

	EXPECT(CODEC(UNKNOWN_FIELD), "unknown field", p.signers, p.occurred_at, p.kind, SPAN("\x98\x06\x01"));
	EXPECT(CODEC(CANONICAL), "fields out of order", p.occurred_at, p.signers, p.kind);
	EXPECT(CODEC(CANONICAL), "kind before the time", p.signers, p.kind, p.occurred_at);
	EXPECT(CODEC(CANONICAL), "singular field twice", p.signers, p.occurred_at, p.occurred_at, p.kind);
	EXPECT(CODEC(CANONICAL), "the oneof member twice", p.signers, p.occurred_at, p.kind, p.kind);
	EXPECT(CODEC(CANONICAL), "two oneof members", p.signers, p.occurred_at, SPAN("\x52\x00"), p.kind);
	EXPECT(CODEC(CANONICAL), "default written out", p.signers, SPAN("\x10\x00"), p.kind);
	EXPECT(CODEC(CHOICE), "no kind", p.signers, p.occurred_at);
	EXPECT(CODEC(MALFORMED), "cut short", p.signers, span_of(p.occurred_at.p, 2));
	EXPECT(CODEC(MALFORMED), "a group", p.signers, p.occurred_at, SPAN("\x0b\x0c"), p.kind);

	buffer_put_span(&kind, p.occurred_at);
	kind.p[kind.n - 1] |= 0x80;
	buffer_put_u8(&kind, 0);
	EXPECT(CODEC(CANONICAL), "overlong varint", p.signers, buffer_span(&kind), p.kind);
	buffer_free(&kind);
	buffer_free(&p.all);
}

/* The same inside: the reason of a `cancelled` is the last field of the last field. */
Test(codec, canonical_at_depth)
{
	struct pieces p = pieces_new();
	static const struct {
		const char *what;
		struct span tail; /* put after cancelled.number */
		enum codec_rule rule;
	} cases[] = {
	    {"unknown field inside", {(const uint8_t *)"\x12\x01x\x48\x01", 5}, CODEC_UNKNOWN_FIELD},
	    {"reason twice", {(const uint8_t *)"\x12\x01x\x12\x01x", 6}, CODEC_CANONICAL},
	    {"NUL in the text", {(const uint8_t *)"\x12\x03x\0y", 5}, CODEC_CANONICAL},
	    {"bad UTF-8", {(const uint8_t *)"\x12\x02\xc3\x28", 4}, CODEC_TEXT},
	    {"control character", {(const uint8_t *)"\x12\x02x\x1b", 4}, CODEC_TEXT},
	    {"empty text written out", {(const uint8_t *)"\x12\x00", 2}, CODEC_CANONICAL},
	    {"overlong length", {(const uint8_t *)"\x12\x81\x00x", 4}, CODEC_CANONICAL},
	    {"overlong tag", {(const uint8_t *)"\x92\x00\x01x", 4}, CODEC_CANONICAL},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buffer kind = BUFFER_EMPTY;
		buffer_put(&kind, p.kind.p, 2);
		buffer_put_u8(&kind, (uint8_t)(16 + cases[i].tail.n));
		buffer_put(&kind, p.kind.p + 3, 16);
		buffer_put_span(&kind, cases[i].tail);
		EXPECT(&codec_rules[cases[i].rule], cases[i].what, p.signers, p.occurred_at,
		       buffer_span(&kind));
		buffer_free(&kind);
	}
	buffer_free(&p.all);
}

/* A packed list must be packed, once. */
Test(codec, lists_of_enums_are_packed)
{
	struct event e = sample_event(sample_of(EVENT_PARTY_REGISTERED));
	struct buffer bytes = BUFFER_EMPTY;
	static const uint8_t packed[] = {0x1a, 0x02, 0x01, 0x03};
	static const uint8_t loose[] = {0x18, 0x01, 0x18, 0x03};

	encode(&e, &bytes);
	uint8_t *at = memmem(bytes.p, bytes.n, packed, sizeof(packed));
	cr_assert_not_null(at);
	memcpy(at, loose, sizeof(loose));
	expect_refused(buffer_span(&bytes), CODEC(CANONICAL), "loose enums");
	buffer_free(&bytes);
}

/* ---- hostile bytes ---- */

/* Whatever eats the memory, large pieces or small, there is some left to say so. */
Test(codec, memory_is_bounded)
{
	struct buffer bytes = BUFFER_EMPTY;
	static struct foreign_line lines[200];
	static struct span codes[40];
	struct event e = sample_event(sample_of(EVENT_IMPORTED));

	while (bytes.n < 57000)
		buffer_put(&bytes, "\x0a\x00", 2); /* an empty signer */
	expect_refused(buffer_span(&bytes), CODEC(MEMORY), "many empty signers");
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		codes[i] = span_str("D001");
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		lines[i] = (struct foreign_line){.line = 1, .codes = codes, .codes_n = ARRAY_LEN(codes)};
	e.imported.lines = lines;
	e.imported.lines_n = ARRAY_LEN(lines);
	encode(&e, &bytes);
	cr_expect_lt(bytes.n, PAYLOAD_MAX);
	expect_refused(buffer_span(&bytes), CODEC(MEMORY), "very many codes");
	buffer_free(&bytes);
}

Test(codec, every_prefix_and_every_bit)
{
	struct arena *arena = arena_new(REQUEST_MEMORY);
	struct buffer good = BUFFER_EMPTY;
	struct buffer back = BUFFER_EMPTY;

	for (size_t i = 0; i < sample_events_n; i++) {
		struct event e = sample_event(i);
		encode(&e, &good);
		for (size_t n = 0; n < good.n; n++) {
			struct problems problems = {.arena = arena};
			cr_expect_not(event_decode(span_of(good.p, n), arena, &problems, &e));
			cr_expect(problems_any(&problems));
			arena_reset(arena);
		}
		for (size_t bit = 0; bit < 8 * good.n; bit++) {
			struct problems problems = {.arena = arena};
			good.p[bit / 8] ^= (uint8_t)(1U << bit % 8);
			if (event_decode(buffer_span(&good), arena, &problems, &e)) {
				encode(&e, &back);
				cr_expect(span_eq(buffer_span(&good), buffer_span(&back)));
			} else {
				cr_expect(problems_any(&problems));
			}
			good.p[bit / 8] ^= (uint8_t)(1U << bit % 8);
			arena_reset(arena);
		}
	}
	buffer_free(&good);
	buffer_free(&back);
	arena_free(arena);
}

Test(codec, unknown_kind_is_not_encoded)
{
	struct event e = sample_event(0);
	struct buffer bytes = BUFFER_EMPTY;

	e.kind = (enum event_kind)99;
	cr_expect_not(event_encode(&e, &bytes));
	buffer_free(&bytes);
}
