/* Owns requests from their arrival to their answer: who asks, how many at once, and what the path says. */
#include "web/web.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "net/loop.h"
#include "net/tls.h"
#include "web/exchange.h"
#include "web/health.h"
#include "web/metrics.h"
#include "web/reply.h"
#include "web/request.h"
#include "web/serve.h"

/* Each may hold a page of answers in memory; devices shall not wait for them. Tiles are small and asked for
 * by the hundred: those beyond wait for their turn. */
enum { READS_MAX = 32, READS_PARTY_MAX = 4, TILES_MAX = 8 };

TAILQ_HEAD(exchanges, exchange);

struct web {
	struct web_ports ports;
	struct serve *serve;
	struct exchanges reading; /* the path has them */
	struct exchanges waiting; /* for a tile */
	size_t reads, tiles;      /* in reading: those with a token, and those without */
	struct web_counters counters;
};

struct exchange {
	TAILQ_ENTRY(exchange) link; /* in reading or waiting */
	struct web *web;            /* NULL: the web is gone */
	uint64_t id;                /* of the connection; 0: it is gone */
	struct arena *arena;
	struct problems problems;
	struct web_request request;
	struct reader_identity who;
};

static void exchange_free(struct exchange *x)
{
	arena_free(x->arena);
	free(x);
}

/* ---- answers ---- */

static void answer(struct exchange *x, int status, const char *type, struct span body)
{
	struct web *web = x->web;
	struct buffer out = BUFFER_EMPTY;
	const struct route *route = x->request.route;
	const struct reply reply = {.status = status,
				    .type = type,
				    .cache = status == 200 ? route->cache : NULL,
				    .body = body,
				    .head = x->request.head_only};

	reply_put(&out, &reply, loop_clock());
	/* Without memory for it, nothing is sent, and the connection ends at its deadline. */
	if (buffer_ok(&out))
		serve_answer(web->serve, x->id, buffer_span(&out));
	buffer_free(&out);
	web->counters.answers[status / 100]++;
	log_line(web->ports.log, status == WEB(FAULT)->status ? LOG_ERROR : LOG_DEBUG, "http.answer",
		 LOG_TEXT("route", route == NULL ? "" : route->pattern), LOG_INT("status", status));
}

/* With what problems there are. */
static void answer_refused(struct exchange *x)
{
	const struct web_rule *rule = web_rule_broken(&x->problems);
	struct buffer body = BUFFER_EMPTY;

	if (view_refusal(rule->kind, &x->problems, &body))
		answer(x, rule->status, TYPE_JSON, buffer_span(&body));
	else
		answer(x, rule->status, TYPE_TEXT, span_str(rule->rule.en));
	buffer_free(&body);
}

static void refuse(struct exchange *x, const struct web_rule *rule, const char *path)
{
	problem_add(&x->problems, &rule->rule, path, "", "");
	answer_refused(x);
}

void answer_healthz(struct exchange *x)
{
	answer(x, 200, TYPE_TEXT, span_str("alive\n"));
}

static micros certificate_until(const struct web *web)
{
	return web->ports.tls == NULL ? 0 : tls_expires(web->ports.tls);
}

void answer_readyz(struct exchange *x)
{
	const struct health health = {
	    .status = path_status(x->web->ports.path),
	    .checkpoint = path_checkpoint(x->web->ports.path).n > 0,
	    .now = loop_clock(),
	    .certificate_until = certificate_until(x->web),
	};
	struct buffer body = BUFFER_EMPTY;

	if (health_put(&health, &body))
		answer(x, health_is_ready(&health) ? 200 : 503, TYPE_JSON, buffer_span(&body));
	else
		refuse(x, WEB(BUSY), "");
	buffer_free(&body);
}

void answer_metrics(struct exchange *x)
{
	const struct web *web = x->web;
	const struct path_status status = path_status(web->ports.path);
	const struct metrics metrics = {
	    .path = path_counters(web->ports.path),
	    .status = &status,
	    .net = web->ports.net == NULL ? NULL : net_counters(web->ports.net),
	    .serve = serve_counters(web->serve),
	    .web = &web->counters,
	    .now = loop_clock(),
	    .certificate_until = certificate_until(web),
	    .reads = web->reads + web->tiles,
	};
	struct buffer body = BUFFER_EMPTY;

	metrics_put(&metrics, &body);
	if (buffer_ok(&body))
		answer(x, 200, "text/plain; version=0.0.4; charset=utf-8", buffer_span(&body));
	else
		refuse(x, WEB(BUSY), "");
	buffer_free(&body);
}

