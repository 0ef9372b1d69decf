/*
 * Reads reference files: one table of kinds, each with its header and what makes a row of a record. A
 * record's first field is its key and must not repeat. The first fault found is told with its line.
 */
#include "core/reference_part.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/csv.h"
#include "base/text.h"
#include "core/time_text.h"

enum { FIELDS = 4, ROWS_MAX = 200000, PART_MEMORY = 64 * 1024 * 1024 };

/* A record's key and line, to find repeats and to tell the line of what is found out later. */
struct key {
	struct span text;
	unsigned line;
};

struct load {
	struct part *part;
	struct arena *scratch; /* dropped at the end */
	struct reference_error *error;
	unsigned line;    /* of the record at hand */
	size_t capacity;  /* records at most */
	struct key *keys; /* sorted by text before finish() */
	size_t keys_n;
	union { /* rows so far, `capacity` of them */
		struct waste_code *waste;
		struct division *divisions;
		struct treatment_method *methods;
		struct calendar_day *days;
		void *rows;
	};
	size_t n;
};

PRINTF_LIKE(3, 4) static bool fail(struct load *l, unsigned line, const char *fmt, ...)
{
	va_list args;

	*l->error = (struct reference_error){.line = line};
	va_start(args, fmt);
	(void)vsnprintf(l->error->text, sizeof(l->error->text), fmt, args);
	va_end(args);
	return false;
}

static unsigned line_of(const struct load *l, struct span key)
{
	for (size_t i = 0; i < l->keys_n; i++)
		if (span_eq(l->keys[i].text, key))
			return l->keys[i].line;
	return 0;
}

/* ---- waste codes ---- */

static bool hazards_known(struct span hazards)
{
	static const char *const known[] = {"T", "C", "I", "R", "In"};
	size_t at = 0;

	for (;;) {
		size_t end = at;
		bool good = false;
		while (end < hazards.n && hazards.p[end] != ',' && hazards.p[end] != '/')
			end++;
		for (size_t i = 0; i < ARRAY_LEN(known); i++)
			good |= span_eq_str(span_of(hazards.p + at, end - at), known[i]);
		if (!good || end == hazards.n)
			return good;
		at = end + 1;
	}
}

static bool waste_row(struct load *l, const struct span *f)
{
	struct waste_code *row = &l->waste[l->n];
	int category = category_number(f[1]);

	if (!waste_code_is_wellformed(f[0]))
		return fail(l, l->line, "the code must have the form NNN-NNN-NN");
	if (category < 1 || !waste_code_covered(f[1], f[0]))
		return fail(l, l->line, "the category must be HW and the last two digits of the code");
	if (f[2].n == 0)
		return fail(l, l->line, "the name is empty");
	if (!hazards_known(f[3]))
		return fail(l, l->line, "hazards are T, C, I, R or In, with a comma or a stroke between");
	*row = (struct waste_code){.name = f[2], .hazards = f[3]};
	memcpy(row->code, f[0].p, WASTE_CODE_LENGTH);
	memcpy(row->category, f[1].p, CATEGORY_LENGTH);
	row->by_testing = memcmp(row->code, "900-000-", 8) == 0;
	l->part->waste.categories[category] = true;
	l->n++;
	return true;
}

static int by_waste_code(const void *a, const void *b)
{
	return memcmp(((const struct waste_code *)a)->code, ((const struct waste_code *)b)->code,
		      WASTE_CODE_LENGTH);
}

/* Adds 900-000-NN for each category; the rows' capacity allows for them. */
static bool waste_finish(struct load *l)
{
	static const char name[] = "经鉴别具有危险特性的废物";
	struct waste_list *list = &l->part->waste;

	for (unsigned c = 1; c < CATEGORIES; c++) {
		struct waste_code row = {.by_testing = true, .name = span_str(name), .hazards = span_str("")};
		(void)snprintf(row.code, sizeof(row.code), "900-000-%02u", c);
		(void)snprintf(row.category, sizeof(row.category), "HW%02u", c);
		if (list->categories[c] && line_of(l, span_str(row.code)) == 0)
			l->waste[l->n++] = row;
	}
	qsort(l->waste, l->n, sizeof(*l->waste), by_waste_code);
	list->rows = l->waste;
	list->n = l->n;
	return true;
}

/* ---- divisions ---- */

static bool division_row(struct load *l, const struct span *f)
{
	static const char *const levels[] = {"province", "city", "county"};
	static const size_t zeros[] = {4, 2, 0}; /* that the code ends in */
	struct division *row = &l->divisions[l->n];
	uint64_t code;
	size_t level = 0;

	while (level < ARRAY_LEN(levels) && !span_eq_str(f[1], levels[level]))
		level++;
	if (level == ARRAY_LEN(levels))
		return fail(l, l->line, "the level must be province, city or county");
	if (f[0].n != DIVISION_LENGTH || !decimal_parse(f[0], &code) ||
	    memcmp(f[0].p + DIVISION_LENGTH - zeros[level], "0000", zeros[level]) != 0)
		return fail(l, l->line, "not a code of six digits for a %s", levels[level]);
	bool parent_holds = level == DIVISION_PROVINCE ? f[3].n == 0 : division_covers(f[3], f[0]);
	if (!parent_holds || f[2].n == 0)
		return fail(l, l->line, "%s",
			    f[2].n == 0 ? "the name is empty" : "the parent does not hold it");
	*row = (struct division){.level = (enum division_level)level, .name = f[2]};
	memcpy(row->code, f[0].p, DIVISION_LENGTH);
	/* Until finish(): the parent, whatever its level. */
	memcpy(row->city, f[3].p, f[3].n);
	l->n++;
	return true;
}

