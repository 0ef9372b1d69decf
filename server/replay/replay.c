/*
 * The flow of a replay: entries in groups, what judging them needs, members one by one, and what follows from
 * them to the sink. A group ends before anything that it cannot account for; the next begins behind it.
 */
#include "replay/replay_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/genesis_file.h"
#include "core/proof_plan.h"

enum { GROUP_MEMORY = 512 * 1024 * 1024, GROUP_FIRST = 1024 * 1024 };

struct replay *replay_new(const struct replay_options *options, const struct replay_ports *ports)
{
	struct replay *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->options = *options;
	if (r->options.group < 1)
		r->options.group = 1;
	if (r->options.group > GROUP_MAX)
		r->options.group = GROUP_MAX;
	r->ports = *ports;
	r->registry = registry_new();
	r->tree = tree_new();
	r->arena = arena_new_sized(GROUP_MEMORY, GROUP_FIRST);
	if (r->registry == NULL || r->tree == NULL || r->arena == NULL) {
		replay_free(r);
		return NULL;
	}
	r->head.root = tree_root(r->tree);
	return r;
}

void replay_free(struct replay *r)
{
	if (r == NULL)
		return;
	registry_free(r->registry);
	tree_free(r->tree);
	arena_free(r->arena);
	buffer_free(&r->payload);
	free(r);
}

const struct registry *replay_registry(const struct replay *r)
{
	return r->registry;
}

const struct log_head *replay_head(const struct replay *r)
{
	return &r->head;
}

bool replay_tree_whole(const struct replay *r)
{
	return !r->tree_broken;
}

void replay_finding(struct replay *r, const char *what, const char *table, uint64_t entry, uint64_t number,
		    const char *en, const char *zh, const char *detail)
{
	struct finding f = {.what = what, .table = table, .column = "", .entry = entry, .number = number};

	(void)snprintf(f.key, sizeof(f.key), "%" PRIu64, entry);
	(void)snprintf(f.en, sizeof(f.en), "%s%s%s", en, detail[0] == '\0' ? "" : ": ", detail);
	(void)snprintf(f.zh, sizeof(f.zh), "%s%s%s", zh, detail[0] == '\0' ? "" : "：", detail);
	r->findings++;
	r->ports.finding(r->ports.self, &f);
}

/* ---- the tree ---- */

static bool take_tile(struct replay *r, const struct tile_id *id, struct digest *ret_hashes)
{
	return (id->n == shift_right(tree_size(r->tree), TILE_HEIGHT * (id->level + 1)) &&
		tree_tile(r->tree, id, ret_hashes)) ||
	       r->ports.hashes(r->ports.self, id->level, id->n * TILE_WIDTH, id->width, ret_hashes);
}

static bool root_from_tiles(struct replay *r, uint64_t size, struct digest *ret_root)
{
	const struct digest *tiles[PROOF_TILES_MAX];
	struct proof_plan plan;

	if (!plan_root(size, &plan))
		return false;
	for (size_t i = 0; i < plan.tiles_n; i++) {
		struct digest *nodes = arena_array(r->arena, TILE_NODES, sizeof(*nodes));
		if (nodes == NULL || !take_tile(r, &plan.tiles[i], nodes))
			return false;
		tile_hash_nodes(nodes, plan.tiles[i].width);
		tiles[i] = nodes;
	}
	plan_build(&plan, tiles, ret_root);
	return true;
}

static void remember(struct replay *r, uint64_t size, const struct digest *root)
{
	r->roots[size % ROOTS] = (struct known_root){size, *root};
}

/* Into the tree; the tiles that fill up go along with the commit. */
static bool flush(struct replay *r, struct commit *commit)
{
	if (r->pending_n == 0 || r->tree_broken) {
		r->pending_n = 0;
		return true;
	}
	struct tree_append *a = tree_append(r->arena, r->tree, r->pending, r->pending_n);
	size_t before = commit->tiles_n;
	struct tile_row *tiles =
	    a == NULL ? NULL : arena_array(r->arena, before + a->tiles_n + 1, sizeof(*tiles));
	if (tiles == NULL)
		return false;
	if (before > 0)
		memcpy(tiles, commit->tiles, before * sizeof(*tiles));
	for (size_t i = 0; i < a->tiles_n; i++)
		tiles[before + i] = (struct tile_row){.level = (uint8_t)a->tiles[i].level,
						      .n = a->tiles[i].n,
						      .hashes = a->tiles[i].hashes,
						      .root = merkle_root(a->tiles[i].hashes, TILE_WIDTH)};
	commit->tiles = tiles;
	commit->tiles_n = before + a->tiles_n;
	tree_commit(r->tree, a);
	r->pending_n = 0;
	r->head.root = a->root;
	remember(r, a->size, &a->root);
	return true;
}

