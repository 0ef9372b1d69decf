#include "wire/messages.h"

#include <stdio.h>

#include "wire/schema.h"

bool frame_decode(struct span bytes, struct arena *arena, struct problems *problems, struct frame *ret_frame)
{
	return message_decode(&frame_message, bytes, arena, problems, ret_frame);
}

uint64_t frame_peek_id(struct span bytes)
{
	enum { TAG = 1 << 3, VARINT_MAX = 10 };
	uint64_t id = 0;

	if (bytes.n == 0 || bytes.p[0] != TAG)
		return 0;
	for (size_t i = 1; i < bytes.n && i <= VARINT_MAX; i++) {
		id |= (uint64_t)(bytes.p[i] & 0x7f) << 7 * (i - 1);
		if (bytes.p[i] < 0x80)
			return id;
	}
	return 0;
}

bool frame_encode(const struct frame *frame, struct buffer *to)
{
	size_t begin = frame_open(to);

	if (!message_encode(&frame_message, frame, to)) {
		if (buffer_ok(to))
			to->n = begin;
		return false;
	}
	return frame_close(to, begin);
}

/* What a problem may take of a frame: a tag and a length of up to 3 bytes, for itself and its 8 fields. */
enum { PROBLEM_OVERHEAD = 4 * (1 + 8), PROBLEMS_ROOM = FRAME_MAX - 4096 };

static size_t view_size(const struct problem_view *v)
{
	return PROBLEM_OVERHEAD + v->path.n + v->rule.n + v->source.n + v->found.n + v->allowed.n + v->zh.n +
	       v->en.n + v->source_zh.n;
}

struct problem_view problem_view_of(const struct rule *rule, const char *path, const char *found,
				    const char *allowed)
{
	return (struct problem_view){
	    .path = span_str(path),
	    .rule = span_str(rule->id),
	    .source = span_str(rule->source->en),
	    .found = span_str(found),
	    .allowed = span_str(allowed),
	    .zh = span_str(rule->zh),
	    .en = span_str(rule->en),
	    .source_zh = span_str(rule->source->zh),
	};
}

bool refusal_problems(const struct problems *problems, struct arena *arena, struct refusal *ret_refusal)
{
	size_t n = 0;
	size_t room = PROBLEMS_ROOM;
	unsigned left_out = problems->more;
	struct problem_view *views = arena_array(arena, problems->count + 1, sizeof(*views));

	if (views == NULL)
		return false;
	for (const struct problem *p = problems->first; p != NULL; p = p->next) {
		struct problem_view view = problem_view_of(p->rule, p->path, p->found, p->allowed);
		size_t size = view_size(&view);
		if (size > room) {
			left_out++;
			continue;
		}
		room -= size;
		views[n++] = view;
	}
	if (left_out > 0) {
		const char *found = arena_printf(arena, "%u", left_out);
		views[n++] = problem_view_of(CODEC(MORE), "", found, "");
	}
	ret_refusal->problems = views;
	ret_refusal->problems_n = n;
	return true;
}
