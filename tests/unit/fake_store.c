/* The functions that read; what is kept, and the commit, are in fake_commit.c. */
#include "fake_store.h"

#include "core/tree.h"
#include "fake_commit.h"
#include "samples.h"

uint64_t seed_next(uint64_t *seed, uint64_t below)
{
	uint64_t x = *seed += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (x ^ (x >> 31)) % below;
}

/* ---- faults ---- */

static enum fake_fault from_seed(struct fake_store *s, enum fake_call call)
{
	static const enum fake_fault of_commit[] = {FAULT_AWAY, FAULT_LOST, FAULT_LOST_STORED, FAULT_DATA};

	/* The commit is where most can go wrong. */
	if (s->per_mille == 0 || seed_next(&s->seed, 1000) >= s->per_mille * (call == CALL_COMMIT ? 3 : 1))
		return FAULT_NONE;
	if (call == CALL_COMMIT)
		return of_commit[seed_next(&s->seed, ARRAY_LEN(of_commit))];
	return call == CALL_HIGH_WATER_READ ? FAULT_NONE : FAULT_AWAY;
}

enum fake_fault fake_fault(struct fake_conn *c, enum fake_call call)
{
	struct fake_store *s = c->store;
	enum fake_fault fault;

	s->calls[call]++;
	/* Whoever was told that the connection may be gone recovers before anything else. */
	MUST(!c->writer || c->recovered || call == CALL_RECOVER);
	if (s->script[call].times > 0) {
		s->script[call].times--;
		fault = s->script[call].fault;
	} else {
		fault = from_seed(s, call);
	}
	s->failed[call] += fault != FAULT_NONE;
	if (fault == FAULT_AWAY || fault == FAULT_LOST || fault == FAULT_LOST_STORED)
		c->recovered = false;
	return fault;
}

enum store_result fake_result(enum fake_fault fault)
{
	static const enum store_result results[] = {
	    [FAULT_NONE] = STORE_OK,      [FAULT_AWAY] = STORE_UNAVAILABLE,
	    [FAULT_LOST] = STORE_UNKNOWN, [FAULT_LOST_STORED] = STORE_UNKNOWN,
	    [FAULT_DATA] = STORE_DATA,    [FAULT_CORRUPT] = STORE_CORRUPT,
	    [FAULT_SLOW] = STORE_SLOW,
	};

	return results[fault];
}

#define FAIL_OR_GO_ON(conn, call)                                                                            \
	do {                                                                                                 \
		enum fake_fault fault_ = fake_fault(conn, call);                                             \
		if (fault_ != FAULT_NONE)                                                                    \
			return fake_result(fault_);                                                          \
	} while (0)

static const char *error(const void *conn)
{
	(void)conn;
	return "the fake database is away";
}

/* ---- recovery ---- */

static micros gap_since(const struct fake_store *s, size_t first)
{
	micros since = 0;

	for (size_t i = first; i < s->numbers_n && s->numbers[i].key == s->numbers[first].key; i++) {
		micros at = s->entries[s->numbers[i].index].accepted_at;
		if (since == 0 || at < since)
			since = at;
	}
	return since;
}

static bool report_numbers(const struct fake_store *s, const struct recovery_sink *sink)
{
	for (size_t i = 0; i < s->numbers_n;) {
		const struct loaded_number *first = &s->numbers[i];
		uint64_t last = first->number;
		size_t k = i + 1;
		while (k < s->numbers_n && s->numbers[k].key == first->key &&
		       s->numbers[k].number - last <= 1)
			last = s->numbers[k++].number;
		if (!sink->numbers(sink->self, first->key, first->number, last,
				   first->number == 1 ? 0 : gap_since(s, i)))
			return false;
		i = k;
	}
	return true;
}

static bool read_level(const struct fake_store *s, uint8_t level, uint64_t first, size_t n,
		       struct digest *ret_hashes)
{
	for (size_t i = 0; i < n; i++) {
		if (level == 0 && first + i < s->entries_n) {
			ret_hashes[i] = s->entries[first + i].leaf;
			continue;
		}
		const struct fake_tile *found = NULL;
		for (size_t k = 0; k < s->tiles_n && found == NULL; k++)
			if (s->tiles[k]->level + 1 == level && s->tiles[k]->n == first + i)
				found = s->tiles[k];
		if (found == NULL)
			return false;
		ret_hashes[i] = found->root;
	}
	return true;
}