bool replay_root(struct replay *r, uint64_t size, struct digest *ret_root)
{
	const struct known_root *known = &r->roots[size % ROOTS];
	uint64_t edge = tree_size(r->tree);

	if (r->tree_broken || size == 0 || size > edge + r->pending_n)
		return false;
	if (known->size == size) {
		*ret_root = known->root;
		return true;
	}
	if (size > edge) {
		const struct tree_append *a = tree_append(r->arena, r->tree, r->pending, size - edge);
		if (a == NULL)
			return false;
		*ret_root = a->root;
	} else if (!root_from_tiles(r, size, ret_root)) {
		return false;
	}
	remember(r, size, ret_root);
	return true;
}

/* ---- ports of judging ---- */

static enum seen_answer seen(void *self, const struct checkpoint_ref *ref)
{
	struct replay *r = self;
	const struct genesis *genesis = registry_genesis(r->registry);
	struct digest root;

	if (genesis == NULL)
		return SEEN_OTHER;
	if (!span_eq(ref->origin, genesis->origin))
		return genesis_seen(genesis, ref);
	if (ref->size > r->head.size)
		return SEEN_OTHER;
	if (!replay_root(r, ref->size, &root))
		return SEEN_UNKNOWN;
	return digest_eq(&root, &ref->root) ? SEEN_OURS : SEEN_OTHER;
}

/* ---- a group ---- */

static const struct replay_item *pull(struct replay *r)
{
	const struct replay_item *item = r->ahead;

	r->ahead = NULL;
	return item != NULL ? item : r->ports.next(r->ports.self);
}

/* It states a checkpoint of the group that is being collected, whose root is known only then. */
static bool saw_later(const struct replay *r, const struct event *e)
{
	for (size_t i = 0; i < e->signers_n; i++)
		if (e->signers[i].seen.size > r->head.size)
			return true;
	return false;
}

/* False: there is no more. */
static bool collect(struct replay *r)
{
	r->n = 0;
	r->cursor = 0;
	for (;;) {
		const struct replay_item *item = pull(r);
		if (item == NULL)
			return r->n > 0;
		bool own = item->readable && replay_is_own(&item->event);
		bool room = r->n < r->options.group || (own && r->n < r->options.group + OWN_MAX);
		bool next = r->n == 0 || item->index == r->items[r->n - 1]->index + 1;
		bool alone = !item->readable || (r->n > 0 && !r->items[0]->readable) ||
			     (!own && saw_later(r, &item->event)) ||
			     (r->n > 0 && event_changes_clocks(&r->items[r->n - 1]->event));
		if (r->n > 0 && (!room || !next || alone)) {
			r->ahead = item;
			return true;
		}
		r->items[r->n++] = item;
	}
}

static bool offer_reference(struct replay *r, const struct replay_item *item)
{
	const struct reference_loaded *l = &item->event.reference_loaded;
	struct reference_error error;
	struct span file = {0};

	r->result = r->ports.reference(r->ports.self, l->kind, l->edition, r->arena, &file);
	if (r->result != STORE_OK)
		return false;
	if (file.n > 0 && !registry_offer_reference(r->registry, l->kind, l->edition, file, &error))
		replay_finding(r, "row.changed", "reference_file", item->index, 0,
			       "the reference file that this entry names cannot be read",
			       "该记录所指的基础数据文件无法读取", error.text);
	return true;
}

static bool need_manifest(struct replay *r, struct needs *needs, uint64_t number)
{
	const struct event e = {.number = number};

	return judge_needs(r->registry, &e, r->arena, needs);
}

