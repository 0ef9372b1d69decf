/*
 * References as sets of shared parts, and all look-ups. Parsing is in reference_load.c.
 */
#include "core/reference_part.h"

#include <stdlib.h>

enum { PARTS_MAX = 32 };

struct reference {
	atomic_uint uses;
	size_t n;
	struct part *parts[PARTS_MAX];
};

struct reference *reference_new(void)
{
	struct reference *r = calloc(1, sizeof(*r));

	if (r != NULL)
		atomic_init(&r->uses, 1);
	return r;
}

struct reference *reference_ref(struct reference *r)
{
	atomic_fetch_add(&r->uses, 1);
	return r;
}

void reference_unref(struct reference *r)
{
	if (r == NULL || atomic_fetch_sub(&r->uses, 1) != 1)
		return;
	for (size_t i = 0; i < r->n; i++)
		if (atomic_fetch_sub(&r->parts[i]->uses, 1) == 1)
			part_free(r->parts[i]);
	free(r);
}

/* The new part takes the place of the old one: waste codes of the same edition, else what is of its kind. */
static bool replaces(const struct part *new, const struct part *old)
{
	return new->kind == old->kind &&
	       (new->kind != REFERENCE_WASTE_CODES || strcmp(new->edition, old->edition) == 0);
}

static void fail(struct reference_error *error, const char *text)
{
	*error = (struct reference_error){0};
	strncpy(error->text, text, sizeof(error->text) - 1);
}

struct reference *reference_with(const struct reference *base, enum reference_kind kind, struct span edition,
				 struct span file, struct reference_error *ret_error)
{
	struct part *part = part_load(kind, edition, file, ret_error);
	struct reference *r;

	if (part == NULL)
		return NULL;
	r = reference_new();
	if (r == NULL) {
		fail(ret_error, "out of memory");
		goto no_reference;
	}
	r->parts[r->n++] = part;
	for (size_t i = 0; i < base->n; i++) {
		if (replaces(part, base->parts[i]))
			continue;
		if (r->n == PARTS_MAX) {
			fail(ret_error, "too many editions of waste codes are in use");
			goto too_many;
		}
		atomic_fetch_add(&base->parts[i]->uses, 1);
		r->parts[r->n++] = base->parts[i];
	}
	return r;

too_many:
	reference_unref(r);
	return NULL;
no_reference:
	part_free(part);
	return NULL;
}

/* The part in use of a kind; for waste codes of an edition. */
static const struct part *find_part(const struct reference *r, enum reference_kind kind,
				    const struct span *edition)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->parts[i]->kind == kind &&
		    (edition == NULL || span_eq_str(*edition, r->parts[i]->edition)))
			return r->parts[i];
	return NULL;
}

bool reference_is_complete(const struct reference *r)
{
	for (enum reference_kind kind = REFERENCE_WASTE_CODES; kind <= REFERENCE_CALENDAR; kind++)
		if (find_part(r, kind, NULL) == NULL)
			return false;
	return true;
}

const struct digest *reference_file(const struct reference *r, enum reference_kind kind, struct span edition)
{
	const struct part *part = find_part(r, kind, &edition);

	return part == NULL ? NULL : &part->sha256;
}

const struct waste_list *reference_waste_list(const struct reference *r, struct span edition)
{
	const struct part *part = find_part(r, REFERENCE_WASTE_CODES, &edition);

	return part == NULL ? NULL : &part->waste;
}

static int compare_waste(const void *key, const void *row)
{
	return memcmp(key, ((const struct waste_code *)row)->code, WASTE_CODE_LENGTH);
}

const struct waste_code *waste_list_find(const struct waste_list *list, struct span code)
{
	if (code.n != WASTE_CODE_LENGTH)
		return NULL;
	return bsearch(code.p, list->rows, list->n, sizeof(*list->rows), compare_waste);
}

const struct waste_code *waste_list_codes(const struct waste_list *list, size_t *ret_n)
{
	*ret_n = list->n;
	return list->rows;
}

bool reference_permit_code_known(const struct reference *r, struct span code)
{
	int category = category_number(code);

	for (size_t i = 0; i < r->n; i++) {
		const struct part *part = r->parts[i];
		if (part->kind != REFERENCE_WASTE_CODES)
			continue;
		if (category >= 0 ? part->waste.categories[category]
				  : waste_list_find(&part->waste, code) != NULL)
			return true;
	}
	return false;
}

const struct treatment_method *reference_method(const struct reference *r, struct span code)
{
	const struct part *part = find_part(r, REFERENCE_TREATMENT_METHODS, NULL);

	for (size_t i = 0; part != NULL && i < part->methods.n; i++)
		if (span_eq(code, part->methods.rows[i].code))
			return &part->methods.rows[i];
	return NULL;
}

const struct division *reference_division(const struct reference *r, struct span code)
{
	const struct part *part = find_part(r, REFERENCE_DIVISIONS, NULL);

	return part == NULL ? NULL : division_table_find(&part->divisions, code);
}

const struct calendar *reference_calendar(const struct reference *r)
{
	const struct part *part = find_part(r, REFERENCE_CALENDAR, NULL);

	return part == NULL ? NULL : part->calendar;
}

/* '0' in the pattern stands for any digit. */
static bool matches(struct span text, const char *pattern)
{
	if (text.n != strlen(pattern))
		return false;
	for (size_t i = 0; i < text.n; i++) {
		bool digit = text.p[i] >= '0' && text.p[i] <= '9';
		if (pattern[i] == '0' ? !digit : text.p[i] != (uint8_t)pattern[i])
			return false;
	}
	return true;
}

bool waste_code_is_wellformed(struct span code)
{
	return matches(code, "000-000-00");
}

int category_number(struct span text)
{
	return matches(text, "HW00") ? (text.p[2] - '0') * 10 + (text.p[3] - '0') : -1;
}

bool waste_code_covered(struct span permitted, struct span code)
{
	if (!waste_code_is_wellformed(code))
		return false;
	if (category_number(permitted) >= 0)
		return memcmp(permitted.p + 2, code.p + 8, 2) == 0;
	return span_eq(permitted, code);
}

bool division_covers(struct span area, struct span division)
{
	if (!matches(area, "000000") || !matches(division, "000000"))
		return false;
	size_t n = memcmp(area.p + 2, "0000", 4) == 0 ? 2 : memcmp(area.p + 4, "00", 2) == 0 ? 4 : 6;
	return memcmp(area.p, division.p, n) == 0;
}
