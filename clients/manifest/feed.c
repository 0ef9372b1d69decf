/* Owns the threads and the chunks of entries that go around between them. */
#include "manifest/feed.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "crypto/keyring.h"

enum {
	CHUNK_ITEMS = 256,
	CHUNK_BYTES = 4 * 1024 * 1024,
	CHUNK_MEMORY = 64 * 1024 * 1024,
	CHUNK_FIRST = 2 * 1024 * 1024,
	THREADS_MAX = 64,
};

struct chunk {
	struct chunk *next;  /* in the order of the log, or among the free ones */
	struct chunk *later; /* among those to be verified */
	struct arena *arena;
	struct feed_item items[CHUNK_ITEMS];
	size_t n;
	size_t taken; /* by feed_next() */
	size_t done;
	bool verified;
	uint64_t signatures;
};

struct feed {
	struct feed_options options;
	struct feed_source source;
	pthread_mutex_t lock;
	pthread_cond_t to_read, to_verify, verified;
	struct chunk *first, *last; /* in order, not given back yet */
	struct chunk *taking;       /* feed_next() is in it */
	struct chunk *waiting, *waiting_last;
	struct chunk *spare;
	struct keyring *ring;
	size_t ring_keys;
	bool end, failed, stop;
	uint64_t signatures;
	pthread_t reader, verifiers[THREADS_MAX];
	unsigned threads;
	bool reading;
};

/* ---- verifying ---- */

bool feed_signature_holds(const struct feed_item *item, size_t i, const struct public_key *key)
{
	struct buffer pae = BUFFER_EMPTY;

	envelope_pae(&item->item.envelope, &pae);
	bool holds = buffer_ok(&pae) &&
		     signature_holds(key, buffer_span(&pae), &item->item.envelope.signatures[i].sig);
	buffer_free(&pae);
	return holds;
}

static void verify(struct chunk *c, struct feed_item *item, const struct keyring *ring, struct buffer *pae)
{
	struct replay_item *i = &item->item;

	buffer_clear(pae);
	envelope_pae(&i->envelope, pae);
	for (unsigned k = 0; k < i->envelope.signatures_n; k++) {
		const struct envelope_signature *s = &i->envelope.signatures[k];
		const struct public_key *key = event_signing_key(&i->event, ring, &s->keyid);
		c->signatures++;
		if (key == NULL)
			item->unknown |= 1U << k;
		else if (!buffer_ok(pae) || !signature_holds(key, buffer_span(pae), &s->sig))
			item->bad |= 1U << k;
	}
}

static void look_at(const struct feed *f, struct chunk *c, struct feed_item *item, const struct keyring *ring,
		    struct buffer *pae)
{
	struct problems problems = {.arena = c->arena};
	struct replay_item *i = &item->item;

	item->computed = merkle_leaf(i->bytes);
	i->leaf = item->computed;
	/* When they differ that is told; the tree is then held against what was hashed. */
	if (item->row.stored && item->row.leaf.n == DIGEST_SIZE)
		memcpy(i->leaf.b, item->row.leaf.p, DIGEST_SIZE);
	i->readable =
	    log_entry_decode(i->bytes, &i->entry) &&
	    envelope_decode(i->entry.envelope, EVENT_PAYLOAD_TYPE, c->arena, &problems, &i->envelope) &&
	    envelope_event(&i->envelope, c->arena, &problems, &i->event);
	if (i->readable)
		verify(c, item, ring, pae);
	if (item->row.note.n > 0 && f->options.log_key != NULL) {
		c->signatures++;
		item->note = checkpoint_open(item->row.note, f->options.log_key->name, f->options.log_key,
					     &item->checkpoint);
	}
	i->root_wanted = item->row.note.n > 0;
}