void answer_checkpoint(struct exchange *x)
{
	struct span checkpoint = path_checkpoint(x->web->ports.path);

	if (checkpoint.n > 0)
		answer(x, 200, TYPE_TEXT, checkpoint);
	else
		refuse(x, WEB(UNAVAILABLE), "");
}

/* ---- what the path reads ---- */

static const struct web_rule *rule_of(enum refusal_kind refused)
{
	static const enum web_rule_name rules[REFUSAL_FAULT + 1] = {
	    [REFUSAL_LATER] = WEB_RULE_BUSY,          [REFUSAL_UNAVAILABLE] = WEB_RULE_UNAVAILABLE,
	    [REFUSAL_FORBIDDEN] = WEB_RULE_FORBIDDEN, [REFUSAL_NOT_FOUND] = WEB_RULE_NOT_FOUND,
	    [REFUSAL_FAULT] = WEB_RULE_FAULT,
	};

	return &web_rules[rules[refused]];
}

static void answer_result(struct exchange *x, const struct read_result *result)
{
	const struct route *route = x->request.route;
	struct buffer body = BUFFER_EMPTY;

	if (result->refused != REFUSAL_NONE)
		refuse(x, rule_of(result->refused), "");
	else if (route->one && result->answers.n == 0)
		refuse(x, WEB(NOT_FOUND), parameter_name(route->variable));
	else if (route->view(result, &body))
		answer(x, 200, TYPE_JSON, buffer_span(&body));
	else
		refuse(x, WEB(BUSY), "");
	buffer_free(&body);
}

static bool has_token(const struct exchange *x)
{
	return x->request.route->access == ROUTE_TOKEN;
}

static void enter_reading(struct exchange *x)
{
	TAILQ_INSERT_TAIL(&x->web->reading, x, link);
	*(has_token(x) ? &x->web->reads : &x->web->tiles) += 1;
}

static void leave_reading(struct exchange *x)
{
	TAILQ_REMOVE(&x->web->reading, x, link);
	*(has_token(x) ? &x->web->reads : &x->web->tiles) -= 1;
}

static void next_tiles(struct web *web);

/* The path has answered. False: nobody waits for it any more. */
static bool come_back(struct exchange *x)
{
	if (x->web != NULL)
		leave_reading(x);
	return x->web != NULL && x->id != 0;
}

static void on_result(void *self, const struct read_result *result)
{
	struct exchange *x = self;

	if (come_back(x))
		answer_result(x, result);
	exchange_free(x);
}

static void on_tile(void *self, enum refusal_kind refused, struct span bytes)
{
	struct exchange *x = self;
	struct web *web = x->web;

	if (come_back(x)) {
		if (refused == REFUSAL_NONE)
			answer(x, 200, TYPE_BYTES, bytes);
		else
			refuse(x, rule_of(refused), "");
	}
	exchange_free(x);
	if (web != NULL)
		next_tiles(web);
}

static size_t reads_of(const struct web *web, const struct party_ref *party)
{
	const struct exchange *x;
	size_t n = 0;

	TAILQ_FOREACH(x, &web->reading, link)
	n += has_token(x) && x->who.party.site == party->site &&
	     strcmp(x->who.party.credit_code, party->credit_code) == 0;
	return n;
}

/* NULL: it may be asked now. */
static const struct web_rule *too_much(const struct web *web, const struct exchange *x)
{
	if (path_checkpoint(web->ports.path).n == 0)
		return WEB(UNAVAILABLE);
	if (serve_is_full(web->serve))
		return WEB(BUSY);
	if (!has_token(x))
		return NULL;
	if (web->reads >= READS_MAX)
		return WEB(BUSY);
	return reads_of(web, &x->who.party) >= READS_PARTY_MAX ? WEB(RATE) : NULL;
}

static bool ask_path(struct exchange *x, enum refusal_kind *ret_refused)
{
	const struct web_request *r = &x->request;
	struct path *path = x->web->ports.path;

	if (r->route->tiles == ROUTE_NO_TILES)
		return path_read(path, &x->who, &r->query, on_result, x, ret_refused);
	return path_read_tile(path, has_token(x) ? &x->who : NULL, &r->captured.tile,
			      r->route->tiles == ROUTE_BUNDLES, on_tile, x, ret_refused);
}

