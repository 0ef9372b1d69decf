/* The devices' side of the rig: what they say, and what they make of the answers. */
#include "rig.h"

conn_id rig_open(struct rig *r)
{
	conn_id conn = ++r->conns_n;

	MUST(conn < CONNS_MAX);
	r->conns[conn] = (struct rig_conn){.open = true};
	r->sink.opened(r->sink.self, conn, "127.0.0.1");
	return conn;
}

void rig_close(struct rig *r, conn_id conn)
{
	r->conns[conn].open = false;
	r->sink.closed(r->sink.self, conn);
}

void rig_send(struct rig *r, conn_id conn, const struct frame *frame)
{
	struct buffer bytes = BUFFER_EMPTY;

	MUST(frame_encode(frame, &bytes));
	struct span all = buffer_span(&bytes);
	r->sink.frame(r->sink.self, conn, span_of(all.p + FRAME_HEAD, all.n - FRAME_HEAD));
	buffer_free(&bytes);
}

struct hello rig_hello(const struct rig *r, conn_id conn, enum device device, enum role role)
{
	return (struct hello){.nonce = r->conns[conn].nonce,
			      .binding = r->net.binding,
			      .role = role,
			      .keyid = r->w->devices[device].keyid,
			      .agent = span_str("rig/1")};
}

void rig_say_hello(struct rig *r, conn_id conn, enum device device, const struct hello *hello)
{
	struct buffer payload = BUFFER_EMPTY, pae = BUFFER_EMPTY, bytes = BUFFER_EMPTY;
	struct envelope envelope = {.payload_type = span_str(HELLO_PAYLOAD_TYPE), .signatures_n = 1};

	MUST(hello_encode(hello, &payload));
	envelope.payload = buffer_span(&payload);
	envelope_pae(&envelope, &pae);
	envelope.signatures[0] =
	    (struct envelope_signature){sign(&r->w->devices[device].secret, buffer_span(&pae)), hello->keyid};
	MUST(envelope_encode(&envelope, &bytes));
	const struct frame f = {.id = 1, .last = true, .kind = FRAME_HELLO, .hello = buffer_span(&bytes)};
	rig_send(r, conn, &f);
	buffer_free(&payload);
	buffer_free(&pae);
	buffer_free(&bytes);
}

conn_id rig_connect(struct rig *r, enum device device, enum role role)
{
	conn_id conn = rig_open(r);
	struct hello hello = rig_hello(r, conn, device, role);

	rig_say_hello(r, conn, device, &hello);
	rig_drain(r);
	if (!r->conns[conn].greeted)
		(void)fprintf(stderr, "%s; %s\n", rig_words(r, conn, 1), r->last_notice);
	MUST(r->conns[conn].greeted && rig_count(r, conn, FRAME_WELCOME) == 1);
	return conn;
}

void rig_submit(struct rig *r, conn_id conn, uint64_t id, const struct signed_event *e)
{
	const struct frame f = {.id = id, .last = true, .kind = FRAME_SUBMIT, .submit = e->envelope};

	rig_send(r, conn, &f);
}

void rig_query(struct rig *r, conn_id conn, uint64_t id, const struct query *q)
{
	const struct frame f = {.id = id, .last = true, .kind = FRAME_QUERY, .query = *q};

	rig_send(r, conn, &f);
}

const struct signed_event *rig_enrolment(struct rig *r)
{
	struct event e = world_event(r->w, EVENT_KEY_ENROLLED);

	e.key_enrolled = (struct key_enrolled){.key = r->w->devices[NEW_DEVICE].public,
					       .party = world_party(GENERATOR),
					       .role = ROLE_GENERATOR,
					       .device = span_str("second terminal"),
					       .valid_from = r->w->now};
	return SIGN(r->w, &e, REGISTRAR, NEW_DEVICE);
}

const struct signed_event *rig_issue(struct rig *r, uint64_t number)
{
	struct event e = world_issued(r->w, number);

	return SIGN(r->w, &e, GENERATOR);
}

void rig_fail_next(struct rig *r, enum fake_call call, enum fake_fault fault, unsigned times)
{
	r->store->script[call].fault = fault;
	r->store->script[call].times = times;
}

void rig_seconds(struct rig *r, int n)
{
	for (int i = 0; i < n; i++) {
		r->now += MICROS_PER_SECOND;
		rig_settle(r);
	}
}

const struct frame *rig_answer(const struct rig *r, conn_id conn, uint64_t id)
{
	for (size_t i = r->frames_n; i-- > 0;) {
		const struct rig_frame *f = &r->frames[i];
		if (f->conn == conn && f->frame.id == id && f->frame.last)
			return &f->frame;
	}
	return NULL;
}

size_t rig_count(const struct rig *r, conn_id conn, enum frame_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < r->frames_n; i++)
		n += r->frames[i].conn == conn && r->frames[i].frame.kind == kind;
	return n;
}

bool rig_accepted(const struct rig *r, conn_id conn, uint64_t id)
{
	const struct frame *f = rig_answer(r, conn, id);

	return f != NULL && f->kind == FRAME_RECEIPT;
}

bool rig_refused(const struct rig *r, conn_id conn, uint64_t id, enum refusal_kind kind, const char *rule)
{
	const struct frame *f = rig_answer(r, conn, id);

	if (f == NULL || f->kind != FRAME_REFUSAL || f->refusal.kind != kind)
		return false;
	for (size_t i = 0; i < f->refusal.problems_n && rule != NULL; i++)
		if (span_eq_str(f->refusal.problems[i].rule, rule))
			return true;
	return rule == NULL;
}

const char *rig_words(const struct rig *r, conn_id conn, uint64_t id)
{
	const struct frame *f = rig_answer(r, conn, id);

	if (f == NULL)
		return "no answer";
	if (f->kind != FRAME_REFUSAL)
		return arena_printf(r->arena, "frame of kind %d", f->kind);
	const char *text = arena_printf(r->arena, "refused as %d", f->refusal.kind);
	for (size_t i = 0; i < f->refusal.problems_n; i++) {
		const struct problem_view *v = &f->refusal.problems[i];
		text = arena_printf(r->arena, "%s\n%.*s at '%.*s': %.*s", text, SPAN_ARG(v->rule),
				    SPAN_ARG(v->path), SPAN_ARG(v->found));
	}
	return text;
}

bool rig_receipt_holds(const struct rig *r, const struct receipt *receipt)
{
	struct receipt_facts facts;

	if (receipt_verify(receipt->proof, receipt->entry, span_str(RIG_ORIGIN), &r->log_key, &facts) !=
		LOG_HOLDS ||
	    facts.index != receipt->index || facts.checkpoint.size > r->store->entries_n)
		return false;
	struct digest root = fake_store_root(r->store, facts.checkpoint.size);
	return digest_eq(&root, &facts.checkpoint.root) &&
	       span_eq(receipt->entry, r->store->entries[receipt->index].bytes);
}
