/*
 * What travels in frames, both ways, as values: one struct frame for either side, so that server and client
 * library share one encoder and one decoder.
 */
#ifndef WIRE_MESSAGES_H
#define WIRE_MESSAGES_H

#include "wire/answers.h"
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
/* The id of a frame that cannot be decoded, so that its refusal finds the request. 0: not even that is there.
 */
uint64_t frame_peek_id(struct span bytes);
/* Appends a whole frame with its length. False (nothing is appended): above FRAME_MAX, or no memory. */
bool frame_encode(const struct frame *frame, struct buffer *to) MUST_CHECK;

/* A problem as it is shown; texts are not copied. */
struct problem_view problem_view_of(const struct rule *rule, const char *path, const char *found,
				    const char *allowed);
/*
 * The problems of a refusal as views, in the arena; texts are not copied. What would not fit a frame is left
 * out and counted in a last problem. False: no memory.
 */
bool refusal_problems(const struct problems *problems, struct arena *arena,
		      struct refusal *ret_refusal) MUST_CHECK;

#endif
