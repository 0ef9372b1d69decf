/*
 * HTTP over real sockets, in one thread with a client that says exactly what happens when, before a path made
 * for the purpose: who may ask what, limits, deadlines, and connections that go away at the worst moment.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/socket.h>

#include "web/head.h"
#include "web/web.h"
#include "web_support.h"

#define ASK(target) "GET " target " HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer good\r\n\r\n"
#define BLOCKS      ASK("/v1/blocks")

/* ---- the path, as the web sees it ---- */

enum { ASKED_MAX = 64 };

static struct {
	struct path_status status;
	struct path_counters counters;
	const char *checkpoint;
	enum refusal_kind refuses; /* path_read() itself */
	struct query query;        /* of the last read */
	struct asked {
		read_answer answer;
		void *self;
	} asked[ASKED_MAX]; /* not answered yet */
	size_t asked_n;
	struct tile_id tile; /* of the last tile that was asked for */
	bool entries;
	const struct reader_identity *who;
	struct asked_tile {
		tile_answer answer;
		void *self;
	} tiles[ASKED_MAX];
	size_t tiles_n;
	const char *tile_at_hand; /* NULL: it must be read */
} path;

const struct path_counters *path_counters(const struct path *p)
{
	(void)p;
	return &path.counters;
}

struct path_status path_status(const struct path *p)
{
	(void)p;
	return path.status;
}

struct span path_checkpoint(const struct path *p)
{
	(void)p;
	return span_str(path.checkpoint);
}

/* Tokens: "good" is a generator's, "other" another party's. */
bool path_token(const struct path *p, struct span token, struct reader_identity *ret_identity)
{
	(void)p;
	if (!span_eq_str(token, "good") && !span_eq_str(token, "other"))
		return false;
	*ret_identity = (struct reader_identity){
	    .role = ROLE_GENERATOR,
	    .party = {"91210106MA0P0000X9", span_eq_str(token, "good") ? 1 : 2},
	};
	return true;
}

bool path_read(struct path *p, const struct reader_identity *who, const struct query *query,
	       read_answer answer, void *self, enum refusal_kind *ret_refused)
{
	(void)p;
	(void)who;
	if (path.refuses != REFUSAL_NONE) {
		*ret_refused = path.refuses;
		return false;
	}
	cr_assert_lt(path.asked_n, ASKED_MAX);
	path.query = *query;
	path.asked[path.asked_n++] = (struct asked){answer, self};
	return true;
}

bool path_read_tile(struct path *p, const struct reader_identity *who, const struct tile_id *id, bool entries,
		    tile_answer answer, void *self, enum refusal_kind *ret_refused)
{
	(void)p;
	if (path.refuses != REFUSAL_NONE) {
		*ret_refused = path.refuses;
		return false;
	}
	cr_assert_lt(path.tiles_n, ASKED_MAX);
	path.tile = *id;
	path.entries = entries;
	path.who = who;
	path.tiles[path.tiles_n++] = (struct asked_tile){answer, self};
	return true;
}

bool path_tile_at_hand(struct path *p, const struct tile_id *id, struct buffer *to)
{
	(void)p;
	path.tile = *id;
	buffer_put_str(to, path.tile_at_hand == NULL ? "" : path.tile_at_hand);
	return path.tile_at_hand != NULL;
}

static void path_answers_tile(enum refusal_kind refused, struct span bytes)
{
	cr_assert_gt(path.tiles_n, 0);
	struct asked_tile first = path.tiles[0];
	memmove(path.tiles, path.tiles + 1, --path.tiles_n * sizeof(path.tiles[0]));
	first.answer(first.self, refused, bytes);
}

/* Answers the oldest read. */
static void path_answers(enum refusal_kind refused, size_t blocks_n)
{
	static const struct block_view blocks[10] = {
	    {UINT64_C(20262101000001), UINT64_C(20262101000100), 2, UINT64_C(20262101000003)}};
	const struct read_result result = {.refused = refused, .answers = {.blocks = blocks, .n = blocks_n}};

	cr_assert_gt(path.asked_n, 0);
	struct asked first = path.asked[0];
	memmove(path.asked, path.asked + 1, --path.asked_n * sizeof(path.asked[0]));
	first.answer(first.self, &result);
}

/* ---- the server and its clients ---- */

static struct web *web;
static uint16_t port;

static void begin(void)
{
	char error[WEB_ERROR_SIZE] = "";
	const struct web_ports ports = {.path = NULL};

	path.status = (struct path_status){.state = PATH_WRITING, .reason = ""};
	path.checkpoint = "city\n1\nroot\n\n— city sig\n";
	web_loop();
	web = web_new(loop_base(loop), &ports, "127.0.0.1", 0, &port, error);
	cr_assert_not_null(web, "%s", error);
	cr_assert_gt(port, 0);
}

