/*
 * Authorisation, in one place: which role may ask what, and what it then sees. Who may sign what is the law's
 * (core/signers.c); who brings an envelope does not matter.
 */
#include <stdlib.h>

#include "path/internal.h"

#define BIT(r)    (1U << (r))
#define PARTIES   (BIT(ROLE_GENERATOR) | BIT(ROLE_TRANSPORTER) | BIT(ROLE_FACILITY))
#define AUTHORITY (BIT(ROLE_REGISTRAR) | BIT(ROLE_INSPECTOR) | BIT(ROLE_AUDITOR))

static const struct {
	enum query_kind kind;
	uint32_t roles;
} queries[] = {
    {QUERY_FLAGS, PARTIES | AUTHORITY},
    {QUERY_TRAIL, PARTIES | AUTHORITY},
    {QUERY_SEARCH, PARTIES | AUTHORITY},
    {QUERY_SUMMARY, PARTIES | AUTHORITY},
    {QUERY_CHECKPOINT, PARTIES | AUTHORITY},
    {QUERY_ENTRY, BIT(ROLE_REGISTRAR) | BIT(ROLE_AUDITOR)},
    {QUERY_BLOCKS, BIT(ROLE_GENERATOR)},
    {QUERY_TOKEN, PARTIES | AUTHORITY},
    {QUERY_WATCH, BIT(ROLE_INSPECTOR) | BIT(ROLE_REGISTRAR)},
};

bool access_allowed(enum role role, enum query_kind kind)
{
	for (size_t i = 0; i < ARRAY_LEN(queries); i++)
		if (queries[i].kind == kind)
			return (queries[i].roles & BIT(role)) != 0;
	return false;
}

bool access_bundles(enum role role)
{
	return role == ROLE_AUDITOR;
}

struct scope access_scope(enum role role, const struct party_ref *party, struct span division)
{
	if (role == ROLE_REGISTRAR || role == ROLE_AUDITOR)
		return (struct scope){.all = true};
	if (role == ROLE_INSPECTOR)
		return (struct scope){.division = division};
	return (struct scope){.party = *party};
}

struct span access_division(const struct key_record *key)
{
	return key == NULL || key->party == NULL ? span_str("") : key->party->party.division;
}

bool access_key_good(const struct key_record *key, micros now)
{
	return key != NULL && now >= key->valid_from && (key->revoked_from == 0 || now < key->revoked_from);
}

/* ---- tokens for HTTP ---- */

void access_token(struct path *p, const struct session *s, uint64_t id, uint32_t seconds)
{
	char text[TOKEN_TEXT_SIZE];
	micros life = (micros)seconds * MICROS_PER_SECOND;
	struct frame f = {.id = id, .last = true, .kind = FRAME_ANSWER, .answer = {.kind = ANSWER_TOKEN}};

	if (life > p->config.token_life)
		life = p->config.token_life;
	f.answer.token.expires_at = path_now(p) + life;
	token_make(p->config.token_key, &s->keyid, f.answer.token.expires_at, text);
	f.answer.token.token = span_str(text);
	send_frame(p, s->conn, &f);
}

bool path_token(const struct path *p, struct span token, struct reader_identity *ret_identity)
{
	struct digest keyid;
	micros expires_at = 0;
	micros now = path_now(p);

	if (!token_open(p->config.token_key, token, &keyid, &expires_at) || expires_at <= now)
		return false;
	const struct key_record *key = registry_key(p->registry, &keyid);
	if (!access_key_good(key, now))
		return false;
	static const struct party_ref nobody;
	const struct party_ref *ref = key->party == NULL ? &nobody : &key->party->party.ref;
	*ret_identity = (struct reader_identity){
	    .role = key->role, .party = *ref, .scope = access_scope(key->role, ref, access_division(key))};
	return true;
}

/* ---- token buckets ---- */

/* Buckets by the dense numbers of keys and parties. */
struct meter {
	struct bucket events;
	struct bucket bytes;
};

struct limits {
	struct meter *of[2]; /* keys, parties */
	size_t n[2];
};

static struct meter *meter(struct limits *l, int which, size_t no)
{
	if (no >= l->n[which]) {
		size_t n = 2 * no + 64;
		struct meter *grown = realloc(l->of[which], n * sizeof(*grown));
		if (grown == NULL)
			return NULL;
		memset(grown + l->n[which], 0, (n - l->n[which]) * sizeof(*grown));
		l->of[which] = grown;
		l->n[which] = n;
	}
	return &l->of[which][no];
}

struct limits *limits_new(void)
{
	return calloc(1, sizeof(struct limits));
}

void limits_free(struct limits *l)
{
	if (l == NULL)
		return;
	free(l->of[0]);
	free(l->of[1]);
	free(l);
}

micros limits_take(struct path *p, const struct session *s, size_t bytes)
{
	const struct path_config *c = &p->config;
	const struct party_record *party = registry_party(p->registry, &s->party);
	struct meter *key = meter(p->limits, 0, s->key);
	struct meter *all = meter(p->limits, 1, party == NULL ? 0 : party->no);

	if (key == NULL || all == NULL)
		return MICROS_PER_SECOND;
	struct {
		struct bucket *bucket;
		const struct bucket_rate *rate;
		int64_t n;
	} takes[] = {
	    {&key->events, &c->key_events, 1},
	    {&key->bytes, &c->key_bytes, (int64_t)bytes},
	    {&all->events, &c->party_events, 1},
	    {&all->bytes, &c->party_bytes, (int64_t)bytes},
	};
	size_t n = party == NULL ? 2 : ARRAY_LEN(takes);
	micros now = path_now(p);
	micros wait = 0;

	for (size_t i = 0; i < n; i++) {
		micros w = bucket_wait(takes[i].bucket, takes[i].rate, takes[i].n, now);
		wait = w > wait ? w : wait;
	}
	for (size_t i = 0; i < n && wait == 0; i++)
		bucket_take(takes[i].bucket, takes[i].rate, takes[i].n, now);
	return wait;
}
