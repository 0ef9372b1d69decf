/*
 * Owns the layout. Rows are kept, then laid out twice: once to learn how many pages there are, once to draw
 * them. A cell is a Pango layout; what does not fit on a page goes on at the top of the next, line by line.
 */
#include "paper/paper.h"

#include <cairo-pdf.h>
#include <pango/pangocairo.h>
#include <qrencode.h>
#include <stdio.h>
#include <stdlib.h>

#define PAGE_WIDTH    595.28
#define PAGE_HEIGHT   841.89
#define MARGIN        46.0
#define FOOT          34.0 /* below the text */
#define WIDTH         (PAGE_WIDTH - 2 * MARGIN)
#define BOTTOM        (PAGE_HEIGHT - MARGIN - FOOT)
#define GUTTER        8.0
#define CODE_SIDE     (WIDTH * (100 - PAPER_BESIDE) / 100.0 - GUTTER)
#define QUIET_MODULES 4

struct colour {
	double r, g, b;
};
static const struct colour ink = {.10, .11, .13};
static const struct colour grey = {.42, .45, .50};
static const struct colour pale = {.82, .84, .87};
static const struct colour blue = {.09, .23, .40};
static const struct colour green = {.05, .42, .25};
static const struct colour red = {.72, .09, .11};
static const struct colour white = {1, 1, 1};

#define SANS "Noto Sans CJK SC, Source Han Sans SC, WenQuanYi Micro Hei, Noto Sans, DejaVu Sans, sans-serif"
#define MONO "DejaVu Sans Mono, Noto Sans Mono, Liberation Mono, monospace"

static const struct {
	const char *family;
	double size;
	bool bold;
	const struct colour *colour;
} faces[PAPER_FACES] = {
    [PAPER_PLAIN] = {SANS, 8.6, false, &ink},      [PAPER_STRONG] = {SANS, 8.6, true, &ink},
    [PAPER_FAINT] = {SANS, 7.6, false, &grey},     [PAPER_ALARM] = {SANS, 8.6, false, &red},
    [PAPER_CODE] = {MONO, 7.2, false, &ink},       [PAPER_LABEL] = {SANS, 7.6, false, &grey},
    [PAPER_HEADING] = {SANS, 11.5, false, &blue},  [PAPER_TITLE] = {SANS, 25.0, false, &ink},
    [PAPER_VERDICT] = {SANS, 20.0, false, &white},
};

/* Space above the row, and between its edge and its text. */
static const struct {
	double above, inside;
} spaces[] = {
    [PAPER_TEXT] = {1.5, 0},   [PAPER_LINE] = {0, 3.6}, [PAPER_HEAD] = {3, 2.4},
    [PAPER_SECTION] = {15, 0}, [PAPER_GOOD] = {9, 11},  [PAPER_BAD] = {9, 11},
};

struct row {
	enum paper_rows kind;
	bool below_code; /* no text, but a move */
	size_t n;
	struct paper_cell cells[PAPER_CELLS_MAX];
};

struct paper {
	struct paper_about about;
	QRcode *code;
	struct row *rows;
	size_t rows_n, rows_cap;
	bool broken;
};

struct paper *paper_new(const struct paper_about *about)
{
	struct paper *p = calloc(1, sizeof(*p));

	if (p != NULL)
		p->about = *about;
	return p;
}

void paper_free(struct paper *p)
{
	if (p == NULL)
		return;
	if (p->code != NULL)
		QRcode_free(p->code);
	free(p->rows);
	free(p);
}

bool paper_code(struct paper *p, const char *text)
{
	p->code = QRcode_encodeData((int)strlen(text), (const unsigned char *)text, 0, QR_ECLEVEL_M);
	return p->code != NULL;
}

static struct row *row_new(struct paper *p)
{
	if (p->rows_n == p->rows_cap) {
		size_t cap = 2 * p->rows_cap + 64;
		struct row *grown = realloc(p->rows, cap * sizeof(*grown));
		if (grown == NULL) {
			p->broken = true;
			return NULL;
		}
		p->rows = grown;
		p->rows_cap = cap;
	}
	p->rows[p->rows_n] = (struct row){.n = 0};
	return &p->rows[p->rows_n++];
}

