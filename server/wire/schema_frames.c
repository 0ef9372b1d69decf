/*
 * Envelopes, hellos and frames. What a client sends has the limits that proto/manifest.proto states; what the
 * server sends has limits that only keep a bad server from taking a client's memory.
 */
#include "wire/envelope.h"
#include "wire/messages.h"
#include "wire/parts.h"

enum { PROOF_HASHES_MAX = 128, CHECKPOINT_MAX = 16384 };

#define VALUE struct envelope_signature
static const struct field signature_rows[] = {
    {FIXED("sig", sig, struct signature, SIGNATURE_SIZE, SIGNATURE_SIZE)},
    {.name = "keyid",
     .shape = SHAPE_HEX,
     .at = AT(keyid, struct digest),
     .min = DIGEST_HEX,
     .max = DIGEST_HEX,
     .pattern = PATTERN_HEX},
};
static const struct message signature_message = MESSAGE(signature);
#undef VALUE

#define VALUE struct envelope
static const struct field envelope_rows[] = {
    {BYTES("payload", payload, 1, PAYLOAD_MAX)},
    {TEXT("payloadType", payload_type, 1, 128, PATTERN_UNSPACED)},
    {PARTS_IN_PLACE("signatures", signatures, struct envelope_signature, MAX_SIGNERS, &signature_message),
     MANY(signatures_n, 1, MAX_SIGNERS)},
};
const struct message envelope_message = MESSAGE(envelope);
#undef VALUE

#define VALUE struct hello
static const struct field hello_rows[] = {
    {HASH("nonce", nonce)},
    {HASH("binding", binding)},
    {ENUM("role", role, ANY_OF_IT)},
    {HASH("keyid", keyid)},
    {TEXT("agent", agent, 1, 100, PATTERN_TEXT)},
    {U64("size", size, 0, UNBOUNDED_64)},
};
const struct message hello_message = MESSAGE(hello);
#undef VALUE

/* ---- what the server says ---- */

#define VALUE struct challenge
static const struct field challenge_rows[] = {
    {HASH("nonce", nonce)},
    {TEXT("origin", origin, 1, 128, PATTERN_ORIGIN)},
    {U32("version", version, 1, UINT32_MAX)},
    {TIME("server_time", server_time)},
};
static const struct message challenge_message = MESSAGE(challenge);
#undef VALUE

#define VALUE struct welcome
static const struct field welcome_rows[] = {
    {TEXT("checkpoint", checkpoint, 0, CHECKPOINT_MAX, PATTERN_LINES)},
    {HASHES("consistency", consistency), MANY(consistency_n, 0, PROOF_HASHES_MAX)},
    {U64("next_number", next_number, 0, UNBOUNDED_64)},
    {U32("max_frame", max_frame, 0, UINT32_MAX)},
    {TIME("server_time", server_time)},
};
static const struct message welcome_message = MESSAGE(welcome);
#undef VALUE

#define VALUE struct receipt
static const struct field receipt_rows[] = {
    {BYTES("entry", entry, 1, LOG_ENTRY_MAX)},
    {U64("index", index, 0, UNBOUNDED_64)},
    {TEXT("proof", proof, 0, FRAME_MAX, PATTERN_LINES)},
    {BOOL("repeated", repeated)},
    {TEXTS("remarks", remarks, 0, 1000, PATTERN_TEXT), MANY(remarks_n, 0, 64)},
};
static const struct message receipt_message = MESSAGE(receipt);
#undef VALUE

#define VALUE struct problem_view
static const struct field problem_rows[] = {
    {TEXT("path", path, 0, 1000, PATTERN_TEXT)},       {TEXT("rule", rule, 1, 200, PATTERN_TEXT)},
    {TEXT("source", source, 0, 1000, PATTERN_TEXT)},   {TEXT("found", found, 0, 8192, PATTERN_TEXT)},
    {TEXT("allowed", allowed, 0, 8192, PATTERN_TEXT)}, {TEXT("zh", zh, 0, 8192, PATTERN_TEXT)},
    {TEXT("en", en, 0, 8192, PATTERN_TEXT)},           {TEXT("source_zh", source_zh, 0, 1000, PATTERN_TEXT)},
};
static const struct message problem_message = MESSAGE(problem);
#undef VALUE

