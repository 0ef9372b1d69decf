/* Owns what the settings say about witnesses, and the keeping of what they cosigned in the database. */
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "path/internal.h"

/* A receipt must fit its frame with all cosignatures: the longest envelope and proof leave so much for them.
 */
enum { COSIGNATURES_MAX = 3072, COSIGNATURE_BYTES = 112, URL_MAX = 512, NAME_MAX_BYTES = 63 };
static const micros store_every = 10 * MICROS_PER_SECOND;

/* ---- settings ---- */

static bool url_is_good(struct span url)
{
	static const char *const schemes[] = {"http://", "https://"};

	if (url.n > URL_MAX || !text_is_clean(url))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		size_t n = strlen(schemes[i]);
		if (url.n > n && memcmp(url.p, schemes[i], n) == 0)
			return true;
	}
	return false;
}

static bool check_witness(const struct policy *policy, const struct policy_member *m,
			  char ret_error[PATH_ERROR_SIZE])
{
	struct span url = policy->witnesses[m->witness].url;

	if (m->name.n > NAME_MAX_BYTES || !text_is_clean(m->name)) {
		(void)snprintf(ret_error, PATH_ERROR_SIZE,
			       "the name of witness %zu is not UTF-8, or is longer than %d bytes",
			       m->witness + 1, NAME_MAX_BYTES);
		return false;
	}
	if (url_is_good(url))
		return true;
	(void)snprintf(ret_error, PATH_ERROR_SIZE,
		       "witness %.*s: its line must end in the address to submit to, http:// or https://",
		       SPAN_ARG(m->name));
	return false;
}

bool path_witnesses_check(const struct path_witnesses *w, char ret_error[PATH_ERROR_SIZE])
{
	struct policy policy;
	struct policy_fault fault;
	size_t bytes = 0;

	if (w->policy.n == 0)
		return true;
	if (!policy_parse(w->policy, &policy, &fault)) {
		(void)snprintf(ret_error, PATH_ERROR_SIZE, "line %zu: %s", fault.line, fault.en);
		return false;
	}
	for (size_t i = 0; i < policy.members_n; i++)
		if (!policy.members[i].group && !check_witness(&policy, &policy.members[i], ret_error))
			return false;
	for (size_t i = 0; i < policy.witnesses_n; i++)
		bytes += COSIGNATURE_BYTES + policy.witnesses[i].key.name.n;
	if (bytes > COSIGNATURES_MAX) {
		(void)snprintf(
		    ret_error, PATH_ERROR_SIZE,
		    "the cosignatures of all witnesses would take %zu bytes, at most %d fit a receipt: name "
		    "fewer, or such with shorter key names",
		    bytes, COSIGNATURES_MAX);
		return false;
	}
	if (w->required && w->wait == 0) {
		(void)snprintf(ret_error, PATH_ERROR_SIZE,
			       "a quorum that is required must be waited for: set witness.wait");
		return false;
	}
	return true;
}

bool path_set_witnesses(struct path *p, const struct path_witnesses *w)
{
	struct cosign *old = p->cosign;
	struct cosign *new = NULL;

	if (old != NULL && cosign_same(old, w->policy)) {
		cosign_tune(old, w);
		return true;
	}
	if (w->policy.n > 0) {
		new = cosign_new(p, w);
		if (new == NULL)
			return false;
	}
	p->cosign = new;
	if (old != NULL)
		cosign_retire(old, new);
	return true;
}

/* ---- the database ---- */

struct storing {
	struct work work;
	struct path *path;
	uint64_t size;
	struct buffer note;
	enum store_result result;
	char error[ERROR_SIZE];
};

static void store_run(struct work *w, void *thread)
{
	struct storing *s = (struct storing *)w;
	const struct store_port *store = &s->path->ports.store;

	s->result = store->cosigned(thread, s->size, buffer_span(&s->note));
	if (s->result != STORE_OK)
		(void)snprintf(s->error, sizeof(s->error), "%s", store->error(thread));
}

static void store_done(struct work *w)
{
	struct storing *s = (struct storing *)w;
	struct path *p = s->path;

	p->cosigned.storing = false;
	if (s->result == STORE_OK)
		p->cosigned.stored = s->size;
	else
		recovery_begin_later(p, s->error);
	buffer_free(&s->note);
	free(s);
	stage_batch(p);
}

/* Between two batches, since what fails on the writer's connection is answered by reading what is stored. */
bool cosigned_due(const struct path *p)
{
	const struct cosigned *c = &p->cosigned;

	return c->size > c->stored && c->size <= p->head.size && p->state == PATH_WRITING && !c->storing &&
	       path_now(p) - c->stored_at >= store_every;
}

void cosigned_store(struct path *p)
{
	struct storing *s = calloc(1, sizeof(*s));

	p->cosigned.stored_at = path_now(p);
	if (s == NULL)
		return;
	*s = (struct storing){
	    .work = {.run = store_run, .done = store_done}, .path = p, .size = p->cosigned.size};
	buffer_put_span(&s->note, buffer_span(&p->cosigned.note));
	if (!buffer_ok(&s->note)) {
		buffer_free(&s->note);
		free(s);
		return;
	}
	p->cosigned.storing = true;
	p->ports.writer.submit(p->ports.writer.self, &s->work);
}
