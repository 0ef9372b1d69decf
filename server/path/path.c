/*
 * The path of a request. This table is the server: every stage in order, where it runs, and how it may end.
 */
#include "path/path.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/civil.h"
#include "path/internal.h"
#include "path/rules.h"

enum { PROTOCOL_VERSION = 1 };

const struct path_stage path_stages[] = {
    {"socket", "net/conn.c", "main", "bytes become frames, each within an absolute deadline",
     "close, with a reason"},
    {"frame", "path/path.c stage_frame", "main", "who speaks, and what is asked; token buckets",
     "refused: wait"},
    {"decode", "path/verify.c decode", "verify lane", "protobuf to core values, every limit",
     "refused, field by field"},
    {"verify", "path/verify.c verify", "verify lane", "all signatures, against a snapshot of the keys",
     "refused"},
    {"batch", "path/batch.c stage_batch", "main", "the queue's head, as far as it is decided",
     "busy: the gate shuts"},
    {"load", "path/load.c batch_load", "writer lane", "the rows that judging will read",
     "unavailable: again"},
    {"judge", "path/batch.c batch_judge", "main", "members in order: rules, chain, state, deadlines, flags",
     "refused, once the transaction has shown that the log is as it was judged on"},
    {"log", "path/batch.c batch_log", "main", "entries, leaves and tree nodes", ""},
    {"database", "path/batch.c database_run", "writer lane", "one transaction, fenced by size and epoch",
     "unavailable or unknown: read what is stored, never guess"},
    {"receipt", "path/receipts.c", "writer lane", "after COMMIT: high-water file, checkpoint, proofs",
     "done"},
};
const size_t path_stages_n = ARRAY_LEN(path_stages);

void path_notice(struct path *p, enum notice_level level, const char *what, const char *fmt, ...)
{
	char detail[512];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(detail, sizeof(detail), fmt, args);
	va_end(args);
	p->ports.notice(p->ports.self, level, what, detail);
}

void path_tell_damage(struct path *p)
{
	micros now = path_now(p);

	if (p->damage_told_at != 0 && now - p->damage_told_at < 60 * MICROS_PER_SECOND)
		return;
	p->damage_told_at = now;
	path_notice(
	    p, NOTICE_ERROR, "what is stored is damaged",
	    "a read met an entry or a tile that is missing or not what the tree says, and was refused: "
	    "`manifest log audit` names it; restore it from a copy");
}

/* What an event is told when it cannot be taken now; NULL: it can. */
static const struct rule *not_now(const struct path *p, enum refusal_kind *ret_kind)
{
	if (p->draining) {
		*ret_kind = REFUSAL_UNAVAILABLE;
		return PATH(DRAINING);
	}
	if (p->state == PATH_STOPPED) {
		*ret_kind = REFUSAL_UNAVAILABLE;
		return PATH(STOPPED);
	}
	if (p->state == PATH_WITNESSES) {
		*ret_kind = REFUSAL_UNAVAILABLE;
		return PATH(WITNESSES);
	}
	if (p->state == PATH_STANDBY) {
		*ret_kind = REFUSAL_NOT_WRITER;
		return PATH(STANDBY);
	}
	if (p->state == PATH_RECOVERING && p->queue.n >= p->config.requests_max / 2) {
		*ret_kind = REFUSAL_UNAVAILABLE;
		return PATH(DATABASE);
	}
	return NULL;
}

static void take_event(struct path *p, struct request *r, struct session *s)
{
	enum refusal_kind kind = REFUSAL_NONE;
	const struct rule *no = not_now(p, &kind);

	p->counters.submits++;
	if (no != NULL) {
		refuse(p, r->conn, r->id, kind, no, "", "", "", MICROS_PER_SECOND);
		request_give_back(p, r);
		return;
	}
	micros wait = limits_take(p, s, r->bytes.n);
	if (wait > 0) {
		refuse(p, r->conn, r->id, REFUSAL_LATER, PATH(RATE), "", "", "", wait);
		request_give_back(p, r);
		return;
	}
	r->received_at = path_now(p);
	r->counted = true;
	limits_event_begin(p, s);
	queue_push(&p->queue, r);
	stage_verify(p, r);
}

