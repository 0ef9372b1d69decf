/* Owns the file of evidence, and when it proves something. */
#include "manifest/evidence.h"

#include "base/text.h"
#include "core/proof_plan.h"
#include "manifest/jsontext.h"

/* ---- reading a tree ---- */

static bool build(struct log_source *source, const struct proof_plan *plan, struct arena *arena,
		  struct digest *ret_proof, struct mft_failure *ret_failure)
{
	const struct digest *tiles[PROOF_TILES_MAX];
	struct buffer bytes = BUFFER_EMPTY;
	bool good = true;

	for (size_t i = 0; i < plan->tiles_n && good; i++) {
		buffer_clear(&bytes);
		good = log_source_tile(source, &plan->tiles[i], &bytes, ret_failure);
		if (!good)
			break;
		struct digest *nodes = arena_array(arena, TILE_NODES, sizeof(*nodes));
		good = nodes != NULL;
		if (!good) {
			mft_fail(ret_failure, MFT_FAULT_LOCAL, "memory", "out of memory", "内存不足", NULL);
			break;
		}
		memcpy(nodes, bytes.p, plan->tiles[i].width * sizeof(*nodes));
		tile_hash_nodes(nodes, plan->tiles[i].width);
		tiles[i] = nodes;
	}
	if (good)
		plan_build(plan, tiles, ret_proof);
	buffer_free(&bytes);
	return good;
}

static bool read_root(struct log_source *source, uint64_t size, struct arena *arena, struct digest *ret_root,
		      struct mft_failure *ret_failure)
{
	struct proof_plan plan;

	if (plan_root(size, &plan))
		return build(source, &plan, arena, ret_root, ret_failure);
	*ret_root = merkle_root(NULL, 0);
	return true;
}

bool stretch_read(struct log_source *source, uint64_t from, uint64_t to, struct arena *arena,
		  struct stretch *ret_stretch, struct mft_failure *ret_failure)
{
	struct stretch s = {.from = from, .to = to};
	struct proof_plan plan;

	if (!read_root(source, from, arena, &s.from_root, ret_failure) ||
	    !read_root(source, to, arena, &s.to_root, ret_failure))
		return false;
	if (plan_consistency(from, to, &plan)) {
		if (!build(source, &plan, arena, s.proof, ret_failure))
			return false;
		s.proof_n = plan.steps_n;
	}
	*ret_stretch = s;
	return true;
}

/* ---- the file ---- */

bool evidence_put(const struct evidence *e, struct buffer *to)
{
	json_t *proof = json_array();

	for (size_t i = 0; i < e->proof_n; i++)
		(void)json_array_append_new(proof, json_of_digest(&e->proof[i]));
	json_t *value = json_pack("{s:i,s:o,s:o,s:o,s:o}", "manifest-evidence", 1, "smaller",
				  json_of_span(e->smaller), "larger", json_of_span(e->larger), "root",
				  json_of_digest(&e->root), "consistency", proof);
	bool good = json_put(value, to);
	json_decref(value);
	return good;
}

static bool take_note(const json_t *value, const char *name, struct arena *arena, struct span *ret_note)
{
	struct span text;

	if (!json_take_text(value, name, &text))
		return false;
	*ret_note = arena_copy(arena, text);
	return ret_note->p != NULL;
}

static bool take_proof(const json_t *list, struct evidence *e)
{
	e->proof_n = json_array_size(list);
	if (!json_is_array(list) || e->proof_n > MERKLE_PROOF_MAX)
		return false;
	for (size_t i = 0; i < e->proof_n; i++) {
		const char *text = json_string_value(json_array_get(list, i));
		if (text == NULL || !hex_decode(span_str(text), e->proof[i].b, DIGEST_SIZE))
			return false;
	}
	return true;
}

bool evidence_parse(struct span text, struct arena *arena, struct evidence *ret_evidence)
{
	struct evidence e = {0};
	json_t *value = json_object_parse(text);
	bool good = value != NULL && json_integer_value(json_object_get(value, "manifest-evidence")) == 1 &&
		    take_note(value, "smaller", arena, &e.smaller) &&
		    take_note(value, "larger", arena, &e.larger) && json_take_hex(value, "root", &e.root) &&
		    take_proof(json_object_get(value, "consistency"), &e);

	json_decref(value);
	if (good)
		*ret_evidence = e;
	return good;
}

bool evidence_proves(const struct evidence *e, const struct note_key *log_key, struct checkpoint *ret_smaller,
		     struct checkpoint *ret_larger)
{
	struct checkpoint smaller, larger;

	if (checkpoint_open(e->smaller, log_key->name, log_key, &smaller) != LOG_HOLDS ||
	    checkpoint_open(e->larger, log_key->name, log_key, &larger) != LOG_HOLDS)
		return false;
	bool proves = smaller.size == larger.size
			  ? !digest_eq(&smaller.root, &larger.root)
			  : !digest_eq(&smaller.root, &e->root) &&
				merkle_consistency_holds(smaller.size, larger.size, e->proof, e->proof_n,
							 &e->root, &larger.root);
	if (proves) {
		*ret_smaller = smaller;
		*ret_larger = larger;
	}
	return proves;
}
