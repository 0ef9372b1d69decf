/* Who is let in, and what who may ask. */
#include <criterion/criterion.h>

#include "core/checkpoint.h"
#include "rig.h"

/* ---- hello ---- */

Test(hello, the_challenge_names_the_log)
{
	struct rig *r = rig_writing();
	conn_id a = rig_open(r), b = rig_open(r);

	cr_assert_eq(rig_count(r, a, FRAME_CHALLENGE), 1);
	const struct frame *f = rig_answer(r, a, 0);
	cr_assert(span_eq_str(f->challenge.origin, RIG_ORIGIN));
	cr_assert_eq(f->challenge.version, 1);
	cr_assert_eq(f->challenge.server_time, r->now);
	cr_assert_not(digest_eq(&r->conns[a].nonce, &r->conns[b].nonce));
	rig_free(r);
}

enum wrong { NOTHING, NONCE, BINDING, ROLE_SAID, KEY, SIGNATURE, REVOKED, NOT_YET };

static void refused_hello(enum wrong wrong, const char *rule)
{
	struct world *w = world_new();
	if (wrong == REVOKED) {
		struct event e = world_event(w, EVENT_KEY_REVOKED);
		e.key_revoked = (struct key_revoked){w->devices[HAULER].keyid, w->now, span_str("lost")};
		(void)world_accept(w, SIGN(w, &e, REGISTRAR));
		w->now++;
	}
	struct rig *r = rig_new(w);
	rig_start(r);
	rig_settle(r);
	if (wrong == NOT_YET)
		r->now -= INT64_C(200) * 86400 * MICROS_PER_SECOND;
	conn_id conn = rig_open(r);
	struct hello hello = rig_hello(r, conn, HAULER, ROLE_TRANSPORTER);
	hello.nonce.b[0] ^= wrong == NONCE;
	hello.binding.b[0] ^= wrong == BINDING;
	if (wrong == ROLE_SAID)
		hello.role = ROLE_AUDITOR;
	if (wrong == KEY)
		hello.keyid = w->devices[NEW_DEVICE].keyid;
	rig_say_hello(r, conn, wrong == SIGNATURE ? GENERATOR : HAULER, &hello);
	rig_drain(r);
	if (wrong == NOTHING) {
		cr_assert_eq(rig_count(r, conn, FRAME_WELCOME), 1);
	} else {
		cr_assert(rig_refused(r, conn, 1, REFUSAL_SIGNATURE, rule), "%d: %s", wrong,
			  rig_words(r, conn, 1));
		cr_assert(r->conns[conn].closed_by_path != NULL && !r->conns[conn].greeted &&
			  path_counters(r->path)->hellos_refused == 1);
	}
	cr_assert_eq(path_status(r->path).under_way, 0);
	rig_free(r);
}

Test(hello, is_refused_with_the_rule_it_breaks)
{
	refused_hello(NOTHING, NULL);
	refused_hello(NONCE, "connection.nonce");
	refused_hello(BINDING, "connection.binding");
	refused_hello(ROLE_SAID, "connection.role");
	refused_hello(KEY, "key.not_enrolled");
	refused_hello(SIGNATURE, "signature");
	refused_hello(REVOKED, "key.not_good");
	refused_hello(NOT_YET, "key.not_good");
}

Test(hello, that_cannot_be_read_is_refused_field_by_field)
{
	struct rig *r = rig_writing();
	conn_id conn = rig_open(r);
	const struct frame f = {.id = 1, .last = true, .kind = FRAME_HELLO, .hello = span_str("nonsense")};

	rig_send(r, conn, &f);
	rig_drain(r);
	cr_assert(rig_refused(r, conn, 1, REFUSAL_MALFORMED, NULL), "%s", rig_words(r, conn, 1));
	cr_assert_str_eq(r->conns[conn].closed_by_path, "hello refused");
	rig_free(r);
}