static void take_frame(struct path *p, struct session *s, struct request *r, const struct frame *f)
{
	switch (f->kind) {
	case FRAME_HELLO:
		if (p->keyring_version == 0) {
			/* Nothing is known yet: not even whose key this is. */
			refuse(p, s->conn, f->id, REFUSAL_UNAVAILABLE, PATH(DATABASE), "hello", "", "",
			       MICROS_PER_SECOND);
			p->ports.net->close(p->ports.net->self, s->conn, "not ready");
		} else if (s->stage == SESSION_CHALLENGED)
			greet(p, s, f->id, f->hello);
		else
			refuse(p, s->conn, f->id, REFUSAL_FORBIDDEN, PATH(HELLO_ONCE), "hello", "", "", 0);
		break;
	case FRAME_SUBMIT:
		r->id = f->id;
		r->bytes = f->submit;
		take_event(p, r, s);
		return; /* the request lives on */
	case FRAME_QUERY: read_query(p, s, f->id, &f->query); break;
	case FRAME_PING: {
		const struct frame pong = {.id = f->id, .last = true, .kind = FRAME_PING};
		if (!f->last)
			send_frame(p, s->conn, &pong);
		break;
	}
	case FRAME_CHALLENGE:
	case FRAME_WELCOME:
	case FRAME_RECEIPT:
	case FRAME_REFUSAL:
	case FRAME_ANSWER:
	case FRAME_PUSH: refuse(p, s->conn, f->id, REFUSAL_MALFORMED, PATH(FRAME_KIND), "", "", "", 0); break;
	}
	request_give_back(p, r);
}

/*
 * A frame that cannot be read is refused field by field, as a request of its own: it costs what an event
 * costs, and the connection goes on. It ends when the refusal would find no request, before hello, and for
 * who sends more of it than a key may ask.
 */
static void refuse_frame(struct path *p, struct session *s, struct request *r, struct span bytes)
{
	r->id = frame_peek_id(bytes);
	answer_refusal(p, r, REFUSAL_MALFORMED, NULL);
	if (r->id == 0 || s->stage != SESSION_READY || limits_take(p, s, bytes.n) > 0)
		p->ports.net->close(p->ports.net->self, s->conn, "malformed frame");
	request_give_back(p, r);
}

void stage_frame(struct path *p, conn_id conn, struct span bytes)
{
	struct session *s = session_find(p->sessions, conn);
	struct request *r = s == NULL ? NULL : request_take(p, conn, 0);
	struct frame f;

	p->counters.frames++;
	if (s == NULL)
		return;
	if (r == NULL) {
		p->ports.net->close(p->ports.net->self, conn, "no memory");
		return;
	}
	if (!frame_decode(bytes, r->arena, &r->problems, &f)) {
		refuse_frame(p, s, r, bytes);
		return;
	}
	if (s->stage != SESSION_READY && f.kind != FRAME_HELLO) {
		refuse(p, conn, f.id, REFUSAL_FORBIDDEN, PATH(HELLO_FIRST), "", "", "", 0);
		request_give_back(p, r);
		p->ports.net->close(p->ports.net->self, conn, "spoke before hello");
		return;
	}
	take_frame(p, s, r, &f);
}

/* ---- what net calls ---- */

static void opened(void *self, conn_id conn, const char *peer)
{
	struct path *p = self;
	/* Before the log's name is known a challenge would look like another log's. */
	bool ready = p->origin[0] != '\0';
	struct session *s = ready ? session_add(p->sessions, conn) : NULL;

	(void)peer;
	if (!ready) {
		p->ports.net->close(p->ports.net->self, conn, "not ready");
		return;
	}
	if (s == NULL) {
		p->ports.net->close(p->ports.net->self, conn, "no memory");
		return;
	}
	p->ports.random(p->ports.self, s->nonce.b, DIGEST_SIZE);
	const struct frame f = {.kind = FRAME_CHALLENGE,
				.last = true,
				.challenge = {.nonce = s->nonce,
					      .origin = span_str(p->origin),
					      .version = PROTOCOL_VERSION,
					      .server_time = path_now(p)}};
	send_frame(p, conn, &f);
}

