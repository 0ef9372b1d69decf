/* Owns the table of addresses. */
#include "web/routes.h"

#include "web/exchange.h"

#define P(name) PARAMETER_BIT(PARAMETER_##name)
#define PAGE    (P(AFTER) | P(LIMIT))
#define WINDOW  (P(FROM) | P(UNTIL))

const struct route routes[] = {
    {.pattern = "/healthz", .answer = answer_healthz, .answers = "200 while the process lives; text"},
    {.pattern = "/readyz",
     .answer = answer_readyz,
     .answers =
	 "200 when it writes or stands by and the database answers, else 503; every check with its reason, "
	 "and a warning from 60 days before calendar or certificate end; JSON"},
    {.pattern = "/metrics",
     .answer = answer_metrics,
     .answers = "Counters and gauges in Prometheus' text format"},
    {.pattern = "/checkpoint",
     .answer = answer_checkpoint,
     .cache = "max-age=2",
     .answers = "The latest signed checkpoint (C2SP tlog-checkpoint); text"},
    {.pattern = "/tile/{L}/{N}[.p/{W}]",
     .tiles = ROUTE_TILES,
     .cache = "public, max-age=31536000, immutable",
     .answers = "Hashes of the log's tree (C2SP tlog-tiles); bytes"},
    {.pattern = "/tile/entries/{N}[.p/{W}]",
     .access = ROUTE_TOKEN,
     .tiles = ROUTE_BUNDLES,
     .cache = "private, max-age=31536000, immutable",
     .answers = "Entries of the log, each after its length in two bytes, for the role auditor; bytes"},
    {.pattern = "/v1/flags",
     .access = ROUTE_TOKEN,
     .parameters = P(KIND) | P(PARTY) | P(DIVISION) | WINDOW | P(OPEN) | PAGE,
     .query = QUERY_FLAGS,
     .view = view_flags,
     .answers = "Flags raised in the window, newest first, each with `detail` and the same in Chinese, "
		"`detail_zh`; `next` for the page after"},
    {.pattern = "/v1/manifests",
     .access = ROUTE_TOKEN,
     .parameters = P(NUMBERS) | P(PARTY) | P(PLATE) | P(WASTE_CODE) | P(STATE) | WINDOW | PAGE,
     .query = QUERY_SEARCH,
     .view = view_manifests,
     .answers = "Manifests issued in the window, highest number first; `next` for the page after"},
    {.pattern = "/v1/manifests/{number}",
     .access = ROUTE_TOKEN,
     .variable = PARAMETER_NUMBER,
     .query = QUERY_SEARCH,
     .view = view_manifest,
     .one = true,
     .answers = "One manifest: state, parties, next deadline, and grams of each line"},
    {.pattern = "/v1/manifests/{number}/trail",
     .access = ROUTE_TOKEN,
     .variable = PARAMETER_NUMBER,
     .parameters = PAGE,
     .query = QUERY_TRAIL,
     .view = view_trail,
     .one = true,
     .answers =
	 "Its log entries, oldest first: `entry` in base64, `index`, and `proof` (C2SP tlog-proof); `next` "
	 "for the page after"},
    {.pattern = "/v1/parties/{party}/summary",
     .access = ROUTE_TOKEN,
     .variable = PARAMETER_SITE,
     .query = QUERY_SUMMARY,
     .view = view_summary,
     .one = true,
     .answers = "A party: its registration, manifests by state, open flags, and grams shipped, received, "
		"treated and "
		"in stock"},
    {.pattern = "/v1/blocks",
     .access = ROUTE_TOKEN,
     .query = QUERY_BLOCKS,
     .view = view_blocks,
     .answers = "The number blocks granted to the token's party, and how much of each is used"},
};
const size_t routes_n = ARRAY_LEN(routes);

/* One segment, up to the next slash or the end. */
static struct span take_segment(struct span *rest)
{
	struct span segment;

	if (!span_cut(rest, '/', &segment)) {
		segment = *rest;
		*rest = span_of(NULL, 0);
	}
	return segment;
}

/* A slash at the end is a segment more, and an empty one: it matches nothing. */
static bool matches(const char *pattern, struct span path, struct span *ret_captured)
{
	struct span rest = span_str(pattern);
	size_t slashes = 0;

	for (size_t i = 0; i < path.n; i++)
		slashes += path.p[i] == '/';
	for (size_t i = 0; i < rest.n; i++)
		slashes -= rest.p[i] == '/';
	if (slashes != 0)
		return false;
	while (rest.n > 0) {
		struct span want = take_segment(&rest);
		struct span got = take_segment(&path);
		if (want.n > 0 && want.p[0] == '{' && got.n > 0)
			*ret_captured = got;
		else if (!span_eq(want, got))
			return false;
	}
	return path.n == 0;
}

static bool is_at(const struct route *route, struct span path, struct captured *ret_captured)
{
	bool entries = false;

	if (route->tiles == ROUTE_NO_TILES)
		return matches(route->pattern, path, &ret_captured->text);
	return tile_parse_path(path, &ret_captured->tile, &entries) &&
	       entries == (route->tiles == ROUTE_BUNDLES);
}

const struct route *route_find(struct span path, struct captured *ret_captured)
{
	for (size_t i = 0; i < routes_n; i++) {
		struct captured captured = {0};
		if (!is_at(&routes[i], path, &captured))
			continue;
		*ret_captured = captured;
		return &routes[i];
	}
	return NULL;
}

void routes_document(struct buffer *to)
{
	buffer_put_str(to, "| GET, HEAD | token | parameters | answers |\n|---|---|---|---|\n");
	for (size_t i = 0; i < routes_n; i++) {
		const struct route *r = &routes[i];
		const char *before = "";
		buffer_printf(to, "| `%s` | %s | ", r->pattern, r->access == ROUTE_TOKEN ? "yes" : "no");
		for (int p = 0; p < PARAMETERS; p++) {
			if ((r->parameters & PARAMETER_BIT(p)) == 0)
				continue;
			buffer_printf(to, "%s`%s`", before, parameter_name((enum parameter)p));
			before = ", ";
		}
		buffer_printf(to, " | %s |\n", r->answers);
	}
	buffer_put_str(to, "\n| parameter | is |\n|---|---|\n");
	for (int p = PARAMETER_NONE + 1; p < PARAMETERS; p++) {
		buffer_printf(to, "| `%s` | ", parameter_name((enum parameter)p));
		parameter_put_allowed((enum parameter)p, to);
		buffer_put_str(to, " |\n");
	}
}
