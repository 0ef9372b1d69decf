/* The day summed up: for a person, or as JSON. */
#ifndef CITY_REPORT_H
#define CITY_REPORT_H

#include "city/ask.h"
#include "city/tally.h"

struct report {
	struct city *city;
	struct tally *registry;
	struct tally *day;
	size_t connections;
	size_t surprises;
	uint64_t log_size;
	struct seen_flags flags;
	struct seen_manifests manifests;
	struct trail trail;
	size_t flags_missing; /* that stories promised and nobody raised */
	bool colour;
};

void report_print(struct report *r);
/* False: no memory, or it could not be written. */
bool report_json(struct report *r) MUST_CHECK;

/* A load that went badly, as the report lists it. */
struct bad_load {
	const struct seen_flag *flag;
	const struct seen_manifest *manifest;
	int64_t badness; /* late: microseconds; light: grams missing */
};

/* The worst of each kind, at most `each` of it; an array of `most` at most. Returns how many. */
size_t report_worst(const struct report *r, size_t each, struct bad_load *ret_list, size_t most);

struct category_total {
	char category[8];
	int64_t planned, shipped, delivered, accepted, treated; /* grams */
	size_t loads;
};
/* By category, the most shipped first; at most 60. */
size_t report_totals(const struct report *r, struct category_total ret_totals[60]);

/* words.c */
/* Columns that the text takes on a terminal. */
size_t text_columns(const char *text);
/* "11-24 09:30" in Shenyang. */
const char *clock_text(micros at, char ret_text[32]);
/* "3 d 4 h" */
const char *span_text(int64_t micros_long, char ret_text[32]);

#endif
