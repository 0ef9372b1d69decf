/*
 * Owns the signing beforehand. A device carries some manifests at a time: first all are issued, then all are
 * loaded, and so on, so that the events of one manifest lie apart as they do in life.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "bench.h"
#include "libmanifest/sign.h"
#include "wire/messages.h"

enum { FRAME_GUESS = 900 };
static const micros day = INT64_C(86400) * MICROS_PER_SECOND;
static const int64_t grams = 1200000;
static const uint32_t containers = 6;

/* The steps of a life, and by which sides each is signed. */
static const struct step {
	enum event_kind kind;
	size_t signers_n;
	size_t sides[2];
} steps[EVENTS_OF_LIFE] = {
    {EVENT_ISSUED, 1, {0}},   {EVENT_LOADED, 2, {0, 1}}, {EVENT_DELIVERED, 2, {1, 2}},
    {EVENT_RECEIVED, 1, {2}}, {EVENT_TREATED, 1, {2}},
};

struct signing {
	struct cast *cast;
	struct tape *tapes;
	size_t lives; /* of a device */
	size_t interleave;
	micros at;
	atomic_size_t next;
};

/* What the events of a manifest view, which must outlive the call. */
struct parts {
	struct waste_line waste;
	struct line_quantity quantity;
	struct line_decision decision;
	struct line_treatment treatment;
};

static void parts_fill(struct parts *p)
{
	p->quantity = (struct line_quantity){1, grams, containers};
	p->waste = (struct waste_line){
	    .line = 1,
	    .code = span_str("900-249-08"),
	    .name = span_str("废矿物油"),
	    .grams = grams,
	    .containers = containers,
	    .packaging = 1,
	    .form = 3,
	    .method = span_str("R9"),
	};
	p->decision = (struct line_decision){
	    .line = 1, .decision = DECISION_ACCEPTED, .accepted = p->quantity, .method = span_str("R9")};
	p->treatment = (struct line_treatment){1, grams, containers, span_str("R9")};
}

static void fill(struct event *e, const struct device *d, const struct parts *p)
{
	static const struct position gate = {
	    .known = true, .latitude = 418056000, .longitude = 1234315000, .accuracy = 8};

	switch ((int)e->kind) {
	case EVENT_ISSUED:
		e->issued = (struct issued){
		    .generator = d->parties[0],
		    .transporter = d->parties[1],
		    .facility = d->parties[2],
		    .plate = span_str(d->plate),
		    .edition = span_str("2021"),
		    .lines = &p->waste,
		    .lines_n = 1,
		    .collect_by = e->occurred_at + day,
		    .arrive_by = e->occurred_at + 2 * day,
		    .permit = span_str(d->permit),
		    .destination = span_str("于洪区沙岭街道1号"),
		    .emergency = span_str("吸附棉围堵，拨打应急电话"),
		};
		break;
	case EVENT_LOADED:
		e->transfer = (struct transfer){.to = d->parties[1],
						.plate = span_str(d->plate),
						.lines = &p->quantity,
						.lines_n = 1,
						.position = gate};
		break;
	case EVENT_DELIVERED:
		e->transfer = (struct transfer){.from = d->parties[1],
						.to = d->parties[2],
						.lines = &p->quantity,
						.lines_n = 1,
						.position = gate};
		break;
	case EVENT_RECEIVED: e->received = (struct received){d->parties[2], &p->decision, 1}; break;
	default: e->treated = (struct treated){d->parties[2], &p->treatment, 1}; break;
	}
}