static void stop(void)
{
	web_free(web);
	while (path.asked_n > 0)
		path_answers(REFUSAL_UNAVAILABLE, 0);
	while (path.tiles_n > 0)
		path_answers_tile(REFUSAL_UNAVAILABLE, span_of(NULL, 0));
}

static void end(void)
{
	web_loop_end(stop);
}

TestSuite(web, .init = begin, .fini = end, .timeout = 60);

static int status_of(const char *reply)
{
	int status = 0;

	(void)sscanf(reply, "HTTP/1.1 %d ", &status);
	return status;
}

static const char *body_of(const char *reply)
{
	const char *at = strstr(reply, "\r\n\r\n");

	return at == NULL ? "" : at + 4;
}

static const char *ask(const char *request)
{
	int fd = open_to(port);

	say(fd, request);
	return hear(fd);
}

/* ---- open addresses ---- */

Test(web, healthz)
{
	const char *reply = ask(GET("/healthz"));

	cr_expect_eq(status_of(reply), 200);
	cr_expect_str_eq(body_of(reply), "alive\n");
	cr_expect_not_null(strstr(reply, "\r\nConnection: close\r\n"));
}

Test(web, readyz)
{
	const char *reply = ask(GET("/readyz"));

	cr_expect_eq(status_of(reply), 200);
	cr_expect_not_null(strstr(reply, "\"ready\":true"));
	path.status.state = PATH_STOPPED;
	path.status.reason = "the root differs";
	reply = ask(GET("/readyz"));
	cr_expect_eq(status_of(reply), 503);
	cr_expect_not_null(strstr(reply, "the root differs"));
	cr_expect_not_null(strstr(reply, "\r\nRetry-After: 1\r\n"));
}

Test(web, checkpoint)
{
	const char *reply = ask(GET("/checkpoint"));

	cr_expect_eq(status_of(reply), 200);
	cr_expect_str_eq(body_of(reply), path.checkpoint);
	cr_expect_not_null(strstr(reply, "\r\nContent-Type: text/plain; charset=utf-8\r\n"));
	cr_expect_not_null(strstr(reply, "\r\nCache-Control: max-age=2\r\n"));
	path.checkpoint = "";
	reply = ask(GET("/checkpoint"));
	cr_expect_eq(status_of(reply), 503);
	cr_expect_not_null(strstr(reply, "\r\nCache-Control: no-store\r\n"));
}

Test(web, metrics_count_what_was_answered)
{
	cr_expect_eq(status_of(ask(GET("/nothing"))), 404);
	const char *reply = ask(GET("/metrics"));
	cr_expect_eq(status_of(reply), 200);
	cr_expect_not_null(strstr(reply, "\nmanifestd_http_requests_total 2\n"));
	cr_expect_not_null(strstr(reply, "\nmanifestd_http_answers_total{status=\"4xx\"} 1\n"));
}

Test(web, head_has_the_length_and_no_body)
{
	const char *reply = ask("HEAD /healthz HTTP/1.1\r\nHost: a\r\n\r\n");

	cr_expect_eq(status_of(reply), 200);
	cr_expect_not_null(strstr(reply, "\r\nContent-Length: 6\r\n"));
	cr_expect_str_eq(body_of(reply), "");
	reply = ask("HEAD /nothing HTTP/1.1\r\nHost: a\r\n\r\n");
	cr_expect_eq(status_of(reply), 404);
	cr_expect_str_eq(body_of(reply), "");
}

/* ---- refusals ---- */

static const struct {
	const char *request;
	int status;
	const char *has;
} refusals[] = {
    {GET("/v1/blocks"), 401, "\r\nWWW-Authenticate: Bearer realm=\"manifest\"\r\n"},
    {"GET /v1/blocks HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer bad\r\n\r\n", 401, "access.token"},
    {"GET /v1/blocks?x=1 HTTP/1.1\r\nHost: a\r\n\r\n", 401, "access.token"},
    {ASK("/v1/blocks?x=1&y=2"), 400, "\"path\":\"y\",\"rule\":\"parameter.unknown\""},
    {ASK("/v1/manifests/1"), 400, "\"path\":\"number\""},
    {ASK("/v1/"), 404, "http.route"},
    {"PUT /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 405, "\r\nAllow: GET, HEAD\r\n"},
    {"FROB /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 405, "\"found\":\"FROB\""},
    {"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", 413, "http.body"},
    {"GET /healthz HTTP/3.0\r\nHost: a\r\n\r\n", 505, "http.version"},
    {"\x16\x03\x01 hello\r\n\r\n", 400, "http.syntax"},
};

Test(web, refusals)
{
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		const char *reply = ask(refusals[i].request);
		cr_expect_eq(status_of(reply), refusals[i].status, "%s", refusals[i].request);
		cr_expect_not_null(strstr(reply, refusals[i].has), "%s: %s", refusals[i].request, reply);
	}
	cr_expect_eq(path.asked_n, 0);
}

