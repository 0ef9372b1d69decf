/*
 * Reads: queries, receipts of events that were accepted before, and the welcome's consistency proof. They run
 * on the reader lane over immutable rows, under the checkpoint that was the latest when they began; at once,
 * where memory has all.
 */
#include <stdlib.h>

#include "path/read.h"
#include "path/rules.h"

enum { READ_MEMORY = 64 * 1024 * 1024 };

static bool found_nothing(const struct read *r)
{
	enum query_kind kind = r->query.kind;

	return (r->kind == READ_QUERY || r->kind == READ_CALLBACK) && r->answers.n == 0 &&
	       (kind == QUERY_TRAIL || kind == QUERY_ENTRY || kind == QUERY_SUMMARY);
}

static enum refusal_kind failure(const struct read *r, const struct rule **ret_rule)
{
	if (r->result == STORE_SLOW) {
		*ret_rule = PATH(SLOW);
		return REFUSAL_LATER;
	}
	if (r->result == STORE_CORRUPT) {
		*ret_rule = PATH(DAMAGED);
		return REFUSAL_FAULT;
	}
	*ret_rule = r->result != STORE_OK ? PATH(DATABASE) : PATH(FAULT);
	return r->result != STORE_OK ? REFUSAL_UNAVAILABLE : REFUSAL_FAULT;
}

static void answer_callback(struct read *r)
{
	const struct rule *rule;
	struct read_result result = {
	    .query = &r->query,
	    .answers = r->answers,
	    .proofs = r->proofs,
	    .checkpoint = r->checkpoint,
	    .consistency = r->consistency,
	    .consistency_n = r->consistency_n,
	};

	if (r->result != STORE_OK || r->fault)
		result.refused = failure(r, &rule);
	else if (found_nothing(r))
		result.refused = REFUSAL_NOT_FOUND;
	r->answer(r->answer_self, &result);
}

static void answer_failure(struct read *r)
{
	struct path *p = r->path;
	const struct rule *rule;
	enum refusal_kind kind = failure(r, &rule);

	if (r->request != NULL) {
		struct verdict verdict = {.retry_after = MICROS_PER_SECOND};
		problem_add(&r->request->problems, rule, "", "", "");
		answer_refusal(p, r->request, kind, &verdict);
	} else {
		refuse(p, r->conn, r->id, kind, rule, "", "", "", MICROS_PER_SECOND);
	}
}

static void read_free(struct read *r)
{
	/* After a failure nothing that was to be fetched is of any worth. */
	if (r->result != STORE_OK || r->fault)
		r->tiles.n = 0;
	tiles_give_back(&r->tiles, &r->path->kept);
	buffer_free(&r->out);
	arena_free(r->arena);
	free(r);
}

static void read_done(struct work *w)
{
	struct read *r = (struct read *)w;
	struct path *p = r->path;

	p->under_way--;
	limits_read_end(p, r->key);
	if (r->result == STORE_CORRUPT)
		path_tell_damage(p);
	if (r->kind == READ_CALLBACK)
		answer_callback(r);
	else if (r->result != STORE_OK || r->fault)
		answer_failure(r);
	else if (found_nothing(r))
		refuse(p, r->conn, r->id, REFUSAL_NOT_FOUND, PATH(NOT_FOUND), "query", "", "", 0);
	else if (r->request != NULL)
		answer_frame(p, r->request, buffer_span(&r->out));
	else
		p->ports.net->send(p->ports.net->self, r->conn, buffer_span(&r->out));
	if (r->request != NULL)
		request_give_back(p, r->request);
	gate_check(p);
	read_free(r);
}

static struct read *read_new(struct path *p, enum read_kind kind, conn_id conn, uint64_t id)
{
	struct read *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->path = p;
	r->arena = arena_new(READ_MEMORY);
	if (r->arena != NULL)
		r->checkpoint = arena_copy(r->arena, buffer_span(&p->checkpoint));
	if (r->arena != NULL && p->cosigned.size > 0 && p->cosigned.size < p->head.size) {
		r->cosigned = arena_copy(r->arena, buffer_span(&p->cosigned.note));
		r->cosigned_size = r->cosigned.p == NULL ? 0 : p->cosigned.size;
	}
	if (r->arena == NULL || r->checkpoint.p == NULL || !tiles_take_edge(&r->tiles, p->tree, r->arena)) {
		read_free(r);
		return NULL;
	}
	tiles_borrow(&r->tiles, &p->kept);
	r->work = (struct work){.run = read_run, .done = read_done};
	r->kind = kind;
	r->conn = conn;
	r->id = id;
	r->size = p->head.size;
	return r;
}

static void read_submit(struct read *r)
{
	r->path->under_way++;
	if (read_is_at_hand(r)) {
		read_run(&r->work, NULL);
		read_done(&r->work);
		return;
	}
	r->path->ports.reader.submit(r->path->ports.reader.self, &r->work);
}