static void frame(void *self, conn_id conn, struct span bytes)
{
	stage_frame(self, conn, bytes);
	gate_check(self);
}

static void closed(void *self, conn_id conn)
{
	struct path *p = self;

	session_remove(p->sessions, conn);
}

struct net_sink path_sink(struct path *p)
{
	return (struct net_sink){.self = p, .opened = opened, .frame = frame, .closed = closed};
}

/* ---- life ---- */

/* Without a network nobody is there to send to. */
static void nobody_send(void *self, conn_id conn, struct span bytes)
{
	(void)self;
	(void)conn;
	(void)bytes;
}

static void nobody_close(void *self, conn_id conn, const char *reason)
{
	(void)self;
	(void)conn;
	(void)reason;
}

static void nobody_greeted(void *self, conn_id conn)
{
	(void)self;
	(void)conn;
}

static void nobody_gate(void *self, bool open)
{
	(void)self;
	(void)open;
}

static void nobody_hold(void *self, conn_id conn, bool held)
{
	(void)self;
	(void)conn;
	(void)held;
}

static const struct net_port nobody = {.send = nobody_send,
				       .close = nobody_close,
				       .greeted = nobody_greeted,
				       .gate = nobody_gate,
				       .hold = nobody_hold};

void path_attach(struct path *p, const struct net_port *net)
{
	p->ports.net = net;
}

struct path *path_new(const struct path_config *config, const struct path_ports *ports)
{
	struct path *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->config = *config;
	p->ports = *ports;
	if (ports->net == NULL)
		p->ports.net = &nobody;
	p->log_public = key_public(&config->log_key);
	struct public_key server = key_public(&config->server_key);
	p->server_keyid = key_id(&server);
	p->batch_limit = config->batch_max;
	origin_set(p);
	p->sessions = sessions_new();
	p->limits = limits_new();
	p->registry = registry_new();
	p->tree = tree_new();
	p->keyring = keyring_new(NULL, 0);
	if (p->sessions == NULL || p->limits == NULL || p->registry == NULL || p->tree == NULL ||
	    p->keyring == NULL) {
		path_free(p);
		return NULL;
	}
	return p;
}

void path_free(struct path *p)
{
	if (p == NULL)
		return;
	p->ports.net = &nobody; /* the network may be gone already */
	for (size_t i = 0; p->batch != NULL && i < p->batch->members_n; i++)
		request_give_back(p, p->batch->members[i]);
	for (struct request *r = queue_pop(&p->queue); r != NULL; r = queue_pop(&p->queue))
		request_give_back(p, r);
	while (p->spare != NULL) {
		struct request *r = p->spare;
		p->spare = r->next;
		arena_free(r->arena);
		free(r);
	}
	batch_free(p->batch);
	batch_free(p->spare_batch);
	free(p->filling);
	sessions_free(p->sessions);
	limits_free(p->limits);
	registry_free(p->registry);
	tree_free(p->tree);
	tiles_forget(&p->kept);
	keyring_release(p->keyring);
	cosign_free(p->cosign);
	buffer_free(&p->cosigned.note);
	buffer_free(&p->checkpoint);
	secret_key_wipe(&p->config.log_key);
	secret_key_wipe(&p->config.server_key);
	free(p);
}

void path_reconfigure(struct path *p, const struct path_tuning *tuning)
{
	p->config.tuning = *tuning;
}

void path_start(struct path *p)
{
	recovery_begin(p);
}

/* What an event that waits is told; NULL: it may go on waiting. */
static const struct rule *waits_in_vain(const struct path *p, const struct request *r, micros now,
					enum refusal_kind *ret_kind)
{
	bool writing = p->state == PATH_WRITING || p->state == PATH_RECOVERING;

