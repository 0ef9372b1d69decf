/* Owns how a detail is put together, and how one is taken apart again to be read in Chinese. */
#include "core/details.h"

#include "core/manifest_table.h"
#include "core/words.h"

enum { VALUES_MAX = 5 }; /* of a row */

const struct detail_row detail_rows[DETAILS] = {
#define DETAIL(name, text_en, text_zh) [DETAIL_##name] = {.en = text_en, .zh = text_zh},
#include "core/details.def"
#undef DETAIL
};

/* ---- rows ---- */

/* What the text of a row begins with: some words, and the placeholder after them. */
struct part {
	struct span words;
	char placeholder; /* '}', 'n', 'w'; 0: the row ends here */
};

static struct part next_part(const char **row)
{
	struct part part = {.words = span_of(*row, strcspn(*row, "{"))};

	*row += part.words.n;
	if (**row != '\0') {
		part.placeholder = (*row)[1];
		*row += strcspn(*row, "}") + 1;
	}
	return part;
}

static void put_row(const char *row, const struct detail_value *values, struct buffer *to)
{
	for (;; values++) {
		const struct part part = next_part(&row);

		buffer_put_span(to, part.words);
		if (part.placeholder == 0)
			return;
		if (part.placeholder == 'n' && values->text.p == NULL)
			buffer_put_decimal(to, values->number);
		else
			buffer_put_span(to, values->text);
	}
}

struct span detail_make(struct arena *arena, enum detail what, const struct detail_value *values)
{
	struct buffer text = BUFFER_EMPTY;
	struct span made = {0};

	put_row(detail_rows[what].en, values, &text);
	if (buffer_ok(&text))
		made = arena_copy(arena, buffer_span(&text));
	buffer_free(&text);
	return made;
}

/* ---- words ---- */

static bool begins_with(struct span text, struct span with)
{
	return text.n >= with.n && (with.n == 0 || memcmp(text.p, with.p, with.n) == 0);
}

/* Keeps the longest of the words that the text begins with: "returned (out)" is not "returned". */
static void try_word(struct span text, const char *en, const char *zh, struct span *en_found,
		     const char **zh_found)
{
	const struct span word = span_str(en);

	if (word.n > en_found->n && begins_with(text, word)) {
		*en_found = span_of(text.p, word.n);
		*zh_found = zh;
	}
}

/* What is done to a load, by its steps' names and its events', and why one will not sign. NULL: no word of
 * ours. */
static const char *word_in_chinese(struct span *text)
{
	static const struct detail_row others[] = {{"carried", "在途"}, {"sent back", "退运"}};
	struct span en = {0};
	const char *zh = NULL;

	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		try_word(*text, others[i].en, others[i].zh, &en, &zh);
	for (const struct word *w = attest_words; w->name != NULL; w++)
		try_word(*text, w->en, w->zh, &en, &zh);
	for (const struct word *w = event_words; w->name != NULL; w++) {
		try_word(*text, w->name, w->zh, &en, &zh);
		for (enum return_leg leg = RETURN_NO_LEG; leg <= RETURN_BACK; leg++)
			try_word(*text, state_step_name((enum event_kind)w->value, leg, false),
				 state_step_name((enum event_kind)w->value, leg, true), &en, &zh);
	}
	*text = span_of(text->p + en.n, text->n - en.n);
	return zh;
}

/* ---- taking apart ---- */

static struct span take(struct span *text, size_t n)
{
	const struct span taken = span_of(text->p, n);

	*text = span_of(text->p + n, text->n - n);
	return taken;
}

static size_t digits(struct span text)
{
	size_t n = 0;

	while (n < text.n && text.p[n] >= '0' && text.p[n] <= '9')
		n++;
	return n;
}

/* Takes what stands for the placeholder, up to the words after it. False: nothing does. */
static bool take_value(struct span *text, char placeholder, struct span until, struct detail_value *ret_value)
{
	if (placeholder == 'w') {
		*ret_value = detail_text(word_in_chinese(text));
	} else if (placeholder == 'n') {
		ret_value->text = take(text, digits(*text));
	} else {
		const uint8_t *end = memmem(text->p, text->n, until.p, until.n);
		ret_value->text = take(text, end == NULL || until.n == 0 ? text->n : (size_t)(end - text->p));
	}
	return ret_value->text.n > 0;
}

static bool take_apart(struct span text, const char *row, struct detail_value values[VALUES_MAX])
{
	struct part part = next_part(&row);

	for (size_t i = 0; begins_with(text, part.words); i++) {
		const char placeholder = part.placeholder;

		(void)take(&text, part.words.n);
		if (placeholder == 0)
			return text.n == 0;
		part = next_part(&row);
		if (i == VALUES_MAX || !take_value(&text, placeholder, part.words, &values[i]))
			return false;
	}
	return false;
}

/* Copies a fact that is of no row; false then. */
static bool put_fact(struct span fact, struct buffer *to)
{
	struct detail_value values[VALUES_MAX] = {0};

	for (size_t i = 0; i < DETAILS; i++)
		if (take_apart(fact, detail_rows[i].en, values)) {
			put_row(detail_rows[i].zh, values, to);
			return true;
		}
	buffer_put_span(to, fact);
	return false;
}

void detail_in_chinese(struct span detail, struct buffer *to)
{
	const uint8_t *end;

	if (detail.n == 0)
		return;
	while ((end = memmem(detail.p, detail.n, "; ", 2)) != NULL) {
		const bool read = put_fact(take(&detail, (size_t)(end - detail.p)), to);

		(void)take(&detail, 2);
		buffer_put_str(to, read ? "；" : "; ");
	}
	(void)put_fact(detail, to);
}
