/* Owns the order in which a request is judged. */
#include "web/request.h"

static void add_fault(enum head_fault fault, struct problems *problems)
{
	static const enum web_rule_name rules[] = {
	    [HEAD_SYNTAX] = WEB_RULE_SYNTAX,
	    [HEAD_VERSION] = WEB_RULE_VERSION,
	    [HEAD_TARGET] = WEB_RULE_TARGET,
	    [HEAD_TOO_LONG] = WEB_RULE_HEADERS,
	};

	problem_add(problems, &web_rules[rules[fault]].rule, "", "", "");
}

/* What was found, as text: visible ASCII, by the head's syntax. */
static const char *text(struct problems *problems, struct span found)
{
	struct span copy = arena_copy(problems->arena, found);

	return copy.p == NULL ? "" : (const char *)copy.p;
}

bool request_route(struct span bytes, struct problems *problems, struct web_request *ret_request)
{
	struct head head;
	enum head_fault fault = head_parse(bytes, &head);
	struct web_request r = {.head_only = span_eq_str(head.method, "HEAD"),
				.token = head.bearer ? head.token : span_of(NULL, 0),
				.parameters = head.query};

	if (fault != HEAD_GOOD)
		add_fault(fault, problems);
	else if ((r.route = route_find(head.path, &r.captured)) == NULL)
		problem_add(problems, WEB_PROBLEM(ROUTE), "", text(problems, head.path), "");
	else if (!r.head_only && !span_eq_str(head.method, "GET"))
		problem_add(problems, WEB_PROBLEM(METHOD), "", text(problems, head.method), "GET, HEAD");
	else if (head.body)
		problem_add(problems, WEB_PROBLEM(BODY), "", "", "");
	*ret_request = r;
	return !problems_any(problems);
}

bool request_query(struct web_request *request, struct problems *problems)
{
	const struct route *route = request->route;
	struct query query;

	if (!parameters_read(route->variable, request->captured.text, route->parameters, request->parameters,
			     problems->arena, problems, &query))
		return false;
	query.kind = route->query;
	/* A page of ours is a page, whatever the path would give to a device. */
	if (query.limit == 0)
		query.limit = QUERY_LIMIT_DEFAULT;
	request->query = query;
	return true;
}
