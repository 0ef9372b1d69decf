/*
 * How the rows of schema_*.c are written. Each file defines VALUE as the C type that the rows below it fill
 * in; AT() is the offset of a member and refuses to compile when the member has not the type its shape needs.
 */
#ifndef WIRE_ROWS_H
#define WIRE_ROWS_H

#include "wire/schema.h"

/* Times end with the year 9999, so that sums of times and spans cannot overflow. */
#define TIME_LATEST  INT64_C(253402300799999999)
#define GRAMS_MAX    INT64_C(1000000000)
#define PIECES_MAX   100000
#define UNBOUNDED_64 ((int64_t)UINT64_MAX) /* SHAPE_U64: all 64 bits */

#define MEMBER(m) __typeof__(((VALUE *)0)->m)
/* 0, or no compilation. */
#define DEMAND(condition) (0 * sizeof(char[(condition) ? 1 : -1]))
#define AT(m, type)       (offsetof(VALUE, m) + DEMAND(__builtin_types_compatible_p(MEMBER(m), type)))
#define AT_INT(m)         (offsetof(VALUE, m) + DEMAND(sizeof(MEMBER(m)) == sizeof(int)))

#define TEXT(n, m, lo, hi, p)                                                                                \
	.name = n, .shape = SHAPE_TEXT, .at = AT(m, struct span), .min = lo, .max = hi, .pattern = p
#define TEXTS(n, m, lo, hi, p)                                                                               \
	.name = n, .shape = SHAPE_TEXT, .at = AT(m, const struct span *), .min = lo, .max = hi, .pattern = p
#define BYTES(n, m, lo, hi) .name = n, .shape = SHAPE_BYTES, .at = AT(m, struct span), .min = lo, .max = hi
#define CREDIT(n, m)                                                                                         \
	.name = n, .shape = SHAPE_CREDIT, .at = AT(m, char[CREDIT_CODE_SIZE + 1]), .min = CREDIT_CODE_SIZE,  \
	.max = CREDIT_CODE_SIZE, .pattern = PATTERN_CREDIT
#define NUMBER_FROM(n, m, type, lo)                                                                          \
	.name = n, .shape = SHAPE_NUMBER, .at = AT(m, type), .min = lo, .max = 14, .pattern = PATTERN_NUMBER
#define NUMBER(n, m)         NUMBER_FROM(n, m, uint64_t, 14)
#define NUMBER_OR_NONE(n, m) NUMBER_FROM(n, m, uint64_t, 0)
#define NUMBERS(n, m)        NUMBER_FROM(n, m, const uint64_t *, 14)

#define FIXED(n, m, type, lo, size) .name = n, .shape = SHAPE_FIXED, .at = AT(m, type), .min = lo, .max = size
#define HASH(n, m)                  FIXED(n, m, struct digest, DIGEST_SIZE, DIGEST_SIZE)
#define HASH_OR_NONE(n, m)          FIXED(n, m, struct digest, 0, DIGEST_SIZE)
#define HASHES(n, m)                FIXED(n, m, const struct digest *, DIGEST_SIZE, DIGEST_SIZE)
#define KEY(n, m)                   FIXED(n, m, struct public_key, PUBLIC_KEY_SIZE, PUBLIC_KEY_SIZE)

#define U32(n, m, lo, hi)  .name = n, .shape = SHAPE_U32, .at = AT(m, uint32_t), .min = lo, .max = hi
#define U64(n, m, lo, hi)  .name = n, .shape = SHAPE_U64, .at = AT(m, uint64_t), .min = lo, .max = hi
#define S32(n, m, lo, hi)  .name = n, .shape = SHAPE_S32, .at = AT(m, int32_t), .min = lo, .max = hi
#define I64(n, m, lo, hi)  .name = n, .shape = SHAPE_I64, .at = AT(m, int64_t), .min = lo, .max = hi
#define TIME(n, m)         I64(n, m, 1, TIME_LATEST)
#define TIME_OR_NONE(n, m) I64(n, m, 0, TIME_LATEST)
#define GRAMS(n, m)        I64(n, m, 1, GRAMS_MAX)
#define PIECES(n, m)       U32(n, m, 1, PIECES_MAX)
#define BOOL(n, m)         .name = n, .shape = SHAPE_BOOL, .at = AT(m, bool)

/* Enums: the numbers allowed, as bits; ANY_OF_IT is every number the protocol knows but 0. */
#define ANY_OF_IT                0
#define ENUM(n, m, allowed)      .name = n, .shape = SHAPE_ENUM, .at = AT_INT(m), .min = 1, .max = allowed
#define ENUM_OR_NONE(n, m)       .name = n, .shape = SHAPE_ENUM, .at = AT_INT(m), .min = 0
#define ENUMS(n, m, type, allow) .name = n, .shape = SHAPE_ENUM, .at = AT(m, type), .min = 1, .max = allow

#define PART(n, m, type, msg)         .name = n, .shape = SHAPE_MESSAGE, .at = AT(m, type), .min = 1, .message = msg
#define PART_OR_NONE(n, m, type, msg) .name = n, .shape = SHAPE_MESSAGE, .at = AT(m, type), .message = msg
#define PARTS(n, m, type, msg)                                                                               \
	.name = n, .shape = SHAPE_MESSAGE, .at = AT(m, const type *), .min = 1, .message = msg
/* A message whose rows fill in the same value as the message it stands in. */
#define SAME(n, msg) .name = n, .shape = SHAPE_MESSAGE, .at = 0, .min = 1, .message = msg

#define PARTS_IN_PLACE(n, m, type, most, msg)                                                                \
	.name = n, .shape = SHAPE_MESSAGE, .at = AT(m, type[most]), .in_place = true, .min = 1, .message = msg

/* Makes a row a member of a oneof that the value tells by an int. */
#define CHOSEN(m, number) .choice_at = AT_INT(m), .chosen = number
/* The value tells by a bool whether the part is there. */
#define PRESENT(m) .present_at = AT(m, bool)
/* Makes a row a list. */
#define MANY(count, lo, hi) .count_at = AT(count, size_t), .least = lo, .most = hi

#define PARTY(n, m)         PART(n, m, struct party_ref, &party_ref_message)
#define PARTY_OR_NONE(n, m) PART_OR_NONE(n, m, struct party_ref, &party_ref_message)

#define ROWS(r)           .fields = r, .fields_n = ARRAY_LEN(r), .size = sizeof(VALUE)
#define DESCRIPTOR(lower) .descriptor = &manifest__v1__##lower##__descriptor

/* One message: its rows are the array lower_rows. */
#define MESSAGE(lower)                                                                                       \
	{                                                                                                    \
		DESCRIPTOR(lower), ROWS(lower##_rows)                                                        \
	}

#endif
