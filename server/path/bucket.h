/*
 * Token buckets: each key and each party may send so much at once and so much a second, in events and in
 * bytes.
 */
#ifndef PATH_BUCKET_H
#define PATH_BUCKET_H

#include "core/event.h"

struct bucket_rate {
	int64_t per_second; /* 0: no limit */
	int64_t burst;
};

/* Zeroed: full. */
struct bucket {
	int64_t missing; /* millionths of a token below full */
	micros at;
};

/* How long to wait until n tokens are there; 0: they are. */
micros bucket_wait(const struct bucket *b, const struct bucket_rate *rate, int64_t n, micros now) MUST_CHECK;
/* Takes n tokens, which are there. */
void bucket_take(struct bucket *b, const struct bucket_rate *rate, int64_t n, micros now);

#endif
