#include "path/bucket.h"

micros bucket_take(struct bucket *b, const struct bucket_rate *rate, int64_t n, micros now)
{
	if (rate->per_second == 0)
		return 0;
	/* One microsecond at r tokens a second refills r millionths of a token. */
	int64_t elapsed = now > b->at ? now - b->at : 0;
	int64_t missing =
	    elapsed > b->missing / rate->per_second ? 0 : b->missing - elapsed * rate->per_second;
	int64_t over = missing + n * MICROS_PER_SECOND - rate->burst * MICROS_PER_SECOND;

	if (over > 0 && missing > 0)
		return over / rate->per_second + 1;
	/* A request larger than the burst passes when the bucket is full, or it would never pass. */
	b->missing = missing + n * MICROS_PER_SECOND;
	b->at = now;
	return 0;
}
