/*
 * Reads: queries, receipts of events that were accepted before, and the welcome's consistency proof. They run
 * on the reader lane over immutable rows, under the checkpoint that was the latest when they began.
 */
#include <stdlib.h>

#include "path/internal.h"
#include "path/rules.h"

enum { READ_MEMORY = 64 * 1024 * 1024 };
enum read_kind { READ_QUERY, READ_REPEATED, READ_WELCOME, READ_CALLBACK };

struct read {
	struct work work;
	struct path *path;
	enum read_kind kind;
	struct arena *arena;
	conn_id conn;
	uint64_t id;
	key_no key;              /* whose share it counts in; 0: nobody's */
	struct request *request; /* READ_REPEATED */
	struct query query;
	struct scope scope;
	uint64_t size; /* of the tree under the checkpoint */
	struct span checkpoint;
	uint64_t cosigned_size; /* of an older one with a quorum; 0: none */
	struct span cosigned;
	uint64_t next_number; /* READ_WELCOME */
	read_answer answer;   /* READ_CALLBACK */
	void *answer_self;
	enum store_result result;
	bool fault;
	struct answers answers;
	struct tiles tiles;
	struct span *proofs;
	struct digest *consistency;
	size_t consistency_n;
	struct buffer out;
};

static bool fetch(struct read *r, void *thread, const struct proof_plan *plans, size_t n)
{
	r->result = tiles_fetch(&r->tiles, &r->path->ports.store, thread, plans, n, r->arena);
	return r->result == STORE_OK;
}

/* The proof of an entry as text. n 0: no memory. */
static struct span inclusion(struct read *r, uint64_t index, const struct proof_plan *plan)
{
	struct digest hashes[MERKLE_PROOF_MAX];
	struct buffer text = BUFFER_EMPTY;
	struct span copy = {0};

	tiles_build(&r->tiles, plan, hashes);
	proof_put(&text, index, hashes, plan->steps_n, r->checkpoint);
	if (buffer_ok(&text))
		copy = arena_copy(r->arena, buffer_span(&text));
	buffer_free(&text);
	return copy;
}

/* The proofs of all entries answered, those at or above the checkpoint's size left out. */
static bool prove_entries(struct read *r, void *thread)
{
	struct answers *a = &r->answers;

	while (a->n > 0 && a->entries[a->n - 1].index >= r->size)
		a->n--;
	/* Who asks again wants cosignatures: rather an older checkpoint that has them, where it covers all.
	 */
	if (r->kind != READ_REPEATED && a->n > 0 && a->entries[a->n - 1].index < r->cosigned_size) {
		r->size = r->cosigned_size;
		r->checkpoint = r->cosigned;
	}
	struct proof_plan *plans = arena_array(r->arena, a->n, sizeof(*plans));
	r->proofs = arena_array(r->arena, a->n, sizeof(r->proofs[0]));
	if (plans == NULL || r->proofs == NULL)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!plan_inclusion(a->entries[i].index, r->size, &plans[i]))
			return false;
	if (!fetch(r, thread, plans, a->n))
		return false;
	for (size_t i = 0; i < a->n; i++) {
		r->proofs[i] = inclusion(r, a->entries[i].index, &plans[i]);
		if (r->proofs[i].n == 0)
			return false;
	}
	return true;
}

static bool prove_consistency(struct read *r, void *thread, uint64_t from)
{
	struct proof_plan plan;

	if (from == 0 || from >= r->size || !plan_consistency(from, r->size, &plan))
		return true;
	r->consistency = arena_array(r->arena, plan.steps_n, sizeof(*r->consistency));
	r->consistency_n = plan.steps_n;
	if (r->consistency == NULL || !fetch(r, thread, &plan, 1))
		return false;
	tiles_build(&r->tiles, &plan, r->consistency);
	return true;
}

/* An older checkpoint: the bytes are those that were signed then, since nothing in it but size and root
 * varies. */
static bool go_back_to(struct read *r, void *thread, uint64_t size)
{
	struct path *p = r->path;
	struct buffer note = BUFFER_EMPTY;
	struct span rest = r->checkpoint;
	struct checkpoint c = {.size = size};
	struct proof_plan plan;
	struct note_key key;

	if (size == 0 || size == r->size)
		return true;
	if (size != r->cosigned_size) {
		if (!plan_root(size, &plan) || !fetch(r, thread, &plan, 1))
			return false;
		tiles_build(&r->tiles, &plan, &c.root);
		if (!span_cut(&rest, '\n', &c.origin) ||
		    !note_key_make(c.origin, NOTE_ED25519, &p->log_public, &key))
			return false;
		checkpoint_sign(&note, &c, &key, &p->config.log_key);
		r->cosigned = buffer_ok(&note) ? arena_copy(r->arena, buffer_span(&note)) : (struct span){0};
		buffer_free(&note);
	}
	r->checkpoint = r->cosigned;
	r->size = size;
	return r->checkpoint.p != NULL;
}

static bool answer_put(struct read *r, const struct answer *answer, bool last)
{
	const struct frame f = {.id = r->id, .last = last, .kind = FRAME_ANSWER, .answer = *answer};

	return frame_encode(&f, &r->out);
}

