/*
 * Owns the offline check of a trail. Keys are believed only when the entry that enrolled them is in the file
 * and proved; signatures, links and numbers are then checked as the log holds them, in the order of indexes.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/credit_code.h"
#include "core/genesis_file.h"
#include "core/judge.h"
#include "crypto/keyring.h"
#include "libmanifest/sign.h"
#include "manifest/trail.h"

enum { FINDINGS_MAX = 4096 };

struct check {
	const struct trail *trail;
	const struct note_key *log_key;
	struct arena *arena;
	struct verified *v;
	struct mft_signed *signed_events; /* beside v->events */
	const struct genesis *genesis;    /* NULL: not in the file */
};

static void find(struct check *c, uint64_t index, bool bad, const char *id, const char *en, const char *zh,
		 const char *detail)
{
	struct verified *v = c->v;

	if (bad)
		v->bad++;
	if (v->findings_n == FINDINGS_MAX)
		return;
	const char *copy = detail == NULL ? "" : arena_printf(c->arena, "%s", detail);
	v->findings[v->findings_n++] = (struct finding){
	    .index = index, .bad = bad, .id = id, .en = en, .zh = zh, .detail = copy == NULL ? "" : copy};
}

/* ---- proofs, and what the entries hold ---- */

static bool read_entry(struct check *c, const struct trail_entry *t)
{
	struct problems problems = {.arena = c->arena};
	struct receipt_facts facts;
	struct log_entry entry;
	struct verified *v = c->v;
	enum log_failure failure = receipt_verify(t->proof, t->entry, c->log_key->name, c->log_key, &facts);

	if (failure == LOG_HOLDS && facts.index != t->index)
		failure = LOG_INDEX_OUTSIDE;
	if (failure != LOG_HOLDS) {
		const struct log_failure_text *text = log_failure_text(failure);
		find(c, t->index, true, text->id, text->en, text->zh, NULL);
	} else {
		v->proofs++;
		if (facts.checkpoint.size > v->checkpoint.size)
			v->checkpoint = facts.checkpoint;
		else if (facts.checkpoint.size == v->checkpoint.size &&
			 !digest_eq(&facts.checkpoint.root, &v->checkpoint.root))
			find(c, t->index, true, "checkpoint.two",
			     "two checkpoints of one size have different roots: the log showed two histories",
			     "同一长度有两个不同的根：日志出示了两种历史", NULL);
	}
	if (!log_entry_decode(t->entry, &entry) ||
	    !mft_signed_read(entry.envelope, c->arena, &problems, &c->signed_events[v->events_n])) {
		find(c, t->index, true, "entry.malformed", "the entry cannot be read", "记录无法读取",
		     problems.first == NULL ? "" : problems.first->path);
		return false;
	}
	v->events[v->events_n] = c->signed_events[v->events_n].event;
	v->indexes[v->events_n] = t->index;
	v->accepted_at[v->events_n] = entry.accepted_at;
	v->events_n++;
	return failure == LOG_HOLDS;
}

/* ---- keys ---- */

static struct trail_key *key_find(struct check *c, const struct digest *keyid)
{
	for (size_t i = 0; i < c->v->keys_n; i++)
		if (digest_eq(&c->v->keys[i].keyid, keyid))
			return &c->v->keys[i];
	return NULL;
}

static void key_revoke(struct check *c, const struct digest *keyid, micros from, uint64_t index)
{
	struct trail_key *key = key_find(c, keyid);

	if (key == NULL || key->revoked_from != 0)
		return;
	key->revoked_from = from;
	key->revoked = index;
}

static void key_add(struct check *c, const struct public_key *key, enum role role,
		    const struct party_ref *party, struct span device, micros valid_from)
{
	const struct digest keyid = key_id(key);

	if (key_find(c, &keyid) == NULL)
		c->v->keys[c->v->keys_n++] = (struct trail_key){.key = *key,
								.keyid = keyid,
								.role = role,
								.party = *party,
								.device = device,
								.valid_from = valid_from,
								.index = c->v->indexes[c->v->events_n - 1]};
}

static void party_add(struct check *c, const struct party_ref *ref, struct span name)
{
	c->v->parties[c->v->parties_n++] = (struct trail_party){.ref = *ref, .name = name};
}

