/*
 * Owns those who only read. Each is a thread that sleeps most of the time: what they take from the cores is
 * counted as the load generator's, and what they ask for as the server's.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/proof.h"
#include "core/tile.h"
#include "rounds.h"
#include "wire/messages.h"

enum { PATIENCE_SECONDS = 30, ANSWER_MAX = 64 * 1024, CHECKPOINT_EVERY = 8, VERIFY_EVERY = 16 };

struct reader {
	pthread_t thread;
	struct readers *all;
	size_t i;
	uint64_t random;
	size_t asked;
	struct reads got;
	uint8_t *answer; /* ANSWER_MAX bytes */
};

struct readers {
	const struct bench *bench;
	uint64_t size;
	SSL_CTX *context;
	pthread_barrier_t ready;
	pthread_mutex_t lock; /* of `stop` */
	pthread_cond_t stopped;
	bool stop;
	double pause; /* of each between two questions, seconds */
	size_t n;
	struct reader reader[READERS_MAX];
};

/* xorshift64 */
static uint64_t any_below(struct reader *r, uint64_t n)
{
	r->random ^= r->random << 13;
	r->random ^= r->random >> 7;
	r->random ^= r->random << 17;
	return r->random % n;
}

/* ---- over HTTP ---- */

/* One connection carries one request, as the server has it. Returns the body. */
static struct span get(struct reader *r, struct span path)
{
	const struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(r->all->bench->o.http)};
	char request[256];
	size_t n = 0;
	ssize_t got = 0;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	int asked = snprintf(request, sizeof(request), "GET %.*s HTTP/1.1\r\nHost: localhost\r\n\r\n",
			     SPAN_ARG(path));
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0 ||
	    write(fd, request, (size_t)asked) != asked)
		fail("HTTP: %s", strerror(errno));
	while (n < ANSWER_MAX && (got = read(fd, r->answer + n, ANSWER_MAX - n)) > 0)
		n += (size_t)got;
	(void)close(fd);
	const uint8_t *end = memmem(r->answer, n, "\r\n\r\n", 4);
	if (got != 0 || end == NULL || memcmp(r->answer, "HTTP/1.1 200 ", 13) != 0)
		fail("HTTP: %.*s: %.*s", SPAN_ARG(path), (int)(n < 80 ? n : 80), (const char *)r->answer);
	return span_of(end + 4, (size_t)(r->answer + n - end - 4));
}

static void read_over_http(struct reader *r)
{
	struct buffer path = BUFFER_EMPTY;
	uint64_t full = r->all->size / TILE_WIDTH;
	const struct tile_id tile = {.n = full > 0 ? any_below(r, full) : 0,
				     .width = full > 0 ? TILE_WIDTH : (unsigned)r->all->size};
	struct checkpoint c;

	if ((r->asked + r->i / 2) % CHECKPOINT_EVERY == 0) {
		if (checkpoint_open(get(r, span_str("/checkpoint")),
				    mft_view_origin(r->all->bench->cast->view),
				    mft_view_key(r->all->bench->cast->view), &c) != LOG_HOLDS)
			fail("a checkpoint does not hold");
		r->got.checkpoints++;
		return;
	}
	tile_put_path(&path, &tile, false);
	if (get(r, buffer_span(&path)).n != tile.width * sizeof(struct digest))
		fail("a tile of the wrong size");
	buffer_free(&path);
	r->got.tiles++;
}

/* ---- as a device ---- */

static void wait_for(const struct link *l, short what)
{
	struct pollfd p = {.fd = l->fd, .events = what};

	if (poll(&p, 1, PATIENCE_SECONDS * 1000) != 1)
		fail("no answer to a query");
}

static void ask(struct link *l, uint64_t id, const struct query *query)
{
	const struct frame f = {.id = id, .last = true, .kind = FRAME_QUERY, .query = *query};
	struct buffer out = BUFFER_EMPTY;

	if (!frame_encode(&f, &out))
		fail("a query cannot be encoded");
	for (size_t sent = 0; sent < out.n;) {
		size_t n = link_write(l, span_of(out.p + sent, out.n - sent));
		if (n == 0)
			wait_for(l, POLLOUT);
		sent += n;
	}
	buffer_free(&out);
}

static void take_answer(struct reader *r, const struct answer *a)
{
	const struct cast *cast = r->all->bench->cast;
	struct receipt_facts facts;

	if (a->kind != ANSWER_ENTRY && a->kind != ANSWER_CHECKPOINT)
		return;
	if (a->kind == ANSWER_ENTRY && r->asked % VERIFY_EVERY < 2 &&
	    receipt_verify(a->entry.proof, a->entry.entry, mft_view_origin(cast->view),
			   mft_view_key(cast->view), &facts) != LOG_HOLDS)
		fail("the proof of an entry does not hold");
	r->got.proofs++;
}

