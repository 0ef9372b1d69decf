/*
 * Owns the policy in use and what waits for its witnesses: a committed batch, or the recovery that has just
 * read what is stored; and what the witnesses claim against this log.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "path/cosign_round.h"
#include "path/rules.h"

static const micros round_least = MICROS_PER_SECOND; /* when nobody waits for it */
static const micros round_most = 10 * MICROS_PER_SECOND;

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

bool cosign_waits(const struct cosign *c)
{
	return c->settings.wait > 0 && !c->policy.quorum_none &&
	       (c->settings.required || quorum_of(c, may_cosign));
}

bool cosign_current(const struct cosign *c)
{
	return c->round.facts.quorum && c->round.size == c->path->head.size;
}

bool cosign_told(const struct cosign *c)
{
	return c->held != NULL && c->told;
}

bool cosign_challenged(const struct cosign *c)
{
	return c->challenged;
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
	text.n -= text.n > 0 ? 1 : 0; /* the last line's end */
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] == '\n')
			text.p[i] = ';';
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
		note_replace(&b->checkpoint, &c->round.cosigned);
	if (p->state == PATH_WITNESSES)
		p->state = PATH_WRITING;
	batch_release(b);
}

static void check_held(struct cosign *c)
{
	bool over = path_now(c->path) - c->held_at >= c->settings.wait;
	bool lost = !quorum_of(c, may_cosign);

	if (c->round.facts.quorum) {
		release(c);
	} else if (!c->settings.required && (over || lost)) {
		c->path->counters.quorums_missed++;
		say_missing(c);
		release(c);
	} else if (c->settings.required && !c->told && (over || (lost && c->path->draining))) {
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
	cosign_advance(c);
}

void cosign_ask_all(struct cosign *c, const struct log_head *head, struct span note, struct recovery *r)
{
	micros now = path_now(c->path);

	c->recovery = r;
	/* Who has failed lately is not waited for again; what was asked before is as old as the lease before.
	 */
	for (size_t i = 0; i < c->policy.witnesses_n; i++) {
		c->witnesses[i].unheard = now >= c->witnesses[i].retry_at;
		c->witnesses[i].asked = 0;
	}
	round_begin(c, head->size, note);
	cosign_advance(c);
}

static bool all_heard(const struct cosign *c)
{
	for (size_t i = 0; i < c->policy.witnesses_n; i++)
		if (c->witnesses[i].unheard)
			return false;
	return true;
}

void cosign_advance(struct cosign *c)
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
		cosign_advance(c);
	if (p->state == PATH_WITNESSES && c->held == NULL && (cosign_current(c) || !c->settings.required)) {
		p->state = PATH_WRITING;
		path_notice(p, NOTICE_INFO, "writing",
			    cosign_current(c)
				? "the witnesses cosigned size %" PRIu64
				: "the witnesses' quorum is not required any more, size %" PRIu64,
			    p->head.size);
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
