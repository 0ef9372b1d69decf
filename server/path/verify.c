/*
 * The decode and verify stages, which cost the most and run on the verify lane: pure functions over the
 * request's own bytes and an immutable snapshot of the keys. Requests go there in groups: the next group
 * fills while the lane works.
 */
#include <stdio.h>
#include <stdlib.h>

#include "path/internal.h"
#include "path/rules.h"

enum { VERIFY_GROUP = 16 };

struct verify_group {
	struct work work;
	struct path *path;
	struct keyring *ring;
	uint64_t version;
	struct request *requests[VERIFY_GROUP];
	size_t n;
	uint64_t signatures; /* checked */
};

static bool decode(struct request *r)
{
	if (!envelope_decode(r->bytes, EVENT_PAYLOAD_TYPE, r->arena, &r->problems, &r->envelope) ||
	    !envelope_event(&r->envelope, r->arena, &r->problems, &r->event)) {
		r->refused = REFUSAL_MALFORMED;
		return false;
	}
	r->decoded = true;
	return true;
}

static void verify(struct verify_group *g, struct request *r)
{
	struct buffer pae = BUFFER_EMPTY;
	bool unknown = false;

	if (!r->decoded && !decode(r))
		return;
	envelope_pae(&r->envelope, &pae);
	for (size_t i = 0; i < r->envelope.signatures_n && buffer_ok(&pae); i++) {
		const struct envelope_signature *s = &r->envelope.signatures[i];
		const struct public_key *key = event_signing_key(&r->event, g->ring, &s->keyid);
		if (key == NULL) {
			unknown = true;
			continue;
		}
		g->signatures++;
		if (!signature_holds(key, buffer_span(&pae), &s->sig)) {
			char hex[DIGEST_HEX + 1];
			char path[64];
			digest_hex(&s->keyid, hex);
			(void)snprintf(path, sizeof(path), "signatures[%zu].sig", i);
			problem_add(&r->problems, PATH(SIGNATURE), path, hex, "");
			r->refused = REFUSAL_SIGNATURE;
		}
	}
	if (!buffer_ok(&pae)) {
		problem_add(&r->problems, PATH(FAULT), "", "no memory", "");
		r->refused = REFUSAL_FAULT;
	}
	r->unknown_key = unknown;
	r->keyring_version = g->version;
	buffer_free(&pae);
}

static void group_run(struct work *w, void *thread)
{
	struct verify_group *g = (struct verify_group *)w;

	(void)thread;
	for (size_t i = 0; i < g->n; i++)
		verify(g, g->requests[i]);
}

/* What cannot be read or is not signed by whose key it names is so for good, whatever the log holds: it is
 * answered at once, and leaves its place in the queue as dead. All other refusals wait for a batch. */
static void settle(struct path *p, struct request *r)
{
	r->stage = r->unknown_key ? REQUEST_UNKNOWN_KEY : REQUEST_READY;
	if (r->refused == REFUSAL_NONE)
		return;
	answer_refusal(p, r, r->refused, NULL);
	r->stage = REQUEST_DEAD;
}

static void group_done(struct work *w)
{
	struct verify_group *g = (struct verify_group *)w;
	struct path *p = g->path;

	p->counters.signatures += g->signatures;
	p->verify_groups--;
	for (size_t i = 0; i < g->n; i++)
		settle(p, g->requests[i]);
	keyring_release(g->ring);
	free(g);
	stage_verify_flush(p);
	stage_batch(p);
}

void stage_verify_flush(struct path *p)
{
	struct verify_group *g = p->filling;

	if (g == NULL)
		return;
	p->filling = NULL;
	g->ring = keyring_hold(p->keyring);
	g->version = p->keyring_version;
	p->verify_groups++;
	p->ports.verify.submit(p->ports.verify.self, &g->work);
}

void stage_verify(struct path *p, struct request *r)
{
	struct verify_group *g = p->filling;

	r->stage = REQUEST_VERIFYING;
	if (g == NULL) {
		g = malloc(sizeof(*g));
		if (g == NULL) {
			problem_add(&r->problems, PATH(FAULT), "", "no memory", "");
			r->refused = REFUSAL_FAULT;
			settle(p, r);
			return;
		}
		*g = (struct verify_group){.work = {.run = group_run, .done = group_done}, .path = p};
		p->filling = g;
	}
	g->requests[g->n++] = r;
	/* A full group goes at once; a part goes when the lane has nothing to do, else with the next that is
	 * done: waking a thread costs as much as a quarter of a verification. */
	if (g->n == VERIFY_GROUP || p->verify_groups == 0)
		stage_verify_flush(p);
}
