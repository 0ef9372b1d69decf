/* Requests over HTTP, from bytes to a route and a query: what is taken, and every way to be refused. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "web/request.h"

#define CODE  "91210106MA0P0000X9"
#define OK_   "GET /healthz HTTP/1.1\r\nHost: a\r\n"
#define HOST_ " HTTP/1.1\r\nHost: a\r\n\r\n"

static struct arena *arena;
static struct problems problems;
static struct web_request request;

static void begin(void)
{
	arena = arena_new(REQUEST_ARENA);
	problems = (struct problems){.arena = arena};
}

static void end(void)
{
	arena_free(arena);
}

static bool read_head(struct span head)
{
	problems = (struct problems){.arena = arena};
	return request_route(head, &problems, &request);
}

static bool read_target(const char *target)
{
	char head[HEAD_MAX];
	int n = snprintf(head, sizeof(head), "GET %s" HOST_, target);

	/* The request views the bytes. */
	struct span copy = arena_copy(arena, span_of(head, (size_t)n));
	return read_head(copy) && request_query(&request, &problems);
}

/* "path rule; path rule": in the order in which they were found. */
static const char *broken(void)
{
	static char text[2048];
	size_t n = 0;

	text[0] = '\0';
	for (const struct problem *p = problems.first; p != NULL; p = p->next)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s%s%s", n == 0 ? "" : "; ", p->path,
				      p->path[0] == '\0' ? "" : " ", p->rule->id);
	return text;
}

TestSuite(web_request, .init = begin, .fini = end);

/* ---- heads ---- */

static const struct {
	const char *head;
	const char *rule; /* "": good */
} heads[] = {
    {OK_ "\r\n", ""},
    {"HEAD /healthz HTTP/1.0\r\n\r\n", ""},
    {"GET /healthz HTTP/1.1\r\nhost:a\r\nX-Any: \t a b \t\r\nX-Any: c\r\nX-Empty:\r\n\r\n", ""},
    {OK_ "Content-Length: 0\r\n\r\n", ""},
    {"GET /healthz HTTP/1.1\r\n\r\n", "http.syntax"},
    {"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "http.syntax"},
    {OK_ "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n", "http.syntax"},
    {OK_ "X : a\r\n\r\n", "http.syntax"},
    {OK_ " folded\r\n\r\n", "http.syntax"},
    {OK_ "no colon\r\n\r\n", "http.syntax"},
    {OK_ ": no name\r\n\r\n", "http.syntax"},
    {OK_ "X: a\nY: b\r\n\r\n", "http.syntax"},
    {OK_ "X: a\x01\r\n\r\n", "http.syntax"},
    {"GET  /healthz HTTP/1.1\r\nHost: a\r\n\r\n", "http.syntax"},
    {"GET healthz HTTP/1.1\r\nHost: a\r\n\r\n", "http.syntax"},
    {"GET http://a/healthz HTTP/1.1\r\nHost: a\r\n\r\n", "http.syntax"},
    {"GET /healthz#x HTTP/1.1\r\nHost: a\r\n\r\n", "http.syntax"},
    {"GET /h\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", "http.syntax"},
    {"GET /healthz\r\n\r\n", "http.syntax"},
    {"/healthz HTTP/1.1\r\n\r\n", "http.syntax"},
    {"G@T /healthz HTTP/1.1\r\nHost: a\r\n\r\n", "http.syntax"},
    {"GETGETGETGETGETGE /healthz HTTP/1.1\r\nHost: a\r\n\r\n", "http.syntax"},
    {"GET /healthz HTTP/1.1 \r\nHost: a\r\n\r\n", "http.syntax"},
    {"GET /healthz HTTP/2.0\r\nHost: a\r\n\r\n", "http.version"},
    {"GET /healthz HTTP/0.9\r\nHost: a\r\n\r\n", "http.version"},
    {"\r\n\r\n", "http.syntax"},
    {OK_ "Content-Length: 1\r\n\r\n", "http.body"},
    {OK_ "Content-Length: 00\r\n\r\n", "http.body"},
    {OK_ "Transfer-Encoding: chunked\r\n\r\n", "http.body"},
    {"POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n", "http.method"},
    {"get /healthz HTTP/1.1\r\nHost: a\r\n\r\n", "http.method"},
    {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "http.route"},
    {"GET /healthz/ HTTP/1.1\r\nHost: a\r\n\r\n", "http.route"},
    {"GET //healthz HTTP/1.1\r\nHost: a\r\n\r\n", "http.route"},
    {"GET /v1/manifests// HTTP/1.1\r\nHost: a\r\n\r\n", "http.route"},
    {"GET /v1/manifests//trail HTTP/1.1\r\nHost: a\r\n\r\n", "http.route"},
    {"GET /v1/manifests/1/trail/2 HTTP/1.1\r\nHost: a\r\n\r\n", "http.route"},
    {"DELETE /nothing HTTP/1.1\r\nHost: a\r\n\r\n", "http.route"},
};

Test(web_request, heads)
{
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		struct span head = span_str(heads[i].head);
		cr_assert_eq(head_end(head), head.n, "%zu", i);
		cr_expect_eq(read_head(head), heads[i].rule[0] == '\0', "%s", heads[i].head);
		cr_expect_str_eq(broken(), heads[i].rule, "%s", heads[i].head);
	}
}

