/* What came of a day, counted as the answers come. */
#ifndef CITY_TALLY_H
#define CITY_TALLY_H

#include "core/judge.h"
#include "wire/answers.h"

enum { TALLY_KINDS = 80, TALLY_RULES = 64 };

struct tally_rule {
	char rule[48];
	char en[160];
	char zh[160];
	enum refusal_kind kind;
	uint64_t n;
};

struct tally {
	uint64_t accepted[TALLY_KINDS]; /* by event kind */
	uint64_t accepted_n;
	uint64_t repeated;
	uint64_t refused_n; /* for good */
	uint64_t told_early;
	uint64_t put_off;
	struct tally_rule rules[TALLY_RULES]; /* of those refused for good, by the first rule each broke */
	size_t rules_n;
	uint64_t signatures;
	uint64_t receipts; /* verified */
	uint64_t bytes;
	int64_t *latencies; /* microseconds, from sending to the proved receipt */
	size_t latencies_n;
	size_t latencies_cap;
	int64_t began; /* monotonic, microseconds */
	int64_t ended;
};

void tally_refused(struct tally *t, const struct refusal *refusal);
void tally_latency(struct tally *t, int64_t micros_taken);
/* The latency below which `permille` of all lie; sorts. 0: none. */
int64_t tally_percentile(struct tally *t, unsigned permille);
void tally_free(struct tally *t);
int64_t monotonic_now(void);

#endif
