/*
 * Frames on a connection: 4 bytes big-endian length (1 to FRAME_MAX), then that many bytes. A length out of
 * range is found from the 4 bytes alone, before anything is allocated for the rest.
 */
#ifndef WIRE_FRAME_H
#define WIRE_FRAME_H

#include "base/buffer.h"

enum { FRAME_HEAD = 4, FRAME_MAX = 65536 };

enum frame_state {
	FRAME_MORE, /* more bytes are needed */
	FRAME_HERE,
	FRAME_BAD, /* the length is 0 or above FRAME_MAX: nothing after it can be read, close */
};

/*
 * Looks at what has arrived. HERE: *ret_frame views the first frame without its length; what follows it
 * begins FRAME_HEAD + ret_frame->n bytes in. MORE: *ret_need is how many bytes must be there before it is
 * worth calling again (FRAME_HEAD, or the whole frame's). Either is untouched otherwise.
 */
enum frame_state frame_next(struct span arrived, struct span *ret_frame, size_t *ret_need) MUST_CHECK;

/* Begins a frame in the buffer, its length still open; returns where it begins, for frame_close(). */
size_t frame_open(struct buffer *to) MUST_CHECK;
/*
 * Writes the length of all that was put since. False: it is empty or above FRAME_MAX (the frame is taken out
 * again), or the buffer is broken.
 */
bool frame_close(struct buffer *to, size_t begin) MUST_CHECK;

#endif
