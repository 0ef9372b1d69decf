/*
 * Owns the newest checkpoint and a table of known places, direct-mapped by size: what falls out of it is
 * asked again, never guessed.
 */
#include "libmanifest/view.h"

#include <stdlib.h>

enum { PLACES = 1024 };

struct mft_view {
	struct note_key key;
	struct mft_place newest;
	struct buffer checkpoint;
	struct buffer opened; /* the checkpoint of the last receipt, and what it says */
	struct mft_place opened_place;
	char *vkey; /* what the key's name is borrowed from */
	struct mft_place places[PLACES];
};

struct mft_view *mft_view_new(struct span vkey, struct mft_failure *ret_failure)
{
	struct mft_view *v = calloc(1, sizeof(*v));

	if (vkey.n > 0 && vkey.p[vkey.n - 1] == '\n')
		vkey.n--;
	if (v != NULL)
		v->vkey = malloc(vkey.n + 1);
	if (v == NULL || v->vkey == NULL) {
		mft_fail(ret_failure, MFT_FAULT_LOCAL, "memory", "out of memory", "内存不足", NULL);
		goto fail;
	}
	if (vkey.n > 0)
		memcpy(v->vkey, vkey.p, vkey.n);
	if (!note_key_parse(span_of(v->vkey, vkey.n), &v->key) || v->key.type != NOTE_ED25519) {
		mft_fail(ret_failure, MFT_FAULT_LOCAL, "log.vkey",
			 "the log's key must be one line, ORIGIN+ID+BASE64, as `manifestd` prints it",
			 "日志公钥须为一行：名称+编号+BASE64，即 `manifestd` 所给出的文本", NULL);
		goto fail;
	}
	return v;
fail:
	mft_view_free(v);
	return NULL;
}

void mft_view_free(struct mft_view *v)
{
	if (v == NULL)
		return;
	buffer_free(&v->checkpoint);
	buffer_free(&v->opened);
	free(v->vkey);
	free(v);
}

struct span mft_view_origin(const struct mft_view *v)
{
	return v->key.name;
}

const struct note_key *mft_view_key(const struct mft_view *v)
{
	return &v->key;
}

uint64_t mft_view_size(const struct mft_view *v)
{
	return v->newest.size;
}

struct span mft_view_checkpoint(const struct mft_view *v)
{
	return buffer_span(&v->checkpoint);
}

struct checkpoint_ref mft_view_seen(const struct mft_view *v)
{
	struct checkpoint_ref seen = {.size = v->newest.size, .root = v->newest.root};

	if (seen.size > 0)
		seen.origin = v->key.name;
	return seen;
}

enum log_failure mft_view_knows(const struct mft_view *v, const struct mft_place *place)
{
	const struct mft_place *known = &v->places[place->size % PLACES];

	if (place->size == v->newest.size)
		known = &v->newest;
	if (place->size == 0 || known->size != place->size)
		return LOG_KEY_MISSING;
	return digest_eq(&known->root, &place->root) ? LOG_HOLDS : LOG_NOT_CONSISTENT;
}

void mft_view_learn(struct mft_view *v, const struct mft_place *place)
{
	v->places[place->size % PLACES] = *place;
}

enum log_failure mft_view_link(const struct mft_view *v, const struct mft_place *from, struct span checkpoint,
			       const struct digest *proof, size_t proof_n, struct mft_place *ret_place)
{
	const struct checkpoint begin = {.origin = v->key.name, .size = from->size, .root = from->root};
	struct checkpoint c;
	enum log_failure failure = checkpoint_open(checkpoint, v->key.name, &v->key, &c);

	if (failure == LOG_HOLDS)
		failure = checkpoint_follows(&begin, &c, proof, proof_n);
	if (failure == LOG_HOLDS)
		*ret_place = (struct mft_place){.size = c.size, .root = c.root};
	return failure;
}

bool mft_view_advance(struct mft_view *v, struct span checkpoint, const struct mft_place *place)
{
	struct buffer copy = BUFFER_EMPTY;

	mft_view_learn(v, place);
	if (place->size <= v->newest.size)
		return true;
	buffer_put_span(&copy, checkpoint);
	if (!buffer_ok(&copy)) {
		buffer_free(&copy);
		return false;
	}
	buffer_free(&v->checkpoint);
	v->checkpoint = copy;
	v->newest = *place;
	return true;
}

/* Many receipts come under one checkpoint: its signature is verified once. */
static enum log_failure open_once(struct mft_view *v, struct span note, struct mft_place *ret_place)
{
	struct checkpoint c;

	if (v->opened.n > 0 && span_eq(buffer_span(&v->opened), note)) {
		*ret_place = v->opened_place;
		return LOG_HOLDS;
	}
	enum log_failure failure = checkpoint_open(note, v->key.name, &v->key, &c);
	if (failure != LOG_HOLDS)
		return failure;
	*ret_place = (struct mft_place){.size = c.size, .root = c.root};
	v->opened_place = *ret_place;
	buffer_clear(&v->opened);
	buffer_put_span(&v->opened, note);
	if (!buffer_ok(&v->opened))
		buffer_free(&v->opened);
	return LOG_HOLDS;
}

enum log_failure mft_view_receipt(struct mft_view *v, struct span proof, struct span entry,
				  uint64_t *ret_index, struct mft_place *ret_place)
{
	const struct digest leaf = merkle_leaf(entry);
	struct mft_place place;
	struct proof p;

	if (!proof_parse(proof, &p))
		return LOG_PROOF_MALFORMED;
	enum log_failure failure = open_once(v, p.checkpoint, &place);
	if (failure != LOG_HOLDS)
		return failure;
	if (p.index >= place.size)
		return LOG_INDEX_OUTSIDE;
	if (!merkle_inclusion_holds(p.index, place.size, &leaf, p.hashes, p.hashes_n, &place.root))
		return LOG_NOT_INCLUDED;
	*ret_index = p.index;
	*ret_place = place;
	return LOG_HOLDS;
}

enum log_failure mft_view_restore(struct mft_view *v, struct span checkpoint)
{
	const struct mft_place nothing = {0};
	struct mft_place place;
	enum log_failure failure = mft_view_link(v, &nothing, checkpoint, NULL, 0, &place);

	if (failure == LOG_HOLDS && !mft_view_advance(v, checkpoint, &place))
		failure = LOG_NOTE_MALFORMED;
	return failure;
}
