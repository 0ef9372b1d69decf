/*
 * HTTP over real sockets, in one thread with a client that says exactly what happens when, before a path made
 * for the purpose: who may ask what, limits, deadlines, and connections that go away at the worst moment.
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/loop.h"
#include "net_support.h"
#include "web/head.h"
#include "web/serve.h"
#include "web/web.h"

#define GET(target) "GET " target " HTTP/1.1\r\nHost: a\r\n\r\n"
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

static struct loop *loop;
static struct web *web;
static uint16_t port;
static int fds[512];
static size_t fds_n;

static void begin(void)
{
	char error[WEB_ERROR_SIZE] = "";
	const struct web_ports ports = {.path = NULL};

	path.status = (struct path_status){.state = PATH_WRITING, .reason = ""};
	path.checkpoint = "city\n1\nroot\n\n— city sig\n";
	loop = loop_new();
	cr_assert_not_null(loop);
	web = web_new(loop_base(loop), &ports, "127.0.0.1", 0, &port, error);
	cr_assert_not_null(web, "%s", error);
	cr_assert_gt(port, 0);
}

static void end(void)
{
	for (size_t i = 0; i < fds_n; i++)
		close(fds[i]);
	fds_n = 0;
	web_free(web);
	while (path.asked_n > 0)
		path_answers(REFUSAL_UNAVAILABLE, 0);
	loop_free(loop);
}

TestSuite(web, .init = begin, .fini = end, .timeout = 60);

static void turn(void)
{
	cr_assert(loop_turn(loop, false));
	usleep(500);
}

static void turns(int n)
{
	while (n-- > 0)
		turn();
}

#define WAIT(condition)                                                                                      \
	do {                                                                                                 \
		for (int turns_ = 0; turns_ < 20000 && !(condition); turns_++)                               \
			turn();                                                                              \
		cr_assert(condition);                                                                        \
	} while (0)

static int open_to(uint16_t at)
{
	const struct sockaddr_in to = {
	    .sin_family = AF_INET, .sin_port = htons(at), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	cr_assert_geq(fd, 0);
	cr_assert_eq(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
	cr_assert_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	fds[fds_n++] = fd;
	return fd;
}

static void say(int fd, const char *text)
{
	cr_assert_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static char got[1 << 16];
static size_t got_n;

/* True: the server has closed. */
static bool drain(int fd)
{
	ssize_t n;

	while ((n = recv(fd, got + got_n, sizeof(got) - 1 - got_n, 0)) > 0)
		got_n += (size_t)n;
	got[got_n] = '\0';
	return n == 0 || (n < 0 && errno != EAGAIN);
}

static const char *hear(int fd)
{
	got_n = 0;
	WAIT(drain(fd));
	return got;
}

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

/* ---- clients that go away, or never end ---- */

