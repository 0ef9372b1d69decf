/* Owns what each difference of an audit is called. */
#include <inttypes.h>
#include <stdio.h>

#include "manifest/audit_internal.h"

void audit_found(struct audit *a, uint64_t place, const struct finding *finding)
{
	if (place == FINDING_NO_ENTRY)
		findings_add(&a->findings, finding);
	else
		findings_hold(&a->findings, place, finding);
}

void audit_add(struct audit *a, const char *what, const char *table, uint64_t key, const char *column,
	       uint64_t entry, const char *en, const char *zh)
{
	struct finding f = {.what = what, .table = table, .column = column, .entry = entry};

	(void)snprintf(f.key, sizeof(f.key), "%" PRIu64, key);
	(void)snprintf(f.en, sizeof(f.en), "%s", en);
	(void)snprintf(f.zh, sizeof(f.zh), "%s", zh);
	audit_found(a, entry, &f);
}

/* ---- entries as they come ---- */

void audit_check_item(struct audit *a, const struct feed_item *i)
{
	uint64_t index = i->item.index;

	if (index < a->next) {
		audit_add(a, "entry.order", "entry", index, "", index, "this entry is stored more than once",
			  "该记录存储了不止一次");
	} else if (index > a->next) {
		struct finding f = {.what = "entry.gap", .table = "entry", .column = "", .entry = a->next};
		(void)snprintf(f.key, sizeof(f.key), "%" PRIu64, a->next);
		(void)snprintf(f.en, sizeof(f.en), "entries %" PRIu64 " to %" PRIu64 " are missing", a->next,
			       index - 1);
		(void)snprintf(f.zh, sizeof(f.zh), "缺少记录 %" PRIu64 " 至 %" PRIu64, a->next, index - 1);
		audit_found(a, f.entry, &f);
	}
	if (index >= a->next)
		a->next = index + 1;
	if (i->row.leaf.n != DIGEST_SIZE || memcmp(i->row.leaf.p, i->computed.b, DIGEST_SIZE) != 0)
		audit_add(a, "entry.bytes", "entry", index, "leaf", index,
			  "the bytes of this entry are not those that were hashed",
			  "该记录的字节与其哈希不符");
	if (!i->item.readable)
		return;
	if (i->row.accepted_at != i->item.entry.accepted_at)
		audit_add(a, "entry.time", "entry", index, "accepted_at", index,
			  "the column accepted_at is not what the entry says",
			  "accepted_at 列与记录内容不符");
	if (i->row.kind != (int64_t)i->item.event.kind)
		audit_add(a, "row.changed", "entry", index, "kind", index,
			  "the column kind is not what the entry says", "kind 列与记录内容不符");
	for (unsigned k = 0; k < MAX_SIGNERS; k++)
		if ((i->bad >> k & 1) != 0)
			audit_add(a, "entry.signature", "entry", index, "entry", index,
				  "a signature of this entry does not hold", "该记录的签名无效");
}

static void check_note(struct audit *a, const struct feed_item *i)
{
	uint64_t size = i->item.index + 1;
	struct digest root;
	struct finding f = {
	    .what = "checkpoint", .table = "checkpoint", .column = "note", .entry = FINDING_NO_ENTRY};

	a->noted[size % NOTED] = size;
	if (a->noted_from == 0)
		a->noted_from = size;
	(void)snprintf(f.key, sizeof(f.key), "%" PRIu64, size);
	if (i->note != LOG_HOLDS || i->checkpoint.size != size) {
		(void)snprintf(f.en, sizeof(f.en), "the stored checkpoint of size %" PRIu64 ": %s", size,
			       i->note != LOG_HOLDS ? log_failure_text(i->note)->en
						    : "it names another size");
		(void)snprintf(f.zh, sizeof(f.zh), "长度 %" PRIu64 " 的检查点：%s", size,
			       i->note != LOG_HOLDS ? log_failure_text(i->note)->zh : "所述长度不同");
		/* One that is damaged says nothing of the history. */
		f.what = "row.changed";
		audit_found(a, i->item.index, &f);
		return;
	}
	if (!replay_root(a->replay, size, &root))
		return;
	if (digest_eq(&root, &i->checkpoint.root)) {
		a->checked = size;
		return;
	}
	(void)snprintf(f.en, sizeof(f.en),
		       "the log signed another history: entries %" PRIu64 " to %" PRIu64
		       " are not all what the checkpoint of size %" PRIu64 " vouches for",
		       a->checked, size - 1, size);
	(void)snprintf(f.zh, sizeof(f.zh),
		       "日志曾签署另一历史：记录 %" PRIu64 " 至 %" PRIu64 " 与长度 %" PRIu64 " 的检查点不符",
		       a->checked, size - 1, size);
	f.entry = a->checked;
	audit_found(a, i->item.index, &f);
}

