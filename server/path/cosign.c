/*
 * Owns the witnesses' states, the round that they are asked in, and what waits for it: a committed batch, or
 * the recovery that has just read what is stored. On the main thread; what waits or costs is in
 * cosign_call.c.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "path/internal.h"
#include "path/rules.h"

enum { TRIES = 5, DETAIL_SIZE = 1024 };
static const micros retry_least = MICROS_PER_SECOND;
static const micros retry_most = 15 * MICROS_PER_SECOND;
static const micros proof_retry = 100000;            /* a replica may be behind */
static const micros round_least = MICROS_PER_SECOND; /* when nobody waits for it */
static const micros round_most = 10 * MICROS_PER_SECOND;

struct witness {
	struct span name;
	const struct policy_key *key;
	uint64_t last;     /* the size it cosigned last, as far as is known */
	bool busy;         /* a request is under way, ... */
	uint64_t asked;    /* ... for this size */
	bool unheard;      /* it has neither answered nor failed since the lease was taken */
	unsigned tries;    /* in a row, that were neither a cosignature nor a failure */
	unsigned failures; /* in a row */
	micros retry_at;   /* nothing is asked before */
	char error[WITNESS_ERROR_SIZE];
	uint64_t line_size; /* what it cosigned, if that is the round's */
	struct buffer line;
	struct claim claim; /* size 0: none */
	bool claim_holds;   /* it is of our history after all */
};

struct cosign {
	struct path *path;
	struct buffer text; /* of the policy */
	struct policy policy;
	struct path_witnesses settings;
	struct witness witnesses[POLICY_WITNESSES_MAX];
	struct {
		uint64_t size; /* 0: none yet */
		micros begun_at;
		struct buffer note; /* signed by the log alone */
		struct buffer cosigned;
		struct policy_facts facts;
	} round;
	struct batch *held;
	micros held_at;
	bool told;    /* its members were, that the quorum cannot be had */
	bool missing; /* said so */
	struct recovery *recovery;
	bool challenged;
	bool retired;
	size_t calls; /* under way */
	char detail[DETAIL_SIZE];
};

/* ---- the policy ---- */

bool cosign_same(const struct cosign *c, struct span policy)
{
	return span_eq(buffer_span(&c->text), policy);
}

void cosign_tune(struct cosign *c, const struct path_witnesses *settings)
{
	c->settings = *settings;
	c->settings.policy = buffer_span(&c->text);
}

struct cosign *cosign_new(struct path *p, const struct path_witnesses *settings)
{
	struct cosign *c = calloc(1, sizeof(*c));
	struct policy_fault fault;

	if (c == NULL)
		return NULL;
	c->path = p;
	buffer_put_span(&c->text, settings->policy);
	if (!buffer_ok(&c->text) || !policy_parse(buffer_span(&c->text), &c->policy, &fault)) {
		cosign_free(c);
		return NULL;
	}
	cosign_tune(c, settings);
	for (size_t i = 0; i < c->policy.members_n; i++) {
		const struct policy_member *m = &c->policy.members[i];
		if (!m->group)
			c->witnesses[m->witness].name = m->name;
	}
	for (size_t i = 0; i < c->policy.witnesses_n; i++) {
		c->witnesses[i].key = &c->policy.witnesses[i];
		c->witnesses[i].unheard = true;
	}
	return c;
}

void cosign_free(struct cosign *c)
{
	if (c == NULL)
		return;
	if (c->recovery != NULL)
		recovery_free(c->recovery);
	for (size_t i = 0; i < POLICY_WITNESSES_MAX; i++)
		buffer_free(&c->witnesses[i].line);
	buffer_free(&c->round.note);
	buffer_free(&c->round.cosigned);
	buffer_free(&c->text);
	free(c);
}

bool cosign_required(const struct cosign *c)
{
	return c->settings.required;
}

/* ---- who may still cosign ---- */

static bool may_cosign(const struct cosign *c, const struct witness *w)
{
	if (w->line_size == c->round.size && w->line_size > 0)
		return true;
	micros now = path_now(c->path);
	bool fresh = w->asked == c->round.size && now - c->round.begun_at < c->settings.wait;
	return w->busy ? fresh : now >= w->retry_at;
}

static bool cosigns(const struct cosign *c, const struct witness *w)
{
	(void)c;
	return w->failures == 0;
}

/* Is there a quorum among those for whom it is so? */
static bool quorum_of(const struct cosign *c, bool (*is)(const struct cosign *c, const struct witness *w))
{
	struct policy_facts facts = {.cosigned_n = 0};

	for (size_t i = 0; i < c->policy.witnesses_n; i++)
		facts.cosigned[i] = is(c, &c->witnesses[i]);
	policy_settle(&c->policy, &facts);
	return facts.quorum;
}

