/* The text of a bundle, and the proofs in it. */
#include "core/bundle.h"

#include <inttypes.h>

#include "base/text.h"
#include "core/number.h"

#define HEADER "manifest-bundle@v1\n"

bool bundle_put(const struct bundle *bundle, struct buffer *to)
{
	char number[NUMBER_DIGITS + 1];

	if (bundle->n == 0 || bundle->n > BUNDLE_ENTRIES_MAX || !manifest_number_is_valid(bundle->number))
		return false;
	manifest_number_format(bundle->number, number);
	buffer_printf(to, HEADER "manifest %s\nentries %zu\n\n", number, bundle->n);
	for (size_t i = 0; i < bundle->n; i++) {
		const struct bundle_entry *e = &bundle->entries[i];
		if (e->entry.n == 0 || e->entry.n > BUNDLE_ENTRY_MAX || e->hashes_n > MERKLE_PROOF_MAX ||
		    (i > 0 && e->index <= bundle->entries[i - 1].index))
			return false;
		buffer_printf(to, "index %" PRIu64 "\nentry ", e->index);
		buffer_put_base64(to, e->entry);
		buffer_put_u8(to, '\n');
		for (size_t k = 0; k < e->hashes_n; k++) {
			buffer_put_base64(to, digest_span(&e->hashes[k]));
			buffer_put_u8(to, '\n');
		}
		buffer_put_u8(to, '\n');
	}
	buffer_put_span(to, bundle->checkpoint);
	return buffer_ok(to);
}

/* Takes a line "WORD VALUE". */
static bool take_line(struct span *rest, const char *word, struct span *ret_value)
{
	struct span line;
	struct span found;

	if (!span_cut(rest, '\n', &line) || !span_cut(&line, ' ', &found) || !span_eq_str(found, word))
		return false;
	*ret_value = line;
	return true;
}

static bool take_number(struct span *rest, const char *word, uint64_t *ret_value)
{
	struct span value;

	return take_line(rest, word, &value) && decimal_parse(value, ret_value);
}

static bool take_bytes(struct span text, struct arena *arena, struct span *ret_bytes)
{
	uint8_t *bytes = NULL;
	size_t n = 0;

	if (text.n == 0 || text.n > base64_length(BUNDLE_ENTRY_MAX))
		return false;
	bytes = arena_alloc(arena, text.n / 4 * 3);
	if (bytes == NULL || !base64_decode(text, bytes, text.n / 4 * 3, &n) || n > BUNDLE_ENTRY_MAX)
		return false;
	*ret_bytes = span_of(bytes, n);
	return true;
}

/* The hashes up to the empty line. */
static bool take_hashes(struct span *rest, struct arena *arena, struct bundle_entry *ret_entry)
{
	struct digest hashes[MERKLE_PROOF_MAX];
	struct digest *kept = NULL;
	struct span line;
	size_t hashes_n = 0;

	for (;;) {
		size_t n = 0;
		if (!span_cut(rest, '\n', &line))
			return false;
		if (line.n == 0)
			break;
		if (hashes_n == MERKLE_PROOF_MAX ||
		    !base64_decode(line, hashes[hashes_n].b, DIGEST_SIZE, &n) || n != DIGEST_SIZE)
			return false;
		hashes_n++;
	}
	if (hashes_n > 0) {
		kept = arena_array(arena, hashes_n, sizeof(hashes[0]));
		if (kept == NULL)
			return false;
		memcpy(kept, hashes, hashes_n * sizeof(hashes[0]));
	}
	ret_entry->hashes = kept;
	ret_entry->hashes_n = hashes_n;
	return true;
}

static bool take_entry(struct span *rest, struct arena *arena, struct bundle_entry *ret_entry)
{
	struct span value;

	return take_number(rest, "index", &ret_entry->index) && take_line(rest, "entry", &value) &&
	       take_bytes(value, arena, &ret_entry->entry) && take_hashes(rest, arena, ret_entry);
}