void paper_below_code(struct paper *p)
{
	struct row *r = row_new(p);

	if (r != NULL)
		r->below_code = true;
}

void paper_row(struct paper *p, enum paper_rows kind, const struct paper_cell *cells, size_t n)
{
	struct row *r = row_new(p);

	if (r == NULL)
		return;
	r->kind = kind;
	r->n = n < PAPER_CELLS_MAX ? n : PAPER_CELLS_MAX;
	memcpy(r->cells, cells, r->n * sizeof(cells[0]));
}

/* ---- drawing ---- */

/* One of the two passes. */
struct pass {
	const struct paper *p;
	PangoFontMap *fonts;
	cairo_t *cr;
	PangoContext *context;
	double y;
	unsigned page, pages; /* pages 0: not known yet */
	size_t missing;
	const struct row *head; /* of the table that is under way */
};

static void use(struct pass *s, const struct colour *c)
{
	cairo_set_source_rgb(s->cr, c->r, c->g, c->b);
}

static PangoLayout *layout_new(struct pass *s, const struct paper_cell *cell, double width,
			       const struct colour *c)
{
	PangoLayout *layout = pango_layout_new(s->context);
	PangoFontDescription *font = pango_font_description_new();
	char *text = g_utf8_make_valid(cell->text, -1);

	pango_font_description_set_family_static(font, faces[cell->face].family);
	pango_font_description_set_absolute_size(font, faces[cell->face].size * PANGO_SCALE);
	if (faces[cell->face].bold)
		pango_font_description_set_weight(font, PANGO_WEIGHT_BOLD);
	pango_layout_set_font_description(layout, font);
	pango_font_description_free(font);
	pango_layout_set_width(layout, (int)(width * PANGO_SCALE));
	pango_layout_set_wrap(layout, PANGO_WRAP_WORD_CHAR);
	pango_layout_set_line_spacing(layout, 1.12F);
	pango_layout_set_text(layout, text, -1);
	g_free(text);
	s->missing += (size_t)pango_layout_get_unknown_glyphs_count(layout);
	use(s, c);
	return layout;
}

static void draw_rule(struct pass *s, double y, const struct colour *c, double thick)
{
	use(s, c);
	cairo_rectangle(s->cr, MARGIN, y, WIDTH, thick);
	cairo_fill(s->cr);
}

static void draw_code(struct pass *s)
{
	const QRcode *code = s->p->code;
	double module = CODE_SIDE / (code->width + 2 * QUIET_MODULES);

	use(s, &ink);
	for (int i = 0; i < code->width * code->width; i++) {
		int column = i % code->width;
		int line = i / code->width;
		if ((code->data[i] & 1) != 0)
			cairo_rectangle(s->cr, MARGIN + WIDTH - CODE_SIDE + (column + QUIET_MODULES) * module,
					MARGIN + line * module, module, module);
	}
	cairo_fill(s->cr);
}

static void page_begin(struct pass *s)
{
	s->page++;
	s->y = MARGIN;
	if (s->page == 1 && s->p->code != NULL)
		draw_code(s);
}

static void page_end(struct pass *s)
{
	char text[400];
	const struct paper_cell cell = {text, PAPER_FAINT, 100};

	(void)snprintf(text, sizeof(text), "%.300s   ·   %u / %u", s->p->about.footer, s->page, s->pages);
	draw_rule(s, BOTTOM + FOOT / 3, &pale, 0.5);
	PangoLayout *layout = layout_new(s, &cell, WIDTH, &grey);
	pango_layout_set_height(layout, -1);
	pango_layout_set_ellipsize(layout, PANGO_ELLIPSIZE_MIDDLE);
	cairo_move_to(s->cr, MARGIN, BOTTOM + FOOT / 2);
	pango_cairo_show_layout(s->cr, layout);
	g_object_unref(layout);
	cairo_show_page(s->cr);
}