Test(web, endless_heads)
{
	static char head[3 * HEAD_MAX];

	memset(head, 'a', sizeof(head) - 1);
	cr_expect_eq(status_of(ask(head)), 414);
	memcpy(head, "GET / HTTP/1.1\r\nX: ", 19);
	cr_expect_eq(status_of(ask(head)), 431);
}

/* ---- queries ---- */

Test(web, a_query)
{
	int fd = open_to(port);

	say(fd, BLOCKS);
	WAIT(path.asked_n == 1);
	cr_expect_eq(path.query.kind, QUERY_BLOCKS);
	path_answers(REFUSAL_NONE, 1);
	const char *reply = hear(fd);
	cr_expect_eq(status_of(reply), 200);
	cr_expect_not_null(strstr(reply, "\r\nContent-Type: application/json; charset=utf-8\r\n"));
	cr_expect_str_eq(body_of(reply),
			 "{\"blocks\":[{\"first\":\"20262101000001\",\"last\":\"20262101000100\",\"used\":2,"
			 "\"next\":\"20262101000003\"}]}\n");
}

static const struct {
	enum refusal_kind kind;
	int status;
} failures[] = {
    {REFUSAL_UNAVAILABLE, 503}, {REFUSAL_FAULT, 500}, {REFUSAL_NOT_FOUND, 404}, {REFUSAL_LATER, 503}};

Test(web, reads_that_fail)
{
	for (size_t i = 0; i < ARRAY_LEN(failures); i++) {
		int fd = open_to(port);
		say(fd, BLOCKS);
		WAIT(path.asked_n == 1);
		path_answers(failures[i].kind, 0);
		cr_expect_eq(status_of(hear(fd)), failures[i].status);
	}
	path.refuses = REFUSAL_FORBIDDEN;
	cr_expect_eq(status_of(ask(BLOCKS)), 403);
	path.refuses = REFUSAL_LATER;
	cr_expect_eq(status_of(ask(BLOCKS)), 503);
	path.refuses = REFUSAL_NONE;
	path.checkpoint = "";
	cr_expect_eq(status_of(ask(BLOCKS)), 503);
}

Test(web, one_that_is_not_there)
{
	int fd = open_to(port);

	say(fd, ASK("/v1/manifests/20262101000001"));
	WAIT(path.asked_n == 1);
	path_answers(REFUSAL_NONE, 0);
	cr_expect_eq(status_of(hear(fd)), 404);
}

/* A party has four at a time, all together thirty-two. */
Test(web, too_many_at_once)
{
	int waiting[4];

	for (size_t i = 0; i < 4; i++) {
		waiting[i] = open_to(port);
		say(waiting[i], BLOCKS);
	}
	WAIT(path.asked_n == 4);
	const char *reply = ask(BLOCKS);
	cr_expect_eq(status_of(reply), 429);
	cr_expect_not_null(strstr(reply, "\r\nRetry-After: 1\r\n"));
	int other = open_to(port);
	say(other, "GET /v1/blocks HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer other\r\n\r\n");
	WAIT(path.asked_n == 5);
	while (path.asked_n > 0)
		path_answers(REFUSAL_NONE, 0);
	for (size_t i = 0; i < 4; i++)
		cr_expect_eq(status_of(hear(waiting[i])), 200);
	cr_expect_eq(status_of(hear(other)), 200);
}

/* ---- tiles ---- */

#define TILE GET("/tile/1/x001/002.p/3")

Test(web, a_tile)
{
	int fd = open_to(port);

	say(fd, TILE);
	WAIT(path.tiles_n == 1);
	cr_expect(path.tile.level == 1 && path.tile.n == 1002 && path.tile.width == 3 && !path.entries);
	cr_expect_null(path.who);
	path_answers_tile(REFUSAL_NONE, span_str("ninety-six bytes"));
	const char *reply = hear(fd);
	cr_expect_eq(status_of(reply), 200);
	cr_expect_str_eq(body_of(reply), "ninety-six bytes");
	cr_expect_not_null(strstr(reply, "\r\nContent-Type: application/octet-stream\r\n"));
	cr_expect_not_null(strstr(reply, "\r\nCache-Control: public, max-age=31536000, immutable\r\n"));
}

Test(web, a_tile_that_is_in_memory)
{
	path.tile_at_hand = "ninety-six bytes";
	const char *reply = ask(TILE);
	cr_expect_eq(status_of(reply), 200);
	cr_expect_str_eq(body_of(reply), "ninety-six bytes");
	cr_expect_not_null(strstr(reply, "\r\nCache-Control: public, max-age=31536000, immutable\r\n"));
	cr_expect_eq(path.tiles_n, 0);
	cr_expect_eq(status_of(ask(GET("/tile/entries/000"))), 401);
}

