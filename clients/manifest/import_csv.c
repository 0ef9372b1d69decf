/*
 * CSV with the columns of the national platform's export, one row a waste line. Rows of one manifest number
 * become one record with a line each; a bad row stops no other.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/csv.h"
#include "base/map.h"
#include "base/text.h"
#include "manifest/import.h"
#include "manifest/import_columns.h"

#define SCHEME "cn-national-csv"
enum { COLUMNS_MAX = 64, REMARK_MAX = 2000 };

struct draft {
	struct import_record record;
	struct foreign_line *lines; /* an array that grows */
	size_t cap;
};

struct reading {
	struct import_result r;
	int column_of[COLUMNS_MAX]; /* by position in the file; -1: not known */
	const char *heading[COLUMNS_MAX];
	enum mass_unit unit[COLUMNS_MAX];
	size_t columns_n;
	struct map by_number;
	struct map lacking; /* numbers of which a row was bad */
	struct draft **drafts;
	size_t drafts_n;
	size_t drafts_cap;
};

static void bad(struct reading *g, unsigned row, const char *column, struct span found, const char *allowed,
		const char *en, const char *zh)
{
	import_find(&g->r, &(struct import_finding){.what = IMPORT_BAD,
						    .record = g->r.seen,
						    .row = row,
						    .column = column,
						    .found = import_quote(&g->r, found),
						    .allowed = allowed,
						    .en = en,
						    .zh = zh});
}

/* ---- the heading ---- */

static bool read_heading(struct reading *g, const struct span *fields, size_t n, unsigned row)
{
	bool there[COLUMNS] = {false};
	bool good = true;

	g->columns_n = n;
	for (size_t i = 0; i < n; i++) {
		struct span heading = column_trim(fields[i]);
		g->heading[i] = import_quote(&g->r, heading);
		g->unit[i] = column_unit(&heading);
		g->column_of[i] = column_named(heading);
		if (g->column_of[i] < 0) {
			import_find(&g->r, &(struct import_finding){
					       .what = IMPORT_LEFT_OUT,
					       .row = row,
					       .column = g->heading[i],
					       .en = "there is no place for this column in the event",
					       .zh = "事件中没有与此列对应的字段"});
		} else if (there[g->column_of[i]]) {
			bad(g, row, g->heading[i], heading, "", "the column is there twice", "该列重复");
			good = false;
		} else {
			there[g->column_of[i]] = true;
		}
	}
	for (int c = 0; c < COLUMNS; c++) {
		if (!column_rows[c].must || there[c])
			continue;
		bad(g, row, column_rows[c].headings[0], span_str(""), "", "this column is missing",
		    "缺少该列");
		good = false;
	}
	return good;
}

/* ---- cells ---- */

/* People break lines in cells; the log has no control characters. */
static struct span one_line(struct reading *g, struct span value, unsigned row, size_t i)
{
	uint8_t *copy = arena_alloc(g->r.arena, value.n + 1);
	bool broken = false;

	for (size_t k = 0; copy != NULL && k < value.n; k++) {
		bool space = value.p[k] == '\n' || value.p[k] == '\r' || value.p[k] == '\t';
		copy[k] = space ? ' ' : value.p[k];
		broken |= space;
	}
	if (broken)
		import_find(&g->r, &(struct import_finding){.what = IMPORT_NOTE,
							    .record = g->r.seen,
							    .row = row,
							    .column = g->heading[i],
							    .en = "line breaks in the cell became spaces",
							    .zh = "单元格中的换行已改为空格"});
	return copy == NULL ? span_str("") : span_of(copy, value.n);
}

/* Every problem of the row; the values by column, those that are not there empty. */
static bool read_cells(struct reading *g, const struct span *fields, size_t n, unsigned row,
		       struct span ret_values[COLUMNS], size_t ret_at[COLUMNS])
{
	bool good = true;

	if (n != g->columns_n) {
		char allowed[24];
		char found[24];
		(void)snprintf(allowed, sizeof(allowed), "%zu", g->columns_n);
		(void)snprintf(found, sizeof(found), "%zu", n);
		bad(g, row, "", span_str(found), allowed, "the row has not as many fields as the heading",
		    "该行字段数与表头不同");
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		const char *allowed = "";
		if (g->column_of[i] < 0)
			continue;
		const struct column_row *column = &column_rows[g->column_of[i]];
		struct span value = one_line(g, column_trim(fields[i]), row, i);
		ret_values[g->column_of[i]] = value;
		ret_at[g->column_of[i]] = i;
		if (value.n == 0 && !column->must)
			continue;
		if (value.n == 0) {
			bad(g, row, g->heading[i], value, "", "a value is missing", "缺少值");
			good = false;
		} else if (!text_is_clean(value) ||
			   !column_cell_holds(g->column_of[i], g->unit[i], value, &allowed)) {
			bad(g, row, g->heading[i], value, allowed, "the value is not of its form",
			    "值的格式不对");
			good = false;
		}
	}
	return good;
}

