/* Owns what an answer consists of: rows, the checkpoint that they are under, proofs, and their encoding. */
#include "path/read.h"

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

/* False: nothing is to be proved. */
static bool plan_from(const struct read *r, uint64_t from, struct proof_plan *ret_plan)
{
	return from != 0 && from < r->size && plan_consistency(from, r->size, ret_plan);
}

static bool prove_consistency(struct read *r, void *thread, uint64_t from)
{
	struct proof_plan plan;

	if (!plan_from(r, from, &plan))
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

void read_run(struct work *w, void *thread)
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

bool read_is_at_hand(const struct read *r)
{
	const struct query *q = &r->query;
	struct proof_plan plan;

	if (r->kind != READ_WELCOME && (r->kind != READ_QUERY || q->kind != QUERY_CHECKPOINT ||
					(q->to_size != 0 && q->to_size != r->size)))
		return false;
	return !plan_from(r, q->size, &plan) || tiles_at_hand(&r->tiles, &plan);
}