static void *verify_thread(void *self)
{
	struct feed *f = self;
	struct buffer pae = BUFFER_EMPTY;

	pthread_mutex_lock(&f->lock);
	for (;;) {
		while (f->waiting == NULL && !f->stop)
			pthread_cond_wait(&f->to_verify, &f->lock);
		if (f->stop)
			break;
		struct chunk *c = f->waiting;
		f->waiting = c->later;
		struct keyring *ring = f->ring == NULL ? NULL : keyring_hold(f->ring);
		pthread_mutex_unlock(&f->lock);
		for (size_t i = 0; i < c->n; i++)
			look_at(f, c, &c->items[i], ring, &pae);
		keyring_release(ring);
		pthread_mutex_lock(&f->lock);
		f->signatures += c->signatures;
		c->verified = true;
		pthread_cond_signal(&f->verified);
	}
	pthread_mutex_unlock(&f->lock);
	buffer_free(&pae);
	return NULL;
}

/* ---- reading ---- */

static bool keep(struct arena *arena, struct span *s)
{
	if (s->n == 0)
		return true;
	*s = arena_copy(arena, *s);
	return s->p != NULL;
}

/* Fills a chunk. False: it failed. */
static bool fill(struct feed *f, struct chunk *c, bool *ret_end)
{
	size_t bytes = 0;

	*ret_end = false;
	while (c->n < CHUNK_ITEMS && bytes < CHUNK_BYTES) {
		struct feed_item *item = &c->items[c->n];
		*item = (struct feed_item){.note = LOG_HOLDS};
		if (!f->source.row(f->source.self, &item->row, ret_end))
			return false;
		if (*ret_end)
			return true;
		if (!keep(c->arena, &item->row.entry) || !keep(c->arena, &item->row.leaf) ||
		    !keep(c->arena, &item->row.note))
			return false;
		item->item.index = item->row.index;
		item->item.bytes = item->row.entry;
		bytes += item->row.entry.n;
		c->n++;
	}
	return true;
}

static void hand_on(struct feed *f, struct chunk *c)
{
	if (f->last == NULL)
		f->first = c;
	else
		f->last->next = c;
	f->last = c;
	if (f->waiting == NULL)
		f->waiting = c;
	else
		f->waiting_last->later = c;
	f->waiting_last = c;
	pthread_cond_signal(&f->to_verify);
}

static void *read_thread(void *self)
{
	struct feed *f = self;
	bool end = false, good = true;

	while (good && !end) {
		pthread_mutex_lock(&f->lock);
		while (f->spare == NULL && !f->stop)
			pthread_cond_wait(&f->to_read, &f->lock);
		struct chunk *c = f->spare;
		bool stop = f->stop;
		if (!stop)
			f->spare = c->next;
		pthread_mutex_unlock(&f->lock);
		if (stop)
			return NULL;
		arena_reset(c->arena);
		c->next = c->later = NULL;
		c->n = c->taken = c->done = 0;
		c->signatures = 0;
		c->verified = false;
		good = fill(f, c, &end);
		pthread_mutex_lock(&f->lock);
		if (c->n > 0) {
			hand_on(f, c);
		} else {
			c->next = f->spare;
			f->spare = c;
		}
		f->end = end || !good;
		f->failed = !good;
		pthread_cond_signal(&f->verified);
		pthread_mutex_unlock(&f->lock);
	}
	return NULL;
}

/* ---- whoever judges ---- */

const struct feed_item *feed_next(struct feed *f)
{
	struct chunk *c = f->taking;

	if (c != NULL && c->taken < c->n)
		return &c->items[c->taken++];
	pthread_mutex_lock(&f->lock);
	for (;;) {
		struct chunk *next = c == NULL ? f->first : c->next;
		if (next != NULL && next->verified) {
			c = next;
			break;
		}
		if (next == NULL && f->end) {
			pthread_mutex_unlock(&f->lock);
			return NULL;
		}
		pthread_cond_wait(&f->verified, &f->lock);
	}
	pthread_mutex_unlock(&f->lock);
	f->taking = c;
	return &c->items[c->taken++];
}

void feed_done(struct feed *f, uint64_t index, void (*each)(void *self, const struct feed_item *item),
	       void *self)
{
	for (struct chunk *c = f->first; c != NULL && (c->verified || c == f->taking);) {
		while (c->done < c->taken && c->items[c->done].item.index < index)
			each(self, &c->items[c->done++]);
		if (c->done < c->n || c == f->taking)
			return; /* the one that is being taken is where the next one is found from */
		pthread_mutex_lock(&f->lock);
		f->first = c->next;
		c->next = f->spare;
		f->spare = c;
		c = f->first;
		pthread_cond_signal(&f->to_read);
		pthread_mutex_unlock(&f->lock);
	}
}