Test(hello, is_said_once)
{
	struct rig *r = rig_writing();
	conn_id conn = rig_open(r);
	struct hello hello = rig_hello(r, conn, GENERATOR, ROLE_GENERATOR);

	rig_say_hello(r, conn, GENERATOR, &hello);
	const struct frame second = {.id = 2, .last = true, .kind = FRAME_HELLO, .hello = span_str("x")};
	rig_send(r, conn, &second);
	cr_assert(rig_refused(r, conn, 2, REFUSAL_FORBIDDEN, "connection.hello_once"), "%s",
		  rig_words(r, conn, 2));
	rig_drain(r);
	cr_assert_eq(rig_count(r, conn, FRAME_WELCOME), 1);
	const struct frame third = {.id = 3, .last = true, .kind = FRAME_HELLO, .hello = span_str("x")};
	rig_send(r, conn, &third);
	cr_assert(rig_refused(r, conn, 3, REFUSAL_FORBIDDEN, "connection.hello_once"));
	rig_free(r);
}

Test(hello, comes_before_everything)
{
	struct rig *r = rig_writing();
	const struct frame frames[] = {
	    {.id = 5, .last = true, .kind = FRAME_SUBMIT, .submit = span_str("x")},
	    {.id = 5, .last = true, .kind = FRAME_QUERY, .query = {.kind = QUERY_CHECKPOINT}},
	    {.id = 5, .kind = FRAME_PING},
	};

	for (size_t i = 0; i < ARRAY_LEN(frames); i++) {
		conn_id conn = rig_open(r);
		rig_send(r, conn, &frames[i]);
		cr_assert(rig_refused(r, conn, 5, REFUSAL_FORBIDDEN, "connection.hello_first"));
		cr_assert_str_eq(r->conns[conn].closed_by_path, "spoke before hello");
	}
	cr_assert_eq(path_status(r->path).under_way, 0);
	rig_free(r);
}

Test(hello, of_a_connection_that_is_gone_is_forgotten)
{
	struct rig *r = rig_writing();
	conn_id conn = rig_open(r);
	struct hello hello = rig_hello(r, conn, GENERATOR, ROLE_GENERATOR);

	rig_say_hello(r, conn, GENERATOR, &hello);
	rig_close(r, conn);
	rig_drain(r);
	cr_assert_not(r->conns[conn].greeted);
	cr_assert_eq(path_counters(r->path)->hellos, 0);
	cr_assert_eq(path_status(r->path).under_way, 0);
	rig_free(r);
}

Test(hello, waits_until_something_is_known)
{
	struct rig *r = rig_new(world_new());

	/* Nobody is shown a challenge of no log: a client would take it for another log's. */
	rig_start(r);
	conn_id early = rig_open(r);
	cr_assert_eq(rig_count(r, early, FRAME_CHALLENGE), 0);
	cr_assert_str_eq(r->conns[early].closed_by_path, "not ready");
	rig_crash(r);
	r->config.origin = RIG_ORIGIN;
	rig_start(r);
	conn_id conn = rig_open(r);
	struct hello hello = rig_hello(r, conn, GENERATOR, ROLE_GENERATOR);
	rig_say_hello(r, conn, GENERATOR, &hello);
	cr_assert(rig_refused(r, conn, 1, REFUSAL_UNAVAILABLE, "server.database"));
	cr_assert_str_eq(r->conns[conn].closed_by_path, "not ready");
	rig_free(r);
}

Test(hello, the_welcome_proves_consistency_with_what_the_client_saw)
{
	struct rig *r = rig_writing();
	uint64_t size = r->store->head.size;

	for (uint64_t from = 0; from <= size + 1; from++) {
		conn_id conn = rig_open(r);
		struct hello hello = rig_hello(r, conn, GENERATOR, ROLE_GENERATOR);
		struct checkpoint to;
		hello.size = from;
		rig_say_hello(r, conn, GENERATOR, &hello);
		rig_drain(r);
		const struct frame *f = rig_answer(r, conn, 1);
		cr_assert(f != NULL && f->kind == FRAME_WELCOME);
		cr_assert_eq(f->welcome.next_number, r->w->devices[GENERATOR].number + 1);
		cr_assert_eq(checkpoint_open(f->welcome.checkpoint, span_str(RIG_ORIGIN), &r->log_key, &to),
			     LOG_HOLDS);
		cr_assert_eq(to.size, size);
		if (from <= size) {
			const struct checkpoint seen = {to.origin, from, fake_store_root(r->store, from)};
			cr_assert_eq(
			    checkpoint_follows(&seen, &to, f->welcome.consistency, f->welcome.consistency_n),
			    LOG_HOLDS, "from %llu", (unsigned long long)from);
		}
		rig_close(r, conn);
	}
	rig_free(r);
}

