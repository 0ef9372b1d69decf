/*
 * What protobuf-c does for decoding: it unpacks into the request's arena, and what it packs again is compared
 * with what was received. It recurses as deep as the schema is, which has no message inside itself.
 */
#include "wire/schema.h"

/* Kept back from decoding, so that there is memory to say what is wrong: PROBLEMS_MAX problems, and their
 * views. */
enum { ROOM_FOR_PROBLEMS = 24 * 1024 };

static bool may_take(const struct arena *arena, size_t n)
{
	size_t left = arena_left(arena);

	return left >= ROOM_FOR_PROBLEMS && left - ROOM_FOR_PROBLEMS >= n;
}

void *decode_alloc(struct arena *arena, size_t n)
{
	return may_take(arena, n) ? arena_alloc(arena, n) : NULL;
}

/* protobuf-c does not say why it gave up. */
struct supply {
	struct arena *arena;
	bool starved;
};

static void *supply_give(void *self, size_t n)
{
	struct supply *s = self;
	void *p = may_take(s->arena, n) ? arena_room(s->arena, 1, n) : NULL;

	if (p == NULL)
		s->starved = true;
	return p;
}

/* The arena keeps everything until the request is done. */
static void supply_keep(void *self, void *p)
{
	(void)self, (void)p;
}

/* Compares what is packed with what was received, without storing it. */
struct comparison {
	ProtobufCBuffer base;
	struct span rest;
	bool differs;
};

static void compare(ProtobufCBuffer *base, size_t n, const uint8_t *p)
{
	struct comparison *c = (struct comparison *)base;

	if (c->differs || n > c->rest.n || (n > 0 && memcmp(c->rest.p, p, n) != 0)) {
		c->differs = true;
		return;
	}
	c->rest = span_of(c->rest.p + n, c->rest.n - n);
}

static bool is_canonical(const ProtobufCMessage *pb, struct span bytes)
{
	struct comparison c = {.base = {.append = compare}, .rest = bytes};

	(void)protobuf_c_message_pack_to_buffer(pb, &c.base);
	return !c.differs && c.rest.n == 0;
}

ProtobufCMessage *message_unpack(const struct message *m, struct span bytes, struct arena *arena,
				 struct problems *problems)
{
	struct supply supply = {.arena = arena};
	ProtobufCAllocator allocator = {.alloc = supply_give, .free = supply_keep, .allocator_data = &supply};
	ProtobufCMessage *pb = protobuf_c_message_unpack(m->descriptor, &allocator, bytes.n, bytes.p);

	if (pb == NULL)
		problem_add(problems, supply.starved ? CODEC(MEMORY) : CODEC(MALFORMED), "", "", "");
	else if (!is_canonical(pb, bytes))
		problem_add(problems, CODEC(CANONICAL), "", "", "");
	return pb;
}
