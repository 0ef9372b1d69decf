/* Body, judgement and answer of add-checkpoint. */
#include "core/add_checkpoint.h"

#include <inttypes.h>

#include "base/text.h"
#include "core/hash_lines.h"

#define OLD        "old "
#define PLAIN_TEXT "text/plain; charset=utf-8"

const struct add_outcome_row add_outcomes[ADD_OUTCOMES] = {
    [ADD_COSIGN] = {200, PLAIN_TEXT, NULL},
    [ADD_MALFORMED] = {400, PLAIN_TEXT, "the request or the checkpoint in it is malformed\n"},
    [ADD_OLD_ABOVE_SIZE] = {400, PLAIN_TEXT, "old is above the checkpoint's size\n"},
    [ADD_NOT_SIGNED] = {403, PLAIN_TEXT, "no good signature by a known key of this log\n"},
    [ADD_UNKNOWN_ORIGIN] = {404, PLAIN_TEXT, "this log is not known here\n"},
    [ADD_NOT_LAST] = {409, "text/x.tlog.size", NULL},
    [ADD_OTHER_ROOT] = {422, PLAIN_TEXT, "another root was cosigned for this size\n"},
    [ADD_OTHER_HISTORY] = {422, PLAIN_TEXT, "the proof continues another tree than the one cosigned\n"},
    [ADD_NOT_CONSISTENT] = {422, PLAIN_TEXT, "the proof does not hold\n"},
};

void add_checkpoint_put(struct buffer *to, uint64_t old, const struct digest *proof, size_t proof_n,
			struct span note)
{
	buffer_printf(to, OLD "%" PRIu64 "\n", old);
	hash_lines_put(to, proof, proof_n);
	buffer_put_span(to, note);
}

bool add_checkpoint_parse(struct span body, struct add_checkpoint *ret_request)
{
	struct add_checkpoint r = {.proof_n = 0};
	struct span rest = body;
	struct span line;
	size_t prefix = strlen(OLD);

	if (body.n > ADD_CHECKPOINT_SIZE_MAX || !span_cut(&rest, '\n', &line))
		return false;
	if (line.n < prefix || memcmp(line.p, OLD, prefix) != 0 ||
	    !decimal_parse(span_of(line.p + prefix, line.n - prefix), &r.old))
		return false;
	if (!hash_lines_take(&rest, r.proof, ADD_CHECKPOINT_PROOF_MAX, &r.proof_n))
		return false;
	r.note = rest;
	if (!span_cut(&rest, '\n', &r.origin) || r.origin.n == 0 || !text_is_clean(r.origin))
		return false;
	*ret_request = r;
	return true;
}

/* Origin, size and root, and any further lines that are not empty. */
static bool parse_checkpoint(struct span text, struct checkpoint *ret_checkpoint)
{
	struct span rest = text;
	struct span line;

	for (unsigned i = 0; i < 3; i++)
		if (!span_cut(&rest, '\n', &line))
			return false;
	struct span head = span_of(text.p, text.n - rest.n);
	while (span_cut(&rest, '\n', &line))
		if (line.n == 0)
			return false;
	return rest.n == 0 && checkpoint_parse_text(head, ret_checkpoint);
}

/* Does the checkpoint continue the size that was cosigned last? */
static enum add_outcome judge_growth(const struct add_checkpoint *r, const struct checkpoint *last,
				     const struct checkpoint *c)
{
	struct digest nothing = merkle_root(NULL, 0);

	if (r->old > c->size)
		return ADD_OLD_ABOVE_SIZE;
	if (r->old != last->size)
		return ADD_NOT_LAST;
	if (c->size == r->old && !digest_eq(&c->root, c->size == 0 ? &nothing : &last->root))
		return ADD_OTHER_ROOT;
	if (r->old == 0)
		return r->proof_n == 0 ? ADD_COSIGN : ADD_NOT_CONSISTENT;
	if (merkle_consistency_holds(r->old, c->size, r->proof, r->proof_n, &last->root, &c->root))
		return ADD_COSIGN;
	return merkle_consistency_differs(r->old, c->size, r->proof, r->proof_n, &last->root, &c->root)
		   ? ADD_OTHER_HISTORY
		   : ADD_NOT_CONSISTENT;
}

enum add_outcome add_checkpoint_judge(const struct add_checkpoint *request, const struct witnessed_log *log,
				      const struct checkpoint *last, struct checkpoint *ret_checkpoint,
				      struct span *ret_text)
{
	struct checkpoint c;
	struct span text;

