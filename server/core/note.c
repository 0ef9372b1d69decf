/* Signed notes: keys in writing, signing, and reading with verification. */
#include "core/note.h"

#include <inttypes.h>

#include "base/text.h"

/* U+2014 SP before every signature, then NAME SP BASE64. */
#define SIGNATURE_PREFIX "\xe2\x80\x94 "

enum { ID_SIZE = 4, TIME_SIZE = 8, TYPED_KEY_SIZE = 1 + PUBLIC_KEY_SIZE };

static const char *const spaces[] = {
    " ",
    "\xc2\xa0",
    "\xe1\x9a\x80",
    "\xe2\x80\x80",
    "\xe2\x80\x81",
    "\xe2\x80\x82",
    "\xe2\x80\x83",
    "\xe2\x80\x84",
    "\xe2\x80\x85",
    "\xe2\x80\x86",
    "\xe2\x80\x87",
    "\xe2\x80\x88",
    "\xe2\x80\x89",
    "\xe2\x80\x8a",
    "\xe2\x80\xa8",
    "\xe2\x80\xa9",
    "\xe2\x80\xaf",
    "\xe2\x81\x9f",
    "\xe3\x80\x80",
    "+",
};

bool note_name_is_valid(struct span name)
{
	if (name.n == 0 || !text_is_clean(name))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(spaces); i++)
		if (memmem(name.p, name.n, spaces[i], strlen(spaces[i])) != NULL)
			return false;
	return true;
}

