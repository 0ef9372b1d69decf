#include "manifest/files.h"

#include "base/text.h"
#include "core/note.h"
#include "crypto/key_text.h"
#include "manifest/jsontext.h"

static bool not_a(struct mft_failure *ret_failure, const char *en, const char *zh)
{
	mft_fail(ret_failure, MFT_FAULT_LOCAL, "file.malformed", en, zh, NULL);
	return false;
}

static json_t *json_of_key(const struct public_key *key)
{
	char text[KEY_TEXT_SIZE];

	public_key_text(key, text);
	return json_stringn(text, strlen(text) - 1);
}

bool card_put(const struct card *card, struct buffer *to)
{
	const struct checkpoint_ref *seen = &card->signer.seen;
	json_t *value = json_pack("{s:i,s:o,s:o}", "manifest-card", 1, "key", json_of_key(&card->key),
				  "number", json_of_u64(card->signer.number));

	if (seen->size > 0)
		(void)json_object_set_new(value, "seen",
					  json_pack("{s:o,s:o,s:o}", "origin", json_of_span(seen->origin),
						    "size", json_of_u64(seen->size), "root",
						    json_of_digest(&seen->root)));
	if (card->checkpoint.n > 0)
		(void)json_object_set_new(value, "checkpoint", json_of_span(card->checkpoint));
	bool good = json_put(value, to);
	json_decref(value);
	return good;
}

static bool take_seen(const json_t *seen, struct arena *arena, struct checkpoint_ref *ret_seen)
{
	struct span origin;

	if (seen == NULL)
		return true;
	if (!json_is_object(seen) || !json_take_text(seen, "origin", &origin) ||
	    !json_take_u64(seen, "size", &ret_seen->size) || !json_take_hex(seen, "root", &ret_seen->root) ||
	    ret_seen->size == 0)
		return false;
	ret_seen->origin = arena_copy(arena, origin);
	return ret_seen->origin.p != NULL;
}

/* A note that may be there. */
static bool take_note(const json_t *value, struct arena *arena, struct span *ret_note)
{
	if (value == NULL)
		return true;
	if (!json_is_string(value) || json_string_length(value) > NOTE_SIZE_MAX)
		return false;
	*ret_note = arena_copy(arena, span_of(json_string_value(value), json_string_length(value)));
	return ret_note->p != NULL;
}

static bool take_key(const json_t *value, struct public_key *ret_key)
{
	return json_is_string(value) &&
	       public_key_parse(span_of(json_string_value(value), json_string_length(value)), ret_key);
}

bool card_parse(struct span text, struct arena *arena, struct card *ret_card, struct mft_failure *ret_failure)
{
	struct card card = {0};
	json_t *value = json_object_parse(text);
	bool good = value != NULL && json_integer_value(json_object_get(value, "manifest-card")) == 1 &&
		    take_key(json_object_get(value, "key"), &card.key) &&
		    json_take_u64(value, "number", &card.signer.number) && card.signer.number > 0 &&
		    take_seen(json_object_get(value, "seen"), arena, &card.signer.seen) &&
		    take_note(json_object_get(value, "checkpoint"), arena, &card.checkpoint);

	json_decref(value);
	if (!good)
		return not_a(ret_failure, "not a card; `manifest key card` makes one",
			     "不是签署卡；可用 `manifest key card` 生成");
	card.signer.keyid = key_id(&card.key);
	*ret_card = card;
	return true;
}