/* Appends the frame of one event. Returns the event's id. */
static struct digest put_event(const struct signing *s, struct device *d, const struct step *step,
			       uint64_t number, const struct digest *previous, struct tape *t)
{
	const struct secret_key *keys[2] = {NULL, NULL};
	struct parts parts;
	struct buffer envelope = BUFFER_EMPTY;
	struct mft_failure f = {0};
	struct event e = {
	    .kind = step->kind,
	    .signers_n = step->signers_n,
	    .occurred_at = s->at + (micros)t->n,
	    .number = number,
	    .previous = *previous,
	};

	for (size_t i = 0; i < step->signers_n; i++) {
		size_t side = step->sides[i];

		keys[i] = &d->keys[side];
		e.signers[i] = (struct signer){d->keyids[side], ++d->numbers[side], s->cast->seen};
	}
	parts_fill(&parts);
	fill(&e, d, &parts);
	if (!mft_sign(&e, keys, step->signers_n, &envelope, &f))
		fail("%s", f.en);
	const struct frame frame = {.id = t->n + 1, .kind = FRAME_SUBMIT, .submit = buffer_span(&envelope)};
	if (!frame_encode(&frame, &t->bytes))
		fail("no memory");
	t->ends[t->n++] = t->bytes.n;
	struct buffer payload = BUFFER_EMPTY;
	if (!event_encode(&e, &payload))
		fail("no memory");
	struct digest id = event_id(buffer_span(&payload));
	buffer_free(&payload);
	buffer_free(&envelope);
	return id;
}

static void put_lives(const struct signing *s, struct device *d, size_t lives, struct digest *heads,
		      struct tape *t)
{
	if (d->last_manifest - d->next_manifest + 1 < lives)
		fail("the year's manifest numbers are used up");
	memset(heads, 0, lives * sizeof(*heads));
	for (size_t i = 0; i < EVENTS_OF_LIFE; i++)
		for (size_t m = 0; m < lives; m++)
			heads[m] = put_event(s, d, &steps[i], d->next_manifest + m, &heads[m], t);
	d->next_manifest += lives;
}

static void *sign_some(void *arg)
{
	struct signing *s = arg;
	struct digest *heads = calloc(s->interleave, sizeof(*heads));

	for (size_t i = atomic_fetch_add(&s->next, 1); i < s->cast->devices_n;
	     i = atomic_fetch_add(&s->next, 1)) {
		struct tape *t = &s->tapes[i];

		t->ends = calloc(s->lives * EVENTS_OF_LIFE, sizeof(*t->ends));
		if (heads == NULL || t->ends == NULL ||
		    buffer_reserve(&t->bytes, s->lives * EVENTS_OF_LIFE * FRAME_GUESS) == NULL)
			fail("no memory");
		/*
		 * Devices are at different points of their manifests' lives, as in a city: the first group of
		 * each has another size. Else all would issue at once, and then all would load, which costs
		 * twice as much.
		 */
		for (size_t done = 0, some = 1 + i % s->interleave; done < s->lives;
		     done += some, some = s->interleave) {
			some = s->lives - done < some ? s->lives - done : some;
			put_lives(s, &s->cast->devices[i], some, heads, t);
		}
	}
	free(heads);
	return NULL;
}

struct tape *tapes_new(struct cast *cast, size_t events, size_t interleave)
{
	size_t n = cast->devices_n;
	struct tape *tapes = calloc(n, sizeof(*tapes));
	pthread_t threads[64];
	size_t threads_n = cores() < ARRAY_LEN(threads) ? cores() : ARRAY_LEN(threads);
	struct signing s = {.cast = cast,
			    .tapes = tapes,
			    .lives = (events + n * EVENTS_OF_LIFE - 1) / (n * EVENTS_OF_LIFE),
			    .interleave = interleave,
			    .at = clock_now()};

	if (tapes == NULL)
		fail("no memory");
	for (size_t i = 0; i < threads_n; i++)
		if (pthread_create(&threads[i], NULL, sign_some, &s) != 0)
			fail("no thread");
	for (size_t i = 0; i < threads_n; i++)
		(void)pthread_join(threads[i], NULL);
	return tapes;
}

void tapes_free(struct tape *tapes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		buffer_free(&tapes[i].bytes);
		free(tapes[i].ends);
	}
	free(tapes);
}

/* Frame { 1: id, 10: submit }: the envelope is the frame's end, behind its length. */
struct span tape_envelope(const struct tape *t, size_t i)
{
	const uint8_t *p = t->bytes.p + (i == 0 ? 0 : t->ends[i - 1]) + FRAME_HEAD;
	const uint8_t *end = t->bytes.p + t->ends[i];

	while ((*++p & 0x80) != 0)
		continue; /* the id */
	p++;
	while ((*++p & 0x80) != 0)
		continue; /* the length */
	return span_of(p + 1, (size_t)(end - p - 1));
}