/* ---- queries ---- */

static const struct asker {
	enum device device;
	enum role role;
	const char *division; /* of the scope */
	bool all;
} askers[] = {
    {GENERATOR, ROLE_GENERATOR, "", false},       {HAULER, ROLE_TRANSPORTER, "", false},
    {FACILITY, ROLE_FACILITY, "", false},         {REGISTRAR, ROLE_REGISTRAR, "", true},
    {INSPECTOR, ROLE_INSPECTOR, "210106", false}, {NEW_DEVICE, ROLE_AUDITOR, "", true},
};

/* What each may ask, written down again: roles by their first letters. */
static const struct {
	enum query_kind kind;
	const char *roles;
	bool reads; /* it goes to the store */
} rights[] = {
    {QUERY_FLAGS, "GTFRIA", true},   {QUERY_TRAIL, "GTFRIA", true},       {QUERY_SEARCH, "GTFRIA", true},
    {QUERY_SUMMARY, "GTFRIA", true}, {QUERY_CHECKPOINT, "GTFRIA", false}, {QUERY_ENTRY, "GTFRIA", true},
    {QUERY_BLOCKS, "G", true},       {QUERY_TOKEN, "GTFRIA", false},      {QUERY_WATCH, "RI", false},
};

static void enrol_auditor(struct world *w)
{
	struct event e = world_event(w, EVENT_PARTY_REGISTERED);
	static const enum role role = ROLE_AUDITOR;

	e.party.party.ref = world_party(REGISTRAR);
	e.party.party.ref.site = 2;
	e.party.party.name = span_str("审计局");
	e.party.party.roles = &role;
	e.party.party.roles_n = 1;
	e.party.party.division = span_str("210100");
	e.party.party.address = span_str("沈阳市");
	e.party.party.generator_class = 1;
	e.party.party.valid_from = w->now;
	(void)world_accept(w, SIGN(w, &e, REGISTRAR));
	struct event enrolled = world_event(w, EVENT_KEY_ENROLLED);
	enrolled.key_enrolled = (struct key_enrolled){.key = w->devices[NEW_DEVICE].public,
						      .party = e.party.party.ref,
						      .role = ROLE_AUDITOR,
						      .device = span_str("desk"),
						      .valid_from = w->now};
	(void)world_accept(w, SIGN(w, &enrolled, REGISTRAR, NEW_DEVICE));
}

Test(queries, of_an_inspector_are_about_the_area_of_today)
{
	static const enum role role = ROLE_INSPECTOR;
	struct rig *r = rig_writing();
	conn_id conn = rig_connect(r, INSPECTOR, ROLE_INSPECTOR);
	conn_id registrar = rig_connect(r, REGISTRAR, ROLE_REGISTRAR);
	struct event e = world_event(r->w, EVENT_PARTY_CHANGED);

	e.party.party.ref = world_party(INSPECTOR);
	e.party.party.name = span_str("监察");
	e.party.party.roles = &role;
	e.party.party.roles_n = 1;
	e.party.party.division = span_str("210102");
	e.party.party.address = span_str("沈阳市");
	e.party.party.generator_class = 1;
	e.party.party.valid_from = r->w->now;
	e.party.reason = span_str("moved");
	rig_submit(r, registrar, 2, SIGN(r->w, &e, REGISTRAR));
	rig_settle(r);
	cr_assert(rig_accepted(r, registrar, 2), "%s", rig_words(r, registrar, 2));
	rig_query(r, conn, 2, &(struct query){.kind = QUERY_FLAGS});
	rig_drain(r);
	cr_assert_str_eq(r->store->last_division, "210102");
	rig_free(r);
}

static void check_scope(const struct rig *r, const struct asker *a)
{
	const struct scope *scope = &r->store->last_scope;

	cr_assert_eq(scope->all, a->all);
	cr_assert_str_eq(r->store->last_division, a->division);
	if (a->all || a->division[0] != '\0') {
		cr_assert_eq(scope->party, 0);
		return;
	}
	cr_assert_eq(scope->party, world_party_no(r->w, a->device));
}

