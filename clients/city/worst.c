/* Owns what is computed from the answers: the worst loads, and totals by category. */
#include <stdlib.h>

#include "city/report.h"

/* ---- the worst ---- */

static const struct seen_manifest *manifest_of(const struct report *r, uint64_t number)
{
	for (size_t i = 0; i < r->manifests.n; i++)
		if (r->manifests.items[i].number == number)
			return &r->manifests.items[i];
	return NULL;
}

static int64_t grams_missing(const struct seen_manifest *m)
{
	int64_t grams = 0;

	for (size_t i = 0; i < m->lines_n; i++)
		if (m->lines[i].delivered_grams > 0)
			grams += m->lines[i].shipped_grams - m->lines[i].delivered_grams;
	return grams;
}

static int worse_first(const void *a, const void *b)
{
	const struct bad_load *x = a;
	const struct bad_load *y = b;

	return (x->badness < y->badness) - (x->badness > y->badness);
}

size_t report_worst(const struct report *r, size_t each, struct bad_load *ret_list, size_t most)
{
	static const enum flag_kind kinds[] = {FLAG_OVERDUE, FLAG_QUANTITY, FLAG_REFUSED_ADRIFT,
					       FLAG_NOT_TREATED, FLAG_NOT_CONFIRMED};
	struct bad_load *found = calloc(r->flags.n + 1, sizeof(*found));
	size_t n = 0;

	for (size_t k = 0; found != NULL && k < ARRAY_LEN(kinds); k++) {
		size_t found_n = 0;
		for (size_t i = 0; i < r->flags.n; i++) {
			const struct seen_flag *f = &r->flags.items[i];
			const struct seen_manifest *m =
			    f->kind == kinds[k] ? manifest_of(r, f->number) : NULL;
			if (m == NULL || !f->open || f->claimed_in_time)
				continue;
			int64_t badness =
			    f->kind == FLAG_QUANTITY ? grams_missing(m) : r->city->now - f->due_at;
			found[found_n++] = (struct bad_load){f, m, badness};
		}
		qsort(found, found_n, sizeof(*found), worse_first);
		for (size_t i = 0; i < found_n && i < each && n < most; i++)
			ret_list[n++] = found[i];
	}
	free(found);
	return n;
}

/* ---- totals ---- */

static int more_first(const void *a, const void *b)
{
	const struct category_total *x = a;
	const struct category_total *y = b;

	return (x->shipped < y->shipped) - (x->shipped > y->shipped);
}

size_t report_totals(const struct report *r, struct category_total ret_totals[60])
{
	size_t n = 0;

	for (size_t i = 0; i < r->manifests.n; i++)
		for (size_t k = 0; k < r->manifests.items[i].lines_n; k++) {
			const struct line_view *l = &r->manifests.items[i].lines[k];
			char category[8] = "HW";
			size_t at = 0;
			if (l->code.n == WASTE_CODE_LENGTH)
				memcpy(category + 2, l->code.p + 8, 2);
			while (at < n && strcmp(ret_totals[at].category, category) != 0)
				at++;
			if (at == 60)
				continue;
			struct category_total *t = &ret_totals[at];
			if (at == n) {
				*t = (struct category_total){.loads = 0};
				memcpy(t->category, category, sizeof(category));
				n++;
			}
			t->loads++;
			t->planned += l->planned_grams;
			t->shipped += l->shipped_grams;
			t->delivered += l->delivered_grams;
			t->accepted += l->accepted_grams;
			t->treated += l->treated_grams;
		}
	qsort(ret_totals, n, sizeof(*ret_totals), more_first);
	return n;
}
