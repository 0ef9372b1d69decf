/*
 * Owns the devices at work. One thread; what it does for an event is little, since it takes from the same
 * cores as what it measures: a write from the tape, and a look at the receipt that compares the envelope in
 * it. A sample of the receipts is kept and checked in full when the clock has stopped.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "core/proof.h"
#include "wire/messages.h"
#include "wire/varint.h"

enum { SAMPLE_EVERY = 64, TURN_EVENTS = 64, CHUNK = 16384, STALLED_SECONDS = 30 };
#define PACE_SECONDS 1e-3
enum { SIZES_MAX = 1 << 26 }; /* of logs, in bits */

struct worker {
	struct link link;
	struct tape *tape;
	double *sent_at; /* of each event; its latency once the receipt is here */
	size_t due;      /* events that may be sent, by the pace */
	size_t stamped;  /* of which the time is noted */
	size_t written;  /* bytes */
	size_t got;      /* receipts */
	bool behind;     /* the socket took less than it was given */
};

struct load {
	struct cast *cast;
	const struct options *options;
	SSL_CTX *context;
	struct worker *workers;
	size_t n;
	int epoll;
	uint8_t *sizes; /* a bit for each size of the log that a receipt spoke of */
	struct buffer sample;
	double rate;
	size_t scheduled;      /* events, on all */
	double begin, look_at; /* look_at: when what is due is sent next */
	struct counts counts;
};

struct load *load_new(struct cast *cast, const struct options *o)
{
	struct load *l = calloc(1, sizeof(*l));

	if (l == NULL)
		fail("no memory");
	*l = (struct load){.cast = cast, .options = o, .n = cast->devices_n};
	l->context = link_context(o->trusted);
	l->workers = calloc(l->n, sizeof(*l->workers));
	l->sizes = calloc(SIZES_MAX / 8, 1);
	if (l->workers == NULL || l->sizes == NULL)
		fail("no memory");
	return l;
}

static void open_patiently(struct link *link, SSL_CTX *context, const struct options *o,
			   const struct device *d)
{
	for (int i = 0; !link_open(link, context, o->port, d); i++) {
		if (i == 400)
			fail("the server is not ready");
		(void)nanosleep(&(struct timespec){.tv_nsec = 50 * 1000 * 1000}, NULL);
	}
}

void load_connect(struct load *l)
{
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	for (size_t i = 0; i < l->n; i++) {
		struct worker *w = &l->workers[i];
		struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = w};

		open_patiently(&w->link, l->context, l->options, &l->cast->devices[i]);
		if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, w->link.fd, &e) != 0)
			fail("epoll");
	}
}

void load_disconnect(struct load *l)
{
	for (size_t i = 0; i < l->n; i++)
		link_close(&l->workers[i].link);
	(void)close(l->epoll);
}

/* ---- receipts ---- */

/* A field of protobuf's wire format: a varint, or bytes. False: neither, or the end. */
static bool take_field(struct span *from, uint64_t *ret_tag, uint64_t *ret_value, struct span *ret_bytes)
{
	uint64_t tag = 0, v = 0;

	if (!varint_take(from, &tag) || !varint_take(from, &v) || ((tag & 7) != 0 && (tag & 7) != 2))
		return false;
	*ret_tag = tag;
	*ret_value = v;
	if ((tag & 7) == 0)
		return true;
	if (v > from->n)
		return false;
	*ret_bytes = span_of(from->p, (size_t)v);
	*from = span_of(from->p + v, from->n - (size_t)v);
	return true;
}

static void fail_refused(struct span bytes)
{
	struct arena *arena = arena_new(REQUEST_MEMORY);
	struct problems problems = {.arena = arena};
	struct frame f;

	if (arena == NULL || !frame_decode(bytes, arena, &problems, &f) || f.kind != FRAME_REFUSAL ||
	    f.refusal.problems_n == 0)
		fail("an answer that is no receipt");
	const struct problem_view *p = &f.refusal.problems[0];
	fail("event %llu of a device was refused: %.*s (%.*s): %.*s, found %.*s, allowed %.*s",
	     (unsigned long long)f.id, SPAN_ARG(p->path), SPAN_ARG(p->rule), SPAN_ARG(p->en),
	     SPAN_ARG(p->found), SPAN_ARG(p->allowed));
}

struct parts {
	uint64_t id, last;
	struct span entry, proof;
	bool odd; /* repeated, or with remarks: nothing here gives cause for either */
};