/* The server's own events state the checkpoint of the batch before, which their batch has stored. What others
 * state shows no such thing: whoever has the tiles can compute a root of any size. A database that was made
 * again from a copy has none from before that. */
static void check_stated(struct audit *a, const struct feed_item *i)
{
	uint64_t size = i->item.event.signers_n == 0 ? 0 : i->item.event.signers[0].seen.size;

	if (a->noted_from > 0 && size > a->noted_from && size <= i->item.index &&
	    size + NOTED > i->item.index && a->noted[size % NOTED] != size)
		audit_add(a, "row.missing", "checkpoint", size, "", i->item.index,
			  "this event of the server's names a checkpoint that is not stored",
			  "服务器的这一事件所指的检查点未存储");
}

/* What could only be checked when everything before was judged. */
void audit_check_judged(void *self, const struct feed_item *i)
{
	struct audit *a = self;
	uint64_t index = i->item.index;

	for (unsigned k = 0; i->item.readable && k < i->item.envelope.signatures_n; k++) {
		if ((i->unknown >> k & 1) == 0)
			continue;
		const struct digest *keyid = &i->item.envelope.signatures[k].keyid;
		const struct key_record *key = registry_key(replay_registry(a->replay), keyid);
		if (key == NULL || !feed_signature_holds(i, k, &key->key))
			audit_add(a, "entry.signature", "entry", index, "entry", index,
				  key == NULL ? "signed with a key that the log does not know"
					      : "a signature of this entry does not hold",
				  key == NULL ? "签名密钥未在日志中登记" : "该记录的签名无效");
	}
	if (i->row.note.n > 0)
		check_note(a, i);
	if (i->item.readable &&
	    (i->item.event.kind == EVENT_FLAG_RAISED || i->item.event.kind == EVENT_FLAG_CLEARED))
		check_stated(a, i);
	a->window[index % WINDOW] = NULL;
	a->entries++;
}

static void say_evidence(struct audit *a, const struct replay_item *flag, const char *what, const char *en,
			 const char *zh)
{
	struct finding f = {.what = what, .table = "evidence", .column = "", .entry = flag->index};

	(void)snprintf(f.key, sizeof(f.key), "%" PRIu64 ",%" PRIu64, flag->event.number, flag->index);
	(void)snprintf(f.en, sizeof(f.en), "%s", en);
	(void)snprintf(f.zh, sizeof(f.zh), "%s", zh);
	audit_found(a, f.entry, &f);
}

void audit_check_evidence(struct audit *a, const struct replay_item *flag, struct span kept)
{
	struct digest sha256 = digest_of(kept);

	if (kept.n == 0)
		say_evidence(a, flag, "row.missing",
			     "the refused envelope that this flag names by its hash is not kept",
			     "该预警以哈希所指的被拒信封未保存");
	else if (!digest_eq(&sha256, &flag->event.flag_raised.evidence_sha256))
		say_evidence(a, flag, "row.changed",
			     "the refused envelope kept for this flag is not the one it names by its hash",
			     "所存被拒信封与该预警所述哈希不符");
}

/* ---- when all is judged ---- */

void audit_check_strays(struct audit *a)
{
	const int64_t *sizes;
	size_t n = audit_source_strays(a->source, &sizes);

	for (size_t i = 0; i < n; i++)
		audit_add(a, "row.unexplained", "checkpoint", (uint64_t)sizes[i], "", FINDING_NO_ENTRY,
			  "a checkpoint is stored of a size that the log does not have",
			  "存有日志未达到的长度的检查点");
}

