/* Bundles and trails are the same entries and proofs, in two forms. */
#include "manifest/bundle_file.h"

#include <stdlib.h>

static int by_index(const void *a, const void *b)
{
	const struct bundle_entry *x = a;
	const struct bundle_entry *y = b;

	return x->index < y->index ? -1 : x->index > y->index;
}

static bool take_entry(const struct trail_entry *from, struct arena *arena, struct bundle_entry *ret_entry,
		       struct span *ret_checkpoint)
{
	struct proof p;
	struct digest *hashes = NULL;

	if (!proof_parse(from->proof, &p) || p.index != from->index)
		return false;
	hashes = arena_array(arena, p.hashes_n + 1, sizeof(hashes[0]));
	if (hashes == NULL)
		return false;
	memcpy(hashes, p.hashes, p.hashes_n * sizeof(hashes[0]));
	*ret_entry = (struct bundle_entry){
	    .index = p.index, .entry = from->entry, .hashes = hashes, .hashes_n = p.hashes_n};
	*ret_checkpoint = p.checkpoint;
	return true;
}

bool bundle_of_trail(const struct trail *trail, struct arena *arena, struct bundle *ret_bundle)
{
	struct bundle_entry *entries = arena_array(arena, trail->n + 1, sizeof(entries[0]));
	struct bundle b = {.number = trail->number, .n = trail->n};

	if (entries == NULL)
		return false;
	for (size_t i = 0; i < trail->n; i++) {
		struct span checkpoint;
		if (!take_entry(&trail->entries[i], arena, &entries[i], &checkpoint) ||
		    (i > 0 && !span_eq(checkpoint, b.checkpoint)))
			return false;
		b.checkpoint = checkpoint;
	}
	qsort(entries, b.n, sizeof(entries[0]), by_index);
	b.entries = entries;
	*ret_bundle = b;
	return true;
}

bool trail_of_bundle(const struct bundle *bundle, struct arena *arena, struct trail *ret_trail)
{
	struct trail t = {.number = bundle->number, .n = bundle->n};
	struct buffer proof = BUFFER_EMPTY;
	bool good = true;

	t.entries = arena_array(arena, bundle->n, sizeof(t.entries[0]));
	for (size_t i = 0; i < bundle->n && t.entries != NULL && good; i++) {
		struct trail_entry *e = &t.entries[i];
		buffer_clear(&proof);
		bundle_put_receipt(bundle, i, &proof);
		*e = (struct trail_entry){.index = bundle->entries[i].index,
					  .entry = bundle->entries[i].entry};
		e->proof = arena_copy(arena, buffer_span(&proof));
		good = buffer_ok(&proof) && e->proof.p != NULL;
	}
	buffer_free(&proof);
	if (!good || t.entries == NULL)
		return false;
	*ret_trail = t;
	return true;
}

bool trail_or_bundle_parse(struct span text, struct arena *arena, struct trail *ret_trail,
			   struct mft_failure *ret_failure)
{
	static const char head[] = "manifest-bundle@";
	struct bundle b;

	if (text.n < sizeof(head) - 1 || memcmp(text.p, head, sizeof(head) - 1) != 0)
		return trail_parse(text, arena, ret_trail, ret_failure);
	if (bundle_parse(text, arena, &b) && trail_of_bundle(&b, arena, ret_trail))
		return true;
	mft_fail(ret_failure, MFT_FAULT_LOCAL, "bundle.malformed",
		 "the bundle is malformed: the file may be cut short or altered",
		 "证据包格式不正确：文件可能被截断或改动", NULL);
	return false;
}