Test(queries, each_role_may_ask_what_the_table_says_within_its_scope)
{
	struct world *w = world_new();
	static const uint64_t numbers[] = {NUMBER(1)};

	enrol_auditor(w);
	struct event issued = world_issued(w, NUMBER(1));
	(void)world_accept(w, SIGN(w, &issued, GENERATOR));
	struct rig *r = rig_new(w);
	rig_start(r);
	rig_settle(r);
	for (size_t i = 0; i < ARRAY_LEN(askers); i++) {
		const struct asker *a = &askers[i];
		conn_id conn = rig_connect(r, a->device, a->role);
		for (size_t k = 0; k < ARRAY_LEN(rights); k++) {
			struct query q = {.kind = rights[k].kind};
			bool may = strchr(rights[k].roles, "0GTFRIA"[a->role]) != NULL;
			unsigned calls = r->store->calls[CALL_QUERY];
			if (q.kind == QUERY_TRAIL) {
				q.numbers = numbers;
				q.numbers_n = 1;
			}
			if (q.kind == QUERY_SUMMARY)
				q.party = world_party(GENERATOR);
			if (q.kind == QUERY_TOKEN)
				q.seconds = 60;
			rig_query(r, conn, 10 + k, &q);
			rig_drain(r);
			const struct frame *f = rig_answer(r, conn, 10 + k);
			cr_assert(f != NULL);
			if (!may) {
				cr_assert(rig_refused(r, conn, 10 + k, REFUSAL_FORBIDDEN, "access.forbidden"),
					  "role %d query %d", a->role, q.kind);
				cr_assert_eq(r->store->calls[CALL_QUERY], calls);
				continue;
			}
			cr_assert_eq(f->kind, FRAME_ANSWER, "role %d query %d: %s", a->role, q.kind,
				     rig_words(r, conn, 10 + k));
			cr_assert_eq(r->store->calls[CALL_QUERY], calls + rights[k].reads);
			if (rights[k].reads)
				check_scope(r, a);
		}
	}
	cr_assert_eq(path_status(r->path).under_way, 0);
	rig_free(r);
}

Test(queries, a_trail_comes_with_proofs_and_what_is_not_there_is_said)
{
	struct rig *r = rig_writing();
	conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);
	const uint64_t number = NUMBER(1), other = NUMBER(2);
	struct query q = {.kind = QUERY_TRAIL, .numbers = &number, .numbers_n = 1};

	rig_submit(r, conn, 2, rig_issue(r, NUMBER(1)));
	rig_drain(r);
	rig_query(r, conn, 3, &q);
	q.numbers = &other;
	rig_query(r, conn, 4, &q);
	rig_drain(r);
	size_t entries = 0;
	for (size_t i = 0; i < r->frames_n; i++) {
		const struct frame *f = &r->frames[i].frame;
		if (f->id != 3 || f->answer.kind != ANSWER_ENTRY)
			continue;
		entries++;
		cr_assert_not(f->last);
		cr_assert(rig_receipt_holds(r, &f->answer.entry));
	}
	cr_assert_eq(entries, 1);
	cr_assert_eq(rig_answer(r, conn, 3)->answer.kind, ANSWER_END);
	cr_assert_eq(rig_answer(r, conn, 3)->answer.end.count, 1);
	cr_assert(rig_refused(r, conn, 4, REFUSAL_NOT_FOUND, "access.not_found"));
	rig_free(r);
}

Test(queries, a_database_that_is_away_is_no_fault_of_the_server)
{
	struct rig *r = rig_writing();
	conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);
	const uint64_t number = NUMBER(1);
	const struct query q = {.kind = QUERY_TRAIL, .numbers = &number, .numbers_n = 1};

	rig_submit(r, conn, 2, rig_issue(r, NUMBER(1)));
	rig_drain(r);
	rig_fail_next(r, CALL_QUERY, FAULT_AWAY, 1);
	rig_query(r, conn, 3, &q);
	rig_drain(r);
	cr_assert(rig_refused(r, conn, 3, REFUSAL_UNAVAILABLE, "server.database"), "%s",
		  rig_words(r, conn, 3));
	rig_free(r);
}