/* A shared cache must not give to one what another was allowed to see. */
Test(web, a_bundle_needs_a_token)
{
	cr_expect_eq(status_of(ask(GET("/tile/entries/000"))), 401);
	int fd = open_to(port);
	say(fd, ASK("/tile/entries/000"));
	WAIT(path.tiles_n == 1);
	cr_expect(path.entries && path.tile.width == 256 && path.who != NULL);
	path_answers_tile(REFUSAL_NONE, span_str("entries"));
	const char *reply = hear(fd);
	cr_expect_eq(status_of(reply), 200);
	cr_expect_not_null(strstr(reply, "\r\nCache-Control: private, max-age=31536000, immutable\r\n"));
}

Test(web, tiles_that_are_not_there)
{
	int fd = open_to(port);

	say(fd, TILE);
	WAIT(path.tiles_n == 1);
	path_answers_tile(REFUSAL_UNAVAILABLE, span_of(NULL, 0));
	cr_expect_eq(status_of(hear(fd)), 503);
	path.refuses = REFUSAL_NOT_FOUND;
	const char *reply = ask(TILE);
	cr_expect_eq(status_of(reply), 404);
	cr_expect_not_null(strstr(reply, "\r\nCache-Control: no-store\r\n"));
	path.refuses = REFUSAL_FORBIDDEN;
	cr_expect_eq(status_of(ask(ASK("/tile/entries/000"))), 403);
}

/* Eight are read at once, the rest wait, and none is refused; queries do not wait for them. */
Test(web, many_tiles_at_once)
{
	int fds[20];

	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = open_to(port);
		say(fds[i], TILE);
	}
	WAIT(path.tiles_n == 8);
	web_turns(50);
	cr_expect_eq(path.tiles_n, 8);
	int query = open_to(port);
	say(query, BLOCKS);
	WAIT(path.asked_n == 1);
	path_answers(REFUSAL_NONE, 1);
	cr_expect_eq(status_of(hear(query)), 200);
	const struct linger abort = {.l_onoff = 1};
	cr_assert_eq(setsockopt(fds[19], SOL_SOCKET, SO_LINGER, &abort, sizeof(abort)), 0);
	hang_up(fds[19]); /* a reset, while it waits */
	web_turns(50);
	for (size_t i = 0; i < 19; i++) {
		cr_expect_leq(path.tiles_n, 8);
		path_answers_tile(REFUSAL_NONE, span_str("tile"));
		cr_expect_eq(status_of(hear(fds[i])), 200, "%zu", i);
	}
	cr_expect_eq(path.tiles_n, 0);
}

Test(web, the_web_goes_while_tiles_wait)
{
	for (size_t i = 0; i < 12; i++)
		say(open_to(port), TILE);
	WAIT(path.tiles_n == 8);
}

/* ---- clients that go away, or never end ---- */

Test(web, bytes_one_by_one)
{
	const char *request = BLOCKS;
	int fd = open_to(port);

	for (size_t i = 0; i < strlen(request); i++) {
		cr_assert_eq(send(fd, request + i, 1, MSG_NOSIGNAL), 1);
		web_turn();
	}
	WAIT(path.asked_n == 1);
	path_answers(REFUSAL_NONE, 0);
	cr_expect_eq(status_of(hear(fd)), 200);
}

Test(web, a_client_that_left_gets_nothing)
{
	int fd = open_to(port);

	say(fd, BLOCKS);
	WAIT(path.asked_n == 1);
	const struct linger abort = {.l_onoff = 1};
	cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort)), 0);
	hang_up(fd); /* a reset */
	web_turns(50);
	cr_expect_eq(path.asked_n, 1);
	path_answers(REFUSAL_NONE, 1);
	web_turns(50);
	cr_expect_eq(status_of(ask(GET("/healthz"))), 200);
}

Test(web, a_client_that_said_all_is_answered)
{
	int fd = open_to(port);

	say(fd, BLOCKS);
	shutdown(fd, SHUT_WR);
	WAIT(path.asked_n == 1);
	web_turns(20);
	path_answers(REFUSAL_NONE, 0);
	cr_expect_eq(status_of(hear(fd)), 200);
}

Test(web, a_second_request_is_not_read)
{
	const char *reply = ask(GET("/healthz") GET("/checkpoint"));

	cr_expect_eq(status_of(reply), 200);
	cr_expect_null(strstr(reply, path.checkpoint));
}

/* The path answers after the web has gone: stop() does that. */
Test(web, the_web_goes_first)
{
	say(open_to(port), BLOCKS);
	WAIT(path.asked_n == 1);
}