static bool report_edge(const struct fake_store *s, const struct recovery_sink *sink)
{
	struct tree_need needs[TILE_LEVELS];
	struct digest hashes[TILE_WIDTH];

	tree_needs(s->head.size, needs);
	for (unsigned l = 0; l < TILE_LEVELS; l++) {
		if (needs[l].count == 0)
			continue;
		MUST(read_level(s, (uint8_t)l, needs[l].first, needs[l].count, hashes));
		if (!sink->hashes(sink->self, (uint8_t)l, needs[l].first, hashes, needs[l].count))
			return false;
	}
	return true;
}

static enum store_result recover(void *conn, const struct recovery_sink *sink, struct log_head *ret_head,
				 struct span *ret_checkpoint, struct arena *arena)
{
	struct fake_conn *c = conn;
	struct fake_store *s = c->store;

	FAIL_OR_GO_ON(c, CALL_RECOVER);
	if (!s->leased_away && !c->recovered)
		s->head.epoch++;
	c->recovered = true;
	if (s->leased_away && sink->known != NULL && log_head_eq(sink->known, &s->head)) {
		*ret_head = s->head;
		return STORE_DEPOSED;
	}
	s->read_whole++;
	for (enum reference_kind kind = REFERENCE_WASTE_CODES; kind <= REFERENCE_CALENDAR; kind++)
		if (!sink->reference(sink->self, kind, span_str(fake_files[kind].edition), s->files[kind]))
			return STORE_UNAVAILABLE;
	for (size_t i = 0; i < s->entries_n; i++)
		if (s->entries[i].registry && !sink->entry(sink->self, i, s->entries[i].bytes))
			return STORE_UNAVAILABLE;
	if (!report_numbers(s, sink) || (s->cosigned.n > 0 && !sink->cosigned(sink->self, s->cosigned)) ||
	    !report_edge(s, sink))
		return STORE_UNAVAILABLE;
	*ret_head = s->head;
	*ret_checkpoint = arena_copy(arena, s->checkpoint);
	return s->leased_away ? STORE_DEPOSED : STORE_OK;
}

static enum store_result cosigned(void *conn, uint64_t size, struct span note)
{
	struct fake_conn *c = conn;
	struct fake_store *s = c->store;

	FAIL_OR_GO_ON(c, CALL_COSIGNED);
	if (size <= s->cosigned_size)
		return STORE_OK;
	s->cosigned = arena_copy(s->arena, note);
	MUST(s->cosigned.p != NULL);
	s->cosigned_size = size;
	return STORE_OK;
}

static enum store_result reference(void *conn, enum reference_kind kind, struct span edition,
				   struct arena *arena, struct span *ret_file)
{
	struct fake_conn *c = conn;

	FAIL_OR_GO_ON(c, CALL_REFERENCE);
	*ret_file = (struct span){0};
	if (span_eq_str(edition, fake_files[kind].edition))
		*ret_file = arena_copy(arena, c->store->files[kind]);
	return STORE_OK;
}

static enum store_result high_water_read(void *conn, struct log_head *ret_head)
{
	struct fake_conn *c = conn;

	FAIL_OR_GO_ON(c, CALL_HIGH_WATER_READ);
	*ret_head = c->store->high_water;
	return STORE_OK;
}

static bool high_water(void *conn, const struct log_head *head)
{
	struct fake_conn *c = conn;
	struct log_head *high = &c->store->high_water;

	/* A file of its own: the connection to the database stays as it is. */
	bool recovered = c->recovered;
	enum fake_fault fault = fake_fault(c, CALL_HIGH_WATER);
	c->recovered = recovered;
	if (fault != FAULT_NONE || head->size < high->size ||
	    (head->size == high->size && !digest_eq(&head->root, &high->root)))
		return false;
	*high = *head;
	return true;
}

/* ---- what a batch reads ---- */

