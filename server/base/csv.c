#include "base/csv.h"

struct csv csv_open(struct span bytes, struct arena *arena)
{
	static const uint8_t mark[] = {0xef, 0xbb, 0xbf};

	if (bytes.n >= sizeof(mark) && memcmp(bytes.p, mark, sizeof(mark)) == 0)
		bytes = span_of(bytes.p + sizeof(mark), bytes.n - sizeof(mark));
	return (struct csv){.rest = bytes, .line = 0, .next_line = 1, .arena = arena};
}

/* The length of the line end at s[at]: 0 none, else 1 or 2. */
static size_t line_end(struct span s, size_t at)
{
	if (at < s.n && s.p[at] == '\n')
		return 1;
	if (at + 1 < s.n && s.p[at] == '\r' && s.p[at + 1] == '\n')
		return 2;
	return 0;
}

static bool at_delimiter(struct span s, size_t at)
{
	return at == s.n || s.p[at] == ',' || line_end(s, at) > 0;
}

/* The field without its outer quotes, and every inner pair of quotes made one. */
static bool unquote(struct csv *csv, struct span raw, size_t pairs, struct span *ret_field)
{
	if (pairs == 0) {
		*ret_field = raw;
		return true;
	}
	uint8_t *to = arena_alloc(csv->arena, raw.n - pairs);
	if (to == NULL) {
		csv->error = "the file needs more memory than it may take";
		return false;
	}
	size_t n = 0;
	for (size_t i = 0; i < raw.n; i++) {
		to[n++] = raw.p[i];
		if (raw.p[i] == '"')
			i++;
	}
	*ret_field = span_of(to, n);
	return true;
}

static bool quoted_field(struct csv *csv, size_t *at, struct span *ret_field)
{
	struct span s = csv->rest;
	size_t begin = *at + 1, i = begin, pairs = 0;

	for (; i < s.n; i++) {
		if (s.p[i] == '\n')
			csv->next_line++;
		if (s.p[i] != '"')
			continue;
		if (i + 1 == s.n || s.p[i + 1] != '"')
			break;
		pairs++;
		i++;
	}
	if (i == s.n) {
		csv->error = "a quoted field does not end";
		return false;
	}
	*at = i + 1;
	if (!at_delimiter(s, *at)) {
		csv->error = "something follows the closing quote of a field";
		return false;
	}
	return unquote(csv, span_of(s.p + begin, i - begin), pairs, ret_field);
}

static bool plain_field(struct csv *csv, size_t *at, struct span *ret_field)
{
	struct span s = csv->rest;
	size_t begin = *at, i = begin;

	while (!at_delimiter(s, i)) {
		if (s.p[i] == '"' || s.p[i] == '\r') {
			csv->error = s.p[i] == '"' ? "a quote stands inside a field that is not quoted"
						   : "a carriage return is not followed by a line feed";
			return false;
		}
		i++;
	}
	*at = i;
	*ret_field = span_of(s.p + begin, i - begin);
	return true;
}

static enum csv_result skip_line(struct csv *csv)
{
	const uint8_t *end = memchr(csv->rest.p, '\n', csv->rest.n);
	size_t n = end == NULL ? csv->rest.n : (size_t)(end - csv->rest.p) + 1;

	csv->rest = span_of(csv->rest.p + n, csv->rest.n - n);
	csv->next_line = csv->line + 1;
	return CSV_BAD;
}

enum csv_result csv_next(struct csv *csv, struct span *ret_fields, size_t cap, size_t *ret_n)
{
	struct span s = csv->rest;
	size_t at = 0, n = 0;

	if (s.n == 0)
		return CSV_END;
	csv->line = csv->next_line;
	for (;;) {
		struct span field;
		bool quoted = at < s.n && s.p[at] == '"';
		if (n == cap) {
			csv->error = "the record has too many fields";
			return skip_line(csv);
		}
		if (!(quoted ? quoted_field(csv, &at, &field) : plain_field(csv, &at, &field)))
			return skip_line(csv);
		ret_fields[n++] = field;
		if (at == s.n || s.p[at] != ',')
			break;
		at++;
	}
	at += line_end(s, at);
	csv->next_line++;
	csv->rest = span_of(s.p + at, s.n - at);
	*ret_n = n;
	return CSV_RECORD;
}
