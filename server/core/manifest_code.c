/*
 * The compact form of a manifest: a version byte, then every field by one table, as varints (unsigned LEB128
 * in their shortest form), texts and digests. What is not in use is not written. Reading is strict: only what
 * writing can have produced is accepted, so that encode(decode(x)) == x.
 */
#include "core/manifest.h"

enum { FORM_VERSION = 1, VARINT_MAX = 10, GRAMS_MAX = 1000000000, CONTAINERS_MAX = 100000 };

/* ---- parts ---- */

static void put_varint(struct buffer *to, uint64_t v)
{
	uint8_t *bytes = buffer_reserve(to, VARINT_MAX);

	if (bytes == NULL)
		return;
	for (; v >= 0x80; v >>= 7, to->n++)
		*bytes++ = (uint8_t)(v | 0x80);
	*bytes = (uint8_t)v;
	to->n++;
}

static bool take_varint(struct span *from, uint64_t max, uint64_t *ret_value)
{
	uint64_t v = 0;

	for (size_t i = 0; i < from->n && i < VARINT_MAX; i++) {
		uint64_t byte = from->p[i];

		if (i == VARINT_MAX - 1 && byte > 1)
			return false;
		v |= (byte & 0x7f) << (7 * i);
		if ((byte & 0x80) != 0)
			continue;
		if ((i > 0 && byte == 0) || v > max)
			return false;
		*from = span_of(from->p + i + 1, from->n - i - 1);
		*ret_value = v;
		return true;
	}
	return false;
}

static bool take_bytes(struct span *from, void *to, size_t n)
{
	if (from->n < n)
		return false;
	if (n > 0)
		memcpy(to, from->p, n);
	*from = span_of(from->p + n, from->n - n);
	return true;
}

static void put_text(struct buffer *to, const char *text)
{
	size_t n = strlen(text);

	put_varint(to, n);
	buffer_put(to, text, n);
}

/* The field was zeroed before; there is no NUL within. */
static bool take_text(struct span *from, char *to, size_t size)
{
	uint64_t n;

	return take_varint(from, size - 1, &n) && take_bytes(from, to, n) && memchr(to, '\0', n) == NULL;
}

/* ---- the fields of one value each ---- */

enum form { FORM_U32, FORM_U64, FORM_MICROS, FORM_TEXT };

static const struct field {
	enum form form;
	size_t offset;
	size_t size; /* of a text, with its NUL */
} fields[] = {
#define FIELD(form, name)                                                                                    \
	{                                                                                                    \
		form, offsetof(struct manifest, name), sizeof(((struct manifest *)NULL)->name)               \
	}
    FIELD(FORM_U64, number),        FIELD(FORM_U32, generator),    FIELD(FORM_U32, transporter),
    FIELD(FORM_U32, facility),      FIELD(FORM_TEXT, plate),       FIELD(FORM_TEXT, edition),
    FIELD(FORM_TEXT, permit),       FIELD(FORM_MICROS, issued_at), FIELD(FORM_MICROS, effective_at),
    FIELD(FORM_MICROS, collect_by), FIELD(FORM_MICROS, arrive_by), FIELD(FORM_MICROS, cancelled_at),
    FIELD(FORM_U32, trail_n),
#undef FIELD
};

static void put_field(const struct manifest *m, const struct field *field, struct buffer *to)
{
	const char *at = (const char *)m + field->offset;
	uint64_t u64;
	uint32_t u32;

	switch (field->form) {
	case FORM_U32:
		memcpy(&u32, at, sizeof(u32));
		put_varint(to, u32);
		break;
	case FORM_U64:
	case FORM_MICROS:
		memcpy(&u64, at, sizeof(u64));
		put_varint(to, u64);
		break;
	case FORM_TEXT: put_text(to, at); break;
	}
}

static bool take_field(struct span *from, const struct field *field, struct manifest *m)
{
	char *at = (char *)m + field->offset;
	uint64_t u64;
	uint32_t u32;

	switch (field->form) {
	case FORM_U32:
		if (!take_varint(from, UINT32_MAX, &u64))
			return false;
		u32 = (uint32_t)u64;
		memcpy(at, &u32, sizeof(u32));
		return true;
	case FORM_U64:
	case FORM_MICROS:
		if (!take_varint(from, field->form == FORM_U64 ? UINT64_MAX : INT64_MAX, &u64))
			return false;
		memcpy(at, &u64, sizeof(u64));
		return true;
	case FORM_TEXT: return take_text(from, at, field->size);
	}
	return false;
}