/* The query outlives the frame it came in. */
static bool query_copy(struct arena *arena, const struct query *from, struct query *ret_query)
{
	uint64_t *numbers = arena_array(arena, from->numbers_n, sizeof(*numbers));
	struct span division = arena_copy(arena, from->division);
	struct span plate = arena_copy(arena, from->plate);
	struct span code = arena_copy(arena, from->waste_code);

	if (numbers == NULL || division.p == NULL || plate.p == NULL || code.p == NULL)
		return false;
	if (from->numbers_n > 0)
		memcpy(numbers, from->numbers, from->numbers_n * sizeof(*numbers));
	*ret_query = *from;
	ret_query->numbers = numbers;
	ret_query->division = division;
	ret_query->plate = plate;
	ret_query->waste_code = code;
	return true;
}

/* NULL: no memory, or the key has as many under way as it may. */
static struct read *read_of_query(struct path *p, enum read_kind kind, const struct query *query,
				  const struct scope *scope, key_no key)
{
	struct read *r = read_new(p, kind, 0, 0);

	if (r == NULL)
		return NULL;
	struct span division = arena_copy(r->arena, scope->division);
	if (!query_copy(r->arena, query, &r->query) || division.p == NULL || !limits_read_begin(p, key)) {
		read_free(r);
		return NULL;
	}
	r->scope = *scope;
	r->scope.division = division;
	r->key = key;
	return r;
}

static bool is_beyond(const struct path *p, const struct query *query)
{
	return query->kind == QUERY_CHECKPOINT && query->to_size > p->head.size;
}

void read_query(struct path *p, struct session *s, uint64_t id, const struct query *query)
{
	const struct key_record *key = registry_key(p->registry, &s->keyid);
	const struct scope scope = access_scope(s->role, key);

	p->counters.queries++;
	if (!access_key_good(key, path_now(p))) {
		refuse(p, s->conn, id, REFUSAL_FORBIDDEN, PATH(KEY_NOT_GOOD), "query", "", "", 0);
		return;
	}
	if (!access_allowed(s->role, query->kind)) {
		refuse(p, s->conn, id, REFUSAL_FORBIDDEN, PATH(FORBIDDEN), "query", "", "", 0);
		return;
	}
	/* Checking a receipt is never held against its owner: who spent the last token on an event still gets
	 * its proof. */
	micros wait = query->kind == QUERY_CHECKPOINT ? 0 : limits_take(p, s, 0);
	if (wait > 0) {
		refuse(p, s->conn, id, REFUSAL_LATER, PATH(RATE), "query", "", "", wait);
		return;
	}
	if (query->kind == QUERY_TOKEN) {
		access_token(p, s, id, query->seconds);
		return;
	}
	if (query->kind == QUERY_WATCH) {
		const struct frame f = {
		    .id = id, .last = true, .kind = FRAME_ANSWER, .answer = {.kind = ANSWER_END}};
		s->watching = true;
		send_frame(p, s->conn, &f);
		return;
	}
	if (is_beyond(p, query)) {
		refuse(p, s->conn, id, REFUSAL_LATER, PATH(TO_SIZE), "query.checkpoint.to_size", "", "",
		       MICROS_PER_SECOND);
		return;
	}
	struct read *r = read_of_query(p, READ_QUERY, query, &scope, s->key);
	if (r == NULL) {
		refuse(p, s->conn, id, REFUSAL_LATER, PATH(BUSY), "", "", "", MICROS_PER_SECOND);
		return;
	}
	r->conn = s->conn;
	r->id = id;
	if (query->kind == QUERY_BLOCKS)
		r->query.party = s->party;
	read_submit(r);
}

void read_repeated(struct path *p, struct request *request)
{
	struct read *r = read_new(p, READ_REPEATED, request->conn, request->id);

	if (r == NULL) {
		struct verdict verdict = {.retry_after = MICROS_PER_SECOND};
		problem_add(&request->problems, PATH(BUSY), "", "", "");
		answer_refusal(p, request, REFUSAL_LATER, &verdict);
		request_give_back(p, request);
		return;
	}
	r->request = request;
	r->query.index = request->verdict.index;
	read_submit(r);
}

void read_welcome(struct path *p, struct session *s, uint64_t id, uint64_t from_size)
{
	const struct key_record *key = registry_key(p->registry, &s->keyid);
	struct read *r = read_new(p, READ_WELCOME, s->conn, id);

	if (r == NULL) {
		p->ports.net->close(p->ports.net->self, s->conn, "no memory");
		return;
	}
	r->query.size = from_size;
	r->next_number = key == NULL ? 0 : key->contiguous + 1;
	read_submit(r);
}

bool path_read(struct path *p, const struct reader_identity *who, const struct query *query,
	       read_answer answer, void *self, enum refusal_kind *ret_refused)
{
	if (!access_allowed(who->role, query->kind)) {
		*ret_refused = REFUSAL_FORBIDDEN;
		return false;
	}
	struct read *r =
	    is_beyond(p, query) ? NULL : read_of_query(p, READ_CALLBACK, query, &who->scope, who->key);
	if (r == NULL) {
		*ret_refused = REFUSAL_LATER;
		return false;
	}
	if (query->kind == QUERY_BLOCKS)
		r->query.party = who->party;
	r->answer = answer;
	r->answer_self = self;
	p->counters.queries++;
	read_submit(r);
	return true;
}
