/*
 * Requests over HTTP from strangers: a request is refused with problems that can be told as JSON, or is good,
 * and then within every limit that the store relies on.
 */
#include <stdlib.h>

#include "base/text.h"
#include "core/reference.h"
#include "web/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
	if (!holds)
		abort();
}

static void check_query(const struct query *q)
{
	expect(q->kind == 0 || (q->limit >= 1 && q->limit <= QUERY_LIMIT_MAX));
	expect(q->numbers_n <= QUERY_NUMBERS_MAX && q->after <= INT64_MAX);
	expect(q->from >= 0 && q->until >= 0 && (q->from == 0 || q->until == 0 || q->from < q->until));
	expect(q->division.n == 0 || q->division.n == DIVISION_LENGTH);
	expect(q->waste_code.n == 0 || waste_code_is_wellformed(q->waste_code));
	expect(q->plate.n <= 32 && text_is_clean(q->plate));
	expect((q->flag_kinds >> FLAG_KINDS) == 0 && (q->flag_kinds & 1) == 0);
	expect(memchr(q->party.credit_code, 0, sizeof(q->party.credit_code)) != NULL);
}

static void check_refusal(const struct problems *problems)
{
	struct buffer text = BUFFER_EMPTY;
	const struct web_rule *rule = web_rule_broken(problems);

	expect(problems_any(problems) && rule->status >= 400 && rule->status != 500);
	expect(view_refusal(rule->kind, problems, &text));
	expect(text.n > 2 && text.p[0] == '{' && text.p[text.n - 1] == '\n');
	buffer_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span arrived = span_of(data, size > HEAD_MAX ? HEAD_MAX : size);
	struct arena *arena = arena_new(REQUEST_ARENA);
	struct problems problems = {.arena = arena};
	struct web_request request;
	size_t end = head_end(arrived);

	expect(arena != NULL && end <= arrived.n);
	if (end != 0)
		arrived.n = end;
	if (request_route(arrived, &problems, &request) && request_query(&request, &problems)) {
		expect(end != 0 && request.route != NULL && !problems_any(&problems));
		check_query(&request.query);
	} else {
		check_refusal(&problems);
	}
	arena_free(arena);
	return 0;
}