/* Until the answer's last frame. */
static void take_answers(struct reader *r, struct link *l, struct arena *arena)
{
	struct problems problems = {.arena = arena};
	struct frame f = {.last = false};
	struct span bytes;
	size_t need = 0;

	while (!f.last) {
		while (frame_next(buffer_span(&l->in), &bytes, &need) == FRAME_MORE)
			if (link_read(l) == 0)
				wait_for(l, POLLIN);
		arena_reset(arena);
		if (!frame_decode(bytes, arena, &problems, &f) || f.kind != FRAME_ANSWER)
			fail("a query was refused");
		take_answer(r, &f.answer);
		buffer_consume(&l->in, FRAME_HEAD + bytes.n);
	}
}

static void read_as_device(struct reader *r, struct link *l, struct arena *arena)
{
	const struct cast *cast = r->all->bench->cast;
	const uint64_t number = cast->devices[r->i % cast->devices_n].first_manifest;
	const struct query queries[] = {
	    {.kind = QUERY_TRAIL, .numbers = &number, .numbers_n = 1},
	    {.kind = QUERY_CHECKPOINT, .size = cast->seen.size},
	};

	ask(l, r->asked + 1, &queries[r->asked % 2]);
	take_answers(r, l, arena);
}

/* ---- one of them, and all ---- */

/* True: it is the end. On full cores each waking costs the server something: there is one for each question.
 */
static bool sleep_until(double when, struct readers *all)
{
	const struct timespec at = {.tv_sec = (time_t)when,
				    .tv_nsec = (long)((when - (double)(time_t)when) * 1e9)};

	(void)pthread_mutex_lock(&all->lock);
	while (!all->stop && seconds_now() < when)
		(void)pthread_cond_timedwait(&all->stopped, &all->lock, &at);
	bool stop = all->stop;
	(void)pthread_mutex_unlock(&all->lock);
	return stop;
}

static void *run(void *arg)
{
	struct reader *r = arg;
	struct readers *all = r->all;
	const struct cast *cast = all->bench->cast;
	struct arena *arena = arena_new(REQUEST_MEMORY);
	struct link link = {0};
	bool device = r->i % 2 == 1;

	if (arena == NULL)
		fail("no memory");
	while (device &&
	       !link_open(&link, all->context, all->bench->o.port, &cast->devices[r->i % cast->devices_n]))
		(void)nanosleep(&(struct timespec){.tv_nsec = 50 * 1000 * 1000}, NULL);
	(void)pthread_barrier_wait(&all->ready);
	/* They do not all ask at the same moment. */
	double next = seconds_now() + all->pause * (double)r->i / (double)all->n;
	while (!sleep_until(next, all)) {
		next += all->pause;
		if (device)
			read_as_device(r, &link, arena);
		else
			read_over_http(r);
		r->asked++;
	}
	link_close(&link);
	arena_free(arena);
	return NULL;
}

struct readers *readers_start(const struct bench *b, uint64_t size)
{
	struct readers *all = calloc(1, sizeof(*all));
	pthread_condattr_t monotonic; /* as seconds_now() */

	if (all == NULL || pthread_barrier_init(&all->ready, NULL, (unsigned)b->o.readers + 1) != 0 ||
	    pthread_condattr_init(&monotonic) != 0 ||
	    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) != 0 ||
	    pthread_cond_init(&all->stopped, &monotonic) != 0 || pthread_mutex_init(&all->lock, NULL) != 0)
		fail("no memory");
	all->bench = b;
	all->size = size;
	all->context = link_context(b->o.trusted);
	all->n = b->o.readers;
	all->pause = (double)all->n / b->o.reads;
	for (size_t i = 0; i < all->n; i++) {
		struct reader *r = &all->reader[i];
		*r = (struct reader){.all = all, .i = i, .random = i + 1, .answer = malloc(ANSWER_MAX)};
		if (r->answer == NULL || pthread_create(&r->thread, NULL, run, r) != 0)
			fail("no thread");
	}
	(void)pthread_barrier_wait(&all->ready);
	return all;
}

void readers_stop(struct readers *all, struct reads *ret_reads)
{
	struct reads sum = {0};

	(void)pthread_mutex_lock(&all->lock);
	all->stop = true;
	(void)pthread_mutex_unlock(&all->lock);
	(void)pthread_cond_broadcast(&all->stopped);
	for (size_t i = 0; i < all->n; i++) {
		const struct reader *r = &all->reader[i];
		(void)pthread_join(r->thread, NULL);
		sum.tiles += r->got.tiles;
		sum.checkpoints += r->got.checkpoints;
		sum.proofs += r->got.proofs;
		free(r->answer);
	}
	SSL_CTX_free(all->context);
	(void)pthread_barrier_destroy(&all->ready);
	(void)pthread_cond_destroy(&all->stopped);
	(void)pthread_mutex_destroy(&all->lock);
	free(all);
	*ret_reads = sum;
}