Test(queries, a_token_opens_what_its_key_may_see_until_it_expires)
{
	struct rig *r = rig_writing();
	conn_id conn = rig_connect(r, INSPECTOR, ROLE_INSPECTOR);
	struct reader_identity who;

	rig_query(r, conn, 2, &(struct query){.kind = QUERY_TOKEN, .seconds = 60});
	const struct token_view *token = &rig_answer(r, conn, 2)->answer.token;
	cr_assert_eq(token->expires_at, r->now + 60 * MICROS_PER_SECOND);
	cr_assert(path_token(r->path, token->token, &who));
	cr_assert_eq(who.role, ROLE_INSPECTOR);
	cr_assert(span_eq_str(who.scope.division, "210106"));
	cr_assert_not(path_token(r->path, span_str("no token"), &who));
	r->now = token->expires_at;
	cr_assert_not(path_token(r->path, token->token, &who));
	rig_free(r);
}

Test(queries, a_key_revoked_since_the_hello_asks_nothing_more)
{
	struct rig *r = rig_writing();
	conn_id conn = rig_connect(r, HAULER, ROLE_TRANSPORTER);
	conn_id registrar = rig_connect(r, REGISTRAR, ROLE_REGISTRAR);
	struct event e = world_event(r->w, EVENT_KEY_REVOKED);

	e.key_revoked = (struct key_revoked){r->w->devices[HAULER].keyid, r->now, span_str("lost")};
	rig_submit(r, registrar, 2, SIGN(r->w, &e, REGISTRAR));
	rig_drain(r);
	cr_assert(rig_accepted(r, registrar, 2), "%s", rig_words(r, registrar, 2));
	rig_query(r, conn, 2, &(struct query){.kind = QUERY_FLAGS});
	rig_drain(r);
	cr_assert(rig_refused(r, conn, 2, REFUSAL_FORBIDDEN, "key.not_good"), "%s", rig_words(r, conn, 2));
	rig_free(r);
}

/* ---- watching ---- */

Test(watch, flags_go_to_the_inspectors_of_either_end)
{
	struct rig *r = rig_writing();
	conn_id generator = rig_connect(r, GENERATOR, ROLE_GENERATOR);
	conn_id near = rig_connect(r, INSPECTOR, ROLE_INSPECTOR);
	conn_id province = rig_connect(r, PROVINCE_INSPECTOR, ROLE_INSPECTOR);
	conn_id far = rig_connect(r, FAR_INSPECTOR, ROLE_INSPECTOR);
	conn_id registrar = rig_connect(r, REGISTRAR, ROLE_REGISTRAR);
	conn_id silent = rig_connect(r, INSPECTOR, ROLE_INSPECTOR);
	const conn_id watchers[] = {near, province, far, registrar};

	for (size_t i = 0; i < ARRAY_LEN(watchers); i++)
		rig_query(r, watchers[i], 2, &(struct query){.kind = QUERY_WATCH});
	rig_submit(r, generator, 2, rig_issue(r, NUMBER(1)));
	rig_settle(r);
	r->now += 3 * 86400 * MICROS_PER_SECOND;
	rig_settle(r);
	cr_assert_eq(rig_count(r, near, FRAME_PUSH), 1);
	cr_assert_eq(rig_count(r, province, FRAME_PUSH), 1);
	cr_assert_eq(rig_count(r, registrar, FRAME_PUSH), 1);
	cr_assert_eq(rig_count(r, far, FRAME_PUSH), 0);
	cr_assert_eq(rig_count(r, silent, FRAME_PUSH), 0);
	for (size_t i = 0; i < r->frames_n; i++) {
		const struct frame *f = &r->frames[i].frame;
		if (f->kind != FRAME_PUSH)
			continue;
		cr_assert_eq(f->id, 0);
		cr_assert_eq(f->push.kind, FLAG_NOT_COLLECTED);
		cr_assert_eq(f->push.number, NUMBER(1));
		cr_assert(span_eq_str(f->push.division, "210106"));
	}
	cr_assert_eq(path_counters(r->path)->flags_raised[FLAG_NOT_COLLECTED], 1);
	cr_assert_eq(path_counters(r->path)->server_events, 1);
	rig_free(r);
}
