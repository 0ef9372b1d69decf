/*
 * Hello: before anything else the client signs the challenge, the channel and who it is. Its signature is
 * verified on the verify lane, like an event's.
 */
#include <stdlib.h>

#include "base/text.h"
#include "core/words.h"
#include "path/internal.h"
#include "path/rules.h"

/* Strangers may hold an eighth of the requests that may be under way: the others are the devices'. */
enum { HELLOS_SHARE = 8 };

struct greeting {
	struct work work;
	struct path *path;
	struct keyring *ring;
	uint64_t keyring_version;
	struct arena *arena;
	conn_id conn;
	uint64_t id;
	struct span bytes;
	struct problems problems;
	struct hello hello;
	bool decoded;
	bool known;
	bool holds;
};

static void greeting_free(struct greeting *g)
{
	keyring_release(g->ring);
	arena_free(g->arena);
	free(g);
}

static void greeting_run(struct work *w, void *thread)
{
	struct greeting *g = (struct greeting *)w;
	struct buffer pae = BUFFER_EMPTY;
	struct envelope envelope;

	(void)thread;
	if (!envelope_decode(g->bytes, HELLO_PAYLOAD_TYPE, g->arena, &g->problems, &envelope) ||
	    !envelope_hello(&envelope, g->arena, &g->problems, &g->hello))
		return;
	g->decoded = true;
	const struct public_key *key = keyring_find(g->ring, &g->hello.keyid);
	g->known = key != NULL;
	if (!g->known)
		return;
	envelope_pae(&envelope, &pae);
	g->holds = buffer_ok(&pae) && signature_holds(key, buffer_span(&pae), &envelope.signatures[0].sig);
	buffer_free(&pae);
}

/* The rule that the hello breaks; NULL: none. */
static const struct rule *hello_judge(struct path *p, const struct greeting *g, const struct session *s)
{
	const struct key_record *key = g->known ? registry_key(p->registry, &g->hello.keyid) : NULL;

	if (key == NULL)
		return PATH(KEY_UNKNOWN);
	if (!g->holds)
		return PATH(SIGNATURE);
	if (!digest_eq(&g->hello.nonce, &s->nonce))
		return PATH(HELLO_NONCE);
	if (!digest_eq(&g->hello.binding, &p->ports.net->binding))
		return PATH(HELLO_BINDING);
	if (key->role != g->hello.role || key->role == ROLE_SERVER || key->role == ROLE_NONE)
		return PATH(HELLO_ROLE);
	if (!access_key_good(key, path_now(p)))
		return PATH(KEY_NOT_GOOD);
	return NULL;
}

static void greeting_refuse(struct path *p, const struct greeting *g, const struct rule *rule)
{
	p->counters.hellos_refused++;
	if (rule == PATH(HELLO_ROLE)) {
		/* Whoever holds the key may know what it was enrolled for. */
		const struct key_record *key = registry_key(p->registry, &g->hello.keyid);
		refuse(p, g->conn, g->id, REFUSAL_SIGNATURE, rule, "hello.role",
		       word_of(role_words, (int)g->hello.role)->name,
		       word_of(role_words, (int)key->role)->name, 0);
	} else if (rule != NULL) {
		refuse(p, g->conn, g->id, REFUSAL_SIGNATURE, rule, "hello", "", "", 0);
	} else {
		struct frame f = {.id = g->id, .last = true, .kind = FRAME_REFUSAL};
		f.refusal.kind = REFUSAL_MALFORMED;
		if (refusal_problems(&g->problems, g->arena, &f.refusal))
			send_frame(p, g->conn, &f);
	}
	p->ports.net->close(p->ports.net->self, g->conn, "hello refused");
}

/*
 * That a key is not enrolled is known to who holds the lease alone: the hello waits among the events, and is
 * refused as they are, after a transaction; or the key is there by then.
 */
static void greeting_wait(struct path *p, const struct greeting *g)
{
	if (p->hellos_waiting >= p->config.requests_max / HELLOS_SHARE) {
		refuse(p, g->conn, g->id, REFUSAL_UNAVAILABLE, PATH(KEY_NOT_HERE), "hello", "", "",
		       MICROS_PER_SECOND);
		p->ports.net->close(p->ports.net->self, g->conn, "too many hellos wait");
		return;
	}
	struct request *r = request_take(p, g->conn, g->id);
	struct span bytes = r == NULL ? (struct span){0} : arena_copy(r->arena, g->bytes);

	if (bytes.p == NULL) {
		p->ports.net->close(p->ports.net->self, g->conn, "no memory");
		if (r != NULL)
			request_give_back(p, r);
		return;
	}
	r->hello = true;
	p->hellos_waiting++;
	r->stage = REQUEST_UNKNOWN_KEY;
	r->bytes = bytes;
	r->received_at = path_now(p);
	r->keyring_version = g->keyring_version;
	r->event = (struct event){0};
	queue_push(&p->queue, r);
	stage_batch(p);
}

void greet_again(struct path *p, struct request *r)
{
	struct session *s = session_find(p->sessions, r->conn);

	if (s != NULL)
		greet(p, s, r->id, r->bytes);
	request_give_back(p, r);
}

static void greeting_done(struct work *w)
{
	struct greeting *g = (struct greeting *)w;
	struct path *p = g->path;
	struct session *s = session_find(p->sessions, g->conn);

	p->under_way--;
	gate_check(p);
	if (s == NULL) {
		greeting_free(g);
		return;
	}
	const struct rule *broken = g->decoded ? hello_judge(p, g, s) : NULL;
	if (broken == PATH(KEY_UNKNOWN)) {
		greeting_wait(p, g);
		greeting_free(g);
		return;
	}
	if (!g->decoded || broken != NULL) {
		greeting_refuse(p, g, broken);
		greeting_free(g);
		return;
	}
	const struct key_record *key = registry_key(p->registry, &g->hello.keyid);
	s->stage = SESSION_READY;
	s->keyid = key->keyid;
	s->key = key->no;
	s->role = key->role;
	if (key->party != NULL)
		s->party = key->party->party.ref;
	p->counters.hellos++;
	p->ports.net->greeted(p->ports.net->self, g->conn);
	read_welcome(p, s, g->id, g->hello.size);
	greeting_free(g);
}

void greet(struct path *p, struct session *s, uint64_t id, struct span envelope)
{
	struct greeting *g = calloc(1, sizeof(*g));

	if (g == NULL)
		goto fail;
	g->arena = arena_new(REQUEST_MEMORY);
	if (g->arena == NULL)
		goto fail_greeting;
	g->bytes = arena_copy(g->arena, envelope);
	if (g->bytes.p == NULL)
		goto fail_arena;
	g->work = (struct work){.run = greeting_run, .done = greeting_done};
	g->path = p;
	g->ring = keyring_hold(p->keyring);
	g->keyring_version = p->keyring_version;
	g->conn = s->conn;
	g->id = id;
	g->problems.arena = g->arena;
	s->stage = SESSION_GREETING;
	p->under_way++;
	p->ports.verify.submit(p->ports.verify.self, &g->work);
	return;
fail_arena:
	arena_free(g->arena);
fail_greeting:
	free(g);
fail:
	p->ports.net->close(p->ports.net->self, s->conn, "no memory");
}
