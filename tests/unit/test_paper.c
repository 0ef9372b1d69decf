/*
 * paper: the same rows give the same bytes; what is long goes over to as many pages as it needs, and nothing
 * that can be in a cell ends the program. What the pages look like and say is looked at in tests/integration.
 */
#include <criterion/criterion.h>

#include <stdlib.h>

#include "paper/paper.h"

static const struct paper_about about = {
    .title = "t", .language = "en", .created = "2026-10-01T08:30:00+08:00", .footer = "f"};

/* Pages of a PDF: each says so once. Object streams are compressed, so the count is read from the tree. */
static int pages(const struct buffer *pdf)
{
	int n = -1;

	for (size_t i = 0; i + 8 < pdf->n; i++)
		if (memcmp(pdf->p + i, "/Count ", 7) == 0)
			n = atoi((const char *)pdf->p + i + 7);
	return n;
}

static int make(const char *const *texts, size_t rows, size_t cells, struct buffer *to)
{
	struct paper *p = paper_new(&about);
	struct paper_cell row[PAPER_CELLS_MAX];
	size_t missing = 0;

	cr_assert(p != NULL);
	cr_assert(paper_code(p, "words"));
	paper_below_code(p);
	for (size_t i = 0; i < cells; i++)
		row[i] = (struct paper_cell){"head", PAPER_LABEL, (unsigned)(100 / cells)};
	paper_row(p, PAPER_HEAD, row, cells);
	for (size_t r = 0; r < rows; r++) {
		for (size_t i = 0; i < cells; i++)
			row[i].text = texts[(r + i) % cells];
		paper_row(p, PAPER_LINE, row, cells);
	}
	cr_assert(paper_finish(p, to, &missing));
	paper_free(p);
	return pages(to);
}

Test(paper, the_same_bytes)
{
	static const char *const texts[] = {"one", "废矿物油", ""};
	struct buffer a = BUFFER_EMPTY;
	struct buffer b = BUFFER_EMPTY;

	cr_expect_eq(make(texts, 5, 3, &a), 1);
	(void)make(texts, 5, 3, &b);
	cr_expect(a.n > 1000 && span_eq(buffer_span(&a), buffer_span(&b)));
	buffer_free(&a);
	buffer_free(&b);
}

Test(paper, long_tables_and_long_cells)
{
	static char word[4096];
	static char lines[20000];
	const char *const rows[] = {"a", "b"};
	const char *const broad[] = {word, "b"};
	const char *const deep[] = {"a", lines};
	struct buffer pdf = BUFFER_EMPTY;

	cr_expect_gt(make(rows, 200, 2, &pdf), 3);
	buffer_free(&pdf);
	/* without a space to break at, and higher than three pages */
	memset(word, 'w', sizeof(word) - 1);
	cr_expect_gt(make(broad, 1, 2, &pdf), 1);
	buffer_free(&pdf);
	for (size_t i = 0; i + 40 < sizeof(lines); i += 40)
		memcpy(lines + i, "x\n", 2), memset(lines + i + 2, 'y', 38);
	cr_expect_gt(make(deep, 3, 2, &pdf), 10);
	buffer_free(&pdf);
}

Test(paper, bytes_that_are_no_text)
{
	static const char *const texts[] = {"\xff\xfe\x80", "\xe5\xba", "\t\r\x01"};
	struct buffer pdf = BUFFER_EMPTY;

	cr_expect_eq(make(texts, 3, 3, &pdf), 1);
	buffer_free(&pdf);
}

Test(paper, too_long_for_a_code)
{
	static char text[4000];
	struct paper *p = paper_new(&about);

	memset(text, 'x', sizeof(text) - 1);
	cr_expect_not(paper_code(p, text));
	paper_free(p);
}