/* A city without districts stands in the list once more, as a county of its own. */
static bool division_is_own_county(const struct span *f)
{
	return span_eq_str(f[1], "county") && span_eq(f[0], f[3]);
}

static int by_division_code(const void *a, const void *b)
{
	return memcmp(((const struct division *)a)->code, ((const struct division *)b)->code,
		      DIVISION_LENGTH);
}

static bool division_finish(struct load *l)
{
	struct division_table *table = &l->part->divisions;

	qsort(l->divisions, l->n, sizeof(*l->divisions), by_division_code);
	*table = (struct division_table){.rows = l->divisions, .n = l->n};
	for (size_t i = 0; i < l->n; i++) {
		struct division *row = &l->divisions[i];
		if (row->level == DIVISION_PROVINCE)
			continue;
		const struct division *parent = division_table_find(table, span_str(row->city));
		if (parent == NULL || parent->level + 1 != row->level)
			return fail(l, line_of(l, span_str(row->code)),
				    "the parent %s is not in the file, or is not of the level above",
				    row->city);
		if (row->level == DIVISION_CITY)
			memcpy(row->city, row->code, sizeof(row->city));
	}
	return true;
}

static int compare_division(const void *key, const void *row)
{
	return memcmp(key, ((const struct division *)row)->code, DIVISION_LENGTH);
}

const struct division *division_table_find(const struct division_table *table, struct span code)
{
	if (code.n != DIVISION_LENGTH)
		return NULL;
	return bsearch(code.p, table->rows, table->n, sizeof(*table->rows), compare_division);
}

/* ---- treatment methods ---- */

static bool method_row(struct load *l, const struct span *f)
{
	bool good = f[0].n >= 2 && f[0].n <= 4 && f[0].p[0] >= 'A' && f[0].p[0] <= 'Z';

	for (size_t i = 1; good && i < f[0].n; i++)
		good = f[0].p[i] >= '0' && f[0].p[i] <= '9';
	if (!good)
		return fail(l, l->line, "a method's code is a capital letter and one to three digits");
	if (f[1].n == 0 || f[2].n == 0)
		return fail(l, l->line, "group and name must not be empty");
	l->methods[l->n++] =
	    (struct treatment_method){.code = f[0], .group = f[1], .name_zh = f[2], .name_en = f[3]};
	return true;
}

static bool method_finish(struct load *l)
{
	l->part->methods = (struct method_table){.rows = l->methods, .n = l->n};
	return true;
}

/* ---- calendar ---- */

static bool calendar_row(struct load *l, const struct span *f)
{
	struct calendar_day *row = &l->days[l->n];

	if (!date_parse(f[0], &row->day))
		return fail(l, l->line, "not a date YYYY-MM-DD");
	if (!span_eq_str(f[1], "holiday") && !span_eq_str(f[1], "workday"))
		return fail(l, l->line, "the kind must be holiday or workday");
	row->working = span_eq_str(f[1], "workday");
	l->n++;
	return true;
}

static bool calendar_finish(struct load *l)
{
	const char *error = NULL;

	l->part->calendar = calendar_new(l->part->arena, l->days, l->n, &error);
	return l->part->calendar != NULL || fail(l, 0, "%s", error);
}

/* ---- all kinds ---- */

static const struct kind {
	const char *header[FIELDS]; /* NULL: the file has fewer columns */
	size_t row_size;
	bool (*row)(struct load *l, const struct span *f);
	bool (*finish)(struct load *l);
	bool (*skip)(const struct span *f); /* NULL: no record is left out */
} kinds[] = {
    [REFERENCE_WASTE_CODES] = {{"code", "category", "name_zh", "hazards"},
			       sizeof(struct waste_code),
			       waste_row,
			       waste_finish,
			       NULL},
    [REFERENCE_DIVISIONS] = {{"code", "level", "name_zh", "parent"},
			     sizeof(struct division),
			     division_row,
			     division_finish,
			     division_is_own_county},
    [REFERENCE_TREATMENT_METHODS] = {{"code", "group", "name_zh", "name_en"},
				     sizeof(struct treatment_method),
				     method_row,
				     method_finish,
				     NULL},
    [REFERENCE_CALENDAR] =
	{{"date", "kind", "name_zh", NULL}, sizeof(struct calendar_day), calendar_row, calendar_finish, NULL},
};