Test(web, bytes_one_by_one)
{
	const char *request = BLOCKS;
	int fd = open_to(port);

	for (size_t i = 0; i < strlen(request); i++) {
		cr_assert_eq(send(fd, request + i, 1, MSG_NOSIGNAL), 1);
		turn();
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
	close(fds[--fds_n]); /* a reset */
	turns(50);
	cr_expect_eq(path.asked_n, 1);
	path_answers(REFUSAL_NONE, 1);
	turns(50);
	cr_expect_eq(status_of(ask(GET("/healthz"))), 200);
}

Test(web, a_client_that_said_all_is_answered)
{
	int fd = open_to(port);

	say(fd, BLOCKS);
	shutdown(fd, SHUT_WR);
	WAIT(path.asked_n == 1);
	turns(20);
	path_answers(REFUSAL_NONE, 0);
	cr_expect_eq(status_of(hear(fd)), 200);
}

Test(web, a_second_request_is_not_read)
{
	const char *reply = ask(GET("/healthz") GET("/checkpoint"));

	cr_expect_eq(status_of(reply), 200);
	cr_expect_null(strstr(reply, path.checkpoint));
}

/* The path answers after the web has gone: end() does that. */
Test(web, the_web_goes_first)
{
	say(open_to(port), BLOCKS);
	WAIT(path.asked_n == 1);
}

/* ---- the port alone, with little patience ---- */

static struct serve *serve;
static struct {
	uint64_t ids[600];
	size_t n;
	size_t gone;
} heard;

static void on_request(void *self, uint64_t id, struct span head)
{
	(void)self;
	(void)head;
	heard.ids[heard.n++] = id;
}

static void on_gone(void *self, uint64_t id)
{
	(void)self;
	(void)id;
	heard.gone++;
}

static const struct serve_settings hasty = {.connections_max = 4,
					    .output_total_max = 1024,
					    .request_within = 300000,
					    .answer_within = 300000,
					    .close_within = 300000};
static const struct serve_sink sink = {.request = on_request, .gone = on_gone};

static void serve_begin(void)
{
	char error[SERVE_ERROR_SIZE] = "";

	loop = loop_new();
	cr_assert_not_null(loop);
	serve = serve_new(loop_base(loop), &hasty, &sink, "127.0.0.1", 0, &port, error);
	cr_assert_not_null(serve, "%s", error);
}

static void serve_end(void)
{
	for (size_t i = 0; i < fds_n; i++)
		close(fds[i]);
	fds_n = 0;
	serve_free(serve);
	loop_free(loop);
}

TestSuite(serve, .init = serve_begin, .fini = serve_end, .timeout = 60);

/* A byte now and then does not move the deadline. */
Test(serve, slow_drip)
{
	int fd = open_to(port);
	micros began = loop_monotonic();

	for (;;) {
		got_n = 0;
		if (drain(fd) || send(fd, "a", 1, MSG_NOSIGNAL) != 1)
			break;
		turns(10);
		cr_assert_lt(loop_monotonic() - began, INT64_C(5000000));
	}
	cr_expect_geq(loop_monotonic() - began, hasty.request_within);
	cr_expect_eq(serve_counters(serve)->late, 1);
	cr_expect_eq(serve_counters(serve)->open, 0);
	cr_expect_eq(heard.n, 0);
}

Test(serve, an_answer_that_takes_too_long)
{
	int fd = open_to(port);

	say(fd, GET("/"));
	WAIT(heard.n == 1);
	cr_expect_str_eq(hear(fd), "");
	cr_expect_eq(heard.gone, 1);
	/* Its id is known no more, and that is no harm. */
	serve_answer(serve, heard.ids[0], span_str("late"));
}

/* More is queued than the kernel takes, and the client reads none of it. */
Test(serve, a_client_that_does_not_read)
{
	static const uint8_t much[16 * 1024 * 1024];
	int fd = open_to(port);

	say(fd, GET("/"));
	WAIT(heard.n == 1);
	serve_answer(serve, heard.ids[0], span_of(much, sizeof(much)));
	cr_expect(serve_is_full(serve));
	WAIT(serve_counters(serve)->open == 0);
	cr_expect_not(serve_is_full(serve));
	cr_expect_eq(serve_counters(serve)->late, 1);
	cr_expect_eq(heard.gone, 0);
}

/* A client that never closes its side is closed on. */
Test(serve, a_client_that_does_not_close)
{
	int fd = open_to(port);

	say(fd, GET("/"));
	WAIT(heard.n == 1);
	serve_answer(serve, heard.ids[0], span_str("answer"));
	cr_expect_str_eq(hear(fd), "answer");
	cr_expect_eq(serve_counters(serve)->open, 1);
	WAIT(serve_counters(serve)->open == 0);
	cr_expect_eq(serve_counters(serve)->late, 0);
}

Test(serve, no_more_than_the_limit)
{
	for (int i = 0; i < 6; i++)
		say(open_to(port), GET("/"));
	WAIT(heard.n == 4);
	turns(50);
	cr_expect_eq(heard.n, 4);
	cr_expect_eq(serve_counters(serve)->open, 4);
	/* Those who wait in the kernel's queue have their turn when others have gone. */
	for (int i = 0; i < 4; i++)
		serve_answer(serve, heard.ids[i], span_str("a"));
	for (int i = 0; i < 4; i++)
		(void)hear(fds[i]), close(fds[i]), fds[i] = open("/dev/null", O_RDONLY);
	WAIT(heard.n == 6);
	cr_expect_eq(serve_counters(serve)->accepted, 6);
}

Test(serve, unix_socket)
{
	char path_text[SERVE_ERROR_SIZE];
	char error[SERVE_ERROR_SIZE] = "";
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	struct stat st;
	uint16_t none = 1;

	(void)snprintf(path_text, sizeof(path_text), "%s/http", make_directory());
	for (int i = 0; i < 2; i++) {
		struct serve *s = serve_new(loop_base(loop), &hasty, &sink, path_text, 0, &none, error);
		cr_assert_not_null(s, "%s", error);
		cr_expect_eq(none, 0);
		cr_assert_eq(stat(path_text, &st), 0);
		cr_expect_eq(st.st_mode & 0777, 0660);
		/* It is taken: by this one. */
		cr_expect_null(serve_new(loop_base(loop), &hasty, &sink, path_text, 0, &none, error));
		cr_expect_not_null(strstr(error, "in use"));
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);
		memcpy(to.sun_path, path_text, strlen(path_text));
		cr_assert_eq(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
		say(fd, GET("/"));
		WAIT(heard.n == (size_t)i + 1);
		close(fd);
		serve_free(s);
		cr_expect_neq(stat(path_text, &st), 0);
	}
	/* A socket that a dead server left behind. */
	int dead = socket(AF_UNIX, SOCK_STREAM, 0);
	cr_assert_eq(bind(dead, (const struct sockaddr *)&to, sizeof(to)), 0);
	close(dead);
	struct serve *s = serve_new(loop_base(loop), &hasty, &sink, path_text, 0, &none, error);
	cr_assert_not_null(s, "%s", error);
	serve_free(s);
	/* What is no socket is left alone. */
	close(open(path_text, O_CREAT | O_WRONLY, 0600));
	cr_expect_null(serve_new(loop_base(loop), &hasty, &sink, path_text, 0, &none, error));
	cr_expect_eq(stat(path_text, &st), 0);
}

Test(serve, addresses)
{
	static const char *const bad[] = {"localhost", "", "127.0.0.256", "192.0.2.1",
					  "/no/such/directory/s"};
	char error[SERVE_ERROR_SIZE];
	uint16_t none;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		error[0] = '\0';
		cr_expect_null(serve_new(loop_base(loop), &hasty, &sink, bad[i], 0, &none, error), "%s",
			       bad[i]);
		cr_expect_neq(error[0], '\0');
	}
	struct serve *s = serve_new(loop_base(loop), &hasty, &sink, "::1", 0, &none, error);
	if (s != NULL)
		cr_expect_gt(none, 0);
	serve_free(s);
}
