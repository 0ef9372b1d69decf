/*
 * One request to one witness. The proof that its last size is a beginning of what it is asked to cosign is
 * read on the reader lane; then the witness is asked, and its answer judged, on the witness lane: a
 * cosignature is verified before anybody believes it. A witness that knows another history is asked for the
 * checkpoint it has, since only this log's own signature is evidence.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "path/cosign.h"
#include "path/internal.h"

/* A cosignature says when it was made: a time far from ours is no evidence of anything. */
static const micros clocks_apart = 600 * MICROS_PER_SECOND;

void call_free(struct call *call)
{
	if (call == NULL)
		return;
	buffer_free(&call->note);
	arena_free(call->arena);
	free(call);
}

static void fail(struct call *call, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void fail(struct call *call, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(call->error, sizeof(call->error), fmt, args);
	va_end(args);
	call->end = CALL_FAILED;
}

/* ---- the answer ---- */

static bool time_is_sane(const struct call *call, uint64_t seconds)
{
	micros now = path_now(call->path);
	micros at = seconds > INT64_MAX / MICROS_PER_SECOND ? INT64_MAX : (micros)seconds * MICROS_PER_SECOND;

	return at >= now - clocks_apart && at <= now + clocks_apart;
}

/* The one line of this witness in its answer, of which its time is told too. */
static enum log_failure open_answer(struct call *call, struct span answer, uint64_t *ret_time)
{
	struct buffer merged = BUFFER_EMPTY;
	struct note_signatures by;
	struct span text;
	size_t fresh = 0;
	enum log_failure failure =
	    cosignatures_merge(buffer_span(&call->note), answer, &call->key, 1, &merged, &fresh);

	if (failure == LOG_HOLDS)
		failure = buffer_ok(&merged) && fresh == 1 ? LOG_HOLDS : LOG_KEY_MISSING;
	if (failure == LOG_HOLDS)
		failure = note_open(buffer_span(&merged), &call->key, 1, &text, &by);
	if (failure == LOG_HOLDS) {
		/* what was not in the note before is the line, at its end */
		call->line =
		    arena_copy(call->arena, span_of(merged.p + call->note.n, merged.n - call->note.n));
		*ret_time = by.good[0].time;
		failure = call->line.p == NULL ? LOG_NOTE_MALFORMED : LOG_HOLDS;
	}
	buffer_free(&merged);
	return failure;
}

static void take_cosignature(struct call *call, struct span answer)
{
	uint64_t seconds = 0;
	enum log_failure failure = open_answer(call, answer, &seconds);

	if (failure != LOG_HOLDS)
		fail(call, "answered without a good cosignature: %s", log_failure_text(failure)->en);
	else if (!time_is_sane(call, seconds))
		fail(call,
		     "its clock differs from this machine's by more than %d minutes: set whichever is wrong",
		     (int)(clocks_apart / MICROS_PER_SECOND / 60));
	else
		call->end = CALL_COSIGNED;
}

/* What it has cosigned, if that is signed by this log's key: nobody else could have made it. */
static bool fetch_evidence(struct call *call, void *thread)
{
	struct buffer note = BUFFER_EMPTY;
	struct checkpoint c;
	char unused[WITNESS_ERROR_SIZE];
	int status = call->port.ask(thread, call->monitor_url, (struct span){0}, call->within, &note, unused);
	bool good = status == 200 && buffer_ok(&note) &&
		    checkpoint_open(buffer_span(&note), call->log.name, &call->log, &c) == LOG_HOLDS;

	if (good) {
		call->claim.size = c.size;
		call->claim.root = c.root;
		call->claim.proven = true;
	}
	buffer_free(&note);
	return good;
}

static void take_size(struct call *call, void *thread, struct span answer)
{
	if (!add_checkpoint_parse_size(answer, &call->told)) {
		fail(call, "answered 409 without a size");
		return;
	}
	if (call->told <= call->size) {
		call->end = CALL_OTHER_SIZE;
		return;
	}
	fail(call, "says that it cosigned size %" PRIu64 ", and this log has %" PRIu64, call->told,
	     call->size);
	if (!fetch_evidence(call, thread) || call->claim.size <= call->size) {
		call->claim.size = call->told;
		call->claim.proven = false;
	}
	call->end = CALL_CLAIM;
}

static void judge(struct call *call, void *thread, int status, struct span answer)
{
	if (status == 200) {
		take_cosignature(call, answer);
	} else if (status == 409) {
		take_size(call, thread, answer);
	} else {
		fail(call, "answered %d instead of cosigning", status);
		if (status == 422 && fetch_evidence(call, thread))
			call->end = CALL_CLAIM;
	}
}

static void ask_run(struct work *w, void *thread)
{
	struct call *call = (struct call *)w;
	struct buffer body = BUFFER_EMPTY;
	struct buffer answer = BUFFER_EMPTY;

	add_checkpoint_put(&body, call->old, call->proof, call->proof_n, buffer_span(&call->note));
	call->end = CALL_FAILED;
	int status = 0;
	if (!buffer_ok(&body))
		fail(call, "no memory for a request");
	else
		status = call->port.ask(thread, call->add_url, buffer_span(&body), call->within, &answer,
					call->error);
	if (status != 0 && buffer_ok(&answer))
		judge(call, thread, status, buffer_span(&answer));
	buffer_free(&body);
	buffer_free(&answer);
}

/* ---- the way ---- */

/* What it shows is smaller than what it was asked for: is that of this history? */
static void root_run(struct work *w, void *thread)
{
	struct call *call = (struct call *)w;
	struct digest ours;

	if (tree_root_at(&call->path->ports.store, thread, call->claim.size, &ours) != STORE_OK ||
	    digest_eq(&ours, &call->claim.root))
		call->end = CALL_FAILED;
}

static void ask_done(struct work *w)
{
	struct call *call = (struct call *)w;

	if (call->end != CALL_CLAIM || call->claim.size > call->size || call->claim.size == 0) {
		call->done(w);
		return;
	}
	call->work = (struct work){.run = root_run, .done = call->done};
	call->path->ports.reader.submit(call->path->ports.reader.self, &call->work);
}

static void ask(struct call *call)
{
	call->work = (struct work){.run = ask_run, .done = ask_done};
	call->lane.submit(call->lane.self, &call->work);
}

static void proof_run(struct work *w, void *thread)
{
	struct call *call = (struct call *)w;
	struct proof_plan plan;

	call->end = CALL_NO_PROOF;
	if (!plan_consistency(call->old, call->size, &plan) ||
	    plan_prove(&call->path->ports.store, thread, &plan, call->proof) != STORE_OK)
		return;
	call->proof_n = plan.steps_n;
	call->end = CALL_FAILED; /* until it has answered */
}

static void proof_done(struct work *w)
{
	struct call *call = (struct call *)w;

	if (call->end == CALL_NO_PROOF)
		call->done(w);
	else
		ask(call);
}

void call_start(struct call *call, void (*done)(struct work *w))
{
	call->done = done;
	if (call->old == 0 || call->old >= call->size) {
		ask(call);
		return;
	}
	call->work = (struct work){.run = proof_run, .done = proof_done};
	call->path->ports.reader.submit(call->path->ports.reader.self, &call->work);
}
