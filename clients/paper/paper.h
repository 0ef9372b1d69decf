/*
 * A4 pages of text and tables as PDF: rows of cells that wrap, break over pages and never overflow, and one
 * QR code at the top right. The same rows always give the same bytes with the same fonts. The only place
 * that knows Pango, Cairo and libqrencode.
 */
#ifndef PAPER_PAPER_H
#define PAPER_PAPER_H

#include "base/buffer.h"

struct paper;

enum paper_face {
	PAPER_PLAIN,
	PAPER_STRONG,
	PAPER_FAINT,
	PAPER_ALARM,
	PAPER_CODE, /* of fixed width: hashes */
	PAPER_LABEL,
	PAPER_HEADING,
	PAPER_TITLE,
	PAPER_VERDICT,
	PAPER_FACES
};

struct paper_cell {
	const char *text; /* borrowed until the paper is free; may have LF */
	enum paper_face face;
	unsigned width; /* in hundredths of the page's */
};

enum paper_rows {
	PAPER_TEXT,    /* close to the row before it */
	PAPER_LINE,    /* with a rule above it, as of a table */
	PAPER_HEAD,    /* begins a table; again at the top of each page that the table goes on to */
	PAPER_SECTION, /* with space above, never last on a page; ends a table */
	PAPER_GOOD,    /* white on a green band */
	PAPER_BAD,     /* white on a red band */
};

enum { PAPER_CELLS_MAX = 8, PAPER_BESIDE = 76 }; /* BESIDE: the width that the QR code leaves */

struct paper_about {
	const char *title;
	const char *language; /* "zh" or "en": how shared characters are drawn */
	const char *created;  /* ISO 8601, UTC: what the PDF says, no clock is read */
	const char *footer;   /* of every page; its number follows */
};

/* `about` is copied, its texts borrowed. NULL: no memory. */
struct paper *paper_new(const struct paper_about *about) MUST_CHECK;
void paper_free(struct paper *p);

/* At the top right of the first page. False: it is too long for one. */
bool paper_code(struct paper *p, const char *text) MUST_CHECK;
/* What follows begins below the code. */
void paper_below_code(struct paper *p);
void paper_row(struct paper *p, enum paper_rows kind, const struct paper_cell *cells, size_t n);

/*
 * Appends the PDF. ret_missing: how many characters no installed font has. False: no memory, or there is no
 * font at all.
 */
bool paper_finish(struct paper *p, struct buffer *to, size_t *ret_missing) MUST_CHECK;

#endif
