/*
 * A seeded source of chance (xoshiro256**), so that a city can be played again exactly. Not for secrets that
 * matter: the keys of the demo's devices come from it too.
 */
#ifndef CITY_DICE_H
#define CITY_DICE_H

#include "base/span.h"

struct dice {
	uint64_t state[4];
};

struct dice dice_of(uint64_t seed);
uint64_t dice_u64(struct dice *d);
/* 0 to n - 1; n is at least 1. */
uint32_t dice_below(struct dice *d, uint32_t n);
/* low to high, both included. */
int64_t dice_between(struct dice *d, int64_t low, int64_t high);
bool dice_chance(struct dice *d, unsigned percent);
void dice_bytes(struct dice *d, uint8_t *to, size_t n);

#endif