bool event_file_put(struct span envelope, const struct public_key *keys, const struct span *checkpoints,
		    size_t keys_n, struct buffer *to)
{
	struct arena *arena = arena_new(REQUEST_MEMORY);
	struct problems problems = {.arena = arena};
	struct envelope e;
	bool good = arena != NULL && envelope_decode(envelope, EVENT_PAYLOAD_TYPE, arena, &problems, &e);

	if (good) {
		json_t *signatures = json_array();
		json_t *texts = json_array();
		json_t *notes = json_array();
		for (size_t i = 0; i < e.signatures_n; i++)
			(void)json_array_append_new(
			    signatures,
			    json_pack("{s:o,s:o}", "keyid", json_of_digest(&e.signatures[i].keyid), "sig",
				      json_of_base64(span_of(e.signatures[i].sig.b, SIGNATURE_SIZE))));
		for (size_t i = 0; i < keys_n; i++) {
			(void)json_array_append_new(texts, json_of_key(&keys[i]));
			(void)json_array_append_new(notes, json_of_span(checkpoints[i]));
		}
		json_t *value = json_pack("{s:o,s:s,s:o,s:o,s:o}", "payload", json_of_base64(e.payload),
					  "payloadType", EVENT_PAYLOAD_TYPE, "signatures", signatures, "keys",
					  texts, "checkpoints", notes);
		good = json_put(value, to);
		json_decref(value);
	}
	arena_free(arena);
	return good;
}

static bool take_signature(const json_t *value, struct arena *arena, struct envelope_signature *ret_signature)
{
	struct span sig;

	if (!json_is_object(value) || !json_take_hex(value, "keyid", &ret_signature->keyid) ||
	    !json_take_base64(value, "sig", arena, &sig) || sig.n != SIGNATURE_SIZE)
		return false;
	memcpy(ret_signature->sig.b, sig.p, SIGNATURE_SIZE);
	return true;
}

static bool take_envelope(const json_t *value, struct arena *arena, struct span *ret_envelope)
{
	struct envelope e = {.payload_type = span_str(EVENT_PAYLOAD_TYPE)};
	const json_t *signatures = json_object_get(value, "signatures");
	struct buffer bytes = BUFFER_EMPTY;
	struct span type;

	if (!json_take_text(value, "payloadType", &type) || !span_eq(type, e.payload_type) ||
	    !json_take_base64(value, "payload", arena, &e.payload) || e.payload.n == 0 ||
	    e.payload.n > PAYLOAD_MAX)
		return false;
	e.signatures_n = json_array_size(signatures);
	if (e.signatures_n == 0 || e.signatures_n > MAX_SIGNERS)
		return false;
	for (size_t i = 0; i < e.signatures_n; i++)
		if (!take_signature(json_array_get(signatures, i), arena, &e.signatures[i]))
			return false;
	bool good = envelope_encode(&e, &bytes);
	*ret_envelope = good ? arena_copy(arena, buffer_span(&bytes)) : span_of(NULL, 0);
	buffer_free(&bytes);
	return ret_envelope->p != NULL;
}

bool event_file_parse(struct span bytes, struct arena *arena, struct event_file *ret_file,
		      struct mft_failure *ret_failure)
{
	struct event_file file = {0};
	json_t *value = bytes.n > 0 && bytes.p[0] == '{' ? json_object_parse(bytes) : NULL;

	if (value == NULL) {
		*ret_file = (struct event_file){.envelope = arena_copy(arena, bytes)};
		return bytes.n > 0 && bytes.n <= ENVELOPE_MAX && ret_file->envelope.p != NULL
			   ? true
			   : not_a(ret_failure, "not an event file", "不是事件文件");
	}
	const json_t *keys = json_object_get(value, "keys");
	const json_t *notes = json_object_get(value, "checkpoints"); /* files of before have none */
	file.keys_n = json_array_size(keys);
	bool good = file.keys_n <= MAX_SIGNERS && take_envelope(value, arena, &file.envelope);
	for (size_t i = 0; i < file.keys_n && good; i++)
		good = take_key(json_array_get(keys, i), &file.keys[i]) &&
		       take_note(json_array_get(notes, i), arena, &file.checkpoints[i]);
	json_decref(value);
	if (!good)
		return not_a(ret_failure, "not an event file", "不是事件文件");
	*ret_file = file;
	return true;
}