Test(web_request, a_nul_is_no_character)
{
	static const char in_header[] = OK_ "X: a\0b\r\n\r\n";
	static const char in_name[] = OK_ "X\0: ab\r\n\r\n";
	static const char in_target[] = "GET /health\0 HTTP/1.1\r\nHost: a\r\n\r\n";

	cr_expect_not(read_head(span_of(in_header, sizeof(in_header) - 1)));
	cr_expect_not(read_head(span_of(in_name, sizeof(in_name) - 1)));
	cr_expect_not(read_head(span_of(in_target, sizeof(in_target) - 1)));
}

Test(web_request, too_long)
{
	uint8_t bytes[HEAD_MAX];

	memset(bytes, 'a', sizeof(bytes));
	cr_assert_not(read_head(span_of(bytes, sizeof(bytes))));
	cr_expect_str_eq(broken(), "http.target_too_long");
	cr_expect_eq(web_rule_broken(&problems)->status, 414);
	memcpy(bytes, OK_, strlen(OK_));
	cr_assert_not(read_head(span_of(bytes, sizeof(bytes))));
	cr_expect_str_eq(broken(), "http.headers_too_large");
	cr_expect_eq(web_rule_broken(&problems)->status, 431);
}

static const struct {
	const char *value;
	const char *token;
} tokens[] = {
    {"Bearer abc", "abc"}, {"bearer  abc ", "abc"}, {"Basic abc", ""}, {"Bearer", ""},
    {"Bearer ", ""},       {"Bearerabc", ""},       {"abc", ""},       {"Bearer a b", ""},
};

Test(web_request, tokens)
{
	char head[256];

	for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
		(void)snprintf(head, sizeof(head), OK_ "Authorization: %s\r\n\r\n", tokens[i].value);
		cr_assert(read_head(span_str(head)));
		cr_expect(span_eq_str(request.token, tokens[i].token), "%s", tokens[i].value);
	}
}

/* ---- routes and parameters ---- */

