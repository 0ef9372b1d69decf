/*
 * Authorisation, in one place: which role may ask what, and what it then sees. Who may sign what is the law's
 * (core/signers.c); who brings an envelope does not matter.
 */
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
    {QUERY_ENTRY, PARTIES | AUTHORITY},
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

struct span access_division(const struct key_record *key)
{
	return key == NULL || key->party == NULL ? span_str("") : key->party->party.division;
}

struct scope access_scope(enum role role, const struct key_record *key)
{
	if (role == ROLE_REGISTRAR || role == ROLE_AUDITOR)
		return (struct scope){.all = true};
	if (role == ROLE_INSPECTOR)
		return (struct scope){.division = access_division(key)};
	return (struct scope){.party = key == NULL || key->party == NULL ? 0 : key->party->no};
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

	if (life > p->config.tuning.token_life)
		life = p->config.tuning.token_life;
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
	    .key = key->no, .role = key->role, .party = *ref, .scope = access_scope(key->role, key)};
	return true;
}
