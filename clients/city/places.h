/*
 * Shenyang as data: its districts, the industries whose waste is moved, and the plants that may receive it.
 * Districts, waste codes and treatment methods are real; every name of a company is made up.
 */
#ifndef CITY_PLACES_H
#define CITY_PLACES_H

#include "base/span.h"

struct district {
	const char *code; /* GB/T 2260 */
	const char *zh;
	const char *en;
	const char *road;
	int32_t latitude; /* of its middle, degrees x 10^7 */
	int32_t longitude;
	unsigned share; /* of the generators, in hundredths */
};

/* One waste as it leaves a generator. */
struct stream {
	const char *code; /* of the 2021 list */
	const char *name;
	int packaging; /* proto Packaging */
	int form;      /* proto Form */
	int32_t least_kg;
	int32_t most_kg;
	int32_t each_kg; /* in one container */
};

enum { INDUSTRY_STREAMS_MAX = 6, PLANT_WASTES_MAX = 24 };

struct industry {
	const char *zh;
	const char *en;
	const char *authority; /* first two characters of the credit code */
	unsigned generators;
	bool every_day; /* works through nights and holidays */
	const char *endings[4];
	struct stream streams[INDUSTRY_STREAMS_MAX];
};

/* What a plant does with a waste code or a whole category. */
struct plant_waste {
	const char *waste;
	const char *method;
};

struct plant {
	const char *zh;
	const char *en;
	const char *division;
	const char *address;
	const char *permit;
	int64_t tonnes_per_year;
	struct plant_waste wastes[PLANT_WASTES_MAX];
};

enum { DISTRICTS = 13, INDUSTRIES = 13, PLANTS = 8, GENERATORS = 642 };

extern const struct district districts[DISTRICTS];
extern const struct industry industries[INDUSTRIES];
extern const struct plant plants[PLANTS];
/* First and second characters of made-up company names. */
extern const char *const name_firsts[];
extern const size_t name_firsts_n;
extern const char *const name_seconds[];
extern const size_t name_seconds_n;

size_t industry_streams(const struct industry *industry);
/* How the plant treats the code; NULL: its permit does not cover it. */
const char *plant_method(const struct plant *plant, const char *code);

#endif