/* ---- records ---- */

static struct draft *draft_of(struct reading *g, struct span number, unsigned row)
{
	struct draft *d = map_get(&g->by_number, number);

	if (d != NULL)
		return d;
	if (g->drafts_n == g->drafts_cap) {
		size_t cap = 2 * g->drafts_cap + 256;
		struct draft **grown = realloc(g->drafts, cap * sizeof(struct draft *));
		if (grown == NULL)
			return NULL;
		g->drafts = grown;
		g->drafts_cap = cap;
	}
	d = arena_alloc(g->r.arena, sizeof(*d));
	if (d == NULL || !map_put(&g->by_number, number, d))
		return NULL;
	d->record.row = row;
	d->record.value.scheme = span_str(SCHEME);
	d->record.value.foreign_number = number;
	d->record.value.record = g->r.seen;
	g->drafts[g->drafts_n++] = d;
	return d;
}

static struct foreign_line *line_of(struct reading *g, struct draft *d)
{
	struct imported *v = &d->record.value;

	if (v->lines_n == IMPORT_LINES_MAX)
		return NULL;
	if (v->lines_n == d->cap) {
		size_t cap = 2 * d->cap + 4;
		struct foreign_line *grown = arena_array(g->r.arena, cap, sizeof(*grown));
		if (grown == NULL)
			return NULL;
		if (v->lines_n > 0)
			memcpy(grown, d->lines, v->lines_n * sizeof(*grown));
		d->lines = grown;
		d->cap = cap;
	}
	v->lines = d->lines;
	d->lines[v->lines_n] = (struct foreign_line){.line = (uint32_t)v->lines_n + 1};
	return &d->lines[v->lines_n++];
}

static void first_of(struct span *to, struct span value)
{
	if (to->n == 0)
		*to = value;
}

static void take_party(struct reading *g, struct imported *v, enum role role, struct span id,
		       struct span name)
{
	struct foreign_party *parties = arena_array(g->r.arena, v->parties_n + 1, sizeof(*parties));

	if (parties == NULL || (id.n == 0 && name.n == 0))
		return;
	for (size_t i = 0; i < v->parties_n; i++) {
		parties[i] = v->parties[i];
		if (parties[i].role == role && span_eq(parties[i].id, id) && span_eq(parties[i].name, name))
			return;
	}
	if (v->parties_n == IMPORT_PARTIES_MAX)
		return;
	parties[v->parties_n] = (struct foreign_party){.role = role, .id = id, .name = name};
	v->parties = parties;
	v->parties_n++;
}

/* The quantity as it is written, with the unit that its column states. */
static struct span quantity(struct reading *g, struct span value, size_t at)
{
	if (value.n == 0)
		return value;
	return span_str(
	    arena_printf(g->r.arena, "%.*s %s", SPAN_ARG(value), g->unit[at] == MASS_TONNE ? "t" : "kg"));
}

static void take_remark(struct reading *g, struct imported *v, const struct span values[COLUMNS],
			const size_t at[COLUMNS], size_t line, unsigned row)
{
	for (int c = 0; c < COLUMNS; c++) {
		if (!column_rows[c].in_remark || values[c].n == 0)
			continue;
		const char *text =
		    arena_printf(g->r.arena, "%.*s%s%zu %s: %.*s", SPAN_ARG(v->remark),
				 v->remark.n == 0 ? "" : "; ", line, g->heading[at[c]], SPAN_ARG(values[c]));
		if (text != NULL && strlen(text) <= REMARK_MAX) {
			v->remark = span_str(text);
			continue;
		}
		import_find(&g->r, &(struct import_finding){.what = IMPORT_LEFT_OUT,
							    .record = v->record,
							    .row = row,
							    .column = g->heading[at[c]],
							    .found = import_quote(&g->r, values[c]),
							    .en = "no room left in the remark",
							    .zh = "备注已满"});
	}
}

