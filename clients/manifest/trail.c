/* The file of a trail: JSON, with the entries in base64 and the proofs as their own standard texts. */
#include "manifest/trail.h"

#include "core/number.h"
#include "manifest/jsontext.h"

bool trail_put(const struct trail *trail, struct buffer *to)
{
	json_t *entries = json_array();
	char number[NUMBER_DIGITS + 1];

	for (size_t i = 0; i < trail->n; i++)
		(void)json_array_append_new(
		    entries, json_pack("{s:o,s:o,s:o}", "index", json_of_u64(trail->entries[i].index),
				       "entry", json_of_base64(trail->entries[i].entry), "proof",
				       json_of_span(trail->entries[i].proof)));
	manifest_number_format(trail->number, number);
	json_t *value = json_pack("{s:i,s:s,s:o}", "manifest-trail", 1, "number", number, "entries", entries);
	bool good = json_put(value, to);
	json_decref(value);
	return good;
}

static bool take_entry(const json_t *value, struct arena *arena, struct trail_entry *ret_entry)
{
	struct span proof;

	if (!json_is_object(value) || !json_take_u64(value, "index", &ret_entry->index) ||
	    !json_take_base64(value, "entry", arena, &ret_entry->entry) ||
	    !json_take_text(value, "proof", &proof))
		return false;
	ret_entry->proof = arena_copy(arena, proof);
	return ret_entry->proof.p != NULL;
}

bool trail_parse(struct span text, struct arena *arena, struct trail *ret_trail,
		 struct mft_failure *ret_failure)
{
	struct trail trail = {0};
	struct span number;
	json_t *value = json_object_parse(text);
	const json_t *entries = json_object_get(value, "entries");
	bool good = value != NULL && json_integer_value(json_object_get(value, "manifest-trail")) == 1 &&
		    json_take_text(value, "number", &number) && manifest_number_parse(number, &trail.number);

	trail.n = json_array_size(entries);
	if (good)
		trail.entries = trail.n <= TRAIL_ENTRIES_MAX
				    ? arena_array(arena, trail.n + 1, sizeof(trail.entries[0]))
				    : NULL;
	good = good && trail.entries != NULL;
	for (size_t i = 0; i < trail.n && good; i++)
		good = take_entry(json_array_get(entries, i), arena, &trail.entries[i]);
	json_decref(value);
	if (!good) {
		mft_fail(ret_failure, MFT_FAULT_LOCAL, "trail.malformed",
			 "not a trail file; `manifest inspector trail NUMBER --save FILE` makes one",
			 "不是轨迹文件；可用 `manifest inspector trail 编号 --save 文件` 生成", NULL);
		return false;
	}
	*ret_trail = trail;
	return true;
}