/* ---- lines: the quantities in the order of their life; grams of 0 have no containers ---- */

static const size_t quantities[] = {
    offsetof(struct manifest_line, planned),  offsetof(struct manifest_line, shipped),
    offsetof(struct manifest_line, moving),   offsetof(struct manifest_line, delivered),
    offsetof(struct manifest_line, accepted), offsetof(struct manifest_line, refused),
    offsetof(struct manifest_line, treated),  offsetof(struct manifest_line, returning),
    offsetof(struct manifest_line, returned),
};

static void put_line(const struct manifest_line *line, struct buffer *to)
{
	put_text(to, line->code);
	put_text(to, line->method);
	for (size_t i = 0; i < ARRAY_LEN(quantities); i++) {
		struct quantity q;

		memcpy(&q, (const char *)line + quantities[i], sizeof(q));
		put_varint(to, (uint64_t)q.grams);
		if (q.grams != 0)
			put_varint(to, q.containers);
	}
}

static bool take_line(struct span *from, struct manifest_line *line)
{
	*line = (struct manifest_line){0};
	if (!take_text(from, line->code, sizeof(line->code)) ||
	    !take_text(from, line->method, sizeof(line->method)))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(quantities); i++) {
		struct quantity q = {0};
		uint64_t grams;
		uint64_t containers = 0;

		if (!take_varint(from, GRAMS_MAX, &grams) ||
		    (grams != 0 && !take_varint(from, CONTAINERS_MAX, &containers)))
			return false;
		q.grams = (int64_t)grams;
		q.containers = (uint32_t)containers;
		memcpy((char *)line + quantities[i], &q, sizeof(q));
	}
	return true;
}

/* ---- chain, rivals ---- */

/* The chain: its ids, then a mask of the places where one side is absent, and that side for each. */
static void put_chain(const struct manifest *m, struct buffer *to)
{
	uint64_t mask = 0;

	put_varint(to, m->chain_n);
	for (size_t i = 0; i < m->chain_n; i++) {
		buffer_put_span(to, digest_span(&m->chain[i]));
		mask |= (uint64_t)(m->absent[i] != 0) << i;
	}
	put_varint(to, mask);
	for (size_t i = 0; i < m->chain_n; i++)
		if (m->absent[i] != 0)
			put_varint(to, m->absent[i]);
}

static bool take_chain(struct span *from, struct manifest *m)
{
	uint64_t n;
	uint64_t mask;
	uint64_t absent;

	if (!take_varint(from, CHAIN_MAX, &n) || n == 0)
		return false;
	m->chain_n = n;
	if (!take_bytes(from, m->chain, n * sizeof(m->chain[0])) ||
	    !take_varint(from, UINT64_MAX >> (64 - n), &mask))
		return false;
	for (size_t i = 0; i < n; i++) {
		absent = 0;
		if ((mask & UINT64_C(1) << i) != 0 &&
		    (!take_varint(from, UINT32_MAX, &absent) || absent == 0))
			return false;
		m->absent[i] = (party_no)absent;
	}
	return true;
}

static void put_rivals(const struct manifest *m, struct buffer *to)
{
	put_varint(to, m->rivals_n);
	for (size_t i = 0; i < m->rivals_n; i++) {
		buffer_put_span(to, digest_span(&m->rivals[i].id));
		put_varint(to, m->rivals[i].key);
		put_varint(to, m->rivals[i].position);
	}
}

static bool take_rivals(struct span *from, struct manifest *m)
{
	uint64_t n;
	uint64_t key;
	uint64_t position;

	if (!take_varint(from, RIVALS_MAX, &n))
		return false;
	m->rivals_n = n;
	for (size_t i = 0; i < n; i++) {
		if (!take_bytes(from, &m->rivals[i].id, DIGEST_SIZE) ||
		    !take_varint(from, UINT32_MAX, &key) || !take_varint(from, m->chain_n - 1, &position))
			return false;
		m->rivals[i].key = (key_no)key;
		m->rivals[i].position = (uint32_t)position;
	}
	return true;
}

/* ---- open flags, deadlines ---- */

