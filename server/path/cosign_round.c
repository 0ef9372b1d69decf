/*
 * Owns the round: who is asked for which size, when again, and what the answers come to. On the main thread;
 * what waits or costs is in cosign_call.c.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "path/cosign_round.h"

enum { TRIES = 5, CALL_MEMORY = 1024 * 1024 };
static const micros retry_least = MICROS_PER_SECOND;
static const micros retry_most = 15 * MICROS_PER_SECOND;
static const micros proof_retry = 100000; /* a replica may be behind */

/* ---- who may still cosign ---- */

bool may_cosign(const struct cosign *c, const struct witness *w)
{
	if (w->line_size == c->round.size && w->line_size > 0)
		return true;
	micros now = path_now(c->path);
	return w->busy ? now - w->asked_at < c->settings.wait : now >= w->retry_at;
}

bool cosigns(const struct cosign *c, const struct witness *w)
{
	(void)c;
	return w->failures == 0;
}

bool quorum_of(const struct cosign *c, bool (*is)(const struct cosign *c, const struct witness *w))
{
	struct policy_facts facts = {.cosigned_n = 0};

	for (size_t i = 0; i < c->policy.witnesses_n; i++)
		facts.cosigned[i] = is(c, &c->witnesses[i]);
	policy_settle(&c->policy, &facts);
	return facts.quorum;
}

/* ---- a round ---- */

static void round_assemble(struct cosign *c)
{
	c->round.facts = (struct policy_facts){.cosigned_n = 0};
	buffer_clear(&c->round.cosigned);
	buffer_put_span(&c->round.cosigned, buffer_span(&c->round.note));
	for (size_t i = 0; i < c->policy.witnesses_n; i++) {
		const struct witness *w = &c->witnesses[i];
		if (w->line_size != c->round.size)
			continue;
		buffer_put_span(&c->round.cosigned, buffer_span(&w->line));
		c->round.facts.cosigned[i] = true;
		c->round.facts.cosigned_n++;
	}
	policy_settle(&c->policy, &c->round.facts);
}

bool note_replace(struct buffer *to, const struct buffer *from)
{
	struct buffer copy = BUFFER_EMPTY;

	buffer_put_span(&copy, buffer_span(from));
	if (!buffer_ok(&copy) || !buffer_ok(from)) {
		buffer_free(&copy);
		return false;
	}
	buffer_free(to);
	*to = copy;
	return true;
}

void cosign_publish(struct cosign *c)
{
	struct path *p = c->path;

	if (c->round.size == p->head.size && c->round.facts.cosigned_n > 0)
		note_replace(&p->checkpoint, &c->round.cosigned);
}

static void keep_newest(struct cosign *c)
{
	struct path *p = c->path;

	if (!c->round.facts.quorum || c->round.facts.cosigned_n == 0 || c->round.size < p->cosigned.size)
		return;
	if (!note_replace(&p->cosigned.note, &c->round.cosigned))
		return;
	if (c->round.size > p->cosigned.size)
		p->counters.quorums++;
	p->cosigned.size = c->round.size;
	if (c->missing)
		path_notice(p, NOTICE_INFO, "witnesses", "enough cosign again, size %" PRIu64, c->round.size);
	c->missing = false;
}

static void call_done(struct work *w);

static const char *url_of(struct arena *arena, struct span prefix, const char *hex, const char *rest)
{
	struct buffer url = BUFFER_EMPTY;

	while (prefix.n > 0 && prefix.p[prefix.n - 1] == '/')
		prefix.n--;
	buffer_put_span(&url, prefix);
	buffer_printf(&url, "%s%s", hex, rest);
	buffer_put_u8(&url, '\0');
	struct span kept = buffer_ok(&url) ? arena_copy(arena, buffer_span(&url)) : (struct span){0};
	buffer_free(&url);
	return (const char *)kept.p;
}

static struct call *call_new(struct cosign *c, size_t i)
{
	const struct witness *w = &c->witnesses[i];
	const struct digest origin = digest_of(span_str(c->path->origin));
	struct call *call = calloc(1, sizeof(*call));
	char hex[DIGEST_HEX + 2] = "/";

	if (call == NULL)
		return NULL;
	digest_hex(&origin, hex + 1);
	*call = (struct call){.cosign = c,
			      .witness = i,
			      .path = c->path,
			      .lane = c->settings.lane,
			      .port = c->settings.port,
			      .within = c->settings.timeout,
			      .key = w->key->key,
			      .old = w->last,
			      .size = c->round.size,
			      .arena = arena_new(CALL_MEMORY)};
	buffer_put_span(&call->note, buffer_span(&c->round.note));
	(void)snprintf(call->claim.who, sizeof(call->claim.who), "%.*s", SPAN_ARG(w->name));
	if (call->arena != NULL) {
		call->add_url = url_of(call->arena, w->key->url, "", "/add-checkpoint");
		call->monitor_url = url_of(call->arena, w->key->url, hex, "/checkpoint");
	}
	struct span rest = buffer_span(&call->note);
	struct span name;
	if (call->add_url != NULL && call->monitor_url != NULL && buffer_ok(&call->note) &&
	    span_cut(&rest, '\n', &name) &&
	    note_key_make(name, NOTE_ED25519, &c->path->log_public, &call->log))
		return call;
	call_free(call);
	return NULL;
}