static bool load(struct replay *r, size_t from)
{
	struct needs needs = {0};

	r->loaded = (struct loaded){0};
	for (size_t i = from; i < r->n; i++)
		if (!judge_needs(r->registry, &r->items[i]->event, r->arena, &needs))
			return false;
	r->result = r->ports.load(r->ports.self, &needs, r->arena, &r->loaded);
	if (r->result == STORE_OK && r->loaded.flags_n > 0) {
		for (size_t i = 0; i < r->loaded.flags_n; i++)
			if (!need_manifest(r, &needs, r->loaded.flags[i].number))
				return false;
		r->result = r->ports.load(r->ports.self, &needs, r->arena, &r->loaded);
	}
	return r->result == STORE_OK;
}

/* A device that goes on stating another history is flagged once, and once more after the server started
 * again. */
static void forget_flagged_history(struct replay *r, const struct replay_item *item)
{
	for (size_t i = r->cursor; i < r->n && replay_is_own(&r->items[i]->event); i++) {
		const struct event *e = &r->items[i]->event;
		if (e->kind != EVENT_FLAG_RAISED || e->flag_raised.kind != FLAG_TWO_HISTORIES ||
		    !digest_eq(&e->flag_raised.cause, &item->event.id))
			continue;
		struct key_record *key = registry_key(r->registry, &e->flag_raised.keyid);
		if (key != NULL)
			key->other_root = (struct digest){{0}};
	}
}

static void refused(struct replay *r, const struct replay_item *item, const struct problems *problems)
{
	const struct event *e = &item->event;
	const struct problem *p = problems->first;
	const char *kind = event_kind_name(e->kind);
	struct finding f = {
	    .what = "rule", .table = "entry", .column = "", .entry = item->index, .number = e->number};

	(void)snprintf(f.key, sizeof(f.key), "%" PRIu64, item->index);
	(void)snprintf(f.en, sizeof(f.en), "a %s event that the law refuses was accepted: %s%s%s (%s)", kind,
		       p == NULL ? "" : p->path, p == NULL ? "" : ": ", p == NULL ? "" : p->rule->en,
		       p == NULL ? "" : p->rule->id);
	(void)snprintf(f.zh, sizeof(f.zh), "接受了依规则应拒绝的 %s：%s%s%s（%s）", kind,
		       p == NULL ? "" : p->path, p == NULL ? "" : "：", p == NULL ? "" : p->rule->zh,
		       p == NULL ? "" : p->rule->id);
	r->findings++;
	r->ports.finding(r->ports.self, &f);
}

static bool member(struct replay *r, const struct replay_item *item)
{
	struct verdict verdict;

	r->cursor++;
	if (item->event.kind == EVENT_REFERENCE_LOADED && !offer_reference(r, item))
		return false;
	forget_flagged_history(r, item);
	judge_clock(r->judgement, item->entry.accepted_at - 1, item->entry.accepted_at);
	if (!judge_member(r->judgement, &item->event, item->entry.envelope, &verdict))
		return false;
	if (verdict.repeated)
		replay_finding(r, "entry.order", "entry", item->index, item->event.number,
			       "the same event is in the log twice", "同一事件在日志中出现两次", "");
	else if (verdict.refused != REFUSAL_NONE)
		refused(r, item, &verdict.problems);
	r->cut = verdict.repeated || verdict.refused != REFUSAL_NONE;
	return true;
}

static void check_time(struct replay *r, const struct replay_item *item)
{
	if (!item->readable)
		return;
	if (item->entry.accepted_at <= r->head.accepted_at)
		replay_finding(r, "entry.time", "entry", item->index, item->event.number,
			       "accepted no later than the entry before it", "接收时间不晚于前一条记录", "");
	r->head.accepted_at = item->entry.accepted_at;
}

/* Items [from, until) to the sink; those that judging did not append are not among the rows. */
static bool commit(struct replay *r, size_t from, size_t until, const struct rows *rows)
{
	struct span *entries = arena_array(r->arena, until - from + 1, sizeof(*entries));
	struct digest *leaves = arena_array(r->arena, until - from + 1, sizeof(*leaves));
	struct commit c = {.rows = rows, .entries = entries, .leaves = leaves, .registry = r->registry};

	if (entries == NULL || leaves == NULL)
		return false;
	c.from = r->head;
	for (size_t i = from; i < until; i++) {
		const struct replay_item *item = r->items[i];
		entries[i - from] = item->bytes;
		leaves[i - from] = item->leaf;
		check_time(r, item);
		r->tree_broken |= item->index != r->head.size;
		r->head.size = item->index + 1;
		r->pending[r->pending_n++] = item->leaf;
		bool wanted = item->root_wanted || (r->options.whole_commit && i + 1 == until);
		if ((wanted || r->pending_n == PENDING_MAX) && !flush(r, &c))
			return false;
	}
	c.to = r->head;
	r->result = r->ports.commit(r->ports.self, &c);
	return r->result == STORE_OK;
}