#define VALUE struct refusal
static const struct field refusal_rows[] = {
    {ENUM("kind", kind, ANY_OF_IT)},
    {PARTS("problems", problems, struct problem_view, &problem_message),
     MANY(problems_n, 0, PROBLEMS_MAX + 1)},
    {HASH_OR_NONE("standing", standing)},
    {HASH_OR_NONE("needed", needed)},
    {I64("retry_after", retry_after, 0, TIME_LATEST)},
    {TEXT("writer", writer, 0, 300, PATTERN_TEXT)},
    {HASH_OR_NONE("event", event)},
};
static const struct message refusal_message = MESSAGE(refusal);
#undef VALUE

/* ---- queries: all fill in one struct query ---- */

#define VALUE       struct query
#define ASKED_PARTY PARTY_OR_NONE("party", party)
#define SINCE                                                                                                \
	{TIME_OR_NONE("from", from)},                                                                        \
	{                                                                                                    \
		TIME_OR_NONE("until", until)                                                                 \
	}
#define AFTER U64("after", after, 0, UNBOUNDED_64)
#define LIMIT U32("limit", limit, 0, QUERY_LIMIT_MAX)
static const struct field flag_query_rows[] = {
    {.name = "kinds", .shape = SHAPE_MASK, .at = AT(flag_kinds, uint32_t), .most = FLAG_KINDS, .min = 1},
    {ASKED_PARTY},
    {TEXT("division", division, 0, 6, PATTERN_DIVISION)},
    SINCE,
    {BOOL("open_only", open_only)},
    {AFTER},
    {LIMIT},
};
static const struct field trail_query_rows[] = {
    {NUMBERS("number", numbers), MANY(numbers_n, 1, 1)},
    {BOOL("keys", keys)},
};
static const struct field search_query_rows[] = {
    {NUMBERS("numbers", numbers), MANY(numbers_n, 0, QUERY_NUMBERS_MAX)},
    {ASKED_PARTY},
    {TEXT("plate", plate, 0, 32, PATTERN_UNSPACED)},
    {TEXT("waste_code", waste_code, 0, 10, PATTERN_WASTE_CODE_OR_CATEGORY)},
    {ENUM_OR_NONE("state", state)},
    SINCE,
    {AFTER},
    {LIMIT},
};
static const struct field summary_query_rows[] = {
    {PARTY("party", party)},
};
static const struct field checkpoint_query_rows[] = {
    {U64("from", size, 0, UNBOUNDED_64)},
    {U64("to_size", to_size, 0, UNBOUNDED_64)},
};
static const struct field entry_query_rows[] = {
    {U64("index", index, 0, UNBOUNDED_64)},
};
static const struct field token_query_rows[] = {
    {U32("seconds", seconds, 60, 86400)},
};
static const struct message flag_query_message = MESSAGE(flag_query);
static const struct message trail_query_message = MESSAGE(trail_query);
static const struct message search_query_message = MESSAGE(search_query);
static const struct message summary_query_message = MESSAGE(summary_query);
static const struct message checkpoint_query_message = MESSAGE(checkpoint_query);
static const struct message entry_query_message = MESSAGE(entry_query);
static const struct message token_query_message = MESSAGE(token_query);
static const struct message block_query_message = {DESCRIPTOR(block_query), .size = sizeof(VALUE)};
static const struct message watch_query_message = {DESCRIPTOR(watch_query), .size = sizeof(VALUE)};
static const struct field query_rows[] = {
    {SAME("flags", &flag_query_message), CHOSEN(kind, QUERY_FLAGS)},
    {SAME("trail", &trail_query_message), CHOSEN(kind, QUERY_TRAIL)},
    {SAME("search", &search_query_message), CHOSEN(kind, QUERY_SEARCH)},
    {SAME("summary", &summary_query_message), CHOSEN(kind, QUERY_SUMMARY)},
    {SAME("checkpoint", &checkpoint_query_message), CHOSEN(kind, QUERY_CHECKPOINT)},
    {SAME("entry", &entry_query_message), CHOSEN(kind, QUERY_ENTRY)},
    {SAME("blocks", &block_query_message), CHOSEN(kind, QUERY_BLOCKS)},
    {SAME("token", &token_query_message), CHOSEN(kind, QUERY_TOKEN)},
    {SAME("watch", &watch_query_message), CHOSEN(kind, QUERY_WATCH)},
};
static const struct message query_message = MESSAGE(query);
#undef VALUE

