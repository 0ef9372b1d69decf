/*
 * The messages that others are made of. Limits are those that proto/manifest.proto states.
 */
#include "wire/parts.h"

const struct shape_info shapes[SHAPES] = {
    [SHAPE_TEXT] = {PROTOBUF_C_TYPE_STRING, sizeof(struct span), sizeof(char *)},
    [SHAPE_NUMBER] = {PROTOBUF_C_TYPE_STRING, sizeof(uint64_t), sizeof(char *)},
    [SHAPE_CREDIT] = {PROTOBUF_C_TYPE_STRING, CREDIT_CODE_SIZE + 1, sizeof(char *)},
    [SHAPE_HEX] = {PROTOBUF_C_TYPE_STRING, sizeof(struct digest), sizeof(char *)},
    [SHAPE_BYTES] = {PROTOBUF_C_TYPE_BYTES, sizeof(struct span), sizeof(ProtobufCBinaryData)},
    [SHAPE_FIXED] = {PROTOBUF_C_TYPE_BYTES, sizeof(struct digest), sizeof(ProtobufCBinaryData)},
    [SHAPE_U32] = {PROTOBUF_C_TYPE_UINT32, sizeof(uint32_t), sizeof(uint32_t)},
    [SHAPE_U64] = {PROTOBUF_C_TYPE_UINT64, sizeof(uint64_t), sizeof(uint64_t)},
    [SHAPE_S32] = {PROTOBUF_C_TYPE_SINT32, sizeof(int32_t), sizeof(int32_t)},
    [SHAPE_I64] = {PROTOBUF_C_TYPE_INT64, sizeof(int64_t), sizeof(int64_t)},
    [SHAPE_BOOL] = {PROTOBUF_C_TYPE_BOOL, sizeof(bool), sizeof(protobuf_c_boolean)},
    [SHAPE_ENUM] = {PROTOBUF_C_TYPE_ENUM, sizeof(int), sizeof(int)},
    [SHAPE_MESSAGE] = {PROTOBUF_C_TYPE_MESSAGE, 0, sizeof(ProtobufCMessage *)},
    [SHAPE_MASK] = {PROTOBUF_C_TYPE_ENUM, 0, sizeof(int)},
    [SHAPE_COUNTS] = {PROTOBUF_C_TYPE_MESSAGE, 0, sizeof(ProtobufCMessage *)},
};

#define VALUE struct checkpoint_ref
static const struct field checkpoint_rows[] = {
    {TEXT("origin", origin, 1, 128, PATTERN_ORIGIN)},
    {U64("size", size, 1, UNBOUNDED_64)},
    {HASH("root", root)},
};
static const struct message checkpoint_message = MESSAGE(checkpoint);
#undef VALUE

#define VALUE struct signer
static const struct field signer_rows[] = {
    {HASH("keyid", keyid)},
    {U64("number", number, 1, INT64_MAX)},
    {PART_OR_NONE("seen", seen, struct checkpoint_ref, &checkpoint_message)},
};
const struct message signer_message = MESSAGE(signer);
#undef VALUE

#define VALUE struct party_ref
static const struct field party_ref_rows[] = {
    {CREDIT("credit_code", credit_code)},
    {U32("site", site, 1, 9999)},
};
const struct message party_ref_message = MESSAGE(party_ref);
#undef VALUE

/* An Instant fills in a plain time, 0 when absent. */
struct instant {
	micros at;
};
#define VALUE struct instant
static const struct field instant_rows[] = {
    {TIME("at", at)},
};
const struct message instant_message = MESSAGE(instant);
#undef VALUE

#define VALUE struct position
static const struct field position_rows[] = {
    {S32("latitude", latitude, -900000000, 900000000)},
    {S32("longitude", longitude, -1800000000, 1800000000)},
    {U32("accuracy", accuracy, 1, 100000)},
};
const struct message position_message = MESSAGE(position);
#undef VALUE

#define VALUE struct party
static const struct field party_rows[] = {
    {PARTY("ref", ref)},
    {TEXT("name", name, 1, 200, PATTERN_TEXT)},
    {ENUMS("roles", roles, const enum role *, ROLES_OF_PARTIES), MANY(roles_n, 1, 6)},
    {TEXT("division", division, 6, 6, PATTERN_DIVISION)},
    {TEXT("address", address, 1, 300, PATTERN_TEXT)},
    {ENUM("generator_class", generator_class, ANY_OF_IT)},
    {TIME("valid_from", valid_from)},
    {PART_OR_NONE("valid_until", valid_until, micros, &instant_message)},
};
const struct message party_message = MESSAGE(party);
#undef VALUE

