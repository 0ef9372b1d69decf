/*
 * What a flag's detail says: made in English, which is signed and kept, and read in Chinese by whoever wants
 * to. The rows are details.def.
 */
#ifndef CORE_DETAILS_H
#define CORE_DETAILS_H

#include "base/arena.h"
#include "base/buffer.h"

enum detail {
#define DETAIL(name, en, zh) DETAIL_##name,
#include "core/details.def"
#undef DETAIL
	DETAILS,
};

struct detail_row {
	const char *en;
	const char *zh;
};

extern const struct detail_row detail_rows[DETAILS];

/* What stands for a placeholder. */
struct detail_value {
	struct span text;
	uint64_t number; /* when text.p is NULL */
};

static inline struct detail_value detail_text(const char *text)
{
	return (struct detail_value){.text = span_str(text)};
}

static inline struct detail_value detail_number(uint64_t number)
{
	return (struct detail_value){.number = number};
}

/* The values of a row's placeholders, in order. */
#define DETAIL_VALUES(...) ((const struct detail_value[]){__VA_ARGS__})

/* In English; every placeholder has its value. p == NULL: no memory. */
struct span detail_make(struct arena *arena, enum detail what, const struct detail_value *values) MUST_CHECK;

/*
 * The same facts in Chinese. Any bytes will do: a fact ("; " is between them) that is of no row is copied as
 * it is, so that nothing is lost.
 */
void detail_in_chinese(struct span detail, struct buffer *to);

#endif