	if (log == NULL || !span_eq(log->origin, request->origin))
		return ADD_UNKNOWN_ORIGIN;
	enum log_failure failure = note_open(request->note, log->keys, log->keys_n, &text, NULL);
	if (failure != LOG_HOLDS)
		return failure == LOG_NOTE_MALFORMED ? ADD_MALFORMED : ADD_NOT_SIGNED;
	if (!parse_checkpoint(text, &c))
		return ADD_MALFORMED;
	enum add_outcome outcome = judge_growth(request, last, &c);
	if (outcome != ADD_COSIGN)
		return outcome;
	*ret_checkpoint = c;
	*ret_text = text;
	return ADD_COSIGN;
}

void add_checkpoint_put_size(struct buffer *to, uint64_t last)
{
	buffer_printf(to, "%" PRIu64 "\n", last);
}

bool add_checkpoint_parse_size(struct span body, uint64_t *ret_size)
{
	struct span rest = body;
	struct span line;

	return span_cut(&rest, '\n', &line) && rest.n == 0 && decimal_parse(line, ret_size);
}

/* ---- cosignatures into a note ---- */

struct cosigned {
	struct span line; /* n 0: none */
	uint64_t time;
	bool fresh;
};

struct merge {
	struct span text;
	const struct note_key *witnesses;
	size_t witnesses_n;
	struct cosigned by[NOTE_KEYS_MAX]; /* beside witnesses */
	struct buffer others;              /* the lines that are not a known witness's */
};

/* One line with its LF, as a note of its own. */
static enum log_failure open_line(const struct merge *m, struct span line, struct note_signatures *ret_by)
{
	struct buffer note = BUFFER_EMPTY;
	struct span text;

	buffer_put_span(&note, m->text);
	buffer_put_u8(&note, '\n');
	buffer_put_span(&note, line);
	enum log_failure failure = LOG_NOTE_MALFORMED;
	if (buffer_ok(&note))
		failure = note_open(buffer_span(&note), m->witnesses, m->witnesses_n, &text, ret_by);
	buffer_free(&note);
	return failure;
}

static enum log_failure take_lines(struct merge *m, struct span lines, bool fresh)
{
	struct span rest = lines;
	struct span line;
	struct note_signatures by;

	for (size_t n = 0; span_cut(&rest, '\n', &line); n++) {
		line.n++;
		enum log_failure failure = n < NOTE_LINES_MAX ? open_line(m, line, &by) : LOG_NOTE_MALFORMED;
		if (failure == LOG_KEY_MISSING) {
			if (!fresh)
				buffer_put_span(&m->others, line);
			continue;
		}
		if (failure != LOG_HOLDS)
			return failure;
		struct cosigned *c = &m->by[by.good[0].key];
		if (c->line.n == 0 || c->time < by.good[0].time)
			*c = (struct cosigned){.line = line, .time = by.good[0].time, .fresh = fresh};
	}
	return rest.n == 0 ? LOG_HOLDS : LOG_NOTE_MALFORMED;
}

static size_t put_merged(const struct merge *m, struct buffer *to)
{
	size_t fresh = 0;

	buffer_put_span(to, m->text);
	buffer_put_u8(to, '\n');
	buffer_put_span(to, buffer_span(&m->others));
	for (size_t i = 0; i < m->witnesses_n; i++) {
		buffer_put_span(to, m->by[i].line);
		fresh += m->by[i].fresh ? 1 : 0;
	}
	to->broken = to->broken || !buffer_ok(&m->others);
	return fresh;
}

enum log_failure cosignatures_merge(struct span note, struct span answer, const struct note_key *witnesses,
				    size_t witnesses_n, struct buffer *to, size_t *ret_fresh)
{
	struct merge m = {.witnesses = witnesses, .witnesses_n = witnesses_n};
	struct span lines;
	enum log_failure failure = LOG_NOTE_MALFORMED;

	if (witnesses_n <= NOTE_KEYS_MAX && answer.n <= NOTE_SIZE_MAX && note_split(note, &m.text, &lines))
		failure = take_lines(&m, lines, false);
	if (failure == LOG_HOLDS)
		failure = take_lines(&m, answer, true);
	if (failure == LOG_HOLDS)
		*ret_fresh = put_merged(&m, to);
	buffer_free(&m.others);
	return failure;
}