static void put_flags(const struct manifest *m, struct buffer *to)
{
	put_varint(to, manifest_open_flags(m));
	for (size_t kind = 1; kind < FLAG_KINDS; kind++)
		if (m->flags[kind] != 0)
			put_varint(to, m->flags[kind]);
}

static bool take_flags(struct span *from, struct manifest *m)
{
	uint64_t mask;

	if (!take_varint(from, (UINT64_C(1) << FLAG_KINDS) - 1, &mask) || (mask & 1) != 0)
		return false;
	for (size_t kind = 1; kind < FLAG_KINDS; kind++)
		if ((mask & UINT64_C(1) << kind) != 0 &&
		    (!take_varint(from, UINT64_MAX, &m->flags[kind]) || m->flags[kind] == 0))
			return false;
	return true;
}

enum { DEADLINE_PROVISIONAL = 1, DEADLINE_FLAGGED = 2, DEADLINE_BITS = 3 };

/* For each: 0 when it never ran, else 1 + its bits; then its start, its end and its claim. */
static void put_deadlines(const struct manifest *m, struct buffer *to)
{
	for (size_t i = 0; i < DEADLINES; i++) {
		const struct deadline *d = &m->deadlines[i];

		if (d->starts_at == 0 && d->due_at == 0) {
			put_varint(to, 0);
			continue;
		}
		put_varint(to, 1U + (d->provisional ? DEADLINE_PROVISIONAL : 0U) +
				   (d->flagged ? DEADLINE_FLAGGED : 0U));
		put_varint(to, (uint64_t)d->starts_at);
		put_varint(to, (uint64_t)d->due_at);
		put_varint(to, d->claimed);
	}
}

static bool take_deadlines(struct span *from, struct manifest *m)
{
	for (size_t i = 0; i < DEADLINES; i++) {
		struct deadline *d = &m->deadlines[i];
		uint64_t bits;
		uint64_t starts_at;
		uint64_t due_at;
		uint64_t claimed;

		if (!take_varint(from, 1 + DEADLINE_BITS, &bits))
			return false;
		if (bits-- == 0)
			continue;
		if (!take_varint(from, INT64_MAX, &starts_at) || !take_varint(from, INT64_MAX, &due_at) ||
		    !take_varint(from, m->chain_n, &claimed) || (starts_at == 0 && due_at == 0))
			return false;
		*d = (struct deadline){
		    .starts_at = (micros)starts_at,
		    .due_at = (micros)due_at,
		    .provisional = (bits & DEADLINE_PROVISIONAL) != 0,
		    .flagged = (bits & DEADLINE_FLAGGED) != 0,
		    .claimed = (uint8_t)claimed,
		};
	}
	return true;
}

/* ---- the whole ---- */

bool manifest_encode(const struct manifest *m, struct buffer *to)
{
	buffer_put_u8(to, FORM_VERSION);
	put_varint(to, m->state);
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		put_field(m, &fields[i], to);
	put_varint(to, m->lines_n);
	for (size_t i = 0; i < m->lines_n; i++)
		put_line(&m->lines[i], to);
	put_chain(m, to);
	put_rivals(m, to);
	put_flags(m, to);
	put_deadlines(m, to);
	return buffer_ok(to);
}

static bool take_lines(struct span *from, struct manifest *m)
{
	uint64_t n;

	if (!take_varint(from, MAX_LINES, &n) || n == 0)
		return false;
	m->lines_n = n;
	for (size_t i = 0; i < n; i++)
		if (!take_line(from, &m->lines[i]))
			return false;
	return true;
}

bool manifest_decode(struct span bytes, struct manifest *ret_manifest)
{
	struct manifest m; /* its arrays are written as far as they are in use */
	uint64_t state;

	memset(&m, 0, offsetof(struct manifest, rivals));
	if (bytes.n == 0 || bytes.p[0] != FORM_VERSION)
		return false;
	bytes = span_of(bytes.p + 1, bytes.n - 1);
	if (!take_varint(&bytes, MANIFEST_STATES - 1, &state) || state == STATE_NONE)
		return false;
	m.state = (enum manifest_state)state;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (!take_field(&bytes, &fields[i], &m))
			return false;
	if (!take_lines(&bytes, &m) || !take_chain(&bytes, &m) || !take_rivals(&bytes, &m) ||
	    !take_flags(&bytes, &m) || !take_deadlines(&bytes, &m) || bytes.n != 0)
		return false;
	manifest_copy(ret_manifest, &m);
	return true;
}
