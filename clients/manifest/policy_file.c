/* Policies as files, trails held against them, and what is told of it. */
#include "manifest/policy_file.h"

#include <inttypes.h>

#include "libmanifest/file.h"
#include "manifest/jsontext.h"
#include "manifest/print.h"

const struct policy *app_policy(struct app *app, const char *path, int *ret_status)
{
	struct policy *policy = arena_alloc(app->arena, sizeof(*policy));
	struct buffer text = BUFFER_EMPTY;
	struct policy_fault fault;
	struct mft_failure failure;

	mft_fail(&failure, MFT_FAULT_LOCAL, "memory", "out of memory", "内存不足", NULL);
	if (policy == NULL || !mft_file_read(path, POLICY_SIZE_MAX + 1, &text, &failure)) {
		*ret_status = app_failed(app, &failure);
		return NULL;
	}
	struct span kept = arena_copy(app->arena, buffer_span(&text));
	buffer_free(&text);
	if (policy_parse(kept, policy, &fault))
		return policy;
	*ret_status =
	    app_usage(app, fault.en, fault.zh, arena_printf(app->arena, "%s:%zu", path, fault.line));
	return NULL;
}

void witnessed_check(const struct trail *trail, const struct policy *policy, const struct note_key *log_key,
		     struct witnessed *ret_witnessed)
{
	struct witnessed w = {.policy = policy, .failure = LOG_HOLDS};
	struct span last = {.n = 0};

	for (size_t i = 0; i < trail->n; i++) {
		struct proof p;
		struct policy_facts facts = {.cosigned_n = 0};
		enum log_failure failure = LOG_PROOF_MALFORMED;
		if (proof_parse(trail->entries[i].proof, &p)) {
			if (i > 0 && span_eq(p.checkpoint, last))
				continue;
			last = p.checkpoint;
			failure = policy_check(policy, log_key, p.checkpoint, &facts);
		}
		if (w.failure == LOG_HOLDS)
			w.failure = failure;
		if ((failure == LOG_HOLDS || failure == LOG_QUORUM_MISSING) &&
		    (w.newest.n == 0 || facts.checkpoint.size > w.facts.checkpoint.size)) {
			w.facts = facts;
			w.newest = p.checkpoint;
		}
	}
	if (trail->n == 0)
		w.failure = LOG_PROOF_MALFORMED;
	*ret_witnessed = w;
}

const char *witness_name(struct app *app, const struct witnessed *w, size_t witness)
{
	for (size_t i = 0; i < w->policy->members_n; i++)
		if (!w->policy->members[i].group && w->policy->members[i].witness == witness)
			return text_span(app, w->policy->members[i].name);
	return "";
}

micros witness_time(const struct witnessed *w, size_t witness)
{
	return (micros)(w->facts.time[witness] % (INT64_MAX / MICROS_PER_SECOND)) * MICROS_PER_SECOND;
}

int witnessed_say(struct app *app, const struct witnessed *w)
{
	const struct log_failure_text *text = log_failure_text(w->failure);
	struct buffer missing = BUFFER_EMPTY;
	json_t *list = json_array();

	for (size_t i = 0; i < w->policy->witnesses_n && w->newest.n > 0; i++) {
		micros at = witness_time(w, i);
		if (!w->facts.cosigned[i])
			continue;
		app_say(app, T(app, "size %" PRIu64 " cosigned by %s: %s", "长度 %" PRIu64 " 由 %s 见证：%s"),
			w->facts.checkpoint.size, witness_name(app, w, i), text_time(app, at));
		(void)json_array_append_new(
		    list, json_pack("{s:s,s:o}", "witness", witness_name(app, w, i), "at", json_of_i64(at)));
	}
	if (w->newest.n > 0)
		policy_put_missing(w->policy, &w->facts, &missing);
	if (w->failure != LOG_HOLDS)
		app_say(app, "%s%s%s%s%.*s", paint(app, PAINT_BAD), T(app, text->en, text->zh),
			paint(app, PAINT_END), missing.n == 0 ? "" : "\n",
			(int)(missing.n == 0 ? 0 : missing.n - 1), (const char *)missing.p);
	app_set(app, "cosignatures", list);
	app_set(app, "policy_holds", json_boolean(w->failure == LOG_HOLDS));
	app_set(app, "policy_failure", json_string(text->id));
	buffer_free(&missing);
	return w->failure == LOG_HOLDS ? EXIT_DONE : EXIT_REFUSED;
}