#define VALUE struct permit
static const struct field permit_rows[] = {
    {TEXT("number", number, 1, 64, PATTERN_UNSPACED)},
    {PARTY("facility", facility)},
    {TEXTS("waste_codes", waste_codes, 4, 10, PATTERN_WASTE_CODE_OR_CATEGORY), MANY(waste_codes_n, 1, 600)},
    {TEXTS("methods", methods, 2, 3, PATTERN_METHOD), MANY(methods_n, 1, 60)},
    {I64("grams_per_year", grams_per_year, 1, INT64_C(10000000000000))},
    {TIME("valid_from", valid_from)},
    {TIME("valid_until", valid_until)},
};
const struct message permit_message = MESSAGE(permit);
#undef VALUE

#define VALUE struct waste_line
static const struct field waste_line_rows[] = {
    {U32("line", line, 1, MAX_LINES)},
    {TEXT("code", code, 10, 10, PATTERN_WASTE_CODE)},
    {TEXT("name", name, 1, 200, PATTERN_TEXT)},
    {GRAMS("grams", grams)},
    {PIECES("containers", containers)},
    {ENUM("packaging", packaging, ANY_OF_IT)},
    {ENUM("form", form, ANY_OF_IT)},
    {TEXT("method", method, 2, 3, PATTERN_METHOD)},
};
const struct message waste_line_message = MESSAGE(waste_line);
#undef VALUE

#define VALUE struct line_quantity
static const struct field line_quantity_rows[] = {
    {U32("line", line, 1, MAX_LINES)},
    {GRAMS("grams", grams)},
    {PIECES("containers", containers)},
};
const struct message line_quantity_message = MESSAGE(line_quantity);
#undef VALUE

#define VALUE struct line_decision
static const struct field line_decision_rows[] = {
    {U32("line", line, 1, MAX_LINES)},
    {ENUM("decision", decision, ANY_OF_IT)},
    {PART_OR_NONE("accepted", accepted, struct line_quantity, &line_quantity_message)},
    {PART_OR_NONE("refused", refused, struct line_quantity, &line_quantity_message)},
    {TEXT("method", method, 0, 3, PATTERN_METHOD)},
    {TEXT("difference", difference, 0, 500, PATTERN_TEXT)},
};
const struct message line_decision_message = MESSAGE(line_decision);
#undef VALUE

#define VALUE struct line_treatment
static const struct field line_treatment_rows[] = {
    {U32("line", line, 1, MAX_LINES)},
    {GRAMS("grams", grams)},
    {U32("containers", containers, 0, PIECES_MAX)},
    {TEXT("method", method, 2, 3, PATTERN_METHOD)},
};
const struct message line_treatment_message = MESSAGE(line_treatment);
#undef VALUE

#define VALUE struct foreign_party
static const struct field foreign_party_rows[] = {
    {ENUM("role", role, ANY_OF_IT)},
    {TEXT("id", id, 0, 64, PATTERN_TEXT)},
    {TEXT("name", name, 0, 200, PATTERN_TEXT)},
};
const struct message foreign_party_message = MESSAGE(foreign_party);
#undef VALUE

#define VALUE struct foreign_line
static const struct field foreign_line_rows[] = {
    {U32("line", line, 1, UINT32_MAX)},
    {TEXTS("codes", codes, 1, 32, PATTERN_TEXT), MANY(codes_n, 0, 40)},
    {TEXT("name", name, 0, 500, PATTERN_TEXT)},
    {TEXT("planned", planned, 0, 64, PATTERN_TEXT)},
    {TEXT("shipped", shipped, 0, 64, PATTERN_TEXT)},
    {TEXT("confirmed", confirmed, 0, 64, PATTERN_TEXT)},
    {TEXT("containers", containers, 0, 64, PATTERN_TEXT)},
    {TEXT("method", method, 0, 64, PATTERN_TEXT)},
};
const struct message foreign_line_message = MESSAGE(foreign_line);
#undef VALUE