static bool encode_item(struct read *r, size_t i)
{
	struct answer answer = {0};

	switch (r->query.kind) {
	case QUERY_FLAGS:
		answer.kind = ANSWER_FLAG;
		answer.flag = r->answers.flags[i];
		break;
	case QUERY_TRAIL:
	case QUERY_ENTRY:
		answer.kind = ANSWER_ENTRY;
		answer.entry = (struct receipt){.entry = r->answers.entries[i].entry,
						.index = r->answers.entries[i].index,
						.proof = r->proofs[i]};
		break;
	case QUERY_SEARCH:
		answer.kind = ANSWER_MANIFEST;
		answer.manifest = r->answers.manifests[i];
		break;
	case QUERY_SUMMARY:
		answer.kind = ANSWER_SUMMARY;
		answer.summary = r->answers.summary[i];
		break;
	case QUERY_BLOCKS:
		answer.kind = ANSWER_BLOCK;
		answer.block = r->answers.blocks[i];
		break;
	case QUERY_CHECKPOINT:
	case QUERY_TOKEN:
	case QUERY_WATCH: break;
	}
	return answer_put(r, &answer, false);
}

static bool encode_answers(struct read *r)
{
	struct answer answer = {0};

	if (r->query.kind == QUERY_CHECKPOINT) {
		answer.kind = ANSWER_CHECKPOINT;
		answer.checkpoint.checkpoint = r->checkpoint;
		answer.checkpoint.consistency = r->consistency;
		answer.checkpoint.consistency_n = r->consistency_n;
		return answer_put(r, &answer, true);
	}
	for (size_t i = 0; i < r->answers.n; i++)
		if (!encode_item(r, i))
			return false;
	answer.kind = ANSWER_END;
	answer.end.next = r->answers.next;
	answer.end.count = (uint32_t)r->answers.n;
	return answer_put(r, &answer, true);
}

static bool encode_welcome(struct read *r)
{
	const struct frame f = {
	    .id = r->id,
	    .last = true,
	    .kind = FRAME_WELCOME,
	    .welcome = {.checkpoint = r->checkpoint,
			.consistency = r->consistency,
			.consistency_n = r->consistency_n,
			.next_number = r->next_number,
			.max_frame = FRAME_MAX,
			.server_time = path_now(r->path)},
	};

	return frame_encode(&f, &r->out);
}

static bool encode_repeated(struct read *r)
{
	if (r->answers.n != 1)
		return false;
	const struct frame f = {
	    .id = r->id,
	    .last = true,
	    .kind = FRAME_RECEIPT,
	    .receipt = {.entry = r->answers.entries[0].entry,
			.index = r->answers.entries[0].index,
			.proof = r->proofs[0],
			.repeated = true},
	};

	return frame_encode(&f, &r->out);
}

static void read_rows(struct read *r, void *thread)
{
	const struct store_port *store = &r->path->ports.store;
	struct entry_view *entry = NULL;

	if (r->kind == READ_REPEATED) {
		entry = arena_alloc(r->arena, sizeof(*entry));
		r->fault = entry == NULL;
		if (r->fault)
			return;
		r->result = store->entries(thread, &r->query.index, 1, r->arena, entry);
		r->answers = (struct answers){.entries = entry, .n = 1};
	} else if (r->kind != READ_WELCOME && r->query.kind != QUERY_CHECKPOINT) {
		r->result = store->query(thread, &r->query, &r->scope, r->arena, &r->answers);
	}
}

static void read_run(struct work *w, void *thread)
{
	struct read *r = (struct read *)w;
	bool entries =
	    r->kind == READ_REPEATED || r->query.kind == QUERY_TRAIL || r->query.kind == QUERY_ENTRY;

	r->result = STORE_OK;
	read_rows(r, thread);
	if (r->result != STORE_OK || r->fault)
		return;
	bool good =
	    entries ? prove_entries(r, thread)
		    : go_back_to(r, thread, r->query.to_size) && prove_consistency(r, thread, r->query.size);
	if (good && r->kind == READ_QUERY)
		good = encode_answers(r);
	else if (good && r->kind == READ_WELCOME)
		good = encode_welcome(r);
	else if (good && r->kind == READ_REPEATED)
		good = encode_repeated(r);
	r->fault = !good && r->result == STORE_OK;
}

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
	buffer_free(&r->out);
	arena_free(r->arena);
	free(r);
}

static struct read *read_new(struct path *p, enum read_kind kind, conn_id conn, uint64_t id)
{
	struct read *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->arena = arena_new(READ_MEMORY);
	if (r->arena != NULL)
		r->checkpoint = arena_copy(r->arena, buffer_span(&p->checkpoint));
	if (r->arena != NULL && p->cosigned.size > 0 && p->cosigned.size < p->head.size) {
		r->cosigned = arena_copy(r->arena, buffer_span(&p->cosigned.note));
		r->cosigned_size = r->cosigned.p == NULL ? 0 : p->cosigned.size;
	}
	if (r->arena == NULL || r->checkpoint.p == NULL || !tiles_take_edge(&r->tiles, p->tree, r->arena)) {
		arena_free(r->arena);
		free(r);
		return NULL;
	}
	r->work = (struct work){.run = read_run, .done = read_done};
	r->path = p;
	r->kind = kind;
	r->conn = conn;
	r->id = id;
	r->size = p->head.size;
	return r;
}

static void read_submit(struct read *r)
{
	r->path->under_way++;
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
		arena_free(r->arena);
		free(r);
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
	const struct scope scope = access_scope(s->role, &s->party, access_division(key));

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