/* True: the path has it now, and will answer. */
static bool begin_read(struct exchange *x)
{
	enum refusal_kind refused = REFUSAL_NONE;
	const struct web_rule *rule = too_much(x->web, x);

	if (rule != NULL) {
		refuse(x, rule, "");
		return false;
	}
	enter_reading(x);
	if (ask_path(x, &refused))
		return true;
	leave_reading(x);
	refuse(x, rule_of(refused), "");
	return false;
}

static void next_tiles(struct web *web)
{
	struct exchange *x;

	while (web->tiles < TILES_MAX && (x = TAILQ_FIRST(&web->waiting)) != NULL) {
		TAILQ_REMOVE(&web->waiting, x, link);
		if (!begin_read(x))
			exchange_free(x);
	}
}

/* No thread is asked, and nobody waits. */
static bool answer_from_memory(struct exchange *x)
{
	struct buffer body = BUFFER_EMPTY;
	bool good = x->request.route->tiles == ROUTE_TILES && !serve_is_full(x->web->serve) &&
		    path_tile_at_hand(x->web->ports.path, &x->request.captured.tile, &body) &&
		    buffer_ok(&body);

	if (good)
		answer(x, 200, TYPE_BYTES, buffer_span(&body));
	buffer_free(&body);
	return good;
}

/* The path has it now, or will in its turn. */
static bool begin_or_wait(struct exchange *x)
{
	if (has_token(x) || x->web->tiles < TILES_MAX)
		return begin_read(x);
	TAILQ_INSERT_TAIL(&x->web->waiting, x, link);
	return true;
}

/* ---- requests ---- */

/* True: it is answered later. */
static bool take(struct exchange *x, struct span head)
{
	const struct route **route = &x->request.route;
	bool good = request_route(head, &x->problems, &x->request);

	if (good && (*route)->access == ROUTE_TOKEN &&
	    !path_token(x->web->ports.path, x->request.token, &x->who)) {
		problem_add(&x->problems, WEB_PROBLEM(TOKEN), "", "", "");
		good = false;
	}
	if (!good || !request_query(&x->request, &x->problems)) {
		answer_refused(x);
		return false;
	}
	if ((*route)->answer == NULL)
		return !answer_from_memory(x) && begin_or_wait(x);
	(*route)->answer(x);
	return false;
}

static void on_request(void *self, uint64_t id, struct span head)
{
	struct web *web = self;
	struct exchange *x = calloc(1, sizeof(*x));

	web->counters.requests++;
	if (x == NULL)
		return;
	x->web = web;
	x->id = id;
	x->arena = arena_new(REQUEST_ARENA);
	x->problems = (struct problems){.arena = x->arena};
	if (x->arena == NULL || !take(x, head))
		exchange_free(x);
}

/* The path reads on, and what it finds goes nowhere; it counts among what is under way until then. */
static void on_gone(void *self, uint64_t id)
{
	struct web *web = self;
	struct exchange *x;

	TAILQ_FOREACH(x, &web->reading, link)
	if (x->id == id)
		x->id = 0;
	TAILQ_FOREACH(x, &web->waiting, link)
	if (x->id == id)
		break;
	if (x != NULL) {
		TAILQ_REMOVE(&web->waiting, x, link);
		exchange_free(x);
	}
}

struct web *web_new(struct event_base *base, const struct web_ports *ports, const char *address,
		    uint16_t port, uint16_t *ret_port, char ret_error[WEB_ERROR_SIZE])
{
	struct web *web = calloc(1, sizeof(*web));
	const struct serve_sink sink = {.self = web, .request = on_request, .gone = on_gone};

	if (web == NULL) {
		(void)snprintf(ret_error, WEB_ERROR_SIZE, "no memory");
		return NULL;
	}
	web->ports = *ports;
	TAILQ_INIT(&web->reading);
	TAILQ_INIT(&web->waiting);
	web->serve = serve_new(base, &serve_settings_default, &sink, address, port, ret_port, ret_error);
	if (web->serve == NULL) {
		free(web);
		return NULL;
	}
	return web;
}

void web_free(struct web *web)
{
	if (web == NULL)
		return;
	struct exchange *x;
	TAILQ_FOREACH(x, &web->reading, link)
	x->web = NULL;
	while ((x = TAILQ_FIRST(&web->waiting)) != NULL) {
		TAILQ_REMOVE(&web->waiting, x, link);
		exchange_free(x);
	}
	serve_free(web->serve);
	free(web);
}
