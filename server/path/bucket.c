#include "path/bucket.h"

/* One microsecond at r tokens a second refills r millionths of a token. */
static int64_t missing_at(const struct bucket *b, const struct bucket_rate *rate, micros now)
{
	int64_t elapsed = now > b->at ? now - b->at : 0;

	return elapsed > b->missing / rate->per_second ? 0 : b->missing - elapsed * rate->per_second;
}

micros bucket_wait(const struct bucket *b, const struct bucket_rate *rate, int64_t n, micros now)
{
	if (rate->per_second == 0)
		return 0;
	int64_t missing = missing_at(b, rate, now);
	int64_t over = missing + n * MICROS_PER_SECOND - rate->burst * MICROS_PER_SECOND;

	/* A request larger than the burst passes when the bucket is full, or it would never pass. */
	return over > 0 && missing > 0 ? over / rate->per_second + 1 : 0;
}

void bucket_take(struct bucket *b, const struct bucket_rate *rate, int64_t n, micros now)
{
	if (rate->per_second == 0)
		return;
	b->missing = missing_at(b, rate, now) + n * MICROS_PER_SECOND;
	b->at = now;
}