/* ---- answers ---- */

#define ANY_GRAMS(n, m) I64(n, m, INT64_MIN, INT64_MAX)

#define VALUE struct flag_view
static const struct field flag_rows[] = {
    {U64("flag", flag, 0, UNBOUNDED_64)},
    {ENUM("kind", kind, ANY_OF_IT)},
    {NUMBER_OR_NONE("number", number)},
    {HASH_OR_NONE("keyid", keyid)},
    {PARTS("parties", parties, struct party_ref, &party_ref_message), MANY(parties_n, 0, 8)},
    {TEXT("division", division, 0, 6, PATTERN_DIVISION)},
    {TIME_OR_NONE("raised_at", raised_at)},
    {TIME_OR_NONE("due_at", due_at)},
    {TEXT("detail", detail, 0, 1000, PATTERN_TEXT)},
    {BOOL("provisional", provisional)},
    {BOOL("open", open)},
    {TIME_OR_NONE("closed_at", closed_at)},
    {U64("closed_by", closed_by, 0, UNBOUNDED_64)},
    {BOOL("claimed_in_time", claimed_in_time)},
    {TEXT("resolution", resolution, 0, 2000, PATTERN_TEXT)},
};
static const struct message flag_message = MESSAGE(flag);
static const struct field push_rows[] = {
    {SAME("flag", &flag_message)},
};
static const struct message push_message = MESSAGE(push);
#undef VALUE

#define VALUE struct line_view
static const struct field line_state_rows[] = {
    {U32("line", line, 1, MAX_LINES)},
    {TEXT("code", code, 0, 10, PATTERN_WASTE_CODE)},
    {ANY_GRAMS("planned_grams", planned_grams)},
    {ANY_GRAMS("shipped_grams", shipped_grams)},
    {ANY_GRAMS("delivered_grams", delivered_grams)},
    {ANY_GRAMS("accepted_grams", accepted_grams)},
    {ANY_GRAMS("refused_grams", refused_grams)},
    {ANY_GRAMS("treated_grams", treated_grams)},
    {ANY_GRAMS("returned_grams", returned_grams)},
};
static const struct message line_state_message = MESSAGE(line_state);
#undef VALUE

#define VALUE struct manifest_view
static const struct field manifest_summary_rows[] = {
    {NUMBER("number", number)},
    {ENUM("state", state, ANY_OF_IT)},
    {PARTY_OR_NONE("generator", generator)},
    {PARTY_OR_NONE("transporter", transporter)},
    {PARTY_OR_NONE("facility", facility)},
    {TEXT("plate", plate, 0, 32, PATTERN_UNSPACED)},
    {TIME_OR_NONE("issued_at", issued_at)},
    {TIME_OR_NONE("changed_at", changed_at)},
    {TIME_OR_NONE("due_at", due_at)},
    {BOOL("cancelled", cancelled)},
    {U32("open_flags", open_flags, 0, UINT32_MAX)},
    {HASH_OR_NONE("head", head)},
    {PARTS("lines", lines, struct line_view, &line_state_message), MANY(lines_n, 0, MAX_LINES)},
};
static const struct message manifest_summary_message = MESSAGE(manifest_summary);
#undef VALUE

#define VALUE struct summary_view
enum { STATES = sizeof(MEMBER(manifests)) / sizeof(uint64_t) };
static const struct field party_summary_rows[] = {
    {PART("party", party, struct party, &party_message)},
    {.name = "manifests",
     .shape = SHAPE_COUNTS,
     .at = AT(manifests, uint64_t[STATES]),
     .most = STATES - 1,
     .max = STATES},
    {U64("open_flags", open_flags, 0, UNBOUNDED_64)},
    {ANY_GRAMS("shipped_grams", shipped_grams)},
    {ANY_GRAMS("received_grams", received_grams)},
    {ANY_GRAMS("treated_grams", treated_grams)},
    {ANY_GRAMS("stock_grams", stock_grams)},
};
static const struct message party_summary_message = MESSAGE(party_summary);
#undef VALUE