static size_t load_manifests(const struct fake_store *s, const struct needs *needs, struct manifest *to)
{
	size_t n = 0;

	for (size_t i = 0; i < s->manifests_n; i++)
		for (size_t k = 0; k < needs->manifests_n; k++)
			if (s->manifests[i].number == needs->manifests[k]) {
				MUST(manifest_decode(s->manifests[i].body, &to[n++]));
				break;
			}
	return n;
}

static size_t load_flags(const struct fake_store *s, const struct needs *needs, struct loaded_flag *to)
{
	size_t n = 0;

	for (size_t i = 0; i < s->flags_n; i++)
		for (size_t k = 0; k < needs->flags_n; k++) {
			const struct fake_flag *f = &s->flags[i];
			if (f->flag == needs->flags[k])
				to[n++] = (struct loaded_flag){f->flag,
							       f->kind,
							       f->number,
							       f->open,
							       span_str(f->division_generator),
							       span_str(f->division_facility)};
		}
	return n;
}

static size_t load_numbers(const struct fake_store *s, const struct needs *needs, struct loaded_number *to)
{
	size_t n = 0;

	for (size_t i = 0; i < s->numbers_n; i++)
		for (size_t k = 0; k < needs->numbers_n; k++)
			if (needs->numbers[k].key == s->numbers[i].key &&
			    needs->numbers[k].number == s->numbers[i].number) {
				to[n++] = s->numbers[i];
				break;
			}
	return n;
}

static enum store_result load(void *conn, const struct needs *needs, struct arena *arena,
			      struct loaded *ret_loaded)
{
	struct fake_conn *c = conn;
	struct fake_store *s = c->store;

	FAIL_OR_GO_ON(c, CALL_LOAD);
	struct manifest *manifests = arena_array(arena, needs->manifests_n, sizeof(*manifests));
	struct loaded_number *numbers =
	    arena_array(arena, needs->numbers_n == 0 ? 0 : s->numbers_n, sizeof(*numbers));
	struct loaded_flag *flags = arena_array(arena, needs->flags_n, sizeof(*flags));
	if (manifests == NULL || numbers == NULL || flags == NULL)
		return STORE_UNAVAILABLE;
	*ret_loaded = (struct loaded){
	    .manifests = manifests,
	    .manifests_n = load_manifests(s, needs, manifests),
	    .numbers = numbers,
	    .numbers_n = load_numbers(s, needs, numbers),
	    .flags = flags,
	    .flags_n = load_flags(s, needs, flags),
	};
	return STORE_OK;
}

static enum store_result due(void *conn, micros now, size_t limit, struct arena *arena,
			     uint64_t **ret_numbers, size_t *ret_n)
{
	struct fake_conn *c = conn;
	struct fake_store *s = c->store;

	FAIL_OR_GO_ON(c, CALL_DUE);
	*ret_numbers = arena_array(arena, limit, sizeof(uint64_t));
	*ret_n = 0;
	if (*ret_numbers == NULL)
		return STORE_UNAVAILABLE;
	for (size_t i = 0; i < s->manifests_n && *ret_n < limit; i++)
		if (s->manifests[i].due_at != 0 && s->manifests[i].due_at <= now)
			(*ret_numbers)[(*ret_n)++] = s->manifests[i].number;
	return STORE_OK;
}

static enum store_result open_manifests(void *conn, uint64_t after, size_t limit, struct arena *arena,
					uint64_t **ret_numbers, size_t *ret_n)
{
	struct fake_conn *c = conn;
	struct fake_store *s = c->store;

	FAIL_OR_GO_ON(c, CALL_OPEN_MANIFESTS);
	*ret_numbers = arena_array(arena, limit, sizeof(uint64_t));
	*ret_n = 0;
	if (*ret_numbers == NULL)
		return STORE_UNAVAILABLE;
	for (size_t i = 0; i < s->manifests_n && *ret_n < limit; i++)
		if (!s->manifests[i].closed && s->manifests[i].number > after)
			(*ret_numbers)[(*ret_n)++] = s->manifests[i].number;
	return STORE_OK;
}

/* ---- reads ---- */

static struct entry_view entry_at(const struct fake_store *s, uint64_t index)
{
	MUST(index < s->entries_n);
	return (struct entry_view){index, s->entries[index].bytes};
}