static const struct {
	const char *target;
	const char *broken; /* "": good */
} targets[] = {
    {"/v1/flags", ""},
    {"/v1/flags?", ""},
    {"/v1/flags?kind=overdue,fork&open=true&limit=500&after=7&division=210106&party=" CODE, ""},
    {"/v1/flags?party=" CODE "-1&from=2026-03-02&until=2026-03-02T10:00:00.5+08:00", ""},
    {"/v1/flags?from=1&until=2", ""},
    {"/v1/manifests?numbers=20262101000001,20262101000002&state=in_transit&waste_code=900-249-08", ""},
    {"/v1/manifests?plate=%E8%BE%BDA12345", ""},
    {"/v1/manifests/20262101000001", ""},
    {"/v1/manifests/2026210100000%31", ""},
    {"/v1/manifests/20262101000001/trail?after=64&limit=1", ""},
    {"/v1/parties/" CODE "-1/summary", ""},
    {"/v1/blocks", ""},
    {"/v1/flags?kind=", "kind parameter.value"},
    {"/v1/flags?kind", "kind parameter.value"},
    {"/v1/flags?kind=overdue,", "kind parameter.value"},
    {"/v1/flags?kind=OVERDUE", "kind parameter.value"},
    {"/v1/flags?kind=unspecified", "kind parameter.value"},
    {"/v1/flags?plate=a", "plate parameter.unknown"},
    {"/v1/flags?=a", "parameter.unknown"},
    {"/v1/flags?&open=true", "parameter.unknown"},
    {"/v1/flags?Limit=1", "Limit parameter.unknown"},
    {"/v1/flags?limit=1&limit=2", "limit parameter.twice"},
    {"/v1/flags?limit=0", "limit parameter.value"},
    {"/v1/flags?limit=501", "limit parameter.value"},
    {"/v1/flags?limit=01", "limit parameter.value"},
    {"/v1/flags?limit=%310", ""},
    {"/v1/flags?limit=%3", "limit parameter.value"},
    {"/v1/flags?limit=%3g", "limit parameter.value"},
    {"/v1/flags?limit=1%00", "limit parameter.value"},
    {"/v1/flags?after=0", "after parameter.value"},
    {"/v1/flags?after=9223372036854775808", "after parameter.value"},
    {"/v1/flags?open=yes", "open parameter.value"},
    {"/v1/flags?division=2101", "division parameter.value"},
    {"/v1/flags?division=21010%25", "division parameter.value"},
    {"/v1/flags?party=91210106MA0P0000X2", "party parameter.value"},
    {"/v1/flags?party=" CODE "-0", "party parameter.value"},
    {"/v1/flags?from=0", "from parameter.value"},
    {"/v1/flags?from=2026-13-01", "from parameter.value"},
    {"/v1/flags?from=2026-03-02T10:00:00", "from parameter.value"},
    {"/v1/flags?from=9223372036854775808", "from parameter.value"},
    {"/v1/flags?from=2026-03-02&until=2026-03-02", "from parameter.window"},
    {"/v1/manifests?numbers=20262101000001,", "numbers parameter.value"},
    {"/v1/manifests?numbers=20262101000000", "numbers parameter.value"},
    {"/v1/manifests?plate=%E8%BE", "plate parameter.value"},
    {"/v1/manifests?plate=a%20b", "plate parameter.value"},
    {"/v1/manifests?plate=a%0ab", "plate parameter.value"},
    {"/v1/manifests?plate=123456789012345678901234567890123", "plate parameter.value"},
    {"/v1/manifests?waste_code=900-249", "waste_code parameter.value"},
    {"/v1/manifests?state=overdue", "state parameter.value"},
    {"/v1/manifests?kind=fork&open=true&state=x",
     "kind parameter.unknown; open parameter.unknown; state parameter.value"},
    {"/v1/manifests/20262101000000", "number parameter.value"},
    {"/v1/manifests/20262101000001,20262101000002", "number parameter.value"},
    {"/v1/manifests/%00/trail?after=x", "number parameter.value; after parameter.value"},
    {"/v1/parties/" CODE "/summary", "party parameter.value"},
    {"/v1/blocks?limit=1", "limit parameter.unknown"},
    {"/healthz?verbose=1", "verbose parameter.unknown"},
};

Test(web_request, targets)
{
	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		cr_expect_eq(read_target(targets[i].target), targets[i].broken[0] == '\0', "%s: %s",
			     targets[i].target, broken());
		cr_expect_str_eq(broken(), targets[i].broken, "%s", targets[i].target);
		for (const struct problem *p = problems.first; p != NULL; p = p->next)
			cr_expect_eq(web_rule_broken(&problems)->status, 400);
	}
}

