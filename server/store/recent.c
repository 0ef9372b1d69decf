/* Owns the slots: one for each remainder of a scrambled number, the newcomer takes it. */
#include "store/recent.h"

#include <stdlib.h>

#include "base/buffer.h"

enum { SLOTS_LOG2 = 13, STATE_MAX = 2048 /* more is seldom, and is read again */ };

struct slot {
	uint64_t number; /* 0: free */
	struct buffer state;
};

struct recent {
	struct slot slots[1 << SLOTS_LOG2];
};

/* Numbers of one generator follow one another: Fibonacci hashing spreads them. */
static size_t slot_of(uint64_t number)
{
	return (size_t)(number * UINT64_C(0x9e3779b97f4a7c15) >> (64 - SLOTS_LOG2));
}

struct recent *recent_new(void)
{
	return calloc(1, sizeof(struct recent));
}

void recent_free(struct recent *r)
{
	for (size_t i = 0; r != NULL && i < ARRAY_LEN(r->slots); i++)
		buffer_free(&r->slots[i].state);
	free(r);
}

void recent_clear(struct recent *r)
{
	for (size_t i = 0; r != NULL && i < ARRAY_LEN(r->slots); i++)
		r->slots[i].number = 0;
}

void recent_put(struct recent *r, uint64_t number, struct span state)
{
	if (r == NULL)
		return;
	struct slot *slot = &r->slots[slot_of(number)];
	slot->number = 0;
	if (state.n > STATE_MAX)
		return;
	buffer_clear(&slot->state);
	buffer_put_span(&slot->state, state);
	if (buffer_ok(&slot->state))
		slot->number = number;
	else
		buffer_free(&slot->state);
}

struct span recent_get(const struct recent *r, uint64_t number)
{
	const struct slot *slot = r == NULL ? NULL : &r->slots[slot_of(number)];

	return slot == NULL || slot->number != number ? span_of(NULL, 0) : buffer_span(&slot->state);
}
