/*
 * What travels in frames, both ways, as values: one struct frame for either side, so that server and client
 * library share one encoder and one decoder. Answers are the views of core/query.h.
 */
#ifndef WIRE_MESSAGES_H
#define WIRE_MESSAGES_H

#include "core/judge.h"
#include "core/query.h"
#include "wire/codec.h"
#include "wire/frame.h"

enum frame_kind { /* the numbers of proto Frame.body */
		  FRAME_CHALLENGE = 3,
		  FRAME_HELLO = 4,
		  FRAME_WELCOME = 5,
		  FRAME_SUBMIT = 10,
		  FRAME_RECEIPT = 11,
		  FRAME_REFUSAL = 12,
		  FRAME_QUERY = 20,
		  FRAME_ANSWER = 21,
		  FRAME_PUSH = 30,
		  FRAME_PING = 31,
};

struct challenge {
	struct digest nonce;
	struct span origin;
	uint32_t version;
	micros server_time;
};

struct welcome {
	struct span checkpoint;
	const struct digest *consistency;
	size_t consistency_n;
	uint64_t next_number;
	uint32_t max_frame;
	micros server_time;
};

struct receipt {
	struct span entry;
	uint64_t index;
	struct span proof;
	bool repeated;
	const struct span *remarks;
	size_t remarks_n;
};

struct problem_view {
	struct span path, rule, source, found, allowed, zh, en;
};

struct refusal {
	enum refusal_kind kind;
	const struct problem_view *problems;
	size_t problems_n;
	struct digest standing; /* zero: none; so the next */
	struct digest needed;
	micros retry_after;
	struct span writer;
	struct digest event;
};

enum answer_kind { /* the numbers of proto Answer.what */
		   ANSWER_FLAG = 1,
		   ANSWER_ENTRY = 2,
		   ANSWER_MANIFEST = 3,
		   ANSWER_SUMMARY = 4,
		   ANSWER_CHECKPOINT = 5,
		   ANSWER_BLOCK = 6,
		   ANSWER_TOKEN = 7,
		   ANSWER_END = 8,
};

struct checkpoint_view {
	struct span checkpoint;
	const struct digest *consistency;
	size_t consistency_n;
};

struct token_view {
	struct span token;
	micros expires_at;
};

struct end_view {
	uint64_t next; /* cursor of the next page; 0: nothing more */
	uint32_t count;
};

struct answer {
	enum answer_kind kind;
	union {
		struct flag_view flag;
		struct receipt entry;
		struct manifest_view manifest;
		struct summary_view summary;
		struct checkpoint_view checkpoint;
		struct block_view block;
		struct token_view token;
		struct end_view end;
	};
};

struct frame {
	uint64_t id;
	bool last;
	enum frame_kind kind;
	union {
		struct challenge challenge;
		struct span hello; /* envelope bytes */
		struct welcome welcome;
		struct span submit; /* envelope bytes */
		struct receipt receipt;
		struct refusal refusal;
		struct query query;
		struct answer answer;
		struct flag_view push;
	};
};

/* One frame without its length. Everything the value views lives in the arena. False: a problem was added. */
bool frame_decode(struct span bytes, struct arena *arena, struct problems *problems,
		  struct frame *ret_frame) MUST_CHECK;
/* Appends a whole frame with its length. False (nothing is appended): above FRAME_MAX, or no memory. */
bool frame_encode(const struct frame *frame, struct buffer *to) MUST_CHECK;

/*
 * The problems of a refusal as views, in the arena; texts are not copied. What would not fit a frame is left
 * out and counted in a last problem. False: no memory.
 */
bool refusal_problems(const struct problems *problems, struct arena *arena,
		      struct refusal *ret_refusal) MUST_CHECK;

#endif