static bool take_row(struct reading *g, const struct span values[COLUMNS], const size_t at[COLUMNS],
		     unsigned row)
{
	struct draft *d = draft_of(g, values[COLUMN_NUMBER], row);
	struct foreign_line *line = d == NULL ? NULL : line_of(g, d);
	struct span *codes = arena_alloc(g->r.arena, sizeof(*codes));

	if (line == NULL || codes == NULL) {
		bad(g, row, column_rows[COLUMN_NUMBER].headings[0], values[COLUMN_NUMBER], "200",
		    "the manifest has too many rows", "该联单行数过多");
		return false;
	}
	struct imported *v = &d->record.value;
	first_of(&v->status, values[COLUMN_STATUS]);
	first_of(&v->issued, values[COLUMN_ISSUED]);
	first_of(&v->shipped, values[COLUMN_SHIPPED_AT]);
	first_of(&v->received, values[COLUMN_RECEIVED_AT]);
	take_party(g, v, ROLE_GENERATOR, values[COLUMN_GENERATOR_ID], values[COLUMN_GENERATOR]);
	take_party(g, v, ROLE_TRANSPORTER, values[COLUMN_TRANSPORTER_ID], values[COLUMN_TRANSPORTER]);
	take_party(g, v, ROLE_FACILITY, values[COLUMN_FACILITY_ID], values[COLUMN_FACILITY]);
	*codes = values[COLUMN_CODE];
	line->codes = codes;
	line->codes_n = 1;
	line->name = values[COLUMN_NAME];
	line->planned = quantity(g, values[COLUMN_PLANNED], at[COLUMN_PLANNED]);
	line->shipped = quantity(g, values[COLUMN_SHIPPED], at[COLUMN_SHIPPED]);
	line->confirmed = quantity(g, values[COLUMN_CONFIRMED], at[COLUMN_CONFIRMED]);
	line->containers = values[COLUMN_CONTAINERS];
	line->method = values[COLUMN_METHOD];
	take_remark(g, v, values, at, line->line, row);
	return true;
}

static void leave_out(struct reading *g, struct span number)
{
	g->r.bad++;
	if (number.n > 0 && !map_put(&g->lacking, number, g))
		g->r.findings_more++;
}

static void finish(struct reading *g)
{
	g->r.records = arena_array(g->r.arena, g->drafts_n + 1, sizeof(g->r.records[0]));
	for (size_t i = 0; i < g->drafts_n && g->r.records != NULL; i++) {
		const struct import_record *record = &g->drafts[i]->record;
		if (map_get(&g->lacking, record->value.foreign_number) != NULL)
			import_find(&g->r, &(struct import_finding){
					       .what = IMPORT_NOTE,
					       .record = record->value.record,
					       .row = record->row,
					       .column = column_rows[COLUMN_NUMBER].headings[0],
					       .found = import_quote(&g->r, record->value.foreign_number),
					       .en = "it is entered without its bad rows",
					       .zh = "该联单有误的行未导入"});
		if (import_check(&g->r, &record->value, record->row))
			g->r.records[g->r.records_n++] = *record;
		else
			g->r.bad += (unsigned)record->value.lines_n;
	}
	map_free(&g->by_number);
	map_free(&g->lacking);
	free(g->drafts);
}

bool import_cn_csv(struct span file, struct arena *arena, struct import_result *ret_result)
{
	struct reading g = {.r = {.arena = arena}};
	struct csv csv = csv_open(file, arena);
	struct span fields[COLUMNS_MAX];
	size_t n = 0;
	enum csv_result got = csv_next(&csv, fields, COLUMNS_MAX, &n);

	if (got != CSV_RECORD || !read_heading(&g, fields, n, csv.line)) {
		if (got != CSV_RECORD)
			bad(&g, 1, "", span_str(got == CSV_BAD ? csv.error : ""), "CSV (RFC 4180)",
			    "the heading cannot be read", "无法读取表头");
		*ret_result = g.r;
		return false;
	}
	while ((got = csv_next(&csv, fields, COLUMNS_MAX, &n)) != CSV_END) {
		struct span values[COLUMNS] = {{0}};
		size_t at[COLUMNS] = {0};
		if (got == CSV_RECORD && n == 1 && fields[0].n == 0)
			continue;
		g.r.seen++;
		if (got == CSV_BAD)
			bad(&g, csv.line, "", span_str(csv.error), "CSV (RFC 4180)", "the row cannot be read",
			    "无法读取该行");
		if (got == CSV_BAD || !read_cells(&g, fields, n, csv.line, values, at) ||
		    !take_row(&g, values, at, csv.line))
			leave_out(&g, values[COLUMN_NUMBER]);
	}
	finish(&g);
	*ret_result = g.r;
	return true;
}
