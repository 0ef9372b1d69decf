/* Owns the waiting, and what is kept on disk as the view advances. */
#include "libmanifest/client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct mft_client {
	struct mft_client_config config;
	struct mft_tls *tls;
	struct mft_conn *conn;
	struct mft_failure failure;
	char evidence[4096];
	int64_t clock_difference;
	uint64_t next_number;
	bool over;
};

static int64_t now_micros(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * MICROS_PER_SECOND + t.tv_nsec / 1000;
}

/* The newest checkpoint goes to disk before anything proved under it is told. */
static bool keep(struct mft_client *c)
{
	struct span checkpoint = mft_view_checkpoint(c->config.view);

	return c->config.state == NULL || checkpoint.n == 0 ||
	       mft_state_keep(c->config.state, checkpoint, c->config.role, &c->failure);
}

static void keep_evidence(struct mft_client *c, const struct mft_news *news)
{
	struct buffer both = BUFFER_EMPTY;

	c->failure = news->failure;
	if (c->config.state_dir == NULL || news->evidence.n == 0 ||
	    news->failure.fault != MFT_FAULT_DISPROVED)
		return;
	buffer_put_str(&both, "what was verified before:\n");
	buffer_put_span(&both, mft_view_checkpoint(c->config.view));
	buffer_printf(&both, "\nwhat did not hold (%s):\n", news->failure.id);
	buffer_put_span(&both, news->evidence);
	mft_state_evidence(c->config.state_dir, news->failure.id, buffer_span(&both), c->evidence);
	buffer_free(&both);
}

/* Waits for the socket until the deadline. False: failed, or nothing in time. */
static bool wait_for_socket(struct mft_client *c, int64_t deadline, bool must)
{
	struct pollfd p = {.fd = mft_conn_fd(c->conn), .events = mft_conn_wants(c->conn)};
	int64_t left = deadline - now_micros(CLOCK_MONOTONIC);
	int ready = left <= 0 ? 0 : poll(&p, 1, (int)(left / 1000) + 1);

	if (ready > 0 || (ready < 0 && errno == EINTR))
		return true;
	if (must)
		mft_fail(&c->failure, MFT_FAULT_UNAVAILABLE, "timeout", "the server did not answer in time",
			 "服务器未在时限内应答", NULL);
	return false;
}

bool mft_client_next(struct mft_client *c, int timeout_ms, struct mft_news *ret_news)
{
	bool must = timeout_ms < 0;
	int64_t deadline =
	    now_micros(CLOCK_MONOTONIC) + (int64_t)(must ? c->config.timeout_ms : timeout_ms) * 1000;

	if (c->over)
		return false;
	c->failure = (struct mft_failure){.fault = MFT_FAULT_NONE};
	for (;;) {
		bool open = mft_conn_turn(c->conn);
		struct mft_session *s = mft_conn_session(c->conn);
		struct mft_news news = {.kind = MFT_NOTHING};
		if (s != NULL)
			mft_session_next(s, &news);
		if (news.kind == MFT_BROKEN) {
			keep_evidence(c, &news);
			c->over = true;
			return false;
		}
		if (!keep(c)) {
			c->over = true;
			return false;
		}
		if (news.kind != MFT_NOTHING) {
			*ret_news = news;
			return true;
		}
		if (!open) {
			c->failure = *mft_conn_failure(c->conn);
			c->over = true;
			return false;
		}
		if (!wait_for_socket(c, deadline, must)) {
			c->over = must;
			return false;
		}
	}
}

