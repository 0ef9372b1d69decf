/*
 * Answers that are no receipts: refusals, in words, with everything that is wrong.
 */
#include "path/internal.h"
#include "path/rules.h"

void send_frame(struct path *p, conn_id conn, const struct frame *frame)
{
	struct buffer out = BUFFER_EMPTY;

	if (frame_encode(frame, &out))
		p->ports.net->send(p->ports.net->self, conn, buffer_span(&out));
	else
		p->ports.net->close(p->ports.net->self, conn, "no memory for an answer");
	buffer_free(&out);
}

void answer_frame(struct path *p, const struct request *r, struct span frame)
{
	if (r->conn != 0)
		p->ports.net->send(p->ports.net->self, r->conn, frame);
	else if (r->answer != NULL)
		r->answer(r->answer_self, frame);
}

void answer_refusal(struct path *p, struct request *r, enum refusal_kind kind, const struct verdict *verdict)
{
	struct frame f = {.id = r->id, .last = true, .kind = FRAME_REFUSAL};
	struct refusal *refusal = &f.refusal;
	struct buffer out = BUFFER_EMPTY;

	p->counters.refused[kind]++;
	refusal->kind = kind;
	refusal->writer = span_str(kind == REFUSAL_NOT_WRITER ? p->config.writer_address : "");
	if (r->decoded)
		refusal->event = r->event.id;
	const struct problems *problems = &r->problems;
	if (verdict != NULL) {
		refusal->standing = verdict->standing;
		refusal->needed = verdict->needed;
		refusal->retry_after = verdict->retry_after;
		if (problems_any(&verdict->problems))
			problems = &verdict->problems;
	}
	if (refusal_problems(problems, problems->arena, refusal) && frame_encode(&f, &out))
		answer_frame(p, r, buffer_span(&out));
	else if (r->conn != 0)
		p->ports.net->close(p->ports.net->self, r->conn, "no memory for an answer");
	buffer_free(&out);
	if (r->hello) {
		p->counters.hellos_refused++;
		p->ports.net->close(p->ports.net->self, r->conn, "hello refused");
	}
}

void refuse(struct path *p, conn_id conn, uint64_t id, enum refusal_kind kind, const struct rule *rule,
	    const char *path, const char *found, const char *allowed, micros retry_after)
{
	const struct problem_view problem = problem_view_of(rule, path, found, allowed);
	const struct frame f = {
	    .id = id,
	    .last = true,
	    .kind = FRAME_REFUSAL,
	    .refusal = {.kind = kind,
			.problems = &problem,
			.problems_n = 1,
			.retry_after = retry_after,
			.writer = span_str(kind == REFUSAL_NOT_WRITER ? p->config.writer_address : "")},
	};

	p->counters.refused[kind]++;
	send_frame(p, conn, &f);
}