bool cosign_waits(const struct cosign *c)
{
	return c->settings.wait > 0 && !c->policy.quorum_none &&
	       (c->settings.required || quorum_of(c, may_cosign));
}

bool cosign_current(const struct cosign *c)
{
	return c->round.facts.quorum && c->round.size == c->path->head.size;
}

bool cosign_challenged(const struct cosign *c)
{
	return c->challenged;
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

static void replace(struct buffer *to, const struct buffer *from)
{
	struct buffer copy = BUFFER_EMPTY;

	buffer_put_span(&copy, buffer_span(from));
	if (!buffer_ok(&copy) || !buffer_ok(from)) {
		buffer_free(&copy); /* what was there is as true, with fewer cosignatures */
		return;
	}
	buffer_free(to);
	*to = copy;
}

void cosign_publish(struct cosign *c)
{
	struct path *p = c->path;

	if (c->round.size == p->head.size && c->round.facts.cosigned_n > 0)
		replace(&p->checkpoint, &c->round.cosigned);
}

static void keep_newest(struct cosign *c)
{
	struct path *p = c->path;

	if (!c->round.facts.quorum || c->round.facts.cosigned_n == 0 || c->round.size < p->cosigned.size)
		return;
	if (c->round.size > p->cosigned.size)
		p->counters.quorums++;
	replace(&p->cosigned.note, &c->round.cosigned);
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
			      .arena = arena_new(1024 * 1024)};
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

static void ask_those_ready(struct cosign *c)
{
	micros now = path_now(c->path);

	for (size_t i = 0; i < c->policy.witnesses_n && c->round.size > 0; i++) {
		struct witness *w = &c->witnesses[i];
		if (w->busy || w->line_size == c->round.size || now < w->retry_at)
			continue;
		struct call *call = call_new(c, i);
		if (call == NULL) {
			w->retry_at = now + retry_least;
			continue;
		}
		w->busy = true;
		w->asked = c->round.size;
		c->calls++;
		c->path->counters.witness_asked++;
		call_start(call, call_done);
	}
}

static void round_begin(struct cosign *c, uint64_t size, struct span note)
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

/* Whoever is free has been asked, and has answered; who is still at an older round is not waited for. */
static bool round_is_over(const struct cosign *c)
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

static void advance(struct cosign *c);

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
	advance(c);
}

/* ---- what waits ---- */

/* Who waited in vain is told so; the batch itself stays until the quorum comes. */
static void tell_members(struct cosign *c)
{
	struct path *p = c->path;
	const struct verdict verdict = {.retry_after = MICROS_PER_SECOND};

	for (size_t i = 0; i < c->held->members_n; i++) {
		struct request *r = c->held->members[i];
		if (r->stage == REQUEST_DEAD)
			continue;
		problem_add(&r->problems, PATH(WITNESSES), "", "", "");
		answer_refusal(p, r, REFUSAL_UNAVAILABLE, &verdict);
		r->stage = REQUEST_DEAD;
	}
	c->told = true;
}

/* Once, until the quorum is there again. */
static void say_missing(struct cosign *c)
{
	struct buffer text = BUFFER_EMPTY;

	if (c->missing)
		return;
	c->missing = true;
	policy_put_missing(&c->policy, &c->round.facts, &text);
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] == '\n')
			text.p[i] = i + 1 == text.n ? ' ' : ';';
	path_notice(c->path, c->settings.required ? NOTICE_ERROR : NOTICE_WARNING, "witnesses",
		    "%s size %" PRIu64 ": %.*s",
		    c->settings.required ? "nothing is acknowledged, since the quorum did not cosign"
					 : "going on without the quorum for",
		    c->round.size, SPAN_ARG(buffer_span(&text)));
	buffer_free(&text);
}

static void release(struct cosign *c)
{
	struct path *p = c->path;
	struct batch *b = c->held;

	p->counters.witness_wait += path_now(p) - c->held_at;
	c->held = NULL;
	if (c->round.facts.cosigned_n > 0)
		replace(&b->checkpoint, &c->round.cosigned);
	if (p->state == PATH_WITNESSES)
		p->state = PATH_WRITING;
	batch_release(b);
}

static void check_held(struct cosign *c)
{
	bool over = path_now(c->path) - c->held_at >= c->settings.wait;

	if (c->round.facts.quorum) {
		release(c);
	} else if (!c->settings.required && (over || !quorum_of(c, may_cosign))) {
		c->path->counters.quorums_missed++;
		say_missing(c);
		release(c);
	} else if (c->settings.required && over && !c->told) {
		c->path->counters.quorums_missed++;
		say_missing(c);
		tell_members(c);
		c->path->state = PATH_WITNESSES;
	}
}

