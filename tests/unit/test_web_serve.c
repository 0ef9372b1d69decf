/*
 * The HTTP port alone, with little patience: deadlines that no dripping moves, limits, sockets, and clients
 * that never end.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "net_support.h"
#include "web/serve.h"
#include "web_support.h"

static struct serve *serve;
static uint16_t port;
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

static void begin(void)
{
	char error[SERVE_ERROR_SIZE] = "";

	web_loop();
	serve = serve_new(loop_base(loop), &hasty, &sink, "127.0.0.1", 0, &port, error);
	cr_assert_not_null(serve, "%s", error);
}

static void stop(void)
{
	serve_free(serve);
}

static void end(void)
{
	web_loop_end(stop);
}

TestSuite(serve, .init = begin, .fini = end, .timeout = 60);

/* A byte now and then does not move the deadline. */
Test(serve, slow_drip)
{
	int fd = open_to(port);
	micros began = loop_monotonic();

	for (;;) {
		forget();
		if (drain(fd) || send(fd, "a", 1, MSG_NOSIGNAL) != 1)
			break;
		web_turns(10);
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
	int fds[6];

	for (int i = 0; i < 6; i++) {
		fds[i] = open_to(port);
		say(fds[i], GET("/"));
	}
	WAIT(heard.n == 4);
	web_turns(50);
	cr_expect_eq(heard.n, 4);
	cr_expect_eq(serve_counters(serve)->open, 4);
	/* Those who wait in the kernel's queue have their turn when others have gone. */
	for (int i = 0; i < 4; i++)
		serve_answer(serve, heard.ids[i], span_str("a"));
	for (int i = 0; i < 4; i++) {
		cr_expect_str_eq(hear(fds[i]), "a");
		hang_up(fds[i]);
	}
	WAIT(heard.n == 6);
	cr_expect_eq(serve_counters(serve)->accepted, 6);
}

/* As many as there may be say nothing; who asks is answered, long before their time is over. */
Test(serve, silence_gives_way)
{
	for (int i = 0; i < 4; i++)
		(void)open_to(port);
	WAIT(serve_counters(serve)->open == 4 || serve_counters(serve)->late > 0);
	micros began = loop_monotonic();
	int fd = open_to(port);
	say(fd, GET("/"));
	WAIT(heard.n == 1);
	cr_expect_lt(loop_monotonic() - began, hasty.request_within);
	serve_answer(serve, heard.ids[0], span_str("a"));
	cr_expect_str_eq(hear(fd), "a");
	cr_expect_geq(serve_counters(serve)->late, 1);
	cr_expect_leq(serve_counters(serve)->open, 4);
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