static uint64_t be_read(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

static void be_write(uint8_t *ret_p, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ret_p[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
}

static void typed_key(enum note_key_type type, const struct public_key *key,
		      uint8_t ret_bytes[TYPED_KEY_SIZE])
{
	ret_bytes[0] = (uint8_t)type;
	memcpy(ret_bytes + 1, key->b, PUBLIC_KEY_SIZE);
}

bool note_key_make(struct span name, enum note_key_type type, const struct public_key *key,
		   struct note_key *ret_key)
{
	uint8_t tail[1 + TYPED_KEY_SIZE] = "\n";

	if (!note_name_is_valid(name))
		return false;
	typed_key(type, key, tail + 1);
	struct digest d =
	    digest_prefixed(name.p[0], span_of(name.p + 1, name.n - 1), span_of(tail, sizeof(tail)));
	*ret_key =
	    (struct note_key){.name = name, .id = (uint32_t)be_read(d.b, ID_SIZE), .type = type, .key = *key};
	return true;
}

void note_key_put(struct buffer *to, const struct note_key *key)
{
	uint8_t bytes[TYPED_KEY_SIZE];

	typed_key(key->type, &key->key, bytes);
	buffer_put_span(to, key->name);
	buffer_printf(to, "+%08" PRIx32 "+", key->id);
	buffer_put_base64(to, span_of(bytes, sizeof(bytes)));
}

bool note_key_parse(struct span vkey, struct note_key *ret_key)
{
	struct span rest = vkey;
	struct span name;
	struct span hex;
	uint8_t id[ID_SIZE];
	uint8_t bytes[TYPED_KEY_SIZE];
	size_t n = 0;
	struct public_key key;
	struct note_key made;

	if (!span_cut(&rest, '+', &name) || !span_cut(&rest, '+', &hex) || !hex_decode(hex, id, ID_SIZE))
		return false;
	if (!base64_decode(rest, bytes, sizeof(bytes), &n) || n != sizeof(bytes))
		return false;
	if (bytes[0] != NOTE_ED25519 && bytes[0] != NOTE_COSIGNATURE)
		return false;
	memcpy(key.b, bytes + 1, PUBLIC_KEY_SIZE);
	if (!note_key_make(name, bytes[0] == NOTE_ED25519 ? NOTE_ED25519 : NOTE_COSIGNATURE, &key, &made))
		return false;
	if (made.id != be_read(id, ID_SIZE))
		return false;
	*ret_key = made;
	return true;
}

/* What a cosigner signs: the time, then the whole text. */
static void put_cosigned(struct buffer *to, uint64_t time, struct span text)
{
	buffer_printf(to, "cosignature/v1\ntime %" PRIu64 "\n", time);
	buffer_put_span(to, text);
}

void note_put_signature(struct buffer *to, const struct note_key *key, const struct secret_key *secret,
			uint64_t time, struct span text)
{
	uint8_t payload[ID_SIZE + TIME_SIZE + SIGNATURE_SIZE];
	size_t n = ID_SIZE;
	struct buffer cosigned = BUFFER_EMPTY;
	struct span message = text;

	be_write(payload, key->id, ID_SIZE);
	if (key->type == NOTE_COSIGNATURE) {
		be_write(payload + n, time, TIME_SIZE);
		n += TIME_SIZE;
		put_cosigned(&cosigned, time, text);
		message = buffer_span(&cosigned);
	}
	struct signature sig = sign(secret, message);
	memcpy(payload + n, sig.b, SIGNATURE_SIZE);
	n += SIGNATURE_SIZE;

	buffer_put_str(to, SIGNATURE_PREFIX);
	buffer_put_span(to, key->name);
	buffer_put_u8(to, ' ');
	buffer_put_base64(to, span_of(payload, n));
	buffer_put_u8(to, '\n');
	to->broken = to->broken || !buffer_ok(&cosigned);
	buffer_free(&cosigned);
}

/* A line of signature taken apart: the payload is what follows the key's id. */
struct line {
	struct span name;
	uint32_t id;
	struct span payload;
	uint8_t bytes[NOTE_LINE_MAX / 4 * 3];
};

static bool parse_line(struct span text, struct line *ret_line)
{
	size_t prefix = strlen(SIGNATURE_PREFIX);
	size_t n = 0;

	if (text.n < prefix || memcmp(text.p, SIGNATURE_PREFIX, prefix) != 0)
		return false;
	struct span rest = span_of(text.p + prefix, text.n - prefix);
	if (!span_cut(&rest, ' ', &ret_line->name) || !note_name_is_valid(ret_line->name))
		return false;
	if (!base64_decode(rest, ret_line->bytes, sizeof(ret_line->bytes), &n) || n <= ID_SIZE)
		return false;
	ret_line->id = (uint32_t)be_read(ret_line->bytes, ID_SIZE);
	ret_line->payload = span_of(ret_line->bytes + ID_SIZE, n - ID_SIZE);
	return true;
}

/* The place of the line's key; keys_n when it is unknown. */
static size_t find_key(const struct line *line, const struct note_key *keys, size_t keys_n)
{
	size_t i = 0;

	while (i < keys_n && !(keys[i].id == line->id && span_eq(keys[i].name, line->name)))
		i++;
	return i;
}

static bool line_holds(const struct line *line, const struct note_key *key, struct span text,
		       uint64_t *ret_time)
{
	struct signature sig;
	size_t before = key->type == NOTE_COSIGNATURE ? TIME_SIZE : 0;
	struct buffer cosigned = BUFFER_EMPTY;
	struct span message = text;

	if (line->payload.n != before + SIGNATURE_SIZE)
		return false;
	uint64_t time = be_read(line->payload.p, before);
	if (time > INT64_MAX)
		return false;
	memcpy(sig.b, line->payload.p + before, SIGNATURE_SIZE);
	if (key->type == NOTE_COSIGNATURE) {
		put_cosigned(&cosigned, time, text);
		message = buffer_span(&cosigned);
	}
	bool holds = buffer_ok(&cosigned) && signature_holds(&key->key, message, &sig);
	buffer_free(&cosigned);
	if (holds)
		*ret_time = time;
	return holds;
}

bool note_split(struct span note, struct span *ret_text, struct span *ret_lines)
{
	if (note.n < 3 || note.n > NOTE_SIZE_MAX || note.p[note.n - 1] != '\n' || !text_is_clean_lines(note))
		return false;
	size_t at = note.n - 1;
	while (at > 0 && !(note.p[at - 1] == '\n' && note.p[at] == '\n'))
		at--;
	if (at == 0 || at == note.n - 1)
		return false;
	*ret_text = span_of(note.p, at);
	*ret_lines = span_of(note.p + at + 1, note.n - at - 1);
	return true;
}

/* A key that signed twice counts once, with the later of its times. */
static void count_good(struct note_signatures *all, size_t key, uint64_t time)
{
	size_t i = 0;

	while (i < all->n && all->good[i].key != key)
		i++;
	if (i == all->n)
		all->good[all->n++] = (struct note_signature){.key = key, .time = time};
	else if (all->good[i].time < time)
		all->good[i].time = time;
}

enum log_failure note_open(struct span note, const struct note_key *keys, size_t keys_n,
			   struct span *ret_text, struct note_signatures *ret_signatures)
{
	struct span text;
	struct span rest;
	struct span one;
	struct line line;
	struct note_signatures found = {.n = 0};
	bool bad = false;

	if (keys_n > NOTE_KEYS_MAX || !note_split(note, &text, &rest))
		return LOG_NOTE_MALFORMED;
	for (size_t lines = 0; span_cut(&rest, '\n', &one); lines++) {
		uint64_t time = 0;
		if (lines == NOTE_LINES_MAX || one.n > NOTE_LINE_MAX || !parse_line(one, &line))
			return LOG_NOTE_MALFORMED;
		size_t key = find_key(&line, keys, keys_n);
		if (key == keys_n)
			continue;
		if (line_holds(&line, &keys[key], text, &time))
			count_good(&found, key, time);
		else
			bad = true;
	}
	if (bad)
		return LOG_SIGNATURE_BAD;
	if (found.n == 0)
		return LOG_KEY_MISSING;
	*ret_text = text;
	if (ret_signatures != NULL)
		*ret_signatures = found;
	return LOG_HOLDS;
}