static void hello_refused(const struct refusal *refusal, struct mft_failure *ret_failure)
{
	static const struct problem_view none;
	static const char *const ids[][2] = {{"connection.role", "hello.role"},
					     {"key.not_enrolled", "hello.not_enrolled"}};
	const struct problem_view *p = refusal->problems_n == 0 ? &none : &refusal->problems[0];
	const char *id = "hello.refused";
	bool both = p->found.n > 0 && p->allowed.n > 0;
	char en[512], zh[512];

	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		if (span_eq_str(p->rule, ids[i][0]))
			id = ids[i][1];
	(void)snprintf(en, sizeof(en), both ? "%.*s (%.*s, not %.*s)" : "%.*s", SPAN_ARG(p->en),
		       SPAN_ARG(p->allowed), SPAN_ARG(p->found));
	(void)snprintf(zh, sizeof(zh), both ? "%.*s（应为 %.*s，而非 %.*s）" : "%.*s", SPAN_ARG(p->zh),
		       SPAN_ARG(p->allowed), SPAN_ARG(p->found));
	mft_fail(ret_failure,
		 refusal->kind == REFUSAL_UNAVAILABLE || refusal->kind == REFUSAL_LATER
		     ? MFT_FAULT_UNAVAILABLE
		     : MFT_FAULT_REFUSED,
		 id, en, zh, NULL);
}

static bool greet(struct mft_client *c, struct mft_failure *ret_failure)
{
	struct mft_news news;

	if (!mft_client_next(c, -1, &news)) {
		*ret_failure = c->failure;
		return false;
	}
	if (news.kind != MFT_WELCOME) {
		hello_refused(&news.refusal, ret_failure);
		return false;
	}
	c->next_number = news.welcome.next_number;
	c->clock_difference = news.welcome.server_time - now_micros(CLOCK_REALTIME);
	return c->config.state == NULL ||
	       mft_state_catch_up(c->config.state, news.welcome.next_number, ret_failure);
}

struct mft_client *mft_client_open(const struct mft_client_config *config, struct mft_failure *ret_failure)
{
	struct mft_client *c = calloc(1, sizeof(*c));
	struct mft_failure failure = {
	    .fault = MFT_FAULT_LOCAL, .id = "memory", .en = "out of memory", .zh = "内存不足"};

	if (c == NULL)
		goto fail;
	c->config = *config;
	if (c->config.timeout_ms == 0)
		c->config.timeout_ms = 30000;
	const struct mft_session_config session = {
	    .view = config->view, .secret = *config->secret, .role = config->role, .agent = config->agent};
	c->tls = mft_tls_new(config->trusted, &failure);
	if (c->tls == NULL)
		goto fail;
	c->conn = mft_conn_open(c->tls, config->host, config->port, &session, &failure);
	if (c->conn == NULL || !greet(c, &failure))
		goto fail;
	return c;
fail:
	if (ret_failure != NULL)
		*ret_failure = failure;
	mft_client_close(c);
	return NULL;
}

void mft_client_close(struct mft_client *c)
{
	if (c == NULL)
		return;
	mft_conn_close(c->conn);
	mft_tls_free(c->tls);
	free(c);
}

const struct mft_failure *mft_client_failure(const struct mft_client *c)
{
	return &c->failure;
}

const char *mft_client_evidence(const struct mft_client *c)
{
	return c->evidence;
}

uint64_t mft_client_next_number(const struct mft_client *c)
{
	return c->next_number;
}

int64_t mft_client_clock_difference(const struct mft_client *c)
{
	return c->clock_difference;
}

void mft_client_release_state(struct mft_client *c)
{
	c->config.state = NULL;
}

static uint64_t sent(struct mft_client *c, uint64_t id)
{
	if (id == 0)
		mft_fail(&c->failure, MFT_FAULT_LOCAL, "request",
			 "the request could not be sent: it is too long", "请求过长，无法发送", NULL);
	return id;
}

uint64_t mft_client_send(struct mft_client *c, struct span envelope)
{
	return c->over ? 0 : sent(c, mft_session_submit(mft_conn_session(c->conn), envelope));
}

uint64_t mft_client_ask(struct mft_client *c, const struct query *query)
{
	return c->over ? 0 : sent(c, mft_session_query(mft_conn_session(c->conn), query));
}

bool mft_client_submit(struct mft_client *c, struct span envelope, struct mft_news *ret_news)
{
	uint64_t id = mft_client_send(c, envelope);

	if (id == 0)
		return false;
	do {
		if (!mft_client_next(c, -1, ret_news))
			return false;
	} while (ret_news->id != id);
	return true;
}