/* A cell of the row that is drawn: how much of it is on paper already. */
struct cell_state {
	PangoLayout *layout;
	PangoLayoutIter *line; /* the next to be drawn; NULL: none is left */
	double x;
	double done; /* height of what was drawn on earlier pages; negative: begins so much lower */
	const struct colour *colour;
};

static double line_end(PangoLayoutIter *line)
{
	int top, bottom;

	pango_layout_iter_get_line_yrange(line, &top, &bottom);
	return (double)bottom / PANGO_SCALE;
}

/* Draws the lines that fit into `room`, at s->y. Returns their height. */
static double draw_cell(struct pass *s, struct cell_state *c, double room, bool must)
{
	double used = 0;

	use(s, c->colour);
	while (c->line != NULL) {
		double end = line_end(c->line) - c->done;
		if (end > room && !(must && used <= 0))
			break;
		cairo_move_to(s->cr, c->x,
			      s->y + (double)pango_layout_iter_get_baseline(c->line) / PANGO_SCALE - c->done);
		pango_cairo_show_layout_line(s->cr, pango_layout_iter_get_line_readonly(c->line));
		used = end;
		if (!pango_layout_iter_next_line(c->line)) {
			pango_layout_iter_free(c->line);
			c->line = NULL;
		}
	}
	c->done += used;
	return used;
}

static double row_height(const struct row *r, const struct cell_state *cells)
{
	double height = 0;

	for (size_t i = 0; i < r->n; i++) {
		int h;
		pango_layout_get_size(cells[i].layout, NULL, &h);
		if ((double)h / PANGO_SCALE - cells[i].done > height)
			height = (double)h / PANGO_SCALE - cells[i].done;
	}
	return height;
}

static void draw_background(struct pass *s, const struct row *r, double height)
{
	double inside = spaces[r->kind].inside;

	if (r->kind == PAPER_LINE) {
		draw_rule(s, s->y, &pale, 0.5);
	} else if (r->kind == PAPER_GOOD || r->kind == PAPER_BAD) {
		use(s, r->kind == PAPER_GOOD ? &green : &red);
		cairo_rectangle(s->cr, MARGIN, s->y, WIDTH, height + 2 * inside);
		cairo_fill(s->cr);
	}
}

static void draw_row(struct pass *s, const struct row *r, bool again);

/* The rest goes to a new page, below its table's head. */
static void turn(struct pass *s, const struct row *r)
{
	page_end(s);
	page_begin(s);
	if (s->head != NULL && s->head != r)
		draw_row(s, s->head, true);
}

static void cells_begin(struct pass *s, const struct row *r, struct cell_state *cells)
{
	bool band = r->kind == PAPER_GOOD || r->kind == PAPER_BAD;
	int lowest = 0; /* first baseline: all cells stand on it */
	double x = MARGIN + (band ? spaces[r->kind].inside + 4 : 0);

	for (size_t i = 0; i < r->n; i++) {
		double width = WIDTH * r->cells[i].width / 100.0;
		cells[i] =
		    (struct cell_state){.x = x, .colour = band ? &white : faces[r->cells[i].face].colour};
		cells[i].layout =
		    layout_new(s, &r->cells[i], width - GUTTER - (band ? 2 * spaces[r->kind].inside : 0),
			       cells[i].colour);
		cells[i].line = pango_layout_get_iter(cells[i].layout);
		x += width;
		if (pango_layout_get_baseline(cells[i].layout) > lowest)
			lowest = pango_layout_get_baseline(cells[i].layout);
	}
	for (size_t i = 0; i < r->n; i++)
		cells[i].done = -(double)(lowest - pango_layout_get_baseline(cells[i].layout)) / PANGO_SCALE;
}