Test(web_request, flags_query)
{
	cr_assert(
	    read_target("/v1/flags?kind=overdue,fork&open=true&limit=5&after=7&division=210106&party=" CODE
			"&from=2026-03-02T10:00:00+08:00&until=1772416800000001"));
	const struct query *q = &request.query;
	cr_expect_eq(q->kind, QUERY_FLAGS);
	cr_expect_eq(q->flag_kinds, 1U << FLAG_OVERDUE | 1U << FLAG_FORK);
	cr_expect(q->open_only);
	cr_expect_eq(q->limit, 5);
	cr_expect_eq(q->after, 7);
	cr_expect(span_eq_str(q->division, "210106"));
	cr_expect_str_eq(q->party.credit_code, CODE);
	cr_expect_eq(q->party.site, 0);
	cr_expect_eq(q->from, INT64_C(1772416800000000));
	cr_expect_eq(q->until, INT64_C(1772416800000001));
}

Test(web_request, search_query)
{
	cr_assert(read_target("/v1/manifests?numbers=20262101000001,20262101000009&plate=%e8%be%bdA12345"
			      "&waste_code=900-249-08&state=closed&from=2026-03-02&party=" CODE "-12"));
	const struct query *q = &request.query;
	cr_expect_eq(q->kind, QUERY_SEARCH);
	cr_expect_eq(q->numbers_n, 2);
	cr_expect_eq(q->numbers[1], UINT64_C(20262101000009));
	cr_expect(span_eq_str(q->plate, "辽A12345"));
	cr_expect(span_eq_str(q->waste_code, "900-249-08"));
	cr_expect_eq(q->state, 9);
	cr_expect_eq(q->from, INT64_C(1772380800000000)); /* midnight in Shenyang */
	cr_expect_eq(q->party.site, 12);
	cr_expect_eq(q->limit, QUERY_LIMIT_DEFAULT);
}

Test(web_request, two_hundred_numbers)
{
	char target[HEAD_MAX] = "/v1/manifests?numbers=20262101000001";

	for (int i = 1; i < QUERY_NUMBERS_MAX; i++)
		strcat(target, ",20262101000001");
	cr_assert(read_target(target));
	cr_expect_eq(request.query.numbers_n, QUERY_NUMBERS_MAX);
	strcat(target, ",20262101000001");
	cr_assert_not(read_target(target));
	cr_expect_str_eq(problems.first->allowed,
			 "1 to 200 manifest numbers of 14 digits, separated by commas");
	cr_expect_eq(strlen(problems.first->found), 100);
}

/* Many problems are counted, and take no more memory than there is. */
Test(web_request, a_thousand_problems)
{
	char target[HEAD_MAX] = "/v1/flags?x=1";

	for (int i = 1; i < 1000; i++)
		strcat(target, "&x=1");
	cr_assert_not(read_target(target));
	cr_expect_eq(problems.count, PROBLEMS_MAX);
	cr_expect_eq(problems.more, 1000 - PROBLEMS_MAX);
	cr_expect_str_eq(problems.first->allowed, "kind, party, division, from, until, open, after, limit");
}

/* The table itself: each address once, each finds its own row, and each is documented. */
Test(web_request, routes)
{
	struct buffer text = BUFFER_EMPTY;

	routes_document(&text);
	buffer_put_u8(&text, 0);
	cr_assert(buffer_ok(&text));
	for (size_t i = 0; i < routes_n; i++) {
		const struct route *r = &routes[i];
		struct captured captured;
		/* Tiles have a syntax of their own: see the next test. */
		if (r->tiles == ROUTE_NO_TILES) {
			cr_expect_eq(route_find(span_str(r->pattern), &captured), r, "%s", r->pattern);
			cr_expect_eq(captured.text.n > 0, r->variable != PARAMETER_NONE, "%s", r->pattern);
			cr_expect_eq(r->access == ROUTE_TOKEN, r->view != NULL && r->query != 0);
			cr_expect_eq(r->access == ROUTE_OPEN, r->answer != NULL, "%s", r->pattern);
			cr_expect_eq(r->access == ROUTE_TOKEN, strncmp(r->pattern, "/v1/", 4) == 0);
		} else {
			cr_expect_eq(r->access == ROUTE_TOKEN, r->tiles == ROUTE_BUNDLES);
			cr_expect(r->answer == NULL && r->view == NULL && r->cache != NULL);
		}
		cr_expect_not_null(strstr((const char *)text.p, r->pattern));
		cr_expect_not_null(strstr((const char *)text.p, r->answers));
	}
	buffer_free(&text);
}