#define VALUE struct checkpoint_view
static const struct field checkpoint_answer_rows[] = {
    {TEXT("checkpoint", checkpoint, 1, CHECKPOINT_MAX, PATTERN_LINES)},
    {HASHES("consistency", consistency), MANY(consistency_n, 0, PROOF_HASHES_MAX)},
};
static const struct message checkpoint_answer_message = MESSAGE(checkpoint_answer);
#undef VALUE

#define VALUE struct block_view
static const struct field number_block_rows[] = {
    {NUMBER("first", first)},
    {NUMBER("last", last)},
    {U32("used", used, 0, UINT32_MAX)},
    {NUMBER_OR_NONE("next", next)},
};
static const struct message number_block_message = MESSAGE(number_block);
#undef VALUE

#define VALUE struct token_view
static const struct field token_rows[] = {
    {TEXT("token", token, 1, 4096, PATTERN_UNSPACED)},
    {TIME("expires_at", expires_at)},
};
static const struct message token_message = MESSAGE(token);
#undef VALUE

#define VALUE struct end_view
static const struct field end_rows[] = {
    {U64("next", next, 0, UNBOUNDED_64)},
    {U32("count", count, 0, UINT32_MAX)},
};
static const struct message end_message = MESSAGE(end);
#undef VALUE

#define VALUE struct answer
static const struct field answer_rows[] = {
    {PART("flag", flag, struct flag_view, &flag_message), CHOSEN(kind, ANSWER_FLAG)},
    {PART("entry", entry, struct receipt, &receipt_message), CHOSEN(kind, ANSWER_ENTRY)},
    {PART("manifest", manifest, struct manifest_view, &manifest_summary_message),
     CHOSEN(kind, ANSWER_MANIFEST)},
    {PART("summary", summary, struct summary_view, &party_summary_message), CHOSEN(kind, ANSWER_SUMMARY)},
    {PART("checkpoint", checkpoint, struct checkpoint_view, &checkpoint_answer_message),
     CHOSEN(kind, ANSWER_CHECKPOINT)},
    {PART("block", block, struct block_view, &number_block_message), CHOSEN(kind, ANSWER_BLOCK)},
    {PART("token", token, struct token_view, &token_message), CHOSEN(kind, ANSWER_TOKEN)},
    {PART("end", end, struct end_view, &end_message), CHOSEN(kind, ANSWER_END)},
};
static const struct message answer_message = MESSAGE(answer);
#undef VALUE

#define VALUE struct frame
static const struct message ping_message = {DESCRIPTOR(ping), .size = sizeof(VALUE)};
static const struct field frame_rows[] = {
    {U64("id", id, 0, UNBOUNDED_64)},
    {BOOL("last", last)},
    {PART("challenge", challenge, struct challenge, &challenge_message), CHOSEN(kind, FRAME_CHALLENGE)},
    {BYTES("hello", hello, 1, ENVELOPE_MAX), CHOSEN(kind, FRAME_HELLO)},
    {PART("welcome", welcome, struct welcome, &welcome_message), CHOSEN(kind, FRAME_WELCOME)},
    {BYTES("submit", submit, 1, ENVELOPE_MAX), CHOSEN(kind, FRAME_SUBMIT)},
    {PART("receipt", receipt, struct receipt, &receipt_message), CHOSEN(kind, FRAME_RECEIPT)},
    {PART("refusal", refusal, struct refusal, &refusal_message), CHOSEN(kind, FRAME_REFUSAL)},
    {PART("query", query, struct query, &query_message), CHOSEN(kind, FRAME_QUERY)},
    {PART("answer", answer, struct answer, &answer_message), CHOSEN(kind, FRAME_ANSWER)},
    {PART("push", push, struct flag_view, &push_message), CHOSEN(kind, FRAME_PUSH)},
    {SAME("ping", &ping_message), CHOSEN(kind, FRAME_PING)},
};
const struct message frame_message = MESSAGE(frame);
#undef VALUE
