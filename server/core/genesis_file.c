/* The text of a genesis file, and what a genesis says of the log before it. */
#include "core/genesis_file.h"

#include "base/text.h"

#define HEADER "manifest-genesis@v1\nlog "

void genesis_file_put(struct buffer *to, const struct note_key *log_key, struct span entry, struct span proof)
{
	buffer_put_str(to, HEADER);
	note_key_put(to, log_key);
	buffer_put_str(to, "\nentry ");
	buffer_put_base64(to, entry);
	buffer_put_str(to, "\n\n");
	buffer_put_span(to, proof);
}

bool genesis_file_parse(struct span text, struct arena *arena, struct genesis_file *ret_file)
{
	static const char entry[] = "entry ";
	struct genesis_file f;
	struct span line, empty;
	size_t n = strlen(HEADER);

	if (text.n > GENESIS_FILE_MAX || text.n < n || memcmp(text.p, HEADER, n) != 0)
		return false;
	struct span rest = span_of(text.p + n, text.n - n);
	if (!span_cut(&rest, '\n', &f.vkey) || !span_cut(&rest, '\n', &line) ||
	    !span_cut(&rest, '\n', &empty) || empty.n != 0 || line.n <= strlen(entry) ||
	    memcmp(line.p, entry, strlen(entry)) != 0)
		return false;
	line = span_of(line.p + strlen(entry), line.n - strlen(entry));
	uint8_t *bytes = arena_alloc(arena, line.n / 4 * 3 + 1);
	if (bytes == NULL || !base64_decode(line, bytes, line.n / 4 * 3, &n) || n == 0)
		return false;
	f.entry = span_of(bytes, n);
	f.proof = rest;
	*ret_file = f;
	return true;
}

bool genesis_continues(const struct genesis *genesis, struct checkpoint *ret_old)
{
	struct span text, signatures;

	return genesis->continues.n > 0 && note_split(genesis->continues, &text, &signatures) &&
	       checkpoint_parse_text(text, ret_old);
}

enum seen_answer genesis_seen(const struct genesis *genesis, const struct checkpoint_ref *seen)
{
	struct checkpoint old;

	if (!genesis_continues(genesis, &old) || !span_eq(seen->origin, old.origin) || seen->size > old.size)
		return SEEN_OTHER;
	if (seen->size < old.size)
		return SEEN_UNKNOWN;
	return digest_eq(&seen->root, &old.root) ? SEEN_OURS : SEEN_OTHER;
}