static void learn(struct check *c, const struct event *e)
{
	static const struct party_ref nobody;
	static const struct span unnamed;

	uint64_t index = c->v->indexes[c->v->events_n - 1];

	switch ((int)e->kind) {
	case EVENT_GENESIS:
		if (index != 0) {
			find(c, index, true, "genesis.again",
			     "a log has one beginning: no key in this one is believed",
			     "日志只有一个创始记录：此处公钥不予采信", NULL);
			return;
		}
		if (memcmp(e->genesis.log_key.b, c->log_key->key.b, PUBLIC_KEY_SIZE) != 0)
			find(c, 0, true, "genesis.log_key",
			     "the log began with another key than the trusted one",
			     "日志创始记录中的公钥不是所信任的公钥", NULL);
		c->genesis = &e->genesis;
		key_add(c, &e->genesis.server_key, ROLE_SERVER, &nobody, unnamed, 0);
		key_add(c, &e->genesis.registrar_key, ROLE_REGISTRAR, &nobody, unnamed, 0);
		key_add(c, &e->genesis.recovery_key, ROLE_NONE, &nobody, unnamed, 0);
		party_add(c, &e->genesis.authority, e->genesis.authority_name);
		return;
	case EVENT_REGISTRAR_ADDED:
		key_add(c, &e->registrar_added.key, ROLE_REGISTRAR, &nobody, e->registrar_added.name, 0);
		return;
	case EVENT_KEY_ENROLLED:
		key_add(c, &e->key_enrolled.key, e->key_enrolled.role, &e->key_enrolled.party,
			e->key_enrolled.device, e->key_enrolled.valid_from);
		return;
	case EVENT_PARTY_REGISTERED:
	case EVENT_PARTY_CHANGED: party_add(c, &e->party.party.ref, e->party.party.name); return;
	case EVENT_REGISTRAR_REMOVED:
		key_revoke(c, &e->registrar_removed.keyid, e->occurred_at, index);
		return;
	case EVENT_KEY_REVOKED:
		key_revoke(c, &e->key_revoked.keyid, e->key_revoked.revoked_from, index);
		return;
	default: return;
	}
}

/* ---- signatures and signers ---- */

/* Does another key, which is not revoked, sign the step too? */
static bool borne_out(struct check *c, const struct event *e, const struct trail_key *key)
{
	for (size_t i = 0; event_is_custody(e->kind) && i < e->signers_n; i++) {
		const struct trail_key *other = key_find(c, &e->signers[i].keyid);
		if (other != NULL && other != key && other->revoked_from == 0)
			return true;
	}
	return false;
}

/* Might the key sign this, then? As the server judges it (core/signers.c), by what the file holds. */
static void check_entitled(struct check *c, size_t i, size_t signer, const struct trail_key *key,
			   const char *hex)
{
	const struct event *e = &c->v->events[i];
	uint64_t index = c->v->indexes[i];
	/* Only the key that an entry is about may sign in it, after who enrols it. */
	bool own = key->index == index && (signer > 0 || e->kind == EVENT_GENESIS);

	if (!signers_role_fits(e, signer, key->role))
		find(c, index, true, "signers.role", "the signing key's role is not one that may sign this",
		     "签署密钥的角色无权签署此事件", hex);
	if (!own && key->index >= index)
		find(c, index, true, "key.later", "signed with a key that was enrolled only later",
		     "所用密钥当时尚未登记", hex);
	if (!own && e->occurred_at < key->valid_from)
		find(c, index, true, "key.early", "signed with a key that was not valid yet",
		     "所用密钥当时尚未生效", hex);
	if (key->revoked_from == 0)
		return;
	bool late = e->occurred_at >= key->revoked_from;
	bool known = key->revoked < index;
	/* The other side of a step bears it out when it was made before. */
	if (late || (known && !borne_out(c, e, key)))
		find(c, index, known, "key.revoked",
		     known ? "signed with a key that the log had revoked already"
			   : "signed with a key that was revoked from before then",
		     known ? "所用密钥此前已在日志中吊销" : "所用密钥在此之前已吊销", hex);
}

static void check_signatures(struct check *c, size_t i)
{
	const struct mft_signed *s = &c->signed_events[i];
	uint64_t index = c->v->indexes[i];

	if (!s->complete)
		find(c, index, true, "signatures.missing", "a signature is missing", "缺少签名", NULL);
	for (size_t k = 0; k < s->envelope.signatures_n; k++) {
		const struct trail_key *key = key_find(c, &s->event.signers[k].keyid);
		char hex[DIGEST_HEX + 1];
		digest_hex(&s->event.signers[k].keyid, hex);
		if (key == NULL)
			find(c, index, true, "key.unknown",
			     "the entry that enrolled a signer's key is not in the file",
			     "文件中没有签署密钥的登记记录", hex);
		else if (!mft_signed_holds(s, k, &key->key))
			find(c, index, true, "signature", "a signature does not hold", "签名不成立", hex);
		else
			c->v->signatures++;
		if (key != NULL)
			check_entitled(c, i, k, key, hex);
	}
}

