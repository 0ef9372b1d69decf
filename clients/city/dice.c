#include "city/dice.h"

static uint64_t rotate(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

struct dice dice_of(uint64_t seed)
{
	struct dice d;

	/* splitmix64: states that differ in one bit have nothing in common afterwards. */
	for (size_t i = 0; i < ARRAY_LEN(d.state); i++) {
		uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);
		z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
		d.state[i] = z ^ z >> 31;
	}
	return d;
}

uint64_t dice_u64(struct dice *d)
{
	uint64_t *s = d->state;
	uint64_t result = rotate(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate(s[3], 45);
	return result;
}

uint32_t dice_below(struct dice *d, uint32_t n)
{
	return (uint32_t)((dice_u64(d) >> 32) * n >> 32);
}

int64_t dice_between(struct dice *d, int64_t low, int64_t high)
{
	return low + (int64_t)(dice_u64(d) % (uint64_t)(high - low + 1));
}

bool dice_chance(struct dice *d, unsigned percent)
{
	return dice_below(d, 100) < percent;
}

void dice_bytes(struct dice *d, uint8_t *to, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = (uint8_t)(dice_u64(d) >> 56);
}