static bool take_parts(struct span frame, struct parts *ret_parts)
{
	struct parts parts = {0};
	struct span receipt = {0}, bytes = {0};
	uint64_t tag = 0, v = 0;

	while (frame.n > 0) {
		if (!take_field(&frame, &tag, &v, &bytes))
			return false;
		switch (tag) {
		case 1 << 3: parts.id = v; break;
		case 2 << 3: parts.last = v; break;
		case 11 << 3 | 2: receipt = bytes; break;
		default: return false;
		}
	}
	while (receipt.n > 0) {
		if (!take_field(&receipt, &tag, &v, &bytes))
			return false;
		switch (tag) {
		case 1 << 3 | 2: parts.entry = bytes; break;
		case 2 << 3: break;
		case 3 << 3 | 2: parts.proof = bytes; break;
		default: parts.odd = true;
		}
	}
	*ret_parts = parts;
	return parts.last == 1 && parts.entry.n > 0;
}

/* The size that the proof's checkpoint states: its second line, behind the first empty line. */
static uint64_t size_in(struct span proof)
{
	const uint8_t *p = memmem(proof.p, proof.n, "\n\n", 2);
	struct span rest = p == NULL ? span_of(NULL, 0) : span_of(p + 2, (size_t)(proof.p + proof.n - p - 2));
	struct span line;
	uint64_t size = 0;

	bool origin = span_cut(&rest, '\n', &line);
	bool here = origin && span_cut(&rest, '\n', &line);
	if (!here)
		fail("a proof without a checkpoint");
	for (size_t i = 0; i < line.n; i++)
		size = size * 10 + (uint64_t)(line.p[i] - '0');
	if (size == 0 || size >= SIZES_MAX)
		fail("a size that cannot be");
	return size;
}

static void count_batch(struct load *l, uint64_t size)
{
	uint8_t bit = (uint8_t)(1U << (size % 8));

	l->counts.batches += (l->sizes[size / 8] & bit) == 0;
	l->sizes[size / 8] |= bit;
}

static void take_receipt(struct load *l, struct worker *w, struct span frame, double now)
{
	struct parts parts;
	struct span entry, envelope = {0};
	uint64_t tag = 0, n = 0;

	if (!take_parts(frame, &parts))
		fail_refused(frame);
	if (parts.odd || parts.id == 0 || parts.id > w->tape->n)
		fail("a receipt with remarks, or of nothing that was sent");
	entry = parts.entry;
	if (!take_field(&entry, &tag, &n, &envelope) || tag != (1 << 3 | 2) ||
	    !span_eq(envelope, tape_envelope(w->tape, parts.id - 1)))
		fail("a receipt of another event");
	if ((parts.proof.n == 0) != l->options->without_proof)
		fail("this server is not the one with or without a log that it should be");
	w->sent_at[parts.id - 1] = now - w->sent_at[parts.id - 1];
	w->got++;
	l->counts.events++;
	if (parts.proof.n == 0)
		return;
	count_batch(l, size_in(parts.proof));
	if (l->counts.events % SAMPLE_EVERY == 1) {
		buffer_put_be32(&l->sample, (uint32_t)parts.entry.n);
		buffer_put_span(&l->sample, parts.entry);
		buffer_put_be32(&l->sample, (uint32_t)parts.proof.n);
		buffer_put_span(&l->sample, parts.proof);
	}
}

static struct span take_sample(struct span *rest)
{
	const uint8_t *p = rest->p;
	size_t n = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];

	*rest = span_of(p + 4 + n, rest->n - 4 - n);
	return span_of(p + 4, n);
}

static void check_sample(struct load *l)
{
	struct span rest = buffer_span(&l->sample);

	if (!buffer_ok(&l->sample))
		fail("no memory");
	while (rest.n > 0) {
		struct span entry = take_sample(&rest);
		struct span proof = take_sample(&rest);
		struct receipt_facts facts;
		enum log_failure failure = receipt_verify(proof, entry, mft_view_origin(l->cast->view),
							  mft_view_key(l->cast->view), &facts);

		if (failure != LOG_HOLDS)
			fail("a receipt does not hold");
		l->counts.verified++;
	}
	buffer_clear(&l->sample);
}

/* ---- sending ---- */

static void stamp(struct worker *w, size_t until, double at)
{
	for (; w->stamped < until; w->stamped++)
		w->sent_at[w->stamped] = at;
}

static void send_more(struct load *l, struct worker *w)
{
	size_t until = w->due < w->got + l->options->window ? w->due : w->got + l->options->window;

	/* At a given pace the clock of an event starts when it is due, whether or not it can be sent. */
	if (l->rate > 0)
		until = w->due;
	if (until == 0)
		return;
	if (until > w->tape->n)
		until = w->tape->n;
	size_t end = w->tape->ends[until - 1];
	if (l->rate == 0 && until > w->stamped)
		stamp(w, until, seconds_now());
	w->behind = false;
	while (w->written < end && !w->behind) {
		size_t left = end - w->written;
		size_t n =
		    link_write(&w->link, span_of(w->tape->bytes.p + w->written, left < CHUNK ? left : CHUNK));

		w->written += n;
		w->behind = n == 0;
	}
}