/* The parties whose keys must have signed, in order; an absent one is not named by the event alone. */
static size_t expected_parties(const struct event *e, const struct party_ref *generator,
			       struct party_ref ret_parties[2])
{
	switch ((int)e->kind) {
	case EVENT_ISSUED: ret_parties[0] = e->issued.generator; return 1;
	case EVENT_LOADED:
		ret_parties[0] = *generator;
		ret_parties[1] = e->transfer.to;
		return 2;
	case EVENT_HANDED_OVER:
	case EVENT_DELIVERED:
	case EVENT_RETURNED:
		ret_parties[0] = e->transfer.from;
		ret_parties[1] = e->transfer.to;
		return 2;
	case EVENT_RECEIVED: ret_parties[0] = e->received.facility; return 1;
	case EVENT_TREATED: ret_parties[0] = e->treated.facility; return 1;
	case EVENT_CANCELLED: ret_parties[0] = *generator; return 1;
	default: return 0;
	}
}

static void find_party(struct check *c, size_t i, const struct party_ref *wanted)
{
	char text[PARTY_REF_TEXT_SIZE];

	party_ref_format(wanted, text);
	find(c, c->v->indexes[i], true, "signers.party", "the signing key is not of the party named",
	     "签署密钥不属于所称单位", text);
}

/* One side of the step signs alone, whichever. */
static void check_attested(struct check *c, size_t i, const struct party_ref *generator)
{
	const struct event *e = &c->v->events[i];
	const struct event step = {.kind = e->attested.step, .transfer = e->attested.transfer};
	const struct trail_key *key = e->signers_n == 0 ? NULL : key_find(c, &e->signers[0].keyid);
	struct party_ref sides[2];

	if (expected_parties(&step, generator, sides) == 2 && key != NULL &&
	    !party_ref_is_absent(&sides[0]) && !party_ref_is_absent(&sides[1]) &&
	    !party_ref_eq(&key->party, &sides[0]) && !party_ref_eq(&key->party, &sides[1]))
		find_party(c, i, &sides[0]);
	if (e->signers_n != 1)
		find(c, c->v->indexes[i], true, "signers.count",
		     "it has not the signatures its kind requires", "签名数不符合该事件的要求", NULL);
}

static void check_parties(struct check *c, size_t i, const struct party_ref *generator)
{
	const struct event *e = &c->v->events[i];
	struct party_ref parties[2];
	size_t n = expected_parties(e, generator, parties);

	if (e->kind == EVENT_ATTESTED)
		check_attested(c, i, generator);
	if (n == 0)
		return;
	if (e->signers_n != n)
		find(c, c->v->indexes[i], true, "signers.count",
		     "it has not the signatures its kind requires", "签名数不符合该事件的要求", NULL);
	for (size_t k = 0; k < n && k < e->signers_n; k++) {
		const struct trail_key *key = key_find(c, &e->signers[k].keyid);
		if (key != NULL && !party_ref_is_absent(&parties[k]) &&
		    !party_ref_eq(&key->party, &parties[k]))
			find_party(c, i, &parties[k]);
	}
}

static void check_seen(struct check *c, size_t i)
{
	const struct event *e = &c->v->events[i];

	for (size_t k = 0; k < e->signers_n; k++) {
		const struct checkpoint_ref *seen = &e->signers[k].seen;
		if (seen->size == 0)
			continue;
		if (!span_eq(seen->origin, c->log_key->name) && c->genesis != NULL &&
		    genesis_seen(c->genesis, seen) != SEEN_OTHER)
			continue; /* signed when the log before this one was there */
		if (!span_eq(seen->origin, c->log_key->name))
			find(c, c->v->indexes[i], false, "seen.origin", "a signer had seen another log",
			     "签署人所见为另一日志", NULL);
		else if (seen->size > c->v->indexes[i])
			find(c, c->v->indexes[i], true, "seen.ahead",
			     "a signer had seen a log longer than the one the event was put into",
			     "签署人所见的日志长于该事件入日志之时", NULL);
		else if (seen->size == c->v->checkpoint.size &&
			 !digest_eq(&seen->root, &c->v->checkpoint.root))
			find(c, c->v->indexes[i], true, "seen.root", "a signer had seen another history",
			     "签署人所见为另一历史", NULL);
	}
}

static bool same_number(const struct event *a, const struct event *b, uint64_t *ret_number)
{
	for (size_t i = 0; i < a->signers_n; i++)
		for (size_t k = 0; k < b->signers_n; k++)
			if (a->signers[i].number == b->signers[k].number &&
			    digest_eq(&a->signers[i].keyid, &b->signers[k].keyid)) {
				*ret_number = a->signers[i].number;
				return true;
			}
	return false;
}