static void draw_row(struct pass *s, const struct row *r, bool again)
{
	struct cell_state cells[PAPER_CELLS_MAX];
	double inside = spaces[r->kind].inside;
	/* A heading takes two lines of what follows with it; a head of a table likewise. */
	double company = r->kind == PAPER_SECTION ? 60 : r->kind == PAPER_HEAD ? 30 : 0;
	bool left = true;

	if (s->y > MARGIN && !again)
		s->y += spaces[r->kind].above;
	cells_begin(s, r, cells);
	double height = row_height(r, cells);
	bool fits_a_page = height + 2 * inside + 60 < BOTTOM - MARGIN;
	if (s->y > MARGIN && !again && s->y + 2 * inside + (fits_a_page ? height + company : 40) > BOTTOM)
		turn(s, r);
	draw_background(s, r, height);
	while (left) {
		double used = 0;
		s->y += inside;
		left = false;
		for (size_t i = 0; i < r->n; i++) {
			double drawn = draw_cell(s, &cells[i], BOTTOM - inside - s->y, true);
			used = drawn > used ? drawn : used;
			left |= cells[i].line != NULL;
		}
		s->y += used + inside;
		if (left)
			turn(s, r);
	}
	for (size_t i = 0; i < r->n; i++)
		g_object_unref(cells[i].layout);
	if (r->kind == PAPER_HEAD)
		draw_rule(s, s->y, &ink, 0.8);
}

static void draw_all(struct pass *s)
{
	page_begin(s);
	for (size_t i = 0; i < s->p->rows_n; i++) {
		const struct row *r = &s->p->rows[i];
		double below = MARGIN + CODE_SIDE;
		if (r->below_code) {
			if (s->page == 1 && s->p->code != NULL && s->y < below)
				s->y = below;
			continue;
		}
		if (r->kind != PAPER_LINE)
			s->head = NULL;
		draw_row(s, r, false);
		if (r->kind == PAPER_HEAD)
			s->head = r;
	}
	page_end(s);
}

#ifdef __SANITIZE_ADDRESS__
/* Fontconfig loses a pattern of its own when its thread ends; what is ours is looked at all the same. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libfontconfig";
}
#endif

/* ---- the file ---- */

static cairo_status_t write_to_buffer(void *closure, const unsigned char *data, unsigned int n)
{
	struct buffer *to = closure;

	buffer_put_span(to, span_of(data, n));
	return buffer_ok(to) ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

static bool run(struct pass *s, struct buffer *to)
{
	const struct paper_about *about = &s->p->about;
	cairo_surface_t *surface = cairo_pdf_surface_create_for_stream(to == NULL ? NULL : write_to_buffer,
								       to, PAGE_WIDTH, PAGE_HEIGHT);

	cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE, about->title);
	cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, about->created);
	cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_MOD_DATE, about->created);
	s->cr = cairo_create(surface);
	s->context = pango_font_map_create_context(s->fonts);
	pango_cairo_update_context(s->cr, s->context);
	pango_context_set_language(s->context, pango_language_from_string(about->language));
	draw_all(s);
	g_object_unref(s->context);
	cairo_status_t status = cairo_status(s->cr);
	cairo_destroy(s->cr);
	cairo_surface_finish(surface);
	if (status == CAIRO_STATUS_SUCCESS)
		status = cairo_surface_status(surface);
	cairo_surface_destroy(surface);
	return status == CAIRO_STATUS_SUCCESS;
}

/* Pango ends the program when it finds no font whatever. */
static bool some_font(PangoFontMap *fonts)
{
	PangoFontFamily **families = NULL;
	int n = 0;

	pango_font_map_list_families(fonts, &families, &n);
	g_free(families);
	return n > 0;
}

bool paper_finish(struct paper *p, struct buffer *to, size_t *ret_missing)
{
	/* One of our own: the default one would live as long as the thread. */
	PangoFontMap *fonts = pango_cairo_font_map_new();
	struct pass first = {.p = p, .fonts = fonts};
	struct pass second = {.p = p, .fonts = fonts};
	bool good = !p->broken && some_font(fonts) && run(&first, NULL);

	second.pages = first.page;
	good = good && run(&second, to);
	g_object_unref(fonts);
	if (good)
		*ret_missing = second.missing;
	return good;
}