static bool stopped(struct replay *r)
{
	if (!r->options.strict || r->findings == 0)
		return false;
	r->result = STORE_CORRUPT;
	return true;
}

/* Judges from one item on as far as a judgement reaches. */
static bool judge(struct replay *r, size_t from)
{
	const struct judge_ports ports = {.self = r, .sign = replay_sign, .seen = seen};
	struct rows rows;

	if (!load(r, from))
		return false;
	r->judgement = judge_begin(r->arena, r->registry, &r->loaded, r->items[from]->index, 0, 0, &ports);
	r->missing = false;
	r->cut = false;
	if (r->judgement != NULL && registry_clocks_changed_at(r->registry) != 0)
		judge_clocks_changed(r->judgement);
	while (r->judgement != NULL && r->cursor < r->n && !r->cut && !r->missing) {
		const struct replay_item *item = r->items[r->cursor];
		if (!(replay_is_own(&item->event) ? replay_explain(r, item) : member(r, item)))
			return false;
	}
	if (r->judgement == NULL)
		return false;
	if (r->missing)
		judge_forget(r->judgement, r->missing_at);
	judge_rows(r->judgement, &rows);
	return !stopped(r) && commit(r, from, r->cursor, &rows);
}

static bool unreadable(struct replay *r)
{
	const struct rows none = {.first_index = r->items[0]->index};

	r->cursor = 1;
	replay_finding(r, "entry.bytes", "entry", r->items[0]->index, 0, "this entry cannot be read",
		       "该记录无法读取", "");
	return !stopped(r) && commit(r, 0, 1, &none);
}

static void tell_keys(struct replay *r)
{
	if (r->ports.keys == NULL || registry_keys(r->registry) == r->keys)
		return;
	r->keys = registry_keys(r->registry);
	r->ports.keys(r->ports.self, r->registry);
}

enum store_result replay_run(struct replay *r)
{
	while (collect(r)) {
		uint64_t end = r->items[r->n - 1]->index + 1;
		arena_reset(r->arena);
		while (r->cursor < r->n) {
			bool done = r->items[0]->readable ? judge(r, r->cursor) : unreadable(r);
			if (!done)
				return r->result == STORE_OK ? STORE_UNAVAILABLE : r->result;
		}
		tell_keys(r);
		r->ports.done(r->ports.self, end);
	}
	const struct rows none = {.first_index = r->head.size};
	struct commit last = {.rows = &none, .from = r->head, .registry = r->registry};
	if (!flush(r, &last))
		return STORE_UNAVAILABLE;
	last.to = r->head;
	return last.tiles_n == 0 ? STORE_OK : r->ports.commit(r->ports.self, &last);
}

void replay_missing_keys(struct replay *r, micros now)
{
	micros grace = registry_settings(r->registry)->number_gap_grace;

	for (size_t no = 1; no <= registry_keys(r->registry); no++) {
		const struct key_record *key = registry_key_no(r->registry, (key_no)no);
		struct finding f = {
		    .what = "flag.missing", .table = "device_key", .column = "", .entry = FINDING_NO_ENTRY};
		if (key == NULL || key->missing_since == 0 || key->gap_flag != 0 ||
		    key->missing_since + grace >= now)
			continue;
		(void)snprintf(f.key, sizeof(f.key), "%zu", no);
		(void)snprintf(f.en, sizeof(f.en),
			       "running numbers of this key are missing between %" PRIu64 " and %" PRIu64
			       " longer than the grace, and no flag was raised",
			       key->contiguous, key->high);
		(void)snprintf(f.zh, sizeof(f.zh),
			       "该密钥的流水号在 %" PRIu64 " 与 %" PRIu64 " 之间缺号超过宽限期，却没有预警",
			       key->contiguous, key->high);
		r->findings++;
		r->ports.finding(r->ports.self, &f);
	}
}