/*
 * What is due by now goes out; the devices take turns. Returns seconds to wait. Looking at the clock for each
 * event by itself would take more of the cores that it shares with the server than the events do; an event
 * that waits for the look waits on its own account, which began when it was due.
 */
static double keep_pace(struct load *l, size_t total)
{
	double now = seconds_now();

	if (now < l->look_at)
		return l->look_at - now;
	l->look_at = now + PACE_SECONDS;
	for (; l->scheduled < total; l->scheduled++) {
		double at = l->begin + (double)l->scheduled / l->rate;
		struct worker *w = &l->workers[l->scheduled % l->n];

		if (at > now)
			return at - now > PACE_SECONDS ? at - now : PACE_SECONDS;
		w->due++;
		stamp(w, w->due, at);
		send_more(l, w);
	}
	return STALLED_SECONDS;
}

static void receive(struct load *l, struct worker *w)
{
	struct span frame, rest;
	size_t need = 0;

	while (link_read(&w->link) > 0)
		continue;
	double now = seconds_now();
	enum frame_state state = FRAME_HERE;
	for (rest = buffer_span(&w->link.in); (state = frame_next(rest, &frame, &need)) == FRAME_HERE;
	     rest = span_of(frame.p + frame.n, rest.n - FRAME_HEAD - frame.n))
		take_receipt(l, w, frame, now);
	if (state == FRAME_BAD)
		fail("a frame with a bad length");
	buffer_consume(&w->link.in, w->link.in.n - rest.n);
}

static void turn(struct load *l, double wait)
{
	struct epoll_event events[TURN_EVENTS];
	const struct timespec timeout = {.tv_sec = (time_t)wait,
					 .tv_nsec = (long)((wait - (double)(time_t)wait) * 1e9)};
	int n = epoll_pwait2(l->epoll, events, TURN_EVENTS, &timeout, NULL);

	if (n < 0 && errno != EINTR)
		fail("epoll");
	if (n == 0 && wait >= STALLED_SECONDS)
		fail("no receipt for %d seconds", STALLED_SECONDS);
	for (int i = 0; i < n; i++) {
		struct worker *w = events[i].data.ptr;
		size_t before = w->got;

		if ((events[i].events & ~(unsigned)EPOLLOUT) != 0)
			receive(l, w);
		if (w->got > before || w->behind)
			send_more(l, w);
	}
}

/* ---- a run ---- */

static int ascending(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static size_t wind(struct load *l, struct tape *tapes, double *times)
{
	size_t total = 0;

	for (size_t i = 0; i < l->n; i++) {
		struct worker *w = &l->workers[i];

		w->tape = &tapes[i];
		w->sent_at = times + total;
		w->due = l->rate > 0 ? 0 : tapes[i].n;
		w->stamped = w->written = w->got = 0;
		w->behind = false;
		total += tapes[i].n;
	}
	return total;
}

void load_run(struct load *l, struct tape *tapes, double rate, struct counts *ret_counts)
{
	size_t total = 0;

	for (size_t i = 0; i < l->n; i++)
		total += tapes[i].n;
	double *times = calloc(total + 1, sizeof(*times));
	if (times == NULL)
		fail("no memory");
	l->rate = rate;
	l->scheduled = 0;
	l->counts = (struct counts){.latencies = times};
	total = wind(l, tapes, times);
	l->begin = l->look_at = seconds_now();
	for (size_t i = 0; rate == 0 && i < l->n; i++)
		send_more(l, &l->workers[i]);
	while (l->counts.events < total)
		turn(l, rate > 0 ? keep_pace(l, total) : STALLED_SECONDS);
	l->counts.seconds = seconds_now() - l->begin;
	check_sample(l);
	qsort(times, total, sizeof(*times), ascending);
	*ret_counts = l->counts;
}

/* ---- idle connections ---- */

double load_idle(const struct cast *cast, const struct options *o, pid_t server, double *ret_seconds)
{
	struct link *links = calloc(o->idle, sizeof(*links));
	SSL_CTX *context = link_context(o->trusted);
	struct link first;

	if (links == NULL)
		fail("no memory");
	open_patiently(&first, context, o, &cast->devices[0]);
	double before = memory_of(server, "VmRSS");
	double begin = seconds_now();
	for (size_t i = 0; i < o->idle; i++)
		open_patiently(&links[i], context, o, &cast->devices[i % cast->devices_n]);
	*ret_seconds = seconds_now() - begin;
	double each = (memory_of(server, "VmRSS") - before) / (double)o->idle;
	for (size_t i = 0; i < o->idle; i++)
		link_close(&links[i]);
	link_close(&first);
	SSL_CTX_free(context);
	free(links);
	return each;
}