static const struct {
	const char *target;
	enum route_tiles tiles; /* ROUTE_NO_TILES: there is nothing at this address */
	struct tile_id id;
} tile_targets[] = {
    {"/tile/0/000", ROUTE_TILES, {0, 0, 256}},
    {"/tile/1/x001/x234/067.p/255", ROUTE_TILES, {1, 1234067, 255}},
    {"/tile/63/000.p/1", ROUTE_TILES, {63, 0, 1}},
    {"/tile/entries/000", ROUTE_BUNDLES, {0, 0, 256}},
    {"/tile/entries/x001/000.p/9", ROUTE_BUNDLES, {0, 1000, 9}},
    {"/tile/0/0", ROUTE_NO_TILES, {0}},
    {"/tile/00/000", ROUTE_NO_TILES, {0}},
    {"/tile/64/000", ROUTE_NO_TILES, {0}},
    {"/tile/0/x000/001", ROUTE_NO_TILES, {0}},
    {"/tile/0/000.p/0", ROUTE_NO_TILES, {0}},
    {"/tile/0/000.p/256", ROUTE_NO_TILES, {0}},
    {"/tile/0/000.p/01", ROUTE_NO_TILES, {0}},
    {"/tile/0/000/", ROUTE_NO_TILES, {0}},
    {"/tile/0/%30%30%30", ROUTE_NO_TILES, {0}},
    {"/tile/-1/000", ROUTE_NO_TILES, {0}},
    {"/tile/0/../0/000", ROUTE_NO_TILES, {0}},
    {"/tile/entries/0/000", ROUTE_NO_TILES, {0}},
    {"/tile/", ROUTE_NO_TILES, {0}},
};

Test(web_request, tiles)
{
	for (size_t i = 0; i < ARRAY_LEN(tile_targets); i++) {
		const struct tile_id *want = &tile_targets[i].id;
		bool there = tile_targets[i].tiles != ROUTE_NO_TILES;
		cr_assert_eq(read_target(tile_targets[i].target), there, "%s", tile_targets[i].target);
		if (!there) {
			cr_expect_str_eq(broken(), "http.route", "%s", tile_targets[i].target);
			continue;
		}
		const struct tile_id *got = &request.captured.tile;
		cr_expect_eq(request.route->tiles, tile_targets[i].tiles, "%s", tile_targets[i].target);
		cr_expect(got->level == want->level && got->n == want->n && got->width == want->width, "%s",
			  tile_targets[i].target);
	}
	cr_assert_not(read_target("/tile/0/000?width=3"));
	cr_expect_str_eq(broken(), "width parameter.unknown");
}

/* The protocol's description holds the list as it is printed. */
Test(web_request, the_documentation_is_current)
{
	static char readme[1 << 20];
	struct buffer text = BUFFER_EMPTY;
	FILE *f = fopen("proto/README.md", "r");

	cr_assert_not_null(f);
	size_t n = fread(readme, 1, sizeof(readme), f);
	(void)fclose(f);
	routes_document(&text);
	cr_assert(buffer_ok(&text) && n < sizeof(readme));
	cr_expect_not_null(memmem(readme, n, text.p, text.n),
			   "section 9 of proto/README.md must hold what `manifestd routes` prints");
	buffer_free(&text);
}