static size_t columns(const struct kind *kind)
{
	return kind->header[FIELDS - 1] == NULL ? FIELDS - 1 : FIELDS;
}

static int by_key(const void *a, const void *b)
{
	const struct key *x = a, *y = b;
	size_t n = x->text.n < y->text.n ? x->text.n : y->text.n;
	int order = memcmp(x->text.p, y->text.p, n);

	if (order == 0)
		order = (x->text.n > y->text.n) - (x->text.n < y->text.n);
	return order != 0 ? order : (x->line > y->line) - (x->line < y->line);
}

static bool keys_differ(struct load *l)
{
	qsort(l->keys, l->keys_n, sizeof(*l->keys), by_key);
	for (size_t i = 1; i < l->keys_n; i++)
		if (span_eq(l->keys[i - 1].text, l->keys[i].text))
			return fail(l, l->keys[i].line, "%.*s stands in line %u already",
				    SPAN_ARG(l->keys[i].text), l->keys[i - 1].line);
	return true;
}

/* The next record, with the columns of the kind and clean text. False: the end, or *ret_failed. */
static bool next_record(struct load *l, const struct kind *kind, struct csv *csv, struct span *f,
			bool *ret_failed)
{
	size_t n = 0;
	enum csv_result result = csv_next(csv, f, FIELDS, &n);

	l->line = csv->line;
	*ret_failed = true;
	if (result == CSV_END) {
		*ret_failed = false;
		return false;
	}
	if (result == CSV_BAD)
		return fail(l, csv->line, "%s", csv->error);
	if (n != columns(kind))
		return fail(l, csv->line, "%zu fields where %zu are due", n, columns(kind));
	for (size_t i = 0; i < n; i++)
		if (!text_is_clean(f[i]))
			return fail(l, csv->line, "field %zu is not clean UTF-8 text", i + 1);
	*ret_failed = false;
	return true;
}

static bool read_records(struct load *l, const struct kind *kind, struct span file)
{
	struct csv csv = csv_open(file, l->part->arena);
	struct span f[FIELDS];
	bool failed;

	if (!next_record(l, kind, &csv, f, &failed))
		return failed ? false : fail(l, 0, "the file is empty");
	for (size_t i = 0; i < columns(kind); i++)
		if (!span_eq_str(f[i], kind->header[i]))
			return fail(l, 1, "column %zu must be headed \"%s\"", i + 1, kind->header[i]);
	while (next_record(l, kind, &csv, f, &failed)) {
		if (kind->skip != NULL && kind->skip(f))
			continue;
		if (!kind->row(l, f))
			return false;
		l->keys[l->keys_n++] = (struct key){.text = f[0], .line = l->line};
	}
	if (failed)
		return false;
	if (l->n == 0)
		return fail(l, 0, "the file has no rows");
	return keys_differ(l) && kind->finish(l);
}

static size_t count_lines(struct span file)
{
	size_t lines = 1;

	for (size_t i = 0; i < file.n; i++)
		lines += file.p[i] == '\n';
	return lines;
}

static bool fill(struct load *l, const struct kind *kind, struct span file)
{
	struct part *part = l->part;
	struct span copy = arena_copy(part->arena, file);

	l->capacity = count_lines(file);
	if (l->capacity > ROWS_MAX)
		return fail(l, 0, "more than %d lines", ROWS_MAX);
	l->rows = arena_array(part->arena, l->capacity + CATEGORIES, kind->row_size);
	l->keys = arena_array(l->scratch, l->capacity, sizeof(*l->keys));
	if (copy.p == NULL || l->rows == NULL || l->keys == NULL)
		return fail(l, 0, "out of memory");
	part->sha256 = digest_of(copy);
	return read_records(l, kind, copy);
}

struct part *part_load(enum reference_kind kind, struct span edition, struct span file,
		       struct reference_error *ret_error)
{
	struct part *part = calloc(1, sizeof(*part));
	struct load l = {.part = part, .error = ret_error, .scratch = arena_new(PART_MEMORY)};

	if (part == NULL || l.scratch == NULL) {
		(void)fail(&l, 0, "out of memory");
		goto failed;
	}
	atomic_init(&part->uses, 1);
	part->arena = arena_new(PART_MEMORY);
	if (part->arena == NULL) {
		(void)fail(&l, 0, "out of memory");
		goto failed;
	}
	if (kind < REFERENCE_WASTE_CODES || kind > REFERENCE_CALENDAR || edition.n == 0 ||
	    edition.n > REFERENCE_EDITION_MAX || file.n == 0 || file.n > REFERENCE_FILE_MAX) {
		(void)fail(&l, 0, "no such kind, or the edition or the file is empty or too long");
		goto failed;
	}
	part->kind = kind;
	memcpy(part->edition, edition.p, edition.n);
	if (!fill(&l, &kinds[kind], file))
		goto failed;
	arena_free(l.scratch);
	return part;

failed:
	arena_free(l.scratch);
	part_free(part);
	return NULL;
}

void part_free(struct part *part)
{
	if (part == NULL)
		return;
	arena_free(part->arena);
	free(part);
}