static void answer_entries(const struct fake_store *s, const struct query *q, struct arena *arena,
			   struct answers *a)
{
	struct entry_view *views = arena_array(arena, s->entries_n, sizeof(*views));

	MUST(views != NULL);
	a->entries = views;
	for (size_t i = 0; i < s->entries_n; i++)
		if (q->kind == QUERY_ENTRY ? i == q->index : s->entries[i].number == q->numbers[0])
			views[a->n++] = entry_at(s, i);
}

/* One row, whoever asks for what: the test looks at the scope. */
static void answer_sample(enum query_kind kind, struct arena *arena, struct answers *a)
{
	static const enum answer_kind kinds[] = {[QUERY_FLAGS] = ANSWER_FLAG,
						 [QUERY_SEARCH] = ANSWER_MANIFEST,
						 [QUERY_BLOCKS] = ANSWER_BLOCK,
						 [QUERY_SUMMARY] = ANSWER_SUMMARY};
	struct frame *f = arena_alloc(arena, sizeof(*f));

	MUST(f != NULL);
	for (size_t i = 0; i < sample_frames_n; i++) {
		*f = sample_frame(i);
		if (f->kind == FRAME_ANSWER && f->answer.kind == kinds[kind])
			break;
	}
	MUST(f->answer.kind == kinds[kind]);
	*a = (struct answers){.flags = &f->answer.flag,
			      .manifests = &f->answer.manifest,
			      .summary = &f->answer.summary,
			      .blocks = &f->answer.block,
			      .n = 1};
}

static enum store_result query(void *conn, const struct query *q, const struct scope *scope,
			       struct arena *arena, struct answers *ret_answers)
{
	struct fake_conn *c = conn;
	struct fake_store *s = c->store;

	FAIL_OR_GO_ON(c, CALL_QUERY);
	s->last_query = *q;
	s->last_scope = *scope;
	MUST(scope->division.n == 0 || scope->division.n == 6);
	memset(s->last_division, 0, sizeof(s->last_division));
	memcpy(s->last_division, scope->division.p, scope->division.n);
	*ret_answers = (struct answers){0};
	if (q->kind == QUERY_TRAIL || q->kind == QUERY_ENTRY)
		answer_entries(s, q, arena, ret_answers);
	else
		answer_sample(q->kind, arena, ret_answers);
	return STORE_OK;
}

static enum store_result hashes(void *conn, uint8_t level, uint64_t first, size_t n,
				struct digest *ret_hashes)
{
	struct fake_conn *c = conn;

	FAIL_OR_GO_ON(c, CALL_HASHES);
	return read_level(c->store, level, first, n, ret_hashes) ? STORE_OK : STORE_CORRUPT;
}

static enum store_result tiles(void *conn, const struct tile_id *ids, size_t n,
			       struct digest *const *ret_hashes)
{
	struct fake_conn *c = conn;

	FAIL_OR_GO_ON(c, CALL_HASHES);
	for (size_t i = 0; i < n; i++)
		if (!read_level(c->store, (uint8_t)ids[i].level, ids[i].n * TILE_WIDTH, TILE_WIDTH,
				ret_hashes[i]))
			return STORE_CORRUPT;
	return STORE_OK;
}

static enum store_result entries(void *conn, const uint64_t *indexes, size_t n, struct arena *arena,
				 struct entry_view *ret_entries)
{
	struct fake_conn *c = conn;

	(void)arena;
	FAIL_OR_GO_ON(c, CALL_ENTRIES);
	for (size_t i = 0; i < n; i++)
		ret_entries[i] = entry_at(c->store, indexes[i]);
	return STORE_OK;
}

struct store_port fake_store_port(void)
{
	return (struct store_port){
	    .recover = recover,
	    .load = load,
	    .commit = fake_commit,
	    .cosigned = cosigned,
	    .error = error,
	    .reference = reference,
	    .high_water_read = high_water_read,
	    .high_water = high_water,
	    .due = due,
	    .open_manifests = open_manifests,
	    .query = query,
	    .tiles = tiles,
	    .hashes = hashes,
	    .entries = entries,
	};
}
