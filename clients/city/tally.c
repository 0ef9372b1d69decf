#include "city/tally.h"

#include <stdlib.h>
#include <time.h>

int64_t monotonic_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * MICROS_PER_SECOND + t.tv_nsec / 1000;
}

static void copy(char *to, size_t size, struct span text)
{
	size_t n = text.n < size ? text.n : size - 1;

	/* Not in the middle of a character. */
	while (n < text.n && n > 0 && (text.p[n] & 0xc0) == 0x80)
		n--;
	if (n > 0)
		memcpy(to, text.p, n);
	to[n] = '\0';
}

void tally_refused(struct tally *t, const struct refusal *refusal)
{
	static const struct problem_view nothing;
	const struct problem_view *p = refusal->problems_n > 0 ? &refusal->problems[0] : &nothing;
	size_t i = 0;

	t->refused_n++;
	while (i < t->rules_n &&
	       (t->rules[i].kind != refusal->kind || !span_eq_str(p->rule, t->rules[i].rule)))
		i++;
	if (i == TALLY_RULES)
		return;
	struct tally_rule *r = &t->rules[i];
	if (i == t->rules_n) {
		t->rules_n++;
		r->kind = refusal->kind;
		copy(r->rule, sizeof(r->rule), p->rule);
		copy(r->en, sizeof(r->en), p->en);
		copy(r->zh, sizeof(r->zh), p->zh);
	}
	r->n++;
}

void tally_latency(struct tally *t, int64_t micros_taken)
{
	if (t->latencies_n == t->latencies_cap) {
		size_t cap = t->latencies_cap == 0 ? 4096 : 2 * t->latencies_cap;
		int64_t *grown = realloc(t->latencies, cap * sizeof(*grown));
		if (grown == NULL)
			return;
		t->latencies = grown;
		t->latencies_cap = cap;
	}
	t->latencies[t->latencies_n++] = micros_taken;
}

static int by_size(const void *a, const void *b)
{
	int64_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return (x > y) - (x < y);
}

int64_t tally_percentile(struct tally *t, unsigned permille)
{
	if (t->latencies_n == 0)
		return 0;
	qsort(t->latencies, t->latencies_n, sizeof(*t->latencies), by_size);
	return t->latencies[(t->latencies_n - 1) * permille / 1000];
}

void tally_free(struct tally *t)
{
	free(t->latencies);
	t->latencies = NULL;
	t->latencies_n = t->latencies_cap = 0;
}