static void check_numbers(struct check *c, size_t i)
{
	char detail[64];
	uint64_t number = 0;

	for (size_t k = 0; k < i; k++) {
		if (digest_eq(&c->v->events[k].id, &c->v->events[i].id))
			find(c, c->v->indexes[i], true, "event.twice", "the same event is in the log twice",
			     "同一事件两次入日志", NULL);
		if (!same_number(&c->v->events[i], &c->v->events[k], &number))
			continue;
		(void)snprintf(detail, sizeof(detail), "%" PRIu64 " (%" PRIu64 ")", number, c->v->indexes[k]);
		find(c, c->v->indexes[i], true, "number.reused",
		     "a key used one running number for two events", "同一密钥的同一流水号用于两个事件",
		     detail);
	}
}

/* ---- the chain ---- */

static void check_link(struct check *c, size_t i, struct digest *head, bool *begun)
{
	const struct event *e = &c->v->events[i];
	char hex[DIGEST_HEX + 1];

	if (!event_is_custody(e->kind))
		return;
	if (e->kind == EVENT_ISSUED ? *begun : !*begun)
		find(c, c->v->indexes[i], true, "chain.begin",
		     *begun ? "the manifest was issued a second time"
			    : "the chain does not begin with the issued manifest",
		     *begun ? "联单被再次开具" : "链条不是自开具开始", NULL);
	else if (e->kind != EVENT_ISSUED && !digest_eq(&e->previous, head)) {
		digest_hex(&e->previous, hex);
		find(c, c->v->indexes[i], true, "chain.previous",
		     "it does not continue the step before it: a step is missing, or was put in",
		     "与前一步不相接：缺少或被插入步骤", hex);
	}
	*head = e->id;
	*begun = true;
}

static void check_order(struct check *c)
{
	const struct verified *v = c->v;

	for (size_t i = 1; i < v->events_n; i++) {
		if (v->indexes[i] == v->indexes[i - 1])
			find(c, v->indexes[i], true, "index.twice", "two entries claim one index",
			     "两条记录同一序号", NULL);
		else if (v->accepted_at[i] <= v->accepted_at[i - 1])
			find(c, v->indexes[i], true, "accepted_at",
			     "it was accepted no later than an entry before it", "接受时间不晚于之前的记录",
			     NULL);
	}
}

static int by_index(const void *a, const void *b)
{
	const struct trail_entry *x = a;
	const struct trail_entry *y = b;

	return x->index < y->index ? -1 : x->index > y->index;
}

static bool begin(struct check *c, struct trail *sorted)
{
	struct verified *v = c->v;
	size_t n = c->trail->n + 1;

	sorted->entries = arena_array(c->arena, n, sizeof(sorted->entries[0]));
	v->findings = arena_array(c->arena, FINDINGS_MAX, sizeof(v->findings[0]));
	v->events = arena_array(c->arena, n, sizeof(v->events[0]));
	v->indexes = arena_array(c->arena, n, sizeof(v->indexes[0]));
	v->accepted_at = arena_array(c->arena, n, sizeof(v->accepted_at[0]));
	c->signed_events = arena_array(c->arena, n, sizeof(c->signed_events[0]));
	/* Genesis brings three. */
	v->keys = arena_array(c->arena, 3 * n, sizeof(v->keys[0]));
	v->parties = arena_array(c->arena, n, sizeof(v->parties[0]));
	if (sorted->entries == NULL || v->findings == NULL || v->events == NULL || v->indexes == NULL ||
	    v->accepted_at == NULL || c->signed_events == NULL || v->keys == NULL || v->parties == NULL)
		return false;
	if (c->trail->n > 0) {
		memcpy(sorted->entries, c->trail->entries, c->trail->n * sizeof(sorted->entries[0]));
		qsort(sorted->entries, c->trail->n, sizeof(sorted->entries[0]), by_index);
	}
	return true;
}

bool trail_verify(const struct trail *trail, const struct note_key *log_key, struct arena *arena,
		  struct verified *ret_verified)
{
	struct verified v = {0};
	struct check c = {.trail = trail, .log_key = log_key, .arena = arena, .v = &v};
	struct trail sorted = *trail;
	struct party_ref generator = {0};
	struct digest head = {0};
	bool begun = false;

	if (!begin(&c, &sorted))
		return false;
	for (size_t i = 0; i < sorted.n; i++)
		if (read_entry(&c, &sorted.entries[i]))
			learn(&c, &v.events[v.events_n - 1]);
	check_order(&c);
	for (size_t i = 0; i < v.events_n; i++) {
		const struct event *e = &v.events[i];
		check_signatures(&c, i);
		check_numbers(&c, i);
		check_seen(&c, i);
		if (e->number != trail->number)
			continue;
		if (e->kind == EVENT_ISSUED)
			generator = e->issued.generator;
		check_parties(&c, i, &generator);
		check_link(&c, i, &head, &begun);
	}
	if (!begun)
		find(&c, 0, true, "chain.empty", "there is no step of the manifest in the file",
		     "文件中没有该联单的任何步骤", NULL);
	*ret_verified = v;
	return true;
}