	*ret_kind = p->state == PATH_STANDBY && !r->hello ? REFUSAL_NOT_WRITER : REFUSAL_UNAVAILABLE;
	if (r->hello && !writing)
		return PATH(KEY_NOT_HERE);
	if (p->state == PATH_STANDBY)
		return PATH(STANDBY);
	if (p->state == PATH_STOPPED)
		return PATH(STOPPED);
	if (p->state == PATH_WITNESSES)
		return PATH(WITNESSES);
	if (now - r->received_at <= p->config.tuning.request_timeout)
		return NULL;
	return r->hello ? PATH(KEY_NOT_HERE) : PATH(DATABASE);
}

/* Events that have waited too long for the database, or for a server that no longer writes, are told so. */
static void answer_waiting(struct path *p)
{
	micros now = path_now(p);

	for (struct request *r = p->queue.first; r != NULL; r = r->next) {
		enum refusal_kind kind;
		const struct rule *why = waits_in_vain(p, r, now, &kind);
		if (why == NULL || r->stage == REQUEST_VERIFYING || r->stage == REQUEST_DEAD)
			continue;
		const struct verdict verdict = {.retry_after = MICROS_PER_SECOND};
		problem_add(&r->problems, why, "", "", "");
		answer_refusal(p, r, kind, &verdict);
		r->stage = REQUEST_DEAD;
	}
	while (p->queue.first != NULL && p->queue.first->stage == REQUEST_DEAD)
		request_give_back(p, queue_pop(&p->queue));
}

void path_tick(struct path *p)
{
	bool again = p->state == PATH_RECOVERING || p->state == PATH_STANDBY;

	if (again && !p->recovering && p->batch == NULL && path_now(p) >= p->retry_at)
		recovery_begin(p);
	if (p->cosign != NULL)
		cosign_tick(p->cosign);
	if (p->queue.n > 0)
		answer_waiting(p);
	stage_verify_flush(p);
	stage_batch(p);
	gate_check(p);
}

bool path_drained(struct path *p)
{
	p->draining = true;
	/* It is stored; what was not acknowledged is found again by who asks again. A recovery that nobody
	 * waits for is of no use either. */
	bool told = p->batch != NULL && p->cosign != NULL && cosign_told(p->cosign);
	size_t of_batch = told ? p->batch->members_n : 0;
	return p->queue.n == 0 && (p->batch == NULL || told) && !p->cosigned.storing &&
	       p->under_way == of_batch;
}

const struct path_counters *path_counters(const struct path *p)
{
	return &p->counters;
}

struct path_status path_status(const struct path *p)
{
	const struct reference *reference = registry_reference(p->registry);
	const struct calendar *calendar = reference == NULL ? NULL : reference_calendar(reference);

	struct witnesses_status witnesses = {.detail = ""};

	if (p->cosign != NULL)
		cosign_status(p->cosign, &witnesses);
	witnesses.cosigned = p->cosigned.size;
	return (struct path_status){
	    .state = p->draining ? PATH_DRAINING : p->state,
	    .head = p->head,
	    .queued = p->queue.n,
	    .under_way = p->under_way,
	    .sessions = sessions_count(p->sessions),
	    .calendar_end = calendar == NULL ? 0 : civil_day_start(calendar_last_day(calendar) + 1),
	    .reason = p->reason,
	    .witnesses = witnesses,
	};
}

struct span path_checkpoint(const struct path *p)
{
	return buffer_span(&p->checkpoint);
}

bool path_submit(struct path *p, struct span envelope, local_answer answer, void *self)
{
	struct request *r = p->state == PATH_WRITING ? request_take(p, 0, 1) : NULL;

	if (r == NULL)
		return false;
	r->bytes = arena_copy(r->arena, envelope);
	if (r->bytes.p == NULL) {
		request_give_back(p, r);
		return false;
	}
	r->answer = answer;
	r->answer_self = self;
	r->received_at = path_now(p);
	queue_push(&p->queue, r);
	stage_verify(p, r);
	return true;
}