void ask_those_ready(struct cosign *c)
{
	micros now = path_now(c->path);

	for (size_t i = 0; i < c->policy.witnesses_n && c->round.size > 0; i++) {
		struct witness *w = &c->witnesses[i];
		if (w->busy || (w->line_size == c->round.size && !w->unheard) || now < w->retry_at)
			continue;
		struct call *call = call_new(c, i);
		if (call == NULL) {
			w->retry_at = now + retry_least;
			continue;
		}
		w->busy = true;
		w->asked = c->round.size;
		w->asked_at = now;
		c->calls++;
		c->path->counters.witness_asked++;
		call_start(call, call_done);
	}
}

void round_begin(struct cosign *c, uint64_t size, struct span note)
{
	if (size != c->round.size) {
		c->round.size = size;
		buffer_clear(&c->round.note);
		buffer_put_span(&c->round.note, note);
		for (size_t i = 0; i < c->policy.witnesses_n; i++)
			if (c->witnesses[i].last > size)
				c->witnesses[i].last = 0;
		round_assemble(c);
	}
	c->round.begun_at = path_now(c->path);
	ask_those_ready(c);
}

bool round_is_over(const struct cosign *c)
{
	for (size_t i = 0; i < c->policy.witnesses_n; i++)
		if (c->witnesses[i].busy && c->witnesses[i].asked == c->round.size)
			return false;
	return true;
}

/* ---- what a request came to ---- */

static void witness_failed(struct cosign *c, struct witness *w, const char *why)
{
	micros wait = retry_least << (w->failures < 4 ? w->failures : 4);

	c->path->counters.witness_failures++;
	w->unheard = false;
	w->tries = 0;
	w->retry_at = path_now(c->path) + (wait < retry_most ? wait : retry_most);
	if (w->failures++ == 0 || strcmp(w->error, why) != 0)
		path_notice(c->path, NOTICE_WARNING, "witness does not cosign", "%.*s: %s", SPAN_ARG(w->name),
			    why);
	(void)snprintf(w->error, sizeof(w->error), "%s", why);
}

static void witness_cosigned(struct cosign *c, struct witness *w, const struct call *call)
{
	if (w->failures > 0)
		path_notice(c->path, NOTICE_INFO, "witness cosigns again", "%.*s: size %" PRIu64,
			    SPAN_ARG(w->name), call->size);
	w->last = call->size;
	if (w->asked == call->size)
		w->unheard = false;
	w->tries = 0;
	w->failures = 0;
	w->retry_at = 0;
	if (call->size != c->round.size)
		return;
	buffer_clear(&w->line);
	buffer_put_span(&w->line, call->line);
	if (!buffer_ok(&w->line))
		return;
	w->line_size = call->size;
	round_assemble(c);
	keep_newest(c);
	cosign_publish(c);
}

/*
 * It says, or shows, that it knows more or something else. What another server may have added is looked for
 * first: what is stored is read again, and held against it. Without this log's signature under it a claim
 * counts only when the lease is new: later it would let a witness stop a log that has proved it wrong.
 */
static void witness_claims(struct cosign *c, struct witness *w, const struct call *call)
{
	const struct claim *claim = &call->claim;
	bool same = w->claim.size == claim->size && w->claim.proven == claim->proven &&
		    digest_eq(&w->claim.root, &claim->root);

	if ((same && w->claim_holds) || (!claim->proven && !w->unheard)) {
		witness_failed(c, w, call->error);
		return;
	}
	witness_failed(c, w, call->error);
	w->claim = *claim;
	w->claim_holds = false;
	c->challenged = true;
}

static void try_again(struct cosign *c, struct witness *w, micros wait, const char *why)
{
	if (w->tries++ < TRIES)
		w->retry_at = path_now(c->path) + wait;
	else
		witness_failed(c, w, why);
}

static void call_take(struct cosign *c, struct witness *w, const struct call *call)
{
	switch (call->end) {
	case CALL_COSIGNED: witness_cosigned(c, w, call); break;
	case CALL_OTHER_SIZE:
		w->last = call->told;
		try_again(c, w, 0, "it answers 409 again and again");
		break;
	case CALL_CLAIM: witness_claims(c, w, call); break;
	case CALL_NO_PROOF:
		try_again(c, w, proof_retry, "its proof could not be read from the database");
		break;
	case CALL_FAILED: witness_failed(c, w, call->error); break;
	}
}

static void call_done(struct work *work)
{
	struct call *call = (struct call *)work;
	struct cosign *c = call->cosign;

	c->calls--;
	if (c->retired) {
		call_free(call);
		if (c->calls == 0)
			cosign_free(c);
		return;
	}
	c->witnesses[call->witness].busy = false;
	call_take(c, &c->witnesses[call->witness], call);
	call_free(call);
	cosign_advance(c);
}