void audit_check_kept(struct audit *a, const struct kept *k)
{
	const struct log_head *head = replay_head(a->replay);
	struct finding f = {.what = k->what, .table = k->table, .column = "", .entry = FINDING_NO_ENTRY};
	struct checkpoint c = {.size = k->size, .root = k->root};
	enum log_failure wrong = LOG_HOLDS;
	struct digest ours;

	if (k->note.n > 0)
		wrong = a->has_genesis ? checkpoint_open(k->note, a->log_key.name, &a->log_key, &c)
				       : LOG_NOT_CONSISTENT;
	(void)snprintf(f.key, sizeof(f.key), "%.150s", k->path);
	if (wrong != LOG_HOLDS) {
		(void)snprintf(f.en, sizeof(f.en), "%.200s: %s", k->path, log_failure_text(wrong)->en);
		(void)snprintf(f.zh, sizeof(f.zh), "%.200s：%s", k->path, log_failure_text(wrong)->zh);
	} else if (c.size > head->size) {
		f.entry = head->size;
		(void)snprintf(f.en, sizeof(f.en),
			       "%.200s vouches for %" PRIu64 " entries, the database has only %" PRIu64
			       ": it went backwards",
			       k->path, c.size, head->size);
		(void)snprintf(f.zh, sizeof(f.zh),
			       "%.200s 证明有 %" PRIu64 " 条记录，数据库仅有 %" PRIu64 " 条：日志倒退",
			       k->path, c.size, head->size);
	} else if (c.size > 0 && (!replay_root(a->replay, c.size, &ours) || !digest_eq(&ours, &c.root))) {
		(void)snprintf(f.en, sizeof(f.en),
			       "%.200s has another root at size %" PRIu64 ": history was changed", k->path,
			       c.size);
		(void)snprintf(f.zh, sizeof(f.zh), "%.200s 在长度 %" PRIu64 " 处的根哈希不同：历史被更改",
			       k->path, c.size);
	} else {
		return;
	}
	findings_add(&a->findings, &f);
}

/* What witnesses cosigned: as any checkpoint that somebody kept. */
bool audit_check_cosigned(struct audit *a)
{
	struct span cells[2];
	bool end = false;

	if (store_copy(a->conn, "SELECT size, note FROM cosigned_checkpoint ORDER BY size") != STORE_OK)
		return audit_unavailable(a, store_error(a->conn));
	for (;;) {
		char key[32];
		if (store_copy_row(a->conn, 2, cells, &end) != STORE_OK)
			return audit_unavailable(a, store_error(a->conn));
		if (end)
			return true;
		(void)snprintf(key, sizeof(key), "%" PRId64, copy_int(cells[0]));
		const struct kept k = {
		    .what = "checkpoint", .table = "cosigned_checkpoint", .path = key, .note = cells[1]};
		audit_check_kept(a, &k);
	}
}

void audit_check_head(struct audit *a)
{
	const struct log_head *head = replay_head(a->replay);
	const struct log_head *stored = &a->stored;

	if (a->unfinished)
		audit_add(a, "rebuild.unfinished", "unfinished_rebuild", 0, "", FINDING_NO_ENTRY,
			  "a `manifest log rebuild` of this database has not ended: run it again, which "
			  "empties the "
			  "database and begins anew",
			  "该数据库的 `manifest log rebuild` 尚未完成：请再次运行，将清空数据库并重新开始");
	if (!a->has_head) {
		audit_add(
		    a, "head", "log_head", 0, "", FINDING_NO_ENTRY,
		    "the head row is missing or malformed, and no server starts without it: restore the "
		    "database, or make it again from a copy of the log (`manifest log rebuild`)",
		    "日志头一行缺失或损坏，服务器无法启动：请恢复数据库，或由日志副本重建"
		    "（`manifest log rebuild`）");
		return;
	}
	if (stored->size != head->size)
		audit_add(a, "head", "log_head", 0, "size", FINDING_NO_ENTRY,
			  "the head counts another number of entries than are stored",
			  "日志头的记录数与实际不符");
	else if (replay_tree_whole(a->replay) && !digest_eq(&stored->root, &head->root))
		audit_add(a, "tree.root", "log_head", 0, "root", FINDING_NO_ENTRY,
			  "the root of the head is not the root of the entries", "日志头的根哈希与记录不符");
	if (stored->accepted_at != head->accepted_at)
		audit_add(a, "head", "log_head", 0, "accepted_at", FINDING_NO_ENTRY,
			  "the head has another time of acceptance than the last entry",
			  "日志头的接收时间与末条记录不符");
}