bool bundle_parse(struct span text, struct arena *arena, struct bundle *ret_bundle)
{
	size_t header = strlen(HEADER);
	struct bundle b = {.n = 0};
	struct bundle_entry *entries = NULL;
	struct span value;
	uint64_t n = 0;

	if (text.n > BUNDLE_SIZE_MAX || text.n < header || memcmp(text.p, HEADER, header) != 0)
		return false;
	struct span rest = span_of(text.p + header, text.n - header);
	if (!take_line(&rest, "manifest", &value) || !manifest_number_parse(value, &b.number) ||
	    !take_number(&rest, "entries", &n) || n == 0 || n > BUNDLE_ENTRIES_MAX ||
	    !span_cut(&rest, '\n', &value) || value.n != 0)
		return false;
	entries = arena_array(arena, (size_t)n, sizeof(entries[0]));
	if (entries == NULL)
		return false;
	for (; b.n < n; b.n++) {
		if (!take_entry(&rest, arena, &entries[b.n]))
			return false;
		if (b.n > 0 && entries[b.n].index <= entries[b.n - 1].index)
			return false;
	}
	b.entries = entries;
	b.checkpoint = rest;
	*ret_bundle = b;
	return true;
}

void bundle_put_receipt(const struct bundle *bundle, size_t i, struct buffer *to)
{
	const struct bundle_entry *e = &bundle->entries[i];

	proof_put(to, e->index, e->hashes, e->hashes_n, bundle->checkpoint);
}

enum log_failure bundle_verify(const struct bundle *bundle, const struct policy *policy,
			       const struct note_key *log_key, struct policy_facts *ret_facts,
			       size_t *ret_entry)
{
	struct policy_facts facts;
	enum log_failure failure = policy_check(policy, log_key, bundle->checkpoint, &facts);
	const struct checkpoint *c = &facts.checkpoint;

	if (failure != LOG_HOLDS && failure != LOG_QUORUM_MISSING)
		return failure;
	*ret_facts = facts;
	for (size_t i = 0; i < bundle->n; i++) {
		const struct bundle_entry *e = &bundle->entries[i];
		struct digest leaf = merkle_leaf(e->entry);
		*ret_entry = i;
		if (e->index >= c->size)
			return LOG_INDEX_OUTSIDE;
		if (!merkle_inclusion_holds(e->index, c->size, &leaf, e->hashes, e->hashes_n, &c->root))
			return LOG_NOT_INCLUDED;
	}
	return failure;
}

/* ---- time, and what is not in the file ---- */

/* The server's word about what it holds itself tells nothing. */
static bool is_servers(const struct event *e)
{
	return e->kind == EVENT_FLAG_RAISED || e->kind == EVENT_FLAG_CLEARED ||
	       e->kind < EVENT_REGISTRAR_ADDED;
}

static uint64_t seen_size(const struct event *e, struct span origin)
{
	uint64_t size = 0;

	for (size_t k = 0; k < e->signers_n; k++) {
		const struct checkpoint_ref *seen = &e->signers[k].seen;
		if (span_eq(seen->origin, origin) && seen->size > size)
			size = seen->size;
	}
	return size;
}

struct bracket bundle_bracket(const struct placed_event *events, size_t n, size_t i, struct span origin,
			      uint64_t cosigned)
{
	const struct event *e = events[i].event;
	struct bracket b = {.accepted_at = events[i].accepted_at, .after_size = seen_size(e, origin)};

	for (size_t k = 0; k < n && events[k].index < b.after_size; k++)
		b.after = events[k].accepted_at;
	for (size_t k = i + 1; k < n && b.known_by == 0; k++) {
		if (is_servers(events[k].event) || seen_size(events[k].event, origin) <= events[i].index)
			continue;
		b.known_by = events[k].index;
		b.known_at = events[k].accepted_at;
	}
	if (cosigned > 0)
		b.before = cosigned > INT64_MAX / MICROS_PER_SECOND ? INT64_MAX
								    : (micros)cosigned * MICROS_PER_SECOND;
	return b;
}

/* The smallest running number of the key that is above `below`. */
static bool next_number(const struct placed_event *events, size_t n, const struct digest *keyid,
			uint64_t below, uint64_t *ret_number)
{
	bool found = false;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < events[i].event->signers_n; k++) {
			const struct signer *s = &events[i].event->signers[k];
			if (s->number <= below || (found && s->number >= *ret_number) ||
			    !digest_eq(&s->keyid, keyid))
				continue;
			*ret_number = s->number;
			found = true;
		}
	return found;
}

size_t bundle_number_gaps(const struct placed_event *events, size_t n, const struct digest *keyid,
			  struct number_gap *ret_gaps, size_t cap)
{
	uint64_t last = 0;
	uint64_t number = 0;
	size_t gaps = 0;

	while (next_number(events, n, keyid, last, &number)) {
		if (last > 0 && number - last > 1) {
			if (gaps < cap)
				ret_gaps[gaps] = (struct number_gap){.first = last + 1, .last = number - 1};
			gaps++;
		}
		last = number;
	}
	return gaps;
}
