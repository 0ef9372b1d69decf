/* Owns which columns there are and how a row is kept. */
#include "store/projection_table.h"

const struct table_row tables[TABLES] = {
    [TABLE_REGISTRY_ENTRY] = {"registry_entry", {"index"}, "i", 1, 0, NO_COLUMN, NULL, false},
    [TABLE_PARTY] = {"party",
		     {"no", "credit_code", "site", "name", "roles", "division", "address", "generator_class",
		      "valid_from", "valid_until", "index"},
		     "ititittiiii",
		     1,
		     10,
		     NO_COLUMN,
		     NULL,
		     false},
    [TABLE_DEVICE_KEY] = {"device_key",
			  {"no", "keyid", "public_key", "party", "role", "device", "valid_from",
			   "revoked_from", "index"},
			  "ibbiitiii",
			  1,
			  8,
			  NO_COLUMN,
			  NULL,
			  false},
    [TABLE_PERMIT] = {"permit",
		      {"number", "facility", "waste_codes", "methods", "grams_per_year", "valid_from",
		       "valid_until", "revoked_from", "index"},
		      "tissiiiii",
		      1,
		      8,
		      NO_COLUMN,
		      NULL,
		      false},
    [TABLE_VEHICLE] = {"vehicle",
		       {"plate", "transporter", "licence", "capacity_grams", "valid_from", "valid_until",
			"index"},
		       "titiiii",
		       1,
		       6,
		       NO_COLUMN,
		       NULL,
		       false},
    [TABLE_PERSON] = {"person", {"person", "party", "digest", "index"}, "tibi", 1, 3, NO_COLUMN, NULL, false},
    [TABLE_BLOCK] =
	{"number_block", {"first", "last", "generator", "index"}, "iiii", 1, 3, NO_COLUMN, NULL, false},
    [TABLE_VOIDED] = {"voided_number", {"number", "index"}, "ii", 1, 1, 0, NULL, false},
    [TABLE_SETTING] = {"setting", {"key", "value", "index"}, "tti", 1, 2, NO_COLUMN, NULL, false},
    /* look_at moves by itself up to due_at; what matters is that the sweep comes in time. */
    [TABLE_MANIFEST] =
	{"manifest",
	 {"number", "look_at", "due_at", "issued_at", "changed_at", "shipped_grams", "accepted_grams",
	  "treated_grams", "generator", "transporter", "facility", "state", "division_generator",
	  "division_facility", "trail", "body"},
	 "ioiiiiiiiiiittbb",
	 1,
	 NO_COLUMN,
	 0,
	 "number, due_at IS NULL OR (look_at IS NOT NULL AND look_at <= due_at), due_at, issued_at, "
	 "changed_at, "
	 "shipped_grams, accepted_grams, treated_grams, generator::bigint, transporter::bigint, "
	 "facility::bigint, state::bigint, division_generator, division_facility, trail, body",
	 false},
    [TABLE_TERM] = {"manifest_term",
		    {"number", "generator", "transporter", "facility", "code", "plate", "count"},
		    "iiiiiti",
		    6,
		    NO_COLUMN,
		    0,
		    "number, generator::bigint, transporter::bigint, facility::bigint, code::bigint, plate",
		    true},
    [TABLE_FLAG] = {"flag",
		    {"flag", "number", "raised_at", "due_at", "closed_at", "closed_by", "kind", "provisional",
		     "claimed_in_time", "division_generator", "division_facility", "keyid", "parties",
		     "detail", "resolution"},
		    "iiiiiiioottbatt",
		    1,
		    0,
		    1,
		    NULL,
		    false},
    [TABLE_FLAG_PARTY] = {"flag_party", {"party", "flag"}, "ii", 2, 1, NO_COLUMN, NULL, false},
    [TABLE_EVIDENCE] = {"evidence",
			{"number", "previous", "key_no", "event", "envelope", "flag"},
			"ibibbi",
			4,
			5,
			0,
			NULL,
			false},
    [TABLE_RUNNING_NUMBER] = {"running_number",
			      {"key_no", "number", "tag", "index", "event"},
			      "iiiib",
			      3,
			      3,
			      NO_COLUMN,
			      NULL,
			      true},
    [TABLE_TILE] = {"tile", {"level", "n", "hashes", "root"}, "iibb", 2, NO_COLUMN, NO_COLUMN, NULL, false},
};

struct span int_cell(struct cell *cell, int64_t v)
{
	for (unsigned i = 0; i < 8; i++)
		cell->b[i] = (uint8_t)((uint64_t)v >> (56 - 8 * i));
	return span_of(cell->b, 8);
}

static bool cell_eq(struct span a, struct span b)
{
	return a.p == NULL || b.p == NULL ? a.p == b.p : span_eq(a, b);
}

size_t difference(const struct span *a, const struct span *b, size_t n)
{
	size_t i = 0;

	while (i < n && cell_eq(a[i], b[i]))
		i++;
	return i;
}

size_t table_columns(const struct table_row *t)
{
	return strlen(t->types);
}

/* Integers with their sign turned, so that bytes sort as they do; NULL before all. */
void row_put_key(struct buffer *to, enum table_id id, const struct span *cells, size_t n)
{
	const char *types = tables[id].types;

	buffer_clear(to);
	buffer_put_u8(to, (uint8_t)id);
	for (size_t i = 0; i < n; i++) {
		buffer_put_u8(to, cells[i].p != NULL);
		if (types[i] == 'i' && cells[i].p != NULL && cells[i].n == 8) {
			buffer_put_u8(to, cells[i].p[0] ^ 0x80);
			buffer_put(to, cells[i].p + 1, 7);
		} else {
			buffer_put_span(to, cells[i]);
		}
	}
}

void row_put(struct buffer *to, const struct span *cells, size_t n)
{
	buffer_clear(to);
	for (size_t i = 0; i < n; i++) {
		buffer_put_be32(to, cells[i].p == NULL ? UINT32_MAX : (uint32_t)cells[i].n);
		buffer_put_span(to, cells[i]);
	}
}

bool row_split(struct span row, size_t n, struct span *ret_cells)
{
	const uint8_t *p = row.p, *end = row.p + row.n;

	for (size_t i = 0; i < n; i++) {
		if (end - p < 4)
			return false;
		uint32_t length = read_be32(p);
		p += 4;
		if (length == UINT32_MAX) {
			ret_cells[i] = span_of(NULL, 0);
			continue;
		}
		if (length > (size_t)(end - p))
			return false;
		ret_cells[i] = span_of(p, length);
		p += length;
	}
	return p == end;
}