void feed_keys(struct feed *f, const struct registry *r)
{
	size_t n = registry_keys(r);

	/* A snapshot costs what all keys cost: those missing in it are looked up one by one meanwhile. */
	if (n < f->ring_keys + 1 + f->ring_keys / 16)
		return;
	struct public_key *keys = calloc(n + 1, sizeof(*keys));
	for (size_t i = 0; keys != NULL && i < n; i++)
		keys[i] = registry_key_no(r, (key_no)(i + 1))->key;
	struct keyring *ring = keys == NULL ? NULL : keyring_new(keys, n);
	free(keys);
	if (ring == NULL)
		return;
	pthread_mutex_lock(&f->lock);
	struct keyring *old = f->ring;
	f->ring = ring;
	f->ring_keys = n;
	pthread_mutex_unlock(&f->lock);
	keyring_release(old);
}

bool feed_failed(struct feed *f)
{
	pthread_mutex_lock(&f->lock);
	bool failed = f->failed;
	pthread_mutex_unlock(&f->lock);
	return failed;
}

uint64_t feed_signatures(struct feed *f)
{
	pthread_mutex_lock(&f->lock);
	uint64_t n = f->signatures;
	pthread_mutex_unlock(&f->lock);
	return n;
}

/* ---- life ---- */

unsigned feed_threads(unsigned wanted)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	return wanted > 0 ? wanted : processors < 1 ? 1 : (unsigned)processors;
}

static bool add_chunks(struct feed *f, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct chunk *c = calloc(1, sizeof(*c));
		if (c == NULL)
			return false;
		c->arena = arena_new_sized(CHUNK_MEMORY, CHUNK_FIRST);
		c->next = f->spare;
		f->spare = c;
		if (c->arena == NULL)
			return false;
	}
	return true;
}

struct feed *feed_new(const struct feed_options *options, const struct feed_source *source)
{
	struct feed *f = calloc(1, sizeof(*f));
	unsigned threads = options->threads < 1 ? 1 : options->threads;

	if (f == NULL)
		return NULL;
	f->options = *options;
	f->source = *source;
	(void)pthread_mutex_init(&f->lock, NULL);
	(void)pthread_cond_init(&f->to_read, NULL);
	(void)pthread_cond_init(&f->to_verify, NULL);
	(void)pthread_cond_init(&f->verified, NULL);
	if (!add_chunks(f, 8 + 4 * threads))
		goto failed;
	while (f->threads < threads && f->threads < THREADS_MAX) {
		if (pthread_create(&f->verifiers[f->threads], NULL, verify_thread, f) != 0)
			goto failed;
		f->threads++;
	}
	if (pthread_create(&f->reader, NULL, read_thread, f) != 0)
		goto failed;
	f->reading = true;
	return f;
failed:
	feed_free(f);
	return NULL;
}

static void free_chunks(struct chunk *c)
{
	while (c != NULL) {
		struct chunk *next = c->next;
		arena_free(c->arena);
		free(c);
		c = next;
	}
}

void feed_free(struct feed *f)
{
	if (f == NULL)
		return;
	pthread_mutex_lock(&f->lock);
	f->stop = true;
	pthread_cond_broadcast(&f->to_read);
	pthread_cond_broadcast(&f->to_verify);
	pthread_mutex_unlock(&f->lock);
	if (f->reading)
		(void)pthread_join(f->reader, NULL);
	for (unsigned i = 0; i < f->threads; i++)
		(void)pthread_join(f->verifiers[i], NULL);
	free_chunks(f->first);
	free_chunks(f->spare);
	keyring_release(f->ring);
	(void)pthread_mutex_destroy(&f->lock);
	(void)pthread_cond_destroy(&f->to_read);
	(void)pthread_cond_destroy(&f->to_verify);
	(void)pthread_cond_destroy(&f->verified);
	free(f);
}