void cosign_hold(struct cosign *c, struct batch *b)
{
	c->held = b;
	c->held_at = path_now(c->path);
	c->told = false;
	round_begin(c, b->commit.to.size, buffer_span(&b->checkpoint));
	advance(c);
}

void cosign_ask_all(struct cosign *c, const struct log_head *head, struct span note, struct recovery *r)
{
	micros now = path_now(c->path);

	c->recovery = r;
	/* Who has failed lately is not waited for again. */
	for (size_t i = 0; i < c->policy.witnesses_n; i++)
		c->witnesses[i].unheard = now >= c->witnesses[i].retry_at;
	round_begin(c, head->size, note);
	advance(c);
}

static bool all_heard(const struct cosign *c)
{
	for (size_t i = 0; i < c->policy.witnesses_n; i++)
		if (c->witnesses[i].unheard && c->witnesses[i].line_size != c->round.size)
			return false;
	return true;
}

static void advance(struct cosign *c)
{
	if (c->challenged && c->held != NULL) {
		struct batch *b = c->held;
		c->held = NULL;
		batch_abandon(b, "a witness has cosigned what is not in this log");
		return;
	}
	if (c->recovery != NULL && all_heard(c)) {
		struct recovery *r = c->recovery;
		c->recovery = NULL;
		recovery_resume(r);
		return;
	}
	if (c->held != NULL)
		check_held(c);
	ask_those_ready(c);
}

void cosign_retire(struct cosign *c, struct cosign *next)
{
	struct path *p = c->path;
	struct batch *b = c->held;
	struct recovery *r = c->recovery;
	const struct log_head head = {.size = c->round.size};

	c->held = NULL;
	c->recovery = NULL;
	if (p->state == PATH_WITNESSES)
		p->state = PATH_WRITING;
	if (b != NULL && next != NULL)
		cosign_hold(next, b);
	else if (b != NULL)
		batch_release(b);
	if (r != NULL && next != NULL)
		cosign_ask_all(next, &head, buffer_span(&c->round.note), r);
	else if (r != NULL)
		recovery_resume(r);
	c->retired = true;
	if (c->calls == 0)
		cosign_free(c);
}

/* ---- claims ---- */

size_t cosign_claims(struct cosign *c, struct claim ret_claims[POLICY_WITNESSES_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < c->policy.witnesses_n; i++)
		if (c->witnesses[i].claim.size > 0)
			ret_claims[n++] = c->witnesses[i].claim;
	c->challenged = false;
	return n;
}

void cosign_claims_hold(struct cosign *c)
{
	for (size_t i = 0; i < c->policy.witnesses_n; i++)
		c->witnesses[i].claim_holds = true;
}

/* ---- in between ---- */

/* The committed head, when no batch waits for a round of its own. */
static void next_round(struct cosign *c)
{
	struct path *p = c->path;
	micros age = path_now(p) - c->round.begun_at;
	bool due = c->round.size == 0 || (age >= round_least && (round_is_over(c) || age >= round_most));
	struct buffer note = BUFFER_EMPTY;

	if (c->held != NULL || c->recovery != NULL || p->head.size <= c->round.size || !due)
		return;
	if (checkpoint_make(p, &p->head, &note))
		round_begin(c, p->head.size, buffer_span(&note));
	buffer_free(&note);
}

void cosign_tick(struct cosign *c)
{
	struct path *p = c->path;
	bool writer = p->state == PATH_WRITING || p->state == PATH_WITNESSES;

	if (writer && c->challenged && p->batch == NULL) {
		recovery_begin(p);
		return;
	}
	if (writer)
		next_round(c);
	if (writer || c->recovery != NULL)
		advance(c);
	if (p->state == PATH_WITNESSES && c->held == NULL && cosign_current(c)) {
		p->state = PATH_WRITING;
		path_notice(p, NOTICE_INFO, "writing", "the witnesses cosigned size %" PRIu64, p->head.size);
	}
}

void cosign_status(struct cosign *c, struct witnesses_status *ret_status)
{
	size_t n = 0;

	*ret_status = (struct witnesses_status){
	    .configured = c->policy.witnesses_n, .quorum = quorum_of(c, cosigns), .detail = c->detail};
	c->detail[0] = '\0';
	for (size_t i = 0; i < c->policy.witnesses_n; i++) {
		const struct witness *w = &c->witnesses[i];
		ret_status->reachable += w->failures == 0;
		if (w->failures > 0 && n < sizeof(c->detail) - 1)
			n += (size_t)snprintf(c->detail + n, sizeof(c->detail) - n, "%s%.*s: %s",
					      n == 0 ? "" : "; ", SPAN_ARG(w->name), w->error);
	}
}
