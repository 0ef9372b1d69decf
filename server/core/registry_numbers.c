/*
 * The running numbers of a key: which are missing below the highest. The gaps are kept as ranges, at most
 * GAPS_MAX of a key: beyond that the two lowest become one coarse range, of which it is only known that some
 * of it is missing, and the database is asked.
 */
#include "core/registry_table.h"

#include <stdlib.h>

static struct key_node *node_of(struct key_record *key)
{
	return (struct key_node *)key;
}

static void gap_remove(struct key_node *k, size_t at)
{
	k->gaps_n--;
	memmove(&k->gaps[at], &k->gaps[at + 1], (k->gaps_n - at) * sizeof(k->gaps[0]));
}

/* Makes room for one more; what cannot be had is given up in favour of a coarse range. */
static bool gap_room(struct key_node *k)
{
	if (k->gaps_n < k->gaps_cap)
		return true;
	size_t cap = k->gaps_cap == 0 ? 4 : 2 * k->gaps_cap;
	struct gap *gaps = cap > GAPS_MAX ? NULL : realloc(k->gaps, cap * sizeof(*gaps));
	if (gaps != NULL) {
		k->gaps = gaps;
		k->gaps_cap = cap;
		return true;
	}
	if (k->gaps_n < 2)
		return false;
	struct gap *low = &k->gaps[0];
	low->last = k->gaps[1].last;
	low->coarse = true;
	gap_remove(k, 1);
	return true;
}

static void gap_insert(struct key_node *k, size_t at, struct gap gap)
{
	memmove(&k->gaps[at + 1], &k->gaps[at], (k->gaps_n - at) * sizeof(k->gaps[0]));
	k->gaps[at] = gap;
	k->gaps_n++;
}

/* The first gap that does not end before the number. */
static size_t gap_at(const struct key_node *k, uint64_t number)
{
	size_t low = 0, high = k->gaps_n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (k->gaps[middle].last < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void registry_gaps_seen(struct key_record *key)
{
	struct key_node *k = node_of(key);

	key->missing_since = 0;
	k->gaps_newest = 0;
	for (size_t i = 0; i < k->gaps_n; i++) {
		micros since = k->gaps[i].since;
		if (since > k->gaps_newest)
			k->gaps_newest = since;
		if (since > key->gap_flagged_at && (key->missing_since == 0 || since < key->missing_since))
			key->missing_since = since;
	}
}

/* Takes one number out of a gap: it shrinks, splits or closes. */
static void gap_fill(struct key_node *k, uint64_t number)
{
	bool room = gap_room(k); /* may join gaps, so before anything is looked up */
	size_t at = gap_at(k, number);

	if (at == k->gaps_n || k->gaps[at].first > number || k->gaps[at].coarse)
		return;
	struct gap *gap = &k->gaps[at];
	if (gap->first == number && gap->last == number) {
		gap_remove(k, at);
	} else if (gap->first == number) {
		gap->first++;
	} else if (gap->last == number) {
		gap->last--;
	} else if (!room) {
		gap->coarse = true;
	} else {
		struct gap lower = *gap;
		lower.last = number - 1;
		gap->first = number + 1;
		gap_insert(k, at, lower);
	}
}

void registry_number_used(struct registry *r, struct key_record *key, uint64_t number, micros accepted_at)
{
	struct key_node *k = node_of(key);

	(void)r;
	if (number == key->high + 1 && accepted_at >= k->gaps_newest) {
		key->high = number;
		if (k->gaps_n == 0)
			key->contiguous = number;
		return;
	}
	/* Read again in ascending order, a gap is as old as the oldest entry above it. */
	for (size_t i = 0; i < k->gaps_n && k->gaps[i].last < number; i++)
		if (k->gaps[i].since > accepted_at)
			k->gaps[i].since = accepted_at;
	if (number <= key->high) {
		gap_fill(k, number);
	} else {
		struct gap gap = {key->high + 1, number - 1, accepted_at, false};
		/* Without memory for a first gap it is forgotten: an auditor still finds it in the log. */
		if (gap.first <= gap.last && gap_room(k))
			gap_insert(k, k->gaps_n, gap);
		key->high = number;
	}
	key->contiguous = k->gaps_n == 0 ? key->high : k->gaps[0].first - 1;
	registry_gaps_seen(key);
}

bool registry_numbers_complete(const struct key_record *key)
{
	return key->contiguous == key->high;
}

bool registry_number_fresh(const struct key_record *key, uint64_t number)
{
	const struct key_node *k = (const struct key_node *)key;

	if (number > key->high)
		return true;
	if (number <= key->contiguous)
		return false;
	size_t at = gap_at(k, number);
	return at < k->gaps_n && k->gaps[at].first <= number && !k->gaps[at].coarse;
}
