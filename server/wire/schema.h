/*
 * The messages as tables: one row for each protobuf field, in the order of the fields, that says both what
 * the field may hold and where it goes in the C value. The checker, the decoder and the encoder are small
 * walks over the same rows, so that a limit or a field cannot be in one and not in another; names, field
 * numbers, wire types and enum values come from protobuf-c's descriptors. Internal to wire/.
 */
#ifndef WIRE_SCHEMA_H
#define WIRE_SCHEMA_H

#include "base/buffer.h"
#include "manifest.pb-c.h"
#include "wire/rules.h"

enum shape {               /* protobuf type: C type */
	     SHAPE_TEXT,   /* string: struct span */
	     SHAPE_NUMBER, /* string of 14 digits: uint64_t; "": 0 */
	     SHAPE_CREDIT, /* string of 18 characters: char[19] */
	     SHAPE_HEX,    /* string of 64 hex digits: struct digest */
	     SHAPE_BYTES,  /* bytes: struct span */
	     SHAPE_FIXED,  /* bytes of exactly `max`: an array of them; empty: zeros */
	     SHAPE_U32,
	     SHAPE_U64,
	     SHAPE_S32, /* sint32: int32_t */
	     SHAPE_I64,
	     SHAPE_BOOL,
	     SHAPE_ENUM,    /* int */
	     SHAPE_MESSAGE, /* the value of `message`, in place; absent: zeros */
	     SHAPE_MASK,    /* repeated enum: uint32_t, bit 1 << n */
	     SHAPE_COUNTS,  /* repeated StateCount: uint64_t[10], by state */
	     SHAPES,
};

enum pattern {
	PATTERN_TEXT, /* any clean text */
	PATTERN_LINES,
	PATTERN_UNSPACED,
	PATTERN_ORIGIN,
	PATTERN_NUMBER,
	PATTERN_CREDIT,
	PATTERN_DIVISION,
	PATTERN_CITY,
	PATTERN_WASTE_CODE,
	PATTERN_WASTE_CODE_OR_CATEGORY,
	PATTERN_METHOD,
	PATTERN_EDITION,
	PATTERN_PERSON,
	PATTERN_HEX,
	PATTERNS,
};

struct message;

struct field {
	const char *name; /* as in the .proto, to be read and to be checked */
	enum shape shape;
	enum pattern pattern; /* texts that are not empty */
	size_t at;            /* offset in the value */
	size_t count_at;      /* lists: offset of the size_t count; 0: not a list */
	bool in_place;        /* lists: the array is in the value, not behind a pointer */
	uint32_t least, most; /* lists: how many */
	int64_t min, max;     /* numbers: range (as uint64_t for SHAPE_U64); texts and bytes: length;
			       * messages: 1 required; enums: 1 required, and the set allowed as bits, 0: any */
	int chosen;           /* members of a oneof: what the int at choice_at is when this one is meant */
	size_t choice_at;     /* 0, with chosen 0: this member is meant when it is not zero */
	size_t present_at;    /* messages: a bool that says whether it is there; 0: it is when not all zero */
	const struct message *message; /* SHAPE_MESSAGE */
};

struct message {
	const ProtobufCMessageDescriptor *descriptor;
	const struct field *fields; /* descriptor->n_fields of them */
	size_t fields_n;
	size_t size; /* of the value */
};

/* What a shape is made of, for walks over lists and for the test that holds the tables to the descriptors. */
struct shape_info {
	ProtobufCType type;
	size_t size;        /* of the C value; 0: by message, or all elements fill in one value */
	size_t member_size; /* of the element in protobuf-c's array */
};
extern const struct shape_info shapes[SHAPES];

static inline bool field_is_list(const struct field *f)
{
	return f->most > 0;
}

/* The C size of one element. */
static inline size_t field_size(const struct field *f)
{
	return f->shape == SHAPE_MESSAGE ? f->message->size : shapes[f->shape].size;
}

/*
 * Unpacks, demands the canonical form, checks every limit at every depth, and fills in the value of
 * m->size bytes. False: at least one problem was added, and the value is untouched.
 */
bool message_decode(const struct message *m, struct span bytes, struct arena *arena,
		    struct problems *problems, void *ret_value) MUST_CHECK;
/* Appends the canonical bytes. False: a choice that does not exist, or the buffer is broken. */
bool message_encode(const struct message *m, const void *value, struct buffer *to) MUST_CHECK;

/* Unpacks into the arena; a form that is not canonical is a problem. NULL: not readable, a problem was added.
 */
ProtobufCMessage *message_unpack(const struct message *m, struct span bytes, struct arena *arena,
				 struct problems *problems) MUST_CHECK;
/* Memory for what is decoded. NULL: what is left is kept for saying what is wrong. */
void *decode_alloc(struct arena *arena, size_t n) MUST_CHECK;

/* Whether a text keeps a pattern. When not: the rule, and what is allowed. */
bool pattern_holds(enum pattern pattern, struct span text, const struct rule **ret_rule,
		   const char **ret_allowed) MUST_CHECK;

extern const struct message event_message;
extern const struct message envelope_message;
extern const struct message hello_message;
extern const struct message frame_message;

#endif
